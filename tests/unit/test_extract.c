/* kernels/extract: fields of a page from end to end, errors, and many threads on one extractor. */
#include "kernels/extract.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FIELDS = 8 };

static struct extractor *extractor_of(const char *const *selectors, unsigned milliseconds)
{
    struct extract_limits limits = extract_default_limits();
    struct extract_error error;
    char name[32];
    limits.milliseconds = milliseconds;
    struct extractor *extractor = extractor_create(&limits);
    for (size_t i = 0; extractor && selectors[i]; i++) {
        snprintf(name, sizeof name, "f%zu", i);
        CU_ASSERT_FATAL(extractor_add(extractor, name, selectors[i], &error));
    }
    return extractor;
}

static enum extract_status run(const struct extractor *extractor, struct extract_scratch *scratch,
                               const char *body, const char *content_type, struct field_value *values,
                               struct extract_error *error)
{
    struct page page = {(const uint8_t *)body, strlen(body), content_type, NULL};
    return extract_run(extractor, scratch, &page, values, error);
}

static bool is(const struct field_value *value, const char *text)
{
    return text ? value->text && value->size == strlen(text) && strcmp(value->text, text) == 0 : !value->text;
}

static void test_fields(void)
{
    static const char *const selectors[] = {
        "h1", "a@href", "a@title", "h2", "h3", "regex:<h1>(.*?)</h1>", "regex:x+y", NULL};
    static const char body[] = "<h1>caf\xe9 &amp; <b>t\xe9</b></h1><a href='?a=1&amp;b=\xe9'>x</a><h2></h2>";
    struct extractor *extractor = extractor_of(selectors, 60000);
    struct extract_scratch *scratch = extract_scratch_create();
    struct field_value values[MAX_FIELDS];
    struct extract_error error;
    CU_ASSERT_FATAL(extractor && scratch);
    CU_ASSERT(extractor_count(extractor) == 7);
    CU_ASSERT_STRING_EQUAL(extractor_name(extractor, 6), "f6");
    for (int i = 0; i < 3; i++) {
        CU_ASSERT(run(extractor, scratch, body, "text/html", values, &error) == EXTRACT_OK);
        CU_ASSERT(is(&values[0], "café & té"));
        CU_ASSERT(is(&values[1], "?a=1&b=é"));
        CU_ASSERT(is(&values[2], NULL));
        CU_ASSERT(is(&values[3], ""));
        CU_ASSERT(is(&values[4], NULL));
        CU_ASSERT(is(&values[5], "café &amp; <b>té</b>"));
        CU_ASSERT(is(&values[6], NULL));
        field_values_free(values, 7);
    }
    CU_ASSERT(run(extractor, scratch, "", NULL, values, &error) == EXTRACT_OK && is(&values[0], NULL));
    extract_scratch_destroy(scratch);
    extractor_destroy(extractor);
}

static void test_json_fields(void)
{
    static const char *const selectors[] = {"json:/a/0", "json:/b", "json:/c", NULL};
    struct extractor *extractor = extractor_of(selectors, 60000);
    struct extract_scratch *scratch = extract_scratch_create();
    struct field_value values[MAX_FIELDS];
    struct extract_error error;
    CU_ASSERT_FATAL(extractor && scratch);
    CU_ASSERT(run(extractor, scratch, "\xef\xbb\xbf{\"a\":[\"x\"],\"b\":{\"c\":1.50}}", "application/json",
                  values, &error) == EXTRACT_OK);
    CU_ASSERT(is(&values[0], "x") && is(&values[1], "{\"c\":1.5}") && is(&values[2], NULL));
    field_values_free(values, 3);
    CU_ASSERT(run(extractor, scratch, "<html>", "text/html", values, &error) == EXTRACT_BAD_PAGE);
    CU_ASSERT(strncmp(error.message, "field f0: not JSON: line 1: ", 28) == 0);
    CU_ASSERT(!values[0].text);
    extract_scratch_destroy(scratch);
    extractor_destroy(extractor);
}

static void test_regex_groups_and_places(void)
{
    static const char *const selectors[] = {"regex:(a)|b", "regex:^c",         "regex:(?m)^(.)é$",
                                            "regex:z*$",   "regex:(?<=é\\n).", NULL};
    struct extractor *extractor = extractor_of(selectors, 60000);
    struct extract_scratch *scratch = extract_scratch_create();
    struct field_value values[MAX_FIELDS];
    struct extract_error error;
    CU_ASSERT_FATAL(extractor && scratch);
    CU_ASSERT(run(extractor, scratch, "xb\nyé\nc", NULL, values, &error) == EXTRACT_OK);
    CU_ASSERT(is(&values[0], NULL)); /* matches, but its group takes no part */
    CU_ASSERT(is(&values[1], NULL));
    CU_ASSERT(is(&values[2], "y"));
    CU_ASSERT(is(&values[3], ""));
    CU_ASSERT(is(&values[4], "c"));
    field_values_free(values, 5);
    extract_scratch_destroy(scratch);
    extractor_destroy(extractor);
}

