/* Selectors matched, from right to left. */
#include "kernels/css.h"
#include "kernels/css_tree.h"

#include <string.h>
#include <strings.h>

enum { STEPS_PER_LOOK = 4096 };

/* One search. `spent` ends it: every loop below runs through take_step. */
struct search {
    struct budget *budget;
    const struct html_node *document;
    bool quirky;
    bool spent;
    unsigned steps;
    const struct html_node *scope;   /* the element of the :has() being asked */
    const struct html_node *counted; /* the last element counted for :nth-child, and its place */
    int place;
};

/* How a compound failed says how much of the backtracking is of use, which makes chains of descendants
 * linear. */
enum outcome { MATCHES, FAILS_HERE, FAILS_FOR_SIBLINGS, FAILS_EVERYWHERE };

static bool take_step(struct search *search)
{
    if (++search->steps % STEPS_PER_LOOK == 0 && budget_is_spent(search->budget))
        search->spent = true;
    return !search->spent;
}

static bool equals(const char *data, size_t size, struct css_string wanted, bool fold)
{
    if (size != wanted.size)
        return false;
    return fold ? strncasecmp(data, wanted.data, size) == 0 : memcmp(data, wanted.data, size) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool has_word(const char *data, size_t size, struct css_string word, bool fold)
{
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && !is_space(data[end]))
            end++;
        if (end > at && equals(data + at, end - at, word, fold))
            return true;
        at = end + 1;
    }
    return false;
}

static bool contains(const char *data, size_t size, struct css_string wanted, bool fold)
{
    if (!fold)
        return memmem(data, size, wanted.data, wanted.size) != NULL;
    for (size_t at = 0; at + wanted.size <= size; at++)
        if (strncasecmp(data + at, wanted.data, wanted.size) == 0)
            return true;
    return false;
}

static bool value_matches(const struct css_simple *simple, const char *data, size_t size)
{
    struct css_string wanted = simple->value;
    bool fold = simple->fold;
    switch (simple->comparison) {
    case 0:
        return true;
    case '=':
        return equals(data, size, wanted, fold);
    case '~':
        return has_word(data, size, wanted, fold);
    case '|':
        return equals(data, size, wanted, fold) ||
               (size > wanted.size && data[wanted.size] == '-' && equals(data, wanted.size, wanted, fold));
    case '^':
        return wanted.size > 0 && size >= wanted.size && equals(data, wanted.size, wanted, fold);
    case '$':
        return wanted.size > 0 && size >= wanted.size &&
               equals(data + size - wanted.size, wanted.size, wanted, fold);
    default:
        return wanted.size > 0 && contains(data, size, wanted, fold);
    }
}

static bool attribute_matches(const struct css_simple *simple, const struct html_node *node)
{
    const char *value;
    size_t size;
    return html_attribute(node, simple->name.data, simple->name.size, &value, &size) &&
           value_matches(simple, value, size);
}

static bool id_or_class_matches(const struct search *search, const struct css_simple *simple,
                                const struct html_node *node)
{
    const char *value;
    size_t size;
    if (simple->kind == CSS_ID)
        return html_attribute(node, "id", 2, &value, &size) &&
               equals(value, size, simple->value, search->quirky);
    return html_attribute(node, "class", 5, &value, &size) &&
           has_word(value, size, simple->value, search->quirky);
}

static bool type_matches(struct css_string name, const struct html_node *node)
{
    size_t size;
    const char *data = html_name(node, &size);
    return equals(data, size, name, true);
}

static bool is_link(const struct html_node *node)
{
    static const struct css_string names[] = {{"a", 1}, {"area", 4}};
    const char *value;
    size_t size;
    return (type_matches(names[0], node) || type_matches(names[1], node)) &&
           html_attribute(node, "href", 4, &value, &size);
}

/* Its place among its siblings, from 1. Searching in document order, the sibling before was mostly counted
 * just now. */
static int place_of(struct search *search, const struct css_nth *nth, const struct html_node *node)
{
    bool is_plain = !nth->from_end && !nth->of_type;
    int place = 1;
    const struct html_node *at = node;
    while ((at = nth->from_end ? html_next(at) : html_previous(at)) != NULL && take_step(search)) {
        if (is_plain && at == search->counted) {
            place += search->place;
            break;
        }
        place += !nth->of_type || html_same_type(at, node);
    }
    if (is_plain) {
        search->counted = node;
        search->place = place;
    }
    return place;
}

static bool nth_matches(struct search *search, const struct css_nth *nth, const struct html_node *node)
{
    int beyond = place_of(search, nth, node) - nth->b;
    return nth->a == 0 ? beyond == 0 : beyond % nth->a == 0 && beyond / nth->a >= 0;
}

