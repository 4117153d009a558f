/* A priority queue of times: a heap with four children a node, half as deep as a binary one and with the
 * children in one cache line (D. B. Johnson, "Priority queues with update and finding minimum spanning
 * trees", Information Processing Letters 4, 1975).
 *
 * Entries cannot be withdrawn or moved: an owner that no longer needs a time lets it come and ignores it.
 * Zeroed memory is an empty heap. Times are int64_t on any clock. One thread at a time.
 */
#ifndef MILLRACE_SRC_TIMER_HEAP_H
#define MILLRACE_SRC_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer_entry {
    int64_t when;
    void *what; /* the caller's; never looked at */
};

struct timer_heap {
    struct timer_entry *entries;
    size_t count, capacity;
};

/* Makes room for `count` entries in all. False without memory; the heap is then as before. */
bool timer_heap_reserve(struct timer_heap *heap, size_t count);

/* Cannot fail, because room was reserved before: a heap that is full must not be pushed to. */
void timer_heap_push(struct timer_heap *heap, int64_t when, void *what);

/* The earliest time, INT64_MAX if there is none. */
int64_t timer_heap_first(const struct timer_heap *heap);

/* Takes out the earliest entry if its time is `now` or before; NULL if it is not, or the heap is empty. */
void *timer_heap_pop(struct timer_heap *heap, int64_t now);

/* Leaves an empty heap. */
void timer_heap_free(struct timer_heap *heap);

#endif
