/* The passes for AVX2 with FMA. */
#include <immintrin.h>

#define LANES 4
#define VEC_FMA(a, b, c) ((vec)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define VEC_NFMA(a, b, c) ((vec)_mm256_fnmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define VEC_ROUND(x) ((vec)_mm256_round_pd((__m256d)(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))
/* The larger in size, its sign cleared; `old` is never negative. */
#define VEC_MAX_SIZE(old, new)                                                                               \
    ((vec)_mm256_max_pd((__m256d)(old), _mm256_andnot_pd(_mm256_set1_pd(-0.0), (__m256d)(new))))
#define VEC_FROM_DIGITS(p) ((vec)_mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#define BIG_ISA big_isa_avx2
#define BIG_ISA_NAME "avx2"
#include "kernels/bigpow/pass_body.h"
