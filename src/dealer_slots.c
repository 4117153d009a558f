#include "src/dealer_slots.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct dealer_slot) <= 64, "a slot is one cache line");

void dealer_slots_init(struct dealer_slots *slots)
{
    slots->string_bytes = 0;
    slab_init(&slots->slab, sizeof(struct dealer_slot));
}

char *dealer_slots_copy(struct dealer_slots *slots, const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = malloc(size);
    if (!copy)
        return NULL;
    slots->string_bytes += slab_bytes(size);
    return memcpy(copy, string, size);
}

void dealer_slots_discard(struct dealer_slots *slots, char *copy)
{
    slots->string_bytes -= slab_bytes(strlen(copy) + 1);
    free(copy);
}

struct dealer_slot *dealer_slots_take(struct dealer_slots *slots, const char *url)
{
    char *copy = dealer_slots_copy(slots, url);
    if (!copy)
        return NULL;
    uint32_t number = slab_take(&slots->slab);
    if (number == SLAB_NONE) {
        dealer_slots_discard(slots, copy);
        return NULL;
    }
    struct dealer_slot *slot = slab_at(&slots->slab, number);
    *slot = (struct dealer_slot){.number = number, .record = {.url = copy, .fetching = copy}};
    return slot;
}

/* The record shows its strings as const; here is where they are owned. */
static void discard_strings(struct dealer_slots *slots, struct dealer_slot *slot, bool both)
{
    if (slot->record.fetching != slot->record.url)
        dealer_slots_discard(slots, (char *)slot->record.fetching);
    if (both)
        dealer_slots_discard(slots, (char *)slot->record.url);
}

void dealer_slots_fetch_from(struct dealer_slots *slots, struct dealer_slot *slot, char *url)
{
    discard_strings(slots, slot, false);
    slot->record.fetching = url;
}

void dealer_slots_give_back(struct dealer_slots *slots, struct dealer_slot *slot)
{
    discard_strings(slots, slot, true);
    slot->state = DEALER_FREE;
    slab_give_back(&slots->slab, slot->number);
}

void dealer_slots_free(struct dealer_slots *slots, void (*free_extra)(void *))
{
    for (uint32_t i = 0; i < slab_count(&slots->slab); i++) {
        struct dealer_slot *slot = slab_at(&slots->slab, i);
        if (slot->state == DEALER_FREE)
            continue;
        if (free_extra && slot->record.extra)
            free_extra(slot->record.extra);
        discard_strings(slots, slot, true);
    }
    slab_free(&slots->slab);
}
