/* The origin's parts that need no socket: deadlines, the query, failure counts, codings, charsets, articles.
 */
#include "io/origin.h"
#include "io/origin_article.h"
#include "io/origin_charset.h"
#include "io/origin_coding.h"
#include "io/origin_date.h"
#include "io/origin_fails.h"
#include "io/origin_query.h"
#include "io/origin_random.h"
#include "io/origin_timer.h"
#include "io/origin_title.h"
#include "tests/unit/check.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { SEED = 20240601, TIMERS = 2000 };

/* Whatever is added and removed, the first timer is the least of those in the heap, found by looking at all.
 */
static void test_timers(void)
{
    static struct origin_timer all[TIMERS];
    struct origin_timers timers = {0};
    struct origin_random random = {SEED};
    bool good = true;
    for (unsigned step = 0; step < 20000 && good; step++) {
        struct origin_timer *timer = &all[origin_random_below(&random, TIMERS)];
        if (timer->slot)
            origin_timers_remove(&timers, timer);
        else
            good = origin_timers_add(&timers, timer, (int64_t)origin_random_below(&random, 1000)) == 0;
        if (step % 20)
            continue;
        int64_t least = INT64_MAX;
        size_t count = 0;
        for (unsigned i = 0; i < TIMERS; i++)
            if (all[i].slot) {
                count++;
                least = all[i].due < least ? all[i].due : least;
            }
        const struct origin_timer *first = origin_timers_first(&timers);
        good = good && count == timers.count && (first ? first->due == least : count == 0);
    }
    CU_ASSERT_TRUE(good);
    int64_t last = INT64_MIN;
    for (struct origin_timer *first; (first = origin_timers_first(&timers)) && good;) {
        good = first->due >= last;
        last = first->due;
        origin_timers_remove(&timers, first);
    }
    CU_ASSERT_TRUE(good);
    CU_ASSERT_EQUAL(timers.count, 0);
    origin_timers_free(&timers);
}

static void test_numbers(void)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1e1", "101", "99999999999999999999", "1.0"};
    int64_t value = -7;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CU_ASSERT_NOT_EQUAL(origin_parse_number(bad[i], 0, 100, &value), 0);
    CU_ASSERT_EQUAL(value, -7);
    CU_ASSERT_EQUAL(origin_parse_number("100", 0, 100, &value), 0);
    CU_ASSERT_EQUAL(value, 100);
    CU_ASSERT_EQUAL(origin_parse_number("9223372036854775807", 0, INT64_MAX, &value), 0);
    CU_ASSERT_EQUAL(value, INT64_MAX);
    CU_ASSERT_NOT_EQUAL(origin_parse_number("9223372036854775808", 0, INT64_MAX, &value), 0);
    CU_ASSERT_NOT_EQUAL(origin_parse_number("0", 1, 5, &value), 0);
}

static void test_seconds(void)
{
    static const char *const bad[] = {"",     ".",       "-1",  "1.2.3",        "1e3",
                                      "3601", "3600.01", "nan", "0.1234567890", "99999999999999999999999"};
    int64_t value = -7;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CU_ASSERT_NOT_EQUAL(origin_parse_seconds(bad[i], &value), 0);
    CU_ASSERT_EQUAL(value, -7);
    CU_ASSERT_EQUAL(origin_parse_seconds("3600", &value), 0);
    CU_ASSERT_EQUAL(value, INT64_C(3600000000000));
    CU_ASSERT_EQUAL(origin_parse_seconds(".000000001", &value), 0);
    CU_ASSERT_EQUAL(value, 1);
    CU_ASSERT_EQUAL(origin_parse_seconds("12.5", &value), 0);
    CU_ASSERT_EQUAL(value, INT64_C(12500000000));
}

