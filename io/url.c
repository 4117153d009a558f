#include "io/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libcurl before 7.88.0 gives names in other scripts as they were written. */
#ifdef CURLU_PUNYCODE
#define HOST_FLAGS CURLU_PUNYCODE
#else
#define HOST_FLAGS 0
#endif

struct url_parser {
    CURLU *handle;
    char last[URL_LENGTH_MAX + 1]; /* "scheme://authority" as it was written, of the last URL that was good */
    size_t last_len;               /* 0: none */
    struct url_parts parts;        /* of it */
};

struct url_parser *url_parser_new(void)
{
    struct url_parser *parser = calloc(1, sizeof(*parser));
    if (!parser)
        return NULL;
    parser->handle = curl_url();
    if (!parser->handle) {
        free(parser);
        return NULL;
    }
    return parser;
}

void url_parser_free(struct url_parser *parser)
{
    if (!parser)
        return;
    curl_url_cleanup(parser->handle);
    free(parser);
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of the scheme (RFC 3986 3.1) that a ':' follows, or 0. */
static size_t scheme_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && (is_alpha(text[n]) || (n > 0 && ((text[n] >= '0' && text[n] <= '9') || text[n] == '+' ||
                                                       text[n] == '-' || text[n] == '.'))))
        n++;
    return n < len && text[n] == ':' ? n : 0;
}

static bool has_bad_character(const char *text, size_t len)
{
    unsigned bad = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bad |= (unsigned)(c <= ' ') | (unsigned)(c == 0x7f);
    }
    return bad;
}

/* "example.org:8080/x" has the look of a scheme but is a host and a port. */
static enum url_status judge_scheme(const char *text, size_t len, size_t *authority)
{
    size_t n = scheme_length(text, len);
    bool known =
        (n == 4 && strncasecmp(text, "http", 4) == 0) || (n == 5 && strncasecmp(text, "https", 5) == 0);
    bool slashes = n > 0 && len - n >= 3 && memcmp(text + n, "://", 3) == 0;
    *authority = n + 3;
    if (known)
        return slashes ? URL_OK : URL_BAD_HOST;
    bool port = n > 0 && n + 1 < len && text[n + 1] >= '0' && text[n + 1] <= '9';
    bool dotted = n > 0 && (memchr(text, '.', n) || (n == 9 && strncasecmp(text, "localhost", n) == 0));
    return n == 0 || (!slashes && port && dotted) ? URL_NO_SCHEME : URL_BAD_SCHEME;
}

/* RFC 3986 3.2: the authority ends at the first slash, question mark or number sign. */
static size_t authority_end(const char *text, size_t from, size_t len)
{
    while (from < len && text[from] != '/' && text[from] != '?' && text[from] != '#')
        from++;
    return from;
}

static enum url_status status_of(CURLUcode code)
{
    switch (code) {
    case CURLUE_OK:
        return URL_OK;
    case CURLUE_OUT_OF_MEMORY:
        return URL_NO_MEMORY;
    case CURLUE_BAD_PORT_NUMBER:
        return URL_BAD_PORT;
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME:
        return URL_BAD_SCHEME;
    case CURLUE_BAD_LOGIN:
    case CURLUE_BAD_USER:
    case CURLUE_BAD_PASSWORD:
    case CURLUE_USER_NOT_ALLOWED:
        return URL_BAD_USER;
    default:
        return URL_BAD_HOST;
    }
}

static bool is_loopback(const char *name)
{
    static const char suffix[] = ".localhost";
    size_t len = strlen(name), n = sizeof(suffix) - 1;
    if (strcmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0)
        return true;
    if (len > n && strcmp(name + len - n, suffix) == 0)
        return true;
    unsigned a, b, c, d;
    int end = 0;
    return sscanf(name, "127.%3u.%3u.%3u%n", &b, &c, &d, &end) == 3 && name[end] == '\0' &&
           (a = b | c | d, a <= 255);
}

