#include "src/cmd_bench.h"

#include "src/bench_report.h"
#include "src/head.h"
#include "src/options.h"
#include "src/values.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CONCURRENCY = 100000, MAX_THREADS = 4096, DEFAULT_MOST_IN_FLIGHT = 1000 };

#define LONGEST_LATENCY 3600.0

enum key {
    KEY_STRATEGY = 256,
    KEY_PAGES,
    KEY_LATENCY,
    KEY_RUNS,
    KEY_THREADS,
    KEY_URL,
    KEY_SERIES,
    KEY_MACHINE,
    KEY_TRACE,
    KEY_USAGE
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What is compared:", 1},
    {"strategy", KEY_STRATEGY, "NAME,...", 0,
     "These only: sequential, threads, async, processes, hybrid (all that make sense for the workload)", 1},
    {"pages", KEY_PAGES, "N", 0, "Requests, or powers (as in the articles)", 1},
    {"latency", KEY_LATENCY, "SECONDS", 0, "Of each page (as in the articles)", 1},
    {"runs", KEY_RUNS, "N", 0, "Of each strategy, by turns (3, but 1 where the first takes more than 10 s)",
     1},
    {0, 0, 0, 0, "How it is run:", 2},
    {"threads", KEY_THREADS, "N", 0, "Compute threads of each rank (its share of the cores)", 2},
    {"concurrency", 'c', "N", 0, "Transfers in flight on each rank (all pages, at most 1000; 5 for mixed)",
     2},
    {"url", KEY_URL, "URL", 0, "Use the origin that serves there (millrace serve), instead of starting one",
     2},
    {0, 0, 0, 0, "What is written:", 3},
    {"output", 'o', "FILE", 0, "Every run to FILE.csv, and with the machine and the versions to FILE.json",
     3},
    {"series", KEY_SERIES, "NAME", 0,
     "What the runs are part of, as the plots have it: strong or weak (strategies)", 3},
    {"machine", KEY_MACHINE, "LABEL", 0, "What the plots call this machine (its name, processor and cores)",
     3},
    {"trace", KEY_TRACE, "FILE", 0,
     "A timeline of one more run, under the last strategy: for ui.perfetto.dev, or, if the name ends in "
     ".svg, as a picture",
     3},
    {"quiet", 'q', 0, 0, "The table only", 3},
    {"help", 'h', 0, 0, "Say what the options are, and exit", -1},
    {"usage", KEY_USAGE, 0, 0, "Say it briefly, and exit", -1},
    {0},
};

struct bench_job {
    struct bench_config config;
    const char *series, *label; /* label: NULL: the machine's */
    char *csv, *json;           /* paths; NULL: none */
    bool latency_given;
    unsigned help; /* ARGP_HELP_ bits of what was asked for */
};

/* ------------------------------------------------------------------ single values */

static int take_strategies(struct argp_state *state, struct bench_config *c, char *text)
{
    for (char *name, *rest = text; (name = strsep(&rest, ","));) {
        const struct strategy *found = strategy_find(name);
        if (!found)
            return options_bad_value(state, "strategy", name,
                                     "sequential, threads, async, processes or hybrid");
        for (unsigned i = 0; i < c->n_strategies; i++)
            if (c->strategies[i] == found)
                return options_bad_value(state, "strategy", name, "given once");
        c->strategies[c->n_strategies++] = found;
    }
    return 0;
}

static int take_latency(struct argp_state *state, struct bench_job *job, const char *text)
{
    int64_t ns;
    if (!value_seconds(text, LONGEST_LATENCY, &ns))
        return options_bad_value(state, "latency", text, "a number of seconds, at most an hour");
    job->config.latency = (double)ns / 1e9;
    job->latency_given = true;
    return 0;
}

static int take_url(struct argp_state *state, struct bench_job *job, char *text)
{
    size_t len = strlen(text);
    if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return options_bad_value(state, "url", text, "the address of an origin, as http://node1:8000");
    while (len > 0 && text[len - 1] == '/') /* paths bring their own */
        text[--len] = '\0';
    job->config.url = text;
    return 0;
}

