/* Powers, decimal strings, residues and the small functions around them. */
#include "tests/unit/check.h"

#include "tests/unit/big_common.h"

static gmp_randstate_t state;

/* base^exponent in binary and in decimal. */
static void check_power(struct bigpow *context, const mpz_t base, uint64_t exponent)
{
    struct bigpow_number x = {0}, y = {0};
    struct bigpow_decimal d = {0};
    mpz_t want;
    mpz_init(want);
    mpz_pow_ui(want, base, exponent);
    char *text = mpz_get_str(NULL, 10, want);
    const char *magnitude = text + (*text == '-');
    big_from_mpz(&x, base);
    CU_ASSERT_EQUAL(bigpow_power(context, &y, &x, exponent), BIGPOW_OK);
    CU_ASSERT(big_equals(&y, want));
    CU_ASSERT(bigpow_number_bits(&y) == (mpz_sgn(want) ? mpz_sizeinbase(want, 2) : 0));
    CU_ASSERT_EQUAL(bigpow_power_decimal(context, &d, &x, exponent), BIGPOW_OK);
    CU_ASSERT(big_decimal_is(&d, magnitude, *text == '-'));
    CU_ASSERT_EQUAL(bigpow_to_decimal(context, &d, &y), BIGPOW_OK);
    CU_ASSERT(big_decimal_is(&d, magnitude, *text == '-'));
    CU_ASSERT_EQUAL(bigpow_decimal_residue(&d, 1000000007), mpz_tdiv_ui(want, 1000000007));
    CU_ASSERT_EQUAL(bigpow_number_residue(&y, UINT64_MAX), mpz_tdiv_ui(want, UINT64_MAX));
    struct bigpow_estimate estimate = bigpow_power_estimate(&x, exponent);
    CU_ASSERT(estimate.possible && estimate.bits >= bigpow_number_bits(&y) &&
              estimate.digits >= strlen(magnitude));
    free(text);
    bigpow_number_free(&x);
    bigpow_number_free(&y);
    bigpow_decimal_free(&d);
    mpz_clear(want);
}

static void powers(void)
{
    static const char *const bases[] = {"0",
                                        "1",
                                        "-1",
                                        "2",
                                        "-2",
                                        "3",
                                        "7",
                                        "10",
                                        "-12",
                                        "1000",
                                        "1000003",
                                        "1048576",
                                        "1000000007",
                                        "-9223372036854775808",
                                        "18446744073709551615",
                                        "340282366920938463463374607431768211456",
                                        "-100000000000000000000000000000"};
    static const uint64_t exponents[] = {0, 1, 2, 3, 10, 1000, 20001};
    mpz_t base;
    mpz_init(base);
    for (size_t k = 0; big_isas[k]; k++) {
        struct bigpow *context = bigpow_new(big_isas[k], 2);
        if (!context)
            continue;
        for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
            CU_ASSERT_EQUAL(mpz_set_str(base, bases[i], 10), 0);
            for (size_t j = 0; j < sizeof(exponents) / sizeof(*exponents); j++)
                check_power(context, base, exponents[j]);
        }
        CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
        CU_ASSERT_EQUAL(bigpow_stats(context)->exact, 0);
        bigpow_free(context);
    }
    mpz_clear(base);
}

/* Exponents whose last squaring wraps digits, in decimal the first, in binary the second. */
static void wrapped_powers(void)
{
    struct bigpow *context = bigpow_new(NULL, 8);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    mpz_t base;
    mpz_init_set_ui(base, 3);
    check_power(context, base, 834567);
    check_power(context, base, 876543);
    CU_ASSERT_EQUAL(bigpow_stats(context)->inexact, 0);
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    mpz_clear(base);
    bigpow_free(context);
}

