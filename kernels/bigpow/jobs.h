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

/* One turn of such a loop. A stretch is what one thread does without a gap, in ascending order, so that a turn may go on from
 * where the one before it in the same stretch has ended; stretches are told apart by numbers below that of the pieces. */
struct big_turn {
    size_t k;
    size_t stretch;
};

/* job(data, turn) for all k < count, in at most `pieces` pieces (and BIG_JOBS_MOST), each of them neighbours in order, on
 * whichever threads are idle; returns when all are done. */
void big_jobs_run(void (*job)(void *data, struct big_turn turn), void *data, size_t count, size_t pieces);

#endif