static void test_query(void)
{
    struct origin_query query;
    CU_ASSERT_PTR_NULL(
        origin_query_parse("/article/7?fail=3&status=429&retry-after=5&key=x&endless&br", &query));
    CU_ASSERT_STRING_EQUAL(query.path, "/article/7");
    CU_ASSERT_EQUAL(query.fail, 3);
    CU_ASSERT_EQUAL(query.status, 429);
    CU_ASSERT_EQUAL(query.retry_after, 5);
    CU_ASSERT_EQUAL(query.retry_after_date, -1);
    CU_ASSERT_EQUAL(query.endless, 1);
    CU_ASSERT_EQUAL(query.endless_close, 0);
    CU_ASSERT_EQUAL(query.coding, ORIGIN_CODING_BR);
    CU_ASSERT_PTR_NULL(origin_query_parse("http://host:80/a%2fb?type=text%2Fplain", &query));
    CU_ASSERT_STRING_EQUAL(query.path, "/a/b");
    CU_ASSERT_STRING_EQUAL(query.type, "text/plain");
    CU_ASSERT_PTR_NULL(origin_query_parse("http://host", &query));
    CU_ASSERT_STRING_EQUAL(query.path, "/");
    CU_ASSERT_PTR_NULL(origin_query_parse("/?&&=&a=b&", &query));
}

static void test_query_refuses(void)
{
    static const char *const bad[] = {
        "/%00",
        "/%zz",
        "/%4",
        "/?status=199",
        "/?status=600",
        "/?status",
        "/?fail=-1",
        "/?slow=0",
        "/?latency=9999999",
        "/?endless=maybe",
        "/?gzip=1",
        "/?bomb=0",
        "/?close=x",
        "/?charset=klingon",
        "/?type=a%0d%0ab:c",
        "/?type=",
        "/?type=%ff",
        "/?drop=no",
        "/?reset=1%00",
        "/?charset=../../x",
        "/?content-length=9223372036854775808",
    };
    struct origin_query query;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (!origin_query_parse(bad[i], &query))
            CU_FAIL_FATAL("accepted what it must refuse");
    char path[400] = "/";
    memset(path + 1, 'a', sizeof(path) - 2);
    path[sizeof(path) - 1] = '\0';
    CU_ASSERT_PTR_NOT_NULL(origin_query_parse(path, &query));
}

static void test_fails(void)
{
    struct origin_fails fails = {0};
    char target[32];
    bool hit = false, good = true;
    for (unsigned round = 0; round < 4; round++)
        for (unsigned i = 0; i < 1000; i++) {
            (void)snprintf(target, sizeof(target), "/x?key=%u", i);
            good = good && origin_fails_count(&fails, target, 3, &hit) == 0 && hit == (round < 3);
        }
    CU_ASSERT_TRUE(good);
    origin_fails_free(&fails);
}

static uint64_t inflate_all(const struct origin_block *block, int window, uint64_t spaces_only)
{
    static unsigned char out[1 << 16];
    z_stream stream = {.next_in = (z_const Bytef *)block->data, .avail_in = (uInt)block->size};
    int code = inflateInit2(&stream, window);
    uint64_t size = 0;
    while (code == Z_OK) {
        stream.next_out = out;
        stream.avail_out = sizeof(out);
        code = inflate(&stream, Z_NO_FLUSH);
        size_t got = sizeof(out) - stream.avail_out;
        size += got;
        for (size_t i = 0; spaces_only && i < got; i++)
            if (out[i] != ' ')
                code = Z_DATA_ERROR;
    }
    CU_ASSERT_EQUAL(code, Z_STREAM_END);
    CU_ASSERT_EQUAL(inflateEnd(&stream), Z_OK);
    return size;
}

