#include "kernels/bigpow/multiply.h"

#include <gmp.h>
#include <string.h>

#include "kernels/bigpow/digits.h"
#include "kernels/bigpow/number.h"
#include "kernels/bigpow/residue.h"

_Static_assert(GMP_NUMB_BITS == 64 && sizeof(mp_limb_t) == sizeof(uint64_t), "GMP with limbs of 64 bits");

enum {
    UNBALANCED = 3,   /* a factor so many times longer than the other is cut into pieces */
    GMP_SCRATCH = 24, /* limbs of scratch GMP's FFT may take per limb of the product, from above */
};

enum bigpow_status big_limbs_exact(uint64_t *out, struct big_limbs a, struct big_limbs b)
{
    if (a.count < b.count) {
        struct big_limbs swap = a;
        a = b;
        b = swap;
    }
    if (!b.count) {
        memset(out, 0, a.count * sizeof(*out));
        return BIGPOW_OK;
    }
    size_t limbs = a.count + b.count;
    if (limbs > 4096 && !big_memory_probe(limbs * GMP_SCRATCH * sizeof(*out)))
        return BIGPOW_NO_MEMORY;
    if (a.limbs == b.limbs && a.count == b.count)
        mpn_sqr(out, a.limbs, (mp_size_t)a.count);
    else
        mpn_mul(out, a.limbs, (mp_size_t)a.count, b.limbs, (mp_size_t)b.count);
    return BIGPOW_OK;
}

static bool same(struct big_limbs a, struct big_limbs b)
{
    return a.limbs == b.limbs && a.count == b.count;
}

static bool digits_make(const struct big_isa *isa, struct big_buffer *buffer, struct big_limbs from,
                        unsigned bits, struct big_input *in)
{
    in->count = big_digits_count(from.count, bits);
    if (!big_buffer_reserve(buffer, big_digits_room(in->count) * sizeof(int32_t)))
        return false;
    big_digits_from_limbs(isa, buffer->data, from.limbs, from.count, bits);
    in->digits = buffer->data;
    in->count = big_digits_trim(in->digits, in->count);
    return true;
}

static enum bigpow_status multiply_once(struct bigpow *context, uint64_t *out, struct big_limbs a,
                                        struct big_limbs b, unsigned bits)
{
    struct big_radix radix = big_radix_binary(bits);
    struct big_plan plan;
    struct big_input x, y;
    bool square = same(a, b);
    double start = big_seconds();
    if (!digits_make(context->isa, &context->digits[0], a, bits, &x) ||
        (!square && !digits_make(context->isa, &context->digits[1], b, bits, &y)))
        return BIGPOW_NO_MEMORY;
    uint64_t product = x.count + (square ? x.count : y.count);
    if (!big_plan_choose(&plan, product))
        return BIGPOW_TOO_LARGE;
    if (!big_buffer_reserve(&context->digits[2], big_plan_digits(&plan) * sizeof(int32_t)))
        return BIGPOW_NO_MEMORY;
    double made = big_seconds();
    int32_t *digits = context->digits[2].data;
    enum bigpow_status status = big_convolve(context, &plan, &radix, 1.0, x, square ? NULL : &y, digits);
    double convolved = big_seconds();
    if (!status &&
        !big_digits_to_limbs(context->isa, out, a.count + b.count, digits, big_plan_digits(&plan), bits))
        status = big_inexact(context);
    context->stats.seconds_digits += made - start + big_seconds() - convolved;
    return status;
}

static bool product_right(struct bigpow *context, const uint64_t *out, struct big_limbs a, struct big_limbs b)
{
    double start = big_seconds();
    uint64_t prime = big_random_prime(context);
    uint64_t x = big_limbs_residue(context->isa, a.limbs, a.count, prime);
    uint64_t y = same(a, b) ? x : big_limbs_residue(context->isa, b.limbs, b.count, prime);
    bool right = big_limbs_residue(context->isa, out, a.count + b.count, prime) == big_mulmod(x, y, prime);
    context->stats.seconds_check += big_seconds() - start;
    context->stats.mismatches += !right;
    return right;
}

