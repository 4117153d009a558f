#include "src/tally.h"

#include <math.h>
#include <sys/resource.h>

#define COMBINE_SUM(a, b) ((a) + (b))
#define COMBINE_MAX(a, b) ((a) > (b) ? (a) : (b))

void tally_add(struct tally *into, const struct tally *from)
{
#define ADD(name, combine, meaning) into->name = COMBINE_##combine(into->name, from->name);
    TALLY_MAP(ADD)
#undef ADD
    for (int i = 0; i < TALLY_BUCKETS; i++)
        into->fetch_times[i] += from->fetch_times[i];
}

void tally_fetch_time(struct tally *t, int64_t ns)
{
    uint64_t us = ns < 1000 ? 1 : (uint64_t)ns / 1000;
    int top = 63 - __builtin_clzll(us);
    int quarter = top >= 2 ? (int)(us >> (top - 2)) & 3 : 0;
    int bucket = 4 * top + quarter;
    t->fetch_times[bucket < TALLY_BUCKETS ? bucket : TALLY_BUCKETS - 1]++;
}

int64_t tally_fetch_quantile(const struct tally *t, double share)
{
    uint64_t all = 0, below = 0;
    for (int i = 0; i < TALLY_BUCKETS; i++)
        all += t->fetch_times[i];
    for (int i = 0; i < TALLY_BUCKETS; i++) {
        below += t->fetch_times[i];
        if (all && (double)below >= share * (double)all) {
            double us = ldexp(1.0 + (i % 4) / 4.0 + 0.125, i / 4); /* the middle of the bucket */
            return (int64_t)(us * 1000);
        }
    }
    return 0;
}

double tally_overlap(const struct tally *t)
{
    uint64_t shorter = t->computing_ns < t->transferring_ns ? t->computing_ns : t->transferring_ns;
    return shorter ? (double)t->overlapping_ns / (double)shorter : 0;
}

void tally_usage(struct tally *t, const struct tally *begun)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    t->user_us = (uint64_t)usage.ru_utime.tv_sec * 1000000 + (uint64_t)usage.ru_utime.tv_usec;
    t->system_us = (uint64_t)usage.ru_stime.tv_sec * 1000000 + (uint64_t)usage.ru_stime.tv_usec;
    t->user_us -= begun ? begun->user_us : 0;
    t->system_us -= begun ? begun->system_us : 0;
    t->peak_memory = (uint64_t)usage.ru_maxrss * 1024;
}
