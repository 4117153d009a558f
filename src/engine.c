#include "src/engine.h"

#include "src/pool.h"
#include "src/trace_out.h"
#include "src/vigil.h"
#include "src/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    POLL_SHORTEST =
        20 * 1000, /* ns between looks at MPI, which has no descriptor to wait on, after traffic */
    POLL_LONGEST = 4000 * 1000, /* the same after a silence: a look costs some 30 us */
    PAUSE_LONGEST = 1000000000, /* ns of a wait with nothing due */
    BATCHES_AT_ONCE = 256,
    PIECES_AT_ONCE = 4, /* of the trace, on their way to rank 0 */
    ERROR_BYTES = 2048,
};

#define END_LONGEST                                                                                          \
    INT64_C(60000000000) /* ns that the end of MPI may take, or --rank-timeout if that is longer */

struct engine {
    const struct engine_config *config;
    struct link *link;
    struct evloop *loop;
    struct stage *stage;
    struct pool *pool;
    struct worker *worker; /* NULL when it could not be made, or has been dismissed */
    struct head *head;     /* on rank 0 */
    FILE *report; /* on rank 0, if there is to be one: opened early, so that its absence is known early */
    struct trace_recorder *trace; /* NULL: none is wanted */
    struct trace_out *trace_out;  /* on rank 0, if there is to be one */
    struct vigil *vigil;
    struct tally tally, begun; /* what this rank counts, and what it had used before */
    struct buffer farewell;    /* what is said when there is no worker to say it */
    int signals;               /* of signalfd */
    unsigned threads;          /* that compute, or would where the strategy has them */
    int64_t poll;              /* ns until MPI is looked at again */
    int64_t accounted;         /* until when the tally's times are right */
    bool dismissed;            /* FINISH has come */
    bool gone;                 /* the last word was said */
    bool released;             /* BYE has come */
    bool unread;               /* the last look at the link did not see all that had come */
    int others_gone;           /* on rank 0: so many other ranks have said their last word */
    int code;
};

/* ------------------------------------------------------------------ what arrives */

static void send_batch(struct engine *e, int to, struct buffer *batch)
{
    size_t len = batch->len;
    if (len == 0)
        return;
    if (!e->head) /* what rank 0 deals for it will be here soon */
        e->poll = POLL_SHORTEST;
    int64_t begin = trace_now(e->trace);
    if (!link_send(e->link, to, batch))
        link_abort(e->link, EXIT_STOPPED);
    trace_message(e->trace, TRACE_SENT, to, len, begin);
}

static void bid(struct engine *e, const struct wire_message *message)
{
    if (!wire_write(&e->farewell, message))
        link_abort(e->link, EXIT_STOPPED);
    send_batch(e, 0, &e->farewell);
}

/* How many there are of what waits, for the trace's counters. */
static void note_depths(struct engine *e)
{
    if (!e->trace)
        return;
    const uint32_t here[TRACE_DEPTHS_AT_ONCE] = {e->worker ? worker_transferring(e->worker) : 0,
                                                 e->worker ? (uint32_t)worker_computing(e->worker) : 0,
                                                 e->dismissed ? 0 : (uint32_t)link_unsent(e->link)};
    trace_depths(e->trace, TRACE_DEPTHS, here);
    if (!e->head)
        return;
    struct head_figures f;
    head_figures(e->head, &f);
    const uint32_t job[TRACE_DEPTHS_AT_ONCE] = {f.dealer.pending + f.dealer.waiting,
                                                f.dealer.fetching + f.dealer.computing};
    trace_depths(e->trace, TRACE_DEALER, job);
}

/* Told to leave: what is in flight is dropped. */
static void leave(struct engine *e, int code)
{
    if (e->dismissed)
        return;
    e->dismissed = true;
    e->code = code;
    worker_free(e->worker);
    e->worker = NULL;
    e->tally.longest_stall_ns = (uint64_t)evloop_longest_stall(e->loop);
    e->tally.batches = link_batches_sent(e->link) - e->begun.batches;
    note_depths(e);
}

/* What was recorded goes first, in pieces, so few at a time that they are not held twice; the figures are the last word.
 * Rank 0 leaves last: it records what the others say until then. */
static void take_leave(struct engine *e)
{
    if (e->head && e->others_gone < link_size(e->link) - 1)
        return;
    struct buffer piece;
    buffer_init(&piece, TRACE_PIECE_BYTES);
    while (link_unsent(e->link) < PIECES_AT_ONCE && trace_take(e->trace, &piece)) {
        bid(e, &(struct wire_message){.kind = WIRE_TRACE, .trace = {.data = piece.data, .len = piece.len}});
        buffer_reset(&piece);
    }
    buffer_free(&piece);
    if (link_unsent(e->link) >= PIECES_AT_ONCE)
        return;
    e->gone = true;
    if (!e->head) /* the tally is this rank's last word; rank 0 has to speak on */
        vigil_hush(e->vigil);
    tally_usage(&e->tally, &e->begun);
    bid(e, &(struct wire_message){.kind = WIRE_TALLY, .tally = e->tally});
}

