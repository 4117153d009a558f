#include "io/buffer.h"
#include "io/table.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

/* "URL|name=value|name=value", or "!reason". */
static void read_row(enum table_kind kind, const char *header, const char *row, struct buffer *out)
{
    char why[300];
    struct table_row r;
    struct table *t = table_new(kind, "url");
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    buffer_reset(out);
    CU_ASSERT_EQUAL(table_needs_header(t), kind != TABLE_JSONL);
    if (kind != TABLE_JSONL && !table_header(t, header, strlen(header), why, sizeof(why))) {
        CU_ASSERT_TRUE(buffer_addf(out, "!%s", why));
        table_free(t);
        return;
    }
    CU_ASSERT_FALSE(table_needs_header(t));
    const char *problem = table_row(t, row, strlen(row), &r);
    CU_ASSERT_TRUE(problem ? buffer_addf(out, "!%s", problem) : buffer_addf(out, "%s", r.url));
    const char *at = problem ? NULL : r.columns, *end = at ? at + r.columns_len : NULL;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        CU_ASSERT_PTR_EQUAL(table_column(r.columns, r.columns_len, at), value);
        CU_ASSERT_TRUE(buffer_addf(out, "|%s=%s", at, value));
        at = value + strlen(value) + 1;
    }
    table_free(t);
}

static void reads_rows(void)
{
    static const struct {
        enum table_kind kind;
        const char *header, *row, *out;
    } cases[] = {
        {TABLE_TSV, "url", "http://a/", "http://a/"},
        {TABLE_TSV, "id\turl\tnote", "7\thttp://a/\ta b", "http://a/|id=7|note=a b"},
        {TABLE_TSV, "url\tn", "u\t", "u|n="},
        {TABLE_TSV, "url\tn", "u\ta\\tb\\nc\\\\d\\0\\x\\", "u|n=a\tb\nc\\d\\0\\x\\"},
        {TABLE_TSV, "url\tn", "u", "!fewer fields than the header has"},
        {TABLE_TSV, "url\tn", "u\t1\t2", "!more fields than the header has"},
        {TABLE_TSV, "a\tb", "", "!no column 'url'; there are: 'a', 'b'"},
        {TABLE_TSV, "", "", "!no column 'url'; there are: ''"},
        {TABLE_CSV, "\"url\",n", "u,\"a,\"\"b\"\"\nc\"", "u|n=a,\"b\"\nc"},
        {TABLE_CSV, "n,url", "\"\",u", "u|n="},
        {TABLE_CSV, "n,url", "5\" disk,u", "u|n=5\" disk"},
        {TABLE_CSV, "n,url", "\"a\"b,u", "!text after a closing quote"},
        {TABLE_CSV, "n,url", "u,\"a", "!a quote is not closed"},
        {TABLE_CSV, "n,url", "\"", "!a quote is not closed"},
        {TABLE_CSV, "\"url", "", "!header line: a quote is not closed"},
        {TABLE_CSV, "n,url", "a,b,", "!more fields than the header has"},
        {TABLE_JSONL, "", "{\"url\": \"u\", \"n\": 1, \"s\": \"a\\tb\", \"b\": true, \"z\": null}",
         "u|n=1|s=a\tb|b=true"},
        {TABLE_JSONL, "", "{\"o\": {\"k\": [1, 2]}, \"url\": \"u\"}", "u|o={\"k\":[1,2]}"},
        {TABLE_JSONL, "", "[1]", "!not a JSON object"},
        {TABLE_JSONL, "", "{\"u\": 1}", "!no member of the URL column's name that is a string"},
        {TABLE_JSONL, "", "{\"url\": 1}", "!no member of the URL column's name that is a string"},
    };
    struct buffer out;
    buffer_init(&out, 10000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        read_row(cases[i].kind, cases[i].header, cases[i].row, &out);
        if (strcmp(out.data, cases[i].out) != 0) {
            printf("\n    %s: %s\n", cases[i].row, out.data);
            CU_FAIL("not as expected");
        }
    }
    buffer_free(&out);
}

static void refuses_malformed_json(void)
{
    static const char *const rows[] = {"{",
                                       "x",
                                       "{\"url\": \"u\"} x",
                                       "{\"url\": \"\\u0000\"}",
                                       "{\"url\": \"\xff\"}",
                                       "{\"url\":\"a\",\"url\":\"b\"}",
                                       "{\"n\": 99999999999999999999, \"url\": \"u\"}"};
    struct buffer out;
    buffer_init(&out, 10000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        read_row(TABLE_JSONL, "", rows[i], &out);
        CU_ASSERT_EQUAL(strncmp(out.data, "!not valid JSON at byte ", 24), 0);
    }
    buffer_free(&out);
}

static void is_bounded(void)
{
    static char text[65536];
    char why[40];
    struct table_row r;
    memset(text, '\t', sizeof(text));
    struct table *t = table_new(TABLE_TSV, "url");
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_FALSE(table_header(t, text, TABLE_COLUMNS_MAX, why, sizeof(why)));
    CU_ASSERT_STRING_EQUAL(why, "header line: too many columns");
    memset(text, 'c', sizeof(text));
    CU_ASSERT_FALSE(table_header(t, text, sizeof(text), why, sizeof(why)));
    CU_ASSERT_EQUAL(strlen(why), sizeof(why) - 1);
    memcpy(text, "url\t", 4);
    CU_ASSERT_TRUE(table_header(t, text, sizeof(text), why, sizeof(why)));
    CU_ASSERT_PTR_NULL(table_row(t, text, sizeof(text), &r));
    CU_ASSERT_EQUAL(r.columns_len, 2 * (sizeof(text) - 4 + 1));
    CU_ASSERT_PTR_NOT_NULL(table_row(t, "u\ta\0", 4, &r));
    table_free(t);
}

static void finds_columns_in_hostile_blobs(void)
{
    CU_ASSERT_PTR_NULL(table_column(NULL, 0, "a"));
    CU_ASSERT_PTR_NULL(table_column("", 0, "a"));
    CU_ASSERT_PTR_NULL(table_column("a", 1, "a"));
    CU_ASSERT_PTR_NULL(table_column("a\0b", 2, "a"));
    CU_ASSERT_PTR_NULL(table_column("a\0b", 3, "a"));
    CU_ASSERT_STRING_EQUAL(table_column("a\0b\0c\0d", 8, "c"), "d");
    CU_ASSERT_PTR_NULL(table_column("a\0b\0c\0d", 8, "b"));
    CU_ASSERT_EQUAL(table_kind_of("x.CSV"), TABLE_CSV);
    CU_ASSERT_EQUAL(table_kind_of("a/b.jsonl"), TABLE_JSONL);
    CU_ASSERT_EQUAL(table_kind_of("x.tsv"), TABLE_TSV);
    CU_ASSERT_EQUAL(table_kind_of(".tsv"), TABLE_NONE);
    CU_ASSERT_EQUAL(table_kind_of("tsv"), TABLE_NONE);
}

int main(void)
{
    static const struct check checks[] = {
        {"reads rows", reads_rows},
        {"refuses malformed JSON", refuses_malformed_json},
        {"is bounded", is_bounded},
        {"finds columns", finds_columns_in_hostile_blobs},
        {NULL, NULL},
    };
    return check_run("table", checks);
}
