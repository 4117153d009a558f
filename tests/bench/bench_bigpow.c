/*
 * The power kernel beside GMP in the same run, one table: products of 20 and 200 Mbit and 1 Gbit, i^i for i = 1000003, its
 * decimal digits, on one thread and on two (the team of an OpenMP parallel region). Runs are interleaved, times are
 * medians. The shares are of our time: columns forward, rows with the pointwise product, columns backward with the carry
 * pass, digits (limbs to digits and back, or the decimal characters), check. GFLOP/s counts 5 N log2 N operations a
 * transform of N points; `peak` is the rate of multiply-adds (two operations each) measured at the start on one core.
 *
 *     bench_bigpow [quick]     quick: without the cases of 200 Mbit and above
 *     bench_bigpow serve       for bench/powers.py, which compares more peers: each line of standard input, "THREADS KIND
 *                              SIZE EXPONENT RUNS", is answered with a line of the last run's seconds; see serve()
 */
#include <gmp.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "kernels/bigpow.h"
#include "tests/bench/bench_common.h"

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"), noinline)) static double spin_avx512(long rounds)
{
    __m512d x[12], c = _mm512_set1_pd(1e-9);
    for (int k = 0; k < 12; k++)
        x[k] = _mm512_set1_pd(k);
    for (long i = 0; i < rounds; i++) {
#pragma GCC unroll 12
        for (int k = 0; k < 12; k++)
            x[k] = _mm512_fmadd_pd(x[k], c, c);
    }
    double sum = 0;
    for (int k = 0; k < 12; k++)
        sum += _mm512_reduce_add_pd(x[k]);
    return sum;
}

__attribute__((target("avx2,fma"), noinline)) static double spin_avx2(long rounds)
{
    __m256d x[12], c = _mm256_set1_pd(1e-9), sum = _mm256_setzero_pd();
    for (int k = 0; k < 12; k++)
        x[k] = _mm256_set1_pd(k);
    for (long i = 0; i < rounds; i++) {
#pragma GCC unroll 12
        for (int k = 0; k < 12; k++)
            x[k] = _mm256_fmadd_pd(x[k], c, c);
    }
    for (int k = 0; k < 12; k++)
        sum = _mm256_add_pd(sum, x[k]);
    return sum[0];
}
#endif

/* Operations per second of so many threads at once, the best of several tries; 0 where it is not known how to reach it. */
static double measure_peak(const char *isa, int threads)
{
    double best = 0;
#if defined(__x86_64__)
    volatile double sink = 0; /* what is not used is not computed */
    const long rounds = 2000000;
    double lanes = !strcmp(isa, "avx512") ? 8 : 4;
    for (int run = 0; run < 7 && strcmp(isa, "scalar") != 0; run++) {
        double start = bench_seconds();
        double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        sum += lanes == 8 ? spin_avx512(rounds) : spin_avx2(rounds);
        sink = sink + sum;
        double rate = threads * 12 * lanes * 2 * (double)rounds / (bench_seconds() - start);
        best = rate > best ? rate : best;
    }
#else
    (void)isa;
    (void)threads;
#endif
    return best;
}

enum kind { PRODUCT, POWER, DECIMAL };

struct bench_case {
    const char *name;
    enum kind kind;
    uint64_t size; /* bits of the product, or the base */
    uint64_t exponent;
    int runs;
};

struct bench {
    struct bigpow *context;
    struct bigpow_number x, z;
    struct bigpow_decimal decimal;
    mpz_t a, c;
    char *text;
};

static void run_ours(struct bench *bench, const struct bench_case *item)
{
    enum bigpow_status status;
    if (item->kind == PRODUCT)
        status = bigpow_square(bench->context, &bench->z, &bench->x);
    else if (item->kind == POWER)
        status = bigpow_power(bench->context, &bench->z, &bench->x, item->exponent);
    else
        status = bigpow_power_decimal(bench->context, &bench->decimal, &bench->x, item->exponent);
    if (!status && item->kind == DECIMAL)
        bigpow_decimal_text(&bench->decimal, 0, bigpow_decimal_digits(&bench->decimal), bench->text);
    if (status) {
        fprintf(stderr, "%s: %s\n", item->name, bigpow_status_text(status));
        exit(EXIT_FAILURE);
    }
}

