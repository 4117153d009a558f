/* What one rank counts while it works, and what the job's figures are made of. Plain data; one thread at a
 * time. */
#ifndef MILLRACE_SRC_TALLY_H
#define MILLRACE_SRC_TALLY_H

#include <stdint.h>

/* name, how the ranks' values combine, meaning */
#define TALLY_MAP(X)                                                                                         \
    X(requests, SUM, "HTTP requests that have ended")                                                        \
    X(broken, SUM, "requests that got no whole answer")                                                      \
    X(fetch_ns, SUM, "time from start to end of each request, added up")                                     \
    X(connections, SUM, "connections opened")                                                                \
    X(received, SUM, "bytes received, headers included")                                                     \
    X(decoded, SUM, "bytes of bodies after decoding")                                                        \
    X(computed, SUM, "bodies that went through the kernel")                                                  \
    X(recomputed, SUM, "computed results that failed their check and were computed again")                   \
    X(compute_ns, SUM, "time spent in kernels, over all threads")                                            \
    X(transferring_ns, SUM, "time with a transfer in flight")                                                \
    X(computing_ns, SUM, "time with a kernel running")                                                       \
    X(overlapping_ns, SUM, "time with both")                                                                 \
    X(user_us, SUM, "CPU time in the program")                                                               \
    X(system_us, SUM, "CPU time in the kernel of the system")                                                \
    X(longest_stall_ns, MAX, "longest time that the event loop served nothing else")                         \
    X(peak_memory, MAX, "largest resident memory of a rank, in bytes")                                       \
    X(batches, SUM, "MPI messages sent")

/* Fetch times by powers of two in four steps each: bucket b holds those of about 2^(b/4) microseconds. */
enum { TALLY_BUCKETS = 128 };

struct tally {
#define TALLY_FIELD(name, combine, meaning) uint64_t name;
    TALLY_MAP(TALLY_FIELD)
#undef TALLY_FIELD
    uint64_t fetch_times[TALLY_BUCKETS];
};

void tally_add(struct tally *into, const struct tally *from);

/* Counts one fetch time. */
void tally_fetch_time(struct tally *t, int64_t ns);

/* The fetch time that `share` (0 to 1) of the fetches stayed under, in ns, within a tenth; 0 when nothing was
 * counted. */
int64_t tally_fetch_quantile(const struct tally *t, double share);

/* The share of the shorter of transferring and computing during which the other went on too; 0 without both. */
double tally_overlap(const struct tally *t);

/* Fills in what the system knows of this process (getrusage(2)): its peak memory, and the CPU time it has used since
 * `begun` was filled in the same way; NULL: since its start. */
void tally_usage(struct tally *t, const struct tally *begun);

#endif
