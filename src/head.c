#include "src/head.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_AT_ONCE = 256, /* records between two looks at the network */
    OUTBOX_BYTES = 256 << 20,
    MESSAGE_BYTES = 2048,
    PATIENCE = 200 * 1000000, /* ns that the first deal waits for all ranks, so that they share it */
};

struct head {
    const struct head_config *config;
    struct evloop *loop;
    uint32_t ranks;
    struct source *source;
    uint32_t n_values; /* of each outcome */
    struct dealer *dealer;
    struct sink *sink;
    struct progress progress;
    struct buffer *outboxes; /* by rank */
    struct tally *tallies;   /* by rank */
    uint32_t tallied;        /* ranks that have said their last */
    int input_watched;       /* the descriptor that is waited for; -1: none */
    bool input_ended, input_broken;
    bool more_to_read; /* the last step stopped for the network's sake */
    bool interrupted;
    uint32_t greeted; /* ranks that have said how much room they have */
    bool *greetings;  /* by rank */
    bool finishing;   /* the ranks were told to leave */
    int64_t progress_due;
    int64_t begun;
    struct head_figures figures;
};

/* ------------------------------------------------------------------ messages to people */

static void complain(struct head *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct head *h, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    progress_clear(&h->progress);
    fprintf(stderr, "millrace: %s\n", text);
}

static struct progress_figures progress_now(const struct head *h)
{
    struct dealer_stats stats;
    dealer_stats(h->dealer, &stats);
    struct progress_figures p = {.done = h->figures.succeeded + h->figures.failed,
                                 .failed = h->figures.failed,
                                 .in_flight = stats.fetching,
                                 .bytes = h->figures.received,
                                 .fraction = h->source->fraction(h->source)};
    if (h->input_ended)
        p.total = h->figures.records;
    else if (!h->source->total(h->source, &p.total))
        p.total = 0;
    return p;
}

/* ------------------------------------------------------------------ leaving */

static void say(struct head *h, uint32_t rank, const struct wire_message *message)
{
    if (!wire_write(&h->outboxes[rank], message) && !h->finishing)
        head_stop(h, "no memory left for a message to rank %u", rank);
}

static void forget_input(struct head *h)
{
    if (h->input_watched >= 0)
        evloop_watch(h->loop, h->input_watched, 0, NULL, NULL);
    h->input_watched = -1;
}

static void finish(struct head *h, int code)
{
    if (h->finishing)
        return;
    h->finishing = true;
    forget_input(h);
    dealer_stop(h->dealer);
    struct progress_figures last = progress_now(h);
    progress_end(&h->progress, evloop_now(), &last);
    char error[MESSAGE_BYTES];
    struct sink *sink = h->sink;
    h->sink = NULL;
    if (!sink_close(sink, error, sizeof error) && code != EXIT_STOPPED) {
        complain(h, "%s", error);
        code = EXIT_STOPPED;
    }
    h->figures.seconds_ns = evloop_now() - h->begun;
    const struct wire_message m = {.kind = WIRE_FINISH, .finish = {.code = (uint32_t)code}};
    for (uint32_t rank = 0; rank < h->ranks; rank++)
        say(h, rank, &m);
}

void head_stop(struct head *h, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (h->finishing)
        return;
    complain(h, "%s", text);
    finish(h, EXIT_STOPPED);
}

void head_lost(struct head *h, const char *text)
{
    complain(h, "%s", text);
    finish(h, EXIT_STOPPED);
}

void head_interrupt(struct head *h, bool at_once)
{
    if (h->finishing)
        return;
    if (!h->interrupted)
        complain(h, at_once ? "interrupted: leaving with what is done"
                            : "interrupted: nothing more is begun; what is in flight may end");
    h->interrupted = true;
    dealer_stop(h->dealer);
    forget_input(h);
    if (at_once)
        finish(h, EXIT_INTERRUPTED);
}

/* ------------------------------------------------------------------ rows */

static void put_row(struct head *h, const struct sink_row *row)
{
    if (row->error)
        h->figures.failed++;
    else
        h->figures.succeeded++;
    char error[MESSAGE_BYTES];
    if (!sink_put(h->sink, row, evloop_now()) && sink_error(h->sink, error, sizeof error))
        head_stop(h, "%s", error);
}

