/* A blocking HTTP client of plain sockets for tests of servers: it believes nothing and shows every byte. */
#ifndef MILLRACE_TESTS_HTTP_CLIENT_H
#define MILLRACE_TESTS_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HTTP_ANSWER_MAX = 4 << 20 };

/* All that came before the connection ended, or before the limit. */
struct http_answer {
    char *text;       /* with a NUL after it; to free */
    size_t size;      /* bytes */
    const char *body; /* in text, after the empty line; NULL: the header did not end */
    size_t body_size;
    int status; /* 0: no status line */
    int error;  /* errno value of the recv that failed; 0: the server closed in order */
};

/* A connection to a port of 127.0.0.1 on which nothing waits longer than ten seconds; -1 on error. */
static inline int http_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 10};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
                    connect(fd, (struct sockaddr *)&address, sizeof(address)))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static inline bool http_send(int fd, const char *text)
{
    size_t size = strlen(text);
    return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Sends a GET that asks for the connection to end after it; headers are further lines, each with its CRLF. */
static inline bool http_ask(int fd, const char *target, const char *headers)
{
    char text[2048];
    int length =
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n",
                 target, headers);
    return length > 0 && (size_t)length < sizeof(text) && http_send(fd, text);
}

/* Reads until the end or until there are limit bytes (at most HTTP_ANSWER_MAX), and closes. */
static inline struct http_answer http_read(int fd, size_t limit)
{
    struct http_answer answer = {.text = calloc(1, limit + 1), .error = ENOMEM};
    while (answer.text && answer.size < limit) {
        ssize_t got = recv(fd, answer.text + answer.size, limit - answer.size, 0);
        answer.error = got < 0 ? errno : 0;
        if (got <= 0)
            break;
        answer.size += (size_t)got;
    }
    (void)close(fd);
    if (!answer.text)
        return answer;
    if (sscanf(answer.text, "HTTP/1.1 %3d ", &answer.status) != 1)
        answer.status = 0;
    const char *end = strstr(answer.text, "\r\n\r\n");
    if (end) {
        answer.body = end + 4;
        answer.body_size = answer.size - (size_t)(answer.body - answer.text);
    }
    return answer;
}

/* One request, one answer. */
static inline struct http_answer http_get(uint16_t port, const char *target, const char *headers,
                                          size_t limit)
{
    int fd = http_connect(port);
    if (fd >= 0 && !http_ask(fd, target, headers)) {
        (void)close(fd);
        fd = -1;
    }
    return fd < 0 ? (struct http_answer){.error = ECONNREFUSED} : http_read(fd, limit);
}

/* The value of a header, copied to out; false if the answer lacks it. */
static inline bool http_header(const struct http_answer *answer, const char *name, char *out, size_t size)
{
    char start[64];
    (void)snprintf(start, sizeof(start), "\r\n%s: ", name);
    const char *at = answer->body ? strcasestr(answer->text, start) : NULL;
    if (!at || at > answer->body)
        return false;
    at += strlen(start);
    (void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r\n"), at);
    return true;
}

#endif
