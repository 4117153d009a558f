#include "io/origin_raw.h"

#include "io/origin_date.h"
#include <errno.h>
#include <linux/sockios.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define SECOND INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)

enum { ENDLESS_RATE = 1 << 20, PIECE = 16 << 10, TURN = 256 << 10, FILLER = 1024 };

/* The wire's bytes are the head, then the body, then the unit again and again up to the end; only the head is
 * sent as fast as it goes. Each byte is a function of its offset, so a short write needs no buffer. */
struct origin_raw {
    int fd;
    char head[1024];
    size_t head_size, head_sent;
    struct origin_body body;
    char unit[FILLER + 16];
    size_t unit_size;
    uint64_t sent, end;
    int64_t rate;  /* bytes/s; 0: no limit */
    int64_t start; /* of the pacing; 0: not yet */
    bool reset;
    int64_t give_up; /* when to reset though not all is acknowledged; 0: not yet there */
};

bool origin_raw_wanted(const struct origin_query *query)
{
    return query->slow >= 0 || query->reset >= 0 || query->content_length >= 0 || query->endless ||
           query->endless_header;
}

static void fill_unit(struct origin_raw *raw, const char *before, const char *after)
{
    size_t prefix = strlen(before), suffix = strlen(after);
    memcpy(raw->unit, before, prefix);
    memset(raw->unit + prefix, 'x', FILLER);
    memcpy(raw->unit + prefix + FILLER, after, suffix + 1);
    raw->unit_size = prefix + FILLER + suffix;
}

static void print_framing(struct origin_raw *raw, const struct origin_query *query, FILE *out, bool chunks,
                          bool bodiless)
{
    if (query->content_length >= 0)
        fprintf(out, "Content-Length: %lld\r\n", (long long)query->content_length);
    else if (!query->endless && !bodiless)
        fprintf(out, "Content-Length: %llu\r\n", (unsigned long long)raw->body.size);
    else if (chunks)
        fputs("Transfer-Encoding: chunked\r\n", out);
    if (query->endless_header)
        return;
    fputs("\r\n", out);
    /* The page is the first chunk; each further one begins with the line end that closes the one before. */
    if (chunks)
        fprintf(out, "%llx\r\n", (unsigned long long)raw->body.size);
}

/* Writes the head to raw->head. Returns 0 or -1. */
static int print_head(struct origin_raw *raw, const struct origin_query *query,
                      const struct origin_reply *reply, bool chunks)
{
    char date[40];
    FILE *out = fmemopen(raw->head, sizeof(raw->head), "w");
    if (!out)
        return -1;
    origin_date_format(time(NULL), date);
    fprintf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n", reply->status,
            MHD_get_reason_phrase_for(reply->status), date);
    if (reply->type)
        fprintf(out, "Content-Type: %s%s%s\r\n", reply->type, reply->charset[0] ? "; charset=" : "",
                reply->charset);
    if (origin_coding_name(reply->coding))
        fprintf(out, "Content-Encoding: %s\r\n", origin_coding_name(reply->coding));
    if (reply->location[0])
        fprintf(out, "Location: %s\r\n", reply->location);
    if (reply->retry_after[0])
        fprintf(out, "Retry-After: %s\r\n", reply->retry_after);
    print_framing(raw, query, out, chunks, origin_status_bodiless(reply->status));
    long length = ftell(out);
    bool good = !ferror(out) && length > 0;
    good = fclose(out) == 0 && good;
    raw->head_size = good ? (size_t)length : 0;
    return good ? 0 : -1;
}

static void set_faults(struct origin_raw *raw, const struct origin_query *query, bool chunks)
{
    if (query->endless_header) {
        raw->body.size = 0;
        fill_unit(raw, "X-Endless: ", "\r\n");
    } else if (query->endless) {
        fill_unit(raw, chunks ? "\r\n400\r\n" : "<p>", chunks ? "" : "</p>\n");
    }
    raw->end = raw->unit_size ? UINT64_MAX : raw->body.size;
    raw->rate = query->slow >= 0 ? query->slow : raw->unit_size ? ENDLESS_RATE : 0;
    raw->reset = query->reset >= 0;
    if (raw->reset && (uint64_t)query->reset < raw->end)
        raw->end = (uint64_t)query->reset;
}

