#include "src/bench.h"
#include "src/bench_rows.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ workloads */

static struct workload_run run_of(const struct workload *w, enum workload_part part)
{
    return (struct workload_run){.part = part,
                                 .pages = w->pages,
                                 .concurrency = 7,
                                 .latency = 0.5,
                                 .base = "http://h:1",
                                 .directory = "/d"};
}

static bool has_word(char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static void check_word(const char *name, enum workload_part part, const char *word)
{
    const struct workload *w = workload_find(name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    struct workload_run run = run_of(w, part);
    int n = 0;
    char **words = workload_words(w, &run, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(words);
    CU_ASSERT_PTR_NULL(words[n]);
    CU_ASSERT_TRUE(has_word(words, "--quiet"));
    if (!has_word(words, word))
        printf("\n  %s: no %s\n", name, word);
    CU_ASSERT_TRUE(has_word(words, word));
    workload_words_free(words);
}

static void workloads_are_command_lines(void)
{
    check_word("genres", WORKLOAD_WHOLE, "fetch");
    check_word("genres", WORKLOAD_WHOLE, "http://h:1/genre/[1-5]?latency=0.500000000");
    check_word("genres", WORKLOAD_WHOLE, "--output=/d/{id}.txt");
    check_word("powers", WORKLOAD_WHOLE, "1000000..1000015");
    check_word("towers", WORKLOAD_WHOLE, "tower:2^20");
    check_word("titles", WORKLOAD_WHOLE, "http://h:1/random/[1-100]?latency=0.250000000");
    check_word("titles", WORKLOAD_WHOLE, "--concurrency=7");
    check_word("overlap", WORKLOAD_WHOLE, "http://h:1/delay/1.000000000");
    check_word("mixed", WORKLOAD_WHOLE, "--kernel=pow");
    check_word("mixed", WORKLOAD_FETCHING, "--select=none");
    check_word("mixed", WORKLOAD_COMPUTING, "http://h:1/operands/[1-400]?latency=0.000000000");
}

/* Every workload at its largest still has words. */
static void largest_workloads(void)
{
    const struct workload *w;
    for (unsigned i = 0; (w = workload_at(i)); i++) {
        struct workload_run run = run_of(w, WORKLOAD_WHOLE);
        run.pages = w->most_pages;
        int n;
        char **words = workload_words(w, &run, &n);
        CU_ASSERT_PTR_NOT_NULL(words);
        workload_words_free(words);
    }
}

static void article_figures(void)
{
    CU_ASSERT_STRING_EQUAL(workload_article(workload_find("titles"), "hybrid"), "5.65");
    CU_ASSERT_PTR_NULL(workload_article(workload_find("titles"), "threads"));
    CU_ASSERT_PTR_NULL(workload_find("nothing"));
}

/* ------------------------------------------------------------------ rows */

struct scratch {
    char path[64];
};

static struct scratch file_of(const char *text)
{
    struct scratch s = {"/tmp/millrace-test-bench-XXXXXX"};
    int fd = mkstemp(s.path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return s;
}

static struct bench_rows rows_of(const char *text)
{
    char error[256];
    struct bench_rows rows;
    struct scratch s = file_of(text);
    CU_ASSERT_TRUE_FATAL(bench_rows_read(&rows, s.path, error, sizeof error));
    unlink(s.path);
    return rows;
}

static bool same(const char *a, const char *b, char *difference, size_t size)
{
    struct bench_rows left = rows_of(a), right = rows_of(b);
    bool equal = bench_rows_same(&left, &right, difference, size);
    bench_rows_free(&left);
    bench_rows_free(&right);
    return equal;
}

static void rows_are_compared_without_order_and_time(void)
{
    static const char one[] = "id\tv\tseconds\trank\terror\n0\tx\t1.5\t0\t\n1\ty\t2.5\t1\t\n";
    static const struct {
        const char *other, *difference; /* NULL: they are the same */
    } cases[] = {
        {"id\tv\tseconds\trank\terror\n1\ty\t9\t0\t\n0\tx\t8\t3\t\n", NULL},
        {"id\tv\tseconds\trank\terror\n1\ty\t9\t0\t\n", "0\tx\t\t"},
        {"id\tv\tseconds\trank\terror\n1\ty\t9\t0\t\n0\tz\t8\t3\t\n", "0\tx\t\t"},
        {"id\tv\tseconds\trank\terror\n1\ty\t9\t0\t\n0\tx\t8\t3\t\n2\tx\t8\t3\t\n", "2\tx\t\t"},
        {"id\tv\tseconds\trank\terror\n1\ty\t9\t0\t\n0\tx\t8\t3\t\n0\tx\t8\t3\t\n", "0\tx\t\t"},
        {"", "0\tx\t\t"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char difference[64] = "";
        bool equal = same(one, cases[i].other, difference, sizeof difference);
        CU_ASSERT_EQUAL(equal, cases[i].difference == NULL);
        CU_ASSERT_STRING_EQUAL(difference, cases[i].difference ? cases[i].difference : "");
    }
}

static void files_count_with_their_contents(void)
{
    char one[256], two[256], difference[256];
    struct scratch a = file_of("bebop"), b = file_of("bebop"), c = file_of("ska");
    snprintf(one, sizeof one, "id\tfile\n0\t%s\n", a.path);
    snprintf(two, sizeof two, "id\tfile\n0\t%s\n", b.path);
    CU_ASSERT_TRUE(same(one, two, difference, sizeof difference));
    snprintf(two, sizeof two, "id\tfile\n0\t%s\n", c.path);
    CU_ASSERT_FALSE(same(one, two, difference, sizeof difference));
    unlink(a.path);
    unlink(b.path);
    unlink(c.path);
}

static void errors_are_counted(void)
{
    struct bench_rows rows = rows_of("id\terror\n0\t\n1\tno such host\n2\tHTTP status 500\n");
    CU_ASSERT_EQUAL(rows.n, 3);
    CU_ASSERT_EQUAL(rows.failed, 2);
    CU_ASSERT_STRING_EQUAL(rows.failure, "no such host");
    bench_rows_free(&rows);
    char error[256] = "";
    CU_ASSERT_FALSE(bench_rows_read(&rows, "/nowhere/rows.tsv", error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "/nowhere/rows.tsv"));
}

/* ------------------------------------------------------------------ figures */

static void times_by_rank(void)
{
    struct bench_run runs[] = {{.seconds = 3}, {.seconds = 1}, {.seconds = 2}, {.seconds = 8}};
    struct bench_setting s = {.runs = runs, .n_runs = 4};
    CU_ASSERT_EQUAL(bench_seconds(&s, BENCH_MIN), 1);
    CU_ASSERT_EQUAL(bench_seconds(&s, BENCH_MEDIAN), 2.5);
    CU_ASSERT_EQUAL(bench_seconds(&s, BENCH_MAX), 8);
    CU_ASSERT_EQUAL(bench_median_run(&s)->seconds, 2);
    s.n_runs = 3;
    CU_ASSERT_EQUAL(bench_seconds(&s, BENCH_MEDIAN), 2);
    s.n_runs = 1;
    CU_ASSERT_EQUAL(bench_seconds(&s, BENCH_MAX), 3);
}

int main(void)
{
    static const struct check checks[] = {
        {"workloads are command lines", workloads_are_command_lines},
        {"the largest workloads have words", largest_workloads},
        {"figures of the articles", article_figures},
        {"rows are compared without order and time", rows_are_compared_without_order_and_time},
        {"files count with their contents", files_count_with_their_contents},
        {"errors are counted", errors_are_counted},
        {"times by rank", times_by_rank},
        {0},
    };
    return check_run("bench", checks);
}
