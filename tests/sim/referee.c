#include "tests/sim/referee.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state { UNREAD, READY, BACKOFF, FETCHING, COMPUTING, OVER, DROPPED };
static const char *const state_names[] = {"unread",    "ready", "in backoff", "fetching",
                                          "computing", "over",  "dropped"};

/* How many hosts are looked at each time, at most: all of them if there are few. */
enum { GLANCE = 48 };

struct record {
    enum state state;
    uint64_t dealt_at; /* which of all deals it was */
    bool hop;          /* its next fetch follows a redirect */
    uint32_t host, rank, slot, tries, hops;
    uint32_t backoff_at;       /* its place in `backoffs` */
    int64_t earliest, certain; /* its next fetch: not before, and possible for certain */
};

struct host {
    uint32_t limit, in_flight;
    uint32_t held;  /* records ready, in backoff or fetching */
    uint32_t ready; /* records that could be fetched but for the host's own limits */
    uint32_t nothings;
    uint32_t width, grown; /* at most what the dealer may use; UINT32_MAX: no limit */
    uint64_t halved_at;    /* deals made by then */
    bool throttled;        /* ever: its width is known no more, but is at least 1 */
    bool waits;            /* it could start a record for certain, since `deals_then` */
    uint64_t deals_then;
    uint32_t busy_then;       /* hosts that held records then */
    int64_t earliest, paused; /* next start: not before, and not later on account of pauses */
    int64_t gap_ends;
};

struct referee {
    const struct sim_config *config;
    char *error;
    size_t error_size;
    struct record *records;
    struct host *hosts;
    uint32_t *room;
    uint64_t *backoffs; /* ids of records in backoff, in no order */
    uint32_t backoff_count, busy_hosts, glance;
    uint64_t places; /* all room */
    uint64_t added, deals, ended, dropped, held, fetching, computing;
    bool stopped;
};

