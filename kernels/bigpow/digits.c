#include "kernels/bigpow/digits.h"

#include <string.h>

#include "kernels/bigpow/jobs.h"

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

struct unpacking {
    const struct big_isa *isa;
    int32_t *digits;
    const unsigned char *bytes;
    uint64_t groups; /* but the first */
    size_t pieces;
    unsigned bits;
};

static void job_unpack(void *data, struct big_turn turn)
{
    struct unpacking *all = data;
    uint64_t first = 1 + turn.k * all->groups / all->pieces,
             end = 1 + (turn.k + 1) * all->groups / all->pieces;
    all->isa->unpack(all->digits + first * GROUP, all->bytes + first * all->bits - 1, end - first, all->bits);
}

void big_digits_from_limbs(const struct big_isa *isa, int32_t *digits, const uint64_t *limbs, size_t count,
                           unsigned bits)
{
    uint64_t all = big_digits_room(big_digits_count(count, bits)), fast = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Groups but the first, which would begin a bit below the limbs, and the last, which would read past them. */
    if (count > 16) {
        fast = ((uint64_t)count * 8 - 32) / bits;
        struct unpacking unpacking = {isa, digits, (const unsigned char *)limbs, fast - 1, 0, bits};
        unpacking.pieces = big_jobs_pieces(all, BIG_JOBS_WORDS);
        big_jobs_run(job_unpack, &unpacking, unpacking.pieces, unpacking.pieces);
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

/* What the ripples from all digits below `at` come to: -1 where the digit below is zero and the number there negative. */
static int32_t ripple_into(const int32_t *digits, uint64_t at)
{
    if (at && digits[at - 1])
        return 0;
    while (at && !digits[at - 1])
        at--;
    return at && digits[at - 1] < 0 ? -1 : 0;
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

/* Digits becoming canonical in pieces of whole blocks, each of which looks for itself what comes from below. */
struct canonising {
    const struct big_isa *isa;
    const int32_t *digits;
    uint64_t count;
    int32_t base;
    size_t pieces;
    int32_t *out;         /* one digit each, or null: */
    unsigned char *bytes; /* packed, `size` bytes at most */
    uint64_t size;
    unsigned bits;
    bool good[BIG_JOBS_MOST];
};

static uint64_t piece_end(const struct canonising *all, size_t piece)
{
    uint64_t blocks = (all->count + BLOCK - 1) / BLOCK, end = piece * blocks / all->pieces * BLOCK;
    return end < all->count ? end : all->count;
}

static void job_canonical(void *data, struct big_turn turn)
{
    struct canonising *all = data;
    const int32_t *digits = all->digits;
    uint64_t at = piece_end(all, turn.k), end = piece_end(all, turn.k + 1);
    /* A piece writes no byte of the next one, of which it knows nothing. */
    uint64_t used = at / GROUP * all->bits, room = end < all->count ? end / GROUP * all->bits : all->size;
    int32_t block[BLOCK], carry = ripple_into(digits, at);
    bool good = true;
    for (uint64_t part; at < end; at += part) {
        part = end - at < BLOCK ? end - at : BLOCK;
        block_canonical(all->isa, all->out ? all->out + at : block, digits + at, at ? digits[at - 1] : 0,
                        (size_t)part, all->base, &carry);
        if (!all->out)
            good &= block_pack(all->isa, all->bytes, used, room < all->size ? room : all->size, block,
                               (size_t)part, all->bits);
        used += part / GROUP * all->bits;
    }
    all->good[turn.k] = good && !(end == all->count && carry);
}

static bool canonise(struct canonising *all)
{
    all->pieces = big_jobs_pieces(all->count, BIG_JOBS_WORDS);
    big_jobs_run(job_canonical, all, all->pieces, all->pieces);
    bool good = !(all->count && all->digits[all->count - 1] < 0);
    for (size_t k = 0; k < all->pieces; k++)
        good &= all->good[k];
    return good;
}

bool big_digits_canonical(const struct big_isa *isa, int32_t *out, const int32_t *digits, uint64_t count,
                          int32_t base)
{
    struct canonising all = {.isa = isa, .digits = digits, .count = count, .base = base, .out = out};
    return canonise(&all);
}

bool big_digits_to_limbs(const struct big_isa *isa, uint64_t *out, size_t limbs, const int32_t *digits,
                         uint64_t count, unsigned bits)
{
    struct canonising all = {.isa = isa, .digits = digits, .count = count, .base = (int32_t)1 << bits};
    all.bytes = (unsigned char *)out;
    all.size = (uint64_t)limbs * 8;
    all.bits = bits;
    uint64_t used = count / GROUP * bits;
    if (used < all.size)
        memset(all.bytes + used, 0, (size_t)(all.size - used));
    bool good = canonise(&all);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t k = 0; k < limbs; k++)
        out[k] = __builtin_bswap64(out[k]);
#endif
    return good;
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
