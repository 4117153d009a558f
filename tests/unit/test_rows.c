#include "io/rows.h"
#include "tests/unit/check.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct cell text_cell(const char *text, size_t len)
{
    return (struct cell){.kind = CELL_TEXT, .text = text, .len = len};
}

/* The row of one column, "n", without its newline. */
static void format_one(enum rows_format format, struct cell cell, struct buffer *out)
{
    static const char *const names[] = {"n"};
    struct rows r;
    buffer_reset(out);
    CU_ASSERT_TRUE_FATAL(rows_init(&r, format, names, 1));
    CU_ASSERT_TRUE(rows_format_row(&r, &cell, 1, out));
    CU_ASSERT_EQUAL(out->data[out->len - 1], '\n');
    buffer_cut(out, out->len - 1);
    rows_free(&r);
}

static void check_one(enum rows_format format, struct cell cell, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 10000);
    format_one(format, cell, &out);
    if (strcmp(out.data, expected) != 0) {
        printf("\n    %s, expected %s\n", out.data, expected);
        CU_FAIL("not as expected");
    }
    buffer_free(&out);
}

#define U "\xef\xbf\xbd"

static void formats_texts(void)
{
    static const struct {
        const char *text;
        size_t len;
        const char *tsv, *csv, *json;
    } cases[] = {
        {"", 0, "", "\"\"", "{\"n\":\"\"}"},
        {"plain text", 10, "plain text", "plain text", "{\"n\":\"plain text\"}"},
        {"a\tb\nc\rd\\e", 9, "a\\tb\\nc\\rd\\\\e", "\"a\tb\nc\rd\\e\"", "{\"n\":\"a\\tb\\nc\\rd\\\\e\"}"},
        {"a\0b", 3, "a\\0b", "a" U "b", "{\"n\":\"a\\u0000b\"}"},
        {"say \"x\", y", 10, "say \"x\", y", "\"say \"\"x\"\", y\"", "{\"n\":\"say \\\"x\\\", y\"}"},
        {"\x01\x1b\x7f", 3, "\x01\x1b\x7f", "\x01\x1b\x7f", "{\"n\":\"\\u0001\\u001b\\u007f\"}"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5", 9, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5",
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5", "{\"n\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5\"}"},
        {"a\xff"
         "b",
         3, "a" U "b", "a" U "b", "{\"n\":\"a" U "b\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cell cell = text_cell(cases[i].text, cases[i].len);
        check_one(ROWS_TSV, cell, cases[i].tsv);
        check_one(ROWS_CSV, cell, cases[i].csv);
        check_one(ROWS_JSONL, cell, cases[i].json);
    }
}

/* The examples of Unicode 15, 3.9: tables 3-8 to 3-11, and ends in mid-character. */
static void repairs_utf8(void)
{
    static const struct {
        const char *text, *repaired;
    } cases[] = {
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", U U U U U U U U "A"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", U U U U U U U U "A"},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", U U U U U "A" U U "B"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", U U U U "A"},
        {"\xe2\x82", U},
        {"\xf0\x9f\x8e", U},
        {"\xc3", U},
        {"\x80", U},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_one(ROWS_TSV, text_cell(cases[i].text, strlen(cases[i].text)), cases[i].repaired);
}

static void formats_numbers(void)
{
    static const struct {
        double value;
        const char *text;
    } reals[] = {{0.0, "0"},        {0.1, "0.1"},   {1.0 / 3, "0.3333333333333333"},
                 {1e300, "1e+300"}, {-2.5, "-2.5"}, {5e-324, "4.94065645841247e-324"}};
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
        check_one(ROWS_TSV, (struct cell){.kind = CELL_REAL, .real = reals[i].value}, reals[i].text);
    check_one(ROWS_JSONL, (struct cell){.kind = CELL_REAL, .real = 0.5}, "{\"n\":0.5}");
    check_one(ROWS_JSONL, (struct cell){.kind = CELL_REAL, .real = NAN}, "{\"n\":null}");
    check_one(ROWS_CSV, (struct cell){.kind = CELL_REAL, .real = -INFINITY}, "-inf");
    check_one(ROWS_CSV, (struct cell){.kind = CELL_UINT, .uint = UINT64_MAX}, "18446744073709551615");
    check_one(ROWS_JSONL, (struct cell){.kind = CELL_UINT, .uint = 0}, "{\"n\":0}");
    check_one(ROWS_JSONL, (struct cell){.kind = CELL_ABSENT}, "{\"n\":null}");
    check_one(ROWS_CSV, (struct cell){.kind = CELL_ABSENT}, "");
    check_one(ROWS_TSV, (struct cell){.kind = CELL_ABSENT}, "");
}

static void formats_headers_and_rows(void)
{
    static const char *const names[] = {"id", "a\tb", "say \"x\""};
    static const char *const headers[] = {"id\ta\\tb\tsay \"x\"\n", "id,a\tb,\"say \"\"x\"\"\"\n", ""};
    static const char *const rows[] = {"7\tx\t\n", "7,x,\n",
                                       "{\"id\":7,\"a\\tb\":\"x\",\"say \\\"x\\\"\":null}\n"};
    struct cell cells[] = {{.kind = CELL_UINT, .uint = 7}, text_cell("x", 1), {.kind = CELL_ABSENT}};
    for (int format = ROWS_TSV; format <= ROWS_JSONL; format++) {
        struct rows r;
        struct buffer out;
        buffer_init(&out, 1000);
        CU_ASSERT_TRUE(buffer_add_text(&out, ""));
        CU_ASSERT_TRUE_FATAL(rows_init(&r, (enum rows_format)format, names, 3));
        CU_ASSERT_TRUE(rows_format_header(&r, &out));
        CU_ASSERT_STRING_EQUAL(out.data, headers[format]);
        buffer_reset(&out);
        CU_ASSERT_TRUE(rows_format_row(&r, cells, 3, &out));
        CU_ASSERT_STRING_EQUAL(out.data, rows[format]);
        CU_ASSERT_FALSE(rows_format_row(&r, cells, 2, &out));
        CU_ASSERT_STRING_EQUAL(out.data, rows[format]);
        rows_free(&r);
        buffer_free(&out);
    }
    struct rows r;
    static const char *const twice[] = {"a", "b", "a"};
    CU_ASSERT_FALSE(rows_init(&r, ROWS_TSV, twice, 3));
    CU_ASSERT_FALSE(rows_init(&r, ROWS_TSV, twice, 0));
}

/* Whatever the cap is, a row is there whole or not at all. */
static void never_tears_a_row(void)
{
    static const char *const names[] = {"a", "b"};
    struct cell cells[] = {text_cell("x\ty\xff\"", 5), {.kind = CELL_REAL, .real = 0.1}};
    for (int format = ROWS_TSV; format <= ROWS_JSONL; format++) {
        struct rows r;
        CU_ASSERT_TRUE_FATAL(rows_init(&r, (enum rows_format)format, names, 2));
        size_t failures = 0;
        for (size_t cap = 3; cap < 60; cap++) {
            struct buffer out;
            buffer_init(&out, cap);
            CU_ASSERT_TRUE(buffer_add_text(&out, "old"));
            bool ok = rows_format_row(&r, cells, 2, &out);
            CU_ASSERT_TRUE(ok ? out.data[out.len - 1] == '\n' : strcmp(out.data, "old") == 0);
            failures += !ok;
            buffer_free(&out);
        }
        CU_ASSERT_TRUE(failures > 5 && failures < 40);
        rows_free(&r);
    }
}

/* Random bytes: what comes out is one line, valid for another reader, and TSV can be undone. */
static void survives_random_bytes(void)
{
    uint64_t seed = 20240229;
    struct buffer out;
    buffer_init(&out, 10000);
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        size_t len = (size_t)round % sizeof(bytes);
        for (size_t i = 0; i < len; i++) {
            static const char nasty[] = "\t\n\r\\\"\0,\xe2\x82\xac\xf0\x9f\x8e\xb5\xed\xa0";
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            unsigned r = (unsigned)(seed >> 33);
            bytes[i] = (char)(r & 1 ? r >> 8 : (unsigned char)nasty[(r >> 8) % (sizeof(nasty) - 1)]);
        }
        format_one(ROWS_TSV, text_cell(bytes, len), &out);
        CU_ASSERT_TRUE(strcspn(out.data, "\t\n\r") == out.len);
        format_one(ROWS_JSONL, text_cell(bytes, len), &out);
        json_t *row = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL);
        json_t *value = json_object_get(row, "n");
        if (!json_is_string(value)) {
            printf("\n    seed 20240229, round %d: %s\n", round, out.data);
            CU_FAIL("no valid JSON");
        }
        json_decref(row);
        CU_ASSERT_TRUE(strchr(out.data, '\n') == NULL);
    }
    buffer_free(&out);
}

static void knows_formats(void)
{
    CU_ASSERT_EQUAL(rows_format_of(NULL), ROWS_TSV);
    CU_ASSERT_EQUAL(rows_format_of("/dev/null"), ROWS_TSV);
    CU_ASSERT_EQUAL(rows_format_of("a.tsv.gz"), ROWS_TSV);
    CU_ASSERT_EQUAL(rows_format_of("a.csv"), ROWS_CSV);
    CU_ASSERT_EQUAL(rows_format_of("a.CSV.zst"), ROWS_CSV);
    CU_ASSERT_EQUAL(rows_format_of("a.jsonl.gz"), ROWS_JSONL);
    CU_ASSERT_EQUAL(rows_format_of("a.jsonl.gz.gz"), ROWS_TSV);
}

int main(void)
{
    static const struct check checks[] = {
        {"formats texts", formats_texts},         {"repairs UTF-8", repairs_utf8},
        {"formats numbers", formats_numbers},     {"formats headers and rows", formats_headers_and_rows},
        {"never tears a row", never_tears_a_row}, {"survives random bytes", survives_random_bytes},
        {"knows formats", knows_formats},         {NULL, NULL},
    };
    return check_run("rows", checks);
}
