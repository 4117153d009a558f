#include "io/origin_article.h"

#include "io/origin.h"
#include "io/origin_random.h"
#include "io/origin_title.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of what stands before the footer; the last section goes up to 4 KiB past it. */
enum { SIZE_LEAST = 5 << 10, SIZE_MOST = 54 << 10 };

static const char *const words[] = {
    "the",      "of",
    "river",    "was",
    "built",    "in",
    "a",        "century",
    "by",       "and",
    "its",      "mill",
    "stands",   "near",
    "church",   "which",
    "town",     "has",
    "been",     "known",
    "since",    "water",
    "wheel",    "stone",
    "bridge",   "market",
    "under",    "king",
    "first",    "record",
    "names",    "village",
    "valley",   "population",
    "census",   "district",
    "railway",  "station",
    "opened",   "closed",
    "after",    "war",
    "factory",  "paper",
    "grain",    "owners",
    "family",   "sold",
    "later",    "museum",
    "visitors", "each",
    "year",     "festival",
    "façade",   "château",
    "Straße",   "señor",
    "naïveté",  "smörgås",
    "Čapek",    "rue de l'Église",
    "東",       "however",
    "several",  "sources",
    "dispute",  "whether",
    "it",       "to",
    "from",     "with",
    "channel",  "leads",
    "stream",   "small",
    "large",    "northern",
    "southern", "species",
    "remains",
};

struct page {
    FILE *out;
    uint64_t seed, n, articles;
    struct origin_random random;
};

static uint64_t below(struct page *page, uint64_t bound)
{
    return origin_random_below(&page->random, bound);
}

static const char *word(struct page *page)
{
    return words[below(page, COUNT(words))];
}

static void write_link(struct page *page)
{
    unsigned long long to = below(page, page->articles) + 1;
    fprintf(page->out, "<a href=\"/article/%llu\" title=\"%s\">%s %s</a>", to, word(page), word(page),
            word(page));
}

static void write_sentence(struct page *page)
{
    FILE *out = page->out;
    fprintf(out, "It %s", word(page));
    for (uint64_t left = 5 + below(page, 16); left; left--) {
        putc(' ', out);
        uint64_t what = below(page, 40);
        if (what == 0)
            write_link(page);
        else if (what == 1)
            fprintf(out, "<b>%s</b> &amp; <i>%s</i>", word(page), word(page));
        else if (what == 2)
            fprintf(out, "%llu&nbsp;km&sup2;", (unsigned long long)below(page, 9000));
        else
            fputs(word(page), out);
    }
    if (below(page, 6) == 0) {
        unsigned long long note = below(page, 60) + 1;
        fprintf(out, "<sup id=\"r%llu\" class=\"reference\"><a href=\"#n%llu\">[%llu]</a></sup>", note, note,
                note);
    }
    fputs(". ", out);
}

static void write_paragraph(struct page *page)
{
    fputs("<p>", page->out);
    for (uint64_t left = 2 + below(page, 6); left; left--)
        write_sentence(page);
    fputs("</p>\n", page->out);
}

static void write_table(struct page *page)
{
    fputs("<table class=\"wikitable\">\n<tr><th>Year<th>Name<th>Inhabitants</tr>\n", page->out);
    for (uint64_t row = 0, rows = 3 + below(page, 10); row < rows; row++)
        fprintf(page->out, "<tr><td>%llu</td><td>%s %s</td><td align=right>%llu</td></tr>\n",
                (unsigned long long)(1700 + row * 20), word(page), word(page),
                (unsigned long long)below(page, 100000));
    fputs("</table>\n", page->out);
}

static void write_list(struct page *page)
{
    fputs("<ul>\n", page->out);
    for (uint64_t left = 2 + below(page, 8); left; left--) {
        fputs("<li>", page->out);
        write_link(page);
        fprintf(page->out, " %s\n", word(page));
    }
    fputs("</ul>\n", page->out);
}

static void write_section(struct page *page)
{
    fprintf(page->out, "<h2><span class=\"mw-headline\">%s %s</span></h2>\n", word(page), word(page));
    for (uint64_t left = 1 + below(page, 3); left; left--)
        write_paragraph(page);
    uint64_t what = below(page, 5);
    if (what == 0)
        write_table(page);
    else if (what == 1)
        write_list(page);
    else if (what == 2)
        fprintf(page->out,
                "<figure><img src=\"/bytes/4096?n=%llu\" alt=\"%s\" "
                "width=220><figcaption>%s</figcaption></figure>\n",
                (unsigned long long)below(page, 1000), word(page), word(page));
}

