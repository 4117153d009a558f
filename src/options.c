#include "src/options.h"

#include "src/values.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

enum {
    DEFAULT_CONCURRENCY = 64,
    MAX_CONCURRENCY = 100000,
    DEFAULT_PER_HOST = 8,
    DEFAULT_RETRIES = 3,
    DEFAULT_MAX_REDIRECTS = 10,
    DEFAULT_MAX_BODY = 16 << 20,
    WINDOW = 65536, /* records that the dealer looks ahead in the list */
};

#define LONGEST_SECONDS (7 * 24 * 3600.0)
#define LARGEST_BODY ((uint64_t)1 << 30)

enum key {
    KEY_PER_HOST = 256,
    KEY_DELAY,
    KEY_REPEAT,
    KEY_RETRIES,
    KEY_TIMEOUT,
    KEY_CONNECT_TIMEOUT,
    KEY_MAX_BODY,
    KEY_MAX_REDIRECTS,
    KEY_MAX_WAIT,
    KEY_USER_AGENT,
    KEY_PROXY,
    KEY_CACERT,
    KEY_CONNECT_TO,
    KEY_HTTP,
    KEY_URL_COLUMN,
    KEY_REPORT,
    KEY_PROGRESS,
    KEY_USAGE,
};

static const struct argp_option rows[] = {
    {0, 0, 0, 0, "What is fetched, and what comes of it:", 1},
    {"select", 's', "NAME=SELECTOR", 0,
     "A field of each row: a CSS selector (the text of its first match, or SELECTOR@ATTR for an attribute), "
     "regex:PATTERN (its first group, or all of the match), or json:/POINTER. May be given several times. "
     "'none': no fields (the default of scrape is title=h1)",
     1},
    {"repeat", KEY_REPEAT, "N", 0, "Each input N times", 1},
    {"url-column", KEY_URL_COLUMN, "NAME", 0,
     "The column of .tsv, .csv and .jsonl inputs that has the URL (url)", 1},
    {0},
};

static const struct argp_option traffic[] = {
    {0, 0, 0, 0, "How it is fetched:", 2},
    {"concurrency", 'c', "N", 0, "Transfers in flight on each rank (64)", 2},
    {"per-host", KEY_PER_HOST, "N", 0,
     "Transfers in flight to one host, over the whole job; 0: no limit (8, and no limit for this machine "
     "itself)",
     2},
    {"delay", KEY_DELAY, "SECONDS", 0, "Between two starts to one host, over the whole job (0)", 2},
    {"retries", KEY_RETRIES, "N", 0,
     "After connection failures and the statuses 408, 429 and 5xx, with growing pauses (3)", 2},
    {"max-wait", KEY_MAX_WAIT, "SECONDS", 0,
     "Give up on an answer whose Retry-After is longer than this (600)", 2},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "For one whole request; 0: none (60)", 2},
    {"connect-timeout", KEY_CONNECT_TIMEOUT, "SECONDS", 0, "Of it, until connected (20)", 2},
    {"max-body", KEY_MAX_BODY, "SIZE", 0,
     "Bytes of a body, as sent and as decoded; K, M and G are known (16M)", 2},
    {"max-redirects", KEY_MAX_REDIRECTS, "N", 0, "Redirects to follow (10)", 2},
    {"user-agent", KEY_USER_AGENT, "TEXT", 0, "Who asks (millrace/" MILLRACE_VERSION "); '' sends none", 2},
    {"header", 'H', "LINE", 0, "A header of every request, 'Name: value'. May be given several times", 2},
    {"proxy", KEY_PROXY, "URL", 0, "Through this proxy (else as http_proxy and its like say)", 2},
    {"cacert", KEY_CACERT, "FILE", 0, "Trust these certificates (PEM), in place of the system's", 2},
    {"connect-to", KEY_CONNECT_TO, "HOST1:PORT1:HOST2:PORT2", 0,
     "Connect to the second where a URL names the first. May be given several times", 2},
    {"http", KEY_HTTP, "1.1|2", 0, "The version of HTTP (2 over TLS where it is offered, else 1.1)", 2},
    {0},
};

