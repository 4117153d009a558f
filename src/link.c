#include "src/link.h"

#include "src/wire.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_BATCH = 1, MAX_TESTED = 64 };

/* A batch on its way out, or in the queue of those this rank sent to itself. */
struct parcel {
    struct parcel *next;
    char *bytes;
    size_t len;
    MPI_Request request;
};

struct link {
    MPI_Comm comm; /* of this module alone, so that no other traffic can match */
    int rank, size, neighbours, machines;
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

struct link *link_open(int *argc, char ***argv)
{
    int level;
    if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
        return NULL;
    struct link *l = calloc(1, sizeof *l);
    MPI_Comm machine;
    if (!l || level < MPI_THREAD_FUNNELED || MPI_Comm_dup(MPI_COMM_WORLD, &l->comm) != MPI_SUCCESS ||
        MPI_Comm_split_type(l->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine) != MPI_SUCCESS) {
        fputs("millrace: MPI gives no communicator for one thread of several\n", stderr);
        MPI_Abort(MPI_COMM_WORLD, 3);
        free(l);
        return NULL;
    }
    MPI_Comm_rank(l->comm, &l->rank);
    MPI_Comm_size(l->comm, &l->size);
    MPI_Comm_size(machine, &l->neighbours);
    int place;
    MPI_Comm_rank(machine, &place);
    MPI_Comm_free(&machine);
    int first = place == 0; /* of the ranks on its machine */
    MPI_Allreduce(&first, &l->machines, 1, MPI_INT, MPI_SUM, l->comm);
    l->loop_end = &l->looped;
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
    while (link_unsent(l) > 0 && l->leaving)
        MPI_Wait(&l->leaving->request, MPI_STATUS_IGNORE);
    while (l->looped) {
        struct parcel *p = l->looped;
        l->looped = p->next;
        parcel_free(p);
    }
    parcel_free(l->held);
    MPI_Comm_free(&l->comm);
    free(l);
    MPI_Finalize();
}

_Noreturn void link_abort(struct link *l, int code)
{
    MPI_Abort(l ? l->comm : MPI_COMM_WORLD, code);
    exit(code);
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

bool link_send(struct link *l, int to, struct buffer *batch)
{
    struct parcel *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    p->bytes = buffer_take(batch, &p->len);
    l->unsent++;
    if (to == l->rank) {
        *l->loop_end = p;
        l->loop_end = &p->next;
        return true;
    }
    l->sent++;
    /* Errors are fatal by MPI's default handler: a link that breaks ends the job. */
    MPI_Isend(p->bytes, (int)p->len, MPI_BYTE, to, TAG_BATCH, l->comm, &p->request);
    p->next = l->leaving;
    l->leaving = p;
    return true;
}

static void let_go(struct link *l)
{
    int tested = 0;
    for (struct parcel **at = &l->leaving; *at && tested < MAX_TESTED; tested++) {
        struct parcel *p = *at;
        int gone = 0;
        MPI_Test(&p->request, &gone, MPI_STATUS_IGNORE);
        if (gone) {
            *at = p->next;
            parcel_free(p);
            l->unsent--;
        } else {
            at = &p->next;
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
        link_abort(l, 3);
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
    if (l->leaving)
        let_go(l);
    *from = l->rank;
    struct parcel *p = take_looped(l);
    if (!p && l->size > 1 && (p = take_incoming(l)))
        *from = l->incoming_from;
    if (!p)
        return false;
    l->held = p;
    *batch = p->bytes;
    *len = p->len;
    return true;
}

size_t link_unsent(struct link *l)
{
    if (l->leaving)
        let_go(l);
    return l->unsent;
}

uint64_t link_batches_sent(const struct link *l)
{
    return l->sent;
}
