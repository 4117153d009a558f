#include "io/origin_respond.h"

#include <stdio.h>
#include <stdlib.h>

enum { STREAM_BLOCK = 64 << 10 };

static void drop_block(void *block)
{
    origin_block_drop(block);
}

static ssize_t read_stream(void *body, uint64_t offset, char *out, size_t length)
{
    return (ssize_t)origin_body_read(body, offset, out, length);
}

static struct MHD_Response *make_stream(const struct origin_body *body)
{
    struct origin_body *copy = malloc(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *body;
    struct MHD_Response *response =
        MHD_create_response_from_callback(body->size, STREAM_BLOCK, read_stream, copy, free);
    if (!response)
        free(copy);
    return response;
}

/* The response owns the body, unless it is NULL. */
static struct MHD_Response *make_response(const struct origin_body *body)
{
    static char empty[1];
    if (!body->block && body->size)
        return make_stream(body);
    if (!body->block)
        return MHD_create_response_from_buffer(0, empty, MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer_with_free_callback_cls(body->block->size, body->block->data,
                                                                  drop_block, body->block);
}

static enum MHD_Result add(struct MHD_Response *response, const char *name, const char *value)
{
    return value && *value ? MHD_add_response_header(response, name, value) : MHD_YES;
}

static enum MHD_Result add_headers(struct MHD_Response *response, const struct origin_reply *reply)
{
    char type[ORIGIN_TYPE_MAX + 32] = "";
    if (reply->type)
        (void)snprintf(type, sizeof(type), "%s%s%s", reply->type, reply->charset[0] ? "; charset=" : "",
                       reply->charset);
    if (add(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_NO ||
        add(response, MHD_HTTP_HEADER_CONTENT_ENCODING, origin_coding_name(reply->coding)) == MHD_NO ||
        add(response, MHD_HTTP_HEADER_LOCATION, reply->location) == MHD_NO ||
        add(response, MHD_HTTP_HEADER_RETRY_AFTER, reply->retry_after) == MHD_NO)
        return MHD_NO;
    return add(response, MHD_HTTP_HEADER_CONNECTION, reply->close ? "close" : NULL);
}

enum MHD_Result origin_respond(struct MHD_Connection *connection, struct origin_reply *reply)
{
    struct MHD_Response *response = make_response(&reply->body);
    if (!response) {
        origin_reply_clear(reply);
        return MHD_NO;
    }
    enum MHD_Result result = add_headers(response, reply);
    if (result == MHD_YES)
        result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}
