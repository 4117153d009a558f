/* Event loops, compute threads and cores, for a simulation that asks what things cost.
 *
 * Every rank has one event loop and some compute threads. What a loop has to do waits in its queue; a turn
 * takes all of it, as the real loop does, and costs what the simulation says. Messages from other ranks do
 * not wake a loop: it sees them when it next looks, soon after traffic and seldom after a silence
 * (src/wheel.c). A machine's loops and threads share its cores: who wants a core and finds none free
 * stands in line, loops first, since they sleep more and the system's scheduler favours that; a kernel
 * that others wait for gives its core up after each quantum.
 *
 * The events of kinds LOOPS_FIRST_KIND and above are this module's: hand them to loops_step. Times are
 * nanoseconds. One thread at a time.
 */
#ifndef MILLRACE_TESTS_LOOPS_H
#define MILLRACE_TESTS_LOOPS_H

#include "tests/sim/agenda.h"

enum { LOOPS_FIRST_KIND = 100 };

/* What a job costs on a machine, in ns of a core where nothing else is said. All zero: nothing costs
 * anything, every thread has a core, messages are seen at once. */
struct sim_costs {
    int64_t turn;          /* of a loop, however little it has to do */
    int64_t wake;          /* the same, in addition, if it has slept before */
    int64_t scan;          /* of rank 0's loop in each turn, for each rank of the job */
    int64_t start, page;   /* a transfer begun; ended, until its body is with a compute thread */
    int64_t send, receive; /* a worker's batch of messages */
    int64_t head_send;     /* rank 0's, to a rank */
    int64_t head_receive;  /* and from one */
    int64_t deal,
        outcome; /* rank 0: a record read, decided on and dealt; its fetch and outcome taken, its row made */
    int64_t server;        /* of a single-threaded server on machine 0, for each answer; 0: there is none */
    int64_t look_shortest; /* wall time between a loop's looks for messages, after traffic */
    int64_t look_longest;  /* after a silence; it grows by a quarter each time. 0: messages wake the loop */
    int64_t look_slack;    /* wall time by which the system wakes later than asked */
    int64_t bytes_out;     /* bytes (no time) on the wire from rank 0 for each record */
    int64_t bytes_in;      /* to rank 0 */
    double bytes_per_ns;   /* of rank 0's network, each way; 0: no limit */
    uint32_t cores;        /* of each machine; 0: every thread has one */
    uint32_t ranks_a_machine; /* 0: all on one */
};

struct loops;

/* `costs` and `agenda` must outlive it. There is one loop more than ranks, for a server on machine 0.
 * NULL: no memory. */
struct loops *loops_new(const struct sim_costs *costs, uint32_t ranks, uint32_t threads,
                        struct agenda *agenda);
void loops_free(struct loops *l);

/* A loop has something to do; `mail` if it has to look for it. False: no memory, here and below. */
bool loops_serve(struct loops *l, int64_t now, uint32_t loop, const struct sim_event *event, bool mail);

/* A turn of the loop, though nothing has happened; and whether it is in one, or will be as soon as it has
 * a core. */
bool loops_wake(struct loops *l, int64_t now, uint32_t loop);
bool loops_awake(const struct loops *l, uint32_t loop);

/* A compute thread of event->rank runs a kernel of `time`, and then the loop has `event` to do. */
bool loops_compute(struct loops *l, int64_t now, const struct sim_event *event, int64_t time);

/* An event of this module's. `*turn`: the loop whose turn begins now, or UINT32_MAX; the caller then takes
 * what there is to do, and says with loops_rest what it cost. */
bool loops_step(struct loops *l, int64_t now, const struct sim_event *event, uint32_t *turn);
bool loops_take(struct loops *l, uint32_t loop, struct sim_event *event);
bool loops_rest(struct loops *l, int64_t now, uint32_t loop, int64_t spent, bool traffic);

/* Of the turn that has just begun: whether the loop slept before. */
bool loops_slept(const struct loops *l, uint32_t loop);

/* How often all loops have looked for messages and found none by the time `now`, in turns that were not
 * simulated since nobody waits for their cores. */
uint64_t loops_looks(const struct loops *l, int64_t now);

#endif
