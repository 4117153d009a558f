#include "src/source_powers.h"

#include "io/buffer.h"
#include "src/items.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* All items share one host without limits: what bounds them is the ranks' room. */
static const char HOST[] = "pow";

struct source_powers {
    struct source base; /* first: it is what the outside sees */
    struct items *items;
};

static enum source_step next(struct source *source, struct source_record *record)
{
    struct source_powers *s = (struct source_powers *)source;
    if (!items_next(s->items, &record->id, &record->text, &record->problem))
        return items_failed(s->items) ? SOURCE_FAILED : SOURCE_END;
    record->host = HOST;
    record->max_in_flight = 0;
    return SOURCE_RECORD;
}

static int fd(const struct source *source)
{
    (void)source;
    return -1;
}

static const char *failure(const struct source *source)
{
    (void)source;
    return "no memory left for an item";
}

static bool total(const struct source *source, uint64_t *count)
{
    *count = items_total(((const struct source_powers *)source)->items);
    return *count != UINT64_MAX;
}

static double fraction(const struct source *source)
{
    (void)source;
    return -1;
}

static void close_powers(struct source *source)
{
    struct source_powers *s = (struct source_powers *)source;
    items_free(s->items);
    free(s);
}

/* ------------------------------------------------------------------ opening */

/* One line into `line`, without its end; what is over ITEMS_MAX_LINE is read and dropped. False: there is none. */
static bool read_line(FILE *in, struct buffer *line, bool *whole)
{
    int c = getc_unlocked(in);
    bool any = c != EOF;
    buffer_reset(line);
    *whole = true;
    for (; c != EOF && c != '\n'; c = getc_unlocked(in)) {
        char byte = (char)c;
        *whole = *whole && buffer_add(line, &byte, 1);
    }
    return any;
}

/* Not strchr(3), which finds a NUL too. */
static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool add_line(struct items *items, const char *line, size_t len, bool whole, char *error,
                     size_t error_size)
{
    enum { SHOWN = 60 };
    char problem[256];
    while (len && is_space(line[len - 1]))
        len--;
    while (len && is_space(*line)) {
        line++;
        len--;
    }
    if (len == 0 || *line == '#')
        return true;
    if (!whole
            ? items_add_bad(items, line, len < SHOWN ? len : SHOWN, "the line is too long, or no memory left")
            : items_add(items, line, len, problem, sizeof problem) ||
                  items_add_bad(items, line, len, problem))
        return true;
    snprintf(error, error_size, "no memory left");
    return false;
}

static bool add_lines(struct items *items, FILE *in, char *error, size_t error_size)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
    const size_t mark_len = sizeof mark - 1;
    struct buffer line;
    bool ok = true, whole, first = true;
    buffer_init(&line,
                ITEMS_MAX_LINE + 2); /* so that what items_add refuses for its length is refused by it */
    for (; ok && read_line(in, &line, &whole); first = false) {
        bool marked = first && line.len >= mark_len && memcmp(line.data, mark, mark_len) == 0;
        size_t skip = marked ? mark_len : 0;
        if (line.len > skip)
            ok = add_line(items, line.data + skip, line.len - skip, whole, error, error_size);
    }
    buffer_free(&line);
    return ok;
}

static bool add_file(struct items *items, const char *path, char *error, size_t error_size)
{
    struct stat info;
    bool standard = strcmp(path, "-") == 0;
    FILE *in = standard ? stdin : fopen(path, "re");
    if (in && fstat(fileno(in), &info) == 0 && S_ISDIR(info.st_mode)) {
        fclose(in);
        in = NULL;
        errno = EISDIR;
    }
    if (!in) {
        snprintf(error, error_size, "cannot read '%s': %s", path, strerror(errno));
        return false;
    }
    bool ok = add_lines(items, in, error, error_size);
    if (ok && ferror(in)) {
        snprintf(error, error_size, "cannot read '%s': %s", path, strerror(errno));
        ok = false;
    }
    if (!standard)
        fclose(in);
    return ok;
}

struct source *source_powers_open(const struct source_powers_config *config, char *error, size_t error_size)
{
    snprintf(error, error_size, "no memory left");
    struct source_powers *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->base = (struct source){.next = next,
                              .fd = fd,
                              .failure = failure,
                              .total = total,
                              .fraction = fraction,
                              .close = close_powers};
    s->items = items_new(config->modulus);
    bool ok = s->items != NULL;
    for (size_t i = 0; ok && i < config->n_items; i++)
        ok = items_add(s->items, config->items[i], strlen(config->items[i]), error, error_size);
    if (ok && config->file)
        ok = add_file(s->items, config->file, error, error_size);
    if (ok)
        return &s->base;
    close_powers(&s->base);
    return NULL;
}
