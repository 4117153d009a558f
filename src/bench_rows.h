/* The rows of one run, in a form that can be compared with another's: without their order, which is that of finishing, and
 * without what differs by nature, which are the columns `seconds` and `rank`. A file that a row names counts with what is
 * in it. */
#ifndef MILLRACE_SRC_BENCH_ROWS_H
#define MILLRACE_SRC_BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>

struct bench_rows {
    char **rows; /* sorted */
    size_t n;
    size_t failed; /* rows with an error */
    char *failure; /* the first of these errors; NULL: none */
};

/* Reads the TSV file that a run has written, as io/rows.h writes it. False: `error` says why, and nothing is to be freed. */
bool bench_rows_read(struct bench_rows *rows, const char *path, char *error, size_t error_size);
void bench_rows_free(struct bench_rows *rows);

/* True if both are the same. Otherwise `difference` shows the first row that only one of them has. */
bool bench_rows_same(const struct bench_rows *a, const struct bench_rows *b, char *difference, size_t size);

#endif
