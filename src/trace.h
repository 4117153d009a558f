/* What a rank notes down of its run, for a timeline: recording alone, as plain data.
 *
 * An event is 32 bytes and perhaps a text, in pieces of memory that are taken as needed, up to a cap; what comes when
 * the cap is reached is counted and left out. Nothing is formatted here. A piece is also what goes to rank 0 in the end
 * (WIRE_TRACE): as it is, in this machine's byte order, which its first word tells.
 *
 * Every function is for the event loop's thread, which alone has a recorder: compute threads stamp the task that they
 * run, and the loop notes it down when it takes the task back. So there is neither a lock nor a buffer for each thread.
 * All take a NULL recorder, do nothing then, and cost one comparison.
 */
#ifndef MILLRACE_SRC_TRACE_H
#define MILLRACE_SRC_TRACE_H

#include "io/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_PIECE_BYTES ((size_t)256 << 10)
#define TRACE_RANK_BYTES ((size_t)64 << 20) /* the cap of each rank */

enum {
    TRACE_DEPTHS_AT_ONCE = 4,
    TRACE_LEAST_TURN = 5000, /* ns: parts of a turn that took less did nothing */
    TRACE_TEXT_BYTES = 255,  /* of a longer text the beginning is kept */
    TRACE_DROPPED = 1000,    /* in place of the status of a transfer that the job's end cut off */
};

enum trace_kind {
    TRACE_RANK = 1, /* who recorded: the first event of each rank, and no other's */
    TRACE_SERVE,    /* a part of the loop's turn: transfers served, kernels' results collected */
    TRACE_DEAL,     /* a part of a turn on rank 0: input read, records dealt, rows written */
    TRACE_SENT,     /* a batch went to another rank */
    TRACE_RECEIVED, /* a batch came from another rank; lasts until its messages were acted upon */
    TRACE_PHASES,   /* the phases of the transfer that is the next event */
    TRACE_TRANSFER,
    TRACE_KERNEL,
    TRACE_DEPTHS, /* how many there were then, in `depths`: transfers, bodies with the compute threads, batches not yet sent */
    TRACE_DEALER, /* rank 0: records that wait in the dealer, records that the ranks hold */
    TRACE_KINDS
};

enum trace_phase { TRACE_RESOLVED, TRACE_CONNECTED, TRACE_SECURED, TRACE_ANSWERED, TRACE_PHASE_COUNT };

struct trace_event {
    union {
        struct {
            int64_t begin,
                duration; /* ns of the rank's evloop_now; RANK: ahead of rank 0's clock, give or take */
            uint64_t id;  /* of the record; SENT, RECEIVED: see trace_batch; RANK: events left out */
        };
        struct {
            int64_t at; /* as begin */
            uint32_t depths[TRACE_DEPTHS_AT_ONCE];
        };
        struct {
            uint64_t received;                 /* bytes */
            uint32_t until[TRACE_PHASE_COUNT]; /* us from the transfer's begin to the end of each phase */
        };
    };
    uint32_t
        text; /* TRANSFER, KERNEL, RANK: distance of their text from the piece's end, or 0. SENT, RECEIVED: the peer */
    uint16_t
        code; /* TRANSFER: HTTP status or TRACE_DROPPED; KERNEL: thread, 0 the loop's; RANK: compute threads */
    uint16_t kind;
};

/* A batch is known by its number among those from the one rank to the other, which both count from 0: they stay in order. */
static inline uint64_t trace_batch(uint32_t number, uint32_t bytes)
{
    return (uint64_t)number << 32 | bytes;
}

struct trace_recorder;

struct trace_self {
    uint32_t rank, ranks;
    unsigned threads;   /* that compute */
    const char *host;   /* its name */
    int64_t ahead;      /* ns that this rank's clock is ahead of rank 0's */
    int64_t imprecise;  /* ns that `ahead` may be wrong by */
    size_t most_memory; /* TRACE_RANK_BYTES */
};

/* NULL: no memory. */
struct trace_recorder *trace_new(const struct trace_self *self);
void trace_free(struct trace_recorder *t);

/* evloop_now, or 0 with no clock read when nothing is recorded: for the begin of what is noted when it has ended. Any
 * thread. */
int64_t trace_now(const struct trace_recorder *t);

/* A part of the loop's turn ends now. */
void trace_turn(struct trace_recorder *t, enum trace_kind kind, int64_t begin);

/* A batch to or from another rank; what a rank sends to itself is no event. */
void trace_message(struct trace_recorder *t, enum trace_kind kind, int peer, size_t bytes, int64_t begin);

struct trace_transfer {
    uint64_t id;
    const char *url;
    int64_t begin, duration;
    uint32_t status; /* TRACE_DROPPED: it was under way when the job ended */
    uint64_t received;
    int64_t phases[TRACE_PHASE_COUNT]; /* ns from begin to the end of each; 0: it was not passed through */
};

void trace_transferred(struct trace_recorder *t, const struct trace_transfer *transfer);
void trace_computed(struct trace_recorder *t, uint64_t id, const char *text, unsigned thread, int64_t begin,
                    int64_t duration);

/* Counters, noted down if they have changed. */
void trace_depths(struct trace_recorder *t, enum trace_kind kind,
                  const uint32_t depths[TRACE_DEPTHS_AT_ONCE]);

/* Takes the oldest piece out, as bytes into the empty `piece` (its cap at least TRACE_PIECE_BYTES). From the first call on
 * nothing is recorded. False: there is none left, or no memory for it. */
bool trace_take(struct trace_recorder *t, struct buffer *piece);

/* ------------------------------------------------------------------ reading */

/* The reader of one piece, which must outlive it. A piece is input like any other: it is checked. */
struct trace_reader {
    const uint8_t *next, *texts, *end;
    uint32_t ranks;
    bool bad;
};

void trace_read_begin(struct trace_reader *r, const void *piece, size_t len, uint32_t ranks);

/* The next event, and its text if it has one, else "". False at the end, or (r->bad) at what is no event. */
bool trace_read(struct trace_reader *r, struct trace_event *event, const char **text);

#endif
