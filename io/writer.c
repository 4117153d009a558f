/* Two buffers: the owner adds to `queued`, the thread takes it all, as `taken`, and writes that out of the
 * lock. Of compressed output `taken` is gathered in `member` until it is large or old enough, and then
 * compressed as a whole: what a kill takes is never part of a member. */
#include "io/writer.h"

#include "io/buffer.h"
#include "io/compress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 1 << 18,   /* bytes for one write(2), after which the backlog is counted again */
    MEMBER = 1 << 20,  /* bytes, before they are compressed, of a gzip member or zstd frame */
    MEMBER_SECONDS = 1 /* and its age */
};

struct writer {
    int fd;
    bool owns_fd;
    enum writer_compression compression;
    size_t limit;
    void (*notify)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the thread waits: something is queued, or it is closing */

    /* Under the lock. */
    struct buffer queued;
    size_t backlog; /* queued, taken and gathered bytes, before they are compressed */
    bool was_full;  /* told so to the owner, who waits to be notified */
    bool closing;
    int error;

    /* The thread's own. */
    struct buffer taken, member, packed;
    struct compressor *compressor;
    struct timespec member_due;
};

static bool ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text), n = strlen(suffix);
    return len > n && strcasecmp(text + len - n, suffix) == 0;
}

enum writer_compression writer_compression_of(const char *path)
{
    if (!path)
        return WRITER_PLAIN;
    return ends_with(path, ".gz") ? WRITER_GZIP : ends_with(path, ".zst") ? WRITER_ZSTD : WRITER_PLAIN;
}

/* `n` bytes are out, or have failed to be. */
static void settle(struct writer *w, size_t n, int error)
{
    pthread_mutex_lock(&w->lock);
    bool tell = error && !w->error;
    if (tell)
        w->error = error;
    w->backlog -= n;
    if (w->was_full && w->backlog <= w->limit / 2) {
        w->was_full = false;
        tell = true;
    }
    pthread_mutex_unlock(&w->lock);
    if (tell && w->notify)
        w->notify(w->context);
}

static int write_chunk(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, data, n);
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            /* Somebody has made the shared standard output non-blocking. */
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            (void)poll(&p, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            return errno;
        } else if (written > 0) {
            data += written;
            n -= (size_t)written;
        }
    }
    return 0;
}

static int write_plain(struct writer *w, const struct buffer *b)
{
    int error = 0;
    for (size_t at = 0; at < b->len && !error;) {
        size_t n = b->len - at < CHUNK ? b->len - at : CHUNK;
        error = write_chunk(w->fd, b->data + at, n);
        settle(w, error ? b->len - at : n, error);
        at += n;
    }
    return error;
}

/* What was gathered goes out as one member. */
static int flush_member(struct writer *w)
{
    size_t n = w->member.len;
    if (n == 0)
        return 0;
    buffer_reset(&w->packed);
    int error = compressor_pack(w->compressor, w->member.data, n, &w->packed) ? 0 : ENOMEM;
    for (size_t at = 0; at < w->packed.len && !error; at += CHUNK)
        error =
            write_chunk(w->fd, w->packed.data + at, w->packed.len - at < CHUNK ? w->packed.len - at : CHUNK);
    buffer_reset(&w->member);
    settle(w, n, error);
    return error;
}

static int gather(struct writer *w, const struct buffer *b)
{
    if (w->member.len == 0) {
        (void)clock_gettime(CLOCK_MONOTONIC, &w->member_due);
        w->member_due.tv_sec += MEMBER_SECONDS;
    }
    if (!buffer_add(&w->member, b->data, b->len)) {
        settle(w, w->member.len + b->len, ENOMEM);
        buffer_reset(&w->member);
        return ENOMEM;
    }
    return w->member.len >= MEMBER ? flush_member(w) : 0;
}

static bool is_due(const struct writer *w)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > w->member_due.tv_sec ||
           (now.tv_sec == w->member_due.tv_sec && now.tv_nsec >= w->member_due.tv_nsec);
}

/* Takes what is queued. False: closing, and nothing is left to take. `taken` is empty when a member is due.
 */
static bool take(struct writer *w)
{
    buffer_reset(&w->taken);
    pthread_mutex_lock(&w->lock);
    int timed_out = 0;
    while (w->queued.len == 0 && !w->closing && timed_out != ETIMEDOUT) {
        if (w->member.len > 0)
            timed_out = pthread_cond_timedwait(&w->wake, &w->lock, &w->member_due);
        else
            (void)pthread_cond_wait(&w->wake, &w->lock);
    }
    bool more = w->queued.len > 0 || !w->closing;
    struct buffer swap = w->queued;
    w->queued = w->taken;
    w->taken = swap;
    pthread_mutex_unlock(&w->lock);
    return more;
}

/* After an error nothing more is written, so that no hole comes into the file; what is queued is thrown away.
 */
