/* The command line: what all commands that run a job have in common. Read with glibc's argp; every rank reads the same,
 * and one speaks for all.
 */
#ifndef MILLRACE_SRC_OPTIONS_H
#define MILLRACE_SRC_OPTIONS_H

#include "src/engine.h"

#include <argp.h>
#include <stdbool.h>

/* What a command line asks for: made by options_pages_parse and options_pow_parse. */
struct job {
    struct engine_config engine; /* refers to argv, and to what the job owns */
    void (*free)(struct job *job);
};

/* A command line being read. */
struct reading {
    const char *command; /* for messages: "millrace scrape" */
    bool speak;          /* messages and help are to be written */
    struct job *job;
    void *own;     /* of the command: what its own parsers are given through */
    bool in_order; /* the command's own parser takes what is no option as it comes (ARGP_KEY_ARG) */
    char **args;   /* otherwise: what is no option, n_args of them */
    size_t n_args;
    bool progress_given;
    unsigned help; /* ARGP_HELP_ bits of what was asked for */
};

/* Reads argv (argv[0] is the command's name) by the command's own options, each `children` parser being given
 * `reading` as its input, and by those that all have: --rank-timeout, --progress, --report, --trace, --quiet, --verbose,
 * --help, --usage.
 * -1: go on. Otherwise the exit code: what is wrong was said, or help was given. */
int options_read(struct reading *reading, const struct argp_child *children, const char *args_doc,
                 const char *doc, int argc, char **argv);

/* Says what is wrong with the options taken together; returns EXIT_USAGE. */
int options_refuse(const struct reading *reading, const char *wrong);

/* What is the same for all jobs, once their options are known: settles progress, and looks for what contradicts itself
 * in the common options. -1, or the exit code. */
int options_settle(struct reading *reading);

/* For parsers: say what is wrong with an option's value, and return EINVAL. `wanted`: what it should be. */
int options_bad_value(struct argp_state *state, const char *option, const char *value, const char *wanted);
int options_uint32(struct argp_state *state, const char *option, const char *text, uint32_t min, uint32_t max,
                   uint32_t *out);

/* A seed that no stranger knows. False: the system gave none. */
bool options_seed(uint64_t *seed);

#endif
