/*
 * Any bytes, mended to UTF-8, as a page: its text is valid UTF-8, and the same whether the page is fed in small pieces or
 * in one; and the first h1 and title are the same whether the page is read to its end or not.
 */
#include "kernels/charset.h"
#include "kernels/css.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void parse(struct html_parser *parser, const struct bytebuf *page, size_t piece, struct bytebuf *text)
{
    struct html_limits limits = html_default_limits;
    struct budget budget;
    struct css_error error;
    const struct html_node *node;
    limits.piece = piece;
    limits.max_depth = SIZE_MAX; /* or the size of the pieces would tell when it is seen */
    budget_start(&budget, 60000);
    if (html_parse(parser, page->data, page->size, &limits, &budget) != HTML_OK)
        return;
    FUZZ_REQUIRE(html_text(html_document(parser), text));
    static const char text_of_selector[] = "p:nth-child(2n+1) > b, :not(i):has(u ~ i)";
    struct css_selector *selector = css_compile(text_of_selector, strlen(text_of_selector), &error);
    FUZZ_REQUIRE(selector != NULL);
    if (css_first(selector, parser, &budget, &node) == CSS_FOUND)
        FUZZ_REQUIRE(html_text(node, text));
    css_free(selector);
    FUZZ_REQUIRE(utf8_valid_prefix(text->data, text->size) == text->size);
}

/* The text of the first element of the name, after a parse that stopped for it or did not. */
static void first_text(struct html_parser *parser, const struct bytebuf *page, const char *name, bool stop,
                       struct bytebuf *text)
{
    struct html_limits limits = html_default_limits;
    struct budget budget;
    struct css_error error;
    const struct html_node *node;
    const char *const names[] = {name, NULL};
    limits.piece = 1;
    limits.max_depth = SIZE_MAX;
    budget_start(&budget, 60000);
    FUZZ_REQUIRE(html_parse_until(parser, page->data, page->size, &limits, &budget, stop ? names : NULL) ==
                 HTML_OK);
    struct css_selector *selector = css_compile(name, strlen(name), &error);
    FUZZ_REQUIRE(selector != NULL);
    if (css_first(selector, parser, &budget, &node) == CSS_FOUND)
        FUZZ_REQUIRE(bytebuf_append(text, "+", 1) && html_text(node, text));
    css_free(selector);
}

static void compare_stops(struct html_parser *parser, const struct bytebuf *page, const char *name)
{
    struct bytebuf whole, early;
    bytebuf_init(&whole, SIZE_MAX);
    bytebuf_init(&early, SIZE_MAX);
    first_text(parser, page, name, false, &whole);
    first_text(parser, page, name, true, &early);
    FUZZ_REQUIRE(whole.size == early.size &&
                 (whole.size == 0 || memcmp(whole.data, early.data, whole.size) == 0));
    bytebuf_free(&whole);
    bytebuf_free(&early);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct html_parser *parser = html_parser_create();
    struct bytebuf page;
    struct bytebuf whole;
    struct bytebuf pieces;
    bytebuf_init(&page, SIZE_MAX);
    bytebuf_init(&whole, SIZE_MAX);
    bytebuf_init(&pieces, SIZE_MAX);
    FUZZ_REQUIRE(parser && bytebuf_reserve(&page, 1) && utf8_sanitize(data, size, &page));
    parse(parser, &page, SIZE_MAX, &whole);
    parse(parser, &page, 1, &pieces);
    FUZZ_REQUIRE(whole.size == pieces.size &&
                 (whole.size == 0 || memcmp(whole.data, pieces.data, whole.size) == 0));
    if (whole.size > 0) { /* parsed within its limits */
        compare_stops(parser, &page, "h1");
        compare_stops(parser, &page, "title");
    }
    bytebuf_free(&page);
    bytebuf_free(&whole);
    bytebuf_free(&pieces);
    html_parser_destroy(parser);
    return 0;
}