static const struct argp_option talk[] = {
    {0, 0, 0, 0, "What is said:", 3},
    {"progress", KEY_PROGRESS, "auto|bar|log|none", 0,
     "On standard error (auto: a bar on a terminal, else a log)", 3},
    {"report", KEY_REPORT, "FILE", 0, "The run's figures, as JSON", 3},
    {"quiet", 'q', 0, 0, "Errors only", 3},
    {"verbose", 'v', 0, 0, "Each rank's figures too", 3},
    {"help", 'h', 0, 0, "Say what the options are, and exit", -1},
    {"usage", KEY_USAGE, 0, 0, "Say it briefly, and exit", -1},
    {0},
};

static const struct argp_option scrape_output[] = {
    {"output", 'o', "FILE", 0,
     "Rows to FILE: .tsv, .csv or .jsonl, with .gz or .zst after it compressed (TSV on standard output)", 1},
    {0},
};

static const struct argp_option fetch_output[] = {
    {"output", 'o', "PATTERN", 0,
     "Each body to a file: {id}, {host} and {ext} are put in ({id}.{ext}). With -s, the value instead of the "
     "body. "
     "The rows go to standard output",
     1},
    {0},
};

struct reading {
    struct options *o;
    enum job_kind kind;
    const char *name; /* for messages */
    const char *pattern;
    uint32_t n_selections;
    bool no_selections;
    unsigned help; /* ARGP_HELP_ bits of what was asked for */
    bool per_host_given, timeout_given, connect_timeout_given, progress_given;
};

/* ------------------------------------------------------------------ single values */

static int refuse(struct argp_state *state, const char *option, const char *value, const char *wanted)
{
    argp_error(state, "--%s: '%s' is not %s", option, value, wanted);
    return EINVAL;
}

static int take_uint32(struct argp_state *state, const char *option, const char *text, uint32_t min,
                       uint32_t max, uint32_t *out)
{
    uint64_t value;
    if (!value_uint(text, min, max, &value)) {
        argp_error(state, "--%s: '%s' is not a whole number from %u to %u", option, text, min, max);
        return EINVAL;
    }
    *out = (uint32_t)value;
    return 0;
}

static int take_seconds(struct argp_state *state, const char *option, const char *text, int64_t *out)
{
    return value_seconds(text, LONGEST_SECONDS, out)
               ? 0
               : refuse(state, option, text, "a number of seconds, at most a week");
}

static int take_selection(struct argp_state *state, struct reading *r, char *text)
{
    if (strcmp(text, "none") == 0) {
        r->no_selections = true;
        return 0;
    }
    char *equals = strchr(text, '=');
    if (equals)
        *equals = '\0';
    if (!equals || !value_name(text) || equals[1] == '\0') {
        if (equals)
            *equals = '=';
        return refuse(state, "select", text, "NAME=SELECTOR (a name of letters, digits and _)");
    }
    if (r->n_selections == WIRE_MAX_VALUES - 1) {
        argp_error(state, "--select: no more than %d fields", WIRE_MAX_VALUES - 1);
        return EINVAL;
    }
    r->o->selections[r->n_selections++] = (struct selection){.name = text, .selector = equals + 1};
    return 0;
}

static int take_header(struct argp_state *state, struct options *o, char *text)
{
    const char *colon = strpbrk(text, ":;");
    if (!colon || colon == text || text[strcspn(text, "\r\n")] != '\0')
        return refuse(state, "header", text, "a header line, 'Name: value'");
    o->headers[o->transfer.n_headers++] = text;
    return 0;
}

static int take_connect_to(struct argp_state *state, struct options *o, char *text)
{
    int colons = 0;
    for (const char *p = text; *p; p++)
        colons += *p == ':';
    if (colons < 3) /* more in IPv6 addresses */
        return refuse(state, "connect-to", text, "HOST1:PORT1:HOST2:PORT2");
    o->connect_to[o->transfer.n_connect_to++] = text;
    return 0;
}

static int take_http(struct argp_state *state, const char *text, enum transfer_http *http)
{
    if (strcmp(text, "1.1") == 0)
        *http = TRANSFER_HTTP_1_1;
    else if (strcmp(text, "2") == 0)
        *http = TRANSFER_HTTP_2;
    else
        return refuse(state, "http", text, "a version to choose: 1.1 or 2");
    return 0;
}

