/* The compiled form of a selector, which css_parse.c builds and css_match.c reads. Not for others. */
#ifndef MILLRACE_KERNELS_CSS_TREE_H
#define MILLRACE_KERNELS_CSS_TREE_H

#include <stdbool.h>
#include <stddef.h>

enum css_kind {
    CSS_ANY,       /* * */
    CSS_TYPE,      /* name */
    CSS_ID,        /* value */
    CSS_CLASS,     /* value */
    CSS_ATTRIBUTE, /* name, and by `comparison` value */
    CSS_ROOT,
    CSS_EMPTY,
    CSS_LINK,
    CSS_NTH,
    CSS_SCOPE, /* the element a :has() is asked of */
    CSS_NOT,
    CSS_IS,
    CSS_HAS
};

/* Counted from 1: the elements at a * n + b for n = 0, 1, ... */
struct css_nth {
    int a;
    int b;
    bool from_end;
    bool of_type;
};

struct css_string {
    const char *data;
    size_t size;
};

struct css_list;

struct css_simple {
    enum css_kind kind;
    char comparison; /* of an attribute: 0 for presence, '=', '~', '|', '^', '$', '*' */
    bool fold;       /* the value's ASCII case is ignored */
    struct css_string name;
    struct css_string value;
    struct css_nth nth;
    const struct css_list *list;
    const struct css_simple *next;
};

/* Simple selectors that one element must all match. `combinator` (' ', '>', '+', '~') leads to what is left
 * of it. */
struct css_compound {
    const struct css_simple *first;
    char combinator;
    const struct css_compound *left;
};

/* Comma-separated selectors, each by its rightmost compound. */
struct css_list {
    const struct css_compound *right;
    const struct css_list *next;
};

/* Memory freed all at once. */
struct css_block;

struct css_selector {
    struct css_block *blocks;
    const struct css_list *list;
};

#endif
