/*
 * The transform passes, compiled once per instruction set. The including file defines LANES (doubles in a
 * vector) and VEC_FMA(a, b, c) = a * b + c, VEC_NFMA(a, b, c) = c - a * b, VEC_ROUND(x), VEC_MAX_SIZE(old, new),
 * VEC_FROM_DIGITS(p): LANES integers of 32 bits in memory.
 *
 * Arithmetic of one node of the tree, radix 2: (a, b) -> (a + s b, a - s b) with s the square root of the
 * node's c; its children have c = s and c = -s, whose roots are s' and i s'. A radix 8 pass does three such
 * levels in registers with the four twiddles s1, s2, s3, z s3 (z = e^{i pi / 4}): 48 operations on the
 * multiply pipes and 48 on the add pipes for 8 points, balanced for cores that have both; loads and stores
 * are 16 each.
 */
#ifndef MILLRACE_KERNELS_BIGPOW_FFT_BODY_H
#define MILLRACE_KERNELS_BIGPOW_FFT_BODY_H

#include "kernels/bigpow/isa.h"
#include "kernels/bigpow/plan.h"

#define INLINE static inline __attribute__((always_inline))
#define PIECES (BIG_LANES / LANES)

typedef double vec __attribute__((vector_size(8 * LANES), may_alias));

struct point {
    vec re, im;
};

INLINE vec vec_all(double x)
{
    return x - (vec){0};
}

INLINE vec vec_load(const double *p)
{
    return *(const vec *)p;
}

INLINE void vec_store(double *p, vec v)
{
    *(vec *)p = v;
}

INLINE struct point point_load(const double *p)
{
    return (struct point){vec_load(p), vec_load(p + BIG_LANES)};
}

INLINE void point_store(double *p, struct point x)
{
    vec_store(p, x.re);
    vec_store(p + BIG_LANES, x.im);
}

INLINE struct point point_all(const double *w)
{
    return (struct point){vec_all(w[0]), vec_all(w[1])};
}

INLINE struct point point_times(struct point a, struct point w)
{
    return (struct point){VEC_NFMA(a.im, w.im, a.re * w.re), VEC_FMA(a.im, w.re, a.re * w.im)};
}

/* a * conj(w) */
INLINE struct point point_back(struct point a, struct point w)
{
    return (struct point){VEC_FMA(a.im, w.im, a.re * w.re), VEC_NFMA(a.re, w.im, a.im * w.re)};
}

INLINE void split(struct point *a, struct point *b, struct point w)
{
    struct point t = point_times(*b, w);
    *b = (struct point){a->re - t.re, a->im - t.im};
    *a = (struct point){a->re + t.re, a->im + t.im};
}

/* The same with the twiddle i * w. */
INLINE void split_i(struct point *a, struct point *b, struct point w)
{
    struct point t = point_times(*b, w);
    *b = (struct point){a->re + t.im, a->im - t.re};
    *a = (struct point){a->re - t.im, a->im + t.re};
}

INLINE void join(struct point *a, struct point *b, struct point w)
{
    struct point d = {a->re - b->re, a->im - b->im};
    *a = (struct point){a->re + b->re, a->im + b->im};
    *b = point_back(d, w);
}

INLINE void join_i(struct point *a, struct point *b, struct point w)
{
    struct point d = {a->im - b->im, b->re - a->re};
    *a = (struct point){a->re + b->re, a->im + b->im};
    *b = point_back(d, w);
}

INLINE void split8(struct point x[8], struct point s1, struct point s2, struct point s3, struct point z3)
{
    split(&x[0], &x[4], s1);
    split(&x[1], &x[5], s1);
    split(&x[2], &x[6], s1);
    split(&x[3], &x[7], s1);
    split(&x[0], &x[2], s2);
    split(&x[1], &x[3], s2);
    split_i(&x[4], &x[6], s2);
    split_i(&x[5], &x[7], s2);
    split(&x[0], &x[1], s3);
    split_i(&x[2], &x[3], s3);
    split(&x[4], &x[5], z3);
    split_i(&x[6], &x[7], z3);
}

INLINE void join8(struct point x[8], struct point s1, struct point s2, struct point s3, struct point z3)
{
    join(&x[0], &x[1], s3);
    join_i(&x[2], &x[3], s3);
    join(&x[4], &x[5], z3);
    join_i(&x[6], &x[7], z3);
    join(&x[0], &x[2], s2);
    join(&x[1], &x[3], s2);
    join_i(&x[4], &x[6], s2);
    join_i(&x[5], &x[7], s2);
    join(&x[0], &x[4], s1);
    join(&x[1], &x[5], s1);
    join(&x[2], &x[6], s1);
    join(&x[3], &x[7], s1);
}

