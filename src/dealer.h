/* The dealer: decides what is fetched when and by which rank.
 *
 * A pure state machine on rank 0. It performs no I/O, reads no clock and knows neither MPI nor curl: events
 * go in (a record was read, a rank has room, a fetch ended, an outcome came), each with the time `now`; deals
 * come out of dealer_next(). So a test can drive it with thousands of ranks on a fake clock.
 *
 * Life of a record:
 *
 *     dealer_add ──► pending ──dealer_next──► fetching ──dealer_fetched──► computing ──dealer_outcome──► gone
 *                      ▲                         │
 *                      ├── waiting (backoff) ◄───┤ retry
 *                      └─────────────────────────┤ redirect, at once, to the host it names
 *                                                └──► gone, when the fetch failed for good
 *
 * Rules, for each host, over all ranks of the job:
 *   - at most `max_in_flight` records are fetching (0: no limit), and starts are at least `delay`
 *     apart;
 *   - 429 and 503 pause the host, for as long as Retry-After says (RFC 9110 10.2.3) or else for the
 *     backoff time below with k = episodes of throttling in a row so far, and halve its width (the
 *     in-flight count it may use), starting from what was in flight. The width grows back by one for
 *     each width's worth of successes (additive increase, multiplicative decrease, as in RFC 5681 3.1).
 *     Throttled answers to fetches that had begun before the last halving belong to its episode: they
 *     may lengthen the pause but halve nothing (as in RFC 6582 3.2), and successes of such fetches
 *     widen nothing;
 *   - a record may be tried again after DEALER_GOT_NOTHING and after the statuses 408, 429 and 5xx. It
 *     waits as long as the Retry-After of that answer says (0: not at all), or else min(backoff_max,
 *     backoff_base * 2^k), k = retries so far, times a random factor in [0.5, 1);
 *   - a Retry-After over max_wait is not obeyed: the record fails (if it had a retry left), and a
 *     throttled host is paused as if there had been none;
 *   - once DEALER_DEAD_HOST fetches in a row from a host have got nothing, its records get no more
 *     retries, until it answers: a dead host must not hold up the job for hours. Any answer counts,
 *     even one refused;
 *   - a record whose backoff is over, or that was redirected, goes before the others of its host;
 *   - hosts that may start something take turns, one record each, so that a busy host starves no other:
 *     a host that is ready waits for at most one deal to each other host before its own;
 *   - a host's next record goes by preference to the rank that has just ended a fetch from it, whose
 *     connection is open and idle; else ranks that have room take turns. So a host's records spread
 *     when many are in flight, and keep their connections when few are.
 *
 * Memory: bounded by `window` records and their hosts. A host with nothing pending, waiting or fetching is
 * remembered until its gap or pause is over (at most max(delay, max_wait, backoff_max)), and then forgotten
 * with all that was learned about it.
 *
 * Times are nanoseconds on any monotonic clock; `now` never decreases from call to call. One thread at a
 * time. Functions that allocate return DEALER_NO_MEMORY when they could not, and the event is then not taken.
 */
#ifndef MILLRACE_SRC_DEALER_H
#define MILLRACE_SRC_DEALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEALER_NEVER INT64_MAX
#define DEALER_DEAD_HOST 20      /* fetches without an answer, in a row */
#define DEALER_MAX_ROOM 1000000u /* places of one rank */

struct dealer_config {
    uint32_t ranks;   /* in the job; ranks are 0 to ranks - 1 */
    uint32_t window;  /* records held at most (pending, waiting, fetching or computing), at least 1 */
    int64_t delay;    /* ns between starts to one host; 0: none */
    uint32_t retries; /* a record is fetched at most 1 + retries times (redirect hops not counted) */
    uint32_t max_redirects;
    int64_t backoff_base; /* ns, before the first retry */
    int64_t backoff_max;  /* ns */
    int64_t max_wait;     /* ns; a Retry-After longer than this fails the record instead */
    uint64_t seed; /* of the jitter, and of the key under which hosts are told apart by a 64-bit hash of
                      their names: no stranger should know it. The same events with the same seed give the
                      same deals. */
};

/* Where a record is to be fetched from. The strings are copied. */
struct dealer_target {
    const char *url;
    const char *host;       /* the authority that limits apply to, normalised: "https://example.org:443" */
    uint32_t max_in_flight; /* of that host, over the job; 0: no limit. The first record of a host sets it. */
};

/* A record as the dealer holds it. Pointers handed out stay valid until the next call that is not a query. */
struct dealer_record {
    uint64_t id;
    const char *url;      /* as read */
    const char *fetching; /* what is fetched: `url`, or where redirects led */
    void *extra;          /* the caller's own, as given to dealer_add; the dealer never looks at it */
    uint32_t tries;       /* fetches begun, redirect hops not counted */
    uint32_t hops;        /* redirects followed */
};

