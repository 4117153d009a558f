/* base^exponent as limbs, its estimate, and modular powers. */
#include <gmp.h>
#include <math.h>
#include <string.h>

#include "kernels/bigpow/digits.h"
#include "kernels/bigpow/ladder.h"
#include "kernels/bigpow/multiply.h"
#include "kernels/bigpow/number.h"
#include "kernels/bigpow/power.h"
#include "kernels/bigpow/residue.h"

enum { LADDER_BITS = 24000 }; /* results below go by products of limbs; from tune_bigpow */

static double log2_of(const struct bigpow_number *number)
{
    size_t n = number->count;
    if (!n)
        return 0;
    double top = (double)number->limbs[n - 1] + (n > 1 ? ldexp((double)number->limbs[n - 2], -64) : 0);
    return log2(top) + 64.0 * (double)(n - 1);
}

/* How a power is computed, which is what its memory depends on. */
enum way { BY_LADDER, BY_SHORT_BASE, BY_LONG_BASE };

static enum way way_of(const struct bigpow_number *base, uint64_t exponent, uint64_t bits)
{
    enum { LONG_LIMBS = 64 }; /* a multiplication by less than this needs no transform of its own */
    if (base->count > 1)
        return base->count < LONG_LIMBS ? BY_SHORT_BASE : BY_LONG_BASE;
    struct big_ladder ladder = {big_radix_binary(big_plan_bits_for(bits)), base->limbs[0], exponent};
    ladder.base >>= __builtin_ctzll(ladder.base);
    return big_ladder_fits(&ladder) ? BY_LADDER : BY_SHORT_BASE;
}

static bool decimal_ladder_fits(const struct bigpow_number *base, uint64_t exponent, uint64_t digits)
{
    uint64_t word = base->limbs[0];
    if (base->count > 1)
        return false;
    while (word % 10 == 0)
        word /= 10;
    struct big_ladder ladder = {big_radix_decimal(big_plan_decade(digits)), word, exponent};
    return big_ladder_fits(&ladder);
}

struct bigpow_estimate bigpow_power_estimate(const struct bigpow_number *base, uint64_t exponent)
{
    struct bigpow_estimate estimate = {1, 1, 1 << 16, 1 << 16, true};
    double bits = log2_of(base) * (double)exponent * (1 + 1e-14);
    if (bits < 1)
        return estimate;
    estimate.possible = bits < ldexp(15, BIG_MAX_LOG2 + 1);
    if (bits > ldexp(1, 62)) {
        estimate.bits = estimate.digits = estimate.binary_bytes = estimate.decimal_bytes = UINT64_MAX;
        return estimate;
    }
    estimate.bits = (uint64_t)bits + 1;
    estimate.digits = (uint64_t)(bits * 0.30102999566398119521) + 2;
    /* Per digit of the product: 8 bytes of points and 4 of digit; points are at most a quarter more than needed. */
    const double points = 1.25 * 12, tables = 1.25 * 0.25 * 8 + 0.1;
    double width = big_plan_bits_for(estimate.bits), digit = points + tables, result = bits / 8;
    enum way way = way_of(base, exponent, estimate.bits);
    if (way == BY_SHORT_BASE) { /* beside the result two numbers of its size, and half as many digits apart */
        digit += 2;
        result *= 3;
    } else if (way == BY_LONG_BASE) {
        digit += points;
        result *= 4;
    }
    /* Large buffers are whole huge pages. */
    double pages = way == BY_LADDER ? 0 : fmin(bits * 3, 20 << 20);
    estimate.binary_bytes = (uint64_t)(bits / width * digit + result + pages) + (4 << 20);
    bool ladder = decimal_ladder_fits(base, exponent, estimate.digits);
    digit = points + tables + 4;
    estimate.decimal_bytes =
        (uint64_t)(bits / 16.6 * (ladder ? digit : 1.6 * (digit + points)) + pages) + (4 << 20);
    return estimate;
}

/* The exponent of two in the magnitude of a number that is not zero. */
static uint64_t twos_of(const struct bigpow_number *number)
{
    size_t k = 0;
    while (!number->limbs[k])
        k++;
    return 64 * (uint64_t)k + (uint64_t)__builtin_ctzll(number->limbs[k]);
}

static bool number_shift_right(struct bigpow_number *to, const struct bigpow_number *from, uint64_t bits)
{
    size_t limbs = (size_t)(bits / 64), count = from->count - limbs;
    if (!big_number_reserve(to, count))
        return false;
    if (bits % 64)
        mpn_rshift(to->limbs, from->limbs + limbs, (mp_size_t)count, (unsigned)(bits % 64));
    else
        memcpy(to->limbs, from->limbs + limbs, count * sizeof(*to->limbs));
    big_number_normalise(to, count, false);
    return true;
}

