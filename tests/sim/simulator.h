/* A job on paper: the real dealer with as many ranks as wanted, a made-up network and a fake clock.
 *
 * A discrete-event simulation: what happens next is taken from a queue of times, so a job of hours on a
 * thousand ranks takes seconds. With `check`, a referee (referee.h) watches every step and proves that the
 * dealer keeps its promises; without it, the result's figures tell how a job of that shape would scale.
 * With `costs`, ranks have event loops that take turns, and whatever they do takes the time that it costs
 * (loops.h). The same configuration gives the same run, always.
 *
 * Times are nanoseconds from the start of the job. One thread at a time; runs share nothing.
 */
#ifndef MILLRACE_TESTS_SIMULATOR_H
#define MILLRACE_TESTS_SIMULATOR_H

#include "src/dealer.h"
#include "tests/sim/loops.h"

/* Lognormal: half of the times are below the median; sigma 0 is constant, 0.5 a good network, 2 heavy-tailed.
 */
struct sim_time {
    int64_t median;
    double sigma;
};

/* What goes wrong, each with a probability per fetch. */
struct sim_faults {
    double nothing;   /* no answer */
    double throttle;  /* 429 or 503 */
    double error;     /* 500, 502, 504 or 408 */
    double missing;   /* 404 and the like: final */
    double refusal;   /* nothing to be done */
    double redirect;  /* to a random host */
    double dead_host; /* per host: it never answers */
    double forged;    /* per message: a hostile rank sends a made-up one before it */
};

struct sim_config {
    uint64_t seed;
    struct dealer_config dealer; /* its seed is the dealer's own */
    uint32_t hosts;
    uint64_t records;
    bool sorted; /* the list is sorted by host; else hosts are drawn at random */
    double skew; /* this share of the records is of host 0 */
    uint32_t
        max_in_flight; /* of every host, 0: no limit; with mixed_limits of each a random number up to it */
    bool mixed_limits;
    uint32_t overload;             /* a host that answers more at once than this throttles; 0: never */
    uint32_t places;               /* room of each rank */
    uint32_t threads;              /* kernels at once on each rank */
    uint32_t slow_every;           /* every so manieth rank is ten times as slow; 0: none */
    struct sim_time fetch, kernel; /* per record */
    int64_t message_delay;         /* between a rank and the dealer, each way */
    int64_t batch;                 /* a rank sends what it has every so often; 0: at once */
    int64_t dealer_cost;           /* of the dealer's core for each message; 0: it is infinitely fast */
    int64_t read_gap; /* the source reads read_burst records every so often; 0: all that are wanted */
    uint32_t read_burst;
    int64_t longest_retry_after; /* throttling answers ask for up to this, two of three times */
    struct sim_faults faults;
    int64_t stop_at; /* dealer_stop is called then; DEALER_NEVER */
    const struct sim_costs
        *costs;  /* NULL: loops cost nothing. Then `batch` and `dealer_cost` are not looked at */
    bool stream; /* with costs: a record's place is free when its fetch has ended, not its kernel */
    bool check;
};

struct sim_result {
    int64_t makespan;      /* until the last outcome */
    uint64_t steps, deals; /* events of the simulation; fetches */
    uint64_t succeeded, failed, undone;
    uint64_t warm;       /* deals to the rank that ended the host's last fetch */
    int64_t kernel_time; /* of all threads */
    int64_t fetch_time;  /* of all transfers */
    int64_t loop_time;   /* with costs: of all loops, */
    int64_t head_time;   /* of rank 0's, */
    int64_t look_time;   /* for looking at messages in vain, */
    int64_t server_time; /* of the server, */
    int64_t longest_turn;
    uint64_t turns, batches; /* of all loops; messages between ranks */
    uint32_t hosts_peak;     /* that the dealer knew */
    size_t bytes_peak;       /* that the dealer allocated, as far as looked at */
    char error[256];         /* what went wrong; empty if nothing */
};

/* Runs the job to its end. False: a promise was broken, or memory ran out; `error` says which. */
bool sim_run(const struct sim_config *config, struct sim_result *result);

/* splitmix64, for whoever draws configurations: the next number, and one in [0, 1). */
uint64_t sim_random(uint64_t *state);
double sim_random_unit(uint64_t *state);

#endif
