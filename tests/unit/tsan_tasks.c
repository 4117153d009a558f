/*
 * Whether ThreadSanitizer understands the tasks of the power library's passes: the same shape (a taskgroup of tasks on
 * stretches of one array, then the next that reads across them), ordered as jobs.c does it, or with the taskgroup
 * left out. The suite wants silence for the first and a report of a race for the second: without Archer, the tool through
 * which LLVM's OpenMP library tells ThreadSanitizer of its order, both come out wrong.
 *
 *     tsan_tasks ordered|torn
 */
#include <stdio.h>
#include <string.h>

enum { ELEMENTS = 4096, TASKS = 16, PASSES = 60 };

static void stretch(double *to, const double *from, int task)
{
    for (int k = task * ELEMENTS / TASKS; k < (task + 1) * ELEMENTS / TASKS; k++)
        to[k] = from[k] + from[ELEMENTS - 1 - k];
}

static void spread(double *to, const double *from)
{
    for (int task = 0; task < TASKS; task++) {
#pragma omp task default(none) firstprivate(to, from, task)
        stretch(to, from, task);
    }
}

int main(int argc, char **argv)
{
    static double a[ELEMENTS], b[ELEMENTS];
    int torn = argc > 1 && !strcmp(argv[1], "torn");
    a[0] = 1e-9;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int pass = 0; pass < PASSES; pass++) {
        double *to = pass % 2 ? a : b, *from = pass % 2 ? b : a;
        if (torn) {
            spread(to, from);
        } else {
#pragma omp taskgroup
            spread(to, from);
        }
    }
    printf("%g\n", a[0]);
    return 0;
}
