/* The passes for AVX-512F. */
#include <immintrin.h>

#define LANES 8
#define VEC_FMA(a, b, c) ((vec)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define VEC_NFMA(a, b, c) ((vec)_mm512_fnmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define VEC_ROUND(x) ((vec)_mm512_roundscale_pd((__m512d)(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))
/* The larger in size, its sign cleared. */
#define VEC_MAX_SIZE(old, new) ((vec)_mm512_range_pd((__m512d)(old), (__m512d)(new), 0xb))
#define VEC_FROM_DIGITS(p) ((vec)_mm512_cvtepi32_pd(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
#define BIG_ISA big_isa_avx512
#define BIG_ISA_NAME "avx512"
#include "kernels/bigpow/pass_body.h"
