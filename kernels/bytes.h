/*
 * Byte strings for the extraction modules: a view that may own its bytes, and a growable buffer with a cap.
 *
 * Thread safety: none of these has hidden state; an object belongs to one thread at a time.
 */
#ifndef MILLRACE_KERNELS_BYTES_H
#define MILLRACE_KERNELS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `size` bytes at `data`. `owned` is the allocation behind them, or null where they are borrowed from the
 * input. */
struct bytes {
    const uint8_t *data;
    size_t size;
    uint8_t *owned;
};

/* Frees what is owned and empties the view; harmless on an empty one. */
void bytes_free(struct bytes *bytes);

/* A buffer that never holds more than `max` bytes. `size` bytes are in use. Zeroed memory is an empty buffer
 * of cap 0. */
struct bytebuf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max;
    bool full; /* the cap, not memory, has forbidden something since buffer_init */
};

/* Starts an empty buffer; allocates nothing. */
void bytebuf_init(struct bytebuf *buffer, size_t max);

/* Makes room for `extra` more bytes. False: the cap forbids it or memory is out; the contents stay as they
 * were. */
bool bytebuf_reserve(struct bytebuf *buffer, size_t extra);

/* Doubles the room, up to the cap. False as above, so also when the cap is reached already. */
bool bytebuf_grow(struct bytebuf *buffer);

/* Appends; false as above. */
bool bytebuf_append(struct bytebuf *buffer, const void *data, size_t size);

/* Hands the allocation to `out` (to be freed by bytes_free) and leaves the buffer empty. */
void bytebuf_take(struct bytebuf *buffer, struct bytes *out);

/* Frees the allocation; the buffer is empty and usable again. */
void bytebuf_free(struct bytebuf *buffer);

#endif
