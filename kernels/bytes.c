#include "kernels/bytes.h"

#include <stdlib.h>
#include <string.h>

void bytes_free(struct bytes *bytes)
{
    free(bytes->owned);
    *bytes = (struct bytes){0};
}

void bytebuf_init(struct bytebuf *buffer, size_t max)
{
    *buffer = (struct bytebuf){.max = max};
}

static bool set_capacity(struct bytebuf *buffer, size_t capacity)
{
    uint8_t *data = realloc(buffer->data, capacity ? capacity : 1);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool bytebuf_reserve(struct bytebuf *buffer, size_t extra)
{
    if (extra > buffer->max - buffer->size) {
        buffer->full = true;
        return false;
    }
    size_t wanted = buffer->size + extra;
    if (buffer->data && wanted <= buffer->capacity)
        return true;
    size_t doubled = buffer->capacity <= buffer->max / 2 ? buffer->capacity * 2 : buffer->max;
    return set_capacity(buffer, wanted > doubled ? wanted : doubled);
}

bool bytebuf_grow(struct bytebuf *buffer)
{
    if (buffer->data && buffer->capacity >= buffer->max) {
        buffer->full = true;
        return false;
    }
    size_t least = 256;
    size_t capacity = buffer->capacity < least ? least : buffer->capacity;
    capacity = capacity <= buffer->max / 2 ? capacity * 2 : buffer->max;
    return set_capacity(buffer, capacity);
}

bool bytebuf_append(struct bytebuf *buffer, const void *data, size_t size)
{
    if (!bytebuf_reserve(buffer, size))
        return false;
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

void bytebuf_take(struct bytebuf *buffer, struct bytes *out)
{
    *out = (struct bytes){.data = buffer->data, .size = buffer->size, .owned = buffer->data};
    bytebuf_init(buffer, buffer->max);
}

void bytebuf_free(struct bytebuf *buffer)
{
    free(buffer->data);
    bytebuf_init(buffer, buffer->max);
}
