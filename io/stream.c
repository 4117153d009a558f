#include "io/stream.h"

#include "io/buffer.h"
#include "io/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes of a bad record that are shown. */
enum { SHOWN_MAX = 256 };

struct stream {
    int fd;
    bool regular;
    uint64_t bytes_read;
    struct lines lines;
    struct table *table; /* NULL: one URL a line */
    struct buffer text;  /* of the record */
    char failure[768];
};

struct stream *stream_new(int fd, bool regular, enum table_kind kind, const char *url_column)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->fd = fd;
    s->regular = regular;
    lines_init(&s->lines, kind == TABLE_CSV);
    buffer_init(&s->text, LINES_LENGTH_MAX);
    s->table = kind == TABLE_NONE ? NULL : table_new(kind, url_column);
    if (kind != TABLE_NONE && !s->table) {
        stream_free(s);
        return NULL;
    }
    return s;
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    lines_free(&s->lines);
    table_free(s->table);
    buffer_free(&s->text);
    free(s);
}

static enum stream_step fail(struct stream *s, const char *text)
{
    (void)snprintf(s->failure, sizeof(s->failure), "%s", text);
    return STREAM_FAILED;
}

/* STREAM_RECORD: go on with what is there now. The descriptor may be shared with other processes, so that it
 * can't be made non-blocking; poll(2) is asked instead. */
static enum stream_step fill(struct stream *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    if (!s->regular && poll(&p, 1, 0) <= 0)
        return STREAM_WAIT;
    if (!s->regular && (p.revents & POLLNVAL))
        return fail(s, strerror(EBADF));
    char *room = lines_room(&s->lines);
    if (!room)
        return fail(s, strerror(ENOMEM));
    ssize_t n = read(s->fd, room, LINES_READ_MAX);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_WAIT
                                                                         : fail(s, strerror(errno));
    if (n == 0)
        lines_end(&s->lines);
    lines_put(&s->lines, (size_t)n);
    s->bytes_read += (uint64_t)n;
    return STREAM_RECORD;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && is_blank((*text)[*len - 1]))
        --*len;
    while (*len > 0 && is_blank(**text)) {
        ++*text;
        --*len;
    }
}

static bool set_text(struct stream *s, const char *text, size_t len, struct stream_record *out)
{
    buffer_reset(&s->text);
    if (!buffer_add(&s->text, text, len))
        return false;
    out->text = s->text.data;
    out->len = s->text.len;
    return true;
}

/* As much of a bad record as can be shown, cut between two characters of UTF-8. */
static bool set_problem(struct stream *s, const struct lines_text *line, const char *problem,
                        struct stream_record *out)
{
    size_t len = line->len;
    if (len > SHOWN_MAX) {
        len = SHOWN_MAX;
        while (len > SHOWN_MAX - 4 && ((unsigned char)line->text[len] & 0xc0) == 0x80)
            len--;
    }
    out->problem = problem;
    if (!set_text(s, line->text, len, out))
        return false;
    for (size_t i = 0; i < len; i++)
        if (s->text.data[i] == '\0')
            s->text.data[i] = '?';
    return true;
}

static bool set_url(struct stream *s, const char *text, size_t len, struct stream_record *out)
{
    trim(&text, &len);
    if (len == 0)
        out->problem = "no URL in this row";
    return set_text(s, text, len, out);
}

/* Whether the line is a record at all. */
static bool counts(const struct stream *s, const struct lines_text *line)
{
    const char *text = line->text;
    size_t len = line->len;
    trim(&text, &len);
    return len > 0 && (s->table || *text != '#');
}

static enum stream_step take_header(struct stream *s, const struct lines_text *line, enum lines_step step)
{
    if (step == LINES_TOO_LONG)
        return fail(s, "header line longer than 65536 bytes");
    if (!table_header(s->table, line->text, line->len, s->failure, sizeof(s->failure)))
        return STREAM_FAILED;
    return STREAM_WAIT;
}

static enum stream_step take_record(struct stream *s, const struct lines_text *line, enum lines_step step,
                                    struct stream_record *out)
{
    const char *problem = NULL;
    struct table_row row = {.url = line->text, .url_len = line->len};
    *out = (struct stream_record){.line = line->line};
    if (step == LINES_TOO_LONG)
        problem = s->lines.csv ? "row longer than 65536 bytes (or a quote that is not closed)"
                               : "line longer than 65536 bytes";
    else if (s->table)
        problem = table_row(s->table, line->text, line->len, &row);
    else if (memchr(line->text, '\0', line->len))
        problem = "NUL byte in the line";
    if (!(problem ? set_problem(s, line, problem, out) : set_url(s, row.url, row.url_len, out)))
        return fail(s, strerror(ENOMEM));
    out->columns = problem ? NULL : row.columns;
    out->columns_len = problem ? 0 : row.columns_len;
    return STREAM_RECORD;
}

/* STREAM_WAIT: all that was read is used up. */
static enum stream_step next_of_read(struct stream *s, struct stream_record *out)
{
    for (;;) {
        struct lines_text line;
        enum lines_step step = lines_next(&s->lines, &line);
        if (step == LINES_MORE || step == LINES_END)
            return step == LINES_END ? STREAM_END : STREAM_WAIT;
        if (!counts(s, &line))
            continue;
        if (!s->table || !table_needs_header(s->table))
            return take_record(s, &line, step, out);
        if (take_header(s, &line, step) == STREAM_FAILED)
            return STREAM_FAILED;
    }
}

enum stream_step stream_next(struct stream *s, struct stream_record *out)
{
    enum stream_step step = next_of_read(s, out);
    if (step != STREAM_WAIT)
        return step;
    step = fill(s);
    return step == STREAM_RECORD ? next_of_read(s, out) : step;
}

const char *stream_failure(const struct stream *s)
{
    return s->failure;
}

enum stream_step stream_check_header(struct stream *s)
{
    struct stream_record ignored;
    enum stream_step step = STREAM_WAIT;
    while (s->table && table_needs_header(s->table) && step == STREAM_WAIT)
        step = stream_next(s, &ignored);
    return step;
}

uint64_t stream_bytes_read(const struct stream *s)
{
    return s->bytes_read;
}
