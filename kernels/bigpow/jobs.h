/* Loops as tasks of the enclosing OpenMP team, or on the calling thread alone where there is none. */
#ifndef MILLRACE_KERNELS_BIGPOW_JOBS_H
#define MILLRACE_KERNELS_BIGPOW_JOBS_H

#include <stddef.h>
#include <stdint.h>

enum {
    BIG_JOBS_MOST = 256,       /* pieces that big_jobs_pieces makes at most */
    BIG_JOBS_POINTS = 1 << 13, /* a loop over fewer points costs less than its tasks */
    BIG_JOBS_WORDS = 1 << 16,  /* the same for digits and words, which are done sooner */
};

/* Into how many pieces a loop over `items` is worth cutting: 1 below `smallest` or without a team. */
size_t big_jobs_pieces(uint64_t items, uint64_t smallest);

/* job(data, k) for all k < count, in at most `pieces` pieces, each of them neighbours in order, on whichever threads are idle;
 * returns when all are done. */
void big_jobs_run(void (*job)(void *data, size_t k), void *data, size_t count, size_t pieces);

#endif