/* A match far into a long text, so that it takes several windows of the search. */
static void test_regex_far_away(void)
{
    static char body[3000001];
    static const char *const selectors[] = {"regex:.b(é+)", "regex:x", NULL};
    struct extractor *extractor = extractor_of(selectors, 60000);
    struct extract_scratch *scratch = extract_scratch_create();
    struct field_value values[2];
    struct extract_error error;
    CU_ASSERT_FATAL(extractor && scratch);
    memset(body, 'b', sizeof body - 1);
    for (size_t at = 100; at < sizeof body - 10; at = at * 3 + 1) {
        memcpy(body + at, "éé", 4);
        CU_ASSERT(run(extractor, scratch, body, NULL, values, &error) == EXTRACT_OK && is(&values[0], "éé"));
        field_values_free(values, 2);
        memset(body + at, 'b', 4);
    }
    CU_ASSERT(run(extractor, scratch, body, NULL, values, &error) == EXTRACT_OK && is(&values[0], NULL));
    for (size_t at = 0; at < 100; at++) { /* some of them just behind a window's end */
        body[at] = 'x';
        CU_ASSERT(run(extractor, scratch, body, NULL, values, &error) == EXTRACT_OK && is(&values[1], "x"));
        field_values_free(values, 2);
        body[at] = 'b';
    }
    extract_scratch_destroy(scratch);
    extractor_destroy(extractor);
}

static void test_costs_are_bounded(void)
{
    static char body[2000001];
    static const struct {
        const char *selector;
        enum extract_status status;
        const char *message;
    } table[] = {
        {"regex:(?:a+)+[cd]", EXTRACT_TOO_SLOW,
         "field f0: pattern takes too much time or memory on this page"},
        {"regex:a(?=a*[bc])", EXTRACT_TOO_SLOW,
         "field f0: pattern takes too much time or memory on this page"},
        {"regex:(a|aa|aaa)*[bc]", EXTRACT_TOO_SLOW,
         "field f0: pattern takes too much time or memory on this page"},
        {"p", EXTRACT_TOO_LARGE, "field f0: value of more than 1 MiB"},
        {"regex:(a+)", EXTRACT_TOO_LARGE, "field f0: value of more than 1 MiB"},
    };
    memset(body, 'a', sizeof body - 1);
    memcpy(body, "<p>", 3);
    struct extract_scratch *scratch = extract_scratch_create();
    CU_ASSERT_FATAL(scratch != NULL);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *const selectors[] = {table[i].selector, NULL};
        struct extractor *extractor = extractor_of(selectors, i < 3 ? 100 : 60000);
        struct field_value value;
        struct extract_error error;
        CU_ASSERT_FATAL(extractor != NULL);
        enum extract_status status = run(extractor, scratch, body, NULL, &value, &error);
        if (status != table[i].status)
            printf("\n%s: status %d\n", table[i].selector, (int)status);
        CU_ASSERT(status == table[i].status);
        CU_ASSERT_STRING_EQUAL(error.message, table[i].message);
        CU_ASSERT(!value.text);
        extractor_destroy(extractor);
    }
    extract_scratch_destroy(scratch);
}

static void test_additions(void)
{
    struct extract_limits limits = extract_default_limits();
    struct extract_error error;
    struct extractor *extractor = extractor_create(&limits);
    CU_ASSERT_FATAL(extractor != NULL);
    CU_ASSERT(!extractor_add(extractor, "x", "h1,,h2", &error) && error.offset == 3);
    CU_ASSERT_STRING_EQUAL(error.message, "field x: a selector is expected here (at byte 4)");
    CU_ASSERT(!extractor_add(extractor, "", "h1", &error));
    CU_ASSERT(extractor_add(extractor, "x", "h1", &error));
    CU_ASSERT(!extractor_add(extractor, "x", "h2", &error));
    CU_ASSERT_STRING_EQUAL(error.message, "field x: given twice");
    CU_ASSERT(extractor_count(extractor) == 1);
    extractor_destroy(extractor);
}

static void *run_often(void *shared)
{
    const struct extractor *extractor = shared;
    struct extract_scratch *scratch = extract_scratch_create();
    struct field_value values[MAX_FIELDS];
    struct extract_error error;
    char body[64];
    size_t wrong = scratch ? 0 : 1000;
    for (int i = 0; scratch && i < 1000; i++) {
        snprintf(body, sizeof body, "<p><h1>%d</h1><i class=x>\xe9</i>", i);
        enum extract_status status = run(extractor, scratch, body, NULL, values, &error);
        wrong += status != EXTRACT_OK || !values[0].text || atoi(values[0].text) != i ||
                 !is(&values[1], "é") || !values[2].text || atoi(values[2].text) != i;
        field_values_free(values, 3);
    }
    extract_scratch_destroy(scratch);
    return (void *)wrong;
}

static void test_threads_share_an_extractor(void)
{
    static const char *const selectors[] = {"h1", "p:has(+ h1) ~ .x:nth-child(3)", "regex:h1>(\\d+)", NULL};
    struct extractor *extractor = extractor_of(selectors, 60000);
    pthread_t threads[4];
    CU_ASSERT_FATAL(extractor != NULL);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, run_often, extractor) == 0);
    for (size_t i = 0; i < 4; i++) {
        void *wrong;
        CU_ASSERT(pthread_join(threads[i], &wrong) == 0 && !wrong);
    }
    extractor_destroy(extractor);
}

int main(void)
{
    static const struct check checks[] = {
        {"fields", test_fields},
        {"JSON fields", test_json_fields},
        {"regex groups and places", test_regex_groups_and_places},
        {"regex far away", test_regex_far_away},
        {"costs are bounded", test_costs_are_bounded},
        {"additions", test_additions},
        {"threads share an extractor", test_threads_share_an_extractor},
        {NULL, NULL},
    };
    return check_run("extract", checks);
}
