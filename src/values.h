/* Values of command-line options: each reader takes all of the text or refuses it. Pure. */
#ifndef MILLRACE_SRC_VALUES_H
#define MILLRACE_SRC_VALUES_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits, no sign, min to max. */
bool value_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Seconds, with a fraction if wanted ("0.25"), at most `max_seconds`; nanoseconds in `*out`. */
bool value_seconds(const char *text, double max_seconds, int64_t *out);

/* Bytes, with K, M, G or T (powers of 1024) after them if wanted ("16M"), 1 to max. */
bool value_size(const char *text, uint64_t max, uint64_t *out);

/* A column's name: a letter or _, then letters, digits, _ - and . */
bool value_name(const char *text);

#endif
