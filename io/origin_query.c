#include "io/origin_query.h"

#include <stdbool.h>
#include <string.h>

enum kind {
    KIND_NUMBER,
    KIND_SECONDS,
    KIND_FLAG,
    KIND_CODING,
    KIND_CHARSET,
    KIND_DECLARE,
    KIND_TYPE,
    KIND_ENDLESS
};

struct option {
    const char *name;
    enum kind kind;
    size_t field; /* offset of the int64_t, where the kind has one */
    int64_t min, max;
};

#define NUMBER(name, field, min, max)                                                                        \
    {                                                                                                        \
        name, KIND_NUMBER, offsetof(struct origin_query, field), min, max                                    \
    }
#define FLAG(name, field)                                                                                    \
    {                                                                                                        \
        name, KIND_FLAG, offsetof(struct origin_query, field), 0, 0                                          \
    }
#define CODING(name, coding)                                                                                 \
    {                                                                                                        \
        name, KIND_CODING, 0, coding, 0                                                                      \
    }

static const struct option options[] = {
    {"latency", KIND_SECONDS, offsetof(struct origin_query, latency), 0, 0},
    NUMBER("fail", fail, 0, 1000000000),
    NUMBER("status", status, 200, 599),
    NUMBER("retry-after", retry_after, 0, 1000000000),
    NUMBER("retry-after-date", retry_after_date, 0, 1000000000),
    NUMBER("slow", slow, 1, 1 << 30),
    NUMBER("reset", reset, 0, INT64_C(1) << 40),
    NUMBER("content-length", content_length, 0, INT64_MAX),
    NUMBER("bomb", bomb, 1, ORIGIN_BOMB_MAX),
    {"endless", KIND_ENDLESS, offsetof(struct origin_query, endless), 0, 0},
    FLAG("endless-header", endless_header),
    FLAG("close", close),
    FLAG("drop", drop),
    FLAG("plain", plain),
    CODING("gzip", ORIGIN_CODING_GZIP),
    CODING("deflate", ORIGIN_CODING_DEFLATE),
    CODING("br", ORIGIN_CODING_BR),
    CODING("zstd", ORIGIN_CODING_ZSTD),
    {"charset", KIND_CHARSET, 0, 0, 0},
    {"declare", KIND_DECLARE, 0, 0, 0},
    {"type", KIND_TYPE, 0, 0, 0},
};

int origin_parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    int64_t value = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        if (value > (max - (*text - '0')) / 10)
            return -1;
        value = value * 10 + (*text - '0');
    }
    if (value < min || value > max)
        return -1;
    *out = value;
    return 0;
}

int origin_parse_seconds(const char *text, int64_t *out)
{
    int64_t value = 0, scale = 1000000000;
    bool digits = false, point = false;
    for (; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || scale == 1 || value > ORIGIN_SECONDS_MAX * INT64_C(1000000000))
            return -1;
        digits = true;
        if (point)
            scale /= 10;
        value = point ? value + (*text - '0') * scale : value * 10 + (*text - '0') * INT64_C(1000000000);
    }
    if (!digits || value > ORIGIN_SECONDS_MAX * INT64_C(1000000000))
        return -1;
    *out = value;
    return 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes length bytes into out with its NUL. Refuses what is too long, %00, and a broken escape. */
static int decode(const char *text, size_t length, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 1 < length ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || used + 1 >= size)
            return -1;
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return 0;
}

static int parse_declare(const char *value, enum origin_declare *out)
{
    static const char *const names[] = {"header", "meta", "both", "none"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(value, names[i]) == 0) {
            *out = (enum origin_declare)i;
            return 0;
        }
    return -1;
}

/* A Content-Type goes into a header line, so nothing but printable ASCII may pass. */
static int parse_type(const char *value, char out[ORIGIN_TYPE_MAX + 1])
{
    size_t length = strlen(value);
    if (length == 0 || length > ORIGIN_TYPE_MAX)
        return -1;
    for (size_t i = 0; i < length; i++)
        if (value[i] < ' ' || value[i] > '~')
            return -1;
    memcpy(out, value, length + 1);
    return 0;
}

static int parse_endless(const char *value, struct origin_query *out)
{
    out->endless = 1;
    out->endless_close = strcmp(value, "close") == 0;
    return *value && !out->endless_close ? -1 : 0;
}

static int parse_value(const struct option *option, const char *value, struct origin_query *out)
{
    int64_t *field = (int64_t *)(void *)((char *)out + option->field);
    switch (option->kind) {
    case KIND_NUMBER:
        return origin_parse_number(value, option->min, option->max, field);
    case KIND_SECONDS:
        return origin_parse_seconds(value, field);
    case KIND_FLAG:
        *field = 1;
        return *value ? -1 : 0;
    case KIND_CODING:
        out->coding = (enum origin_coding)option->min;
        return *value ? -1 : 0;
    case KIND_CHARSET:
        return origin_charset_find(value, &out->charset);
    case KIND_DECLARE:
        return parse_declare(value, &out->declare);
    case KIND_TYPE:
        return parse_type(value, out->type);
    case KIND_ENDLESS:
        return parse_endless(value, out);
    }
    return -1;
}

static const struct option *find_option(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

static const char *parse_pair(const char *pair, size_t length, struct origin_query *out)
{
    const char *equals = memchr(pair, '=', length);
    size_t name = equals ? (size_t)(equals - pair) : length;
    const struct option *option = find_option(pair, name);
    char value[ORIGIN_TYPE_MAX + 1] = "";
    if (!option)
        return NULL;
    if (equals && decode(equals + 1, length - name - 1, value, sizeof(value)))
        return option->name;
    return parse_value(option, value, out) ? option->name : NULL;
}

/* Past the scheme and authority of an absolute-form target: a proxy's client sends those. */
static const char *find_path(const char *target)
{
    if (*target == '/')
        return target;
    const char *authority = strstr(target, "://");
    const char *path = authority ? strpbrk(authority + 3, "/?") : NULL;
    return path ? path : "";
}

const char *origin_query_parse(const char *target, struct origin_query *out)
{
    *out = (struct origin_query){
        .latency = -1, .fail = -1, .status = -1, .retry_after = -1, .retry_after_date = -1};
    out->slow = out->reset = out->content_length = out->bomb = -1;
    const char *path = find_path(target);
    size_t length = strcspn(path, "?");
    if (decode(path, length, out->path, sizeof(out->path)))
        return "path";
    if (!out->path[0])
        memcpy(out->path, "/", 2);
    for (const char *pair = path + length; *pair;) {
        pair++;
        size_t pair_length = strcspn(pair, "&");
        const char *wrong = parse_pair(pair, pair_length, out);
        if (wrong)
            return wrong;
        pair += pair_length;
    }
    return NULL;
}
