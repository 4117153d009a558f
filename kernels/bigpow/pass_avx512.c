/* The passes for AVX-512F. */
#include <immintrin.h>

#define LANES 8
#define VEC_FMA(a, b, c) ((vec)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define VEC_NFMA(a, b, c) ((vec)_mm512_fnmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
/* The second operand comes out where one is a NaN, so a NaN in the new value is seen: keep it second. */
#define VEC_MAX(old, new) ((vec)_mm512_max_pd((__m512d)(old), (__m512d)(new)))
#define BIG_ISA big_isa_avx512
#define BIG_ISA_NAME "avx512"
#include "kernels/bigpow/pass_body.h"
