/* The kernel interface: a CPU-heavy computation on what was found on a page, run on compute threads.
 *
 * A kernel has operands, which the caller takes from each page or gives as constants, and fields, which become columns.
 * It sees neither pages nor files.
 */
#ifndef MILLRACE_KERNELS_KERNEL_H
#define MILLRACE_KERNELS_KERNEL_H

#include "kernels/extract.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_MAX_OPERANDS 8
#define KERNEL_MAX_FIELDS 16

struct kernel_operand {
    const char *name;
    bool needed;
};

struct kernel_field {
    const char *name;
    bool number; /* a whole number wherever a format knows them; else a text */
};

struct kernel {
    const char *name;
    const struct kernel_operand *operands; /* at most KERNEL_MAX_OPERANDS, ended by a null name */
    const struct kernel_field *fields;     /* at most KERNEL_MAX_FIELDS, ended by a null name */

    /* What one thread needs for itself. `seed` is for whatever is drawn at random. NULL: no memory. */
    void *(*open)(uint64_t seed);
    void (*close)(void *state);

    /* Whether constants (NULL where an operand comes from the page) can serve. False: `error` says why not. */
    bool (*check)(const char *const *constants, char *error, size_t error_size);

    /* How many results of `state` have failed a check so far and were computed again. NULL: it has no such check. */
    uint64_t (*recomputed)(const void *state);

    /* One value for each operand (text NULL: absent) to one for each field, malloc'd texts that become the caller's.
     * False: `error` says why, for people, and no field is set. */
    bool (*run)(void *state, const struct field_value *operands, struct field_value *fields, char *error,
                size_t error_size);
};

/* The kernel of that name, or NULL. Static. */
const struct kernel *kernel_find(const char *name);

/* "pow": operands base, exponent, and modulus for a modular power; fields digits, head, tail and residue, the power
 * modulo 2^61 - 1 (or the modulus's, which the power then is). */
extern const struct kernel kernel_pow;

#endif
