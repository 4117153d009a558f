#include "io/glob.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct part {
    enum { LITERAL, WORDS, LETTERS, NUMBERS } kind;
    uint64_t count;       /* values */
    uint64_t index;       /* of the value that comes next, from 0 */
    size_t text;          /* LITERAL, WORDS: offset of the first text in the glob's texts */
    size_t word;          /* WORDS: offset of the text that comes next */
    uint64_t first, step; /* LETTERS, NUMBERS */
    int width;            /* NUMBERS: filled up with zeros to so many digits */
};

struct glob {
    struct part parts[GLOB_PARTS_MAX];
    size_t n;
    struct buffer texts; /* ended by NUL, one behind the other */
    uint64_t count;
    bool over;
};

struct reader {
    const char *text;
    size_t len, at;
    struct glob *glob;
    struct glob_error *error;
};

static bool fail(struct reader *r, size_t position, const char *text)
{
    *r->error = (struct glob_error){.position = position, .text = text};
    return false;
}

static char peek(const struct reader *r, size_t ahead)
{
    return ahead < r->len - r->at ? r->text[r->at + ahead] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool add_byte(struct reader *r, char c)
{
    return buffer_add_byte(&r->glob->texts, c) || fail(r, r->at, "out of memory");
}

static struct part *add_part(struct reader *r)
{
    struct glob *g = r->glob;
    if (g->n == GLOB_PARTS_MAX) {
        (void)fail(r, r->at, "too many globs");
        return NULL;
    }
    struct part *part = &g->parts[g->n++];
    *part = (struct part){.kind = LITERAL, .count = 1, .text = g->texts.len, .word = g->texts.len};
    return part;
}

/* The length of "[...]" if it is an IPv6 address (RFC 3986 3.2.2, a zone by RFC 6874), or 0. */
static size_t address_length(const struct reader *r)
{
    const char *text = r->text + r->at;
    const char *end = memchr(text, ']', r->len - r->at);
    if (!end)
        return 0;
    const char *zone = memchr(text, '%', (size_t)(end - text));
    size_t n = (size_t)((zone ? zone : end) - text) - 1;
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (n >= sizeof(address))
        return 0;
    memcpy(address, text + 1, n);
    address[n] = '\0';
    return inet_pton(AF_INET6, address, bytes) == 1 ? (size_t)(end - text) + 1 : 0;
}

static bool read_literal(struct reader *r)
{
    if (!add_part(r))
        return false;
    while (r->at < r->len) {
        char c = peek(r, 0), next = peek(r, 1);
        size_t address = c == '[' ? address_length(r) : 0;
        if (address == 0 && (c == '[' || c == '{'))
            break;
        if (address == 0 && (c == ']' || c == '}'))
            return fail(r, r->at, "a closing bracket without an opening one (write \\] or \\})");
        if (c == '\0')
            return fail(r, r->at, "NUL byte");
        if (c == '\\' && (next == '[' || next == ']' || next == '{' || next == '}'))
            r->at++;
        for (size_t n = address ? address : 1; n > 0; n--, r->at++)
            if (!add_byte(r, peek(r, 0)))
                return false;
    }
    return add_byte(r, '\0');
}

/* After the '{'. */
static bool read_words(struct reader *r)
{
    size_t open = r->at - 1;
    struct part *part = add_part(r);
    if (!part)
        return false;
    part->kind = WORDS;
    if (peek(r, 0) == '}')
        return fail(r, open, "empty braces");
    for (;; r->at++) {
        char c = peek(r, 0);
        if (r->at >= r->len)
            return fail(r, open, "a brace is not closed");
        if (c == '{' || c == '[' || c == ']')
            return fail(r, r->at, "brackets inside braces (write \\[, \\], \\{ or \\})");
        if (c == '}')
            break;
        part->count += c == ',';
        if (c == '\\' && r->at + 1 < r->len)
            c = r->text[++r->at];
        else if (c == ',')
            c = '\0';
        if (!add_byte(r, c))
            return false;
    }
    r->at++;
    return add_byte(r, '\0');
}

/* Overflow makes it false. */
static bool read_number(struct reader *r, uint64_t *out)
{
    size_t from = r->at;
    *out = 0;
    for (; is_digit(peek(r, 0)); r->at++) {
        uint64_t digit = (uint64_t)(peek(r, 0) - '0');
        if (*out > (UINT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    return r->at > from;
}

static bool same_case(char a, char b)
{
    return (a >= 'a' && a <= 'z' && b >= 'a' && b <= 'z') || (a >= 'A' && a <= 'Z' && b >= 'A' && b <= 'Z');
}

/* "1-100" or "a-z" */
static bool read_bounds(struct reader *r, struct part *part, uint64_t *last)
{
    char c = peek(r, 0);
    if (same_case(c, c)) {
        part->kind = LETTERS;
        part->first = (unsigned char)c;
        *last = (unsigned char)peek(r, 2);
        bool ok = peek(r, 1) == '-' && same_case(c, peek(r, 2));
        r->at += ok ? 3 : 0;
        return ok;
    }
    part->kind = NUMBERS;
    size_t from = r->at;
    if (!read_number(r, &part->first))
        return false;
    part->width = c == '0' && r->at - from <= 64 ? (int)(r->at - from) : 0;
    if (peek(r, 0) != '-')
        return false;
    r->at++;
    return read_number(r, last);
}

/* After the '['. */
static bool read_range(struct reader *r)
{
    size_t open = r->at - 1;
    struct part *part = add_part(r);
    uint64_t last = 0;
    if (!part)
        return false;
    part->step = 1;
    if (!read_bounds(r, part, &last))
        return fail(r, open, "no range: [1-100], [001-100:2] or [a-z] (write \\[ for a bracket)");
    if (peek(r, 0) == ':') {
        r->at++;
        if (!read_number(r, &part->step) || part->step == 0)
            return fail(r, r->at, "no step: [1-100:2]");
    }
    if (peek(r, 0) != ']')
        return fail(r, open, "no range: [1-100], [001-100:2] or [a-z] (write \\[ for a bracket)");
    if (last < part->first)
        return fail(r, open, "the range ends before it begins");
    part->count = (last - part->first) / part->step;
    if (part->count++ == UINT64_MAX)
        return fail(r, open, "too many URLs");
    r->at++;
    return true;
}

static bool read_pattern(struct reader *r)
{
    struct glob *g = r->glob;
    g->count = 1;
    while (r->at < r->len) {
        size_t open = r->at;
        char c = peek(r, 0);
        bool glob = c == '{' || (c == '[' && address_length(r) == 0);
        r->at += glob;
        if (!(!glob ? read_literal(r) : c == '{' ? read_words(r) : read_range(r)))
            return false;
        uint64_t count = g->parts[g->n - 1].count;
        if (g->count > UINT64_MAX / count)
            return fail(r, open, "too many URLs");
        g->count *= count;
    }
    return true;
}

struct glob *glob_parse(const char *text, size_t len, struct glob_error *error)
{
    struct reader r = {.text = text, .len = len, .error = error};
    if (len > GLOB_LENGTH_MAX) {
        (void)fail(&r, GLOB_LENGTH_MAX, "too long");
        return NULL;
    }
    r.glob = calloc(1, sizeof(*r.glob));
    if (!r.glob) {
        (void)fail(&r, 0, "out of memory");
        return NULL;
    }
    buffer_init(&r.glob->texts, GLOB_LENGTH_MAX + GLOB_PARTS_MAX);
    if (!read_pattern(&r)) {
        glob_free(r.glob);
        return NULL;
    }
    return r.glob;
}

void glob_free(struct glob *g)
{
    if (!g)
        return;
    buffer_free(&g->texts);
    free(g);
}

uint64_t glob_count(const struct glob *g)
{
    return g->count;
}

static bool write_part(const struct glob *g, const struct part *part, struct buffer *out)
{
    uint64_t value = part->first + part->index * part->step;
    switch (part->kind) {
    case LETTERS:
        return buffer_add_byte(out, (char)value);
    case NUMBERS:
        return buffer_addf(out, "%0*llu", part->width, (unsigned long long)value);
    default:
        return buffer_add_text(out, g->texts.data + part->word);
    }
}

/* False: it is back at its first value, so the part before it moves on. */
static bool advance(const struct glob *g, struct part *part)
{
    if (++part->index < part->count) {
        if (part->kind == WORDS)
            part->word += strlen(g->texts.data + part->word) + 1;
        return true;
    }
    part->index = 0;
    part->word = part->text;
    return false;
}

enum glob_step glob_next(struct glob *g, struct buffer *out)
{
    if (g->over)
        return GLOB_END;
    buffer_reset(out);
    bool ok = buffer_add(out, "", 0);
    for (size_t i = 0; i < g->n && ok; i++)
        ok = write_part(g, &g->parts[i], out);
    size_t i = g->n;
    while (i > 0 && !advance(g, &g->parts[i - 1]))
        i--;
    g->over = i == 0;
    return ok ? GLOB_TEXT : GLOB_NO_MEMORY;
}
