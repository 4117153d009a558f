#include "io/origin_site.h"

#include "io/origin.h"
#include "io/origin_article.h"
#include "io/origin_charset.h"
#include "io/origin_date.h"
#include "io/origin_random.h"
#include "io/origin_title.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { CODED_MAX = 16 << 20, REDIRECTS_MAX = 1000, LINKS_MAX = 100 };

static const char type_html[] = "text/html", type_json[] = "application/json", type_text[] = "text/plain";

int origin_site_init(struct origin_site *site, uint64_t seed, uint64_t articles, int64_t latency,
                     const char *robots)
{
    *site = (struct origin_site){.seed = seed, .articles = articles, .latency = latency};
    site->robots = strdup(robots);
    return site->robots ? 0 : ENOMEM;
}

void origin_site_free(struct origin_site *site)
{
    for (unsigned coding = 0; coding < ORIGIN_CODINGS; coding++)
        for (unsigned slot = 0; slot < ORIGIN_CACHE_SLOTS; slot++)
            origin_block_drop(site->cache[coding][slot].block);
    free(site->robots);
}

void origin_reply_clear(struct origin_reply *reply)
{
    origin_body_clear(&reply->body);
}

bool origin_status_bodiless(unsigned status)
{
    return status == 204 || status == 304;
}

/* Takes the block, NULL meaning that memory ran out, as the reply's whole body. */
static int set_body(struct origin_reply *reply, unsigned status, const char *type, struct origin_block *block)
{
    if (!block)
        return ENOMEM;
    origin_body_clear(&reply->body);
    reply->status = status;
    reply->type = type;
    reply->body = (struct origin_body){.block = block, .size = block->size};
    return 0;
}

static int set_text(struct origin_reply *reply, unsigned status, const char *type, const char *text)
{
    return set_body(reply, status, type, origin_block_copy(text, strlen(text)));
}

static int set_format(struct origin_reply *reply, unsigned status, const char *type, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return length < 0 ? ENOMEM : set_text(reply, status, type, text);
}

static void set_location(struct origin_reply *reply, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(reply->location, sizeof(reply->location), format, arguments) < 0)
        reply->location[0] = '\0';
    va_end(arguments);
}

static void set_retry_after(struct origin_reply *reply, const struct origin_query *query)
{
    if (query && query->retry_after >= 0)
        (void)snprintf(reply->retry_after, sizeof(reply->retry_after), "%lld", (long long)query->retry_after);
    if (query && query->retry_after_date >= 0)
        origin_date_format(time(NULL) + query->retry_after_date, reply->retry_after);
}

int origin_site_status(unsigned status, const char *detail, const struct origin_query *query,
                       struct origin_reply *reply)
{
    *reply = (struct origin_reply){.status = status};
    if (status >= 300)
        set_retry_after(reply, query);
    if (status / 100 == 3 && status != 304)
        set_location(reply, "/article/1");
    if (origin_status_bodiless(status))
        return 0;
    return set_format(reply, status, type_html,
                      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>%u</title></head>\n"
                      "<body><h1>%u</h1>\n<p>%.200s</p></body></html>\n",
                      status, status, detail);
}

/* The articles: cached where the query does not change the text. */

static struct origin_block *make_article(const struct origin_site *site, uint64_t n,
                                         const struct origin_query *query)
{
    bool meta = query->charset == ORIGIN_CHARSET_DEFAULT || query->declare == ORIGIN_DECLARE_META ||
                query->declare == ORIGIN_DECLARE_BOTH;
    const char *charset = meta ? origin_charset_name(query->charset) : NULL;
    return origin_article_make(site->seed, n, site->articles, charset);
}

