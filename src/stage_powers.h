/* The stage of `millrace pow`: computes an item, and tells what a row tells of it. */
#ifndef MILLRACE_SRC_STAGE_POWERS_H
#define MILLRACE_SRC_STAGE_POWERS_H

#include "io/files.h"
#include "kernels/powers.h"
#include "src/stage.h"

struct stage_powers_config {
    const char *modulus; /* NULL: none */
    bool sha256;
    struct file_pattern *files; /* where each value goes in full; NULL: nowhere */
    enum power_digits digits;   /* of those files */
    uint64_t memory; /* bytes for the powers that a rank computes at a time; 0: its share of what is free */
    uint64_t seed;   /* of the primes that results are checked with */
};

/* For thread numbers below `threads`, on one of `sharing` ranks of this machine. The values are base, exponent, bits,
 * digits, head, tail, the digest and the file's name where asked for, and seconds. NULL: `error` says why. */
struct stage *stage_powers_new(const struct stage_powers_config *config, unsigned threads, int sharing,
                               char *error, size_t error_size);

#endif
