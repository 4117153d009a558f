/* The passes for any processor: two lanes, which compilers map to what they have (SSE2, NEON, or plain
 * doubles). */
#include <stdint.h>

#define LANES 2
#define VEC_FMA(a, b, c) ((a) * (b) + (c))
#define VEC_NFMA(a, b, c) ((c) - (a) * (b))
/* Adding and subtracting 1.5 * 2^52 rounds exactly below 2^51. */
#define VEC_ROUND(x) (((x) + 6755399441055744.0) - 6755399441055744.0)
#define VEC_MAX_SIZE(old, new) vec_larger(old, new)
#define VEC_FROM_DIGITS(p) ((vec){(p)[0], (p)[1]})
#define BIG_ISA big_isa_scalar
#define BIG_ISA_NAME "scalar"

typedef double vec __attribute__((vector_size(16), may_alias));
typedef long long mask __attribute__((vector_size(16)));

/* The larger in size, its sign cleared; `old` is never negative. */
static inline __attribute__((always_inline)) vec vec_larger(vec old, vec new)
{
    new = (vec)((mask) new & ~(mask){INT64_MIN, INT64_MIN});
    mask keep = old >= new;
    return (vec)((keep & (mask)old) | (~keep & (mask) new));
}

#include "kernels/bigpow/pass_body.h"
