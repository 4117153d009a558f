/* Digits and limbs, the inner loops. */
#ifndef MILLRACE_KERNELS_BIGPOW_DIGIT_BODY_H
#define MILLRACE_KERNELS_BIGPOW_DIGIT_BODY_H

#include <string.h>

#include "kernels/bigpow/fft_body.h"

/* Eight fields of bits + 1 bits from the bit 7 of p on, as balanced digits: see field_digit in digits.c. */
#if LANES == 8
static void unpack(int32_t *digits, const unsigned char *p, uint64_t groups, unsigned bits)
{
    int64_t shift[8];
    int32_t pair[16];
    for (unsigned k = 0; k < 8; k++) {
        unsigned bit = 7 + k * bits;
        shift[k] = bit % 32;
        pair[2 * k] = (int32_t)(bit / 32);
        pair[2 * k + 1] = pair[2 * k] + 1;
    }
    __m512i shifts = _mm512_loadu_si512(shift), pairs = _mm512_loadu_si512(pair);
    __m128i top = _mm_cvtsi32_si128(31 - (int)bits);
    for (uint64_t g = 0; g < groups; g++, p += bits, digits += 8) {
        __m512i words = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)p));
        words = _mm512_srlv_epi64(_mm512_permutexvar_epi32(pairs, words), shifts);
        __m256i field = _mm256_sra_epi32(_mm256_sll_epi32(_mm512_cvtepi64_epi32(words), top), top);
        field = _mm256_srai_epi32(_mm256_add_epi32(field, _mm256_set1_epi32(1)), 1);
        _mm256_storeu_si256((__m256i *)digits, field);
    }
}
#elif LANES == 4
static void unpack(int32_t *digits, const unsigned char *p, uint64_t groups, unsigned bits)
{
    int64_t shift[8];
    int32_t pair[16];
    for (unsigned k = 0; k < 8; k++) {
        unsigned bit = 7 + k * bits;
        shift[k] = bit % 32;
        pair[2 * k] = (int32_t)(bit / 32);
        pair[2 * k + 1] = pair[2 * k] + 1;
    }
    const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    __m128i top = _mm_cvtsi32_si128(31 - (int)bits);
    for (uint64_t g = 0; g < groups; g++, p += bits, digits += 8) {
        __m256i words = _mm256_loadu_si256((const __m256i *)p), half[2];
        for (int h = 0; h < 2; h++) {
            __m256i pairs = _mm256_loadu_si256((const __m256i *)(pair + 8 * h));
            __m256i shifts = _mm256_loadu_si256((const __m256i *)(shift + 4 * h));
            half[h] = _mm256_permutevar8x32_epi32(words, pairs);
            half[h] = _mm256_permutevar8x32_epi32(_mm256_srlv_epi64(half[h], shifts), even);
        }
        __m256i field = _mm256_blend_epi32(half[0], half[1], 0xf0);
        field = _mm256_sra_epi32(_mm256_sll_epi32(field, top), top);
        field = _mm256_srai_epi32(_mm256_add_epi32(field, _mm256_set1_epi32(1)), 1);
        _mm256_storeu_si256((__m256i *)digits, field);
    }
}
#else
static void unpack(int32_t *digits, const unsigned char *p, uint64_t groups, unsigned bits)
{
    for (uint64_t g = 0; g < groups; g++, p += bits, digits += 8) {
        for (unsigned k = 0; k < 8; k++) {
            unsigned bit = 7 + k * bits;
            uint64_t field;
            memcpy(&field, p + bit / 8, sizeof(field));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            field = __builtin_bswap64(field);
#endif
            int64_t f = (int64_t)(field >> bit % 8 << (63 - bits)) >> (63 - bits);
            digits[k] = (int32_t)((f + 1) >> 1);
        }
    }
}
#endif

/* Borrows one from the next digit where a digit is negative; the sign bit of the result tells of a digit still so. */
static int32_t borrow(int32_t *out, const int32_t *in, int32_t before, size_t count, int32_t base)
{
    int32_t negative;
    out[0] = negative = in[0] + ((in[0] >> 31) & base) + (before >> 31);
    for (size_t i = 1; i < count; i++) {
        out[i] = in[i] + ((in[i] >> 31) & base) + (in[i - 1] >> 31);
        negative |= out[i];
    }
    return negative;
}

INLINE void put64(unsigned char *p, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    memcpy(p, &x, sizeof(x));
}

