#include "src/link.h"

#include "src/wire.h"

#include <mpi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TAG_BATCH = 1,
    TAG_CLOCK,
    MAX_WAITING = 64,
    CLOCK_ROUNDS = 32,
    HOST_BYTES = 64,       /* of a host's name, and its NUL */
    ABORT_SECONDS = 5,     /* that MPI_Abort may take */
    LAUNCHER_SECONDS = 10, /* in which mpirun ends what it can reach */
};
#define SECOND INT64_C(1000000000)

/* A batch on its way out, or in the queue of those this rank sent to itself. */
struct parcel {
    struct parcel *next;
    char *bytes;
    size_t len;
    MPI_Request request;
};

/* Ends the process when its time has come. */
struct watchdog {
    int64_t limit; /* ns; 0: none */
    int code;
    char text[128]; /* said then; "": nothing */
};

struct link {
    MPI_Comm comm; /* of this module alone, so that no other traffic can match */
    int rank, size, neighbours, machines;
    bool shared;
    char (*hosts)[HOST_BYTES]; /* by rank */
    struct watchdog closing;
    pthread_mutex_t lock;              /* of MPI, and of all below but `held` */
    struct parcel *leaving;            /* no order */
    struct parcel *looped, **loop_end; /* oldest first */
    struct parcel *incoming;           /* being received, from `incoming_from` */
    int incoming_from;
    struct parcel *held; /* the bytes of the last link_receive */
    size_t unsent;
    uint64_t sent;
};

