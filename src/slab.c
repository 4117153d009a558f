#include "src/slab.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

size_t slab_bytes(size_t size)
{
    size_t chunk = (size + 8 + 15) / 16 * 16;
    return chunk < 32 ? 32 : chunk;
}

void slab_init(struct slab *slab, size_t item_size)
{
    *slab = (struct slab){.item_size = item_size, .free = SLAB_NONE};
}

static bool grow_table(struct slab *slab)
{
    if (slab->chunk_count < slab->chunk_capacity)
        return true;
    uint32_t capacity = slab->chunk_capacity ? 2 * slab->chunk_capacity : 16;
    if (capacity > SLAB_NONE / SLAB_CHUNK)
        return false;
    unsigned char **chunks = realloc(slab->chunks, capacity * sizeof *chunks);
    if (!chunks)
        return false;
    slab->bytes += slab_bytes(capacity * sizeof *chunks);
    if (slab->chunks)
        slab->bytes -= slab_bytes(slab->chunk_capacity * sizeof *chunks);
    slab->chunks = chunks;
    slab->chunk_capacity = capacity;
    return true;
}

static bool add_chunk(struct slab *slab)
{
    if (!grow_table(slab))
        return false;
    size_t size = (SLAB_CHUNK * slab->item_size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    unsigned char *chunk = aligned_alloc(CACHE_LINE, size);
    if (!chunk)
        return false;
    memset(chunk, 0, size);
    slab->chunks[slab->chunk_count++] = chunk;
    slab->bytes += slab_bytes(size);
    for (uint32_t i = SLAB_CHUNK; i > 0; i--)
        slab_give_back(slab, (slab->chunk_count - 1) * SLAB_CHUNK + i - 1);
    return true;
}

uint32_t slab_take(struct slab *slab)
{
    if (slab->free == SLAB_NONE && !add_chunk(slab))
        return SLAB_NONE;
    uint32_t number = slab->free;
    memcpy(&slab->free, slab_at(slab, number), sizeof slab->free);
    return number;
}

void slab_give_back(struct slab *slab, uint32_t number)
{
    memcpy(slab_at(slab, number), &slab->free, sizeof slab->free);
    slab->free = number;
}

uint32_t slab_count(const struct slab *slab)
{
    return slab->chunk_count * SLAB_CHUNK;
}

void slab_free(struct slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        free(slab->chunks[i]);
    free(slab->chunks);
    slab_init(slab, slab->item_size);
}
