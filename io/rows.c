#include "io/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All the names together: what a header line may take. */
enum { NAMES_MAX = 1 << 20 };

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static bool ends_with(const char *text, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len >= n && strncasecmp(text + len - n, suffix, n) == 0;
}

enum rows_format rows_format_of(const char *path)
{
    size_t len = path ? strlen(path) : 0;
    if (ends_with(path, len, ".gz"))
        len -= 3;
    else if (ends_with(path, len, ".zst"))
        len -= 4;
    return ends_with(path, len, ".csv") ? ROWS_CSV : ends_with(path, len, ".jsonl") ? ROWS_JSONL : ROWS_TSV;
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Bytes of the character that begins at `at` (Unicode 15, table 3-7), or 0: then `*bad` is set to those of
 * the maximal subpart that one U+FFFD stands for. */
static size_t character(const unsigned char *at, size_t len, size_t *bad)
{
    unsigned char c = at[0], low = 0x80, high = 0xbf;
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    *bad = 1;
    if (n < 2)
        return n;
    low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : low;
    high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : high;
    if (len < 2 || at[1] < low || at[1] > high)
        return 0;
    for (*bad = 2; *bad < n; ++*bad)
        if (*bad == len || !is_continuation(at[*bad]))
            return 0;
    return n;
}

/* What a format makes of each byte of ASCII: 0 means as it is. */
typedef bool escape_function(struct buffer *out, unsigned char c);

static bool tsv_special(unsigned char c)
{
    return c == '\t' || c == '\n' || c == '\r' || c == '\\' || c == '\0';
}

static bool tsv_escape(struct buffer *out, unsigned char c)
{
    char text[2] = {'\\', c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\0' ? '0' : '\\'};
    return buffer_add(out, text, 2);
}

static bool csv_special(unsigned char c)
{
    return c == '"' || c == '\0';
}

static bool csv_escape(struct buffer *out, unsigned char c)
{
    return c == '"' ? buffer_add(out, "\"\"", 2) : buffer_add(out, replacement, 3);
}

/* DEL is escaped too, so that no row that is shown can drive a terminal. */
static bool json_special(unsigned char c)
{
    return c < ' ' || c == '"' || c == '\\' || c == 0x7f;
}

static bool json_escape(struct buffer *out, unsigned char c)
{
    switch (c) {
    case '"':
        return buffer_add(out, "\\\"", 2);
    case '\\':
        return buffer_add(out, "\\\\", 2);
    case '\n':
        return buffer_add(out, "\\n", 2);
    case '\r':
        return buffer_add(out, "\\r", 2);
    case '\t':
        return buffer_add(out, "\\t", 2);
    default:
        return buffer_addf(out, "\\u%04x", (unsigned)c);
    }
}

/* Runs of bytes that stay as they are go out at once. */
static bool add_escaped(struct buffer *out, const char *text, size_t len, bool (*special)(unsigned char),
                        escape_function *escape)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t from = 0, at = 0;
    while (at < len) {
        size_t bad = 0, n = 1;
        if (bytes[at] < 0x80 ? !special(bytes[at]) : (n = character(bytes + at, len - at, &bad)) > 0) {
            at += n;
            continue;
        }
        if (!buffer_add(out, text + from, at - from))
            return false;
        if (!(bytes[at] < 0x80 ? escape(out, bytes[at]) : buffer_add(out, replacement, 3)))
            return false;
        at += bad ? bad : 1;
        from = at;
    }
    return from == len || buffer_add(out, text + from, len - from);
}

static bool needs_quotes(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
            return true;
    return len == 0;
}

bool rows_json_string(struct buffer *out, const char *text, size_t len)
{
    size_t before = out->len;
    bool ok = buffer_add_byte(out, '"') && add_escaped(out, text, len, json_special, json_escape) &&
              buffer_add_byte(out, '"');
    if (!ok)
        buffer_cut(out, before);
    return ok;
}

static bool add_text(struct buffer *out, enum rows_format format, const char *text, size_t len)
{
    bool quotes = format == ROWS_JSONL || (format == ROWS_CSV && needs_quotes(text, len));
    if (quotes && !buffer_add_byte(out, '"'))
        return false;
    bool ok = format == ROWS_TSV   ? add_escaped(out, text, len, tsv_special, tsv_escape)
              : format == ROWS_CSV ? add_escaped(out, text, len, csv_special, csv_escape)
                                   : add_escaped(out, text, len, json_special, json_escape);
    return ok && (!quotes || buffer_add_byte(out, '"'));
}

static bool add_uint(struct buffer *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return buffer_add(out, digits + at, sizeof(digits) - at);
}

/* The decimal point is a point whatever the locale is. */
static bool add_real(struct buffer *out, enum rows_format format, double value)
{
    char text[40];
    if (!isfinite(value))
        return format == ROWS_JSONL ? buffer_add(out, "null", 4)
                                    : buffer_add_text(out, isnan(value) ? "nan"
                                                           : value < 0  ? "-inf"
                                                                        : "inf");
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '.';
    return buffer_add_text(out, text);
}

static bool add_cell(struct buffer *out, enum rows_format format, const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_TEXT:
        return add_text(out, format, cell->text, cell->len);
    case CELL_UINT:
        return add_uint(out, cell->uint);
    case CELL_REAL:
        return add_real(out, format, cell->real);
    default:
        return format != ROWS_JSONL || buffer_add(out, "null", 4);
    }
}

