#include "io/origin_coding.h"

#include <brotli/encode.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* What zlib adds to windowBits: 15 for a zlib wrapper, 16 more for gzip, negative for a raw stream. */
enum { WINDOW_ZLIB = 15, WINDOW_GZIP = 15 + 16, WINDOW_RAW = -15 };

const char *origin_coding_name(enum origin_coding coding)
{
    static const char *const names[ORIGIN_CODINGS] = {NULL, "gzip", "deflate", "br", "zstd"};
    return coding < ORIGIN_CODINGS ? names[coding] : NULL;
}

/* Gives back what the coder did not need; a block only shrinks, so the size is all that has to change. */
static struct origin_block *finish(struct origin_block *out, size_t used, int good)
{
    if (!good) {
        origin_block_drop(out);
        return NULL;
    }
    out->size = used;
    return out;
}

static struct origin_block *apply_zlib(const struct origin_block *input, int window)
{
    z_stream stream = {0};
    if (input->size > UINT_MAX / 2 ||
        deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    size_t room = deflateBound(&stream, (uLong)input->size);
    struct origin_block *out = origin_block_new(room);
    int code = Z_MEM_ERROR;
    if (out) {
        stream.next_in = (z_const Bytef *)input->data;
        stream.avail_in = (uInt)input->size;
        stream.next_out = out->data;
        stream.avail_out = (uInt)room;
        code = deflate(&stream, Z_FINISH);
    }
    size_t used = stream.total_out;
    int ended = deflateEnd(&stream);
    return out ? finish(out, used, code == Z_STREAM_END && ended == Z_OK) : NULL;
}

static struct origin_block *apply_brotli(const struct origin_block *input)
{
    size_t used = BrotliEncoderMaxCompressedSize(input->size);
    struct origin_block *out = used ? origin_block_new(used) : NULL;
    if (!out)
        return NULL;
    int good = BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, input->size, input->data,
                                     &used, out->data);
    return finish(out, used, good);
}

static struct origin_block *apply_zstd(const struct origin_block *input)
{
    size_t room = ZSTD_compressBound(input->size);
    struct origin_block *out = origin_block_new(room);
    if (!out)
        return NULL;
    size_t used = ZSTD_compress(out->data, room, input->data, input->size, 3);
    return finish(out, used, !ZSTD_isError(used));
}

struct origin_block *origin_coding_apply(enum origin_coding coding, const struct origin_block *input)
{
    switch (coding) {
    case ORIGIN_CODING_GZIP:
        return apply_zlib(input, WINDOW_GZIP);
    case ORIGIN_CODING_DEFLATE:
        return apply_zlib(input, WINDOW_ZLIB);
    case ORIGIN_CODING_BR:
        return apply_brotli(input);
    case ORIGIN_CODING_ZSTD:
        return apply_zstd(input);
    case ORIGIN_CODING_NONE:
    case ORIGIN_CODINGS:
        break;
    }
    return origin_block_copy(input->data, input->size);
}

/* One mebibyte of spaces, coded so that it can be repeated: after Z_FULL_FLUSH the stream stands at a byte
 * boundary and refers to nothing before it, so the same bytes again code another mebibyte. */
static size_t code_mebibyte(unsigned char *out, size_t room, uLong *crc)
{
    unsigned char spaces[4096];
    z_stream stream = {0};
    int code = deflateInit2(&stream, 9, Z_DEFLATED, WINDOW_RAW, 9, Z_DEFAULT_STRATEGY);
    if (code != Z_OK)
        return 0;
    memset(spaces, ' ', sizeof(spaces));
    *crc = crc32(0, NULL, 0);
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    for (unsigned i = 0; i < (1 << 20) / sizeof(spaces) && code == Z_OK; i++) {
        *crc = crc32(*crc, spaces, sizeof(spaces));
        stream.next_in = spaces;
        stream.avail_in = sizeof(spaces);
        code = deflate(&stream, i + 1 < (1 << 20) / sizeof(spaces) ? Z_NO_FLUSH : Z_FULL_FLUSH);
    }
    size_t used = code == Z_OK && stream.avail_in == 0 && stream.avail_out > 0 ? stream.total_out : 0;
    /* deflateEnd() says Z_DATA_ERROR because the stream is not finished, which is what is wanted. */
    code = deflateEnd(&stream);
    return code == Z_OK || code == Z_DATA_ERROR ? used : 0;
}

static unsigned char *put_u32(unsigned char *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        *out++ = (unsigned char)(value >> (8 * i));
    return out;
}

struct origin_block *origin_coding_bomb(uint32_t mib)
{
    /* RFC 1952: magic, deflate, no flags, no time, best compression, Unix. RFC 1951: an empty final block
     * ends it. */
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3}, tail[] = {3, 0};
    unsigned char unit[8192];
    uLong unit_crc = 0, crc = crc32(0, NULL, 0);
    size_t unit_size = code_mebibyte(unit, sizeof(unit), &unit_crc);
    if (unit_size == 0 || mib == 0 || mib > ORIGIN_BOMB_MAX)
        return NULL;
    struct origin_block *out = origin_block_new(sizeof(head) + unit_size * mib + sizeof(tail) + 8);
    if (!out)
        return NULL;
    unsigned char *end = out->data;
    memcpy(end, head, sizeof(head));
    end += sizeof(head);
    for (uint32_t i = 0; i < mib; i++, end += unit_size) {
        memcpy(end, unit, unit_size);
        crc = crc32_combine(crc, unit_crc, 1 << 20);
    }
    memcpy(end, tail, sizeof(tail));
    end = put_u32(end + sizeof(tail), (uint32_t)crc);
    put_u32(end, (uint32_t)((uint64_t)mib << 20));
    return out;
}
