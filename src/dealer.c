/* Where everything is at any time:
 *
 *   a record  pending: in its host's queue;  waiting: in `backoffs`;  fetching, computing: with a rank
 *   a host    that may start a record now: in the ring
 *             that may once a time has come: in `gaps`
 *             that could but for its width: nowhere, the end of a fetch will place it
 *             that holds no record, until its gap or pause is over: in `idle`; then it is forgotten
 *
 * place() alone puts hosts somewhere. A host may get stuck to a place that is out of date (one in the ring is
 * paused, one in `gaps` is paused for longer): that is noticed when its turn comes, and it is placed anew.
 * So every host is in the ring at most once, and in each heap at most once, and since a heap has room for
 * every host reserved when the host is made, only dealer_add and dealer_fetched can run out of memory.
 */
#include "src/dealer.h"

#include "src/dealer_hosts.h"
#include "src/dealer_ranks.h"
#include "src/dealer_rules.h"
#include "src/dealer_slots.h"
#include "src/timer_heap.h"

#include <stdlib.h>

struct dealer {
    struct dealer_config config;
    struct dealer_slots slots;
    struct dealer_hosts hosts;
    struct dealer_ranks ranks;
    struct dealer_ring ring;      /* of hosts that may start a record now */
    struct timer_heap gaps, idle; /* of hosts */
    struct timer_heap backoffs;   /* of slots */
    struct dealer_slot *gone;     /* its record was handed out last, and is freed by the next call */
    struct dealer_stats stats;
    int64_t now;
    uint64_t random;
    bool closed, stopped;
};

static bool makes_sense(const struct dealer_config *c)
{
    return c->ranks > 0 && c->ranks < DEALER_NO_RANK && c->window > 0 && c->delay >= 0 &&
           c->backoff_base >= 0 && c->backoff_max >= 0 && c->max_wait >= 0;
}

struct dealer *dealer_new(const struct dealer_config *config)
{
    if (!makes_sense(config))
        return NULL;
    struct dealer *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    if (!dealer_ranks_init(&d->ranks, config->ranks)) {
        free(d);
        return NULL;
    }
    d->config = *config;
    d->now = INT64_MIN;
    d->random = config->seed;
    struct siphash_key key = {{dealer_random(&d->random), 0}};
    key.words[1] = dealer_random(&d->random);
    dealer_hosts_init(&d->hosts, &key);
    dealer_slots_init(&d->slots);
    d->ring = (struct dealer_ring){SLAB_NONE, SLAB_NONE};
    return d;
}

static void free_gone(struct dealer *d)
{
    if (d->gone)
        dealer_slots_give_back(&d->slots, d->gone);
    d->gone = NULL;
}

void dealer_free(struct dealer *d, void (*free_extra)(void *))
{
    if (!d)
        return;
    free_gone(d);
    dealer_slots_free(&d->slots, free_extra);
    dealer_hosts_free(&d->hosts);
    dealer_ranks_free(&d->ranks);
    timer_heap_free(&d->gaps);
    timer_heap_free(&d->idle);
    timer_heap_free(&d->backoffs);
    free(d);
}

/* --- hosts and their places --- */

/* A host that holds nothing: kept while a gap or a pause must be remembered. */
static void retire(struct dealer *d, struct dealer_host *host)
{
    if (host->in_idle)
        return;
    if (host->not_before <= d->now) {
        dealer_hosts_forget(&d->hosts, host);
        return;
    }
    timer_heap_push(&d->idle, host->not_before, host);
    host->in_idle = true;
}

/* May forget the host, if it holds nothing. */
static void place(struct dealer *d, struct dealer_host *host)
{
    if (host->in_ring || host->in_gaps)
        return;
    if (host->held == 0) {
        retire(d, host);
    } else if (host->first != SLAB_NONE && dealer_has_width(host)) {
        if (host->not_before <= d->now) {
            dealer_ring_append(&d->hosts, &d->ring, host);
        } else {
            timer_heap_push(&d->gaps, host->not_before, host);
            host->in_gaps = true;
        }
    }
}

/* A host by its name, with a place in every heap reserved. NULL without memory. */
static struct dealer_host *find_host(struct dealer *d, const struct dealer_target *target)
{
    struct dealer_host *host = dealer_hosts_get(&d->hosts, target->host, target->max_in_flight);
    if (!host ||
        (timer_heap_reserve(&d->gaps, d->hosts.count) && timer_heap_reserve(&d->idle, d->hosts.count)))
        return host;
    if (host->held == 0 && !host->in_idle)
        dealer_hosts_forget(&d->hosts, host);
    return NULL;
}

/* The slot of that number, in use or not; NULL if there is none. */
static struct dealer_slot *slot_at(const struct dealer *d, uint32_t number)
{
    return slab_at(&d->slots.slab, number);
}

