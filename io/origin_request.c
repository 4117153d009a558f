#include "io/origin_request.h"

#include "io/origin_raw.h"
#include "io/origin_respond.h"
#include "io/origin_socket.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum state {
    STATE_HEAD,    /* nothing but the request line is known */
    STATE_READING, /* begun; the request's body, if any, is being read and dropped */
    STATE_WAITING, /* suspended until its time */
    STATE_READY,   /* to be answered */
    STATE_RAW,     /* suspended while we write to its socket */
    STATE_ENDED    /* the connection is to be closed */
};

struct request {
    struct origin_timer timer; /* first: the heap's timers are requests */
    struct MHD_Connection *connection;
    enum state state;
    struct origin_raw *raw;
    struct origin_host *host; /* NULL: not begun, so not in the log */
    uint64_t number;
    unsigned status;
    const char *result; /* as a fault left it; NULL: as libmicrohttpd says */
    bool old, failing;
    const char *wrong; /* part of the target that does not parse, or NULL */
    struct origin_query query;
    char method[32];
    char client[64];
    char agent[128];
    char target[];
};

int64_t origin_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void *origin_request_new(void *server, const char *target, struct MHD_Connection *connection)
{
    size_t size = strlen(target) + 1;
    struct request *request = calloc(1, sizeof(*request) + size);
    (void)server;
    if (!request)
        return NULL;
    request->connection = connection;
    memcpy(request->target, target, size);
    return request;
}

static void log_event(struct origin_server *server, const struct request *request, const char *event,
                      const char *result)
{
    origin_log_add(&server->log, &(struct origin_log_line){.event = event,
                                                           .time = origin_now(),
                                                           .request = request->number,
                                                           .in_flight = server->tally.in_flight,
                                                           .in_flight_host = request->host->in_flight,
                                                           .method = request->method,
                                                           .target = request->target,
                                                           .status = request->status,
                                                           .host = request->host->name,
                                                           .client = request->client,
                                                           .result = result,
                                                           .user_agent = request->agent});
}

static const char *find_header(struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result begin(struct origin_server *server, struct request *request, const char *method,
                             const char *version)
{
    const char *agent = find_header(request, MHD_HTTP_HEADER_USER_AGENT);
    request->host = origin_tally_enter(&server->tally, find_header(request, MHD_HTTP_HEADER_HOST));
    if (!request->host)
        return MHD_NO;
    request->number = ++server->requests;
    request->old = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    (void)snprintf(request->method, sizeof(request->method), "%s", method);
    (void)snprintf(request->agent, sizeof(request->agent), "%s", agent ? agent : "");
    if (server->log.fd >= 0) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        origin_socket_name(info ? info->client_addr : NULL, request->client);
        log_event(server, request, "start", NULL);
    }
    request->state = STATE_READING;
    return MHD_YES;
}

/* Suspends the connection until the time. */
static enum MHD_Result wait_until(struct origin_server *server, struct request *request, enum state state,
                                  int64_t due)
{
    if (origin_timers_add(&server->timers, &request->timer, due))
        return MHD_NO;
    request->state = state;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

static enum MHD_Result start_raw(struct origin_server *server, struct request *request,
                                 struct origin_reply *reply)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    bool head = strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0;
    request->raw = info ? origin_raw_new(info->connect_fd, &request->query, reply, head, request->old) : NULL;
    origin_reply_clear(reply);
    if (!request->raw)
        return MHD_NO;
    request->result = "fault";
    return wait_until(server, request, STATE_RAW, origin_now());
}

static int make_reply(struct origin_server *server, const struct request *request, bool has_agent,
                      struct origin_reply *reply)
{
    char detail[96];
    const struct origin_query *query = &request->query;
    if (request->wrong) {
        (void)snprintf(detail, sizeof(detail), "Not understood: %s.", request->wrong);
        return origin_reply_status(reply, 400, detail, NULL);
    }
    if (request->failing)
        return origin_reply_status(reply, query->status >= 0 ? (unsigned)query->status : 503,
                                   "It will get better.", query);
    return origin_site_reply(&server->site, query, has_agent, reply);
}

