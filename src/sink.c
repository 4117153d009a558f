#include "src/sink.h"

#include "io/rows.h"
#include "io/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKLOG_BYTES = 16 << 20, /* waiting for the disk before dealing pauses */
    ROW_BYTES = 80 << 20,     /* of one row, at most: each value is capped far below */
    BATCH_BYTES = 64 << 10,   /* of rows that are handed to the writer together */
    BATCH_AGE = 10 * 1000000, /* ns that a row may wait for others: waking the writer costs more than a row */
};

struct sink {
    const char *path;
    struct sink_column columns[SINK_MAX_COLUMNS];
    size_t n_columns;
    struct rows rows;
    struct buffer batch; /* rows that the writer does not have yet */
    int64_t due;         /* when it must; INT64_MAX: there are none */
    struct writer *writer;
    int failed; /* errno of a row that could not be handed on */
};

static const char *name_of(const char *path)
{
    return path ? path : "standard output";
}

static void explain(const char *path, int number, char *error, size_t error_size)
{
    const char *reason = number == EPIPE ? "its reader has gone" : strerror(number);
    snprintf(error, error_size, "cannot write %s: %s", name_of(path), reason);
}

static bool hand_over(struct sink *sink)
{
    sink->due = INT64_MAX;
    if (sink->batch.len > 0 && !writer_put(sink->writer, sink->batch.data, sink->batch.len))
        sink->failed = ENOMEM; /* unless the writer has an error of its own, which goes first */
    buffer_reset(&sink->batch);
    return !sink->failed;
}

static bool write_header(struct sink *sink)
{
    return rows_format_header(&sink->rows, &sink->batch) && hand_over(sink);
}

struct sink *sink_open(const struct sink_config *config, char *error, size_t error_size)
{
    const char *names[SINK_MAX_COLUMNS];
    size_t n = config->n_columns;
    struct sink *sink = calloc(1, sizeof *sink);
    int number = ENOMEM;
    if (!sink)
        goto fail;
    sink->path = config->path;
    sink->n_columns = n;
    buffer_init(&sink->batch, ROW_BYTES + BATCH_BYTES);
    for (size_t i = 0; i < n; i++) {
        sink->columns[i] = config->columns[i];
        names[i] = config->columns[i].name;
    }
    if (!rows_init(&sink->rows, rows_format_of(config->path), names, n))
        goto fail;
    const struct writer_config output = {.path = config->path,
                                         .compression = writer_compression_of(config->path),
                                         .mode = WRITER_TRUNCATE,
                                         .limit = BACKLOG_BYTES,
                                         .notify = config->notify,
                                         .context = config->context};
    number = writer_open(&output, &sink->writer);
    if (number == 0 && write_header(sink))
        return sink;
fail:
    explain(config->path, number ? number : ENOMEM, error, error_size);
    if (sink) {
        writer_close(sink->writer);
        rows_free(&sink->rows);
        buffer_free(&sink->batch);
    }
    free(sink);
    return NULL;
}

static struct cell text_cell(const char *text, size_t len)
{
    return (struct cell){.kind = text ? CELL_TEXT : CELL_ABSENT, .text = text, .len = len};
}

static struct cell uint_cell(bool present, uint64_t value)
{
    return (struct cell){.kind = present ? CELL_UINT : CELL_ABSENT, .uint = value};
}

/* As an integer where it is one, else as a real number; what is neither stays a text. */
static struct cell number_cell(const struct wire_text *value)
{
    char *end;
    errno = 0;
    uint64_t integer = strtoull(value->data, &end, 10);
    if (*end == '\0' && end != value->data && errno == 0 && value->data[0] != '-')
        return uint_cell(true, integer);
    double real = strtod(value->data, &end);
    if (*end == '\0' && end != value->data)
        return (struct cell){.kind = CELL_REAL, .real = real};
    return text_cell(value->data, value->len);
}

static struct cell make_cell(enum sink_cell kind, const struct sink_row *row, size_t *value)
{
    const struct wire_text *v;
    switch (kind) {
    case SINK_ID:
        return uint_cell(true, row->id);
    case SINK_TEXT:
        return text_cell(row->text, strlen(row->text));
    case SINK_STATUS:
        return uint_cell(row->status != 0, row->status);
    case SINK_RANK:
        return uint_cell(row->rank != SINK_NO_RANK, row->rank);
    case SINK_ERROR:
        return text_cell(row->error, row->error ? strlen(row->error) : 0);
    default:
        v = row->values ? &row->values[(*value)++] : NULL;
        if (!v || !v->data)
            return (struct cell){0};
        return kind == SINK_NUMBER ? number_cell(v) : text_cell(v->data, v->len);
    }
}

bool sink_put(struct sink *sink, const struct sink_row *row, int64_t now)
{
    struct cell cells[SINK_MAX_COLUMNS];
    size_t value = 0;
    for (size_t i = 0; i < sink->n_columns; i++)
        cells[i] = make_cell(sink->columns[i].cell, row, &value);
    if (!rows_format_row(&sink->rows, cells, sink->n_columns, &sink->batch)) {
        sink->failed = ENOMEM;
        return false;
    }
    if (sink->due == INT64_MAX)
        sink->due = now + BATCH_AGE;
    return sink->batch.len < BATCH_BYTES || hand_over(sink);
}

void sink_step(struct sink *sink, int64_t now)
{
    if (now >= sink->due)
        hand_over(sink);
}

int64_t sink_deadline(const struct sink *sink)
{
    return sink->due;
}

bool sink_full(struct sink *sink)
{
    return writer_full(sink->writer);
}

bool sink_error(struct sink *sink, char *error, size_t error_size)
{
    int number = writer_error(sink->writer);
    if (number == 0)
        number = sink->failed;
    if (number != 0)
        explain(sink->path, number, error, error_size);
    return number != 0;
}

bool sink_close(struct sink *sink, char *error, size_t error_size)
{
    if (!sink)
        return true;
    hand_over(sink);
    int number = writer_close(sink->writer);
    if (number == 0)
        number = sink->failed;
    if (number != 0)
        explain(sink->path, number, error, error_size);
    rows_free(&sink->rows);
    buffer_free(&sink->batch);
    free(sink);
    return number == 0;
}