static struct origin_block *cached_article(struct origin_site *site, uint64_t n,
                                           const struct origin_query *query)
{
    enum origin_coding coding = query->coding;
    uint64_t slot = n % ORIGIN_CACHE_SLOTS;
    if (site->cache[coding][slot].block && site->cache[coding][slot].n == n)
        return origin_block_hold(site->cache[coding][slot].block);
    struct origin_block *plain = make_article(site, n, query), *block = plain;
    if (plain && coding != ORIGIN_CODING_NONE) {
        block = origin_coding_apply(coding, plain);
        origin_block_drop(plain);
    }
    if (!block)
        return NULL;
    origin_block_drop(site->cache[coding][slot].block);
    site->cache[coding][slot].n = n;
    site->cache[coding][slot].block = block;
    return origin_block_hold(block);
}

/* The routes. Each gets what stands after the second slash, "" if nothing does. */

static int not_found(struct origin_reply *reply)
{
    return origin_site_status(404, "There is no such page.", NULL, reply);
}

static int answer_index(struct origin_site *site, const char *rest, const struct origin_query *query,
                        struct origin_reply *reply)
{
    (void)query;
    if (*rest)
        return not_found(reply);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return ENOMEM;
    fputs("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Millrace</title></head>\n<body>"
          "<h1>The Millrace Encyclopedia</h1>\n<ul>\n",
          out);
    for (uint64_t n = 1; n <= site->articles && n <= LINKS_MAX; n++) {
        fprintf(out, "<li><a href=\"/article/%llu\">", (unsigned long long)n);
        char title[512];
        (void)origin_article_title(site->seed, n, title, sizeof(title));
        origin_html_escape(title, out);
        fputs("</a></li>\n", out);
    }
    fputs("</ul>\n<p><a href=\"/random\">random</a> <a href=\"/genre\">genre</a> <a "
          "href=\"/operands/1\">operands</a> "
          "<a href=\"/delay/1\">delay</a> <a href=\"/status/503\">status</a> <a "
          "href=\"/bytes/65536\">bytes</a> "
          "<a href=\"/redirect/5\">redirect</a> <a href=\"/robots.txt\">robots.txt</a></p>\n</body></html>\n",
          out);
    bool good = !ferror(out);
    good = fclose(out) == 0 && good;
    int error = good ? set_body(reply, 200, type_html, origin_block_copy(text, length)) : ENOMEM;
    free(text);
    return error;
}

static int answer_article(struct origin_site *site, const char *rest, const struct origin_query *query,
                          struct origin_reply *reply)
{
    int64_t n;
    if (origin_parse_number(rest, 1, INT64_MAX, &n) || (uint64_t)n > site->articles)
        return not_found(reply);
    bool cacheable = query->charset == ORIGIN_CHARSET_DEFAULT && query->bomb < 0;
    if (cacheable)
        reply->coding = query->coding;
    return set_body(reply, 200, type_html,
                    cacheable ? cached_article(site, (uint64_t)n, query)
                              : make_article(site, (uint64_t)n, query));
}

static int answer_title(struct origin_site *site, const char *rest, const struct origin_query *query,
                        struct origin_reply *reply)
{
    int64_t n;
    char title[512];
    (void)query;
    if (origin_parse_number(rest, 1, INT64_MAX, &n) || (uint64_t)n > site->articles)
        return not_found(reply);
    if (origin_article_title(site->seed, (uint64_t)n, title, sizeof(title)) == 0)
        return ENOMEM;
    return set_text(reply, 200, type_text, title);
}

static int answer_random(struct origin_site *site, const char *rest, const struct origin_query *query,
                         struct origin_reply *reply)
{
    if (*rest)
        return not_found(reply);
    struct origin_random random = origin_random_for(site->seed, 4, site->random_count++);
    int error = origin_site_status(302, "A random article.", query, reply);
    set_location(reply, "article/%llu", (unsigned long long)origin_random_below(&random, site->articles) + 1);
    return error;
}

