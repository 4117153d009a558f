/*
 * Powers without memory, and how much of it they take. Whichever allocation fails, the call says so, and its result is
 * what it was or empty; the peak of a power that succeeds is within what bigpow_power_estimate says. The linker puts the
 * allocators below in place of the C library's; GMP's own are counted through mp_set_memory_functions and never fail.
 */
#include "tests/unit/check.h"

#include <malloc.h>
#include <stdint.h>

#include "kernels/powers.h"
#include "tests/unit/big_common.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *p);

/* Allocations until one fails, and all after it; < 0: none will. */
static long until_failure = -1;
static size_t held, peak; /* bytes */

static bool fails(void)
{
    if (until_failure < 0)
        return false;
    until_failure -= until_failure > 0;
    return until_failure == 0;
}

static void *count_in(void *p)
{
    held += p ? malloc_usable_size(p) : 0;
    peak = held > peak ? held : peak;
    return p;
}

static void count_out(void *p)
{
    held -= p ? malloc_usable_size(p) : 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : count_in(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : count_in(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    count_out(old);
    return count_in(__real_realloc(old, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : count_in(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *p)
{
    count_out(p);
    __real_free(p);
}

static void *gmp_allocate(size_t size)
{
    return count_in(__real_malloc(size));
}

static void *gmp_reallocate(void *old, size_t old_size, size_t size)
{
    (void)old_size;
    count_out(old);
    return count_in(__real_realloc(old, size));
}

static void gmp_release(void *p, size_t size)
{
    (void)size;
    __wrap_free(p);
}

/* ------------------------------------------------------------------ failures */

enum call {
    CALL_MULTIPLY,
    CALL_MULTIPLY_IN_PLACE,
    CALL_SQUARE,
    CALL_POWER,
    CALL_POWER_IN_PLACE,
    CALL_POWER_DECIMAL,
    CALL_TO_DECIMAL,
    CALL_MODULO,
    CALL_PARSE,
    CALL_SET,
    CALL_IMPORT
};

struct trial {
    const char *name;
    enum call call;
    const char *base; /* an operand; of products it is raised to 2000 first */
    uint64_t exponent;
    bool faulty; /* every result of a transform gets a wrong bit: all the ways out of that are walked too */
};

struct state {
    struct bigpow *context;
    struct bigpow_number base, other, result;
    struct bigpow_decimal decimal;
};

static const char digits[] = "123456789012345678901234567890123456789012345678901234567890";

static enum bigpow_status call(const struct trial *t, struct state *s)
{
    switch (t->call) {
    case CALL_MULTIPLY:
        return bigpow_multiply(s->context, &s->result, &s->base, &s->other);
    case CALL_MULTIPLY_IN_PLACE:
        return bigpow_multiply(s->context, &s->result, &s->result, &s->base);
    case CALL_SQUARE:
        return bigpow_square(s->context, &s->result, &s->base);
    case CALL_POWER:
        return bigpow_power(s->context, &s->result, &s->base, t->exponent);
    case CALL_POWER_IN_PLACE:
        return bigpow_power(s->context, &s->result, &s->result, t->exponent);
    case CALL_POWER_DECIMAL:
        return bigpow_power_decimal(s->context, &s->decimal, &s->base, t->exponent);
    case CALL_TO_DECIMAL:
        return bigpow_to_decimal(s->context, &s->decimal, &s->base);
    case CALL_MODULO:
        return bigpow_power_modulo(&s->result, &s->base, &s->other, &s->base);
    case CALL_PARSE:
        return bigpow_number_parse(&s->result, digits, sizeof digits - 1);
    case CALL_SET:
        return bigpow_number_set(&s->result, -5);
    default:
        return bigpow_number_import(&s->result, s->base.limbs, s->base.count, true);
    }
}

/* The result is -77 or empty; a number and a decimal alike. */
static bool untouched(const struct state *s)
{
    const struct bigpow_number *n = &s->result;
    const struct bigpow_decimal *d = &s->decimal;
    bool number = n->count == 0 ? !n->negative : n->count == 1 && n->limbs[0] == 77 && n->negative;
    bool decimal = d->count == 0 ? !d->negative && !d->zeros
                                 : d->count == 1 && d->chunks[0] == 77 && d->negative && !d->zeros;
    return number && decimal;
}

static struct state begin(const struct trial *t)
{
    struct state s = {.context = bigpow_new(NULL, 11)};
    bool long_operand = t->call <= CALL_SQUARE || t->call == CALL_TO_DECIMAL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(s.context);
    CU_ASSERT_EQUAL_FATAL(bigpow_number_parse(&s.base, t->base, strlen(t->base)), BIGPOW_OK);
    if (long_operand)
        CU_ASSERT_EQUAL_FATAL(bigpow_power(s.context, &s.base, &s.base, 2000), BIGPOW_OK);
    CU_ASSERT_EQUAL_FATAL(bigpow_number_import(&s.other, s.base.limbs, s.base.count, false), BIGPOW_OK);
    s.other.limbs[0] ^= 2; /* no square */
    CU_ASSERT_EQUAL_FATAL(bigpow_number_set(&s.result, -77), BIGPOW_OK);
    CU_ASSERT_EQUAL_FATAL(bigpow_to_decimal(s.context, &s.decimal, &s.result), BIGPOW_OK);
    bigpow_trim(s.context);
    enum bigpow_fault_place place = t->call == CALL_TO_DECIMAL ? BIGPOW_FAULT_DIGIT : BIGPOW_FAULT_LIMB;
    if (t->faulty)
        bigpow_set_fault(s.context, (struct bigpow_fault){place, 0, 1000, 3, 5});
    return s;
}

static void end(struct state *s)
{
    bigpow_number_free(&s->base);
    bigpow_number_free(&s->other);
    bigpow_number_free(&s->result);
    bigpow_decimal_free(&s->decimal);
    bigpow_free(s->context);
}

/* Fails at the first allocation, the second, and so on, until one call needs no more. */
static void try_all(const struct trial *t)
{
    long refused = 0;
    for (bool done = false; !done; refused += !done) {
        struct state s = begin(t);
        until_failure = refused + 1;
        enum bigpow_status status = call(t, &s);
        until_failure = -1;
        done = status == BIGPOW_OK;
        bool right = done || (status == BIGPOW_NO_MEMORY && untouched(&s));
        if (!right)
            printf("\n    %s, allocation %ld: %s\n", t->name, refused, bigpow_status_text(status));
        CU_ASSERT_TRUE(right);
        /* The context is as good as before. */
        bigpow_set_fault(s.context, (struct bigpow_fault){0});
        CU_ASSERT_EQUAL(call(t, &s), BIGPOW_OK);
        end(&s);
        if (refused > 1000)
            done = true;
    }
    CU_ASSERT_TRUE(refused > 0 && refused < 1000);
}

static void failures(void)
{
    static const char wide[] = "123456789012345678901234567890";
    static const struct trial trials[] = {
        {"product", CALL_MULTIPLY, wide, 0, false},
        {"product in place", CALL_MULTIPLY_IN_PLACE, wide, 0, false},
        {"square", CALL_SQUARE, wide, 0, false},
        {"faulty square", CALL_SQUARE, wide, 0, true},
        {"power", CALL_POWER, "1000003", 3003, false},
        {"faulty power", CALL_POWER, "1000003", 3003, true},
        {"even power", CALL_POWER, "-1000000", 3003, false},
        {"power of a long base", CALL_POWER, wide, 701, false},
        {"faulty power of a long base", CALL_POWER, wide, 701, true},
        {"small power", CALL_POWER, "-3", 3, false},
        {"power in place", CALL_POWER_IN_PLACE, "2", 5001, false},
        {"decimal power", CALL_POWER_DECIMAL, "-1000003", 3003, false},
        {"faulty decimal power", CALL_POWER_DECIMAL, "-1000003", 3003, true},
        {"decimal power of a long base", CALL_POWER_DECIMAL, wide, 701, false},
        {"small decimal power", CALL_POWER_DECIMAL, "-30", 3, false},
        {"conversion", CALL_TO_DECIMAL, wide, 0, false},
        {"faulty conversion", CALL_TO_DECIMAL, wide, 0, true},
        {"modular power", CALL_MODULO, wide, 0, false},
        {"parsing", CALL_PARSE, "1", 0, false},
        {"setting", CALL_SET, "1", 0, false},
        {"importing", CALL_IMPORT, "1", 0, false},
    };
    for (size_t k = 0; k < sizeof(trials) / sizeof(*trials); k++)
        try_all(&trials[k]);
}

/* What is refused for its arguments leaves the result alone. */
static void refusals(void)
{
    const struct trial none = {"", CALL_POWER, "3", 0, false};
    struct state s = begin(&none);
    struct bigpow_number zero = {0}, minus = {0};
    CU_ASSERT_EQUAL(bigpow_number_set(&minus, -1), BIGPOW_OK);
    CU_ASSERT_EQUAL(bigpow_power(s.context, &s.result, &s.base, UINT64_MAX), BIGPOW_TOO_LARGE);
    CU_ASSERT_TRUE(untouched(&s) && s.result.count == 1);
    CU_ASSERT_EQUAL(bigpow_power(s.context, &s.result, &s.result, UINT64_MAX / 2), BIGPOW_TOO_LARGE);
    CU_ASSERT_TRUE(untouched(&s) && s.result.count == 1);
    CU_ASSERT_EQUAL(bigpow_power_decimal(s.context, &s.decimal, &s.base, UINT64_MAX), BIGPOW_TOO_LARGE);
    CU_ASSERT_TRUE(untouched(&s) && s.decimal.count == 1);
    CU_ASSERT_EQUAL(bigpow_power_modulo(&s.result, &s.base, &s.base, &zero), BIGPOW_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(bigpow_power_modulo(&s.result, &s.base, &minus, &s.base), BIGPOW_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(bigpow_power_modulo(&s.result, &s.base, &minus, &zero), BIGPOW_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(bigpow_number_parse(&s.result, "12x", 3), BIGPOW_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(bigpow_number_parse(&s.result, "-", 1), BIGPOW_BAD_ARGUMENT);
    CU_ASSERT_TRUE(untouched(&s) && s.result.count == 1);
    CU_ASSERT_EQUAL(bigpow_power_modulo(&s.result, &s.base, &s.base, &minus), BIGPOW_OK); /* modulo -1 */
    CU_ASSERT_EQUAL(s.result.count, 0);
    bigpow_number_free(&minus);
    end(&s);
}

/* ------------------------------------------------------------------ estimates */

/* The most that a power held at a time over what the estimate says. */
static double filled(const char *base_text, uint64_t exponent, bool decimal)
{
    struct bigpow_number base = {0}, result = {0};
    struct bigpow_decimal text = {0};
    struct bigpow *context = bigpow_new(NULL, 12);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    CU_ASSERT_EQUAL_FATAL(bigpow_number_parse(&base, base_text, strlen(base_text)), BIGPOW_OK);
    struct bigpow_estimate estimate = bigpow_power_estimate(&base, exponent);
    size_t before = held;
    peak = held;
    enum bigpow_status status = decimal ? bigpow_power_decimal(context, &text, &base, exponent)
                                        : bigpow_power(context, &result, &base, exponent);
    size_t taken = peak - before;
    CU_ASSERT_EQUAL(status, BIGPOW_OK);
    bigpow_number_free(&base);
    bigpow_number_free(&result);
    bigpow_decimal_free(&text);
    bigpow_free(context);
    double ratio = (double)taken / (double)(decimal ? estimate.decimal_bytes : estimate.binary_bytes);
    printf("\n    %.25s^%llu %s: %.1f MB, %.2f of the estimate", base_text, (unsigned long long)exponent,
           decimal ? "decimal" : "binary", (double)taken * 1e-6, ratio);
    return ratio;
}

static void estimates(void)
{
    static const struct {
        const char *base;
        uint64_t exponent;
    } powers[] = {
        {"1000003", 1000003},
        {"1000000", 1000000}, /* no more than 5^1000000, then a shift */
        {"2", 20000000},
        {"3", 900001},
        {"1000003", 150000},
        {"1048575", 1700000},
        {"1048577", 700000},             /* over 20 bits */
        {"18446744073709551557", 90001}, /* a whole word */
        {"340282366920938463463374607431768211297", 40001},
    };
    for (size_t k = 0; k < sizeof(powers) / sizeof(*powers); k++) {
        for (int decimal = 0; decimal < 2; decimal++) {
            double ratio = filled(powers[k].base, powers[k].exponent, decimal);
            CU_ASSERT_TRUE(ratio <= 1);
        }
    }
    printf("\n");
}

/* What a row needs of a power, with all digits of it: the peak is within what is asked for, and that no more than half as
 * much again. */
static void rows(void)
{
    static const char power_text[] = "1000003^1000003";
    char error[256];
    for (int digits_wanted = POWER_NO_DIGITS; digits_wanted <= POWER_RAW; digits_wanted++) {
        const struct power_wish wish = {.sha256 = true, .digits = (enum power_digits)digits_wanted};
        struct bigpow *context = bigpow_new(NULL, 13);
        struct power p = {0};
        struct power_facts facts = {0};
        CU_ASSERT_TRUE_FATAL(context &&
                             power_parse(&p, power_text, strlen(power_text), NULL, error, sizeof error));
        size_t before = held;
        peak = held;
        CU_ASSERT_TRUE(power_compute(context, NULL, &p, &wish, &facts, error, sizeof error));
        double ratio = (double)(peak - before) / (double)power_memory(&p, &wish);
        printf("\n    digits %d: %.2f of what is asked for", digits_wanted, ratio);
        CU_ASSERT_TRUE(ratio <= 1 && ratio > 0.67);
        free(facts.text);
        power_free(&p);
        bigpow_free(context);
    }
    printf("\n");
}

int main(void)
{
    const struct check checks[] = {
        {"every allocation fails once", failures},
        {"refused arguments", refusals},
        {"the peak is within the estimate", estimates},
        {"the peak of a row too", rows},
        {NULL, NULL},
    };
    mp_set_memory_functions(gmp_allocate, gmp_reallocate, gmp_release);
    return check_run("bigpow_memory", checks);
}
