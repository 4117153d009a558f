/* Output rows as TSV, CSV or JSON Lines.
 *
 * TSV    one line a row; TAB, LF, CR, NUL and \ inside a value are written \t \n \r \0 \\, which can be undone and is
 *        what jq's @tsv and PostgreSQL's COPY do. An absent value is empty.
 * CSV    RFC 4180, lines end in LF (as most tools write it); a value with a comma, quote, CR or LF is quoted. CSV has no
 *        escape for NUL: it becomes U+FFFD. An absent value is empty, an empty text is "".
 * JSONL  RFC 8259, one object a line; an absent value is null; a number that is no number (NaN, infinities) is null.
 *
 * All are UTF-8: each maximal invalid subpart (Unicode 15, 3.9, table 3-8) becomes U+FFFD.
 *
 * Pure; one thread at a time per struct rows. */
#ifndef MILLRACE_IO_ROWS_H
#define MILLRACE_IO_ROWS_H

#include "io/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rows_format { ROWS_TSV, ROWS_CSV, ROWS_JSONL };

struct cell {
    enum { CELL_ABSENT, CELL_TEXT, CELL_UINT, CELL_REAL } kind;
    const char *text; /* CELL_TEXT; any bytes */
    size_t len;
    uint64_t uint; /* CELL_UINT */
    double real;   /* CELL_REAL; written with the fewest of 15 to 17 digits that read back the same */
};

struct rows {
    enum rows_format format;
    size_t n;
    struct buffer names; /* TSV, CSV: the header line; JSONL: the texts before the values */
    size_t *offsets;     /* of those texts, n + 1 of them */
};

/* By the end of the name, .gz and .zst put aside: .tsv .csv .jsonl, in any case. TSV for NULL (standard
 * output) and for any other name. */
enum rows_format rows_format_of(const char *path);

/* The column names are copied. False: no memory, no columns, or a name given twice. */
bool rows_init(struct rows *r, enum rows_format format, const char *const *names, size_t n);
void rows_free(struct rows *r);

/* The header line; nothing for JSON Lines. False: no memory or over the cap of `out`, which is as before
 * then. */
bool rows_format_header(const struct rows *r, struct buffer *out);

/* Appends one row of the `n` given at rows_init. False: as above, or another number of cells. */
bool rows_format_row(const struct rows *r, const struct cell *cells, size_t n, struct buffer *out);

/* Appends a text as a JSON string, quotes included. False: no memory or over the cap of `out`, which is as before. */
bool rows_json_string(struct buffer *out, const char *text, size_t len);

#endif
