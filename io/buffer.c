#include "io/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_FIRST = 64 };

void buffer_init(struct buffer *b, size_t cap)
{
    *b = (struct buffer){.cap = cap};
}

/* Makes `size` > len + n, so that the NUL has its place. */
static bool grow(struct buffer *b, size_t n)
{
    if (b->len > b->cap || n > b->cap - b->len || b->len + n == SIZE_MAX)
        return false;
    size_t needed = b->len + n + 1;
    if (needed <= b->size)
        return true;
    size_t most = b->cap == SIZE_MAX ? b->cap : b->cap + 1;
    size_t size = b->size ? b->size : SIZE_FIRST;
    while (size < needed)
        size = size > SIZE_MAX / 2 ? needed : 2 * size;
    if (size > most)
        size = most;
    char *data = realloc(b->data, size);
    if (!data)
        return false;
    b->data = data;
    b->size = size;
    return true;
}

bool buffer_add(struct buffer *b, const void *bytes, size_t n)
{
    if (!grow(b, n))
        return false;
    if (n > 0)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
    return true;
}

bool buffer_add_text(struct buffer *b, const char *text)
{
    return buffer_add(b, text, strlen(text));
}

bool buffer_add_byte(struct buffer *b, char byte)
{
    return buffer_add(b, &byte, 1);
}

bool buffer_addf(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    bool ok = n >= 0 && grow(b, (size_t)n);
    if (ok) {
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return ok;
}

char *buffer_room(struct buffer *b, size_t n)
{
    return grow(b, n) ? b->data + b->len : NULL;
}

void buffer_grew(struct buffer *b, size_t n)
{
    if (b->data && n <= b->size - 1 - b->len) {
        b->len += n;
        b->data[b->len] = '\0';
    }
}

void buffer_drop(struct buffer *b, size_t n)
{
    if (n == 0)
        return;
    if (n >= b->len) {
        buffer_reset(b);
        return;
    }
    memmove(b->data, b->data + n, b->len - n);
    buffer_cut(b, b->len - n);
}

void buffer_cut(struct buffer *b, size_t len)
{
    if (b->data && len <= b->len) {
        b->len = len;
        b->data[len] = '\0';
    }
}

void buffer_reset(struct buffer *b)
{
    buffer_cut(b, 0);
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    buffer_init(b, b->cap);
}

char *buffer_take(struct buffer *b, size_t *len)
{
    char *data = b->data;
    if (len)
        *len = b->len;
    buffer_init(b, b->cap);
    return data;
}