static enum outcome match(struct search *search, const struct css_compound *compound,
                          const struct html_node *node);

static bool list_matches(struct search *search, const struct css_list *list, const struct html_node *node)
{
    for (; list; list = list->next)
        if (match(search, list->right, node) == MATCHES)
            return true;
    return false;
}

/* :has(): one of the relative selectors matches a descendant, or a later sibling or what is in it. */
static bool has_matches(struct search *search, const struct css_list *list, const struct html_node *node)
{
    const struct html_node *outer_scope = search->scope;
    bool found = false;
    search->scope = node;
    for (const struct html_node *at = html_following(node, node); at && !found && take_step(search);
         at = html_following(at, node))
        found = list_matches(search, list, at);
    for (const struct html_node *next = html_next(node); next && !found && take_step(search);
         next = html_next(next))
        for (const struct html_node *at = next; at && !found && take_step(search);
             at = html_following(at, next))
            found = list_matches(search, list, at);
    search->scope = outer_scope;
    return found;
}

static bool simple_matches(struct search *search, const struct css_simple *simple,
                           const struct html_node *node)
{
    switch (simple->kind) {
    case CSS_ANY:
        return true;
    case CSS_TYPE:
        return type_matches(simple->name, node);
    case CSS_ID:
    case CSS_CLASS:
        return id_or_class_matches(search, simple, node);
    case CSS_ATTRIBUTE:
        return attribute_matches(simple, node);
    case CSS_ROOT:
        return !html_parent(node);
    case CSS_EMPTY:
        return html_is_empty(node);
    case CSS_LINK:
        return is_link(node);
    case CSS_NTH:
        return nth_matches(search, &simple->nth, node);
    case CSS_SCOPE:
        return node == search->scope;
    case CSS_NOT:
        return !list_matches(search, simple->list, node);
    case CSS_IS:
        return list_matches(search, simple->list, node);
    case CSS_HAS:
        return has_matches(search, simple->list, node);
    }
    return false;
}

static enum outcome match_ancestors(struct search *search, const struct css_compound *left,
                                    const struct html_node *node)
{
    while ((node = html_parent(node)) != NULL) {
        enum outcome outcome = match(search, left, node);
        if (outcome == MATCHES || outcome == FAILS_EVERYWHERE)
            return outcome;
    }
    return FAILS_EVERYWHERE;
}

static enum outcome match_siblings(struct search *search, const struct css_compound *left,
                                   const struct html_node *node)
{
    while ((node = html_previous(node)) != NULL) {
        enum outcome outcome = match(search, left, node);
        if (outcome != FAILS_HERE)
            return outcome;
    }
    return FAILS_FOR_SIBLINGS;
}

static enum outcome match_left(struct search *search, const struct css_compound *compound,
                               const struct html_node *node)
{
    const struct html_node *other;
    enum outcome outcome;
    switch (compound->combinator) {
    case ' ':
        return match_ancestors(search, compound->left, node);
    case '>':
        other = html_parent(node);
        outcome = other ? match(search, compound->left, other) : FAILS_EVERYWHERE;
        return outcome == MATCHES || outcome == FAILS_EVERYWHERE ? outcome : FAILS_FOR_SIBLINGS;
    case '+':
        other = html_previous(node);
        return other ? match(search, compound->left, other) : FAILS_FOR_SIBLINGS;
    default:
        return match_siblings(search, compound->left, node);
    }
}

/* Whether the complex selector that ends in `compound` matches. Recurses once for each compound of the
 * selector. */
static enum outcome match(struct search *search, const struct css_compound *compound,
                          const struct html_node *node)
{
    if (!take_step(search))
        return FAILS_EVERYWHERE;
    for (const struct css_simple *simple = compound->first; simple; simple = simple->next)
        if (!simple_matches(search, simple, node))
            return FAILS_HERE;
    return compound->left ? match_left(search, compound, node) : MATCHES;
}

enum css_status css_first(const struct css_selector *selector, const struct html_parser *page,
                          struct budget *budget, const struct html_node **node)
{
    const struct html_node *document = html_document(page);
    if (!document)
        return CSS_NOT_FOUND;
    struct search search = {.budget = budget, .document = document, .quirky = html_is_quirky(page)};
    for (const struct html_node *at = html_following(document, document); at;
         at = html_following(at, document)) {
        bool found = list_matches(&search, selector->list, at);
        if (search.spent)
            return CSS_TOO_SLOW;
        if (found) {
            *node = at;
            return CSS_FOUND;
        }
    }
    return CSS_NOT_FOUND;
}
