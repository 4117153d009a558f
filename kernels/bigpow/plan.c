#include "kernels/bigpow/plan.h"

#include <math.h>
#include <string.h>

enum {
    ROW_PADDING = 32,        /* doubles after a row: moves the next row's lines by four cache sets */
    ROWS_PREFERRED = 512,    /* most rows before the rows themselves are made longer than the square root */
    COLUMNS_MAX_LOG2 = 16,   /* 1 MB of points: most of a row stays in the second-level cache */
    BLOCK_BYTES = 512 << 10, /* a column block stays in the second-level cache */
    WRAP_POINTS = 2000,      /* what wrapping costs, in points of a longer transform, */
    WRAP_COST = 2,  /* and for each wrapped digit: a product of so many digits, and some passes over them */
    WRAP_PART = 8,  /* most wrapped digits, as a part of the points */
    WRAP_SPARE = 2, /* wrapped digits that must come out zero: one is looked at */
};

struct big_radix big_radix_binary(unsigned bits)
{
    return (struct big_radix){ldexp(1.0, (int)bits), ldexp(1.0, -(int)bits), bits, 0};
}

struct big_radix big_radix_decimal(unsigned decade)
{
    double base = 1;
    for (unsigned k = 0; k < decade; k++)
        base *= 10;
    return (struct big_radix){base, 1 / base, (unsigned)ceil(log2(base)), decade};
}

static unsigned add_level(struct big_level *levels, unsigned count, unsigned radix)
{
    unsigned twiddles = radix == 8   ? 8
                        : radix == 4 ? 4
                        : radix == 2 ? 2
                                     : 2 * (radix - 1); /* 9: 2 + 3 * 2 too */
    levels[count] = (struct big_level){radix, twiddles, NULL};
    return count + 1;
}

/* As few levels as possible, and rather two of radix 4 than one of radix 8 and one of radix 2. */
static unsigned add_binary_levels(struct big_level *levels, unsigned count, unsigned binary)
{
    for (; binary >= 5 || binary == 3; binary -= 3)
        count = add_level(levels, count, 8);
    for (; binary >= 2; binary -= 2)
        count = add_level(levels, count, 4);
    return binary ? add_level(levels, count, 2) : count;
}

static unsigned add_odd_levels(struct big_level *levels, unsigned odd)
{
    switch (odd) {
    case 3:
    case 5:
    case 7:
    case 9:
    case 11:
        return add_level(levels, 0, odd);
    case 15:
        return add_level(levels, add_level(levels, 0, 5), 3);
    default:
        return 0;
    }
}

static bool odd_supported(unsigned odd)
{
    return odd == 1 || odd == 3 || odd == 5 || odd == 7 || odd == 9 || odd == 11 || odd == 15;
}

/* Rows and columns of about the same number, but not so many rows that a column block leaves the cache. */
static unsigned choose_columns_log2(size_t points, unsigned odd, unsigned log2)
{
    unsigned columns = 6;
    while (columns < COLUMNS_MAX_LOG2 &&
           (((size_t)1 << (2 * columns)) < points || (points >> columns) > ROWS_PREFERRED))
        columns++;
    unsigned most = odd == 1 ? log2 - 1 : log2; /* at least one column level must be there */
    return columns < most ? columns : most;
}

bool big_plan_shape(struct big_plan *plan, unsigned odd, unsigned log2)
{
    if (!odd_supported(odd) || log2 < 7 || log2 > BIG_MAX_LOG2)
        return false;
    memset(plan, 0, sizeof(*plan));
    plan->odd = odd;
    plan->log2 = log2;
    plan->points = (size_t)odd << log2;
    unsigned columns = choose_columns_log2(plan->points, odd, log2);
    plan->columns = (size_t)1 << columns;
    plan->rows = plan->points / plan->columns;
    plan->stride = 2 * plan->columns + (plan->rows > 8 ? ROW_PADDING : 0);
    plan->column_levels = add_binary_levels(plan->column, add_odd_levels(plan->column, odd), log2 - columns);
    plan->row_levels = add_binary_levels(plan->row, 0, columns - 6);
    plan->width = 8;
    while (plan->width > 1 && plan->rows * plan->width * BIG_UNIT * sizeof(double) > BLOCK_BYTES)
        plan->width /= 2;
    plan->scale = 1.0 / (double)plan->points;
    return true;
}

/* Time per point and level relative to a power of two, from tune_bigpow. */
static double odd_cost(unsigned odd)
{
    return odd == 1 ? 1.0 : odd == 15 ? 1.06 : 1.03;
}

struct choice {
    double cost;
    unsigned odd, log2;
    size_t wrapped;
};

