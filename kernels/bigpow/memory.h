/* Growable buffers of a context: 64-byte aligned, huge pages for large ones, contents lost when they grow. */
#ifndef MILLRACE_KERNELS_BIGPOW_MEMORY_H
#define MILLRACE_KERNELS_BIGPOW_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct big_buffer {
    void *data;
    size_t bytes;
};

/* At least `bytes` bytes in buffer->data, not initialised; false, and an empty buffer, when there is no
 * memory. */
bool big_buffer_reserve(struct big_buffer *buffer, size_t bytes);
void big_buffer_free(struct big_buffer *buffer);

/* Aligned memory to be freed by free(), or null. */
void *big_allocate(size_t bytes);

/* Whether `bytes` more can be allocated now. GMP aborts the process when it cannot allocate, so what it will
 * need is asked for beforehand. Another thread may take the memory in between: a probe, not a promise. */
bool big_memory_probe(size_t bytes);

#endif
