/* SipHash-2-4: a keyed hash of short strings, for tables whose keys strangers choose.
 *
 * Without the key nobody can find strings that collide, so a list of chosen host names cannot make a table
 * slow. Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012.
 * A pure function; any thread may call it.
 */
#ifndef MILLRACE_SRC_SIPHASH_H
#define MILLRACE_SRC_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t words[2]; /* the paper's k0 and k1 */
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length);

#endif
