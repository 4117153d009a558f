/*
 * The wheel: one rank's event loop, from the first turn to the last word. In each turn the transfers are served, the other ranks
 * heard, on rank 0 records dealt, and what has come of it is sent. Told that the job is over, the rank drops what is in flight,
 * says what it has recorded and counted, and waits until rank 0, the last, lets it go.
 */
#ifndef MILLRACE_SRC_WHEEL_H
#define MILLRACE_SRC_WHEEL_H

#include "src/link.h"
#include "src/tally.h"
#include "src/trace.h"
#include "src/vigil.h"
#include "src/worker.h"

struct head;
struct trace_out;

struct wheel {
    /* The parts, set by the caller. They are the caller's and outlive the wheel, but for the worker, which is freed when this rank is
     * dismissed. */
    struct link *link;
    struct evloop *loop;
    int signals;           /* a signalfd(2) that does not block: INT and TERM end the job, USR1 lets it end */
    struct worker *worker; /* NULL: there could be none, */
    const char *trouble;   /* and why, which ends the job */
    struct head *head;     /* on rank 0, else NULL */
    struct vigil *vigil;
    struct trace_recorder *trace; /* NULL: none is wanted */
    struct trace_out *trace_out;  /* on rank 0, if there is to be one */
    struct tally *tally;          /* what this rank counts; the worker does too */
    const struct tally *begun;    /* what it had used before */

    /* The wheel's own, zero at first. */
    struct buffer word; /* what is said past the worker */
    int64_t poll;       /* ns until MPI is looked at again */
    int64_t accounted;  /* until when the tally's times are right */
    bool dismissed;     /* FINISH has come */
    bool gone;          /* the last word was said */
    bool released;      /* BYE has come */
    bool unread;        /* the last look at the link did not see all that had come */
    int others_gone;    /* on rank 0: so many other ranks have said their last word */
    int code;
};

/* Collective: returns the job's exit code, the same on every rank. Where the job can't go on it ends by link_abort. */
int wheel_run(struct wheel *w);

#endif
