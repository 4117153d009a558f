/*
 * The selector language of `--select NAME=SELECTOR`, compiled.
 *
 *   h1                     CSS (kernels/css.h): the text of the first element that matches
 *   a.next@href            CSS, then the value of an attribute of that element
 *   regex:PATTERN          PCRE2 on the page's text in UTF-8: the first match; its group 1 if the pattern has groups
 *   json:/pointer          RFC 6901: a string as it is, anything else as compact JSON
 *
 * A compiled selector is immutable: any number of threads may use it at once, each with its own scratch.
 */
#ifndef MILLRACE_KERNELS_SELECTOR_H
#define MILLRACE_KERNELS_SELECTOR_H

#include "kernels/css.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum selector_kind { SELECTOR_CSS, SELECTOR_REGEX, SELECTOR_JSON };

struct selector_error {
    char message[256]; /* short, for users, no full stop */
    size_t offset;     /* of the byte of the selector's text where it went wrong */
};

struct selector {
    enum selector_kind kind;
    struct css_selector *css;
    pcre2_code *regex;
    bool has_group;
    char *word; /* the attribute's name (null: the text is wanted), or the JSON pointer; owned */
    size_t word_size;
};

/*
 * Compiles `text`. True: `*out` is to be freed with selector_free. False: `*out` is null and `error` says
 * what is wrong and where.
 */
bool selector_parse(const char *text, struct selector **out, struct selector_error *error);

/* Null is allowed. */
void selector_free(struct selector *selector);

#endif
