/* A growable run of bytes with a cap given at its birth, after curl's dynbuf (lib/dynbuf.h).
 *
 * The bytes are always followed by a NUL that is not counted, so text in it can be used as a string once
 * something was added. An operation that fails (no memory, or the cap would be passed) leaves the contents as
 * they were. A buffer belongs to one thread at a time. */
#ifndef MILLRACE_IO_BUFFER_H
#define MILLRACE_IO_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;  /* NULL until something is added */
    size_t len;  /* bytes in it */
    size_t size; /* bytes allocated */
    size_t cap;  /* the most that len may become */
};

/* Allocates nothing. */
void buffer_init(struct buffer *b, size_t cap);

bool buffer_add(struct buffer *b, const void *bytes, size_t n);
bool buffer_add_text(struct buffer *b, const char *text);
bool buffer_add_byte(struct buffer *b, char byte);

/* As printf(3). */
bool buffer_addf(struct buffer *b, const char *format, ...);

/* Room for `n` more bytes, to be written by the caller at the returned place, who then adds what he wrote to
 * `len` with buffer_grew. NULL: no memory, or over the cap. The place is valid until the next call. */
char *buffer_room(struct buffer *b, size_t n);
void buffer_grew(struct buffer *b, size_t n);

/* Drops the first `n` bytes (all of them if there are fewer) and moves the rest to the front. */
void buffer_drop(struct buffer *b, size_t n);

/* Cuts to `len` bytes; longer than it is: nothing happens. Keeps the memory. */
void buffer_cut(struct buffer *b, size_t len);

/* Empties it and keeps the memory. */
void buffer_reset(struct buffer *b);

/* Empties it and gives the memory back; the buffer can be used again, with the same cap. */
void buffer_free(struct buffer *b);

/* The memory becomes the caller's, to be passed to free(3), and the buffer is as after buffer_init. `*len`,
 * unless NULL, is set to the number of bytes. NULL when nothing was ever added. */
char *buffer_take(struct buffer *b, size_t *len);

#endif
