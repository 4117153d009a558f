/* The hosts that a dealer knows: what each may do now, and a table to find them by name.
 *
 * A part of the dealer, for src/dealer*.c only. Hosts are told apart by a 64-bit hash of their names under a
 * secret key, and the names are not kept: with a million hosts at once, two of them would be taken for one
 * with a probability of 3e-8, and then merely share their limits; and nobody can choose names that collide,
 * to that end or to make the table slow. A host is one cache line, for at a hundred thousand hosts it is
 * cache misses that decide how many records a second can be dealt. One thread at a time.
 */
#ifndef MILLRACE_SRC_DEALER_HOSTS_H
#define MILLRACE_SRC_DEALER_HOSTS_H

#include "src/dealer.h"
#include "src/siphash.h"
#include "src/slab.h"

#define DEALER_NO_RANK UINT32_MAX

struct dealer_host {
    uint32_t number;
    uint32_t chain; /* next in the bucket, or SLAB_NONE */
    uint64_t hash;
    int64_t not_before;   /* of the next start: the gap and every pause have passed */
    uint32_t first, last; /* slots of pending records, first to be dealt first; first is SLAB_NONE without */
    uint32_t held;        /* records pending, waiting or fetching here */
    uint32_t in_flight;   /* those that are fetching */
    uint32_t max_in_flight; /* 0: no limit */
    uint32_t width;         /* in_flight allowed now: max_in_flight or less; UINT32_MAX: no limit */
    uint32_t grown;         /* successes counted towards one more width */
    uint32_t ring_next;     /* in the ring of ready hosts, while in_ring */
    uint32_t warm_rank;     /* has an idle open connection to this host, or DEALER_NO_RANK */
    uint16_t episode;       /* of throttling; wraps */
    uint8_t throttles;      /* consecutive episodes */
    unsigned nothings : 5;  /* consecutive fetches without an answer, counted to DEALER_DEAD_HOST */
    bool in_ring : 1, in_gaps : 1, in_idle : 1; /* where the dealer has put it */
};

struct dealer_hosts {
    struct slab slab; /* of hosts */
    uint32_t *buckets;
    size_t bucket_count; /* a power of two, or 0 before the first host */
    struct siphash_key key;
    uint32_t count, peak;
};

/* An empty table; `key` should be secret. */
void dealer_hosts_init(struct dealer_hosts *hosts, const struct siphash_key *key);

/* The host of that name; a new one (DEALER_NO_RANK, full width) if it was not known. NULL without memory. */
struct dealer_host *dealer_hosts_get(struct dealer_hosts *hosts, const char *name, uint32_t max_in_flight);

/* Forgets the host, which must not be in any queue. */
void dealer_hosts_forget(struct dealer_hosts *hosts, struct dealer_host *host);

size_t dealer_hosts_bytes(const struct dealer_hosts *hosts);

/* Frees every host and the table. */
void dealer_hosts_free(struct dealer_hosts *hosts);

/* Hosts in turn: first in, first out. A host is in at most one ring, once. */
struct dealer_ring {
    uint32_t first, last; /* SLAB_NONE, SLAB_NONE: empty */
};

void dealer_ring_append(struct dealer_hosts *hosts, struct dealer_ring *ring, struct dealer_host *host);

/* NULL: the ring is empty. */
struct dealer_host *dealer_ring_take(struct dealer_hosts *hosts, struct dealer_ring *ring);

#endif
