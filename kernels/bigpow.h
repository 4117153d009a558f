/*
 * Exact arithmetic on large integers: product, square, power, decimal digits, residues.
 *
 * Large products are right-angle convolutions in double precision whose every result is checked (the rounding
 * error of each coefficient, and the whole value modulo a random 62-bit prime); what fails is computed again
 * with smaller digits and then by GMP. Small ones are GMP's. See bigpow/plan.h for the method and its bounds.
 *
 * Threads: a context belongs to one caller at a time; contexts are independent of each other. Called from a
 * task or a thread of an OpenMP parallel region, a large transform is split into tasks that idle threads of
 * the team take; elsewhere it runs on the calling thread alone. Results are the same bits on every
 * instruction set and thread count.
 *
 * Errors: every function that can fail returns an enum bigpow_status; results are then unchanged or empty,
 * never half made. Nothing aborts; only GMP's own functions would, on memory they cannot get, so what they
 * need is tried first.
 *
 * Memory: a context keeps its work space and tables from call to call, until bigpow_free or bigpow_trim.
 */
#ifndef MILLRACE_KERNELS_BIGPOW_H
#define MILLRACE_KERNELS_BIGPOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIGPOW_STATUSES(X)                                                                                   \
    X(BIGPOW_OK, "success")                                                                                  \
    X(BIGPOW_NO_MEMORY, "out of memory")                                                                     \
    X(BIGPOW_TOO_LARGE, "the result is larger than this library computes")                                   \
    X(BIGPOW_BAD_ARGUMENT, "a modulus of zero or another argument out of range")                             \
    X(BIGPOW_WRONG, "the result failed its check on every path")

enum bigpow_status {
#define X(name, text) name,
    BIGPOW_STATUSES(X)
#undef X
};

/* A sentence without a full stop; never null. */
const char *bigpow_status_text(enum bigpow_status status);

/* An integer. Sign and magnitude, limbs[0] the lowest, no leading zero limb; zero has count 0 and is not
 * negative. Start with {0}; the functions below allocate and reuse `limbs`, bigpow_number_free releases it.
 */
struct bigpow_number {
    uint64_t *limbs;
    size_t count;
    size_t capacity;
    bool negative;
};

void bigpow_number_free(struct bigpow_number *number);
enum bigpow_status bigpow_number_set(struct bigpow_number *number, int64_t value);
/* From `count` limbs, the lowest first; leading zeros are dropped. */
enum bigpow_status bigpow_number_import(struct bigpow_number *number, const uint64_t *limbs, size_t count,
                                        bool negative);
/* From `length` characters: an optional sign, then decimal digits and nothing else. */
enum bigpow_status bigpow_number_parse(struct bigpow_number *number, const char *text, size_t length);
/* Bits of the magnitude; 0 for zero. */
uint64_t bigpow_number_bits(const struct bigpow_number *number);

/* An integer in radix 10^5 or 10^6: magnitude = (sum of chunks[i] * 10^(width * i)) * 10^zeros. The same
 * rules. */
struct bigpow_decimal {
    uint32_t *chunks; /* canonical: 0 <= chunk < 10^width, no leading zero chunk */
    size_t count;
    size_t capacity;
    unsigned width; /* decimal digits of a chunk */
    uint64_t zeros; /* trailing zeros that the chunks do not hold */
    bool negative;
};

void bigpow_decimal_free(struct bigpow_decimal *number);
/* Decimal digits of the magnitude; 1 for zero. */
uint64_t bigpow_decimal_digits(const struct bigpow_decimal *number);
/* Characters `offset` to `offset + length` of the decimal string of the magnitude (no sign; offset 0 is the
 * most significant digit), without a NUL. The caller's buffer has `length` bytes; the range must lie within
 * the digits. */
void bigpow_decimal_text(const struct bigpow_decimal *number, uint64_t offset, size_t length, char *text);

/* Where a flipped bit is put, for tests of the checks. */
enum bigpow_fault_place {
    BIGPOW_FAULT_NONE,
    BIGPOW_FAULT_DATA,    /* a point between the column and the row passes */
    BIGPOW_FAULT_TWIDDLE, /* a twiddle of a leaf, for one transform */
    BIGPOW_FAULT_CARRY,   /* a carry between two rows */
    BIGPOW_FAULT_DIGIT,   /* a digit that the carry pass has made */
    BIGPOW_FAULT_LIMB,    /* a limb of the finished number */
};

