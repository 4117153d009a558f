/*
 * HTML parsed as browsers do (the HTML Standard's section 13.2), by MyHTML, behind an adaptor thin enough to
 * change the library: nothing of it is seen here, and only html.c includes its headers.
 *
 * Every page is hostile. MyHTML's cost grows with the square of the depth of open elements (100,000 nested
 * <div> take 13 seconds), and its memory with what the standard's "reconstruct the active formatting
 * elements" copies. So the page is fed in small pieces, and between two pieces the depth, the memory and the
 * clock are looked at.
 */
#ifndef MILLRACE_KERNELS_HTML_H
#define MILLRACE_KERNELS_HTML_H

#include "kernels/budget.h"
#include "kernels/bytes.h"

/* X(NAME, text): every way a parse can end. */
#define HTML_STATUS_MAP(X)                                                                                   \
    X(OK, "parsed")                                                                                          \
    X(TOO_DEEP, "page nests elements too deeply")                                                            \
    X(TOO_SLOW, "page takes too long to parse")                                                              \
    X(TOO_LARGE, "page needs too much memory to parse")                                                      \
    X(NO_MEMORY, "out of memory")

enum html_status {
#define X(name, text) HTML_##name,
    HTML_STATUS_MAP(X)
#undef X
};

/* The text of a status, for users; never null. */
const char *html_status_text(enum html_status status);

struct html_limits {
    size_t max_depth;  /* open elements */
    size_t max_memory; /* bytes of tree, some 15 times the page as a rule; one piece may overshoot it by tens
                          of MB */
    size_t
        piece; /* bytes fed between two looks, at least 1; a piece ends behind a `>`, so it can be longer */
};

/* 512 as in browsers, 256 MiB, 2 KiB. */
extern const struct html_limits html_default_limits;

/* A thread's parser, its memory reused from page to page. Not to be shared. */
struct html_parser;

/* Null when out of memory. */
struct html_parser *html_parser_create(void);

/* Null is allowed. Frees the tree too. */
void html_parser_destroy(struct html_parser *parser);

/*
 * Parses `n` bytes of UTF-8, which must live until the next parse. On HTML_OK the tree can be read until
 * then; on any other status there is none. The time allowed is what `budget` has left; one piece may
 * overrun it.
 */
enum html_status html_parse(struct html_parser *parser, const uint8_t *text, size_t n,
                            const struct html_limits *limits, struct budget *budget);

/*
 * The same, but the rest of the page is not read once the first element of each of the `names` (ended by null) stands in
 * the tree for good: it is closed, and no element of that name can come before it any more. What is found of these names
 * is what html_parse would find; of others there may be less. The names are html_settling_name's.
 *
 * Only foster parenting (13.2.6.1) puts something before what is there, and only while a table is open; only a <frameset>
 * takes something away, and only while "frameset-ok" is set (13.2.4.5).
 */
enum html_status html_parse_until(struct html_parser *parser, const uint8_t *text, size_t n,
                                  const struct html_limits *limits, struct budget *budget,
                                  const char *const *names);

/* The name as html_parse_until takes it, if it is one of h1 to h6 and title, in any case; else null. Static. */
const char *html_settling_name(const char *name, size_t size);

#define HTML_MAX_NAMES 7 /* all of them */

/* A node of the parser's tree. Reading a tree is not bounded by anything but its size. */
struct html_node;

/* The document, parent of <html>. */
const struct html_node *html_document(const struct html_parser *parser);

/* True in quirks mode, where class names and ids match whatever their case. */
bool html_is_quirky(const struct html_parser *parser);

/* Neighbours among the elements; null if there is none. The document is nobody's parent here. */
const struct html_node *html_parent(const struct html_node *node);
const struct html_node *html_previous(const struct html_node *node);
const struct html_node *html_next(const struct html_node *node);

/* The element after `node` in document order among the descendants of `root`; what is in a <template> is not
 * visited. */
const struct html_node *html_following(const struct html_node *node, const struct html_node *root);

/* True if it has neither elements nor text as children (CSS :empty). */
bool html_is_empty(const struct html_node *node);

/* The local name, in the case the parser gives it (lower, but for some of SVG's). Not owned. */
const char *html_name(const struct html_node *node, size_t *size);

/* Both elements of the same name and namespace. */
bool html_same_type(const struct html_node *a, const struct html_node *b);

/* True and the value (not owned, never null) if the element has the attribute; ASCII case of the name
 * ignored. */
bool html_attribute(const struct html_node *node, const char *name, size_t name_size, const char **value,
                    size_t *value_size);

/*
 * Appends the text of an element as a browser shows it: runs of ASCII white space are one space, none at
 * either end; block boundaries, <br> and table cells are white space; scripts, styles, templates and
 * <noscript> inside it are no text; no-break spaces stay. Valid UTF-8. False: the buffer's cap or memory.
 */
bool html_text(const struct html_node *node, struct bytebuf *out);

#endif
