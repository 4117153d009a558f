/*
 * Fields out of fetched pages: an extractor is a list of named selectors, compiled once and shared; each
 * thread brings its own scratch. A page is converted to UTF-8 once, and parsed as HTML and as JSON once each
 * and only if a selector asks for it.
 */
#ifndef MILLRACE_KERNELS_EXTRACT_H
#define MILLRACE_KERNELS_EXTRACT_H

#include "kernels/html.h"

#define EXTRACT_MAX_VALUE ((size_t)1 << 20) /* bytes of one value */
#define EXTRACT_MAX_FIELDS 256
#define EXTRACT_MAX_NAME 256

/* What every page is bound by; see extract_default_limits. */
struct extract_limits {
    struct html_limits html;
    unsigned milliseconds; /* of the thread's CPU time for one page, charset and all fields included */
};

/* html_default_limits and 2,000 ms. */
struct extract_limits extract_default_limits(void);

/* Immutable once its last field is added: from then on any number of threads may run it. */
struct extractor;

/* A thread's parser, converter and match data, reused from page to page. Never shared. */
struct extract_scratch;

/* What a run or an addition failed of. */
struct extract_error {
    char message[512]; /* short, for users, no full stop; names the field */
    size_t offset;     /* extractor_add: of the byte of the selector that is wrong */
};

/* An empty extractor; null when out of memory. */
struct extractor *extractor_create(const struct extract_limits *limits);

/* Adds a field, which becomes the last. False: `error` says why, and the extractor is as before. Not while it
 * is run. */
bool extractor_add(struct extractor *extractor, const char *name, const char *selector,
                   struct extract_error *error);

size_t extractor_count(const struct extractor *extractor);
const char *extractor_name(const struct extractor *extractor, size_t field);

/* Null is allowed. Not while it is run. */
void extractor_destroy(struct extractor *extractor);

/* Null when out of memory. */
struct extract_scratch *extract_scratch_create(void);
void extract_scratch_destroy(struct extract_scratch *scratch);

/* A page as it came, but for its content coding, which decode_body has undone. Borrowed for the time of the
 * run. */
struct page {
    const uint8_t *body;
    size_t size;
    const char *content_type; /* the header's value, or null */
    const char *url;          /* not read by any selector yet; may be null */
};

/* `text` is null where the selector matched nothing; an empty text is a match that has none. NUL-terminated
 * beside. */
struct field_value {
    char *text;
    size_t size;
};

/* Why a run failed. Each fails for the page as a whole: there are either all values or none. */
enum extract_status {
    EXTRACT_OK,
    EXTRACT_BAD_PAGE,  /* not JSON, no converter for its charset */
    EXTRACT_TOO_LARGE, /* a value, or the tree */
    EXTRACT_TOO_DEEP,
    EXTRACT_TOO_SLOW,
    EXTRACT_NO_MEMORY
};

/*
 * Fills `values`, one for each field, valid UTF-8, owned by the caller from then on (field_values_free). A
 * selector that matches nothing is no error; its value is absent. On any status but EXTRACT_OK all values are
 * absent, and `error` has the message. Any thread, with a scratch of its own; at most the limits' time, give
 * or take one piece of work.
 */
enum extract_status extract_run(const struct extractor *extractor, struct extract_scratch *scratch,
                                const struct page *page, struct field_value *values,
                                struct extract_error *error);

/* Frees the texts and makes the values absent. */
void field_values_free(struct field_value *values, size_t count);

#endif
