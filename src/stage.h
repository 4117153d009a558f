/* What is done with a record on a compute thread: a page's fields are selected, a power is computed.
 *
 * The stage knows nothing of fetching and of MPI. One struct stage serves all threads at once; what a thread needs for
 * itself (parsers, work space) is kept by its number.
 */
#ifndef MILLRACE_SRC_STAGE_H
#define MILLRACE_SRC_STAGE_H

#include "src/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A record as it comes to a compute thread. */
struct stage_page {
    uint64_t id;
    const char *text;         /* the URL, or the item */
    const char *content_type; /* as the headers say; "" if they don't */
    const char *content_encoding;
    const uint8_t *body; /* NULL where nothing was fetched */
    size_t len;
};

/* What came of it. Belongs to whoever calls run, who passes it to stage_result_free. */
struct stage_result {
    uint32_t n_values;
    struct wire_text values[WIRE_MAX_VALUES]; /* malloc'd */
    char *error;                              /* malloc'd; NULL if all went well */
    size_t decoded;                           /* bytes of the body when decoded */
    uint64_t recomputed; /* results that failed a check on the way, and were computed again */
    int64_t duration;    /* ns */
};

/* Made by stage_pages_new and its like, and used through these. */
struct stage {
    uint32_t n_values; /* that a record without error gives */
    bool wants_body;   /* false: run need not be called, there are no values */

    /* What is needed on this rank before the first run, beside memory. False: `error` says what failed. */
    bool (*open)(struct stage *stage, char *error, size_t error_size);
    /* `*result` is all zero. Compute thread `thread` alone at a time. */
    void (*run)(const struct stage *stage, unsigned thread, const struct stage_page *page,
                struct stage_result *result);
    void (*free)(struct stage *stage);
};

/* Sets the error to a copy of `reason`. For stages. */
void stage_fail(struct stage_result *result, const char *reason);

void stage_result_free(struct stage_result *result);

#endif
