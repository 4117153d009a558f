/* The pieces of a timeline that ranks send to rank 0: any bytes are read to an end, and written as JSON. */
#include "src/trace_out.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct trace_job job = {.strategy = "hybrid", .ranks = 2, .threads = 2};
    char error[256];
    uint64_t left_out;
    struct trace_out *out = trace_out_open("/dev/null", &job, error, sizeof error);
    if (!out)
        return 0;
    trace_out_take(out, 1, data, size);
    trace_out_take(out, 0, data, size);
    if (!trace_out_end(out, &left_out, error, sizeof error))
        abort();
    trace_out_free(out);
    return 0;
}
