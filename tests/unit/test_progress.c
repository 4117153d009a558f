#include "io/progress.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const int64_t ms = 1000000;

static int columns_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void parses_modes(void)
{
    enum progress_mode mode;
    CU_ASSERT_TRUE(progress_parse("auto", &mode) && mode == PROGRESS_AUTO);
    CU_ASSERT_TRUE(progress_parse("bar", &mode) && mode == PROGRESS_BAR);
    CU_ASSERT_TRUE(progress_parse("log", &mode) && mode == PROGRESS_LOG);
    CU_ASSERT_TRUE(progress_parse("none", &mode) && mode == PROGRESS_NONE);
    CU_ASSERT_FALSE(progress_parse("", &mode));
    CU_ASSERT_FALSE(progress_parse("Bar", &mode));
}

static void formats_lines(void)
{
    struct progress p;
    char line[PROGRESS_LINE_SIZE];
    progress_begin(&p, PROGRESS_BAR, -1, 0);
    p.rate = 1234.5;
    p.byte_rate = 12.3e6;
    struct progress_figures f = {.done = 2500, .total = 10000, .failed = 3, .in_flight = 64};
    p.utf8 = false;
    CU_ASSERT_EQUAL(progress_format(&p, 4000 * ms, &f, 110, line), strlen(line));
    CU_ASSERT_STRING_EQUAL(
        line, "2500/10000   25%  |=======>                      |  1.23k/s  3 failed  64 in flight  "
              "12.3 MB/s  ETA 0:06  0:04");
    p.utf8 = true;
    (void)progress_format(&p, 4000 * ms, &f, 110, line);
    CU_ASSERT_PTR_NOT_NULL(strstr(line,
                                  "|\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                                  "\xe2\x96\x88\xe2\x96\x8c   "));
    (void)progress_format(&p, 4000 * ms, &f, 60, line);
    CU_ASSERT_STRING_EQUAL(line, "2500/10000   25%  1.23k/s  3 failed  ETA 0:06  0:04");
    (void)progress_format(&p, 4000 * ms, &f, 30, line);
    CU_ASSERT_STRING_EQUAL(line, "2500/10000   25%  3 failed");
    p.mode = PROGRESS_LOG;
    (void)progress_format(&p, 4000 * ms, &f, 300, line);
    CU_ASSERT_STRING_EQUAL(line,
                           "2500/10000   25%  1.23k/s  3 failed  64 in flight  12.3 MB/s  ETA 0:06  0:04");
    f.total = 0;
    f.fraction = 0.5;
    (void)progress_format(&p, 3600 * 1000 * ms, &f, 300, line);
    CU_ASSERT_STRING_EQUAL(
        line, "2500 done   50%  1.23k/s  3 failed  64 in flight  12.3 MB/s  ETA 1:00:00  1:00:00");
    f.fraction = -1.0;
    (void)progress_format(&p, 86400 * 5000 * ms, &f, 300, line);
    CU_ASSERT_STRING_EQUAL(line, "2500 done  1.23k/s  3 failed  64 in flight  12.3 MB/s  5d00h");
}

/* Whatever the figures and the width are, it fits. */
static void fits_every_width(void)
{
    static const struct progress_figures figures[] = {
        {.done = 0, .total = 10},
        {.done = 12, .total = 10},
        {.done = 123456789, .total = 999999999, .failed = 12345, .in_flight = 4096, .bytes = 1},
        {.done = UINT64_MAX, .total = UINT64_MAX, .failed = UINT64_MAX, .in_flight = UINT64_MAX},
        {.done = UINT64_MAX, .total = 1, .failed = UINT64_MAX, .in_flight = UINT64_MAX},
        {.done = 7, .fraction = -1.0},
        {.done = 7, .fraction = 1e300},
    };
    static const double rates[] = {0.0, 0.001, 999.7, 1e30};
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        for (int width = -1; width < 310; width++) {
            char line[PROGRESS_LINE_SIZE];
            struct progress p;
            progress_begin(&p, PROGRESS_BAR, -1, 0);
            p.utf8 = width % 2;
            p.rate = p.byte_rate = rates[(i + (size_t)(width + 1)) % 4];
            size_t n = progress_format(&p, 1000 * ms, &figures[i], width, line);
            if (n != strlen(line) || columns_of(line) > (width < 1 ? 1 : width) || strpbrk(line, "\r\n")) {
                printf("\n    width %d: %s\n", width, line);
                CU_FAIL("does not fit");
            }
        }
    }
}

static void measures_rates(void)
{
    struct progress p;
    struct progress_figures f = {.done = 1000, .total = 100000};
    progress_begin(&p, PROGRESS_BAR, -1, 5000 * ms);
    for (int64_t t = 0; t <= 60000; t += 100) {
        f.done = 1000 + (uint64_t)t / 10;
        f.bytes = (uint64_t)t * 7;
        (void)progress_update(&p, (5000 + t) * ms, &f);
        if (t == 1000)
            CU_ASSERT_DOUBLE_EQUAL(p.rate, 100.0, 1.0);
    }
    CU_ASSERT_DOUBLE_EQUAL(p.rate, 100.0, 0.1);
    CU_ASSERT_DOUBLE_EQUAL(p.byte_rate, 7000.0, 7.0);
    f.done = 0;
    (void)progress_update(&p, 70000 * ms, &f);
    CU_ASSERT_TRUE(p.rate >= 0.0 && p.rate < 100.0);
}

static size_t drain(int fd, char *text, size_t size)
{
    ssize_t n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static void open_pipe(int ends[2])
{
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    CU_ASSERT_EQUAL(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
}

static void draws_and_clears(void)
{
    int ends[2];
    char text[4000];
    struct progress p;
    struct progress_figures f = {.done = 1, .total = 10};
    open_pipe(ends);
    CU_ASSERT_EQUAL(setenv("COLUMNS", "60", 1), 0);
    progress_begin(&p, PROGRESS_BAR, ends[1], 0);
    CU_ASSERT_EQUAL(progress_update(&p, 0, &f), 100 * ms);
    size_t first = drain(ends[0], text, sizeof(text));
    CU_ASSERT_TRUE(first > 10 && text[0] == '\r' && !strchr(text, '\n') && columns_of(text) <= 60);
    CU_ASSERT_EQUAL(progress_update(&p, 99 * ms, &f), 100 * ms);
    CU_ASSERT_EQUAL(drain(ends[0], text, sizeof(text)), 0);
    progress_clear(&p);
    CU_ASSERT_TRUE(drain(ends[0], text, sizeof(text)) > 2 && strspn(text, "\r ") == strlen(text));
    progress_clear(&p);
    CU_ASSERT_EQUAL(drain(ends[0], text, sizeof(text)), 0);
    (void)progress_update(&p, 100 * ms, &f);
    CU_ASSERT_TRUE(drain(ends[0], text, sizeof(text)) > 10);
    f.done = 10;
    progress_end(&p, 150 * ms, &f);
    CU_ASSERT_TRUE(drain(ends[0], text, sizeof(text)) > 10 && strstr(text, "10/10") && strchr(text, '\n'));
    CU_ASSERT_EQUAL(progress_update(&p, 9999 * ms, &f), INT64_MAX);
    CU_ASSERT_EQUAL(drain(ends[0], text, sizeof(text)), 0);
    close(ends[0]);
    close(ends[1]);
}

static void logs_every_30_seconds(void)
{
    int ends[2], lines = 0;
    char text[4000];
    struct progress p;
    struct progress_figures f = {.done = 1, .total = 10};
    open_pipe(ends);
    progress_begin(&p, PROGRESS_LOG, ends[1], 0);
    for (int64_t t = 0; t < 100000; t += 10)
        CU_ASSERT_TRUE(progress_update(&p, t * ms, &f) > t * ms);
    size_t n = drain(ends[0], text, sizeof(text));
    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    CU_ASSERT_EQUAL(lines, 3);
    CU_ASSERT_EQUAL(strncmp(text, "millrace: 1/10   10%", 20), 0);
    progress_begin(&p, PROGRESS_LOG, ends[1], 0);
    (void)progress_update(&p, 0, &f);
    f.done = 9;
    progress_end(&p, 4000 * ms, &f);
    (void)drain(ends[0], text, sizeof(text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "2.00/s"));
    CU_ASSERT_PTR_NULL(strchr(text, '\r'));
    progress_begin(&p, PROGRESS_NONE, ends[1], 0);
    CU_ASSERT_EQUAL(progress_update(&p, INT64_MAX - 1, &f), INT64_MAX);
    progress_end(&p, INT64_MAX - 1, &f);
    CU_ASSERT_EQUAL(drain(ends[0], text, sizeof(text)), 0);
    close(ends[0]);
    close(ends[1]);
}

/* A full pipe that nobody reads: every call returns (the alarm would end the test), and the bar comes back
 * later. */
static void never_waits(void)
{
    int ends[2];
    char text[65536] = "";
    struct progress p;
    struct progress_figures f = {.done = 1, .total = 10};
    open_pipe(ends);
    CU_ASSERT_EQUAL(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], text, sizeof(text)) > 0 || write(ends[1], text, 1) > 0)
        continue;
    CU_ASSERT_EQUAL(fcntl(ends[1], F_SETFL, 0), 0);
    progress_begin(&p, PROGRESS_BAR, ends[1], 0);
    CU_ASSERT_EQUAL(progress_update(&p, 0, &f), 100 * ms);
    CU_ASSERT_EQUAL(p.drawn, 0);
    progress_clear(&p);
    while (drain(ends[0], text, sizeof(text)) > 0)
        continue;
    (void)progress_update(&p, 100 * ms, &f);
    CU_ASSERT_TRUE(drain(ends[0], text, sizeof(text)) > 10 && text[0] == '\r');
    close(ends[0]);
    close(ends[1]);
}

static void finds_the_terminal(void)
{
    int ends[2], master = posix_openpt(O_RDWR | O_NOCTTY);
    char text[4000];
    struct progress p;
    struct progress_figures f = {.done = 1, .total = 10};
    open_pipe(ends);
    CU_ASSERT_EQUAL(progress_resolve(PROGRESS_AUTO, ends[1]), PROGRESS_LOG);
    CU_ASSERT_EQUAL(progress_resolve(PROGRESS_BAR, ends[1]), PROGRESS_BAR);
    close(ends[0]);
    close(ends[1]);
    CU_ASSERT_TRUE_FATAL(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    struct winsize size = {.ws_col = 40, .ws_row = 24};
    CU_ASSERT_TRUE_FATAL(terminal >= 0);
    CU_ASSERT_EQUAL(ioctl(terminal, TIOCSWINSZ, &size), 0);
    CU_ASSERT_EQUAL(progress_resolve(PROGRESS_AUTO, terminal), PROGRESS_BAR);
    CU_ASSERT_EQUAL(unsetenv("COLUMNS"), 0);
    progress_begin(&p, PROGRESS_AUTO, terminal, 0);
    (void)progress_update(&p, 0, &f);
    CU_ASSERT_TRUE(drain(master, text, sizeof(text)) > 10);
    CU_ASSERT_TRUE(columns_of(text) - 1 < 40);
    size.ws_col = 20;
    CU_ASSERT_EQUAL(ioctl(terminal, TIOCSWINSZ, &size), 0);
    p.drawn = 0;
    (void)progress_update(&p, 100 * ms, &f);
    CU_ASSERT_TRUE(drain(master, text, sizeof(text)) > 4);
    CU_ASSERT_TRUE(columns_of(text) - 1 < 20);
    close(terminal);
    close(master);
}

int main(void)
{
    static const struct check checks[] = {
        {"parses modes", parses_modes},
        {"formats lines", formats_lines},
        {"fits every width", fits_every_width},
        {"measures rates", measures_rates},
        {"draws and clears", draws_and_clears},
        {"logs every 30 seconds", logs_every_30_seconds},
        {"never waits", never_waits},
        {"finds the terminal", finds_the_terminal},
        {NULL, NULL},
    };
    (void)alarm(30);
    return unsetenv("OMPI_COMM_WORLD_RANK") == 0 ? check_run("progress", checks) : EXIT_FAILURE;
}
