/* Large products against GMP, to 400 Mbit: run by `ctest -L slow`. */
#include "tests/unit/check.h"

#include "tests/unit/big_common.h"

static gmp_randstate_t state;

static void check_bits(struct bigpow *context, unsigned long bits)
{
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    mpz_rrandomb(a, state, bits / 2);
    mpz_urandomb(b, state, bits / 2 - bits / 16);
    int right = big_product_is_right(context, a, b);
    if (!right)
        printf("%lu bits: wrong\n", bits);
    CU_ASSERT(right);
    mpz_clears(a, b, NULL);
}

/* Around where the digits become narrower, the columns longer, and every odd factor. */
static void large(void)
{
    static const unsigned long bits[] = {900000,    1500000,   3000000,   19900000, 19922944,
                                         19930000,  22000000,  41000000,  58000000, 77000000,
                                         100000000, 150000000, 210000000, 400000000};
    struct bigpow *context = bigpow_new(NULL, 8);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    for (size_t k = 0; k < sizeof(bits) / sizeof(*bits); k++)
        check_bits(context, bits[k]);
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    CU_ASSERT_EQUAL(bigpow_stats(context)->exact, 0);
    bigpow_free(context);
}

static void large_on_other_sets(void)
{
    for (size_t k = 0; big_isas[k]; k++) {
        struct bigpow *context = bigpow_new(big_isas[k], 9);
        if (!context)
            continue;
        check_bits(context, 60000000);
        bigpow_free(context);
    }
}

/* A ripple through all digits of a transform beyond the caches: (2^n - 1)^2. */
static void large_ripple(void)
{
    struct bigpow *context = bigpow_new(NULL, 10);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    mpz_t a;
    mpz_init(a);
    mpz_setbit(a, 45000001);
    mpz_sub_ui(a, a, 1);
    CU_ASSERT(big_product_is_right(context, a, a));
    mpz_clear(a);
    bigpow_free(context);
}

int main(void)
{
    gmp_randinit_default(state);
    gmp_randseed_ui(state, 20260103);
    const struct check checks[] = {
        {"products to 400 Mbit", large},
        {"on every instruction set", large_on_other_sets},
        {"a long ripple", large_ripple},
        {NULL, NULL},
    };
    int code = check_run("bigpow_slow", checks);
    gmp_randclear(state);
    return code;
}
