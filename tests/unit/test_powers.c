#include "kernels/powers.h"
#include "tests/unit/check.h"

#include <gmp.h>
#include <stdio.h>
#include <string.h>

static struct bigpow *context;

static bool compute(const char *text, const char *modulus, struct power_wish wish, struct power_facts *facts,
                    char *error)
{
    struct power p = {0};
    bool ok = power_parse(&p, text, strlen(text), modulus, error, 256) &&
              power_compute(context, NULL, &p, &wish, facts, error, 256);
    power_free(&p);
    return ok;
}

/* Every fact of a power against what GMP says of it. */
static void agrees_with_gmp(const char *base, unsigned long exponent)
{
    static const uint64_t modulus = 2305843009213693951u;
    const struct power_wish decimal = {.sha256 = true, .digits = POWER_DECIMAL, .residue_modulus = modulus};
    const struct power_wish hex = {.digits = POWER_HEXADECIMAL};
    struct power_facts facts;
    char text[512], error[256] = "";
    mpz_t expected;
    mpz_init_set_str(expected, base, 10);
    mpz_pow_ui(expected, expected, exponent);
    snprintf(text, sizeof text, "%s^%lu", base, exponent);
    CU_ASSERT_TRUE_FATAL(compute(text, NULL, decimal, &facts, error));
    char *digits = mpz_get_str(NULL, 10, expected);
    const char *magnitude = digits + (digits[0] == '-');
    size_t n = strlen(magnitude), shown = n < 10 ? n : 10;
    CU_ASSERT_STRING_EQUAL(facts.text, digits);
    CU_ASSERT_EQUAL(facts.text_len, strlen(digits));
    CU_ASSERT_EQUAL(facts.digits, n);
    CU_ASSERT_EQUAL(facts.bits, mpz_sgn(expected) ? mpz_sizeinbase(expected, 2) : 0);
    CU_ASSERT_EQUAL(strncmp(facts.head, magnitude, shown), 0);
    CU_ASSERT_STRING_EQUAL(facts.tail, magnitude + n - shown);
    CU_ASSERT_EQUAL(strlen(facts.head), shown);
    CU_ASSERT_EQUAL(facts.residue, mpz_fdiv_ui(expected, modulus));
    CU_ASSERT_EQUAL(strlen(facts.sha256), 64);
    free(facts.text);
    free(digits);
    CU_ASSERT_TRUE_FATAL(compute(text, NULL, hex, &facts, error));
    digits = mpz_get_str(NULL, 16, expected);
    CU_ASSERT_STRING_EQUAL(facts.text, digits);
    free(facts.text);
    free(digits);
    mpz_clear(expected);
}

static void facts_of_powers(void)
{
    static const char *const bases[] = {"0",
                                        "1",
                                        "-1",
                                        "2",
                                        "-2",
                                        "3",
                                        "10",
                                        "-10",
                                        "1024",
                                        "99",
                                        "-12345678901234567891",
                                        "18446744073709551616",
                                        "340282366920938463463374607431768211455"};
    static const unsigned long exponents[] = {0, 1, 2, 3, 10, 63, 64, 65, 1000, 4321};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++)
            agrees_with_gmp(bases[i], exponents[k]);
    agrees_with_gmp("100000", 100000);
}

