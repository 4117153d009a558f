/* The places where a dealer keeps its records.
 *
 * A part of the dealer, for src/dealer*.c only. A slot is one cache line (see dealer_hosts.h for why). One
 * thread at a time.
 */
#ifndef MILLRACE_SRC_DEALER_SLOTS_H
#define MILLRACE_SRC_DEALER_SLOTS_H

#include "src/dealer_hosts.h"

enum dealer_state {
    DEALER_FREE,
    DEALER_PENDING,
    DEALER_WAITING,
    DEALER_FETCHING,
    DEALER_COMPUTING,
    DEALER_GONE
};

struct dealer_slot {
    struct dealer_record record;
    struct dealer_host *host; /* while pending, waiting or fetching */
    uint32_t number;
    uint32_t next;    /* in its host's queue */
    uint32_t rank;    /* while fetching or computing */
    uint16_t episode; /* host->episode when its fetch began */
    uint8_t state;
    bool hop; /* its next fetch follows a redirect */
};

struct dealer_slots {
    struct slab slab;    /* of slots */
    size_t string_bytes; /* allocated for URLs */
};

void dealer_slots_init(struct dealer_slots *slots);

/* A slot that holds a copy of the URL as `url` and `fetching`, all else zero. NULL without memory. */
struct dealer_slot *dealer_slots_take(struct dealer_slots *slots, const char *url);

/* Replaces what is fetched; takes ownership of the string, which comes from dealer_slots_copy. */
void dealer_slots_fetch_from(struct dealer_slots *slots, struct dealer_slot *slot, char *url);

/* A copy of a string, counted in string_bytes; NULL without memory. */
char *dealer_slots_copy(struct dealer_slots *slots, const char *string);

/* Frees a copy. */
void dealer_slots_discard(struct dealer_slots *slots, char *copy);

/* Frees the strings and puts the slot back. */
void dealer_slots_give_back(struct dealer_slots *slots, struct dealer_slot *slot);

/* Frees everything; passes the `extra` of each slot in use, unless NULL, to free_extra, unless NULL. */
void dealer_slots_free(struct dealer_slots *slots, void (*free_extra)(void *));

#endif
