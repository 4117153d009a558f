/* Runs the dealer through thousands of random jobs under the eyes of the referee.
 *
 *     sim_dealer                   seeds 1..N; N grows with the environment's MILLRACE_EFFORT (default 1)
 *     sim_dealer --seed N          that one, and its figures
 *     sim_dealer --seeds A..B      those
 */
#include "tests/sim/simulator.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_SEEDS = 3000, MAX_EFFORT = 100000 };

static const int64_t MS = 1000000, SECOND = 1000000000;

static uint64_t pick(uint64_t *random, uint64_t from, uint64_t to)
{
    return from + sim_random(random) % (to - from + 1);
}

static bool often(uint64_t *random, double probability)
{
    return sim_random_unit(random) < probability;
}

/* Between the bounds, each order of magnitude as likely as another. */
static uint64_t pick_magnitude(uint64_t *random, uint64_t from, uint64_t to)
{
    uint64_t value = from;
    while (value < to && often(random, 0.7))
        value *= 2;
    return value < to ? pick(random, from, value) : pick(random, from, to);
}

static int64_t pick_time(uint64_t *random, int64_t to)
{
    return (int64_t)(sim_random_unit(random) * sim_random_unit(random) * (double)to);
}

static void draw_rules(uint64_t *random, struct dealer_config *d)
{
    d->ranks = (uint32_t)pick_magnitude(random, 1, often(random, 0.02) ? 2000 : 64);
    d->window = (uint32_t)(often(random, 0.3) ? pick(random, 1, 8) : pick_magnitude(random, 8, 1000));
    d->delay = often(random, 0.5) ? 0 : pick_time(random, 2 * SECOND);
    d->retries = (uint32_t)pick(random, 0, 5);
    d->max_redirects = (uint32_t)pick(random, 0, 4);
    d->backoff_base = often(random, 0.05) ? 0 : 1 + pick_time(random, SECOND);
    d->backoff_max = often(random, 0.05) ? d->backoff_base / 2 : pick_time(random, 30 * SECOND);
    d->max_wait = often(random, 0.1) ? 0 : pick_time(random, 60 * SECOND);
    d->seed = sim_random(random);
}

static double fault(uint64_t *random)
{
    return often(random, 0.5) ? 0 : often(random, 0.1) ? 0.9 : 0.2 * sim_random_unit(random);
}

static void draw_world(uint64_t *random, struct sim_config *c)
{
    c->max_in_flight = (uint32_t)(often(random, 0.3) ? 0 : often(random, 0.3) ? 1 : pick(random, 1, 16));
    c->mixed_limits = often(random, 0.3);
    c->overload = often(random, 0.3) ? (uint32_t)pick(random, 1, 12) : 0;
    c->longest_retry_after = often(random, 0.3) ? 0 : 1 + pick_time(random, 100 * SECOND);
    c->fetch = (struct sim_time){pick_time(random, SECOND), often(random, 0.2) ? 2 : sim_random_unit(random)};
    c->kernel =
        (struct sim_time){often(random, 0.3) ? 0 : pick_time(random, SECOND), sim_random_unit(random)};
    c->message_delay = often(random, 0.3) ? 0 : pick_time(random, 10 * MS);
    c->batch = often(random, 0.5) ? 0 : 1 + pick_time(random, 20 * MS);
    c->dealer_cost = often(random, 0.8) ? 0 : pick_time(random, MS);
    c->faults = (struct sim_faults){.nothing = fault(random),
                                    .throttle = fault(random),
                                    .error = fault(random),
                                    .missing = fault(random),
                                    .refusal = fault(random),
                                    .redirect = fault(random),
                                    .dead_host = often(random, 0.8) ? 0 : sim_random_unit(random),
                                    .forged = often(random, 0.5) ? 0 : 0.3};
}

