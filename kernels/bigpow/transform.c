/* One convolution: its passes as jobs, run one after the other or as tasks of the enclosing OpenMP team. */
#include <math.h>
#include <string.h>

#include "kernels/bigpow/context.h"
#include "kernels/bigpow/jobs.h"

/* Column blocks that one thread has released one after the other (struct big_turn), each going on with the carries of the
 * one before it. */
struct stretch {
    struct big_rounding rounding;
    size_t end;                                                  /* in units; 0: no such stretch */
    char pad[64 - sizeof(struct big_rounding) - sizeof(size_t)]; /* no two threads share a line */
};

struct run {
    const struct big_isa *isa;
    const struct big_plan *plan;
    struct big_release release;
    struct big_input in;
    double *work;
    const double *other;
    int32_t *out;
    size_t pieces;    /* tasks to make of a pass */
    size_t blocks;    /* of columns */
    size_t stretches; /* at most so many, of which the first is always there */
    struct stretch *stretch;
    struct big_carry *carry;        /* for each stretch, 2 * rows entries */
    int64_t left[BIG_JOBS_MOST][2]; /* carries that leave the rows of a piece, in both halves */
};

static void job_forward(void *data, struct big_turn turn)
{
    struct run *run = data;
    size_t width = run->plan->width;
    run->isa->columns_forward(run->plan, run->work, &run->in, turn.k * width, width);
}

static void job_row_forward(void *data, struct big_turn turn)
{
    struct run *run = data;
    run->isa->row_forward(run->plan, run->work, turn.k);
}

static void job_row_square(void *data, struct big_turn turn)
{
    struct run *run = data;
    run->isa->row_square(run->plan, run->work, turn.k);
}

static void job_row_multiply(void *data, struct big_turn turn)
{
    struct run *run = data;
    run->isa->row_multiply(run->plan, run->work, run->other, turn.k);
}

static void job_inverse(void *data, struct big_turn turn)
{
    struct run *run = data;
    size_t width = run->plan->width, entries = 2 * run->plan->rows;
    struct stretch *stretch = &run->stretch[turn.stretch];
    struct big_carry *carry = run->carry + turn.stretch * entries;
    if (!stretch->end)
        memset(carry, 0, entries * sizeof(*carry));
    run->isa->columns_inverse(run->plan, run->work, &run->release, run->out, turn.k * width, width, carry,
                              &stretch->rounding);
    stretch->end = (turn.k + 1) * width;
}

enum {
    SETTLE_AHEAD = 2
}; /* rows whose digits are asked for before their turn: each carry has a line of its own */

/* Adds what has left each stretch of some rows to the digits above it. What leaves the rows waits: its digit may be another
 * task's. */
static void job_settle(void *data, struct big_turn turn)
{
    struct run *run = data;
    const struct big_plan *plan = run->plan;
    size_t first = turn.k * plan->rows / run->pieces, end = (turn.k + 1) * plan->rows / run->pieces;
    int64_t left[2] = {0, 0};
    for (size_t row = first; row < end; row++) {
        for (size_t k = 0; k < run->stretches; k++) {
            if (!run->stretch[k].end)
                continue;
            const struct big_carry *carry = run->carry + k * 2 * plan->rows + 2 * row;
            uint64_t column = run->stretch[k].end * (uint64_t)BIG_LANES;
            for (size_t half = 0; half < 2; half++) {
                int32_t *digits = run->out + half * plan->points;
                uint64_t at = row * (uint64_t)plan->columns + column;
                int64_t value = 0;
                for (unsigned round = 0; round < run->release.rounds; round++)
                    value += (int64_t)carry[half].round[round];
                left[half] += big_digits_add(digits, end * (uint64_t)plan->columns, at, value,
                                             (int32_t)run->release.base);
                if (row + SETTLE_AHEAD < end)
                    __builtin_prefetch(digits + at + SETTLE_AHEAD * plan->columns, 1);
            }
        }
    }
    run->left[turn.k][0] = left[0];
    run->left[turn.k][1] = left[1];
}

/* What passes the last digit goes on from the first with the other sign, the product being one modulo B^{2L} + 1, and has
 * to be nothing where all of the product has room. */
static bool carries_settle(struct run *run)
{
    const struct big_plan *plan = run->plan;
    uint64_t count = 2 * (uint64_t)plan->points;
    int32_t base = (int32_t)run->release.base;
    bool whole = true;
    big_jobs_run(job_settle, run, run->pieces, run->pieces);
    for (size_t k = 0; k < 2 * run->pieces; k++) {
        size_t piece = k % run->pieces, half = k / run->pieces;
        uint64_t at = half * plan->points + (piece + 1) * plan->rows / run->pieces * plan->columns;
        int64_t value = big_digits_add(run->out, count, at, run->left[piece][half], base);
        if (value && plan->wrapped)
            value = big_digits_add(run->out, count, 0, -value, base);
        whole &= !value;
    }
    return whole;
}

