/* Between limbs, balanced digits and canonical digits, on the caller's arrays. */
#ifndef MILLRACE_KERNELS_BIGPOW_DIGITS_H
#define MILLRACE_KERNELS_BIGPOW_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/bigpow/isa.h"

/* Digits of `bits` bits that big_digits_from_limbs makes of `count` limbs, one more than they fill for its
 * carry. */
uint64_t big_digits_count(size_t count, unsigned bits);

/* Array size for so many digits: transforms read BIG_ROOM at once. */
uint64_t big_digits_room(uint64_t digits);

/* Balanced digits, |digit| <= 2^(bits - 1), zeros up to big_digits_room(big_digits_count()). 8 <= bits <= 24.
 */
void big_digits_from_limbs(const struct big_isa *isa, int32_t *digits, const uint64_t *limbs, size_t count,
                           unsigned bits);

/* Makes digits with |digit| < base canonical, 0 <= digit < base, out of place; false where the number is negative. */
bool big_digits_canonical(const struct big_isa *isa, int32_t *out, const int32_t *digits, uint64_t count,
                          int32_t base);

/* The same, packed into exactly `limbs` limbs; false also where the number has more. */
bool big_digits_to_limbs(const struct big_isa *isa, uint64_t *out, size_t limbs, const int32_t *digits,
                         uint64_t count, unsigned bits);

/* Digits of size up to 3/2 base - 1 become digits of size up to base / 2 + 1; returns what the digit above would get. */
int32_t big_digits_balance(int32_t *digits, uint64_t count, int32_t base);

/* The count without leading zero digits. */
uint64_t big_digits_trim(const int32_t *digits, uint64_t count);

#endif
