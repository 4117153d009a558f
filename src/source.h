/* A source of records, read as a stream on rank 0's event loop: the URLs of a list, or the powers to compute.
 *
 * Nothing here waits: where nothing can be read yet, the source says so. All functions are for the loop's thread.
 */
#ifndef MILLRACE_SRC_SOURCE_H
#define MILLRACE_SRC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_record {
    uint64_t id;            /* position in the input, from 0 */
    const char *text;       /* what is dealt: a URL, or an item */
    const char *host;       /* what limits apply to; see dealer.h */
    uint32_t max_in_flight; /* of that host; 0: no limit */
    const char *problem;    /* why this can't be dealt, for people; NULL: it can */
};

enum source_step { SOURCE_RECORD, SOURCE_WAIT, SOURCE_END, SOURCE_FAILED };

/* Made by source_urls_open or source_powers_open, and used through these. */
struct source {
    /* Sets `*record` with SOURCE_RECORD; its pointers are valid until the next call. After SOURCE_WAIT: wait until
     * fd() is readable. After SOURCE_FAILED: failure() says why, and what was read before is good. */
    enum source_step (*next)(struct source *source, struct source_record *record);
    int (*fd)(const struct source *source);
    const char *(*failure)(const struct source *source);

    /* True: the number of records is known. Otherwise fraction() tells how much was read, 0 to 1, or < 0. */
    bool (*total)(const struct source *source, uint64_t *total);
    double (*fraction)(const struct source *source);

    /* Whether a redirect may lead to `text`, and then the host's name and limit in `*record` (valid as above); else
     * its problem. NULL where there are no redirects. */
    void (*redirect)(struct source *source, const char *text, size_t len, struct source_record *record);

    void (*close)(struct source *source);
};

#endif
