/* What a context owns, and the steps that the public functions are made of. */
#ifndef MILLRACE_KERNELS_BIGPOW_CONTEXT_H
#define MILLRACE_KERNELS_BIGPOW_CONTEXT_H

#include "kernels/bigpow.h"
#include "kernels/bigpow/isa.h"
#include "kernels/bigpow/memory.h"
#include "kernels/bigpow/twiddle.h"

enum {
    BIG_MIN_BITS = 15, /* narrowest digits tried before GMP */
    BIG_STEP_BITS = 2, /* how much narrower a retry is */
    BIG_MIN_DECADE = 4,
    BIG_LADDER_DIGITS = 8000, /* decimal digits below which a conversion is as fast as the ladder */
};

struct bigpow {
    const struct big_isa *isa;
    struct big_tables tables;
    struct big_buffer work[2];   /* points of the two operands */
    struct big_buffer digits[3]; /* operands and result as digits */
    struct big_buffer low;       /* the low digits of a product whose high ones wrap */
    struct big_buffer carry;
    struct bigpow_stats stats;
    struct bigpow_fault fault;
    uint64_t random, prime, prime_uses;
    size_t crossover;
    unsigned digit_bits;
};

/* Not seen by callers: the rounding check refused a convolution; to be tried again with smaller digits. */
#define BIG_INEXACT ((enum bigpow_status)100)

/* Counts a result that shows by itself that it is wrong. */
enum bigpow_status big_inexact(struct bigpow *context);

double big_seconds(void);

/* Counts down a fault of this place; true when it is to be put in now. */
bool big_fault_now(struct bigpow *context, enum bigpow_fault_place place);

/* A prime of 62 bits of the context's sequence, a new one every so many calls. */
uint64_t big_random_prime(struct bigpow *context);

/*
 * out = x * y * factor (y null: x^2 * factor), big_plan_digits(plan) digits that are small but not canonical. Both have
 * together at most as many, the factor is one that big_plan_release takes. `out` may be an input's digits.
 */
enum bigpow_status big_convolve(struct bigpow *context, struct big_plan *plan, const struct big_radix *radix,
                                double factor, struct big_input x, const struct big_input *y, int32_t *out);

/* The same modulo B^{2L} + 1, 2 * points digits; the whole product where the plan wraps none. */
enum bigpow_status big_transform(struct bigpow *context, struct big_plan *plan, const struct big_radix *radix,
                                 double factor, struct big_input x, const struct big_input *y, int32_t *out);

/* Adds to the digit `at` of digits[0 .. count) and ripples the carry to its end; returns what passes the last digit. */
int64_t big_digits_add(int32_t *digits, uint64_t count, uint64_t at, int64_t value, int32_t base);

#endif
