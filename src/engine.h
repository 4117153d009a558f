/* The engine: one job, run by all ranks together. It makes the parts, lets the wheel (src/wheel.h) turn until the job is over, and
 * tells what it took. */
#ifndef MILLRACE_SRC_ENGINE_H
#define MILLRACE_SRC_ENGINE_H

#include "io/transfer.h"
#include "src/head.h"
#include "src/link.h"
#include "src/report.h"
#include "src/stage.h"
#include "src/strategy.h"

#include <stdbool.h>

struct engine_config {
    const struct transfer_options *transfer; /* NULL: nothing is fetched, records are computed as they are */
    /* Makes the stage for that many threads, on one of `sharing` ranks of this machine. NULL: `error` says what is
     * wrong with its configuration. */
    struct stage *(*make_stage)(const void *stage_config, unsigned threads, int sharing, char *error,
                                size_t error_size);
    const void *stage_config;
    struct head_config head;
    unsigned threads; /* compute threads of each rank; 0: pool_default_threads */
    const struct strategy *strategy;
    int64_t rank_timeout; /* ns of silence until a rank is lost, and the job with it; 0: never */
    bool quiet, verbose;
    const char *report; /* a file for the figures, as JSON; NULL: none */
    const char *trace;  /* a file for a timeline: trace_out.h; NULL: none */
    /* Called on rank 0 when the job has ended, with its figures: they are gone after. NULL: nobody is. */
    void (*observe)(void *observer, const struct report *report);
    void *observer;
};

/* Collective, and may be called again: runs the job and returns the exit code, the same on every rank. Messages to people come from
 * rank 0. The signals INT, TERM and USR1 must be blocked in every thread: the engine takes them by
 * signalfd(2). */
int engine_run(struct link *link, const struct engine_config *config);

#endif
