#include "kernels/bigpow/jobs.h"

#include <omp.h>
#include <stdatomic.h>

enum { JOBS_PER_THREAD = 8 };

/* A loop that several threads work on: each takes the next piece when it is done with one. */
struct shared_loop {
    void (*job)(void *data, size_t k);
    void *data;
    size_t count, pieces;
    atomic_size_t taken; /* pieces */
};

size_t big_jobs_pieces(uint64_t items, uint64_t smallest)
{
    if (items < smallest || !omp_in_parallel() || omp_get_num_threads() == 1)
        return 1;
    size_t pieces = (size_t)omp_get_num_threads() * JOBS_PER_THREAD;
    return pieces < BIG_JOBS_MOST ? pieces : BIG_JOBS_MOST;
}

static void work_on(struct shared_loop *loop)
{
    for (size_t piece;
         (piece = atomic_fetch_add_explicit(&loop->taken, 1, memory_order_relaxed)) < loop->pieces;)
        for (size_t k = piece * loop->count / loop->pieces; k < (piece + 1) * loop->count / loop->pieces; k++)
            loop->job(loop->data, k);
}

/* A task costs a lock and a wake-up of whoever might be idle. So there is one for each thread that may help, and not one for
 * each piece: where all are busy, the caller does the pieces in their order, and the tasks find nothing left. */
void big_jobs_run(void (*job)(void *data, size_t k), void *data, size_t count, size_t pieces)
{
    struct shared_loop loop = {
        .job = job, .data = data, .count = count, .pieces = pieces < count ? pieces : count};
    if (loop.pieces <= 1) {
        for (size_t k = 0; k < count; k++)
            job(data, k);
        return;
    }
    size_t threads = (size_t)omp_get_num_threads(),
           helpers = (threads < loop.pieces ? threads : loop.pieces) - 1;
    struct shared_loop *shared = &loop;
#pragma omp taskgroup
    {
        for (size_t helper = 0; helper < helpers; helper++) {
#pragma omp task default(none) firstprivate(shared)
            work_on(shared);
        }
        work_on(shared);
    }
}