INLINE void split4(struct point x[4], struct point s1, struct point s2)
{
    split(&x[0], &x[2], s1);
    split(&x[1], &x[3], s1);
    split(&x[0], &x[1], s2);
    split_i(&x[2], &x[3], s2);
}

INLINE void join4(struct point x[4], struct point s1, struct point s2)
{
    join(&x[0], &x[1], s2);
    join_i(&x[2], &x[3], s2);
    join(&x[0], &x[2], s1);
    join(&x[1], &x[3], s1);
}

/* cos and sin of 2 pi k / n, k = 1..n/2, for n = 3, 5, 7, 11. */
static const double odd_cos[12][6] = {
    [3] = {0, -0.5},
    [5] = {0, 0.30901699437494742410, -0.80901699437494742410},
    [7] = {0, 0.62348980185873353053, -0.22252093395631440429, -0.90096886790241912624},
    [11] = {0, 0.84125353283118116886, 0.41541501300188642553, -0.14231483827328514044,
            -0.65486073394528506406, -0.95949297361449738989},
};
static const double odd_sin[12][6] = {
    [3] = {0, 0.86602540378443864676},
    [5] = {0, 0.95105651629515357212, 0.58778525229247312917},
    [7] = {0, 0.78183148246802980871, 0.97492791218182360702, 0.43388373911755812048},
    [11] = {0, 0.54064081745559758211, 0.90963199535451837141, 0.98982144188093273238, 0.75574957435425828377,
            0.28173255684142969771},
};

/* y_c = sum_j x_j w^{cj}, w = e^{+-2 pi i / n}: pairs (j, n - j) share the cosine and the sine products. */
INLINE void odd_transform(struct point *x, int n, double sign)
{
    struct point plus[5], minus[5], y[11];
    y[0] = x[0];
#pragma GCC unroll 5
    for (int j = 1; j <= n / 2; j++) {
        plus[j - 1] = (struct point){x[j].re + x[n - j].re, x[j].im + x[n - j].im};
        minus[j - 1] = (struct point){x[j].re - x[n - j].re, x[j].im - x[n - j].im};
        y[0] = (struct point){y[0].re + plus[j - 1].re, y[0].im + plus[j - 1].im};
    }
#pragma GCC unroll 5
    for (int c = 1; c <= n / 2; c++) {
        struct point even = x[0], odd = {(vec){0}, (vec){0}};
#pragma GCC unroll 5
        for (int j = 1; j <= n / 2; j++) {
            int k = c * j % n, fold = k > n / 2 ? n - k : k;
            vec cosine = vec_all(odd_cos[n][fold]);
            vec sine = vec_all(k > n / 2 ? -sign * odd_sin[n][fold] : sign * odd_sin[n][fold]);
            even = (struct point){VEC_FMA(plus[j - 1].re, cosine, even.re),
                                  VEC_FMA(plus[j - 1].im, cosine, even.im)};
            odd = (struct point){VEC_FMA(minus[j - 1].re, sine, odd.re),
                                 VEC_FMA(minus[j - 1].im, sine, odd.im)};
        }
        y[c] = (struct point){even.re - odd.im, even.im + odd.re};
        y[n - c] = (struct point){even.re + odd.im, even.im - odd.re};
    }
#pragma GCC unroll 11
    for (int c = 0; c < n; c++)
        x[c] = y[c];
}

INLINE void odd_split(struct point *x, unsigned radix, const double *w)
{
#pragma GCC unroll 11
    for (unsigned j = 1; j < radix; j++)
        x[j] = point_times(x[j], point_all(w + 2 * (j - 1)));
    odd_transform(x, (int)radix, 1.0);
}

INLINE void odd_join(struct point *x, unsigned radix, const double *w)
{
    odd_transform(x, (int)radix, -1.0);
#pragma GCC unroll 11
    for (unsigned j = 1; j < radix; j++)
        x[j] = point_back(x[j], point_all(w + 2 * (j - 1)));
}

/* Two levels of radix 3 in registers: one set of twiddles for the first, three for the second. */
INLINE void nine_split(struct point *x, const double *w)
{
    for (int i = 0; i < 3; i++) {
        struct point y[3] = {x[i], x[i + 3], x[i + 6]};
        odd_split(y, 3, w);
        x[i] = y[0];
        x[i + 3] = y[1];
        x[i + 6] = y[2];
    }
    for (int c = 0; c < 3; c++)
        odd_split(x + 3 * c, 3, w + 4 + 4 * c);
}

