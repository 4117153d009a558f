#include "src/values.h"
#include "tests/unit/check.h"

#include <stdio.h>

static void numbers(void)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } table[] = {
        {"1", true, 1},
        {"007", true, 7},
        {"100", true, 100},
        {"101", false, 0},
        {"0", false, 0},
        {"", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"1.5", false, 0},
        {"0x10", false, 0},
        {"ten", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint64_t value;
        bool good = value_uint(table[i].text, 1, 100, &value);
        if (good != table[i].good)
            printf("\n    '%s'\n", table[i].text);
        CU_ASSERT_EQUAL(good, table[i].good);
        if (good)
            CU_ASSERT_EQUAL(value, table[i].value);
    }
}

static void seconds(void)
{
    static const struct {
        const char *text;
        bool good;
        int64_t ns;
    } table[] = {
        {"0", true, 0},          {"1", true, 1000000000},  {"0.25", true, 250000000},
        {".5", true, 500000000}, {"2.", true, 2000000000}, {"10", true, 10000000000},
        {"10.1", false, 0},      {"", false, 0},           {".", false, 0},
        {"1.2.3", false, 0},     {"-1", false, 0},         {"1e3", false, 0},
        {"inf", false, 0},       {"nan", false, 0},        {"1s", false, 0},
        {" 1", false, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t ns;
        bool good = value_seconds(table[i].text, 10, &ns);
        if (good != table[i].good)
            printf("\n    '%s'\n", table[i].text);
        CU_ASSERT_EQUAL(good, table[i].good);
        if (good)
            CU_ASSERT_EQUAL(ns, table[i].ns);
    }
}

static void sizes(void)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t bytes;
    } table[] = {
        {"1", true, 1},        {"16k", true, 16384},
        {"16K", true, 16384},  {"3M", true, 3 << 20},
        {"1G", true, 1 << 30}, {"2G", false, 0},
        {"1T", false, 0},      {"0", false, 0},
        {"", false, 0},        {"M", false, 0},
        {"1MB", false, 0},     {"1.5M", false, 0},
        {"-1K", false, 0},     {"99999999999999T", false, 0},
        {"1 M", false, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint64_t bytes;
        bool good = value_size(table[i].text, 1 << 30, &bytes);
        if (good != table[i].good)
            printf("\n    '%s'\n", table[i].text);
        CU_ASSERT_EQUAL(good, table[i].good);
        if (good)
            CU_ASSERT_EQUAL(bytes, table[i].bytes);
    }
}

static void names(void)
{
    static const char *const good[] = {"title", "_x", "h1", "a.b-c_d", "T"};
    static const char *const bad[] = {"", "1h", "a b", "a\tb", "-x", "caf\xc3\xa9", "a[href", "x="};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT_TRUE(value_name(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(value_name(bad[i]));
}

int main(void)
{
    static const struct check checks[] = {
        {"numbers", numbers}, {"seconds", seconds}, {"sizes", sizes}, {"names", names}, {0},
    };
    return check_run("values", checks);
}