void big_limb_fault(struct bigpow *context, uint64_t *out, size_t count)
{
    if (count && big_fault_now(context, BIGPOW_FAULT_LIMB))
        out[context->fault.index % count] ^= (uint64_t)1 << context->fault.bit % 64;
}

static enum bigpow_status multiply_checked(struct bigpow *context, uint64_t *out, struct big_limbs a,
                                           struct big_limbs b)
{
    size_t limbs = a.count + b.count;
    unsigned bits = context->digit_bits ? context->digit_bits : big_plan_bits_for((uint64_t)limbs * 64);
    for (; bits >= BIG_MIN_BITS; bits -= BIG_STEP_BITS) {
        enum bigpow_status status = multiply_once(context, out, a, b, bits);
        if (!status)
            big_limb_fault(context, out, limbs);
        if (!status && product_right(context, out, a, b))
            return BIGPOW_OK;
        if (status && status != BIG_INEXACT)
            return status;
        context->stats.retries++;
    }
    context->stats.exact++;
    return big_limbs_exact(out, a, b);
}

/* The long operand in pieces of the size of the short one; the piece's product is added to what is there. */
static enum bigpow_status multiply_pieces(struct bigpow *context, uint64_t *out, struct big_limbs a,
                                          struct big_limbs b)
{
    size_t size = 2 * b.count;
    struct big_buffer piece = {0};
    if (!big_buffer_reserve(&piece, (size + b.count) * sizeof(*out)))
        return BIGPOW_NO_MEMORY;
    memset(out, 0, (a.count + b.count) * sizeof(*out));
    enum bigpow_status status = BIGPOW_OK;
    for (size_t at = 0; at < a.count && !status; at += size) {
        struct big_limbs part = {a.limbs + at, a.count - at < size ? a.count - at : size};
        status = big_limbs_multiply(context, piece.data, part, b);
        size_t left = a.count + b.count - at;
        if (!status)
            mpn_add(out + at, out + at, (mp_size_t)left, piece.data, (mp_size_t)(part.count + b.count));
    }
    big_buffer_free(&piece);
    return status;
}

enum bigpow_status big_limbs_multiply(struct bigpow *context, uint64_t *out, struct big_limbs a,
                                      struct big_limbs b)
{
    if (a.count < b.count) {
        struct big_limbs swap = a;
        a = b;
        b = swap;
    }
    if (b.count < context->crossover)
        return big_limbs_exact(out, a, b);
    if (a.count > UNBALANCED * b.count)
        return multiply_pieces(context, out, a, b);
    return multiply_checked(context, out, a, b);
}

enum bigpow_status bigpow_multiply(struct bigpow *context, struct bigpow_number *result,
                                   const struct bigpow_number *a, const struct bigpow_number *b)
{
    struct bigpow_number product = {0};
    size_t limbs = a->count + b->count;
    /* Where the result is no operand its memory is used again: fresh pages cost as much as a transform. */
    if (result != a && result != b) {
        big_number_take(&product, result);
    }
    enum bigpow_status status = BIGPOW_NO_MEMORY;
    if (big_number_reserve(&product, limbs + 1))
        status = big_limbs_multiply(context, product.limbs, (struct big_limbs){a->limbs, a->count},
                                    (struct big_limbs){b->limbs, b->count});
    if (status) {
        bigpow_number_free(&product);
        return status;
    }
    big_number_normalise(&product, limbs, a->negative != b->negative);
    big_number_take(result, &product);
    return BIGPOW_OK;
}

enum bigpow_status bigpow_square(struct bigpow *context, struct bigpow_number *result,
                                 const struct bigpow_number *a)
{
    return bigpow_multiply(context, result, a, a);
}
