/* kernels/html: texts by tables, hostile pages by their status, pieces of any size against the whole. */
#include "kernels/css.h"
#include "kernels/html.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct html_parser *parser;

static enum html_status parse(const char *text, size_t n, const struct html_limits *limits)
{
    struct budget budget;
    budget_start(&budget, 60000);
    return html_parse(parser, (const uint8_t *)text, n, limits, &budget);
}

/* The text of the first element of that name, or "(none)"; to be freed. */
static char *first_text(const char *name)
{
    struct css_error error;
    struct budget budget;
    struct bytebuf out;
    const struct html_node *node;
    budget_start(&budget, 60000);
    bytebuf_init(&out, 1 << 20);
    struct css_selector *selector = css_compile(name, strlen(name), &error);
    CU_ASSERT_FATAL(selector != NULL);
    bool found = css_first(selector, parser, &budget, &node) == CSS_FOUND;
    CU_ASSERT(found ? html_text(node, &out) : bytebuf_append(&out, "(none)", 6));
    CU_ASSERT_FATAL(bytebuf_append(&out, "", 1));
    css_free(selector);
    return (char *)out.data;
}

struct text_case {
    const char *page;
    const char *text; /* of the first h1 */
};

static const struct text_case texts[] = {
    {"<h1>plain</h1>", "plain"},
    {"<h1> \t a \n\r\f b </h1>", "a b"},
    {"<h1></h1><h1>second</h1>", ""},
    {"<p>none</p>", "(none)"},
    {"", "(none)"},
    {"<H1 CLASS=x>Case</H1>", "Case"},
    {"<h1>a<b>b</b><i> c</i><a href=x>d </a>e</h1>", "ab cd e"},
    {"<h1>a<br>b<br/>c</h1>", "a b c"},
    {"<h1><div>a</div>b<p>c</p>d</h1>", "a b c d"},
    {"<h1>a<div></div>b</h1>", "a b"},
    {"<h1><table><tr><td>a<td>b</table></h1>", "a b"},
    {"<h1>a<script>no</script>b<style>no</style>c<template>no</template>d<noscript>no</noscript>e</h1>",
     "abcde"},
    {"<h1>a<!-- no -->b</h1>", "ab"},
    {"<h1>&amp;&lt;&eacute;&nbsp;&#8364;&#x1F600;&copy</h1>", "&<é\u00a0€😀©"},
    {"<h1>&nosuch; &#0; &#xD800; &#x110000; &#128;</h1>", "&nosuch; \ufffd \ufffd \ufffd €"},
    {"<h1>&NotEqualTilde;&am p;&</h1>", "≂̸&am p;&"},
    {"<h1>one<h1>two</h1>", "one"},
    {"<h1>unclosed", "unclosed"},
    {"<script>'<h1>no</h1>'</script><!-- <h1>no</h1> --><title><h1>no</h1></title><h1>yes</h1>", "yes"},
    {"<textarea><h1>no</h1></textarea><h1>yes</h1>", "yes"},
    {"<template><h1>no</h1></template><h1>yes</h1>", "yes"},
    {"<noscript><h1>shown without scripts</h1></noscript>", "shown without scripts"},
    {"<p title='<h1>no</h1>'><h1>yes</h1>", "yes"},
    {"<table><h1>foster</h1><tr><td><h1>cell</h1></table>", "foster"},
    {"<table><tr><td><h1>cell</h1></table>", "cell"},
    {"<table><tr><td><h1>cell</h1></td></tr><h1>foster</h1></table>", "foster"},
    {"<b><h1>a</b>b</h1>c", "ab"},
    {"<h1>a<b>b<p>c</b>d</h1>", "ab cd"},
    {"<select><h1>a</h1></select><h1>b</h1>", "b"},
    {"<svg><h1>out</h1></svg>", "out"},
    {"<frameset><h1>no</h1></frameset>", "(none)"},
    {"<h1>a\u00a0 \u2003b</h1>", "a\u00a0 \u2003b"},
    {"<h1>ab</h1\t x=y>c", "ab"},
    {"<h1>a<!b>c", "ac"},
    {"<h1>a<!b><i>c", "ac"},
    {"<h1/>selfclosed is not", "selfclosed is not"},
};

static void test_texts(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CU_ASSERT(parse(texts[i].page, strlen(texts[i].page), &html_default_limits) == HTML_OK);
        char *text = first_text("h1");
        if (strcmp(text, texts[i].text) != 0)
            printf("\n%s: '%s'\n", texts[i].page, text);
        CU_ASSERT_STRING_EQUAL(text, texts[i].text);
        free(text);
    }
}

