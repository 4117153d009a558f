#include "kernels/bigpow/digits.h"

#include <string.h>

enum {
    GROUP = 8,    /* digits that fill a whole number of bytes whatever their width */
    BLOCK = 1024, /* digits made canonical at a time */
};

uint64_t big_digits_count(size_t count, unsigned bits)
{
    return (uint64_t)count * 64 / bits + 1;
}

uint64_t big_digits_room(uint64_t digits)
{
    return (digits + BIG_ROOM - 1) / BIG_ROOM * BIG_ROOM;
}

/* The field of bits + 1 bits that begins one bit below the digit, as a signed number f; its digit is (f + 1)
 * >> 1: the digit itself in two's complement plus the highest bit of the one below, which that one has
 * borrowed. */
static int32_t field_digit(uint64_t field_at_top, unsigned bits)
{
    int64_t f = (int64_t)field_at_top >> (63 - bits);
    return (int32_t)((f + 1) >> 1);
}

static uint64_t bits_from(const uint64_t *limbs, size_t count, uint64_t bit)
{
    uint64_t low = bit / 64 < count ? limbs[bit / 64] >> bit % 64 : 0;
    uint64_t high = bit % 64 && bit / 64 + 1 < count ? limbs[bit / 64 + 1] << (64 - bit % 64) : 0;
    return low | high;
}

static int32_t digit_slow(const uint64_t *limbs, size_t count, uint64_t index, unsigned bits)
{
    uint64_t field = index ? bits_from(limbs, count, index * bits - 1) : bits_from(limbs, count, 0) << 1;
    return field_digit(field << (63 - bits), bits);
}

void big_digits_from_limbs(const struct big_isa *isa, int32_t *digits, const uint64_t *limbs, size_t count,
                           unsigned bits)
{
    uint64_t all = big_digits_room(big_digits_count(count, bits)), fast = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Groups but the first, which would begin a bit below the limbs, and the last, which would read past them. */
    if (count > 16) {
        fast = ((uint64_t)count * 8 - 32) / bits;
        isa->unpack(digits + GROUP, (const unsigned char *)limbs + bits - 1, fast - 1, bits);
    }
#endif
    for (uint64_t i = 0; i < (fast ? GROUP : all); i++)
        digits[i] = digit_slow(limbs, count, i, bits);
    for (uint64_t i = fast * GROUP; fast && i < all; i++)
        digits[i] = digit_slow(limbs, count, i, bits);
}

/* Goes on with the borrows that met a zero; returns what leaves the block, 0 or -1. */
static int32_t borrow_ripple(int32_t *out, size_t count, int32_t base)
{
    int32_t carry = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t digit = out[i] + carry;
        carry = digit >> 31;
        out[i] = digit + (carry & base);
    }
    return carry;
}

/* A stretch of digits becomes canonical given what the one below borrows: `before`, its highest digit as it was, and
 * `*carry`, 0 or -1, what its ripples have passed on. Only rare digits, zero and borrowed from, need the ripple. */
static void block_canonical(const struct big_isa *isa, int32_t *out, const int32_t *in, int32_t before,
                            size_t count, int32_t base, int32_t *carry)
{
    int32_t negative = isa->borrow(out, in, before, count, base);
    out[0] += *carry;
    *carry = (negative | out[0]) < 0 ? borrow_ripple(out, count, base) : 0;
}

bool big_digits_canonical(const struct big_isa *isa, int32_t *out, const int32_t *digits, uint64_t count,
                          int32_t base)
{
    int32_t carry = 0;
    for (uint64_t at = 0; at < count; at += BLOCK) {
        size_t size = count - at < BLOCK ? (size_t)(count - at) : BLOCK;
        block_canonical(isa, out + at, digits + at, at ? digits[at - 1] : 0, size, base, &carry);
    }
    return !carry && !(count && digits[count - 1] < 0);
}

/* Whole blocks are packed where they belong while the stores stay inside; the last ones go through a buffer. */
static bool block_pack(const struct big_isa *isa, unsigned char *bytes, uint64_t at, uint64_t size,
                       const int32_t *digits, size_t count, unsigned bits)
{
    unsigned char last[BLOCK * 3 + 24] = {0};
    uint64_t end = at + (uint64_t)count / GROUP * bits;
    if (end + 24 <= size) {
        isa->pack(bytes + at, digits, count / GROUP, bits);
        return true;
    }
    isa->pack(last, digits, count / GROUP, bits);
    uint64_t fits = at < size ? size - at : 0, used = end - at;
    for (uint64_t k = fits; k < used; k++)
        if (last[k])
            return false;
    if (fits)
        memcpy(bytes + at, last, (size_t)(fits < used ? fits : used));
    return true;
}

bool big_digits_to_limbs(const struct big_isa *isa, uint64_t *out, size_t limbs, const int32_t *digits,
                         uint64_t count, unsigned bits)
{
    int32_t block[BLOCK], carry = 0;
    unsigned char *bytes = (unsigned char *)out;
    uint64_t size = (uint64_t)limbs * 8, used = 0;
    bool fits = true;
    for (uint64_t at = 0; at < count; at += BLOCK) {
        size_t part = count - at < BLOCK ? (size_t)(count - at) : BLOCK;
        block_canonical(isa, block, digits + at, at ? digits[at - 1] : 0, part, (int32_t)1 << bits, &carry);
        fits &= block_pack(isa, bytes, used, size, block, part, bits);
        used += (uint64_t)part / GROUP * bits;
    }
    if (used < size)
        memset(bytes + used, 0, (size_t)(size - used));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t k = 0; k < limbs; k++)
        out[k] = __builtin_bswap64(out[k]);
#endif
    return fits && !carry && !(count && digits[count - 1] < 0);
}

int32_t big_digits_balance(int32_t *digits, uint64_t count, int32_t base)
{
    int32_t carry = 0;
    for (uint64_t k = 0; k < count; k++) {
        int32_t digit = digits[k], out = (digit > base / 2) - (digit < -base / 2);
        digits[k] = digit - out * base + carry;
        carry = out;
    }
    return carry;
}

uint64_t big_digits_trim(const int32_t *digits, uint64_t count)
{
    while (count && !digits[count - 1])
        count--;
    return count;
}
