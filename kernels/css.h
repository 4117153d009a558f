/*
 * CSS selectors (Selectors Level 4, https://www.w3.org/TR/selectors-4/) over the trees of kernels/html.h.
 *
 * Modest, the engine that comes with MyHTML, is not used. Its sources (2540a03) show that it marks a bad selector by a
 * flag without a place, lets pseudo-classes it does not implement match nothing, takes [a=b i] and [a=b] for one another,
 * gives the matches of `h2, h1` list by list and not in document order, and always searches the whole tree, with nested
 * loops for `.x .x .x .x` that nothing can stop. Here a selector is tried on each element in turn, from its right end to
 * its left as browsers do, until one matches or the budget is spent.
 *
 * Understood: E, *, #id, .class, [a], [a=v] with =, ~=, |=, ^=, $=, *= and the flags i and s; the combinators
 * descendant, >, + and ~; lists with commas; :root, :empty, :first-child, :last-child, :only-child, the same
 * for -of-type, :nth-child(), :nth-last-child(), :nth-of-type(), :nth-last-of-type(), :link, :any-link,
 * :not(), :is(), :where(), :has(). What else there is in CSS (namespaces, pseudo-elements, states such as
 * :hover) is refused, never ignored.
 */
#ifndef MILLRACE_KERNELS_CSS_H
#define MILLRACE_KERNELS_CSS_H

#include "kernels/budget.h"
#include "kernels/html.h"

#define CSS_MAX_SELECTOR 4096 /* bytes */

struct css_error {
    char message[160]; /* short, for users, no full stop */
    size_t offset;     /* of the byte where the selector went wrong */
};

/* A compiled selector: immutable, so any number of threads may match it at once. */
struct css_selector;

/* Compiles `n` bytes. Null: `error` says what is wrong and where. To be freed with css_free. */
struct css_selector *css_compile(const char *text, size_t n, struct css_error *error);

/* Null is allowed. */
void css_free(struct css_selector *selector);

enum css_status { CSS_FOUND, CSS_NOT_FOUND, CSS_TOO_SLOW };

/* The first element in document order that matches. `node` is set on CSS_FOUND alone. */
enum css_status css_first(const struct css_selector *selector, const struct html_parser *page,
                          struct budget *budget, const struct html_node **node);

/* The selector is one tag name and nothing else: for callers that can do something cheaper then. Else null.
 */
const char *css_plain_name(const struct css_selector *selector, size_t *size);

#endif
