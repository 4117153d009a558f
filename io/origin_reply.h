/* Answers in the making, before anything is sent: knows nothing of sockets or HTTP libraries. Functions that
 * return an int give 0 or ENOMEM. One thread. */
#ifndef MILLRACE_IO_ORIGIN_REPLY_H
#define MILLRACE_IO_ORIGIN_REPLY_H

#include "io/origin_body.h"
#include "io/origin_query.h"
#include <stdbool.h>

extern const char origin_type_html[], origin_type_json[], origin_type_text[];

/* An answer. The body is its own; what is empty or negative is not sent. */
struct origin_reply {
    unsigned status;
    const char *type; /* static, or the query's */
    char charset[16]; /* appended to the type */
    enum origin_coding coding;
    char location[64];
    char retry_after[40];
    bool close;
    struct origin_body body;
};

/* Takes the block, NULL meaning that memory ran out, as the whole body in place of the one before. type is
 * static. */
int origin_reply_block(struct origin_reply *reply, unsigned status, const char *type,
                       struct origin_block *block);

/* The same with a copy of the text, or with at most 1,023 bytes of formatted text. */
int origin_reply_text(struct origin_reply *reply, unsigned status, const char *type, const char *text);
int origin_reply_format(struct origin_reply *reply, unsigned status, const char *type, const char *format,
                        ...);

void origin_reply_location(struct origin_reply *reply, const char *format, ...);

/* Makes the reply, which must own no body, a small HTML page of that status saying so, for errors and faults;
 * detail is plain text. The query's Retry-After goes with it, and a 3xx gets a Location. query may be NULL.
 */
int origin_reply_status(struct origin_reply *reply, unsigned status, const char *detail,
                        const struct origin_query *query);

/* What the query changes about a finished answer: status, charset, coding, type and so on. */
int origin_reply_modify(struct origin_reply *reply, const struct origin_query *query);

/* Whether a response of that status has no body whatever its header says (RFC 9110 6.4.1). */
bool origin_status_bodiless(unsigned status);

/* Lets the body go. */
void origin_reply_clear(struct origin_reply *reply);

#endif
