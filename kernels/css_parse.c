/* Selectors parsed: Selectors Level 4 section 17, tokens as in CSS Syntax Level 3. */
#include "kernels/charset.h"
#include "kernels/css.h"
#include "kernels/css_tree.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_NESTING = 8, BLOCK_SIZE = 1024 };

struct css_block {
    struct css_block *next;
    max_align_t data[];
};

/* `failed` once an error is set; every parse function then returns null or false up to css_compile. */
struct parser {
    const char *text;
    size_t size;
    size_t at;
    struct css_selector *selector;
    size_t room;   /* bytes free at the start of the newest block */
    char *strings; /* where the next name goes; the escape `\\0`, two bytes, becomes three, so there is room
                      for 2 * size */
    int nesting;
    bool in_has;
    bool failed;
    struct css_error *error;
};

static bool fail_at(struct parser *parser, size_t offset, const char *message)
{
    if (!parser->failed) {
        snprintf(parser->error->message, sizeof parser->error->message, "%s", message);
        parser->error->offset = offset;
    }
    parser->failed = true;
    return false;
}

static bool fail(struct parser *parser, const char *message)
{
    return fail_at(parser, parser->at, message);
}

/* Zeroed memory that lives as long as the selector. */
static void *allocate(struct parser *parser, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (size > parser->room) {
        size_t length = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        struct css_block *block = calloc(1, sizeof *block + length);
        if (!block) {
            fail(parser, "out of memory");
            return NULL;
        }
        block->next = parser->selector->blocks;
        parser->selector->blocks = block;
        parser->room = length;
    }
    parser->room -= size;
    return (char *)parser->selector->blocks->data + parser->room;
}

