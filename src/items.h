/* What `millrace pow` is to compute, as a set of items given out one by one, the costly ones first, so that ranks and
 * threads end together.
 *
 *     BASE^EXP        one power
 *     FIRST..LAST     i^i for each i from FIRST to LAST, 0 <= FIRST <= LAST
 *     tower:B^N       B^(B^i) for i = 0 to N - 1
 *
 * A range costs no memory for its length: its items are made as they are asked for, the last (the costliest) first.
 * Pure; one thread at a time.
 */
#ifndef MILLRACE_SRC_ITEMS_H
#define MILLRACE_SRC_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ITEMS_MAX_TOWER 4096
#define ITEMS_MAX_LINE ((size_t)2 << 20) /* bytes: two operands of the largest size, and more */

struct items;

/* NULL: no memory. `modulus` (NULL: none; else a number) is what powers are taken of: it tells what they cost. It must
 * outlive the items. */
struct items *items_new(const char *modulus);
void items_free(struct items *items);

/* Adds what `text` says. Ids count on in the order of adding: a range takes as many as it has items, FIRST's the lowest.
 * False: it is no item, and `error` (error_size bytes) says why; nothing was added. */
bool items_add(struct items *items, const char *text, size_t len, char *error, size_t error_size);

/* Adds one that can't be computed: it takes an id, and is given out first, with its problem. */
bool items_add_bad(struct items *items, const char *text, size_t len, const char *problem);

/* How many there are in all, given out or not; UINT64_MAX: that many or more. */
uint64_t items_total(const struct items *items);

/* The next one: its id, its text "BASE^EXP", and its problem or NULL; valid until the next call. False: that was all, or
 * (items_failed) there was no memory for it. */
bool items_next(struct items *items, uint64_t *id, const char **text, const char **problem);
bool items_failed(const struct items *items);

#endif