/* Conversions of numbers that are no powers, with runs of zeros. */
static void conversions(void)
{
    struct bigpow *context = bigpow_new(NULL, 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    struct bigpow_number x = {0};
    struct bigpow_decimal d = {0};
    mpz_t a;
    mpz_init(a);
    for (unsigned long bits = 0; bits < 400000; bits = bits * 7 / 4 + 11) {
        mpz_rrandomb(a, state, bits);
        char *text = mpz_get_str(NULL, 10, a);
        big_from_mpz(&x, a);
        CU_ASSERT_EQUAL(bigpow_to_decimal(context, &d, &x), BIGPOW_OK);
        CU_ASSERT(big_decimal_is(&d, text, false));
        struct bigpow_number parsed = {0};
        CU_ASSERT_EQUAL(bigpow_number_parse(&parsed, text, strlen(text)), BIGPOW_OK);
        CU_ASSERT(big_equals(&parsed, a));
        bigpow_number_free(&parsed);
        free(text);
    }
    bigpow_number_free(&x);
    bigpow_decimal_free(&d);
    mpz_clear(a);
    bigpow_free(context);
}

static void parsing(void)
{
    static const char *const bad[] = {"", "-", "+", "1x", " 1", "0x10", "--1", "1-"};
    struct bigpow_number x = {0};
    for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++)
        CU_ASSERT_EQUAL(bigpow_number_parse(&x, bad[k], strlen(bad[k])), BIGPOW_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(bigpow_number_parse(&x, "-0000", 5), BIGPOW_OK);
    CU_ASSERT(x.count == 0 && !x.negative);
    CU_ASSERT_EQUAL(bigpow_number_parse(&x, "-00017", 6), BIGPOW_OK);
    CU_ASSERT(x.count == 1 && x.limbs[0] == 17 && x.negative);
    bigpow_number_free(&x);
}

static void modular(void)
{
    struct bigpow_number b = {0}, e = {0}, m = {0}, r = {0};
    mpz_t base, exponent, modulus, want;
    mpz_inits(base, exponent, modulus, want, NULL);
    for (unsigned long bits = 1; bits < 2000; bits = 2 * bits + 1) {
        mpz_urandomb(base, state, bits);
        mpz_neg(base, base);
        mpz_urandomb(exponent, state, bits / 4 + 1);
        mpz_urandomb(modulus, state, bits);
        mpz_setbit(modulus, bits);
        mpz_powm(want, base, exponent, modulus);
        big_from_mpz(&b, base);
        big_from_mpz(&e, exponent);
        big_from_mpz(&m, modulus);
        CU_ASSERT_EQUAL(bigpow_power_modulo(&r, &b, &e, &m), BIGPOW_OK);
        CU_ASSERT(big_equals(&r, want));
    }
    CU_ASSERT_EQUAL(bigpow_number_set(&m, 0), BIGPOW_OK);
    CU_ASSERT_EQUAL(bigpow_power_modulo(&r, &b, &e, &m), BIGPOW_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(bigpow_number_residue(&b, 0), 0);
    bigpow_number_free(&b);
    bigpow_number_free(&e);
    bigpow_number_free(&m);
    bigpow_number_free(&r);
    mpz_clears(base, exponent, modulus, want, NULL);
}

/* What cannot be computed is refused at once, and what trivially can is not. */
static void huge_exponents(void)
{
    struct bigpow *context = bigpow_new(NULL, 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    struct bigpow_number x = {0}, y = {0};
    CU_ASSERT_EQUAL(bigpow_number_set(&x, 3), BIGPOW_OK);
    CU_ASSERT_EQUAL(bigpow_power(context, &y, &x, UINT64_MAX), BIGPOW_TOO_LARGE);
    CU_ASSERT(!bigpow_power_estimate(&x, UINT64_MAX).possible);
    CU_ASSERT(bigpow_power_estimate(&x, 1000000000).binary_bytes > 200000000);
    CU_ASSERT_EQUAL(bigpow_number_set(&x, -1), BIGPOW_OK);
    CU_ASSERT_EQUAL(bigpow_power(context, &y, &x, UINT64_MAX), BIGPOW_OK);
    CU_ASSERT(y.count == 1 && y.limbs[0] == 1 && y.negative);
    CU_ASSERT_EQUAL(bigpow_number_set(&x, 0), BIGPOW_OK);
    CU_ASSERT_EQUAL(bigpow_power(context, &y, &x, UINT64_MAX), BIGPOW_OK);
    CU_ASSERT_EQUAL(y.count, 0);
    bigpow_number_free(&x);
    bigpow_number_free(&y);
    bigpow_free(context);
}

int main(void)
{
    gmp_randinit_default(state);
    gmp_randseed_ui(state, 20260102);
    const struct check checks[] = {
        {"powers in binary and decimal", powers},
        {"powers that wrap digits", wrapped_powers},
        {"conversions", conversions},
        {"parsing", parsing},
        {"modular powers", modular},
        {"huge exponents", huge_exponents},
        {NULL, NULL},
    };
    int code = check_run("bigpow_power", checks);
    gmp_randclear(state);
    return code;
}
