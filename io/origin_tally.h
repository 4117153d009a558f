/* How many requests are in flight, in all and for each Host. One thread. */
#ifndef MILLRACE_IO_ORIGIN_TALLY_H
#define MILLRACE_IO_ORIGIN_TALLY_H

#include <stddef.h>

enum { ORIGIN_HOST_MAX = 255, ORIGIN_TALLY_BUCKETS = 1024 };

/* Exists while a request with this Host is in flight, so a client cannot fill memory with names. */
struct origin_host {
    struct origin_host *next;
    unsigned in_flight;
    char name[ORIGIN_HOST_MAX + 1]; /* lower case, cut to fit */
};

/* All zero is an empty tally. */
struct origin_tally {
    unsigned in_flight;
    struct origin_host *buckets[ORIGIN_TALLY_BUCKETS];
};

/* One request more for the host, NULL or "" counting as "-". Returns its entry, or NULL if memory ran out. */
struct origin_host *origin_tally_enter(struct origin_tally *tally, const char *host);

/* One request less; the entry may be gone afterwards. */
void origin_tally_leave(struct origin_tally *tally, struct origin_host *host);

#endif
