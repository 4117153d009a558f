/* Writes a timeline as JSON in the Trace Event Format (Google, "Trace Event Format", JSON Object Format), which
 * ui.perfetto.dev and chrome://tracing open.
 *
 *     process  a rank; its pid is the rank's number
 *     thread   0: the event loop; 1, 2, ...: the compute threads
 *     X        parts of the loop's turns ("serve", "deal"), messages ("send", "receive"), kernels (named by their record)
 *     b, e     transfers, asynchronous, with id2.local the record's id; within them their phases
 *     s, f     a batch's way from rank to rank
 *     C        how many there are: transfers in flight, bodies with the compute threads, batches not yet sent; on rank 0
 *              records that wait in the dealer, and records that the ranks hold
 *
 * Times are microseconds from the job's begin. otherData tells how well the ranks' clocks agree, and what was left out.
 */
#ifndef MILLRACE_SRC_TRACE_JSON_H
#define MILLRACE_SRC_TRACE_JSON_H

#include "src/trace_out.h"

#include <stdio.h>

/* `out` stays the caller's, and must outlive the sink. NULL: no memory. */
struct trace_sink *trace_json_new(const struct trace_job *job, FILE *out);

#endif