/* The record becomes pending, as its host's first or last. */
static void enqueue(struct dealer *d, struct dealer_slot *slot, bool first)
{
    struct dealer_host *host = slot->host;
    slot->state = DEALER_PENDING;
    d->stats.pending++;
    slot->next = SLAB_NONE;
    if (host->first == SLAB_NONE) {
        host->first = host->last = slot->number;
    } else if (first) {
        slot->next = host->first;
        host->first = slot->number;
    } else {
        slot_at(d, host->last)->next = slot->number;
        host->last = slot->number;
    }
    place(d, host);
}

/* Lets the times come that have come. */
static void advance(struct dealer *d, int64_t now)
{
    if (now > d->now)
        d->now = now;
    for (struct dealer_slot *slot; (slot = timer_heap_pop(&d->backoffs, d->now));) {
        d->stats.waiting--;
        enqueue(d, slot, true);
    }
    for (struct dealer_host *host; (host = timer_heap_pop(&d->gaps, d->now));) {
        host->in_gaps = false;
        place(d, host);
    }
    for (struct dealer_host *host; (host = timer_heap_pop(&d->idle, d->now));) {
        host->in_idle = false;
        place(d, host);
    }
}

/* --- records coming in --- */

static uint32_t held(const struct dealer *d)
{
    return d->stats.pending + d->stats.waiting + d->stats.fetching + d->stats.computing;
}

uint32_t dealer_wants(const struct dealer *d)
{
    return d->closed || d->stopped ? 0 : d->config.window - held(d);
}

bool dealer_add(struct dealer *d, int64_t now, uint64_t id, const struct dealer_target *target, void *extra)
{
    free_gone(d);
    advance(d, now);
    if (dealer_wants(d) == 0)
        return false;
    struct dealer_slot *slot = dealer_slots_take(&d->slots, target->url);
    if (!slot)
        return false;
    slot->host = find_host(d, target);
    if (!slot->host) {
        dealer_slots_give_back(&d->slots, slot);
        return false;
    }
    slot->record.id = id;
    slot->record.extra = extra;
    slot->host->held++;
    d->stats.added++;
    enqueue(d, slot, false);
    return true;
}

void dealer_close(struct dealer *d)
{
    d->closed = true;
}

void dealer_stop(struct dealer *d)
{
    d->stopped = true;
}

/* --- deals going out --- */

bool dealer_room(struct dealer *d, uint32_t rank, uint32_t n)
{
    return dealer_ranks_add_room(&d->ranks, rank, n);
}

/* The host whose turn it is, out of the ring; NULL if none can start anything. */
static struct dealer_host *next_host(struct dealer *d)
{
    struct dealer_host *host;
    while ((host = dealer_ring_take(&d->hosts, &d->ring))) {
        if (dealer_has_width(host) && host->not_before <= d->now)
            break;
        place(d, host);
    }
    return host;
}

static struct dealer_slot *take_first(struct dealer *d, struct dealer_host *host)
{
    struct dealer_slot *slot = slot_at(d, host->first);
    host->first = slot->next;
    return slot;
}

bool dealer_next(struct dealer *d, int64_t now, struct dealer_deal *deal)
{
    free_gone(d);
    advance(d, now);
    if (d->stopped || !dealer_ranks_have_room(&d->ranks))
        return false;
    struct dealer_host *host = next_host(d);
    if (!host)
        return false;
    struct dealer_slot *slot = take_first(d, host);
    slot->state = DEALER_FETCHING;
    slot->rank = dealer_ranks_take(&d->ranks, host->warm_rank);
    host->warm_rank = DEALER_NO_RANK;
    dealer_start(&d->config, d->now, slot);
    d->stats.pending--;
    d->stats.fetching++;
    d->stats.dealt++;
    place(d, host);
    *deal = (struct dealer_deal){slot->rank, slot->number, &slot->record};
    return true;
}

/* --- what ranks report --- */

/* The record that a rank speaks of, if it has it in that state. Ranks are believed nothing. */
static struct dealer_slot *find_slot(struct dealer *d, uint32_t rank, uint32_t number, uint64_t id,
                                     enum dealer_state state)
{
    struct dealer_slot *slot = slot_at(d, number);
    bool known = slot && slot->state == state && slot->rank == rank && slot->record.id == id;
    return known ? slot : NULL;
}

/* What a record that is fetched again needs, got before anything is changed. */
struct again {
    struct dealer_host *host; /* to be fetched from next */
    char *url;                /* where a redirect leads; NULL: as before */
};

static bool prepare(struct dealer *d, const struct dealer_slot *slot, const struct dealer_fetch *fetch,
                    struct again *again)
{
    *again = (struct again){.host = slot->host};
    if (fetch->kind != DEALER_GOT_REDIRECT)
        return timer_heap_reserve(&d->backoffs, d->backoffs.count + 1);
    again->url = dealer_slots_copy(&d->slots, fetch->redirect->url);
    if (!again->url)
        return false;
    again->host = find_host(d, fetch->redirect);
    if (!again->host)
        dealer_slots_discard(&d->slots, again->url);
    return again->host;
}