static _Noreturn void on_malformed(struct engine *e, int from)
{
    fprintf(stderr, "millrace: rank %d: a message from rank %d is malformed\n", link_rank(e->link), from);
    link_abort(e->link, EXIT_STOPPED);
}

static void take_trace(struct engine *e, int from, const struct wire_message *m)
{
    if (!trace_out_take(e->trace_out, (uint32_t)from, m->trace.data, m->trace.len))
        on_malformed(e, from);
}

static void receive_message(struct engine *e, int from, const struct wire_message *m)
{
    if (m->kind == WIRE_TALLY)
        vigil_excuse(e->vigil, from);
    if (m->kind == WIRE_DEAL && e->worker)
        worker_deal(e->worker, m->deal.ticket, m->deal.url);
    else if (m->kind == WIRE_FINISH)
        leave(e, (int)m->finish.code);
    else if (m->kind == WIRE_BYE)
        e->released = true;
    else if (m->kind == WIRE_TRACE && e->trace_out)
        take_trace(e, from, m);
    else if (e->head && m->kind != WIRE_DEAL && m->kind != WIRE_ALIVE)
        head_receive(e->head, evloop_now(), (uint32_t)from, m);
    e->others_gone += m->kind == WIRE_TALLY && from != link_rank(e->link);
}

/* True if anything came from another rank. */
static bool receive(struct engine *e)
{
    const void *batch;
    size_t len;
    int from;
    bool traffic = false;
    int n = 0;
    for (; n < BATCHES_AT_ONCE && link_receive(e->link, &from, &batch, &len); n++) {
        struct wire_reader reader;
        struct wire_message message;
        bool unrecorded = false; /* recorded by neither side */
        int64_t begin = trace_now(e->trace);
        wire_read_begin(&reader, batch, len);
        vigil_heard(e->vigil, from);
        while (wire_read(&reader, &message)) {
            receive_message(e, from, &message);
            unrecorded = unrecorded || message.kind == WIRE_TRACE || message.kind == WIRE_TALLY ||
                         message.kind == WIRE_ALIVE || message.kind == WIRE_BYE;
        }
        if (reader.bad)
            on_malformed(e, from);
        if (!unrecorded)
            trace_message(e->trace, TRACE_RECEIVED, from, len, begin);
        traffic = traffic || from != link_rank(e->link);
    }
    e->unread = n == BATCHES_AT_ONCE;
    return traffic;
}

static void on_signal(void *context, int fd, unsigned events)
{
    (void)events;
    struct engine *e = context;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        bool at_once = info.ssi_signo != SIGUSR1;
        if (e->head)
            head_interrupt(e->head, at_once);
        else if (!e->dismissed)
            bid(e, &(struct wire_message){.kind = WIRE_SIGNAL, .signal = {.at_once = at_once}});
    }
}

/* ------------------------------------------------------------------ the wheel */

static void send_all(struct engine *e)
{
    if (e->worker)
        send_batch(e, 0, worker_outbox(e->worker));
    for (int rank = 0; e->head && rank < link_size(e->link); rank++)
        send_batch(e, rank, head_outbox(e->head, (uint32_t)rank));
}

/* Adds the time since the last call to the tally, by what was going on then. */
static void account(struct engine *e, int64_t now)
{
    uint64_t passed = (uint64_t)(now - e->accounted);
    bool transferring = e->worker && worker_transferring(e->worker) > 0;
    bool computing = e->worker && worker_computing(e->worker) > 0;
    e->accounted = now;
    e->tally.transferring_ns += transferring ? passed : 0;
    e->tally.computing_ns += computing ? passed : 0;
    e->tally.overlapping_ns += transferring && computing ? passed : 0;
}

static int64_t time_to_wait(const struct engine *e, int64_t now)
{
    int64_t until = now + PAUSE_LONGEST;
    int64_t dues[] = {e->worker ? worker_deadline(e->worker) : INT64_MAX,
                      e->head ? head_deadline(e->head) : INT64_MAX,
                      link_size(e->link) > 1 ? now + e->poll : INT64_MAX, vigil_deadline(e->vigil),
                      link_unsent(e->link) > 0 ? now + POLL_SHORTEST : INT64_MAX};
    for (size_t i = 0; i < sizeof dues / sizeof *dues; i++)
        if (dues[i] < until)
            until = dues[i];
    return until > now ? until - now : 0;
}

