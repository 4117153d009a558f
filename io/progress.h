/* What the user sees while it runs: a bar redrawn in place, or a line in the log now and then. On the event
 * loop's thread; never waits: what can't be written at once is left out. Times are ns on any monotonic clock.
 */
#ifndef MILLRACE_IO_PROGRESS_H
#define MILLRACE_IO_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum progress_mode { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_LOG, PROGRESS_NONE };

/* "auto", "bar", "log", "none". False: none of them. */
bool progress_parse(const char *text, enum progress_mode *mode);

/* What PROGRESS_AUTO means for `fd`: the bar if it is a terminal, or if it leads to one through mpirun (whose
 * own standard error is the terminal then, while ours is a pipe to it); otherwise the log. Other modes:
 * themselves. */
enum progress_mode progress_resolve(enum progress_mode mode, int fd);

struct progress_figures {
    uint64_t done;      /* records, failed ones included */
    uint64_t total;     /* 0: not known */
    double fraction;    /* of the input that was read, 0 to 1; < 0: not known. Used when total isn't known. */
    uint64_t failed;    /* records */
    uint64_t in_flight; /* transfers */
    uint64_t bytes;     /* received */
};

#define PROGRESS_LINE_SIZE 1024

struct progress {
    enum progress_mode mode; /* BAR, LOG or NONE */
    int fd;
    int width; /* columns, if they were given or mpirun's terminal has them; 0: ask `fd` */
    bool utf8; /* block characters may be drawn */
    int64_t start, last,
        due;       /* ns: began; when the rates were last updated; when the next frame may be drawn */
    bool measured; /* the next two are set */
    uint64_t last_done, last_bytes;
    double rate, byte_rate;            /* per second, smoothed */
    int drawn;                         /* columns of the bar that stand on the screen */
    char rest[2 * PROGRESS_LINE_SIZE]; /* what a short write left over */
    size_t rest_len;
};

/* `fd` is standard error in the program. Looks at the environment (COLUMNS, LC_ALL, LC_CTYPE, LANG). */
void progress_begin(struct progress *p, enum progress_mode mode, int fd, int64_t now);

/* Draws when it is due: a bar at most 10 times a second, a log line every 30 s. Returns when to call again;
 * calling more often costs nothing. The first call says where the job begins: call it before anything is
 * done. INT64_MAX with PROGRESS_NONE. */
int64_t progress_update(struct progress *p, int64_t now, const struct progress_figures *figures);

/* Takes the bar off the line, before a message is printed; a later update draws it again. */
void progress_clear(struct progress *p);

/* The last state, and a newline. */
void progress_end(struct progress *p, int64_t now, const struct progress_figures *figures);

/* One line into `out` (PROGRESS_LINE_SIZE bytes), at most `width` columns, without \r or \n; returns its
 * bytes. Pure; for tests and for the two above. */
size_t progress_format(const struct progress *p, int64_t now, const struct progress_figures *figures,
                       int width, char *out);

#endif
