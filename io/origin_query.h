/* A request target taken apart: the path, and the modifiers that io/origin.h lists. Everything in it is
 * hostile, so numbers are decimal digits within bounds or an error. Pure functions; any thread. */
#ifndef MILLRACE_IO_ORIGIN_QUERY_H
#define MILLRACE_IO_ORIGIN_QUERY_H

#include "io/origin_charset.h"
#include "io/origin_coding.h"
#include <stddef.h>
#include <stdint.h>

enum { ORIGIN_PATH_MAX = 255, ORIGIN_TYPE_MAX = 127 };
#define ORIGIN_SECONDS_MAX 3600

enum origin_declare { ORIGIN_DECLARE_HEADER, ORIGIN_DECLARE_META, ORIGIN_DECLARE_BOTH, ORIGIN_DECLARE_NONE };

/* Numbers are -1 where the query does not have them, flags 0 or 1, times nanoseconds. */
struct origin_query {
    char path[ORIGIN_PATH_MAX + 1]; /* percent-decoded, with its first slash */
    char type[ORIGIN_TYPE_MAX + 1]; /* "" if not asked for */
    int64_t latency, fail, status, retry_after, retry_after_date;
    int64_t slow, reset, content_length, bomb;
    int64_t endless, endless_close, endless_header, close, drop, plain;
    enum origin_coding coding;
    enum origin_charset charset;
    enum origin_declare declare;
};

/* Takes an origin-form or absolute-form target (RFC 9112 3.2.1, 3.2.2) apart. Returns NULL, or the name of
 * the part that is wrong, a static string. */
const char *origin_query_parse(const char *target, struct origin_query *out);

/* Strict decimal digits, min <= value <= max. Returns 0 or -1. */
int origin_parse_number(const char *text, int64_t min, int64_t max, int64_t *out);

/* Strict decimal seconds with at most nine decimals ("2", "0.25"), at most ORIGIN_SECONDS_MAX, as
 * nanoseconds. Returns 0 or -1. */
int origin_parse_seconds(const char *text, int64_t *out);

#endif
