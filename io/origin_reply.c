#include "io/origin_reply.h"

#include "io/origin_charset.h"
#include "io/origin_coding.h"
#include "io/origin_date.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CODED_MAX = 16 << 20 };

const char origin_type_html[] = "text/html", origin_type_json[] = "application/json",
           origin_type_text[] = "text/plain";

void origin_reply_clear(struct origin_reply *reply)
{
    origin_body_clear(&reply->body);
}

bool origin_status_bodiless(unsigned status)
{
    return status == 204 || status == 304;
}

int origin_reply_block(struct origin_reply *reply, unsigned status, const char *type,
                       struct origin_block *block)
{
    if (!block)
        return ENOMEM;
    origin_body_clear(&reply->body);
    reply->status = status;
    reply->type = type;
    reply->body = (struct origin_body){.block = block, .size = block->size};
    return 0;
}

int origin_reply_text(struct origin_reply *reply, unsigned status, const char *type, const char *text)
{
    return origin_reply_block(reply, status, type, origin_block_copy(text, strlen(text)));
}

int origin_reply_format(struct origin_reply *reply, unsigned status, const char *type, const char *format,
                        ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return length < 0 ? ENOMEM : origin_reply_text(reply, status, type, text);
}

void origin_reply_location(struct origin_reply *reply, const char *format, ...)
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

int origin_reply_status(struct origin_reply *reply, unsigned status, const char *detail,
                        const struct origin_query *query)
{
    *reply = (struct origin_reply){.status = status};
    if (status >= 300)
        set_retry_after(reply, query);
    if (status / 100 == 3 && status != 304)
        origin_reply_location(reply, "/article/1");
    if (origin_status_bodiless(status))
        return 0;
    return origin_reply_format(
        reply, status, origin_type_html,
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>%u</title></head>\n"
        "<body><h1>%u</h1>\n<p>%.200s</p></body></html>\n",
        status, status, detail);
}

static int apply_charset(const struct origin_query *query, struct origin_reply *reply)
{
    if (reply->type != origin_type_html && reply->type != origin_type_text)
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
        return origin_reply_status(reply, 500, "This system cannot convert to that charset.", NULL);
    }
    return error ? error : origin_reply_block(reply, reply->status, reply->type, block);
}

static int apply_coding(const struct origin_query *query, struct origin_reply *reply)
{
    if (reply->coding != ORIGIN_CODING_NONE || origin_status_bodiless(reply->status))
        return 0;
    if (query->bomb > 0) {
        reply->coding = ORIGIN_CODING_GZIP;
        return origin_reply_block(reply, reply->status, reply->type,
                                  origin_coding_bomb((uint32_t)query->bomb));
    }
    if (query->coding == ORIGIN_CODING_NONE)
        return 0;
    int error = origin_body_materialise(&reply->body, CODED_MAX);
    if (error == EFBIG)
        return origin_reply_status(reply, 400, "That body is too large to encode.", query);
    if (error)
        return error;
    reply->coding = query->coding;
    return origin_reply_block(reply, reply->status, reply->type,
                              origin_coding_apply(query->coding, reply->body.block));
}

int origin_reply_modify(struct origin_reply *reply, const struct origin_query *query)
{
    if (query->fail < 0 && query->status >= 0)
        reply->status = (unsigned)query->status;
    int error = apply_charset(query, reply);
    if (!error)
        error = apply_coding(query, reply);
    if (error)
        return error;
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
