/* Draws a timeline as a picture (SVG) by gnuplot: for each rank a lane for its transfers, one for its event loop and one
 * for each compute thread, over seconds.
 *
 * Transfers are bars packed into rows or, where there are more at a time than the eye can tell apart, a curve of how many
 * are in flight. A lane of many short slices is drawn as a curve too: the share of the time that it was busy.
 *
 * The colours are Okabe and Ito's ("Color Universal Design", 2008), which the colour-blind can tell apart, chosen so that
 * neighbours differ in lightness too. */
#ifndef MILLRACE_SRC_TIMELINE_H
#define MILLRACE_SRC_TIMELINE_H

#include "src/trace_out.h"

#include <stdio.h>

/* True if there is what it takes to draw. False: `error` says what is missing. */
bool timeline_possible(char *error, size_t error_size);

/* `out` stays the caller's, must be a file of its own, and must outlive the sink. NULL: no memory. */
struct trace_sink *timeline_new(const struct trace_job *job, FILE *out);

#endif
