/* Which charset a page has: byte order mark, header, <meta>, and last the bytes themselves. */
#include "kernels/charset.h"
#include "kernels/charset_labels.h"

#include <string.h>
#include <strings.h>

enum { PRESCAN_BYTES = 1024 };

/* A place in the text being scanned. */
struct cursor {
    const char *at;
    const char *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_space(*cursor->at))
        cursor->at++;
}

static bool starts_with(const struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(cursor->end - cursor->at) >= length && strncasecmp(cursor->at, word, length) == 0;
}

/* Moves behind the next `word`; false and at the end if there is none. */
static bool skip_past(struct cursor *cursor, const char *word)
{
    while (cursor->at < cursor->end && !starts_with(cursor, word))
        cursor->at++;
    if (cursor->at == cursor->end)
        return false;
    cursor->at += strlen(word);
    return true;
}

/* "extracting a character encoding from a meta element": the label after charset= in a content or header
 * value. */
static const struct charset *extract_charset(struct cursor cursor)
{
    while (skip_past(&cursor, "charset")) {
        skip_space(&cursor);
        if (cursor.at == cursor.end || *cursor.at != '=')
            continue;
        cursor.at++;
        skip_space(&cursor);
        if (cursor.at == cursor.end)
            return NULL;
        char quote = *cursor.at;
        const char *label = cursor.at;
        if (quote == '"' || quote == '\'') {
            const char *close = memchr(label + 1, quote, (size_t)(cursor.end - label - 1));
            return close ? charset_by_label(label + 1, (size_t)(close - label - 1)) : NULL;
        }
        while (cursor.at < cursor.end && !is_space(*cursor.at) && *cursor.at != ';')
            cursor.at++;
        return charset_by_label(label, (size_t)(cursor.at - label));
    }
    return NULL;
}

struct attribute {
    struct cursor name;
    struct cursor value;
};

static bool is_named(const struct attribute *attribute, const char *name)
{
    return (size_t)(attribute->name.end - attribute->name.at) == strlen(name) &&
           starts_with(&attribute->name, name);
}

static struct cursor attribute_value(struct cursor *cursor)
{
    struct cursor value = *cursor;
    if (cursor->at < cursor->end && (*cursor->at == '"' || *cursor->at == '\'')) {
        char quote = *cursor->at++;
        value.at = cursor->at;
        while (cursor->at < cursor->end && *cursor->at != quote)
            cursor->at++;
        value.end = cursor->at;
        cursor->at += cursor->at < cursor->end;
        return value;
    }
    while (cursor->at < cursor->end && !is_space(*cursor->at) && *cursor->at != '>')
        cursor->at++;
    value.end = cursor->at;
    return value;
}

/* "get an attribute" of the prescan; false at the tag's end. */
static bool next_attribute(struct cursor *cursor, struct attribute *attribute)
{
    while (cursor->at < cursor->end && (is_space(*cursor->at) || *cursor->at == '/'))
        cursor->at++;
    if (cursor->at == cursor->end || *cursor->at == '>')
        return false;
    const char *name = cursor->at++;
    while (cursor->at < cursor->end && !is_space(*cursor->at) && !memchr("=/>", *cursor->at, 3))
        cursor->at++;
    attribute->name = (struct cursor){name, cursor->at};
    attribute->value = (struct cursor){cursor->at, cursor->at};
    skip_space(cursor);
    if (cursor->at < cursor->end && *cursor->at == '=') {
        cursor->at++;
        skip_space(cursor);
        attribute->value = attribute_value(cursor);
    }
    return true;
}

/* The charset one <meta> tag names; the cursor is behind `<meta`. */
static const struct charset *meta_charset(struct cursor *cursor)
{
    struct attribute attribute;
    bool got_pragma = false;
    const struct charset *direct = NULL;
    const struct charset *from_content = NULL;
    while (next_attribute(cursor, &attribute)) {
        if (is_named(&attribute, "http-equiv"))
            got_pragma = got_pragma || (attribute.value.end - attribute.value.at == 12 &&
                                        starts_with(&attribute.value, "content-type"));
        else if (is_named(&attribute, "content") && !from_content)
            from_content = extract_charset(attribute.value);
        else if (is_named(&attribute, "charset") && !direct)
            direct = charset_by_label(attribute.value.at, (size_t)(attribute.value.end - attribute.value.at));
    }
    return direct ? direct : got_pragma ? from_content : NULL;
}