static int take_max_body(struct argp_state *state, const char *text, struct transfer_options *t)
{
    uint64_t size;
    if (!value_size(text, LARGEST_BODY, &size))
        return refuse(state, "max-body", text, "a size from 1 byte to 1G");
    t->max_body = (size_t)size;
    return 0;
}

/* ------------------------------------------------------------------ argp's callbacks */

static error_t parse_rows(int key, char *text, struct argp_state *state)
{
    struct reading *r = state->input;
    struct engine_config *e = &r->o->engine;
    switch (key) {
    case 's':
        return take_selection(state, r, text);
    case 'o':
        if (r->kind == JOB_FETCH)
            r->pattern = text;
        else
            e->head.output = strcmp(text, "-") == 0 ? NULL : text;
        return 0;
    case KEY_REPEAT:
        return take_uint32(state, "repeat", text, 1, UINT32_MAX, &r->o->source.repeat);
    case KEY_URL_COLUMN:
        r->o->source.url_column = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_limits(int key, char *text, struct argp_state *state)
{
    struct reading *r = state->input;
    struct engine_config *e = &r->o->engine;
    struct dealer_config *d = &e->head.dealer;
    switch (key) {
    case 'c':
        return take_uint32(state, "concurrency", text, 1, MAX_CONCURRENCY, &r->o->transfer.concurrency);
    case KEY_PER_HOST:
        r->per_host_given = true;
        return take_uint32(state, "per-host", text, 0, UINT32_MAX, &r->o->source.per_host);
    case KEY_DELAY:
        return take_seconds(state, "delay", text, &d->delay);
    case KEY_RETRIES:
        return take_uint32(state, "retries", text, 0, 1000, &d->retries);
    case KEY_MAX_REDIRECTS:
        return take_uint32(state, "max-redirects", text, 0, 1000, &d->max_redirects);
    case KEY_MAX_WAIT:
        return take_seconds(state, "max-wait", text, &d->max_wait);
    case KEY_TIMEOUT:
        r->timeout_given = true;
        return take_seconds(state, "timeout", text, &r->o->transfer.timeout);
    case KEY_CONNECT_TIMEOUT:
        r->connect_timeout_given = true;
        return take_seconds(state, "connect-timeout", text, &r->o->transfer.connect_timeout);
    case KEY_MAX_BODY:
        return take_max_body(state, text, &r->o->transfer);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_traffic(int key, char *text, struct argp_state *state)
{
    struct reading *r = state->input;
    struct transfer_options *t = &r->o->transfer;
    switch (key) {
    case KEY_USER_AGENT:
        t->user_agent = text[0] ? text : NULL;
        return 0;
    case 'H':
        return take_header(state, r->o, text);
    case KEY_PROXY:
        t->proxy = text;
        return 0;
    case KEY_CACERT:
        t->cacert = text;
        return access(text, R_OK) == 0 ? 0 : refuse(state, "cacert", text, strerror(errno));
    case KEY_CONNECT_TO:
        return take_connect_to(state, r->o, text);
    case KEY_HTTP:
        return take_http(state, text, &t->http);
    default:
        return parse_limits(key, text, state);
    }
}

static error_t parse_talk(int key, char *text, struct argp_state *state)
{
    struct reading *r = state->input;
    struct engine_config *e = &r->o->engine;
    state->name = (char *)(uintptr_t)r->name; /* argp sets its own */
    switch (key) {
    case KEY_PROGRESS:
        r->progress_given = true;
        return progress_parse(text, &e->head.progress)
                   ? 0
                   : refuse(state, "progress", text, "auto, bar, log or none");
    case KEY_REPORT:
        e->report = text;
        return 0;
    case 'q':
        e->quiet = true;
        return 0;
    case 'v':
        e->verbose = true;
        return 0;
    case 'h':
        r->help = ARGP_HELP_LONG | ARGP_HELP_USAGE | ARGP_HELP_DOC;
        return 0;
    case KEY_USAGE:
        r->help = ARGP_HELP_USAGE;
        return 0;
    case ARGP_KEY_INIT:
        for (unsigned i = 0; i < 3; i++)
            state->child_inputs[i] = r;
        return 0;
    case ARGP_KEY_ARG:
        return ARGP_ERR_UNKNOWN; /* and then they come all at once */
    case ARGP_KEY_ARGS:
        r->o->source.inputs = state->argv + state->next;
        r->o->source.n_inputs = (size_t)(state->argc - state->next);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ------------------------------------------------------------------ what fits what */

static const char *contradiction(const struct reading *r)
{
    const struct engine_config *e = &r->o->engine;
    const struct source_urls_config *u = &r->o->source;
    size_t standard_inputs = 0;
    for (size_t i = 0; i < u->n_inputs; i++)
        standard_inputs += strcmp(u->inputs[i], "-") == 0;
    if (u->n_inputs == 0)
        return "nothing to fetch: give a file of URLs, a URL, or - for standard input";
    if (standard_inputs > 1)
        return "standard input (-) can be read only once";
    if (e->quiet && e->verbose)
        return "--quiet and --verbose contradict each other";
    if (e->quiet && r->progress_given && e->head.progress != PROGRESS_NONE)
        return "--quiet and --progress contradict each other";
    if (r->no_selections && r->n_selections > 0)
        return "--select none and other fields contradict each other";
    if (r->kind == JOB_FETCH && r->n_selections > 1)
        return "fetch writes one value to each file: give --select once, or use scrape";
    if (r->timeout_given && r->connect_timeout_given && r->o->transfer.timeout &&
        r->o->transfer.connect_timeout > r->o->transfer.timeout)
        return "--connect-timeout is longer than --timeout";
    if (e->report && e->head.output && strcmp(e->report, e->head.output) == 0)
        return "--report and --output name the same file";
    return NULL;
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

static void add_column(struct options *o, const char *name, enum sink_cell cell)
{
    o->columns[o->engine.head.n_columns++] = (struct sink_column){.name = name, .cell = cell};
}

static void set_columns(struct reading *r)
{
    struct options *o = r->o;
    add_column(o, "id", SINK_ID);
    add_column(o, "url", SINK_TEXT);
    add_column(o, "status", SINK_STATUS);
    if (r->kind == JOB_SCRAPE && r->n_selections == 0 && !r->no_selections)
        o->selections[r->n_selections++] = (struct selection){.name = "title", .selector = "h1"};
    if (r->kind == JOB_FETCH)
        add_column(o, "file", SINK_VALUE);
    for (uint32_t i = 0; i < r->n_selections; i++)
        add_column(o, o->selections[i].name, SINK_VALUE);
    add_column(o, "error", SINK_ERROR);
    o->stage.n_selections = r->n_selections;
    o->stage.max_body = o->transfer.max_body;
    o->engine.head.places_per_rank = o->transfer.concurrency;
    o->transfer.discard_body = r->kind == JOB_SCRAPE && r->n_selections == 0;
}

/* A bar and rows on one screen would spoil each other. */
static bool rows_on_screen(const struct head_config *h)
{
    struct stat out;
    return !h->output && (fstat(STDOUT_FILENO, &out) != 0 || !S_ISREG(out.st_mode));
}

static int settle(struct reading *r, bool speak)
{
    struct options *o = r->o;
    struct head_config *h = &o->engine.head;
    struct file_error problem;
    const char *wrong = contradiction(r);
    set_columns(r);
    const char *twice = wrong ? NULL : repeated_column(h);
    if (r->kind == JOB_FETCH && !wrong) {
        o->stage.files = file_pattern_parse(r->pattern, &problem);
        wrong = o->stage.files ? NULL : problem.text;
    }
    if (speak && (wrong || twice))
        fprintf(stderr, twice ? "%s: two columns are named '%s'\n" : "%s: %s\n", r->name,
                twice ? twice : wrong);
    if (wrong || twice)
        return EXIT_USAGE;
    if (r->per_host_given)
        o->source.per_loopback_host = o->source.per_host;
    if (o->engine.quiet)
        h->progress = PROGRESS_NONE;
    else if (h->progress == PROGRESS_AUTO && rows_on_screen(h))
        h->progress = PROGRESS_LOG;
    return -1;
}

/* ------------------------------------------------------------------ */

static struct source *open_source(const void *config, char *error, size_t error_size)
{
    return source_urls_open(config, error, error_size);
}

static struct stage *make_stage(const void *config, unsigned threads, char *error, size_t error_size)
{
    return stage_pages_new(config, threads, error, error_size);
}

static bool set_defaults(struct options *o, int argc)
{
    struct engine_config *e = &o->engine;
    *o = (struct options){0};
    o->headers = calloc((size_t)argc, sizeof *o->headers);
    o->connect_to = calloc((size_t)argc, sizeof *o->connect_to);
    o->transfer = (struct transfer_options){.concurrency = DEFAULT_CONCURRENCY,
                                            .timeout = 60 * SECOND,
                                            .connect_timeout = 20 * SECOND,
                                            .max_body = DEFAULT_MAX_BODY,
                                            .user_agent = "millrace/" MILLRACE_VERSION,
                                            .headers = o->headers,
                                            .connect_to = o->connect_to};
    o->source = (struct source_urls_config){.repeat = 1, .per_host = DEFAULT_PER_HOST};
    o->stage = (struct stage_pages_config){.selections = o->selections};
    e->transfer = &o->transfer;
    e->make_stage = make_stage;
    e->stage_config = &o->stage;
    e->head.open_source = open_source;
    e->head.source_config = &o->source;
    e->head.columns = o->columns;
    e->head.dealer = (struct dealer_config){.window = WINDOW,
                                            .retries = DEFAULT_RETRIES,
                                            .max_redirects = DEFAULT_MAX_REDIRECTS,
                                            .backoff_base = SECOND,
                                            .backoff_max = 60 * SECOND,
                                            .max_wait = 600 * SECOND};
    uint64_t *seed = &e->head.dealer.seed;
    return o->headers && o->connect_to && getrandom(seed, sizeof *seed, 0) == (ssize_t)sizeof *seed;
}

int options_parse(struct options *o, enum job_kind kind, int argc, char **argv, bool speak)
{
    static const char *const names[] = {[JOB_SCRAPE] = "millrace scrape", [JOB_FETCH] = "millrace fetch"};
    static const char *const docs[] = {
        [JOB_SCRAPE] =
            "Fetch pages and write a row of selected fields for each.\vINPUT is a file of URLs, one a line; "
            "a .tsv, .csv or .jsonl file with a column url; - for standard input; or a URL, in which "
            "[1-100] and {a,b} expand. Under mpirun or srun the ranks share the work.\n\n"
            "Exit codes: 0 every record succeeded; 1 some failed, as their rows say; 2 wrong usage; 3 the "
            "job could not go on; 75 interrupted.",
        [JOB_FETCH] =
            "Fetch pages, each to a file of its own, and write a row for each.\vINPUT is as for scrape, and "
            "so are the exit codes.",
    };
    struct reading r = {.o = o, .kind = kind, .name = names[kind], .pattern = "{id}.{ext}"};
    const struct argp output = {.options = kind == JOB_FETCH ? fetch_output : scrape_output,
                                .parser = parse_rows};
    const struct argp row_options = {.options = rows, .parser = parse_rows};
    const struct argp traffic_options = {.options = traffic, .parser = parse_traffic};
    const struct argp_child children[] = {
        {.argp = &output}, {.argp = &row_options}, {.argp = &traffic_options}, {0}};
    const struct argp all = {.options = talk,
                             .parser = parse_talk,
                             .args_doc = "INPUT...",
                             .doc = docs[kind],
                             .children = children};
    if (!set_defaults(o, argc)) {
        if (speak)
            fprintf(stderr, "%s: no memory or no randomness left\n", r.name);
        return EXIT_STOPPED;
    }
    /* Nothing here may leave the process, for MPI may be running: so argp's own --help and exits are off. */
    unsigned flags = ARGP_NO_EXIT | ARGP_NO_HELP | (speak ? 0 : ARGP_NO_ERRS);
    if (argp_parse(&all, argc, argv, flags, NULL, &r) != 0)
        return EXIT_USAGE;
    if (r.help) {
        if (speak)
            argp_help(&all, stdout, r.help, (char *)(uintptr_t)r.name);
        return EXIT_OK;
    }
    return settle(&r, speak);
}

void options_free(struct options *o)
{
    file_pattern_free(o->stage.files);
    free(o->headers);
    free(o->connect_to);
}