static void run_gmp(struct bench *bench, const struct bench_case *item)
{
    if (item->kind == PRODUCT) {
        mpz_mul(bench->c, bench->a, bench->a);
        return;
    }
    mpz_pow_ui(bench->c, bench->a, item->exponent);
    if (item->kind == DECIMAL)
        free(mpz_get_str(NULL, 10, bench->c));
}

static double timed(struct bench *bench, const struct bench_case *item, int threads)
{
    double start = bench_seconds();
    if (threads == 0) {
        run_gmp(bench, item);
    } else {
#pragma omp parallel num_threads(threads)
#pragma omp single
        run_ours(bench, item);
    }
    return bench_seconds() - start;
}

static void print_row(const struct bench_case *item, int threads, double gmp, double ours, double one,
                      const struct bigpow_stats *s, double runs, double peak)
{
    double transform = (s->seconds_forward + s->seconds_rows + s->seconds_inverse) / runs,
           all = ours * runs / 100;
    double rate = s->transform_flops / runs / transform;
    double other = ours * runs - s->seconds_forward - s->seconds_rows - s->seconds_inverse - s->seconds_check;
    printf("%-16s %2d %10.2f %9.2f %7.2f %6.2f %5.0f%% %5.0f%% %5.0f%% %5.0f%% %5.0f%% %8.1f", item->name,
           threads, gmp * 1e3, ours * 1e3, gmp / ours, one / ours, s->seconds_forward / all,
           s->seconds_rows / all, s->seconds_inverse / all, other / all, s->seconds_check / all, rate * 1e-9);
    printf(peak > 0 ? " %4.0f%%\n" : "     -\n", 100 * rate / peak);
}

/* One warm-up of each, then rounds of GMP, one thread, two threads; the second run of each counts, when the caches hold its
 * own data. */
static void run_case(struct bench *bench, const struct bench_case *item, const double *peak)
{
    double t[3][32];
    struct bigpow_stats stats[3];
    for (int who = 0; who < 3; who++)
        (void)timed(bench, item, who);
    memset(stats, 0, sizeof(stats));
    for (int run = 0; run < item->runs; run++) {
        for (int who = 0; who < 3; who++) {
            (void)timed(bench, item, who);
            bigpow_stats_reset(bench->context);
            t[who][run] = timed(bench, item, who);
            const struct bigpow_stats *s = bigpow_stats(bench->context);
            stats[who].seconds_forward += s->seconds_forward;
            stats[who].seconds_rows += s->seconds_rows;
            stats[who].seconds_inverse += s->seconds_inverse;
            stats[who].seconds_check += s->seconds_check;
            stats[who].transform_flops += s->transform_flops;
        }
    }
    double m[3];
    for (int who = 0; who < 3; who++)
        m[who] = bench_median(t[who], (size_t)item->runs);
    for (int threads = 1; threads <= 2; threads++)
        print_row(item, threads, m[0], m[threads], m[1], &stats[threads], item->runs, peak[threads]);
    fflush(stdout);
}

static void prepare(struct bench *bench, const struct bench_case *item, gmp_randstate_t state)
{
    if (item->kind == PRODUCT)
        mpz_urandomb(bench->a, state, item->size / 2);
    else
        mpz_set_ui(bench->a, item->size);
    bench->text = item->kind == DECIMAL ? realloc(bench->text, 7000000) : bench->text;
    if ((item->kind == DECIMAL && !bench->text) ||
        bigpow_number_import(&bench->x, mpz_limbs_read(bench->a), mpz_size(bench->a), false))
        exit(EXIT_FAILURE);
}

