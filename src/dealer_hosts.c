#include "src/dealer_hosts.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct dealer_host) <= 64, "a host is one cache line");
_Static_assert(DEALER_DEAD_HOST < 32, "what nothings can count to");

enum { FIRST_BUCKETS = 64 };

void dealer_hosts_init(struct dealer_hosts *hosts, const struct siphash_key *key)
{
    *hosts = (struct dealer_hosts){.key = *key};
    slab_init(&hosts->slab, sizeof(struct dealer_host));
}

static uint32_t *bucket_of(const struct dealer_hosts *hosts, uint64_t hash)
{
    return &hosts->buckets[hash & (hosts->bucket_count - 1)];
}

static void chain_up(struct dealer_hosts *hosts, struct dealer_host *host)
{
    uint32_t *bucket = bucket_of(hosts, host->hash);
    host->chain = *bucket;
    *bucket = host->number;
}

/* Keeps at most one host to two buckets on average. */
static bool grow(struct dealer_hosts *hosts)
{
    if (2 * (size_t)hosts->count < hosts->bucket_count)
        return true;
    struct dealer_hosts old = *hosts;
    size_t count = old.bucket_count ? 2 * old.bucket_count : FIRST_BUCKETS;
    uint32_t *buckets = malloc(count * sizeof *buckets);
    if (!buckets)
        return false;
    memset(buckets, 0xff, count * sizeof *buckets); /* SLAB_NONE */
    hosts->buckets = buckets;
    hosts->bucket_count = count;
    for (size_t i = 0; i < old.bucket_count; i++) {
        for (uint32_t number = old.buckets[i]; number != SLAB_NONE;) {
            struct dealer_host *host = slab_at(&hosts->slab, number);
            number = host->chain;
            chain_up(hosts, host);
        }
    }
    free(old.buckets);
    return true;
}

static struct dealer_host *create(struct dealer_hosts *hosts, uint64_t hash, uint32_t max_in_flight)
{
    if (!grow(hosts))
        return NULL;
    uint32_t number = slab_take(&hosts->slab);
    if (number == SLAB_NONE)
        return NULL;
    struct dealer_host *host = slab_at(&hosts->slab, number);
    *host = (struct dealer_host){.number = number,
                                 .hash = hash,
                                 .not_before = INT64_MIN,
                                 .first = SLAB_NONE,
                                 .max_in_flight = max_in_flight,
                                 .width = max_in_flight ? max_in_flight : UINT32_MAX,
                                 .warm_rank = DEALER_NO_RANK};
    chain_up(hosts, host);
    hosts->count++;
    if (hosts->count > hosts->peak)
        hosts->peak = hosts->count;
    return host;
}

struct dealer_host *dealer_hosts_get(struct dealer_hosts *hosts, const char *name, uint32_t max_in_flight)
{
    uint64_t hash = siphash(&hosts->key, name, strlen(name));
    for (uint32_t number = hosts->bucket_count ? *bucket_of(hosts, hash) : SLAB_NONE; number != SLAB_NONE;) {
        struct dealer_host *host = slab_at(&hosts->slab, number);
        if (host->hash == hash)
            return host;
        number = host->chain;
    }
    return create(hosts, hash, max_in_flight);
}

void dealer_hosts_forget(struct dealer_hosts *hosts, struct dealer_host *host)
{
    uint32_t *link = bucket_of(hosts, host->hash);
    while (*link != host->number)
        link = &((struct dealer_host *)slab_at(&hosts->slab, *link))->chain;
    *link = host->chain;
    hosts->count--;
    slab_give_back(&hosts->slab, host->number);
}

size_t dealer_hosts_bytes(const struct dealer_hosts *hosts)
{
    return hosts->slab.bytes +
           (hosts->buckets ? slab_bytes(hosts->bucket_count * sizeof *hosts->buckets) : 0);
}

void dealer_hosts_free(struct dealer_hosts *hosts)
{
    slab_free(&hosts->slab);
    free(hosts->buckets);
    *hosts = (struct dealer_hosts){0};
}

void dealer_ring_append(struct dealer_hosts *hosts, struct dealer_ring *ring, struct dealer_host *host)
{
    host->in_ring = true;
    host->ring_next = SLAB_NONE;
    if (ring->last != SLAB_NONE)
        ((struct dealer_host *)slab_at(&hosts->slab, ring->last))->ring_next = host->number;
    else
        ring->first = host->number;
    ring->last = host->number;
}

struct dealer_host *dealer_ring_take(struct dealer_hosts *hosts, struct dealer_ring *ring)
{
    if (ring->first == SLAB_NONE)
        return NULL;
    struct dealer_host *host = slab_at(&hosts->slab, ring->first);
    ring->first = host->ring_next;
    if (ring->first == SLAB_NONE)
        ring->last = SLAB_NONE;
    host->in_ring = false;
    return host;
}
