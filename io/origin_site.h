/* What the generated site answers to a path: routes, pages and their cache. Knows nothing of sockets or HTTP
 * libraries. One thread. */
#ifndef MILLRACE_IO_ORIGIN_SITE_H
#define MILLRACE_IO_ORIGIN_SITE_H

#include "io/origin_body.h"
#include "io/origin_query.h"
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

/* An answer. The body is its own; what is empty or negative is not sent. */
struct origin_reply {
    unsigned status;
    const char *type; /* static, or the query's */
    char charset[16]; /* appended to the type */
    enum origin_coding coding;
    char location[64];
    char retry_after[40];
    bool close;
    struct origin_body body;
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

/* A small HTML page of that status saying so, for errors and faults; detail is plain text. The query's
 * Retry-After goes with it, and a 3xx gets a Location. query may be NULL. Returns 0 or ENOMEM. */
int origin_site_status(unsigned status, const char *detail, const struct origin_query *query,
                       struct origin_reply *reply);

/* Whether a response of that status has no body whatever its header says (RFC 9110 6.4.1). */
bool origin_status_bodiless(unsigned status);

/* Lets the body go. */
void origin_reply_clear(struct origin_reply *reply);

#endif
