#include "tests/sim/loops.h"

#include <stdlib.h>

enum kind {
    LOOK = LOOPS_FIRST_KIND, /* the loop looks for messages, if `batch` turns are still all it has had */
    TURN,                    /* it has a core */
    REST,                    /* its turn has ended */
    RUN,                     /* a kernel has a core */
    SLICE                    /* and has used it up, or has ended: `batch` says how much is left */
};

enum { QUANTUM = 1000 * 1000 };

struct loop {
    struct fifo queue;
    bool awake; /* in a turn, or waiting for a core */
    bool slept; /* before this turn */
    int64_t rested, poll;
    uint64_t turns, looks;
    uint32_t idle_threads;
    struct fifo kernels; /* that wait for a thread */
};

struct machine {
    uint32_t busy; /* cores */
    struct fifo loops, kernels;
};

struct loops {
    const struct sim_costs *costs;
    struct agenda *agenda;
    struct loop *loops;
    struct machine *machines;
    uint32_t n_loops, n_machines;
    uint32_t threads;   /* of each loop, that compute */
    uint32_t done_kind; /* of events that kernels end with */
    bool polls;         /* messages wake no loop: it has to look */
    bool every_look;    /* is simulated, as others may wait for the core; else those that find something */
};

static bool post(struct loops *l, int64_t when, struct sim_event event)
{
    event.when = when;
    return agenda_post(l->agenda, event);
}

struct loops *loops_new(const struct sim_costs *costs, uint32_t ranks, uint32_t threads,
                        struct agenda *agenda)
{
    struct loops *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    uint32_t each = costs->ranks_a_machine ? costs->ranks_a_machine : ranks;
    l->costs = costs;
    l->agenda = agenda;
    l->n_loops = ranks + 1;
    l->threads = threads;
    l->n_machines = (ranks + each - 1) / each;
    l->loops = calloc(l->n_loops, sizeof *l->loops);
    l->machines = calloc(l->n_machines, sizeof *l->machines);
    if (!l->loops || !l->machines) {
        loops_free(l);
        return NULL;
    }
    for (uint32_t i = 0; i < l->n_loops; i++)
        l->loops[i] = (struct loop){.idle_threads = threads, .poll = costs->look_shortest};
    l->polls = ranks > 1 && costs->look_longest > 0;
    l->every_look = l->polls && costs->cores > 0;
    for (uint32_t i = 0; l->every_look && i < ranks; i++)
        if (!post(l, costs->look_shortest + costs->look_slack, (struct sim_event){.kind = LOOK, .rank = i})) {
            loops_free(l);
            return NULL;
        }
    return l;
}

void loops_free(struct loops *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; l->loops && i < l->n_loops; i++) {
        fifo_free(&l->loops[i].queue);
        fifo_free(&l->loops[i].kernels);
    }
    for (uint32_t i = 0; l->machines && i < l->n_machines; i++) {
        fifo_free(&l->machines[i].loops);
        fifo_free(&l->machines[i].kernels);
    }
    free(l->loops);
    free(l->machines);
    free(l);
}

/* ------------------------------------------------------------------ cores */

static struct machine *machine_of(struct loops *l, uint32_t loop)
{
    uint32_t each = l->costs->ranks_a_machine, ranks = l->n_loops - 1;
    return &l->machines[each == 0 || loop == ranks ? 0 : loop / each];
}

static bool want_core(struct loops *l, int64_t now, const struct sim_event *event)
{
    struct machine *m = machine_of(l, event->rank);
    if (l->costs->cores > 0 && m->busy == l->costs->cores)
        return fifo_push(event->kind == TURN ? &m->loops : &m->kernels, event);
    m->busy++;
    return post(l, now, *event);
}

static bool give_back_core(struct loops *l, int64_t now, uint32_t loop)
{
    struct machine *m = machine_of(l, loop);
    struct fifo *next = m->loops.len > 0 ? &m->loops : &m->kernels;
    if (next->len > 0)
        return post(l, now, fifo_pop(next));
    m->busy--;
    return true;
}

/* ------------------------------------------------------------------ loops */

bool loops_wake(struct loops *l, int64_t now, uint32_t loop)
{
    struct loop *at = &l->loops[loop];
    if (at->awake)
        return true;
    at->awake = true;
    at->slept = now > at->rested;
    return want_core(l, now, &(struct sim_event){.kind = TURN, .rank = loop});
}

bool loops_awake(const struct loops *l, uint32_t loop)
{
    return l->loops[loop].awake;
}

/* The interval after `poll`, as in src/wheel.c. */
static int64_t rarer(const struct loops *l, const struct loop *at, int64_t poll)
{
    return poll + (at->idle_threads < l->threads ? poll : poll / 4);
}

/* The first look at or after `when`, of a loop that rests; `*poll` becomes the interval that follows it,
 * `*looks` how many looks there were before. */
