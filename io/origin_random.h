/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014): the site's
 * only source of chance, so that every page is a function of the seed. */
#ifndef MILLRACE_IO_ORIGIN_RANDOM_H
#define MILLRACE_IO_ORIGIN_RANDOM_H

#include <stdint.h>

struct origin_random {
    uint64_t state;
};

/* The output for a state, without moving on. */
static inline uint64_t origin_random_mix(uint64_t state)
{
    uint64_t z = state + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A generator for one purpose: item n of the stream called salt. */
static inline struct origin_random origin_random_for(uint64_t seed, uint64_t salt, uint64_t n)
{
    return (struct origin_random){origin_random_mix(origin_random_mix(seed ^ origin_random_mix(salt)) + n)};
}

static inline uint64_t origin_random_next(struct origin_random *random)
{
    uint64_t out = origin_random_mix(random->state);
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return out;
}

/* A number below bound, which is not 0; the modulo's bias does not matter for pages. */
static inline uint64_t origin_random_below(struct origin_random *random, uint64_t bound)
{
    return origin_random_next(random) % bound;
}

#endif