static void complain(struct referee *r, const char *format, ...)
{
    if (r->error[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->error, r->error_size, format, arguments);
    va_end(arguments);
}

bool referee_is_content(const struct referee *r)
{
    return !r->error[0];
}

struct referee *referee_new(const struct sim_config *config, const uint32_t *limits, char *error, size_t size)
{
    struct referee *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->config = config;
    r->error = error;
    r->error_size = size;
    r->records = calloc(config->records + 1, sizeof *r->records);
    r->hosts = calloc(config->hosts, sizeof *r->hosts);
    r->room = calloc(config->dealer.ranks, sizeof *r->room);
    r->backoffs = calloc(config->records + 1, sizeof *r->backoffs);
    if (!r->records || !r->hosts || !r->room || !r->backoffs) {
        referee_free(r);
        return NULL;
    }
    for (uint32_t h = 0; h < config->hosts; h++) {
        r->hosts[h].limit = limits[h];
        r->hosts[h].width = limits[h] ? limits[h] : UINT32_MAX;
        r->hosts[h].earliest = r->hosts[h].paused = r->hosts[h].gap_ends = INT64_MIN;
    }
    return r;
}

void referee_free(struct referee *r)
{
    free(r->records);
    free(r->hosts);
    free(r->room);
    free(r->backoffs);
    free(r);
}

void sim_host_name(char name[SIM_NAME_SIZE], uint32_t host)
{
    snprintf(name, SIM_NAME_SIZE, "https://h%u.example:443", host);
}

void sim_url(char url[SIM_NAME_SIZE], uint32_t host, uint64_t id, uint32_t hops)
{
    snprintf(url, SIM_NAME_SIZE, "https://h%u.example/%llu/%u", host, (unsigned long long)id, hops);
}

void *sim_extra(uint64_t id)
{
    return (void *)(uintptr_t)(id + 1);
}

/* --- moving records between states --- */

static void hold(struct referee *r, struct record *record, uint32_t host)
{
    record->host = host;
    if (r->hosts[host].held++ == 0)
        r->busy_hosts++;
}

/* A host without records may be forgotten, and its width with it. */
static void release(struct referee *r, struct record *record)
{
    struct host *host = &r->hosts[record->host];
    if (--host->held > 0)
        return;
    host->width = host->limit ? host->limit : UINT32_MAX;
    r->busy_hosts--;
}

static void make_ready(struct referee *r, struct record *record)
{
    record->state = READY;
    r->hosts[record->host].ready++;
}

static void begin_backoff(struct referee *r, uint64_t id)
{
    struct record *record = &r->records[id];
    record->state = BACKOFF;
    record->backoff_at = r->backoff_count;
    r->backoffs[r->backoff_count++] = id;
}

static void end_backoff(struct referee *r, struct record *record)
{
    uint64_t moved = r->backoffs[--r->backoff_count];
    r->backoffs[record->backoff_at] = moved;
    r->records[moved].backoff_at = record->backoff_at;
}

void referee_added(struct referee *r, uint64_t id, uint32_t host)
{
    struct record *record = &r->records[id];
    if (record->state != UNREAD)
        complain(r, "record %llu was added twice", (unsigned long long)id);
    record->earliest = INT64_MIN;
    r->added++;
    r->held++;
    hold(r, record, host);
    make_ready(r, record);
}

void referee_room(struct referee *r, uint32_t rank, uint32_t n)
{
    r->room[rank] += n;
    r->places += n;
}

void referee_stopped(struct referee *r)
{
    r->stopped = true;
}

/* --- deals --- */

static void check_record(struct referee *r, int64_t now, const struct record *record,
                         const struct dealer_record *seen)
{
    char url[SIM_NAME_SIZE];
    unsigned long long id = seen->id;
    if (record->state != READY && record->state != BACKOFF)
        complain(r, "record %llu was dealt while %s", id, state_names[record->state]);
    if (now < record->earliest)
        complain(r, "record %llu was dealt %lld ns before its backoff ended", id,
                 (long long)(record->earliest - now));
    if (seen->tries != record->tries + !record->hop || seen->hops != record->hops)
        complain(r, "record %llu: wrong tries or hops", id);
    if (seen->tries > r->config->dealer.retries + 1)
        complain(r, "record %llu: too many tries", id);
    sim_url(url, record->host, seen->id, record->hops);
    if (strcmp(url, seen->fetching) != 0)
        complain(r, "record %llu: dealt as %.60s, is %.60s", id, seen->fetching, url);
}

static void check_host(struct referee *r, int64_t now, uint32_t h)
{
    const struct host *host = &r->hosts[h];
    if (host->limit && host->in_flight >= host->limit)
        complain(r, "host %u: more than %u in flight", h, host->limit);
    if (host->in_flight >= host->width)
        complain(r, "host %u: more than its width of %u in flight", h, host->width);
    if (now < host->gap_ends)
        complain(r, "host %u: starts too close by %lld ns", h, (long long)(host->gap_ends - now));
    if (now < host->earliest)
        complain(r, "host %u: a start %lld ns inside a pause", h, (long long)(host->earliest - now));
    if (host->waits && r->deals - host->deals_then > host->busy_then)
        complain(r, "host %u waited for %llu deals, with %u busy hosts", h,
                 (unsigned long long)(r->deals - host->deals_then), host->busy_then);
}

void referee_dealt(struct referee *r, int64_t now, const struct dealer_deal *deal)
{
    if (deal->rank >= r->config->dealer.ranks || r->room[deal->rank] == 0) {
        complain(r, "rank %u was dealt a record without room", deal->rank);
        return;
    }
    if (deal->record->id >= r->config->records || r->stopped) {
        complain(r, "a deal of an unknown record or after the stop");
        return;
    }
    struct record *record = &r->records[deal->record->id];
    struct host *host = &r->hosts[record->host];
    check_record(r, now, record, deal->record);
    check_host(r, now, record->host);
    r->room[deal->rank]--;
    r->places--;
    if (record->state == BACKOFF)
        end_backoff(r, record);
    else
        host->ready--;
    record->state = FETCHING;
    record->rank = deal->rank;
    record->tries += !record->hop;
    record->hop = false;
    host->in_flight++;
    host->gap_ends = now + r->config->dealer.delay;
    host->waits = false;
    r->held--;
    r->fetching++;
    record->dealt_at = ++r->deals;
}

/* --- ends of fetches --- */

static bool may_be_tried_again(const struct dealer_fetch *fetch)
{
    if (fetch->kind == DEALER_GOT_NOTHING)
        return true;
    return fetch->kind == DEALER_GOT_STATUS &&
           (fetch->status == 408 || fetch->status == 429 || fetch->status / 100 == 5);
}

static bool throttles(const struct dealer_fetch *fetch)
{
    return fetch->kind == DEALER_GOT_STATUS && (fetch->status == 429 || fetch->status == 503);
}

static enum dealer_verdict expected(const struct referee *r, const struct record *record,
                                    const struct dealer_fetch *fetch)
{
    const struct dealer_config *c = &r->config->dealer;
    enum dealer_verdict again = r->stopped ? DEALER_DROPPED : DEALER_AGAIN;
    if (fetch->kind == DEALER_GOT_BODY)
        return DEALER_AWAIT;
    if (fetch->kind == DEALER_GOT_REDIRECT)
        return record->hops == c->max_redirects ? DEALER_TOO_MANY_REDIRECTS : again;
    if (!may_be_tried_again(fetch) || record->tries == c->retries + 1)
        return DEALER_FAILED;
    if (fetch->kind == DEALER_GOT_STATUS && fetch->retry_after > c->max_wait)
        return DEALER_WAIT_TOO_LONG;
    return again;
}

static void check_verdict(struct referee *r, uint64_t id, const struct dealer_fetch *fetch,
                          enum dealer_verdict verdict)
{
    const struct record *record = &r->records[id];
    enum dealer_verdict right = expected(r, record, fetch);
    /* The dealer forgets idle hosts and with them how long they have been dead: it may know less, not more.
     */
    bool dead = fetch->kind == DEALER_GOT_NOTHING && r->hosts[record->host].nothings >= DEALER_DEAD_HOST;
    if (verdict != right && !(dead && verdict == DEALER_FAILED))
        complain(r, "record %llu: verdict %d where %d is right", (unsigned long long)id, (int)verdict,
                 (int)right);
}

/* The longest backoff before the (k+1)-th retry; the shortest is half of it. */
static int64_t longest_backoff(const struct dealer_config *c, uint32_t k)
{
    double wait = (double)c->backoff_base;
    for (uint32_t i = 0; i < k && wait < (double)c->backoff_max; i++)
        wait *= 2;
    return wait < (double)c->backoff_max ? (int64_t)wait : c->backoff_max;
}

static void note_pause(struct referee *r, int64_t now, struct host *host, const struct dealer_fetch *fetch)
{
    const struct dealer_config *c = &r->config->dealer;
    bool obey = fetch->retry_after >= 0 && fetch->retry_after <= c->max_wait;
    int64_t earliest = now + (obey ? fetch->retry_after : longest_backoff(c, 0) / 2);
    int64_t latest = now + (obey ? fetch->retry_after : c->backoff_max);
    if (earliest > host->earliest)
        host->earliest = earliest;
    if (latest > host->paused)
        host->paused = latest;
    host->throttled = true;
    host->waits = false;
}

/* Additive increase, multiplicative decrease, once for each overload. */
static void note_width(struct referee *r, struct host *host, const struct record *record,
                       const struct dealer_fetch *fetch)
{
    uint32_t full = host->limit ? host->limit : UINT32_MAX;
    if (record->dealt_at <= host->halved_at)
        return;
    if (throttles(fetch)) {
        uint32_t used = host->in_flight < host->width ? host->in_flight : host->width;
        host->width = used < 2 ? 1 : used / 2;
        host->grown = 0;
        host->halved_at = r->deals;
    } else if (fetch->kind != DEALER_GOT_REFUSAL && !may_be_tried_again(fetch) && host->width < full &&
               ++host->grown >= host->width) {
        host->width++;
        host->grown = 0;
    }
}

static void note_retry(struct referee *r, int64_t now, uint64_t id, const struct dealer_fetch *fetch)
{
    struct record *record = &r->records[id];
    bool asked = fetch->kind == DEALER_GOT_STATUS && fetch->retry_after >= 0;
    int64_t longest = longest_backoff(&r->config->dealer, record->tries - 1);
    record->earliest = now + (asked ? fetch->retry_after : longest / 2);
    record->certain = now + (asked ? fetch->retry_after : longest);
    begin_backoff(r, id);
}

static void note_end(struct referee *r, struct record *record, enum dealer_verdict verdict)
{
    record->state = verdict == DEALER_AWAIT ? COMPUTING : verdict == DEALER_DROPPED ? DROPPED : OVER;
    r->computing += verdict == DEALER_AWAIT;
    r->dropped += verdict == DEALER_DROPPED;
    r->ended += verdict != DEALER_AWAIT && verdict != DEALER_DROPPED;
}

void referee_fetched(struct referee *r, int64_t now, uint32_t rank, uint64_t id,
                     const struct dealer_fetch *fetch, uint32_t redirect_host, enum dealer_verdict verdict,
                     const struct dealer_record *seen)
{
    struct record *record = &r->records[id];
    struct host *host = &r->hosts[record->host];
    if (record->state != FETCHING || record->rank != rank) {
        complain(r, "the end of a fetch was taken from the wrong rank");
        return;
    }
    host->nothings = fetch->kind == DEALER_GOT_NOTHING ? host->nothings + 1 : 0;
    check_verdict(r, id, fetch, verdict);
    if (verdict == DEALER_BAD_EVENT || verdict == DEALER_NO_MEMORY || !referee_is_content(r))
        return;
    if (seen->id != id || seen->extra != sim_extra(id))
        complain(r, "record %llu came back as another", (unsigned long long)id);
    note_width(r, host, record, fetch);
    host->in_flight--;
    r->fetching--;
    r->held += verdict == DEALER_AGAIN;
    release(r, record);
    if (throttles(fetch))
        note_pause(r, now, host, fetch);
    if (verdict != DEALER_AGAIN) {
        note_end(r, record, verdict);
    } else if (fetch->kind == DEALER_GOT_REDIRECT) {
        record->hops++;
        record->hop = true;
        record->earliest = INT64_MIN;
        hold(r, record, redirect_host);
        make_ready(r, record);
    } else {
        hold(r, record, record->host);
        note_retry(r, now, id, fetch);
    }
}

void referee_outcome(struct referee *r, uint32_t rank, uint64_t id, const struct dealer_record *seen)
{
    struct record *record = &r->records[id];
    if (record->state != COMPUTING || record->rank != rank || !seen || seen->id != id ||
        seen->extra != sim_extra(id)) {
        complain(r, "record %llu: its outcome was not taken, or twice", (unsigned long long)id);
        return;
    }
    record->state = OVER;
    r->computing--;
    r->ended++;
}

void referee_forged(struct referee *r, bool taken)
{
    if (taken)
        complain(r, "a forged message was taken");
}

/* --- idling and fairness --- */

static void settle_backoffs(struct referee *r, int64_t now)
{
    for (uint32_t i = 0; i < r->backoff_count;) {
        struct record *record = &r->records[r->backoffs[i]];
        if (record->certain > now) {
            i++;
            continue;
        }
        end_backoff(r, record);
        make_ready(r, record);
    }
}

static bool could_start(const struct host *host, int64_t now)
{
    uint32_t width = host->throttled ? 1 : host->limit ? host->limit : UINT32_MAX;
    return host->ready > 0 && host->in_flight < width && now >= host->gap_ends && now >= host->paused;
}

void referee_looks(struct referee *r, int64_t now)
{
    settle_backoffs(r, now);
    uint32_t count = r->config->hosts < GLANCE ? r->config->hosts : GLANCE;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t h = (r->glance + i) % r->config->hosts;
        struct host *host = &r->hosts[h];
        if (host->waits && r->deals - host->deals_then > host->busy_then)
            complain(r, "host %u starves", h);
        if (host->waits || !could_start(host, now))
            continue;
        host->waits = true;
        host->deals_then = r->deals;
        host->busy_then = r->busy_hosts;
    }
}

