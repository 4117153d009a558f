/*
 * Products whose digits are a few more than the transform tells apart.
 *
 * Let n = 2L. The transform gives some R = P - H (B^n + 1), P the product and H about P / B^n, of k digits at most. The
 * low k digits of P are those of the product of the operands' low k digits, so H = P - R modulo B^k is known exactly,
 * and P = R + H + H B^n. Nothing here needs R to be reduced in any way.
 */
#include <string.h>

#include "kernels/bigpow/context.h"
#include "kernels/bigpow/digits.h"

int64_t big_digits_add(int32_t *digits, uint64_t count, uint64_t at, int64_t value, int32_t base)
{
    while (value && at < count) {
        int64_t digit = digits[at] + value, half = digit < 0 ? -base / 2 : base / 2;
        value = (digit + half) / base;
        digits[at++] = (int32_t)(digit - value * base);
    }
    return value;
}

/* To context->low: the product of the low plan->wrapped digits, of which as many are right ones of x * y * factor. */
static enum bigpow_status low_product(struct bigpow *context, const struct big_plan *plan,
                                      const struct big_radix *radix, double factor, struct big_input x,
                                      const struct big_input *y)
{
    struct big_plan small;
    struct big_input low_x = {x.digits, x.count < plan->wrapped ? x.count : plan->wrapped}, low_y = low_x;
    if (y)
        low_y = (struct big_input){y->digits, y->count < plan->wrapped ? y->count : plan->wrapped};
    /* Twice the digits, one for a carry, and those of the factor. */
    if (!big_plan_choose_whole(&small, 2 * (uint64_t)plan->wrapped + 3))
        return BIGPOW_TOO_LARGE;
    if (!big_buffer_reserve(&context->low, big_plan_digits(&small) * sizeof(int32_t)))
        return BIGPOW_NO_MEMORY;
    small.wrapped = 0;
    return big_transform(context, &small, radix, factor, low_x, y ? &low_y : NULL, context->low.data);
}

/* The digits of R in out become those of P. */
static bool unwrap(const struct big_plan *plan, int32_t base, const int32_t *low, int32_t *out)
{
    uint64_t n = 2 * (uint64_t)plan->points;
    int32_t *high = out + n;
    for (size_t k = 0; k < plan->wrapped; k++)
        high[k] = low[k] - out[k];
    int64_t carry = big_digits_balance(high, plan->wrapped, base);
    memcpy(out, low, plan->wrapped * sizeof(*out));
    return !high[plan->wrapped - 1] && !big_digits_add(out, n + plan->wrapped, plan->wrapped, -carry, base);
}

enum bigpow_status big_convolve(struct bigpow *context, struct big_plan *plan, const struct big_radix *radix,
                                double factor, struct big_input x, const struct big_input *y, int32_t *out)
{
    enum bigpow_status status = BIGPOW_OK;
    if (plan->wrapped)
        status = low_product(context, plan, radix, factor, x, y);
    if (!status)
        status = big_transform(context, plan, radix, factor, x, y, out);
    if (!status && plan->wrapped && !unwrap(plan, (int32_t)radix->base, context->low.data, out))
        status = big_inexact(context);
    return status;
}
