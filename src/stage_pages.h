/* The stage for fetched pages: undo the content coding, select fields, run a kernel, store a file. */
#ifndef MILLRACE_SRC_STAGE_PAGES_H
#define MILLRACE_SRC_STAGE_PAGES_H

#include "io/files.h"
#include "kernels/kernel.h"
#include "src/stage.h"

struct selection {
    const char *name;
    const char *selector; /* as kernels/selector.h reads it */
};

struct stage_pages_config {
    const struct selection *selections; /* fewer than WIRE_MAX_VALUES */
    size_t n_selections;
    struct file_pattern *files;  /* NULL: nothing is stored; else each page is, or its first selected value */
    size_t max_body;             /* bytes, decoded */
    const struct kernel *kernel; /* NULL: none */
    /* Of each operand of the kernel, in its order: a selector, or a constant, or NULL for both. */
    const char *operand_selectors[KERNEL_MAX_OPERANDS], *operand_constants[KERNEL_MAX_OPERANDS];
    uint64_t seed; /* for what a kernel draws at random */
};

/* For thread numbers below `threads`. Its values are the file's name, if files are stored, one a
 * selection, and the kernel's fields. NULL:
 * `error` (error_size bytes) says what is wrong with which selection, or that there is no memory. The configuration's
 * pointers must outlive the stage. */
struct stage *stage_pages_new(const struct stage_pages_config *config, unsigned threads, char *error,
                              size_t error_size);

#endif
