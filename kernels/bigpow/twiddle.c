#include "kernels/bigpow/twiddle.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/bigpow/memory.h"

/*
 * A node of the tree stands for x^n - e^{2 pi i p / q}, with p / q exact: the root has 1 / 4 (c = i), child k
 * of a node split by radix r has (p + k q) / (r q). Below the odd levels, the node reached by the bits b_0
 * b_1 .. b_{d-1} has p = p_odd + q_odd (b_0 + 2 b_1 + 4 b_2 ..), so e^{2 pi i p / (D q)} is a product of d +
 * 1 values in long double.
 */
struct wide {
    long double re, im;
};

static struct wide wide_times(struct wide a, struct wide b)
{
    return (struct wide){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* e^{2 pi i p / q} */
static struct wide wide_root(uint64_t p, uint64_t q)
{
    long double angle = 6.28318530717958647692528676655900576L * (long double)p / (long double)q;
    return (struct wide){cosl(angle), sinl(angle)};
}

static double *put(double *out, struct wide w)
{
    out[0] = (double)w.re;
    out[1] = (double)w.im;
    return out + 2;
}

/* e is e^{i phi / kind}: phi the angle of the node, kind its radix or 64. */
static double *put_node(double *out, unsigned kind, struct wide e)
{
    static const struct wide eighth = {0.70710678118654752440084436210485L,
                                       0.70710678118654752440084436210485L};
    struct wide power[7] = {e}; /* e^(2^k) */
    if (kind == 3 || kind == 5 || kind == 7 || kind == 11) {
        struct wide w = e;
        for (unsigned k = 1; k < kind; k++, w = wide_times(w, e))
            out = put(out, w);
        return out;
    }
    unsigned squarings = kind == 64 ? 5 : kind == 8 ? 2 : kind == 4 ? 1 : 0;
    for (unsigned k = 1; k <= squarings; k++)
        power[k] = wide_times(power[k - 1], power[k - 1]);
    if (kind == 64) {
        for (unsigned k = 5; k >= 3; k--)
            out = put(out, power[k]);
        out = put(out, wide_times(power[3], eighth));
        for (unsigned k = 3; k-- > 0;)
            out = put(out, power[k]);
        return put(out, (struct wide){0, 0});
    }
    for (unsigned k = squarings + 1; k-- > 0;)
        out = put(out, power[k]);
    return kind == 8 ? put(out, wide_times(e, eighth)) : out;
}

struct walk {
    unsigned kind, depth;
    struct wide bit[BIG_MAX_LOG2 + 1];
    double *out;
};

static void put_subtree(struct walk *walk, unsigned depth, struct wide e)
{
    if (depth == walk->depth) {
        walk->out = put_node(walk->out, walk->kind, e);
        return;
    }
    put_subtree(walk, depth + 1, e);
    put_subtree(walk, depth + 1, wide_times(e, walk->bit[depth]));
}

/* The odd levels of the plan that come before; writes p for each node, q is the same for all. */
static unsigned odd_nodes(const struct big_plan *plan, unsigned levels, uint64_t p[15], uint64_t *q)
{
    unsigned count = 1;
    p[0] = 1;
    *q = 4;
    for (unsigned l = 0, half = 0; l < levels; l += !half) {
        bool nine = plan->column[l].radix == 9; /* two levels of 3 in one */
        unsigned radix = nine ? 3 : plan->column[l].radix;
        half = nine && !half;
        for (unsigned k = count * radix; k-- > 0;)
            p[k] = p[k / radix] + k % radix * *q;
        count *= radix;
        *q *= radix;
    }
    return count;
}

/* The two levels of radix 3 of the root: its own twiddles, then those of its children (1 + 4 c) / 12. */
static void fill_nine(double *out)
{
    out = put_node(out, 3, wide_root(1, 12));
    for (unsigned c = 0; c < 3; c++)
        out = put_node(out, 3, wide_root(1 + 4 * c, 36));
}

static void fill_table(const struct big_plan *plan, const struct big_table *table)
{
    struct walk walk = {.kind = table->kind, .depth = table->depth, .out = table->values};
    uint64_t p[15], q;
    unsigned nodes = odd_nodes(plan, table->before, p, &q);
    if (table->kind == 9) {
        fill_nine(table->values);
        return;
    }
    uint64_t turns = (uint64_t)table->kind << table->depth;
    for (unsigned k = 0; k < table->depth; k++)
        walk.bit[k] = wide_root((uint64_t)1 << k, turns);
    for (unsigned k = 0; k < nodes; k++)
        put_subtree(&walk, 0, wide_root(p[k], q * turns));
}

static struct big_table *table_new(struct big_tables *tables)
{
    if (tables->count == tables->capacity) {
        unsigned capacity = tables->capacity ? 2 * tables->capacity : 64;
        struct big_table *list = realloc(tables->list, capacity * sizeof(*list));
        if (!list)
            return NULL;
        tables->list = list;
        tables->capacity = capacity;
    }
    return &tables->list[tables->count];
}

static const double *table_find(struct big_tables *tables, const struct big_plan *plan, struct big_table want,
                                size_t doubles)
{
    for (unsigned k = 0; k < tables->count; k++) {
        const struct big_table *t = &tables->list[k];
        if (t->odd == want.odd && t->kind == want.kind && t->before == want.before && t->depth == want.depth)
            return t->values;
    }
    struct big_table *table = table_new(tables);
    want.values = table ? big_allocate(doubles * sizeof(double)) : NULL;
    if (!want.values)
        return NULL;
    *table = want;
    tables->count++;
    fill_table(plan, table);
    return table->values;
}

static unsigned radix_log2(unsigned radix)
{
    return radix == 8 ? 3 : radix == 4 ? 2 : radix == 2 ? 1 : 0;
}

bool big_tables_fill(struct big_tables *tables, struct big_plan *plan)
{
    size_t nodes = 1;
    unsigned odd_levels = 0, depth = 0;
    for (unsigned l = 0; l < plan->column_levels + plan->row_levels; l++) {
        struct big_level *level =
            l < plan->column_levels ? &plan->column[l] : &plan->row[l - plan->column_levels];
        struct big_table want = {plan->odd, level->radix, odd_levels, depth, NULL};
        level->twiddles = table_find(tables, plan, want, nodes * level->twiddle_count);
        if (!level->twiddles)
            return false;
        nodes *= level->radix;
        depth += radix_log2(level->radix);
        odd_levels += radix_log2(level->radix) == 0;
    }
    struct big_table want = {plan->odd, BIG_LEAF, odd_levels, depth, NULL};
    plan->leaf = table_find(tables, plan, want, nodes * BIG_LEAF_TW);
    return plan->leaf != NULL;
}

void big_tables_free(struct big_tables *tables)
{
    for (unsigned k = 0; k < tables->count; k++)
        free(tables->list[k].values);
    free(tables->list);
    *tables = (struct big_tables){0};
}