static void put_failure(struct head *h, const struct dealer_record *record, uint32_t rank, uint32_t status,
                        const char *reason)
{
    char error[MESSAGE_BYTES];
    if (record->tries > 1)
        snprintf(error, sizeof error, "%.1900s (tried %u times)", reason, record->tries);
    else
        snprintf(error, sizeof error, "%s", reason);
    put_row(h, &(struct sink_row){
                   .id = record->id, .text = record->url, .status = status, .rank = rank, .error = error});
}

/* ------------------------------------------------------------------ reading */

static void take_record(struct head *h, int64_t now, const struct source_record *r)
{
    h->figures.records++;
    if (r->problem) {
        put_row(h,
                &(struct sink_row){.id = r->id, .text = r->text, .rank = SINK_NO_RANK, .error = r->problem});
        return;
    }
    const struct dealer_target target = {.url = r->text, .host = r->host, .max_in_flight = r->max_in_flight};
    if (!dealer_add(h->dealer, now, r->id, &target, NULL))
        head_stop(h, "no memory left for record %llu", (unsigned long long)r->id);
}

static void on_input(void *context, int fd, unsigned events)
{
    (void)events;
    struct head *h = context;
    evloop_watch(h->loop, fd, 0, NULL, NULL);
    h->input_watched = -1;
}

static void wait_for_input(struct head *h)
{
    int fd = h->source->fd(h->source);
    if (evloop_watch(h->loop, fd, EVLOOP_READ, on_input, h))
        h->input_watched = fd;
    else
        h->more_to_read = true; /* a descriptor that epoll takes no interest in is always ready */
}

static void end_input(struct head *h)
{
    h->input_ended = true;
    dealer_close(h->dealer);
}

static void read_input(struct head *h, int64_t now)
{
    struct source_record record;
    h->more_to_read = false;
    if (h->input_ended || h->interrupted || h->input_watched >= 0)
        return;
    for (int n = 0; dealer_wants(h->dealer) > 0 && !sink_full(h->sink); n++) {
        if (n == READ_AT_ONCE) {
            h->more_to_read = true;
            return;
        }
        switch (h->source->next(h->source, &record)) {
        case SOURCE_RECORD:
            take_record(h, now, &record);
            if (h->finishing)
                return;
            break;
        case SOURCE_WAIT:
            wait_for_input(h);
            return;
        case SOURCE_FAILED:
            complain(h, "%s; what was read before is finished", h->source->failure(h->source));
            h->input_broken = true;
            end_input(h);
            return;
        case SOURCE_END:
            end_input(h);
            return;
        }
    }
}

/* ------------------------------------------------------------------ dealing */

/* Rank 0 is the first to have room: were it dealt to at once, a short list would be all its own. */
static bool may_deal(const struct head *h, int64_t now)
{
    return h->greeted == h->ranks || now - h->begun > PATIENCE;
}

static void deal(struct head *h, int64_t now)
{
    struct dealer_deal d;
    while (!h->finishing && dealer_next(h->dealer, now, &d)) {
        const char *url = d.record->fetching;
        const struct wire_message m = {.kind = WIRE_DEAL,
                                       .deal = {.ticket = {.slot = d.slot, .id = d.record->id},
                                                .url = {.data = url, .len = strlen(url)}}};
        if (h->figures.first_start_ns < 0)
            h->figures.first_start_ns = now - h->begun;
        say(h, d.rank, &m);
    }
}

/* ------------------------------------------------------------------ what ranks say */

static void on_nonsense(struct head *h, uint32_t from)
{
    head_stop(h, "rank %u speaks of a record that it was not dealt", from);
}

static const char *reason_of(const struct head *h, enum dealer_verdict verdict, const struct wire_message *m,
                             char *text, size_t size)
{
    switch (verdict) {
    case DEALER_TOO_MANY_REDIRECTS:
        snprintf(text, size, "more than %u redirects", h->config->dealer.max_redirects);
        return text;
    case DEALER_WAIT_TOO_LONG:
        snprintf(text, size, "HTTP %u, and Retry-After asks for %lld s, longer than --max-wait",
                 m->fetched.status, (long long)(m->fetched.retry_after / 1000000000));
        return text;
    default:
        if (m->fetched.error.data)
            return m->fetched.error.data;
        snprintf(text, size, "HTTP %u", m->fetched.status);
        return text;
    }
}

/* Where a redirect leads goes into `*target`; if it may not be followed, why goes into `*to`. */
static bool follow(struct head *h, const struct wire_message *m, struct source_record *to,
                   struct dealer_target *target)
{
    if (!h->source->redirect)
        return false;
    h->source->redirect(h->source, m->fetched.redirect.data, m->fetched.redirect.len, to);
    *target = (struct dealer_target){.url = to->text, .host = to->host, .max_in_flight = to->max_in_flight};
    return !to->problem;
}

