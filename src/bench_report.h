/* What a comparison came to: a table for people, and the runs as CSV and JSON for plots and programs. */
#ifndef MILLRACE_SRC_BENCH_REPORT_H
#define MILLRACE_SRC_BENCH_REPORT_H

#include "src/bench.h"
#include "src/machine.h"

#include <stdbool.h>
#include <stdio.h>

struct bench_report {
    const struct bench *bench;
    const struct bench_config *config;
    const struct machine *machine;
    const char *series; /* what the runs are part of: "strategies", "strong", "weak" */
    const char *label;  /* of the machine, in plots */
    int machines;       /* of the job */
};

/* Settings without runs are left out. */
void bench_report_table(const struct bench_report *report, FILE *out);

/* One line a run, under a header (RFC 4180); jobs/plot.sh reads it. False with errno set: it could not be written. */
bool bench_report_csv(const struct bench_report *report, FILE *out);

/* One object (RFC 8259): the machine, the versions, the command, each setting with its runs. False as above. */
bool bench_report_json(const struct bench_report *report, FILE *out);

#endif
