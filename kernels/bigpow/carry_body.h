/*
 * The carry pass: coefficients of the product to balanced digits, all in doubles that hold integers exactly.
 *
 * q = round(x), |q| < 2^51 (checked by the caller), is cut into q = r + B h; v = g r + g h of the digit before; and v is
 * cut again, 2 to 4 rounds in all (big_plan_release), until |digit| <= B / 2 plus a little. No carry ever ripples: the
 * next transform needs digits that are small, not canonical ones. What leaves a row at its end, the last h of each
 * round, is kept in struct big_carry.
 */
#ifndef MILLRACE_KERNELS_BIGPOW_CARRY_BODY_H
#define MILLRACE_KERNELS_BIGPOW_CARRY_BODY_H

#include "kernels/bigpow/fft_body.h"

typedef int64_t vec_bits __attribute__((vector_size(8 * LANES)));
typedef int32_t vec_digits __attribute__((vector_size(4 * LANES), may_alias, aligned(4)));

/* The lanes moved up by one, the last of `before` coming in. */
INLINE vec vec_after(vec before, vec x)
{
#if LANES == 8
    return __builtin_shufflevector(before, x, 7, 8, 9, 10, 11, 12, 13, 14);
#elif LANES == 4
    return __builtin_shufflevector(before, x, 3, 4, 5, 6);
#else
    return __builtin_shufflevector(before, x, 1, 2);
#endif
}

struct carry_vec {
    vec round[4]; /* the h of the vector before; only the last lane matters */
    vec error, largest;
};

INLINE vec carry_cut(vec *high, vec x, vec base, vec inverse)
{
    *high = VEC_ROUND(x * inverse);
    return VEC_NFMA(*high, base, x);
}

INLINE vec carry_step(vec x, const struct big_release *release, unsigned rounds, struct carry_vec *c)
{
    vec base = vec_all(release->base), inverse = vec_all(release->inverse), times = vec_all(release->factor);
    vec v = VEC_ROUND(x), high;
    c->error = VEC_MAX_SIZE(c->error, x - v);
    c->largest = VEC_MAX_SIZE(c->largest, x);
    v = carry_cut(&high, v, base, inverse);
    if (rounds > 2) {
        high *= times;
        v = VEC_FMA(v, times, vec_after(c->round[0], high));
    } else {
        v += vec_after(c->round[0], high);
    }
    c->round[0] = high;
    for (unsigned k = 1; k < rounds; k++) {
        v = carry_cut(&high, v, base, inverse);
        v += vec_after(c->round[k], high);
        c->round[k] = high;
    }
    return v;
}

/* The real (half 0) or imaginary (half 1) parts of `width` units at p to out. */
INLINE void carry_row(const double *p, int half, size_t width, double plan_scale,
                      const struct big_release *release, unsigned rounds, int32_t *out,
                      struct big_carry *carry, struct carry_vec *seen)
{
    struct carry_vec c = {.error = seen->error, .largest = seen->largest};
    vec scale = vec_all(plan_scale);
    for (unsigned k = 0; k < rounds; k++)
        c.round[k] = vec_all(carry->round[k]);
    p += half * BIG_LANES;
    for (size_t u = 0; u < width * PIECES; u++) {
        vec x = vec_load(p + u / PIECES * BIG_UNIT + u % PIECES * LANES) * scale;
        vec digit = carry_step(x, release, rounds, &c);
        *(vec_digits *)(out + u * LANES) = __builtin_convertvector(digit, vec_digits);
    }
    for (unsigned k = 0; k < rounds; k++)
        carry->round[k] = c.round[k][LANES - 1];
    seen->error = c.error;
    seen->largest = c.largest;
}

#endif
