/* kernels/selector: what each form compiles to, and what is refused and where. */
#include "kernels/selector.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

static void test_forms(void)
{
    static const struct {
        const char *text;
        enum selector_kind kind;
        const char *word;
    } table[] = {
        {"h1", SELECTOR_CSS, NULL},
        {"css:h1", SELECTOR_CSS, NULL},
        {"a.next@href", SELECTOR_CSS, "href"},
        {"meta[name=\"a@b\"]@content", SELECTOR_CSS, "content"},
        {"a[href='@x'] , b@data-a.b:c", SELECTOR_CSS, "data-a.b:c"},
        {"a\\@b", SELECTOR_CSS, NULL},
        {"a:not([x='@'])@id", SELECTOR_CSS, "id"},
        {"regex:<h1>(.*?)</h1>", SELECTOR_REGEX, NULL},
        {"json:", SELECTOR_JSON, ""},
        {"json:/a~1b/0/~0", SELECTOR_JSON, "/a~1b/0/~0"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct selector *selector;
        struct selector_error error;
        CU_ASSERT_FATAL(selector_parse(table[i].text, &selector, &error));
        CU_ASSERT(selector->kind == table[i].kind);
        CU_ASSERT(table[i].word ? selector->word && strcmp(selector->word, table[i].word) == 0
                                : !selector->word);
        selector_free(selector);
    }
}

static void test_refusals(void)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *message; /* its beginning */
    } table[] = {
        {"", 0, "a selector is missing"},
        {"h1[", 2, "'[' is not closed"},
        {"css:h1,,h2", 7, "a selector is expected"},
        {"@href", 0, "a selector is missing"},
        {"a@", 2, "the name of an attribute"},
        {"a@b@c", 2, "the name of an attribute"},
        {"a@b, c@d", 2, "the name of an attribute"},
        {"a@b c", 2, "the name of an attribute"},
        {"xpath://h1", 0, "xpath: is not supported; use"},
        {"regex:a(b", 9, "missing closing parenthesis"},
        {"regex:[z-a]", 9, "range out of order"},
        {"regex:\\C", 8, "using \\C is disabled"},
        {"json:a", 5, "a JSON pointer is empty or begins with '/'"},
        {"json:/a~2", 7, "'~' in a JSON pointer"},
        {"json:/a~", 7, "'~' in a JSON pointer"},
        {"jq:.a", 3, "the name of a pseudo-class"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct selector *selector;
        struct selector_error error;
        bool right = !selector_parse(table[i].text, &selector, &error) && !selector &&
                     strncmp(error.message, table[i].message, strlen(table[i].message)) == 0 &&
                     (error.offset == table[i].offset);
        if (!right)
            printf("\n%s: %s at %zu\n", table[i].text, error.message, error.offset);
        CU_ASSERT(right);
        selector_free(selector);
    }
}

int main(void)
{
    static const struct check checks[] = {{"forms", test_forms}, {"refusals", test_refusals}, {NULL, NULL}};
    return check_run("selector", checks);
}