/* Lower case; a final dot (the root of the DNS) names the same host and goes. */
static enum url_status copy_name(const char *name, char *out)
{
    size_t len = strlen(name);
    if (len > 1 && name[len - 1] == '.')
        len--;
    if (len == 0 || len >= URL_NAME_SIZE || name[0] == '.')
        return URL_BAD_HOST;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    out[len] = '\0';
    return URL_OK;
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

/* libcurl says "out of memory" of a name that it can't convert. */
static enum url_status why_no_name(CURLU *handle, CURLUcode code)
{
    char *name = NULL;
    if (curl_url_get(handle, CURLUPART_HOST, &name, 0) != CURLUE_OK)
        return status_of(code);
    enum url_status status = is_ascii(name) ? status_of(code) : URL_BAD_IDN;
    curl_free(name);
    return status;
}

/* The name as the DNS has it. */
static enum url_status get_name(CURLU *handle, char *out)
{
    char *name = NULL;
    CURLUcode code = curl_url_get(handle, CURLUPART_HOST, &name, HOST_FLAGS);
    enum url_status status = code ? why_no_name(handle, code) : copy_name(name, out);
    curl_free(name);
    return status;
}

static enum url_status get_parts(CURLU *handle, bool https, struct url_parts *out)
{
    enum url_status status = get_name(handle, out->name);
    if (status != URL_OK)
        return status;
    char *port = NULL;
    CURLUcode code = curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (code)
        return code == CURLUE_OUT_OF_MEMORY ? URL_NO_MEMORY : URL_BAD_PORT;
    bool fits = strlen(port) <= 5 && strcmp(port, "0") != 0;
    (void)snprintf(out->host, sizeof(out->host), "%s://%s:%s", https ? "https" : "http", out->name,
                   fits ? port : "");
    curl_free(port);
    out->loopback = is_loopback(out->name);
    return fits ? URL_OK : URL_BAD_PORT;
}

/* Only scheme and authority go through libcurl: what follows can't make a URL bad once it holds no control
 * characters, and so the work does not depend on its length. */
static enum url_status parse_authority(struct url_parser *parser, const char *text, size_t len)
{
    if (memchr(text, '\\', len))
        return URL_BAD_HOST; /* a slash to browsers, a user name's character to libcurl: never the same host
                              */
    memcpy(parser->last, text, len);
    parser->last[len] = '\0';
    parser->last_len = 0;
    CURLUcode code = curl_url_set(parser->handle, CURLUPART_URL, parser->last, 0);
    if (code)
        return status_of(code);
    enum url_status status = get_parts(parser->handle, text[4] != ':', &parser->parts);
    if (status == URL_OK)
        parser->last_len = len;
    return status;
}

enum url_status url_parse(struct url_parser *parser, const char *text, size_t len, struct url_parts *out)
{
    if (len == 0)
        return URL_EMPTY;
    if (len > URL_LENGTH_MAX)
        return URL_TOO_LONG;
    if (has_bad_character(text, len))
        return URL_BAD_CHARACTER;
    size_t from;
    enum url_status status = judge_scheme(text, len, &from);
    if (status != URL_OK)
        return status;
    size_t end = authority_end(text, from, len);
    if (end == from)
        return URL_BAD_HOST;
    if (end != parser->last_len || memcmp(text, parser->last, end) != 0)
        status = parse_authority(parser, text, end);
    if (status == URL_OK)
        *out = parser->parts;
    return status;
}

const char *url_status_text(enum url_status status)
{
    static const char *const texts[] = {
#define URL_STATUS_TEXT(name, text) [name] = text,
        URL_STATUS_MAP(URL_STATUS_TEXT)
#undef URL_STATUS_TEXT
    };
    return (size_t)status < sizeof(texts) / sizeof(texts[0]) ? texts[status] : "unknown";
}

void url_explain(enum url_status status, const char *text, size_t len, char *out, size_t size)
{
    int n = len < 200 ? (int)len : 200;
    if (status == URL_NO_SCHEME && (memchr(text, '.', len) || memchr(text, ':', len)))
        (void)snprintf(out, size, "no scheme in the URL: did you mean https://%.*s%s?", n, text,
                       len > 200 ? "..." : "");
    else
        (void)snprintf(out, size, "%s", url_status_text(status));
    for (; size > 0 && *out; out++)
        if ((unsigned char)*out < ' ' || *out == 0x7f)
            *out = '?';
}
