/* Predicts how long a job takes on any number of ranks: the dealer's simulator (tests/sim), with costs
 * that were measured.
 *
 *     predict COSTS.json [OPTION...]
 *
 *       --series strong|weak|NAME   weak: --pages for each rank; else for the whole job (strong)
 *       --workload titles|powers    powers: nothing is fetched, and a rank holds one item for each thread
 *       --ranks N,N...              1 to 1024, by powers of two
 *       --pages N  --latency S  --in-flight N  --threads N   of each rank where that makes sense
 *       --kernel S                  time on a compute thread for each page; default: title=h1, as measured
 *       --cores N --each N          machines of N cores with so many ranks each, the origin on the first (--origin);
 *                                   default: every thread has a core, and the origin is elsewhere
 *       --network NAME              of the costs: shared (default) or tcp
 *       --delay S --gbit N          the network's latency, in place of what was measured, and rank 0's speed
 *       --sigma N                   spread of the latency: lognormal about --latency; 0: constant (default)
 *       --machine LABEL  --no-header
 *
 * Writes the rows that `millrace bench` writes (CSV, RFC 4180), source "predicted", and more columns at
 * the end:
 *
 *     head_busy       share of the time that rank 0's loop works, 0 to 1
 *     messages        batches between ranks
 *
 * COSTS.json is what tests/bench/predict.py measures: an object of numbers in ns, of processor time unless
 * the name ends in _wall, with an object for each network. All that is used is listed in the table
 * `fields` below; all must be there.
 */
#include "tests/sim/simulator.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_POINTS = 64, WINDOW = 10000 /* src/options_pages.c */ };

/* As in src/wheel.c. */
static const int64_t LOOK_SHORTEST = 20 * 1000, LOOK_LONGEST = 4000 * 1000;

struct costs {
    double deal, outcome, head_batch,
        scan;                 /* rank 0: per record dealt and ended, per batch, per rank and turn */
    double page, title;       /* a page's fetch, on the event loop; its title=h1, on a compute thread */
    double server, late_wall; /* an answer of the origin; how much later it comes than asked for */
    double start_up;          /* of a rank, before the job */
    double send, receive, turn, look, look_slack_wall, latency_wall; /* of the network */
    const char *version, *commit, *mpi, *machine;
};

struct question {
    const char *series, *workload, *network, *machine;
    uint32_t ranks[MAX_POINTS];
    size_t n_ranks;
    uint64_t pages;
    uint32_t in_flight, threads, cores, each;
    double latency, kernel, delay, gbit, sigma;
    bool origin, header;
};

_Noreturn static void die(const char *what, const char *which)
{
    fprintf(stderr, "predict: %s%s\n", what, which);
    exit(2);
}

/* ------------------------------------------------------------------ the costs */

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_number(value) || json_number_value(value) < 0)
        die("the costs lack a number: ", name);
    return json_number_value(value);
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "unknown";
}

static json_t *read_costs(const char *path, const char *network, struct costs *c)
{
    const struct {
        const char *name;
        double *value;
        bool of_network;
    } fields[] = {{"deal", &c->deal, false},
                  {"outcome", &c->outcome, false},
                  {"head_batch", &c->head_batch, false},
                  {"scan", &c->scan, false},
                  {"page", &c->page, false},
                  {"title", &c->title, false},
                  {"server", &c->server, false},
                  {"late_wall", &c->late_wall, false},
                  {"start_up", &c->start_up, false},
                  {"send", &c->send, true},
                  {"receive", &c->receive, true},
                  {"turn", &c->turn, true},
                  {"look", &c->look, true},
                  {"look_slack_wall", &c->look_slack_wall, true},
                  {"latency_wall", &c->latency_wall, true}};
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);
    if (!all)
        die("can't read the costs: ", error.text);
    const json_t *net = json_object_get(all, network);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *fields[i].value = number(fields[i].of_network ? net : all, fields[i].name);
    c->version = text(all, "version");
    c->commit = text(all, "commit");
    c->mpi = text(all, "mpi");
    c->machine = text(all, "machine");
    return all;
}

static int64_t ns(double value)
{
    return (int64_t)(value + 0.5);
}

