#include "kernels/html.h"

#include <myhtml/myhtml.h>
#include <myhtml/token.h>
#include <myhtml/tree.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LOOK_AHEAD = 8, /* no piece but the last is shorter; MyHTML looks for DOCTYPE and [CDATA[ behind `<!` */
    KEPT_MEMORY = 8 << 20,     /* a tree that grew larger is freed, not kept for the next page */
    COPIED_AT_ONCE = 16 << 20, /* bytes that reconstruction may copy while one piece is fed */
    SHORTEST_REPEAT = 4, /* bytes of the shortest markup that makes the formatting elements be copied: <p>x */
    FORMATTING_ELEMENT_SIZE = 256 /* node and token */
};

/* A walk along one of MyHTML's memory pools: its chunks are a list that only grows while a page is parsed. */
struct pool {
    mcobject_async_t *objects;
    size_t id;
    mcobject_async_chunk_t *seen;
};

struct html_parser {
    myhtml_t *myhtml;
    myhtml_tree_t *tree;
    struct pool pools[5];
    mchar_async_chunk_t *seen_strings;
    size_t memory;            /* what the walks have found so far */
    bool ends_in_declaration; /* a `<!` is among the last bytes */
    struct bytebuf last_piece;
};

const struct html_limits html_default_limits = {
    .max_depth = 512, .max_memory = (size_t)256 << 20, .piece = 2048};

const char *html_status_text(enum html_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        HTML_STATUS_MAP(X)
#undef X
    };
    return (size_t)status < sizeof texts / sizeof *texts ? texts[status] : "unknown status";
}

struct html_parser *html_parser_create(void)
{
    return calloc(1, sizeof(struct html_parser));
}

static void close_library(struct html_parser *parser)
{
    if (parser->tree)
        myhtml_tree_destroy(parser->tree);
    if (parser->myhtml)
        myhtml_destroy(parser->myhtml);
    parser->tree = NULL;
    parser->myhtml = NULL;
}

void html_parser_destroy(struct html_parser *parser)
{
    if (!parser)
        return;
    close_library(parser);
    bytebuf_free(&parser->last_piece);
    free(parser);
}

/* In single mode MyHTML starts no threads. */
static bool open_library(struct html_parser *parser)
{
    if (parser->tree)
        return true;
    parser->myhtml = myhtml_create();
    if (!parser->myhtml || myhtml_init(parser->myhtml, MyHTML_OPTIONS_PARSE_MODE_SINGLE, 1, 0))
        return false;
    myhtml_tree_t *tree = myhtml_tree_create();
    if (!tree)
        return false;
    parser->tree = tree;
    return myhtml_tree_init(tree, parser->myhtml) == MyHTML_STATUS_OK;
}

static void start_walks(struct html_parser *parser)
{
    myhtml_tree_t *tree = parser->tree;
    const struct pool pools[] = {
        {tree->tree_obj, tree->mcasync_tree_id, NULL},
        {tree->token->nodes_obj, tree->token->mcasync_token_id, NULL},
        {tree->token->nodes_obj, tree->mcasync_rules_token_id, NULL},
        {tree->token->attr_obj, tree->token->mcasync_attr_id, NULL},
        {tree->token->attr_obj, tree->mcasync_rules_attr_id, NULL},
    };
    memcpy(parser->pools, pools, sizeof pools);
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
        parser->pools[i].seen = pools[i].objects->nodes[pools[i].id].chunk;
    parser->seen_strings = tree->mchar->nodes[tree->mchar_node_id].chunk;
    parser->memory = 0;
}

/* Bytes of tree so far, in whole chunks. */
static size_t tree_memory(struct html_parser *parser)
{
    for (size_t i = 0; i < sizeof parser->pools / sizeof *parser->pools; i++) {
        struct pool *pool = &parser->pools[i];
        for (mcobject_async_chunk_t *last = pool->objects->nodes[pool->id].chunk; pool->seen != last;) {
            pool->seen = pool->seen->next;
            parser->memory += pool->seen->size * pool->objects->struct_size_sn;
        }
    }
    mchar_async_chunk_t *last = parser->tree->mchar->nodes[parser->tree->mchar_node_id].chunk;
    while (parser->seen_strings != last) {
        parser->seen_strings = parser->seen_strings->next;
        parser->memory += parser->seen_strings->size;
    }
    return parser->memory;
}

