#include "io/glob.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

/* All URLs of a pattern, joined by blanks; "error POSITION" if it is malformed. */
static void expand(const char *pattern, struct buffer *out)
{
    struct glob_error error;
    struct glob *g = glob_parse(pattern, strlen(pattern), &error);
    struct buffer one;
    uint64_t n = 0;
    buffer_init(&one, 1000);
    buffer_reset(out);
    if (!g)
        CU_ASSERT_TRUE(buffer_addf(out, "error %zu", error.position));
    while (g && n < 200 && glob_next(g, &one) == GLOB_TEXT)
        CU_ASSERT_TRUE(buffer_addf(out, "%s%s", n++ ? " " : "", one.data));
    if (g && glob_count(g) < 200)
        CU_ASSERT_EQUAL(glob_count(g), n);
    glob_free(g);
    buffer_free(&one);
}

static void expands(void)
{
    static const struct {
        const char *pattern, *urls;
    } cases[] = {
        {"http://a/", "http://a/"},
        {"a[1-3]b", "a1b a2b a3b"},
        {"[08-11]", "08 09 10 11"},
        {"[000-10:5]", "000 005 010"},
        {"[1-10:4]", "1 5 9"},
        {"[7-7]", "7"},
        {"[a-e:2]", "a c e"},
        {"[X-Z]", "X Y Z"},
        {"{a,b}{1,2}", "a1 a2 b1 b2"},
        {"{one}", "one"},
        {"{,s}x", "x sx"},
        {"http{,s}://h/[1-2]", "http://h/1 http://h/2 https://h/1 https://h/2"},
        {"{a\\,b,c\\}}", "a,b c}"},
        {"a\\[1-3\\]\\{\\}", "a[1-3]{}"},
        {"a\\b\\\\", "a\\b\\\\"},
        {"a%5B1-3%5D", "a%5B1-3%5D"},
        {"http://[::1]/[1-2]", "http://[::1]/1 http://[::1]/2"},
        {"http://[fe80::1%25eth-0]:80/", "http://[fe80::1%25eth-0]:80/"},
        {"[18446744073709551614-18446744073709551615]", "18446744073709551614 18446744073709551615"},
        {"error", "error"},
        {"a[1-", "error 1"},
        {"a[1-3", "error 1"},
        {"a[3-1]", "error 1"},
        {"a[1-z]", "error 1"},
        {"a[A-z]", "error 1"},
        {"a[1-3:0]", "error 7"},
        {"a[1-3:]", "error 6"},
        {"a[]", "error 1"},
        {"a[x]", "error 1"},
        {"a[0-18446744073709551615]", "error 1"},
        {"a[0-18446744073709551616]", "error 1"},
        {"[1-10000000000][1-10000000000]", "error 15"},
        {"a]", "error 1"},
        {"a}", "error 1"},
        {"a{b", "error 1"},
        {"a{b\\", "error 1"},
        {"a{}", "error 1"},
        {"{a{b}}", "error 2"},
        {"{a[1-2]}", "error 2"},
    };
    struct buffer out;
    buffer_init(&out, 100000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expand(cases[i].pattern, &out);
        if (strcmp(out.data, cases[i].urls) != 0) {
            printf("\n    %s: %s\n", cases[i].pattern, out.data);
            CU_FAIL("not as expected");
        }
    }
    buffer_free(&out);
}

static void bounds(void)
{
    static char pattern[GLOB_LENGTH_MAX + 1];
    struct glob_error error;
    struct buffer out;
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = "{a}"[i % 3];
    CU_ASSERT_PTR_NULL(glob_parse(pattern, 3 * (GLOB_PARTS_MAX + 1), &error));
    CU_ASSERT_PTR_NULL(glob_parse(pattern, sizeof(pattern), &error));
    CU_ASSERT_PTR_NULL(glob_parse("a\0b", 3, &error));
    struct glob *g = glob_parse(pattern, 3 * GLOB_PARTS_MAX, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(g);
    buffer_init(&out, 10);
    CU_ASSERT_EQUAL(glob_next(g, &out), GLOB_NO_MEMORY);
    CU_ASSERT_EQUAL(glob_next(g, &out), GLOB_END);
    buffer_free(&out);
    glob_free(g);
}

/* 10^12 URLs take no more memory than one. */
static void is_lazy(void)
{
    static const char pattern[] = "http://h/[0-999999]/[0-999999]";
    struct glob_error error;
    struct glob *g = glob_parse(pattern, strlen(pattern), &error);
    struct buffer out;
    buffer_init(&out, 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(g);
    CU_ASSERT_EQUAL(glob_count(g), 1000000000000u);
    for (int i = 0; i <= 1000001; i++)
        if (glob_next(g, &out) != GLOB_TEXT)
            CU_FAIL("ended early");
    CU_ASSERT_STRING_EQUAL(out.data, "http://h/1/1");
    buffer_free(&out);
    glob_free(g);
}

int main(void)
{
    static const struct check checks[] = {
        {"expands", expands},
        {"bounds", bounds},
        {"is lazy", is_lazy},
        {NULL, NULL},
    };
    return check_run("glob", checks);
}
