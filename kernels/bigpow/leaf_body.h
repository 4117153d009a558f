/* The leaves: 64 points in registers, six levels forward, the pointwise product, six levels backward. */
#ifndef MILLRACE_KERNELS_BIGPOW_LEAF_BODY_H
#define MILLRACE_KERNELS_BIGPOW_LEAF_BODY_H

#include "kernels/bigpow/fft_body.h"

enum leaf_mode { LEAF_FORWARD, LEAF_SQUARE, LEAF_MULTIPLY };

/*
 * After the first three levels lane vector k is a node of its own, so the lanes are transposed and the last
 * three levels run over vectors with a twiddle per lane. Node k = 4 b1 + 2 b2 + b3 has the angle phi / 8 + pi
 * (b1 / 4 + b2 / 2 + b3), so its twiddles are g1, g2, g3 = e^{i phi / 16, 32, 64} (in the leaf's table) times
 * these constants e^{i pi (b1 / 4 + b2 / 2 + b3) / 2, 4, 8}; the last is the third times e^{i pi / 4}.
 */
#define C1 0.98078528040323044913
#define C2 0.92387953251128675613
#define C3 0.83146961230254523708
#define C4 0.70710678118654752440
#define C5 0.55557023301960222474
#define C6 0.38268343236508977173
#define C7 0.19509032201612826785
static const double lane_twiddles[4][2][BIG_LANES] __attribute__((aligned(64))) = {
    {{1, 0, C4, -C4, C2, -C6, C6, -C2}, {0, 1, C4, C4, C6, C2, C2, C6}},
    {{1, C4, C2, C6, C1, C5, C3, C7}, {0, C4, C6, C2, C7, C3, C5, C1}},
    {{1, C2, C1, C3, 0.99518472667219688624, 0.88192126434835502971, 0.95694033573220886494,
      0.77301045336273696081},
     {0, C6, C7, C5, 0.09801714032956060199, 0.47139673682599764856, 0.29028467725446236764,
      0.63439328416364549822}},
    {{C4, C6, C5, C7, 0.63439328416364549822, 0.29028467725446236764, 0.47139673682599764856,
      0.09801714032956060199},
     {C4, C2, C3, C1, 0.77301045336273696081, 0.95694033573220886494, 0.88192126434835502971,
      0.99518472667219688624}},
};