static int answer_genre(struct origin_site *site, const char *rest, const struct origin_query *query,
                        struct origin_reply *reply)
{
    static const char *const genres[] = {
        "acid jazz",
        "ambient",
        "bebop",
        "bossa nova",
        "chanson",
        "dub",
        "fado",
        "flamenco",
        "forró",
        "gamelan",
        "jazz fusion",
        "klezmer",
        "mathcore",
        "música sertaneja",
        "post-rock",
        "R&B",
        "rock \\\"n\\\" roll",
        "schlager",
        "shoegaze",
        "synthwave",
        "ska",
        "演歌",
        "zydeco",
        "\\u00e9lectro",
        "trip hop",
    };
    if (*rest)
        return not_found(reply);
    struct origin_random random = origin_random_for(site->seed, 5, site->genre_count++);
    const char *genre = genres[origin_random_below(&random, COUNT(genres))];
    return query->plain == 1 ? set_format(reply, 200, type_json, "\"%s\"", genre)
                             : set_format(reply, 200, type_json, "{\"genre\": \"%s\"}\n", genre);
}

static int answer_operands(struct origin_site *site, const char *rest, const struct origin_query *query,
                           struct origin_reply *reply)
{
    int64_t n;
    (void)query;
    if (origin_parse_number(rest, 0, INT64_MAX, &n))
        return not_found(reply);
    struct origin_random random = origin_random_for(site->seed, 6, (uint64_t)n);
    unsigned long long base = 2 + origin_random_below(&random, 999),
                       exponent = 1 + origin_random_below(&random, 5000);
    return set_format(reply, 200, type_json, "{\"base\": %llu, \"exponent\": %llu}\n", base, exponent);
}

static int answer_delay(struct origin_site *site, const char *rest, const struct origin_query *query,
                        struct origin_reply *reply)
{
    int64_t wait;
    (void)site;
    if (origin_parse_seconds(rest, &wait))
        return origin_site_status(400, "The delay is not a number of seconds up to 3600.", query, reply);
    return set_format(reply, 200, type_html,
                      "<!DOCTYPE html>\n<html><head><title>Delay</title></head>\n<body><h1>Delayed %s "
                      "s</h1></body></html>\n",
                      rest);
}

static int answer_status(struct origin_site *site, const char *rest, const struct origin_query *query,
                         struct origin_reply *reply)
{
    int64_t status;
    (void)site;
    if (origin_parse_number(rest, 200, 599, &status))
        return origin_site_status(400, "The status is not a number from 200 to 599.", query, reply);
    return origin_site_status((unsigned)status, "As asked for.", query, reply);
}

static int answer_bytes(struct origin_site *site, const char *rest, const struct origin_query *query,
                        struct origin_reply *reply)
{
    int64_t size;
    if (origin_parse_number(rest, 0, INT64_C(1) << 40, &size))
        return origin_site_status(400, "The size is not a number up to 2^40.", query, reply);
    reply->status = 200;
    reply->type = "application/octet-stream";
    reply->body = (struct origin_body){.size = (uint64_t)size, .seed = site->seed};
    return 0;
}

static int answer_redirect(struct origin_site *site, const char *rest, const struct origin_query *query,
                           struct origin_reply *reply)
{
    int64_t left = 0;
    (void)site;
    bool loop = strcmp(rest, "loop") == 0;
    if (!loop && origin_parse_number(rest, 0, REDIRECTS_MAX, &left))
        return origin_site_status(400, "Neither a number up to 1000 nor \"loop\".", query, reply);
    if (!loop && left == 0)
        return origin_site_status(200, "The end of the redirects.", query, reply);
    int error = origin_site_status(302, "Onward.", query, reply);
    if (loop)
        set_location(reply, "/redirect/loop");
    else
        set_location(reply, "%lld", (long long)left - 1);
    return error;
}

static int answer_robots(struct origin_site *site, const char *rest, const struct origin_query *query,
                         struct origin_reply *reply)
{
    (void)query;
    return *rest ? not_found(reply) : set_text(reply, 200, type_text, site->robots);
}

struct route {
    const char *name; /* between the first and the second slash */
    bool paced;       /* the configured latency applies */
    int (*answer)(struct origin_site *, const char *, const struct origin_query *, struct origin_reply *);
};

static const struct route routes[] = {
    {"", false, answer_index},
    {"article", true, answer_article},
    {"title", false, answer_title},
    {"random", true, answer_random},
    {"genre", true, answer_genre},
    {"operands", false, answer_operands},
    {"delay", false, answer_delay},
    {"status", false, answer_status},
    {"bytes", false, answer_bytes},
    {"redirect", false, answer_redirect},
    {"robots.txt", false, answer_robots},
};

