/*
 * Any integer to decimal without a division: pieces of the limbs are converted by GMP, then neighbours are
 * joined, high * 2^(64 * limbs of low) + low, with the products and the powers of two in radix 10^k (the base
 * conversion by evaluation of Brent and Zimmermann, Modern Computer Arithmetic, 1.7.2, bottom up).
 */
#include <gmp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/bigpow/decimal.h"
#include "kernels/bigpow/digits.h"
#include "kernels/bigpow/multiply.h"
#include "kernels/bigpow/number.h"
#include "kernels/bigpow/residue.h"

enum { PIECE_LIMBS = 512 }; /* what mpn_get_str converts; from tune_bigpow */

struct conversion {
    struct bigpow *context;
    struct big_radix radix;
    size_t pieces;   /* numbers on this level */
    size_t size;     /* digits of each, a multiple of BIG_ROOM, room for all values of its limbs */
    size_t limbs;    /* limbs each stands for */
    int32_t *values; /* pieces * size digits, balanced as transforms want them */
    int32_t *power;  /* 2^(64 * limbs) on `size` digits */
};

static size_t digits_for(size_t limbs, unsigned decade)
{
    return (size_t)big_digits_room((uint64_t)((double)limbs * 19.26592 / decade) + 2);
}

/* Limbs (destroyed, without leading zeros) to `size` balanced digits. */
static bool piece_digits(int32_t *digits, size_t size, uint64_t *limbs, size_t count, unsigned decade)
{
    unsigned char *text = malloc(count * 20 + 16);
    if (!text)
        return false;
    memset(digits, 0, size * sizeof(*digits));
    size_t length = count ? mpn_get_str(text, 10, limbs, (mp_size_t)count) : 0;
    for (size_t k = 0; k * decade < length; k++) {
        size_t end = length - k * decade, first = end > decade ? end - decade : 0;
        for (size_t j = first; j < end; j++)
            digits[k] = 10 * digits[k] + text[j];
    }
    free(text);
    return !big_digits_balance(digits, size, (int32_t)big_decade(decade));
}

static bool pieces_make(struct conversion *c, const struct bigpow_number *number)
{
    uint64_t limbs[PIECE_LIMBS + 1];
    for (size_t k = 0; k < c->pieces; k++) {
        size_t first = k * c->limbs,
               count = number->count - first < c->limbs ? number->count - first : c->limbs;
        memcpy(limbs, number->limbs + first, count * sizeof(*limbs));
        while (count && !limbs[count - 1])
            count--;
        if (!piece_digits(c->values + k * c->size, c->size, limbs, count, c->radix.decade))
            return false;
    }
    memset(limbs, 0, sizeof(limbs));
    limbs[PIECE_LIMBS] = 1;
    return piece_digits(c->power, c->size, limbs, PIECE_LIMBS + 1, c->radix.decade);
}

/* out[0 .. room) = x * y */
static enum bigpow_status decimal_product(struct conversion *c, const int32_t *x, const int32_t *y,
                                          int32_t *out, size_t room)
{
    struct big_input a = {x, big_digits_trim(x, c->size)}, b = {y, big_digits_trim(y, c->size)};
    struct big_plan plan;
    memset(out, 0, room * sizeof(*out));
    if (!a.count || !b.count)
        return BIGPOW_OK;
    if (!big_plan_choose(&plan, a.count + b.count + 1))
        return BIGPOW_TOO_LARGE;
    struct bigpow *context = c->context;
    if (!big_buffer_reserve(&context->digits[2], big_plan_digits(&plan) * sizeof(*out)))
        return BIGPOW_NO_MEMORY;
    int32_t *digits = context->digits[2].data;
    enum bigpow_status status = big_convolve(context, &plan, &c->radix, 1.0, a, x == y ? NULL : &b, digits);
    uint64_t count = status ? 0 : big_digits_trim(digits, big_plan_digits(&plan));
    if (!status && count > room)
        return big_inexact(c->context);
    memcpy(out, digits, count * sizeof(*out));
    return status;
}

static bool decimal_add(int32_t *x, size_t room, const int32_t *y, size_t size, int32_t base)
{
    for (size_t k = 0; k < size; k++)
        x[k] += y[k];
    return !big_digits_balance(x, room, base);
}

static enum bigpow_status level_join(struct conversion *c, int32_t *values, size_t size)
{
    enum bigpow_status status = BIGPOW_OK;
    for (size_t k = 0; k < c->pieces && !status; k += 2) {
        const int32_t *low = c->values + k * c->size;
        int32_t *out = values + k / 2 * size;
        memset(out, 0, size * sizeof(*out));
        if (k + 1 < c->pieces)
            status = decimal_product(c, low + c->size, c->power, out, size);
        if (!status && !decimal_add(out, size, low, c->size, (int32_t)c->radix.base))
            status = big_inexact(c->context);
    }
    return status;
}

