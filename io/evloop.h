/* One rank's event loop: waits for file descriptors with epoll(7) and calls back what watches them.
 *
 * Registration can be lazy: a watch that is dropped or narrowed stays in the kernel until an event proves it
 * unwanted. A kept-alive connection is dropped and watched again with every request: that saves two system
 * calls for each.
 *
 * All functions are for the loop's own thread, except evloop_wake.
 */
#ifndef MILLRACE_IO_EVLOOP_H
#define MILLRACE_IO_EVLOOP_H

#include <stdbool.h>
#include <stdint.h>

#define EVLOOP_READ 1u
#define EVLOOP_WRITE 2u

struct evloop;

/* `events`: EVLOOP_READ and EVLOOP_WRITE, either or both; errors and hang-ups are told as both. */
typedef void evloop_fn(void *context, int fd, unsigned events);

/* NULL with errno set: no descriptor or no memory left. */
struct evloop *evloop_new(void);
void evloop_free(struct evloop *loop);

/* Nanoseconds of CLOCK_MONOTONIC: the time all of the program's stages go by. */
int64_t evloop_now(void);

/* Calls `fn` whenever one of `events` is ready (level-triggered) until it is watched for others; events 0
 * forgets it. False with errno set: the kernel refused the descriptor (EPERM: a regular file, which is always
 * ready), or no memory. */
bool evloop_watch(struct evloop *loop, int fd, unsigned events, evloop_fn *fn, void *context);

/* The descriptor is new, and evloop_closing will be called before it is closed: its registration may be lazy.
 */
bool evloop_opened(struct evloop *loop, int fd);

/* The descriptor is about to be closed: whatever was registered for it is void. */
void evloop_closing(struct evloop *loop, int fd);

/* Waits at most `timeout` ns (0: not at all) and calls back what is ready. */
void evloop_wait(struct evloop *loop, int64_t timeout);

/* When the last wait ended, and serving what was ready began: ns of evloop_now. */
int64_t evloop_woken(const struct evloop *loop);

/* Ends a wait that is under way, or the next. Any thread; async-signal-safe. */
void evloop_wake(struct evloop *loop);

/* The longest time in ns that the loop spent between two waits, since evloop_new: nothing else could be
 * served then. */
int64_t evloop_longest_stall(const struct evloop *loop);

#endif