/* limbs[0 .. room) holds `count` limbs that move up by `bits` */
static void limbs_shift_left(uint64_t *limbs, size_t count, size_t room, uint64_t bits)
{
    size_t whole = (size_t)(bits / 64);
    if (!bits || !count)
        return;
    memmove(limbs + whole, limbs, count * sizeof(*limbs));
    memset(limbs, 0, whole * sizeof(*limbs));
    if (bits % 64) {
        uint64_t out = mpn_lshift(limbs + whole, limbs + whole, (mp_size_t)count, (unsigned)(bits % 64));
        if (whole + count < room)
            limbs[whole + count] = out;
    }
}

/* odd^exponent by the ladder, with digits of this width, to result->limbs[0 .. limbs). */
static enum bigpow_status ladder_binary(struct bigpow *context, uint64_t *out, size_t limbs, uint64_t odd,
                                        uint64_t exponent, unsigned bits)
{
    struct big_ladder ladder = {big_radix_binary(bits), odd, exponent};
    uint64_t count;
    if (!big_ladder_fits(&ladder))
        return BIG_INEXACT;
    enum bigpow_status status = big_ladder_run(context, &ladder, &count);
    if (status)
        return status;
    double start = big_seconds();
    if (!big_digits_to_limbs(context->isa, out, limbs, context->digits[0].data, count, bits))
        status = big_inexact(context);
    context->stats.seconds_digits += big_seconds() - start;
    return status;
}

/* Any odd part, by products of limbs: x is squared, and multiplied by the base where the exponent has a bit.
 * `out` has `limbs` limbs, and two more numbers of the size are scratch. */
static enum bigpow_status limbs_power(struct bigpow *context, uint64_t *out, size_t limbs,
                                      const struct bigpow_number *odd, uint64_t exponent)
{
    struct bigpow_number x = {0}, y = {0};
    size_t room = limbs + odd->count + 2;
    enum bigpow_status status =
        big_number_reserve(&x, room) && big_number_reserve(&y, room) ? BIGPOW_OK : BIGPOW_NO_MEMORY;
    if (!status) {
        memcpy(x.limbs, odd->limbs, odd->count * sizeof(*x.limbs));
        x.count = odd->count;
    }
    for (unsigned bit = 63 - (unsigned)__builtin_clzll(exponent); !status && bit-- > 0;) {
        struct big_limbs half = {x.limbs, x.count};
        status = 2 * x.count > y.capacity ? BIGPOW_WRONG : big_limbs_multiply(context, y.limbs, half, half);
        big_number_normalise(&y, 2 * x.count, false);
        if (!status && exponent >> bit & 1) {
            struct big_limbs squared = {y.limbs, y.count}, base = {odd->limbs, odd->count};
            status = y.count + odd->count > x.capacity ? BIGPOW_WRONG
                                                       : big_limbs_multiply(context, x.limbs, squared, base);
            big_number_normalise(&x, y.count + odd->count, false);
        } else if (!status) {
            struct bigpow_number swap = x;
            x = y;
            y = swap;
        }
    }
    if (!status && x.count > limbs)
        status = BIGPOW_WRONG;
    if (!status) {
        memcpy(out, x.limbs, x.count * sizeof(*out));
        memset(out + x.count, 0, (limbs - x.count) * sizeof(*out));
    }
    bigpow_number_free(&x);
    bigpow_number_free(&y);
    return status;
}

static bool power_right(struct bigpow *context, const uint64_t *out, size_t limbs,
                        const struct bigpow_number *odd, uint64_t exponent)
{
    double start = big_seconds();
    uint64_t prime = big_random_prime(context);
    uint64_t want =
        big_powmod(big_limbs_residue(context->isa, odd->limbs, odd->count, prime), exponent, prime);
    bool right = big_limbs_residue(context->isa, out, limbs, prime) == want;
    context->stats.seconds_check += big_seconds() - start;
    context->stats.mismatches += !right;
    return right;
}

/* The exact path: the same products, all of them by GMP. */
static enum bigpow_status power_exact(struct bigpow *context, uint64_t *out, size_t limbs,
                                      const struct bigpow_number *odd, uint64_t exponent)
{
    size_t crossover = context->crossover;
    context->crossover = SIZE_MAX;
    context->stats.exact++;
    enum bigpow_status status = limbs_power(context, out, limbs, odd, exponent);
    context->crossover = crossover;
    if (!status && !power_right(context, out, limbs, odd, exponent))
        status = BIGPOW_WRONG;
    return status;
}

