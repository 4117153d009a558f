#include "src/liveness.h"

#include <stdlib.h>

bool liveness_init(struct liveness *l, uint32_t peers, int64_t patience, int64_t now)
{
    l->peers = peers;
    l->beat = patience / LIVENESS_BEATS;
    l->due = now + l->beat;
    l->quiet = calloc(peers, sizeof *l->quiet);
    l->watched = calloc(peers, sizeof *l->watched);
    if (l->quiet && l->watched)
        return true;
    liveness_free(l);
    return false;
}

void liveness_free(struct liveness *l)
{
    free(l->quiet);
    free(l->watched);
    *l = (struct liveness){0};
}

void liveness_watch(struct liveness *l, uint32_t peer, bool watched)
{
    l->watched[peer] = watched;
    l->quiet[peer] = 0;
}

void liveness_heard(struct liveness *l, uint32_t peer)
{
    l->quiet[peer] = 0;
}

bool liveness_step(struct liveness *l, int64_t now, uint32_t only)
{
    if (now < l->due)
        return false;
    l->due = now + l->beat;
    for (uint32_t peer = 0; peer < l->peers; peer++)
        if (l->watched[peer] && l->quiet[peer] <= LIVENESS_BEATS && (only == LIVENESS_ALL || only == peer))
            l->quiet[peer]++;
    return true;
}

int64_t liveness_due(const struct liveness *l)
{
    return l->due;
}

/* Of the first beat of a silence only a part was silent, so one more than the patience has is the first that proves it. */
bool liveness_lost(const struct liveness *l, uint32_t peer)
{
    return l->quiet[peer] > LIVENESS_BEATS;
}

uint32_t liveness_first_lost(const struct liveness *l)
{
    for (uint32_t peer = 0; peer < l->peers; peer++)
        if (liveness_lost(l, peer))
            return peer;
    return LIVENESS_NOBODY;
}
