/* kernels/css: what matches first, what is refused and where, and that a search ends. */
#include "kernels/css.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char page[] =
    "<!doctype html><html lang=en><head><title>t</title><meta name=author content='A B'></head><body id=top>"
    "<h2 id=i1>first</h2><h1 id=i2 class='Big  red'>one</h1>"
    "<ul id=i3><li id=i4>a<li id=i5 class=red>b<li id=i6>c<li id=i7>d</ul>"
    "<div id=i8><p id=i9 data-x='en-US'>x</p><p id=i10 data-x='en'><a id=i11 href='/next.html' rel='next "
    "nofollow'>n</a></p>"
    "<span id=i12></span><p id=i13><em id=i14>e</em></p></div>"
    "<input id=i15 type=TEXT><div id=i16 class='a b'><div id=i17 class=b><i id=i18></i></div></div>"
    "<p id='we.ird'></p><caf\u00e9 id=i19></caf\u00e9></body></html>";

static struct html_parser *parser;

static bool load(const char *text, size_t n)
{
    struct budget budget;
    budget_start(&budget, 60000);
    return html_parse(parser, (const uint8_t *)text, n, &html_default_limits, &budget) == HTML_OK;
}

/* Writes the id of the first match; "" if there is none, "?" if the selector is refused. */
static void first_id(const char *text, char id[32])
{
    struct css_error error;
    struct budget budget;
    const struct html_node *node;
    const char *value;
    size_t size;
    budget_start(&budget, 60000);
    struct css_selector *selector = css_compile(text, strlen(text), &error);
    snprintf(id, 32, "%s", selector ? "" : "?");
    if (selector && css_first(selector, parser, &budget, &node) == CSS_FOUND &&
        html_attribute(node, "ID", 2, &value, &size))
        snprintf(id, 32, "%.*s", (int)size, value);
    css_free(selector);
}

static void test_matches(void)
{
    static const char *const table[][2] = {
        {"h1", "i2"},
        {"H1", "i2"},
        {"h1, h2", "i1"},
        {"h2,h1", "i1"},
        {"#i5", "i5"},
        {"#I5", ""},
        {".red", "i2"},
        {"li.red", "i5"},
        {".Big.red", "i2"},
        {".big", ""},
        {"*.red", "i2"},
        {"body *", "i1"},
        {"ul > li", "i4"},
        {"ul>li+li", "i5"},
        {"li ~ .red ~ li", "i6"},
        {"h1 ~ div", "i8"},
        {"div > em", ""},
        {"div em", "i14"},
        {"div p > em", "i14"},
        {"[href]", "i11"},
        {"a[href]", "i11"},
        {"[HREF]", "i11"},
        {"a[href='/next.html']", "i11"},
        {"[href=\"/NEXT.html\"]", ""},
        {"[href=\"/NEXT.html\" i]", "i11"},
        {"[rel~=nofollow]", "i11"},
        {"[rel~=follow]", ""},
        {"[data-x|=en]", "i9"},
        {"[data-x=en]", "i10"},
        {"[href^='/n']", "i11"},
        {"[href$=html]", "i11"},
        {"[href*=xt]", "i11"},
        {"[href*='']", ""},
        {"[href^='']", ""},
        {"[rel~='']", ""},
        {"[type=text]", "i15"},
        {"[type=text s]", ""},
        {"li:first-child", "i4"},
        {"li:last-child", "i7"},
        {"li:nth-child(2)", "i5"},
        {"li:nth-child(even)", "i5"},
        {"li:nth-child(odd)", "i4"},
        {"li:nth-child(3n)", "i6"},
        {"li:nth-child(2n + 4)", "i7"},
        {"li:nth-child(-n+1)", "i4"},
        {"li:nth-child(+3)", "i6"},
        {"li:nth-child(n+3)", "i6"},
        {"li:nth-last-child(2)", "i6"},
        {"p:nth-of-type(3)", "i13"},
        {"p:nth-child(3)", ""},
        {"p:last-of-type", "i13"},
        {"p:nth-last-of-type(2)", "i10"},
        {"span:only-of-type", "i12"},
        {"em:only-child", "i14"},
        {"li:only-child", ""},
        {"li:nth-child(0)", ""},
        {"li:nth-child(-1)", ""},
        {":root > body", "top"},
        {"span:empty", "i12"},
        {"p:empty", "we.ird"},
        {"a:link", "i11"},
        {":any-link", "i11"},
        {"li:not(.red):not(:first-child)", "i6"},
        {"li:not(.red, :first-child)", "i6"},
        {"p:has(a)", "i10"},
        {"p:has(> em)", "i13"},
        {"div:has(> em)", ""},
        {"li:has(+ .red)", "i4"},
        {"h2:has(~ div em)", "i1"},
        {"div:not(:has(p))", "i16"},
        {":is(h1, h2)", "i1"},
        {":where(em, a)", "i11"},
        {"div:is(.b) > i", "i18"},
        {".a .b i", "i18"},
        {".b > .b > i", "i18"},
        {"#we\\.ird", "we.ird"},
        {"#we\\2e ird", "we.ird"},
        {"caf\u00e9", "i19"},
        {"caf\\e9", "i19"},
        {" h1 ", "i2"},
        {"h1\n,\th2", "i1"},
        {"html body#top", "top"},
        {"nosuch", ""},
        {"div div div", ""},
        {"p:nth-child(2) a", "i11"},
        {"body > :nth-child(2)", "i2"},
    };
    CU_ASSERT_FATAL(load(page, strlen(page)));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char id[32];
        first_id(table[i][0], id);
        if (strcmp(id, table[i][1]) != 0)
            printf("\n%s: '%s'\n", table[i][0], id);
        CU_ASSERT_STRING_EQUAL(id, table[i][1]);
    }
}

