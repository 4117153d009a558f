/* Strategies compared: the same job run under each of them, several times, by turns, so that a change in the machine's mood
 * falls on all alike. */
#ifndef MILLRACE_SRC_BENCH_H
#define MILLRACE_SRC_BENCH_H

#include "src/link.h"
#include "src/strategy.h"
#include "src/workload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_MOST_STRATEGIES = 5, BENCH_MOST_SETTINGS = BENCH_MOST_STRATEGIES + 2, BENCH_MOST_RUNS = 1000 };

struct bench_config {
    const struct workload *workload;
    const struct strategy *strategies[BENCH_MOST_STRATEGIES]; /* in the order of the table */
    unsigned n_strategies;
    bool in_parts; /* the workload's parts are run too */
    uint32_t pages, concurrency;
    double latency;   /* seconds */
    unsigned runs;    /* of each setting; 0: three, but one of those that take longer than BENCH_LONG */
    unsigned threads; /* compute threads of each rank; 0: by the machine */
    const char *url;  /* of an origin that runs already; NULL: one is started on rank 0's machine */
    const char *
        trace; /* a file for a timeline (src/trace_out.h) of one more run, under the last strategy; NULL: none */
    bool quiet; /* no word about what is under way */
};

#define BENCH_LONG 10.0 /* seconds */

/* What one run took. */
struct bench_run {
    double seconds;
    uint64_t records, requests;
    double cpu_seconds;
    double overlap; /* as tally_overlap */
    double stall;   /* seconds: the longest of any event loop */
};

/* One way of doing it, and its runs. */
struct bench_setting {
    const char
        *name; /* of the strategy, or fetch-alone and compute-alone, which run under the last strategy */
    const struct strategy *strategy;
    enum workload_part part;
    uint32_t ranks;     /* that take part */
    unsigned threads;   /* compute threads of each; 0: on the event loop */
    unsigned cores;     /* ranks times threads, at least ranks */
    uint32_t in_flight; /* transfers at most, over all ranks; 0: none are needed */
    struct bench_run *runs;
    unsigned n_runs;
};

struct bench {
    struct bench_setting settings[BENCH_MOST_SETTINGS];
    unsigned n_settings;
    char *command; /* the first run's command line, for people */
};

/* Collective: runs all settings. Returns EXIT_OK, the same on every rank; EXIT_STOPPED with a message from rank 0 when
 * something can't be run or two strategies gave different rows; EXIT_SOME_FAILED when a row has an error, which is shown;
 * or that of an interrupted run. On rank 0 `bench` has what was measured until then. Free it on every rank. */
int bench_run(struct link *link, const struct bench_config *config, struct bench *bench);
void bench_free(struct bench *bench);

enum bench_rank { BENCH_MIN, BENCH_MEDIAN, BENCH_MAX };

/* Seconds of the fastest, the median and the slowest run. At least one must have been made. */
double bench_seconds(const struct bench_setting *s, enum bench_rank which);

/* The run that took the median time (of an even number, the faster of the two). */
const struct bench_run *bench_median_run(const struct bench_setting *s);

/* The whole job under that strategy, if it was run at least once; else NULL. */
const struct bench_setting *bench_find(const struct bench *bench, const char *name);

#endif
