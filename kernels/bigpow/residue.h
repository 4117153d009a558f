/* Arithmetic modulo a word: for the check of results, and for callers. */
#ifndef MILLRACE_KERNELS_BIGPOW_RESIDUE_H
#define MILLRACE_KERNELS_BIGPOW_RESIDUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/bigpow/isa.h"

uint64_t big_mulmod(uint64_t a, uint64_t b, uint64_t modulus);
uint64_t big_powmod(uint64_t base, uint64_t exponent, uint64_t modulus);
/* Miller-Rabin with the first twelve primes: a proof below 2^64 (Sorenson and Webster 2015). */
bool big_is_prime(uint64_t n);
/* Limbs, the lowest first, modulo any modulus but 0. */
uint64_t big_limbs_residue(const struct big_isa *isa, const uint64_t *limbs, size_t count, uint64_t modulus);
/* Canonical digits of a radix below 2^32 modulo the modulus. */
uint64_t big_digits_residue(const struct big_isa *isa, const uint32_t *digits, size_t count, uint32_t base,
                            uint64_t modulus);

#endif
