#include "src/dealer_ranks.h"

#include "src/dealer.h"
#include "src/slab.h"

#include <stdlib.h>

bool dealer_ranks_init(struct dealer_ranks *ranks, uint32_t count)
{
    size_t places = (size_t)count + 1;
    *ranks = (struct dealer_ranks){.count = count, .bytes = slab_bytes(places * sizeof *ranks->all)};
    ranks->all = calloc(places, sizeof *ranks->all);
    if (!ranks->all)
        return false;
    ranks->all[count].next = ranks->all[count].previous = count;
    return true;
}

static void append(struct dealer_ranks *ranks, uint32_t rank)
{
    struct dealer_rank *all = ranks->all;
    uint32_t anchor = ranks->count, last = all[anchor].previous;
    all[rank].previous = last;
    all[rank].next = anchor;
    all[last].next = all[anchor].previous = rank;
}

static void take_out(struct dealer_ranks *ranks, uint32_t rank)
{
    struct dealer_rank *all = ranks->all;
    all[all[rank].previous].next = all[rank].next;
    all[all[rank].next].previous = all[rank].previous;
}

bool dealer_ranks_add_room(struct dealer_ranks *ranks, uint32_t rank, uint32_t n)
{
    if (rank >= ranks->count || n > DEALER_MAX_ROOM - ranks->all[rank].room)
        return false;
    if (n > 0 && ranks->all[rank].room == 0)
        append(ranks, rank);
    ranks->all[rank].room += n;
    return true;
}

bool dealer_ranks_have_room(const struct dealer_ranks *ranks)
{
    return ranks->all[ranks->count].next != ranks->count;
}

uint32_t dealer_ranks_take(struct dealer_ranks *ranks, uint32_t preferred)
{
    uint32_t rank = ranks->all[ranks->count].next;
    if (preferred < ranks->count && ranks->all[preferred].room > 0)
        rank = preferred;
    take_out(ranks, rank);
    if (--ranks->all[rank].room > 0)
        append(ranks, rank);
    return rank;
}

void dealer_ranks_free(struct dealer_ranks *ranks)
{
    free(ranks->all);
    *ranks = (struct dealer_ranks){0};
}
