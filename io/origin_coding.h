/* Content codings of a body (RFC 9110 8.4.1; br: RFC 7932; zstd: RFC 8878). Any thread. */
#ifndef MILLRACE_IO_ORIGIN_CODING_H
#define MILLRACE_IO_ORIGIN_CODING_H

#include "io/origin_body.h"
#include <stdint.h>

enum origin_coding {
    ORIGIN_CODING_NONE,
    ORIGIN_CODING_GZIP,
    ORIGIN_CODING_DEFLATE, /* in the zlib format, as the RFC has it */
    ORIGIN_CODING_BR,
    ORIGIN_CODING_ZSTD,
    ORIGIN_CODINGS
};

enum { ORIGIN_BOMB_MAX = 16384 };

/* The token for Content-Encoding; NULL for none. */
const char *origin_coding_name(enum origin_coding coding);

/* The input coded, as a new block; NULL if memory ran out. ORIGIN_CODING_NONE gives a copy. */
struct origin_block *origin_coding_apply(enum origin_coding coding, const struct origin_block *input);

/* A gzip file of about a thousandth of its content: mib mebibytes (1 to ORIGIN_BOMB_MAX) of spaces. NULL: no
 * memory. */
struct origin_block *origin_coding_bomb(uint32_t mib);

#endif
