/* Twiddle tables, each value rounded once from long double, kept and shared by all plans of a context. */
#ifndef MILLRACE_KERNELS_BIGPOW_TWIDDLE_H
#define MILLRACE_KERNELS_BIGPOW_TWIDDLE_H

#include <stdbool.h>

#include "kernels/bigpow/plan.h"

/* One table: all nodes of a tree level. Nodes after the odd levels and `depth` binary ones. */
struct big_table {
    unsigned odd, kind; /* kind: radix of the level, or 64 for leaves */
    unsigned before;    /* odd levels done before an odd level; for the others all are */
    unsigned depth;
    double *values;
};

struct big_tables {
    struct big_table *list;
    unsigned count, capacity;
};

/* Gives the plan its twiddles; false when there is no memory. The tables live until big_tables_free. */
bool big_tables_fill(struct big_tables *tables, struct big_plan *plan);
void big_tables_free(struct big_tables *tables);

#endif
