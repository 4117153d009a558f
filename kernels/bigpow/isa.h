/* The compute passes of one instruction set. One body (fft_body.h, pass_body.h), one table of functions per
 * object. */
#ifndef MILLRACE_KERNELS_BIGPOW_ISA_H
#define MILLRACE_KERNELS_BIGPOW_ISA_H

#include "kernels/bigpow/plan.h"

/* What a carry pass saw; merged over blocks by maximum. */
struct big_rounding {
    double error;   /* largest distance of a coefficient to an integer */
    double largest; /* largest coefficient in size */
};

/* What leaves a stretch of digits at its upper end, round by round, all of it for the next digit: see carry_body.h. */
struct big_carry {
    double round[4];
};

/* The digits that enter a transform. */
struct big_input {
    const int32_t *digits; /* readable, and zero, up to the next multiple of BIG_ROOM past count */
    uint64_t count;        /* at most 2 * points */
};

enum { BIG_WEIGHTS = 1024 };

struct big_isa {
    const char *name;
    /* Column blocks [first, first + width) units of all rows: digits in, column levels done. */
    void (*columns_forward)(const struct big_plan *plan, double *work, const struct big_input *in,
                            size_t first, size_t width);
    /* One row: row levels and leaves, forward only. */
    void (*row_forward)(const struct big_plan *plan, double *work, size_t row);
    /* One row: forward, pointwise square, inverse, in one sweep. */
    void (*row_square)(const struct big_plan *plan, double *work, size_t row);
    /* One row: forward, pointwise product with the same row of `other` (made by row_forward), inverse. */
    void (*row_multiply)(const struct big_plan *plan, double *work, const double *other, size_t row);
    /* Column levels backward, then the carry pass into digits[0 .. 2 * points). carry holds,
     * per row, what enters the real and the imaginary half (2 * rows entries) and is left with what leaves
     * them. */
    void (*columns_inverse)(const struct big_plan *plan, double *work, const struct big_release *release,
                            int32_t *digits, size_t first, size_t width, struct big_carry *carry,
                            struct big_rounding *rounding);
    /* Groups of eight balanced digits of `bits` bits, 8 to 24, the first from the bit 7 of p on; a group is `bits` bytes
     * and 32 are read. */
    void (*unpack)(int32_t *digits, const unsigned char *p, uint64_t groups, unsigned bits);
    /* out[i] = in[i] + base where that is negative, - 1 where in[i - 1] is (`before` for the first). Returns a negative
     * number where an out[i] is negative. */
    int32_t (*borrow)(int32_t *out, const int32_t *in, int32_t before, size_t count, int32_t base);
    /* Groups of eight canonical digits to little-endian bytes, `bits` bytes a group; 24 are written at each. */
    void (*pack)(unsigned char *p, const int32_t *digits, uint64_t groups, unsigned bits);
    /* Weighted sums of at most BIG_WEIGHTS words of 32 bits in memory, weights of at most 22 bits. */
    void (*weigh)(uint64_t sums[3], const unsigned char *words, size_t count,
                  uint64_t weights[3][BIG_WEIGHTS]);
    /* The characters of chunks of 4, 5 or 6 decimal digits, the first in the lowest byte of each word. */
    void (*characters)(uint64_t *words, const uint32_t *chunks, size_t count, unsigned width);
};

/* The tables this build has; null where the compiler or the processor's family lacks one. */
extern const struct big_isa big_isa_scalar;
#ifdef MILLRACE_BIGPOW_X86
extern const struct big_isa big_isa_avx2, big_isa_avx512;
#endif

/* The best that this processor runs, or the one named ("scalar", "avx2", "avx512"); null if that one cannot
 * run here. */
const struct big_isa *big_isa_select(const char *name);

#endif
