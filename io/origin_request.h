/* The life of one request: begun when its head is read, perhaps made to wait, answered by libmicrohttpd or
 * past it, ended and logged. Everything here runs on the origin's one thread; what the thread shares is
 * nothing. */
#ifndef MILLRACE_IO_ORIGIN_REQUEST_H
#define MILLRACE_IO_ORIGIN_REQUEST_H

#include "io/origin_fails.h"
#include "io/origin_log.h"
#include "io/origin_site.h"
#include "io/origin_tally.h"
#include "io/origin_timer.h"
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/* What the requests work with. */
struct origin_server {
    struct origin_site site;
    struct origin_fails fails;
    struct origin_tally tally;
    struct origin_timers timers; /* of exactly the suspended connections */
    struct origin_log log;
    uint64_t requests; /* how many have begun */
    bool tls;
};

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t origin_now(void);

/* libmicrohttpd's callbacks, server being their closure: of MHD_OPTION_URI_LOG_CALLBACK, which alone sees the
 * target as it was sent, of the daemon, and of MHD_OPTION_NOTIFY_COMPLETED. */
void *origin_request_new(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result origin_request_handle(void *server, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *upload,
                                      size_t *upload_size, void **request);
void origin_request_completed(void *server, struct MHD_Connection *connection, void **request,
                              enum MHD_RequestTerminationCode code);

/* Moves on every request whose time has come. */
void origin_requests_wake(struct origin_server *server, int64_t now);

/* Resumes all that wait, to be closed unanswered: libmicrohttpd must not be stopped with suspended
 * connections. */
void origin_requests_abandon(struct origin_server *server);

#endif
