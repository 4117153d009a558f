/* What is to happen when, in a simulation: events in the order of their times, those of one time in the
 * order they were made. And a first-in-first-out queue of events, for what waits.
 *
 * Times are nanoseconds. One thread at a time.
 */
#ifndef MILLRACE_TESTS_AGENDA_H
#define MILLRACE_TESTS_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_event {
    int64_t when;
    uint64_t order;
    uint64_t id;
    uint64_t batch; /* of messages: those of one batch have the same */
    uint32_t kind;  /* the simulation's own */
    uint32_t rank;
    uint32_t slot;
    bool admitted; /* the dealer has given the message a time */
};

/* A binary heap. All zero is an empty one. */
struct agenda {
    struct sim_event *heap;
    size_t len, cap;
    uint64_t order;
};

/* False: no memory. Sets the event's `order`. */
bool agenda_post(struct agenda *a, struct sim_event event);

/* The first; there must be one. */
struct sim_event agenda_take(struct agenda *a);
void agenda_free(struct agenda *a);

/* A ring. All zero is an empty one. */
struct fifo {
    struct sim_event *ring;
    size_t head, len, cap;
};

bool fifo_push(struct fifo *f, const struct sim_event *event);
/* The oldest; there must be one. */
struct sim_event fifo_pop(struct fifo *f);
void fifo_free(struct fifo *f);

#endif
