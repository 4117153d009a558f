#include "io/progress.h"

#include "io/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const int64_t frame_period = 100000000; /* ns: 10 a second */
static const int64_t log_period = 30 * (int64_t)1000000000;
static const double memory = 10.0; /* seconds that the rates are smoothed over */

enum { WIDTH_DEFAULT = 80, WIDTH_MAX = 300, BAR_MIN = 8, BAR_MAX = 40 };

bool progress_parse(const char *text, enum progress_mode *mode)
{
    static const char *const names[] = {
        [PROGRESS_AUTO] = "auto", [PROGRESS_BAR] = "bar", [PROGRESS_LOG] = "log", [PROGRESS_NONE] = "none"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode = (enum progress_mode)i;
            return true;
        }
    }
    return false;
}

/* Open MPI's launcher: its rank 0 on the same node is its child. */
static bool parent_is_launcher(void)
{
    static const char *const names[] = {"mpirun", "mpiexec", "orterun", "prterun"};
    char path[40], name[32] = "";
    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", (long)getppid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, name, sizeof(name) - 1);
    close(fd);
    for (size_t i = 0; n > 0 && i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* The terminal that mpirun writes our standard error to; -1: there is none. */
static int open_launchers_terminal(void)
{
    char path[40];
    if (!getenv("OMPI_COMM_WORLD_RANK") || !parent_is_launcher())
        return -1;
    (void)snprintf(path, sizeof(path), "/proc/%ld/fd/2", (long)getppid());
    int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && !isatty(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

enum progress_mode progress_resolve(enum progress_mode mode, int fd)
{
    if (mode != PROGRESS_AUTO)
        return mode;
    if (isatty(fd))
        return PROGRESS_BAR;
    int terminal = open_launchers_terminal();
    if (terminal < 0)
        return PROGRESS_LOG;
    close(terminal);
    return PROGRESS_BAR;
}

static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

static int width_of(int fd)
{
    struct winsize size;
    return fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int width_wished(void)
{
    const char *columns = getenv("COLUMNS");
    char *end = NULL;
    long width = columns ? strtol(columns, &end, 10) : 0;
    if (width > 0 && width <= WIDTH_MAX && *end == '\0')
        return (int)width;
    int terminal = open_launchers_terminal();
    width = width_of(terminal);
    if (terminal >= 0)
        close(terminal);
    return (int)width;
}

void progress_begin(struct progress *p, enum progress_mode mode, int fd, int64_t now)
{
    *p = (struct progress){.mode = progress_resolve(mode, fd), .fd = fd, .start = now, .last = now};
    p->utf8 = locale_is_utf8();
    p->width = p->mode == PROGRESS_BAR ? width_wished() : 0;
    p->due = p->mode == PROGRESS_BAR ? now : p->mode == PROGRESS_LOG ? now + log_period : INT64_MAX;
}

/* Terminals are resized: asked for each frame. */
static int width_now(const struct progress *p)
{
    int width = p->width > 0 ? p->width : width_of(p->fd);
    return width <= 0 ? WIDTH_DEFAULT : width > WIDTH_MAX ? WIDTH_MAX : width;
}

/* Where a resumed job begins: what was done before is no work of this one. */
static void begin_measuring(struct progress *p, const struct progress_figures *f)
{
    if (p->measured)
        return;
    p->measured = true;
    p->last_done = f->done;
    p->last_bytes = f->bytes;
}

/* The weight of what is new is that of an exponential average, and at the beginning that of the plain one. */
static void measure(struct progress *p, int64_t now, const struct progress_figures *f)
{
    begin_measuring(p, f);
    double dt = (double)(now - p->last) / 1e9, elapsed = (double)(now - p->start) / 1e9;
    if (dt <= 0.0)
        return;
    double weight = dt / (dt + (elapsed - dt < memory ? elapsed - dt : memory));
    double done = f->done > p->last_done ? (double)(f->done - p->last_done) : 0.0;
    double bytes = f->bytes > p->last_bytes ? (double)(f->bytes - p->last_bytes) : 0.0;
    p->rate += weight * (done / dt - p->rate);
    p->byte_rate += weight * (bytes / dt - p->byte_rate);
    p->last = now;
    p->last_done = f->done;
    p->last_bytes = f->bytes;
}

static void format_time(double seconds, char *out, size_t size)
{
    if (!(seconds >= 0.0) || seconds > 1e9) {
        (void)snprintf(out, size, "-:--");
        return;
    }
    uint64_t s = (uint64_t)seconds;
    if (s >= 100 * 3600)
        (void)snprintf(out, size, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        (void)snprintf(out, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
    else
        (void)snprintf(out, size, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
}

/* Three digits and a decimal prefix. */
static void format_quantity(double value, const char *unit, char *out, size_t size)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t i = 0;
    while (value >= 999.5 && i + 1 < sizeof(prefixes) / sizeof(prefixes[0])) {
        value /= 1000.0;
        i++;
    }
    int digits = value >= 99.95 || value == 0.0 ? 0 : value >= 9.995 ? 1 : 2;
    (void)snprintf(out, size, "%.*f%s%s%s", digits, value, *unit == 'B' ? " " : "", prefixes[i], unit);
}

/* 0 to 1, < 0: not known. */
static double fraction_of(const struct progress_figures *f)
{
    double fraction = f->total > 0 ? (double)f->done / (double)f->total : f->fraction;
    return fraction > 1.0 ? 1.0 : fraction;
}

static double seconds_left(const struct progress *p, int64_t now, const struct progress_figures *f)
{
    double fraction = fraction_of(f), elapsed = (double)(now - p->start) / 1e9;
    if (f->total > 0)
        return f->done >= f->total ? 0.0 : p->rate > 0.0 ? (double)(f->total - f->done) / p->rate : -1.0;
    return fraction > 0.0 ? elapsed * (1.0 - fraction) / fraction : -1.0;
}

/* The pieces of a line as they stand in it; those of the greatest rank go first when there is no room. */
enum { COUNT, PERCENT, RATE, FAILED, IN_FLIGHT, BYTES, LEFT, ELAPSED, PIECES };
static const int ranks[PIECES] = {[COUNT] = 0,     [PERCENT] = 2, [RATE] = 4, [FAILED] = 1,
                                  [IN_FLIGHT] = 6, [BYTES] = 7,   [LEFT] = 3, [ELAPSED] = 5};

struct piece {
    char text[64];
    int width; /* 0: left out */
};

static void fill_pieces(const struct progress *p, int64_t now, const struct progress_figures *f,
                        struct piece *pieces)
{
    char text[40];
    double fraction = fraction_of(f);
    int n = snprintf(pieces[COUNT].text, sizeof(pieces[COUNT].text), "%" PRIu64, f->done);
    if (f->total > 0)
        (void)snprintf(pieces[COUNT].text + n, sizeof(pieces[COUNT].text) - (size_t)n, "/%" PRIu64, f->total);
    else
        (void)snprintf(pieces[COUNT].text + n, sizeof(pieces[COUNT].text) - (size_t)n, " done");
    if (fraction >= 0.0)
        (void)snprintf(pieces[PERCENT].text, sizeof(pieces[PERCENT].text), "%3d%%", (int)(fraction * 100.0));
    format_quantity(p->rate, "/s", pieces[RATE].text, sizeof(pieces[RATE].text));
    (void)snprintf(pieces[FAILED].text, sizeof(pieces[FAILED].text), "%" PRIu64 " failed", f->failed);
    (void)snprintf(pieces[IN_FLIGHT].text, sizeof(pieces[IN_FLIGHT].text), "%" PRIu64 " in flight",
                   f->in_flight);
    format_quantity(p->byte_rate, "B/s", pieces[BYTES].text, sizeof(pieces[BYTES].text));
    format_time(seconds_left(p, now, f), text, sizeof(text));
    if (fraction >= 0.0)
        (void)snprintf(pieces[LEFT].text, sizeof(pieces[LEFT].text), "ETA %s", text);
    format_time((double)(now - p->start) / 1e9, text, sizeof(text));
    (void)snprintf(pieces[ELAPSED].text, sizeof(pieces[ELAPSED].text), "%s", text);
    for (size_t i = 0; i < PIECES; i++)
        pieces[i].width = (int)strlen(pieces[i].text);
}

/* Leaves pieces out until they fit, two blanks between them; returns the columns they take. */
static int fit_pieces(struct piece *pieces, int width)
{
    for (int worst = PIECES - 1;; worst--) {
        int sum = -2;
        for (size_t i = 0; i < PIECES; i++)
            sum += pieces[i].width > 0 ? pieces[i].width + 2 : 0;
        if (sum <= width || worst == 0)
            return sum;
        for (size_t i = 0; i < PIECES; i++)
            if (ranks[i] == worst)
                pieces[i].width = 0;
    }
}

/* `width` columns: eighths of a block where they can be drawn, '=' and '>' otherwise. */
static void add_bar(bool utf8, double fraction, int width, struct buffer *out)
{
    int eighths = (int)(fraction * width * 8.0);
    for (int i = 0; i < width; i++) {
        int part = eighths - 8 * i;
        char block[4] = {'\xe2', '\x96', (char)(part >= 8 ? 0x88 : 0x90 - part), '\0'};
        if (utf8)
            (void)buffer_add_text(out, part > 0 ? block : " ");
        else
            (void)buffer_add_text(out, part >= 8 ? "=" : part > 0 ? ">" : " ");
    }
}

/* The buffer's cap cuts: nothing here can overrun. */
static size_t format_line(const struct progress *p, int64_t now, const struct progress_figures *f, int width,
                          struct buffer *out)
{
    struct piece pieces[PIECES] = {{.width = 0}};
    fill_pieces(p, now, f, pieces);
    int room = width - fit_pieces(pieces, width) - 4;
    room = p->mode != PROGRESS_BAR || pieces[PERCENT].width == 0 || room < BAR_MIN ? 0 : room;
    for (size_t i = 0; i < PIECES; i++) {
        if (pieces[i].width == 0)
            continue;
        if (out->len > 0)
            (void)buffer_add_text(out, "  ");
        (void)buffer_add_text(out, pieces[i].text);
        if (i == PERCENT && room > 0) {
            (void)buffer_add_text(out, "  |");
            add_bar(p->utf8, fraction_of(f), room < BAR_MAX ? room : BAR_MAX, out);
            (void)buffer_add_text(out, "|");
        }
    }
    if (out->len > (size_t)width && room == 0)
        buffer_cut(out, (size_t)width);
    return out->len;
}

size_t progress_format(const struct progress *p, int64_t now, const struct progress_figures *figures,
                       int width, char *out)
{
    struct buffer line;
    width = width < 1 ? 1 : width > WIDTH_MAX ? WIDTH_MAX : width;
    buffer_init(&line, PROGRESS_LINE_SIZE - 1);
    size_t n = format_line(p, now, figures, width, &line);
    memcpy(out, line.data ? line.data : "", n + 1);
    buffer_free(&line);
    return n;
}

/* Writes what can be written at once, keeps the rest of a piece that was begun, and drops what finds a rest
 * before it. */
static bool emit(struct progress *p, const char *text, size_t n)
{
    struct pollfd fd = {.fd = p->fd, .events = POLLOUT};
    if (n > sizeof(p->rest) || poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT))
        return false;
    if (p->rest_len > 0) {
        ssize_t written = write(p->fd, p->rest, p->rest_len);
        if (written > 0) {
            p->rest_len -= (size_t)written;
            memmove(p->rest, p->rest + written, p->rest_len);
        }
        if (p->rest_len > 0 || poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT))
            return false;
    }
    ssize_t written = write(p->fd, text, n);
    if (written <= 0)
        return false;
    p->rest_len = n - (size_t)written;
    memcpy(p->rest, text + written, p->rest_len);
    return true;
}

static int columns_of(const char *text, size_t n)
{
    int columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Drawn over the last frame, and blanks over what is left of that one. The last column stays free: terminals
 * would begin a new line after it. */
static void draw_bar(struct progress *p, int64_t now, const struct progress_figures *f, const char *end)
{
    char line[PROGRESS_LINE_SIZE], frame[PROGRESS_LINE_SIZE + WIDTH_MAX];
    size_t n = progress_format(p, now, f, width_now(p) - 1, line);
    int columns = columns_of(line, n);
    int blanks = p->drawn > columns ? p->drawn - columns : 0;
    int len = snprintf(frame, sizeof(frame), "\r%s%*s%s", line, blanks, "", end);
    if (len > 0 && (size_t)len < sizeof(frame) && emit(p, frame, (size_t)len))
        p->drawn = columns;
}

static void write_log(struct progress *p, int64_t now, const struct progress_figures *f)
{
    char line[PROGRESS_LINE_SIZE], text[PROGRESS_LINE_SIZE + 16];
    (void)progress_format(p, now, f, WIDTH_MAX, line);
    int len = snprintf(text, sizeof(text), "millrace: %s\n", line);
    if (len > 0)
        (void)emit(p, text, (size_t)len);
}

int64_t progress_update(struct progress *p, int64_t now, const struct progress_figures *figures)
{
    begin_measuring(p, figures);
    if (p->mode == PROGRESS_NONE || now < p->due)
        return p->due;
    measure(p, now, figures);
    if (p->mode == PROGRESS_BAR)
        draw_bar(p, now, figures, "");
    else
        write_log(p, now, figures);
    p->due = now + (p->mode == PROGRESS_BAR ? frame_period : log_period);
    return p->due;
}

void progress_clear(struct progress *p)
{
    char blanks[WIDTH_MAX + 3];
    if (p->drawn == 0)
        return;
    int n = snprintf(blanks, sizeof(blanks), "\r%*s\r", p->drawn, "");
    if (n > 0 && emit(p, blanks, (size_t)n))
        p->drawn = 0;
}

void progress_end(struct progress *p, int64_t now, const struct progress_figures *figures)
{
    if (p->mode == PROGRESS_NONE)
        return;
    measure(p, now, figures);
    if (p->mode == PROGRESS_BAR)
        draw_bar(p, now, figures, "\n");
    else
        write_log(p, now, figures);
    p->mode = PROGRESS_NONE;
    p->due = INT64_MAX;
    p->drawn = 0;
}
