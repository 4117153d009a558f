#include "io/files.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The tests run in it. */
static char directory[] = "/tmp/test_files.XXXXXX";

static void expands(void)
{
    static const struct {
        const char *pattern, *host, *type, *root, *name;
    } cases[] = {
        {"genres/new_file{id}.txt", "h", NULL, "genres/", "new_file7.txt"},
        {"{id}", "h", NULL, "", "7"},
        {"out/", "h", "text/html; charset=utf-8", "out/", "7.html"},
        {"/tmp/a/{host}/{id}.{ext}", "Example.ORG", "application/pdf", "/tmp/a/", "example.org/7.pdf"},
        {"{host}_{id}", "[::1]", NULL, "", "___1__7"},
        {"{host}/{id}", "..", NULL, "", "_./7"},
        {"{host}/{id}", ".", NULL, "", "_/7"},
        {"{host}/{id}", "", NULL, "", "_/7"},
        {"{host}/{id}", "a/../../b\\c\n\xff", NULL, "", "a_.._.._b_c__/7"},
        {".{host}/{id}", ".", NULL, "", "._/7"},
        {"{id}.{ext}", "h", "../../etc/passwd", "", "7.bin"},
        {"{id}.{ext}", "h", "", "", "7.bin"},
        {"../up/{{{id}}}", "h", NULL, "../up/", "{7}"},
    };
    struct buffer out;
    buffer_init(&out, 1000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct file_error error = {.text = ""};
        struct file_pattern *p = file_pattern_parse(cases[i].pattern, &error);
        if (!p || !file_pattern_expand(p, 7, cases[i].host, cases[i].type, &out) ||
            strcmp(out.data, cases[i].name) != 0 || strcmp(file_pattern_root(p), cases[i].root) != 0) {
            printf("\n    %s: %s%s\n", cases[i].pattern, error.text, p ? out.data : "");
            CU_FAIL("not as expected");
        }
        file_pattern_free(p);
    }
    buffer_free(&out);
}

