/* A file written by a thread of its own, so that a slow disk or a full pipe never stops the event loop.
 *
 * One thread, the owner, calls all functions below; the writer's own thread calls config.notify alone. What
 * is put is copied to a queue and handed to the kernel as soon as the thread can, in the order of the puts.
 * With whole rows in each put, a kill -9 leaves whole rows, but for the last one perhaps: a kill may cut a
 * write(2) short.
 *
 * Compressed output is made of complete gzip members (RFC 1952 2.2) or zstd frames (RFC 8878 3.1) of whole
 * puts, one for each MiB or second, so that the file can be read at any time, and after a kill up to the
 * member that it cut.
 */
#ifndef MILLRACE_IO_WRITER_H
#define MILLRACE_IO_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum writer_compression { WRITER_PLAIN, WRITER_GZIP, WRITER_ZSTD };

/* By the end of the name: .gz, .zst. */
enum writer_compression writer_compression_of(const char *path);

struct writer_config {
    const char *path; /* NULL: standard output */
    enum writer_compression compression;
    enum {
        WRITER_TRUNCATE, /* begin anew */
        WRITER_CREATE,   /* the file must not be there: EEXIST */
        WRITER_RESUME, /* keep the first `keep` bytes and go on after them; the file is made if it isn't there
                        */
    } mode;
    uint64_t keep;
    size_t limit; /* bytes waiting at which writer_full says so; at least 1 */
    /* Called from the writer's thread when the backlog has fallen to half the limit after writer_full was
     * true, and when an error has occurred. It must not call back into the writer. NULL: none. */
    void (*notify)(void *context);
    void *context;
};

struct writer;

/* Opens the file at once. 0, or an errno value. */
int writer_open(const struct writer_config *config, struct writer **out);

/* Appends a copy of one or several whole rows. False: no memory, more than WRITER_BACKLOG_MAX waiting, or an
 * earlier write failed (see writer_error). Never waits for the disk. */
#define WRITER_BACKLOG_MAX ((size_t)1 << 30)
bool writer_put(struct writer *w, const void *rows, size_t n);

/* The backlog has reached the limit: produce no more until config.notify was called. */
bool writer_full(struct writer *w);

/* Bytes that are not yet written. */
size_t writer_backlog(struct writer *w);

/* The first error, as an errno value; 0 if there is none. EPIPE: the reader of a pipe went away (the signal
 * is blocked in the writer's thread). */
int writer_error(struct writer *w);

/* Writes what is left, syncs a regular file, closes and frees. 0, or the first error as an errno value.
 * Waits: not for an event loop, unless writer_backlog is 0. Standard output stays open. NULL: 0. */
int writer_close(struct writer *w);

#endif
