#include "kernels/bigpow/digits.h"

#include <string.h>

enum {
    GROUP = 8,    /* digits that fill a whole number of bytes whatever their width */
    BLOCK = 1024, /* digits made canonical at a time */
};

__extension__ typedef unsigned __int128 u128;

uint64_t big_digits_count(size_t count, unsigned bits)
{
    return (uint64_t)count * 64 / bits + 1;
}

uint64_t big_digits_room(uint64_t digits)
{
    return (digits + GROUP - 1) / GROUP * GROUP;
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

static inline uint64_t load64(const unsigned char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* Groups [1, groups), whose bytes and the eight after them are all there. */
static void groups_unpack(int32_t *digits, const unsigned char *bytes, uint64_t groups, unsigned bits)
{
    for (uint64_t g = 1; g < groups; g++) {
        const unsigned char *p = bytes + g * bits - 1;
        for (unsigned k = 0; k < GROUP; k++) {
            unsigned bit = 7 + k * bits;
            uint64_t field = load64(p + bit / 8) >> bit % 8;
            digits[g * GROUP + k] = field_digit(field << (63 - bits), bits);
        }
    }
}

void big_digits_from_limbs(int32_t *digits, const uint64_t *limbs, size_t count, unsigned bits)
{
    uint64_t all = big_digits_room(big_digits_count(count, bits)), fast = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count > 8) {
        fast = ((uint64_t)count * 8 - 8) / bits;
        groups_unpack(digits, (const unsigned char *)limbs, fast, bits);
    }
#endif
    for (uint64_t i = 0; i < (fast ? GROUP : all); i++)
        digits[i] = digit_slow(limbs, count, i, bits);
    for (uint64_t i = fast * GROUP; fast && i < all; i++)
        digits[i] = digit_slow(limbs, count, i, bits);
}

/* The digits from `at` on, the first of them below zero. */
static bool borrow_ripple(int32_t *digits, uint64_t count, uint64_t at, int32_t base)
{
    while (digits[at] < 0) {
        digits[at] += base;
        if (++at == count)
            return false;
        digits[at]--;
    }
    return true;
}

/*
 * A negative digit borrows one from the next. The borrows are independent of each other but where a digit is
 * zero and borrowed from: those ripples are rare, so they are done one by one after the block. Blocks go from
 * the top down: the digits above are canonical when a ripple reaches them.
 */
static bool block_canonical(int32_t *digits, uint64_t count, uint64_t first, uint64_t size, int32_t base)
{
    int32_t before[BLOCK + 1], negative = 0;
    before[0] = first ? digits[first - 1] : 0;
    memcpy(before + 1, digits + first, size * sizeof(*digits));
    int32_t *out = digits + first;
    for (uint64_t i = 0; i < size; i++) {
        out[i] = before[i + 1] + ((before[i + 1] >> 31) & base) + (before[i] >> 31);
        negative |= out[i];
    }
    bool whole = true;
    for (uint64_t i = 0; negative < 0 && i < size; i++)
        if (out[i] < 0)
            whole &= borrow_ripple(digits, count, first + i, base);
    return whole;
}

bool big_digits_canonical(int32_t *digits, uint64_t count, int32_t base)
{
    if (count && digits[count - 1] < 0)
        return false;
    bool whole = true;
    for (uint64_t end = count; end > 0;) {
        uint64_t first = (end - 1) / BLOCK * BLOCK;
        whole &= block_canonical(digits, count, first, end - first, base);
        end = first;
    }
    return whole;
}

size_t big_limbs_room(uint64_t digits, unsigned bits)
{
    return (size_t)((digits * bits + 63) / 64 + 4);
}

static void store_words(unsigned char *p, const uint64_t word[3])
{
    for (unsigned k = 0; k < 3; k++) {
        uint64_t x = word[k];
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        x = __builtin_bswap64(x);
#endif
        memcpy(p + 8 * k, &x, sizeof(x));
    }
}

static void group_pack(unsigned char *p, const int32_t *d, unsigned bits)
{
    uint64_t pair[4];
    for (unsigned k = 0; k < 4; k++)
        pair[k] = (uint64_t)(uint32_t)d[2 * k] | (uint64_t)(uint32_t)d[2 * k + 1] << bits;
    u128 low = pair[0] | (u128)pair[1] << 2 * bits, high = pair[2] | (u128)pair[3] << 2 * bits;
    u128 middle = low >> 64 | (bits > 16 ? high << (4 * bits - 64) : high >> (64 - 4 * bits));
    if (bits <= 16) {
        u128 all = low | high << 4 * bits;
        store_words(p, (uint64_t[3]){(uint64_t)all, (uint64_t)(all >> 64), 0});
        return;
    }
    store_words(p, (uint64_t[3]){(uint64_t)low, (uint64_t)middle, (uint64_t)(middle >> 64)});
}

size_t big_digits_to_limbs(uint64_t *limbs, const int32_t *digits, uint64_t count, unsigned bits)
{
    unsigned char *p = (unsigned char *)limbs;
    for (uint64_t g = 0; g < count / GROUP; g++)
        group_pack(p + g * bits, digits + g * GROUP, bits);
    uint64_t bytes = count / GROUP * bits;
    memset(p + bytes, 0, 8);
    size_t size = (size_t)((bytes + 7) / 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t k = 0; k < size; k++)
        limbs[k] = __builtin_bswap64(limbs[k]);
#endif
    return size;
}

uint64_t big_digits_trim(const int32_t *digits, uint64_t count)
{
    while (count && !digits[count - 1])
        count--;
    return count;
}
