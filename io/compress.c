#include "io/compress.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <zstd.h>

enum { GZIP_LEVEL = 6, ZSTD_LEVEL = 3 };

struct compressor {
    struct libdeflate_compressor *gzip; /* one of the two */
    ZSTD_CCtx *zstd;
};

struct compressor *compressor_new(enum compress_kind kind)
{
    struct compressor *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    if (kind == COMPRESS_GZIP)
        c->gzip = libdeflate_alloc_compressor(GZIP_LEVEL);
    else
        c->zstd = ZSTD_createCCtx();
    if (c->gzip || c->zstd)
        return c;
    free(c);
    return NULL;
}

void compressor_free(struct compressor *c)
{
    if (!c)
        return;
    if (c->gzip)
        libdeflate_free_compressor(c->gzip);
    (void)ZSTD_freeCCtx(c->zstd);
    free(c);
}

bool compressor_pack(struct compressor *c, const void *data, size_t n, struct buffer *out)
{
    size_t bound = c->gzip ? libdeflate_gzip_compress_bound(c->gzip, n) : ZSTD_compressBound(n);
    char *room = ZSTD_isError(bound) ? NULL : buffer_room(out, bound);
    if (!room)
        return false;
    size_t packed = c->gzip ? libdeflate_gzip_compress(c->gzip, data, n, room, bound)
                            : ZSTD_compressCCtx(c->zstd, room, bound, data, n, ZSTD_LEVEL);
    if (packed == 0 || ZSTD_isError(packed))
        return false;
    buffer_grew(out, packed);
    return true;
}
