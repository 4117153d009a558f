#include "kernels/extract.h"
#include "kernels/charset.h"
#include "kernels/jsonptr.h"
#include "kernels/regex.h"
#include "kernels/selector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
    char *name;
    struct selector *selector;
};

struct extractor {
    struct extract_limits limits;
    struct field *fields;
    size_t count;
};

struct extract_scratch {
    struct html_parser *html;
    struct charset_scratch charset;
    struct regex_scratch regex;
};

/* One page being looked at. */
struct run {
    const struct extractor *extractor;
    struct extract_scratch *scratch;
    struct extract_error *error;
    const struct field *field; /* the one being filled */
    struct budget budget;
    struct bytes text; /* UTF-8 */
    bool has_html;
    struct jsonptr_document *json;
    struct bytebuf value;
};

struct extract_limits extract_default_limits(void)
{
    return (struct extract_limits){.html = html_default_limits, .milliseconds = 2000};
}

struct extractor *extractor_create(const struct extract_limits *limits)
{
    struct extractor *extractor = calloc(1, sizeof *extractor);
    if (extractor)
        extractor->limits = *limits;
    return extractor;
}

static bool refuse(struct extract_error *error, const char *message)
{
    snprintf(error->message, sizeof error->message, "%s", message);
    return false;
}

static bool append_field(struct extractor *extractor, const char *name, struct selector *selector)
{
    struct field *fields = realloc(extractor->fields, (extractor->count + 1) * sizeof *fields);
    if (!fields)
        return false;
    extractor->fields = fields;
    char *copy = strdup(name);
    if (!copy)
        return false;
    fields[extractor->count++] = (struct field){copy, selector};
    return true;
}

bool extractor_add(struct extractor *extractor, const char *name, const char *selector,
                   struct extract_error *error)
{
    struct selector_error why;
    struct selector *compiled;
    *error = (struct extract_error){.offset = 0};
    if (extractor->count == EXTRACT_MAX_FIELDS)
        return refuse(error, "too many fields");
    if (!*name || strlen(name) > EXTRACT_MAX_NAME)
        return refuse(error, "the name of a field has 1 to 256 bytes");
    for (size_t i = 0; i < extractor->count; i++)
        if (strcmp(extractor->fields[i].name, name) == 0) {
            snprintf(error->message, sizeof error->message, "field %s: given twice", name);
            return false;
        }
    if (!selector_parse(selector, &compiled, &why)) {
        snprintf(error->message, sizeof error->message, "field %s: %.200s (at byte %zu)", name, why.message,
                 why.offset + 1);
        error->offset = why.offset;
        return false;
    }
    if (append_field(extractor, name, compiled))
        return true;
    selector_free(compiled);
    return refuse(error, "out of memory");
}

size_t extractor_count(const struct extractor *extractor)
{
    return extractor->count;
}

const char *extractor_name(const struct extractor *extractor, size_t field)
{
    return extractor->fields[field].name;
}

void extractor_destroy(struct extractor *extractor)
{
    if (!extractor)
        return;
    for (size_t i = 0; i < extractor->count; i++) {
        free(extractor->fields[i].name);
        selector_free(extractor->fields[i].selector);
    }
    free(extractor->fields);
    free(extractor);
}

struct extract_scratch *extract_scratch_create(void)
{
    struct extract_scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch && !(scratch->html = html_parser_create())) {
        free(scratch);
        return NULL;
    }
    return scratch;
}

void extract_scratch_destroy(struct extract_scratch *scratch)
{
    if (!scratch)
        return;
    html_parser_destroy(scratch->html);
    charset_scratch_free(&scratch->charset);
    regex_scratch_free(&scratch->regex);
    free(scratch);
}

void field_values_free(struct field_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(values[i].text);
        values[i] = (struct field_value){0};
    }
}

static enum extract_status fail(struct run *run, enum extract_status status, const char *message)
{
    snprintf(run->error->message, sizeof run->error->message, "field %s: %.200s", run->field->name, message);
    return status;
}

static enum extract_status fail_for_room(struct run *run)
{
    if (run->value.full)
        return fail(run, EXTRACT_TOO_LARGE, "value of more than 1 MiB");
    return fail(run, EXTRACT_NO_MEMORY, "out of memory");
}

static enum extract_status convert_text(struct run *run, const struct page *page)
{
    struct charset_choice choice = charset_sniff(page->body, page->size, page->content_type);
    enum charset_status status =
        charset_to_utf8(&run->scratch->charset, choice.charset, page->body + choice.bom_size,
                        page->size - choice.bom_size, &run->text);
    if (status == CHARSET_OK)
        return EXTRACT_OK;
    if (status == CHARSET_NO_MEMORY) {
        refuse(run->error, "out of memory");
        return EXTRACT_NO_MEMORY;
    }
    snprintf(run->error->message, sizeof run->error->message, "no converter for charset %s",
             charset_name(choice.charset));
    return EXTRACT_BAD_PAGE;
}

/* True if all that is asked of the tree is the first element of some names: these, ended by null. */
static bool names_suffice(const struct extractor *extractor, const char **names)
{
    size_t n = 0;
    for (size_t i = 0; i < extractor->count; i++) {
        const struct selector *selector = extractor->fields[i].selector;
        if (selector->kind != SELECTOR_CSS)
            continue;
        size_t size;
        const char *name = css_plain_name(selector->css, &size);
        names[n] = name ? html_settling_name(name, size) : NULL;
        if (!names[n++] || n > HTML_MAX_NAMES)
            return false;
    }
    names[n] = NULL;
    return true;
}