/* The title in JSON within a script: quotes and backslashes escaped, "<" too, so that nothing can end the
 * script. */
static void write_json_title(struct page *page)
{
    char title[512];
    (void)origin_article_title(page->seed, page->n, title, sizeof(title));
    for (const char *at = title; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(page->out, "\\%c", *at);
        else if (*at == '<')
            fputs("\\u003c", page->out);
        else
            putc(*at, page->out);
    }
}

static void write_head(struct page *page, const char *charset)
{
    FILE *out = page->out;
    fputs("<!DOCTYPE html>\n<html lang=\"en\" class=\"client-nojs\">\n<head>\n", out);
    if (charset)
        fprintf(out, "<meta charset=\"%s\">\n", charset);
    char title[512];
    (void)origin_article_title(page->seed, page->n, title, sizeof(title));
    fputs("<title>", out);
    origin_html_escape(title, out);
    fprintf(out, " - The Millrace Encyclopedia</title>\n<link rel=\"canonical\" href=\"/article/%llu\">\n",
            (unsigned long long)page->n);
    fputs("<script>\nvar decoy = \"<h1>decoy in a script</h1>\"; if (1 < 2 && decoy) document.title += "
          "'';\n</script>\n"
          "<style>h1::before { content: \"<h1>decoy in a style</h1>\" }</style>\n"
          "<script type=\"application/ld+json\">\n{\"@context\": \"https://schema.org\", \"@type\": "
          "\"Article\", "
          "\"headline\": \"",
          out);
    write_json_title(page);
    fprintf(out,
            "\", \"identifier\": %llu, \"wordCount\": %llu, \"decoy\": \"<h1>in "
            "JSON<\\/h1>\"}\n</script>\n</head>\n",
            (unsigned long long)page->n, (unsigned long long)below(page, 9000));
}

static void write_title(struct page *page)
{
    static const char *const tags[][2] = {
        {"<h1 id=\"firstHeading\" class=\"firstHeading mw-first-heading\">", "</h1>"},
        {"<h1>", "</h1>"},
        {"<H1 data-decoy='</h1>'>", "</H1\n>"},
        {"<h1\n   lang=en>", "</h1>"},
    };
    unsigned tag = (unsigned)below(page, COUNT(tags));
    FILE *out = page->out;
    fputs("<body>\n<!-- <h1>decoy in a comment</h1> -->\n<a class=\"skip\" href=\"#content\" "
          "title=\"<h1>decoy</h1>\">Skip</a>\n"
          "<textarea hidden><h1>decoy in a text area</h1></textarea>\n<header><div id=\"content\">\n",
          out);
    fputs(tags[tag][0], out);
    origin_title_write(page->seed, page->n, NULL, out);
    fprintf(out, "%s\n</div></header>\n<main>\n", tags[tag][1]);
}

static void write_page(struct page *page, const char *charset)
{
    long size = SIZE_LEAST + (long)below(page, SIZE_MOST - SIZE_LEAST);
    /* Most pages of an encyclopedia are short: half of them are cut to a third of the range. */
    if (below(page, 2))
        size = SIZE_LEAST + (size - SIZE_LEAST) / 3;
    write_head(page, charset);
    write_title(page);
    do
        write_section(page);
    while (!ferror(page->out) && ftell(page->out) >= 0 && ftell(page->out) < size);
    fputs("</main>\n<footer><p>See also: ", page->out);
    for (unsigned i = 0; i < 5; i++)
        write_link(page);
    fputs("</p></footer>\n</body>\n</html>\n", page->out);
}

struct origin_block *origin_article_make(uint64_t seed, uint64_t n, uint64_t articles, const char *charset)
{
    char *text = NULL;
    size_t length = 0;
    struct page page = {open_memstream(&text, &length), seed, n, articles, origin_random_for(seed, 3, n)};
    if (!page.out)
        return NULL;
    write_page(&page, charset);
    bool good = !ferror(page.out);
    good = fclose(page.out) == 0 && good;
    struct origin_block *block = good ? origin_block_copy(text, length) : NULL;
    free(text);
    return block;
}
