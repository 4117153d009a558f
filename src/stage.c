#include "src/stage.h"

#include <stdlib.h>
#include <string.h>

void stage_fail(struct stage_result *result, const char *reason)
{
    static const char spare[] = "no memory left";
    free(result->error);
    result->error = strdup(reason);
    if (!result->error) /* the smallest allocation is the last to fail */
        result->error = strdup(spare);
}

void stage_result_free(struct stage_result *result)
{
    for (uint32_t i = 0; i < result->n_values; i++)
        free((char *)(uintptr_t)result->values[i].data);
    free(result->error);
    *result = (struct stage_result){0};
}