static enum MHD_Result answer(struct origin_server *server, struct request *request)
{
    struct origin_reply reply;
    bool raw = !request->wrong && !request->failing && origin_raw_wanted(&request->query);
    if (!request->wrong && request->query.drop) {
        request->result = "fault";
        return MHD_NO;
    }
    int error =
        raw && server->tls
            ? origin_reply_status(&reply, 501, "This fault needs plain HTTP.", NULL)
            : make_reply(server, request, find_header(request, MHD_HTTP_HEADER_USER_AGENT) != NULL, &reply);
    if (error)
        return MHD_NO;
    request->status = reply.status;
    request->state = STATE_ENDED;
    return raw && !server->tls ? start_raw(server, request, &reply)
                               : origin_respond(request->connection, &reply);
}

/* The first requests fail with a status or, without one, with the query's own fault, which the later ones are
 * spared. */
static int count_failure(struct origin_server *server, struct request *request)
{
    struct origin_query *query = &request->query;
    bool hit = false, faulty = query->status < 0 && (query->drop || origin_raw_wanted(query));
    int error = origin_fails_count(&server->fails, request->target, query->fail, &hit);
    if (error)
        return error;
    request->failing = hit && !faulty;
    if (faulty && !hit) {
        query->drop = query->endless = query->endless_header = 0;
        query->slow = query->reset = query->content_length = -1;
    }
    return 0;
}

/* The request has been read. */
static enum MHD_Result decide(struct origin_server *server, struct request *request)
{
    request->wrong = origin_query_parse(request->target, &request->query);
    if (request->wrong)
        return answer(server, request);
    if (request->query.fail >= 0 && count_failure(server, request))
        return MHD_NO;
    int64_t wait = origin_site_wait(&server->site, &request->query);
    return wait > 0 ? wait_until(server, request, STATE_WAITING, origin_now() + wait)
                    : answer(server, request);
}

enum MHD_Result origin_request_handle(void *closure, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *upload,
                                      size_t *upload_size, void **data)
{
    struct origin_server *server = closure;
    struct request *request = *data;
    (void)connection, (void)url, (void)upload;
    if (!request)
        return MHD_NO;
    switch (request->state) {
    case STATE_HEAD:
        return begin(server, request, method, version);
    case STATE_READING:
        if (*upload_size == 0)
            return decide(server, request);
        *upload_size = 0;
        return MHD_YES;
    case STATE_READY:
        return answer(server, request);
    case STATE_WAITING:
    case STATE_RAW:
    case STATE_ENDED:
        break;
    }
    return MHD_NO;
}

void origin_request_completed(void *closure, struct MHD_Connection *connection, void **data,
                              enum MHD_RequestTerminationCode code)
{
    struct origin_server *server = closure;
    struct request *request = *data;
    (void)connection;
    if (!request)
        return;
    *data = NULL;
    origin_timers_remove(&server->timers, &request->timer);
    if (request->host) {
        const char *result = request->result                               ? request->result
                             : code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "ok"
                                                                           : "aborted";
        log_event(server, request, "end", result);
        origin_tally_leave(&server->tally, request->host);
    }
    origin_raw_free(request->raw);
    free(request);
}

static void resume(struct request *request, enum state state)
{
    request->state = state;
    MHD_resume_connection(request->connection);
}

static void wake(struct origin_server *server, struct request *request, int64_t now)
{
    if (request->state == STATE_WAITING) {
        resume(request, STATE_READY);
        return;
    }
    int64_t next = origin_raw_write(request->raw, now);
    if (next == ORIGIN_RAW_DONE || origin_timers_add(&server->timers, &request->timer, next))
        resume(request, STATE_ENDED);
}

void origin_requests_wake(struct origin_server *server, int64_t now)
{
    /* A raw answer may be due again at once; only those due at the outset, so that the loop gets its turn. */
    struct origin_timer *timer;
    for (size_t left = server->timers.count; left && (timer = origin_timers_first(&server->timers)); left--) {
        if (timer->due > now)
            return;
        origin_timers_remove(&server->timers, timer);
        wake(server, (struct request *)(void *)timer, now);
    }
}

void origin_requests_abandon(struct origin_server *server)
{
    for (struct origin_timer *timer; (timer = origin_timers_first(&server->timers));) {
        struct request *request = (struct request *)(void *)timer;
        origin_timers_remove(&server->timers, timer);
        if (!request->result)
            request->result = "aborted";
        resume(request, STATE_ENDED);
    }
}
