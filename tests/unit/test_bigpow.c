/* Products, squares and powers against GMP, on every instruction set. */
#include "tests/unit/check.h"

#include <omp.h>

#include "kernels/bigpow/plan.h"
#include "tests/unit/big_common.h"

static gmp_randstate_t state;

static struct bigpow *context_for(const char *isa)
{
    struct bigpow *context = bigpow_new(isa, 20260101);
    if (context)
        bigpow_set_crossover(context, 1);
    else
        printf(" (%s does not run here) ", isa ? isa : "the default");
    return context;
}

static void for_each_isa(void (*check)(struct bigpow *))
{
    for (size_t k = 0; big_isas[k]; k++) {
        struct bigpow *context = context_for(big_isas[k]);
        if (!context)
            continue;
        CU_ASSERT_STRING_EQUAL(bigpow_isa(context), big_isas[k]);
        check(context);
        bigpow_free(context);
    }
}

/* From nothing up, and unbalanced; long runs of 0 and 1 bits against random bits. */
static void check_sizes(struct bigpow *context)
{
    static const size_t sizes[] = {0, 1, 2, 3, 10, 47, 48, 49, 100, 333, 500, 1000, 2500, 5000, 9000};
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (size_t j = i >= 5 ? i - 5 : 0; j <= i; j++) {
            mpz_rrandomb(a, state, sizes[i] * 64);
            mpz_urandomb(b, state, sizes[j] * 64);
            mpz_neg(b, b);
            CU_ASSERT(big_product_is_right(context, a, b));
        }
    }
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    mpz_clears(a, b, NULL);
}

static void sizes(void)
{
    for_each_isa(check_sizes);
}

/* The lengths where the plan changes, one limb to both sides: 2L digits of b bits hold the product. */
static void check_boundaries(struct bigpow *context)
{
    static const unsigned odds[] = {8, 9, 10, 11, 12, 14, 15};
    mpz_t a;
    mpz_init(a);
    for (unsigned log2 = 4; log2 <= 11; log2++) {
        for (size_t k = 0; k < sizeof(odds) / sizeof(*odds); k++) {
            for (unsigned bits = 21; bits <= 23; bits++) {
                size_t limbs = ((size_t)odds[k] << log2) * bits / 64;
                for (size_t n = limbs - 1; n <= limbs + 1; n++) {
                    mpz_rrandomb(a, state, n * 64);
                    CU_ASSERT(big_product_is_right(context, a, a));
                }
            }
        }
    }
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    CU_ASSERT_EQUAL(bigpow_stats(context)->exact, 0);
    mpz_clear(a);
}

static void boundaries(void)
{
    for_each_isa(check_boundaries);
}

enum { WRAP_BITS = 19 };

/* Squares of one limb less and more than where the plan takes another length, or begins to wrap digits: all of an octave,
 * as large and as random as numbers get. Nothing may need a second try. */
static void check_wraps(struct bigpow *context)
{
    mpz_t a, b;
    struct big_plan before = {0}, plan;
    unsigned wraps = 0;
    mpz_inits(a, b, NULL);
    bigpow_set_digit_bits(context, WRAP_BITS);
    for (size_t limbs = 4800; limbs < 9900; limbs++, before = plan) {
        CU_ASSERT_FATAL(big_plan_choose(&plan, 2 * (limbs * 64 / WRAP_BITS + 1)));
        if (plan.points == before.points && (plan.wrapped > 0) == (before.wrapped > 0))
            continue;
        wraps += plan.wrapped > 0;
        for (size_t n = limbs - 1; n <= limbs + 1; n++) {
            mpz_set_ui(a, 0);
            mpz_setbit(a, n * 64);
            mpz_sub_ui(a, a, 1);
            CU_ASSERT(big_product_is_right(context, a, a));
            mpz_rrandomb(a, state, n * 64);
            CU_ASSERT(big_product_is_right(context, a, a));
            mpz_urandomb(a, state, n * 64 + n * 16);
            mpz_urandomb(b, state, n * 64 - n * 16);
            CU_ASSERT(big_product_is_right(context, a, b));
        }
    }
    CU_ASSERT(wraps >= 4);
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    CU_ASSERT_EQUAL(bigpow_stats(context)->inexact, 0);
    bigpow_set_digit_bits(context, 0);
    mpz_clears(a, b, NULL);
}

static void wraps(void)
{
    for_each_isa(check_wraps);
}

/* 2^n - 1 and its neighbours: the carries of the square go the whole length. */
static void check_ripples(struct bigpow *context)
{
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    for (unsigned long n = 63; n < 300000; n = n * 3 / 2 + 1) {
        for (int d = -1; d <= 1; d++) {
            mpz_set_ui(a, 0);
            mpz_setbit(a, n);
            if (d < 0)
                mpz_sub_ui(a, a, 1);
            else
                mpz_add_ui(a, a, (unsigned long)d);
            mpz_neg(b, a);
            CU_ASSERT(big_product_is_right(context, a, b));
        }
    }
    mpz_clears(a, b, NULL);
}

