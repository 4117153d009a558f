#include "tests/sim/simulator.h"

#include "tests/sim/agenda.h"
#include "tests/sim/loops.h"
#include "tests/sim/referee.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any sane run takes: 40 events for each fetch that the record may need. */
enum { STEPS_PER_FETCH = 60, SLOWNESS = 10 };

/* As src/wheel.c and src/worker.c have them. */
enum { BATCHES_AT_ONCE = 256, BACKLOG_TASKS = 4 };

enum kind {
    DEAL_ARRIVES,
    FETCH_ENDS,
    KERNEL_ENDS,
    FETCH_REPORTED,
    OUTCOME_REPORTED,
    ROOM_REPORTED,
    READ,
    STOP,
    ANSWERS, /* the rest is with costs only: the server has to answer */
    KERNEL_BEGINS
};

/* What the network does with a record now. */
struct journey {
    uint32_t host, hops;
    uint32_t redirect_host;
    struct dealer_fetch end;
};

struct sim {
    const struct sim_config *config;
    struct sim_result *result;
    struct dealer *dealer;
    struct referee *referee; /* NULL: nobody watches */
    struct agenda agenda;
    uint64_t random;
    int64_t now, dealer_free_at;
    struct journey *journeys;                 /* by id */
    uint32_t *limits, *answering, *last_rank; /* by host */
    bool *dead;
    int64_t *threads; /* when each is free, by rank and thread */
    uint64_t read;
    bool reading, closed, stopped, broken; /* reading: a READ is under way */

    /* With costs; the rest is zero without. */
    struct loops *loops;
    int64_t spent;             /* in this turn so far */
    struct fifo said;          /* in this turn, by a worker */
    struct lane *lanes;        /* by rank */
    uint64_t turn, batches;    /* the number of this turn; batches received in it */
    int64_t wire_in, wire_out; /* when rank 0's network is free again */
};

/* What there is of each rank with costs. */
struct lane {
    uint32_t owed, load;         /* places that rank 0 was not told of; bodies with the compute threads */
    uint64_t received, reported; /* the turn of rank 0 and of this one that the last batch was sent in */
    uint64_t dealt;              /* the turn of rank 0 that last sent something here */
};

uint64_t sim_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

double sim_random_unit(uint64_t *state)
{
    return (double)(sim_random(state) >> 11) * 0x1p-53;
}

static bool chance(struct sim *s, double probability)
{
    return probability > 0 && sim_random_unit(&s->random) < probability;
}

static uint32_t below(struct sim *s, uint32_t bound)
{
    return (uint32_t)(sim_random(&s->random) % bound);
}

