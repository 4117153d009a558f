/*
 * A compiled PCRE2 pattern searched for in a page, in bounded time. PCRE2's match limit counts anew at each
 * place where a match may begin, so a pattern such as `a*[bc]` still costs the square of the page; the search
 * is therefore done over windows of such places (the offset limit), with a look at the clock between them.
 */
#ifndef MILLRACE_KERNELS_REGEX_H
#define MILLRACE_KERNELS_REGEX_H

#include "kernels/budget.h"

#include <stddef.h>
#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A thread's match data, match context and JIT stack. Zero it first. */
struct regex_scratch {
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
};

void regex_scratch_free(struct regex_scratch *scratch);

enum regex_status { REGEX_FOUND, REGEX_NOT_FOUND, REGEX_TOO_SLOW, REGEX_NO_MEMORY };

/* A part of the subject. `start` is SIZE_MAX for a group that took no part in the match. */
struct regex_range {
    size_t start;
    size_t end;
};

/*
 * The first match of `code` (compiled with PCRE2_UTF and PCRE2_USE_OFFSET_LIMIT) in `n` bytes of valid UTF-8:
 * of `group` 0 or 1. \G matches at the start of any window, so patterns had better not use it. REGEX_TOO_SLOW
 * when the budget, the match limit or the 1 MiB of stack or heap is spent.
 */
enum regex_status regex_first(const pcre2_code *code, struct regex_scratch *scratch, const uint8_t *text,
                              size_t n, unsigned group, struct budget *budget, struct regex_range *range);

#endif