static void adapt_poll(struct engine *e, bool traffic)
{
    e->poll = traffic ? POLL_SHORTEST : e->poll + e->poll / 4;
    if (e->poll > POLL_LONGEST)
        e->poll = POLL_LONGEST;
}

/* Looks for ranks that are out of reach. Rank 0 says at once that one is, and keeps the rows; what another rank says goes the
 * same broken way, so it says it only when it ends the job. */
static void keep_vigil(struct engine *e, int64_t now)
{
    char text[ERROR_BYTES];
    if (e->unread)
        return;
    enum vigil_state state = vigil_step(e->vigil, now, text, sizeof text);
    if (state == VIGIL_LOST && e->head)
        head_lost(e->head, text);
    if (state != VIGIL_HOPELESS)
        return;
    if (!e->head)
        fprintf(stderr, "millrace: rank %d: %s\n", link_rank(e->link), text);
    link_abort(e->link, EXIT_STOPPED);
}

static void turn(struct engine *e)
{
    evloop_wait(e->loop, time_to_wait(e, evloop_now()));
    int64_t now = evloop_now();
    account(e, now);
    if (e->worker && !worker_run(e->worker, now))
        link_abort(e->link, EXIT_STOPPED);
    trace_turn(e->trace, TRACE_SERVE, evloop_woken(e->loop));
    if (e->worker)
        send_batch(e, 0, worker_outbox(e->worker));
    bool traffic = receive(e);
    int64_t dealing = trace_now(e->trace);
    if (e->head)
        head_step(e->head, now);
    trace_turn(e->trace, TRACE_DEAL, dealing);
    send_all(e);
    /* What rank 0 has just dealt to itself begins with the next turn, without a wait. */
    if (e->head)
        traffic = receive(e) || traffic;
    keep_vigil(e, now);
    send_all(e);
    note_depths(e);
    if (e->dismissed && !e->gone)
        take_leave(e);
    adapt_poll(e, traffic);
}

static bool over(const struct engine *e)
{
    return e->gone && (e->head ? head_over(e->head) : e->released);
}

/* ------------------------------------------------------------------ a rank's whole run */

/* A rank that can't work says why, and is dismissed with the others. */
static void start_worker(struct engine *e)
{
    char problem[ERROR_BYTES];
    const char *reason = problem;
    const struct engine_config *c = e->config;
    const struct worker_config worker = {
        .transfer = c->transfer,
        .places = strategy_places_of(c->strategy, (uint32_t)link_rank(e->link), e->threads,
                                     c->transfer ? c->transfer->concurrency : 0),
        .hold = c->strategy->hold,
        .trace = e->trace};
    if (e->stage->open(e->stage, problem, sizeof problem))
        e->worker = worker_new(&worker, e->loop, e->pool, e->stage, &e->tally, &reason);
    if (!e->worker)
        bid(e,
            &(struct wire_message){.kind = WIRE_TROUBLE, .trouble = {.data = reason, .len = strlen(reason)}});
}

static void run(struct pool *pool, void *context)
{
    struct engine *e = context;
    e->pool = pool;
    e->vigil = vigil_new(e->link, e->config->rank_timeout);
    if (!e->vigil) {
        fprintf(stderr, "millrace: rank %d: no memory or no thread to watch the others\n",
                link_rank(e->link));
        link_abort(e->link, EXIT_STOPPED);
    }
    start_worker(e);
    e->accounted = evloop_now();
    while (!over(e))
        turn(e);
}

static void wake(void *loop)
{
    evloop_wake(loop);
}

static bool watch_signals(struct engine *e)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    e->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return e->signals >= 0 && evloop_watch(e->loop, e->signals, EVLOOP_READ, on_signal, e);
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
    if (!e->loop || !watch_signals(e)) {
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
    vigil_hush(e->vigil);
    for (int rank = 1; e->head && rank < link_size(e->link); rank++) {
        if (!wire_write(&e->farewell, &(struct wire_message){.kind = WIRE_BYE}))
            link_abort(e->link, EXIT_STOPPED);
        send_batch(e, rank, &e->farewell);
    }
    link_limit(e->link, limit > 0 && limit < END_LONGEST ? END_LONGEST : limit, EXIT_STOPPED);
}

int engine_run(struct link *link, const struct engine_config *config)
{
    struct engine e = {.config = config, .link = link, .poll = POLL_SHORTEST, .signals = -1};
    tally_usage(&e.begun, NULL);
    e.begun.batches = link_batches_sent(link);
    e.threads = config->threads ? config->threads : pool_default_threads(link_neighbours(link));
    buffer_init(&e.farewell, 1 << 20);
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
    buffer_free(&e.farewell);
    return e.code;
}
