/* Answers written to the socket byte by byte, for what no HTTP library would send: a header that never ends,
 * a length that lies, a reset within the body, a trickle.
 *
 * Why past libmicrohttpd: its "upgrade" always sends its own 101 first, its content reader cannot touch the
 * header or pass the declared length, and the RST of a close with SO_LINGER {1, 0} would follow the FIN of
 * the shutdown(2) it does before. A suspended connection, on the other hand, is in no epoll set and its socket is
 * left alone, so whoever suspended it may write there; afterwards it is resumed and closed.
 *
 * Nobody waits for the socket to become writable: a full one is tried again some milliseconds later, which is
 * simple and bounds what a never-ending answer can cost. One thread. */
#ifndef MILLRACE_IO_ORIGIN_RAW_H
#define MILLRACE_IO_ORIGIN_RAW_H

#include "io/origin_query.h"
#include "io/origin_site.h"
#include <stdbool.h>
#include <stdint.h>

enum { ORIGIN_RAW_DONE = -1 };

struct origin_raw;

/* Whether the query asks for anything that only this can send. */
bool origin_raw_wanted(const struct origin_query *query);

/* Prepares the reply, whose body it takes, with the query's faults, for a connected non-blocking socket that
 * stays the caller's. head: the method was HEAD; old: HTTP/1.0, which knows no chunks. NULL if memory ran
 * out, the reply then being untouched. */
struct origin_raw *origin_raw_new(int fd, const struct origin_query *query, struct origin_reply *reply,
                                  bool head, bool old);

/* Writes what is due at the time now, in nanoseconds of a monotonic clock, without blocking. Returns when it
 * wants to be called again, or ORIGIN_RAW_DONE once there is nothing more to write or nobody to write to. */
int64_t origin_raw_write(struct origin_raw *raw, int64_t now);

/* NULL is allowed. */
void origin_raw_free(struct origin_raw *raw);

#endif