static bool is_formatting(myhtml_tag_id_t tag)
{
    switch (tag) {
    case MyHTML_TAG_A:
    case MyHTML_TAG_B:
    case MyHTML_TAG_BIG:
    case MyHTML_TAG_CODE:
    case MyHTML_TAG_EM:
    case MyHTML_TAG_FONT:
    case MyHTML_TAG_I:
    case MyHTML_TAG_NOBR:
    case MyHTML_TAG_S:
    case MyHTML_TAG_SMALL:
    case MyHTML_TAG_STRIKE:
    case MyHTML_TAG_STRONG:
    case MyHTML_TAG_TT:
    case MyHTML_TAG_U:
        return true;
    default:
        return false;
    }
}

/* What reconstructing the active formatting elements once would copy. */
static size_t reconstruction_size(const myhtml_tree_t *tree)
{
    size_t size = 0;
    for (size_t i = 0; i < tree->active_formatting->length; i++) {
        const myhtml_token_node_t *token = tree->active_formatting->list[i]->token;
        size += FORMATTING_ELEMENT_SIZE;
        for (const myhtml_token_attr_t *a = token ? token->attr_first : NULL; a; a = a->next)
            size += sizeof *a + a->key.length + a->value.length;
    }
    return size;
}

/*
 * So many bytes that they cannot make MyHTML copy more than COPIED_AT_ONCE; 0 if the shortest markup could. A
 * formatting tag that is not complete yet may be as large as the page, so the piece then ends with the tag.
 */
static size_t safe_piece(const myhtml_tree_t *tree, const uint8_t *text, size_t n, size_t piece)
{
    size_t copied = reconstruction_size(tree);
    if (copied > COPIED_AT_ONCE)
        return 0;
    size_t size = copied ? COPIED_AT_ONCE / copied * SHORTEST_REPEAT : piece;
    if (size > piece)
        size = piece;
    if (size > n)
        size = n;
    if (tree->current_token_node && is_formatting(tree->current_token_node->tag_id)) {
        const uint8_t *end = memchr(text, '>', size);
        size = end ? (size_t)(end - text) + 1 : size;
    }
    return size;
}

/*
 * Where to cut near `wanted`: always behind a `>`, the last one in the piece or the next one. MyHTML goes
 * wrong where a character reference or the end tag of a <title> is fed in two pieces, and neither holds a
 * `>`. There is no harm in going on to the next one however far it is: what holds no `>` is one token, and
 * costs linear time.
 */
static size_t cut(const uint8_t *text, size_t n, size_t wanted)
{
    if (wanted < LOOK_AHEAD)
        wanted = LOOK_AHEAD;
    if (wanted >= n)
        return n;
    const uint8_t *end = memrchr(text + LOOK_AHEAD - 1, '>', wanted - LOOK_AHEAD + 1);
    if (!end)
        end = memchr(text + wanted, '>', n - wanted);
    return end ? (size_t)(end - text) + 1 : n;
}

static enum html_status check_limits(struct html_parser *parser, const struct html_limits *limits,
                                     struct budget *budget)
{
    if (parser->tree->open_elements->length > limits->max_depth)
        return HTML_TOO_DEEP;
    if (tree_memory(parser) > limits->max_memory)
        return HTML_TOO_LARGE;
    return budget_is_spent(budget) ? HTML_TOO_SLOW : HTML_OK;
}

/*
 * Takes back the bytes at the end of the piece that MyHTML cannot judge before it sees more of them, behind `<!` and behind
 * `<!DOCTYPE html `, and returns their number, at most LOOK_AHEAD - 1. Fed again with the next piece they are read; left
 * there, those of a bogus comment would be lost, and the text up to the next `>` with them.
 */
static size_t take_back(myhtml_tree_t *tree)
{
    size_t begin;
    if (tree->state == MyHTML_TOKENIZER_STATE_MARKUP_DECLARATION_OPEN)
        begin = tree->current_token_node->raw_begin;
    else if (tree->state == MyHTML_TOKENIZER_STATE_CUSTOM_AFTER_DOCTYPE_NAME_A_Z)
        begin = tree->current_token_node->str.length; /* where MyHTML keeps it in this state */
    else
        return 0;
    size_t count = tree->global_offset > begin ? tree->global_offset - begin : 0;
    if (count >= LOOK_AHEAD || count > tree->incoming_buf->size)
        return 0;
    tree->incoming_buf->size -= count;
    tree->global_offset -= count;
    return count;
}

