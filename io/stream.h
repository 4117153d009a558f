/* One file, pipe or terminal as a stream of records: URLs one a line, or the rows of a table. What io/input.h
 * says of lines and tables is done here. Never waits, except for a disk. */
#ifndef MILLRACE_IO_STREAM_H
#define MILLRACE_IO_STREAM_H

#include "io/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_record {
    const char *text; /* ends in a NUL; blanks around it are gone */
    size_t len;
    const char *problem; /* NULL if there is none */
    uint64_t line;
    const char *columns; /* the blob of io/table.h, or NULL */
    size_t columns_len;
};

enum stream_step { STREAM_RECORD, STREAM_WAIT, STREAM_END, STREAM_FAILED };

struct stream;

/* The descriptor stays the caller's, and its flags as they are. `regular`: it can be read without asking
 * poll(2). NULL: no memory. */
struct stream *stream_new(int fd, bool regular, enum table_kind kind, const char *url_column);
void stream_free(struct stream *s);

/* Reads at most once. `*out` is valid until the next call. STREAM_WAIT: nothing can be read yet, or nothing
 * but blank lines was. */
enum stream_step stream_next(struct stream *s, struct stream_record *out);

/* After STREAM_FAILED: why, for a user to read. */
const char *stream_failure(const struct stream *s);

/* Reads until the header of a table was there: for regular files. */
enum stream_step stream_check_header(struct stream *s);

uint64_t stream_bytes_read(const struct stream *s);

#endif
