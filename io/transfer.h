/* HTTP transfers of one rank: many in flight, none of them blocking, over libcurl's multi interface
 * (libcurl-multi(3)).
 *
 * One HTTP exchange a transfer: redirects are reported, never followed, and content codings are left as they
 * are, because where to go next is the dealer's to decide and decoding is the compute threads' work. Hosts
 * are spread over several multi handles (a host is always in the same one), since one handle slows down with
 * some hundreds of hosts.
 *
 * All functions are for the event loop's thread.
 */
#ifndef MILLRACE_IO_TRANSFER_H
#define MILLRACE_IO_TRANSFER_H

#include "io/evloop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transfer_http { TRANSFER_HTTP_BEST, TRANSFER_HTTP_1_1, TRANSFER_HTTP_2 };

/* The strings must outlive the transfers; NULL where not given. */
struct transfer_options {
    uint32_t concurrency;    /* in flight at most, on this rank */
    int64_t timeout;         /* ns, for the whole exchange; 0: none */
    int64_t connect_timeout; /* ns, name resolution and TLS included; 0: libcurl's default */
    size_t max_body;         /* bytes as they come over the wire; more ends the transfer */
    bool phases;             /* results tell them */
    bool discard_body;       /* count the body's bytes, keep none */
    enum transfer_http http; /* BEST: HTTP/2 over TLS where the server offers it */
    const char *user_agent;
    const char *proxy;    /* CURLOPT_PROXY; NULL: as the environment says */
    const char *cacert;   /* a PEM file in place of the system's certificates */
    char *const *headers; /* "Name: value", n_headers of them */
    size_t n_headers;
    char *const *connect_to; /* "HOST1:PORT1:HOST2:PORT2", n_connect_to of them */
    size_t n_connect_to;
};

enum transfer_end {
    TRANSFER_ANSWERED, /* `status` came with all of its body (or with a body that nobody needs) */
    TRANSFER_BROKEN,  /* no whole answer, for a reason that may pass: refused, reset, timed out, unresolved */
    TRANSFER_REFUSED, /* no use trying again: over a limit, a malformed answer, a bad certificate */
};

/* What a transfer passes through, each phase until the next begins and the last until the end: the name is looked up,
 * a connection made, TLS agreed on, the answer awaited, its body received. */
enum transfer_phase {
    TRANSFER_RESOLVED,
    TRANSFER_CONNECTED,
    TRANSFER_SECURED,
    TRANSFER_FIRST_BYTE,
    TRANSFER_PHASES
};

/* How a transfer ended. The strings live until the callback returns. */
struct transfer_result {
    enum transfer_end end;
    uint32_t status;              /* HTTP status code; 0 if none came */
    const char *error;            /* with BROKEN and REFUSED: why, for people; else NULL */
    const char *redirect;         /* the absolute URL that a 3xx answer names; else NULL */
    const char *content_type;     /* "" if none came */
    const char *content_encoding; /* "" if none came */
    int64_t retry_after;          /* ns from now (RFC 9110 10.2.3, both forms); -1: none */
    uint8_t *body;                /* malloc'd, the callback's to free; only with a 2xx status, else NULL */
    size_t body_len;
    int64_t duration;     /* ns from start to end */
    uint64_t received;    /* bytes, headers included */
    uint32_t connections; /* newly opened for this transfer */
    int64_t
        phases[TRANSFER_PHASES]; /* ns from start until each was reached, if the options ask; 0: it was not */
};

typedef void transfer_done_fn(void *context, void *record, struct transfer_result *result);

struct transfers;

/* Prepares for transfers; calls `done` for each that ends, from transfers_run and never from transfers_start.
 * NULL with
 * `*error` set to a static text: no memory, or an option that libcurl cannot serve (it is then named). Lowers
 * options->concurrency (in its own copy) to what the limit of open files allows; transfers_concurrency tells.
 */
struct transfers *transfers_new(const struct transfer_options *options, struct evloop *loop,
                                transfer_done_fn *done, void *context, const char **error);

/* Ends all transfers without calling back. */
void transfers_free(struct transfers *t);

uint32_t transfers_concurrency(const struct transfers *t);
uint32_t transfers_active(const struct transfers *t);

/* Begins a GET of the URL (copied). False: no memory, or already as many active as the options allow. */
bool transfers_start(struct transfers *t, const char *url, void *record);

/* When transfers_run must be called though no descriptor is ready: ns of evloop_now, INT64_MAX for never. */
int64_t transfers_deadline(const struct transfers *t);

/* Serves what is due and calls back what has ended. Call after each evloop_wait. */
void transfers_run(struct transfers *t, int64_t now);

/* Writes which libcurl this is, as "libcurl 7.88.1". Any thread. */
void transfer_library(char *out, size_t size);

#endif
