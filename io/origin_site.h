/* What the generated site answers to a path: routes, pages and their cache. Knows nothing of sockets or HTTP
 * libraries. One thread. */
#ifndef MILLRACE_IO_ORIGIN_SITE_H
#define MILLRACE_IO_ORIGIN_SITE_H

#include "io/origin_body.h"
#include "io/origin_query.h"
#include "io/origin_reply.h"
#include <stdbool.h>
#include <stdint.h>

enum { ORIGIN_CACHE_SLOTS = 1024 };

struct origin_site {
    uint64_t seed;
    uint64_t articles;
    int64_t latency; /* nanoseconds */
    char *robots;
    uint64_t random_count; /* how many /random were answered */
    uint64_t genre_count;
    struct {
        uint64_t n;
        struct origin_block *block;
    } cache[ORIGIN_CODINGS][ORIGIN_CACHE_SLOTS]; /* articles, direct-mapped by n, for each coding */
};

/* A site of all zero but what io/origin.h lets one configure; robots is copied. Returns 0 or ENOMEM. */
int origin_site_init(struct origin_site *site, uint64_t seed, uint64_t articles, int64_t latency,
                     const char *robots);

void origin_site_free(struct origin_site *site);

/* Nanoseconds to wait before answering. */
int64_t origin_site_wait(const struct origin_site *site, const struct origin_query *query);

/* The answer to the query. Returns 0, or ENOMEM with nothing to release. */
int origin_site_reply(struct origin_site *site, const struct origin_query *query, bool has_user_agent,
                      struct origin_reply *reply);

#endif
