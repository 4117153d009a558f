/* The functions of struct big_isa. The including file defines BIG_ISA, the table's name, and BIG_ISA_NAME. */
#ifndef MILLRACE_KERNELS_BIGPOW_PASS_BODY_H
#define MILLRACE_KERNELS_BIGPOW_PASS_BODY_H

#include "kernels/bigpow/carry_body.h"
#include "kernels/bigpow/digit_body.h"
#include "kernels/bigpow/fft_body.h"
#include "kernels/bigpow/leaf_body.h"

/* A subtree is walked level by level once it is this small, so that it stays in the first-level cache. */
enum { SUBTREE_BYTES = 32 << 10 };

/* A block of columns in the work array. */
struct block {
    double *p;     /* its first unit */
    size_t stride; /* doubles from a row to the next */
    size_t width;  /* units */
};

static struct block block_place(const struct big_plan *plan, double *work, size_t first, size_t width)
{
    return (struct block){work + first * BIG_UNIT, plan->stride, width};
}

static struct legs column_legs(struct block at, size_t rows, unsigned radix)
{
    size_t child = rows / radix;
    return (struct legs){at.p, child * at.stride, child, at.stride, at.width};
}

static struct block block_rows(struct block at, size_t rows)
{
    return (struct block){at.p + rows * at.stride, at.stride, at.width};
}

static bool subtree_small(struct block at, size_t rows)
{
    return rows * at.width * BIG_UNIT * sizeof(double) <= SUBTREE_BYTES;
}

static void columns_split(const struct big_plan *plan, struct block at, size_t rows, unsigned level,
                          size_t node)
{
    size_t count = 1;
    bool small = subtree_small(at, rows);
    for (; level < plan->column_levels; level++) {
        unsigned radix = plan->column[level].radix;
        level_forward(column_legs(at, rows, radix), rows * at.stride, count, &plan->column[level], node);
        rows /= radix;
        node *= radix;
        if (!small) {
            for (size_t k = 0; k < radix; k++)
                columns_split(plan, block_rows(at, k * rows), rows, level + 1, node + k);
            return;
        }
        count *= radix;
    }
}

/* All levels from the last up to `level`, of the subtree of `rows` rows at `node` of that level. */
static void columns_join(const struct big_plan *plan, struct block at, size_t rows, unsigned level,
                         size_t node)
{
    if (level == plan->column_levels)
        return;
    unsigned radix = plan->column[level].radix;
    if (!subtree_small(at, rows)) {
        size_t child = rows / radix;
        for (size_t k = 0; k < radix; k++)
            columns_join(plan, block_rows(at, k * child), child, level + 1, node * radix + k);
        level_inverse(column_legs(at, rows, radix), rows * at.stride, 1, &plan->column[level], node);
        return;
    }
    size_t count = 1;
    for (unsigned l = level; l < plan->column_levels; l++)
        count *= plan->column[l].radix;
    node *= count;
    rows /= count;
    for (unsigned l = plan->column_levels; l-- > level;) {
        radix = plan->column[l].radix;
        count /= radix;
        rows *= radix;
        node /= radix;
        level_inverse(column_legs(at, rows, radix), rows * at.stride, count, &plan->column[l], node);
    }
}

/* Asks for a row of the next column block: its rows are too far apart for the processor to guess. */
INLINE void ahead(const double *p, size_t width)
{
    for (size_t k = 0; k < width * BIG_UNIT; k += BIG_LANES)
        __builtin_prefetch(p + k, 1, 2);
}

/* Rows of digits are asked for so many rows before their turn: they lie a power of two apart, so that few of them fit the
 * sets of the caches that they share, and the processor sees no stream. */
enum { ROWS_SOON = 5, LINE_DIGITS = 16 };

INLINE void digits_soon(const int32_t *row, size_t columns, size_t width)
{
    for (size_t k = 0; k < width * BIG_LANES; k += LINE_DIGITS)
        __builtin_prefetch(row + ROWS_SOON * columns + k, 1, 2);
}

static const int32_t no_digits[BIG_ROOM];

/* The digits of a block in one row. */
INLINE const int32_t *digits_at(const struct big_input *in, uint64_t index)
{
    return index < in->count ? in->digits + index : no_digits;
}

