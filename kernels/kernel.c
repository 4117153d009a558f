#include "kernels/kernel.h"

#include <string.h>

const struct kernel *kernel_find(const char *name)
{
    return strcmp(name, kernel_pow.name) == 0 ? &kernel_pow : NULL;
}
