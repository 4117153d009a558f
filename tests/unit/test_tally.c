#include "src/tally.h"
#include "tests/unit/check.h"

#include <string.h>

#define MS INT64_C(1000000)

static void sums_and_maxima(void)
{
    struct tally a = {.requests = 3, .longest_stall_ns = 5, .peak_memory = 10, .received = 100};
    const struct tally b = {.requests = 4, .longest_stall_ns = 2, .peak_memory = 30, .received = 11};
    tally_add(&a, &b);
    CU_ASSERT_EQUAL(a.requests, 7);
    CU_ASSERT_EQUAL(a.received, 111);
    CU_ASSERT_EQUAL(a.longest_stall_ns, 5);
    CU_ASSERT_EQUAL(a.peak_memory, 30);
}

static void quantiles_are_right_within_a_tenth(void)
{
    struct tally t = {0}, other = {0};
    CU_ASSERT_EQUAL(tally_fetch_quantile(&t, 0.5), 0);
    for (int64_t i = 1; i <= 500; i++)
        tally_fetch_time(&t, i * MS);
    for (int64_t i = 501; i <= 1000; i++)
        tally_fetch_time(&other, i * MS);
    tally_add(&t, &other);
    static const double shares[] = {0.01, 0.1, 0.5, 0.9, 0.99};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double expected = shares[i] * 1000.0 * MS;
        CU_ASSERT_DOUBLE_EQUAL((double)tally_fetch_quantile(&t, shares[i]), expected, 0.13 * expected);
    }
}

static void times_at_the_edges(void)
{
    struct tally t = {0};
    tally_fetch_time(&t, 0);
    tally_fetch_time(&t, -5);
    CU_ASSERT_TRUE(tally_fetch_quantile(&t, 1) <= 2000);
    memset(&t, 0, sizeof t);
    tally_fetch_time(&t, INT64_MAX);
    CU_ASSERT_TRUE(tally_fetch_quantile(&t, 0.5) > 1000000 * MS);
}

static void usage_is_of_this_process(void)
{
    struct tally t = {0};
    tally_usage(&t, NULL);
    CU_ASSERT_TRUE(t.peak_memory > 100000);
}

int main(void)
{
    static const struct check checks[] = {
        {"sums and maxima", sums_and_maxima},
        {"quantiles are right within a tenth", quantiles_are_right_within_a_tenth},
        {"times at the edges", times_at_the_edges},
        {"usage is of this process", usage_is_of_this_process},
        {0},
    };
    return check_run("tally", checks);
}
