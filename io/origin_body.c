#include "io/origin_body.h"

#include "io/origin_random.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct origin_block *origin_block_new(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct origin_block))
        return NULL;
    struct origin_block *block = malloc(sizeof(*block) + size);
    if (block) {
        block->owners = 1;
        block->size = size;
    }
    return block;
}

struct origin_block *origin_block_copy(const void *data, size_t size)
{
    struct origin_block *block = origin_block_new(size);
    if (block && size)
        memcpy(block->data, data, size);
    return block;
}

struct origin_block *origin_block_hold(struct origin_block *block)
{
    block->owners++;
    return block;
}

void origin_block_drop(struct origin_block *block)
{
    if (block && --block->owners == 0)
        free(block);
}

static void stream_read(uint64_t seed, uint64_t offset, unsigned char *out, size_t length)
{
    while (length) {
        uint64_t word = origin_random_mix(seed + offset / 8);
        for (unsigned i = (unsigned)(offset % 8); i < 8 && length; i++, offset++, length--)
            *out++ = (unsigned char)(word >> (8 * i));
    }
}

size_t origin_body_read(const struct origin_body *body, uint64_t offset, void *out, size_t length)
{
    if (offset >= body->size)
        return 0;
    if (length > body->size - offset)
        length = (size_t)(body->size - offset);
    if (body->block)
        memcpy(out, body->block->data + offset, length);
    else
        stream_read(body->seed, offset, out, length);
    return length;
}

int origin_body_materialise(struct origin_body *body, size_t max)
{
    if (body->block)
        return 0;
    if (body->size > max)
        return EFBIG;
    struct origin_block *block = origin_block_new((size_t)body->size);
    if (!block)
        return ENOMEM;
    stream_read(body->seed, 0, block->data, (size_t)body->size);
    body->block = block;
    return 0;
}

void origin_body_clear(struct origin_body *body)
{
    origin_block_drop(body->block);
    *body = (struct origin_body){0};
}