static enum extract_status need_html(struct run *run)
{
    if (run->has_html)
        return EXTRACT_OK;
    const char *names[HTML_MAX_NAMES + 1];
    enum html_status status =
        html_parse_until(run->scratch->html, run->text.data, run->text.size, &run->extractor->limits.html,
                         &run->budget, names_suffice(run->extractor, names) ? names : NULL);
    static const enum extract_status meanings[] = {
        [HTML_OK] = EXTRACT_OK,
        [HTML_TOO_DEEP] = EXTRACT_TOO_DEEP,
        [HTML_TOO_SLOW] = EXTRACT_TOO_SLOW,
        [HTML_TOO_LARGE] = EXTRACT_TOO_LARGE,
        [HTML_NO_MEMORY] = EXTRACT_NO_MEMORY,
    };
    run->has_html = status == HTML_OK;
    return status == HTML_OK ? EXTRACT_OK : fail(run, meanings[status], html_status_text(status));
}

/* `*found` and the value in run->value; so all three. */
static enum extract_status run_css(struct run *run, const struct selector *selector, bool *found)
{
    const struct html_node *node = NULL;
    enum extract_status status = need_html(run);
    if (status != EXTRACT_OK)
        return status;
    enum css_status matched = css_first(selector->css, run->scratch->html, &run->budget, &node);
    if (matched == CSS_TOO_SLOW)
        return fail(run, EXTRACT_TOO_SLOW, "selector takes too long on this page");
    *found = matched == CSS_FOUND;
    if (!*found)
        return EXTRACT_OK;
    if (!selector->word)
        return html_text(node, &run->value) ? EXTRACT_OK : fail_for_room(run);
    const char *value;
    size_t size;
    *found = html_attribute(node, selector->word, selector->word_size, &value, &size);
    if (!*found)
        return EXTRACT_OK;
    return utf8_sanitize((const uint8_t *)value, size, &run->value) ? EXTRACT_OK : fail_for_room(run);
}

static enum extract_status run_regex(struct run *run, const struct selector *selector, bool *found)
{
    struct regex_range range = {0};
    switch (regex_first(selector->regex, &run->scratch->regex, run->text.data, run->text.size,
                        selector->has_group, &run->budget, &range)) {
    case REGEX_TOO_SLOW:
        return fail(run, EXTRACT_TOO_SLOW, "pattern takes too much time or memory on this page");
    case REGEX_NO_MEMORY:
        return fail(run, EXTRACT_NO_MEMORY, "out of memory");
    case REGEX_NOT_FOUND:
        return EXTRACT_OK;
    case REGEX_FOUND:
        break;
    }
    *found = range.start != SIZE_MAX;
    if (!*found)
        return EXTRACT_OK;
    return bytebuf_append(&run->value, run->text.data + range.start, range.end - range.start)
               ? EXTRACT_OK
               : fail_for_room(run);
}

static enum extract_status run_json(struct run *run, const struct selector *selector, bool *found)
{
    struct jsonptr_error error;
    if (!run->json)
        run->json = jsonptr_parse(run->text.data, run->text.size, &error);
    if (!run->json)
        return fail(run, EXTRACT_BAD_PAGE, error.message);
    switch (jsonptr_get(run->json, selector->word, &run->value)) {
    case JSONPTR_TOO_LARGE:
    case JSONPTR_NO_MEMORY:
        return fail_for_room(run);
    case JSONPTR_NOT_FOUND:
        return EXTRACT_OK;
    case JSONPTR_FOUND:
        break;
    }
    *found = true;
    return EXTRACT_OK;
}

/* The value found, in an allocation of its own size. */
static enum extract_status keep_value(struct run *run, struct field_value *value)
{
    value->text = malloc(run->value.size + 1);
    if (!value->text)
        return fail(run, EXTRACT_NO_MEMORY, "out of memory");
    if (run->value.size)
        memcpy(value->text, run->value.data, run->value.size);
    value->text[run->value.size] = '\0';
    value->size = run->value.size;
    return EXTRACT_OK;
}

static enum extract_status fill_field(struct run *run, struct field_value *value)
{
    static enum extract_status (*const runners[])(struct run *, const struct selector *, bool *) = {
        [SELECTOR_CSS] = run_css,
        [SELECTOR_REGEX] = run_regex,
        [SELECTOR_JSON] = run_json,
    };
    bool found = false;
    run->value.size = 0;
    enum extract_status status = runners[run->field->selector->kind](run, run->field->selector, &found);
    return status == EXTRACT_OK && found ? keep_value(run, value) : status;
}

enum extract_status extract_run(const struct extractor *extractor, struct extract_scratch *scratch,
                                const struct page *page, struct field_value *values,
                                struct extract_error *error)
{
    struct run run = {.extractor = extractor, .scratch = scratch, .error = error};
    *error = (struct extract_error){.offset = 0};
    for (size_t i = 0; i < extractor->count; i++)
        values[i] = (struct field_value){0};
    budget_start(&run.budget, extractor->limits.milliseconds);
    bytebuf_init(&run.value, EXTRACT_MAX_VALUE);
    enum extract_status status = extractor->count ? convert_text(&run, page) : EXTRACT_OK;
    for (size_t i = 0; i < extractor->count && status == EXTRACT_OK; i++) {
        run.field = &extractor->fields[i];
        status = fill_field(&run, &values[i]);
    }
    if (status != EXTRACT_OK)
        field_values_free(values, extractor->count);
    bytebuf_free(&run.value);
    jsonptr_free(run.json);
    bytes_free(&run.text);
    return status;
}
