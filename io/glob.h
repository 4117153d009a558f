/* curl's URL globs (curl(1), "URL"; the manual https://everything.curl.dev/cmdline/globbing): a pattern that
 * stands for many URLs, made one at a time.
 *
 *     [1-100]  [001-100]  [0-100:10]    numbers; leading zeros set the width
 *     [a-z]  [A-Z]  [a-z:2]             letters
 *     {one,two,three}                   words; an empty word is allowed, nesting is not
 *     \[ \] \{ \} \\ \,                 the character itself (a backslash before another one stays a
 * backslash)
 *     [::1] and other IPv6 literals     no glob
 *
 * The last glob changes fastest, as an odometer does. */
#ifndef MILLRACE_IO_GLOB_H
#define MILLRACE_IO_GLOB_H

#include "io/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLOB_LENGTH_MAX 65536 /* bytes of a pattern */
#define GLOB_PARTS_MAX 255    /* globs and the literal texts between them, as in curl */

struct glob_error {
    size_t position;  /* byte in the pattern, from 0 */
    const char *text; /* static */
};

struct glob;

/* NULL: `*error` says why: malformed, too large (the product of all sizes must fit 64 bits), or no memory. */
struct glob *glob_parse(const char *text, size_t len, struct glob_error *error);
void glob_free(struct glob *g);

/* How many it stands for, at least 1. */
uint64_t glob_count(const struct glob *g);

enum glob_step { GLOB_TEXT, GLOB_END, GLOB_NO_MEMORY };

/* Replaces the contents of `out` by the next one. GLOB_NO_MEMORY also when `out`'s cap is too small: that one
 * is skipped. */
enum glob_step glob_next(struct glob *g, struct buffer *out);

#endif