/* The route of a path, or NULL; *rest is what stands after its second slash. */
static const struct route *find_route(const char *path, const char **rest)
{
    const char *name = path + 1;
    size_t length = strcspn(name, "/");
    *rest = name[length] ? name + length + 1 : "";
    for (unsigned i = 0; i < COUNT(routes); i++)
        if (strlen(routes[i].name) == length && memcmp(routes[i].name, name, length) == 0)
            return &routes[i];
    return NULL;
}

int64_t origin_site_wait(const struct origin_site *site, const struct origin_query *query)
{
    const char *rest;
    int64_t delay = 0;
    const struct route *route = find_route(query->path, &rest);
    if (route && route->answer == answer_delay && origin_parse_seconds(rest, &delay))
        delay = 0;
    if (query->latency >= 0)
        return delay + query->latency;
    return delay + (route && route->paced ? site->latency : 0);
}

/* What the query changes about a finished answer. */

static int apply_charset(const struct origin_query *query, struct origin_reply *reply)
{
    if (reply->type != type_html && reply->type != type_text)
        return 0;
    if (query->charset == ORIGIN_CHARSET_DEFAULT || query->declare == ORIGIN_DECLARE_HEADER ||
        query->declare == ORIGIN_DECLARE_BOTH)
        (void)snprintf(reply->charset, sizeof(reply->charset), "%s", origin_charset_name(query->charset));
    if (query->charset == ORIGIN_CHARSET_DEFAULT || !reply->body.block)
        return 0;
    struct origin_block *block;
    int error = origin_charset_apply(query->charset, reply->body.block, &block);
    if (error == EINVAL) {
        origin_reply_clear(reply);
        return origin_site_status(500, "This system cannot convert to that charset.", NULL, reply);
    }
    return error ? error : set_body(reply, reply->status, reply->type, block);
}

static int apply_coding(const struct origin_query *query, struct origin_reply *reply)
{
    if (reply->coding != ORIGIN_CODING_NONE || origin_status_bodiless(reply->status))
        return 0;
    if (query->bomb > 0) {
        reply->coding = ORIGIN_CODING_GZIP;
        return set_body(reply, reply->status, reply->type, origin_coding_bomb((uint32_t)query->bomb));
    }
    if (query->coding == ORIGIN_CODING_NONE)
        return 0;
    int error = origin_body_materialise(&reply->body, CODED_MAX);
    if (error == EFBIG)
        return origin_site_status(400, "That body is too large to encode.", query, reply);
    if (error)
        return error;
    reply->coding = query->coding;
    return set_body(reply, reply->status, reply->type, origin_coding_apply(query->coding, reply->body.block));
}

static int answer(struct origin_site *site, const struct origin_query *query, bool has_user_agent,
                  struct origin_reply *reply)
{
    const char *rest;
    const struct route *route = find_route(query->path, &rest);
    if (!route)
        return not_found(reply);
    if (route->answer == answer_genre && !has_user_agent)
        return origin_site_status(304, "", query, reply);
    return route->answer(site, rest, query, reply);
}

int origin_site_reply(struct origin_site *site, const struct origin_query *query, bool has_user_agent,
                      struct origin_reply *reply)
{
    *reply = (struct origin_reply){0};
    int error = answer(site, query, has_user_agent, reply);
    if (!error && query->fail < 0 && query->status >= 0)
        reply->status = (unsigned)query->status;
    if (!error)
        error = apply_charset(query, reply);
    if (!error)
        error = apply_coding(query, reply);
    if (error) {
        origin_reply_clear(reply);
        return error;
    }
    if (origin_status_bodiless(reply->status))
        origin_body_clear(&reply->body);
    if (reply->status >= 300)
        set_retry_after(reply, query);
    if (query->type[0]) {
        reply->type = query->type;
        reply->charset[0] = '\0';
    }
    reply->close = query->close == 1;
    return 0;
}
