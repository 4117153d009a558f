/* The places where a dealer keeps its records: numbered, never moved, used again.
 *
 * A part of the dealer, for src/dealer*.c only. Slots live in chunks that are allocated when first needed and
 * kept until the end, so a slot's number leads to it in two loads, whatever a rank may send as a number.
 * One thread at a time.
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
    struct dealer_slot *next; /* in its host's queue, or in the list of free slots */
    uint32_t number;
    uint32_t rank;  /* while fetching or computing */
    uint32_t start; /* host->starts when its fetch began */
    uint8_t state;
    bool hop; /* its next fetch follows a redirect */
};

struct dealer_slots {
    struct dealer_slot **chunks;
    size_t chunk_count, chunk_capacity;
    struct dealer_slot *free;
    size_t bytes; /* allocated, URLs included */
};

/* A slot that holds a copy of the URL as `url` and `fetching`, all else zero. NULL without memory. */
struct dealer_slot *dealer_slots_take(struct dealer_slots *slots, const char *url);

/* Replaces what is fetched; takes ownership of the string, which comes from dealer_slots_copy. */
void dealer_slots_fetch_from(struct dealer_slots *slots, struct dealer_slot *slot, char *url);

/* A copy of a string, counted in `bytes`; NULL without memory. */
char *dealer_slots_copy(struct dealer_slots *slots, const char *string);

/* Frees a copy. */
void dealer_slots_discard(struct dealer_slots *slots, char *copy);

/* Frees the strings and puts the slot back. */
void dealer_slots_give_back(struct dealer_slots *slots, struct dealer_slot *slot);

/* The slot of that number, in use or not; NULL if there is none. */
struct dealer_slot *dealer_slots_at(const struct dealer_slots *slots, uint32_t number);

/* Frees everything; passes the `extra` of each slot in use, unless NULL, to free_extra, unless NULL. */
void dealer_slots_free(struct dealer_slots *slots, void (*free_extra)(void *));

#endif