/* out[j] = lane j of in[0], in[1], ... */
INLINE void lanes_transpose(vec out[LANES], const vec in[LANES])
{
#if LANES == 8
    vec a[8], b[8];
    for (int k = 0; k < 8; k += 2) {
        a[k] = __builtin_shufflevector(in[k], in[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        a[k + 1] = __builtin_shufflevector(in[k], in[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int k = 0; k < 8; k += 4) {
        for (int j = 0; j < 2; j++) {
            b[k + j] = __builtin_shufflevector(a[k + j], a[k + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            b[k + j + 2] = __builtin_shufflevector(a[k + j], a[k + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (int j = 0; j < 4; j++) {
        out[j] = __builtin_shufflevector(b[j], b[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        out[j + 4] = __builtin_shufflevector(b[j], b[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#elif LANES == 4
    vec a0 = __builtin_shufflevector(in[0], in[1], 0, 4, 2, 6),
        a1 = __builtin_shufflevector(in[0], in[1], 1, 5, 3, 7);
    vec a2 = __builtin_shufflevector(in[2], in[3], 0, 4, 2, 6),
        a3 = __builtin_shufflevector(in[2], in[3], 1, 5, 3, 7);
    out[0] = __builtin_shufflevector(a0, a2, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(a1, a3, 0, 1, 4, 5);
    out[2] = __builtin_shufflevector(a0, a2, 2, 3, 6, 7);
    out[3] = __builtin_shufflevector(a1, a3, 2, 3, 6, 7);
#else
    out[0] = __builtin_shufflevector(in[0], in[1], 0, 2);
    out[1] = __builtin_shufflevector(in[0], in[1], 1, 3);
#endif
}

/* x[h][k] holds the lanes from h * LANES on of vector k; after it x[h][k] holds them of lane k. */
INLINE void leaf_transpose(struct point x[PIECES][8])
{
    struct point y[PIECES][8];
    for (int h = 0; h < PIECES; h++) {
        for (int r = 0; r < PIECES; r++) {
            vec in[LANES], out[LANES];
            for (int k = 0; k < LANES; k++)
                in[k] = x[h][r * LANES + k].re;
            lanes_transpose(out, in);
            for (int k = 0; k < LANES; k++)
                y[r][h * LANES + k].re = out[k];
            for (int k = 0; k < LANES; k++)
                in[k] = x[h][r * LANES + k].im;
            lanes_transpose(out, in);
            for (int k = 0; k < LANES; k++)
                y[r][h * LANES + k].im = out[k];
        }
    }
    for (int h = 0; h < PIECES; h++)
        for (int k = 0; k < 8; k++)
            x[h][k] = y[h][k];
}

INLINE struct point lane_twiddle(int which, int piece, const double *g)
{
    struct point k = {vec_load(lane_twiddles[which][0] + piece * LANES),
                      vec_load(lane_twiddles[which][1] + piece * LANES)};
    return point_times(k, point_all(g));
}

INLINE void leaf_product(struct point x[8], int piece, const double *other, enum leaf_mode mode)
{
    for (int k = 0; k < 8; k++) {
        struct point y = x[k];
        if (mode == LEAF_MULTIPLY)
            y = point_load(other + k * BIG_UNIT + piece * LANES);
        x[k] = point_times(x[k], y);
    }
}

/* A leaf is done in three parts, each for some leaves in turn: the operations of one leaf depend on each other for longer
 * than a processor looks ahead, those of its neighbours do not. */
INLINE void leaf_load(struct point x[PIECES][8], const double *p)
{
    for (int h = 0; h < PIECES; h++)
        for (int k = 0; k < 8; k++)
            x[h][k] = point_load(p + k * BIG_UNIT + h * LANES);
}

INLINE void leaf_store(double *p, struct point x[PIECES][8])
{
    for (int h = 0; h < PIECES; h++)
        for (int k = 0; k < 8; k++)
            point_store(p + k * BIG_UNIT + h * LANES, x[h][k]);
}

/* Three levels, then nodes become lanes. */
INLINE void leaf_down(double *p, const double *w, const double *ahead)
{
    struct point x[PIECES][8];
    for (int k = 0; k < 16; k++)
        __builtin_prefetch(ahead + k * 8, 1, 3);
    leaf_load(x, p);
    for (int h = 0; h < PIECES; h++)
        split8(x[h], point_all(w), point_all(w + 2), point_all(w + 4), point_all(w + 6));
    leaf_transpose(x);
    leaf_store(p, x);
}

/* The last three levels, the product, and the same three levels back. */
INLINE void leaf_turn(double *p, const double *w, const double *other, enum leaf_mode mode)
{
    for (int h = 0; h < PIECES; h++) {
        struct point x[8];
        for (int k = 0; k < 8; k++)
            x[k] = point_load(p + k * BIG_UNIT + h * LANES);
        struct point s1 = lane_twiddle(0, h, w + 8), s2 = lane_twiddle(1, h, w + 10);
        struct point s3 = lane_twiddle(2, h, w + 12), z3 = lane_twiddle(3, h, w + 12);
        split8(x, s1, s2, s3, z3);
        if (mode != LEAF_FORWARD) {
            leaf_product(x, h, other, mode);
            join8(x, s1, s2, s3, z3);
        }
        for (int k = 0; k < 8; k++)
            point_store(p + k * BIG_UNIT + h * LANES, x[k]);
    }
}

INLINE void leaf_up(double *p, const double *w)
{
    struct point x[PIECES][8];
    leaf_load(x, p);
    leaf_transpose(x);
    for (int h = 0; h < PIECES; h++)
        join8(x[h], point_all(w), point_all(w + 2), point_all(w + 4), point_all(w + 6));
    leaf_store(p, x);
}

enum { LEAF_DOUBLES = BIG_LEAF / BIG_LANES * BIG_UNIT };

/* `count` neighbours at p, their twiddles at w; the next row's points at p + ahead are asked for. */
INLINE void leaf_group(double *p, const double *w, const double *other, size_t ahead, size_t count,
                       enum leaf_mode mode)
{
    for (size_t k = 0; k < count; k++)
        leaf_down(p + k * LEAF_DOUBLES, w + k * BIG_LEAF_TW, p + k * LEAF_DOUBLES + ahead);
    for (size_t k = 0; k < count; k++)
        leaf_turn(p + k * LEAF_DOUBLES, w + k * BIG_LEAF_TW, other ? other + k * LEAF_DOUBLES : NULL, mode);
    for (size_t k = 0; k < count && mode != LEAF_FORWARD; k++)
        leaf_up(p + k * LEAF_DOUBLES, w + k * BIG_LEAF_TW);
}

#endif
