#include "kernels/decode.h"

#include <brotli/decode.h>
#include <libdeflate.h>
#include <string.h>
#include <strings.h>
#include <zstd.h>

typedef enum decode_status decode_function(const uint8_t *in, size_t n, struct bytebuf *out);

const char *decode_status_text(enum decode_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        DECODE_STATUS_MAP(X)
#undef X
    };
    return (size_t)status < sizeof texts / sizeof *texts ? texts[status] : "unknown status";
}

/* Why the output could not grow. */
static enum decode_status growth_failure(const struct bytebuf *out)
{
    return out->full ? DECODE_TOO_LARGE : DECODE_NO_MEMORY;
}

/* deflate cannot expand more than 1032 times (a 258-byte match in two bits), so no size hint beyond that is
 * true. */
static size_t first_capacity(size_t hint, size_t n, size_t max)
{
    size_t possible = n <= (SIZE_MAX - 64) / 1032 ? n * 1032 + 64 : SIZE_MAX;
    if (hint > possible)
        hint = possible;
    return hint < max ? hint : max;
}

/* The last four bytes of a gzip body: the size modulo 2^32 of its last member (RFC 1952 section 2.3.1). */
static size_t gzip_size_hint(const uint8_t *in, size_t n)
{
    if (n < 18)
        return 0;
    const uint8_t *tail = in + n - 4;
    return (size_t)tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
}

typedef enum libdeflate_result inflate_function(struct libdeflate_decompressor *, const void *, size_t,
                                                void *, size_t, size_t *, size_t *);

/* One member, appended; tried again with twice the room as long as libdeflate asks for more. */
static enum decode_status inflate_member(inflate_function *inflate,
                                         struct libdeflate_decompressor *decompressor, const uint8_t *in,
                                         size_t n, size_t *used, struct bytebuf *out)
{
    for (;;) {
        size_t made = 0;
        enum libdeflate_result result =
            inflate(decompressor, in, n, out->data + out->size, out->capacity - out->size, used, &made);
        if (result == LIBDEFLATE_SUCCESS) {
            out->size += made;
            return DECODE_OK;
        }
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return DECODE_CORRUPT;
        if (!bytebuf_grow(out))
            return growth_failure(out);
    }
}

static bool is_gzip_magic(const uint8_t *in, size_t n)
{
    return n >= 2 && in[0] == 0x1f && in[1] == 0x8b;
}

/* What follows the last member and is not one is ignored, as gzip(1) and browsers do: servers pad. */
static enum decode_status inflate_gzip(const uint8_t *in, size_t n, struct bytebuf *out)
{
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    if (!decompressor || !bytebuf_reserve(out, first_capacity(gzip_size_hint(in, n), n, out->max))) {
        libdeflate_free_decompressor(decompressor);
        return DECODE_NO_MEMORY;
    }
    enum decode_status status;
    do {
        size_t used = 0;
        status = inflate_member(libdeflate_gzip_decompress_ex, decompressor, in, n, &used, out);
        in += used;
        n -= used;
    } while (status == DECODE_OK && is_gzip_magic(in, n));
    libdeflate_free_decompressor(decompressor);
    return status;
}

/* RFC 1950 section 2.2: method 8, and the first two bytes a multiple of 31. A bare stream may look so by
 * chance. */
static bool is_zlib_header(const uint8_t *in, size_t n)
{
    return n >= 2 && (in[0] & 0x0f) == 8 && ((unsigned)in[0] << 8 | in[1]) % 31 == 0;
}

static enum decode_status inflate_deflate(const uint8_t *in, size_t n, struct bytebuf *out)
{
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    size_t guess = n <= SIZE_MAX / 8 ? n * 4 : n;
    if (!decompressor || !bytebuf_reserve(out, first_capacity(guess, n, out->max))) {
        libdeflate_free_decompressor(decompressor);
        return DECODE_NO_MEMORY;
    }
    size_t used = 0;
    enum decode_status status = DECODE_CORRUPT;
    if (is_zlib_header(in, n))
        status = inflate_member(libdeflate_zlib_decompress_ex, decompressor, in, n, &used, out);
    if (status == DECODE_CORRUPT)
        status = inflate_member(libdeflate_deflate_decompress_ex, decompressor, in, n, &used, out);
    libdeflate_free_decompressor(decompressor);
    return status;
}