static int peek(const struct parser *parser, size_t ahead)
{
    return parser->at + ahead < parser->size ? (unsigned char)parser->text[parser->at + ahead] : -1;
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(int c)
{
    if (is_digit(c))
        return c - '0';
    int lower = c | 0x20;
    return c >= 0 && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_name_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_name_char(int c)
{
    return is_name_start(c) || is_digit(c) || c == '-';
}

static bool is_escape(const struct parser *parser, size_t ahead)
{
    return peek(parser, ahead) == '\\' && peek(parser, ahead + 1) >= 0 && peek(parser, ahead + 1) != '\n';
}

/* "check if three code points would start an ident sequence". */
static bool is_ident_start(const struct parser *parser)
{
    int first = peek(parser, 0);
    if (first != '-')
        return is_name_start(first) || is_escape(parser, 0);
    return is_name_start(peek(parser, 1)) || peek(parser, 1) == '-' || is_escape(parser, 1);
}

static bool skip_space(struct parser *parser)
{
    size_t start = parser->at;
    while (is_space(peek(parser, 0)))
        parser->at++;
    return parser->at > start;
}

static bool accept(struct parser *parser, char c)
{
    if (peek(parser, 0) != c)
        return false;
    parser->at++;
    return true;
}

/* Behind a backslash: "consume an escaped code point". At most 4 bytes, from at least 1 read. */
static size_t parse_escape(struct parser *parser, uint8_t out[4])
{
    if (hex_value(peek(parser, 0)) < 0) {
        out[0] = (uint8_t)parser->text[parser->at++];
        return 1;
    }
    uint32_t code_point = 0;
    for (int i = 0; i < 6 && hex_value(peek(parser, 0)) >= 0; i++)
        code_point = code_point * 16 + (uint32_t)hex_value(parser->text[parser->at++]);
    if (is_space(peek(parser, 0)))
        parser->at++;
    return utf8_encode(code_point ? code_point : 0xfffd, out);
}

static void parse_ident(struct parser *parser, struct css_string *out)
{
    char *data = parser->strings;
    size_t size = 0;
    while (is_name_char(peek(parser, 0)) || is_escape(parser, 0)) {
        if (accept(parser, '\\'))
            size += parse_escape(parser, (uint8_t *)data + size);
        else
            data[size++] = parser->text[parser->at++];
    }
    *out = (struct css_string){data, size};
    parser->strings += size;
}

static bool parse_quoted(struct parser *parser, struct css_string *out)
{
    size_t start = parser->at;
    char quote = parser->text[parser->at++];
    char *data = parser->strings;
    size_t size = 0;
    while (peek(parser, 0) >= 0 && peek(parser, 0) != quote && peek(parser, 0) != '\n') {
        if (!accept(parser, '\\'))
            data[size++] = parser->text[parser->at++];
        else if (peek(parser, 0) >= 0 && !accept(parser, '\n'))
            size += parse_escape(parser, (uint8_t *)data + size);
    }
    *out = (struct css_string){data, size};
    parser->strings += size;
    return accept(parser, quote) || fail_at(parser, start, "string is not closed");
}

/* Attributes whose values HTML compares without case in HTML documents (HTML Standard, "Case-sensitivity of
 * selectors"). */
static bool is_folded_attribute(struct css_string name)
{
    static const char names[] = " accept accept-charset align alink axis bgcolor charset checked clear "
                                "codetype color compact declare defer dir "
                                "direction disabled enctype face frame hreflang http-equiv lang language "
                                "link media method multiple nohref "
                                "noresize noshade nowrap readonly rel rev rules scope scrolling selected "
                                "shape target text type valign "
                                "valuetype vlink ";
    for (const char *at = names; *at; at += strcspn(at + 1, " ") + 1)
        if (strncasecmp(at + 1, name.data, name.size) == 0 && at[1 + name.size] == ' ')
            return true;
    return false;
}

static bool parse_attribute_flag(struct parser *parser, struct css_simple *simple)
{
    simple->fold = is_folded_attribute(simple->name);
    skip_space(parser);
    if (accept(parser, 'i') || accept(parser, 'I'))
        simple->fold = true;
    else if (accept(parser, 's') || accept(parser, 'S'))
        simple->fold = false;
    skip_space(parser);
    return true;
}

/* Behind the `[`. */
static bool parse_attribute(struct parser *parser, struct css_simple *simple)
{
    size_t start = parser->at - 1;
    simple->kind = CSS_ATTRIBUTE;
    skip_space(parser);
    if (peek(parser, 0) < 0)
        return fail_at(parser, start, "'[' is not closed");
    if (!is_ident_start(parser))
        return fail(parser, "an attribute name is expected after '['");
    parse_ident(parser, &simple->name);
    skip_space(parser);
    if (accept(parser, ']'))
        return true;
    int c = peek(parser, 0);
    if (c == '|' && peek(parser, 1) != '=')
        return fail(parser, "namespaces are not supported");
    if (c > 0 && strchr("~|^$*", c) && peek(parser, 1) == '=')
        parser->at++;
    else if (c != '=')
        return c < 0 ? fail_at(parser, start, "'[' is not closed") : fail(parser, "'=' or ']' is expected");
    simple->comparison = (char)c;
    parser->at++;
    skip_space(parser);
    if (peek(parser, 0) == '"' || peek(parser, 0) == '\'') {
        if (!parse_quoted(parser, &simple->value))
            return false;
    } else if (!is_ident_start(parser)) {
        return fail(parser, "an attribute value is expected: a word, or a string in quotes");
    } else {
        parse_ident(parser, &simple->value);
    }
    return parse_attribute_flag(parser, simple) &&
           (accept(parser, ']') || fail_at(parser, start, "'[' is not closed"));
}

static bool parse_number(struct parser *parser, int *out)
{
    long value = 0;
    if (!is_digit(peek(parser, 0)))
        return fail(parser, "a number is expected");
    while (is_digit(peek(parser, 0))) {
        value = value * 10 + (parser->text[parser->at++] - '0');
        if (value > INT_MAX / 4)
            return fail(parser, "number is too large");
    }
    *out = (int)value;
    return true;
}

static bool accept_word(struct parser *parser, const char *word)
{
    size_t length = strlen(word);
    if (parser->size - parser->at < length || strncasecmp(parser->text + parser->at, word, length) != 0)
        return false;
    if (is_name_char(peek(parser, length)))
        return false;
    parser->at += length;
    return true;
}

/* The An+B notation, CSS Syntax section 6. */
static bool parse_an_plus_b(struct parser *parser, struct css_nth *nth)
{
    if (accept_word(parser, "odd") || accept_word(parser, "even")) {
        nth->a = 2;
        nth->b = (parser->text[parser->at - 1] | 0x20) == 'd';
        return true;
    }
    int sign = accept(parser, '-') ? -1 : 1;
    if (sign == 1)
        accept(parser, '+');
    int number = 1;
    bool has_number = is_digit(peek(parser, 0));
    if (has_number && !parse_number(parser, &number))
        return false;
    if (!accept(parser, 'n') && !accept(parser, 'N')) {
        nth->b = sign * number;
        return has_number || fail(parser, "a number, 'odd', 'even' or a form like 2n+1 is expected");
    }
    nth->a = sign * number;
    skip_space(parser);
    if (peek(parser, 0) != '+' && peek(parser, 0) != '-')
        return true;
    sign = parser->text[parser->at++] == '-' ? -1 : 1;
    skip_space(parser);
    if (!parse_number(parser, &nth->b))
        return false;
    nth->b *= sign;
    return true;
}

static const struct css_list *parse_list(struct parser *parser, bool relative);

static bool parse_nested(struct parser *parser, struct css_simple *simple, bool relative)
{
    if (parser->nesting == MAX_NESTING)
        return fail(parser, "selectors are nested too deeply");
    if (relative && parser->in_has)
        return fail(parser, ":has() cannot be inside :has()");
    bool was_in_has = parser->in_has;
    parser->nesting++;
    parser->in_has = was_in_has || relative;
    simple->list = parse_list(parser, relative);
    parser->in_has = was_in_has;
    parser->nesting--;
    return simple->list != NULL;
}

static const struct pseudo {
    const char *name;
    enum css_kind kind;
    struct css_nth nth;
    char argument; /* 0: none; 'n': An+B; 'l': a selector list; 'r': relative selectors; 'o': of the "only"
                      kind, none */
} pseudos[] = {
    {"root", CSS_ROOT, {0}, 0},
    {"empty", CSS_EMPTY, {0}, 0},
    {"link", CSS_LINK, {0}, 0},
    {"any-link", CSS_LINK, {0}, 0},
    {"first-child", CSS_NTH, {0, 1, false, false}, 0},
    {"last-child", CSS_NTH, {0, 1, true, false}, 0},
    {"only-child", CSS_NTH, {0, 1, false, false}, 'o'},
    {"first-of-type", CSS_NTH, {0, 1, false, true}, 0},
    {"last-of-type", CSS_NTH, {0, 1, true, true}, 0},
    {"only-of-type", CSS_NTH, {0, 1, false, true}, 'o'},
    {"nth-child", CSS_NTH, {0, 0, false, false}, 'n'},
    {"nth-last-child", CSS_NTH, {0, 0, true, false}, 'n'},
    {"nth-of-type", CSS_NTH, {0, 0, false, true}, 'n'},
    {"nth-last-of-type", CSS_NTH, {0, 0, true, true}, 'n'},
    {"not", CSS_NOT, {0}, 'l'},
    {"is", CSS_IS, {0}, 'l'},
    {"where", CSS_IS, {0}, 'l'},
    {"has", CSS_HAS, {0}, 'r'},
};

static const struct pseudo *find_pseudo(struct css_string name)
{
    for (size_t i = 0; i < sizeof pseudos / sizeof *pseudos; i++)
        if (strlen(pseudos[i].name) == name.size && strncasecmp(pseudos[i].name, name.data, name.size) == 0)
            return &pseudos[i];
    return NULL;
}

/* :only-child is :first-child:last-child. */
static bool add_last(struct parser *parser, struct css_simple *simple)
{
    struct css_simple *last = allocate(parser, sizeof *last);
    if (!last)
        return false;
    *last = *simple;
    last->nth.from_end = true;
    simple->next = last;
    return true;
}

static bool parse_argument(struct parser *parser, const struct pseudo *pseudo, struct css_simple *simple)
{
    size_t start = parser->at;
    if (!accept(parser, '('))
        return fail(parser, "this pseudo-class needs an argument in parentheses");
    skip_space(parser);
    if (pseudo->argument == 'n' ? !parse_an_plus_b(parser, &simple->nth)
                                : !parse_nested(parser, simple, pseudo->argument == 'r'))
        return false;
    skip_space(parser);
    if (accept(parser, ')'))
        return true;
    return peek(parser, 0) < 0 ? fail_at(parser, start, "'(' is not closed")
                               : fail(parser, "')' is expected");
}

/* Behind the `:`. */
static bool parse_pseudo(struct parser *parser, struct css_simple *simple)
{
    size_t start = parser->at - 1;
    if (peek(parser, 0) == ':')
        return fail_at(parser, start, "pseudo-elements select no element of a page");
    struct css_string name;
    if (!is_ident_start(parser))
        return fail(parser, "the name of a pseudo-class is expected after ':'");
    parse_ident(parser, &name);
    const struct pseudo *pseudo = find_pseudo(name);
    if (!pseudo) {
        char message[sizeof parser->error->message];
        int shown = name.size < 60 ? (int)name.size : 60;
        snprintf(message, sizeof message, "pseudo-class :%.*s is not supported", shown, name.data);
        return fail_at(parser, start, message);
    }
    simple->kind = pseudo->kind;
    simple->nth = pseudo->nth;
    if (pseudo->argument == 'o')
        return add_last(parser, simple);
    if (pseudo->argument)
        return parse_argument(parser, pseudo, simple);
    return peek(parser, 0) != '(' || fail(parser, "this pseudo-class takes no argument");
}

static bool parse_named(struct parser *parser, struct css_simple *simple, enum css_kind kind,
                        struct css_string *out, bool any_name)
{
    simple->kind = kind;
    bool starts = any_name ? is_name_char(peek(parser, 0)) || is_escape(parser, 0) : is_ident_start(parser);
    if (!starts)
        return fail(parser, "a name is expected");
    parse_ident(parser, out);
    return true;
}

/* One simple selector; `*found` is false and nothing is read where none starts. A type is taken only in
 * front. */
static struct css_simple *parse_simple(struct parser *parser, bool front)
{
    bool is_type = front && (is_ident_start(parser) || peek(parser, 0) == '*');
    if (!is_type && (peek(parser, 0) <= 0 || !strchr("#.[:", peek(parser, 0))))
        return NULL;
    struct css_simple *simple = allocate(parser, sizeof *simple);
    if (!simple)
        return NULL;
    bool good = true;
    if (is_type && accept(parser, '*'))
        simple->kind = CSS_ANY;
    else if (is_type)
        good = parse_named(parser, simple, CSS_TYPE, &simple->name, false);
    else if (accept(parser, '#'))
        good = parse_named(parser, simple, CSS_ID, &simple->value, true);
    else if (accept(parser, '.'))
        good = parse_named(parser, simple, CSS_CLASS, &simple->value, false);
    else if (accept(parser, '['))
        good = parse_attribute(parser, simple);
    else if (accept(parser, ':'))
        good = parse_pseudo(parser, simple);
    if (good && is_type && peek(parser, 0) == '|')
        good = fail(parser, "namespaces are not supported");
    return good ? simple : NULL;
}

static struct css_compound *parse_compound(struct parser *parser)
{
    const struct css_simple **end;
    struct css_compound *compound = allocate(parser, sizeof *compound);
    if (!compound)
        return NULL;
    end = &compound->first;
    for (struct css_simple *simple; (simple = parse_simple(parser, end == &compound->first)) != NULL;) {
        *end = simple;
        while (*end)
            end = (const struct css_simple **)(uintptr_t) & (*end)->next;
    }
    if (!parser->failed && !compound->first)
        fail(parser,
             peek(parser, 0) < 0 ? "a selector is missing at the end" : "a selector is expected here");
    return parser->failed ? NULL : compound;
}

/* The combinator here, white space around it read; 0 at the end of a complex selector. */
static char parse_combinator(struct parser *parser)
{
    bool space = skip_space(parser);
    int c = peek(parser, 0);
    if (c == '>' || c == '+' || c == '~') {
        parser->at++;
        skip_space(parser);
        return (char)c;
    }
    return space && c >= 0 && c != ',' && c != ')' ? ' ' : 0;
}

/* The compound that a relative selector is relative to. */
static struct css_compound *scope_compound(struct parser *parser)
{
    struct css_compound *compound = allocate(parser, sizeof *compound);
    struct css_simple *simple = allocate(parser, sizeof *simple);
    if (!compound || !simple)
        return NULL;
    simple->kind = CSS_SCOPE;
    compound->first = simple;
    return compound;
}

static const struct css_compound *parse_complex(struct parser *parser, bool relative)
{
    struct css_compound *right = NULL;
    char combinator = 0;
    if (relative) {
        right = scope_compound(parser);
        combinator = parse_combinator(parser);
        combinator = combinator ? combinator : ' ';
    }
    do {
        struct css_compound *compound = parser->failed ? NULL : parse_compound(parser);
        if (!compound)
            return NULL;
        compound->left = right;
        compound->combinator = combinator;
        right = compound;
        combinator = parse_combinator(parser);
    } while (combinator);
    return right;
}

static const struct css_list *parse_list(struct parser *parser, bool relative)
{
    struct css_list *first = NULL;
    struct css_list *last = NULL;
    do {
        skip_space(parser);
        struct css_list *item = allocate(parser, sizeof *item);
        if (!item || !(item->right = parse_complex(parser, relative)))
            return NULL;
        if (last)
            last->next = item;
        else
            first = item;
        last = item;
    } while (accept(parser, ','));
    return first;
}

static const char *leftover_message(int c)
{
    if (c == ')')
        return "')' without '('";
    if (c == ']')
        return "']' without '['";
    return c == '*' || is_name_start(c) ? "a tag name must stand first or after a space"
                                        : "unexpected character";
}

struct css_selector *css_compile(const char *text, size_t n, struct css_error *error)
{
    *error = (struct css_error){.offset = 0};
    struct parser parser = {.text = text, .size = n, .error = error};
    if (n > CSS_MAX_SELECTOR) {
        fail(&parser, "selector is too long");
        return NULL;
    }
    parser.selector = calloc(1, sizeof *parser.selector);
    if (!parser.selector) {
        fail(&parser, "out of memory");
        return NULL;
    }
    parser.strings = allocate(&parser, 2 * n + sizeof(max_align_t));
    if (!parser.failed)
        parser.selector->list = parse_list(&parser, false);
    if (!parser.failed && parser.at < n)
        fail(&parser, leftover_message(peek(&parser, 0)));
    if (!parser.failed)
        return parser.selector;
    css_free(parser.selector);
    return NULL;
}

void css_free(struct css_selector *selector)
{
    while (selector && selector->blocks) {
        struct css_block *next = selector->blocks->next;
        free(selector->blocks);
        selector->blocks = next;
    }
    free(selector);
}

const char *css_plain_name(const struct css_selector *selector, size_t *size)
{
    const struct css_compound *compound = selector->list->right;
    if (selector->list->next || compound->left || compound->first->next || compound->first->kind != CSS_TYPE)
        return NULL;
    *size = compound->first->name.size;
    return compound->first->name.data;
}
