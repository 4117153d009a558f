/* The rule by which a rank takes another for lost: it was silent for longer than the patience, while we were listening.
 *
 * Every rank says something to its peers once in each beat, an eighth of the patience. Silence is counted in beats of our
 * own, not read off the clock: however late we come to count (the process was stopped, a kernel ran on our loop, the machine
 * has 16 ranks on each core), that is one beat, and so a peer has several more to be read in before it is blamed. Beats
 * in which not all that had come could be read don't count.
 *
 * Pure: time is an argument, any clock in ns that never goes back. One thread.
 */
#ifndef MILLRACE_SRC_LIVENESS_H
#define MILLRACE_SRC_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

#define LIVENESS_BEATS 8 /* in a patience */
#define LIVENESS_ALL UINT32_MAX
#define LIVENESS_NOBODY UINT32_MAX

struct liveness {
    uint32_t peers;
    uint8_t *quiet; /* by peer: beats of silence, up to one more than LIVENESS_BEATS */
    bool *watched;  /* by peer */
    int64_t beat, due;
};

/* Nobody is watched yet. `patience`: ns, at least LIVENESS_BEATS. False: no memory. */
bool liveness_init(struct liveness *l, uint32_t peers, int64_t patience, int64_t now);
void liveness_free(struct liveness *l);

/* From now on the peer is expected to be heard of, or no longer. */
void liveness_watch(struct liveness *l, uint32_t peer, bool watched);

/* Something came from the peer. */
void liveness_heard(struct liveness *l, uint32_t peer);

/* Counts a beat if one is due. To be called when all that had come has been read; if what one peer sends is still
 * coming in and nothing else could be read for that, `only` is this peer, else LIVENESS_ALL. True if it counted. */
bool liveness_step(struct liveness *l, int64_t now, uint32_t only);

/* When liveness_step is due. */
int64_t liveness_due(const struct liveness *l);

/* The peer was silent for more than the patience. */
bool liveness_lost(const struct liveness *l, uint32_t peer);

/* The first such peer, or LIVENESS_NOBODY. */
uint32_t liveness_first_lost(const struct liveness *l);

#endif
