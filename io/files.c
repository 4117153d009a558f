#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATTERN_MAX = 4095, /* bytes: PATH_MAX */
    PARTS_MAX = 64,
    TRIES_MAX = 100 /* of a temporary name */
};

struct part {
    enum { LITERAL, ID, HOST, EXT } kind;
    size_t text, len; /* LITERAL: in the pattern's text */
};

struct file_pattern {
    struct buffer text; /* literals, escapes undone */
    struct part parts[PARTS_MAX];
    size_t n;
    bool has_id;
    char *root;
    int fd; /* of the root, or -1 */
};

/* False. Names are hostile too: no control character reaches the terminal. */
static bool fail(struct file_error *error, int number, const char *what, const char *name, const char *reason)
{
    error->number = number;
    (void)snprintf(error->text, sizeof(error->text), "%s '%.300s': %s", what, name, reason);
    for (char *c = error->text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return false;
}

static bool fail_errno(struct file_error *error, const char *what, const char *name)
{
    int number = errno;
    return fail(error, number, what, name, strerror(number));
}

static bool refuse(struct file_error *error, const char *text, const char *reason)
{
    return fail(error, 0, "file pattern", text, reason);
}

static struct part *add_part(struct file_pattern *p, int kind)
{
    if (p->n == PARTS_MAX)
        return NULL;
    struct part *part = &p->parts[p->n++];
    *part = (struct part){.text = p->text.len};
    part->kind = kind == ID ? ID : kind == HOST ? HOST : kind == EXT ? EXT : LITERAL;
    return part;
}

static bool add_literal(struct file_pattern *p, char c)
{
    struct part *part =
        p->n > 0 && p->parts[p->n - 1].kind == LITERAL ? &p->parts[p->n - 1] : add_part(p, LITERAL);
    if (!part || !buffer_add_byte(&p->text, c))
        return false;
    part->len++;
    return true;
}

/* "{id}" and the like at `text`: its length. 0: `*error` is set. */
static size_t read_name(struct file_pattern *p, const char *whole, const char *text, struct file_error *error)
{
    static const struct {
        const char *name;
        int kind;
    } names[] = {{"{id}", ID}, {"{host}", HOST}, {"{ext}", EXT}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i].name);
        if (strncmp(text, names[i].name, len) != 0)
            continue;
        p->has_id |= names[i].kind == ID;
        if (add_part(p, names[i].kind))
            return len;
        (void)refuse(error, whole, "it has too many parts");
        return 0;
    }
    (void)refuse(error, whole, "there are {id}, {host} and {ext}, and {{ or }} for a brace");
    return 0;
}

static bool read_parts(struct file_pattern *p, const char *text, struct file_error *error)
{
    for (const char *at = text; *at;) {
        bool brace = *at == '{' || *at == '}';
        bool twice = brace && at[1] == at[0];
        if (brace && !twice) {
            size_t len = read_name(p, text, at, error);
            if (len == 0)
                return false;
            at += len;
            continue;
        }
        if (!add_literal(p, *at))
            return refuse(error, text, "it has too many parts");
        at += 1 + twice;
    }
    return true;
}

/* Takes the directories off the beginning of the first part. */
static bool split_root(struct file_pattern *p)
{
    struct part *first = &p->parts[0];
    size_t len = 0;
    if (first->kind == LITERAL)
        for (size_t i = 0; i < first->len; i++)
            if (p->text.data[first->text + i] == '/')
                len = i + 1;
    p->root = len > 0 ? strndup(p->text.data + first->text, len) : strdup("");
    if (first->kind == LITERAL) {
        first->text += len;
        first->len -= len;
    }
    return p->root != NULL;
}

static bool is_dots(const char *name, size_t len)
{
    return len == 0 || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
}

/* Every component below the root is a plain name. What {..} stands for is never empty and never begins with a
 * dot. */
static bool has_plain_components(const char *name)
{
    for (;;) {
        size_t len = strcspn(name, "/");
        if (is_dots(name, len))
            return false;
        if (name[len] == '\0')
            return true;
        name += len + 1;
    }
}

