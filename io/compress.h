/* Whole-buffer compression: each call makes one complete gzip member (RFC 1952) or zstd frame (RFC 8878), and
 * members one behind another are a file that every tool reads. One thread at a time. */
#ifndef MILLRACE_IO_COMPRESS_H
#define MILLRACE_IO_COMPRESS_H

#include "io/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum compress_kind { COMPRESS_GZIP, COMPRESS_ZSTD };

struct compressor;

/* NULL: no memory. */
struct compressor *compressor_new(enum compress_kind kind);
void compressor_free(struct compressor *c);

/* Appends one member. False: no memory or over the cap of `out`, which is as before then. */
bool compressor_pack(struct compressor *c, const void *data, size_t n, struct buffer *out);

#endif
