#include "src/workload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORDS = 160,      /* of a command line at most */
    MOST_WAITS = 100, /* each is a word */
    FIRST_POWER = 1000000,
    MIXED_EXPONENT = 2500000, /* of a base up to 1,000: some milliseconds of a core */
};

/* name, kind, meaning, fetches, in parts, pages, most pages, in flight, latency, omits */
static const struct workload workloads[] = {
    {"genres", WORKLOAD_GENRES, "one JSON API asked again and again, each answer to a file", true, false, 5,
     1000000, 0, 0.28, NULL},
    {"powers", WORKLOAD_POWERS, "i^i for i from 1000000, with all decimal digits", false, false, 16, 1000000,
     0, 0, "async"},
    {"towers", WORKLOAD_TOWERS, "2^(2^i) for i from 0", false, false, 20, 32, 0, 0, "async"},
    {"titles", WORKLOAD_TITLES, "the titles of random articles, each behind a redirect", true, false, 100,
     1000000, 0, 0.87, NULL},
    {"overlap", WORKLOAD_OVERLAP, "waits of different lengths, begun together", true, false, 2, MOST_WAITS, 0,
     1, NULL},
    {"mixed", WORKLOAD_MIXED, "a large power of what each page says, while others are fetched", true, true,
     400, 1000000, 5, 0.05, NULL},
};

static const struct {
    const char *workload, *strategy, *seconds;
} articles[] = {
    {"genres", "sequential", "1.42-1.49"}, {"genres", "threads", "0.77"},  {"genres", "async", "0.71"},
    {"powers", "sequential", "54.64"},     {"powers", "threads", "53.83"}, {"powers", "processes", "6.24"},
    {"titles", "sequential", "88.86"},     {"titles", "async", "47.92"},   {"titles", "processes", "8.87"},
    {"titles", "hybrid", "5.65"},          {"overlap", "async", "2"},
};

const struct workload *workload_at(unsigned i)
{
    return i < sizeof workloads / sizeof *workloads ? &workloads[i] : NULL;
}

const struct workload *workload_find(const char *name)
{
    const struct workload *w;
    for (unsigned i = 0; (w = workload_at(i)); i++)
        if (strcmp(w->name, name) == 0)
            return w;
    return NULL;
}

const char *workload_article(const struct workload *w, const char *strategy)
{
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++)
        if (strcmp(articles[i].workload, w->name) == 0 && strcmp(articles[i].strategy, strategy) == 0)
            return articles[i].seconds;
    return NULL;
}

/* ------------------------------------------------------------------ words */

struct words {
    char **at;
    int n;
    bool bad; /* no memory */
};

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (w->bad || w->n == WORDS - 1 || vasprintf(&w->at[w->n], format, args) < 0) {
        w->bad = true;
        va_end(args);
        return;
    }
    va_end(args);
    w->n++;
    w->at[w->n] = NULL;
}

static void add_traffic(struct words *w, const char *command, const struct workload_run *run)
{
    add(w, "%s", command);
    add(w, "--concurrency=%u", run->concurrency);
    add(w, "--per-host=0"); /* one origin stands for many hosts */
}

static void add_genres(struct words *w, const struct workload_run *run)
{
    add_traffic(w, "fetch", run);
    add(w, "--select=genre=json:/genre");
    add(w, "--output=%s/{id}.txt", run->directory);
    add(w, "%s/genre/[1-%u]?latency=%.9f", run->base, run->pages, run->latency);
}

/* Half of the time is the redirect's, which passes its latency on to the article. */
static void add_titles(struct words *w, const struct workload_run *run)
{
    add_traffic(w, "scrape", run);
    add(w, "--select=title=h1");
    add(w, "%s/random/[1-%u]?latency=%.9f", run->base, run->pages, run->latency / 2);
}

static void add_overlap(struct words *w, const struct workload_run *run)
{
    add_traffic(w, "scrape", run);
    add(w, "--select=none");
    add(w, "--timeout=0");
    for (uint32_t i = 1; i <= run->pages; i++)
        add(w, "%s/delay/%.9f", run->base, run->latency * i);
}

static void add_mixed(struct words *w, const struct workload_run *run)
{
    add_traffic(w, "scrape", run);
    if (run->part == WORKLOAD_FETCHING) {
        add(w, "--select=none");
    } else {
        add(w, "--kernel=pow");
        add(w, "--kernel-arg=base=json:/base");
        add(w, "--kernel-arg=exponent=%d", MIXED_EXPONENT);
    }
    add(w, "%s/operands/[1-%u]?latency=%.9f", run->base, run->pages,
        run->part == WORKLOAD_COMPUTING ? 0 : run->latency);
}

char **workload_words(const struct workload *workload, const struct workload_run *run, int *n_words)
{
    struct words w = {.at = calloc(WORDS, sizeof *w.at)};
    if (!w.at)
        return NULL;
    switch (workload->kind) {
    case WORKLOAD_GENRES:
        add_genres(&w, run);
        break;
    case WORKLOAD_POWERS:
        add(&w, "pow");
        add(&w, "%u..%u", FIRST_POWER, FIRST_POWER + run->pages - 1);
        break;
    case WORKLOAD_TOWERS:
        add(&w, "pow");
        add(&w, "tower:2^%u", run->pages);
        break;
    case WORKLOAD_TITLES:
        add_titles(&w, run);
        break;
    case WORKLOAD_OVERLAP:
        add_overlap(&w, run);
        break;
    case WORKLOAD_MIXED:
        add_mixed(&w, run);
        break;
    }
    add(&w, "--quiet");
    *n_words = w.n;
    if (!w.bad)
        return w.at;
    workload_words_free(w.at);
    return NULL;
}

void workload_words_free(char **words)
{
    for (char **word = words; words && *word; word++)
        free(*word);
    free(words);
}
