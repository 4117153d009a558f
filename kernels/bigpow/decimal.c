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

/* The characters of a chunk as bytes of a word, the first in the lowest byte: (value of 4 digits) by halving.
 */
static inline uint64_t chunk_bytes(uint32_t chunk, unsigned width)
{
    uint32_t high = (uint32_t)((uint64_t)chunk * 3518437209u >> 45); /* chunk / 10000 */
    uint64_t low = chunk - high * 10000;
    uint64_t pairs =
        ((low * 5243) >> 19) | ((low - ((low * 5243) >> 19) * 100) << 16); /* low / 100, low % 100 */
    uint64_t tens = ((pairs * 103) >> 10) & 0x000f000f;
    uint64_t four = tens | (pairs - tens * 10) << 8 | 0x30303030;
    uint64_t head = (uint64_t)high * 103 >> 10;
    if (width == 4)
        return four;
    if (width == 5)
        return four << 8 | (0x30 + high);
    return four << 16 | (0x30 + head) | (0x30 + (high - head * 10)) << 8;
}

/* Whole chunks, the highest first; eight bytes are stored for each, so the last ones go digit by digit. */
static uint64_t chunks_text(const struct bigpow_decimal *number, uint64_t place, char *text, size_t length)
{
    uint64_t done = 0;
    unsigned width = number->width;
    size_t chunk = (size_t)((place - number->zeros) / width);
    for (; length - done >= 16 && chunk-- > 0; done += width) {
        uint64_t bytes = chunk_bytes(number->chunks[chunk], width);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        bytes = __builtin_bswap64(bytes);
#endif
        memcpy(text + done, &bytes, sizeof(bytes));
    }
    return done;
}

void bigpow_decimal_text(const struct bigpow_decimal *number, uint64_t offset, size_t length, char *text)
{
    uint64_t place = bigpow_decimal_digits(number) - offset; /* one above the next digit's */
    size_t done = 0;
    while (done < length) {
        bool whole = number->count && place > number->zeros && (place - number->zeros) % number->width == 0;
        if (whole && length - done >= 16) {
            uint64_t run = chunks_text(number, place, text + done, length - done);
            done += (size_t)run;
            place -= run;
            if (run)
                continue;
        }
        text[done++] = digit_at(number, --place);
    }
}

uint64_t bigpow_decimal_residue(const struct bigpow_decimal *number, uint64_t modulus)
{
    if (!modulus)
        return 0;
    uint64_t chunks = big_digits_residue(number->chunks, number->count, big_decade(number->width), modulus);
    return big_mulmod(chunks, big_powmod(10, number->zeros, modulus), modulus);
}
