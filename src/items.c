#include "src/items.h"

#include "io/buffer.h"
#include "kernels/powers.h"
#include "src/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEM_BYTES = 256 };

struct single {
    uint64_t id;
    double cost; /* see power_cost; larger than any for what can't be computed */
    char *text;
    char *problem; /* NULL: none */
};

/* Items made one after the other, from the last, which costs most, down. */
struct series {
    enum { RANGE, TOWER } kind;
    uint64_t first_id;
    uint64_t first; /* RANGE: of the numbers; TOWER: 0 */
    uint64_t left;  /* not yet given out: the next is number first + left - 1 */
    double cost;    /* of the next */
    char *base;     /* TOWER: B */
};

struct items {
    const char *modulus;
    struct single *singles;
    size_t n_singles, cap_singles, given_singles;
    struct series *series;
    size_t n_series, cap_series;
    bool sorted; /* the singles, by falling cost */
    uint64_t total;
    struct buffer text; /* of the item last given out */
    bool failed;
};

struct items *items_new(const char *modulus)
{
    struct items *s = calloc(1, sizeof *s);
    if (s) {
        s->modulus = modulus;
        buffer_init(&s->text, ITEMS_MAX_LINE);
    }
    return s;
}

void items_free(struct items *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_singles; i++) {
        free(s->singles[i].text);
        free(s->singles[i].problem);
    }
    for (size_t i = 0; i < s->n_series; i++)
        free(s->series[i].base);
    free(s->singles);
    free(s->series);
    buffer_free(&s->text);
    free(s);
}

