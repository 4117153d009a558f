/* The passes for any processor: two lanes, which compilers map to what they have (SSE2, NEON, or plain
 * doubles). */
#define LANES 2
#define VEC_FMA(a, b, c) ((a) * (b) + (c))
#define VEC_NFMA(a, b, c) ((c) - (a) * (b))
#define VEC_MAX(old, new) vec_larger(old, new)
#define BIG_ISA big_isa_scalar
#define BIG_ISA_NAME "scalar"

typedef double vec __attribute__((vector_size(16), may_alias));
typedef long long mask __attribute__((vector_size(16)));

/* Where the comparison fails, as with a NaN, the new value is taken. */
static inline __attribute__((always_inline)) vec vec_larger(vec old, vec new)
{
    mask keep = old >= new;
    return (vec)((keep & (mask)old) | (~keep & (mask) new));
}

#include "kernels/bigpow/pass_body.h"
