#include "io/origin_tally.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void lower(const char *host, char out[ORIGIN_HOST_MAX + 1])
{
    size_t i = 0;
    for (host = host && *host ? host : "-"; host[i] && i < ORIGIN_HOST_MAX; i++)
        out[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] | 0x20 : host[i]);
    out[i] = '\0';
}

/* FNV-1a. Whoever makes names collide slows down only a test server of their own. */
static struct origin_host **find_bucket(struct origin_tally *tally, const char *name)
{
    uint32_t hash = 2166136261U;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    return &tally->buckets[hash % ORIGIN_TALLY_BUCKETS];
}

struct origin_host *origin_tally_enter(struct origin_tally *tally, const char *host)
{
    char name[ORIGIN_HOST_MAX + 1];
    memset(name, 0, sizeof(name));
    lower(host, name);
    struct origin_host **bucket = find_bucket(tally, name), *entry = *bucket;
    while (entry && strcmp(entry->name, name) != 0)
        entry = entry->next;
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return NULL;
        memcpy(entry->name, name, sizeof(name));
        entry->next = *bucket;
        *bucket = entry;
    }
    entry->in_flight++;
    tally->in_flight++;
    return entry;
}

void origin_tally_leave(struct origin_tally *tally, struct origin_host *host)
{
    tally->in_flight--;
    if (--host->in_flight)
        return;
    struct origin_host **link = find_bucket(tally, host->name);
    while (*link != host)
        link = &(*link)->next;
    *link = host->next;
    free(host);
}
