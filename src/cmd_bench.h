/* `millrace bench`: a founding job under every strategy, compared. */
#ifndef MILLRACE_SRC_CMD_BENCH_H
#define MILLRACE_SRC_CMD_BENCH_H

#include "src/link.h"

#include <stdbool.h>

struct bench_job;

/* Reads the command line (argv[0] is the command's name). -1: `*job` is to be run, and then freed. Otherwise the exit
 * code; what there is to say was said, with `speak`. The job refers to argv. */
int cmd_bench_parse(int argc, char **argv, bool speak, struct bench_job **job);

/* Collective: runs it, prints the table, writes the files. Returns the exit code, the same on every rank. The signals must
 * be blocked as for engine_run. */
int cmd_bench_run(struct link *link, const struct bench_job *job);
void cmd_bench_free(struct bench_job *job);

#endif
