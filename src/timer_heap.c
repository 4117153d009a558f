#include "src/timer_heap.h"

#include <stdlib.h>

enum { ARITY = 4 };

bool timer_heap_reserve(struct timer_heap *heap, size_t count)
{
    if (count <= heap->capacity)
        return true;
    /* By quarters: a heap that has one entry for every host should not double the memory of a host. */
    size_t capacity = heap->capacity + heap->capacity / 4 + 16;
    if (capacity < count)
        capacity = count;
    if (capacity > SIZE_MAX / sizeof *heap->entries)
        return false;
    struct timer_entry *entries = realloc(heap->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    heap->entries = entries;
    heap->capacity = capacity;
    return true;
}

void timer_heap_push(struct timer_heap *heap, int64_t when, void *what)
{
    struct timer_entry *e = heap->entries;
    size_t hole = heap->count++;
    while (hole > 0 && e[(hole - 1) / ARITY].when > when) {
        e[hole] = e[(hole - 1) / ARITY];
        hole = (hole - 1) / ARITY;
    }
    e[hole] = (struct timer_entry){when, what};
}

int64_t timer_heap_first(const struct timer_heap *heap)
{
    return heap->count > 0 ? heap->entries[0].when : INT64_MAX;
}

/* The child of `parent` with the earliest time; there is at least one child. */
static size_t earliest_child(const struct timer_heap *heap, size_t parent)
{
    size_t first = ARITY * parent + 1, best = first;
    size_t end = first + ARITY < heap->count ? first + ARITY : heap->count;
    for (size_t child = first + 1; child < end; child++)
        if (heap->entries[child].when < heap->entries[best].when)
            best = child;
    return best;
}

void *timer_heap_pop(struct timer_heap *heap, int64_t now)
{
    if (heap->count == 0 || heap->entries[0].when > now)
        return NULL;
    void *what = heap->entries[0].what;
    struct timer_entry last = heap->entries[--heap->count];
    size_t hole = 0;
    while (ARITY * hole + 1 < heap->count) {
        size_t child = earliest_child(heap, hole);
        if (heap->entries[child].when >= last.when)
            break;
        heap->entries[hole] = heap->entries[child];
        hole = child;
    }
    heap->entries[hole] = last;
    return what;
}

void timer_heap_free(struct timer_heap *heap)
{
    free(heap->entries);
    *heap = (struct timer_heap){0};
}
