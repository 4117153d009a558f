/* Faults put into every stage: each is caught, and the result is right all the same. */
#include "tests/unit/check.h"

#include "kernels/bigpow/plan.h"
#include "tests/unit/big_common.h"

static const char *const place_names[] = {"none", "data", "twiddle", "carry", "digit", "limb"};

static void put_fault(struct bigpow *context, enum bigpow_fault_place place, uint64_t times, uint64_t seed)
{
    bigpow_stats_reset(context);
    /* Bits of the exponent or the upper fraction of a double: a flip below the rounding error is no fault at all. */
    unsigned bit = place == BIGPOW_FAULT_DATA || place == BIGPOW_FAULT_TWIDDLE ? 46 + (unsigned)(seed % 16)
                                                                               : (unsigned)(seed % 15);
    bigpow_set_fault(context, (struct bigpow_fault){place, seed % 3, times, seed * 7919 + 1, bit});
}

static uint64_t caught(const struct bigpow *context)
{
    const struct bigpow_stats *stats = bigpow_stats(context);
    return stats->inexact + stats->mismatches;
}

static void check_caught(struct bigpow *context, enum bigpow_fault_place place, uint64_t seed)
{
    struct bigpow_number base = {0}, result = {0};
    struct bigpow_decimal decimal = {0};
    mpz_t want;
    mpz_init(want);
    mpz_ui_pow_ui(want, 1009 + 2 * seed, 12345);
    char *text = mpz_get_str(NULL, 10, want);
    CU_ASSERT_EQUAL(bigpow_number_set(&base, (int64_t)(1009 + 2 * seed)), BIGPOW_OK);
    /* Once: the retry is right. Always: only GMP is. LIMB counts results, of which there is one per try. */
    for (uint64_t times = 1; times <= 1000; times += 999) {
        put_fault(context, place, times, seed);
        if (place == BIGPOW_FAULT_LIMB)
            bigpow_set_fault(context,
                             (struct bigpow_fault){place, 0, times, seed * 7919, (unsigned)seed % 64});
        CU_ASSERT_EQUAL(bigpow_power(context, &result, &base, 12345), BIGPOW_OK);
        CU_ASSERT(big_equals(&result, want));
        if (!caught(context))
            printf("%s %llu not caught\n", place_names[place], (unsigned long long)seed);
        CU_ASSERT(caught(context) >= 1);
        CU_ASSERT(bigpow_stats(context)->retries >= 1);
        CU_ASSERT_EQUAL(bigpow_stats(context)->exact > 0, times > 1);
    }
    put_fault(context, place, 1, seed);
    if (place == BIGPOW_FAULT_LIMB)
        bigpow_set_fault(context, (struct bigpow_fault){place, 0, 1, seed * 7919, (unsigned)seed % 16});
    CU_ASSERT_EQUAL(bigpow_power_decimal(context, &decimal, &base, 12345), BIGPOW_OK);
    CU_ASSERT(big_decimal_is(&decimal, text, false));
    CU_ASSERT(caught(context) >= 1);
    bigpow_set_fault(context, (struct bigpow_fault){0});
    free(text);
    mpz_clear(want);
    bigpow_number_free(&base);
    bigpow_number_free(&result);
    bigpow_decimal_free(&decimal);
}

static void check_place(enum bigpow_fault_place place)
{
    struct bigpow *context = bigpow_new(NULL, 5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    for (uint64_t seed = 1; seed <= 20; seed++)
        check_caught(context, place, seed);
    bigpow_free(context);
}

static void data(void)
{
    check_place(BIGPOW_FAULT_DATA);
}

static void twiddle(void)
{
    check_place(BIGPOW_FAULT_TWIDDLE);
}

static void carry(void)
{
    check_place(BIGPOW_FAULT_CARRY);
}

static void digit(void)
{
    check_place(BIGPOW_FAULT_DIGIT);
}

static void limb(void)
{
    check_place(BIGPOW_FAULT_LIMB);
}

/* Products have a check of their own. */
static void product(void)
{
    struct bigpow *context = bigpow_new(NULL, 6);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    mpz_t a;
    mpz_init(a);
    mpz_ui_pow_ui(a, 12347, 9000);
    bigpow_set_crossover(context, 1);
    for (enum bigpow_fault_place place = BIGPOW_FAULT_DATA; place <= BIGPOW_FAULT_LIMB; place++) {
        bigpow_stats_reset(context);
        bigpow_set_fault(context, (struct bigpow_fault){place, 0, 1, 12345, 50});
        CU_ASSERT(big_product_is_right(context, a, a));
        CU_ASSERT(caught(context) == 1);
    }
    mpz_clear(a);
    bigpow_free(context);
}

/* A product that wraps digits: faults in the short transform of its low digits, some of which do no harm, and in the long
 * one. */
static void wrapped_product(void)
{
    enum { LIMBS = 9770, BITS = 19 };
    struct big_plan plan;
    CU_ASSERT_FATAL(big_plan_choose(&plan, 2 * (LIMBS * 64 / BITS + 1)) && plan.wrapped);
    struct bigpow *context = bigpow_new(NULL, 9);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    mpz_t a;
    mpz_init(a);
    mpz_ui_pow_ui(a, 12347, 46000);
    CU_ASSERT_EQUAL(mpz_size(a), LIMBS);
    bigpow_set_digit_bits(context, BITS);
    for (enum bigpow_fault_place place = BIGPOW_FAULT_DATA; place <= BIGPOW_FAULT_DIGIT; place++) {
        for (uint64_t skip = 0; skip < 2; skip++) {
            bigpow_stats_reset(context);
            bigpow_set_fault(context, (struct bigpow_fault){place, skip, 1, 12345, 60});
            CU_ASSERT(big_product_is_right(context, a, a));
            CU_ASSERT(caught(context) <= 1 && caught(context) >= skip);
        }
    }
    mpz_clear(a);
    bigpow_free(context);
}

int main(void)
{
    const struct check checks[] = {
        {"a bit of the data", data},
        {"a bit of a twiddle", twiddle},
        {"a carry", carry},
        {"a bit of a digit", digit},
        {"a bit of the result", limb},
        {"in a product", product},
        {"in a product that wraps", wrapped_product},
        {NULL, NULL},
    };
    return check_run("bigpow_fault", checks);
}
