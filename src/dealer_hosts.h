/* The hosts that a dealer knows: what each may do now, and a table to find them by name.
 *
 * A part of the dealer, for src/dealer*.c only. The table chains hosts in buckets by a keyed hash, so that
 * chosen names cannot make it slow. One thread at a time.
 */
#ifndef MILLRACE_SRC_DEALER_HOSTS_H
#define MILLRACE_SRC_DEALER_HOSTS_H

#include "src/dealer.h"
#include "src/siphash.h"

struct dealer_slot;

#define DEALER_NO_RANK UINT32_MAX

struct dealer_host {
    struct dealer_host *chain;        /* next in the bucket */
    struct dealer_host *ring_next;    /* next in the ring of ready hosts, while in_ring */
    struct dealer_slot *first, *last; /* pending records, first to be dealt first */
    int64_t not_before;               /* of the next start: the gap and every pause have passed */
    uint32_t hash;
    uint32_t held;                  /* records pending, waiting or fetching here */
    uint32_t in_flight;             /* those that are fetching */
    uint32_t max_in_flight;         /* 0: no limit */
    uint32_t width;                 /* in_flight allowed now: max_in_flight or less; UINT32_MAX: no limit */
    uint32_t grown;                 /* successes counted towards one more width */
    uint32_t starts;                /* serial number of the last start, wraps */
    uint32_t recover;               /* starts up to this one belong to the last throttling's episode */
    uint32_t warm_rank;             /* has an idle open connection to this host, or DEALER_NO_RANK */
    uint8_t throttles;              /* consecutive episodes of throttling */
    uint8_t nothings;               /* consecutive fetches without an answer */
    bool in_ring, in_gaps, in_idle; /* where the dealer has put it */
    char name[];
};

struct dealer_hosts {
    struct dealer_host **buckets;
    size_t bucket_count; /* a power of two, or 0 before the first host */
    struct siphash_key key;
    uint32_t count, peak;
    size_t bytes; /* allocated, see dealer_bytes */
};

/* What malloc takes for `size` bytes: glibc's chunks are multiples of 16 with an 8-byte header, at least 32.
 */
size_t dealer_bytes(size_t size);

/* The host of that name; a new one (DEALER_NO_RANK, full width) if it was not known. NULL without memory. */
struct dealer_host *dealer_hosts_get(struct dealer_hosts *hosts, const char *name, uint32_t max_in_flight);

/* Frees the host, which must not be in any queue. */
void dealer_hosts_forget(struct dealer_hosts *hosts, struct dealer_host *host);

/* Frees every host and the table. */
void dealer_hosts_free(struct dealer_hosts *hosts);

/* Hosts in turn: first in, first out. Zeroed memory is an empty ring. A host is in at most one ring, once. */
struct dealer_ring {
    struct dealer_host *first, *last;
};

void dealer_ring_append(struct dealer_ring *ring, struct dealer_host *host);

/* NULL: the ring is empty. */
struct dealer_host *dealer_ring_take(struct dealer_ring *ring);

#endif
