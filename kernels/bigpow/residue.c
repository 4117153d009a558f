#include "kernels/bigpow/residue.h"

#include "kernels/bigpow/jobs.h"

__extension__ typedef unsigned __int128 u128;

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

/* Halves of limbs, or digits, each times its weight, which is cut in parts of 21 bits (22 for the last: the modulus may
 * have 64 bits), so that a vector of words sums the products. */
struct weights {
    uint64_t part[3][BIG_WEIGHTS];
    uint64_t all; /* of the block after */
};

static void fill_weights(struct weights *weights, size_t count, uint64_t step, uint64_t modulus)
{
    uint64_t weight = 1 % modulus;
    step %= modulus;
    for (size_t k = 0; k < BIG_WEIGHTS && k < count; k++, weight = big_mulmod(weight, step, modulus)) {
        weights->part[0][k] = weight & 0x1fffff;
        weights->part[1][k] = weight >> 21 & 0x1fffff;
        weights->part[2][k] = weight >> 42;
    }
    weights->all = weight;
}

struct halves {
    const struct big_isa *isa;
    const unsigned char *words;
    size_t count, pieces;
    uint64_t step, modulus;
    struct weights weights;
    uint64_t residue[BIG_JOBS_MOST]; /* of each piece, with the weight of its place */
};

static size_t piece_begin(const struct halves *all, size_t piece)
{
    size_t blocks = (all->count + BIG_WEIGHTS - 1) / BIG_WEIGHTS;
    return piece * blocks / all->pieces * BIG_WEIGHTS;
}

static void job_residue(void *data, struct big_turn turn)
{
    struct halves *all = data;
    uint64_t residue = 0, modulus = all->modulus;
    size_t first = piece_begin(all, turn.k), end = piece_begin(all, turn.k + 1);
    uint64_t scale = first ? big_powmod(all->step, first, modulus) : 1 % modulus;
    end = end < all->count ? end : all->count;
    for (; first < end; first += BIG_WEIGHTS) {
        uint64_t sums[3];
        all->isa->weigh(sums, all->words + 4 * first, end - first < BIG_WEIGHTS ? end - first : BIG_WEIGHTS,
                        all->weights.part);
        uint64_t part = (uint64_t)((sums[0] + ((u128)sums[1] << 21) + ((u128)sums[2] << 42)) % modulus);
        residue = (uint64_t)(((u128)part * scale + residue) % modulus);
        scale = big_mulmod(scale, all->weights.all, modulus);
    }
    all->residue[turn.k] = residue;
}

static uint64_t halves_residue(const struct big_isa *isa, const unsigned char *words, size_t count,
                               uint64_t step, uint64_t modulus)
{
    struct halves all = {.isa = isa, .words = words, .count = count, .step = step, .modulus = modulus};
    u128 sum = 0;
    fill_weights(&all.weights, count, step, modulus);
    all.pieces = big_jobs_pieces(count, BIG_JOBS_WORDS);
    big_jobs_run(job_residue, &all, all.pieces, all.pieces);
    for (size_t k = 0; k < all.pieces; k++)
        sum += all.residue[k];
    return (uint64_t)(sum % modulus);
}

uint64_t big_limbs_residue(const struct big_isa *isa, const uint64_t *limbs, size_t count, uint64_t modulus)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return halves_residue(isa, (const unsigned char *)limbs, 2 * count, (uint64_t)1 << 32, modulus);
#else
    uint64_t residue = 0;
    u128 base = ((u128)1 << 64) % modulus;
    (void)isa;
    while (count-- > 0)
        residue = (uint64_t)((base * residue % modulus + limbs[count] % modulus) % modulus);
    return residue;
#endif
}

uint64_t big_digits_residue(const struct big_isa *isa, const uint32_t *digits, size_t count, uint32_t base,
                            uint64_t modulus)
{
    return halves_residue(isa, (const unsigned char *)digits, count, base, modulus);
}