static void *run(void *context)
{
    struct writer *w = context;
    int error = 0;
    while (take(w)) {
        if (error)
            settle(w, w->taken.len, 0);
        else if (w->compression == WRITER_PLAIN)
            error = write_plain(w, &w->taken);
        else if (w->taken.len > 0)
            error = gather(w, &w->taken);
        if (!error && w->member.len > 0 && is_due(w))
            error = flush_member(w);
    }
    if (!error)
        error = flush_member(w);
    struct stat st;
    if (!error && fstat(w->fd, &st) == 0 && S_ISREG(st.st_mode) && fsync(w->fd) < 0 && errno != EINVAL &&
        errno != EROFS)
        settle(w, 0, errno);
    return NULL;
}

/* SIGPIPE of a thread's own write is sent to that thread; all other signals are the owner's as well. */
static int start_thread(struct writer *w)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error)
        return error;
    error = pthread_create(&w->thread, NULL, run, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static int open_file(struct writer *w, const struct writer_config *config)
{
    if (!config->path) {
        w->fd = STDOUT_FILENO;
        return fcntl(w->fd, F_GETFL) < 0 ? errno : 0;
    }
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
    flags |= config->mode == WRITER_TRUNCATE ? O_TRUNC : config->mode == WRITER_CREATE ? O_EXCL : 0;
    w->fd = open(config->path, flags, 0666);
    w->owns_fd = w->fd >= 0;
    if (w->fd < 0)
        return errno;
    struct stat st;
    if (config->mode != WRITER_RESUME)
        return 0;
    if (fstat(w->fd, &st) < 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return config->keep > 0 ? ESPIPE : 0;
    if (config->keep > (uint64_t)st.st_size)
        return EINVAL;
    return ftruncate(w->fd, (off_t)config->keep) < 0 || lseek(w->fd, 0, SEEK_END) < 0 ? errno : 0;
}

static int start(struct writer *w)
{
    pthread_condattr_t monotonic;
    int error = pthread_condattr_init(&monotonic);
    if (error)
        return error;
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    error = pthread_cond_init(&w->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (error)
        return error;
    error = pthread_mutex_init(&w->lock, NULL);
    if (!error) {
        error = start_thread(w);
        if (error)
            (void)pthread_mutex_destroy(&w->lock);
    }
    if (error)
        (void)pthread_cond_destroy(&w->wake);
    return error;
}

/* 0, or why the file could not be closed. */
static int release(struct writer *w)
{
    int error = w->owns_fd && close(w->fd) < 0 && errno != EINTR ? errno : 0;
    buffer_free(&w->queued);
    buffer_free(&w->taken);
    buffer_free(&w->member);
    buffer_free(&w->packed);
    compressor_free(w->compressor);
    free(w);
    return error;
}

int writer_open(const struct writer_config *config, struct writer **out)
{
    *out = NULL;
    struct writer *w = calloc(1, sizeof(*w));
    if (!w)
        return ENOMEM;
    w->fd = -1;
    w->compression = config->compression;
    w->limit = config->limit > 0 ? config->limit : 1;
    w->notify = config->notify;
    w->context = config->context;
    buffer_init(&w->queued, WRITER_BACKLOG_MAX);
    buffer_init(&w->taken, WRITER_BACKLOG_MAX);
    buffer_init(&w->member, WRITER_BACKLOG_MAX);
    buffer_init(&w->packed, 2 * WRITER_BACKLOG_MAX);
    int error = 0;
    if (w->compression != WRITER_PLAIN) {
        w->compressor = compressor_new(w->compression == WRITER_GZIP ? COMPRESS_GZIP : COMPRESS_ZSTD);
        error = w->compressor ? 0 : ENOMEM;
    }
    error = error ? error : open_file(w, config);
    error = error ? error : start(w);
    if (error) {
        (void)release(w);
        return error;
    }
    *out = w;
    return 0;
}

bool writer_put(struct writer *w, const void *rows, size_t n)
{
    pthread_mutex_lock(&w->lock);
    bool ok = !w->error && n <= WRITER_BACKLOG_MAX - w->backlog && buffer_add(&w->queued, rows, n);
    if (ok)
        w->backlog += n;
    if (ok && w->queued.len == n)
        pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return ok;
}

bool writer_full(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool full = w->backlog >= w->limit || w->was_full;
    w->was_full = full;
    pthread_mutex_unlock(&w->lock);
    return full;
}

size_t writer_backlog(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    size_t backlog = w->backlog;
    pthread_mutex_unlock(&w->lock);
    return backlog;
}

int writer_error(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    int error = w->error;
    pthread_mutex_unlock(&w->lock);
    return error;
}

int writer_close(struct writer *w)
{
    if (!w)
        return 0;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    int error = w->error;
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->wake);
    int closed = release(w);
    return error ? error : closed;
}
