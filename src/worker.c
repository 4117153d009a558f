#include "src/worker.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)TRACE_PHASE_COUNT == (int)TRANSFER_PHASES,
               "a transfer's phases are recorded as they are");

enum {
    BACKLOG_TASKS = 4,        /* pages that may wait for each compute thread, until no more are asked for */
    BACKLOG_BYTES = 64 << 20, /* of their bodies */
    OUTBOX_BYTES = 256 << 20,
    STARTS_AT_ONCE = 64, /* transfers begun in one turn of the loop: each costs some 40 us */
};

/* A record on its way through this rank. */
struct work {
    struct pool_task task; /* first: the pool hands it back */
    struct worker *worker;
    struct work *next, **link; /* in the worker's list of those dealt, or of those being fetched */
    struct wire_ticket ticket;
    uint8_t *body;
    size_t body_len;
    char *content_type, *content_encoding; /* of one allocation */
    uint32_t status;
    unsigned thread; /* that computed it */
    int64_t begun;   /* its transfer, and then its kernel; if a trace is recorded */
    struct stage_result result;
    char text[];
};

struct worker {
    struct transfers *transfers; /* NULL: nothing is fetched */
    struct pool *pool;
    const struct stage *stage;
    struct tally *tally;
    struct trace_recorder *trace;
    struct buffer outbox;
    struct work *fetching;
    struct work *dealt, **dealt_end; /* not begun yet, in their order */
    size_t backlog_bytes;
    uint32_t places;
    bool hold;     /* see worker.h */
    uint32_t owed; /* places that are free and that rank 0 was not told of */
    bool greeted;  /* rank 0 was told of the places once, even if there are none */
    bool failed;   /* something could not be said */
};

static void work_free(struct work *work)
{
    free(work->body);
    free(work->content_type);
    stage_result_free(&work->result);
    free(work);
}

static void link_fetching(struct worker *w, struct work *work)
{
    work->next = w->fetching;
    work->link = &w->fetching;
    if (work->next)
        work->next->link = &work->next;
    w->fetching = work;
}

static void unlink_fetching(struct work *work)
{
    *work->link = work->next;
    if (work->next)
        work->next->link = work->link;
}

static void say(struct worker *w, const struct wire_message *message)
{
    if (!wire_write(&w->outbox, message))
        w->failed = true;
}

static struct wire_text text_of(const char *text)
{
    return (struct wire_text){.data = text, .len = text ? strlen(text) : 0};
}

static void say_outcome(struct worker *w, const struct work *work)
{
    const struct stage_result *r = &work->result;
    struct wire_message m = {
        .kind = WIRE_OUTCOME,
        .outcome = {.ticket = work->ticket, .status = work->status, .n_values = r->n_values}};
    memcpy(m.outcome.values, r->values, r->n_values * sizeof *r->values);
    m.outcome.error = text_of(r->error);
    say(w, &m);
}

static void say_fetched(struct worker *w, const struct work *work, const struct transfer_result *r)
{
    struct wire_message m = {.kind = WIRE_FETCHED,
                             .fetched = {.ticket = work->ticket,
                                         .status = r->status,
                                         .retry_after = r->retry_after,
                                         .received = r->received,
                                         .error = text_of(r->error),
                                         .redirect = text_of(r->redirect)}};
    m.fetched.end = r->end == TRANSFER_BROKEN             ? WIRE_GOT_NOTHING
                    : r->end == TRANSFER_REFUSED          ? WIRE_GOT_REFUSAL
                    : r->redirect                         ? WIRE_GOT_REDIRECT
                    : r->status >= 200 && r->status < 300 ? WIRE_GOT_BODY
                                                          : WIRE_GOT_STATUS;
    say(w, &m);
}