/* A page's cost is charged half at its start: what the measurement can't tell apart. */
static struct sim_costs model(const struct costs *c, const struct question *q)
{
    struct sim_costs m = {.turn = ns(c->turn),
                          .wake = c->look > c->turn ? ns(c->look - c->turn) : 0,
                          .scan = ns(c->scan),
                          .send = ns(c->send),
                          .receive = ns(c->receive),
                          .head_send = ns(c->send),
                          .head_receive = ns(c->receive + c->head_batch),
                          .deal = ns(c->deal),
                          .outcome = ns(c->outcome),
                          .look_shortest = LOOK_SHORTEST,
                          .look_longest = LOOK_LONGEST,
                          .look_slack = ns(c->look_slack_wall),
                          .bytes_out = 64, /* a URL, and src/wire.h's few bytes */
                          .bytes_in = 96,  /* a title, and the same twice */
                          .bytes_per_ns = q->gbit / 8,
                          .cores = q->cores,
                          .ranks_a_machine = q->each};
    if (strcmp(q->workload, "titles") == 0) {
        m.start = m.page = ns(c->page / 2);
        m.server = q->origin ? ns(c->server) : 0;
    }
    return m;
}

/* ------------------------------------------------------------------ one point */

struct point {
    uint32_t ranks;
    uint64_t records;
    struct sim_result result;
};

static void predict(const struct costs *c, const struct question *q, struct point *p)
{
    const struct sim_costs costs = model(c, q);
    bool fetches = strcmp(q->workload, "titles") == 0;
    uint32_t places = fetches ? q->in_flight : q->threads;
    uint64_t window = 2 * (uint64_t)p->ranks * places; /* as src/head.c has it */
    double fetch = fetches ? q->latency * 1e9 + (q->origin ? c->late_wall : 0) : 0;
    double kernel = q->kernel >= 0 ? q->kernel * 1e9 : c->title;
    struct sim_config config = {
        .seed = 1,
        .dealer = {.ranks = p->ranks, .window = window > WINDOW ? (uint32_t)window : WINDOW, .seed = 1},
        .hosts = 1,
        .records = p->records,
        .places = places,
        .threads = q->threads,
        .fetch = {ns(fetch), q->sigma},
        .kernel = {ns(kernel), 0},
        .message_delay = ns(q->delay >= 0 ? q->delay * 1e9 : c->latency_wall),
        .stop_at = DEALER_NEVER,
        .costs = &costs,
        .stream = fetches};
    if (!sim_run(&config, &p->result))
        die("the simulation failed: ", p->result.error);
}

static void put_text(const char *value)
{
    if (!strpbrk(value, ",\"\r\n")) {
        fputs(value, stdout);
        return;
    }
    putchar('"');
    for (; *value; value++) {
        if (*value == '"')
            putchar('"');
        putchar(*value);
    }
    putchar('"');
}

static void put_header(void)
{
    puts(
        "source,series,workload,strategy,ranks,threads,cores,in_flight,run,records,seconds,requests_per_"
        "second,"
        "cpu_seconds,overlap,stall_seconds,latency,machine,nodes,version,commit,mpi,date,head_busy,messages");
}

static void put_row(const struct costs *c, const struct question *q, const struct point *p)
{
    const struct sim_result *r = &p->result;
    bool fetches = strcmp(q->workload, "titles") == 0;
    double seconds = (double)r->makespan / 1e9;
    double cpu = (double)(r->loop_time + r->kernel_time + r->look_time) / 1e9 + p->ranks * c->start_up / 1e9;
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    printf("predicted,");
    put_text(q->series);
    printf(",%s,hybrid,%u,%u,%u,%llu,1,%llu,%.6f,%.1f,%.3f,,%.6f,%g,", q->workload, p->ranks, q->threads,
           p->ranks * q->threads, fetches ? (unsigned long long)p->ranks * q->in_flight : 0,
           (unsigned long long)p->records, seconds, fetches ? (double)p->records / seconds : 0, cpu,
           (double)r->longest_turn / 1e9, fetches ? q->latency : 0);
    put_text(q->machine ? q->machine : c->machine);
    printf(",%u,", q->each ? (p->ranks + q->each - 1) / q->each : 1);
    put_text(c->version);
    putchar(',');
    put_text(c->commit);
    putchar(',');
    put_text(c->mpi);
    printf(",%s,%.4f,%llu\n", date, (double)r->head_time / (double)r->makespan,
           (unsigned long long)r->batches);
    fflush(stdout);
}

