#include "io/origin_fails.h"

#include "io/origin_random.h"
#include <errno.h>
#include <stdlib.h>

static uint64_t hash(const char *target)
{
    uint64_t key = UINT64_C(14695981039346656037);
    for (; *target; target++)
        key = (key ^ (unsigned char)*target) * UINT64_C(1099511628211);
    key = origin_random_mix(key);
    return key ? key : 1;
}

static struct origin_fail *find(struct origin_fail *slots, size_t room, uint64_t key)
{
    size_t at = (size_t)key & (room - 1);
    while (slots[at].key && slots[at].key != key)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static int grow(struct origin_fails *fails)
{
    size_t room = fails->room ? fails->room * 2 : 256;
    struct origin_fail *slots = fails->used < ORIGIN_FAILS_MAX ? calloc(room, sizeof(*slots)) : NULL;
    if (!slots)
        return ENOMEM;
    for (size_t i = 0; i < fails->room; i++)
        if (fails->slots[i].key)
            *find(slots, room, fails->slots[i].key) = fails->slots[i];
    free(fails->slots);
    fails->slots = slots;
    fails->room = room;
    return 0;
}

int origin_fails_count(struct origin_fails *fails, const char *target, int64_t first, bool *hit)
{
    uint64_t key = hash(target);
    if (fails->used * 2 >= fails->room && grow(fails))
        return ENOMEM;
    struct origin_fail *slot = find(fails->slots, fails->room, key);
    if (!slot->key) {
        slot->key = key;
        fails->used++;
    }
    *hit = (int64_t)slot->seen++ < first;
    return 0;
}

void origin_fails_free(struct origin_fails *fails)
{
    free(fails->slots);
    *fails = (struct origin_fails){0};
}
