#include "src/bench.h"

#include "src/bench_rows.h"
#include "src/engine.h"
#include "src/local_origin.h"
#include "src/options_pages.h"
#include "src/options_pow.h"
#include "src/pool.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUNS = 3, PATH_BYTES = 4096, BASE_BYTES = 512, MESSAGE_BYTES = 2048 };

struct session {
    struct link *link;
    const struct bench_config *config;
    struct bench *bench;
    struct local_origin origin; /* on rank 0 */
    char base[BASE_BYTES];      /* of the origin's URLs */
    char directory[PATH_BYTES]; /* for rows and files, of the same name on every rank */
    struct bench_rows expected; /* on rank 0: of the first run of the whole job */
    const char *expected_of;    /* its setting's name */
    struct bench_run last;      /* on rank 0: what the engine has just told */
    unsigned n_runs;            /* of all settings */
};

static bool speaks(const struct session *s)
{
    return link_rank(s->link) == 0;
}

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "millrace bench: %s\n", text);
}

/* ------------------------------------------------------------------ settings */

static unsigned threads_for(const struct session *s, const struct strategy *strategy)
{
    if (!strategy->threads)
        return 0;
    if (s->config->threads)
        return s->config->threads;
    /* Alone on its machine, a rank has all of it. */
    return pool_default_threads(strategy->ranks == 1 ? 1 : link_neighbours(s->link));
}

static uint32_t transfers_of(const struct session *s, const struct strategy *strategy, unsigned threads,
                             uint32_t ranks)
{
    uint64_t sum = 0;
    for (uint32_t rank = 0; rank < ranks; rank++)
        sum += strategy_places_of(strategy, rank, threads ? threads : 1, s->config->concurrency);
    return sum < s->config->pages ? (uint32_t)sum : s->config->pages;
}

static bool add_setting(struct session *s, const char *name, const struct strategy *strategy,
                        enum workload_part part)
{
    struct bench_setting *to = &s->bench->settings[s->bench->n_settings];
    uint32_t size = (uint32_t)link_size(s->link);
    *to = (struct bench_setting){.name = name, .strategy = strategy, .part = part};
    to->ranks = strategy->ranks < size ? strategy->ranks : size;
    to->threads = threads_for(s, strategy);
    to->cores = to->ranks * (to->threads ? to->threads : 1);
    to->in_flight = s->config->workload->fetches ? transfers_of(s, strategy, to->threads, to->ranks) : 0;
    to->runs = calloc(BENCH_MOST_RUNS, sizeof *to->runs);
    s->bench->n_settings += to->runs != NULL;
    return to->runs != NULL;
}

static bool add_settings(struct session *s)
{
    const struct bench_config *c = s->config;
    bool good = true;
    for (unsigned i = 0; i < c->n_strategies; i++)
        good = good && add_setting(s, c->strategies[i]->name, c->strategies[i], WORKLOAD_WHOLE);
    if (c->in_parts) {
        const struct strategy *last = c->strategies[c->n_strategies - 1];
        good = good && add_setting(s, "fetch-alone", last, WORKLOAD_FETCHING) &&
               add_setting(s, "compute-alone", last, WORKLOAD_COMPUTING);
    }
    return good;
}

/* ------------------------------------------------------------------ one run */

static void observe(void *context, const struct report *report)
{
    struct session *s = context;
    struct tally all = report_total(report);
    s->last = (struct bench_run){.seconds = (double)report->figures->seconds_ns / 1e9,
                                 .records = report->figures->succeeded + report->figures->failed,
                                 .requests = all.requests,
                                 .cpu_seconds = (double)(all.user_us + all.system_us) / 1e6,
                                 .overlap = tally_overlap(&all),
                                 .stall = (double)all.longest_stall_ns / 1e9};
}

/* Reads the words as if they had been typed. -1: `*job` is to be run; else the exit code. */
static int parse_words(const struct session *s, int n, char **words, struct job **job)
{
    if (strcmp(words[0], "pow") == 0)
        return options_pow_parse(n, words, speaks(s), job);
    return options_pages_parse(strcmp(words[0], "fetch") == 0 ? PAGES_FETCH : PAGES_SCRAPE, n, words,
                               speaks(s), job);
}

static void note_command(struct session *s, char *const *words)
{
    size_t len = 0;
    FILE *out = s->bench->command ? NULL : open_memstream(&s->bench->command, &len);
    if (!out)
        return;
    fputs("millrace", out);
    for (; *words; words++)
        fprintf(out, " %s", *words);
    if (fclose(out) != 0)
        s->bench->command = NULL;
}

