#include "tests/sim/agenda.h"

#include <stdlib.h>

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

bool agenda_post(struct agenda *a, struct sim_event event)
{
    if (a->len == a->cap) {
        size_t cap = 2 * a->cap + 64;
        struct sim_event *heap = realloc(a->heap, cap * sizeof *heap);
        if (!heap)
            return false;
        a->heap = heap;
        a->cap = cap;
    }
    event.order = a->order++;
    size_t hole = a->len++;
    for (; hole > 0 && is_before(&event, &a->heap[(hole - 1) / 2]); hole = (hole - 1) / 2)
        a->heap[hole] = a->heap[(hole - 1) / 2];
    a->heap[hole] = event;
    return true;
}

struct sim_event agenda_take(struct agenda *a)
{
    struct sim_event first = a->heap[0], last = a->heap[--a->len];
    size_t hole = 0;
    for (size_t child; (child = 2 * hole + 1) < a->len; hole = child) {
        if (child + 1 < a->len && is_before(&a->heap[child + 1], &a->heap[child]))
            child++;
        if (!is_before(&a->heap[child], &last))
            break;
        a->heap[hole] = a->heap[child];
    }
    a->heap[hole] = last;
    return first;
}

void agenda_free(struct agenda *a)
{
    free(a->heap);
    *a = (struct agenda){0};
}

static bool grow(struct fifo *f)
{
    size_t cap = 2 * f->cap + 16;
    struct sim_event *ring = malloc(cap * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < f->len; i++)
        ring[i] = f->ring[(f->head + i) % f->cap];
    free(f->ring);
    *f = (struct fifo){.ring = ring, .len = f->len, .cap = cap};
    return true;
}

bool fifo_push(struct fifo *f, const struct sim_event *event)
{
    if (f->len == f->cap && !grow(f))
        return false;
    f->ring[(f->head + f->len++) % f->cap] = *event;
    return true;
}

struct sim_event fifo_pop(struct fifo *f)
{
    struct sim_event event = f->ring[f->head];
    f->head = (f->head + 1) % f->cap;
    f->len--;
    return event;
}

void fifo_free(struct fifo *f)
{
    free(f->ring);
    *f = (struct fifo){0};
}
