#include "kernels/bigpow/residue.h"

__extension__ typedef unsigned __int128 u128;

/* Limbs summed with fixed weights before one reduction: the cost per limb is one multiplication and an
 * addition. */
enum { WEIGHTS = 256 };

uint64_t big_mulmod(uint64_t a, uint64_t b, uint64_t modulus)
{
    return (uint64_t)((u128)a * b % modulus);
}

uint64_t big_powmod(uint64_t base, uint64_t exponent, uint64_t modulus)
{
    uint64_t result = 1 % modulus;
    for (base %= modulus; exponent; exponent >>= 1, base = big_mulmod(base, base, modulus))
        if (exponent & 1)
            result = big_mulmod(result, base, modulus);
    return result;
}

static bool passes_round(uint64_t n, uint64_t witness)
{
    unsigned twos = (unsigned)__builtin_ctzll(n - 1);
    uint64_t x = big_powmod(witness, (n - 1) >> twos, n);
    if (x == 1 || x == n - 1)
        return true;
    for (unsigned k = 1; k < twos; k++) {
        x = big_mulmod(x, x, n);
        if (x == n - 1)
            return true;
    }
    return false;
}

bool big_is_prime(uint64_t n)
{
    static const uint64_t primes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (n < 2)
        return false;
    for (unsigned k = 0; k < sizeof(primes) / sizeof(*primes); k++) {
        if (n % primes[k] == 0)
            return n == primes[k];
    }
    for (unsigned k = 0; k < sizeof(primes) / sizeof(*primes); k++)
        if (!passes_round(n, primes[k]))
            return false;
    return true;
}

/* Three words modulo the modulus: two divisions of two words by one. */
static uint64_t fold(u128 low, uint64_t high, uint64_t modulus)
{
    u128 top = ((u128)(high % modulus) << 64 | (uint64_t)(low >> 64)) % modulus;
    return (uint64_t)((top << 64 | (uint64_t)low) % modulus);
}

static void fill_weights(uint64_t weights[WEIGHTS + 1], uint64_t base, uint64_t modulus)
{
    weights[0] = 1 % modulus;
    for (size_t k = 1; k <= WEIGHTS; k++)
        weights[k] = big_mulmod(weights[k - 1], base % modulus, modulus);
}

/* Limbs in halves, each times its weight in three parts of 21 bits (the modulus may have 64 bits: the last part has
 * 22, and twice the halves still fit). */
struct limb_weights {
    uint64_t part[3][BIG_WEIGHTS];
    uint64_t all; /* of the block after */
};

static void fill_limb_weights(struct limb_weights *weights, uint64_t modulus)
{
    uint64_t weight = 1 % modulus, step = ((uint64_t)1 << 32) % modulus;
    for (size_t k = 0; k < BIG_WEIGHTS; k++, weight = big_mulmod(weight, step, modulus)) {
        weights->part[0][k] = weight & 0x1fffff;
        weights->part[1][k] = weight >> 21 & 0x1fffff;
        weights->part[2][k] = weight >> 42;
    }
    weights->all = weight;
}

static uint64_t block_residue(const struct big_isa *isa, const uint64_t *limbs, size_t count,
                              struct limb_weights *weights, uint64_t modulus)
{
    uint64_t sums[3];
    isa->weigh(sums, limbs, count, weights->part);
    u128 low = sums[0] + ((u128)sums[1] << 21), high = (u128)sums[2] << 42;
    return (uint64_t)((low % modulus + high % modulus) % modulus);
}

uint64_t big_limbs_residue(const struct big_isa *isa, const uint64_t *limbs, size_t count, uint64_t modulus)
{
    enum { LIMBS = BIG_WEIGHTS / 2 };
    struct limb_weights weights;
    uint64_t residue = 0;
    fill_limb_weights(&weights, modulus);
    uint64_t scale = 1 % modulus;
    for (size_t first = 0; first < count; first += LIMBS) {
        size_t size = count - first < LIMBS ? count - first : LIMBS;
        uint64_t part = block_residue(isa, limbs + first, size, &weights, modulus);
        residue = (uint64_t)(((u128)part * scale + residue) % modulus);
        scale = big_mulmod(scale, weights.all, modulus);
    }
    return residue;
}

static uint64_t weighted_digits(const uint32_t *digits, size_t count, const uint64_t *weights,
                                uint64_t modulus)
{
    u128 sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (u128)weights[k] * digits[k];
    return fold(sum, 0, modulus);
}

uint64_t big_digits_residue(const uint32_t *digits, size_t count, uint32_t base, uint64_t modulus)
{
    uint64_t weights[WEIGHTS + 1], residue = 0;
    fill_weights(weights, base, modulus);
    for (size_t end = count; end > 0;) {
        size_t first = (end - 1) / WEIGHTS * WEIGHTS;
        uint64_t part = weighted_digits(digits + first, end - first, weights, modulus);
        residue = (uint64_t)(((u128)residue * weights[WEIGHTS] + part) % modulus);
        end = first;
    }
    return residue;
}
