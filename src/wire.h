/* What ranks say to each other: one small binary encoding, checked on arrival like any other input.
 *
 * A batch is a version byte and then any number of messages, each a kind byte and its fields. Integers are
 * unsigned LEB128 (DWARF 5, 7.6), at most 64 bits; a text is its length, its bytes and a NUL, so that what is
 * decoded can be used in place as a string. Texts point into the batch and live as long as it does.
 *
 *     rank 0 ► rank   DEAL, FINISH, ALIVE, BYE
 *     rank ► rank 0   ROOM, FETCHED, OUTCOME, TALLY, TROUBLE, SIGNAL, TRACE, ALIVE
 *
 * A worker's FETCHED for a record comes before its OUTCOME (MPI keeps the order between two ranks). After
 * FINISH a worker sends the TRACEs of what it has recorded, if it did, and then one TALLY, its last message;
 * rank 0 has one from each rank before it leaves, and says BYE, its last. ALIVE says nothing: who has nothing
 * else to say is heard of all the same (src/liveness.h).
 */
#ifndef MILLRACE_SRC_WIRE_H
#define MILLRACE_SRC_WIRE_H

#include "io/buffer.h"
#include "src/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_VALUES 64
#define WIRE_MAX_BATCH ((size_t)256 << 20) /* bytes; larger is refused on both sides */

struct wire_text {
    const char *data; /* NULL: absent; else followed by a NUL */
    size_t len;
};

enum wire_kind {
    WIRE_ROOM = 1,
    WIRE_DEAL,
    WIRE_FETCHED,
    WIRE_OUTCOME,
    WIRE_TALLY,
    WIRE_TROUBLE,
    WIRE_SIGNAL,
    WIRE_FINISH,
    WIRE_TRACE,
    WIRE_ALIVE,
    WIRE_BYE
};

/* How a fetch ended: as enum in dealer.h, without what only the dealer decides. */
enum wire_end {
    WIRE_GOT_BODY,
    WIRE_GOT_REDIRECT,
    WIRE_GOT_STATUS,
    WIRE_GOT_NOTHING,
    WIRE_GOT_REFUSAL,
    WIRE_ENDS
};

/* Names one dealt record: both parts must fit what the dealer holds. */
struct wire_ticket {
    uint32_t slot;
    uint64_t id;
};

struct wire_message {
    enum wire_kind kind;
    union {
        uint32_t room; /* this many more records can be taken */
        struct {
            struct wire_ticket ticket;
            struct wire_text url;
        } deal;
        struct {
            struct wire_ticket ticket;
            enum wire_end end;
            uint32_t status;
            int64_t retry_after; /* ns; -1: none */
            uint64_t received;   /* bytes */
            struct wire_text error, redirect;
        } fetched;
        struct {
            struct wire_ticket ticket;
            uint32_t status; /* HTTP status code, as in its FETCHED */
            uint32_t n_values;
            struct wire_text values[WIRE_MAX_VALUES];
            struct wire_text error;
        } outcome;
        struct tally tally;
        struct wire_text trouble; /* why this rank can't go on */
        struct {
            uint32_t at_once; /* 0: let what is in flight end (USR1); 1: leave now (INT, TERM) */
        } signal;             /* the rank was told to leave */
        struct {
            uint32_t code; /* the exit code of every rank */
        } finish;
        struct wire_text trace; /* a piece of the rank's timeline: see trace.h */
    };
};

/* Appends a message to a batch, which is begun if the buffer is empty. False: no memory, or over the buffer's
 * cap; the buffer is as before. */
bool wire_write(struct buffer *batch, const struct wire_message *message);

struct wire_reader {
    const uint8_t *next, *end;
    bool bad;
};

/* The batch must outlive the reader and all texts read. */
void wire_read_begin(struct wire_reader *reader, const void *batch, size_t len);

/* The next message into `*message`. False at the end, or at what is no message: reader->bad says which. */
bool wire_read(struct wire_reader *reader, struct wire_message *message);

#endif