static struct sim_config draw(uint64_t seed)
{
    uint64_t random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    struct sim_config c = {.seed = sim_random(&random), .check = true, .stop_at = DEALER_NEVER};
    draw_rules(&random, &c.dealer);
    draw_world(&random, &c);
    c.hosts = (uint32_t)pick_magnitude(&random, often(&random, 0.5) ? 1 : 30, 500);
    c.records = pick_magnitude(&random, often(&random, 0.1) ? 1 : 50, 1000);
    c.sorted = often(&random, 0.3);
    c.skew = often(&random, 0.3) ? sim_random_unit(&random) : 0;
    c.places = (uint32_t)(often(&random, 0.4) ? 1 : pick(&random, 1, 40));
    c.threads = (uint32_t)pick(&random, 1, 4);
    c.slow_every = often(&random, 0.3) ? (uint32_t)pick(&random, 1, 5) : 0;
    c.read_gap = often(&random, 0.7) ? 0 : 1 + pick_time(&random, 50 * MS);
    c.read_burst = (uint32_t)pick(&random, 1, 20);
    if (often(&random, 0.15))
        c.stop_at = pick_time(&random, 20 * SECOND);
    return c;
}

static void print_result(uint64_t seed, const struct sim_config *c, const struct sim_result *r)
{
    printf("seed %" PRIu64 ": %u ranks, %u hosts, %" PRIu64 " records, window %u, delay %.3f s, limit %u\n",
           seed, c->dealer.ranks, c->hosts, c->records, c->dealer.window, (double)c->dealer.delay / 1e9,
           c->max_in_flight);
    printf("  %" PRIu64 " succeeded, %" PRIu64 " failed, %" PRIu64 " undone in %.3f s; %" PRIu64
           " deals (%" PRIu64 " warm), %" PRIu64 " steps\n",
           r->succeeded, r->failed, r->undone, (double)r->makespan / 1e9, r->deals, r->warm, r->steps);
}

static bool run_seed(const char *program, uint64_t seed, bool verbose, struct sim_result *total)
{
    struct sim_config config = draw(seed);
    struct sim_result result;
    bool good = sim_run(&config, &result);
    if (!good)
        printf("FAILED: %s\nrerun: %s --seed %" PRIu64 "\n", result.error, program, seed);
    if (verbose || !good)
        print_result(seed, &config, &result);
    total->steps += result.steps;
    total->deals += result.deals;
    total->succeeded += result.succeeded;
    total->failed += result.failed;
    total->undone += result.undone;
    return good;
}

static bool parse(const char *text, char **end, uint64_t *value)
{
    errno = 0;
    *value = strtoull(text, end, 10);
    return *end != text && errno == 0;
}

static uint64_t default_last(void)
{
    const char *effort = getenv("MILLRACE_EFFORT");
    double factor = effort ? strtod(effort, NULL) : 1;
    if (!(factor > 0 && factor <= MAX_EFFORT))
        factor = 1;
    uint64_t seeds = (uint64_t)(factor * DEFAULT_SEEDS);
    return seeds > 0 ? seeds : 1;
}

static bool parse_arguments(int argc, char **argv, uint64_t *first, uint64_t *last)
{
    char *end;
    *first = 1;
    *last = default_last();
    if (argc == 1)
        return true;
    if (argc != 3 || !parse(argv[2], &end, first))
        return false;
    *last = *first;
    if (strcmp(argv[1], "--seed") == 0)
        return *end == '\0';
    return strcmp(argv[1], "--seeds") == 0 && strncmp(end, "..", 2) == 0 && parse(end + 2, &end, last) &&
           *end == '\0' && *last >= *first;
}

int main(int argc, char **argv)
{
    uint64_t first, last, failures = 0;
    struct sim_result total = {0};
    if (!parse_arguments(argc, argv, &first, &last)) {
        fprintf(stderr, "usage: %s [--seed N | --seeds A..B]\n", argv[0]);
        return 2;
    }
    for (uint64_t seed = first; seed <= last && failures < 5; seed++)
        failures += !run_seed(argv[0], seed, first == last, &total);
    printf("seeds %" PRIu64 "..%" PRIu64 ": %" PRIu64 " steps, %" PRIu64 " deals, %" PRIu64
           " succeeded, %" PRIu64 " failed, %" PRIu64 " undone\n",
           first, last, total.steps, total.deals, total.succeeded, total.failed, total.undone);
    /* A generator that draws only empty jobs would prove nothing. */
    bool proves = first == last || (total.succeeded > last - first && total.failed > 0);
    return failures == 0 && proves ? EXIT_SUCCESS : EXIT_FAILURE;
}
