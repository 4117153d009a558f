#include "io/table.h"

#include "io/buffer.h"
#include "io/lines.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fields {
    struct buffer text; /* the values, each ended by a NUL */
    size_t offsets[TABLE_COLUMNS_MAX];
    size_t n;
};

struct table {
    enum table_kind kind;
    char *url_column;
    bool has_header;
    size_t url_index;      /* TSV, CSV */
    struct fields header;  /* TSV, CSV */
    struct fields row;     /* TSV, CSV */
    struct buffer columns; /* the blob */
    json_t *object;        /* JSON Lines: holds the row's URL */
    char problem[JSON_ERROR_TEXT_LENGTH + 64];
};

static const char no_memory[] = "out of memory";

enum table_kind table_kind_of(const char *path)
{
    static const struct {
        const char *suffix;
        enum table_kind kind;
    } kinds[] = {{".tsv", TABLE_TSV}, {".csv", TABLE_CSV}, {".jsonl", TABLE_JSONL}};
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t n = strlen(kinds[i].suffix);
        if (len > n && strcasecmp(path + len - n, kinds[i].suffix) == 0)
            return kinds[i].kind;
    }
    return TABLE_NONE;
}

struct table *table_new(enum table_kind kind, const char *url_column)
{
    struct table *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->kind = kind;
    t->url_column = strdup(url_column);
    /* Each field has a NUL where the record had a separator; the blob holds the header's names as well, and
     * what JSON text may grow by when it is written anew. */
    buffer_init(&t->header.text, LINES_LENGTH_MAX + 2);
    buffer_init(&t->row.text, LINES_LENGTH_MAX + 2);
    buffer_init(&t->columns, 4 * (size_t)LINES_LENGTH_MAX);
    if (!t->url_column) {
        table_free(t);
        return NULL;
    }
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    free(t->url_column);
    buffer_free(&t->header.text);
    buffer_free(&t->row.text);
    buffer_free(&t->columns);
    json_decref(t->object);
    free(t);
}

bool table_needs_header(const struct table *t)
{
    return t->kind != TABLE_JSONL && !t->has_header;
}

static const char *begin_field(struct fields *f)
{
    if (f->n == TABLE_COLUMNS_MAX)
        return "too many columns";
    f->offsets[f->n++] = f->text.len;
    return NULL;
}

static char unescaped(char c)
{
    switch (c) {
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case '\\':
        return '\\';
    default:
        return '\0';
    }
}

/* One field; returns where it ends. NULL: no memory. */
static const char *split_tsv_field(struct fields *f, const char *at, const char *end)
{
    for (; at < end && *at != '\t'; at++) {
        char c = *at;
        if (c == '\\' && at + 1 < end && unescaped(at[1]))
            c = unescaped(*++at);
        if (!buffer_add_byte(&f->text, c))
            return NULL;
    }
    return at;
}

/* The same. `*why` is set where the field is malformed. */
static const char *split_csv_field(struct fields *f, const char *at, const char *end, const char **why)
{
    bool quoted = at < end && *at == '"';
    for (at += quoted; at < end && (quoted || *at != ','); at++) {
        if (quoted && *at == '"') {
            if (at + 1 == end || at[1] != '"') {
                at++;
                if (at < end && *at != ',')
                    *why = "text after a closing quote";
                return at;
            }
            at++;
        }
        if (!buffer_add_byte(&f->text, *at))
            return NULL;
    }
    if (quoted)
        *why = "a quote is not closed";
    return at;
}

/* NULL, or the reason why not. */
static const char *split(struct fields *f, enum table_kind kind, const char *text, size_t len)
{
    const char *at = text, *end = text + len, *why = NULL;
    buffer_reset(&f->text);
    f->n = 0;
    if (memchr(text, '\0', len))
        return "NUL byte in the row";
    for (;; at++) {
        why = begin_field(f);
        if (why)
            return why;
        at = kind == TABLE_CSV ? split_csv_field(f, at, end, &why) : split_tsv_field(f, at, end);
        if (why)
            return why;
        if (!at || !buffer_add_byte(&f->text, '\0'))
            return no_memory;
        if (at == end)
            return NULL;
    }
}

static const char *field(const struct fields *f, size_t i)
{
    return f->text.data + f->offsets[i];
}

static void name_columns(const struct table *t, char *why, size_t size)
{
    size_t at = (size_t)snprintf(why, size, "no column '%s'; there are:", t->url_column);
    for (size_t i = 0; i < t->header.n && at < size; i++)
        at += (size_t)snprintf(why + at, size - at, "%s '%s'", i ? "," : "", field(&t->header, i));
}

bool table_header(struct table *t, const char *text, size_t len, char *why, size_t size)
{
    const char *problem = split(&t->header, t->kind, text, len);
    if (problem) {
        (void)snprintf(why, size, "header line: %s", problem);
        return false;
    }
    for (size_t i = 0; i < t->header.n; i++) {
        if (strcmp(field(&t->header, i), t->url_column) == 0) {
            t->url_index = i;
            t->has_header = true;
            return true;
        }
    }
    name_columns(t, why, size);
    return false;
}

static bool keep(struct table *t, const char *name, const char *value)
{
    return buffer_add(&t->columns, name, strlen(name) + 1) &&
           buffer_add(&t->columns, value, strlen(value) + 1);
}

static const char *separated_row(struct table *t, const char *text, size_t len, struct table_row *out)
{
    const char *why = split(&t->row, t->kind, text, len);
    if (why)
        return why;
    if (t->row.n != t->header.n)
        return t->row.n < t->header.n ? "fewer fields than the header has"
                                      : "more fields than the header has";
    for (size_t i = 0; i < t->row.n; i++)
        if (i != t->url_index && !keep(t, field(&t->header, i), field(&t->row, i)))
            return no_memory;
    out->url = field(&t->row, t->url_index);
    return NULL;
}

static bool keep_json(struct table *t, const char *name, const json_t *value)
{
    if (json_is_null(value))
        return true;
    if (json_is_string(value))
        return keep(t, name, json_string_value(value));
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    bool ok = text && keep(t, name, text);
    free(text);
    return ok;
}

static const char *json_row(struct table *t, const char *text, size_t len, struct table_row *out)
{
    json_error_t error;
    json_decref(t->object);
    t->object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!t->object) {
        (void)snprintf(t->problem, sizeof(t->problem), "not valid JSON at byte %d: %s", error.position,
                       error.text);
        return t->problem;
    }
    if (!json_is_object(t->object))
        return "not a JSON object";
    const char *name;
    json_t *value;
    json_object_foreach(t->object, name, value)
    {
        if (strcmp(name, t->url_column) == 0)
            out->url = json_string_value(value);
        else if (!keep_json(t, name, value))
            return no_memory;
    }
    return out->url ? NULL : "no member of the URL column's name that is a string";
}

const char *table_row(struct table *t, const char *text, size_t len, struct table_row *out)
{
    *out = (struct table_row){0};
    buffer_reset(&t->columns);
    const char *why = t->kind == TABLE_JSONL ? json_row(t, text, len, out) : separated_row(t, text, len, out);
    if (why)
        return why;
    out->url_len = strlen(out->url);
    out->columns = t->columns.data;
    out->columns_len = t->columns.len;
    return NULL;
}

const char *table_column(const char *columns, size_t columns_len, const char *name)
{
    const char *at = columns, *end = columns ? columns + columns_len : NULL;
    while (at < end) {
        const char *value = memchr(at, '\0', (size_t)(end - at));
        if (!value || ++value == end || !memchr(value, '\0', (size_t)(end - value)))
            return NULL;
        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}
