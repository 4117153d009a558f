/* The passes for AVX2 with FMA. */
#include <immintrin.h>

#define LANES 4
#define VEC_FMA(a, b, c) ((vec)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define VEC_NFMA(a, b, c) ((vec)_mm256_fnmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
/* The second operand comes out where one is a NaN, so a NaN in the new value is seen: keep it second. */
#define VEC_MAX(old, new) ((vec)_mm256_max_pd((__m256d)(old), (__m256d)(new)))
#define BIG_ISA big_isa_avx2
#define BIG_ISA_NAME "avx2"
#include "kernels/bigpow/pass_body.h"
