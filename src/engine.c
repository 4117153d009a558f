#include "src/engine.h"

#include "src/pool.h"
#include "src/trace_out.h"
#include "src/wheel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { ERROR_BYTES = 2048, FAREWELL_BYTES = 64 };

#define END_LONGEST                                                                                          \
    INT64_C(60000000000) /* ns that the end of MPI may take, or --rank-timeout if that is longer */

struct engine {
    const struct engine_config *config;
    struct link *link;
    struct evloop *loop;
    struct stage *stage;
    struct head *head; /* on rank 0 */
    FILE *report; /* on rank 0, if there is to be one: opened early, so that its absence is known early */
    struct trace_recorder *trace; /* NULL: none is wanted */
    struct trace_out *trace_out;  /* on rank 0, if there is to be one */
    struct vigil *vigil;
    struct tally tally, begun; /* what this rank counts, and what it had used before */
    int signals;               /* of signalfd */
    unsigned threads;          /* that compute, or would where the strategy has them */
    int code;
};

static struct worker *make_worker(struct engine *e, struct pool *pool, const char **trouble, char *text,
                                  size_t text_size)
{
    const struct engine_config *c = e->config;
    const struct worker_config worker = {
        .transfer = c->transfer,
        .places = strategy_places_of(c->strategy, (uint32_t)link_rank(e->link), e->threads,
                                     c->transfer ? c->transfer->concurrency : 0),
        .hold = c->strategy->hold,
        .trace = e->trace};
    *trouble = text;
    if (!e->stage->open(e->stage, text, text_size))
        return NULL;
    return worker_new(&worker, e->loop, pool, e->stage, &e->tally, trouble);
}

static void run(struct pool *pool, void *context)
{
    struct engine *e = context;
    char text[ERROR_BYTES];
    e->vigil = vigil_new(e->link, e->config->rank_timeout);
    if (!e->vigil) {
        fprintf(stderr, "millrace: rank %d: no memory or no thread to watch the others\n",
                link_rank(e->link));
        link_abort(e->link, EXIT_STOPPED);
    }
    struct wheel wheel = {.link = e->link,
                          .loop = e->loop,
                          .signals = e->signals,
                          .head = e->head,
                          .vigil = e->vigil,
                          .trace = e->trace,
                          .trace_out = e->trace_out,
                          .tally = &e->tally,
                          .begun = &e->begun};
    wheel.worker = make_worker(e, pool, &wheel.trouble, text, sizeof text);
    e->code = wheel_run(&wheel);
}

static void wake(void *loop)
{
    evloop_wake(loop);
}

static bool take_signals(struct engine *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    e->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return e->signals >= 0;
}

static void tell(const struct engine *e, const char *text)
{
    if (link_rank(e->link) == 0)
        fprintf(stderr, "millrace: %s\n", text);
}

static bool open_report(struct engine *e, char *error, size_t error_size)
{
    const char *path = e->config->report;
    e->report = path ? fopen(path, "we") : NULL;
    if (path && !e->report)
        snprintf(error, error_size, "cannot write the report %s: %s", path, strerror(errno));
    return !path || e->report;
}

static bool open_trace(struct engine *e, char *error, size_t error_size)
{
    const struct engine_config *c = e->config;
    const struct trace_job job = {.strategy = c->strategy->name,
                                  .ranks = (uint32_t)link_size(e->link),
                                  .threads = c->strategy->threads ? e->threads : 0};
    e->trace_out = c->trace ? trace_out_open(c->trace, &job, error, error_size) : NULL;
    return !c->trace || e->trace_out;
}

/* Collective. */
static void begin_trace(struct engine *e)
{
    char host[TRACE_TEXT_BYTES + 1] = "";
    struct trace_self self = {.rank = (uint32_t)link_rank(e->link),
                              .ranks = (uint32_t)link_size(e->link),
                              .threads = e->config->strategy->threads ? e->threads : 0,
                              .host = host,
                              .most_memory = TRACE_RANK_BYTES};
    gethostname(host, sizeof host - 1);
    self.ahead = link_clock(e->link, evloop_now, &self.imprecise);
    e->trace = trace_new(&self);
    if (!e->trace) {
        fprintf(stderr, "millrace: rank %d has no memory left for a trace\n", link_rank(e->link));
        link_abort(e->link, EXIT_STOPPED);
    }
}

