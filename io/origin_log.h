/* The origin's request log, in the format of io/origin.h. One thread. */
#ifndef MILLRACE_IO_ORIGIN_LOG_H
#define MILLRACE_IO_ORIGIN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORIGIN_LOG_BUFFER = 1 << 16, ORIGIN_LOG_TARGET_MAX = 512 };

struct origin_log {
    int fd; /* -1: no log */
    bool owned;
    int error; /* of the first write that failed; nothing is written after it */
    size_t used;
    char buffer[ORIGIN_LOG_BUFFER];
};

/* One line. Strings may hold anything; NULL and "" are written as "-". */
struct origin_log_line {
    const char *event;
    int64_t time; /* nanoseconds */
    uint64_t request;
    unsigned in_flight, in_flight_host;
    const char *method, *target;
    unsigned status; /* 0: "-" */
    const char *host, *client, *result, *user_agent;
};

/* Logs to the path, created or truncated, or without one to fd if that is above 0. Returns 0 or an errno
 * value. */
int origin_log_open(struct origin_log *log, const char *path, int fd);

/* Adds a line; it is written when the buffer is full or flushed. */
void origin_log_add(struct origin_log *log, const struct origin_log_line *line);

void origin_log_flush(struct origin_log *log);

/* Flushes and closes. Returns 0 or the errno value of the first error. */
int origin_log_close(struct origin_log *log);

#endif
