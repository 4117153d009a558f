/* The command line of the commands that run a job: scrape and fetch. Read with glibc's argp; every rank reads
 * the same. */
#ifndef MILLRACE_SRC_OPTIONS_H
#define MILLRACE_SRC_OPTIONS_H

#include "src/engine.h"
#include "src/source_urls.h"
#include "src/stage_pages.h"

#include <stdbool.h>

enum job_kind { JOB_SCRAPE, JOB_FETCH };

struct options {
    struct engine_config engine; /* refers to the rest */
    struct transfer_options transfer;
    struct source_urls_config source;
    struct stage_pages_config stage;
    struct selection selections[WIRE_MAX_VALUES];
    struct sink_column columns[SINK_MAX_COLUMNS];
    char **headers, **connect_to; /* the strings are argv's */
};

/* Reads argv (argv[0] is the command's name). Returns -1 when the job may run, or the exit code: --help was
 * answered, or something is wrong and was said, with `speak`, on standard error. The options refer to argv
 * and to environment variables. Call options_free in either case. */
int options_parse(struct options *o, enum job_kind kind, int argc, char **argv, bool speak);
void options_free(struct options *o);

#endif
