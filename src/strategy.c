#include "src/strategy.h"

#include <string.h>

static const struct strategy strategies[] = {
#define ROW(name, ranks, places, threads, hold, meaning) {#name, ranks, places, threads, hold, meaning},
    STRATEGY_MAP(ROW)
#undef ROW
};

const struct strategy *strategy_at(unsigned i)
{
    return i < sizeof strategies / sizeof *strategies ? &strategies[i] : NULL;
}

const struct strategy *strategy_find(const char *name)
{
    for (unsigned i = 0; strategy_at(i); i++)
        if (strcmp(strategy_at(i)->name, name) == 0)
            return strategy_at(i);
    return NULL;
}

uint32_t strategy_places_of(const struct strategy *s, uint32_t rank, unsigned threads, uint32_t concurrency)
{
    if (rank >= s->ranks)
        return 0;
    if (s->places == STRATEGY_ONE || (!concurrency && !s->threads))
        return 1;
    if (s->places != STRATEGY_MANY)
        return threads;
    /* One more than there are threads, where the next has to come from another rank: no thread waits for it. */
    return concurrency ? concurrency : threads + (rank > 0);
}
