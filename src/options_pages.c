#include "src/options_pages.h"

#include "kernels/kernel.h"
#include "src/source_urls.h"
#include "src/stage_pages.h"
#include "src/values.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

enum {
    DEFAULT_CONCURRENCY = 64,
    MAX_CONCURRENCY = 100000,
    DEFAULT_PER_HOST = 8,
    DEFAULT_RETRIES = 3,
    DEFAULT_MAX_REDIRECTS = 10,
    DEFAULT_MAX_BODY = 16 << 20,
    MAX_SELECTIONS = WIRE_MAX_VALUES - KERNEL_MAX_FIELDS - KERNEL_MAX_OPERANDS - 1,
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
    KEY_KERNEL_ARG,
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

static const struct argp_option scrape_output[] = {
    {"output", 'o', "FILE", 0,
     "Rows to FILE: .tsv, .csv or .jsonl, with .gz or .zst after it compressed (TSV on standard output)", 1},
    {0},
};

static const struct argp_option scrape_kernel[] = {
    {"kernel", 'k', "NAME", 0,
     "Compute on every page, and add the results as columns. pow: an exact power, its operands base and "
     "exponent "
     "(and modulus)",
     1},
    {"kernel-arg", KEY_KERNEL_ARG, "NAME=VALUE", 0,
     "An operand of the kernel: a whole number, or a selector that finds it on the page", 1},
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

struct pages {
    struct job job; /* first: it is what the outside sees */
    enum pages_command command;
    struct transfer_options transfer;
    struct source_urls_config source;
    struct stage_pages_config stage;
    struct selection selections[WIRE_MAX_VALUES];
    struct sink_column columns[SINK_MAX_COLUMNS];
    char **headers, **connect_to; /* the strings are argv's */
    const char *pattern;          /* of fetch's files */
    char **kernel_args;           /* argv's, n_kernel_args of them */
    size_t n_kernel_args;
    bool no_selections, per_host_given, timeout_given, connect_timeout_given;
};

static struct pages *pages_of(const struct argp_state *state)
{
    return ((struct reading *)state->input)->own;
}

/* ------------------------------------------------------------------ single values */

static int take_seconds(struct argp_state *state, const char *option, const char *text, int64_t *out)
{
    return value_seconds(text, LONGEST_SECONDS, out)
               ? 0
               : options_bad_value(state, option, text, "a number of seconds, at most a week");
}

static int take_selection(struct argp_state *state, struct pages *p, char *text)
{
    if (strcmp(text, "none") == 0) {
        p->no_selections = true;
        return 0;
    }
    char *equals = strchr(text, '=');
    if (equals)
        *equals = '\0';
    if (!equals || !value_name(text) || equals[1] == '\0') {
        if (equals)
            *equals = '=';
        return options_bad_value(state, "select", text, "NAME=SELECTOR (a name of letters, digits and _)");
    }
    if (p->stage.n_selections == MAX_SELECTIONS) {
        argp_error(state, "--select: no more than %d fields", MAX_SELECTIONS);
        return EINVAL;
    }
    p->selections[p->stage.n_selections++] = (struct selection){.name = text, .selector = equals + 1};
    return 0;
}

static int take_header(struct argp_state *state, struct pages *p, char *text)
{
    const char *colon = strpbrk(text, ":;");
    if (!colon || colon == text || text[strcspn(text, "\r\n")] != '\0')
        return options_bad_value(state, "header", text, "a header line, 'Name: value'");
    p->headers[p->transfer.n_headers++] = text;
    return 0;
}

static int take_connect_to(struct argp_state *state, struct pages *p, char *text)
{
    int colons = 0;
    for (const char *c = text; *c; c++)
        colons += *c == ':';
    if (colons < 3) /* more in IPv6 addresses */
        return options_bad_value(state, "connect-to", text, "HOST1:PORT1:HOST2:PORT2");
    p->connect_to[p->transfer.n_connect_to++] = text;
    return 0;
}

static int take_http(struct argp_state *state, const char *text, enum transfer_http *http)
{
    if (strcmp(text, "1.1") == 0)
        *http = TRANSFER_HTTP_1_1;
    else if (strcmp(text, "2") == 0)
        *http = TRANSFER_HTTP_2;
    else
        return options_bad_value(state, "http", text, "a version to choose: 1.1 or 2");
    return 0;
}

static int take_max_body(struct argp_state *state, const char *text, struct transfer_options *t)
{
    uint64_t size;
    if (!value_size(text, LARGEST_BODY, &size))
        return options_bad_value(state, "max-body", text, "a size from 1 byte to 1G");
    t->max_body = (size_t)size;
    return 0;
}

/* ------------------------------------------------------------------ argp's callbacks */

static error_t parse_rows(int key, char *text, struct argp_state *state)
{
    struct pages *p = pages_of(state);
    switch (key) {
    case 's':
        return take_selection(state, p, text);
    case 'o':
        if (p->command == PAGES_FETCH)
            p->pattern = text;
        else
            p->job.engine.head.output = strcmp(text, "-") == 0 ? NULL : text;
        return 0;
    case KEY_REPEAT:
        return options_uint32(state, "repeat", text, 1, UINT32_MAX, &p->source.repeat);
    case KEY_URL_COLUMN:
        p->source.url_column = text;
        return 0;
    case 'k':
        p->stage.kernel = kernel_find(text);
        return p->stage.kernel ? 0 : options_bad_value(state, "kernel", text, "a kernel: there is pow");
    case KEY_KERNEL_ARG:
        p->kernel_args[p->n_kernel_args++] = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_limits(int key, char *text, struct argp_state *state)
{
    struct pages *p = pages_of(state);
    struct dealer_config *d = &p->job.engine.head.dealer;
    switch (key) {
    case 'c':
        return options_uint32(state, "concurrency", text, 1, MAX_CONCURRENCY, &p->transfer.concurrency);
    case KEY_PER_HOST:
        p->per_host_given = true;
        return options_uint32(state, "per-host", text, 0, UINT32_MAX, &p->source.per_host);
    case KEY_DELAY:
        return take_seconds(state, "delay", text, &d->delay);
    case KEY_RETRIES:
        return options_uint32(state, "retries", text, 0, 1000, &d->retries);
    case KEY_MAX_REDIRECTS:
        return options_uint32(state, "max-redirects", text, 0, 1000, &d->max_redirects);
    case KEY_MAX_WAIT:
        return take_seconds(state, "max-wait", text, &d->max_wait);
    case KEY_TIMEOUT:
        p->timeout_given = true;
        return take_seconds(state, "timeout", text, &p->transfer.timeout);
    case KEY_CONNECT_TIMEOUT:
        p->connect_timeout_given = true;
        return take_seconds(state, "connect-timeout", text, &p->transfer.connect_timeout);
    case KEY_MAX_BODY:
        return take_max_body(state, text, &p->transfer);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_traffic(int key, char *text, struct argp_state *state)
{
    struct pages *p = pages_of(state);
    struct transfer_options *t = &p->transfer;
    switch (key) {
    case KEY_USER_AGENT:
        t->user_agent = text[0] ? text : NULL;
        return 0;
    case 'H':
        return take_header(state, p, text);
    case KEY_PROXY:
        t->proxy = text;
        return 0;
    case KEY_CACERT:
        t->cacert = text;
        return access(text, R_OK) == 0 ? 0
                                       : options_bad_value(state, "cacert", text, "a file that can be read");
    case KEY_CONNECT_TO:
        return take_connect_to(state, p, text);
    case KEY_HTTP:
        return take_http(state, text, &t->http);
    default:
        return parse_limits(key, text, state);
    }
}

/* ------------------------------------------------------------------ what fits what */

static const char *contradiction(const struct pages *p)
{
    const struct source_urls_config *u = &p->source;
    size_t standard_inputs = 0;
    for (size_t i = 0; i < u->n_inputs; i++)
        standard_inputs += strcmp(u->inputs[i], "-") == 0;
    if (u->n_inputs == 0)
        return "nothing to fetch: give a file of URLs, a URL, or - for standard input";
    if (standard_inputs > 1)
        return "standard input (-) can be read only once";
    if (p->no_selections && p->stage.n_selections > 0)
        return "--select none and other fields contradict each other";
    if (p->command == PAGES_FETCH && p->stage.n_selections > 1)
        return "fetch writes one value to each file: give --select once, or use scrape";
    if (p->timeout_given && p->connect_timeout_given && p->transfer.timeout &&
        p->transfer.connect_timeout > p->transfer.timeout)
        return "--connect-timeout is longer than --timeout";
    return NULL;
}

static void add_column(struct pages *p, const char *name, enum sink_cell cell)
{
    p->columns[p->job.engine.head.n_columns++] = (struct sink_column){.name = name, .cell = cell};
}

static bool is_number(const char *text)
{
    text += *text == '-';
    return *text && text[strspn(text, "0123456789")] == '\0';
}

/* NULL, or what is wrong with one of them. They are read when the kernel is known. */
static const char *set_kernel_args(struct pages *p)
{
    const struct kernel *k = p->stage.kernel;
    if (!k && p->n_kernel_args)
        return "--kernel-arg is of a --kernel";
    for (size_t i = 0; i < p->n_kernel_args; i++) {
        const char *text = p->kernel_args[i], *equals = strchr(text, '=');
        size_t len = equals ? (size_t)(equals - text) : 0, at = 0;
        while (k->operands[at].name &&
               (strlen(k->operands[at].name) != len || strncmp(k->operands[at].name, text, len)))
            at++;
        if (!k->operands[at].name)
            return "--kernel-arg is NAME=VALUE, and NAME one of the kernel's operands";
        if (is_number(equals + 1))
            p->stage.operand_constants[at] = equals + 1;
        else
            p->stage.operand_selectors[at] = equals + 1;
    }
    return NULL;
}

static void set_columns(struct pages *p)
{
    add_column(p, "id", SINK_ID);
    add_column(p, "url", SINK_TEXT);
    add_column(p, "status", SINK_STATUS);
    if (p->command == PAGES_SCRAPE && p->stage.n_selections == 0 && !p->no_selections && !p->stage.kernel)
        p->selections[p->stage.n_selections++] = (struct selection){.name = "title", .selector = "h1"};
    if (p->command == PAGES_FETCH)
        add_column(p, "file", SINK_VALUE);
    for (size_t i = 0; i < p->stage.n_selections; i++)
        add_column(p, p->selections[i].name, SINK_VALUE);
    for (const struct kernel_field *f = p->stage.kernel ? p->stage.kernel->fields : NULL; f && f->name; f++)
        add_column(p, f->name, f->number ? SINK_NUMBER : SINK_VALUE);
    add_column(p, "error", SINK_ERROR);
}

static int settle(struct reading *r)
{
    struct pages *p = r->own;
    struct file_error problem;
    p->source.inputs = r->args;
    p->source.n_inputs = r->n_args;
    const char *wrong = contradiction(p);
    if (!wrong)
        wrong = set_kernel_args(p);
    if (wrong)
        return options_refuse(r, wrong);
    set_columns(p);
    if (p->command == PAGES_FETCH && !(p->stage.files = file_pattern_parse(p->pattern, &problem)))
        return options_refuse(r, problem.text);
    if (p->per_host_given)
        p->source.per_loopback_host = p->source.per_host;
    p->stage.max_body = p->transfer.max_body;
    p->transfer.discard_body = p->command == PAGES_SCRAPE && p->stage.n_selections == 0 && !p->stage.kernel;
    p->job.engine.head.places_per_rank = p->transfer.concurrency;
    return options_settle(r);
}

/* ------------------------------------------------------------------ */

static struct source *open_source(const void *config, char *error, size_t error_size)
{
    return source_urls_open(config, error, error_size);
}

static struct stage *make_stage(const void *config, unsigned threads, int sharing, char *error,
                                size_t error_size)
{
    (void)sharing;
    return stage_pages_new(config, threads, error, error_size);
}

static void free_pages(struct job *job)
{
    struct pages *p = (struct pages *)job;
    file_pattern_free(p->stage.files);
    free(p->headers);
    free(p->connect_to);
    free(p->kernel_args);
    free(p);
}

static struct pages *make_pages(enum pages_command command, int argc)
{
    struct pages *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->command = command;
    p->pattern = "{id}.{ext}";
    p->headers = calloc((size_t)argc, sizeof *p->headers);
    p->connect_to = calloc((size_t)argc, sizeof *p->connect_to);
    p->kernel_args = calloc((size_t)argc, sizeof *p->kernel_args);
    p->transfer = (struct transfer_options){.concurrency = DEFAULT_CONCURRENCY,
                                            .timeout = 60 * SECOND,
                                            .connect_timeout = 20 * SECOND,
                                            .max_body = DEFAULT_MAX_BODY,
                                            .user_agent = "millrace/" MILLRACE_VERSION,
                                            .headers = p->headers,
                                            .connect_to = p->connect_to};
    p->source = (struct source_urls_config){.repeat = 1, .per_host = DEFAULT_PER_HOST};
    p->stage = (struct stage_pages_config){.selections = p->selections};
    p->job.free = free_pages;
    p->job.engine = (struct engine_config){
        .transfer = &p->transfer,
        .make_stage = make_stage,
        .stage_config = &p->stage,
        .head = {.open_source = open_source, .source_config = &p->source, .columns = p->columns}};
    struct dealer_config *d = &p->job.engine.head.dealer;
    *d = (struct dealer_config){.window = WINDOW,
                                .retries = DEFAULT_RETRIES,
                                .max_redirects = DEFAULT_MAX_REDIRECTS,
                                .backoff_base = SECOND,
                                .backoff_max = 60 * SECOND,
                                .max_wait = 600 * SECOND};
    if (p->headers && p->connect_to && p->kernel_args && options_seed(&d->seed) &&
        options_seed(&p->stage.seed))
        return p;
    free_pages(&p->job);
    return NULL;
}

int options_pages_parse(enum pages_command command, int argc, char **argv, bool speak, struct job **job)
{
    static const char *const names[] = {[PAGES_SCRAPE] = "millrace scrape", [PAGES_FETCH] = "millrace fetch"};
    static const char *const docs[] = {
        [PAGES_SCRAPE] =
            "Fetch pages and write a row of selected fields for each.\vINPUT is a file of URLs, one a line; "
            "a .tsv, .csv or .jsonl file with a column url; - for standard input; or a URL, in which "
            "[1-100] and {a,b} expand. Under mpirun or srun the ranks share the work.\n\n"
            "Exit codes: 0 every record succeeded; 1 some failed, as their rows say; 2 wrong usage; 3 the "
            "job could not go on; 75 interrupted.",
        [PAGES_FETCH] =
            "Fetch pages, each to a file of its own, and write a row for each.\vINPUT is as for scrape, and "
            "so are the exit codes.",
    };
    struct pages *p = make_pages(command, argc);
    struct reading r = {.command = names[command], .speak = speak, .job = &p->job, .own = p};
    if (!p) {
        options_refuse(&r, "no memory or no randomness left");
        return EXIT_STOPPED;
    }
    const struct argp output = {.options = command == PAGES_FETCH ? fetch_output : scrape_output,
                                .parser = parse_rows};
    const struct argp kernel_options = {.options = scrape_kernel, .parser = parse_rows};
    const struct argp row_options = {.options = rows, .parser = parse_rows};
    const struct argp traffic_options = {.options = traffic, .parser = parse_traffic};
    const struct argp_child children[] = {{.argp = &output},
                                          {.argp = &row_options},
                                          {.argp = &traffic_options},
                                          {.argp = command == PAGES_SCRAPE ? &kernel_options : NULL},
                                          {0}};
    int code = options_read(&r, children, "INPUT...", docs[command], argc, argv);
    if (code < 0)
        code = settle(&r);
    *job = &p->job;
    if (code >= 0)
        free_pages(&p->job);
    return code;
}