static void flip(void *data, size_t size, size_t count, const struct bigpow_fault *fault)
{
    unsigned char *bytes = (unsigned char *)data + fault->index % count * size;
    bytes[fault->bit % (8 * size) / 8] ^= (unsigned char)(1u << fault->bit % 8);
}

/* A flip between passes; the twiddle is given back its bit by a second call. */
static void flip_data(struct bigpow *context, const struct run *run)
{
    if (big_fault_now(context, BIGPOW_FAULT_DATA))
        flip(run->work + context->fault.index % run->plan->rows * run->plan->stride, sizeof(double),
             2 * run->plan->columns, &context->fault);
}

static void flip_twiddle(struct bigpow *context, const struct run *run)
{
    size_t leaf = context->fault.index % (run->plan->points / BIG_LEAF);
    flip((double *)(uintptr_t)run->plan->leaf + leaf * BIG_LEAF_TW, sizeof(double), BIG_LEAF_TW - 2,
         &context->fault);
}

static void flip_carry(struct bigpow *context, const struct run *run)
{
    if (big_fault_now(context, BIGPOW_FAULT_CARRY)) {
        struct big_carry *carry = &run->carry[context->fault.index % (2 * run->plan->rows)];
        carry->round[0] += ldexp(1.0, (int)(context->fault.bit % 16));
    }
    if (big_fault_now(context, BIGPOW_FAULT_DIGIT))
        flip(run->out, sizeof(*run->out), 2 * run->plan->points, &context->fault);
}

static void passes(struct bigpow *context, struct run *run, const struct big_input *x,
                   const struct big_input *y)
{
    const struct big_plan *plan = run->plan;
    double start = big_seconds();
    void (*rows)(void *, struct big_turn) = y ? job_row_multiply : job_row_square;
    if (y) {
        run->in = *y;
        run->work = context->work[1].data;
        big_jobs_run(job_forward, run, run->blocks, run->pieces);
        big_jobs_run(job_row_forward, run, plan->rows, run->pieces);
        run->other = run->work;
    }
    run->in = *x;
    run->work = context->work[0].data;
    big_jobs_run(job_forward, run, run->blocks, run->pieces);
    flip_data(context, run);
    double columns = big_seconds();
    bool twiddle = big_fault_now(context, BIGPOW_FAULT_TWIDDLE);
    if (twiddle)
        flip_twiddle(context, run);
    big_jobs_run(rows, run, plan->rows, run->pieces);
    if (twiddle)
        flip_twiddle(context, run);
    double middle = big_seconds();
    big_jobs_run(job_inverse, run, run->blocks, run->pieces);
    flip_carry(context, run);
    context->stats.seconds_forward += columns - start;
    context->stats.seconds_rows += middle - columns;
    context->stats.seconds_inverse += big_seconds() - middle;
    context->stats.transform_flops += (y ? 15.0 : 10.0) * (double)plan->points * log2((double)plan->points);
    context->stats.transforms++;
}

static bool stretches_reserve(struct bigpow *context, struct run *run)
{
    run->stretches = run->pieces < run->blocks ? run->pieces : run->blocks;
    size_t bytes = run->stretches * sizeof(*run->stretch);
    if (!big_buffer_reserve(&context->carry,
                            bytes + run->stretches * 2 * run->plan->rows * sizeof(*run->carry)))
        return false;
    run->stretch = context->carry.data;
    run->carry = (struct big_carry *)(run->stretch + run->stretches);
    memset(run->stretch, 0, bytes);
    return true;
}

static bool rounding_passes(struct bigpow *context, const struct run *run)
{
    double error = 0;
    for (size_t k = 0; k < run->stretches; k++) {
        const struct big_rounding *seen = &run->stretch[k].rounding;
        /* Written so that a NaN fails. */
        if (!(seen->error < BIG_ERROR_LIMIT && seen->largest < run->release.limit))
            return false;
        error = fmax(error, seen->error);
    }
    context->stats.largest_error = fmax(context->stats.largest_error, error);
    return true;
}

enum bigpow_status big_transform(struct bigpow *context, struct big_plan *plan, const struct big_radix *radix,
                                 double factor, struct big_input x, const struct big_input *y, int32_t *out)
{
    struct run run = {.isa = context->isa, .plan = plan, .out = out};
    run.blocks = plan->columns / BIG_LANES / plan->width;
    run.pieces = big_jobs_pieces(plan->points, BIG_JOBS_POINTS);
    if (!big_plan_release(&run.release, radix, factor, 2 * (uint64_t)plan->points))
        return BIG_INEXACT;
    if (!plan->leaf && !big_tables_fill(&context->tables, plan))
        return BIGPOW_NO_MEMORY;
    if (!big_buffer_reserve(&context->work[0], big_plan_bytes(plan)) || !stretches_reserve(context, &run) ||
        (y && !big_buffer_reserve(&context->work[1], big_plan_bytes(plan))))
        return BIGPOW_NO_MEMORY;
    passes(context, &run, &x, y);
    double start = big_seconds();
    bool good = rounding_passes(context, &run) && carries_settle(&run);
    context->stats.seconds_inverse += big_seconds() - start;
    return good ? BIGPOW_OK : big_inexact(context);
}
