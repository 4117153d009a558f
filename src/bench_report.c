#include "src/bench_report.h"

#include "io/rows.h"
#include "src/head.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ the table */

static double requests_per_second(const struct bench_run *run)
{
    return run->seconds > 0 ? (double)run->requests / run->seconds : 0;
}

/* How many times as fast as one after the other; 0: nobody knows. */
static double speed_up(const struct bench *bench, const struct bench_setting *s)
{
    const struct bench_setting *base = bench_find(bench, "sequential");
    double seconds = bench_seconds(s, BENCH_MEDIAN);
    return base && seconds > 0 && s->part == WORKLOAD_WHOLE ? bench_seconds(base, BENCH_MEDIAN) / seconds : 0;
}

static void number(FILE *out, int width, int precision, double value)
{
    if (value > 0)
        fprintf(out, "%*.*f", width, precision, value);
    else
        fprintf(out, "%*s", width, "-");
}

/* Three or four digits, whatever the size. */
static int digits_after(double seconds)
{
    return seconds < 1 ? 4 : seconds < 10 ? 3 : seconds < 100 ? 2 : 1;
}

static void table_line(const struct bench_report *r, const struct bench_setting *s, FILE *out)
{
    const struct bench_run *run = bench_median_run(s);
    double median = bench_seconds(s, BENCH_MEDIAN), faster = speed_up(r->bench, s);
    const char *article = workload_article(r->config->workload, s->name);
    int digits = digits_after(median);
    fprintf(out, "%-13s %5u %7u", s->name, s->ranks, s->threads);
    number(out, 9, 0, s->in_flight);
    fprintf(out, " %8.*f %8.*f %8.*f", digits, bench_seconds(s, BENCH_MIN), digits, median, digits,
            bench_seconds(s, BENCH_MAX));
    number(out, 9, 2, faster);
    number(out, 11, 2, faster / s->cores);
    number(out, 8, 0, requests_per_second(run));
    number(out, 8, 2, run->cpu_seconds);
    if (run->overlap > 0)
        fprintf(out, " %6.0f%%", run->overlap * 100);
    else
        fprintf(out, " %7s", "-");
    fprintf(out, " %8.1f  %s\n", run->stall * 1e3, article ? article : "-");
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How near the whole comes to the longer of its halves. Compared round by round, since what disturbs one round disturbs all
 * that is run in it. */
static void ideal_line(const struct bench_report *r, FILE *out)
{
    const struct bench_setting *fetch = bench_find(r->bench, "fetch-alone"),
                               *compute = bench_find(r->bench, "compute-alone"),
                               *whole = fetch ? bench_find(r->bench, fetch->strategy->name) : NULL;
    double ratios[BENCH_MOST_RUNS];
    unsigned n = 0;
    for (; whole && compute && n < whole->n_runs && n < fetch->n_runs && n < compute->n_runs; n++) {
        double f = fetch->runs[n].seconds, c = compute->runs[n].seconds;
        ratios[n] = whole->runs[n].seconds / (f > c ? f : c);
    }
    if (n == 0)
        return;
    double f = bench_seconds(fetch, BENCH_MEDIAN), c = bench_seconds(compute, BENCH_MEDIAN);
    qsort(ratios, n, sizeof *ratios, by_size);
    fprintf(out,
            "\n%s takes %.3f times the ideal (%.3f to %.3f), the longer of fetching alone and computing "
            "alone; one after "
            "the other they would take %.2f times it\n",
            whole->name, (ratios[(n - 1) / 2] + ratios[n / 2]) / 2, ratios[0], ratios[n - 1],
            (f + c) / (f > c ? f : c));
}

void bench_report_table(const struct bench_report *r, FILE *out)
{
    const struct bench_config *c = r->config;
    fprintf(out, "%s: %s", c->workload->name, c->workload->meaning);
    if (c->workload->fetches)
        fprintf(out, "; %u pages of %g s", c->pages, c->latency);
    else
        fprintf(out, "; %u powers", c->pages);
    fprintf(out, "\n%s; millrace %s (%s)\n\n", r->label, r->machine->version, r->machine->commit);
    fprintf(out, "%-13s %5s %7s %8s %26s %8s %10s %7s %7s %7s %8s  %s\n", "", "", "", "in",
            "seconds          ", "", "", "", "", "", "stall", "article");
    fprintf(out, "%-13s %5s %7s %8s %8s %8s %8s %8s %10s %7s %7s %7s %8s  %s\n", "strategy", "ranks",
            "threads", "flight", "min", "median", "max", "speed-up", "efficiency", "req/s", "CPU s",
            "overlap", "ms", "8 cores, s");
    for (unsigned i = 0; i < r->bench->n_settings; i++)
        if (r->bench->settings[i].n_runs > 0)
            table_line(r, &r->bench->settings[i], out);
    ideal_line(r, out);
}

/* ------------------------------------------------------------------ CSV */

enum { COLUMNS = 22 };

static struct cell text_cell(const char *text)
{
    return (struct cell){.kind = CELL_TEXT, .text = text, .len = strlen(text)};
}

static struct cell uint_cell(uint64_t value)
{
    return (struct cell){.kind = CELL_UINT, .uint = value};
}

static struct cell real_cell(double value)
{
    return (struct cell){.kind = CELL_REAL, .real = value};
}

static bool csv_run(const struct bench_report *r, const struct rows *rows, const struct bench_setting *s,
                    unsigned i, struct buffer *out)
{
    const struct bench_run *run = &s->runs[i];
    const struct cell cells[COLUMNS] = {
        text_cell("measured"),
        text_cell(r->series),
        text_cell(r->config->workload->name),
        text_cell(s->name),
        uint_cell(s->ranks),
        uint_cell(s->threads),
        uint_cell(s->cores),
        uint_cell(s->in_flight),
        uint_cell(i + 1),
        uint_cell(run->records),
        real_cell(run->seconds),
        real_cell(requests_per_second(run)),
        real_cell(run->cpu_seconds),
        real_cell(run->overlap),
        real_cell(run->stall),
        real_cell(r->config->workload->fetches ? r->config->latency : 0),
        text_cell(r->label),
        uint_cell((uint64_t)r->machines),
        text_cell(r->machine->version),
        text_cell(r->machine->commit),
        text_cell(r->machine->mpi),
        text_cell(r->machine->date),
    };
    return rows_format_row(rows, cells, COLUMNS, out);
}

bool bench_report_csv(const struct bench_report *r, FILE *out)
{
    static const char *const names[COLUMNS] = {
        "source",      "series",    "workload",      "strategy", "ranks",   "threads",
        "cores",       "in_flight", "run",           "records",  "seconds", "requests_per_second",
        "cpu_seconds", "overlap",   "stall_seconds", "latency",  "machine", "nodes",
        "version",     "commit",    "mpi",           "date"};
    struct rows rows;
    struct buffer text;
    buffer_init(&text, 64 << 20);
    bool good = rows_init(&rows, ROWS_CSV, names, COLUMNS);
    if (good) {
        good = rows_format_header(&rows, &text);
        for (unsigned i = 0; i < r->bench->n_settings; i++)
            for (unsigned k = 0; good && k < r->bench->settings[i].n_runs; k++)
                good = csv_run(r, &rows, &r->bench->settings[i], k, &text);
        rows_free(&rows);
    }
    errno = good ? 0 : ENOMEM;
    good = good && fwrite(text.data, 1, text.len, out) == text.len && fflush(out) == 0;
    buffer_free(&text);
    return good;
}

/* ------------------------------------------------------------------ JSON */

static json_t *run_json(const struct bench_run *run)
{
    return json_pack("{s:f, s:I, s:I, s:f, s:f, s:f}", "seconds", run->seconds, "records",
                     (json_int_t)run->records, "requests", (json_int_t)run->requests, "cpu_seconds",
                     run->cpu_seconds, "overlap", run->overlap, "stall_seconds", run->stall);
}

static json_t *runs_json(const struct bench_setting *s)
{
    json_t *list = json_array();
    for (unsigned i = 0; list && i < s->n_runs; i++)
        if (json_array_append_new(list, run_json(&s->runs[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *setting_json(const struct bench_report *r, const struct bench_setting *s)
{
    double faster = speed_up(r->bench, s);
    const char *article = workload_article(r->config->workload, s->name);
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:{s:f, s:f, s:f}, s:o, s:o, s:s?, s:o}", "strategy", s->name,
                     "ranks", (int)s->ranks, "threads", (int)s->threads, "cores", (int)s->cores, "in_flight",
                     (int)s->in_flight, "seconds", "min", bench_seconds(s, BENCH_MIN), "median",
                     bench_seconds(s, BENCH_MEDIAN), "max", bench_seconds(s, BENCH_MAX), "speed_up",
                     faster > 0 ? json_real(faster) : json_null(), "efficiency",
                     faster > 0 ? json_real(faster / s->cores) : json_null(), "article_seconds_8_cores",
                     article, "runs", runs_json(s));
}

static json_t *settings_json(const struct bench_report *r)
{
    json_t *list = json_array();
    for (unsigned i = 0; list && i < r->bench->n_settings; i++) {
        const struct bench_setting *s = &r->bench->settings[i];
        if (s->n_runs > 0 && json_array_append_new(list, setting_json(r, s)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

bool bench_report_json(const struct bench_report *r, FILE *out)
{
    const struct bench_config *c = r->config;
    const struct machine *m = r->machine;
    json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:f, s:s?, s:{s:s, s:s, s:s, s:i, s:s, s:i}, s:{s:s, s:s, "
                          "s:s, s:s, s:s}, s:s, s:o}",
                          "workload", c->workload->name, "meaning", c->workload->meaning, "series", r->series,
                          "pages", (int)c->pages, "latency", c->workload->fetches ? c->latency : 0.0,
                          "command", r->bench->command, "machine", "label", r->label, "host", m->host, "cpu",
                          m->cpu, "cores", (int)m->cores, "system", m->system, "nodes", r->machines,
                          "versions", "millrace", m->version, "commit", m->commit, "compiler", m->compiler,
                          "mpi", m->mpi, "curl", m->curl, "date", m->date, "settings", settings_json(r));
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    json_decref(o);
    errno = text ? 0 : ENOMEM;
    bool good = text && fprintf(out, "%s\n", text) > 0 && fflush(out) == 0;
    free(text);
    return good;
}
