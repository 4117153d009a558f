#include "src/dealer_hosts.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

size_t dealer_bytes(size_t size)
{
    size_t chunk = (size + 8 + 15) / 16 * 16;
    return chunk < 32 ? 32 : chunk;
}

static struct dealer_host **bucket_of(const struct dealer_hosts *hosts, uint32_t hash)
{
    return &hosts->buckets[hash & (hosts->bucket_count - 1)];
}

/* Keeps at most one host a bucket on average. */
static bool grow(struct dealer_hosts *hosts)
{
    if (hosts->count < hosts->bucket_count)
        return true;
    struct dealer_hosts old = *hosts;
    size_t count = old.bucket_count ? 2 * old.bucket_count : FIRST_BUCKETS;
    struct dealer_host **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return false;
    hosts->buckets = buckets;
    hosts->bucket_count = count;
    for (size_t i = 0; i < old.bucket_count; i++) {
        for (struct dealer_host *host = old.buckets[i], *next; host; host = next) {
            next = host->chain;
            struct dealer_host **bucket = bucket_of(hosts, host->hash);
            host->chain = *bucket;
            *bucket = host;
        }
    }
    free(old.buckets);
    hosts->bytes += dealer_bytes(count * sizeof *buckets);
    if (old.bucket_count)
        hosts->bytes -= dealer_bytes(old.bucket_count * sizeof *buckets);
    return true;
}

static struct dealer_host *create(struct dealer_hosts *hosts, const char *name, size_t length, uint32_t hash)
{
    if (!grow(hosts))
        return NULL;
    size_t size = sizeof(struct dealer_host) + length + 1;
    struct dealer_host *host = malloc(size);
    if (!host)
        return NULL;
    struct dealer_host **bucket = bucket_of(hosts, hash);
    *host = (struct dealer_host){.chain = *bucket, .hash = hash, .warm_rank = DEALER_NO_RANK};
    host->not_before = INT64_MIN;
    memcpy(host->name, name, length + 1);
    *bucket = host;
    hosts->count++;
    if (hosts->count > hosts->peak)
        hosts->peak = hosts->count;
    hosts->bytes += dealer_bytes(size);
    return host;
}

struct dealer_host *dealer_hosts_get(struct dealer_hosts *hosts, const char *name, uint32_t max_in_flight)
{
    size_t length = strlen(name);
    uint32_t hash = (uint32_t)siphash(&hosts->key, name, length);
    struct dealer_host *host = hosts->bucket_count ? *bucket_of(hosts, hash) : NULL;
    while (host && (host->hash != hash || strcmp(host->name, name) != 0))
        host = host->chain;
    if (host)
        return host;
    host = create(hosts, name, length, hash);
    if (host) {
        host->max_in_flight = max_in_flight;
        host->width = max_in_flight ? max_in_flight : UINT32_MAX;
    }
    return host;
}

static void discard(struct dealer_hosts *hosts, struct dealer_host *host)
{
    hosts->count--;
    hosts->bytes -= dealer_bytes(sizeof *host + strlen(host->name) + 1);
    free(host);
}

void dealer_hosts_forget(struct dealer_hosts *hosts, struct dealer_host *host)
{
    struct dealer_host **link = bucket_of(hosts, host->hash);
    while (*link != host)
        link = &(*link)->chain;
    *link = host->chain;
    discard(hosts, host);
}

void dealer_hosts_free(struct dealer_hosts *hosts)
{
    for (size_t i = 0; i < hosts->bucket_count; i++) {
        for (struct dealer_host *host = hosts->buckets[i], *next; host; host = next) {
            next = host->chain;
            discard(hosts, host);
        }
    }
    free(hosts->buckets);
    *hosts = (struct dealer_hosts){0};
}

void dealer_ring_append(struct dealer_ring *ring, struct dealer_host *host)
{
    host->in_ring = true;
    host->ring_next = NULL;
    if (ring->last)
        ring->last->ring_next = host;
    else
        ring->first = host;
    ring->last = host;
}

struct dealer_host *dealer_ring_take(struct dealer_ring *ring)
{
    struct dealer_host *host = ring->first;
    if (!host)
        return NULL;
    ring->first = host->ring_next;
    if (!ring->first)
        ring->last = NULL;
    host->in_ring = false;
    return host;
}
