/* What the origin needs of the system before it serves: a listening socket, descriptors, a certificate's
 * text. */
#ifndef MILLRACE_IO_ORIGIN_SOCKET_H
#define MILLRACE_IO_ORIGIN_SOCKET_H

#include <stdint.h>
#include <sys/socket.h>

/* Listens on a numeric IPv4 or IPv6 address. Returns 0 with the descriptor and the port it got, or an errno
 * value. */
int origin_socket_listen(const char *address, uint16_t port, int *fd, uint16_t *bound);

/* Raises the soft RLIMIT_NOFILE to the hard one and returns how many connections that leaves room for, less a
 * reserve. */
unsigned origin_socket_limit(void);

/* The socket address as address:port text, [address]:port for IPv6. */
void origin_socket_name(const struct sockaddr *address, char out[64]);

/* The file's text (at most 1 MiB) as a string to free. Returns 0 or an errno value. */
int origin_file_read(const char *path, char **text);

#endif
