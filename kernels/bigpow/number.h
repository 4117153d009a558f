/* What the library itself does with numbers. */
#ifndef MILLRACE_KERNELS_BIGPOW_NUMBER_H
#define MILLRACE_KERNELS_BIGPOW_NUMBER_H

#include "kernels/bigpow.h"

/* Room for so many limbs; what the number held is lost when it has to grow. */
bool big_number_reserve(struct bigpow_number *number, size_t limbs);
/* Sets count without leading zeros, and the sign; -0 is 0. */
void big_number_normalise(struct bigpow_number *number, size_t count, bool negative);
/* Moves a number, freeing what `to` held. */
void big_number_take(struct bigpow_number *to, struct bigpow_number *from);

#endif
