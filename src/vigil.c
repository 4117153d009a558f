#include "src/vigil.h"

#include "io/evloop.h"
#include "src/liveness.h"
#include "src/wire.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PUMPS = 20,          /* looks at MPI for what was said to leave, while the loop perhaps takes none */
    PUMP_WAIT = 1000000, /* ns between them */
};

struct vigil {
    struct link *link;
    bool active;
    int64_t patience;
    struct liveness liveness;
    int64_t hopeless_at; /* INT64_MAX: nobody is lost */
    bool speaks;         /* there is a thread */
    pthread_t speaker;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hushed; /* under the lock */
};

/* ------------------------------------------------------------------ the thread that speaks */

/* What can't be said for want of memory is said in the next beat. */
static void say_alive(struct link *link, int to)
{
    struct buffer batch;
    buffer_init(&batch, 64);
    if (wire_write(&batch, &(struct wire_message){.kind = WIRE_ALIVE}))
        link_send(link, to, &batch);
    buffer_free(&batch);
}

static void say_to_all(struct link *link)
{
    if (link_rank(link) != 0)
        say_alive(link, 0);
    for (int rank = 1; link_rank(link) == 0 && rank < link_size(link); rank++)
        say_alive(link, rank);
    /* A connection that is only being made, or is full, takes what was said when MPI is looked at the next times. */
    for (int n = 0; n < PUMPS && link_unsent(link) > 0; n++)
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = PUMP_WAIT}, NULL);
}

static void *speak(void *argument)
{
    struct vigil *v = argument;
    int64_t next = evloop_now();
    pthread_mutex_lock(&v->lock);
    while (!v->hushed) {
        next += v->liveness.beat;
        struct timespec until = {.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000};
        while (!v->hushed && pthread_cond_timedwait(&v->changed, &v->lock, &until) == 0)
            continue;
        if (v->hushed)
            break;
        pthread_mutex_unlock(&v->lock);
        say_to_all(v->link);
        int64_t now = evloop_now(); /* after a standstill: no volley of what was missed */
        next = next < now - v->liveness.beat ? now : next;
        pthread_mutex_lock(&v->lock);
    }
    pthread_mutex_unlock(&v->lock);
    return NULL;
}

static bool begin_speaking(struct vigil *v)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&v->lock, NULL); /* these never fail with glibc */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&v->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    v->speaks = pthread_create(&v->speaker, NULL, speak, v) == 0;
    return v->speaks;
}

void vigil_hush(struct vigil *v)
{
    if (!v->speaks)
        return;
    pthread_mutex_lock(&v->lock);
    v->hushed = true;
    pthread_cond_signal(&v->changed);
    pthread_mutex_unlock(&v->lock);
    pthread_join(v->speaker, NULL);
    v->speaks = false;
}

/* ------------------------------------------------------------------ the loop's part */

struct vigil *vigil_new(struct link *link, int64_t patience)
{
    struct vigil *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->link = link;
    v->patience = patience;
    v->hopeless_at = INT64_MAX;
    v->active = patience > 0 && link_size(link) > 1 && link_shared(link);
    if (!v->active)
        return v;
    if (!liveness_init(&v->liveness, (uint32_t)link_size(link), patience, evloop_now())) {
        free(v);
        return NULL;
    }
    for (int rank = 0; rank < link_size(link); rank++)
        liveness_watch(&v->liveness, (uint32_t)rank, (rank == 0) != (link_rank(link) == 0));
    if (!begin_speaking(v)) {
        vigil_free(v);
        return NULL;
    }
    return v;
}

void vigil_free(struct vigil *v)
{
    if (!v)
        return;
    vigil_hush(v);
    if (v->active) {
        pthread_cond_destroy(&v->changed);
        pthread_mutex_destroy(&v->lock);
    }
    liveness_free(&v->liveness);
    free(v);
}

void vigil_heard(struct vigil *v, int from)
{
    if (v->active)
        liveness_heard(&v->liveness, (uint32_t)from);
}

void vigil_excuse(struct vigil *v, int rank)
{
    if (v->active)
        liveness_watch(&v->liveness, (uint32_t)rank, false);
}

/* It can't be the network if a rank of the same host, or one on this host, is lost. Of a rank that has left nothing is known:
 * it does not speak for its host. */
static bool reachable(const struct vigil *v, int lost)
{
    const char *host = link_host(v->link, lost);
    for (int rank = 0; rank < link_size(v->link); rank++) {
        bool heard =
            rank == link_rank(v->link) || (v->liveness.watched[rank] && v->liveness.quiet[rank] <= 1);
        if (heard && strcmp(link_host(v->link, rank), host) == 0)
            return true;
    }
    return false;
}

/* How long mpirun needs from now on to see by itself that a host is out of reach: nothing was heard of it for a patience. */
static int64_t time_to_notice(const struct vigil *v)
{
    int64_t left = link_launcher_notices() - v->patience;
    return left > 0 ? left : 0;
}

static void describe(const struct vigil *v, int64_t now, uint32_t lost, char *text, size_t size)
{
    int n =
        snprintf(text, size,
                 "rank %u (host %s) has not been heard of for %g s: the network between the hosts is broken, "
                 "or the rank is",
                 lost, link_host(v->link, (int)lost), (double)v->patience / 1e9);
    if (v->hopeless_at > now && n >= 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, "; mpirun may need %g s more to see that and to end",
                 (double)(v->hopeless_at - now) / 1e9);
}

/* Who is lost, if it has come to that just now. */
static uint32_t newly_lost(struct vigil *v, int64_t now)
{
    int busy = link_receiving(v->link);
    if (!liveness_step(&v->liveness, now, busy < 0 ? LIVENESS_ALL : (uint32_t)busy))
        return LIVENESS_NOBODY;
    uint32_t lost = liveness_first_lost(&v->liveness);
    bool known = v->hopeless_at != INT64_MAX;
    if (lost == LIVENESS_NOBODY)
        v->hopeless_at = INT64_MAX; /* whoever was lost has come back */
    return known ? LIVENESS_NOBODY : lost;
}

enum vigil_state vigil_step(struct vigil *v, int64_t now, char *text, size_t size)
{
    if (!v->active)
        return VIGIL_WELL;
    uint32_t lost = newly_lost(v, now);
    if (lost != LIVENESS_NOBODY) {
        v->hopeless_at = now + (reachable(v, (int)lost) ? 0 : time_to_notice(v));
        describe(v, now, lost, text, size);
        return VIGIL_LOST;
    }
    if (now < v->hopeless_at || (lost = liveness_first_lost(&v->liveness)) == LIVENESS_NOBODY)
        return VIGIL_WELL;
    describe(v, now, lost, text, size);
    return VIGIL_HOPELESS;
}

int64_t vigil_deadline(const struct vigil *v)
{
    if (!v->active)
        return INT64_MAX;
    int64_t due = liveness_due(&v->liveness);
    return due < v->hopeless_at ? due : v->hopeless_at;
}
