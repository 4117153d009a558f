/* The head of the job, on rank 0: reads the source, asks the dealer, writes the sink.
 *
 * Messages from the ranks go in (head_receive), messages to them come out (head_outbox), and head_step does
 * what time and input allow. It knows neither MPI nor curl, and never waits, except to close the sink when
 * all is done.
 *
 * All functions are for the event loop's thread.
 */
#ifndef MILLRACE_SRC_HEAD_H
#define MILLRACE_SRC_HEAD_H

#include "io/evloop.h"
#include "io/progress.h"
#include "src/dealer.h"
#include "src/sink.h"
#include "src/source.h"
#include "src/tally.h"
#include "src/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a process returns, for the whole job alike. */
enum exit_code { EXIT_OK = 0, EXIT_SOME_FAILED = 1, EXIT_USAGE = 2, EXIT_STOPPED = 3, EXIT_INTERRUPTED = 75 };

struct head_config {
    /* Opens the source; NULL: `error` says why not. */
    struct source *(*open_source)(const void *source_config, char *error, size_t error_size);
    const void *source_config;
    const char *output; /* NULL: standard output */
    const struct sink_column *columns;
    size_t n_columns;
    struct dealer_config dealer; /* without ranks; the window is widened to serve them all */
    uint32_t places_per_rank;    /* records that a rank holds at most */
    enum progress_mode progress;
};

/* How the job went, for the summary and the report. */
struct head_figures {
    uint64_t records, succeeded, failed; /* failed: their rows have an error */
    uint64_t received;                   /* bytes */
    int64_t seconds_ns;                  /* from head_new to the end */
    int64_t first_start_ns;              /* from head_new to the first deal; -1: none */
    struct dealer_stats dealer;
};

struct head;

/* Opens source and sink. NULL: `error` (error_size bytes) says what can't be opened and why. The
 * configuration and its strings must outlive the head. */
struct head *head_new(const struct head_config *config, struct evloop *loop, uint32_t ranks, char *error,
                      size_t error_size);
void head_free(struct head *h);

/* A message came from a rank. */
void head_receive(struct head *h, int64_t now, uint32_t from, const struct wire_message *message);

/* Reads what there is to read, deals what may be dealt, shows the progress. */
void head_step(struct head *h, int64_t now);

/* Told to leave: softly, when what is in flight has ended, or at once. */
void head_interrupt(struct head *h, bool at_once);

/* The job can't go on; the text is shown, and every rank will leave with EXIT_STOPPED. */
void head_stop(struct head *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A rank is lost: as head_stop, but shown even if all ranks were told to leave before. */
void head_lost(struct head *h, const char *text);

/* What is to be sent to a rank. */
struct buffer *head_outbox(struct head *h, uint32_t rank);

/* When head_step is due though no message comes: ns of evloop_now, INT64_MAX for never. */
int64_t head_deadline(const struct head *h);

/* Every rank has said its last: the loop may end. */
bool head_over(const struct head *h);

/* What each rank counted, `ranks` of them, and the job's figures; complete when head_over. */
const struct tally *head_tallies(const struct head *h);
void head_figures(const struct head *h, struct head_figures *figures);

#endif
