/* The ranks of the job and the room each has told of; those with room stand in a ring and take turns.
 *
 * A part of the dealer, for src/dealer*.c only. One thread at a time.
 */
#ifndef MILLRACE_SRC_DEALER_RANKS_H
#define MILLRACE_SRC_DEALER_RANKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dealer_rank {
    uint32_t room;
    uint32_t next, previous; /* in the ring, while room > 0 */
};

struct dealer_ranks {
    struct dealer_rank *all; /* count of them, and the ring's anchor */
    uint32_t count;
    size_t bytes;
};

/* False without memory. */
bool dealer_ranks_init(struct dealer_ranks *ranks, uint32_t count);

/* False: no such rank, or its room would exceed DEALER_MAX_ROOM. */
bool dealer_ranks_add_room(struct dealer_ranks *ranks, uint32_t rank, uint32_t n);

bool dealer_ranks_have_room(const struct dealer_ranks *ranks);

/* Takes one place, of `preferred` if that is a rank with room, else of the rank whose turn it is. Some rank
 * must have room. */
uint32_t dealer_ranks_take(struct dealer_ranks *ranks, uint32_t preferred);

void dealer_ranks_free(struct dealer_ranks *ranks);

#endif
