/* Powers and what is told of them: how long they are, their first and last digits, a digest, all of their digits.
 *
 * bigpow.h computes; this is what a row of output needs. Pure: no files, no state but the bigpow context, which belongs
 * to one thread at a time.
 */
#ifndef MILLRACE_KERNELS_POWERS_H
#define MILLRACE_KERNELS_POWERS_H

#include "kernels/bigpow.h"

#define POWER_SHOWN 10 /* digits shown of either end */

/* One power to compute. Zeroed memory is 0^0 without a modulus. */
struct power {
    struct bigpow_number base, exponent, modulus;
    bool modular; /* the power is taken modulo |modulus| */
};

void power_free(struct power *p);

enum power_digits { POWER_NO_DIGITS, POWER_DECIMAL, POWER_HEXADECIMAL, POWER_RAW };

struct power_wish {
    bool sha256;
    enum power_digits
        digits; /* all of them: decimal and hexadecimal with a sign if negative, lower case; raw is the
                                 magnitude's bytes, the lowest first */
    uint64_t residue_modulus; /* 0: no residue */
    uint64_t memory;          /* bytes that it may take at most; 0: no limit */
};

struct power_facts {
    uint64_t bits, digits; /* of the magnitude: 0 and 1 for zero */
    char head[POWER_SHOWN + 1], tail[POWER_SHOWN + 1];
    char sha256[65];  /* of the decimal string, with its sign; lower-case hexadecimal; "" if not wished for */
    uint64_t residue; /* 0 <= residue < residue_modulus, also for a negative power */
    char *text;       /* the digits wished for, malloc'd, the caller's; NULL if none were */
    size_t text_len;
};

/* Text limits for parsing operands: more is refused before any arithmetic. */
#define POWER_MAX_OPERAND 1000000 /* characters */

/* "BASE^EXP" or, with `modulus` (a number) not NULL, BASE^EXP mod modulus. False: `error` says what is wrong. */
bool power_parse(struct power *p, const char *text, size_t len, const char *modulus, char *error,
                 size_t error_size);

/* Bytes that computing it will take at most, by the wish; UINT64_MAX: more than can be told. */
uint64_t power_memory(const struct power *p, const struct power_wish *wish);

/* About log2 of the power's size in bits, so that costs can be compared without computing them; 0 for small ones. */
double power_cost(const struct power *p);

/* Computes. False: `error` says why not: too large, with the memory that it would take, or none is left. `space`, all zero at
 * first, is where the digits are made; it is kept from call to call, since fresh memory costs a tenth of a power, and freed
 * by bigpow_decimal_free. NULL: nothing is kept. */
bool power_compute(struct bigpow *context, struct bigpow_decimal *space, const struct power *p,
                   const struct power_wish *wish, struct power_facts *facts, char *error, size_t error_size);

#endif
