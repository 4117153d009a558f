#include "io/origin_timer.h"

#include <errno.h>
#include <stdlib.h>

static void place(struct origin_timers *timers, struct origin_timer *timer, size_t slot)
{
    timers->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct origin_timers *timers, struct origin_timer *timer, size_t slot)
{
    for (; slot > 1 && timers->heap[slot / 2]->due > timer->due; slot /= 2)
        place(timers, timers->heap[slot / 2], slot);
    place(timers, timer, slot);
}

static void sift_down(struct origin_timers *timers, struct origin_timer *timer, size_t slot)
{
    for (size_t child; (child = slot * 2) <= timers->count; slot = child) {
        if (child < timers->count && timers->heap[child + 1]->due < timers->heap[child]->due)
            child++;
        if (timers->heap[child]->due >= timer->due)
            break;
        place(timers, timers->heap[child], slot);
    }
    place(timers, timer, slot);
}

static int grow(struct origin_timers *timers)
{
    size_t room = timers->room ? timers->room * 2 : 64;
    struct origin_timer **heap = realloc(timers->heap, room * sizeof(*heap));
    if (!heap)
        return ENOMEM;
    timers->heap = heap;
    timers->room = room;
    return 0;
}

int origin_timers_add(struct origin_timers *timers, struct origin_timer *timer, int64_t due)
{
    if (timers->count + 1 >= timers->room && grow(timers))
        return ENOMEM;
    timer->due = due;
    timers->count++;
    sift_up(timers, timer, timers->count);
    return 0;
}

void origin_timers_remove(struct origin_timers *timers, struct origin_timer *timer)
{
    size_t slot = timer->slot;
    if (!slot)
        return;
    struct origin_timer *last = timers->heap[timers->count--];
    timer->slot = 0;
    if (last == timer)
        return;
    if (slot > 1 && timers->heap[slot / 2]->due > last->due)
        sift_up(timers, last, slot);
    else
        sift_down(timers, last, slot);
}

struct origin_timer *origin_timers_first(const struct origin_timers *timers)
{
    return timers->count ? timers->heap[1] : NULL;
}

void origin_timers_free(struct origin_timers *timers)
{
    free(timers->heap);
    *timers = (struct origin_timers){0};
}
