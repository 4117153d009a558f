/* How often each target with `fail=K` has been asked for. One thread. */
#ifndef MILLRACE_IO_ORIGIN_FAILS_H
#define MILLRACE_IO_ORIGIN_FAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Targets are held as 64-bit hashes: among 2^20 of them two meet with a chance of 2^-25, which a test server
 * can bear. */
enum { ORIGIN_FAILS_MAX = 1 << 20 };

struct origin_fail {
    uint64_t key; /* 0: free */
    uint64_t seen;
};

/* All zero is an empty table. */
struct origin_fails {
    struct origin_fail *slots;
    size_t room; /* 0 or a power of two */
    size_t used;
};

/* Counts a request for the target; *hit says whether it is among the first so many. Returns 0 or ENOMEM,
 * which a table with ORIGIN_FAILS_MAX targets gives for a new one too. */
int origin_fails_count(struct origin_fails *fails, const char *target, int64_t first, bool *hit);

void origin_fails_free(struct origin_fails *fails);

#endif