static void test_pieces_do_not_matter(void)
{
    static const size_t pieces[] = {1, 2, 3, 5, 8, 13, 1 << 20};
    char page[16384] = "";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strstr(texts[i].page, "frameset") && !strstr(texts[i].page, "select"))
            strcat(page, texts[i].page);
    struct html_limits limits = html_default_limits;
    CU_ASSERT(parse(page, strlen(page), &limits) == HTML_OK);
    char *expected = first_text("html");
    CU_ASSERT(strlen(expected) > 200);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        limits.piece = pieces[i];
        CU_ASSERT(parse(page, strlen(page), &limits) == HTML_OK);
        char *text = first_text("html");
        CU_ASSERT_STRING_EQUAL(text, expected);
        free(text);
    }
    free(expected);
}

/* `head`, then `unit` so many times, then `tail`. */
struct hostile {
    const char *what;
    const char *head;
    const char *unit;
    size_t times;
    const char *tail;
    enum html_status status;
};

static void test_hostile_pages(void)
{
    static const struct hostile table[] = {
        {"nested div", "", "<div>", 100000, "", HTML_TOO_DEEP},
        {"nested b, then p", "", "<b>", 20000, "<p><p><p>", HTML_TOO_DEEP},
        {"nested svg", "", "<svg><foreignObject>", 20000, "", HTML_TOO_DEEP},
        {"nested frameset", "", "<frameset>", 20000, "", HTML_TOO_DEEP},
        {"nested template", "", "<template>", 20000, "", HTML_TOO_DEEP},
        {"500 div are fine", "", "<div>", 500, "x", HTML_OK},
        {"attributes", "<p ", "abc=1 ", 100000, ">", HTML_OK},
        {"a long attribute", "<a href='", "12345678", 500000, "'>x</a>", HTML_OK},
        {"a longer one where it may be copied", "<b id='", "12345678", 3000000, "'>x</b>", HTML_TOO_LARGE},
        {"ampersands", "", "&", 300000, "", HTML_OK},
        {"less-than", "", "<", 300000, "", HTML_OK},
        {"U+FFFD", "", "\xef\xbf\xbd", 300000, "", HTML_OK},
        {"comment without end", "<!--", "-", 300000, "", HTML_OK},
        {"script in script", "<script>", "<!--<script>", 20000, "", HTML_OK},
        {"foster parenting", "<table>", "x<i></i>", 10000, "", HTML_OK},
        {"text without markup", "", "word ", 100000, "", HTML_OK},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct bytebuf page;
        bytebuf_init(&page, SIZE_MAX);
        CU_ASSERT(bytebuf_append(&page, table[i].head, strlen(table[i].head)));
        for (size_t k = 0; k < table[i].times; k++)
            CU_ASSERT_FATAL(bytebuf_append(&page, table[i].unit, strlen(table[i].unit)));
        CU_ASSERT(bytebuf_append(&page, table[i].tail, strlen(table[i].tail)));
        enum html_status status = parse((char *)page.data, page.size, &html_default_limits);
        if (status != table[i].status)
            printf("\n%s: %s\n", table[i].what, html_status_text(status));
        CU_ASSERT(status == table[i].status);
        CU_ASSERT((html_document(parser) != NULL) == (status == HTML_OK));
        bytebuf_free(&page);
    }
}

/* Each <p>x copies all the formatting elements before it: 20 KB of page, 4.8 million nodes. */
static void test_copied_formatting_elements(void)
{
    struct bytebuf page;
    char tag[32];
    bytebuf_init(&page, SIZE_MAX);
    CU_ASSERT(bytebuf_append(&page, "<p>", 3));
    for (int i = 0; i < 480; i++)
        CU_ASSERT(bytebuf_append(&page, tag, (size_t)snprintf(tag, sizeof tag, "<b id=%d>", i)));
    for (int i = 0; i < 10000; i++)
        CU_ASSERT(bytebuf_append(&page, "<p>x", 4));
    struct html_limits limits = html_default_limits;
    limits.max_memory = 16 << 20;
    CU_ASSERT(parse((char *)page.data, page.size, &limits) == HTML_TOO_LARGE);
    struct budget budget;
    budget_start(&budget, 0);
    CU_ASSERT(html_parse(parser, page.data, page.size, &html_default_limits, &budget) == HTML_TOO_SLOW);
    bytebuf_free(&page);
}