/* ------------------------------------------------------------------ what is asked */

static double positive(const char *value, const char *name)
{
    char *end;
    errno = 0;
    double x = strtod(value, &end);
    if (end == value || *end || errno || !(x >= 0 && x <= 1e12))
        die("not a number: --", name);
    return x;
}

static uint32_t count(const char *value, const char *name)
{
    double x = positive(value, name);
    if (x < 1 || x > 1e9)
        die("not a number from 1 to 1e9: --", name);
    return (uint32_t)x;
}

static void read_ranks(struct question *q, const char *list)
{
    q->n_ranks = 0;
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL) {
        char *end;
        unsigned long n = strtoul(at, &end, 10);
        if (end == at || (*end && *end != ',') || n < 1 || n > 1000000 || q->n_ranks == MAX_POINTS)
            die("not a list of ranks: ", list);
        q->ranks[q->n_ranks++] = (uint32_t)n;
    }
}

static const struct option options[] = {
    {"series", 1, NULL, 's'},  {"workload", 1, NULL, 'w'},  {"ranks", 1, NULL, 'r'},
    {"pages", 1, NULL, 'p'},   {"latency", 1, NULL, 'l'},   {"in-flight", 1, NULL, 'c'},
    {"threads", 1, NULL, 't'}, {"kernel", 1, NULL, 'k'},    {"cores", 1, NULL, 'C'},
    {"each", 1, NULL, 'e'},    {"origin", 0, NULL, 'o'},    {"network", 1, NULL, 'n'},
    {"delay", 1, NULL, 'd'},   {"gbit", 1, NULL, 'g'},      {"sigma", 1, NULL, 'S'},
    {"machine", 1, NULL, 'm'}, {"no-header", 0, NULL, 'H'}, {0}};

static void set(struct question *q, int option, const char *name)
{
    switch (option) {
    case 's':
        q->series = optarg;
        break;
    case 'w':
        q->workload = optarg;
        break;
    case 'r':
        read_ranks(q, optarg);
        break;
    case 'p':
        q->pages = count(optarg, name);
        break;
    case 'l':
        q->latency = positive(optarg, name);
        break;
    case 'c':
        q->in_flight = count(optarg, name);
        break;
    case 't':
        q->threads = count(optarg, name);
        break;
    case 'k':
        q->kernel = positive(optarg, name);
        break;
    case 'C':
        q->cores = count(optarg, name);
        break;
    case 'e':
        q->each = count(optarg, name);
        break;
    case 'o':
        q->origin = true;
        break;
    case 'n':
        q->network = optarg;
        break;
    case 'd':
        q->delay = positive(optarg, name);
        break;
    case 'g':
        q->gbit = positive(optarg, name);
        break;
    case 'S':
        q->sigma = positive(optarg, name);
        break;
    case 'm':
        q->machine = optarg;
        break;
    case 'H':
        q->header = false;
        break;
    default:
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct question q = {.series = "strong",
                         .workload = "titles",
                         .network = "shared",
                         .pages = 16384,
                         .in_flight = 64,
                         .threads = 1,
                         .latency = 0.5,
                         .kernel = -1,
                         .delay = -1,
                         .header = true};
    struct costs costs;
    int index = 0;
    read_ranks(&q, "1,2,4,8,16,32,64,128,256,512,1024");
    for (int option; (option = getopt_long(argc, argv, "", options, &index)) != -1;)
        set(&q, option, options[index].name);
    if (argc - optind != 1)
        die("usage: predict COSTS.json [OPTION...]", "");
    if (strcmp(q.workload, "titles") != 0 && strcmp(q.workload, "powers") != 0)
        die("the workload is titles or powers, not ", q.workload);
    json_t *document = read_costs(argv[optind], q.network, &costs);
    if (q.header)
        put_header();
    for (size_t i = 0; i < q.n_ranks; i++) {
        struct point p = {.ranks = q.ranks[i], .records = q.pages};
        if (strncmp(q.series, "weak", 4) == 0)
            p.records *= p.ranks;
        predict(&costs, &q, &p);
        put_row(&costs, &q, &p);
    }
    json_decref(document);
    return EXIT_SUCCESS;
}
