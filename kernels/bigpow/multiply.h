/* Products of limb vectors: the choice between GMP and transforms, the retries, the check. */
#ifndef MILLRACE_KERNELS_BIGPOW_MULTIPLY_H
#define MILLRACE_KERNELS_BIGPOW_MULTIPLY_H

#include "kernels/bigpow/context.h"

struct big_limbs {
    const uint64_t *limbs;
    size_t count; /* may have leading zeros */
};

/* out[0 .. a.count + b.count) = a * b, not overlapping the operands; a square where both are the same vector.
 * Zero counts give nothing. */
enum bigpow_status big_limbs_multiply(struct bigpow *context, uint64_t *out, struct big_limbs a,
                                      struct big_limbs b);

/* The same by GMP, its memory probed before. */
enum bigpow_status big_limbs_exact(uint64_t *out, struct big_limbs a, struct big_limbs b);

/* Puts in a fault of the place LIMB when one is due. */
void big_limb_fault(struct bigpow *context, uint64_t *out, size_t count);

#endif
