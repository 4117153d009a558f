#include "kernels/budget.h"

#include <time.h>

static int64_t now(clockid_t clock)
{
    struct timespec time = {0};
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void budget_start(struct budget *budget, unsigned milliseconds)
{
    int64_t length = (int64_t)milliseconds * 1000000;
    budget->wall_end = now(CLOCK_MONOTONIC) + length;
    budget->cpu_end = now(CLOCK_THREAD_CPUTIME_ID) + length;
}

bool budget_is_spent(struct budget *budget)
{
    int64_t wall = now(CLOCK_MONOTONIC);
    if (wall < budget->wall_end)
        return false;
    int64_t left = budget->cpu_end - now(CLOCK_THREAD_CPUTIME_ID);
    if (left <= 0)
        return true;
    budget->wall_end = wall + left;
    return false;
}

int64_t budget_clock(void)
{
    return now(CLOCK_MONOTONIC);
}
