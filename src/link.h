/* The MPI link: batches of bytes between ranks, without blocking. The one module that sees mpi.h.
 *
 * Works with MPI_THREAD_FUNNELED: every function is for the thread that called link_open. A batch goes from
 * one rank to another (or to itself) whole and in order. How many batches may be under way is bounded by the
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

/* Ends the whole job with this code, for what leaves no way to tell the others. Does not return. */
_Noreturn void link_abort(struct link *l, int code);

int link_rank(const struct link *l);
int link_size(const struct link *l);

/* How many ranks of the job share this machine, this one included: at least 1. */
int link_neighbours(const struct link *l);

/* How many machines the job runs on. */
int link_machines(const struct link *l);

/* Writes which MPI this is, as "Open MPI v4.1.4". */
void link_library(char *out, size_t size);

/* Collective and blocking, for before and after the work: all ranks get rank 0's value. */
int link_agree(struct link *l, int value);

/* Sends what is in `batch`, which is empty after. False: no memory. */
bool link_send(struct link *l, int to, struct buffer *batch);

/* The next batch that has come, if one has: its bytes are valid until the next call. Moves what is under way
 * along, so call it often. */
bool link_receive(struct link *l, int *from, const void **batch, size_t *len);

/* Sends that have not yet left, the loopback's included. */
size_t link_unsent(struct link *l);

uint64_t link_batches_sent(const struct link *l);

#endif
