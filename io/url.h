/* Checking of URLs: what may be fetched, and which host's limits apply to it. By libcurl's URL API
 * (curl_url_set(3)), so that what is checked here is what the transfer will make of it. RFC 3986; the scheme
 * is http or https, the authority is not empty, and "://" stands between them.
 *
 * Host names in other scripts become Punycode. libcurl reads them in the encoding of the locale, so the
 * program must have called setlocale(LC_CTYPE, "C.UTF-8") before, whatever the environment says; otherwise
 * they are URL_BAD_IDN.
 *
 * Credentials (user:password@) are allowed and are no part of the host. */
#ifndef MILLRACE_IO_URL_H
#define MILLRACE_IO_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes in a URL, at most: what the common servers take (nginx: 8 KiB by default for the request line). */
#define URL_LENGTH_MAX 8192

/* A host name with its NUL: 253 bytes at most by RFC 1035 2.3.4, 255 with the brackets of an IPv6 address. */
#define URL_NAME_SIZE 256

/* "https://" + name + ":65535" + NUL */
#define URL_HOST_SIZE (8 + URL_NAME_SIZE + 6)

/* name, text for users */
#define URL_STATUS_MAP(X)                                                                                    \
    X(URL_OK, "ok")                                                                                          \
    X(URL_EMPTY, "empty URL")                                                                                \
    X(URL_TOO_LONG, "URL longer than 8192 bytes")                                                            \
    X(URL_BAD_CHARACTER, "space or control character in the URL (write it as %20 and so on)")                \
    X(URL_NO_SCHEME, "no scheme in the URL: it must begin with http:// or https://")                         \
    X(URL_BAD_SCHEME, "only http:// and https:// URLs can be fetched")                                       \
    X(URL_BAD_HOST, "no valid host in the URL")                                                              \
    X(URL_BAD_IDN, "the host's name can't be written in ASCII (RFC 5891)")                                   \
    X(URL_BAD_PORT, "no valid port in the URL: 1 to 65535")                                                  \
    X(URL_BAD_USER, "no valid credentials in the URL")                                                       \
    X(URL_NO_MEMORY, "out of memory")

enum url_status {
#define URL_STATUS_NAME(name, text) name,
    URL_STATUS_MAP(URL_STATUS_NAME)
#undef URL_STATUS_NAME
};

struct url_parts {
    char host[URL_HOST_SIZE]; /* "scheme://name:port", what limits apply to: lower case, the port always there
                               */
    char name[URL_NAME_SIZE]; /* as in `host`; an IPv6 address has its brackets, a zone is left out */
    bool loopback; /* localhost, *.localhost (RFC 6761 6.3), 127.0.0.0/8 in any spelling, or [::1] */
};

/* Remembers the last authority seen, because lists run over one host for long stretches. One thread at a
 * time. */
struct url_parser;

/* NULL: no memory. */
struct url_parser *url_parser_new(void);
void url_parser_free(struct url_parser *parser);

/* `text` need not end in a NUL. `*out` is set with URL_OK alone. */
enum url_status url_parse(struct url_parser *parser, const char *text, size_t len, struct url_parts *out);

/* For a user to read; static. */
const char *url_status_text(enum url_status status);

/* As url_status_text, in `out`, with a suggestion where there is one: with URL_NO_SCHEME "... did you mean
 * https://example.org/x?". Control characters of `text` are shown as '?'; cut to `size` bytes. */
void url_explain(enum url_status status, const char *text, size_t len, char *out, size_t size);

#endif