static bool check(struct file_pattern *p, const char *text, struct file_error *error)
{
    if (!p->has_id)
        return refuse(error, text,
                      "it must have {id}, as in 'pages/{id}.{ext}', so that each file has its own name");
    if (!split_root(p))
        return refuse(error, text, "out of memory");
    struct buffer name;
    buffer_init(&name, 2 * PATTERN_MAX);
    bool ok = file_pattern_expand(p, 0, "h", NULL, &name);
    bool plain = ok && has_plain_components(name.data);
    buffer_free(&name);
    if (!ok)
        return refuse(error, text, "out of memory");
    return plain || refuse(error, text, "an empty name, '.' or '..' after the first {..}");
}

struct file_pattern *file_pattern_parse(const char *text, struct file_error *error)
{
    size_t len = strlen(text);
    struct file_pattern *p = len > PATTERN_MAX ? NULL : calloc(1, sizeof(*p));
    if (!p) {
        (void)refuse(error, text, len > PATTERN_MAX ? "it is too long" : "out of memory");
        return NULL;
    }
    p->fd = -1;
    buffer_init(&p->text, PATTERN_MAX);
    bool ok = read_parts(p, text, error);
    if (ok && len > 0 && text[len - 1] == '/') {
        p->has_id = true;
        ok = (add_part(p, ID) && add_literal(p, '.') && add_part(p, EXT)) ||
             refuse(error, text, "it has too many parts");
    }
    if (!ok || !check(p, text, error)) {
        file_pattern_free(p);
        return NULL;
    }
    return p;
}

void file_pattern_free(struct file_pattern *p)
{
    if (!p)
        return;
    if (p->fd >= 0)
        close(p->fd);
    buffer_free(&p->text);
    free(p->root);
    free(p);
}

const char *file_pattern_root(const struct file_pattern *p)
{
    return p->root;
}

