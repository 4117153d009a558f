#include "io/origin.h"

#include "io/origin_request.h"
#include "io/origin_socket.h"
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND INT64_C(1000000)

/* Seconds a connection may idle between requests, nginx's default. */
enum { IDLE_SECONDS = 75, ARTICLES_DEFAULT = 1000, MANY_TIMERS = 256 };

/* Bytes of a connection's pool, which bounds a request's head. libmicrohttpd clears all of it after every
 * request. */
enum { CONNECTION_MEMORY = 16 << 10 };

static const char robots_default[] = "User-agent: *\nDisallow: /private/\n";

struct origin {
    struct origin_server server;
    struct MHD_Daemon *daemon;
    int listen_fd; /* -1 once it is the daemon's */
    int epoll_fd;  /* the daemon's */
    int stop_fd;   /* an eventfd, readable when the thread is to end */
    uint16_t port;
    int64_t last_wake;
    char *tls_cert, *tls_key;
    pthread_t thread;
};

/* When the waiting requests are looked at next. libmicrohttpd goes through all suspended connections whenever
 * one is resumed, so with many of them the looking is done at most once a millisecond; never early, at most
 * that late. */
static int64_t next_wake(const struct origin *origin)
{
    const struct origin_timer *first = origin_timers_first(&origin->server.timers);
    if (!first)
        return INT64_MAX;
    int64_t earliest = origin->server.timers.count > MANY_TIMERS ? origin->last_wake + MILLISECOND : 0;
    return first->due > earliest ? first->due : earliest;
}

/* Waits for a socket, a timer or the stop. Returns whether to go on. */
static bool wait_for_work(struct origin *origin)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;
    int64_t now = origin_now(), until = next_wake(origin);
    if (MHD_get_timeout(origin->daemon, &milliseconds) == MHD_YES && milliseconds < 3600000 &&
        now + (int64_t)milliseconds * MILLISECOND < until)
        until = now + (int64_t)milliseconds * MILLISECOND;
    int64_t wait = until > now ? until - now : 0;
    struct timespec timeout = {(time_t)(wait / 1000000000), (long)(wait % 1000000000)};
    struct pollfd polled[2] = {{.fd = origin->epoll_fd, .events = POLLIN},
                               {.fd = origin->stop_fd, .events = POLLIN}};
    int ready = ppoll(polled, 2, until == INT64_MAX ? NULL : &timeout, NULL);
    return ready >= 0 ? !polled[1].revents : errno == EINTR;
}

static void *serve(void *closure)
{
    struct origin *origin = closure;
    while (wait_for_work(origin)) {
        int64_t now = origin_now();
        if (next_wake(origin) <= now) {
            origin->last_wake = now;
            origin_requests_wake(&origin->server, now);
        }
        if (MHD_run(origin->daemon) != MHD_YES)
            break;
        origin_log_flush(&origin->server.log);
    }
    origin_requests_abandon(&origin->server);
    return NULL;
}

static int start_daemon(struct origin *origin, unsigned connections)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (origin->server.tls ? MHD_USE_TLS : 0U);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, origin->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)connections, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)origin_request_new, &origin->server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)origin_request_completed, &origin->server},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL}, /* the thread blocks it */
        {origin->server.tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, origin->tls_key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, origin->tls_cert},
        {MHD_OPTION_END, 0, NULL},
    };
    origin->daemon = MHD_start_daemon(flags, 0, NULL, NULL, origin_request_handle, &origin->server,
                                      MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    /* It closes the socket on failure as well. */
    origin->listen_fd = -1;
    if (!origin->daemon)
        return EPROTO;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(origin->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return EPROTO;
    origin->epoll_fd = info->epoll_fd;
    return 0;
}

static int start_thread(struct origin *origin)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error)
        return error;
    error = pthread_create(&origin->thread, NULL, serve, origin);
    int restored = pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? error : restored;
}

static int read_tls(struct origin *origin, const struct origin_config *config)
{
    if (!config->tls_cert && !config->tls_key)
        return 0;
    if (!config->tls_cert || !config->tls_key)
        return EINVAL;
    int error = origin_file_read(config->tls_cert, &origin->tls_cert);
    if (!error)
        error = origin_file_read(config->tls_key, &origin->tls_key);
    origin->server.tls = !error;
    return error;
}

static int set_up(struct origin *origin, const struct origin_config *config)
{
    unsigned limit = origin_socket_limit();
    if (!(config->latency >= 0 && config->latency <= ORIGIN_SECONDS_MAX))
        return EINVAL;
    int error = origin_site_init(
        &origin->server.site, config->seed, config->articles ? config->articles : ARTICLES_DEFAULT,
        (int64_t)(config->latency * 1e9), config->robots ? config->robots : robots_default);
    if (!error)
        error = read_tls(origin, config);
    if (!error)
        error = origin_log_open(&origin->server.log, config->log_path, config->log_fd);
    origin->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (!error && origin->stop_fd < 0)
        error = errno;
    if (!error)
        error = origin_socket_listen(config->address ? config->address : "127.0.0.1", config->port,
                                     &origin->listen_fd, &origin->port);
    if (!error)
        error = start_daemon(origin, config->connections && config->connections < limit ? config->connections
                                                                                        : limit);
    return error ? error : start_thread(origin);
}

/* Everything but the thread. Returns the log's error. */
static int tear_down(struct origin *origin)
{
    if (origin->daemon)
        MHD_stop_daemon(origin->daemon);
    if (origin->listen_fd >= 0)
        (void)close(origin->listen_fd);
    if (origin->stop_fd >= 0)
        (void)close(origin->stop_fd);
    int error = origin_log_close(&origin->server.log);
    origin_site_free(&origin->server.site);
    origin_fails_free(&origin->server.fails);
    origin_timers_free(&origin->server.timers);
    free(origin->tls_cert);
    free(origin->tls_key);
    free(origin);
    return error;
}

int origin_start(const struct origin_config *config, struct origin **out)
{
    struct origin *origin = calloc(1, sizeof(*origin));
    *out = NULL;
    if (!origin)
        return ENOMEM;
    origin->server.log.fd = origin->stop_fd = origin->listen_fd = -1;
    int error = set_up(origin, config);
    if (error) {
        (void)tear_down(origin);
        return error;
    }
    *out = origin;
    return 0;
}

uint16_t origin_port(const struct origin *origin)
{
    return origin->port;
}

int origin_is_tls(const struct origin *origin)
{
    return origin->server.tls;
}

int origin_stop(struct origin *origin)
{
    uint64_t one = 1;
    if (!origin)
        return 0;
    ssize_t written;
    do
        written = write(origin->stop_fd, &one, sizeof(one));
    while (written < 0 && errno == EINTR);
    int error = pthread_join(origin->thread, NULL);
    return error ? error : tear_down(origin);
}