bool link_launched(void)
{
    static const char *const signs[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (getenv(signs[i]))
            return true;
    return false;
}

/* MPI calls that may never return are bounded by a thread that outlives its caller: what it needs it keeps itself. */
static void *watch(void *argument)
{
    struct watchdog dog = *(struct watchdog *)argument;
    free(argument);
    const struct timespec wait = {.tv_sec = dog.limit / SECOND, .tv_nsec = dog.limit % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
    if (*dog.text)
        fprintf(stderr, "millrace: %s\n", dog.text);
    _exit(dog.code);
}

static void unleash(const struct watchdog *dog)
{
    pthread_t thread;
    struct watchdog *copy = dog->limit > 0 ? malloc(sizeof *copy) : NULL;
    if (!copy)
        return;
    *copy = *dog;
    if (pthread_create(&thread, NULL, watch, copy) == 0)
        pthread_detach(thread);
    else
        free(copy);
}

/* With the lock held, or where no other thread is in MPI. */
static _Noreturn void end_job(MPI_Comm comm, int code)
{
    unleash(&(struct watchdog){.limit = ABORT_SECONDS * SECOND, .code = code});
    MPI_Abort(comm, code);
    _exit(code);
}

/* Every rank's host to rank 0, and rank 0's to every rank. */
static bool exchange_hosts(struct link *l)
{
    char name[MPI_MAX_PROCESSOR_NAME + 1] = "", own[HOST_BYTES];
    int len = 0;
    l->hosts = calloc((size_t)l->size, sizeof *l->hosts);
    MPI_Get_processor_name(name, &len);
    snprintf(own, sizeof own, "%.*s", HOST_BYTES - 1, name);
    if (!l->hosts)
        return false;
    MPI_Gather(own, HOST_BYTES, MPI_CHAR, l->hosts, HOST_BYTES, MPI_CHAR, 0, l->comm);
    MPI_Bcast(l->hosts[0], HOST_BYTES, MPI_CHAR, 0, l->comm);
    memcpy(l->hosts[l->rank], own, HOST_BYTES);
    return true;
}

struct link *link_open(int *argc, char ***argv)
{
    int level;
    if (MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS)
        return NULL;
    struct link *l = calloc(1, sizeof *l);
    MPI_Comm machine;
    if (!l || level < MPI_THREAD_FUNNELED || MPI_Comm_dup(MPI_COMM_WORLD, &l->comm) != MPI_SUCCESS ||
        MPI_Comm_split_type(l->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine) != MPI_SUCCESS) {
        fputs("millrace: MPI gives no communicator for one thread of several\n", stderr);
        end_job(MPI_COMM_WORLD, 3);
    }
    MPI_Comm_rank(l->comm, &l->rank);
    MPI_Comm_size(l->comm, &l->size);
    MPI_Comm_size(machine, &l->neighbours);
    int place;
    MPI_Comm_rank(machine, &place);
    MPI_Comm_free(&machine);
    int first = place == 0; /* of the ranks on its machine */
    MPI_Allreduce(&first, &l->machines, 1, MPI_INT, MPI_SUM, l->comm);
    l->shared = level >= MPI_THREAD_SERIALIZED;
    l->loop_end = &l->looped;
    if (pthread_mutex_init(&l->lock, NULL) != 0 || !exchange_hosts(l)) {
        fputs("millrace: no memory left\n", stderr);
        end_job(l->comm, 3);
    }
    return l;
}

static void parcel_free(struct parcel *p)
{
    if (p)
        free(p->bytes);
    free(p);
}

void link_close(struct link *l)
{
    unleash(&l->closing);
    while (link_unsent(l) > 0 && l->leaving)
        MPI_Wait(&l->leaving->request, MPI_STATUS_IGNORE);
    while (l->looped) {
        struct parcel *p = l->looped;
        l->looped = p->next;
        parcel_free(p);
    }
    parcel_free(l->held);
    MPI_Comm_free(&l->comm);
    pthread_mutex_destroy(&l->lock);
    free(l->hosts);
    free(l);
    MPI_Finalize();
}

void link_limit(struct link *l, int64_t limit, int code)
{
    l->closing = (struct watchdog){.limit = limit, .code = code};
    snprintf(l->closing.text, sizeof l->closing.text,
             "rank %d: the job's end is not agreed on: a rank, or the network, broke as it ended", l->rank);
}

_Noreturn void link_abort(struct link *l, int code)
{
    /* Before the lock: another thread that never comes back from MPI may hold it. */
    unleash(&(struct watchdog){.limit = ABORT_SECONDS * SECOND, .code = code});
    pthread_mutex_lock(&l->lock);
    end_job(l->comm, code);
}

static int64_t setting(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    char *end;
    long long value = text ? strtoll(text, &end, 10) : -1;
    return text && end != text && !*end && value >= 0 && value < 1000000 ? value : otherwise;
}

/* tcp(7): a connection on which nothing was said for `time` is probed each `intvl`, and given up after `probes` without an
 * answer. mpirun passes its settings on to the ranks as variables. Linux's timers for seconds and minutes may be an eighth
 * late (kernel/time/timer.c: the granularity of the wheel's levels); twice that, for what else is late. */
int64_t link_launcher_notices(void)
{
    if (!getenv("OMPI_MCA_orte_local_daemon_uri"))
        return 0;
    int64_t seconds =
        setting("OMPI_MCA_oob_tcp_keepalive_time", 300) +
        setting("OMPI_MCA_oob_tcp_keepalive_intvl", 20) * setting("OMPI_MCA_oob_tcp_keepalive_probes", 9);
    return (seconds + seconds / 4 + LAUNCHER_SECONDS) * SECOND;
}

const char *link_host(const struct link *l, int rank)
{
    return l->hosts[rank];
}

bool link_shared(const struct link *l)
{
    return l->shared;
}

int link_rank(const struct link *l)
{
    return l->rank;
}

int link_size(const struct link *l)
{
    return l->size;
}

int link_neighbours(const struct link *l)
{
    return l->neighbours;
}

int link_machines(const struct link *l)
{
    return l->machines;
}

void link_library(char *out, size_t size)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int len = 0;
    MPI_Get_library_version(text, &len);
    text[strcspn(text, ",\r\n")] = '\0'; /* what follows tells of who built it */
    snprintf(out, size, "%s", text);
}

int link_agree(struct link *l, int value)
{
    MPI_Bcast(&value, 1, MPI_INT, 0, l->comm);
    return value;
}

/* Rank 0's part: whoever asks is told the time, one rank after the other. */
static void tell_clock(struct link *l, int64_t (*clock)(void))
{
    for (int rank = 1; rank < l->size; rank++)
        for (int n = 0; n < CLOCK_ROUNDS; n++) {
            MPI_Recv(NULL, 0, MPI_BYTE, rank, TAG_CLOCK, l->comm, MPI_STATUS_IGNORE);
            int64_t now = clock();
            MPI_Send(&now, 1, MPI_INT64_T, rank, TAG_CLOCK, l->comm);
        }
}

/* As NTP does (RFC 5905, 8): rank 0 read its clock somewhere between question and answer, so half their distance is what
 * the estimate may be wrong by, and the round that took least knows best. */
int64_t link_clock(struct link *l, int64_t (*clock)(void), int64_t *imprecise)
{
    int64_t ahead = 0;
    *imprecise = l->rank == 0 ? 0 : INT64_MAX;
    if (l->rank == 0)
        tell_clock(l, clock);
    for (int n = 0; l->rank > 0 && n < CLOCK_ROUNDS; n++) {
        int64_t there, asked = clock();
        MPI_Send(NULL, 0, MPI_BYTE, 0, TAG_CLOCK, l->comm);
        MPI_Recv(&there, 1, MPI_INT64_T, 0, TAG_CLOCK, l->comm, MPI_STATUS_IGNORE);
        int64_t answered = clock(), half = (answered - asked + 1) / 2;
        if (half < *imprecise) {
            *imprecise = half;
            ahead = asked + half - there;
        }
    }
    if (-*imprecise <= ahead &&
        ahead <= *imprecise) /* one machine's clock, as likely as not: it is exact then */
        ahead = 0;
    return ahead;
}

static void post(struct link *l, int to, struct parcel *p)
{
    l->unsent++;
    if (to == l->rank) {
        *l->loop_end = p;
        l->loop_end = &p->next;
        return;
    }
    l->sent++;
    /* Errors are fatal by MPI's default handler. A link that only goes silent is none to MPI: see src/liveness.h. */
    MPI_Isend(p->bytes, (int)p->len, MPI_BYTE, to, TAG_BATCH, l->comm, &p->request);
    p->next = l->leaving;
    l->leaving = p;
}

bool link_send(struct link *l, int to, struct buffer *batch)
{
    struct parcel *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    p->bytes = buffer_take(batch, &p->len);
    pthread_mutex_lock(&l->lock);
    post(l, to, p);
    pthread_mutex_unlock(&l->lock);
    return true;
}

/* Frees what has left. To look at a send that has not costs a round of MPI's progress, 0.7 us over TCP: no
 * more than MAX_WAITING of those are looked at. New ones stand in front, so a rank that takes nothing
 * holds up no other's. */
static void let_go(struct link *l)
{
    int waiting = 0;
    for (struct parcel **at = &l->leaving; *at && waiting < MAX_WAITING;) {
        struct parcel *p = *at;
        int gone = 0;
        MPI_Test(&p->request, &gone, MPI_STATUS_IGNORE);
        if (gone) {
            *at = p->next;
            parcel_free(p);
            l->unsent--;
        } else {
            at = &p->next;
            waiting++;
        }
    }
}

/* Begins to receive what has arrived first. A large batch arrives over several calls, while the loop goes on.
 */
static void accept_batch(struct link *l)
{
    int here = 0, count = 0;
    MPI_Message message;
    MPI_Status status;
    MPI_Improbe(MPI_ANY_SOURCE, TAG_BATCH, l->comm, &here, &message, &status);
    if (!here)
        return;
    MPI_Get_count(&status, MPI_BYTE, &count);
    struct parcel *p = calloc(1, sizeof *p);
    if (p)
        p->bytes = malloc(count > 0 ? (size_t)count : 1);
    if (!p || !p->bytes || count < 0 || (size_t)count > WIRE_MAX_BATCH) {
        fprintf(stderr, "millrace: rank %d has no memory for a message of %d bytes\n", l->rank, count);
        end_job(l->comm, 3);
    }
    p->len = (size_t)count;
    l->incoming_from = status.MPI_SOURCE;
    MPI_Imrecv(p->bytes, count, MPI_BYTE, &message, &p->request);
    l->incoming = p;
}

static struct parcel *take_incoming(struct link *l)
{
    if (!l->incoming)
        accept_batch(l);
    if (!l->incoming)
        return NULL;
    int here = 0;
    MPI_Test(&l->incoming->request, &here, MPI_STATUS_IGNORE);
    struct parcel *p = here ? l->incoming : NULL;
    if (here)
        l->incoming = NULL;
    return p;
}

static struct parcel *take_looped(struct link *l)
{
    struct parcel *p = l->looped;
    if (p) {
        if (!(l->looped = p->next))
            l->loop_end = &l->looped;
        l->unsent--;
    }
    return p;
}

bool link_receive(struct link *l, int *from, const void **batch, size_t *len)
{
    parcel_free(l->held);
    l->held = NULL;
    *from = l->rank;
    pthread_mutex_lock(&l->lock);
    struct parcel *p = take_looped(l);
    if (!p && l->size > 1 && (p = take_incoming(l)))
        *from = l->incoming_from;
    pthread_mutex_unlock(&l->lock);
    if (!p)
        return false;
    l->held = p;
    *batch = p->bytes;
    *len = p->len;
    return true;
}

int link_receiving(const struct link *l)
{
    return l->incoming ? l->incoming_from : -1;
}

size_t link_unsent(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    if (l->leaving)
        let_go(l);
    size_t unsent = l->unsent;
    pthread_mutex_unlock(&l->lock);
    return unsent;
}

uint64_t link_batches_sent(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    uint64_t sent = l->sent;
    pthread_mutex_unlock(&l->lock);
    return sent;
}