/* Pairs of pieces become one, and the power its square. */
static enum bigpow_status level_up(struct conversion *c)
{
    size_t pieces = (c->pieces + 1) / 2, size = digits_for(2 * c->limbs + 1, c->radix.decade);
    int32_t *values = big_allocate(pieces * size * sizeof(*values));
    int32_t *power = pieces > 1 ? big_allocate(size * sizeof(*power)) : NULL;
    enum bigpow_status status = values && (power || pieces == 1) ? BIGPOW_OK : BIGPOW_NO_MEMORY;
    if (!status)
        status = level_join(c, values, size);
    if (!status && power)
        status = decimal_product(c, c->power, c->power, power, size);
    if (status) {
        free(values);
        free(power);
        return status;
    }
    free(c->values);
    free(c->power);
    c->values = values;
    c->power = power;
    c->pieces = pieces;
    c->size = size;
    c->limbs *= 2;
    return BIGPOW_OK;
}

static enum bigpow_status convert(struct bigpow *context, struct bigpow_decimal *result,
                                  const struct bigpow_number *number, unsigned decade)
{
    struct conversion c = {.context = context, .radix = big_radix_decimal(decade), .limbs = PIECE_LIMBS};
    c.pieces = number->count ? (number->count + PIECE_LIMBS - 1) / PIECE_LIMBS : 1;
    c.size = digits_for(PIECE_LIMBS + 1, decade);
    c.values = big_allocate(c.pieces * c.size * sizeof(*c.values));
    c.power = big_allocate(c.size * sizeof(*c.power));
    enum bigpow_status status = c.values && c.power && pieces_make(&c, number) ? BIGPOW_OK : BIGPOW_NO_MEMORY;
    while (!status && c.pieces > 1)
        status = level_up(&c);
    if (!status)
        status = big_decimal_make(context->isa, result, c.values, c.size, decade);
    free(c.values);
    free(c.power);
    return status;
}

static bool conversion_right(struct bigpow *context, const struct bigpow_decimal *result,
                             const struct bigpow_number *number)
{
    double start = big_seconds();
    uint64_t prime = big_random_prime(context);
    bool right = bigpow_decimal_residue(result, prime) ==
                 big_limbs_residue(context->isa, number->limbs, number->count, prime);
    context->stats.seconds_check += big_seconds() - start;
    context->stats.mismatches += !right;
    return right;
}

/* GMP alone: the whole number as one piece. */
static enum bigpow_status convert_exact(struct bigpow *context, struct bigpow_decimal *result,
                                        const struct bigpow_number *number)
{
    size_t size = digits_for(number->count + 1, 5);
    uint64_t *limbs = big_allocate((number->count + 1) * sizeof(*limbs));
    int32_t *digits = big_allocate(size * sizeof(*digits));
    enum bigpow_status status = BIGPOW_NO_MEMORY;
    if (limbs && digits && big_memory_probe(number->count * 96)) {
        memcpy(limbs, number->limbs, number->count * sizeof(*limbs));
        if (piece_digits(digits, size, limbs, number->count, 5))
            status = big_decimal_make(context->isa, result, digits, size, 5);
    }
    free(limbs);
    free(digits);
    context->stats.exact++;
    return !status && !conversion_right(context, result, number) ? BIGPOW_WRONG : status;
}

static enum bigpow_status convert_checked(struct bigpow *context, struct bigpow_decimal *result,
                                          const struct bigpow_number *number)
{
    unsigned decade = big_plan_decade((uint64_t)((double)number->count * 19.3) + 1);
    for (; decade >= BIG_MIN_DECADE; decade--) {
        enum bigpow_status status = convert(context, result, number, decade);
        if (!status && conversion_right(context, result, number))
            return BIGPOW_OK;
        if (status && status != BIG_INEXACT)
            return status;
        context->stats.retries++;
    }
    return convert_exact(context, result, number);
}

enum bigpow_status bigpow_to_decimal(struct bigpow *context, struct bigpow_decimal *result,
                                     const struct bigpow_number *number)
{
    /* Its memory is used again, but a conversion that fails after one that was refused leaves nothing of it. */
    struct bigpow_decimal value = *result;
    *result = (struct bigpow_decimal){0};
    enum bigpow_status status = convert_checked(context, &value, number);
    if (status) {
        bigpow_decimal_free(&value);
        return status;
    }
    value.negative = number->negative;
    *result = value;
    return BIGPOW_OK;
}
