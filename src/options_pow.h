/* The command line of pow. */
#ifndef MILLRACE_SRC_OPTIONS_POW_H
#define MILLRACE_SRC_OPTIONS_POW_H

#include "src/options.h"

/* As options_pages_parse. */
int options_pow_parse(int argc, char **argv, bool speak, struct job **job);

#endif