/* The digests of known strings: "1024", "-8", "1". From `printf 1024 | sha256sum` and so on. */
static void digests(void)
{
    static const struct {
        const char *text, *sha256;
    } table[] = {
        {"2^10", "e39eef82f61b21e2e7f762fcc4307358f165757f2e77ec855d6992f7e0191932"},
        {"-2^3", "e91592205d3881e3ea35d66973bb4898d7282126ab5afcb355c95d2fc17f3822"},
        {"0^0", "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct power_facts facts;
        char error[256];
        CU_ASSERT_TRUE_FATAL(
            compute(table[i].text, NULL, (struct power_wish){.sha256 = true}, &facts, error));
        CU_ASSERT_STRING_EQUAL(facts.sha256, table[i].sha256);
    }
}

static void raw_digits(void)
{
    struct power_facts facts;
    char error[256];
    CU_ASSERT_TRUE_FATAL(compute("-256^9", NULL, (struct power_wish){.digits = POWER_RAW}, &facts, error));
    CU_ASSERT_EQUAL(facts.text_len, 10);
    for (size_t i = 0; i < 9; i++)
        CU_ASSERT_EQUAL(facts.text[i], 0);
    CU_ASSERT_EQUAL(facts.text[9], 1);
    free(facts.text);
    CU_ASSERT_TRUE_FATAL(compute("0^5", NULL, (struct power_wish){.digits = POWER_RAW}, &facts, error));
    CU_ASSERT_EQUAL(facts.text_len, 0);
    free(facts.text);
}

static void modular_powers(void)
{
    struct power_facts facts;
    char error[256];
    CU_ASSERT_TRUE_FATAL(
        compute("3^1000000000000000000000000000", "1000000007", (struct power_wish){0}, &facts, error));
    mpz_t b, e, m;
    mpz_init_set_ui(b, 3);
    mpz_init_set_str(e, "1000000000000000000000000000", 10);
    mpz_init_set_ui(m, 1000000007);
    mpz_powm(b, b, e, m);
    char expected[32];
    gmp_snprintf(expected, sizeof expected, "%Zd", b);
    CU_ASSERT_STRING_EQUAL(facts.tail, expected);
    mpz_clears(b, e, m, NULL);
    CU_ASSERT_TRUE_FATAL(compute("-2^3", "7", (struct power_wish){0}, &facts, error));
    CU_ASSERT_STRING_EQUAL(facts.head, "6"); /* -8 = 6 mod 7 */
    CU_ASSERT_TRUE_FATAL(compute("5^0", "1", (struct power_wish){0}, &facts, error));
    CU_ASSERT_STRING_EQUAL(facts.head, "0");
}

static void huge_exponents_of_units(void)
{
    struct power_facts facts;
    char error[256];
    CU_ASSERT_TRUE(compute("1^99999999999999999999999", NULL, (struct power_wish){0}, &facts, error));
    CU_ASSERT_STRING_EQUAL(facts.head, "1");
    CU_ASSERT_TRUE(compute("-1^99999999999999999999999", NULL, (struct power_wish){.digits = POWER_DECIMAL},
                           &facts, error));
    CU_ASSERT_STRING_EQUAL(facts.text, "-1");
    free(facts.text);
    CU_ASSERT_TRUE(compute("-1^99999999999999999999998", NULL, (struct power_wish){0}, &facts, error));
    CU_ASSERT_STRING_EQUAL(facts.head, "1");
    CU_ASSERT_TRUE(compute("0^99999999999999999999999", NULL, (struct power_wish){0}, &facts, error));
    CU_ASSERT_STRING_EQUAL(facts.head, "0");
}

static void refusals(void)
{
    static const struct {
        const char *text, *modulus, *says;
        uint64_t memory;
    } table[] = {
        {"", NULL, "is no power", 0},
        {"12", NULL, "is no power", 0},
        {"^", NULL, "the base '' is not a whole number", 0},
        {"2^", NULL, "the exponent '' is not a whole number", 0},
        {"x^2", NULL, "the base 'x' is not a whole number", 0},
        {"2^3^4", NULL, "the exponent '3^4' is not", 0},
        {"2^1.5", NULL, "the exponent '1.5' is not", 0},
        {" 2^3", NULL, "the base ' 2' is not", 0},
        {"2^-3", NULL, "the exponent is negative", 0},
        {"2^3", "0", "the modulus is 0", 0},
        {"2^3", "m", "the modulus 'm' is not", 0},
        {"2^1000000000000000000000000", NULL, "too large: it would need more than 16 EiB", 0},
        {"2^1000000000000000", NULL, "too large: it would need", 0},
        {"2^1000000000", NULL, "too large: it would need", 1 << 20},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct power_facts facts;
        char error[256] = "";
        bool ok = compute(table[i].text, table[i].modulus, (struct power_wish){.memory = table[i].memory},
                          &facts, error);
        if (ok || !strstr(error, table[i].says))
            printf("\n    '%s': '%s'\n", table[i].text, error);
        CU_ASSERT_FALSE(ok);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, table[i].says));
    }
}

static void costs_grow(void)
{
    static const char *const ascending[] = {"1^5", "2^10", "3^10", "1000^1000", "1001^1001", "2^1000000"};
    double before = -1;
    char error[256];
    for (size_t i = 0; i < sizeof ascending / sizeof *ascending; i++) {
        struct power p = {0};
        CU_ASSERT_TRUE_FATAL(power_parse(&p, ascending[i], strlen(ascending[i]), NULL, error, sizeof error));
        CU_ASSERT_TRUE(power_cost(&p) > before);
        before = power_cost(&p);
        power_free(&p);
    }
}

/* A small power in the space of a large one, one that fails, and a large one again. */
static void space_is_kept(void)
{
    static const char *const items[] = {"7^300000", "3^5",  "3^99999999999999",
                                        "7^300000", "-2^3", "7^400000"};
    struct bigpow_decimal space = {0};
    const struct power_wish wish = {.sha256 = true, .memory = (uint64_t)1 << 30};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        struct power p = {0};
        struct power_facts kept = {0}, alone = {0};
        char error[256] = "";
        if (power_parse(&p, items[i], strlen(items[i]), NULL, error, sizeof error)) {
            bool good = power_compute(context, &space, &p, &wish, &kept, error, sizeof error);
            CU_ASSERT_EQUAL(good, power_compute(context, NULL, &p, &wish, &alone, error, sizeof error));
            CU_ASSERT_EQUAL(good, i != 2);
            CU_ASSERT_EQUAL(kept.digits, alone.digits);
            CU_ASSERT_STRING_EQUAL(kept.sha256, alone.sha256);
        }
        power_free(&p);
    }
    bigpow_decimal_free(&space);
}

int main(void)
{
    static const struct check checks[] = {
        {"facts of powers", facts_of_powers},
        {"digests", digests},
        {"raw digits", raw_digits},
        {"modular powers", modular_powers},
        {"huge exponents of units", huge_exponents_of_units},
        {"refusals", refusals},
        {"costs grow", costs_grow},
        {"space is kept from power to power", space_is_kept},
        {0},
    };
    context = bigpow_new(NULL, 1);
    int code = context ? check_run("powers", checks) : EXIT_FAILURE;
    bigpow_free(context);
    return code;
}
