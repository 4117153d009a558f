#include "io/origin_charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const names[] = {"utf-8",
#define CHARSET_NAME(id, name) name,
                                    ORIGIN_CHARSETS(CHARSET_NAME)
#undef CHARSET_NAME
};

int origin_charset_find(const char *name, enum origin_charset *out)
{
    for (unsigned i = 1; i < sizeof(names) / sizeof(*names); i++)
        if (strcasecmp(name, names[i]) == 0) {
            *out = (enum origin_charset)i;
            return 0;
        }
    return -1;
}

const char *origin_charset_name(enum origin_charset charset)
{
    return names[charset];
}

/* The code point of the UTF-8 sequence at text and its length, 0 if it is broken. */
static size_t decode_utf8(const char *text, size_t left, uint32_t *out)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    if (length > left)
        return 0;
    *out = length == 1 ? bytes[0] : bytes[0] & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        *out = *out << 6 | (bytes[i] & 0x3fU);
    }
    return length;
}

/* Writes the character at *in as &#N; through the same converter and steps over it. */
static int put_reference(iconv_t converter, char **in, size_t *in_left, char **out, size_t *out_left)
{
    char text[16];
    uint32_t point = 0;
    size_t length = decode_utf8(*in, *in_left, &point);
    if (!length)
        return EINVAL;
    int written = snprintf(text, sizeof(text), "&#%u;", (unsigned)point);
    char *from = text;
    size_t from_left = written > 0 ? (size_t)written : 0;
    if (iconv(converter, &from, &from_left, out, out_left) == (size_t)-1)
        return EINVAL;
    *in += length;
    *in_left -= length;
    return 0;
}

static int convert(iconv_t converter, const struct origin_block *input, struct origin_block *output)
{
    char *in = (char *)(uintptr_t)input->data, *out = (char *)output->data;
    size_t in_left = input->size, out_left = output->size;
    while (in_left) {
        if (iconv(converter, &in, &in_left, &out, &out_left) != (size_t)-1)
            continue;
        if (errno != EILSEQ)
            return EINVAL;
        int error = put_reference(converter, &in, &in_left, &out, &out_left);
        if (error)
            return error;
    }
    if (iconv(converter, NULL, NULL, &out, &out_left) == (size_t)-1)
        return EINVAL;
    output->size -= out_left;
    return 0;
}

int origin_charset_apply(enum origin_charset charset, const struct origin_block *input,
                         struct origin_block **out)
{
    iconv_t converter = iconv_open(names[charset], "utf-8");
    if (converter == (iconv_t)-1)
        return errno == ENOMEM ? ENOMEM : EINVAL;
    /* The most a byte can become: an ASCII one two bytes of UTF-16, two bytes of UTF-8 a reference of seven.
     */
    *out = input->size < SIZE_MAX / 8 ? origin_block_new(input->size * 5 + 16) : NULL;
    int error = *out ? convert(converter, input, *out) : ENOMEM;
    if (iconv_close(converter) && !error)
        error = EINVAL;
    if (error) {
        origin_block_drop(*out);
        *out = NULL;
    }
    return error;
}
