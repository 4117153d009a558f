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

static uint64_t weighted(const uint64_t *limbs, size_t count, const uint64_t *weights, uint64_t modulus)
{
    u128 sum = 0;
    uint64_t over = 0;
    for (size_t k = 0; k < count; k++) {
        u128 product = (u128)limbs[k] * weights[k];
        sum += product;
        over += sum < product;
    }
    return fold(sum, over, modulus);
}

static void fill_weights(uint64_t weights[WEIGHTS + 1], uint64_t base, uint64_t modulus)
{
    weights[0] = 1 % modulus;
    for (size_t k = 1; k <= WEIGHTS; k++)
        weights[k] = big_mulmod(weights[k - 1], base % modulus, modulus);
}

uint64_t big_limbs_residue(const uint64_t *limbs, size_t count, uint64_t modulus)
{
    uint64_t weights[WEIGHTS + 1], residue = 0;
    fill_weights(weights, (uint64_t)(((u128)1 << 64) % modulus), modulus);
    for (size_t end = count; end > 0;) {
        size_t first = (end - 1) / WEIGHTS * WEIGHTS;
        uint64_t part = weighted(limbs + first, end - first, weights, modulus);
        residue = (uint64_t)(((u128)residue * weights[WEIGHTS] + part) % modulus);
        end = first;
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