/* RESULT, RESULT.csv and RESULT.json all mean the pair. */
static int take_output(struct argp_state *state, struct bench_job *job, const char *text)
{
    const char *dot = strrchr(text, '.');
    size_t len =
        dot && (strcmp(dot, ".csv") == 0 || strcmp(dot, ".json") == 0) ? (size_t)(dot - text) : strlen(text);
    free(job->csv);
    free(job->json);
    job->csv = job->json = NULL;
    if (len == 0 || text[len - 1] == '/')
        return options_bad_value(state, "output", text, "the name of a file");
    if (asprintf(&job->csv, "%.*s.csv", (int)len, text) < 0)
        job->csv = NULL;
    if (asprintf(&job->json, "%.*s.json", (int)len, text) < 0)
        job->json = NULL;
    return job->csv && job->json ? 0 : ENOMEM;
}

static int take_workload(struct argp_state *state, struct bench_job *job, const char *text)
{
    if (job->config.workload) {
        argp_error(state, "one workload at a time: '%s' is one too many", text);
        return EINVAL;
    }
    job->config.workload = workload_find(text);
    if (!job->config.workload) {
        argp_error(state,
                   "there is no workload '%s': there are genres, powers, towers, titles, overlap and mixed",
                   text);
        return EINVAL;
    }
    return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct bench_job *job = state->input;
    struct bench_config *c = &job->config;
    switch (key) {
    case KEY_STRATEGY:
        return take_strategies(state, c, text);
    case KEY_PAGES:
        return options_uint32(state, "pages", text, 1, INT32_MAX, &c->pages);
    case KEY_LATENCY:
        return take_latency(state, job, text);
    case KEY_RUNS:
        return options_uint32(state, "runs", text, 1, BENCH_MOST_RUNS, &c->runs);
    case KEY_THREADS:
        return options_uint32(state, "threads", text, 1, MAX_THREADS, &c->threads);
    case 'c':
        return options_uint32(state, "concurrency", text, 1, MAX_CONCURRENCY, &c->concurrency);
    case KEY_URL:
        return take_url(state, job, text);
    case 'o':
        return take_output(state, job, text);
    case KEY_SERIES:
        job->series = text;
        return 0;
    case KEY_MACHINE:
        job->label = text;
        return 0;
    case KEY_TRACE:
        c->trace = text;
        return 0;
    case 'q':
        c->quiet = true;
        return 0;
    case 'h':
        job->help = ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC;
        return 0;
    case KEY_USAGE:
        job->help = ARGP_HELP_USAGE;
        return 0;
    case ARGP_KEY_ARG:
        return take_workload(state, job, text);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ------------------------------------------------------------------ what fits what */

static const char *contradiction(const struct bench_job *job)
{
    const struct workload *w = job->config.workload;
    if (!w)
        return "name a workload: genres, powers, towers, titles, overlap or mixed";
    if (!w->fetches && (job->latency_given || job->config.url || job->config.concurrency))
        return "--latency, --url and --concurrency are of workloads that fetch";
    if (job->config.pages > w->most_pages)
        return w->kind == WORKLOAD_TOWERS ? "--pages: towers go up to 32"
                                          : "--pages: that is more than this workload goes up to";
    return NULL;
}

/* What was not given is the workload's own. */
static void settle(struct bench_job *job)
{
    struct bench_config *c = &job->config;
    const struct workload *w = c->workload;
    if (!c->pages)
        c->pages = w->pages;
    if (!job->latency_given)
        c->latency = w->latency;
    if (!c->concurrency)
        c->concurrency = w->concurrency                      ? w->concurrency
                         : c->pages < DEFAULT_MOST_IN_FLIGHT ? c->pages
                                                             : DEFAULT_MOST_IN_FLIGHT;
}

/* Unless some were asked for: all that show something of this workload with so many ranks. */
static void choose_strategies(struct bench_config *c, int ranks)
{
    const struct strategy *s;
    if (c->n_strategies > 0)
        return;
    for (unsigned i = 0; (s = strategy_at(i)); i++) {
        bool omitted = c->workload->omits && strcmp(c->workload->omits, s->name) == 0;
        bool alone = strcmp(s->name, "processes") == 0 && ranks == 1;
        if (!omitted && !alone)
            c->strategies[c->n_strategies++] = s;
    }
    c->in_parts = c->workload->in_parts;
}

int cmd_bench_parse(int argc, char **argv, bool speak, struct bench_job **out)
{
    static const char doc[] = "Do the same work under each strategy, and compare.\vWORKLOAD is one of the "
                              "jobs that this program was founded on: "
                              "genres, powers, towers, titles, overlap or mixed. Each strategy does it in "
                              "turn, on the ranks that mpirun or srun "
                              "started; pages come from an origin that is started beside them and answers "
                              "with the latency asked for. The table "
                              "tells what each took, beside what the founding articles took on eight cores. "
                              "Strategies that do not give the same "
                              "rows are an error.\n\n"
                              "Exit codes: 0 all ran and gave the same rows; 1 some records failed; 2 wrong "
                              "usage; 3 it could not go on, or rows "
                              "differ; 75 interrupted.";
    static const char name[] = "millrace bench";
    const struct argp argp = {options, parse, "WORKLOAD", doc, NULL, NULL, NULL};
    struct bench_job *job = calloc(1, sizeof *job);
    if (!job)
        return EXIT_STOPPED;
    job->series = "strategies";
    argv[0] = (char *)(uintptr_t)name; /* the name in argp's messages */
    unsigned flags = ARGP_NO_EXIT | ARGP_NO_HELP | (speak ? 0 : ARGP_NO_ERRS);
    int code = argp_parse(&argp, argc, argv, flags, NULL, job) != 0 ? EXIT_USAGE : -1;
    const char *wrong = code < 0 && !job->help ? contradiction(job) : NULL;
    if (code < 0 && job->help) {
        if (speak)
            argp_help(&argp, stdout, job->help, (char *)(uintptr_t)name);
        code = EXIT_OK;
    } else if (wrong) {
        if (speak)
            fprintf(stderr, "%s: %s\n", name, wrong);
        code = EXIT_USAGE;
    }
    *out = job;
    if (code >= 0)
        cmd_bench_free(job);
    else
        settle(job);
    return code;
}

void cmd_bench_free(struct bench_job *job)
{
    if (job) {
        free(job->csv);
        free(job->json);
    }
    free(job);
}

/* ------------------------------------------------------------------ */

typedef bool write_fn(const struct bench_report *report, FILE *out);

static bool write_file(const char *path, write_fn *write, const struct bench_report *report)
{
    FILE *out = fopen(path, "we");
    bool good = out && write(report, out);
    int problem = errno;
    if (out && fclose(out) != 0 && good) {
        good = false;
        problem = errno;
    }
    if (!good)
        fprintf(stderr, "millrace bench: cannot write %s: %s\n", path, strerror(problem));
    return good;
}

/* That the results can be written is known before hours are spent on them. */
static bool try_file(const char *path)
{
    FILE *out = path ? fopen(path, "ae") : NULL;
    if (path && (!out || fclose(out) != 0)) {
        fprintf(stderr, "millrace bench: cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

static bool try_files(const struct bench_job *job)
{
    return try_file(job->csv) && try_file(job->json) && try_file(job->config.trace);
}

/* What was tried and came to nothing leaves nothing. */
static void forget_files(const struct bench_job *job)
{
    const char *const paths[] = {job->csv, job->json, job->config.trace};
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        struct stat now;
        if (paths[k] && stat(paths[k], &now) == 0 && S_ISREG(now.st_mode) && now.st_size == 0)
            (void)unlink(paths[k]); /* an empty file that stays does no harm */
    }
}

/* Rank 0: shows and writes what there is. The code, or that of what went wrong here. */
static int tell(const struct bench_job *job, const struct bench_report *report, int code)
{
    unsigned runs = 0;
    for (unsigned i = 0; i < report->bench->n_settings; i++)
        runs += report->bench->settings[i].n_runs;
    if (runs == 0) {
        forget_files(job);
        return code;
    }
    bench_report_table(report, stdout);
    bool good = fflush(stdout) == 0;
    if (job->csv && !job->config.quiet)
        fprintf(stderr, "jobs/plot.sh %s draws it\n", job->csv);
    if (job->csv)
        good = write_file(job->csv, bench_report_csv, report) &&
               write_file(job->json, bench_report_json, report) && good;
    return good || code != EXIT_OK ? code : EXIT_STOPPED;
}

int cmd_bench_run(struct link *link, const struct bench_job *job)
{
    struct bench bench;
    struct bench_config config = job->config;
    struct machine machine;
    bool first = link_rank(link) == 0;
    int code = link_agree(link, first && !try_files(job) ? EXIT_STOPPED : EXIT_OK);
    if (code != EXIT_OK) {
        if (first)
            forget_files(job);
        return code;
    }
    choose_strategies(&config, link_size(link));
    machine_describe(&machine);
    code = bench_run(link, &config, &bench);
    const struct bench_report report = {.bench = &bench,
                                        .config = &config,
                                        .machine = &machine,
                                        .series = job->series,
                                        .label = job->label ? job->label : machine.label,
                                        .machines = link_machines(link)};
    if (first)
        code = tell(job, &report, code);
    bench_free(&bench);
    return link_agree(link, code);
}
