/* Shared by the binary and the decimal power. */
#ifndef MILLRACE_KERNELS_BIGPOW_POWER_H
#define MILLRACE_KERNELS_BIGPOW_POWER_H

#include "kernels/bigpow.h"

/* x^0, 0^n, 1^n and (-1)^n, whatever the exponent: true, and the value. */
bool big_power_trivial(const struct bigpow_number *base, uint64_t exponent, int64_t *value);

#endif