/* Room for one more in an array that doubles. */
static bool reserve(void **array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    size_t more = *cap ? 2 * *cap : 16;
    void *grown = realloc(*array, more * size);
    if (!grown)
        return false;
    *array = grown;
    *cap = more;
    return true;
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool say(char *error, size_t error_size, const char *reason)
{
    snprintf(error, error_size, "%s", reason);
    return false;
}

static bool add_single(struct items *s, const char *text, size_t len, double cost, const char *problem)
{
    void *array = s->singles;
    bool ok = reserve(&array, s->n_singles, &s->cap_singles, sizeof *s->singles);
    s->singles = array;
    if (!ok)
        return false;
    struct single one = {.id = s->total, .cost = cost, .text = strndup(text, len)};
    one.problem = problem ? strdup(problem) : NULL;
    if (!one.text || (problem && !one.problem)) {
        free(one.text);
        free(one.problem);
        return false;
    }
    s->singles[s->n_singles++] = one;
    s->total = add_up(s->total, 1);
    s->sorted = false;
    return true;
}

/* ------------------------------------------------------------------ ranges and towers */

/* The text of item `index` of a series into s->text. */
static bool write_range_item(struct items *s, const struct series *r, uint64_t index)
{
    uint64_t i = r->first + index;
    return buffer_addf(&s->text, "%" PRIu64 "^%" PRIu64, i, i);
}

/* B^(B^index): the inner power is computed, since it is the exponent's text. */
static bool write_tower_item(struct items *s, const struct series *t, uint64_t index)
{
    char inner[64 + 32], error[PROBLEM_BYTES];
    struct power p = {0};
    struct power_facts facts = {0};
    const struct power_wish wish = {.digits = POWER_DECIMAL};
    struct bigpow *context = bigpow_new(NULL, 1);
    int len = snprintf(inner, sizeof inner, "%s^%" PRIu64, t->base, index);
    bool ok = context && power_parse(&p, inner, (size_t)len, NULL, error, sizeof error) &&
              power_compute(context, NULL, &p, &wish, &facts, error, sizeof error) &&
              buffer_addf(&s->text, "%s^%s", t->base, facts.text);
    free(facts.text);
    power_free(&p);
    bigpow_free(context);
    return ok;
}

static bool write_item(struct items *s, const struct series *r, uint64_t index)
{
    buffer_reset(&s->text);
    return r->kind == RANGE ? write_range_item(s, r, index) : write_tower_item(s, r, index);
}

static bool cost_of(const struct items *s, const char *text, size_t len, double *cost, char *error,
                    size_t error_size)
{
    struct power p = {0};
    bool ok = power_parse(&p, text, len, s->modulus, error, error_size);
    *cost = ok ? power_cost(&p) : 1e300; /* what will fail fails first */
    power_free(&p);
    return ok;
}

static bool look_ahead(struct items *s, struct series *r)
{
    char error[PROBLEM_BYTES];
    if (r->left == 0)
        return true;
    if (!write_item(s, r, r->left - 1))
        return false;
    cost_of(s, s->text.data, s->text.len, &r->cost, error, sizeof error);
    return true;
}

static bool add_series(struct items *s, struct series *r, char *error, size_t error_size)
{
    void *array = s->series;
    bool ok = reserve(&array, s->n_series, &s->cap_series, sizeof *s->series);
    s->series = array;
    r->first_id = s->total;
    if (!ok || !look_ahead(s, r)) {
        free(r->base);
        return say(error, error_size, "no memory left");
    }
    s->total = add_up(s->total, r->left);
    s->series[s->n_series++] = *r;
    return true;
}

static bool add_range(struct items *s, const char *text, const char *dots, char *error, size_t error_size)
{
    uint64_t from, to;
    char *first = strndup(text, (size_t)(dots - text));
    if (!first)
        return say(error, error_size, "no memory left");
    bool good = value_uint(first, 0, INT64_MAX, &from) && value_uint(dots + 2, 0, INT64_MAX, &to);
    free(first);
    if (!good || from > to)
        return say(error, error_size, "a range is FIRST..LAST, two whole numbers, 0 <= FIRST <= LAST < 2^63");
    struct series r = {.kind = RANGE, .first = from, .left = to - from + 1};
    return add_series(s, &r, error, error_size);
}

static bool add_tower(struct items *s, const char *text, char *error, size_t error_size)
{
    const char *caret = strchr(text, '^');
    uint64_t height, magnitude;
    struct series t = {.kind = TOWER, .base = caret ? strndup(text, (size_t)(caret - text)) : NULL};
    bool negative = t.base && t.base[0] == '-';
    if (!t.base || !value_uint(t.base + negative, 0, INT64_MAX, &magnitude) ||
        !value_uint(caret + 1, 1, ITEMS_MAX_TOWER, &height)) {
        free(t.base);
        return say(error, error_size, "a tower is tower:B^N, B a whole number under 2^63, N from 1 to 4096");
    }
    t.left = height;
    return add_series(s, &t, error, error_size);
}

bool items_add(struct items *s, const char *text, size_t len, char *error, size_t error_size)
{
    static const char tower[] = "tower:";
    double cost;
    if (len > ITEMS_MAX_LINE || memchr(text, '\0', len))
        return say(error, error_size, "no item: too long, or with a NUL inside");
    char *whole = strndup(text, len);
    if (!whole)
        return say(error, error_size, "no memory left");
    const char *dots = strstr(whole, "..");
    bool ok;
    if (strncmp(whole, tower, sizeof tower - 1) == 0)
        ok = add_tower(s, whole + sizeof tower - 1, error, error_size);
    else if (dots)
        ok = add_range(s, whole, dots, error, error_size);
    else
        ok = cost_of(s, whole, len, &cost, error, error_size) &&
             (add_single(s, whole, len, cost, NULL) || say(error, error_size, "no memory left"));
    free(whole);
    return ok;
}

bool items_add_bad(struct items *s, const char *text, size_t len, const char *problem)
{
    return add_single(s, text, len, 1e300, problem);
}

uint64_t items_total(const struct items *s)
{
    return s->total;
}

/* ------------------------------------------------------------------ giving out */

static int by_falling_cost(const void *a, const void *b)
{
    const struct single *x = a, *y = b;
    if (x->cost != y->cost)
        return x->cost < y->cost ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id; /* qsort(3) keeps no order of its own */
}

static struct series *costliest_series(struct items *s)
{
    struct series *best = NULL;
    for (size_t i = 0; i < s->n_series; i++)
        if (s->series[i].left > 0 && (!best || s->series[i].cost > best->cost))
            best = &s->series[i];
    return best;
}

static bool give_from_series(struct items *s, struct series *r, uint64_t *id, const char **text)
{
    /* Looking ahead writes into s->text, so the item that is given out is written last. */
    uint64_t index = --r->left;
    if (!look_ahead(s, r) || !write_item(s, r, index)) {
        s->failed = true;
        return false;
    }
    *id = r->first_id + index;
    *text = s->text.data;
    return true;
}

bool items_next(struct items *s, uint64_t *id, const char **text, const char **problem)
{
    if (!s->sorted && s->n_singles)
        qsort(s->singles + s->given_singles, s->n_singles - s->given_singles, sizeof *s->singles,
              by_falling_cost);
    s->sorted = true;
    struct series *series = costliest_series(s);
    struct single *single = s->given_singles < s->n_singles ? &s->singles[s->given_singles] : NULL;
    *problem = NULL;
    if (series && (!single || series->cost > single->cost))
        return give_from_series(s, series, id, text);
    if (!single)
        return false;
    s->given_singles++;
    *id = single->id;
    *text = single->text;
    *problem = single->problem;
    return true;
}

bool items_failed(const struct items *s)
{
    return s->failed;
}