static int table(struct bench *bench, gmp_randstate_t state, bool quick)
{
    static const struct bench_case cases[] = {
        {"product 20 Mbit", PRODUCT, 20000000, 0, 15},   {"power i^i", POWER, 1000003, 1000003, 15},
        {"digits of i^i", DECIMAL, 1000003, 1000003, 5}, {"product 200 Mbit", PRODUCT, 200000000, 0, 7},
        {"product 1 Gbit", PRODUCT, 1000000000, 0, 3},
    };
    size_t count = quick ? 3 : sizeof(cases) / sizeof(*cases);
    double peak[3] = {0, measure_peak(bigpow_isa(bench->context), 1),
                      measure_peak(bigpow_isa(bench->context), 2)};
    printf("GMP %s, ours %s, peak %.1f GFLOP/s on one core\n", gmp_version, bigpow_isa(bench->context),
           peak[1] * 1e-9);
    printf("%-16s %2s %10s %9s %7s %6s %6s %6s %6s %6s %6s %8s %5s\n", "case", "th", "GMP ms", "ours ms",
           "ratio", "scale", "fwd", "rows", "inv+c", "digits", "check", "GFLOP/s", "peak");
    for (size_t k = 0; k < count; k++) {
        prepare(bench, &cases[k], state);
        run_case(bench, &cases[k], peak);
    }
    return EXIT_SUCCESS;
}

/* Kind 0, 1, 2: a square of SIZE bits, SIZE^EXPONENT, its decimal digits. Threads 0: by GMP. Answers: seconds, and of them
 * those forward, on rows, backward with the carries, for digits, for the check; operations. Kind 3: the peak instead. Of RUNS
 * runs, without a pause, the last counts. */
static int serve(struct bench *bench, gmp_randstate_t state)
{
    struct bench_case now = {"", PRODUCT, 0, 0, 1};
    int threads;
    unsigned kind, runs;
    unsigned long long size, exponent;
    printf("%s %s\n", bigpow_isa(bench->context), gmp_version);
    fflush(stdout);
    while (scanf("%d %u %llu %llu %u", &threads, &kind, &size, &exponent, &runs) == 5) {
        const struct bigpow_stats *s = bigpow_stats(bench->context);
        if (kind > DECIMAL) {
            printf("%g\n", measure_peak(bigpow_isa(bench->context), threads));
            fflush(stdout);
            continue;
        }
        if (now.kind != (enum kind)kind || now.size != size || now.exponent != exponent) {
            now = (struct bench_case){"asked for", (enum kind)kind, size, exponent, 1};
            prepare(bench, &now, state);
        }
        while (runs-- > 1)
            (void)timed(bench, &now, threads);
        bigpow_stats_reset(bench->context);
        double seconds = timed(bench, &now, threads);
        printf("%.9f %.9f %.9f %.9f %.9f %.9f %.9g\n", seconds, s->seconds_forward, s->seconds_rows,
               s->seconds_inverse, s->seconds_digits, s->seconds_check, s->transform_flops);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct bench bench = {.context = bigpow_new(NULL, 1)};
    const char *how = argc > 1 ? argv[1] : "";
    gmp_randstate_t state;
    if (argc > 2 || (*how && strcmp(how, "quick") != 0 && strcmp(how, "serve") != 0)) {
        fprintf(stderr, "usage: bench_bigpow [quick|serve]\n");
        return EXIT_FAILURE;
    }
    if (!bench.context)
        return EXIT_FAILURE;
    gmp_randinit_default(state);
    mpz_inits(bench.a, bench.c, NULL);
    int code = !strcmp(how, "serve") ? serve(&bench, state) : table(&bench, state, !strcmp(how, "quick"));
    mpz_clears(bench.a, bench.c, NULL);
    gmp_randclear(state);
    bigpow_number_free(&bench.x);
    bigpow_number_free(&bench.z);
    bigpow_decimal_free(&bench.decimal);
    free(bench.text);
    bigpow_free(bench.context);
    return code;
}