/* How a fetch ended, as the rank that made it says. */
struct dealer_fetch {
    enum {
        DEALER_GOT_BODY,     /* success: a body is with the kernel, an outcome will follow */
        DEALER_GOT_REDIRECT, /* `redirect` says where to */
        DEALER_GOT_STATUS,   /* a final answer that is no success: `status` */
        DEALER_GOT_NOTHING, /* no answer, for a reason that may pass: refused, reset, timed out, unresolved */
        DEALER_GOT_REFUSAL, /* no use trying again: body over the limit, a malformed answer, a bad certificate
                             */
    } kind;
    uint32_t status;                      /* HTTP status code, 0 if none came; read with GOT_STATUS only */
    int64_t retry_after;                  /* ns from now, < 0: not given; read with GOT_STATUS only */
    const struct dealer_target *redirect; /* read with GOT_REDIRECT only; NULL: it leads nowhere that may be
                                             fetched, and the record fails. Its max_in_flight counts only if
                                             the host is not known yet. */
};

/* What becomes of a record whose fetch has ended. */
enum dealer_verdict {
    DEALER_AWAIT,              /* its outcome is awaited from the same rank */
    DEALER_AGAIN,              /* it will be fetched again: a retry or a redirect's hop */
    DEALER_FAILED,             /* it is over: the caller writes its row; reason as the fetch says */
    DEALER_TOO_MANY_REDIRECTS, /* the same, because of max_redirects */
    DEALER_WAIT_TOO_LONG,      /* the same, because of a Retry-After over max_wait */
    DEALER_DROPPED,            /* the dealer was told to stop: the record stays undone and gets no row */
    DEALER_BAD_EVENT, /* no such record is being fetched by that rank, or no such kind; nothing changed */
    DEALER_NO_MEMORY,
};

struct dealer_deal {
    uint32_t rank;
    uint32_t slot; /* names the record until it is gone; quoted back by the rank together with the id */
    const struct dealer_record *record;
};

struct dealer_stats {
    uint64_t added, dealt, ended;           /* records; dealt counts every fetch, retries and hops included */
    uint64_t dropped;                       /* records that DEALER_DROPPED gave back undone */
    uint64_t retries, redirects, throttled; /* throttled: answers 429 and 503 */
    uint32_t pending, waiting, fetching, computing; /* records now */
    uint32_t hosts, hosts_peak;                     /* known now, and at most */
    size_t bytes;                                   /* allocated now, malloc's own overhead included */
};

struct dealer;

/* Returns NULL without memory or with a configuration that makes no sense (ranks or window 0, a negative
 * time). */
struct dealer *dealer_new(const struct dealer_config *config);

/* Records still held are dropped; their `extra` pointers are passed to free_extra, unless it or they are
 * NULL. d may be NULL. */
void dealer_free(struct dealer *d, void (*free_extra)(void *));

/* How many more records dealer_add will take now. 0 once dealer_close or dealer_stop was called. */
uint32_t dealer_wants(const struct dealer *d);

/* A record was read. `extra` becomes the dealer's to hand back. False: the window is full, or no memory. */
bool dealer_add(struct dealer *d, int64_t now, uint64_t id, const struct dealer_target *target, void *extra);

/* The source has ended: no more records will come. */
void dealer_close(struct dealer *d);

/* Deal nothing more; what is fetching may end, and what is computing gives its outcome. Retries become
 * DEALER_DROPPED. */
void dealer_stop(struct dealer *d);

/* The rank can take `n` more records. Each deal uses up one place, and only this call gives places: the rank
 * says so again when a record has left it. False, and nothing changed: no such rank, or it would have more
 * than DEALER_MAX_ROOM places. */
bool dealer_room(struct dealer *d, uint32_t rank, uint32_t n);

/* Takes the next decision: true with a deal to send, false when nothing can be dealt at this time. Call until
 * false, after every batch of events and when dealer_wake's time has come. Never runs out of memory. */
bool dealer_next(struct dealer *d, int64_t now, struct dealer_deal *deal);

/* The fetch of a record has ended: the host's slot is free. `*record` is set with every verdict but BAD_EVENT
 * and NO_MEMORY; with FAILED and the like, and with DROPPED, the record is gone after this call and `extra`
 * is the caller's. */
enum dealer_verdict dealer_fetched(struct dealer *d, int64_t now, uint32_t rank, uint32_t slot, uint64_t id,
                                   const struct dealer_fetch *fetch, const struct dealer_record **record);

/* The outcome of a record that was DEALER_AWAITed has come; the record is gone and `extra` is the caller's.
 * NULL: no such record is computing on that rank. */
const struct dealer_record *dealer_outcome(struct dealer *d, int64_t now, uint32_t rank, uint32_t slot,
                                           uint64_t id);

/* When dealer_next could next have something to deal through the passing of time alone; DEALER_NEVER if
 * never. Never too late; sometimes early, and then dealer_next says false and dealer_wake a later time. The
 * time of the last event if something can be dealt now. */
int64_t dealer_wake(const struct dealer *d);

/* All is done: the source has ended (or the dealer was stopped), and no record is left (or none is with a
 * rank). */
bool dealer_done(const struct dealer *d);

void dealer_stats(const struct dealer *d, struct dealer_stats *stats);

#endif
