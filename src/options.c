#include "src/options.h"

#include "src/values.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_STRATEGY = 512, KEY_PROGRESS, KEY_REPORT, KEY_TRACE, KEY_USAGE, KEY_RANK_TIMEOUT };

#define LONGEST_SECONDS (7.0 * 24 * 3600)
#define SECOND INT64_C(1000000000)
#define RANK_TIMEOUT (60 * SECOND)

static const struct argp_option common[] = {
    {0, 0, 0, 0, "How it is run:", 7},
    {"strategy", KEY_STRATEGY, "NAME", 0,
     "For comparison: sequential (one record after the other), threads (a thread pool on one rank), async "
     "(an event loop "
     "alone, on one rank), processes (one record at a time on each rank), or hybrid (the default: all of it)",
     7},
    {"rank-timeout", KEY_RANK_TIMEOUT, "SECONDS", 0,
     "End the job when a rank was not heard of for so long: the network between the hosts is broken, or the "
     "rank is "
     "(default: 60; 0: never)",
     7},
    {0, 0, 0, 0, "What is said:", 8},
    {"progress", KEY_PROGRESS, "auto|bar|log|none", 0,
     "On standard error (auto: a bar on a terminal, else a log)", 8},
    {"report", KEY_REPORT, "FILE", 0, "The run's figures, as JSON", 8},
    {"trace", KEY_TRACE, "FILE", 0,
     "A timeline of transfers, kernels and messages: for ui.perfetto.dev, or, if the name ends in .svg, as a "
     "picture",
     8},
    {"quiet", 'q', 0, 0, "Errors only", 8},
    {"verbose", 'v', 0, 0, "Each rank's figures too", 8},
    {"help", 'h', 0, 0, "Say what the options are, and exit", -1},
    {"usage", KEY_USAGE, 0, 0, "Say it briefly, and exit", -1},
    {0},
};

int options_bad_value(struct argp_state *state, const char *option, const char *value, const char *wanted)
{
    argp_error(state, "--%s: '%s' is not %s", option, value, wanted);
    return EINVAL;
}

int options_uint32(struct argp_state *state, const char *option, const char *text, uint32_t min, uint32_t max,
                   uint32_t *out)
{
    uint64_t value;
    if (!value_uint(text, min, max, &value)) {
        argp_error(state, "--%s: '%s' is not a whole number from %u to %u", option, text, min, max);
        return EINVAL;
    }
    *out = (uint32_t)value;
    return 0;
}

bool options_seed(uint64_t *seed)
{
    return getrandom(seed, sizeof *seed, 0) == (ssize_t)sizeof *seed;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct reading *r = state->input;
    struct engine_config *e = &r->job->engine;
    switch (key) {
    case KEY_PROGRESS:
        r->progress_given = true;
        return progress_parse(text, &e->head.progress)
                   ? 0
                   : options_bad_value(state, "progress", text, "auto, bar, log or none");
    case KEY_STRATEGY:
        e->strategy = strategy_find(text);
        return e->strategy ? 0
                           : options_bad_value(state, "strategy", text,
                                               "sequential, threads, async, processes or hybrid");
    case KEY_RANK_TIMEOUT:
        if (value_seconds(text, LONGEST_SECONDS, &e->rank_timeout) &&
            (e->rank_timeout == 0 || e->rank_timeout >= SECOND))
            return 0;
        return options_bad_value(state, "rank-timeout", text, "0, or a number of seconds from 1 to a week");
    case KEY_REPORT:
        e->report = text;
        return 0;
    case KEY_TRACE:
        e->trace = text;
        return 0;
    case 'q':
        e->quiet = true;
        return 0;
    case 'v':
        e->verbose = true;
        return 0;
    case 'h':
        r->help = ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC;
        return 0;
    case KEY_USAGE:
        r->help = ARGP_HELP_USAGE;
        return 0;
    case ARGP_KEY_INIT:
        for (size_t i = 0; state->root_argp->children[i].argp; i++)
            state->child_inputs[i] = r;
        return 0;
    case ARGP_KEY_ARG:
        return ARGP_ERR_UNKNOWN; /* and then they come all at once */
    case ARGP_KEY_ARGS:
        if (r->in_order)
            return ARGP_ERR_UNKNOWN;
        r->args = state->argv + state->next;
        r->n_args = (size_t)(state->argc - state->next);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int options_read(struct reading *r, const struct argp_child *children, const char *args_doc, const char *doc,
                 int argc, char **argv)
{
    const struct argp all = {
        .options = common, .parser = parse, .args_doc = args_doc, .doc = doc, .children = children};
    argv[0] = (char *)(uintptr_t)r->command; /* the name in argp's messages */
    r->job->engine.strategy = strategy_find("hybrid");
    r->job->engine.rank_timeout = RANK_TIMEOUT;
    /* Nothing here may leave the process, for MPI may be running: so argp's own --help and exits are off. */
    unsigned flags =
        ARGP_NO_EXIT | ARGP_NO_HELP | (r->in_order ? ARGP_IN_ORDER : 0) | (r->speak ? 0 : ARGP_NO_ERRS);
    if (argp_parse(&all, argc, argv, flags, NULL, r) != 0)
        return EXIT_USAGE;
    if (!r->help)
        return -1;
    if (r->speak)
        argp_help(&all, stdout, r->help, (char *)(uintptr_t)r->command);
    return EXIT_OK;
}

int options_refuse(const struct reading *r, const char *wrong)
{
    if (r->speak)
        fprintf(stderr, "%s: %s\n", r->command, wrong);
    return EXIT_USAGE;
}

/* The name that two columns share, if there is one. */
static const char *repeated_column(const struct head_config *h)
{
    for (size_t i = 0; i < h->n_columns; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(h->columns[i].name, h->columns[k].name) == 0)
                return h->columns[k].name;
    return NULL;
}

/* A bar and rows on one screen would spoil each other. */
static bool rows_on_screen(const struct head_config *h)
{
    struct stat out;
    return !h->output && (fstat(STDOUT_FILENO, &out) != 0 || !S_ISREG(out.st_mode));
}

int options_settle(struct reading *r)
{
    struct engine_config *e = &r->job->engine;
    struct head_config *h = &e->head;
    char text[256];
    if (e->quiet && e->verbose)
        return options_refuse(r, "--quiet and --verbose contradict each other");
    if (e->quiet && r->progress_given && h->progress != PROGRESS_NONE)
        return options_refuse(r, "--quiet and --progress contradict each other");
    if (e->report && h->output && strcmp(e->report, h->output) == 0)
        return options_refuse(r, "--report and --output name the same file");
    if (e->trace && h->output && strcmp(e->trace, h->output) == 0)
        return options_refuse(r, "--trace and --output name the same file");
    if (e->trace && e->report && strcmp(e->trace, e->report) == 0)
        return options_refuse(r, "--trace and --report name the same file");
    if (repeated_column(h)) {
        snprintf(text, sizeof text, "two columns are named '%.200s'", repeated_column(h));
        return options_refuse(r, text);
    }
    if (e->quiet)
        h->progress = PROGRESS_NONE;
    else if (h->progress == PROGRESS_AUTO && rows_on_screen(h))
        h->progress = PROGRESS_LOG;
    return -1;
}
