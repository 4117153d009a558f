/*
 * What the constants of kernels/bigpow/ come from, measured here: the crossover to GMP (CROSSOVER_LIMBS in context.c) and
 * the widest digits that stay under an error of 0.13 on random numbers (digits_at in plan.c).
 *
 *     tune_bigpow crossover | errors [LARGEST_MBIT]
 */
#include <gmp.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/bigpow.h"
#include "tests/bench/bench_common.h"

enum { RUNS = 15 };

static void number_random(struct bigpow_number *number, mpz_t value, gmp_randstate_t state, size_t limbs)
{
    mpz_urandomb(value, state, limbs * 64);
    mpz_setbit(value, limbs * 64 - 1);
    if (bigpow_number_import(number, mpz_limbs_read(value), mpz_size(value), false))
        exit(EXIT_FAILURE);
}

/* Both squares and products, interleaved: the smallest size from which transforms win is the crossover. */
static void tune_crossover(struct bigpow *context, gmp_randstate_t state)
{
    struct bigpow_number x = {0}, y = {0}, z = {0};
    mpz_t a, b, c;
    mpz_inits(a, b, c, NULL);
    bigpow_set_crossover(context, 1);
    printf("%8s %10s %10s %7s %10s %10s %7s\n", "limbs", "GMP a*a", "ours", "ratio", "GMP a*b", "ours",
           "ratio");
    for (size_t limbs = 64; limbs <= 16384; limbs += limbs / 4) {
        double t[4][RUNS];
        number_random(&x, a, state, limbs);
        number_random(&y, b, state, limbs);
        int repeat = (int)(40000 / limbs) + 1;
        for (int run = 0; run < RUNS; run++) {
            for (int kind = 0; kind < 4; kind++) {
                double start = bench_seconds();
                for (int k = 0; k < repeat; k++) {
                    if (kind % 2)
                        (void)bigpow_multiply(context, &z, &x, kind < 2 ? &x : &y);
                    else
                        mpz_mul(c, a, kind < 2 ? a : b);
                }
                t[kind][run] = (bench_seconds() - start) / repeat * 1e6;
            }
        }
        double m[4];
        for (int kind = 0; kind < 4; kind++)
            m[kind] = bench_median(t[kind], RUNS);
        printf("%8zu %8.1f us %7.1f us %7.2f %7.1f us %7.1f us %7.2f\n", limbs, m[0], m[1], m[0] / m[1], m[2],
               m[3], m[2] / m[3]);
    }
    mpz_clears(a, b, c, NULL);
    bigpow_number_free(&x);
    bigpow_number_free(&y);
    bigpow_number_free(&z);
}

/* The error for each width over a range of lengths; lengths in quarters of an octave, as in the table. */
static void tune_errors(struct bigpow *context, gmp_randstate_t state, double largest_bits)
{
    struct bigpow_number x = {0}, z = {0};
    mpz_t a;
    mpz_init(a);
    bigpow_set_crossover(context, 1);
    printf("%5s %14s %9s\n", "bits", "log2 digits*4", "error");
    for (unsigned bits = 23; bits >= 16; bits--) {
        for (int quarter = 4 * (int)(9 + 3.6 * (23 - bits)); exp2(quarter / 4.0) * bits < largest_bits;
             quarter++) {
            size_t limbs = (size_t)(exp2(quarter / 4.0) * bits / 128);
            double error = 0;
            for (int run = 0; run < 4; run++) {
                number_random(&x, a, state, limbs);
                bigpow_stats_reset(context);
                bigpow_set_digit_bits(context, bits);
                if (bigpow_square(context, &z, &x))
                    exit(EXIT_FAILURE);
                error = fmax(error, bigpow_stats(context)->retries ? HUGE_VAL
                                                                   : bigpow_stats(context)->largest_error);
            }
            printf("%5u %14d %9.4f\n", bits, quarter, error);
            if (error > 0.13)
                break;
        }
    }
    mpz_clear(a);
    bigpow_number_free(&x);
    bigpow_number_free(&z);
}

int main(int argc, char **argv)
{
    gmp_randstate_t state;
    struct bigpow *context = bigpow_new(NULL, 1);
    if (!context || argc < 2) {
        fprintf(stderr, "usage: tune_bigpow crossover | errors [LARGEST_MBIT]\n");
        return EXIT_FAILURE;
    }
    gmp_randinit_default(state);
    gmp_randseed_ui(state, 1);
    printf("instruction set %s\n", bigpow_isa(context));
    if (!strcmp(argv[1], "crossover"))
        tune_crossover(context, state);
    else
        tune_errors(context, state, (argc > 2 ? strtod(argv[2], NULL) : 100) * 1e6);
    gmp_randclear(state);
    bigpow_free(context);
    return EXIT_SUCCESS;
}