static void test_quirks(void)
{
    static const char quirky[] = "<p class=RED id=X>";
    char id[32];
    CU_ASSERT_FATAL(load(quirky, strlen(quirky)));
    first_id(".red#x", id);
    CU_ASSERT_STRING_EQUAL(id, "X");
}

static void test_refusals(void)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *message; /* its beginning */
    } table[] = {
        {"", 0, "a selector is missing"},
        {"  ", 2, "a selector is missing"},
        {"h1[", 2, "'[' is not closed"},
        {"h1[a", 2, "'[' is not closed"},
        {"h1[a=", 5, "an attribute value is expected"},
        {"h1[a=b", 2, "'[' is not closed"},
        {"h1[a='b", 5, "string is not closed"},
        {"h1[a=1]", 5, "an attribute value is expected"},
        {"h1[=a]", 3, "an attribute name is expected"},
        {"h1[a!=b]", 4, "'=' or ']' is expected"},
        {"h1[a=b x]", 2, "'[' is not closed"},
        {"h1[a|b]", 4, "namespaces"},
        {"::", 0, "pseudo-elements"},
        {"p::before", 1, "pseudo-elements"},
        {":", 1, "the name of a pseudo-class"},
        {">>", 0, "a selector is expected here"},
        {"> p", 0, "a selector is expected here"},
        {"p >", 3, "a selector is missing at the end"},
        {"p > > q", 4, "a selector is expected here"},
        {"p >> q", 3, "a selector is expected here"},
        {"a || b", 2, "a selector is expected here"},
        {"h1,,h2", 3, "a selector is expected here"},
        {"h1,", 3, "a selector is missing at the end"},
        {",h1", 0, "a selector is expected here"},
        {"p:nosuch(", 1, "pseudo-class :nosuch is not supported"},
        {"a:hover", 1, "pseudo-class :hover is not supported"},
        {"p:contains('x')", 1, "pseudo-class :contains is not supported"},
        {"p:nth-child", 11, "this pseudo-class needs an argument"},
        {"p:nth-child(", 12, "a number"},
        {"p:nth-child()", 12, "a number"},
        {"p:nth-child(2", 11, "'(' is not closed"},
        {"p:nth-child(2x)", 13, "')' is expected"},
        {"p:nth-child(2 of p)", 14, "')' is expected"},
        {"p:nth-child(n+)", 14, "a number is expected"},
        {"p:nth-child(99999999999)", 21, "number is too large"},
        {"p:first-child()", 13, "this pseudo-class takes no argument"},
        {"p:not()", 6, "a selector is expected here"},
        {"p:not(a", 5, "'(' is not closed"},
        {"p:not(a,)", 8, "a selector is expected here"},
        {"p:has(:has(a))", 11, ":has() cannot be inside"},
        {":not(:not(:not(:not(:not(:not(:not(:not(:not(a)))))))))", 45, "selectors are nested too deeply"},
        {"svg|a", 3, "namespaces"},
        {"*|a", 1, "namespaces"},
        {"|a", 0, "a selector is expected here"},
        {".1a", 1, "a name is expected"},
        {"#", 1, "a name is expected"},
        {".", 1, "a name is expected"},
        {"p)", 1, "')' without '('"},
        {"p]", 1, "']' without '['"},
        {".a*", 2, "a tag name must stand first"},
        {"p{}", 1, "unexpected character"},
        {"p!", 1, "unexpected character"},
        {"p\\", 1, "unexpected character"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct css_error error;
        struct css_selector *selector = css_compile(table[i].text, strlen(table[i].text), &error);
        bool right = !selector && error.offset == table[i].offset &&
                     strncmp(error.message, table[i].message, strlen(table[i].message)) == 0;
        if (!right)
            printf("\n%s: %s at %zu\n", table[i].text, selector ? "accepted" : error.message, error.offset);
        CU_ASSERT(right);
        css_free(selector);
    }
    static const char nul[] = "h1\0[a\0]";
    struct css_error nul_error;
    CU_ASSERT(css_compile(nul, 3, &nul_error) == NULL && nul_error.offset == 2);
    CU_ASSERT(css_compile(nul + 3, 4, &nul_error) == NULL && nul_error.offset == 2);
    CU_ASSERT(css_compile(nul + 2, 1, &nul_error) == NULL && nul_error.offset == 0);
    static char longer[CSS_MAX_SELECTOR + 1];
    struct css_error error;
    memset(longer, 'a', sizeof longer);
    CU_ASSERT(css_compile(longer, sizeof longer, &error) == NULL);
}

