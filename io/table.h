/* Rows of TSV, CSV (RFC 4180) and JSON Lines as records: one column is the URL, the others are kept.
 *
 * Pure: works on records that io/lines.h has cut out. The other columns are kept as a blob, "name\0value\0"
 * again and again, that can be copied with a record and looked into without the table. */
#ifndef MILLRACE_IO_TABLE_H
#define MILLRACE_IO_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS_MAX 1024

enum table_kind { TABLE_NONE, TABLE_TSV, TABLE_CSV, TABLE_JSONL };

struct table_row {
    const char *url; /* ends in a NUL */
    size_t url_len;
    const char *columns; /* the blob */
    size_t columns_len;
};

struct table;

/* By the end of the name: .tsv, .csv, .jsonl (in any case); TABLE_NONE otherwise. */
enum table_kind table_kind_of(const char *path);

/* `url_column` is copied. NULL: no memory. */
struct table *table_new(enum table_kind kind, const char *url_column);
void table_free(struct table *t);

/* The header must be given first (TSV, CSV) or not at all (JSON Lines). */
bool table_needs_header(const struct table *t);

/* Takes the header. False: `why` (of `size` bytes) says the reason, naming the columns present if that of the
 * URLs is not among them. */
bool table_header(struct table *t, const char *text, size_t len, char *why, size_t size);

/* Reads a row. NULL: `*out` is set, valid until the next call. Otherwise the reason, static, why it is no
 * record. TSV: \t \n \r \\ are undone, as millrace, jq's @tsv and PostgreSQL's COPY write them. JSON: a
 * string as it is, numbers, true and false as JSON writes them, null as if absent, arrays and objects as JSON
 * text. Fewer fields than the header has, or more: no record. */
const char *table_row(struct table *t, const char *text, size_t len, struct table_row *out);

/* The value of a column in a blob, or NULL. Any thread. */
const char *table_column(const char *columns, size_t columns_len, const char *name);

#endif
