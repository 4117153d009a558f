/* Cuts a stream of bytes into records: lines, or CSV records in which a quoted newline is no end (RFC
 * 4180 2.6).
 *
 * Knows nothing of files: the caller puts bytes in and takes records out, so that one part of a record may be
 * there long before the next. Memory: one record and one read. */
#ifndef MILLRACE_IO_LINES_H
#define MILLRACE_IO_LINES_H

#include "io/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINES_LENGTH_MAX 65536 /* bytes of a record, its end not counted */
#define LINES_READ_MAX 65536   /* bytes put in at once, at most */

struct lines {
    struct buffer bytes;
    size_t start;      /* of the record that comes next, in bytes */
    size_t scanned;    /* bytes from `start` that were looked at */
    uint64_t line;     /* number of the line that `start` is in, from 1 */
    uint64_t newlines; /* in the scanned bytes: quoted ones */
    bool csv;          /* quotes count */
    enum { LINES_FIELD, LINES_PLAIN, LINES_QUOTED, LINES_QUOTE } state; /* CSV: after the scanned bytes */
    bool skipping; /* the rest of a record that was too long */
    bool begun;    /* past a byte order mark, if there was one */
    bool ended;    /* nothing more will be put in */
};

enum lines_step {
    LINES_RECORD,   /* one record */
    LINES_TOO_LONG, /* a record that is too long: the text is its beginning; the rest, to the next newline, is
                       skipped */
    LINES_MORE,     /* put more in */
    LINES_END,      /* ended, and all taken out */
};

struct lines_text {
    const char *text; /* valid until the next call; no LF or CR LF at its end; may hold NULs */
    size_t len;
    uint64_t line; /* where it begins, from 1 */
};

void lines_init(struct lines *l, bool csv);
void lines_free(struct lines *l);

/* Where to put up to LINES_READ_MAX bytes, when lines_next said LINES_MORE. NULL: no memory. */
char *lines_room(struct lines *l);
void lines_put(struct lines *l, size_t n);

/* The stream is over; a last record without a newline counts. */
void lines_end(struct lines *l);

enum lines_step lines_next(struct lines *l, struct lines_text *out);

#endif