/* 400 nested, and 2,000 siblings: chains of descendants stay cheap, the rest ends with the budget. */
static void test_a_search_ends(void)
{
    struct bytebuf text;
    bytebuf_init(&text, 1 << 20);
    for (int i = 0; i < 400; i++)
        CU_ASSERT(bytebuf_append(&text, "<div class=x>", 13));
    for (int i = 0; i < 2000; i++)
        CU_ASSERT(bytebuf_append(&text, "<p>", 3));
    CU_ASSERT_FATAL(load((char *)text.data, text.size));
    char id[32];
    first_id(".x .x .x .x .x .x .x .x .x #none", id);
    CU_ASSERT_STRING_EQUAL(id, "");
    first_id(".none .x .x .x .x .x .x .x .x .x p", id);
    CU_ASSERT_STRING_EQUAL(id, "");
    first_id("p:nth-child(3000)", id);
    CU_ASSERT_STRING_EQUAL(id, "");
    static const char slow[] = ".y > .x .x > .x .x > .x .x > .x .x > p ~ p ~ p ~ p";
    struct css_error error;
    struct budget budget;
    const struct html_node *node;
    struct css_selector *selector = css_compile(slow, strlen(slow), &error);
    CU_ASSERT_FATAL(selector != NULL);
    budget_start(&budget, 0); /* spent at the first look, however fast the machine is */
    CU_ASSERT(css_first(selector, parser, &budget, &node) == CSS_TOO_SLOW);
    css_free(selector);
    bytebuf_free(&text);
}

static void test_plain_names(void)
{
    static const char *const table[][2] = {{"h1", "h1"}, {" h1 ", "h1"}, {"h1.x", NULL},
                                           {"*", NULL},  {"a b", NULL},  {"a,b", NULL}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct css_error error;
        size_t size = 0;
        struct css_selector *selector = css_compile(table[i][0], strlen(table[i][0]), &error);
        CU_ASSERT_FATAL(selector != NULL);
        const char *name = css_plain_name(selector, &size);
        CU_ASSERT(table[i][1] ? name && size == 2 && memcmp(name, table[i][1], 2) == 0 : !name);
        css_free(selector);
    }
}

int main(void)
{
    static const struct check checks[] = {
        {"matches", test_matches},         {"quirks mode", test_quirks},
        {"refusals", test_refusals},       {"a search ends", test_a_search_ends},
        {"plain names", test_plain_names}, {NULL, NULL},
    };
    parser = html_parser_create();
    int code = parser ? check_run("css", checks) : EXIT_FAILURE;
    html_parser_destroy(parser);
    return code;
}
