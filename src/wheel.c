#include "src/wheel.h"

#include "src/head.h"
#include "src/trace_out.h"

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
    WORD_BYTES = 1 << 20, /* most of what is said past the worker */
};

/* ------------------------------------------------------------------ what arrives */

static void send_batch(struct wheel *w, int to, struct buffer *batch)
{
    size_t len = batch->len;
    if (len == 0)
        return;
    if (!w->head) /* what rank 0 deals for it will be here soon */
        w->poll = POLL_SHORTEST;
    int64_t begin = trace_now(w->trace);
    if (!link_send(w->link, to, batch))
        link_abort(w->link, EXIT_STOPPED);
    trace_message(w->trace, TRACE_SENT, to, len, begin);
}

static void bid(struct wheel *w, const struct wire_message *message)
{
    if (!wire_write(&w->word, message))
        link_abort(w->link, EXIT_STOPPED);
    send_batch(w, 0, &w->word);
}

/* How many there are of what waits, for the trace's counters. */
static void note_depths(struct wheel *w)
{
    if (!w->trace)
        return;
    const uint32_t here[TRACE_DEPTHS_AT_ONCE] = {w->worker ? worker_transferring(w->worker) : 0,
                                                 w->worker ? (uint32_t)worker_computing(w->worker) : 0,
                                                 w->dismissed ? 0 : (uint32_t)link_unsent(w->link)};
    trace_depths(w->trace, TRACE_DEPTHS, here);
    if (!w->head)
        return;
    struct head_figures f;
    head_figures(w->head, &f);
    const uint32_t job[TRACE_DEPTHS_AT_ONCE] = {f.dealer.pending + f.dealer.waiting,
                                                f.dealer.fetching + f.dealer.computing};
    trace_depths(w->trace, TRACE_DEALER, job);
}

/* Told to leave: what is in flight is dropped. */
static void leave(struct wheel *w, int code)
{
    if (w->dismissed)
        return;
    w->dismissed = true;
    w->code = code;
    worker_free(w->worker);
    w->worker = NULL;
    w->tally->longest_stall_ns = (uint64_t)evloop_longest_stall(w->loop);
    w->tally->batches = link_batches_sent(w->link) - w->begun->batches;
    note_depths(w);
}

/* What was recorded goes first, in pieces, so few at a time that they are not held twice; the figures are the last word.
 * Rank 0 leaves last: it records what the others say until then. */
static void take_leave(struct wheel *w)
{
    if (w->head && w->others_gone < link_size(w->link) - 1)
        return;
    struct buffer piece;
    buffer_init(&piece, TRACE_PIECE_BYTES);
    while (link_unsent(w->link) < PIECES_AT_ONCE && trace_take(w->trace, &piece)) {
        bid(w, &(struct wire_message){.kind = WIRE_TRACE, .trace = {.data = piece.data, .len = piece.len}});
        buffer_reset(&piece);
    }
    buffer_free(&piece);
    if (link_unsent(w->link) >= PIECES_AT_ONCE)
        return;
    w->gone = true;
    if (!w->head) /* the tally is this rank's last word; rank 0 has to speak on */
        vigil_hush(w->vigil);
    tally_usage(w->tally, w->begun);
    bid(w, &(struct wire_message){.kind = WIRE_TALLY, .tally = *w->tally});
}

static _Noreturn void on_malformed(struct wheel *w, int from)
{
    fprintf(stderr, "millrace: rank %d: a message from rank %d is malformed\n", link_rank(w->link), from);
    link_abort(w->link, EXIT_STOPPED);
}

static void take_trace(struct wheel *w, int from, const struct wire_message *m)
{
    if (!trace_out_take(w->trace_out, (uint32_t)from, m->trace.data, m->trace.len))
        on_malformed(w, from);
}

static void receive_message(struct wheel *w, int from, const struct wire_message *m)
{
    if (m->kind == WIRE_TALLY)
        vigil_excuse(w->vigil, from);
    if (m->kind == WIRE_DEAL && w->worker)
        worker_deal(w->worker, m->deal.ticket, m->deal.url);
    else if (m->kind == WIRE_FINISH)
        leave(w, (int)m->finish.code);
    else if (m->kind == WIRE_BYE)
        w->released = true;
    else if (m->kind == WIRE_TRACE && w->trace_out)
        take_trace(w, from, m);
    else if (w->head && m->kind != WIRE_DEAL && m->kind != WIRE_ALIVE)
        head_receive(w->head, evloop_now(), (uint32_t)from, m);
    w->others_gone += m->kind == WIRE_TALLY && from != link_rank(w->link);
}

/* True if anything came from another rank. */
static bool receive(struct wheel *w)
{
    const void *batch;
    size_t len;
    int from;
    bool traffic = false;
    int n = 0;
    for (; n < BATCHES_AT_ONCE && link_receive(w->link, &from, &batch, &len); n++) {
        struct wire_reader reader;
        struct wire_message message;
        bool unrecorded = false; /* recorded by neither side */
        int64_t begin = trace_now(w->trace);
        wire_read_begin(&reader, batch, len);
        vigil_heard(w->vigil, from);
        while (wire_read(&reader, &message)) {
            receive_message(w, from, &message);
            unrecorded = unrecorded || message.kind == WIRE_TRACE || message.kind == WIRE_TALLY ||
                         message.kind == WIRE_ALIVE || message.kind == WIRE_BYE;
        }
        if (reader.bad)
            on_malformed(w, from);
        if (!unrecorded)
            trace_message(w->trace, TRACE_RECEIVED, from, len, begin);
        traffic = traffic || from != link_rank(w->link);
    }
    w->unread = n == BATCHES_AT_ONCE;
    return traffic;
}

