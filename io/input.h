/* The source: the input as a stream of records. Rank 0's event loop calls it, so nothing here waits: where
 * nothing can be read yet it says so. Memory does not depend on the length of the input.
 *
 * An argument is
 *   - a URL, if it begins with a scheme and "://"; curl's globs in it expand (io/glob.h);
 *   - "-": standard input, one URL a line;
 *   - otherwise a file: .tsv, .csv and .jsonl with columns (io/table.h), any other one URL a line.
 * Lines end in LF or CR LF; blanks around a URL, blank lines, lines that begin with #, and a byte order mark
 * are skipped. Globs do not expand in files: a URL with brackets there is a URL with brackets.
 *
 * What cannot be a record still is one, with its `problem`, so that every line has its row in the output.
 * Whether its text is a URL is not asked here: see io/url.h. */
#ifndef MILLRACE_IO_INPUT_H
#define MILLRACE_IO_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input_config {
    char *const *args; /* must outlive the input */
    size_t nargs;
    uint32_t repeat;        /* each record so many times, at least 1 */
    const char *url_column; /* NULL: "url" */
};

struct input_error {
    char text[1024]; /* for a user to read, without a newline */
};

struct input_record {
    uint64_t id;     /* position in the input, from 0; a repeated record takes `repeat` of them in a row */
    const char *url; /* ends in a NUL; with a problem: what there is of the text, perhaps cut, NULs as '?' */
    size_t url_len;  /* */
    const char *problem; /* static; NULL if there is none */
    const char *source;  /* the argument */
    uint64_t line;       /* where it begins, from 1; of a glob: which of its URLs */
    const char *columns; /* the other columns, as io/table.h says; NULL if there are none */
    size_t columns_len;
};

enum input_step {
    INPUT_RECORD,
    INPUT_WAIT, /* nothing to read yet: call again when input_fd() is readable */
    INPUT_END,
    INPUT_FAILED, /* the input can't be read further; input_failure() says why */
};

struct input;

/* Looks at every argument at once: a missing file, a directory, a malformed glob or a header without the URL
 * column is found here. (A pipe's header is found by input_next: its writer may come late.) False: `*error`
 * says why. */
bool input_open(const struct input_config *config, struct input **out, struct input_error *error);
void input_close(struct input *in);

/* `*rec` is set with INPUT_RECORD; its pointers are valid until the next call. Reads at most about 64 KiB. */
enum input_step input_next(struct input *in, struct input_record *rec);

/* After INPUT_WAIT: the descriptor to wait for, with POLLIN; otherwise -1. Its flags are left alone: it may
 * be shared with other processes. */
int input_fd(const struct input *in);

/* After INPUT_FAILED; valid as long as the input. */
const char *input_failure(const struct input *in);

/* True: the number of records is known beforehand (URLs and globs only). */
bool input_total(const struct input *in, uint64_t *total);

/* How much of the input was read, 0 to 1, by bytes; less than 0 if that can't be known (a pipe). */
double input_fraction(const struct input *in);

#endif
