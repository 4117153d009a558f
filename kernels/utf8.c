/* UTF-8 checked, mended and written; declared in charset.h. */
#include "kernels/charset.h"

#include <string.h>

/*
 * The length of the sequence at `in` if it is well formed (Unicode table 3-7), else 0 and in `bad` the length
 * of the maximal subpart, which one U+FFFD replaces (Unicode section 3.9, "U+FFFD Substitution of Maximal
 * Subparts").
 */
static size_t sequence_length(const uint8_t *in, size_t n, size_t *bad)
{
    uint8_t lead = in[0];
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t length = lead < 0x80   ? 1
                    : lead < 0xc2 ? 0
                    : lead < 0xe0 ? 2
                    : lead < 0xf0 ? 3
                    : lead < 0xf5 ? 4
                                  : 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    *bad = 1;
    if (length < 2)
        return length;
    for (size_t i = 1; i < length; i++) {
        if (i == n || in[i] < low || in[i] > high) {
            *bad = i;
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

/* The first byte at or after `at` that is not ASCII; eight at a time, because most of a page is. */
static size_t skip_ascii(const uint8_t *in, size_t at, size_t n)
{
    uint64_t word;
    while (n - at >= sizeof word) {
        memcpy(&word, in + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        at += sizeof word;
    }
    while (at < n && in[at] < 0x80)
        at++;
    return at;
}

size_t utf8_valid_prefix(const uint8_t *in, size_t n)
{
    size_t at = 0;
    size_t bad;
    while (at < n) {
        at = skip_ascii(in, at, n);
        while (at < n && in[at] >= 0x80) {
            size_t length = sequence_length(in + at, n - at, &bad);
            if (length == 0)
                return at;
            at += length;
        }
    }
    return n;
}

bool utf8_sanitize(const uint8_t *in, size_t n, struct bytebuf *out)
{
    size_t at = 0;
    for (;;) {
        size_t good = utf8_valid_prefix(in + at, n - at);
        if (!bytebuf_append(out, in + at, good))
            return false;
        at += good;
        if (at == n)
            return true;
        size_t bad;
        sequence_length(in + at, n - at, &bad);
        at += bad;
        if (!bytebuf_append(out, "\xef\xbf\xbd", 3))
            return false;
    }
}

size_t utf8_encode(uint32_t code_point, uint8_t out[4])
{
    uint32_t c = code_point;
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (uint8_t)(leads[length] | c);
    return length;
}