static void on_signal(void *context, int fd, unsigned events)
{
    (void)events;
    struct wheel *w = context;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        bool at_once = info.ssi_signo != SIGUSR1;
        if (w->head)
            head_interrupt(w->head, at_once);
        else if (!w->dismissed)
            bid(w, &(struct wire_message){.kind = WIRE_SIGNAL, .signal = {.at_once = at_once}});
    }
}

/* ------------------------------------------------------------------ turns */

static void send_all(struct wheel *w)
{
    if (w->worker)
        send_batch(w, 0, worker_outbox(w->worker));
    for (int rank = 0; w->head && rank < link_size(w->link); rank++)
        send_batch(w, rank, head_outbox(w->head, (uint32_t)rank));
}

/* Adds the time since the last call to the tally, by what was going on then. */
static void account(struct wheel *w, int64_t now)
{
    uint64_t passed = (uint64_t)(now - w->accounted);
    bool transferring = w->worker && worker_transferring(w->worker) > 0;
    bool computing = w->worker && worker_computing(w->worker) > 0;
    w->accounted = now;
    w->tally->transferring_ns += transferring ? passed : 0;
    w->tally->computing_ns += computing ? passed : 0;
    w->tally->overlapping_ns += transferring && computing ? passed : 0;
}

static int64_t time_to_wait(const struct wheel *w, int64_t now)
{
    int64_t until = now + PAUSE_LONGEST;
    int64_t dues[] = {w->worker ? worker_deadline(w->worker) : INT64_MAX,
                      w->head ? head_deadline(w->head) : INT64_MAX,
                      link_size(w->link) > 1 ? now + w->poll : INT64_MAX, vigil_deadline(w->vigil),
                      link_unsent(w->link) > 0 ? now + POLL_SHORTEST : INT64_MAX};
    for (size_t i = 0; i < sizeof dues / sizeof *dues; i++)
        if (dues[i] < until)
            until = dues[i];
    return until > now ? until - now : 0;
}

/* Looks become rarer the longer nothing comes, and sooner so while a kernel runs, from which each look takes its core. */
static void adapt_poll(struct wheel *w, bool traffic)
{
    bool computing = w->worker && worker_computing(w->worker) > 0;
    w->poll = traffic ? POLL_SHORTEST : w->poll + (computing ? w->poll : w->poll / 4);
    if (w->poll > POLL_LONGEST)
        w->poll = POLL_LONGEST;
}

/* Looks for ranks that are out of reach. Rank 0 says at once that one is, and keeps the rows; what another rank says goes the
 * same broken way, so it says it only when it ends the job. */
static void keep_vigil(struct wheel *w, int64_t now)
{
    char text[ERROR_BYTES];
    if (w->unread)
        return;
    enum vigil_state state = vigil_step(w->vigil, now, text, sizeof text);
    if (state == VIGIL_LOST && w->head)
        head_lost(w->head, text);
    if (state != VIGIL_HOPELESS)
        return;
    if (!w->head)
        fprintf(stderr, "millrace: rank %d: %s\n", link_rank(w->link), text);
    link_abort(w->link, EXIT_STOPPED);
}

static void turn(struct wheel *w)
{
    evloop_wait(w->loop, time_to_wait(w, evloop_now()));
    int64_t now = evloop_now();
    account(w, now);
    if (w->worker && !worker_run(w->worker, now))
        link_abort(w->link, EXIT_STOPPED);
    trace_turn(w->trace, TRACE_SERVE, evloop_woken(w->loop));
    if (w->worker)
        send_batch(w, 0, worker_outbox(w->worker));
    bool traffic = receive(w);
    int64_t dealing = trace_now(w->trace);
    if (w->head)
        head_step(w->head, now);
    trace_turn(w->trace, TRACE_DEAL, dealing);
    send_all(w);
    /* What rank 0 has just dealt to itself begins with the next turn, without a wait. */
    if (w->head)
        traffic = receive(w) || traffic;
    keep_vigil(w, now);
    send_all(w);
    note_depths(w);
    if (w->dismissed && !w->gone)
        take_leave(w);
    adapt_poll(w, traffic);
}

static bool over(const struct wheel *w)
{
    return w->gone && (w->head ? head_over(w->head) : w->released);
}

/* ------------------------------------------------------------------ all of it */

static void begin(struct wheel *w)
{
    buffer_init(&w->word, WORD_BYTES);
    w->poll = POLL_SHORTEST;
    w->accounted = evloop_now();
    if (!evloop_watch(w->loop, w->signals, EVLOOP_READ, on_signal, w)) {
        fprintf(stderr, "millrace: rank %d: the event loop can't hear signals\n", link_rank(w->link));
        link_abort(w->link, EXIT_STOPPED);
    }
    if (!w->worker)
        bid(w, &(struct wire_message){.kind = WIRE_TROUBLE,
                                      .trouble = {.data = w->trouble, .len = strlen(w->trouble)}});
}

int wheel_run(struct wheel *w)
{
    begin(w);
    while (!over(w))
        turn(w);
    evloop_closing(w->loop, w->signals);
    buffer_free(&w->word);
    return w->code;
}
