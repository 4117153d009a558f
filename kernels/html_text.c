/* The text of an element as a browser shows it (html_text). */
#include "kernels/charset.h"
#include "kernels/html.h"

#include <myhtml/myhtml.h>
#include <myhtml/tree.h>
#include <string.h>

static bool is_unseen(const myhtml_tree_node_t *node)
{
    return node->tag_id == MyHTML_TAG_SCRIPT || node->tag_id == MyHTML_TAG_STYLE ||
           node->tag_id == MyHTML_TAG_TEMPLATE || node->tag_id == MyHTML_TAG_NOSCRIPT;
}

/* Elements before and after which a browser breaks the line or sets a gap: display block, list-item, table
 * and its parts. */
static bool is_block(const myhtml_tree_node_t *node)
{
    switch (node->tag_id) {
    case MyHTML_TAG_ADDRESS:
    case MyHTML_TAG_ARTICLE:
    case MyHTML_TAG_ASIDE:
    case MyHTML_TAG_BLOCKQUOTE:
    case MyHTML_TAG_BODY:
    case MyHTML_TAG_BR:
    case MyHTML_TAG_CAPTION:
    case MyHTML_TAG_CENTER:
    case MyHTML_TAG_DD:
    case MyHTML_TAG_DETAILS:
    case MyHTML_TAG_DIALOG:
    case MyHTML_TAG_DIR:
    case MyHTML_TAG_DIV:
    case MyHTML_TAG_DL:
    case MyHTML_TAG_DT:
    case MyHTML_TAG_FIELDSET:
    case MyHTML_TAG_FIGCAPTION:
    case MyHTML_TAG_FIGURE:
    case MyHTML_TAG_FOOTER:
    case MyHTML_TAG_FORM:
    case MyHTML_TAG_H1:
    case MyHTML_TAG_H2:
    case MyHTML_TAG_H3:
    case MyHTML_TAG_H4:
    case MyHTML_TAG_H5:
    case MyHTML_TAG_H6:
    case MyHTML_TAG_HEAD:
    case MyHTML_TAG_HEADER:
    case MyHTML_TAG_HGROUP:
    case MyHTML_TAG_HR:
    case MyHTML_TAG_HTML:
    case MyHTML_TAG_LEGEND:
    case MyHTML_TAG_LI:
    case MyHTML_TAG_LISTING:
    case MyHTML_TAG_MAIN:
    case MyHTML_TAG_MENU:
    case MyHTML_TAG_NAV:
    case MyHTML_TAG_OL:
    case MyHTML_TAG_OPTGROUP:
    case MyHTML_TAG_OPTION:
    case MyHTML_TAG_P:
    case MyHTML_TAG_PLAINTEXT:
    case MyHTML_TAG_PRE:
    case MyHTML_TAG_SECTION:
    case MyHTML_TAG_SUMMARY:
    case MyHTML_TAG_TABLE:
    case MyHTML_TAG_TBODY:
    case MyHTML_TAG_TD:
    case MyHTML_TAG_TFOOT:
    case MyHTML_TAG_TH:
    case MyHTML_TAG_THEAD:
    case MyHTML_TAG_TITLE:
    case MyHTML_TAG_TR:
    case MyHTML_TAG_UL:
    case MyHTML_TAG_XMP:
        return true;
    default:
        return false;
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* A text being put together: the space between two words is written with the second. */
struct text {
    struct bytebuf *out;
    size_t start;
    bool gap;
};

static bool append_words(struct text *text, const char *data, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t end = at;
        while (end < n && !is_space(data[end]))
            end++;
        if (end > at) {
            if (text->gap && text->out->size > text->start && !bytebuf_append(text->out, " ", 1))
                return false;
            if (!bytebuf_append(text->out, data + at, end - at))
                return false;
            text->gap = false;
        }
        at = end;
        while (at < n && is_space(data[at])) {
            text->gap = true;
            at++;
        }
    }
    return true;
}

/* Character references can name what is no character; what the library makes of them is mended here, if ever.
 */
static bool mend(struct bytebuf *out, size_t start)
{
    size_t size = out->size - start;
    if (size == 0 || utf8_valid_prefix(out->data + start, size) == size)
        return true;
    struct bytebuf mended;
    bytebuf_init(&mended, out->max - start);
    bool done = utf8_sanitize(out->data + start, size, &mended);
    out->full = out->full || mended.full;
    out->size = start;
    done = done && bytebuf_append(out, mended.data, mended.size);
    bytebuf_free(&mended);
    return done;
}

static bool append_node(struct text *text, const myhtml_tree_node_t *node)
{
    text->gap = text->gap || is_block(node);
    if (node->tag_id != MyHTML_TAG__TEXT || !node->token || !node->token->str.data)
        return true;
    return append_words(text, node->token->str.data, node->token->str.length);
}

/* Out of `node`, and of its ancestors as far as it is their last child, noting the blocks that end. */
static const myhtml_tree_node_t *leave(struct text *text, const myhtml_tree_node_t *node,
                                       const myhtml_tree_node_t *root)
{
    for (; node != root; node = node->parent) {
        text->gap = text->gap || is_block(node);
        if (node->next)
            return node->next;
    }
    return NULL;
}

bool html_text(const struct html_node *node, struct bytebuf *out)
{
    const myhtml_tree_node_t *root = (const void *)node; /* MyHTML's, see html.c */
    struct text text = {.out = out, .start = out->size};
    const myhtml_tree_node_t *at = root->child;
    while (at) {
        if (!append_node(&text, at))
            return false;
        at = at->child && !is_unseen(at) ? at->child : leave(&text, at, root);
    }
    return mend(out, text.start);
}