static void choice_consider(struct choice *best, unsigned odd, unsigned log2, uint64_t product_digits)
{
    uint64_t points = (uint64_t)odd << log2, wrapped = 0;
    double cost = (double)points * odd_cost(odd);
    if (log2 < 7 || log2 > BIG_MAX_LOG2)
        return;
    if (2 * points < product_digits) {
        wrapped = (product_digits + WRAP_SPARE - 2 * points + BIG_ROOM - 1) / BIG_ROOM * BIG_ROOM;
        cost += WRAP_POINTS + WRAP_COST * (double)wrapped;
    }
    if (wrapped <= points / WRAP_PART && cost < best->cost)
        *best = (struct choice){cost, odd, log2, (size_t)wrapped};
}

static bool choose(struct big_plan *plan, uint64_t product_digits, bool wrap)
{
    static const unsigned odds[] = {1, 3, 5, 7, 9, 11, 15};
    struct choice best = {.cost = HUGE_VAL};
    for (size_t k = 0; k < sizeof(odds) / sizeof(*odds); k++) {
        unsigned log2 = 7;
        while (log2 <= BIG_MAX_LOG2 && (uint64_t)odds[k] << log2 < (product_digits + 1) / 2)
            log2++;
        choice_consider(&best, odds[k], log2, product_digits);
        if (wrap)
            choice_consider(&best, odds[k], log2 - 1, product_digits);
    }
    if (!best.odd || !big_plan_shape(plan, best.odd, best.log2))
        return false;
    plan->wrapped = best.wrapped;
    return true;
}

bool big_plan_choose(struct big_plan *plan, uint64_t product_digits)
{
    return choose(plan, product_digits, true);
}

bool big_plan_choose_whole(struct big_plan *plan, uint64_t product_digits)
{
    return choose(plan, product_digits, false);
}

uint64_t big_plan_digits(const struct big_plan *plan)
{
    return 2 * (uint64_t)plan->points + plan->wrapped;
}

/*
 * The largest error grows with the square of the radix and, on random digits, with a little more than the
 * square root of the length (random walks of n terms, log n levels). DIGITS_AT[w] is the largest product
 * whose error was measured under 0.13 with digits of w bits, so that a run over BIG_ERROR_LIMIT is an unusual
 * number and not bad luck.
 */
static const struct {
    unsigned bits;
    unsigned log2_digits; /* in quarters of an octave */
} digits_at[] = {{23, 34},  {22, 46},  {21, 61},  {20, 76}, {19, 88},
                 {18, 104}, {17, 119}, {16, 134}, {15, 255}};

static double safe_digits(double bits)
{
    size_t k = 1, last = sizeof(digits_at) / sizeof(*digits_at) - 1;
    while (k < last && digits_at[k].bits > bits)
        k++;
    double above = digits_at[k - 1].log2_digits, below = digits_at[k].log2_digits;
    if (k == last)
        return HUGE_VAL;
    return exp2((below + (above - below) * (bits - digits_at[k].bits)) / 4);
}

unsigned big_plan_digit_bits(uint64_t product_digits)
{
    unsigned bits = digits_at[0].bits;
    while (bits > 15 && safe_digits(bits) < (double)product_digits)
        bits--;
    return bits;
}

unsigned big_plan_bits_for(uint64_t product_bits)
{
    unsigned bits = digits_at[0].bits;
    while (bits > 15 && safe_digits(bits) < (double)(product_bits / bits + 1))
        bits--;
    return bits;
}

unsigned big_plan_decade(uint64_t decimal_digits)
{
    return (double)(decimal_digits / 6 + 1) <= safe_digits(log2(1e6)) ? 6 : 5;
}

bool big_plan_release(struct big_release *release, const struct big_radix *radix, double factor,
                      uint64_t product_digits)
{
    /* 16 times the standard deviation of a sum of products of digits uniform in +-base / 2. */
    double expected = 16 * radix->base * radix->base / 12 * sqrt((double)product_digits / 2);
    *release = (struct big_release){radix->base, radix->inverse, factor, 0, 0};
    for (unsigned rounds = factor == 1 ? 2 : 3; rounds <= 4; rounds++) {
        double exact = fmin(BIG_COEFFICIENT_LIMIT, BIG_COEFFICIENT_LIMIT / 2 * radix->base / factor);
        release->limit = fmin(exact, pow(radix->base, rounds + 1) / (32 * factor));
        release->rounds = rounds;
        if (release->limit >= fmin(expected, BIG_COEFFICIENT_LIMIT))
            return true;
    }
    return false;
}

size_t big_plan_bytes(const struct big_plan *plan)
{
    return plan->rows * plan->stride * sizeof(double);
}
