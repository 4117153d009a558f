/* Numbers as callers hold them. */
#include "kernels/bigpow/number.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/bigpow/memory.h"

void bigpow_number_free(struct bigpow_number *number)
{
    free(number->limbs);
    *number = (struct bigpow_number){0};
}

bool big_number_reserve(struct bigpow_number *number, size_t limbs)
{
    if (number->capacity >= limbs)
        return true;
    uint64_t *p = limbs < SIZE_MAX / 16 ? big_allocate(limbs * sizeof(*p)) : NULL;
    if (!p)
        return false;
    free(number->limbs);
    *number = (struct bigpow_number){.limbs = p, .capacity = limbs};
    return true;
}

void big_number_normalise(struct bigpow_number *number, size_t count, bool negative)
{
    while (count && !number->limbs[count - 1])
        count--;
    number->count = count;
    number->negative = negative && count;
}

void big_number_take(struct bigpow_number *to, struct bigpow_number *from)
{
    free(to->limbs);
    *to = *from;
    *from = (struct bigpow_number){0};
}

enum bigpow_status bigpow_number_set(struct bigpow_number *number, int64_t value)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return bigpow_number_import(number, &magnitude, 1, value < 0);
}

enum bigpow_status bigpow_number_import(struct bigpow_number *number, const uint64_t *limbs, size_t count,
                                        bool negative)
{
    struct bigpow_number copy = {0};
    if (!big_number_reserve(&copy, count ? count : 1))
        return BIGPOW_NO_MEMORY;
    if (count)
        memcpy(copy.limbs, limbs, count * sizeof(*limbs));
    big_number_normalise(&copy, count, negative);
    big_number_take(number, &copy);
    return BIGPOW_OK;
}

uint64_t bigpow_number_bits(const struct bigpow_number *number)
{
    if (!number->count)
        return 0;
    return (uint64_t)number->count * 64 - (uint64_t)__builtin_clzll(number->limbs[number->count - 1]);
}

/* mpn_set_str wants values, not characters, and room for a little more than the digits need. */
static enum bigpow_status parse_digits(struct bigpow_number *number, const char *text, size_t length,
                                       bool negative)
{
    size_t limbs = length / 19 + 2;
    struct bigpow_number parsed = {0};
    unsigned char *values = malloc(length);
    if (!values || !big_number_reserve(&parsed, limbs) || (length > 4096 && !big_memory_probe(64 * limbs))) {
        free(values);
        bigpow_number_free(&parsed);
        return BIGPOW_NO_MEMORY;
    }
    for (size_t k = 0; k < length; k++)
        values[k] = (unsigned char)(text[k] - '0');
    size_t skip = 0;
    while (skip < length && !values[skip])
        skip++;
    size_t count = skip < length ? (size_t)mpn_set_str(parsed.limbs, values + skip, length - skip, 10) : 0;
    free(values);
    big_number_normalise(&parsed, count, negative);
    big_number_take(number, &parsed);
    return BIGPOW_OK;
}

enum bigpow_status bigpow_number_parse(struct bigpow_number *number, const char *text, size_t length)
{
    bool sign = length && (*text == '-' || *text == '+');
    bool negative = sign && *text == '-';
    text += sign;
    length -= sign;
    if (!length)
        return BIGPOW_BAD_ARGUMENT;
    for (size_t k = 0; k < length; k++)
        if (text[k] < '0' || text[k] > '9')
            return BIGPOW_BAD_ARGUMENT;
    return parse_digits(number, text, length, negative);
}