bool file_pattern_open(struct file_pattern *p, struct file_error *error)
{
    if (p->fd >= 0)
        return true;
    for (char *slash = strchr(p->root, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool failed = slash > p->root && mkdir(p->root, 0777) < 0 && errno != EEXIST && errno != EISDIR;
        int number = errno;
        *slash = '/';
        errno = number;
        /* A directory on a file system that is read-only but for what is below fails with EROFS or EACCES
         * although it is there: opening the last one tells. */
        if (failed && errno != EROFS && errno != EACCES)
            return fail_errno(error, "cannot make the directory", p->root);
    }
    p->fd = open(p->root[0] ? p->root : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return p->fd >= 0 || fail_errno(error, "cannot open the directory", p->root[0] ? p->root : ".");
}

/* Lower case letters, digits, '-', and '.' but for the first. */
static bool add_host(struct buffer *out, const char *host)
{
    size_t len = strlen(host);
    char *room = buffer_room(out, len + 1);
    if (!room)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = host[i];
        bool digit = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (c == '.' && i > 0);
        room[i] = (char)(digit ? c : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : '_');
    }
    if (len == 0)
        room[len++] = '_';
    buffer_grew(out, len);
    return true;
}

bool file_pattern_expand(const struct file_pattern *p, uint64_t id, const char *host,
                         const char *content_type, struct buffer *out)
{
    bool ok = true;
    buffer_reset(out);
    for (size_t i = 0; i < p->n && ok; i++) {
        const struct part *part = &p->parts[i];
        switch (part->kind) {
        case ID:
            ok = buffer_addf(out, "%llu", (unsigned long long)id);
            break;
        case HOST:
            ok = add_host(out, host);
            break;
        case EXT:
            ok = buffer_add_text(out, file_extension(content_type));
            break;
        default:
            ok = buffer_add(out, p->text.data + part->text, part->len);
        }
    }
    return ok;
}

/* Opens the directory of `name` below the root, making what is missing. `*base` is set to the last component.
 */
static int open_directory(int root, const char *name, const char **base)
{
    char component[256];
    int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash; fd >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        size_t len = (size_t)(slash - name);
        int next = -1;
        errno = is_dots(name, len) ? EINVAL : ENAMETOOLONG;
        if (!is_dots(name, len) && len < sizeof(component)) {
            memcpy(component, name, len);
            component[len] = '\0';
            next = openat(fd, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (next < 0 && errno == ENOENT && (mkdirat(fd, component, 0777) == 0 || errno == EEXIST))
                next = openat(fd, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        int number = errno;
        close(fd);
        errno = number;
        fd = next;
    }
    *base = name;
    return fd;
}

/* A name that no other thread, rank or job uses, on whatever node: random. */
static int open_temporary(int directory, char *name, size_t size)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        unsigned long long number;
        if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
            return -1;
        (void)snprintf(name, size, ".millrace.%016llx", number);
        int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* errno says why not. */
static bool store_in(int directory, const char *base, const void *data, size_t len)
{
    char temporary[40];
    int fd = open_temporary(directory, temporary, sizeof(temporary));
    if (fd < 0)
        return false;
    bool ok = write_all(fd, data, len);
    int number = errno;
    if (close(fd) < 0 && ok && errno != EINTR) {
        ok = false;
        number = errno;
    }
    if (ok && renameat(directory, temporary, directory, base) == 0)
        return true;
    number = ok ? errno : number;
    (void)unlinkat(directory, temporary, 0);
    errno = number;
    return false;
}

bool file_store(const struct file_pattern *p, const char *name, const void *data, size_t len,
                struct file_error *error)
{
    const char *base;
    if (p->fd < 0)
        return fail(error, EBADF, "cannot write", name, "the directory was not opened");
    int directory = open_directory(p->fd, name, &base);
    if (directory < 0)
        return fail_errno(error, "cannot open the directory of", name);
    errno = EINVAL;
    bool ok = !is_dots(base, strlen(base)) && store_in(directory, base, data, len);
    if (!ok)
        (void)fail_errno(error, "cannot write", name);
    close(directory);
    return ok;
}

const char *file_extension(const char *content_type)
{
    static const struct {
        const char *type, *extension;
    } table[] = {
        {"application/epub+zip", "epub"},
        {"application/gzip", "gz"},
        {"application/javascript", "js"},
        {"application/json", "json"},
        {"application/jsonl", "jsonl"},
        {"application/msword", "doc"},
        {"application/pdf", "pdf"},
        {"application/rtf", "rtf"},
        {"application/wasm", "wasm"},
        {"application/x-gzip", "gz"},
        {"application/x-ndjson", "jsonl"},
        {"application/x-tar", "tar"},
        {"application/xhtml+xml", "html"},
        {"application/xml", "xml"},
        {"application/zip", "zip"},
        {"application/zstd", "zst"},
        {"audio/mpeg", "mp3"},
        {"audio/ogg", "ogg"},
        {"audio/wav", "wav"},
        {"font/woff", "woff"},
        {"font/woff2", "woff2"},
        {"image/avif", "avif"},
        {"image/bmp", "bmp"},
        {"image/gif", "gif"},
        {"image/jpeg", "jpg"},
        {"image/png", "png"},
        {"image/svg+xml", "svg"},
        {"image/tiff", "tif"},
        {"image/vnd.microsoft.icon", "ico"},
        {"image/webp", "webp"},
        {"image/x-icon", "ico"},
        {"text/calendar", "ics"},
        {"text/css", "css"},
        {"text/csv", "csv"},
        {"text/html", "html"},
        {"text/javascript", "js"},
        {"text/markdown", "md"},
        {"text/plain", "txt"},
        {"text/tab-separated-values", "tsv"},
        {"text/xml", "xml"},
        {"video/mp4", "mp4"},
        {"video/webm", "webm"},
    };
    if (!content_type)
        return "bin";
    content_type += strspn(content_type, " \t");
    size_t len = strcspn(content_type, "; \t,");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strlen(table[i].type) == len && strncasecmp(content_type, table[i].type, len) == 0)
            return table[i].extension;
    /* RFC 6839: structured syntax suffixes. */
    if (len > 5 && strncasecmp(content_type + len - 5, "+json", 5) == 0)
        return "json";
    return len > 4 && strncasecmp(content_type + len - 4, "+xml", 4) == 0 ? "xml" : "bin";
}