struct origin_raw *origin_raw_new(int fd, const struct origin_query *query, struct origin_reply *reply,
                                  bool head, bool old)
{
    struct origin_raw *raw = calloc(1, sizeof(*raw));
    if (!raw)
        return NULL;
    bool bodiless = head || origin_status_bodiless(reply->status);
    /* An empty first chunk would be the last one. */
    bool chunks = query->endless && !query->endless_close && !query->endless_header &&
                  query->content_length < 0 && !old && !bodiless && reply->body.size;
    raw->fd = fd;
    raw->body = reply->body;
    if (print_head(raw, query, reply, chunks)) {
        free(raw);
        return NULL;
    }
    reply->body = (struct origin_body){0};
    set_faults(raw, query, chunks);
    if (bodiless && !query->endless_header)
        raw->end = 0;
    return raw;
}

static size_t fill(const struct origin_raw *raw, char *out, size_t length)
{
    size_t used = origin_body_read(&raw->body, raw->sent, out, length);
    while (raw->unit_size && used < length) {
        size_t at = (size_t)((raw->sent + used - raw->body.size) % raw->unit_size),
               left = raw->unit_size - at;
        if (left > length - used)
            left = length - used;
        memcpy(out + used, raw->unit + at, left);
        used += left;
    }
    return used;
}

/* Bytes sent; 0 if the socket is full; -1 if the connection is broken. */
static ssize_t send_some(int fd, const char *data, size_t length)
{
    ssize_t sent;
    do
        sent = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : sent;
}

/* Once all is acknowledged, so that the reset does not overtake it, and after two seconds at the latest. */
static int64_t reset_when_read(struct origin_raw *raw, int64_t now)
{
    int unacknowledged = 0;
    if (!raw->give_up)
        raw->give_up = now + 2 * SECOND;
    if (ioctl(raw->fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged > 0 && now < raw->give_up)
        return now + MILLISECOND;
    /* Disconnecting is what makes Linux send an RST at once (tcp(7), connect(2): AF_UNSPEC dissolves the
     * association). */
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    (void)connect(raw->fd, &nobody, sizeof(nobody));
    return ORIGIN_RAW_DONE;
}

static uint64_t allowed_by(const struct origin_raw *raw, int64_t now)
{
    if (!raw->rate)
        return raw->end;
    double allowed = (double)(now - raw->start) * (double)raw->rate / (double)SECOND;
    return allowed < (double)raw->end ? (uint64_t)allowed : raw->end;
}

/* When the next byte is due, but no more than a hundred times a second. */
static int64_t next_turn(const struct origin_raw *raw, int64_t now)
{
    int64_t due = raw->start + (int64_t)((double)(raw->sent + 1) / (double)raw->rate * (double)SECOND) + 1;
    return due > now + 10 * MILLISECOND ? due : now + 10 * MILLISECOND;
}

static int64_t write_body(struct origin_raw *raw, int64_t now)
{
    char piece[PIECE];
    uint64_t allowed = allowed_by(raw, now);
    for (size_t turn = 0; turn < TURN && raw->sent < allowed; turn += PIECE) {
        size_t want = allowed - raw->sent < PIECE ? (size_t)(allowed - raw->sent) : PIECE;
        ssize_t sent = send_some(raw->fd, piece, fill(raw, piece, want));
        if (sent < 0)
            return ORIGIN_RAW_DONE;
        if (sent == 0)
            return now + 5 * MILLISECOND;
        raw->sent += (uint64_t)sent;
    }
    if (raw->sent == raw->end)
        return raw->reset ? reset_when_read(raw, now) : ORIGIN_RAW_DONE;
    return raw->sent < allowed ? now : next_turn(raw, now);
}

int64_t origin_raw_write(struct origin_raw *raw, int64_t now)
{
    while (raw->head_sent < raw->head_size) {
        ssize_t sent = send_some(raw->fd, raw->head + raw->head_sent, raw->head_size - raw->head_sent);
        if (sent < 0)
            return ORIGIN_RAW_DONE;
        if (sent == 0)
            return now + 5 * MILLISECOND;
        raw->head_sent += (size_t)sent;
    }
    if (!raw->start)
        raw->start = now;
    return write_body(raw, now);
}

void origin_raw_free(struct origin_raw *raw)
{
    if (raw)
        origin_body_clear(&raw->body);
    free(raw);
}
