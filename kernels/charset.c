#include "kernels/charset.h"
#include "kernels/charset_labels.h"

#include <errno.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Bytes 0x80 to 0x9f of windows-1252; all others stand for themselves. */
static const uint16_t windows_1252_high[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

static uint32_t single_byte(enum charset_kind kind, uint8_t byte)
{
    if (kind == CHARSET_USER_DEFINED)
        return 0xf780u + (byte - 0x80u);
    return byte < 0xa0 ? windows_1252_high[byte - 0x80] : byte;
}

static bool convert_single_byte(enum charset_kind kind, const uint8_t *in, size_t n, struct bytebuf *out)
{
    if (!bytebuf_reserve(out, 3 * n))
        return false;
    uint8_t *to = out->data;
    for (size_t i = 0; i < n; i++) {
        if (in[i] < 0x80)
            *to++ = in[i];
        else
            to += utf8_encode(single_byte(kind, in[i]), to);
    }
    out->size = (size_t)(to - out->data);
    return true;
}

/* After EILSEQ or EINVAL: U+FFFD for what cannot be read, and on behind it. */
static bool skip_bad_unit(struct bytebuf *out, char **at, size_t *left, size_t unit)
{
    size_t skipped = *left < unit ? *left : unit;
    *at += skipped;
    *left -= skipped;
    return bytebuf_append(out, replacement, 3);
}

static bool convert_iconv(iconv_t descriptor, size_t unit, const uint8_t *in, size_t n, struct bytebuf *out)
{
    char *at = (char *)(uintptr_t)in; /* iconv's prototype lacks the const; it does not write there */
    size_t left = n;
    iconv(descriptor, NULL, NULL, NULL, NULL);
    while (left > 0) {
        if (!bytebuf_reserve(out, 16))
            return false;
        char *to = (char *)out->data + out->size;
        size_t room = out->capacity - out->size;
        size_t result = iconv(descriptor, &at, &left, &to, &room);
        int error = errno;
        out->size = out->capacity - room;
        if (result != (size_t)-1)
            continue;
        if (error == E2BIG ? !bytebuf_grow(out)
                           : !skip_bad_unit(out, &at, &left, error == EINVAL ? left : unit))
            return false;
    }
    if (!bytebuf_reserve(out, 16))
        return false;
    char *to = (char *)out->data + out->size;
    size_t room = out->capacity - out->size;
    iconv(descriptor, NULL, NULL, &to, &room); /* some converters hold the last character back */
    out->size = out->capacity - room;
    return true;
}

static bool open_converter(struct charset_scratch *scratch, const struct charset *charset)
{
    if (scratch->open == charset)
        return true;
    charset_scratch_free(scratch);
    iconv_t descriptor = iconv_open("UTF-8", charset->iconv_name);
    if (descriptor == (iconv_t)-1) /* NOLINT: the value POSIX defines */
        return false;
    *scratch = (struct charset_scratch){charset, descriptor};
    return true;
}

void charset_scratch_free(struct charset_scratch *scratch)
{
    if (scratch->open)
        iconv_close(scratch->descriptor);
    *scratch = (struct charset_scratch){0};
}

static enum charset_status convert(struct charset_scratch *scratch, const struct charset *charset,
                                   const uint8_t *in, size_t n, struct bytebuf *out)
{
    bool done = false;
    switch (charset->kind) {
    case CHARSET_UTF8:
        done = utf8_sanitize(in, n, out);
        break;
    case CHARSET_WINDOWS_1252:
    case CHARSET_USER_DEFINED:
        done = convert_single_byte(charset->kind, in, n, out);
        break;
    case CHARSET_REPLACEMENT:
        done = bytebuf_append(out, replacement, n ? 3 : 0);
        break;
    case CHARSET_UTF16:
    case CHARSET_ICONV:
        if (!open_converter(scratch, charset))
            return CHARSET_NO_CONVERTER;
        done = convert_iconv(scratch->descriptor, charset->kind == CHARSET_UTF16 ? 2 : 1, in, n, out);
        break;
    }
    return done ? CHARSET_OK : CHARSET_NO_MEMORY;
}

enum charset_status charset_to_utf8(struct charset_scratch *scratch, const struct charset *charset,
                                    const uint8_t *in, size_t n, struct bytes *out)
{
    *out = (struct bytes){.data = in, .size = n};
    if (charset->kind == CHARSET_UTF8 && utf8_valid_prefix(in, n) == n)
        return CHARSET_OK;
    struct bytebuf buffer;
    bytebuf_init(&buffer, n <= (SIZE_MAX - 64) / 3 ? 3 * n + 64 : SIZE_MAX);
    enum charset_status status = convert(scratch, charset, in, n, &buffer);
    if (status == CHARSET_OK)
        bytebuf_take(&buffer, out);
    else
        *out = (struct bytes){0};
    bytebuf_free(&buffer);
    return status;
}
