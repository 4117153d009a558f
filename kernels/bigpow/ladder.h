/* The ladder: a small base to a power by squarings in one radix, the multiplication by the base in the carry
 * pass. */
#ifndef MILLRACE_KERNELS_BIGPOW_LADDER_H
#define MILLRACE_KERNELS_BIGPOW_LADDER_H

#include "kernels/bigpow/context.h"

struct big_ladder {
    struct big_radix radix;
    uint64_t base; /* at least 2; see big_ladder_fits */
    uint64_t exponent;
};

/* Whether the whole ladder can run with this base in this radix. */
bool big_ladder_fits(const struct big_ladder *ladder);

/* Leaves the digits of base^exponent, small but not canonical, in context->digits[0], and their number, a
 * multiple of BIG_ROOM, in *count. BIG_INEXACT where a rounding check failed. */
enum bigpow_status big_ladder_run(struct bigpow *context, const struct big_ladder *ladder, uint64_t *count);

#endif
