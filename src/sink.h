/* The sink: one row per input record, in the order they finish, into a file, a compressed file or standard
 * output.
 *
 * Rows are handed to a thread that writes them, so nothing here waits for a disk, except sink_close. They are handed
 * over together, after some milliseconds at most. Rank 0's event loop.
 */
#ifndef MILLRACE_SRC_SINK_H
#define MILLRACE_SRC_SINK_H

#include "src/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a column shows of a row. */
enum sink_cell {
    SINK_ID,
    SINK_TEXT,   /* the record's text: its URL, or its item */
    SINK_STATUS, /* empty for 0 */
    SINK_RANK,   /* empty where no rank had the record */
    SINK_ERROR,  /* empty when all went well */
    SINK_VALUE,  /* the next of the row's values, as a text */
    SINK_NUMBER, /* the next of the row's values, which is a number where the format knows numbers */
};

struct sink_column {
    const char *name;
    enum sink_cell cell;
};

#define SINK_MAX_COLUMNS (WIRE_MAX_VALUES + 8)

struct sink_config {
    const char *path; /* NULL: standard output; its suffix tells format and compression */
    const struct sink_column *columns;
    size_t n_columns;              /* at most SINK_MAX_COLUMNS */
    void (*notify)(void *context); /* from another thread: sink_full or sink_error may have changed */
    void *context;
};

#define SINK_NO_RANK UINT32_MAX

struct sink_row {
    uint64_t id;
    const char *text;
    uint32_t status;
    uint32_t rank;                  /* SINK_NO_RANK: none */
    const struct wire_text *values; /* one for each value column; NULL: all absent */
    const char *error;              /* NULL: all went well */
};

struct sink;

/* Opens the output and writes its header line. NULL: `error` (error_size bytes) names the output and the
 * reason. */
struct sink *sink_open(const struct sink_config *config, char *error, size_t error_size);

/* False: the row can't be written, now or ever; sink_error says why. */
bool sink_put(struct sink *sink, const struct sink_row *row, int64_t now);

/* Hands rows over when they are due. What could not be handed over is an error that stays. */
void sink_step(struct sink *sink, int64_t now);

/* When sink_step is due: ns of evloop_now, INT64_MAX for never. */
int64_t sink_deadline(const struct sink *sink);

/* So much is waiting to be written that no more should be produced. */
bool sink_full(struct sink *sink);

/* The first failure, as a text that names the output, in `error`; false: there was none. */
bool sink_error(struct sink *sink, char *error, size_t error_size);

/* Writes what is left and closes; waits for the disk. False: `error` says what failed, now or before. NULL:
 * true. */
bool sink_close(struct sink *sink, char *error, size_t error_size);

#endif
