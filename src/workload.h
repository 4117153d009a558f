/* The jobs that strategies are compared on, each as the command line that does it. */
#ifndef MILLRACE_SRC_WORKLOAD_H
#define MILLRACE_SRC_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum workload_kind {
    WORKLOAD_GENRES,  /* one API asked again and again, each answer to a file */
    WORKLOAD_POWERS,  /* exact powers i^i for i from a million */
    WORKLOAD_TOWERS,  /* 2^(2^i) */
    WORKLOAD_TITLES,  /* the title of each of many random articles, by way of a redirect */
    WORKLOAD_OVERLAP, /* waits of different lengths, begun together */
    WORKLOAD_MIXED,   /* each fetched page gives the operands of a large power */
};

/* Beside the whole job, the halves that it can at best hide behind each other. */
enum workload_part { WORKLOAD_WHOLE, WORKLOAD_FETCHING, WORKLOAD_COMPUTING };

struct workload {
    const char *name;
    enum workload_kind kind;
    const char *meaning;
    bool fetches;         /* needs an origin */
    bool in_parts;        /* WORKLOAD_FETCHING and WORKLOAD_COMPUTING can be run too */
    uint32_t pages;       /* by default: requests, or powers */
    uint32_t most_pages;  /* that it can do */
    uint32_t concurrency; /* by default, transfers in flight on each rank; 0: all */
    double latency;       /* by default: seconds, of each page in all */
    const char *omits;    /* the strategy that shows nothing here; NULL: none */
};

/* NULL: there is none of that name. Static. */
const struct workload *workload_find(const char *name);

/* The i-th, from 0; NULL after the last. Static. */
const struct workload *workload_at(unsigned i);

/* What the founding articles took for it, in seconds on eight cores, as a text; NULL: they don't say. Static. */
const char *workload_article(const struct workload *w, const char *strategy);

/* The size and the place of one run. */
struct workload_run {
    enum workload_part part;
    uint32_t pages, concurrency;
    double latency;        /* seconds */
    const char *base;      /* of the origin's URLs: "http://127.0.0.1:8000" */
    const char *directory; /* for files, new for each run */
};

/* The words of the command line without "millrace", argv-like: malloc'd, a NULL after the last, freed by
 * workload_words_free. Quiet, and without a place for the rows. NULL: no memory. */
char **workload_words(const struct workload *w, const struct workload_run *run, int *n_words);
void workload_words_free(char **words);

#endif
