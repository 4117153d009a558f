/* The stage for fetched pages: undo the content coding, select fields, store a file. */
#ifndef MILLRACE_SRC_STAGE_PAGES_H
#define MILLRACE_SRC_STAGE_PAGES_H

#include "io/files.h"
#include "src/stage.h"

struct selection {
    const char *name;
    const char *selector; /* as kernels/selector.h reads it */
};

struct stage_pages_config {
    const struct selection *selections; /* fewer than WIRE_MAX_VALUES */
    size_t n_selections;
    struct file_pattern *files; /* NULL: nothing is stored; else each page is, or its first selected value */
    size_t max_body;            /* bytes, decoded */
};

/* For thread numbers below `threads`. Its values are the file's name, if files are stored, and one a selection. NULL:
 * `error` (error_size bytes) says what is wrong with which selection, or that there is no memory. The configuration's
 * pointers must outlive the stage. */
struct stage *stage_pages_new(const struct stage_pages_config *config, unsigned threads, char *error,
                              size_t error_size);

#endif
