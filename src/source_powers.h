/* The items of `millrace pow` as records, the costly ones first (src/items.h). */
#ifndef MILLRACE_SRC_SOURCE_POWERS_H
#define MILLRACE_SRC_SOURCE_POWERS_H

#include "src/source.h"

struct source_powers_config {
    char *const *items; /* each as src/items.h reads it, and known to be good */
    size_t n_items;
    const char *file;    /* one item a line; NULL: none; "-": standard input */
    const char *modulus; /* NULL: none */
};

/* Reads all items: they are sorted. What is no item in the file becomes a record with its problem. NULL: `error` names
 * what can't be read, or there is no memory. The configuration's strings must outlive the source. */
struct source *source_powers_open(const struct source_powers_config *config, char *error, size_t error_size);

#endif