/* What must be there before the wheel turns. The code is EXIT_OK, or that of all ranks. */
static int prepare(struct engine *e)
{
    char error[ERROR_BYTES];
    int code = EXIT_OK;
    /* The loop's thread counts: it helps at the end. */
    e->stage = e->config->make_stage(e->config->stage_config, e->threads + 1, link_neighbours(e->link), error,
                                     sizeof error);
    if (!e->stage) {
        tell(e, error);
        return EXIT_USAGE;
    }
    e->loop = evloop_new();
    if (!e->loop || !take_signals(e)) {
        fprintf(stderr, "millrace: rank %d: the event loop can't start: %s\n", link_rank(e->link),
                strerror(errno));
        link_abort(e->link, EXIT_STOPPED);
    }
    if (link_rank(e->link) == 0) {
        e->head = head_new(&e->config->head, e->loop, (uint32_t)link_size(e->link), error, sizeof error);
        if (!e->head || !open_report(e, error, sizeof error) || !open_trace(e, error, sizeof error))
            code = EXIT_STOPPED;
    }
    if (code != EXIT_OK)
        tell(e, error);
    return link_agree(e->link, code);
}

static void show_figures(struct engine *e)
{
    struct head_figures figures;
    head_figures(e->head, &figures);
    const struct report report = {.figures = &figures,
                                  .tallies = head_tallies(e->head),
                                  .ranks = (uint32_t)link_size(e->link),
                                  .threads = e->config->strategy->threads ? e->threads : 0,
                                  .strategy = e->config->strategy->name,
                                  .code = e->code};
    if (e->config->observe)
        e->config->observe(e->config->observer, &report);
    if (!e->config->quiet)
        report_summary(&report, e->config->verbose, stderr);
    if (e->report && !report_write(&report, e->report)) {
        fprintf(stderr, "millrace: cannot write the report %s: %s\n", e->config->report, strerror(errno));
        e->code = e->code == EXIT_OK ? EXIT_STOPPED : e->code;
    }
}

static void end_trace(struct engine *e)
{
    char error[ERROR_BYTES];
    uint64_t left_out;
    if (!trace_out_end(e->trace_out, &left_out, error, sizeof error)) {
        tell(e, error);
        e->code = e->code == EXIT_OK ? EXIT_STOPPED : e->code;
    } else if (left_out > 0) {
        snprintf(error, sizeof error, "the trace %s lacks %llu events: a rank keeps %zu MiB of them at most",
                 e->config->trace, (unsigned long long)left_out, TRACE_RANK_BYTES >> 20);
        tell(e, error);
    }
}

/* Rank 0's last word: the others have waited for it, so that a break of the network was noticed as long as any rank worked or
 * wrote. What is left is MPI's own end, which takes a moment. */
static void release(struct engine *e)
{
    int64_t limit = e->config->rank_timeout;
    struct buffer bye;
    buffer_init(&bye, FAREWELL_BYTES);
    vigil_hush(e->vigil);
    for (int rank = 1; e->head && rank < link_size(e->link); rank++) {
        if (!wire_write(&bye, &(struct wire_message){.kind = WIRE_BYE}) || !link_send(e->link, rank, &bye))
            link_abort(e->link, EXIT_STOPPED);
    }
    buffer_free(&bye);
    link_limit(e->link, limit > 0 && limit < END_LONGEST ? END_LONGEST : limit, EXIT_STOPPED);
}

int engine_run(struct link *link, const struct engine_config *config)
{
    struct engine e = {.config = config, .link = link, .signals = -1};
    tally_usage(&e.begun, NULL);
    e.begun.batches = link_batches_sent(link);
    e.threads = config->threads ? config->threads : pool_default_threads(link_neighbours(link));
    e.code = prepare(&e);
    if (e.code == EXIT_OK) {
        if (config->trace)
            begin_trace(&e);
        if (pool_run(config->strategy->threads ? e.threads : 0, run, &e, wake, e.loop) != 0) {
            fputs("millrace: the system gives no thread to compute with\n", stderr);
            link_abort(link, EXIT_STOPPED);
        }
        if (e.head)
            show_figures(&e);
        if (e.trace_out)
            end_trace(&e);
        release(&e);
    }
    vigil_free(e.vigil);
    trace_out_free(e.trace_out);
    trace_free(e.trace);
    head_free(e.head);
    if (e.report && fclose(e.report) != 0 && e.code == EXIT_OK)
        e.code = EXIT_STOPPED;
    if (e.signals >= 0)
        close(e.signals);
    evloop_free(e.loop);
    if (e.stage)
        e.stage->free(e.stage);
    return e.code;
}
