/* Shared by the tests of big integers: operands, conversions to and from GMP, the oracle. */
#ifndef MILLRACE_TESTS_BIG_COMMON_H
#define MILLRACE_TESTS_BIG_COMMON_H

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/bigpow.h"

static inline void big_from_mpz(struct bigpow_number *to, const mpz_t from)
{
    CU_ASSERT_EQUAL_FATAL(bigpow_number_import(to, mpz_limbs_read(from), mpz_size(from), mpz_sgn(from) < 0),
                          BIGPOW_OK);
}

static inline int big_equals(const struct bigpow_number *number, const mpz_t want)
{
    return number->count == mpz_size(want) && number->negative == (mpz_sgn(want) < 0) &&
           (!number->count ||
            !memcmp(number->limbs, mpz_limbs_read(want), number->count * sizeof(*number->limbs)));
}

/* a * b by the library; 1 when GMP says the same. */
static inline int big_product_is_right(struct bigpow *context, const mpz_t a, const mpz_t b)
{
    struct bigpow_number x = {0}, y = {0}, z = {0};
    mpz_t want;
    mpz_init(want);
    mpz_mul(want, a, b);
    big_from_mpz(&x, a);
    big_from_mpz(&y, b);
    int right = bigpow_multiply(context, &z, &x, &y) == BIGPOW_OK && big_equals(&z, want);
    mpz_mul(want, a, a);
    right &= bigpow_square(context, &z, &x) == BIGPOW_OK && big_equals(&z, want);
    bigpow_number_free(&x);
    bigpow_number_free(&y);
    bigpow_number_free(&z);
    mpz_clear(want);
    return right;
}

/* Whether the decimal number prints as this text, whole and in pieces. */
static inline int big_decimal_is(const struct bigpow_decimal *number, const char *text, bool negative)
{
    uint64_t digits = bigpow_decimal_digits(number);
    if (digits != strlen(text) || number->negative != negative)
        return 0;
    char *got = malloc(digits);
    if (!got)
        return 0;
    bigpow_decimal_text(number, 0, digits, got);
    int same = !memcmp(got, text, digits);
    size_t head = digits < 10 ? (size_t)digits : 10;
    bigpow_decimal_text(number, digits - head, head, got);
    same &= !memcmp(got, text + digits - head, head);
    bigpow_decimal_text(number, digits / 3, digits / 2, got);
    same &= !memcmp(got, text + digits / 3, digits / 2);
    free(got);
    return same;
}

/* The instruction sets that this machine runs, each with a context; null at the end. */
static const char *const big_isas[] = {"scalar", "avx2", "avx512", NULL};

#endif
