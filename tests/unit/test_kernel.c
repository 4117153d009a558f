#include "kernels/kernel.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

static struct field_value text(const char *s)
{
    return (struct field_value){.text = (char *)(uintptr_t)s, .size = s ? strlen(s) : 0};
}

static void names(void)
{
    CU_ASSERT_PTR_EQUAL(kernel_find("pow"), &kernel_pow);
    CU_ASSERT_PTR_NULL(kernel_find("power"));
    CU_ASSERT_PTR_NULL(kernel_find(""));
}

static void powers_of_operands(void)
{
    /* digits, head, tail, residue modulo 2^61 - 1; by Python's integers */
    static const struct {
        const char *base, *exponent, *modulus, *fields[4];
    } table[] = {
        {"2", "10", NULL, {"4", "1024", "1024", "1024"}},
        {"-3", "3", NULL, {"2", "27", "27", "2305843009213693924"}},
        {"2", "61", NULL, {"19", "2305843009", "9213693952", "1"}},
        {"7", "100", "1000", {"1", "1", "1", "1"}},
        {"0", "0", NULL, {"1", "1", "1", "1"}},
    };
    void *state = kernel_pow.open(1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(state);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct field_value in[] = {text(table[i].base), text(table[i].exponent),
                                         text(table[i].modulus)};
        struct field_value out[4] = {0};
        char error[256] = "";
        CU_ASSERT_TRUE_FATAL(kernel_pow.run(state, in, out, error, sizeof error));
        for (size_t k = 0; k < 4; k++)
            CU_ASSERT_STRING_EQUAL(out[k].text, table[i].fields[k]);
        field_values_free(out, 4);
    }
    kernel_pow.close(state);
}

static void hostile_operands(void)
{
    static const struct {
        const char *base, *exponent, *modulus, *says;
    } table[] = {
        {NULL, "2", NULL, "the page has no base"},
        {"2", NULL, NULL, "the page has no exponent"},
        {"x", "2", NULL, "the base 'x' is not a whole number"},
        {"2^3", "4", NULL, "the base '2^3' is not a whole number"},
        {"2", "3^4", NULL, "the exponent '3^4' is not a whole number"},
        {"", "", NULL, "the base '' is not a whole number"},
        {"2", "-1", NULL, "the exponent is negative"},
        {"2", "3", "0", "the modulus is 0"},
        {"9", "99999999999", NULL, "too large"},
        {"9", "99999999999999999999999999", NULL, "too large"},
    };
    void *state = kernel_pow.open(1);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct field_value in[] = {text(table[i].base), text(table[i].exponent),
                                         text(table[i].modulus)};
        struct field_value out[4] = {0};
        char error[256] = "";
        bool ok = kernel_pow.run(state, in, out, error, sizeof error);
        if (ok || !strstr(error, table[i].says))
            printf("\n    %zu: '%s'\n", i, error);
        CU_ASSERT_FALSE(ok);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, table[i].says));
        CU_ASSERT_PTR_NULL(out[0].text);
    }
    kernel_pow.close(state);
}

static void constants_are_checked_beforehand(void)
{
    char error[256];
    const char *const good[] = {NULL, "5", "100"}, *const negative[] = {NULL, "-5", NULL},
                      *const zero[] = {"2", NULL, "0"};
    CU_ASSERT_TRUE(kernel_pow.check(good, error, sizeof error));
    CU_ASSERT_FALSE(kernel_pow.check(negative, error, sizeof error));
    CU_ASSERT_FALSE(kernel_pow.check(zero, error, sizeof error));
}

int main(void)
{
    static const struct check checks[] = {
        {"names", names},
        {"powers of operands", powers_of_operands},
        {"hostile operands", hostile_operands},
        {"constants are checked beforehand", constants_are_checked_beforehand},
        {0},
    };
    return check_run("kernel", checks);
}