static void test_parser_is_reusable(void)
{
    for (int i = 0; i < 100; i++) {
        CU_ASSERT(parse("<h1>x", 5, &html_default_limits) == HTML_OK);
        struct html_limits shallow = {.max_depth = 2, .max_memory = 1 << 20, .piece = 1};
        CU_ASSERT(parse("<i><i><i>", 9, &shallow) == HTML_TOO_DEEP);
    }
    CU_ASSERT(parse("<h1>y", 5, &html_default_limits) == HTML_OK);
    char *text = first_text("h1");
    CU_ASSERT_STRING_EQUAL(text, "y");
    free(text);
}

static void test_text_is_capped(void)
{
    struct bytebuf out;
    bytebuf_init(&out, 10);
    CU_ASSERT(parse("<h1>12345 67890", 15, &html_default_limits) == HTML_OK);
    CU_ASSERT(!html_text(html_document(parser), &out) && out.full && out.size <= 10);
    bytebuf_free(&out);
}

/* Stopping early finds what reading to the end finds, on pages whose end changes what stands at their beginning. */
static void test_stopping_early(void)
{
    static const char *const pages[] = {
        "<h1>a</h1><h1>b</h1>",
        "<h1> </h1><frameset><frame></frameset>",
        "<h1></h1>x<frameset><frame></frameset>",
        "<title>t</title><h1> </h1><frameset>",
        "<h1>a</h1><frameset><frame></frameset>",
        "<table><tr><td><h1>in</h1></td></tr><h1>fostered</h1></table>",
        "<table><h1>fostered</h1><tr><td><h1>in</h1></table><h1>c</h1>",
        "<table><tr><td><h1>in</h1></table><h1>after</h1>",
        "<div><table><tr><td>x</td></tr></table><h1>a</h1><table><h1>b</h1></table></div>",
        "<a><div><h1>x</h1></a><h1>y</h1>",
        "<b><p><h1>x<i></h1></b>y</i><h1>z</h1>",
        "<template><h1>no</h1></template><h1>yes</h1>",
        "<h1>not closed<p>and on<h2>two</h2>",
        "<h1>a<h2>b</h1>c<h1>d",
        "<svg><title>s</title></svg><title>t</title><h1>x</h1>",
        "<head></head><title>late</title><body><title>later</title><h1>x</h1>",
        "<select><h1>gone</h1></select><h1>x</h1>",
        "<h2>only</h2>",
        "<noscript><h1>n</h1></noscript><h1>x</h1>",
    };
    static const char *const names[] = {"h1", "title", "h2"};
    struct html_limits limits = html_default_limits;
    limits.piece = 1;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            const char *const goal[] = {names[k], NULL};
            struct budget budget;
            budget_start(&budget, 60000);
            CU_ASSERT_EQUAL_FATAL(parse(pages[i], strlen(pages[i]), &limits), HTML_OK);
            char *whole = first_text(names[k]);
            CU_ASSERT_EQUAL_FATAL(
                html_parse_until(parser, (const uint8_t *)pages[i], strlen(pages[i]), &limits, &budget, goal),
                HTML_OK);
            char *early = first_text(names[k]);
            if (strcmp(whole, early) != 0)
                printf("\n    %s: another first %s\n", pages[i], names[k]);
            CU_ASSERT_STRING_EQUAL(early, whole);
            free(whole);
            free(early);
        }
}

/* It does stop: what comes behind is not looked at, here a depth that is refused. */
static void test_stopping_early_stops(void)
{
    static char page[600000];
    static const char *const goal[] = {"h1", NULL};
    size_t n = (size_t)snprintf(page, sizeof page, "<h1>here</h1>%5000s", "");
    while (n + 6 < sizeof page)
        n += (size_t)snprintf(page + n, sizeof page - n, "<div>");
    struct budget budget;
    budget_start(&budget, 60000);
    CU_ASSERT_EQUAL(parse(page, n, &html_default_limits), HTML_TOO_DEEP);
    CU_ASSERT_EQUAL_FATAL(
        html_parse_until(parser, (const uint8_t *)page, n, &html_default_limits, &budget, goal), HTML_OK);
    char *text = first_text("h1");
    CU_ASSERT_STRING_EQUAL(text, "here");
    free(text);
}

int main(void)
{
    static const struct check checks[] = {
        {"texts", test_texts},
        {"pieces do not matter", test_pieces_do_not_matter},
        {"hostile pages", test_hostile_pages},
        {"copied formatting elements", test_copied_formatting_elements},
        {"a parser is reusable", test_parser_is_reusable},
        {"text is capped", test_text_is_capped},
        {"stopping early", test_stopping_early},
        {"stopping early stops", test_stopping_early_stops},
        {NULL, NULL},
    };
    parser = html_parser_create();
    int code = parser ? check_run("html", checks) : EXIT_FAILURE;
    html_parser_destroy(parser);
    return code;
}