static void refuses(void)
{
    static const struct {
        const char *pattern, *part_of_text;
    } cases[] = {
        {"", "must have {id}"},
        {"out.txt", "must have {id}"},
        {"{host}.txt", "must have {id}"},
        {"{{id}}", "must have {id}"},
        {"{name}{id}", "there are {id}, {host} and {ext}"},
        {"{id", "there are {id}, {host} and {ext}"},
        {"{id}}", "there are {id}, {host} and {ext}"},
        {"{ID}", "there are {id}, {host} and {ext}"},
        {"{host}/../{id}", "'.' or '..'"},
        {"{host}/./{id}", "'.' or '..'"},
        {"{host}//{id}", "an empty name"},
        {"{id}/..", "'.' or '..'"},
        {"{id}\x1b[2J/..", "?[2J"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct file_error error = {.text = ""};
        struct file_pattern *p = file_pattern_parse(cases[i].pattern, &error);
        if (p || !strstr(error.text, cases[i].part_of_text)) {
            printf("\n    %s: %s\n", cases[i].pattern, error.text);
            CU_FAIL("not as expected");
        }
        file_pattern_free(p);
    }
    static char pattern[8000];
    struct file_error error;
    memset(pattern, 'x', sizeof(pattern) - 1);
    CU_ASSERT_PTR_NULL(file_pattern_parse(pattern, &error));
    for (size_t i = 0; i < 200; i++)
        memcpy(pattern + 4 * i, "{id}", 5);
    CU_ASSERT_PTR_NULL(file_pattern_parse(pattern, &error));
}

static void knows_extensions(void)
{
    static const char *const cases[][2] = {
        {"text/html", "html"},
        {"TEXT/HTML;charset=x", "html"},
        {" application/json ; x", "json"},
        {"application/ld+json", "json"},
        {"application/rss+xml", "xml"},
        {"image/svg+xml", "svg"},
        {"image/jpeg", "jpg"},
        {"text/htmlx", "bin"},
        {"+xml", "bin"},
        {"text", "bin"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CU_ASSERT_STRING_EQUAL(file_extension(cases[i][0]), cases[i][1]);
}

static struct file_pattern *open_pattern(const char *text)
{
    struct file_error error = {.text = ""};
    struct file_pattern *p = file_pattern_parse(text, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_TRUE_FATAL(file_pattern_open(p, &error));
    return p;
}

static void check_content(const char *path, const char *text)
{
    char content[100] = "";
    int fd = open(path, O_RDONLY);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(read(fd, content, sizeof(content)), (ssize_t)strlen(text));
    CU_ASSERT_EQUAL(memcmp(content, text, strlen(text)), 0);
    close(fd);
}

static int entries_of(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void stores_and_replaces(void)
{
    struct file_error error;
    struct file_pattern *p = open_pattern("a/b/{host}/{id}.{ext}");
    CU_ASSERT_TRUE(file_store(p, "h/1.txt", "one", 3, &error));
    check_content("a/b/h/1.txt", "one");
    CU_ASSERT_TRUE(file_store(p, "h/1.txt", "", 0, &error));
    check_content("a/b/h/1.txt", "");
    CU_ASSERT_TRUE(file_store(p, "2.txt", "two", 3, &error));
    CU_ASSERT_EQUAL(entries_of("a/b/h"), 1);
    CU_ASSERT_EQUAL(entries_of("a/b"), 2);
    file_pattern_free(p);
    p = open_pattern("a/b/{id}");
    CU_ASSERT_TRUE(file_store(p, "3", "three", 5, &error));
    file_pattern_free(p);
    p = file_pattern_parse("c/{id}", &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_FALSE(file_store(p, "1", "", 0, &error));
    file_pattern_free(p);
}

/* Links that were planted in the tree, and names that lead out of it. */
static void stays_below_its_root(void)
{
    struct file_error error = {.text = ""};
    struct file_pattern *p = open_pattern("safe/{host}/{id}");
    CU_ASSERT_EQUAL(mkdir("outside", 0700), 0);
    CU_ASSERT_EQUAL(symlink("../outside", "safe/evil"), 0);
    CU_ASSERT_FALSE(file_store(p, "evil/1", "x", 1, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "evil/1"));
    CU_ASSERT_TRUE(error.number == ENOTDIR || error.number == ELOOP);
    CU_ASSERT_EQUAL(symlink("../outside/new", "safe/2"), 0);
    CU_ASSERT_TRUE(file_store(p, "2", "x", 1, &error));
    struct stat st;
    CU_ASSERT_TRUE(lstat("safe/2", &st) == 0 && S_ISREG(st.st_mode));
    static const char *const names[] = {"../outside/3", "/tmp/x", "h/../../outside/3", "", "h/", "h//1",
                                        "..",           "."};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CU_ASSERT_FALSE(file_store(p, names[i], "x", 1, &error));
    CU_ASSERT_EQUAL(entries_of("outside"), 0);
    file_pattern_free(p);
}

/* A write that fails leaves nothing behind. RLIMIT_FSIZE stands for a full disk. */
static void leaves_nothing_on_failure(void)
{
    static const char data[10000] = "x";
    struct file_error error;
    struct rlimit before, small;
    struct file_pattern *p = open_pattern("full/{id}");
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 5000, .rlim_max = before.rlim_max};
    CU_ASSERT_PTR_NOT_EQUAL(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool ok = file_store(p, "1", data, sizeof(data), &error);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    CU_ASSERT_FALSE(ok);
    CU_ASSERT_EQUAL(error.number, EFBIG);
    CU_ASSERT_EQUAL(entries_of("full"), 0);
    CU_ASSERT_EQUAL(mkdir("full/2", 0700), 0);
    CU_ASSERT_FALSE(file_store(p, "2", data, sizeof(data), &error));
    CU_ASSERT_EQUAL(error.number, EISDIR);
    CU_ASSERT_EQUAL(entries_of("full"), 1);
    file_pattern_free(p);
    p = file_pattern_parse("full/file/{id}", &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    int fd = open("full/file", O_WRONLY | O_CREAT, 0600);
    CU_ASSERT_TRUE(fd >= 0);
    close(fd);
    CU_ASSERT_FALSE(file_pattern_open(p, &error));
    CU_ASSERT_EQUAL(error.number, ENOTDIR);
    file_pattern_free(p);
}

struct thread {
    pthread_t thread;
    const struct file_pattern *pattern;
    int failures;
};

static void *store_many(void *context)
{
    struct thread *t = context;
    for (int i = 0; i < 200; i++) {
        char name[40];
        struct file_error error;
        (void)snprintf(name, sizeof(name), "h%d/%d", i % 7, i);
        t->failures += !file_store(t->pattern, name, "data", 4, &error);
    }
    return NULL;
}

/* All threads store the same names at the same time. */
static void stores_from_many_threads(void)
{
    struct thread threads[4];
    struct file_pattern *p = open_pattern("many/{host}/{id}");
    for (size_t i = 0; i < 4; i++) {
        threads[i] = (struct thread){.pattern = p};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i].thread, NULL, store_many, &threads[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(pthread_join(threads[i].thread, NULL), 0);
        CU_ASSERT_EQUAL(threads[i].failures, 0);
    }
    CU_ASSERT_EQUAL(entries_of("many"), 7);
    CU_ASSERT_EQUAL(entries_of("many/h0"), 29);
    check_content("many/h0/7", "data");
    file_pattern_free(p);
}

int main(void)
{
    static const struct check checks[] = {
        {"expands", expands},
        {"refuses", refuses},
        {"knows extensions", knows_extensions},
        {"stores and replaces", stores_and_replaces},
        {"stays below its root", stays_below_its_root},
        {"leaves nothing on failure", leaves_nothing_on_failure},
        {"stores from many threads", stores_from_many_threads},
        {NULL, NULL},
    };
    char command[100];
    if (!mkdtemp(directory) || chdir(directory) < 0)
        return EXIT_FAILURE;
    int code = check_run("files", checks);
    (void)snprintf(command, sizeof(command), "rm -r -- '%s'", directory);
    return system(command) == 0 ? code : EXIT_FAILURE;
}