struct bigpow_fault {
    enum bigpow_fault_place place;
    uint64_t skip;  /* transforms (for LIMB: results) to let pass first */
    uint64_t times; /* how many get the fault */
    uint64_t index; /* which element, modulo their number */
    unsigned bit;   /* which bit of it, modulo its width */
};

struct bigpow_stats {
    uint64_t transforms;    /* convolutions done */
    uint64_t inexact;       /* refused by the rounding check of the carry pass */
    uint64_t mismatches;    /* results refused by the check modulo a prime */
    uint64_t retries;       /* computed again with smaller digits */
    uint64_t exact;         /* computed by GMP after the retries */
    double largest_error;   /* largest distance to an integer that was accepted */
    double seconds_forward; /* digits to points, column passes */
    double seconds_rows;    /* row passes with the pointwise product */
    double seconds_inverse; /* column passes backward with the carry pass */
    double seconds_digits;  /* limbs to digits and back */
    double seconds_check;   /* residues */
    double transform_flops; /* additions and multiplications of doubles in the passes, an FMA counting two */
};

struct bigpow;

/* `isa` is "scalar", "avx2" or "avx512"; null takes the environment variable MILLRACE_ISA, else the best one
 * here. The seed draws the primes of the check. Null when there is no memory or the instruction set cannot
 * run here. */
struct bigpow *bigpow_new(const char *isa, uint64_t seed);
void bigpow_free(struct bigpow *context);
/* Releases work space and tables; they are made again when needed. */
void bigpow_trim(struct bigpow *context);
const char *bigpow_isa(const struct bigpow *context);
const struct bigpow_stats *bigpow_stats(const struct bigpow *context);
void bigpow_stats_reset(struct bigpow *context);
void bigpow_set_fault(struct bigpow *context, struct bigpow_fault fault);
/* Operands below this many limbs go to GMP (0: the tuned default, as at first). For tests and the tuning
 * program. */
void bigpow_set_crossover(struct bigpow *context, size_t limbs);
/* The widest digits in bits to start with (0: chosen by the plan, as at first). For tests and the tuning
 * program. */
void bigpow_set_digit_bits(struct bigpow *context, unsigned bits);

/* result = a * b, a^2, base^exponent. The result may be an operand. 0^0 is 1. */
enum bigpow_status bigpow_multiply(struct bigpow *context, struct bigpow_number *result,
                                   const struct bigpow_number *a, const struct bigpow_number *b);
enum bigpow_status bigpow_square(struct bigpow *context, struct bigpow_number *result,
                                 const struct bigpow_number *a);
enum bigpow_status bigpow_power(struct bigpow *context, struct bigpow_number *result,
                                const struct bigpow_number *base, uint64_t exponent);
/* base^exponent in decimal, computed in radix 10^k from the start. */
enum bigpow_status bigpow_power_decimal(struct bigpow *context, struct bigpow_decimal *result,
                                        const struct bigpow_number *base, uint64_t exponent);
/* Any integer to decimal. */
enum bigpow_status bigpow_to_decimal(struct bigpow *context, struct bigpow_decimal *result,
                                     const struct bigpow_number *number);

/* The magnitude modulo a word: the sign is not looked at. 0 when modulus is 0. */
uint64_t bigpow_number_residue(const struct bigpow_number *number, uint64_t modulus);
uint64_t bigpow_decimal_residue(const struct bigpow_decimal *number, uint64_t modulus);
/* base^exponent modulo |modulus|, in 0 .. |modulus| - 1, also for a negative base. */
enum bigpow_status bigpow_power_modulo(struct bigpow_number *result, const struct bigpow_number *base,
                                       const struct bigpow_number *exponent,
                                       const struct bigpow_number *modulus);

/* What base^exponent takes. Bounds from above; for large results the memory is within a sixth, for bases of more than
 * a word or results whose base is too large for the ladder within a factor of two. */
struct bigpow_estimate {
    uint64_t bits;          /* of the result, at most */
    uint64_t digits;        /* decimal, at most */
    uint64_t binary_bytes;  /* peak memory of bigpow_power, the result included */
    uint64_t decimal_bytes; /* peak memory of bigpow_power_decimal, the result included, its text not */
    bool possible;          /* whether this library can compute it, given the memory */
};
struct bigpow_estimate bigpow_power_estimate(const struct bigpow_number *base, uint64_t exponent);

#endif