/* The first level, its points read from the digits. */
INLINE void digits_split(const struct big_plan *plan, struct block at, const struct big_input *in,
                         size_t first, unsigned radix)
{
    size_t child = plan->rows / radix;
    const double *w = plan->column[0].twiddles;
    for (size_t i = 0; i < child; i++) {
        const int32_t *real[11], *imaginary[11];
#pragma GCC unroll 11
        for (size_t k = 0; k < radix; k++) {
            uint64_t index = (k * child + i) * (uint64_t)plan->columns + first * BIG_LANES;
            real[k] = digits_at(in, index);
            imaginary[k] = digits_at(in, index + plan->points);
            digits_soon(in->digits + index, plan->columns, at.width);
        }
        for (size_t u = 0; u < at.width * PIECES; u++) {
            double *p = at.p + i * at.stride + u / PIECES * BIG_UNIT + u % PIECES * LANES;
            struct point x[11];
#pragma GCC unroll 11
            for (size_t k = 0; k < radix; k++)
                x[k] = (struct point){VEC_FROM_DIGITS(real[k] + u * LANES),
                                      VEC_FROM_DIGITS(imaginary[k] + u * LANES)};
            node_forward(x, radix, w);
#pragma GCC unroll 11
            for (size_t k = 0; k < radix; k++)
                point_store(p + k * child * at.stride, x[k]);
        }
        for (size_t k = 0; k < radix; k++)
            ahead(at.p + (k * child + i) * at.stride + at.width * BIG_UNIT, at.width);
    }
}

static void columns_forward(const struct big_plan *plan, double *work, const struct big_input *in,
                            size_t first, size_t width)
{
    struct block at = block_place(plan, work, first, width);
    unsigned radix = plan->column[0].radix;
    switch (radix) {
    case 8:
        digits_split(plan, at, in, first, 8);
        break;
    case 9:
        digits_split(plan, at, in, first, 9);
        break;
    case 11:
        digits_split(plan, at, in, first, 11);
        break;
    case 7:
        digits_split(plan, at, in, first, 7);
        break;
    case 5:
        digits_split(plan, at, in, first, 5);
        break;
    case 4:
        digits_split(plan, at, in, first, 4);
        break;
    case 3:
        digits_split(plan, at, in, first, 3);
        break;
    default:
        digits_split(plan, at, in, first, 2);
        break;
    }
    size_t child = plan->rows / radix;
    for (size_t k = 0; k < radix; k++)
        columns_split(plan, block_rows(at, k * child), child, 1, k);
}

static struct legs row_legs(double *p, size_t units, unsigned radix)
{
    return (struct legs){p, units / radix * BIG_UNIT, 1, 0, units / radix};
}

enum { LEAVES_AT_ONCE = 8 }; /* 8 KB, so that they stay in the first-level cache */

INLINE void leaves(const struct big_plan *plan, double *p, size_t units, size_t leaf, const double *other,
                   enum leaf_mode mode)
{
    size_t count = units / (BIG_LEAF / BIG_LANES);
    const double *w = plan->leaf + leaf * BIG_LEAF_TW;
    for (size_t k = 0; k < count; k += LEAVES_AT_ONCE)
        leaf_group(p + k * LEAF_DOUBLES, w + k * BIG_LEAF_TW, other ? other + k * LEAF_DOUBLES : NULL,
                   plan->stride, count - k < LEAVES_AT_ONCE ? count - k : LEAVES_AT_ONCE, mode);
}

static void leaves_forward(const struct big_plan *plan, double *p, size_t units, size_t leaf)
{
    leaves(plan, p, units, leaf, NULL, LEAF_FORWARD);
}

static void leaves_square(const struct big_plan *plan, double *p, size_t units, size_t leaf)
{
    leaves(plan, p, units, leaf, NULL, LEAF_SQUARE);
}

static void leaves_multiply(const struct big_plan *plan, double *p, size_t units, size_t leaf,
                            const double *other)
{
    leaves(plan, p, units, leaf, other, LEAF_MULTIPLY);
}

static void leaves_pass(const struct big_plan *plan, double *p, size_t units, size_t leaf,
                        const double *other, enum leaf_mode mode)
{
    if (mode == LEAF_FORWARD)
        leaves_forward(plan, p, units, leaf);
    else if (mode == LEAF_SQUARE)
        leaves_square(plan, p, units, leaf);
    else
        leaves_multiply(plan, p, units, leaf, other);
}

static void row_small(const struct big_plan *plan, double *p, size_t units, unsigned level, size_t node,
                      const double *other, enum leaf_mode mode)
{
    size_t count = 1, all = units;
    for (unsigned l = level; l < plan->row_levels; l++) {
        unsigned radix = plan->row[l].radix;
        binary_pass(row_legs(p, units, radix), units * BIG_UNIT, count, &plan->row[l], node, true);
        units /= radix;
        count *= radix;
        node *= radix;
    }
    leaves_pass(plan, p, all, node, other, mode);
    if (mode == LEAF_FORWARD)
        return;
    for (unsigned l = plan->row_levels; l-- > level;) {
        unsigned radix = plan->row[l].radix;
        units *= radix;
        count /= radix;
        node /= radix;
        binary_pass(row_legs(p, units, radix), units * BIG_UNIT, count, &plan->row[l], node, false);
    }
}