static enum decode_status decode_brotli(const uint8_t *in, size_t n, struct bytebuf *out)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    if (!state)
        return DECODE_NO_MEMORY;
    BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    enum decode_status status = DECODE_OK;
    while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT && status == DECODE_OK) {
        if (out->size == out->capacity && !bytebuf_grow(out)) {
            status = growth_failure(out);
            break;
        }
        size_t room = out->capacity - out->size;
        uint8_t *next = out->data + out->size;
        result = BrotliDecoderDecompressStream(state, &n, &in, &room, &next, NULL);
        out->size = out->capacity - room;
    }
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
        status = DECODE_TRUNCATED;
    else if (result == BROTLI_DECODER_RESULT_ERROR)
        status = DECODE_CORRUPT;
    BrotliDecoderDestroyInstance(state);
    return status;
}

static enum decode_status zstd_failure(size_t code)
{
    return ZSTD_isError(code) && strstr(ZSTD_getErrorName(code), "Allocation") ? DECODE_NO_MEMORY
                                                                               : DECODE_CORRUPT;
}

/* Frames one after the other; `hint` of 0 says that a frame has just ended (ZSTD_decompressStream). */
static enum decode_status decode_zstd_frames(ZSTD_DCtx *context, const uint8_t *in, size_t n,
                                             struct bytebuf *out)
{
    ZSTD_inBuffer input = {in, n, 0};
    size_t hint = 1;
    for (;;) {
        if (out->size == out->capacity && !bytebuf_grow(out))
            return growth_failure(out);
        ZSTD_outBuffer output = {out->data, out->capacity, out->size};
        hint = ZSTD_decompressStream(context, &output, &input);
        out->size = output.pos;
        if (ZSTD_isError(hint))
            return zstd_failure(hint);
        if (input.pos == input.size && (hint == 0 || out->size < out->capacity))
            return hint == 0 ? DECODE_OK : DECODE_TRUNCATED;
    }
}

static enum decode_status decode_zstd(const uint8_t *in, size_t n, struct bytebuf *out)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    enum decode_status status = DECODE_NO_MEMORY;
    if (context && !ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 23)))
        status = decode_zstd_frames(context, in, n, out);
    ZSTD_freeDCtx(context);
    return status;
}

static const struct coding {
    const char *name;
    decode_function *decode;
} codings[] = {
    {"gzip", inflate_gzip}, {"x-gzip", inflate_gzip}, {"deflate", inflate_deflate},
    {"br", decode_brotli},  {"zstd", decode_zstd},    {"identity", NULL},
};

static const struct coding *find_coding(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (strlen(codings[i].name) == length && strncasecmp(codings[i].name, name, length) == 0)
            return &codings[i];
    return NULL;
}

/* The codings of the list that do something, in the order in which they were applied. */
static enum decode_status parse_list(const char *list, decode_function **stack, size_t *depth)
{
    *depth = 0;
    for (const char *at = list; *at;) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ", \t");
        if (length == 0)
            continue;
        const struct coding *coding = find_coding(at, length);
        if (!coding)
            return DECODE_UNKNOWN_CODING;
        at += length;
        if (!coding->decode)
            continue;
        if (*depth == DECODE_MAX_CODINGS)
            return DECODE_TOO_MANY_CODINGS;
        stack[(*depth)++] = coding->decode;
    }
    return DECODE_OK;
}

enum decode_status decode_body(const char *content_encoding, const uint8_t *in, size_t n, size_t max_out,
                               struct bytes *out)
{
    decode_function *stack[DECODE_MAX_CODINGS];
    size_t depth = 0;
    *out = (struct bytes){0};
    enum decode_status status = parse_list(content_encoding ? content_encoding : "", stack, &depth);
    struct bytes current = {.data = in, .size = n};
    while (status == DECODE_OK && depth > 0 && current.size > 0) {
        struct bytebuf buffer;
        bytebuf_init(&buffer, max_out);
        status = stack[--depth](current.data, current.size, &buffer);
        bytes_free(&current);
        if (status == DECODE_OK)
            bytebuf_take(&buffer, &current);
        bytebuf_free(&buffer);
    }
    if (status == DECODE_OK && current.size > max_out)
        status = DECODE_TOO_LARGE;
    if (status == DECODE_OK)
        *out = current;
    else
        bytes_free(&current);
    return status;
}
