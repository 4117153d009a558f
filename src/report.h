/* What a run came to: a few lines for people, and all of it as JSON. */
#ifndef MILLRACE_SRC_REPORT_H
#define MILLRACE_SRC_REPORT_H

#include "src/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct report {
    const struct head_figures *figures;
    const struct tally *tallies; /* of each rank */
    uint32_t ranks;
    unsigned threads; /* compute threads of rank 0; 0: it computes on its event loop */
    const char *strategy;
    int code; /* the exit code */
};

/* All ranks' tallies together. */
struct tally report_total(const struct report *report);

/* With `verbose` a line for each rank too. */
void report_summary(const struct report *report, bool verbose, FILE *out);

/* One JSON object (RFC 8259); its members are named with their units. False with errno set: it could not be written. */
bool report_write(const struct report *report, FILE *out);

#endif
