/* The URLs of a list as records: read by io/input.h, checked by io/url.h, with the limits of their hosts. */
#ifndef MILLRACE_SRC_SOURCE_URLS_H
#define MILLRACE_SRC_SOURCE_URLS_H

#include "src/source.h"

struct source_urls_config {
    char *const *inputs; /* as io/input.h reads them */
    size_t n_inputs;
    uint32_t repeat;            /* each record so many times, at least 1 */
    const char *url_column;     /* NULL: "url" */
    uint32_t per_host;          /* in flight for each host over the job; 0: no limit */
    uint32_t per_loopback_host; /* the same for hosts on this machine */
};

/* Opens all inputs. The configuration's strings must outlive the source. NULL: `error` names what can't be read. */
struct source *source_urls_open(const struct source_urls_config *config, char *error, size_t error_size);

#endif
