/* The timeline of a job, on rank 0: takes what the ranks have recorded (trace.h), puts it on one clock, and hands it to
 * what writes the file: trace_json.h, or timeline.h where the file's name ends in .svg.
 *
 * Written as it comes: memory does not grow with the number of ranks. */
#ifndef MILLRACE_SRC_TRACE_OUT_H
#define MILLRACE_SRC_TRACE_OUT_H

#include "src/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the timeline is of. The strings must outlive it. */
struct trace_job {
    const char *strategy;
    uint32_t ranks;
    unsigned threads; /* compute threads of rank 0; 0: it computes on its event loop */
};

/* An event, on the clock of the job. */
struct trace_item {
    uint32_t rank;
    struct trace_event event; /* its begin is ns from the job's, never negative; of RANK as it was recorded */
    const char *text;         /* "" if there is none */
    const struct trace_event *phases; /* of a TRANSFER; `until` is in order and no longer than the transfer */
};

/* What is known of each rank in the end. */
struct trace_rank {
    char *host;
    int64_t ahead, imprecise; /* see struct trace_self */
    uint64_t left_out;
    unsigned threads; /* that compute */
    bool known;
};

/* What writes a file. Made by trace_json_new and timeline_new. */
struct trace_sink {
    /* False: it can't go on; `end` says why. Of each rank RANK comes first; otherwise in no order. */
    bool (*take)(struct trace_sink *sink, const struct trace_item *item);
    /* All have come. False: `error` says what went wrong. */
    bool (*end)(struct trace_sink *sink, const struct trace_rank *ranks, char *error, size_t error_size);
    void (*free)(struct trace_sink *sink);
};

struct trace_out;

/* Makes the file; the job begins now. NULL: `error` says why not. */
struct trace_out *trace_out_open(const char *path, const struct trace_job *job, char *error,
                                 size_t error_size);

/* A piece came from a rank. False: it is malformed. Whether it could be written is for trace_out_end to tell. */
bool trace_out_take(struct trace_out *out, uint32_t rank, const void *piece, size_t len);

/* All pieces have come: completes the file. False: `error` says what went wrong. `*left_out` is how many events had no
 * room in the ranks' memory. */
bool trace_out_end(struct trace_out *out, uint64_t *left_out, char *error, size_t error_size);

void trace_out_free(struct trace_out *out);

#endif