/* The engine's exit code. The rows are in `rows`, a path. */
static int run_words(struct session *s, const struct bench_setting *setting, const char *rows,
                     const char *trace, char **words, int n_words)
{
    struct job *job;
    note_command(s, words);
    /* Reading them changes them: argp puts its own order on them, and a --select is cut at its '='. */
    char **argv = calloc((size_t)n_words + 1, sizeof *argv);
    if (!argv)
        return EXIT_STOPPED;
    memcpy(argv, words, (size_t)n_words * sizeof *argv);
    int code = parse_words(s, n_words, argv, &job);
    if (code < 0) {
        job->engine.strategy = setting->strategy;
        job->engine.threads = setting->threads;
        job->engine.head.output = rows;
        job->engine.trace = trace;
        job->engine.observe = observe;
        job->engine.observer = s;
        code = engine_run(s->link, &job->engine);
        job->free(job);
    }
    free(argv);
    return code;
}

static int run_once(struct session *s, const struct bench_setting *setting, const char *trace)
{
    char rows[PATH_BYTES + 32], files[PATH_BYTES + 32];
    snprintf(rows, sizeof rows, "%s/rows.tsv", s->directory);
    snprintf(files, sizeof files, "%s/%u", s->directory, s->n_runs++);
    const struct bench_config *c = s->config;
    const struct workload_run run = {.part = setting->part,
                                     .pages = c->pages,
                                     .concurrency = c->concurrency,
                                     .latency = c->latency,
                                     .base = s->base,
                                     .directory = files};
    int n_words;
    char **words = workload_words(c->workload, &run, &n_words);
    if (!words)
        return EXIT_STOPPED;
    int code = run_words(s, setting, rows, trace, words, n_words);
    workload_words_free(words);
    return code;
}

/* ------------------------------------------------------------------ what came of it */

/* Rank 0: are these the rows that the first run gave? */
static int compare(struct session *s, const struct bench_setting *setting, const char *path)
{
    char text[MESSAGE_BYTES];
    struct bench_rows rows;
    if (!bench_rows_read(&rows, path, text, sizeof text)) {
        complain("%s", text);
        return EXIT_STOPPED;
    }
    if (rows.failed) {
        complain("%s: %zu of %zu rows have an error: %s", setting->name, rows.failed, rows.n, rows.failure);
        bench_rows_free(&rows);
        return EXIT_SOME_FAILED;
    }
    if (!s->expected_of) {
        s->expected = rows;
        s->expected_of = setting->name;
        return EXIT_OK;
    }
    bool same = bench_rows_same(&s->expected, &rows, text, sizeof text);
    if (!same)
        complain("%s gave other rows than %s: the first that only one of them has is: %.900s", setting->name,
                 s->expected_of, text);
    bench_rows_free(&rows);
    return same ? EXIT_OK : EXIT_STOPPED;
}

/* Rank 0: checks and keeps what was measured. */
static int conclude(struct session *s, struct bench_setting *setting, int code)
{
    char rows[PATH_BYTES + 32];
    snprintf(rows, sizeof rows, "%s/rows.tsv", s->directory);
    int checked =
        code > EXIT_SOME_FAILED || setting->part != WORKLOAD_WHOLE ? code : compare(s, setting, rows);
    if (checked == EXIT_OK)
        setting->runs[setting->n_runs++] = s->last;
    return checked;
}

static bool wanted(const struct bench_config *c, const struct bench_setting *setting, unsigned round)
{
    if (c->runs)
        return round < c->runs;
    return round == 0 || (round < RUNS && setting->runs[0].seconds < BENCH_LONG);
}

static void announce(const struct session *s, const struct bench_setting *setting, unsigned round)
{
    if (!s->config->quiet)
        fprintf(stderr, "%s: %s, run %u ... ", s->config->workload->name, setting->name, round + 1);
}

static void tell_result(const struct session *s, int code)
{
    if (!s->config->quiet && code == EXIT_OK)
        fprintf(stderr, "%.3f s\n", s->last.seconds);
    else if (!s->config->quiet)
        fputc('\n', stderr);
}

/* All settings by turns. What is run next is rank 0's to say, since it alone knows the times. */
static int run_all(struct session *s)
{
    int code = EXIT_OK;
    unsigned most = s->config->runs ? s->config->runs : RUNS;
    for (unsigned round = 0; round < most; round++)
        for (unsigned i = 0; i < s->bench->n_settings && code == EXIT_OK; i++) {
            struct bench_setting *setting = &s->bench->settings[i];
            if (!link_agree(s->link, speaks(s) ? wanted(s->config, setting, round) : 0))
                continue;
            if (speaks(s))
                announce(s, setting, round);
            code = run_once(s, setting, NULL);
            if (speaks(s)) {
                tell_result(s, code);
                code = conclude(s, setting, code);
            }
            code = link_agree(s->link, code);
        }
    return code;
}