/* Eight canonical digits to `bits` bytes; 24 are written. 16 < bits <= 24, or fewer bits and no third word. */
INLINE void group_pack(unsigned char *p, const uint64_t pair[4], unsigned bits)
{
    uint64_t low = pair[0] | pair[1] << 2 * bits, high = pair[2] | pair[3] << 2 * bits;
    uint64_t low_top = pair[1] >> (64 - 2 * bits), high_top = pair[3] >> (64 - 2 * bits);
    if (bits < 16) {
        low |= high << 4 * bits;
        put64(p, low);
        put64(p + 8, high >> (64 - 4 * bits));
        put64(p + 16, 0);
        return;
    }
    unsigned up = 4 * bits - 64;
    put64(p, low);
    put64(p + 8, low_top | high << up);
    put64(p + 16, (up ? high >> (64 - up) : 0) | high_top << up);
}

static void pack(unsigned char *p, const int32_t *digits, uint64_t groups, unsigned bits)
{
    enum { BATCH = 64 };
    uint64_t pairs[4 * BATCH];
    for (uint64_t size; groups; groups -= size, digits += 8 * size) {
        size = groups < BATCH ? groups : BATCH;
        /* A loop of its own, which is vectorised: half of the work. */
        for (uint64_t k = 0; k < 4 * size; k++)
            pairs[k] = (uint64_t)(uint32_t)digits[2 * k] | (uint64_t)(uint32_t)digits[2 * k + 1] << bits;
        for (uint64_t g = 0; g < size; g++, p += bits)
            group_pack(p, pairs + 4 * g, bits);
    }
}

enum { WORDS_AHEAD = 2048 / 4 }; /* asked for so early: at the end of a page the processor loses the stream */

/* sums[j] = sum of word k * weights[j][k]: weights of 22 bits, so 1024 products fit a word of 64. */
static void weigh(uint64_t sums[3], const unsigned char *words, size_t count,
                  uint64_t weights[3][BIG_WEIGHTS])
{
    size_t k = 0;
    sums[0] = sums[1] = sums[2] = 0;
#if LANES == 8
    __m512i sum[3] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (; k + 8 <= count; k += 8) {
        __builtin_prefetch(words + 4 * (k + WORDS_AHEAD), 0, 3);
        __m512i x = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(words + 4 * k)));
        for (int j = 0; j < 3; j++)
            sum[j] = _mm512_add_epi64(sum[j], _mm512_mul_epu32(x, _mm512_loadu_si512(weights[j] + k)));
    }
    for (int j = 0; j < 3; j++)
        sums[j] = (uint64_t)_mm512_reduce_add_epi64(sum[j]);
#elif LANES == 4
    __m256i sum[3] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (; k + 4 <= count; k += 4) {
        __builtin_prefetch(words + 4 * (k + WORDS_AHEAD), 0, 3);
        __m256i x = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(words + 4 * k)));
        for (int j = 0; j < 3; j++) {
            __m256i w = _mm256_loadu_si256((const __m256i *)(weights[j] + k));
            sum[j] = _mm256_add_epi64(sum[j], _mm256_mul_epu32(x, w));
        }
    }
    for (int j = 0; j < 3; j++) {
        uint64_t lane[4];
        _mm256_storeu_si256((__m256i *)lane, sum[j]);
        sums[j] = lane[0] + lane[1] + lane[2] + lane[3];
    }
#endif
    for (; k < count; k++) {
        uint32_t word;
        memcpy(&word, words + 4 * k, sizeof(word));
        for (int j = 0; j < 3; j++)
            sums[j] += word * weights[j][k];
    }
}

/* By halving: chunk -> (head, four digits) -> pairs in 16 bits -> digits in 8 bits; a product with a rounded-up
 * reciprocal and a shift is the exact quotient in these ranges. */
INLINE uint64_t chunk_characters(uint32_t chunk, unsigned width)
{
    uint64_t head = (uint64_t)chunk * 3518437209u >> 45; /* chunk / 10000 */
    uint64_t low = chunk - head * 10000, hundreds = low * 5243 >> 19;
    uint64_t pairs = hundreds | (low - hundreds * 100) << 16;
    uint64_t tens = pairs * 103 >> 10 & 0x000f000f;
    uint64_t four = tens | (pairs - tens * 10) << 8 | 0x30303030;
    if (width == 4)
        return four;
    if (width == 5)
        return four << 8 | (0x30 + head);
    uint64_t first = head * 103 >> 10;
    return four << 16 | (0x30 + first) | (0x30 + (head - first * 10)) << 8;
}

static void characters(uint64_t *words, const uint32_t *chunks, size_t count, unsigned width)
{
    if (width == 5) {
        for (size_t k = 0; k < count; k++)
            words[k] = chunk_characters(chunks[k], 5);
        return;
    }
    for (size_t k = 0; k < count; k++)
        words[k] = chunk_characters(chunks[k], width);
}

#endif
