/* The simulator with costs, in cases whose time can be told without it. */
#include "tests/sim/simulator.h"
#include "tests/unit/check.h"

#include <stdio.h>

static const int64_t US = 1000, MS = 1000000;

static struct sim_config job(uint32_t ranks, uint32_t places, uint64_t records, const struct sim_costs *costs)
{
    return (struct sim_config){.seed = 1,
                               .dealer = {.ranks = ranks, .window = 2 * ranks * places + 100, .seed = 1},
                               .hosts = 1,
                               .records = records,
                               .places = places,
                               .threads = 1,
                               .costs = costs,
                               .stream = true,
                               .check = true,
                               .stop_at = DEALER_NEVER};
}

static struct sim_result run(const struct sim_config *config)
{
    struct sim_result result;
    bool good = sim_run(config, &result);
    if (!good)
        printf("  %s\n", result.error);
    CU_ASSERT_TRUE(good);
    CU_ASSERT_EQUAL(result.succeeded, config->records);
    return result;
}

static void expect(int64_t is, int64_t should)
{
    if (is != should)
        printf("  %lld ns, not %lld\n", (long long)is, (long long)should);
    CU_ASSERT_EQUAL(is, should);
}

/* Latency alone: waves of as many pages as are in flight. */
static void waits_only(void)
{
    static const struct sim_costs none;
    static const uint32_t ranks[] = {1, 2, 8, 100};
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        struct sim_config c = job(ranks[i], 16, 12800, &none);
        c.fetch.median = 100 * MS;
        expect(run(&c).makespan, 12800 / (16 * ranks[i]) * 100 * MS);
        c.costs = NULL; /* where nothing costs anything, it is as without loops */
        expect(run(&c).makespan, 12800 / (16 * ranks[i]) * 100 * MS);
    }
}

/* Rank 0 alone has work: however many ranks there are, it does all of it, one record after the other. */
static void rank_0_is_serial(void)
{
    const struct sim_costs costs = {.deal = 3 * US, .outcome = 2 * US};
    for (uint32_t ranks = 1; ranks <= 64; ranks *= 4) {
        struct sim_config c = job(ranks, 16, 5000, &costs);
        struct sim_result r = run(&c);
        expect(r.makespan, 5000 * 5 * US);
        expect(r.head_time, 5000 * 5 * US);
    }
}

/* Of rank 0's work and of waiting, the longer counts, and the other's first or last record. */
static void the_longer_counts(void)
{
    const struct sim_costs costs = {.deal = 10 * US};
    struct sim_config c = job(10, 10, 10000, &costs);
    c.fetch.median = 2 * MS; /* 100 in flight, so a page each 20 us: twice what rank 0 needs */
    int64_t waiting = run(&c).makespan;
    CU_ASSERT(waiting >= 200 * MS && waiting <= 212 * MS);
    c.fetch.median = MS / 2; /* a page each 5 us: half of what rank 0 needs */
    int64_t dealing = run(&c).makespan;
    CU_ASSERT(dealing >= 100 * MS && dealing <= 101 * MS);
}

/* Each rank has a loop of its own; the server is one. */
static void loops_are_serial(void)
{
    const struct sim_costs pages = {.start = 10 * US, .page = 30 * US}, server = {.server = 25 * US};
    struct sim_config c = job(1, 16, 5000, &pages);
    expect(run(&c).makespan, 5000 * 40 * US);
    c = job(7, 16, 5000, &server);
    struct sim_result r = run(&c);
    expect(r.makespan, 5000 * 25 * US);
    expect(r.server_time, 5000 * 25 * US);
}

/* As many kernels at a time as there are threads, and as there are cores. */
static void kernels_share_cores(void)
{
    static const struct sim_costs none;
    struct sim_costs machine = {.cores = 2};
    struct sim_config c = job(8, 1, 800, &none);
    c.kernel.median = 5 * MS;
    c.stream = false;
    expect(run(&c).makespan, 800 * 5 * MS / 8);
    c.costs = &machine;
    expect(run(&c).makespan, 800 * 5 * MS / 2);
    machine.ranks_a_machine = 2; /* four machines */
    expect(run(&c).makespan, 800 * 5 * MS / 8);
}

/* Loops share them too: two pages' work at a time, on eight ranks. */
static void loops_share_cores(void)
{
    const struct sim_costs machine = {.start = 40 * US, .cores = 2};
    struct sim_config c = job(8, 16, 8000, &machine);
    struct sim_result r = run(&c);
    CU_ASSERT(r.makespan >= 8000 * 40 * US / 2);
    CU_ASSERT(r.makespan <= 8000 * 40 * US / 2 * 11 / 10);
    expect(r.loop_time, 8000 * 40 * US);
}

/* A message waits for the loop to look: after 20 us, then a quarter later each time, in the end every 4
 * ms. */
static void messages_wait_for_looks(void)
{
    const struct sim_costs looks = {.look_shortest = 20 * US, .look_longest = 4 * MS};
    struct sim_config c = job(2, 1, 2, &looks);
    c.fetch.median = 1000 * MS;
    int64_t makespan = run(&c).makespan;
    CU_ASSERT(makespan > 1000 * MS && makespan <= 1000 * MS + 2 * 4 * MS);
    c = job(1, 1, 2, &looks); /* with one rank there is no one to hear of */
    c.fetch.median = 1000 * MS;
    expect(run(&c).makespan, 2000 * MS);
}

/* The network: there and back for each record of the other ranks, and rank 0's share of it passes one by
 * one. */
static void networks_delay(void)
{
    const struct sim_costs none = {0}, slow = {.bytes_in = 1000, .bytes_per_ns = 0.001};
    struct sim_config c = job(2, 1, 2, &none);
    c.fetch.median = 10 * MS;
    c.message_delay = MS;
    expect(run(&c).makespan, 12 * MS); /* the one of rank 1; rank 0's takes 10 */
    c = job(5, 1, 5, &slow);
    c.fetch.median = 10 * MS;
    expect(run(&c).makespan, 10 * MS + 4 * MS); /* 1 ms for each that comes from elsewhere */
}

/* What happens at one time is one turn and one message. */
static void batches_arise(void)
{
    const struct sim_costs costs = {.turn = US};
    struct sim_config c = job(2, 50, 1000, &costs);
    c.fetch.median = 10 * MS;
    struct sim_result r = run(&c);
    CU_ASSERT(r.batches <= 10 * 4 + 2); /* ten waves: dealt, fetched, computed */
    struct sim_result again = run(&c);
    CU_ASSERT_EQUAL(r.makespan, again.makespan);
    CU_ASSERT_EQUAL(r.turns, again.turns);
}

int main(void)
{
    static const struct check checks[] = {
        {"waits only", waits_only},
        {"rank 0 is serial", rank_0_is_serial},
        {"the longer of two counts", the_longer_counts},
        {"loops are serial", loops_are_serial},
        {"kernels share cores", kernels_share_cores},
        {"loops share cores", loops_share_cores},
        {"messages wait for looks", messages_wait_for_looks},
        {"networks delay", networks_delay},
        {"batches arise", batches_arise},
        {0},
    };
    return check_run("scaling", checks);
}
