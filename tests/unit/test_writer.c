#include "io/buffer.h"
#include "io/writer.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

static char directory[] = "/tmp/test_writer.XXXXXX";

static char *path_of(const char *name)
{
    static char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void read_fd(int fd, struct buffer *out)
{
    for (;;) {
        char *room = buffer_room(out, 65536);
        CU_ASSERT_PTR_NOT_NULL_FATAL(room);
        ssize_t n = read(fd, room, 65536);
        CU_ASSERT_TRUE_FATAL(n >= 0);
        if (n == 0)
            return;
        buffer_grew(out, (size_t)n);
    }
}

static void read_file(const char *path, struct buffer *out)
{
    int fd = open(path, O_RDONLY);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    buffer_reset(out);
    CU_ASSERT_TRUE(buffer_add_text(out, ""));
    read_fd(fd, out);
    close(fd);
}

/* A pipe whose writing end the writer opens by its name under /proc. */
static struct writer *open_on_pipe(struct writer_config config, int *reader)
{
    int ends[2];
    char path[50];
    struct writer *w = NULL;
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
    config.path = path;
    CU_ASSERT_EQUAL_FATAL(writer_open(&config, &w), 0);
    close(ends[1]);
    *reader = ends[0];
    return w;
}

static void wake(void *context)
{
    CU_ASSERT_EQUAL(write(*(int *)context, "w", 1), 1);
}

static void writes_in_order(void)
{
    struct writer_config config = {.path = path_of("out.tsv"), .limit = 1000};
    struct writer *w;
    struct buffer expected, out;
    buffer_init(&expected, 1 << 24);
    buffer_init(&out, 1 << 24);
    CU_ASSERT_EQUAL_FATAL(writer_open(&config, &w), 0);
    for (int i = 0; i < 100000; i++) {
        char row[40];
        int n = snprintf(row, sizeof(row), "%d\trow\n", i);
        CU_ASSERT_TRUE(writer_put(w, row, (size_t)n) && buffer_add(&expected, row, (size_t)n));
    }
    CU_ASSERT_EQUAL(writer_close(w), 0);
    read_file(config.path, &out);
    CU_ASSERT_TRUE(out.len == expected.len && memcmp(out.data, expected.data, out.len) == 0);
    buffer_free(&expected);
    buffer_free(&out);
    CU_ASSERT_EQUAL(unlink(config.path), 0);
}

static void keeps_to_its_mode(void)
{
    struct writer_config config = {.path = path_of("out.tsv"), .mode = WRITER_CREATE, .limit = 1000};
    struct writer *w;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    CU_ASSERT_EQUAL_FATAL(writer_open(&config, &w), 0);
    CU_ASSERT_TRUE(writer_put(w, "a\nb\ntorn", 8));
    CU_ASSERT_EQUAL(writer_close(w), 0);
    CU_ASSERT_EQUAL(writer_open(&config, &w), EEXIST);
    CU_ASSERT_PTR_NULL(w);
    config.mode = WRITER_RESUME;
    config.keep = 9;
    CU_ASSERT_EQUAL(writer_open(&config, &w), EINVAL);
    config.keep = 4;
    CU_ASSERT_EQUAL_FATAL(writer_open(&config, &w), 0);
    CU_ASSERT_TRUE(writer_put(w, "c\n", 2));
    CU_ASSERT_EQUAL(writer_close(w), 0);
    read_file(config.path, &out);
    CU_ASSERT_STRING_EQUAL(out.data, "a\nb\nc\n");
    config.mode = WRITER_TRUNCATE;
    CU_ASSERT_EQUAL_FATAL(writer_open(&config, &w), 0);
    CU_ASSERT_EQUAL(writer_close(w), 0);
    read_file(config.path, &out);
    CU_ASSERT_EQUAL(out.len, 0);
    CU_ASSERT_EQUAL(unlink(config.path), 0);
    config.path = "/no/such/directory/x";
    CU_ASSERT_EQUAL(writer_open(&config, &w), ENOENT);
    CU_ASSERT_EQUAL(writer_close(NULL), 0);
    buffer_free(&out);
}

/* A row reaches the kernel although no other follows. */
static void writes_at_once(void)
{
    int reader;
    char text[10];
    struct writer *w = open_on_pipe((struct writer_config){.limit = 1000}, &reader);
    CU_ASSERT_TRUE(writer_put(w, "row\n", 4));
    CU_ASSERT_EQUAL(read(reader, text, sizeof(text)), 4);
    CU_ASSERT_EQUAL(memcmp(text, "row\n", 4), 0);
    CU_ASSERT_EQUAL(writer_close(w), 0);
    close(reader);
}

/* A reader who stops reading makes it full, never slow; when he goes on, the owner hears of it. */
static void says_when_it_is_full(void)
{
    int reader, events[2];
    static char rows[1 << 20];
    char event;
    struct buffer out;
    buffer_init(&out, 1 << 24);
    CU_ASSERT_EQUAL_FATAL(pipe(events), 0);
    struct writer *w = open_on_pipe(
        (struct writer_config){.limit = 1 << 20, .notify = wake, .context = &events[1]}, &reader);
    memset(rows, '\n', sizeof(rows));
    CU_ASSERT_FALSE(writer_full(w));
    CU_ASSERT_TRUE(writer_put(w, rows, sizeof(rows)));
    CU_ASSERT_TRUE(writer_put(w, rows, sizeof(rows)));
    CU_ASSERT_TRUE(writer_full(w));
    CU_ASSERT_TRUE(writer_backlog(w) > sizeof(rows));
    struct pollfd p = {.fd = events[0], .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
    while (poll(&p, 1, 0) == 0 && out.len < 2 * sizeof(rows)) {
        char *room = buffer_room(&out, 65536);
        CU_ASSERT_PTR_NOT_NULL_FATAL(room);
        ssize_t n = read(reader, room, 65536);
        CU_ASSERT_TRUE_FATAL(n > 0);
        buffer_grew(&out, (size_t)n);
    }
    CU_ASSERT_EQUAL(read(events[0], &event, 1), 1);
    CU_ASSERT_FALSE(writer_full(w));
    CU_ASSERT_EQUAL(writer_error(w), 0);
    while (out.len < 2 * sizeof(rows)) {
        ssize_t n = read(reader, rows, sizeof(rows));
        CU_ASSERT_TRUE_FATAL(n > 0);
        CU_ASSERT_TRUE(buffer_add(&out, rows, (size_t)n));
    }
    CU_ASSERT_EQUAL(writer_close(w), 0);
    CU_ASSERT_EQUAL(out.len, 2 * sizeof(rows));
    buffer_free(&out);
    close(reader);
    close(events[0]);
    close(events[1]);
}

/* SIGPIPE has its default action here: the test would be killed. */
static void reports_a_reader_who_left(void)
{
    int reader, events[2];
    char event;
    CU_ASSERT_EQUAL_FATAL(pipe(events), 0);
    struct writer *w =
        open_on_pipe((struct writer_config){.limit = 100, .notify = wake, .context = &events[1]}, &reader);
    close(reader);
    CU_ASSERT_TRUE(writer_put(w, "row\n", 4));
    CU_ASSERT_EQUAL(read(events[0], &event, 1), 1);
    CU_ASSERT_EQUAL(writer_error(w), EPIPE);
    CU_ASSERT_FALSE(writer_put(w, "row\n", 4));
    CU_ASSERT_EQUAL(writer_backlog(w), 0);
    CU_ASSERT_EQUAL(writer_close(w), EPIPE);
    close(events[0]);
    close(events[1]);
}

static void reports_a_full_disk(void)
{
    static const enum writer_compression compressions[] = {WRITER_PLAIN, WRITER_GZIP, WRITER_ZSTD};
    for (size_t i = 0; i < 3; i++) {
        struct writer_config config = {.path = "/dev/full", .compression = compressions[i], .limit = 100};
        struct writer *w;
        CU_ASSERT_EQUAL_FATAL(writer_open(&config, &w), 0);
        CU_ASSERT_TRUE(writer_put(w, "row\n", 4));
        CU_ASSERT_EQUAL(writer_close(w), ENOSPC);
    }
}

/* Every gzip member, one behind another. */
static void unpack_gzip(const struct buffer *packed, struct buffer *out)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (size_t at = 0; at < packed->len;) {
        size_t used = 0, made = 0;
        char *room = buffer_room(out, 1 << 23);
        CU_ASSERT_PTR_NOT_NULL_FATAL(room);
        CU_ASSERT_EQUAL_FATAL(libdeflate_gzip_decompress_ex(d, packed->data + at, packed->len - at, room,
                                                            1 << 23, &used, &made),
                              LIBDEFLATE_SUCCESS);
        buffer_grew(out, made);
        at += used;
    }
    libdeflate_free_decompressor(d);
}

static void unpack(enum writer_compression compression, const struct buffer *packed, struct buffer *out)
{
    buffer_reset(out);
    if (compression == WRITER_GZIP) {
        unpack_gzip(packed, out);
        return;
    }
    char *room = buffer_room(out, 1 << 23);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    size_t n = ZSTD_decompress(room, 1 << 23, packed->data, packed->len);
    CU_ASSERT_FALSE_FATAL(ZSTD_isError(n));
    buffer_grew(out, n);
}

static void compresses(void)
{
    static const char *const names[] = {"out.tsv.gz", "out.jsonl.zst"};
    struct buffer expected, packed, out;
    buffer_init(&expected, 1 << 24);
    buffer_init(&packed, 1 << 24);
    buffer_init(&out, 1 << 25);
    for (size_t k = 0; k < 2; k++) {
        struct writer_config config = {.path = path_of(names[k]), .limit = 1 << 20};
        struct writer *w;
        config.compression = writer_compression_of(config.path);
        CU_ASSERT_NOT_EQUAL(config.compression, WRITER_PLAIN);
        buffer_reset(&expected);
        CU_ASSERT_EQUAL_FATAL(writer_open(&config, &w), 0);
        for (int i = 0; i < 300000; i++) {
            char row[40];
            int n = snprintf(row, sizeof(row), "%d\trow\n", i);
            CU_ASSERT_TRUE(writer_put(w, row, (size_t)n) && buffer_add(&expected, row, (size_t)n));
        }
        CU_ASSERT_EQUAL(writer_close(w), 0);
        read_file(config.path, &packed);
        unpack(config.compression, &packed, &out);
        CU_ASSERT_TRUE(packed.len < expected.len / 2);
        CU_ASSERT_TRUE(out.len == expected.len && memcmp(out.data, expected.data, out.len) == 0);
        CU_ASSERT_EQUAL(unlink(config.path), 0);
    }
    buffer_free(&expected);
    buffer_free(&packed);
    buffer_free(&out);
}

/* A second after a row was put it can be read, although the file is still open and no other row came. */
static void compresses_whole_members_in_time(void)
{
    int reader;
    struct buffer packed, out;
    buffer_init(&packed, 1 << 20);
    buffer_init(&out, 1 << 25);
    struct writer *w =
        open_on_pipe((struct writer_config){.compression = WRITER_GZIP, .limit = 1000}, &reader);
    CU_ASSERT_TRUE(writer_put(w, "row\n", 4));
    char *room = buffer_room(&packed, 1000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    ssize_t n = read(reader, room, 1000);
    CU_ASSERT_TRUE_FATAL(n > 0);
    buffer_grew(&packed, (size_t)n);
    unpack(WRITER_GZIP, &packed, &out);
    CU_ASSERT_STRING_EQUAL(out.data, "row\n");
    CU_ASSERT_EQUAL(writer_close(w), 0);
    CU_ASSERT_EQUAL(read(reader, packed.data, 10), 0);
    close(reader);
    buffer_free(&packed);
    buffer_free(&out);
}

static void knows_compressions(void)
{
    CU_ASSERT_EQUAL(writer_compression_of(NULL), WRITER_PLAIN);
    CU_ASSERT_EQUAL(writer_compression_of("a.tsv"), WRITER_PLAIN);
    CU_ASSERT_EQUAL(writer_compression_of("a.tsv.gz"), WRITER_GZIP);
    CU_ASSERT_EQUAL(writer_compression_of("a.ZST"), WRITER_ZSTD);
}

int main(void)
{
    static const struct check checks[] = {
        {"writes in order", writes_in_order},
        {"keeps to its mode", keeps_to_its_mode},
        {"writes at once", writes_at_once},
        {"says when it is full", says_when_it_is_full},
        {"reports a reader who left", reports_a_reader_who_left},
        {"reports a full disk", reports_a_full_disk},
        {"compresses", compresses},
        {"compresses whole members in time", compresses_whole_members_in_time},
        {"knows compressions", knows_compressions},
        {NULL, NULL},
    };
    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    (void)alarm(50);
    int code = check_run("writer", checks);
    return rmdir(directory) == 0 ? code : EXIT_FAILURE;
}
