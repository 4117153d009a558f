/*
 * HTTP content codings undone, bounded (RFC 9110 section 8.4): gzip and x-gzip (RFC 1952, several members
 * too), deflate (RFC 1950, and the bare RFC 1951 some servers send for it; browsers take both), br (RFC
 * 7932), zstd (RFC 8878, window of at most 8 MiB as RFC 9659 asks), identity, and lists of at most
 * DECODE_MAX_CODINGS of them.
 *
 * Any thread may call; there is no shared state. Meant for compute tasks: it costs some 10 us to tens of ms.
 */
#ifndef MILLRACE_KERNELS_DECODE_H
#define MILLRACE_KERNELS_DECODE_H

#include "kernels/bytes.h"

#define DECODE_MAX_CODINGS 3

/*
 * X(NAME, text): every way decoding can end. libdeflate does not tell a body that was cut short from one that
 * is damaged, so for gzip and deflate CORRUPT covers both; TRUNCATED is exact for br and zstd.
 */
#define DECODE_STATUS_MAP(X)                                                                                 \
    X(OK, "decoded")                                                                                         \
    X(UNKNOWN_CODING, "unknown content coding")                                                              \
    X(TOO_MANY_CODINGS, "too many content codings, one over the other")                                      \
    X(CORRUPT, "compressed body is damaged or cut short")                                                    \
    X(TRUNCATED, "compressed body is cut short")                                                             \
    X(TOO_LARGE, "body is too large when decompressed")                                                      \
    X(NO_MEMORY, "out of memory")

enum decode_status {
#define X(name, text) DECODE_##name,
    DECODE_STATUS_MAP(X)
#undef X
};

/* The text of a status, for users; never null. */
const char *decode_status_text(enum decode_status status);

/*
 * Decodes `n` bytes at `in`, coded as the Content-Encoding header value `content_encoding` says (null or
 * empty: not coded). On DECODE_OK `out` holds the result, to be freed with bytes_free; where nothing had to
 * be decoded it borrows `in` and copies nothing. On any other status `out` is empty. An empty body is empty
 * whatever its coding says, since servers send the header with bodiless answers.
 *
 * A result of more than `max_out` bytes is refused as TOO_LARGE. Memory: at most `max_out` bytes for each of
 * input and output of a coding in a list, and beside it the decoder's own state, at most 16 MiB (br) or 8 MiB
 * (zstd).
 */
enum decode_status decode_body(const char *content_encoding, const uint8_t *in, size_t n, size_t max_out,
                               struct bytes *out);

#endif
