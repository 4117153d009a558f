#include "src/dealer_slots.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 };

char *dealer_slots_copy(struct dealer_slots *slots, const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = malloc(size);
    if (!copy)
        return NULL;
    slots->bytes += dealer_bytes(size);
    return memcpy(copy, string, size);
}

void dealer_slots_discard(struct dealer_slots *slots, char *copy)
{
    slots->bytes -= dealer_bytes(strlen(copy) + 1);
    free(copy);
}

static bool grow_table(struct dealer_slots *slots)
{
    if (slots->chunk_count < slots->chunk_capacity)
        return true;
    size_t capacity = slots->chunk_capacity ? 2 * slots->chunk_capacity : 16;
    struct dealer_slot **chunks = realloc(slots->chunks, capacity * sizeof *chunks);
    if (!chunks)
        return false;
    slots->bytes += dealer_bytes(capacity * sizeof *chunks);
    if (slots->chunks)
        slots->bytes -= dealer_bytes(slots->chunk_capacity * sizeof *chunks);
    slots->chunks = chunks;
    slots->chunk_capacity = capacity;
    return true;
}

static bool add_chunk(struct dealer_slots *slots)
{
    if (!grow_table(slots))
        return false;
    struct dealer_slot *chunk = calloc(CHUNK, sizeof *chunk);
    if (!chunk)
        return false;
    for (size_t i = 0; i < CHUNK; i++) {
        chunk[i].number = (uint32_t)(slots->chunk_count * CHUNK + i);
        chunk[i].next = i + 1 < CHUNK ? &chunk[i + 1] : slots->free;
    }
    slots->free = chunk;
    slots->chunks[slots->chunk_count++] = chunk;
    slots->bytes += dealer_bytes(CHUNK * sizeof *chunk);
    return true;
}

struct dealer_slot *dealer_slots_take(struct dealer_slots *slots, const char *url)
{
    if (!slots->free && !add_chunk(slots))
        return NULL;
    char *copy = dealer_slots_copy(slots, url);
    if (!copy)
        return NULL;
    struct dealer_slot *slot = slots->free;
    slots->free = slot->next;
    *slot = (struct dealer_slot){.number = slot->number, .record = {.url = copy, .fetching = copy}};
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
    slot->next = slots->free;
    slots->free = slot;
}

struct dealer_slot *dealer_slots_at(const struct dealer_slots *slots, uint32_t number)
{
    return number / CHUNK < slots->chunk_count ? &slots->chunks[number / CHUNK][number % CHUNK] : NULL;
}

void dealer_slots_free(struct dealer_slots *slots, void (*free_extra)(void *))
{
    for (size_t i = 0; i < slots->chunk_count * CHUNK; i++) {
        struct dealer_slot *slot = &slots->chunks[i / CHUNK][i % CHUNK];
        if (slot->state == DEALER_FREE)
            continue;
        if (free_extra && slot->record.extra)
            free_extra(slot->record.extra);
        discard_strings(slots, slot, true);
    }
    for (size_t i = 0; i < slots->chunk_count; i++)
        free(slots->chunks[i]);
    free(slots->chunks);
    *slots = (struct dealer_slots){0};
}
