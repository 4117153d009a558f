/* Watches a dealer from outside and says when it breaks a promise of src/dealer.h.
 *
 * The referee keeps its own books from the events that the simulator shows it and never looks into the
 * dealer, so that an error of the dealer's book-keeping cannot hide itself. Where the dealer may choose (the
 * jitter), it knows the bounds of the choice. What is proven:
 *
 *   - every record is dealt from the state and with the URL, tries and hops that its history implies, and
 * ends once;
 *   - a host's in-flight count and width, the gaps between its starts, its pauses, and each record's backoff;
 *   - no rank gets more than its room;
 *   - every verdict, and the dealer's counts;
 *   - no idling: when the dealer has nothing to deal though a rank has room, no host could start a record for
 *     certain, at that time and at any time before dealer_wake();
 *   - fairness: a host that could start a record all the while is dealt one before any other gets a second.
 */
#ifndef MILLRACE_TESTS_REFEREE_H
#define MILLRACE_TESTS_REFEREE_H

#include "tests/sim/simulator.h"

struct referee;

/* limits[h]: max_in_flight of host h; kept by the caller. `error` gets the first complaint. NULL: no memory.
 */
struct referee *referee_new(const struct sim_config *config, const uint32_t *limits, char *error,
                            size_t size);
void referee_free(struct referee *r);

/* The names by which the simulator and the referee call host h, and the URL of a record after `hops`
 * redirects. */
enum { SIM_NAME_SIZE = 96 };
void sim_host_name(char name[SIM_NAME_SIZE], uint32_t host);
void sim_url(char url[SIM_NAME_SIZE], uint32_t host, uint64_t id, uint32_t hops);

/* The `extra` of a record; not to be followed. */
void *sim_extra(uint64_t id);

/* Each is called after the dealer's function of the same name has returned. */
void referee_added(struct referee *r, uint64_t id, uint32_t host);
void referee_room(struct referee *r, uint32_t rank, uint32_t n);
void referee_dealt(struct referee *r, int64_t now, const struct dealer_deal *deal);
void referee_fetched(struct referee *r, int64_t now, uint32_t rank, uint64_t id,
                     const struct dealer_fetch *fetch, uint32_t redirect_host, enum dealer_verdict verdict,
                     const struct dealer_record *record);
void referee_outcome(struct referee *r, uint32_t rank, uint64_t id, const struct dealer_record *record);
void referee_forged(struct referee *r, bool taken);
void referee_stopped(struct referee *r);

/* Before dealer_next is called for the first time at this time: notes which hosts could start a record. */
void referee_looks(struct referee *r, int64_t now);

/* After dealer_next has said false. */
void referee_drained(struct referee *r, int64_t now, const struct dealer *d);

/* The dealer says that it is done (with all records read, unless it was stopped). */
void referee_ended(struct referee *r, uint64_t *undone);

/* No complaint so far? */
bool referee_is_content(const struct referee *r);

#endif