static void compute(struct pool_task *task, unsigned thread)
{
    struct work *work = (struct work *)task;
    const struct stage_page page = {.id = work->ticket.id,
                                    .text = work->text,
                                    .content_type = work->content_type,
                                    .content_encoding = work->content_encoding,
                                    .body = work->body,
                                    .len = work->body_len};
    const struct stage *stage = work->worker->stage;
    work->thread = thread;
    work->begun = trace_now(work->worker->trace);
    stage->run(stage, thread, &page, &work->result);
}

/* Both header values in one allocation. */
static bool keep_headers(struct work *work, const struct transfer_result *r)
{
    size_t type = strlen(r->content_type) + 1, encoding = strlen(r->content_encoding) + 1;
    work->content_type = malloc(type + encoding);
    if (!work->content_type)
        return false;
    memcpy(work->content_type, r->content_type, type);
    work->content_encoding = work->content_type + type;
    memcpy(work->content_encoding, r->content_encoding, encoding);
    return true;
}

static void submit(struct worker *w, struct work *work, struct transfer_result *r)
{
    work->body = r->body;
    work->body_len = r->body_len;
    r->body = NULL;
    if (!keep_headers(work, r)) {
        stage_fail(&work->result, "no memory left for the page");
        w->owed += w->hold;
        say_outcome(w, work);
        work_free(work);
        return;
    }
    w->backlog_bytes += work->body_len;
    work->task.run = compute;
    pool_submit(w->pool, &work->task);
}

static void count(struct worker *w, const struct transfer_result *r)
{
    w->tally->requests++;
    w->tally->broken += r->end != TRANSFER_ANSWERED;
    w->tally->connections += r->connections;
    w->tally->fetch_ns += (uint64_t)r->duration;
    w->tally->received += r->received;
    tally_fetch_time(w->tally, r->duration);
}

static void note_transfer(struct worker *w, const struct work *work, const struct transfer_result *r)
{
    struct trace_transfer x = {.id = work->ticket.id, .url = work->text, .begin = work->begun};
    x.duration = r ? r->duration : trace_now(w->trace) - work->begun;
    x.status = r ? r->status : TRACE_DROPPED;
    x.received = r ? r->received : 0;
    if (r)
        memcpy(x.phases, r->phases, sizeof x.phases);
    trace_transferred(w->trace, &x);
}

static void on_transfer(void *context, void *record, struct transfer_result *r)
{
    struct worker *w = context;
    struct work *work = record;
    unlink_fetching(work);
    count(w, r);
    if (w->trace)
        note_transfer(w, work, r);
    work->status = r->status;
    say_fetched(w, work, r);
    bool got_body = r->end == TRANSFER_ANSWERED && r->status >= 200 && r->status < 300;
    bool computes = got_body && w->stage->wants_body;
    w->owed += !(computes && w->hold);
    if (computes) {
        submit(w, work, r);
        return;
    }
    if (got_body)
        say_outcome(w, work);
    free(r->body);
    r->body = NULL;
    work_free(work);
}

static void collect(struct worker *w)
{
    struct pool_task *next;
    for (struct pool_task *task = pool_done(w->pool); task; task = next) {
        struct work *work = (struct work *)task;
        next = task->next;
        w->backlog_bytes -= work->body_len;
        w->tally->computed++;
        w->tally->decoded += work->result.decoded;
        w->tally->recomputed += work->result.recomputed;
        w->tally->compute_ns += (uint64_t)work->result.duration;
        trace_computed(w->trace, work->ticket.id, work->text, work->thread, work->begun,
                       work->result.duration);
        say_outcome(w, work);
        w->owed += w->hold;
        work_free(work);
    }
}