static void follow(struct dealer *d, struct dealer_slot *slot, const struct again *again)
{
    dealer_slots_fetch_from(&d->slots, slot, again->url);
    slot->record.hops++;
    slot->hop = true;
    d->stats.redirects++;
    enqueue(d, slot, true);
}

static void retry(struct dealer *d, struct dealer_slot *slot, const struct dealer_fetch *fetch)
{
    int64_t wait = dealer_asked_wait(fetch);
    if (wait < 0)
        wait = dealer_backoff(&d->config, slot->record.tries - 1, &d->random);
    slot->state = DEALER_WAITING;
    d->stats.waiting++;
    d->stats.retries++;
    timer_heap_push(&d->backoffs, dealer_later(d->now, wait), slot);
}

/* The record is over; it stays readable until the next call, and no rank can name it any more. */
static void end_record(struct dealer *d, struct dealer_slot *slot)
{
    slot->state = DEALER_GONE;
    d->gone = slot;
}

/* The record leaves the host it was fetched from, and goes where the verdict sends it. */
static void move_on(struct dealer *d, struct dealer_slot *slot, const struct dealer_fetch *fetch,
                    enum dealer_verdict verdict, const struct again *again)
{
    struct dealer_host *old = slot->host;
    slot->host = verdict == DEALER_AGAIN ? again->host : NULL;
    old->held--;
    if (slot->host)
        slot->host->held++;
    d->stats.fetching--;
    if (verdict == DEALER_AWAIT) {
        slot->state = DEALER_COMPUTING;
        d->stats.computing++;
    } else if (verdict != DEALER_AGAIN) {
        d->stats.ended += verdict != DEALER_DROPPED;
        d->stats.dropped += verdict == DEALER_DROPPED;
        end_record(d, slot);
    } else if (again->url) {
        follow(d, slot, again);
    } else {
        retry(d, slot, fetch);
    }
    place(d, old);
}

enum dealer_verdict dealer_fetched(struct dealer *d, int64_t now, uint32_t rank, uint32_t number, uint64_t id,
                                   const struct dealer_fetch *fetch, const struct dealer_record **record)
{
    free_gone(d);
    advance(d, now);
    struct dealer_slot *slot = find_slot(d, rank, number, id, DEALER_FETCHING);
    enum dealer_verdict verdict = slot ? dealer_judge(&d->config, d->stopped, slot, fetch) : DEALER_BAD_EVENT;
    struct again again = {0};
    if (verdict == DEALER_BAD_EVENT)
        return verdict;
    if (verdict == DEALER_AGAIN && !prepare(d, slot, fetch, &again))
        return DEALER_NO_MEMORY;
    dealer_learn(&d->config, &d->random, d->now, slot, fetch);
    d->stats.throttled += dealer_is_throttle(fetch);
    move_on(d, slot, fetch, verdict, &again);
    *record = &slot->record;
    return verdict;
}

const struct dealer_record *dealer_outcome(struct dealer *d, int64_t now, uint32_t rank, uint32_t number,
                                           uint64_t id)
{
    free_gone(d);
    advance(d, now);
    struct dealer_slot *slot = find_slot(d, rank, number, id, DEALER_COMPUTING);
    if (!slot)
        return NULL;
    d->stats.computing--;
    d->stats.ended++;
    end_record(d, slot);
    return &slot->record;
}

/* --- what the dealer says of itself --- */

int64_t dealer_wake(const struct dealer *d)
{
    if (d->stopped || !dealer_ranks_have_room(&d->ranks))
        return DEALER_NEVER;
    if (d->ring.first != SLAB_NONE)
        return d->now;
    int64_t gap = timer_heap_first(&d->gaps), backoff = timer_heap_first(&d->backoffs);
    return gap < backoff ? gap : backoff;
}

bool dealer_done(const struct dealer *d)
{
    if (d->stopped)
        return d->stats.fetching == 0 && d->stats.computing == 0;
    return d->closed && held(d) == 0;
}

static size_t heap_bytes(const struct timer_heap *heap)
{
    return heap->capacity ? slab_bytes(heap->capacity * sizeof *heap->entries) : 0;
}

void dealer_stats(const struct dealer *d, struct dealer_stats *stats)
{
    *stats = d->stats;
    stats->hosts = d->hosts.count;
    stats->hosts_peak = d->hosts.peak;
    stats->bytes = slab_bytes(sizeof *d) + d->slots.slab.bytes + d->slots.string_bytes +
                   dealer_hosts_bytes(&d->hosts) + d->ranks.bytes + heap_bytes(&d->gaps) +
                   heap_bytes(&d->idle) + heap_bytes(&d->backoffs);
}
