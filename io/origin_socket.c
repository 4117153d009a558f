#include "io/origin_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The kernel lowers it to net.core.somaxconn. */
enum { BACKLOG = 65535, RESERVE = 128, CONNECTIONS_MAX = 1 << 20, FILE_MAX_BYTES = 1 << 20 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t parse_address(const char *text, uint16_t port, union address *out)
{
    *out = (union address){0};
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        return sizeof(out->v4);
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        return sizeof(out->v6);
    }
    return 0;
}

static int bind_and_listen(int fd, union address *address, socklen_t length, uint16_t *bound)
{
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) || bind(fd, &address->any, length) ||
        listen(fd, BACKLOG) || getsockname(fd, &address->any, &length))
        return errno;
    *bound = ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
    return 0;
}

int origin_socket_listen(const char *text, uint16_t port, int *fd, uint16_t *bound)
{
    union address address;
    socklen_t length = parse_address(text, port, &address);
    if (!length)
        return EINVAL;
    *fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return errno;
    int error = bind_and_listen(*fd, &address, length, bound);
    if (error) {
        (void)close(*fd);
        *fd = -1;
    }
    return error;
}

unsigned origin_socket_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1024 - RESERVE;
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        soft = limit.rlim_cur;
    if (soft == RLIM_INFINITY || soft > CONNECTIONS_MAX)
        return CONNECTIONS_MAX;
    return soft > 2 * RESERVE ? (unsigned)soft - RESERVE : (unsigned)soft / 2 + 1;
}

void origin_socket_name(const struct sockaddr *address, char out[64])
{
    char host[INET6_ADDRSTRLEN] = "-";
    union address copy = {0};
    if (address && address->sa_family == AF_INET) {
        memcpy(&copy.v4, address, sizeof(copy.v4));
        (void)inet_ntop(AF_INET, &copy.v4.sin_addr, host, sizeof(host));
        (void)snprintf(out, 64, "%s:%u", host, ntohs(copy.v4.sin_port));
    } else if (address && address->sa_family == AF_INET6) {
        memcpy(&copy.v6, address, sizeof(copy.v6));
        (void)inet_ntop(AF_INET6, &copy.v6.sin6_addr, host, sizeof(host));
        (void)snprintf(out, 64, "[%s]:%u", host, ntohs(copy.v6.sin6_port));
    } else {
        memcpy(out, "-", 2);
    }
}

int origin_file_read(const char *path, char **text)
{
    FILE *in = fopen(path, "re");
    if (!in)
        return errno;
    char *data = malloc(FILE_MAX_BYTES + 1);
    size_t length = data ? fread(data, 1, FILE_MAX_BYTES + 1, in) : 0;
    int error = !data ? ENOMEM : ferror(in) ? EIO : length > FILE_MAX_BYTES ? EFBIG : 0;
    if (fclose(in) && !error)
        error = EIO;
    if (error) {
        free(data);
        return error;
    }
    data[length] = '\0';
    *text = data;
    return 0;
}