/*
 * MyHTML looks for the bytes of a token from the first piece on, which costs the square of the number of pieces; begun at
 * the newest it finds them at once.
 */
static bool feed_piece(struct html_parser *parser, const char *piece, size_t size)
{
    if (myhtml_parse_chunk(parser->tree, piece, size))
        return false;
    parser->tree->incoming_buf_first = parser->tree->incoming_buf;
    return true;
}

/*
 * The last piece is fed from a copy: with a NUL behind it, because MyHTML reads one byte too far there; and with spaces at
 * the end where a `<!` is so near to it that MyHTML would take what follows, tags too, for text.
 */
static bool feed_last(struct html_parser *parser, const uint8_t *text, size_t n)
{
    static const char padding[LOOK_AHEAD + 1] = "        ";
    size_t spaces = parser->ends_in_declaration ? LOOK_AHEAD : 0;
    bytebuf_free(&parser->last_piece);
    bytebuf_init(&parser->last_piece, n + sizeof padding);
    return bytebuf_append(&parser->last_piece, text, n) &&
           bytebuf_append(&parser->last_piece, padding + LOOK_AHEAD - spaces, spaces + 1) &&
           feed_piece(parser, (const char *)parser->last_piece.data, n + spaces);
}

/* struct html_node is MyHTML's node under another name. */
static const myhtml_tree_node_t *inner(const struct html_node *node)
{
    return (const void *)node;
}

static const struct html_node *outer(const myhtml_tree_node_t *node)
{
    return (const void *)node;
}

static bool is_element(const myhtml_tree_node_t *node)
{
    return node->tag_id > MyHTML_TAG__DOCTYPE;
}

const char *html_settling_name(const char *name, size_t size)
{
    static const char *const names[HTML_MAX_NAMES] = {"h1", "h2", "h3", "h4", "h5", "h6", "title"};
    for (size_t i = 0; i < HTML_MAX_NAMES; i++)
        if (strlen(names[i]) == size && strncasecmp(names[i], name, size) == 0)
            return names[i];
    return NULL;
}

/* Neither a table is open, into which what comes may be put before what is there, nor the element itself. */
static bool is_closed(const myhtml_tree_t *tree, const myhtml_tree_node_t *node)
{
    const myhtml_tree_list_t *open = tree->open_elements;
    for (size_t i = 0; i < open->length; i++)
        if (open->list[i] == node || open->list[i]->tag_id == MyHTML_TAG_TABLE)
            return false;
    return true;
}

static bool is_in_head(const myhtml_tree_node_t *node)
{
    while (node && node->tag_id != MyHTML_TAG_HEAD)
        node = node->parent;
    return node != NULL;
}

static bool is_settled(const struct html_parser *parser, const char *name)
{
    const struct html_node *document = html_document(parser), *node = document;
    size_t size = strlen(name), found_size = 0;
    const char *found = "";
    while (node && (found_size != size || strncasecmp(found, name, size) != 0)) {
        node = html_following(node, document);
        found = node ? html_name(node, &found_size) : "";
    }
    /* A frameset takes the body away, not the head. */
    return node && is_closed(parser->tree, inner(node)) &&
           (!(parser->tree->flags & MyHTML_TREE_FLAGS_FRAMESET_OK) || is_in_head(inner(node)));
}

static bool all_settled(const struct html_parser *parser, const char *const *names)
{
    for (; *names; names++)
        if (!is_settled(parser, *names))
            return false;
    return true;
}

static enum html_status feed(struct html_parser *parser, const uint8_t *text, size_t n,
                             const struct html_limits *limits, struct budget *budget,
                             const char *const *names)
{
    enum html_status status = HTML_OK;
    while (n > 0 && status == HTML_OK && !(names && all_settled(parser, names))) {
        size_t size = safe_piece(parser->tree, text, n, limits->piece);
        if (size == 0)
            return HTML_TOO_LARGE;
        size = cut(text, n, size);
        if (size == n ? !feed_last(parser, text, n) : !feed_piece(parser, (const char *)text, size))
            return HTML_NO_MEMORY;
        if (size < n)
            size -= take_back(parser->tree);
        text += size;
        n -= size;
        status = check_limits(parser, limits, budget);
    }
    return status;
}

