#include "io/origin_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* More than the longest line: the columns' limits are 512 for the target, 255 for the rest. */
enum { LINE_MAX_BYTES = 2048, TEXT_MAX = 255 };

int origin_log_open(struct origin_log *log, const char *path, int fd)
{
    log->error = 0;
    log->used = 0;
    log->owned = path != NULL;
    log->fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : fd > 0 ? fd : -1;
    return path && log->fd < 0 ? errno : 0;
}

void origin_log_flush(struct origin_log *log)
{
    for (size_t done = 0; done < log->used && !log->error;) {
        ssize_t written = write(log->fd, log->buffer + done, log->used - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            log->error = errno;
    }
    log->used = 0;
}

static void put_char(struct origin_log *log, char c)
{
    log->buffer[log->used++] = c;
}

static void put_text(struct origin_log *log, const char *text, size_t max, char end)
{
    if (!text || !*text)
        text = "-";
    for (size_t i = 0; text[i] && i < max; i++) {
        unsigned char c = (unsigned char)text[i];
        put_char(log, c < ' ' || c == 0x7f ? ' ' : text[i]);
    }
    put_char(log, end);
}

static void put_number(struct origin_log *log, uint64_t number, unsigned width, char end)
{
    char digits[20];
    unsigned used = 0;
    do
        digits[used++] = (char)('0' + number % 10);
    while ((number /= 10) || used < width);
    while (used)
        put_char(log, digits[--used]);
    put_char(log, end);
}

void origin_log_add(struct origin_log *log, const struct origin_log_line *line)
{
    if (log->fd < 0)
        return;
    if (sizeof(log->buffer) - log->used < LINE_MAX_BYTES)
        origin_log_flush(log);
    put_text(log, line->event, TEXT_MAX, '\t');
    put_number(log, (uint64_t)line->time / 1000000000, 1, '.');
    put_number(log, (uint64_t)line->time / 1000 % 1000000, 6, '\t');
    put_number(log, line->request, 1, '\t');
    put_number(log, line->in_flight, 1, '\t');
    put_number(log, line->in_flight_host, 1, '\t');
    put_text(log, line->method, 32, '\t');
    put_text(log, line->target, ORIGIN_LOG_TARGET_MAX, '\t');
    if (line->status)
        put_number(log, line->status, 1, '\t');
    else
        put_text(log, NULL, 1, '\t');
    put_text(log, line->host, TEXT_MAX, '\t');
    put_text(log, line->client, 64, '\t');
    put_text(log, line->result, 16, '\t');
    put_text(log, line->user_agent, TEXT_MAX, '\n');
}

int origin_log_close(struct origin_log *log)
{
    if (log->fd < 0)
        return 0;
    origin_log_flush(log);
    if (log->owned && close(log->fd) && !log->error)
        log->error = errno;
    log->fd = -1;
    return log->error;
}
