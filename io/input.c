#include "io/input.h"

#include "io/buffer.h"
#include "io/glob.h"
#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One argument. */
struct place {
    enum { PLACE_URL, PLACE_FILE } kind;
    enum table_kind table;
    int fd;         /* of what can't be opened twice (a pipe, a terminal); otherwise -1 */
    bool regular;   /* a regular file */
    uint64_t count; /* PLACE_URL: URLs */
    uint64_t bytes; /* its size, as far as it is known: the weight it has in the fraction */
};

struct input {
    struct input_config config;
    const char *url_column;
    struct place *places;
    size_t at; /* the place that is read */
    struct glob *glob;
    struct stream *stream;
    int fd; /* that `stream` reads, or -1 */
    bool waiting;
    uint64_t index; /* PLACE_URL: URLs made */
    uint64_t next_id;
    uint32_t repeats; /* of `record` still to come */
    struct input_record record;
    struct buffer url;
    struct input_error failure;
};

static const char standard_input[] = "standard input";

static bool is_standard_input(const char *arg)
{
    return strcmp(arg, "-") == 0;
}

/* File names are hostile too: no control character reaches the terminal. */
static bool explain(struct input_error *error, const char *arg, const char *reason)
{
    if (is_standard_input(arg))
        (void)snprintf(error->text, sizeof(error->text), "cannot read %s: %s", standard_input, reason);
    else
        (void)snprintf(error->text, sizeof(error->text), "cannot read '%.400s': %s", arg, reason);
    for (char *c = error->text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return false;
}

/* A scheme and "://"; braces and brackets may stand in the scheme, as in "http{,s}://". */
static bool is_url(const char *arg)
{
    const char *end = strstr(arg, "://");
    if (!end || end == arg)
        return false;
    for (; arg < end; arg++) {
        bool alnum =
            (*arg >= 'a' && *arg <= 'z') || (*arg >= 'A' && *arg <= 'Z') || (*arg >= '0' && *arg <= '9');
        if (!alnum && !strchr("+-.{},[]:\\", *arg))
            return false;
    }
    return true;
}

/* "example.org/x": a dot before the first slash. */
static bool looks_like_url(const char *arg)
{
    const char *slash = strchr(arg, '/'), *dot = strchr(arg, '.');
    return strncmp(arg, "www.", 4) == 0 || (slash && dot && dot > arg && dot + 1 < slash && dot[1] != '.');
}

static bool explain_errno(struct input_error *error, const char *arg, int number)
{
    char reason[600];
    if (number == ENOENT && looks_like_url(arg))
        (void)snprintf(reason, sizeof(reason), "%s (did you mean https://%.400s?)", strerror(number), arg);
    else
        (void)snprintf(reason, sizeof(reason), "%s", strerror(number));
    return explain(error, arg, reason);
}

/* -1: errno says why. A pipe must not make us wait for its writer; on regular files O_NONBLOCK means nothing.
 */
static int open_arg(const char *arg, struct stat *st)
{
    int fd = is_standard_input(arg) ? STDIN_FILENO : open(arg, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    int number = fstat(fd, st) < 0 ? errno : S_ISDIR(st->st_mode) ? EISDIR : 0;
    if (number == 0)
        return fd;
    if (fd != STDIN_FILENO)
        close(fd);
    errno = number;
    return -1;
}

static void close_fd(int fd)
{
    if (fd > STDIN_FILENO)
        close(fd);
}

static bool is_compressed(const char *arg)
{
    static const char *const suffixes[] = {".gz", ".zst", ".bz2", ".xz"};
    size_t len = strlen(arg);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (len > strlen(suffixes[i]) && strcmp(arg + len - strlen(suffixes[i]), suffixes[i]) == 0)
            return true;
    return false;
}

static bool check_url(struct place *place, const char *arg, struct input_error *error)
{
    struct glob_error why;
    struct glob *glob = glob_parse(arg, strlen(arg), &why);
    if (!glob) {
        char reason[200];
        (void)snprintf(reason, sizeof(reason), "at byte %zu: %s", why.position + 1, why.text);
        return explain(error, arg, reason);
    }
    place->kind = PLACE_URL;
    place->count = glob_count(glob);
    glob_free(glob);
    uint64_t len = strlen(arg);
    place->bytes = place->count > UINT64_MAX / len ? UINT64_MAX : place->count * len;
    return true;
}

/* Only of a regular file: a pipe's header may be long in coming. */
static bool check_header(const struct input *in, const struct place *place, int fd, const char *arg,
                         struct input_error *error)
{
    struct stream *s = stream_new(fd, true, place->table, in->url_column);
    if (!s)
        return explain_errno(error, arg, ENOMEM);
    bool ok = stream_check_header(s) != STREAM_FAILED || explain(error, arg, stream_failure(s));
    stream_free(s);
    return ok;
}

static bool check_file(const struct input *in, struct place *place, const char *arg,
                       struct input_error *error)
{
    struct stat st;
    int fd = open_arg(arg, &st);
    if (fd < 0)
        return explain_errno(error, arg, errno);
    place->kind = PLACE_FILE;
    place->table = is_standard_input(arg) ? TABLE_NONE : table_kind_of(arg);
    place->regular = S_ISREG(st.st_mode);
    place->bytes = place->regular ? (uint64_t)st.st_size : 0;
    if (!place->regular || fd == STDIN_FILENO) {
        place->fd = fd;
        return true;
    }
    bool ok = !is_compressed(arg) || explain(error, arg, "it is compressed; decompress it and give -");
    ok = ok && check_header(in, place, fd, arg, error);
    close_fd(fd);
    return ok;
}

static bool check_args(struct input *in, struct input_error *error)
{
    bool has_standard_input = false;
    for (size_t i = 0; i < in->config.nargs; i++) {
        const char *arg = in->config.args[i];
        bool standard = is_standard_input(arg);
        if (standard && has_standard_input)
            return explain(error, arg, "it is given twice");
        has_standard_input |= standard;
        if (!(is_url(arg) ? check_url(&in->places[i], arg, error)
                          : check_file(in, &in->places[i], arg, error)))
            return false;
    }
    return true;
}

bool input_open(const struct input_config *config, struct input **out, struct input_error *error)
{
    *out = NULL;
    struct input *in = calloc(1, sizeof(*in));
    struct place *places = calloc(config->nargs ? config->nargs : 1, sizeof(*places));
    if (!in || !places) {
        free(in);
        free(places);
        return explain_errno(error, "input", ENOMEM);
    }
    *in = (struct input){.config = *config, .places = places, .fd = -1};
    in->url_column = config->url_column ? config->url_column : "url";
    buffer_init(&in->url, GLOB_LENGTH_MAX);
    for (size_t i = 0; i < config->nargs; i++)
        places[i].fd = -1;
    if (!check_args(in, error)) {
        input_close(in);
        return false;
    }
    *out = in;
    return true;
}

static void leave_place(struct input *in)
{
    struct place *place = &in->places[in->at];
    glob_free(in->glob);
    stream_free(in->stream);
    in->glob = NULL;
    in->stream = NULL;
    close_fd(in->fd);
    if (in->fd == place->fd)
        place->fd = -1;
    in->fd = -1;
    in->index = 0;
}

void input_close(struct input *in)
{
    if (!in)
        return;
    if (in->at < in->config.nargs)
        leave_place(in);
    for (size_t i = 0; i < in->config.nargs; i++)
        close_fd(in->places[i].fd);
    free(in->places);
    buffer_free(&in->url);
    free(in);
}

static bool enter_url(struct input *in, const char *arg)
{
    struct glob_error why;
    in->glob = glob_parse(arg, strlen(arg), &why);
    return in->glob || explain(&in->failure, arg, why.text);
}

static bool enter_place(struct input *in)
{
    struct place *place = &in->places[in->at];
    const char *arg = in->config.args[in->at];
    struct stat st;
    if (place->kind == PLACE_URL)
        return enter_url(in, arg);
    in->fd = place->fd >= 0 ? place->fd : open_arg(arg, &st);
    if (in->fd < 0)
        return explain_errno(&in->failure, arg, errno);
    in->stream = stream_new(in->fd, place->regular, place->table, in->url_column);
    return in->stream || explain_errno(&in->failure, arg, ENOMEM);
}

static enum input_step next_url(struct input *in)
{
    enum glob_step step = glob_next(in->glob, &in->url);
    if (step == GLOB_END)
        return INPUT_END;
    in->record.line = ++in->index;
    in->record.problem = step == GLOB_NO_MEMORY ? "URL longer than 65536 bytes" : NULL;
    in->record.url = step == GLOB_NO_MEMORY ? "" : in->url.data;
    in->record.url_len = strlen(in->record.url);
    return INPUT_RECORD;
}

static enum input_step next_line(struct input *in)
{
    struct stream_record line;
    switch (stream_next(in->stream, &line)) {
    case STREAM_WAIT:
        in->waiting = true;
        return INPUT_WAIT;
    case STREAM_END:
        return INPUT_END;
    case STREAM_FAILED:
        (void)explain(&in->failure, in->config.args[in->at], stream_failure(in->stream));
        return INPUT_FAILED;
    default:
        break;
    }
    in->record.url = line.text;
    in->record.url_len = line.len;
    in->record.problem = line.problem;
    in->record.line = line.line;
    in->record.columns = line.columns;
    in->record.columns_len = line.columns_len;
    return INPUT_RECORD;
}

static enum input_step next_new(struct input *in)
{
    for (; in->at < in->config.nargs; in->at++) {
        if (!in->glob && !in->stream && !enter_place(in))
            return INPUT_FAILED;
        in->record = (struct input_record){.source = in->config.args[in->at]};
        if (is_standard_input(in->record.source))
            in->record.source = standard_input;
        enum input_step step = in->glob ? next_url(in) : next_line(in);
        if (step != INPUT_END)
            return step;
        leave_place(in);
    }
    return INPUT_END;
}

enum input_step input_next(struct input *in, struct input_record *rec)
{
    in->waiting = false;
    if (in->failure.text[0])
        return INPUT_FAILED;
    if (in->repeats > 0) {
        in->repeats--;
    } else {
        enum input_step step = next_new(in);
        if (step != INPUT_RECORD)
            return step;
        in->repeats = in->config.repeat > 0 ? in->config.repeat - 1 : 0;
    }
    in->record.id = in->next_id++;
    *rec = in->record;
    return INPUT_RECORD;
}

int input_fd(const struct input *in)
{
    return in->waiting ? in->fd : -1;
}

const char *input_failure(const struct input *in)
{
    return in->failure.text;
}

bool input_total(const struct input *in, uint64_t *total)
{
    uint64_t repeat = in->config.repeat > 0 ? in->config.repeat : 1, sum = 0;
    for (size_t i = 0; i < in->config.nargs; i++) {
        const struct place *place = &in->places[i];
        if (place->kind != PLACE_URL || place->count > UINT64_MAX - sum)
            return false;
        sum += place->count;
    }
    if (sum > UINT64_MAX / repeat)
        return false;
    *total = sum * repeat;
    return true;
}

/* Bytes of the place that is read. */
static double bytes_done(const struct input *in)
{
    const struct place *place = &in->places[in->at];
    double done = 0.0;
    if (in->glob)
        done = (double)place->bytes * ((double)in->index / (double)place->count);
    else if (in->stream)
        done = (double)stream_bytes_read(in->stream);
    return done < (double)place->bytes ? done : (double)place->bytes;
}

double input_fraction(const struct input *in)
{
    double sum = 0.0, done = 0.0;
    for (size_t i = 0; i < in->config.nargs; i++) {
        const struct place *place = &in->places[i];
        if (place->kind == PLACE_FILE && !place->regular)
            return -1.0;
        sum += (double)place->bytes;
        if (i < in->at)
            done += (double)place->bytes;
        else if (i == in->at)
            done += bytes_done(in);
    }
    return sum > 0.0 ? done / sum : 1.0;
}