static void test_codings(void)
{
    struct origin_block *bomb = origin_coding_bomb(5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bomb);
    CU_ASSERT_TRUE(bomb->size < 8192);
    CU_ASSERT_EQUAL(inflate_all(bomb, 15 + 16, 1), 5U << 20);
    origin_block_drop(bomb);
    struct origin_block *page = origin_article_make(SEED, 1, 10, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    struct origin_block *gzip = origin_coding_apply(ORIGIN_CODING_GZIP, page);
    struct origin_block *deflate = origin_coding_apply(ORIGIN_CODING_DEFLATE, page);
    CU_ASSERT_FATAL(gzip && deflate);
    CU_ASSERT_EQUAL(inflate_all(gzip, 15 + 16, 0), page->size);
    CU_ASSERT_EQUAL(inflate_all(deflate, 15, 0), page->size);
    origin_block_drop(page);
    origin_block_drop(gzip);
    origin_block_drop(deflate);
}

static void check_charset(enum origin_charset charset, const char *text, const char *want, size_t size)
{
    struct origin_block *in = origin_block_copy(text, strlen(text)), *out = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    CU_ASSERT_EQUAL_FATAL(origin_charset_apply(charset, in, &out), 0);
    CU_ASSERT_EQUAL(out->size, size);
    CU_ASSERT_EQUAL(memcmp(out->data, want, size < out->size ? size : out->size), 0);
    origin_block_drop(in);
    origin_block_drop(out);
}

static void test_charsets(void)
{
    enum origin_charset found;
    CU_ASSERT_EQUAL(origin_charset_find("Windows-1251", &found), 0);
    CU_ASSERT_EQUAL(found, ORIGIN_CHARSET_WINDOWS_1251);
    CU_ASSERT_NOT_EQUAL(origin_charset_find("", &found), 0);
    check_charset(ORIGIN_CHARSET_ISO_8859_1, "é東🎸x", "\xe9&#26481;&#127928;x", 19);
    check_charset(ORIGIN_CHARSET_WINDOWS_1251, "Юг", "\xde\xe3", 2);
    check_charset(ORIGIN_CHARSET_UTF_16BE, "é🎸", "\x00\xe9\xd8\x3c\xdf\xb8", 6);
    struct origin_block *broken = origin_block_copy("a\xff", 2), *out = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(broken);
    CU_ASSERT_NOT_EQUAL(origin_charset_apply(ORIGIN_CHARSET_ISO_8859_1, broken, &out), 0);
    CU_ASSERT_PTR_NULL(out);
    origin_block_drop(broken);
}

static void test_dates(void)
{
    char text[40];
    origin_date_format(784111777, text); /* the example of RFC 9110 5.6.7 */
    CU_ASSERT_STRING_EQUAL(text, "Sun, 06 Nov 1994 08:49:37 GMT");
}

/* Deterministic, of the promised size, with decoys before the title, which keeps its promises too. */
static void test_articles(void)
{
    bool sizes = true, same = true, decoys = true, titles = true;
    for (uint64_t n = 1; n <= 300; n++) {
        struct origin_block *page = origin_article_make(SEED, n, 1000, "utf-8");
        struct origin_block *again = origin_article_make(SEED, n, 1000, "utf-8");
        CU_ASSERT_FATAL(page && again);
        sizes = sizes && page->size >= 5 << 10 && page->size <= 60 << 10;
        same = same && page->size == again->size && memcmp(page->data, again->data, page->size) == 0;
        decoys = decoys && memmem(page->data, page->size, "<!-- <h1>", 9);
        origin_block_drop(page);
        origin_block_drop(again);
        char title[256], cut[8];
        size_t length = origin_article_title(SEED, n, title, sizeof(title));
        titles = titles && length == strlen(title) && length < sizeof(title) && !strstr(title, "  ") &&
                 title[0] != ' ' && title[length - 1] != ' ';
        titles = titles && origin_article_title(SEED, n, cut, sizeof(cut)) == length &&
                 strncmp(title, cut, strlen(cut)) == 0 && ((unsigned char)title[strlen(cut)] & 0xc0) != 0x80;
    }
    CU_ASSERT_TRUE(sizes);
    CU_ASSERT_TRUE(same);
    CU_ASSERT_TRUE(decoys);
    CU_ASSERT_TRUE(titles);
}

/* The byte, or the character an entity stands for, at *at; -1 at the end. Only the entities that titles use. */
static long next_character(const char **at)
{
    static const struct {
        const char *name;
        char is;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
    for (unsigned i = 0; i < sizeof(entities) / sizeof(*entities); i++)
        if (strncmp(*at, entities[i].name, strlen(entities[i].name)) == 0) {
            *at += strlen(entities[i].name);
            return entities[i].is;
        }
    if (strncmp(*at, "&#", 2) == 0) {
        char *end;
        long point = (*at)[2] == 'x' ? strtol(*at + 3, &end, 16) : strtol(*at + 2, &end, 10);
        *at = end + (*end == ';');
        return point;
    }
    return **at ? (unsigned char)*(*at)++ : -1;
}

static char *put_utf8(char *out, long point, bool reference)
{
    if (!reference || point < 0x80) {
        *out++ = (char)point;
        return out;
    }
    unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    *out++ = (char)((0xff00 >> (more + 1) & 0xff) | point >> (6 * more));
    while (more--)
        *out++ = (char)(0x80 | (point >> (6 * more) & 0x3f));
    return out;
}

/* The text of the HTML with white space collapsed. Attributes with ">" in quotes are cut out beforehand. */
static void extract(char *html, char *out)
{
    for (char *decoy; (decoy = strstr(html, " title=\"<h1>decoy</h1>\""));)
        memmove(decoy, decoy + 23, strlen(decoy + 23) + 1);
    const char *at = html;
    char *start = out;
    for (;;) {
        while (*at == '<' || *at == ' ' || *at == '\n' || *at == '\t') {
            if (*at != '<') {
                if (out > start && out[-1] != ' ')
                    *out++ = ' ';
                at++;
            } else {
                at = strncmp(at, "<!--", 4) == 0 ? strstr(at, "-->") + 3 : at + strcspn(at, ">") + 1;
            }
        }
        bool reference = at[0] == '&' && at[1] == '#';
        long point = next_character(&at);
        if (point < 0)
            break;
        out = put_utf8(out, point, reference);
    }
    while (out > start && out[-1] == ' ')
        out--;
    *out = '\0';
}

static void test_titles(void)
{
    bool good = true;
    unsigned marked = 0;
    for (uint64_t n = 1; n <= 500 && good; n++) {
        char want[512], got[4096], *html = NULL;
        size_t length = 0;
        FILE *stream = open_memstream(&html, &length);
        CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
        origin_title_write(SEED, n, NULL, stream);
        CU_ASSERT_EQUAL_FATAL(fclose(stream), 0);
        (void)origin_article_title(SEED, n, want, sizeof(want));
        marked += strstr(html, "<") && strstr(html, "&#");
        CU_ASSERT_FATAL(length < sizeof(got));
        extract(html, got);
        good = strcmp(got, want) == 0;
        if (!good)
            printf("\narticle %llu: '%s', not '%s'\n", (unsigned long long)n, got, want);
        free(html);
    }
    CU_ASSERT_TRUE(good);
    CU_ASSERT_TRUE(marked > 50);
}

/* Read in odd pieces a stream is what it is as a block. */
static void test_bodies(void)
{
    struct origin_body stream = {.size = 10007, .seed = SEED}, block = stream;
    unsigned char pieces[10007];
    struct origin_random random = {SEED};
    CU_ASSERT_EQUAL(origin_body_materialise(&block, 10006), EFBIG);
    CU_ASSERT_EQUAL_FATAL(origin_body_materialise(&block, 10007), 0);
    for (uint64_t at = 0; at < stream.size;)
        at += origin_body_read(&stream, at, pieces + at, 1 + origin_random_below(&random, 50));
    CU_ASSERT_EQUAL(memcmp(pieces, block.block->data, sizeof(pieces)), 0);
    CU_ASSERT_EQUAL(origin_body_read(&stream, stream.size, pieces, 1), 0);
    origin_body_clear(&block);
}

int main(void)
{
    static const struct check checks[] = {
        {"the first timer is the least", test_timers},
        {"numbers are strict", test_numbers},
        {"seconds are strict", test_seconds},
        {"a query is taken apart", test_query},
        {"a bad query is refused", test_query_refuses},
        {"failures are counted by target", test_fails},
        {"codings decode to the page", test_codings},
        {"charsets keep what they lack", test_charsets},
        {"dates are HTTP-dates", test_dates},
        {"articles keep their promises", test_articles},
        {"titles are the text of their markup", test_titles},
        {"bodies are read in pieces", test_bodies},
        {0},
    };
    printf("seed %d\n", SEED);
    return check_run("origin parts", checks);
}
