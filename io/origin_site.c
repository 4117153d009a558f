#include "io/origin_site.h"

#include "io/origin.h"
#include "io/origin_article.h"
#include "io/origin_random.h"
#include "io/origin_title.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { REDIRECTS_MAX = 1000, LINKS_MAX = 100 };

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
    return origin_reply_status(reply, 404, "There is no such page.", NULL);
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
    int error =
        good ? origin_reply_block(reply, 200, origin_type_html, origin_block_copy(text, length)) : ENOMEM;
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
    return origin_reply_block(reply, 200, origin_type_html,
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
    return origin_reply_text(reply, 200, origin_type_text, title);
}

/* What a drawn answer is drawn by: the number in the path, or without one how many were drawn before. */
static bool which_draw(const char *rest, uint64_t *drawn, uint64_t *which)
{
    int64_t n;
    if (!*rest) {
        *which = (*drawn)++;
        return true;
    }
    if (origin_parse_number(rest, 0, INT64_MAX, &n))
        return false;
    *which = (uint64_t)n;
    return true;
}

static int answer_random(struct origin_site *site, const char *rest, const struct origin_query *query,
                         struct origin_reply *reply)
{
    uint64_t which;
    if (!which_draw(rest, &site->random_count, &which))
        return not_found(reply);
    struct origin_random random = origin_random_for(site->seed, 4, which);
    int error = origin_reply_status(reply, 302, "A random article.", query);
    unsigned long long n = origin_random_below(&random, site->articles) + 1;
    if (query->latency >= 0)
        origin_reply_location(reply, "%sarticle/%llu?latency=%.9f", *rest ? "../" : "", n,
                              (double)query->latency / 1e9);
    else
        origin_reply_location(reply, "%sarticle/%llu", *rest ? "../" : "", n);
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
    uint64_t which;
    if (!which_draw(rest, &site->genre_count, &which))
        return not_found(reply);
    struct origin_random random = origin_random_for(site->seed, 5, which);
    const char *genre = genres[origin_random_below(&random, COUNT(genres))];
    return query->plain == 1
               ? origin_reply_format(reply, 200, origin_type_json, "\"%s\"", genre)
               : origin_reply_format(reply, 200, origin_type_json, "{\"genre\": \"%s\"}\n", genre);
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
    return origin_reply_format(reply, 200, origin_type_json, "{\"base\": %llu, \"exponent\": %llu}\n", base,
                               exponent);
}

static int answer_delay(struct origin_site *site, const char *rest, const struct origin_query *query,
                        struct origin_reply *reply)
{
    int64_t wait;
    (void)site;
    if (origin_parse_seconds(rest, &wait))
        return origin_reply_status(reply, 400, "The delay is not a number of seconds up to 3600.", query);
    return origin_reply_format(
        reply, 200, origin_type_html,
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
        return origin_reply_status(reply, 400, "The status is not a number from 200 to 599.", query);
    return origin_reply_status(reply, (unsigned)status, "As asked for.", query);
}

static int answer_bytes(struct origin_site *site, const char *rest, const struct origin_query *query,
                        struct origin_reply *reply)
{
    int64_t size;
    if (origin_parse_number(rest, 0, INT64_C(1) << 40, &size))
        return origin_reply_status(reply, 400, "The size is not a number up to 2^40.", query);
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
        return origin_reply_status(reply, 400, "Neither a number up to 1000 nor \"loop\".", query);
    if (!loop && left == 0)
        return origin_reply_status(reply, 200, "The end of the redirects.", query);
    int error = origin_reply_status(reply, 302, "Onward.", query);
    if (loop)
        origin_reply_location(reply, "/redirect/loop");
    else
        origin_reply_location(reply, "%lld", (long long)left - 1);
    return error;
}

static int answer_robots(struct origin_site *site, const char *rest, const struct origin_query *query,
                         struct origin_reply *reply)
{
    (void)query;
    return *rest ? not_found(reply) : origin_reply_text(reply, 200, origin_type_text, site->robots);
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

static int answer(struct origin_site *site, const struct origin_query *query, bool has_user_agent,
                  struct origin_reply *reply)
{
    const char *rest;
    const struct route *route = find_route(query->path, &rest);
    if (!route)
        return not_found(reply);
    if (route->answer == answer_genre && !has_user_agent)
        return origin_reply_status(reply, 304, "", query);
    return route->answer(site, rest, query, reply);
}

int origin_site_reply(struct origin_site *site, const struct origin_query *query, bool has_user_agent,
                      struct origin_reply *reply)
{
    *reply = (struct origin_reply){0};
    int error = answer(site, query, has_user_agent, reply);
    if (!error)
        error = origin_reply_modify(reply, query);
    if (error)
        origin_reply_clear(reply);
    return error;
}
