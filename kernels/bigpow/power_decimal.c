/* base^exponent in decimal: the ladder in radix 10^k, or, for bases of more than a word, the conversion. */
#include <string.h>

#include "kernels/bigpow/decimal.h"
#include "kernels/bigpow/ladder.h"
#include "kernels/bigpow/number.h"
#include "kernels/bigpow/power.h"
#include "kernels/bigpow/residue.h"

static bool decimal_right(struct bigpow *context, const struct bigpow_decimal *number, uint64_t base,
                          uint64_t exponent)
{
    double start = big_seconds();
    uint64_t prime = big_random_prime(context);
    bool right = bigpow_decimal_residue(number, prime) == big_powmod(base, exponent, prime);
    context->stats.seconds_check += big_seconds() - start;
    context->stats.mismatches += !right;
    return right;
}

static void chunk_fault(struct bigpow *context, struct bigpow_decimal *number)
{
    if (number->count && big_fault_now(context, BIGPOW_FAULT_LIMB))
        number->chunks[context->fault.index % number->count] ^= (uint32_t)1 << context->fault.bit % 16;
}

static enum bigpow_status ladder_decimal(struct bigpow *context, struct bigpow_decimal *result,
                                         const struct big_ladder *ladder)
{
    uint64_t count;
    enum bigpow_status status = big_ladder_run(context, ladder, &count);
    if (status)
        return status;
    double start = big_seconds();
    status = big_decimal_make(context->isa, result, context->digits[0].data, count, ladder->radix.decade);
    context->stats.seconds_digits += big_seconds() - start;
    context->stats.inexact += status == BIG_INEXACT;
    if (!status)
        chunk_fault(context, result);
    return status;
}

/* The ladder with narrower and narrower digits; false where none gave a result that passes its check. */
static bool ladders(struct bigpow *context, struct bigpow_decimal *result, uint64_t base, uint64_t exponent,
                    unsigned decade, enum bigpow_status *status)
{
    for (; decade >= BIG_MIN_DECADE; decade--) {
        struct big_ladder ladder = {big_radix_decimal(decade), base, exponent};
        if (!big_ladder_fits(&ladder))
            continue;
        *status = ladder_decimal(context, result, &ladder);
        if (*status && *status != BIG_INEXACT)
            return true;
        if (!*status && decimal_right(context, result, base, exponent))
            return true;
        context->stats.retries++;
    }
    return false;
}

/* A power made of limbs, then converted: large bases, small results, and what the ladder could not do. */
static enum bigpow_status by_conversion(struct bigpow *context, struct bigpow_decimal *result,
                                        const struct bigpow_number *base, uint64_t exponent)
{
    struct bigpow_number value = {0};
    enum bigpow_status status = bigpow_power(context, &value, base, exponent);
    if (!status)
        status = bigpow_to_decimal(context, result, &value);
    bigpow_number_free(&value);
    return status;
}

static enum bigpow_status small_decimal(struct bigpow *context, struct bigpow_decimal *result, int64_t value)
{
    struct bigpow_number number = {0};
    enum bigpow_status status = bigpow_number_set(&number, value);
    if (!status)
        status = bigpow_to_decimal(context, result, &number);
    bigpow_number_free(&number);
    return status;
}

/* (base * 10^tens)^exponent, base a word without a factor of ten. */
static enum bigpow_status word_power(struct bigpow *context, struct bigpow_decimal *result, uint64_t word,
                                     uint64_t exponent)
{
    struct bigpow_number number = {0};
    uint64_t decimal_digits =
        bigpow_power_estimate(&(struct bigpow_number){&word, 1, 1, false}, exponent).digits;
    enum bigpow_status status = BIGPOW_OK;
    if (word > 1 && decimal_digits > BIG_LADDER_DIGITS &&
        ladders(context, result, word, exponent, big_plan_decade(decimal_digits), &status))
        return status;
    status = bigpow_number_import(&number, &word, 1, false);
    if (!status)
        status = by_conversion(context, result, &number, exponent);
    bigpow_number_free(&number);
    return status;
}

enum bigpow_status bigpow_power_decimal(struct bigpow *context, struct bigpow_decimal *result,
                                        const struct bigpow_number *base, uint64_t exponent)
{
    int64_t small;
    if (big_power_trivial(base, exponent, &small))
        return small_decimal(context, result, small);
    if (!bigpow_power_estimate(base, exponent).possible)
        return BIGPOW_TOO_LARGE;
    if (base->count > 1)
        return by_conversion(context, result, base, exponent);
    uint64_t word = base->limbs[0], tens = 0;
    bool negative = base->negative && exponent & 1;
    for (; word % 10 == 0; word /= 10)
        tens++;
    /* A ladder that is refused has written its digits: what fails after it must not leave them as a result. */
    struct bigpow_decimal value = *result;
    *result = (struct bigpow_decimal){0};
    enum bigpow_status status = word_power(context, &value, word, exponent);
    if (status) {
        bigpow_decimal_free(&value);
        return status;
    }
    value.zeros += tens * exponent;
    value.negative = negative;
    *result = value;
    return BIGPOW_OK;
}
