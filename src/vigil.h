/* The vigil: ranks hear of each other as long as the network between them holds, and who hears nothing for too long says
 * so and ends the job. MPI over TCP would wait for ever for packets that a broken link drops.
 *
 * Each rank says something to rank 0, and rank 0 to each, in every beat (src/liveness.h). A thread of its own says it, so that a
 * rank whose event loop computes, writes or waits for a disk, for however long, is heard of all the same; a rank that is
 * stopped or dead, or out of reach, is not.
 *
 * Who finds a peer lost does not end the job at once if mpirun is to end it: mpirun waits for its daemons by TCP too, and what it
 * sends to one that is out of reach hangs it. Left alone it sees by TCP's keep-alive that the daemon has gone, and then ends all
 * that it reaches, as the daemon out there ends its own ranks. Only where that does not come in time, or where it can't be the
 * network, being a rank of the same host, is the job ended by link_abort.
 *
 * All functions are for the event loop's thread.
 */
#ifndef MILLRACE_SRC_VIGIL_H
#define MILLRACE_SRC_VIGIL_H

#include "src/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vigil;

enum vigil_state {
    VIGIL_WELL,
    VIGIL_LOST,     /* a peer was just found lost: once */
    VIGIL_HOPELESS, /* it is time for link_abort */
};

/* `patience`: ns without a word from a peer until it is lost; 0: for ever. NULL: no memory, or the system gives no thread. With
 * one rank, or where MPI lets no second thread speak, nobody is ever lost. The link must outlive it. */
struct vigil *vigil_new(struct link *link, int64_t patience);

/* vigil_hush, and frees. */
void vigil_free(struct vigil *v);

/* Something came from that rank. */
void vigil_heard(struct vigil *v, int from);

/* That rank has said its last: its silence means nothing any more. */
void vigil_excuse(struct vigil *v, int rank);

/* Says nothing more to anybody, from now on. Waits until what is being said has been said. */
void vigil_hush(struct vigil *v);

/* To be called when all that had come was read. `text`: which rank is lost, unless all is well. */
enum vigil_state vigil_step(struct vigil *v, int64_t now, char *text, size_t size);

/* When vigil_step is due: ns of evloop_now, INT64_MAX for never. */
int64_t vigil_deadline(const struct vigil *v);

#endif
