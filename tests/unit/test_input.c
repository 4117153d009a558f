#include "io/buffer.h"
#include "io/input.h"
#include "io/table.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/test_input.XXXXXX";

static const char *path_of(const char *name, char *path)
{
    (void)snprintf(path, 200, "%s/%s", directory, name);
    return path;
}

static char *make_file(const char *name, const char *text, size_t len)
{
    static char path[200];
    FILE *f = fopen(path_of(name, path), "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fwrite(text, 1, len, f), len);
    CU_ASSERT_EQUAL(fclose(f), 0);
    return path;
}

/* "ID LINE URL|" for each record, "!" before the URL of a bad one; how it ended comes last. */
static void read_all(struct input *in, struct buffer *out)
{
    struct input_record r;
    for (;;) {
        enum input_step step = input_next(in, &r);
        struct pollfd p = {.fd = input_fd(in), .events = POLLIN};
        if (step == INPUT_WAIT && poll(&p, 1, 5000) == 1)
            continue;
        if (step != INPUT_RECORD) {
            CU_ASSERT_TRUE(buffer_add_text(out, step == INPUT_END    ? "end"
                                                : step == INPUT_WAIT ? "wait"
                                                                     : "failed"));
            return;
        }
        CU_ASSERT_EQUAL(r.url_len, strlen(r.url));
        CU_ASSERT_TRUE(buffer_addf(out, "%llu %llu %s%.20s|", (unsigned long long)r.id,
                                   (unsigned long long)r.line, r.problem ? "!" : "", r.url));
    }
}

static void check_args(char *const *args, size_t nargs, uint32_t repeat, const char *expected)
{
    struct input_config config = {.args = args, .nargs = nargs, .repeat = repeat};
    struct input_error error = {.text = ""};
    struct input *in = NULL;
    struct buffer out;
    buffer_init(&out, 100000);
    if (input_open(&config, &in, &error))
        read_all(in, &out);
    else
        CU_ASSERT_TRUE(buffer_addf(&out, "%s", error.text));
    if (strcmp(out.data, expected) != 0) {
        printf("\n    %s\n    expected %s\n", out.data, expected);
        CU_FAIL("not as expected");
    }
    input_close(in);
    buffer_free(&out);
}

static void check_file(const char *name, const char *text, size_t len, const char *expected)
{
    char *path = make_file(name, text, len);
    check_args(&path, 1, 1, expected);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

#define CHECK_FILE(name, text, expected) check_file(name, text, sizeof(text) - 1, expected)

static void reads_files(void)
{
    CHECK_FILE("u.txt", "", "end");
    CHECK_FILE("u.txt", "# c\n\n  \n\t# d\r\n", "end");
    CHECK_FILE("u.txt", "\xef\xbb\xbfhttp://a/\r\n\r\n#x\n \thttp://b/[1-3] \nc",
               "0 1 http://a/|1 4 http://b/[1-3]|2 5 c|end");
    CHECK_FILE("u.txt", "http://a/\0b\nhttp://c/\n", "0 1 !http://a/?b|1 2 http://c/|end");
    CHECK_FILE("u.tsv", "n\turl\n1\thttp://a/\n\n#\thttp://b/\nbad\n",
               "0 2 http://a/|1 4 http://b/|2 5 !bad|end");
    CHECK_FILE("u.tsv", "", "end");
    CHECK_FILE("u.csv", "n,url\r\n\"1\n2\",http://a/\r\n3, http://b/ \r\n4,\r\n",
               "0 2 http://a/|1 4 http://b/|2 5 !|end");
    CHECK_FILE("u.jsonl", "{\"url\":\"http://a/\"}\n{\n{}\n", "0 1 http://a/|1 2 !{|2 3 !{}|end");
}

static void reads_long_lines(void)
{
    static char text[400000];
    memset(text, 'x', sizeof(text));
    memcpy(text + 100000, "\nhttp://a/\n", 11);
    check_file("u.txt", text, sizeof(text),
               "0 1 !xxxxxxxxxxxxxxxxxxxx|1 2 http://a/|2 3 !xxxxxxxxxxxxxxxxxxxx|end");
    memset(text, '\n', sizeof(text));
    text[sizeof(text) - 1] = 'x';
    check_file("u.txt", text, sizeof(text), "0 400000 x|end");
}

static void reads_urls_and_repeats(void)
{
    char *args[] = {"http://a/[1-2]", "https://{b,c}/", "x://y"};
    check_args(args, 3, 2,
               "0 1 http://a/1|1 1 http://a/1|2 2 http://a/2|3 2 http://a/2|4 1 https://b/|5 1 https://b/|"
               "6 2 https://c/|7 2 https://c/|8 1 x://y|9 1 x://y|end");
    check_args(args, 0, 1, "end");
}

static void refuses_early(void)
{
    static const struct {
        char *arg;
        const char *text;
    } cases[] = {
        {"/no/such/urls.txt", "cannot read '/no/such/urls.txt': No such file or directory"},
        {"example.org/x",
         "cannot read 'example.org/x': No such file or directory (did you mean https://example.org/x?)"},
        {"/tmp", "cannot read '/tmp': Is a directory"},
        {"a\x1b[2J", "cannot read 'a?[2J': No such file or directory"},
        {"", "cannot read '': No such file or directory"},
        {"http://a/[3-1]", "cannot read 'http://a/[3-1]': at byte 10: the range ends before it begins"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *args[] = {"http://a/", cases[i].arg};
        check_args(args, 2, 1, cases[i].text);
    }
    char *twice[] = {"-", "-"};
    check_args(twice, 2, 1, "cannot read standard input: it is given twice");
    char expected[400], path[200];
    (void)snprintf(expected, sizeof(expected), "cannot read '%s': no column 'url'; there are: 'a', 'b'",
                   path_of("u.csv", path));
    CHECK_FILE("u.csv", "a,b\n1,2\n", expected);
    (void)snprintf(expected, sizeof(expected), "cannot read '%s': it is compressed; decompress it and give -",
                   path_of("u.txt.gz", path));
    CHECK_FILE("u.txt.gz", "\x1f\x8b", expected);
}

static void keeps_columns(void)
{
    char *path = make_file("u.csv", "n,link\n7,http://a/\n", 19);
    struct input_config config = {.args = &path, .nargs = 1, .repeat = 1, .url_column = "link"};
    struct input_error error;
    struct input_record r;
    struct input *in;
    CU_ASSERT_TRUE_FATAL(input_open(&config, &in, &error));
    enum input_step step = input_next(in, &r);
    if (step == INPUT_WAIT)
        step = input_next(in, &r);
    CU_ASSERT_EQUAL_FATAL(step, INPUT_RECORD);
    CU_ASSERT_STRING_EQUAL(r.url, "http://a/");
    CU_ASSERT_STRING_EQUAL(table_column(r.columns, r.columns_len, "n"), "7");
    CU_ASSERT_STRING_EQUAL(r.source, path);
    input_close(in);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* A file that goes away between its check and its turn. */
static void fails_in_mid_way(void)
{
    char *args[] = {"http://a/", make_file("gone.txt", "x\n", 2)};
    struct input_config config = {.args = args, .nargs = 2, .repeat = 1};
    struct input_error error;
    struct input *in;
    struct buffer out;
    buffer_init(&out, 1000);
    CU_ASSERT_TRUE_FATAL(input_open(&config, &in, &error));
    CU_ASSERT_EQUAL(unlink(args[1]), 0);
    read_all(in, &out);
    CU_ASSERT_STRING_EQUAL(out.data, "0 1 http://a/|failed");
    CU_ASSERT_PTR_NOT_NULL(strstr(input_failure(in), "gone.txt': No such file"));
    struct input_record r;
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_FAILED);
    input_close(in);
    buffer_free(&out);
}

static void knows_how_far_it_is(void)
{
    char *args[] = {"http://a/[1-4]", "http://b/{x,y}"};
    struct input_config config = {.args = args, .nargs = 2, .repeat = 3};
    struct input_error error;
    struct input_record r;
    struct input *in;
    uint64_t total = 0;
    CU_ASSERT_TRUE_FATAL(input_open(&config, &in, &error));
    CU_ASSERT_TRUE(input_total(in, &total));
    CU_ASSERT_EQUAL(total, 18);
    CU_ASSERT_EQUAL(input_fraction(in), 0.0);
    double last = 0.0;
    while (input_next(in, &r) == INPUT_RECORD) {
        CU_ASSERT_TRUE(input_fraction(in) >= last);
        last = input_fraction(in);
    }
    CU_ASSERT_EQUAL(input_fraction(in), 1.0);
    input_close(in);
    char *path = make_file("u.txt", "http://a/\n", 10);
    config = (struct input_config){.args = &path, .nargs = 1, .repeat = 1};
    CU_ASSERT_TRUE_FATAL(input_open(&config, &in, &error));
    CU_ASSERT_FALSE(input_total(in, &total));
    CU_ASSERT_EQUAL(input_fraction(in), 0.0);
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_RECORD);
    CU_ASSERT_EQUAL(input_fraction(in), 1.0);
    input_close(in);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* Standard input as a pipe whose writer takes his time: what is written must come out before more is. */
static void reads_a_slow_pipe(void)
{
    int ends[2], saved = dup(STDIN_FILENO);
    char *args[] = {"-"};
    struct input_config config = {.args = args, .nargs = 1, .repeat = 1};
    struct input_error error;
    struct input_record r;
    struct input *in;
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    CU_ASSERT_EQUAL_FATAL(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    CU_ASSERT_TRUE_FATAL(input_open(&config, &in, &error));
    CU_ASSERT_TRUE(input_fraction(in) < 0);
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_WAIT);
    CU_ASSERT_EQUAL(input_fd(in), STDIN_FILENO);
    CU_ASSERT_EQUAL(write(ends[1], "http://a/\nhttp://", 17), 17);
    CU_ASSERT_EQUAL_FATAL(input_next(in, &r), INPUT_RECORD);
    CU_ASSERT_STRING_EQUAL(r.url, "http://a/");
    CU_ASSERT_STRING_EQUAL(r.source, "standard input");
    CU_ASSERT_EQUAL(input_fd(in), -1);
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_WAIT);
    CU_ASSERT_EQUAL(write(ends[1], "b/", 2), 2);
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_WAIT);
    CU_ASSERT_EQUAL(close(ends[1]), 0);
    CU_ASSERT_EQUAL_FATAL(input_next(in, &r), INPUT_RECORD);
    CU_ASSERT_STRING_EQUAL(r.url, "http://b/");
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_END);
    CU_ASSERT_EQUAL(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    input_close(in);
    CU_ASSERT_TRUE(fcntl(STDIN_FILENO, F_GETFD) >= 0);
    CU_ASSERT_EQUAL(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    close(saved);
    close(ends[0]);
}

/* A named pipe that nobody writes to yet is neither an error nor an end, nor does it stop us. Its header is
 * checked when it comes. */
static void waits_for_a_writer(void)
{
    char path[200], *arg = path;
    struct input_config config = {.args = &arg, .nargs = 1, .repeat = 1};
    struct input_error error;
    struct input_record r;
    struct input *in;
    CU_ASSERT_EQUAL_FATAL(mkfifo(path_of("pipe.csv", path), 0600), 0);
    CU_ASSERT_TRUE_FATAL(input_open(&config, &in, &error));
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_WAIT);
    int writer = open(path, O_WRONLY);
    CU_ASSERT_TRUE_FATAL(writer >= 0);
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_WAIT);
    CU_ASSERT_EQUAL(write(writer, "a,b\n", 4), 4);
    CU_ASSERT_EQUAL(input_next(in, &r), INPUT_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(input_failure(in), "pipe.csv': no column 'url'; there are: 'a', 'b'"));
    close(writer);
    input_close(in);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* However much of nothing comes, a call returns after one read. */
static void never_reads_without_end(void)
{
    char *args[] = {"/dev/zero"};
    struct input_config config = {.args = args, .nargs = 1, .repeat = 1};
    struct input_error error;
    struct input_record r;
    struct input *in;
    CU_ASSERT_TRUE_FATAL(input_open(&config, &in, &error));
    int records = 0;
    for (int i = 0; i < 10; i++)
        records += input_next(in, &r) == INPUT_RECORD;
    CU_ASSERT_EQUAL(records, 1);
    input_close(in);
}

int main(void)
{
    static const struct check checks[] = {
        {"reads files", reads_files},
        {"reads long lines", reads_long_lines},
        {"reads URLs, repeats", reads_urls_and_repeats},
        {"refuses early", refuses_early},
        {"keeps columns", keeps_columns},
        {"fails in mid-way", fails_in_mid_way},
        {"knows how far it is", knows_how_far_it_is},
        {"reads a slow pipe", reads_a_slow_pipe},
        {"waits for a writer", waits_for_a_writer},
        {"never reads without end", never_reads_without_end},
        {NULL, NULL},
    };
    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    (void)alarm(30);
    int code = check_run("input", checks);
    return rmdir(directory) == 0 ? code : EXIT_FAILURE;
}
