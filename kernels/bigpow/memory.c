#include "kernels/bigpow/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, CACHE_LINE = 64 };

void *big_allocate(size_t bytes)
{
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    size_t size = (bytes + align) / align * align;
    void *p = aligned_alloc(align, size);
#ifdef MADV_HUGEPAGE
    /* Advice only: without huge pages the passes run, with more misses in the page tables. */
    if (p && align == HUGE_PAGE)
        (void)madvise(p, size, MADV_HUGEPAGE);
#endif
    return p;
}

bool big_buffer_reserve(struct big_buffer *buffer, size_t bytes)
{
    if (buffer->bytes >= bytes && buffer->data)
        return true;
    big_buffer_free(buffer);
    buffer->data = big_allocate(bytes);
    buffer->bytes = buffer->data ? bytes : 0;
    return buffer->data != NULL;
}

void big_buffer_free(struct big_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct big_buffer){0};
}

bool big_memory_probe(size_t bytes)
{
    void *volatile p = malloc(bytes ? bytes : 1);
    free(p);
    return p != NULL;
}
