/*
 * Products, powers and digits of all shapes that are small enough for valgrind, which runs fifty times slower and finds
 * what sanitizers do not look for: reads of memory that was never written. Run by `ctest -L valgrind`, once for each
 * instruction set that valgrind knows (not AVX-512), which MILLRACE_ISA names.
 */
#include "tests/unit/check.h"

#include "tests/unit/big_common.h"

static gmp_randstate_t state;

static void products(void)
{
    static const size_t sizes[] = {0, 1, 3, 48, 100, 333, 700};
    struct bigpow *context = bigpow_new(NULL, 21);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    bigpow_set_crossover(context, 1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        mpz_rrandomb(a, state, sizes[i] * 64);
        mpz_urandomb(b, state, sizes[i / 2] * 64 + 5);
        mpz_neg(b, b);
        CU_ASSERT(big_product_is_right(context, a, b));
    }
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    CU_ASSERT_EQUAL(bigpow_stats(context)->exact, 0);
    mpz_clears(a, b, NULL);
    bigpow_free(context);
}

/* Every odd factor of a length, rows and columns, and the fault paths. */
static void lengths(void)
{
    static const unsigned odds[] = {8, 9, 10, 12, 14, 15};
    struct bigpow *context = bigpow_new(NULL, 22);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    mpz_t a;
    mpz_init(a);
    for (size_t k = 0; k < sizeof(odds) / sizeof(*odds); k++) {
        mpz_urandomb(a, state, odds[k] * 22 * 512);
        CU_ASSERT(big_product_is_right(context, a, a));
    }
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    bigpow_set_fault(context, (struct bigpow_fault){BIGPOW_FAULT_DATA, 0, 1000, 77, 50});
    CU_ASSERT(big_product_is_right(context, a, a));
    CU_ASSERT(bigpow_stats(context)->exact > 0);
    mpz_clear(a);
    bigpow_free(context);
}

static void powers(void)
{
    static const char *const bases[] = {"0", "-1", "2", "-1000", "1000003", "123456789012345678901234567890"};
    struct bigpow *context = bigpow_new(NULL, 23);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    mpz_t want;
    mpz_init(want);
    for (size_t k = 0; k < sizeof(bases) / sizeof(*bases); k++) {
        for (uint64_t exponent = 0; exponent < 4000; exponent = 7 * exponent + 1) {
            struct bigpow_number x = {0}, y = {0};
            struct bigpow_decimal d = {0};
            CU_ASSERT_EQUAL(mpz_set_str(want, bases[k], 10), 0);
            big_from_mpz(&x, want);
            mpz_pow_ui(want, want, exponent);
            char *text = mpz_get_str(NULL, 10, want);
            CU_ASSERT_EQUAL(bigpow_power(context, &y, &x, exponent), BIGPOW_OK);
            CU_ASSERT(big_equals(&y, want));
            CU_ASSERT_EQUAL(bigpow_power_decimal(context, &d, &x, exponent), BIGPOW_OK);
            CU_ASSERT(big_decimal_is(&d, text + (*text == '-'), *text == '-'));
            free(text);
            bigpow_number_free(&x);
            bigpow_number_free(&y);
            bigpow_decimal_free(&d);
        }
    }
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    mpz_clear(want);
    bigpow_free(context);
}

int main(void)
{
    gmp_randinit_default(state);
    gmp_randseed_ui(state, 20260104);
    const struct check checks[] = {
        {"products", products}, {"lengths, and a fault", lengths}, {"powers", powers}, {NULL, NULL}};
    int code = check_run("bigpow_valgrind", checks);
    gmp_randclear(state);
    return code;
}