struct worker *worker_new(const struct worker_config *config, struct evloop *loop, struct pool *pool,
                          const struct stage *stage, struct tally *tally, const char **error)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w) {
        *error = "no memory left";
        return NULL;
    }
    if (config->transfer) {
        struct transfer_options options = *config->transfer;
        options.concurrency = config->places ? config->places : 1;
        options.phases = config->trace != NULL;
        w->transfers = transfers_new(&options, loop, on_transfer, w, error);
        if (!w->transfers) {
            free(w);
            return NULL;
        }
    }
    w->pool = pool;
    w->stage = stage;
    w->tally = tally;
    w->trace = config->trace;
    w->hold = config->hold || !w->transfers;
    w->places = config->places;
    if (w->transfers && w->places > transfers_concurrency(w->transfers)) /* the limit of open files */
        w->places = transfers_concurrency(w->transfers);
    w->owed = w->places;
    w->dealt_end = &w->dealt;
    buffer_init(&w->outbox, OUTBOX_BYTES);
    return w;
}

static struct work *next_dealt(struct worker *w)
{
    struct work *work = w->dealt;
    if (work && !(w->dealt = work->next))
        w->dealt_end = &w->dealt;
    return work;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    transfers_free(w->transfers);
    for (struct work *work; (work = w->fetching);) {
        unlink_fetching(work);
        if (w->trace)
            note_transfer(w, work, NULL);
        work_free(work);
    }
    for (struct work *work; (work = next_dealt(w));)
        work_free(work);
    pool_finish(w->pool);
    collect(w);
    buffer_free(&w->outbox);
    free(w);
}

/* Nothing is to be fetched: the record itself is what the stage works on. */
static void begin_computing(struct worker *w, struct work *work)
{
    struct transfer_result nothing = {.content_type = "", .content_encoding = "", .retry_after = -1};
    nothing.status = 200; /* as of a page that came: only the stage can fail now */
    say_fetched(w, work, &nothing);
    submit(w, work, &nothing);
}

static void refuse(struct worker *w, struct wire_ticket ticket)
{
    struct wire_message m = {.kind = WIRE_FETCHED,
                             .fetched = {.ticket = ticket,
                                         .end = WIRE_GOT_NOTHING,
                                         .retry_after = -1,
                                         .error = text_of("no memory left for a transfer")}};
    say(w, &m);
    w->owed++;
}

void worker_deal(struct worker *w, struct wire_ticket ticket, struct wire_text text)
{
    struct work *work = calloc(1, sizeof *work + text.len + 1);
    if (!work) {
        refuse(w, ticket);
        return;
    }
    work->worker = w;
    work->ticket = ticket;
    memcpy(work->text, text.data, text.len);
    *w->dealt_end = work;
    w->dealt_end = &work->next;
}

static void begin_dealt(struct worker *w)
{
    struct work *work;
    for (int n = 0; n < STARTS_AT_ONCE && (work = next_dealt(w)); n++) {
        if (!w->transfers) {
            begin_computing(w, work);
        } else if (transfers_start(w->transfers, work->text, work)) {
            work->begun = trace_now(w->trace);
            link_fetching(w, work);
        } else {
            refuse(w, work->ticket);
            work_free(work);
        }
    }
}

bool worker_run(struct worker *w, int64_t now)
{
    begin_dealt(w);
    if (w->transfers)
        transfers_run(w->transfers, now);
    collect(w);
    pool_start(w->pool);
    /* A place's worth of pages may wait: answers come in waves, and the next wave is to be under way meanwhile. */
    bool behind = pool_load(w->pool) > w->places + (size_t)BACKLOG_TASKS * pool_threads(w->pool) ||
                  w->backlog_bytes > BACKLOG_BYTES;
    if (!w->greeted || (w->owed && !behind)) {
        w->greeted = true;
        say(w, &(struct wire_message){.kind = WIRE_ROOM, .room = w->owed});
        w->owed = 0;
    }
    return !w->failed;
}

struct buffer *worker_outbox(struct worker *w)
{
    return &w->outbox;
}

int64_t worker_deadline(const struct worker *w)
{
    if (w->dealt)
        return 0;
    return w->transfers ? transfers_deadline(w->transfers) : INT64_MAX;
}

uint32_t worker_transferring(const struct worker *w)
{
    return w->transfers ? transfers_active(w->transfers) : 0;
}

size_t worker_computing(const struct worker *w)
{
    return pool_load(w->pool);
}
