/* Runs gnuplot (gnuplot.info; the package gnuplot-nox will do). The script goes to its standard input, and no shell is in
 * between. */
#ifndef MILLRACE_SRC_GNUPLOT_H
#define MILLRACE_SRC_GNUPLOT_H

#include "io/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* True if it can be run. False: `error` says why not. */
bool gnuplot_works(char *error, size_t error_size);

/* Runs it over the script; what it draws goes to `out`, from the file's beginning. Waits for it. False: `error` says what
 * went wrong, in its own words if it had any. */
bool gnuplot_run(FILE *script, FILE *out, char *error, size_t error_size);

/* Appends a text as a string of gnuplot's, quotes included: whatever it holds is only shown. Control characters become
 * spaces. False: no memory, or over the cap. */
bool gnuplot_string(struct buffer *out, const char *text);

#endif
