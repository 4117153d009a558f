/*
 * The carry pass: coefficients of the product to balanced digits, all in doubles that hold integers exactly.
 *
 * q = round(x), |q| < 2^51 (checked by the caller). It is cut into three digits q = l + B a + B^2 c, each is
 * multiplied by the factor g and given to its place: v_i = g l_i + t_{i-1}, t_i = g a_i + g c_{i-1}. Two more
 * rounds of v = r + B h, digit = r + h of the digit before, leave |digit| <= B / 2 plus a little
 * (big_plan_factor_bits). No carry ever ripples: the next transform needs digits that are small, not
 * canonical ones. What leaves a row at its end is kept in struct big_carry: `upper` is g c, `lower` t,
 * `second` and `third` the h of the two rounds.
 */
#ifndef MILLRACE_KERNELS_BIGPOW_CARRY_BODY_H
#define MILLRACE_KERNELS_BIGPOW_CARRY_BODY_H

#include "kernels/bigpow/fft_body.h"

typedef int64_t vec_bits __attribute__((vector_size(8 * LANES)));
typedef int32_t vec_digits __attribute__((vector_size(4 * LANES), may_alias, aligned(4)));

#define ROUNDER 6755399441055744.0 /* 1.5 * 2^52 */

INLINE vec vec_round(vec x)
{
    return (x + ROUNDER) - ROUNDER;
}

INLINE vec vec_abs(vec x)
{
    return (vec)((vec_bits)x & (INT64_MAX - (vec_bits){0}));
}

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
    vec upper, lower, second, third; /* of the vector before; only the last lane matters */
    vec error, largest;
};

INLINE vec carry_cut(vec *high, vec x, vec base, vec inverse)
{
    *high = vec_round(x * inverse);
    return VEC_NFMA(*high, base, x);
}

INLINE vec carry_step(vec x, const struct big_radix *radix, double factor, struct carry_vec *c)
{
    vec base = vec_all(radix->base), inverse = vec_all(radix->inverse), times = vec_all(factor);
    vec q = vec_round(x), a, upper, second, third;
    c->error = VEC_MAX(c->error, vec_abs(x - q));
    c->largest = VEC_MAX(c->largest, vec_abs(x));
    vec low = carry_cut(&a, q, base, inverse);
    a = carry_cut(&upper, a, base, inverse);
    upper *= times;
    vec lower = VEC_FMA(a, times, vec_after(c->upper, upper));
    vec v = VEC_FMA(low, times, vec_after(c->lower, lower));
    v = carry_cut(&second, v, base, inverse) + vec_after(c->second, second);
    v = carry_cut(&third, v, base, inverse) + vec_after(c->third, third);
    c->upper = upper;
    c->lower = lower;
    c->second = second;
    c->third = third;
    return v;
}

/* The real (half 0) or imaginary (half 1) parts of `width` units at p to out. */
INLINE void carry_row(const double *p, int half, size_t width, const struct big_plan *plan,
                      const struct big_radix *radix, double factor, int32_t *out, struct big_carry *carry,
                      vec *error, vec *largest)
{
    struct carry_vec c = {vec_all(carry->upper),
                          vec_all(carry->lower),
                          vec_all(carry->second),
                          vec_all(carry->third),
                          *error,
                          *largest};
    vec scale = vec_all(plan->scale);
    p += half * BIG_LANES;
    for (size_t u = 0; u < width * PIECES; u++) {
        vec x = vec_load(p + u / PIECES * BIG_UNIT + u % PIECES * LANES) * scale;
        vec digit = carry_step(x, radix, factor, &c);
        *(vec_digits *)(out + u * LANES) = __builtin_convertvector(digit, vec_digits);
    }
    *carry =
        (struct big_carry){c.upper[LANES - 1], c.lower[LANES - 1], c.second[LANES - 1], c.third[LANES - 1]};
    *error = c.error;
    *largest = c.largest;
}

#endif
