#include "kernels/bytes.h"

#include <stdlib.h>
#include <string.h>

void bytes_free(struct bytes *bytes)
{
    free(bytes->owned);
    *bytes = (struct bytes){0};
}

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

static bool set_capacity(struct buffer *buffer, size_t capacity)
{
    uint8_t *data = realloc(buffer->data, capacity ? capacity : 1);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool buffer_reserve(struct buffer *buffer, size_t extra)
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

bool buffer_grow(struct buffer *buffer)
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

bool buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    if (!buffer_reserve(buffer, size))
        return false;
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

void buffer_take(struct buffer *buffer, struct bytes *out)
{
    *out = (struct bytes){.data = buffer->data, .size = buffer->size, .owned = buffer->data};
    buffer_init(buffer, buffer->max);
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->max);
}
