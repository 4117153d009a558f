/*
 * How long one page may be computed on. Wall time is read often because it is cheap (some 20 ns); only when
 * it is over is the thread's own CPU time asked (a system call), so that a page is not refused because the
 * machine was busy.
 */
#ifndef MILLRACE_KERNELS_BUDGET_H
#define MILLRACE_KERNELS_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* One thread's budget for one page; only that thread may ask it. */
struct budget {
    int64_t wall_end; /* ns of CLOCK_MONOTONIC at which to look at the CPU time */
    int64_t cpu_end;  /* ns of CLOCK_THREAD_CPUTIME_ID at which the budget is spent */
};

/* Starts now, with `milliseconds` to spend. */
void budget_start(struct budget *budget, unsigned milliseconds);

/* True once the thread has computed for that long. */
bool budget_is_spent(struct budget *budget);

/* Nanoseconds of a clock that never goes back, for measuring a part of the work. */
int64_t budget_clock(void);

#endif
