/* The dealer's rules that need no queues: what an end of a fetch means for its record and for its host.
 *
 * A part of the dealer, for src/dealer*.c only. One thread at a time; nothing allocates or fails.
 */
#ifndef MILLRACE_SRC_DEALER_RULES_H
#define MILLRACE_SRC_DEALER_RULES_H

#include "src/dealer_slots.h"

/* How long the dealer waits before the (k+1)-th retry; `random` is the state of its generator. */
int64_t dealer_backoff(const struct dealer_config *config, uint32_t k, uint64_t *random);

/* The generator: splitmix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014). */
uint64_t dealer_random(uint64_t *state);

/* a + b, or the largest or smallest time there is. b is not negative. */
int64_t dealer_later(int64_t a, int64_t b);

bool dealer_is_throttle(const struct dealer_fetch *fetch);

/* How long the answer asks to wait; < 0: it does not say. */
int64_t dealer_asked_wait(const struct dealer_fetch *fetch);

/* What becomes of the record; changes nothing. */
enum dealer_verdict dealer_judge(const struct dealer_config *config, bool stopped,
                                 const struct dealer_slot *slot, const struct dealer_fetch *fetch);

/* Takes the fetch out of its host's in_flight and lets the host learn from how it ended: width, pause,
 * dead or alive. */
void dealer_learn(const struct dealer_config *config, uint64_t *random, int64_t now,
                  const struct dealer_slot *slot, const struct dealer_fetch *fetch);

/* Notes that a fetch of the record begins. */
void dealer_start(const struct dealer_config *config, int64_t now, struct dealer_slot *slot);

/* May the host start one more fetch, but for the time? */
bool dealer_has_width(const struct dealer_host *host);

#endif
