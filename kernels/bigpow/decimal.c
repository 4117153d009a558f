#include "kernels/bigpow/decimal.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/bigpow/context.h"
#include "kernels/bigpow/digits.h"
#include "kernels/bigpow/residue.h"

uint32_t big_decade(unsigned width)
{
    uint32_t base = 1;
    while (width--)
        base *= 10;
    return base;
}

void bigpow_decimal_free(struct bigpow_decimal *number)
{
    free(number->chunks);
    *number = (struct bigpow_decimal){0};
}

bool big_decimal_reserve(struct bigpow_decimal *number, size_t chunks)
{
    if (number->capacity >= chunks)
        return true;
    uint32_t *p = chunks < SIZE_MAX / 16 ? big_allocate(chunks * sizeof(*p)) : NULL;
    if (!p)
        return false;
    free(number->chunks);
    *number = (struct bigpow_decimal){.chunks = p, .capacity = chunks};
    return true;
}

enum bigpow_status big_decimal_make(const struct big_isa *isa, struct bigpow_decimal *number,
                                    const int32_t *digits, uint64_t count, unsigned width)
{
    count = big_digits_trim(digits, count);
    if (!big_decimal_reserve(number, count ? (size_t)count : 1))
        return BIGPOW_NO_MEMORY;
    int32_t *chunks = (int32_t *)number->chunks;
    bool positive = big_digits_canonical(isa, chunks, digits, count, (int32_t)big_decade(width));
    number->count = positive ? (size_t)big_digits_trim(chunks, count) : 0;
    number->width = width;
    number->zeros = 0;
    number->negative = false;
    return positive ? BIGPOW_OK : BIG_INEXACT;
}

static unsigned top_digits(const struct bigpow_decimal *number)
{
    unsigned digits = 0;
    for (uint32_t top = number->chunks[number->count - 1]; top; top /= 10)
        digits++;
    return digits;
}

uint64_t bigpow_decimal_digits(const struct bigpow_decimal *number)
{
    if (!number->count)
        return 1;
    return (uint64_t)(number->count - 1) * number->width + top_digits(number) + number->zeros;
}

/* The digit with the weight 10^place. */
static char digit_at(const struct bigpow_decimal *number, uint64_t place)
{
    if (place < number->zeros || !number->count)
        return '0';
    place -= number->zeros;
    uint32_t chunk = number->chunks[place / number->width];
    for (uint64_t k = place % number->width; k > 0; k--)
        chunk /= 10;
    return (char)('0' + chunk % 10);
}

/* Whole chunks, the highest first; eight bytes are stored for each, so the last ones go digit by digit. */
static uint64_t chunks_text(const struct big_isa *isa, const struct bigpow_decimal *number, size_t chunk,
                            char *text, size_t length)
{
    enum { BATCH = 64 };
    uint64_t words[BATCH];
    size_t done = 0, width = number->width;
    while (chunk > 0 && length - done >= 16) {
        size_t most = (length - done - 8) / width, count = chunk < BATCH ? chunk : BATCH;
        count = count < most ? count : most;
        chunk -= count;
        isa->characters(words, number->chunks + chunk, count, number->width);
        for (size_t k = count; k-- > 0; done += width) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            words[k] = __builtin_bswap64(words[k]);
#endif
            memcpy(text + done, &words[k], sizeof(words[k]));
        }
    }
    return done;
}

void bigpow_decimal_text(const struct bigpow_decimal *number, uint64_t offset, size_t length, char *text)
{
    uint64_t place = bigpow_decimal_digits(number) - offset; /* one above the next digit's */
    const struct big_isa *isa = big_isa_select(NULL);
    size_t done = 0;
    while (done < length) {
        bool whole = number->count && place > number->zeros && (place - number->zeros) % number->width == 0;
        if (whole && length - done >= 16) {
            size_t chunk = (size_t)((place - number->zeros) / number->width);
            uint64_t run = chunks_text(isa, number, chunk, text + done, length - done);
            done += (size_t)run;
            place -= run;
            continue;
        }
        text[done++] = digit_at(number, --place);
    }
}

uint64_t bigpow_decimal_residue(const struct bigpow_decimal *number, uint64_t modulus)
{
    if (!modulus)
        return 0;
    uint64_t chunks = big_digits_residue(big_isa_select(NULL), number->chunks, number->count,
                                         big_decade(number->width), modulus);
    return big_mulmod(chunks, big_powmod(10, number->zeros, modulus), modulus);
}