static int64_t look_after(const struct loops *l, const struct loop *at, int64_t when, int64_t *poll,
                          uint64_t *looks)
{
    const struct sim_costs *c = l->costs;
    int64_t next = at->rested + at->poll + c->look_slack;
    *poll = at->poll;
    for (*looks = 0; next < when; (*looks)++) {
        *poll = rarer(l, at, *poll);
        if (*poll >= c->look_longest) {
            *poll = c->look_longest;
            int64_t each = *poll + c->look_slack, more = (when - next + each - 1) / each;
            *looks += (uint64_t)more;
            return next + more * each;
        }
        next += *poll + c->look_slack;
    }
    return next;
}

bool loops_serve(struct loops *l, int64_t now, uint32_t loop, const struct sim_event *event, bool mail)
{
    struct loop *at = &l->loops[loop];
    if (!fifo_push(&at->queue, event))
        return false;
    if (!mail || !l->polls)
        return loops_wake(l, now, loop);
    if (at->awake || l->every_look)
        return true;
    int64_t poll;
    uint64_t looks;
    int64_t look = look_after(l, at, now, &poll, &looks);
    return post(l, look, (struct sim_event){.kind = LOOK, .rank = loop, .batch = at->turns});
}

bool loops_take(struct loops *l, uint32_t loop, struct sim_event *event)
{
    struct loop *at = &l->loops[loop];
    if (at->queue.len == 0)
        return false;
    *event = fifo_pop(&at->queue);
    return true;
}

bool loops_rest(struct loops *l, int64_t now, uint32_t loop, int64_t spent, bool traffic)
{
    struct loop *at = &l->loops[loop];
    const struct sim_costs *c = l->costs;
    at->poll = traffic ? c->look_shortest : rarer(l, at, at->poll);
    if (at->poll > c->look_longest)
        at->poll = c->look_longest;
    return post(l, now + spent, (struct sim_event){.kind = REST, .rank = loop});
}

static bool rest(struct loops *l, int64_t now, uint32_t loop)
{
    struct loop *at = &l->loops[loop];
    at->awake = false;
    at->rested = now;
    if (!give_back_core(l, now, loop))
        return false;
    if (at->queue.len > 0)
        return loops_wake(l, now, loop);
    int64_t look = now + at->poll + l->costs->look_slack;
    struct sim_event event = {.kind = LOOK, .rank = loop, .batch = at->turns};
    return !l->every_look || loop + 1 == l->n_loops || post(l, look, event);
}

static void begin_turn(struct loops *l, int64_t now, uint32_t loop)
{
    struct loop *at = &l->loops[loop];
    uint64_t looks;
    at->turns++;
    if (!l->polls || l->every_look)
        return;
    look_after(l, at, now, &at->poll, &looks);
    at->looks += looks;
}

bool loops_slept(const struct loops *l, uint32_t loop)
{
    return l->loops[loop].slept;
}

uint64_t loops_looks(const struct loops *l, int64_t now)
{
    uint64_t all = 0, looks;
    int64_t poll;
    for (uint32_t i = 0; l->polls && !l->every_look && i + 1 < l->n_loops; i++) {
        look_after(l, &l->loops[i], now, &poll, &looks);
        all += l->loops[i].looks + looks;
    }
    return all;
}

/* ------------------------------------------------------------------ kernels */

bool loops_compute(struct loops *l, int64_t now, const struct sim_event *event, int64_t time)
{
    struct loop *at = &l->loops[event->rank];
    struct sim_event kernel = *event;
    l->done_kind = event->kind;
    kernel.kind = RUN;
    kernel.batch = (uint64_t)time;
    if (at->idle_threads == 0)
        return fifo_push(&at->kernels, &kernel);
    at->idle_threads--;
    return want_core(l, now, &kernel);
}

static bool run_slice(struct loops *l, int64_t now, const struct sim_event *event)
{
    struct sim_event slice = *event;
    int64_t left = (int64_t)event->batch, most = l->costs->cores > 0 ? QUANTUM : INT64_MAX;
    int64_t time = left < most ? left : most;
    slice.kind = SLICE;
    slice.batch = (uint64_t)(left - time);
    return post(l, now + time, slice);
}

static bool end_slice(struct loops *l, int64_t now, const struct sim_event *event)
{
    struct loop *at = &l->loops[event->rank];
    struct sim_event next = *event;
    if (!give_back_core(l, now, event->rank))
        return false;
    next.kind = RUN;
    if (event->batch > 0)
        return want_core(l, now, &next);
    next.kind = l->done_kind;
    if (!loops_serve(l, now, event->rank, &next, false))
        return false;
    if (at->kernels.len > 0) {
        next = fifo_pop(&at->kernels);
        return want_core(l, now, &next);
    }
    at->idle_threads++;
    return true;
}

bool loops_step(struct loops *l, int64_t now, const struct sim_event *event, uint32_t *turn)
{
    *turn = UINT32_MAX;
    switch (event->kind) {
    case LOOK:
        return l->loops[event->rank].turns != event->batch || loops_wake(l, now, event->rank);
    case TURN:
        begin_turn(l, now, event->rank);
        *turn = event->rank;
        return true;
    case REST:
        return rest(l, now, event->rank);
    case RUN:
        return run_slice(l, now, event);
    default:
        return end_slice(l, now, event);
    }
}
