#include "kernels/selector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct selector_error *error, size_t offset, const char *message)
{
    snprintf(error->message, sizeof error->message, "%s", message);
    error->offset = offset;
    return false;
}

static bool keep_word(struct selector *selector, const char *word, size_t size, struct selector_error *error)
{
    selector->word = malloc(size + 1);
    if (!selector->word)
        return fail(error, 0, "out of memory");
    memcpy(selector->word, word, size);
    selector->word[size] = '\0';
    selector->word_size = size;
    return true;
}

/* The first `@` outside brackets, parentheses and strings; the length if there is none. No CSS selector has
 * one there. */
static size_t find_at_sign(const char *text)
{
    size_t at = 0;
    int depth = 0;
    char quote = 0;
    for (; text[at]; at++) {
        char c = text[at];
        if (c == '\\' && text[at + 1])
            at++;
        else if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '[' || c == '(')
            depth++;
        else if (c == ']' || c == ')')
            depth--;
        else if (c == '@' && depth == 0)
            break;
    }
    return at;
}

/* What an attribute's name can be in HTML; narrow enough to catch a second `@` or a comma. */
static bool is_attribute_name(const char *name)
{
    return *name && !name[strcspn(name, " \t\n\f\r\"'>/=@,()[]")];
}

static bool parse_css(struct selector *selector, const char *text, size_t prefix,
                      struct selector_error *error)
{
    struct css_error css_error;
    size_t length = find_at_sign(text);
    selector->css = css_compile(text, length, &css_error);
    if (!selector->css)
        return fail(error, prefix + css_error.offset, css_error.message);
    if (!text[length])
        return true;
    const char *name = text + length + 1;
    if (!is_attribute_name(name))
        return fail(error, prefix + length + 1,
                    "the name of an attribute is expected after '@', and nothing else");
    return keep_word(selector, name, strlen(name), error);
}

/*
 * The text matched is valid UTF-8, so it is not checked again for each match (PCRE2_NO_UTF_CHECK there).
 * Matching without the JIT, where the system forbids it, gives the same results.
 */
static bool parse_regex(struct selector *selector, const char *pattern, size_t prefix,
                        struct selector_error *error)
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    uint32_t groups = 0;
    uint32_t options = PCRE2_UTF | PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_BACKSLASH_C;
    selector->regex =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
    if (!selector->regex) {
        PCRE2_UCHAR message[200];
        pcre2_get_error_message(code, message, sizeof message);
        return fail(error, prefix + offset, (const char *)message);
    }
    pcre2_jit_compile(selector->regex, PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(selector->regex, PCRE2_INFO_CAPTURECOUNT, &groups);
    selector->has_group = groups > 0;
    return true;
}

/* RFC 6901 section 3: empty, or tokens with a / before each, in which ~ stands only in ~0 and ~1. */
static bool parse_json(struct selector *selector, const char *pointer, size_t prefix,
                       struct selector_error *error)
{
    if (*pointer && *pointer != '/')
        return fail(error, prefix, "a JSON pointer is empty or begins with '/'");
    for (const char *at = pointer; (at = strchr(at, '~')) != NULL; at++)
        if (at[1] != '0' && at[1] != '1')
            return fail(error, prefix + (size_t)(at - pointer), "'~' in a JSON pointer is written '~0'");
    return keep_word(selector, pointer, strlen(pointer), error);
}

static bool parse_xpath(struct selector *selector, const char *text, size_t prefix,
                        struct selector_error *error)
{
    (void)selector, (void)text, (void)prefix;
    return fail(error, 0, "xpath: is not supported; use a CSS selector, 'regex:' or 'json:'");
}

static const struct scheme {
    const char *prefix;
    enum selector_kind kind;
    bool (*parse)(struct selector *, const char *, size_t, struct selector_error *);
} schemes[] = {
    {"regex:", SELECTOR_REGEX, parse_regex}, {"json:", SELECTOR_JSON, parse_json},
    {"xpath:", SELECTOR_CSS, parse_xpath},   {"css:", SELECTOR_CSS, parse_css},
    {"", SELECTOR_CSS, parse_css},
};

bool selector_parse(const char *text, struct selector **out, struct selector_error *error)
{
    const struct scheme *scheme = schemes;
    *error = (struct selector_error){.offset = 0};
    *out = NULL;
    if (strlen(text) > CSS_MAX_SELECTOR)
        return fail(error, CSS_MAX_SELECTOR, "selector is too long");
    while (strncmp(text, scheme->prefix, strlen(scheme->prefix)) != 0)
        scheme++;
    struct selector *selector = calloc(1, sizeof *selector);
    if (!selector)
        return fail(error, 0, "out of memory");
    size_t prefix = strlen(scheme->prefix);
    selector->kind = scheme->kind;
    if (scheme->parse(selector, text + prefix, prefix, error))
        *out = selector;
    else
        selector_free(selector);
    return *out != NULL;
}

void selector_free(struct selector *selector)
{
    if (!selector)
        return;
    css_free(selector->css);
    pcre2_code_free(selector->regex);
    free(selector->word);
    free(selector);
}