static void ripples(void)
{
    for_each_isa(check_ripples);
}

/* All digits +-2^(b - 1): the largest coefficients there are. The rounding check may refuse them, never pass them wrong.
 * The sum of 2^(b - 1) * 2^(b i) s_i, s_i = +-1, all of one sign, in turn, or at random. */
static void check_extremes(struct bigpow *context)
{
    mpz_t a, digit;
    mpz_inits(a, digit, NULL);
    for (unsigned bits = 15; bits <= 23; bits++) {
        for (int signs = 0; signs < 3; signs++) {
            mpz_set_ui(a, 0);
            for (unsigned long i = 0; i < 3000; i++) {
                mpz_set_ui(digit, 0);
                mpz_setbit(digit, bits * i + bits - 1);
                int minus = signs == 0 ? 0 : signs == 1 ? (int)(i & 1) : (int)gmp_urandomb_ui(state, 1);
                if (minus && i < 2999)
                    mpz_sub(a, a, digit);
                else
                    mpz_add(a, a, digit);
            }
            bigpow_set_digit_bits(context, bits);
            CU_ASSERT(big_product_is_right(context, a, a));
        }
    }
    bigpow_set_digit_bits(context, 0);
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    mpz_clears(a, digit, NULL);
}

static void extremes(void)
{
    for_each_isa(check_extremes);
}

static void aliasing(void)
{
    struct bigpow *context = context_for(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    struct bigpow_number x = {0}, y = {0};
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    mpz_urandomb(a, state, 100000);
    mpz_urandomb(b, state, 90000);
    big_from_mpz(&x, a);
    big_from_mpz(&y, b);
    CU_ASSERT_EQUAL(bigpow_multiply(context, &x, &x, &y), BIGPOW_OK);
    mpz_mul(a, a, b);
    CU_ASSERT(big_equals(&x, a));
    CU_ASSERT_EQUAL(bigpow_multiply(context, &x, &y, &x), BIGPOW_OK);
    mpz_mul(a, a, b);
    CU_ASSERT(big_equals(&x, a));
    CU_ASSERT_EQUAL(bigpow_square(context, &x, &x), BIGPOW_OK);
    mpz_mul(a, a, a);
    CU_ASSERT(big_equals(&x, a));
    CU_ASSERT_EQUAL(bigpow_power(context, &y, &y, 3), BIGPOW_OK);
    mpz_pow_ui(b, b, 3);
    CU_ASSERT(big_equals(&y, b));
    bigpow_number_free(&x);
    bigpow_number_free(&y);
    mpz_clears(a, b, NULL);
    bigpow_free(context);
}

/* The same limbs of the square on every instruction set and for every number of threads. */
static void check_same_bits(mpz_t a)
{
    struct bigpow_number x = {0}, first = {0};
    big_from_mpz(&x, a);
    for (size_t k = 0; big_isas[k]; k++) {
        for (int threads = 1; threads <= 4; threads++) {
            struct bigpow *context = context_for(big_isas[k]);
            struct bigpow_number y = {0};
            enum bigpow_status status = BIGPOW_WRONG;
            if (!context)
                continue;
#pragma omp parallel num_threads(threads)
#pragma omp single
            status = bigpow_square(context, &y, &x);
            CU_ASSERT_EQUAL(status, BIGPOW_OK);
            CU_ASSERT_EQUAL(bigpow_stats(context)->retries, 0);
            if (!first.count)
                CU_ASSERT_EQUAL(bigpow_number_import(&first, y.limbs, y.count, false), BIGPOW_OK);
            CU_ASSERT(y.count == first.count && !memcmp(y.limbs, first.limbs, y.count * sizeof(*y.limbs)));
            bigpow_number_free(&y);
            bigpow_free(context);
        }
    }
    mpz_mul(a, a, a);
    CU_ASSERT(big_equals(&first, a));
    bigpow_number_free(&first);
    bigpow_number_free(&x);
}

/* The square of 2^n - 1 has a borrow that goes through half of its digits, whichever task has made them. */
static void same_bits(void)
{
    mpz_t a;
    mpz_init(a);
    mpz_urandomb(a, state, 1500000);
    check_same_bits(a);
    mpz_set_ui(a, 0);
    mpz_setbit(a, 1500000);
    mpz_sub_ui(a, a, 1);
    check_same_bits(a);
    mpz_clear(a);
}

int main(void)
{
    gmp_randinit_default(state);
    gmp_randseed_ui(state, 20260101);
    const struct check checks[] = {
        {"sizes from 0 limbs", sizes},
        {"plan boundaries", boundaries},
        {"wrapped digits", wraps},
        {"carries rippling the length", ripples},
        {"digits of largest size", extremes},
        {"aliasing", aliasing},
        {"same bits everywhere", same_bits},
        {NULL, NULL},
    };
    int code = check_run("bigpow", checks);
    gmp_randclear(state);
    return code;
}
