/* The command line of scrape and fetch. */
#ifndef MILLRACE_SRC_OPTIONS_PAGES_H
#define MILLRACE_SRC_OPTIONS_PAGES_H

#include "src/options.h"

enum pages_command { PAGES_SCRAPE, PAGES_FETCH };

/* -1: `*job` is to be run, and then freed. Otherwise the exit code; what there is to say was said, with `speak`. The
 * job refers to argv. */
int options_pages_parse(enum pages_command command, int argc, char **argv, bool speak, struct job **job);

#endif
