/* The worker of one rank: stateless hands. It fetches a record once, gives the body to a compute thread, and
 * says how both went. What is fetched when is the dealer's business; what is done with a body is the stage's.
 *
 * It asks for as many records as it has places for, and for none while its compute threads are behind: so
 * bodies that wait for a thread stay few, whatever the network delivers.
 *
 * All functions are for the event loop's thread.
 */
#ifndef MILLRACE_SRC_WORKER_H
#define MILLRACE_SRC_WORKER_H

#include "io/buffer.h"
#include "io/transfer.h"
#include "src/pool.h"
#include "src/stage.h"
#include "src/tally.h"
#include "src/trace.h"

struct worker;

struct worker_config {
    const struct transfer_options
        *transfer;   /* NULL: nothing is fetched, a record goes to a compute thread as it is */
    uint32_t places; /* records held at a time; 0: this rank takes none */
    bool hold;       /* a record keeps its place until its outcome is there; else until its fetch has ended */
    struct trace_recorder *trace; /* NULL: none. Must outlive the worker */
};

/* NULL: `*error` is a static text. `pool` and `stage` must outlive the worker; what it counts goes to
 * `*tally`. Raises the limit of open files as far as the system allows. */
struct worker *worker_new(const struct worker_config *config, struct evloop *loop, struct pool *pool,
                          const struct stage *stage, struct tally *tally, const char **error);

/* Drops what is in flight, and waits for the kernels that run. */
void worker_free(struct worker *w);

/* A record was dealt to this rank: a URL, or an item to compute. It begins with worker_run. */
void worker_deal(struct worker *w, struct wire_ticket ticket, struct wire_text text);

/* Serves what is due, and writes what is to be said to rank 0 into the outbox. False: no memory left for
 * that. */
bool worker_run(struct worker *w, int64_t now);

struct buffer *worker_outbox(struct worker *w);

/* When worker_run is due though nothing is ready: ns of evloop_now, INT64_MAX for never. */
int64_t worker_deadline(const struct worker *w);

uint32_t worker_transferring(const struct worker *w);
size_t worker_computing(const struct worker *w);

#endif