/* Box and Muller; cut off at 10,000 medians, for no transfer lasts for ever. */
static int64_t draw_time(struct sim *s, const struct sim_time *time)
{
    if (time->sigma <= 0 || time->median <= 0)
        return time->median;
    double u = 1 - sim_random_unit(&s->random), v = sim_random_unit(&s->random);
    double factor = exp(time->sigma * sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
    return (int64_t)((double)time->median * (factor < 1e4 ? factor : 1e4));
}

static void fail(struct sim *s, const char *why)
{
    if (!s->result->error[0])
        snprintf(s->result->error, sizeof s->result->error, "%s", why);
    s->broken = true;
}

static void post(struct sim *s, struct sim_event event)
{
    if (!agenda_post(&s->agenda, event))
        fail(s, "out of memory");
}

/* When a rank's message to the dealer leaves: with the rank's next batch, or with costs when its turn
 * ends. */
static void report(struct sim *s, struct sim_event event)
{
    if (s->loops) {
        if (!fifo_push(&s->said, &event))
            fail(s, "out of memory");
        return;
    }
    int64_t batch = s->config->batch, leaves = s->now;
    if (batch > 0)
        leaves += batch - (s->now + (int64_t)event.rank * 7919) % batch;
    event.when = leaves + s->config->message_delay;
    post(s, event);
}

/* --- the network and the ranks --- */

static void answer_status(struct sim *s, struct journey *j, uint32_t status)
{
    j->end.kind = DEALER_GOT_STATUS;
    j->end.status = status;
    bool throttled = status == 429 || status == 503;
    if (s->config->longest_retry_after > 0 && below(s, 3) < (throttled ? 2 : 1))
        j->end.retry_after = (int64_t)(sim_random_unit(&s->random) * (double)s->config->longest_retry_after);
    if (below(s, 20) == 0)
        j->end.retry_after = 0;
}

static void answer(struct sim *s, struct journey *j)
{
    static const uint32_t errors[] = {500, 502, 504, 408, 501, 599}, finals[] = {404, 410, 403, 400};
    const struct sim_faults *f = &s->config->faults;
    j->end = (struct dealer_fetch){.kind = DEALER_GOT_BODY, .status = 200, .retry_after = -1};
    bool overload = s->config->overload && s->answering[j->host] > s->config->overload;
    if (s->dead[j->host] || chance(s, f->nothing))
        j->end.kind = DEALER_GOT_NOTHING;
    else if (overload || chance(s, f->throttle))
        answer_status(s, j, below(s, 2) ? 429 : 503);
    else if (chance(s, f->error))
        answer_status(s, j, errors[below(s, 6)]);
    else if (chance(s, f->missing))
        answer_status(s, j, finals[below(s, 4)]);
    else if (chance(s, f->refusal))
        j->end.kind = DEALER_GOT_REFUSAL;
    else if (chance(s, f->redirect))
        j->end.kind = DEALER_GOT_REDIRECT;
    j->redirect_host = below(s, s->config->hosts);
}

static int64_t slowed(const struct sim *s, uint32_t rank, int64_t time)
{
    return s->config->slow_every && rank % s->config->slow_every == 0 ? time * SLOWNESS : time;
}

static void begin_fetch(struct sim *s, struct sim_event e)
{
    struct journey *j = &s->journeys[e.id];
    s->answering[j->host]++;
    answer(s, j);
    int64_t time = slowed(s, e.rank, draw_time(s, &s->config->fetch));
    s->result->fetch_time += time;
    e.kind = s->loops && s->config->costs->server > 0 ? ANSWERS : FETCH_ENDS;
    e.when = s->now + s->spent + time;
    post(s, e);
}

static int64_t kernel_time(struct sim *s, uint32_t rank)
{
    int64_t time = slowed(s, rank, draw_time(s, &s->config->kernel));
    s->result->kernel_time += time;
    return time;
}

/* The rank's thread that is free first runs the kernel. */
static void begin_kernel(struct sim *s, struct sim_event e)
{
    if (s->loops) {
        s->lanes[e.rank].load++;
        e.kind = KERNEL_BEGINS;
        e.when = s->now + s->spent;
        post(s, e);
        return;
    }
    int64_t *threads = &s->threads[(size_t)e.rank * s->config->threads], *thread = threads;
    for (uint32_t t = 1; t < s->config->threads; t++)
        if (threads[t] < *thread)
            thread = &threads[t];
    *thread = (*thread > s->now ? *thread : s->now) + kernel_time(s, e.rank);
    e.kind = KERNEL_ENDS;
    e.when = *thread;
    post(s, e);
}

static void free_place(struct sim *s, uint32_t rank)
{
    if (s->loops)
        s->lanes[rank].owed++;
    else
        report(s, (struct sim_event){.kind = ROOM_REPORTED, .rank = rank, .slot = 1});
}

static void end_fetch(struct sim *s, struct sim_event e)
{
    struct journey *j = &s->journeys[e.id];
    bool body = j->end.kind == DEALER_GOT_BODY;
    s->answering[j->host]--;
    e.kind = FETCH_REPORTED;
    report(s, e);
    if (body)
        begin_kernel(s, e);
    if (!body || s->config->stream)
        free_place(s, e.rank);
}

static void end_kernel(struct sim *s, struct sim_event e)
{
    e.kind = OUTCOME_REPORTED;
    report(s, e);
    if (s->loops)
        s->lanes[e.rank].load--;
    if (!s->config->stream)
        free_place(s, e.rank);
}

/* --- the dealer's side --- */

/* What a rank might send that has lost its mind, or is not ours. */
static void forge(struct sim *s, const struct sim_event *e)
{
    struct dealer_fetch fetch = {.kind = DEALER_GOT_STATUS, .status = 503, .retry_after = INT64_MAX};
    uint32_t rank = e->rank, slot = e->slot;
    uint64_t id = e->id;
    switch (below(s, 4)) {
    case 0:
        rank += 1 + below(s, 1000);
        break;
    case 1:
        slot ^= UINT32_C(1) << below(s, 32);
        break;
    case 2:
        id ^= UINT64_C(1) << below(s, 64);
        break;
    default:
        slot = (uint32_t)sim_random(&s->random);
        id = sim_random(&s->random);
    }
    const struct dealer_record *record = NULL;
    bool taken = dealer_fetched(s->dealer, s->now, rank, slot, id, &fetch, &record) != DEALER_BAD_EVENT;
    taken |= dealer_outcome(s->dealer, s->now, rank, slot, id) != NULL;
    taken |= dealer_room(s->dealer, s->config->dealer.ranks + below(s, 9), 1);
    if (s->referee)
        referee_forged(s->referee, taken);
}

static void take_fetched(struct sim *s, const struct sim_event *e)
{
    struct journey *j = &s->journeys[e->id];
    char name[SIM_NAME_SIZE], url[SIM_NAME_SIZE];
    uint32_t to = j->redirect_host;
    struct dealer_target target = {url, name, s->limits[to]};
    const struct dealer_record *record = NULL;
    sim_host_name(name, to);
    sim_url(url, to, e->id, j->hops + 1);
    j->end.redirect = &target;
    enum dealer_verdict verdict =
        dealer_fetched(s->dealer, s->now, e->rank, e->slot, e->id, &j->end, &record);
    if (s->referee)
        referee_fetched(s->referee, s->now, e->rank, e->id, &j->end, to, verdict, record);
    s->last_rank[j->host] = e->rank;
    if (verdict == DEALER_AWAIT)
        return;
    if (verdict != DEALER_AGAIN) {
        s->result->failed += verdict != DEALER_DROPPED;
        s->result->makespan = s->now + s->spent;
    } else if (j->end.kind == DEALER_GOT_REDIRECT) {
        j->host = to;
        j->hops++;
    }
}

static void take_outcome(struct sim *s, const struct sim_event *e)
{
    const struct dealer_record *record = dealer_outcome(s->dealer, s->now, e->rank, e->slot, e->id);
    if (s->referee)
        referee_outcome(s->referee, e->rank, e->id, record);
    s->result->succeeded += record != NULL;
    s->result->makespan = s->now + s->spent;
}

static void give_room(struct sim *s, uint32_t rank, uint32_t places)
{
    if (!dealer_room(s->dealer, rank, places))
        fail(s, "room was refused");
    else if (s->referee)
        referee_room(s->referee, rank, places);
}

static uint32_t draw_host(struct sim *s, uint64_t id)
{
    const struct sim_config *c = s->config;
    if (chance(s, c->skew))
        return 0;
    return c->sorted ? (uint32_t)(id * c->hosts / c->records) : below(s, c->hosts);
}

static bool read_one(struct sim *s)
{
    char name[SIM_NAME_SIZE], url[SIM_NAME_SIZE];
    uint32_t host = draw_host(s, s->read);
    struct dealer_target target = {url, name, s->limits[host]};
    sim_host_name(name, host);
    sim_url(url, host, s->read, 0);
    s->journeys[s->read].host = host;
    if (!dealer_add(s->dealer, s->now, s->read, &target, sim_extra(s->read))) {
        fail(s, "a wanted record was refused");
        return false;
    }
    if (s->referee)
        referee_added(s->referee, s->read, host);
    s->read++;
    return true;
}

static void read_some(struct sim *s, uint64_t most)
{
    while (most > 0 && s->read < s->config->records && dealer_wants(s->dealer) > 0 && read_one(s))
        most--;
    if (s->read == s->config->records && !s->closed) {
        dealer_close(s->dealer);
        s->closed = true;
    }
}

/* The source reads at once or, with a read_gap, a while after records are wanted. */
static void read_on(struct sim *s)
{
    if (s->config->read_gap == 0)
        read_some(s, UINT64_MAX);
    else if (!s->reading && !s->closed && dealer_wants(s->dealer) > 0) {
        s->reading = true;
        post(s, (struct sim_event){.kind = READ, .when = s->now + s->config->read_gap});
    }
}

/* When a message has passed rank 0's network, one direction of which is free again at `*free_at`. */
static int64_t pass_wire(const struct sim *s, int64_t *free_at, int64_t when, int64_t bytes)
{
    double speed = s->config->costs->bytes_per_ns;
    if (speed <= 0)
        return when;
    int64_t begins = *free_at > when ? *free_at : when;
    *free_at = begins + (int64_t)((double)bytes / speed);
    return *free_at;
}

static void send_deal_at_cost(struct sim *s, struct sim_event e)
{
    const struct sim_costs *c = s->config->costs;
    struct lane *lane = &s->lanes[e.rank];
    s->spent += c->deal;
    e.when = s->now + s->spent;
    if (e.rank > 0) {
        bool first = lane->dealt != s->turn;
        lane->dealt = s->turn;
        s->spent += first ? c->head_send : 0;
        s->result->batches += first;
        e.batch = s->turn;
        e.when = pass_wire(s, &s->wire_out, s->now + s->spent, c->bytes_out) + s->config->message_delay;
    }
    post(s, e);
}

static void send_deal(struct sim *s, const struct dealer_deal *deal)
{
    uint64_t id = deal->record->id;
    if (s->referee)
        referee_dealt(s->referee, s->now, deal);
    if (id >= s->config->records || (s->referee && !referee_is_content(s->referee))) {
        fail(s, "an unknown record was dealt");
        return;
    }
    s->result->deals++;
    s->result->warm += s->last_rank[s->journeys[id].host] == deal->rank;
    struct sim_event e = {.kind = DEAL_ARRIVES, .rank = deal->rank, .slot = deal->slot, .id = id};
    if (s->loops) {
        send_deal_at_cost(s, e);
        return;
    }
    s->dealer_free_at += s->config->dealer_cost;
    int64_t leaves = s->dealer_free_at > s->now ? s->dealer_free_at : s->now;
    e.when = leaves + s->config->message_delay;
    post(s, e);
}

static void deal_all(struct sim *s)
{
    struct dealer_deal deal;
    read_on(s);
    if (s->referee)
        referee_looks(s->referee, s->now);
    while (!s->broken && dealer_next(s->dealer, s->now, &deal))
        send_deal(s, &deal);
    if (s->referee)
        referee_drained(s->referee, s->now, s->dealer);
}

/* Tries to catch dealer_wake lying: asks for a deal at some time before it and before anything happens. */
static void probe(struct sim *s, int64_t until)
{
    struct dealer_deal deal;
    if (!s->referee || until - s->now < 2)
        return;
    int64_t when = until - 1;
    if (below(s, 2))
        when = s->now + 1 + (int64_t)(sim_random_unit(&s->random) * (double)(until - 2 - s->now));
    s->now = when;
    if (dealer_next(s->dealer, when, &deal))
        fail(s, "something could be dealt before dealer_wake");
    referee_drained(s->referee, when, s->dealer);
}

/* --- the run --- */

static void happen(struct sim *s, struct sim_event e)
{
    switch ((enum kind)e.kind) {
    case DEAL_ARRIVES:
        begin_fetch(s, e);
        break;
    case FETCH_ENDS:
        end_fetch(s, e);
        break;
    case KERNEL_ENDS:
        end_kernel(s, e);
        break;
    case FETCH_REPORTED:
        take_fetched(s, &e);
        break;
    case OUTCOME_REPORTED:
        take_outcome(s, &e);
        break;
    case ROOM_REPORTED:
        give_room(s, e.rank, e.slot);
        break;
    case READ:
        read_some(s, s->config->read_burst);
        s->reading = false;
        break;
    case STOP:
        dealer_stop(s->dealer);
        s->stopped = true;
        if (s->referee)
            referee_stopped(s->referee);
        break;
    case ANSWERS:
        e.kind = FETCH_ENDS;
        e.when = s->now + s->spent;
        post(s, e);
        break;
    case KERNEL_BEGINS:
        e.kind = KERNEL_ENDS;
        if (!loops_compute(s->loops, s->now, &e, kernel_time(s, e.rank)))
            fail(s, "out of memory");
        break;
    }
}

static bool is_message(uint32_t kind)
{
    return kind == FETCH_REPORTED || kind == OUTCOME_REPORTED || kind == ROOM_REPORTED;
}

/* --- the run with costs: turns of event loops --- */

/* Receiving costs once for each batch. */
static void charge_batch(struct sim *s, uint64_t batch, uint64_t *last, int64_t cost)
{
    if (batch == *last)
        return;
    *last = batch;
    s->batches++;
    s->spent += cost;
}

static void charge(struct sim *s, const struct sim_event *e)
{
    const struct sim_costs *c = s->config->costs;
    struct lane *lane = &s->lanes[e->rank];
    switch ((enum kind)e->kind) {
    case DEAL_ARRIVES:
        if (e->rank > 0)
            charge_batch(s, e->batch, &lane->received, c->receive);
        s->spent += c->start;
        break;
    case FETCH_ENDS:
        s->spent += c->page;
        break;
    case ANSWERS:
        s->spent += c->server;
        break;
    case FETCH_REPORTED:
    case OUTCOME_REPORTED:
    case ROOM_REPORTED:
        if (e->rank > 0)
            charge_batch(s, e->batch, &lane->reported, c->head_receive);
        s->spent += e->kind == OUTCOME_REPORTED ? c->outcome : 0;
        break;
    default:
        break;
    }
}

/* What a worker has said in its turn: rank 0's own is heard in the same turn, that of others is one
 * message. */
static void deliver(struct sim *s, uint32_t rank)
{
    const struct sim_costs *c = s->config->costs;
    if (s->said.len == 0)
        return;
    s->result->batches += rank > 0;
    s->spent += rank > 0 ? c->send : 0;
    int64_t leaves = s->now + s->spent;
    while (s->said.len > 0) {
        struct sim_event e = fifo_pop(&s->said);
        e.batch = s->turn;
        if (rank == 0) {
            charge(s, &e);
            happen(s, e);
            continue;
        }
        int64_t bytes = e.kind == OUTCOME_REPORTED ? c->bytes_in : 0;
        e.when = pass_wire(s, &s->wire_in, leaves, bytes) + s->config->message_delay;
        post(s, e);
    }
}

/* A rank asks for no more while its compute threads are behind. */
static void ask(struct sim *s, uint32_t rank)
{
    struct lane *lane = &s->lanes[rank];
    bool behind = lane->load > s->config->places + (uint64_t)BACKLOG_TASKS * s->config->threads;
    if (lane->owed == 0 || behind)
        return;
    report(s, (struct sim_event){.kind = ROOM_REPORTED, .rank = rank, .slot = lane->owed});
    lane->owed = 0;
}

static void serve(struct sim *s, uint32_t rank)
{
    struct sim_event e;
    s->batches = 0;
    while (!s->broken && s->batches < BATCHES_AT_ONCE && loops_take(s->loops, rank, &e)) {
        charge(s, &e);
        happen(s, e);
    }
    if (rank < s->config->dealer.ranks) {
        ask(s, rank);
        deliver(s, rank);
    }
    if (rank == 0)
        deal_all(s);
}

static void turn(struct sim *s, uint32_t rank)
{
    const struct sim_costs *c = s->config->costs;
    uint32_t ranks = s->config->dealer.ranks;
    s->turn++;
    s->spent = c->turn + (loops_slept(s->loops, rank) ? c->wake : 0) + (rank == 0 ? c->scan * ranks : 0);
    serve(s, rank);
    if (!loops_rest(s->loops, s->now, rank, s->spent, s->batches > 0))
        fail(s, "out of memory");
    s->result->turns++;
    *(rank < ranks ? &s->result->loop_time : &s->result->server_time) += s->spent;
    s->result->head_time += rank == 0 ? s->spent : 0;
    if (s->spent > s->result->longest_turn)
        s->result->longest_turn = s->spent;
    s->spent = 0;
}

static void step_at_cost(struct sim *s)
{
    struct sim_event e = agenda_take(&s->agenda);
    uint32_t loop = UINT32_MAX;
    bool ok = true;
    s->now = e.when;
    if (e.kind >= LOOPS_FIRST_KIND)
        ok = loops_step(s->loops, s->now, &e, &loop);
    else if (e.kind == KERNEL_BEGINS || e.kind == STOP)
        happen(s, e);
    else if (e.kind == READ)
        happen(s, e), ok = loops_wake(s->loops, s->now, 0);
    else
        ok = loops_serve(s->loops, s->now,
                         e.kind == ANSWERS    ? s->config->dealer.ranks
                         : is_message(e.kind) ? 0
                                              : e.rank,
                         &e, is_message(e.kind) || (e.kind == DEAL_ARRIVES && e.rank > 0));
    if (!ok)
        fail(s, "out of memory");
    if (loop != UINT32_MAX)
        turn(s, loop);
}

/* The next event; false if it must wait until the dealer's core is free, where it stands in line. */
static bool admit(struct sim *s, struct sim_event *e)
{
    *e = agenda_take(&s->agenda);
    s->now = e->when;
    if (!is_message(e->kind) || s->config->dealer_cost == 0 || e->admitted)
        return true;
    if (s->dealer_free_at > s->now)
        e->when = s->dealer_free_at;
    s->dealer_free_at = e->when + s->config->dealer_cost;
    e->admitted = true;
    post(s, *e);
    return false;
}

static void step(struct sim *s)
{
    struct sim_event e;
    int64_t next = s->agenda.len > 0 ? s->agenda.heap[0].when : DEALER_NEVER, wake = dealer_wake(s->dealer);
    probe(s, next < wake ? next : wake);
    if (next == DEALER_NEVER && wake == DEALER_NEVER) {
        fail(s, "deadlock: records are left, nothing is under way, and no time is waited for");
    } else if (wake < next && !(s->loops && loops_awake(s->loops, 0))) {
        s->now = wake > s->now ? wake : s->now;
        if (!s->loops)
            deal_all(s);
        else if (!loops_wake(s->loops, s->now, 0))
            fail(s, "out of memory");
    } else if (s->loops) {
        step_at_cost(s);
    } else if (admit(s, &e)) {
        if ((e.kind == FETCH_REPORTED || e.kind == OUTCOME_REPORTED) && chance(s, s->config->faults.forged))
            forge(s, &e);
        happen(s, e);
        /* Messages of one time are one batch, mostly: the dealer sees them all before it deals. */
        if (s->agenda.len == 0 || s->agenda.heap[0].when > s->now || below(s, 8) == 0)
            deal_all(s);
    }
}

static void finish(struct sim *s)
{
    struct dealer_stats stats;
    struct dealer_deal deal;
    dealer_stats(s->dealer, &stats);
    s->result->hosts_peak = stats.hosts_peak;
    s->result->bytes_peak = stats.bytes;
    if (s->loops)
        s->result->look_time =
            (int64_t)loops_looks(s->loops, s->now) * (s->config->costs->turn + s->config->costs->wake);
    s->result->undone = s->config->records - s->result->succeeded - s->result->failed;
    if (!s->referee || s->broken)
        return;
    uint64_t undone;
    referee_ended(s->referee, &undone);
    if (undone != s->result->undone)
        fail(s, "records were lost");
    if (s->stopped)
        return;
    if (dealer_next(s->dealer, INT64_MAX, &deal))
        fail(s, "a deal after the end");
    dealer_stats(s->dealer, &stats);
    if (stats.hosts != 0)
        fail(s, "hosts are remembered for ever");
}

static void run(struct sim *s)
{
    const struct dealer_config *c = &s->config->dealer;
    uint64_t fetches = s->config->records * ((uint64_t)c->retries + c->max_redirects + 1);
    for (uint32_t rank = 0; rank < c->ranks; rank++)
        give_room(s, rank, s->config->places);
    if (s->config->stop_at != DEALER_NEVER)
        post(s, (struct sim_event){.kind = STOP, .when = s->config->stop_at});
    if (!s->loops)
        deal_all(s);
    else if (!loops_wake(s->loops, 0, 0))
        fail(s, "out of memory");
    while (!s->broken && !dealer_done(s->dealer) && (!s->referee || referee_is_content(s->referee))) {
        step(s);
        if (++s->result->steps > STEPS_PER_FETCH * (fetches + c->ranks) + 1000 && !s->loops)
            fail(s, "it does not end");
    }
    finish(s);
}

static bool set_up(struct sim *s)
{
    const struct sim_config *c = s->config;
    s->random = c->seed;
    s->dealer = dealer_new(&c->dealer);
    s->journeys = calloc(c->records + 1, sizeof *s->journeys);
    s->limits = calloc(c->hosts, sizeof *s->limits);
    s->answering = calloc(c->hosts, sizeof *s->answering);
    s->last_rank = calloc(c->hosts, sizeof *s->last_rank);
    s->dead = calloc(c->hosts, sizeof *s->dead);
    s->threads = calloc((size_t)c->dealer.ranks * c->threads, sizeof *s->threads);
    if (!s->dealer || !s->journeys || !s->limits || !s->answering || !s->last_rank || !s->dead || !s->threads)
        return false;
    for (uint32_t h = 0; h < c->hosts; h++) {
        s->limits[h] =
            c->mixed_limits && c->max_in_flight ? below(s, c->max_in_flight + 1) : c->max_in_flight;
        s->dead[h] = chance(s, c->faults.dead_host);
        s->last_rank[h] = UINT32_MAX;
    }
    if (c->costs) {
        s->loops = loops_new(c->costs, c->dealer.ranks, c->threads, &s->agenda);
        s->lanes = calloc(c->dealer.ranks, sizeof *s->lanes);
        if (!s->loops || !s->lanes)
            return false;
    }
    if (c->check)
        s->referee = referee_new(c, s->limits, s->result->error, sizeof s->result->error);
    return !c->check || s->referee;
}

bool sim_run(const struct sim_config *config, struct sim_result *result)
{
    struct sim s = {.config = config, .result = result};
    *result = (struct sim_result){0};
    if (config->hosts == 0 || config->threads == 0 || !set_up(&s))
        fail(&s, "no memory, or a configuration that makes no sense");
    else
        run(&s);
    if (s.referee)
        referee_free(s.referee);
    dealer_free(s.dealer, NULL);
    free(s.journeys);
    free(s.limits);
    free(s.answering);
    free(s.last_rank);
    free(s.dead);
    free(s.threads);
    agenda_free(&s.agenda);
    loops_free(s.loops);
    fifo_free(&s.said);
    free(s.lanes);
    return !result->error[0];
}