/* What stands before the value of column `i`. */
static bool add_name(struct rows *r, size_t i, const char *name)
{
    size_t len = strlen(name);
    r->offsets[i] = r->names.len;
    if (r->format == ROWS_JSONL)
        return buffer_add_byte(&r->names, i ? ',' : '{') && add_text(&r->names, ROWS_JSONL, name, len) &&
               buffer_add_byte(&r->names, ':');
    char separator = r->format == ROWS_TSV ? '\t' : ',';
    return (i == 0 || buffer_add_byte(&r->names, separator)) && add_text(&r->names, r->format, name, len);
}

static bool is_given_twice(const char *const *names, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(names[k], names[i]) == 0)
            return true;
    return false;
}

bool rows_init(struct rows *r, enum rows_format format, const char *const *names, size_t n)
{
    *r = (struct rows){.format = format, .n = n};
    buffer_init(&r->names, NAMES_MAX);
    r->offsets = n > 0 ? calloc(n + 1, sizeof(*r->offsets)) : NULL;
    bool ok = r->offsets != NULL;
    for (size_t i = 0; i < n && ok; i++)
        ok = !is_given_twice(names, i) && add_name(r, i, names[i]);
    if (!ok) {
        rows_free(r);
        return false;
    }
    r->offsets[n] = r->names.len;
    return true;
}

void rows_free(struct rows *r)
{
    buffer_free(&r->names);
    free(r->offsets);
    r->offsets = NULL;
    r->n = 0;
}

bool rows_format_header(const struct rows *r, struct buffer *out)
{
    size_t before = out->len;
    if (r->format == ROWS_JSONL)
        return true;
    if (buffer_add(out, r->names.data, r->names.len) && buffer_add_byte(out, '\n'))
        return true;
    buffer_cut(out, before);
    return false;
}

static bool add_row(const struct rows *r, const struct cell *cells, struct buffer *out)
{
    for (size_t i = 0; i < r->n; i++) {
        bool ok = true;
        if (r->format == ROWS_JSONL)
            ok = buffer_add(out, r->names.data + r->offsets[i], r->offsets[i + 1] - r->offsets[i]);
        else if (i > 0)
            ok = buffer_add_byte(out, r->format == ROWS_TSV ? '\t' : ',');
        if (!ok || !add_cell(out, r->format, &cells[i]))
            return false;
    }
    return r->format == ROWS_JSONL ? buffer_add(out, "}\n", 2) : buffer_add_byte(out, '\n');
}

bool rows_format_row(const struct rows *r, const struct cell *cells, size_t n, struct buffer *out)
{
    size_t before = out->len;
    if (n == r->n && add_row(r, cells, out))
        return true;
    buffer_cut(out, before);
    return false;
}