static void row_walk(const struct big_plan *plan, double *p, size_t units, unsigned level, size_t node,
                     const double *other, enum leaf_mode mode)
{
    if (level == plan->row_levels || units * BIG_UNIT * sizeof(double) <= SUBTREE_BYTES) {
        row_small(plan, p, units, level, node, other, mode);
        return;
    }
    unsigned radix = plan->row[level].radix;
    size_t child = units / radix;
    level_forward(row_legs(p, units, radix), 0, 1, &plan->row[level], node);
    for (size_t k = 0; k < radix; k++)
        row_walk(plan, p + k * child * BIG_UNIT, child, level + 1, node * radix + k,
                 other ? other + k * child * BIG_UNIT : NULL, mode);
    if (mode != LEAF_FORWARD)
        level_inverse(row_legs(p, units, radix), 0, 1, &plan->row[level], node);
}

static void row_forward(const struct big_plan *plan, double *work, size_t row)
{
    row_walk(plan, work + row * plan->stride, plan->columns / BIG_LANES, 0, row, NULL, LEAF_FORWARD);
}

static void row_square(const struct big_plan *plan, double *work, size_t row)
{
    row_walk(plan, work + row * plan->stride, plan->columns / BIG_LANES, 0, row, NULL, LEAF_SQUARE);
}

static void row_multiply(const struct big_plan *plan, double *work, const double *other, size_t row)
{
    row_walk(plan, work + row * plan->stride, plan->columns / BIG_LANES, 0, row, other + row * plan->stride,
             LEAF_MULTIPLY);
}

static void rounding_merge(struct big_rounding *rounding, vec error, vec largest)
{
    for (int k = 0; k < LANES; k++) {
        /* Written so that a NaN is kept. */
        if (!(error[k] <= rounding->error))
            rounding->error = error[k];
        if (!(largest[k] <= rounding->largest))
            rounding->largest = largest[k];
    }
}

/* One row of the block after the last level: both halves. */
INLINE void row_release(const struct big_plan *plan, const double *p, const struct big_release *release,
                        unsigned rounds, size_t width, int32_t *real, int32_t *imaginary,
                        struct big_carry *carry, struct carry_vec *seen)
{
    carry_row(p, 0, width, plan->scale, release, rounds, real, &carry[0], seen);
    carry_row(p, 1, width, plan->scale, release, rounds, imaginary, &carry[1], seen);
}

/* The last level of the block and, row by row while they are in the first-level cache, the carry pass. */
INLINE void block_release(const struct big_plan *plan, struct block at, const struct big_release *release,
                          unsigned rounds, int32_t *digits, struct big_carry *carry, struct carry_vec *seen)
{
    unsigned top = plan->column[0].radix;
    size_t child = plan->rows / top;
    for (size_t i = 0; i < child; i++) {
        double *p = at.p + i * at.stride;
        struct legs legs = {p, child * at.stride, 1, 0, at.width};
        level_inverse(legs, 0, 1, &plan->column[0], 0);
        for (size_t k = 0; k < top; k++) {
            size_t row = k * child + i;
            const double *from = p + k * child * at.stride;
            ahead(from + at.width * BIG_UNIT, at.width);
            int32_t *out = digits + row * plan->columns;
            digits_soon(out, plan->columns, at.width);
            digits_soon(out + plan->points, plan->columns, at.width);
            row_release(plan, from, release, rounds, at.width, out, out + plan->points, &carry[2 * row],
                        seen);
        }
    }
}

static void columns_inverse(const struct big_plan *plan, double *work, const struct big_release *release,
                            int32_t *digits, size_t first, size_t width, struct big_carry *carry,
                            struct big_rounding *rounding)
{
    unsigned top = plan->column[0].radix;
    size_t child = plan->rows / top;
    struct block at = block_place(plan, work, first, width);
    struct carry_vec seen = {.error = (vec){0}, .largest = (vec){0}};
    for (size_t k = 0; k < top; k++)
        columns_join(plan, block_rows(at, k * child), child, 1, k);
    digits += first * BIG_LANES;
    if (release->rounds == 2)
        block_release(plan, at, release, 2, digits, carry, &seen);
    else if (release->rounds == 3)
        block_release(plan, at, release, 3, digits, carry, &seen);
    else
        block_release(plan, at, release, 4, digits, carry, &seen);
    rounding_merge(rounding, seen.error, seen.largest);
}

const struct big_isa BIG_ISA = {
    .name = BIG_ISA_NAME,
    .columns_forward = columns_forward,
    .row_forward = row_forward,
    .row_square = row_square,
    .row_multiply = row_multiply,
    .columns_inverse = columns_inverse,
    .unpack = unpack,
    .borrow = borrow,
    .pack = pack,
    .weigh = weigh,
    .characters = characters,
};

#endif