static enum bigpow_status power_odd(struct bigpow *context, uint64_t *out, size_t limbs,
                                    const struct bigpow_number *odd, uint64_t exponent, uint64_t bits)
{
    unsigned width = context->digit_bits ? context->digit_bits : big_plan_bits_for(bits);
    struct big_ladder first = {big_radix_binary(width), odd->limbs[0], exponent};
    bool ladder = odd->count == 1 && odd->limbs[0] > 1 && bits >= LADDER_BITS && big_ladder_fits(&first);
    for (; width >= BIG_MIN_BITS; width -= BIG_STEP_BITS) {
        enum bigpow_status status = ladder
                                        ? ladder_binary(context, out, limbs, odd->limbs[0], exponent, width)
                                        : limbs_power(context, out, limbs, odd, exponent);
        if (!status)
            big_limb_fault(context, out, limbs);
        if (!status && power_right(context, out, limbs, odd, exponent))
            return BIGPOW_OK;
        if (status && status != BIG_INEXACT)
            return status;
        context->stats.retries++;
        if (!ladder)
            break;
    }
    return power_exact(context, out, limbs, odd, exponent);
}

/* x^0, 0^n, 1^n, (-1)^n: no memory that depends on the exponent. */
bool big_power_trivial(const struct bigpow_number *base, uint64_t exponent, int64_t *value)
{
    bool one = base->count == 1 && base->limbs[0] == 1;
    *value = exponent == 0 ? 1 : base->count == 0 ? 0 : base->negative && exponent & 1 ? -1 : 1;
    return exponent == 0 || base->count == 0 || one;
}

static enum bigpow_status power_general(struct bigpow *context, struct bigpow_number *result,
                                        const struct bigpow_number *base, uint64_t exponent)
{
    struct bigpow_number odd = {0}, value = {0};
    uint64_t twos = twos_of(base), shift = twos * exponent;
    if (!number_shift_right(&odd, base, twos))
        return BIGPOW_NO_MEMORY;
    uint64_t bits = (uint64_t)(log2_of(&odd) * (double)exponent * (1 + 1e-14)) + 1;
    size_t limbs = (size_t)(bits / 64 + 1), room = limbs + (size_t)(shift / 64) + 1;
    bool negative = base->negative && exponent & 1;
    if (result != base)
        big_number_take(&value, result);
    enum bigpow_status status = BIGPOW_NO_MEMORY;
    if (big_number_reserve(&value, room))
        status = power_odd(context, value.limbs, limbs, &odd, exponent, bits);
    bigpow_number_free(&odd);
    if (status) {
        bigpow_number_free(&value);
        return status;
    }
    value.limbs[room - 1] = 0;
    memset(value.limbs + limbs, 0, (room - limbs) * sizeof(*value.limbs));
    limbs_shift_left(value.limbs, limbs, room, shift);
    big_number_normalise(&value, room, negative);
    big_number_take(result, &value);
    return BIGPOW_OK;
}

enum bigpow_status bigpow_power(struct bigpow *context, struct bigpow_number *result,
                                const struct bigpow_number *base, uint64_t exponent)
{
    int64_t small;
    if (big_power_trivial(base, exponent, &small))
        return bigpow_number_set(result, small);
    if (!bigpow_power_estimate(base, exponent).possible)
        return BIGPOW_TOO_LARGE;
    return power_general(context, result, base, exponent);
}

uint64_t bigpow_number_residue(const struct bigpow_number *number, uint64_t modulus)
{
    return modulus ? big_limbs_residue(big_isa_select(NULL), number->limbs, number->count, modulus) : 0;
}

enum bigpow_status bigpow_power_modulo(struct bigpow_number *result, const struct bigpow_number *base,
                                       const struct bigpow_number *exponent,
                                       const struct bigpow_number *modulus)
{
    mpz_t b, e, m, r;
    size_t limbs = base->count + exponent->count + 8 * modulus->count;
    if (!modulus->count || exponent->negative)
        return BIGPOW_BAD_ARGUMENT;
    if (limbs > 4096 && !big_memory_probe(limbs * 64))
        return BIGPOW_NO_MEMORY;
    mpz_roinit_n(b, base->limbs, base->negative ? -(mp_size_t)base->count : (mp_size_t)base->count);
    mpz_roinit_n(e, exponent->limbs, (mp_size_t)exponent->count);
    mpz_roinit_n(m, modulus->limbs, (mp_size_t)modulus->count);
    mpz_init(r);
    mpz_powm(r, b, e, m);
    enum bigpow_status status = bigpow_number_import(result, mpz_limbs_read(r), mpz_size(r), false);
    mpz_clear(r);
    return status;
}
