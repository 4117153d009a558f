/* Exact products, squares and powers against GMP. */
#include "tests/unit/check.h"

#include "tests/unit/big_common.h"

static gmp_randstate_t state;

/* Sizes around where something changes: none, one limb, the crossover, leaves, row and column shapes. */
static const size_t sizes[] = {0,   1,   2,    3,    10,   47,   48,   49,   100,
                               333, 500, 1000, 1499, 1500, 1501, 2500, 5000, 9000};

static void check_products(const char *isa)
{
    struct bigpow *context = bigpow_new(isa, 1);
    if (!context)
        return;
    bigpow_set_crossover(context, 1);
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (size_t j = i >= 4 ? i - 4 : 0; j <= i; j++) {
            mpz_rrandomb(a, state, sizes[i] * 64);
            mpz_urandomb(b, state, sizes[j] * 64);
            mpz_neg(b, b);
            CU_ASSERT(big_product_is_right(context, a, b));
        }
    }
    CU_ASSERT_EQUAL(bigpow_stats(context)->mismatches, 0);
    CU_ASSERT_EQUAL(bigpow_stats(context)->exact, 0);
    mpz_clears(a, b, NULL);
    bigpow_free(context);
}

static void products(void)
{
    for (size_t k = 0; big_isas[k]; k++)
        check_products(big_isas[k]);
}

static void check_power(struct bigpow *context, int64_t base, uint64_t exponent)
{
    struct bigpow_number x = {0}, y = {0};
    mpz_t want;
    mpz_init_set_si(want, base);
    mpz_pow_ui(want, want, exponent);
    CU_ASSERT_EQUAL_FATAL(bigpow_number_set(&x, base), BIGPOW_OK);
    CU_ASSERT_EQUAL(bigpow_power(context, &y, &x, exponent), BIGPOW_OK);
    if (!big_equals(&y, want))
        printf("%lld^%llu is wrong\n", (long long)base, (unsigned long long)exponent);
    CU_ASSERT(big_equals(&y, want));
    bigpow_number_free(&x);
    bigpow_number_free(&y);
    mpz_clear(want);
}

static void powers(void)
{
    static const int64_t bases[] = {0,  1,   -1,      2,       -2,         3,         7,
                                    10, -12, 1000003, 1048576, 1000000007, INT64_MAX, INT64_MIN};
    static const uint64_t exponents[] = {0, 1, 2, 3, 10, 1000, 20001};
    struct bigpow *context = bigpow_new(NULL, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++)
        for (size_t j = 0; j < sizeof(exponents) / sizeof(*exponents); j++)
            check_power(context, bases[i], exponents[j]);
    bigpow_free(context);
}

int main(void)
{
    gmp_randinit_default(state);
    gmp_randseed_ui(state, 20260101);
    const struct check checks[] = {{"products", products}, {"powers", powers}, {NULL, NULL}};
    int code = check_run("bigpow", checks);
    gmp_randclear(state);
    return code;
}
