#include "io/lines.h"

#include <string.h>

static const char byte_order_mark[] = "\xef\xbb\xbf";

void lines_init(struct lines *l, bool csv)
{
    /* A CR LF may follow the longest record before the next read. */
    *l = (struct lines){.line = 1, .csv = csv};
    buffer_init(&l->bytes, LINES_LENGTH_MAX + 2 + LINES_READ_MAX);
}

void lines_free(struct lines *l)
{
    buffer_free(&l->bytes);
}

char *lines_room(struct lines *l)
{
    buffer_drop(&l->bytes, l->start);
    l->start = 0;
    return buffer_room(&l->bytes, LINES_READ_MAX);
}

void lines_put(struct lines *l, size_t n)
{
    buffer_grew(&l->bytes, n);
}

void lines_end(struct lines *l)
{
    l->ended = true;
}

/* False: too little is there to tell. */
static bool pass_byte_order_mark(struct lines *l)
{
    size_t n = l->bytes.len < 3 ? l->bytes.len : 3;
    if (n < 3 && !l->ended && (n == 0 || memcmp(l->bytes.data, byte_order_mark, n) == 0))
        return false;
    l->begun = true;
    if (n == 3 && memcmp(l->bytes.data, byte_order_mark, 3) == 0)
        l->start = 3;
    return true;
}

/* False: the record isn't over with this byte. RFC 4180 2.5-2.7; a quote inside a field that does not begin
 * with one is a character like any other. */
static bool csv_step(struct lines *l, char c)
{
    if (l->state == LINES_QUOTED) {
        l->newlines += c == '\n';
        l->state = c == '"' ? LINES_QUOTE : LINES_QUOTED;
        return false;
    }
    if (c == '"' && l->state != LINES_PLAIN)
        l->state = LINES_QUOTED;
    else
        l->state = c == ',' ? LINES_FIELD : LINES_PLAIN;
    return c == '\n';
}

/* Moves `scanned` to the newline that ends the record, or behind all that is there. */
static bool find_end(struct lines *l)
{
    const char *from = l->bytes.data + l->start + l->scanned;
    size_t n = l->bytes.len - l->start - l->scanned;
    if (!l->csv) {
        const char *end = memchr(from, '\n', n);
        l->scanned += end ? (size_t)(end - from) : n;
        return end;
    }
    for (size_t i = 0; i < n; i++) {
        if (csv_step(l, from[i])) {
            l->scanned += i;
            return true;
        }
    }
    l->scanned += n;
    return false;
}

/* The record [start, start + scanned) goes out; `whole` if a newline ends it. */
static enum lines_step take(struct lines *l, bool whole, struct lines_text *out)
{
    const char *text = l->bytes.data + l->start;
    size_t len = l->scanned;
    if ((whole || l->ended) && len > 0 && text[len - 1] == '\r')
        len--;
    *out = (struct lines_text){.text = text, .len = len, .line = l->line};
    l->line += l->newlines + whole;
    l->start += l->scanned + whole;
    l->scanned = 0;
    l->newlines = 0;
    l->state = LINES_FIELD;
    if (len <= LINES_LENGTH_MAX)
        return LINES_RECORD;
    out->len = LINES_LENGTH_MAX;
    l->skipping = !whole;
    return LINES_TOO_LONG;
}

/* False: the newline isn't there yet. */
static bool skip_line(struct lines *l)
{
    const char *from = l->bytes.data + l->start;
    const char *end = memchr(from, '\n', l->bytes.len - l->start);
    l->start = end ? (size_t)(end + 1 - l->bytes.data) : l->bytes.len;
    l->line += end != NULL;
    l->skipping = !end;
    return end;
}

enum lines_step lines_next(struct lines *l, struct lines_text *out)
{
    enum lines_step none = l->ended ? LINES_END : LINES_MORE;
    if (!l->begun && !pass_byte_order_mark(l))
        return LINES_MORE;
    if (l->start == l->bytes.len)
        return none;
    if (l->skipping && (!skip_line(l) || l->start == l->bytes.len))
        return none;
    if (find_end(l))
        return take(l, true, out);
    if (l->ended || l->scanned > LINES_LENGTH_MAX + 1)
        return take(l, false, out);
    return LINES_MORE;
}