static void on_fetched(struct head *h, int64_t now, uint32_t from, const struct wire_message *m)
{
    char reason[MESSAGE_BYTES];
    struct source_record to = {0};
    struct dealer_target target;
    const struct dealer_record *record;
    static const unsigned kinds[WIRE_ENDS] = {[WIRE_GOT_BODY] = DEALER_GOT_BODY,
                                              [WIRE_GOT_REDIRECT] = DEALER_GOT_REDIRECT,
                                              [WIRE_GOT_STATUS] = DEALER_GOT_STATUS,
                                              [WIRE_GOT_NOTHING] = DEALER_GOT_NOTHING,
                                              [WIRE_GOT_REFUSAL] = DEALER_GOT_REFUSAL};
    struct dealer_fetch fetch = {
        .kind = kinds[m->fetched.end], .status = m->fetched.status, .retry_after = m->fetched.retry_after};
    if (m->fetched.end == WIRE_GOT_REDIRECT && follow(h, m, &to, &target))
        fetch.redirect = &target;
    h->figures.received += m->fetched.received;
    const struct wire_ticket *ticket = &m->fetched.ticket;
    enum dealer_verdict verdict =
        dealer_fetched(h->dealer, now, from, ticket->slot, ticket->id, &fetch, &record);
    switch (verdict) {
    case DEALER_AWAIT:
    case DEALER_AGAIN:
    case DEALER_DROPPED:
        break;
    case DEALER_BAD_EVENT:
        on_nonsense(h, from);
        break;
    case DEALER_NO_MEMORY:
        head_stop(h, "no memory left");
        break;
    default:
        put_failure(h, record, from, m->fetched.status,
                    to.problem ? to.problem : reason_of(h, verdict, m, reason, sizeof reason));
    }
}

static void on_outcome(struct head *h, int64_t now, uint32_t from, const struct wire_message *m)
{
    const struct wire_ticket *ticket = &m->outcome.ticket;
    const struct dealer_record *record = dealer_outcome(h->dealer, now, from, ticket->slot, ticket->id);
    bool whole = m->outcome.n_values == h->n_values;
    if (!record || (!whole && !m->outcome.error.data)) {
        on_nonsense(h, from);
        return;
    }
    put_row(h, &(struct sink_row){.id = record->id,
                                  .text = record->url,
                                  .status = m->outcome.status,
                                  .rank = from,
                                  .values = whole ? m->outcome.values : NULL,
                                  .error = m->outcome.error.data});
}

void head_receive(struct head *h, int64_t now, uint32_t from, const struct wire_message *m)
{
    if (m->kind == WIRE_TALLY) {
        h->tallies[from] = m->tally;
        h->tallied++;
        return;
    }
    if (h->finishing) /* what was on its way when the job was told to end */
        return;
    switch (m->kind) {
    case WIRE_ROOM:
        h->greeted += !h->greetings[from];
        h->greetings[from] = true;
        if (!dealer_room(h->dealer, from, m->room))
            head_stop(h, "rank %u asks for more records than it can take", from);
        break;
    case WIRE_FETCHED:
        on_fetched(h, now, from, m);
        break;
    case WIRE_OUTCOME:
        on_outcome(h, now, from, m);
        break;
    case WIRE_SIGNAL:
        head_interrupt(h, m->signal.at_once);
        break;
    case WIRE_TROUBLE:
        head_stop(h, "rank %u: %s", from, m->trouble.data);
        break;
    default:
        head_stop(h, "rank %u sent what only rank 0 may send", from);
    }
}

/* ------------------------------------------------------------------ the step */

static void show_progress(struct head *h, int64_t now)
{
    if (now < h->progress_due || h->finishing)
        return;
    struct progress_figures p = progress_now(h);
    h->progress_due = progress_update(&h->progress, now, &p);
}

static int final_code(const struct head *h)
{
    bool undone = h->figures.succeeded + h->figures.failed < h->figures.records || !h->input_ended;
    if (h->interrupted && undone)
        return EXIT_INTERRUPTED;
    if (h->input_broken)
        return EXIT_STOPPED;
    return h->figures.failed ? EXIT_SOME_FAILED : EXIT_OK;
}

