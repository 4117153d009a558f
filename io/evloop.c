#include "io/evloop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 }; /* events served between two looks at everything else */

struct watch {
    evloop_fn *fn;
    void *context;
    unsigned wanted;     /* EVLOOP_ bits */
    unsigned registered; /* what the kernel was told; a superset of `wanted` at times, if lazy */
    bool lazy;
};

struct evloop {
    int epoll_fd;
    int wake_fd;
    struct watch *watches; /* by descriptor */
    int n_watches;
    int64_t busy_since; /* end of the last wait; 0 before the first */
    int64_t longest_stall;
};

int64_t evloop_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void drain_wakes(void *context, int fd, unsigned events)
{
    (void)context;
    (void)events;
    uint64_t count;
    /* EAGAIN when another wake was drained with this one: nothing is lost. */
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN)
        return;
}

struct evloop *evloop_new(void)
{
    struct evloop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        !evloop_watch(loop, loop->wake_fd, EVLOOP_READ, drain_wakes, NULL)) {
        int saved = errno;
        evloop_free(loop);
        errno = saved;
        return NULL;
    }
    return loop;
}

void evloop_free(struct evloop *loop)
{
    if (!loop)
        return;
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    free(loop->watches);
    free(loop);
}

static struct watch *watch_of(struct evloop *loop, int fd)
{
    if (fd >= loop->n_watches) {
        int n = fd < 64 ? 128 : 2 * fd;
        struct watch *grown = realloc(loop->watches, (size_t)n * sizeof *grown);
        if (!grown)
            return NULL;
        for (int i = loop->n_watches; i < n; i++)
            grown[i] = (struct watch){0};
        loop->watches = grown;
        loop->n_watches = n;
    }
    return &loop->watches[fd];
}

static bool tell_kernel(struct evloop *loop, int fd, struct watch *w)
{
    struct epoll_event ev = {.data.fd = fd};
    if (w->wanted & EVLOOP_READ)
        ev.events |= EPOLLIN | EPOLLRDHUP;
    if (w->wanted & EVLOOP_WRITE)
        ev.events |= EPOLLOUT;
    int op = !w->registered ? EPOLL_CTL_ADD : w->wanted ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (epoll_ctl(loop->epoll_fd, op, fd, &ev) != 0)
        return false;
    w->registered = w->wanted;
    return true;
}

bool evloop_watch(struct evloop *loop, int fd, unsigned events, evloop_fn *fn, void *context)
{
    struct watch *w = watch_of(loop, fd);
    if (!w)
        return false;
    w->fn = fn;
    w->context = context;
    w->wanted = events;
    bool enough = w->lazy ? (events & ~w->registered) == 0 : events == w->registered;
    return enough || tell_kernel(loop, fd, w);
}

bool evloop_opened(struct evloop *loop, int fd)
{
    struct watch *w = watch_of(loop, fd);
    if (!w)
        return false;
    *w = (struct watch){.lazy = true};
    return true;
}

void evloop_closing(struct evloop *loop, int fd)
{
    if (fd >= loop->n_watches)
        return;
    struct watch *w = &loop->watches[fd];
    w->wanted = 0;
    w->lazy = false;
    /* Closing unregisters only the last descriptor of an open file; a forked child may hold another. */
    if (w->registered && !tell_kernel(loop, fd, w))
        w->registered = 0;
}

static void dispatch(struct evloop *loop, const struct epoll_event *ev)
{
    int fd = ev->data.fd;
    struct watch *w = &loop->watches[fd];
    unsigned ready = 0;
    if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        ready |= EVLOOP_READ;
    if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        ready |= EVLOOP_WRITE;
    if (ready & w->wanted)
        w->fn(w->context, fd, ready & w->wanted);
    else if (w->registered != w->wanted && !tell_kernel(loop, fd, w))
        w->registered = 0;
}

/* epoll_pwait2(2) came with Linux 5.11, and the kernels of many clusters are older. There ppoll(2), which
 * waits for parts of a millisecond too, watches the epoll descriptor. */
static int wait_for_events(struct evloop *loop, struct epoll_event *events, const struct timespec *limit)
{
    int n = epoll_pwait2(loop->epoll_fd, events, BATCH, limit, NULL);
    if (n >= 0 || errno != ENOSYS)
        return n;
    struct pollfd p = {.fd = loop->epoll_fd, .events = POLLIN};
    return ppoll(&p, 1, limit, NULL) > 0 ? epoll_wait(loop->epoll_fd, events, BATCH, 0) : 0;
}

void evloop_wait(struct evloop *loop, int64_t timeout)
{
    struct epoll_event events[BATCH];
    struct timespec limit = {.tv_sec = timeout / 1000000000, .tv_nsec = timeout % 1000000000};
    int64_t now = evloop_now();
    if (loop->busy_since && now - loop->busy_since > loop->longest_stall)
        loop->longest_stall = now - loop->busy_since;
    int n = wait_for_events(loop, events, &limit);
    loop->busy_since = evloop_now();
    for (int i = 0; i < n; i++)
        dispatch(loop, &events[i]);
}

int64_t evloop_woken(const struct evloop *loop)
{
    return loop->busy_since;
}

void evloop_wake(struct evloop *loop)
{
    int saved = errno;
    uint64_t one = 1;
    /* Fails only when the counter is at its limit, and then the loop will wake anyhow. */
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written;
    errno = saved;
}

int64_t evloop_longest_stall(const struct evloop *loop)
{
    return loop->longest_stall;
}
