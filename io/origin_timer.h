/* A binary min-heap of deadlines. The timers are embedded by their owners; the heap holds pointers only. One
 * thread. */
#ifndef MILLRACE_IO_ORIGIN_TIMER_H
#define MILLRACE_IO_ORIGIN_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct origin_timer {
    int64_t due; /* nanoseconds of whatever clock the owner uses */
    size_t slot; /* place in the heap, from 1; 0: not in it */
};

/* All zero is an empty heap. */
struct origin_timers {
    struct origin_timer **heap; /* heap[0] is unused */
    size_t count;
    size_t room;
};

/* Puts the timer, which must not be in the heap, into it. Returns 0 or ENOMEM. */
int origin_timers_add(struct origin_timers *timers, struct origin_timer *timer, int64_t due);

/* Takes the timer out; one that is not in the heap is left alone. */
void origin_timers_remove(struct origin_timers *timers, struct origin_timer *timer);

/* The timer due first, or NULL. */
struct origin_timer *origin_timers_first(const struct origin_timers *timers);

/* Frees the heap, not the timers. */
void origin_timers_free(struct origin_timers *timers);

#endif
