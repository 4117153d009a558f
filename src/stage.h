/* What is done with a page on a compute thread: undo its content coding, select fields, store a file.
 *
 * The stage knows nothing of fetching and of MPI. One struct stage serves all threads at once; what a thread
 * needs for itself (parsers) is kept by its number.
 */
#ifndef MILLRACE_SRC_STAGE_H
#define MILLRACE_SRC_STAGE_H

#include "io/files.h"
#include "src/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct selection {
    const char *name;
    const char *selector; /* as kernels/selector.h reads it */
};

struct stage_config {
    const struct selection *selections;
    size_t n_selections;
    const struct file_pattern *files; /* NULL: nothing is stored; else opened */
    size_t max_body;                  /* bytes, decoded */
    unsigned threads;                 /* that call stage_run: thread numbers are below */
};

/* A fetched page. */
struct stage_page {
    uint64_t id;
    const char *url;
    const char *content_type, *content_encoding; /* as the headers say; "" if they don't */
    const uint8_t *body;
    size_t len;
};

/* What came of a page. Belongs to whoever calls stage_run, who passes it to stage_result_free. */
struct stage_result {
    uint32_t n_values;
    struct wire_text values[WIRE_MAX_VALUES]; /* malloc'd; with files, the file's name comes first */
    char *error;                              /* malloc'd; NULL if all went well */
    size_t decoded;                           /* bytes of the body when decoded */
    int64_t duration;                         /* ns */
};

struct stage;

/* NULL: `*error` (error_size bytes) says what is wrong with which selection, or that there is no memory. */
struct stage *stage_new(const struct stage_config *config, char *error, size_t error_size);
void stage_free(struct stage *stage);

/* How many values a page gives: the file's name, if files are stored, and one a selection. */
uint32_t stage_values(const struct stage *stage);

/* False: a page gives no values, so its body need not be kept. */
bool stage_wants_body(const struct stage *stage);

/* Compute thread `thread` alone at a time. */
void stage_run(const struct stage *stage, unsigned thread, const struct stage_page *page,
               struct stage_result *result);

void stage_result_free(struct stage_result *result);

#endif
