#include "io/lines.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

/* Feeds `text` in pieces of `piece` bytes; the records come out as "LINE:TEXT|". */
static void cut(const char *text, size_t len, bool csv, size_t piece, struct buffer *out)
{
    struct lines l;
    struct lines_text record;
    lines_init(&l, csv);
    buffer_reset(out);
    CU_ASSERT_TRUE(buffer_add_text(out, ""));
    for (size_t at = 0;;) {
        enum lines_step step = lines_next(&l, &record);
        if (step == LINES_END)
            break;
        if (step == LINES_RECORD || step == LINES_TOO_LONG) {
            bool is_long = step == LINES_TOO_LONG;
            CU_ASSERT_TRUE(buffer_addf(out, "%llu%s", (unsigned long long)record.line, is_long ? "!" : ":"));
            CU_ASSERT_TRUE(buffer_add(out, record.text, is_long ? 1 : record.len) &&
                           buffer_add_byte(out, '|'));
            continue;
        }
        char *room = lines_room(&l);
        CU_ASSERT_PTR_NOT_NULL_FATAL(room);
        size_t n = len - at < piece ? len - at : piece;
        if (n > 0)
            memcpy(room, text + at, n);
        lines_put(&l, n);
        if (n == 0)
            lines_end(&l);
        at += n;
    }
    lines_free(&l);
}

/* How the bytes arrive must not matter. */
static void cuts_however_it_arrives(void)
{
    static const struct {
        const char *text;
        bool csv;
        const char *records;
    } cases[] = {
        {"", false, ""},
        {"a", false, "1:a|"},
        {"a\nb\n", false, "1:a|2:b|"},
        {"a\r\nb\r\n\r\nc\r", false, "1:a|2:b|3:|4:c|"},
        {"\n\na", false, "1:|2:|3:a|"},
        {"a\rb\n", false, "1:a\rb|"},
        {"\xef\xbb\xbf"
         "a\n",
         false, "1:a|"},
        {"\xef\xbb\xbf", false, ""},
        {"\xef\xbb", false, "1:\xef\xbb|"},
        {"\xef\xbb\xbf\xef\xbb\xbf"
         "a",
         false,
         "1:\xef\xbb\xbf"
         "a|"},
        {"\"a\nb\"\nc", false, "1:\"a|2:b\"|3:c|"},
        {"\"a\nb\"\nc", true, "1:\"a\nb\"|3:c|"},
        {"x,\"a\r\n\"\"\n\",y\r\nc\n", true, "1:x,\"a\r\n\"\"\n\",y|4:c|"},
        {"5\" disk,a\nb\n", true, "1:5\" disk,a|2:b|"},
        {"a,\"b\nc", true, "1:a,\"b\nc|"},
        {"\"a\"\"\n\"\n\"\"\nb", true, "1:\"a\"\"\n\"|3:\"\"|4:b|"},
    };
    struct buffer out;
    buffer_init(&out, 10000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].text);
        for (size_t piece = 1; piece <= len + 1; piece++) {
            cut(cases[i].text, len, cases[i].csv, piece, &out);
            if (strcmp(out.data, cases[i].records) != 0) {
                printf("\n    %s in pieces of %zu: %s\n", cases[i].text, piece, out.data);
                CU_FAIL("not as expected");
            }
        }
    }
    buffer_free(&out);
}

/* `n` bytes and `end`, then a short line. */
static void check_length(size_t n, const char *end, bool csv, const char *start_of_out,
                         const char *end_of_out)
{
    static char text[400000];
    static const size_t pieces[] = {1, 4096, 65535, 65536};
    struct buffer out;
    buffer_init(&out, 200000);
    memset(text, 'x', n);
    text[0] = csv ? '"' : 'x';
    size_t len = n + (size_t)snprintf(text + n, 100, "%sok\n", end);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        cut(text, len, csv, pieces[i], &out);
        if (strncmp(out.data, start_of_out, strlen(start_of_out)) != 0 || out.len < strlen(end_of_out) ||
            strcmp(out.data + out.len - strlen(end_of_out), end_of_out) != 0) {
            printf("\n    %zu in pieces of %zu: %.20s ... %s\n", n, pieces[i], out.data,
                   out.len > 20 ? out.data + out.len - 20 : "");
            CU_FAIL("not as expected");
        }
    }
    buffer_free(&out);
}

static void bounds_lengths(void)
{
    check_length(LINES_LENGTH_MAX, "\n", false, "1:xx", "x|2:ok|");
    check_length(LINES_LENGTH_MAX, "\r\n", false, "1:xx", "x|2:ok|");
    check_length(LINES_LENGTH_MAX + 1, "\n", false, "1!x|", "|2:ok|");
    check_length(LINES_LENGTH_MAX + 1, "\r\n", false, "1!x|", "|2:ok|");
    check_length(LINES_LENGTH_MAX + 2, "\n", false, "1!x|", "|2:ok|");
    check_length(300000, "\n", false, "1!x|2:ok|", "|2:ok|");
    check_length(300000, "\n", true, "1!\"|2:ok|", "|2:ok|");
    check_length(LINES_LENGTH_MAX, "", false, "1!x|", "!x|");
}

int main(void)
{
    static const struct check checks[] = {
        {"cuts however it arrives", cuts_however_it_arrives},
        {"bounds lengths", bounds_lengths},
        {NULL, NULL},
    };
    return check_run("lines", checks);
}
