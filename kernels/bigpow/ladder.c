#include "kernels/bigpow/ladder.h"

#include <gmp.h>
#include <math.h>
#include <string.h>

#include "kernels/bigpow/digits.h"

enum {
    START_BITS = 12000, /* what GMP computes before the first squaring by a transform */
    SPARE_DIGITS =
        3, /* more digits than the estimate: its rounding, and a balanced digit above the highest */
};

static double digits_of(const struct big_ladder *ladder, uint64_t exponent)
{
    return (double)exponent * log2((double)ladder->base) / log2(ladder->radix.base) * (1 + 1e-14) +
           SPARE_DIGITS;
}

bool big_ladder_fits(const struct big_ladder *ladder)
{
    struct big_release release;
    double digits = digits_of(ladder, ladder->exponent);
    return digits < ldexp(1, BIG_MAX_LOG2) && ladder->base < (uint64_t)1 << 30 &&
           big_plan_release(&release, &ladder->radix, (double)ladder->base, (uint64_t)digits);
}

/* Binary digits of a small number. */
static uint64_t start_binary(const struct big_isa *isa, int32_t *digits, const mpz_t value, unsigned bits)
{
    big_digits_from_limbs(isa, digits, mpz_limbs_read(value), mpz_size(value), bits);
    return big_digits_trim(digits, big_digits_count(mpz_size(value), bits));
}

/* Balanced decimal digits of a small number. */
static uint64_t start_decimal(int32_t *digits, mpz_t value, const struct big_radix *radix)
{
    uint64_t count = 0;
    int32_t base = (int32_t)radix->base, carry = 0;
    while (mpz_sgn(value) || carry) {
        int32_t digit = (int32_t)mpz_tdiv_q_ui(value, value, (unsigned long)base) + carry;
        carry = digit > base / 2;
        digits[count++] = digit - carry * base;
    }
    memset(digits + count, 0, (big_digits_room(count) - count) * sizeof(*digits));
    return count;
}

static unsigned start_shift(const struct big_ladder *ladder)
{
    unsigned shift = 0;
    while ((double)(ladder->exponent >> shift) * log2((double)ladder->base) > START_BITS)
        shift++;
    return shift;
}

static uint64_t start(const struct big_isa *isa, const struct big_ladder *ladder, unsigned shift,
                      int32_t *digits)
{
    mpz_t value;
    mpz_init(value);
    mpz_ui_pow_ui(value, ladder->base, ladder->exponent >> shift);
    uint64_t count = ladder->radix.decade ? start_decimal(digits, value, &ladder->radix)
                                          : start_binary(isa, digits, value, ladder->radix.bits);
    mpz_clear(value);
    return count;
}

static bool plan_for(struct big_plan *plan, const struct big_ladder *ladder, unsigned shift)
{
    double digits = digits_of(ladder, ladder->exponent >> shift);
    return digits < ldexp(1, BIG_MAX_LOG2 + 1) && big_plan_choose(plan, (uint64_t)digits + 1);
}

/* All memory at the size of the last squaring: growing it step by step would touch fresh pages at each. */
static enum bigpow_status reserve(struct bigpow *context, const struct big_ladder *ladder)
{
    struct big_plan plan;
    if (!plan_for(&plan, ladder, 0))
        return BIGPOW_TOO_LARGE;
    uint64_t digits = big_plan_digits(&plan) > START_BITS ? big_plan_digits(&plan) : START_BITS;
    if (!big_buffer_reserve(&context->digits[0], digits * sizeof(int32_t)) ||
        !big_buffer_reserve(&context->work[0], big_plan_bytes(&plan)))
        return BIGPOW_NO_MEMORY;
    return BIGPOW_OK;
}

enum bigpow_status big_ladder_run(struct bigpow *context, const struct big_ladder *ladder, uint64_t *count)
{
    enum bigpow_status status = reserve(context, ladder);
    if (status)
        return status;
    int32_t *digits = context->digits[0].data;
    unsigned shift = start_shift(ladder);
    struct big_input in = {digits, start(context->isa, ladder, shift, digits)};
    uint64_t room = big_digits_room(in.count);
    while (shift--) {
        struct big_plan plan;
        if (!plan_for(&plan, ladder, shift))
            return BIGPOW_TOO_LARGE;
        double factor = ladder->exponent >> shift & 1 ? (double)ladder->base : 1.0;
        status = big_convolve(context, &plan, &ladder->radix, factor, in, NULL, digits);
        if (status)
            return status;
        room = big_plan_digits(&plan);
        in.count = big_digits_trim(digits, room);
    }
    *count = room;
    return BIGPOW_OK;
}
