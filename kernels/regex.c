#include "kernels/regex.h"

#include <string.h>

enum {
    MATCH_LIMIT = 10000000,  /* backtracks at one place: some 50 ms */
    HEAP_LIMIT_KIB = 1024,   /* without the JIT */
    JIT_STACK = 1024 * 1024, /* with it */
    FIRST_STEPS = 1 << 24,   /* of the first window, should each place cost the whole text */
    ENOUGH_NS = 50000000     /* for one window; 50 ms */
};

void regex_scratch_free(struct regex_scratch *scratch)
{
    pcre2_match_data_free(scratch->data);
    pcre2_jit_stack_free(scratch->stack);
    pcre2_match_context_free(scratch->context);
    *scratch = (struct regex_scratch){0};
}

static bool prepare(struct regex_scratch *scratch)
{
    if (scratch->data)
        return true;
    scratch->context = pcre2_match_context_create(NULL);
    scratch->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK, NULL);
    scratch->data = pcre2_match_data_create(2, NULL);
    if (!scratch->context || !scratch->stack || !scratch->data) {
        regex_scratch_free(scratch);
        return false;
    }
    pcre2_set_match_limit(scratch->context, MATCH_LIMIT);
    pcre2_set_heap_limit(scratch->context, HEAP_LIMIT_KIB);
    pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
    return true;
}

/* The first place of a character at or behind `at`. */
static size_t next_character(const uint8_t *text, size_t n, size_t at)
{
    while (at < n && (text[at] & 0xc0) == 0x80)
        at++;
    return at < n ? at : n;
}

static enum regex_status failure(int code)
{
    return code == PCRE2_ERROR_NOMEMORY ? REGEX_NO_MEMORY : REGEX_TOO_SLOW;
}

static struct regex_range group_range(const struct regex_scratch *scratch, int count, unsigned group)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(scratch->data);
    bool is_set = group == 0 || count == 0 || count > (int)group; /* 0: more groups than there is room for */
    if (!is_set || ends[2 * group] == PCRE2_UNSET || ends[2 * group] > ends[2 * group + 1])
        return (struct regex_range){SIZE_MAX, SIZE_MAX};
    return (struct regex_range){ends[2 * group], ends[2 * group + 1]};
}

/*
 * Of how many places the next window is, from how long the last one took. A window must not get too short:
 * PCRE2 may run ahead to where a match can begin, and does so anew in each.
 */
static size_t next_window(size_t window, int64_t took)
{
    if (took < ENOUGH_NS)
        return window < SIZE_MAX / 16 ? window * 8 : window;
    return took > 4 * ENOUGH_NS && window >= 8 ? window / 8 : window;
}

enum regex_status regex_first(const pcre2_code *code, struct regex_scratch *scratch, const uint8_t *text,
                              size_t n, unsigned group, struct budget *budget, struct regex_range *range)
{
    if (!prepare(scratch))
        return REGEX_NO_MEMORY;
    size_t window = FIRST_STEPS / (n + 1) + 1;
    for (size_t start = 0; start <= n;) {
        size_t last = next_character(text, n, n - start < window ? n : start + window);
        int64_t began = budget_clock();
        pcre2_set_offset_limit(scratch->context, last);
        int count = pcre2_match(code, text, n, start, PCRE2_NO_UTF_CHECK, scratch->data, scratch->context);
        if (count >= 0) {
            *range = group_range(scratch, count, group);
            return REGEX_FOUND;
        }
        if (count != PCRE2_ERROR_NOMATCH)
            return failure(count);
        if (budget_is_spent(budget))
            return REGEX_TOO_SLOW;
        start = next_character(text, n, last + 1);
        if (last == n)
            break;
        window = next_window(window, budget_clock() - began);
    }
    return REGEX_NOT_FOUND;
}
