/* Ways of running a job, so that they can be compared: settings of one engine, nothing is written twice. */
#ifndef MILLRACE_SRC_STRATEGY_H
#define MILLRACE_SRC_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

enum strategy_places {
    STRATEGY_ONE,        /* a rank holds one record at a time */
    STRATEGY_PER_THREAD, /* one for each compute thread */
    STRATEGY_MANY, /* as many as --concurrency says; where nothing is fetched, one for each compute thread, and on other
                      ranks than 0 one in reserve */
};

/* name, ranks that work, records that a rank holds, kernels run on compute threads (else on the event loop), a record keeps
 * its place until its kernel has ended (else until its fetch has), what it stands for */
#define STRATEGY_MAP(X)                                                                                      \
    X(sequential, 1, STRATEGY_ONE, false, true, "a plain loop: one record after the other")                  \
    X(threads, 1, STRATEGY_PER_THREAD, true, true,                                                           \
      "a thread pool: each thread fetches and computes its own")                                             \
    X(async, 1, STRATEGY_MANY, false, false, "an event loop alone: many transfers, kernels on the loop")     \
    X(processes, UINT32_MAX, STRATEGY_ONE, false, true, "a process pool: one record at a time on each rank") \
    X(hybrid, UINT32_MAX, STRATEGY_MANY, true, false,                                                        \
      "this program: many transfers on each rank, kernels on threads")

struct strategy {
    const char *name;
    uint32_t ranks; /* the first so many take part */
    enum strategy_places places;
    bool threads; /* kernels run on compute threads */
    bool hold;
    const char *meaning;
};

/* NULL: no such strategy. Static. */
const struct strategy *strategy_find(const char *name);

/* The i-th, from 0; NULL after the last. Static. */
const struct strategy *strategy_at(unsigned i);

/* How many records a rank of the job holds at most: 0 if it takes no part. `concurrency` 0: nothing is fetched. */
uint32_t strategy_places_of(const struct strategy *s, uint32_t rank, unsigned threads, uint32_t concurrency);

#endif
