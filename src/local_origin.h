/* An origin for measurements: `millrace serve` as a process of its own, so that its work is not counted as ours. */
#ifndef MILLRACE_SRC_LOCAL_ORIGIN_H
#define MILLRACE_SRC_LOCAL_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct local_origin {
    pid_t pid;
    uint16_t port;
};

/* Starts it, on all addresses if `reachable` from other machines, else on loopback, and waits until it serves. It ends
 * with this process, however that ends. False: `error` says why. */
bool local_origin_start(struct local_origin *origin, bool reachable, char *error, size_t error_size);

/* Ends it, and waits for that. */
void local_origin_stop(struct local_origin *origin);

#endif
