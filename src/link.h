/* The MPI link: batches of bytes between ranks, without blocking. The one module that sees mpi.h.
 *
 * Every function is for the thread that called link_open, except where it says "any thread": those need link_shared.
 * A batch goes from one rank to another (or to itself) whole and in order. How many batches may be under way is bounded by the
 * protocol above: a worker speaks of records it was dealt, and is dealt no more than it asked for.
 */
#ifndef MILLRACE_SRC_LINK_H
#define MILLRACE_SRC_LINK_H

#include "io/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;

/* True if an MPI launcher started this process, so that there may be other ranks. */
bool link_launched(void);

/* Collective over the job: starts MPI. NULL: no memory, or MPI cannot start; it has then said why itself. */
struct link *link_open(int *argc, char ***argv);

/* Collective: ends MPI, once everything sent has left. */
void link_close(struct link *l);

/* link_close ends the process with the code and a message if it takes longer than `limit` ns: MPI itself would wait for ever
 * for ranks that are out of reach. 0: no limit, as at first. */
void link_limit(struct link *l, int64_t limit, int code);

/* Ends the whole job with this code, for what leaves no way to tell the others; this process at any rate, and within seconds,
 * even if the others are out of reach. Does not return. */
_Noreturn void link_abort(struct link *l, int code);

/* How long, in ns, mpirun takes by itself to notice that a host is out of reach, by its environment: 0 if no mpirun of
 * Open MPI began us. link_abort before then leaves mpirun waiting for TCP to give up, which takes a quarter of an hour. */
int64_t link_launcher_notices(void);

int link_rank(const struct link *l);
int link_size(const struct link *l);

/* How many ranks of the job share this machine, this one included: at least 1. */
int link_neighbours(const struct link *l);

/* How many machines the job runs on. */
int link_machines(const struct link *l);

/* Writes which MPI this is, as "Open MPI v4.1.4". */
void link_library(char *out, size_t size);

/* The host that a rank is on: of rank 0 and of this rank, and on rank 0 of all. "" for others. */
const char *link_host(const struct link *l, int rank);

/* MPI lets other threads than link_open's call, one at a time: those functions see to the latter. */
bool link_shared(const struct link *l);

/* Collective and blocking, for before and after the work: all ranks get rank 0's value. */
int link_agree(struct link *l, int value);

/* Collective and blocking, for before the work: how many ns this rank's `clock` is ahead of rank 0's, at most
 * `*imprecise` wrong. 0 where they agree as far as can be seen, as on one machine. */
int64_t link_clock(struct link *l, int64_t (*clock)(void), int64_t *imprecise);

/* Sends what is in `batch`, which is empty after. False: no memory. Any thread. */
bool link_send(struct link *l, int to, struct buffer *batch);

/* The next batch that has come, if one has: its bytes are valid until the next call. Moves what is under way
 * along, so call it often; what has left is freed by link_unsent, to be called now and then. */
bool link_receive(struct link *l, int *from, const void **batch, size_t *len);

/* The rank from which a batch is coming in, for which all others have to wait; -1: none is. */
int link_receiving(const struct link *l);

/* Sends that have not yet left, the loopback's included. Moves what is under way along. Any thread. */
size_t link_unsent(struct link *l);

uint64_t link_batches_sent(struct link *l);

#endif
