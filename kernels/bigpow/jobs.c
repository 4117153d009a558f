#include "kernels/bigpow/jobs.h"

#include <omp.h>

enum { JOBS_PER_THREAD = 8 };

size_t big_jobs_pieces(uint64_t items, uint64_t smallest)
{
    if (items < smallest || !omp_in_parallel() || omp_get_num_threads() == 1)
        return 1;
    size_t pieces = (size_t)omp_get_num_threads() * JOBS_PER_THREAD;
    return pieces < BIG_JOBS_MOST ? pieces : BIG_JOBS_MOST;
}

void big_jobs_run(void (*job)(void *data, size_t k), void *data, size_t count, size_t pieces)
{
    if (pieces > count)
        pieces = count;
    if (pieces <= 1) {
        for (size_t k = 0; k < count; k++)
            job(data, k);
        return;
    }
#pragma omp taskgroup
    for (size_t piece = 0; piece < pieces; piece++) {
#pragma omp task default(none) firstprivate(data, job, count, pieces, piece)
        for (size_t k = piece * count / pieces; k < (piece + 1) * count / pieces; k++)
            job(data, k);
    }
}
