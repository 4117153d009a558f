/*
 * The shape of one product: transform length, digit radix, order of the passes, and every bound that makes it
 * safe.
 *
 * A number is a vector of balanced digits x_0..x_{n-1} in radix B. Its square or product is taken in
 * C[x]/(x^L - i): the digit j and the digit j + L are the real and imaginary part of point j (the right-angle
 * convolution, Crandall and Fagin 1994), so L complex points hold 2L product digits. x^L - i is split as a
 * tree (x^{rn} - c = prod_k (x^n - c^{1/r} w_r^k)): decimation in frequency forward, in time backward, each
 * node has one set of twiddles, the twist by the right angle is in the root, and no bit reversal is ever
 * made.
 *
 * The product comes out modulo B^{2L} + 1. Where it has a few digits more than 2L, they are not given the next longer
 * transform but found from the low digits of the product: see convolve.c.
 *
 * The points are stored as `rows` rows of `columns` points, 8 points as 8 real then 8 imaginary parts (a
 * unit), each row followed by padding so that a column does not fall into one cache set. The tree is walked
 * as: column levels (over the rows), then for each row the row levels, then leaves of 64 points in registers.
 *
 * Why it is right: a coefficient of the product is an integer below BIG_COEFFICIENT_LIMIT in size or the
 * carry pass says so; it comes out with an error far below 1/2 or the carry pass says so (BIG_ERROR_LIMIT);
 * and the caller compares the whole result modulo a random prime.
 */
#ifndef MILLRACE_KERNELS_BIGPOW_PLAN_H
#define MILLRACE_KERNELS_BIGPOW_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BIG_LANES = 8,    /* points in a unit */
    BIG_UNIT = 16,    /* doubles in a unit */
    BIG_LEAF = 64,    /* points in a leaf */
    BIG_LEAF_TW = 16, /* doubles of twiddles for a leaf: s1 s2 s3 z*s3 g1 g2 g3 and two of padding */
    BIG_LEVELS = 16,  /* most levels of one kind */
    BIG_ROOM = 64,    /* digits of a row that a column pass reads at once, at most */
    BIG_MAX_LOG2 = 30,
};

/* Largest distance to an integer that a carry pass accepts. A wrong digit needs an error of 1/2 or more. */
#define BIG_ERROR_LIMIT 0.25
/* Rounding by adding and subtracting 1.5 * 2^52 is exact below this. */
#define BIG_COEFFICIENT_LIMIT 2251799813685248.0 /* 2^51 */

struct big_level {
    unsigned radix;         /* 2, 3, 4, 5, 7, 8, 9 or 11 */
    unsigned twiddle_count; /* doubles per node */
    const double *twiddles; /* owned by the context's cache, node after node */
};

struct big_plan {
    unsigned odd;  /* 1, 3, 5, 7, 9, 11 or 15 */
    unsigned log2; /* points = odd << log2 */
    size_t points; /* complex points, L */
    size_t
        wrapped; /* digits of the product above the 2L that the transform tells apart, 0 or a multiple of BIG_ROOM */
    size_t rows, columns;   /* points = rows * columns, columns a power of two >= 64 */
    size_t stride;          /* doubles from a row to the next */
    size_t width;           /* units of one column block */
    unsigned column_levels; /* levels over the rows */
    unsigned row_levels;    /* levels inside a row above the leaves */
    struct big_level column[BIG_LEVELS], row[BIG_LEVELS];
    const double *leaf; /* points / 64 entries of BIG_LEAF_TW doubles */
    double scale;       /* 1 / points */
};

/* The radix of the digits, and what a carry pass multiplies by. */
struct big_radix {
    double base;     /* 2^bits or 10^k */
    double inverse;  /* 1 / base, rounded */
    unsigned bits;   /* digits are balanced: |digit| <= about base / 2; bits = ceil(log2(base)) */
    unsigned decade; /* k of 10^k, 0 for binary */
};

struct big_radix big_radix_binary(unsigned bits);
struct big_radix big_radix_decimal(unsigned decade);

/* Fills in the shape (not the twiddles) for odd << log2 points; false where such a transform is not
 * supported. */
bool big_plan_shape(struct big_plan *plan, unsigned odd, unsigned log2);

/* The cheapest shape for a product of this many digits; false if there is none. */
bool big_plan_choose(struct big_plan *plan, uint64_t product_digits);

/* The same with no digits wrapped. */
bool big_plan_choose_whole(struct big_plan *plan, uint64_t product_digits);

/* Digits that the product by this plan has room for, a multiple of BIG_ROOM. */
uint64_t big_plan_digits(const struct big_plan *plan);

/* Widest binary digit for a product of this many digits whose expected largest error leaves room under
 * BIG_ERROR_LIMIT; from errors measured on random digits (tests/bench/tune_bigpow.c prints them). */
unsigned big_plan_digit_bits(uint64_t product_digits);
/* The same for a product of this many bits. */
unsigned big_plan_bits_for(uint64_t product_bits);
/* The same for radix 10^k and a product of this many decimal digits: the largest k. */
unsigned big_plan_decade(uint64_t decimal_digits);

/* How a carry pass releases the carries of coefficients multiplied by `factor`: in 2 to 4 rounds. */
struct big_release {
    double base, inverse;
    double factor;
    double limit; /* largest coefficient that leaves digits of size at most base * (1/2 + 1/16) */
    unsigned rounds;
};

/*
 * Fills it in; false where four rounds would not do for the coefficients of a product of random digits of this length,
 * with a wide margin. A round leaves v = r + h', |r| <= base / 2, h' the h of the digit before, so that after c rounds
 * |digit| <= base / 2 + 1 + limit * factor / base^c; limit * factor / base < 2^51 keeps all values exact.
 */
bool big_plan_release(struct big_release *release, const struct big_radix *radix, double factor,
                      uint64_t product_digits);

/* Bytes of one work array of the plan. */
size_t big_plan_bytes(const struct big_plan *plan);

#endif
