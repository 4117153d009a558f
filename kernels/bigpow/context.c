#include "kernels/bigpow/context.h"

#include <stdlib.h>
#include <time.h>

#include "kernels/bigpow/residue.h"

enum {
    CROSSOVER_LIMBS = 430, /* from tune_bigpow */
    PRIME_USES = 64,       /* finding a prime takes as long as a product of a thousand limbs */
};

const char *bigpow_status_text(enum bigpow_status status)
{
    static const char *const texts[] = {
#define X(name, text) [name] = text,
        BIGPOW_STATUSES(X)
#undef X
    };
    size_t known = sizeof(texts) / sizeof(*texts);
    return (size_t)status < known ? texts[status] : "an unknown status";
}

struct bigpow *bigpow_new(const char *isa, uint64_t seed)
{
    struct bigpow *context = calloc(1, sizeof(*context));
    if (!context)
        return NULL;
    context->isa = big_isa_select(isa ? isa : getenv("MILLRACE_ISA"));
    context->random = seed;
    context->crossover = CROSSOVER_LIMBS;
    if (!context->isa) {
        free(context);
        return NULL;
    }
    return context;
}

void bigpow_trim(struct bigpow *context)
{
    big_tables_free(&context->tables);
    for (unsigned k = 0; k < 2; k++)
        big_buffer_free(&context->work[k]);
    for (unsigned k = 0; k < 3; k++)
        big_buffer_free(&context->digits[k]);
    big_buffer_free(&context->low);
    big_buffer_free(&context->carry);
}

void bigpow_free(struct bigpow *context)
{
    if (!context)
        return;
    bigpow_trim(context);
    free(context);
}

const char *bigpow_isa(const struct bigpow *context)
{
    return context->isa->name;
}

const struct bigpow_stats *bigpow_stats(const struct bigpow *context)
{
    return &context->stats;
}

void bigpow_stats_reset(struct bigpow *context)
{
    context->stats = (struct bigpow_stats){0};
}

void bigpow_set_fault(struct bigpow *context, struct bigpow_fault fault)
{
    context->fault = fault;
}

void bigpow_set_crossover(struct bigpow *context, size_t limbs)
{
    context->crossover = limbs ? limbs : CROSSOVER_LIMBS;
}

void bigpow_set_digit_bits(struct bigpow *context, unsigned bits)
{
    context->digit_bits = bits;
}

enum bigpow_status big_inexact(struct bigpow *context)
{
    context->stats.inexact++;
    return BIG_INEXACT;
}

double big_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool big_fault_now(struct bigpow *context, enum bigpow_fault_place place)
{
    struct bigpow_fault *fault = &context->fault;
    if (fault->place != place || !fault->times)
        return false;
    if (fault->skip) {
        fault->skip--;
        return false;
    }
    fault->times--;
    return true;
}

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t big_random_prime(struct bigpow *context)
{
    if (context->prime_uses++ % PRIME_USES == 0) {
        do
            context->prime = random_next(&context->random) >> 3 | (uint64_t)1 << 61 | 1;
        while (context->prime >> 62 || !big_is_prime(context->prime));
    }
    return context->prime;
}