INLINE void nine_join(struct point *x, const double *w)
{
    for (int c = 0; c < 3; c++)
        odd_join(x + 3 * c, 3, w + 4 + 4 * c);
    for (int i = 0; i < 3; i++) {
        struct point y[3] = {x[i], x[i + 3], x[i + 6]};
        odd_join(y, 3, w);
        x[i] = y[0];
        x[i + 3] = y[1];
        x[i + 6] = y[2];
    }
}

INLINE void node_forward(struct point *x, unsigned radix, const double *w)
{
    if (radix == 8) {
        split8(x, point_all(w), point_all(w + 2), point_all(w + 4), point_all(w + 6));
    } else if (radix == 4) {
        split4(x, point_all(w), point_all(w + 2));
    } else if (radix == 2) {
        split(&x[0], &x[1], point_all(w));
    } else if (radix == 9) {
        nine_split(x, w);
    } else {
        odd_split(x, radix, w);
    }
}

INLINE void node_inverse(struct point *x, unsigned radix, const double *w)
{
    if (radix == 8) {
        join8(x, point_all(w), point_all(w + 2), point_all(w + 4), point_all(w + 6));
    } else if (radix == 4) {
        join4(x, point_all(w), point_all(w + 2));
    } else if (radix == 2) {
        join(&x[0], &x[1], point_all(w));
    } else if (radix == 9) {
        nine_join(x, w);
    } else {
        odd_join(x, radix, w);
    }
}

/* The legs of one node: leg k at p + k * leg, each `rows` pieces `step` doubles apart of `width` units. */
struct legs {
    double *p;
    size_t leg, rows, step, width;
};

INLINE void node_pass(struct legs at, unsigned radix, const double *w, bool forward)
{
    for (size_t i = 0; i < at.rows; i++) {
        for (size_t u = 0; u < at.width * PIECES; u++) {
            double *p = at.p + i * at.step + u / PIECES * BIG_UNIT + u % PIECES * LANES;
            struct point x[11];
#pragma GCC unroll 11
            for (unsigned k = 0; k < radix; k++)
                x[k] = point_load(p + k * at.leg);
            if (forward)
                node_forward(x, radix, w);
            else
                node_inverse(x, radix, w);
#pragma GCC unroll 11
            for (unsigned k = 0; k < radix; k++)
                point_store(p + k * at.leg, x[k]);
        }
    }
}

/* `count` sibling nodes, `next` doubles apart, each with its own twiddles. */
INLINE void level_pass(struct legs at, size_t next, size_t count, const struct big_level *level, size_t node,
                       bool forward)
{
    const double *w = level->twiddles + node * level->twiddle_count;
    for (size_t k = 0; k < count; k++, at.p += next, w += level->twiddle_count) {
        switch (level->radix) {
        case 8:
            node_pass(at, 8, w, forward);
            break;
        case 9:
            node_pass(at, 9, w, forward);
            break;
        case 11:
            node_pass(at, 11, w, forward);
            break;
        case 7:
            node_pass(at, 7, w, forward);
            break;
        case 5:
            node_pass(at, 5, w, forward);
            break;
        case 4:
            node_pass(at, 4, w, forward);
            break;
        case 3:
            node_pass(at, 3, w, forward);
            break;
        default:
            node_pass(at, 2, w, forward);
            break;
        }
    }
}

/* Functions of their own, for where a call does not count. */
static void level_forward(struct legs at, size_t next, size_t count, const struct big_level *level,
                          size_t node)
{
    level_pass(at, next, count, level, node, true);
}

static void level_inverse(struct legs at, size_t next, size_t count, const struct big_level *level,
                          size_t node)
{
    level_pass(at, next, count, level, node, false);
}

/* The same for the levels inside a row, which are binary. */
INLINE void binary_pass(struct legs at, size_t next, size_t count, const struct big_level *level, size_t node,
                        bool forward)
{
    const double *w = level->twiddles + node * level->twiddle_count;
    for (size_t k = 0; k < count; k++, at.p += next, w += level->twiddle_count) {
        if (level->radix == 8)
            node_pass(at, 8, w, forward);
        else if (level->radix == 4)
            node_pass(at, 4, w, forward);
        else
            node_pass(at, 2, w, forward);
    }
}

#endif
