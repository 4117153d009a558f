#include "kernels/bigpow/jobs.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { JOBS_PER_THREAD = 8 };

/* A loop that several threads work on: each begins at a place of its own and takes the pieces from there on that no other
 * has taken, so that all have long stretches. */
struct shared_loop {
    void (*job)(void *data, struct big_turn turn);
    void *data;
    size_t count, pieces, threads;
    atomic_size_t arrived; /* threads */
    atomic_bool taken[BIG_JOBS_MOST];
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
    size_t arrived = atomic_fetch_add_explicit(&loop->arrived, 1, memory_order_relaxed);
    size_t begin = arrived * loop->pieces / loop->threads, stretch = begin, next = begin;
    for (size_t k = 0; k < loop->pieces; k++) {
        size_t piece = (begin + k) % loop->pieces;
        if (atomic_exchange_explicit(&loop->taken[piece], true, memory_order_relaxed))
            continue;
        stretch = piece == next ? stretch : piece;
        next = piece + 1;
        for (size_t i = piece * loop->count / loop->pieces; i < next * loop->count / loop->pieces; i++)
            loop->job(loop->data, (struct big_turn){i, stretch});
    }
}

/* A task costs a lock and a wake-up of whoever might be idle. So there is one for each thread that may help, and not one for
 * each piece: where all are busy, the caller does the pieces in their order, and the tasks find nothing left. */
void big_jobs_run(void (*job)(void *data, struct big_turn turn), void *data, size_t count, size_t pieces)
{
    if (pieces <= 1 || count <= 1) {
        for (size_t k = 0; k < count; k++)
            job(data, (struct big_turn){k, 0});
        return;
    }
    struct shared_loop loop = {.job = job, .data = data, .count = count};
    loop.pieces = pieces < count ? pieces : count;
    loop.pieces = loop.pieces < BIG_JOBS_MOST ? loop.pieces : BIG_JOBS_MOST;
    size_t threads = (size_t)omp_get_num_threads();
    loop.threads = threads < loop.pieces ? threads : loop.pieces;
    struct shared_loop *shared = &loop;
#pragma omp taskgroup
    {
        for (size_t helper = 1; helper < shared->threads; helper++) {
#pragma omp task default(none) firstprivate(shared)
            work_on(shared);
        }
        work_on(shared);
    }
}
