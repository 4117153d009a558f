#include "src/sink.h"

#include "io/rows.h"
#include "io/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIXED_COLUMNS = 4,        /* id, url, status, error */
    BACKLOG_BYTES = 16 << 20, /* waiting for the disk before dealing pauses */
    ROW_BYTES = 80 << 20,     /* of one row, at most: each value is capped far below */
};

struct sink {
    const char *path;
    size_t n_fields;
    struct rows rows;
    struct buffer line;
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

static bool write_header(struct sink *sink)
{
    return rows_format_header(&sink->rows, &sink->line) &&
           (sink->line.len == 0 || writer_put(sink->writer, sink->line.data, sink->line.len));
}

struct sink *sink_open(const struct sink_config *config, char *error, size_t error_size)
{
    const char *names[FIXED_COLUMNS + WIRE_MAX_VALUES] = {"id", "url", "status"};
    size_t n = config->n_fields;
    struct sink *sink = calloc(1, sizeof *sink);
    int number = ENOMEM;
    if (!sink)
        goto fail;
    sink->path = config->path;
    sink->n_fields = n;
    buffer_init(&sink->line, ROW_BYTES);
    memcpy(names + 3, config->fields, n * sizeof *names);
    names[3 + n] = "error";
    if (!rows_init(&sink->rows, rows_format_of(config->path), names, FIXED_COLUMNS + n))
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
        buffer_free(&sink->line);
    }
    free(sink);
    return NULL;
}

static struct cell text_cell(const char *text, size_t len)
{
    return (struct cell){.kind = text ? CELL_TEXT : CELL_ABSENT, .text = text, .len = len};
}

bool sink_put(struct sink *sink, const struct sink_row *row)
{
    struct cell cells[FIXED_COLUMNS + WIRE_MAX_VALUES];
    size_t n = 0;
    cells[n++] = (struct cell){.kind = CELL_UINT, .uint = row->id};
    cells[n++] = text_cell(row->url, strlen(row->url));
    cells[n++] = (struct cell){.kind = row->status ? CELL_UINT : CELL_ABSENT, .uint = row->status};
    for (size_t i = 0; i < sink->n_fields; i++)
        cells[n++] = row->values ? text_cell(row->values[i].data, row->values[i].len) : (struct cell){0};
    cells[n++] = text_cell(row->error, row->error ? strlen(row->error) : 0);
    buffer_reset(&sink->line);
    if (!rows_format_row(&sink->rows, cells, n, &sink->line)) {
        sink->failed = ENOMEM;
        return false;
    }
    return writer_put(sink->writer, sink->line.data, sink->line.len);
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
    int number = writer_close(sink->writer);
    if (number == 0)
        number = sink->failed;
    if (number != 0)
        explain(sink->path, number, error, error_size);
    rows_free(&sink->rows);
    buffer_free(&sink->line);
    free(sink);
    return number == 0;
}
