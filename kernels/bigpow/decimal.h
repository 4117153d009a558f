/* Decimal numbers from finished digits. */
#ifndef MILLRACE_KERNELS_BIGPOW_DECIMAL_H
#define MILLRACE_KERNELS_BIGPOW_DECIMAL_H

#include "kernels/bigpow.h"
#include "kernels/bigpow/isa.h"

/* Room for so many chunks; what the number held is lost when it has to grow. */
bool big_decimal_reserve(struct bigpow_decimal *number, size_t chunks);
/* From the digits of a convolution in radix 10^width, made canonical. BIG_INEXACT where they are
 * negative. */
enum bigpow_status big_decimal_make(const struct big_isa *isa, struct bigpow_decimal *number,
                                    const int32_t *digits, uint64_t count, unsigned width);
/* 10^width */
uint32_t big_decade(unsigned width);

#endif
