#include "kernels/jsonptr.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct jsonptr_document {
    json_t *root;
};

static bool is_too_large_a_number(const json_error_t *error)
{
    return json_error_code(error) == json_error_numeric_overflow;
}

static json_t *load(const uint8_t *text, size_t n, size_t flags, json_error_t *error)
{
    return json_loadb((const char *)text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL | flags, error);
}

struct jsonptr_document *jsonptr_parse(const uint8_t *text, size_t n, struct jsonptr_error *error)
{
    json_error_t why = {.text = ""};
    error->message[0] = '\0';
    if (n > JSONPTR_MAX_INPUT) {
        snprintf(error->message, sizeof error->message, "JSON of more than 16 MiB");
        return NULL;
    }
    struct jsonptr_document *document = malloc(sizeof *document);
    if (!document) {
        snprintf(error->message, sizeof error->message, "out of memory");
        return NULL;
    }
    document->root = load(text, n, 0, &why);
    if (!document->root && is_too_large_a_number(&why))
        document->root = load(text, n, JSON_DECODE_INT_AS_REAL, &why);
    if (document->root)
        return document;
    snprintf(error->message, sizeof error->message, "not JSON: line %d: %.100s", why.line, why.text);
    free(document);
    return NULL;
}

void jsonptr_free(struct jsonptr_document *document)
{
    if (document)
        json_decref(document->root);
    free(document);
}

/* The token up to the next /, with ~1 and ~0 undone (in one pass, so that ~01 is ~1); its length in `size`.
 */
static char *unescape(const char *token, size_t length, size_t *size)
{
    char *name = malloc(length + 1);
    size_t made = 0;
    for (size_t i = 0; name && i < length; i++) {
        bool escaped = token[i] == '~' && i + 1 < length;
        name[made++] = escaped ? (token[++i] == '1' ? '/' : '~') : token[i];
    }
    if (name)
        name[made] = '\0';
    *size = made;
    return name;
}

/* RFC 6901 section 4: digits without a leading zero; `-` is the element behind the last, which is never
 * there. */
static const json_t *element(const json_t *array, const char *name, size_t size)
{
    size_t index = 0;
    if (size == 0 || size > 9 || (name[0] == '0' && size > 1) || strspn(name, "0123456789") != size)
        return NULL;
    for (size_t i = 0; i < size; i++)
        index = index * 10 + (size_t)(name[i] - '0');
    return json_array_get(array, index);
}

static enum jsonptr_status find(const json_t *root, const char *pointer, const json_t **value)
{
    const json_t *at = root;
    while (*pointer && at) {
        size_t size;
        size_t length = strcspn(++pointer, "/");
        char *name = unescape(pointer, length, &size);
        if (!name)
            return JSONPTR_NO_MEMORY;
        at = json_is_object(at)  ? json_object_getn(at, name, size)
             : json_is_array(at) ? element(at, name, size)
                                 : NULL;
        free(name);
        pointer += length;
    }
    *value = at;
    return at ? JSONPTR_FOUND : JSONPTR_NOT_FOUND;
}

static size_t digits_needed(double value)
{
    char text[64];
    for (int digits = 1; digits < 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return (size_t)digits;
    }
    return 17;
}

/* Of all reals in a value: jansson writes them with one precision. No deeper than jansson parses. */
static size_t precision(const json_t *value)
{
    size_t most = json_is_real(value) ? digits_needed(json_real_value(value)) : 1;
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        size_t needed = precision(member);
        most = needed > most ? needed : most;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        size_t needed = precision(json_array_get(value, i));
        most = needed > most ? needed : most;
    }
    return most;
}

static int append(const char *data, size_t size, void *out)
{
    return bytebuf_append(out, data, size) ? 0 : -1;
}

enum jsonptr_status jsonptr_get(const struct jsonptr_document *document, const char *pointer,
                                struct bytebuf *out)
{
    const json_t *value;
    enum jsonptr_status status = find(document->root, pointer, &value);
    if (status != JSONPTR_FOUND)
        return status;
    bool done;
    if (json_is_string(value)) {
        done = bytebuf_append(out, json_string_value(value), json_string_length(value));
    } else {
        size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(precision(value));
        done = json_dump_callback(value, append, out, flags) == 0;
    }
    if (done)
        return JSONPTR_FOUND;
    return out->full ? JSONPTR_TOO_LARGE : JSONPTR_NO_MEMORY;
}