static void check_stats(struct referee *r, const struct dealer *d)
{
    struct dealer_stats s;
    dealer_stats(d, &s);
    if ((uint64_t)s.pending + s.waiting != r->held || s.fetching != r->fetching ||
        s.computing != r->computing)
        complain(r, "the dealer miscounts what it holds");
    if (s.added != r->added || s.dealt != r->deals || s.ended != r->ended || s.dropped != r->dropped)
        complain(r, "the dealer miscounts what it did");
    if (r->held + r->fetching + r->computing > r->config->dealer.window)
        complain(r, "the dealer holds more than its window");
}

void referee_drained(struct referee *r, int64_t now, const struct dealer *d)
{
    check_stats(r, d);
    if (r->stopped || r->places == 0)
        return;
    if (dealer_wake(d) <= now)
        complain(r, "dealer_wake names a time that is over");
    settle_backoffs(r, now);
    uint32_t count = r->config->hosts < GLANCE ? r->config->hosts : GLANCE;
    for (uint32_t i = 0; i < count; i++)
        if (could_start(&r->hosts[(r->glance + i) % r->config->hosts], now))
            complain(r, "host %u idles, though it has %u ready records", (r->glance + i) % r->config->hosts,
                     r->hosts[(r->glance + i) % r->config->hosts].ready);
    r->glance = (r->glance + count) % r->config->hosts;
}

void referee_ended(struct referee *r, uint64_t *undone)
{
    uint64_t in_state[DROPPED + 1] = {0};
    for (uint64_t id = 0; id < r->config->records; id++)
        in_state[r->records[id].state]++;
    *undone = r->config->records - in_state[OVER];
    if (in_state[FETCHING] + in_state[COMPUTING] > 0)
        complain(r, "the dealer is done with records still on ranks");
    if (!r->stopped && *undone > 0)
        complain(r, "%llu records have no outcome", (unsigned long long)*undone);
    if (in_state[OVER] != r->ended)
        complain(r, "the referee miscounts");
}