enum html_status html_parse(struct html_parser *parser, const uint8_t *text, size_t n,
                            const struct html_limits *limits, struct budget *budget)
{
    return html_parse_until(parser, text, n, limits, budget, NULL);
}

enum html_status html_parse_until(struct html_parser *parser, const uint8_t *text, size_t n,
                                  const struct html_limits *limits, struct budget *budget,
                                  const char *const *names)
{
    if (parser->memory > KEPT_MEMORY)
        close_library(parser);
    if (!open_library(parser)) {
        close_library(parser);
        return HTML_NO_MEMORY;
    }
    myhtml_tree_clean(parser->tree);
    start_walks(parser);
    size_t end = n < LOOK_AHEAD + 1 ? n : LOOK_AHEAD + 1;
    parser->ends_in_declaration = end > 0 && memmem(text + n - end, end, "<!", 2) != NULL;
    enum html_status status = feed(parser, n ? text : (const uint8_t *)" ", n ? n : 1, limits, budget, names);
    if (status == HTML_OK && myhtml_parse_chunk_end(parser->tree))
        status = HTML_NO_MEMORY;
    if (status == HTML_OK)
        status = check_limits(parser, limits, budget);
    if (status != HTML_OK)
        close_library(parser); /* a parse left in its middle is not worth trusting */
    return status;
}

const struct html_node *html_document(const struct html_parser *parser)
{
    return parser->tree ? outer(parser->tree->document) : NULL;
}

bool html_is_quirky(const struct html_parser *parser)
{
    return parser->tree && parser->tree->compat_mode == MyHTML_TREE_COMPAT_MODE_QUIRKS;
}

const struct html_node *html_parent(const struct html_node *node)
{
    const myhtml_tree_node_t *parent = inner(node)->parent;
    return parent && is_element(parent) ? outer(parent) : NULL;
}

const struct html_node *html_previous(const struct html_node *node)
{
    const myhtml_tree_node_t *at = inner(node)->prev;
    while (at && !is_element(at))
        at = at->prev;
    return outer(at);
}

const struct html_node *html_next(const struct html_node *node)
{
    const myhtml_tree_node_t *at = inner(node)->next;
    while (at && !is_element(at))
        at = at->next;
    return outer(at);
}

/* The node after `node` in document order below `root`, its children left out unless `descend`. */
static const myhtml_tree_node_t *step(const myhtml_tree_node_t *node, const myhtml_tree_node_t *root,
                                      bool descend)
{
    if (descend && node->child)
        return node->child;
    while (node != root && !node->next)
        node = node->parent;
    return node == root ? NULL : node->next;
}

const struct html_node *html_following(const struct html_node *node, const struct html_node *root)
{
    const myhtml_tree_node_t *at = inner(node);
    do
        at = step(at, inner(root), at->tag_id != MyHTML_TAG_TEMPLATE);
    while (at && !is_element(at));
    return outer(at);
}

bool html_is_empty(const struct html_node *node)
{
    for (const myhtml_tree_node_t *at = inner(node)->child; at; at = at->next)
        if (at->tag_id != MyHTML_TAG__COMMENT)
            return false;
    return true;
}

const char *html_name(const struct html_node *node, size_t *size)
{
    const myhtml_tree_node_t *at = inner(node);
    const char *name = myhtml_tag_name_by_id(at->tree, at->tag_id, size);
    if (!name)
        *size = 0;
    return name ? name : "";
}

bool html_same_type(const struct html_node *a, const struct html_node *b)
{
    return inner(a)->tag_id == inner(b)->tag_id && inner(a)->ns == inner(b)->ns;
}

bool html_attribute(const struct html_node *node, const char *name, size_t name_size, const char **value,
                    size_t *value_size)
{
    const myhtml_token_node_t *token = inner(node)->token;
    for (const myhtml_token_attr_t *at = token ? token->attr_first : NULL; at; at = at->next) {
        if (at->key.length != name_size || !at->key.data || strncasecmp(at->key.data, name, name_size) != 0)
            continue;
        *value = at->value.data ? at->value.data : "";
        *value_size = at->value.data ? at->value.length : 0;
        return true;
    }
    return false;
}