void head_step(struct head *h, int64_t now)
{
    char error[MESSAGE_BYTES];
    if (h->finishing)
        return;
    sink_step(h->sink, now);
    if (sink_error(h->sink, error, sizeof error)) {
        head_stop(h, "%s", error);
        return;
    }
    read_input(h, now);
    if (!h->finishing && !sink_full(h->sink) && may_deal(h, now))
        deal(h, now);
    show_progress(h, now);
    if (!h->finishing && dealer_done(h->dealer))
        finish(h, final_code(h));
}

int64_t head_deadline(const struct head *h)
{
    if (h->finishing)
        return INT64_MAX;
    if (h->more_to_read && dealer_wants(h->dealer) > 0)
        return 0;
    int64_t wake = sink_full(h->sink) ? INT64_MAX : dealer_wake(h->dealer);
    if (h->greeted < h->ranks && wake < h->begun + PATIENCE + 1)
        wake = h->begun + PATIENCE + 1;
    if (sink_deadline(h->sink) < wake)
        wake = sink_deadline(h->sink);
    return wake < h->progress_due ? wake : h->progress_due;
}

/* ------------------------------------------------------------------ birth and death */

static void wake_loop(void *loop)
{
    evloop_wake(loop);
}

static bool open_dealer(struct head *h, char *error, size_t error_size)
{
    struct dealer_config config = h->config->dealer;
    config.ranks = h->ranks;
    /* Twice what the ranks can hold, so that there is always a record to deal. */
    uint64_t least = 2 * (uint64_t)h->ranks * h->config->places_per_rank;
    if (config.window < least)
        config.window = least < UINT32_MAX ? (uint32_t)least : UINT32_MAX;
    h->dealer = dealer_new(&config);
    h->outboxes = calloc(h->ranks, sizeof *h->outboxes);
    h->tallies = calloc(h->ranks, sizeof *h->tallies);
    h->greetings = calloc(h->ranks, sizeof *h->greetings);
    if (!h->dealer || !h->outboxes || !h->tallies || !h->greetings) {
        snprintf(error, error_size, "no memory left");
        return false;
    }
    for (uint32_t rank = 0; rank < h->ranks; rank++)
        buffer_init(&h->outboxes[rank], OUTBOX_BYTES);
    return true;
}

struct head *head_new(const struct head_config *config, struct evloop *loop, uint32_t ranks, char *error,
                      size_t error_size)
{
    struct head *h = calloc(1, sizeof *h);
    if (!h) {
        snprintf(error, error_size, "no memory left");
        return NULL;
    }
    h->config = config;
    h->loop = loop;
    h->ranks = ranks;
    h->input_watched = -1;
    h->begun = evloop_now();
    h->figures.first_start_ns = -1;
    const struct sink_config output = {.path = config->output,
                                       .columns = config->columns,
                                       .n_columns = config->n_columns,
                                       .notify = wake_loop,
                                       .context = loop};
    for (size_t i = 0; i < config->n_columns; i++)
        h->n_values += config->columns[i].cell == SINK_VALUE || config->columns[i].cell == SINK_NUMBER;
    h->source = config->open_source(config->source_config, error, error_size);
    if (!h->source || !open_dealer(h, error, error_size) ||
        !(h->sink = sink_open(&output, error, error_size))) {
        head_free(h);
        return NULL;
    }
    progress_begin(&h->progress, progress_resolve(config->progress, STDERR_FILENO), STDERR_FILENO, h->begun);
    return h;
}

void head_free(struct head *h)
{
    if (!h)
        return;
    forget_input(h);
    if (h->source)
        h->source->close(h->source);
    dealer_free(h->dealer, NULL);
    char error[MESSAGE_BYTES];
    if (!sink_close(h->sink, error, sizeof error))
        complain(h, "%s", error);
    for (uint32_t rank = 0; h->outboxes && rank < h->ranks; rank++)
        buffer_free(&h->outboxes[rank]);
    free(h->outboxes);
    free(h->tallies);
    free(h->greetings);
    free(h);
}

struct buffer *head_outbox(struct head *h, uint32_t rank)
{
    return &h->outboxes[rank];
}

bool head_over(const struct head *h)
{
    return h->tallied == h->ranks;
}

const struct tally *head_tallies(const struct head *h)
{
    return h->tallies;
}

void head_figures(const struct head *h, struct head_figures *figures)
{
    *figures = h->figures;
    dealer_stats(h->dealer, &figures->dealer);
}
