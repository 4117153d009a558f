/* Items of one size with numbers: allocated by the chunk, never moved, used again.
 *
 * Each item begins at a multiple of its size from a cache line's start, so that items of 64 bytes are one
 * line each. A number leads to its item in two loads, whatever a stranger sends as a number. Chunks are kept
 * until the end. One thread at a time.
 */
#ifndef MILLRACE_SRC_SLAB_H
#define MILLRACE_SRC_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLAB_NONE UINT32_MAX

enum { SLAB_CHUNK = 256 }; /* items */

struct slab {
    unsigned char **chunks;
    size_t item_size; /* a multiple of 4 */
    uint32_t chunk_count, chunk_capacity;
    uint32_t free; /* a chain through the first four bytes of the items that are not in use */
    size_t bytes;  /* allocated, see slab_bytes */
};

/* An empty slab. */
void slab_init(struct slab *slab, size_t item_size);

/* The number of an item that is not in use; what is in it is not defined. SLAB_NONE without memory. */
uint32_t slab_take(struct slab *slab);

/* Overwrites the item's first four bytes, and nothing else. */
void slab_give_back(struct slab *slab, uint32_t number);

/* The item of that number, in use or not; NULL if there is none. An item that was never in use is zero but
 * for its first four bytes. */
static inline void *slab_at(const struct slab *slab, uint32_t number)
{
    uint32_t chunk = number / SLAB_CHUNK;
    return chunk < slab->chunk_count ? slab->chunks[chunk] + number % SLAB_CHUNK * slab->item_size : NULL;
}

/* How many items there are, in use or not; they are numbered from 0. */
uint32_t slab_count(const struct slab *slab);

void slab_free(struct slab *slab);

/* What malloc takes for `size` bytes: glibc's chunks are multiples of 16 with an 8-byte header, at least 32.
 */
size_t slab_bytes(size_t size);

#endif