/* A run of its own, for recording takes time. */
static int run_traced(struct session *s)
{
    const struct bench_config *c = s->config;
    if (speaks(s) && !c->quiet)
        fprintf(stderr, "%s: %s, recorded in %s\n", c->workload->name,
                c->strategies[c->n_strategies - 1]->name, c->trace);
    return link_agree(s->link, run_once(s, &s->bench->settings[c->n_strategies - 1], c->trace));
}

/* ------------------------------------------------------------------ begin and end */

/* Every rank knows the name by rank 0's process number; where there are several machines, it is made on each. */
static int make_directory(struct session *s)
{
    const char *parent = getenv("TMPDIR");
    snprintf(s->directory, sizeof s->directory, "%.3000s/millrace-bench-%d",
             parent && *parent ? parent : "/tmp", link_agree(s->link, (int)getpid()));
    int code = EXIT_OK;
    if (speaks(s) && mkdir(s->directory, 0700) != 0) {
        complain("cannot make the directory %s: %s", s->directory, strerror(errno));
        s->directory[0] = '\0';
        code = EXIT_STOPPED;
    }
    return link_agree(s->link, code);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    (void)remove(path); /* another rank of this machine may have been faster */
    return 0;
}

static void remove_directory(const struct session *s)
{
    if (s->directory[0])
        nftw(s->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int find_origin(struct session *s)
{
    char error[MESSAGE_BYTES], host[256] = "127.0.0.1";
    bool many = link_machines(s->link) > 1;
    if (s->config->url || !s->config->workload->fetches) {
        snprintf(s->base, sizeof s->base, "%s", s->config->url ? s->config->url : "");
        return EXIT_OK;
    }
    bool good = true;
    if (speaks(s) && !(good = local_origin_start(&s->origin, many, error, sizeof error)))
        complain("%s", error);
    int port = link_agree(s->link, good ? s->origin.port : 0);
    if (many && gethostname(host, sizeof host) != 0)
        return EXIT_STOPPED;
    /* Only rank 0's name for itself counts: it deals the URLs. */
    snprintf(s->base, sizeof s->base, "http://%s:%d", host, port);
    return port ? EXIT_OK : EXIT_STOPPED;
}

int bench_run(struct link *link, const struct bench_config *config, struct bench *bench)
{
    struct session s = {.link = link, .config = config, .bench = bench};
    *bench = (struct bench){0};
    int code = make_directory(&s);
    if (code == EXIT_OK)
        code = link_agree(link, find_origin(&s));
    if (code == EXIT_OK && !add_settings(&s)) {
        fputs("millrace bench: no memory\n", stderr);
        link_abort(link, EXIT_STOPPED);
    }
    if (code == EXIT_OK)
        code = run_all(&s);
    if (code == EXIT_OK && config->trace)
        code = run_traced(&s);
    local_origin_stop(&s.origin);
    remove_directory(&s);
    bench_rows_free(&s.expected);
    return code;
}

void bench_free(struct bench *bench)
{
    for (unsigned i = 0; i < bench->n_settings; i++)
        free(bench->settings[i].runs);
    free(bench->command);
    *bench = (struct bench){0};
}

/* ------------------------------------------------------------------ figures */

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct bench_run *)a)->seconds, y = ((const struct bench_run *)b)->seconds;
    return (x > y) - (x < y);
}

/* The runs by their times: an index into `runs` of the i-th fastest. */
static const struct bench_run *fastest(const struct bench_setting *s, unsigned i)
{
    for (unsigned candidate = 0; candidate < s->n_runs; candidate++) {
        unsigned before = 0;
        for (unsigned other = 0; other < s->n_runs; other++) {
            int order = by_seconds(&s->runs[other], &s->runs[candidate]);
            before += order < 0 || (order == 0 && other < candidate);
        }
        if (before == i)
            return &s->runs[candidate];
    }
    return &s->runs[0];
}

const struct bench_run *bench_median_run(const struct bench_setting *s)
{
    return fastest(s, (s->n_runs - 1) / 2);
}

double bench_seconds(const struct bench_setting *s, enum bench_rank which)
{
    unsigned n = s->n_runs;
    if (which != BENCH_MEDIAN)
        return fastest(s, which == BENCH_MIN ? 0 : n - 1)->seconds;
    return (fastest(s, (n - 1) / 2)->seconds + fastest(s, n / 2)->seconds) / 2;
}

const struct bench_setting *bench_find(const struct bench *bench, const char *name)
{
    for (unsigned i = 0; i < bench->n_settings; i++)
        if (strcmp(bench->settings[i].name, name) == 0 && bench->settings[i].n_runs > 0)
            return &bench->settings[i];
    return NULL;
}
