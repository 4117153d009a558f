#include "src/values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* strtoull(3) alone would take white space and signs. */
static bool leading_uint(const char *text, uint64_t *out, char **end)
{
    errno = 0;
    *out = strtoull(text, end, 10);
    return isdigit((unsigned char)text[0]) && errno == 0;
}

bool value_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    return leading_uint(text, out, &end) && *end == '\0' && *out >= min && *out <= max;
}

bool value_seconds(const char *text, double max_seconds, int64_t *out)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789.")] != '\0' || strcmp(text, ".") == 0)
        return false;
    char *end;
    double seconds = strtod(text, &end);
    if (*end != '\0' || !(seconds <= max_seconds))
        return false;
    *out = (int64_t)(seconds * 1e9 + 0.5);
    return true;
}

bool value_size(const char *text, uint64_t max, uint64_t *out)
{
    static const char units[] = "KMGT";
    char *end;
    if (!leading_uint(text, out, &end))
        return false;
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (*end && (!unit || end[1] != '\0'))
        return false;
    for (const char *u = units; unit && u <= unit; u++) {
        if (*out > UINT64_MAX / 1024)
            return false;
        *out *= 1024;
    }
    return *out >= 1 && *out <= max;
}

bool value_name(const char *text)
{
    if (!isalpha((unsigned char)text[0]) && text[0] != '_')
        return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
            return false;
    return true;
}