/* A page whose <meta> could be read is no UTF-16, and x-user-defined there means windows-1252 (both by the
 * Standard). */
static const struct charset *meta_meaning(const struct charset *charset)
{
    if (charset->kind == CHARSET_UTF16)
        return charset_utf8();
    return charset->kind == CHARSET_USER_DEFINED ? charset_windows_1252() : charset;
}

static bool is_tag_start(const struct cursor *cursor)
{
    const char *at = cursor->at + 1;
    if (at < cursor->end && *at == '/')
        at++;
    return at < cursor->end && is_alpha(*at);
}

/* "prescan a byte stream to determine its encoding". */
static const struct charset *prescan(const uint8_t *in, size_t n)
{
    struct cursor cursor = {(const char *)in, (const char *)in + (n < PRESCAN_BYTES ? n : PRESCAN_BYTES)};
    struct attribute attribute;
    while (cursor.at < cursor.end) {
        if (*cursor.at != '<') {
            cursor.at++;
        } else if (starts_with(&cursor, "<!--")) {
            cursor.at += 2; /* so that <!--> is a whole comment */
            skip_past(&cursor, "-->");
        } else if (starts_with(&cursor, "<meta") && cursor.end - cursor.at > 5 &&
                   (is_space(cursor.at[5]) || cursor.at[5] == '/')) {
            cursor.at += 5;
            const struct charset *charset = meta_charset(&cursor);
            if (charset)
                return meta_meaning(charset);
        } else if (is_tag_start(&cursor)) {
            while (cursor.at < cursor.end && !is_space(*cursor.at) && *cursor.at != '>')
                cursor.at++;
            while (next_attribute(&cursor, &attribute)) {
            }
        } else if (starts_with(&cursor, "<!") || starts_with(&cursor, "</") || starts_with(&cursor, "<?")) {
            skip_past(&cursor, ">");
        } else {
            cursor.at++;
        }
    }
    return NULL;
}

static bool sniff_bom(const uint8_t *in, size_t n, struct charset_choice *choice)
{
    choice->source = CHARSET_FROM_BOM;
    if (n >= 3 && memcmp(in, "\xef\xbb\xbf", 3) == 0)
        *choice = (struct charset_choice){charset_utf8(), CHARSET_FROM_BOM, 3};
    else if (n >= 2 && memcmp(in, "\xfe\xff", 2) == 0)
        *choice = (struct charset_choice){charset_by_label("utf-16be", 8), CHARSET_FROM_BOM, 2};
    else if (n >= 2 && memcmp(in, "\xff\xfe", 2) == 0)
        *choice = (struct charset_choice){charset_by_label("utf-16le", 8), CHARSET_FROM_BOM, 2};
    else
        return false;
    return true;
}

static bool may_have_meta(const char *content_type)
{
    return !content_type || !*content_type || strcasestr(content_type, "html") ||
           strcasestr(content_type, "xml");
}

struct charset_choice charset_sniff(const uint8_t *in, size_t n, const char *content_type)
{
    struct charset_choice choice = {0};
    if (sniff_bom(in, n, &choice))
        return choice;
    const char *parameters = content_type ? strchr(content_type, ';') : NULL;
    if (parameters) {
        choice.charset = extract_charset((struct cursor){parameters, parameters + strlen(parameters)});
        choice.source = CHARSET_FROM_HEADER;
    }
    if (!choice.charset && may_have_meta(content_type)) {
        choice.charset = prescan(in, n);
        choice.source = CHARSET_FROM_META;
    }
    if (!choice.charset) {
        choice.charset = utf8_valid_prefix(in, n) == n ? charset_utf8() : charset_windows_1252();
        choice.source = CHARSET_FROM_TEXT;
    }
    return choice;
}
