/* A reply handed to libmicrohttpd. The origin's thread. */
#ifndef MILLRACE_IO_ORIGIN_RESPOND_H
#define MILLRACE_IO_ORIGIN_RESPOND_H

#include "io/origin_site.h"
#include <microhttpd.h>

/* Queues the reply, whose body it takes in any case. Returns what the access handler is to return: MHD_NO,
 * upon which the connection is closed, if memory ran out. */
enum MHD_Result origin_respond(struct MHD_Connection *connection, struct origin_reply *reply);

#endif
