#include "kernels/bigpow/isa.h"

#include <string.h>

static bool runs_here(const struct big_isa *isa)
{
#ifdef MILLRACE_BIGPOW_X86
    if (isa == &big_isa_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    if (isa == &big_isa_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return isa == &big_isa_scalar;
}

const struct big_isa *big_isa_select(const char *name)
{
    static const struct big_isa *const tables[] = {
#ifdef MILLRACE_BIGPOW_X86
        &big_isa_avx512,
        &big_isa_avx2,
#endif
        &big_isa_scalar,
    };
    for (size_t k = 0; k < sizeof(tables) / sizeof(*tables); k++)
        if (name ? !strcmp(name, tables[k]->name) : runs_here(tables[k]))
            return runs_here(tables[k]) ? tables[k] : NULL;
    return NULL;
}
