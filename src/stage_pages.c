#include "src/stage_pages.h"

#include "io/evloop.h"
#include "io/url.h"
#include "kernels/decode.h"
#include "kernels/extract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_BYTES = 4096 };

/* What one thread needs for itself. Aligned, so that no two threads share a cache line. */
struct station {
    struct extract_scratch *scratch;
    struct url_parser *urls;
    struct buffer name; /* of the file */
    char pad[64];
};

struct stage_pages {
    struct stage base; /* first: it is what the outside sees */
    struct stage_pages_config config;
    struct extractor *extractor;
    struct station *stations; /* one a thread */
    unsigned threads;
};

/* ------------------------------------------------------------------ one page */

static bool select_fields(const struct stage_pages *s, struct station *at, const struct stage_page *page,
                          const struct bytes *body, struct field_value *values, struct stage_result *r)
{
    const struct page decoded = {
        .body = body->data, .size = body->size, .content_type = page->content_type, .url = page->text};
    struct extract_error problem;
    if (s->config.n_selections == 0 ||
        extract_run(s->extractor, at->scratch, &decoded, values, &problem) == EXTRACT_OK)
        return true;
    stage_fail(r, problem.message);
    return false;
}

/* The selected value if there is a selection, else the body. */
static bool store(const struct stage_pages *s, struct station *at, const struct stage_page *page,
                  const struct bytes *body, const struct field_value *value, struct stage_result *r)
{
    const void *data = value ? (const void *)value->text : body->data;
    size_t len = value ? value->size : body->size;
    struct url_parts parts;
    struct file_error problem;
    if (value && !value->text) {
        stage_fail(r, "nothing matches the selector, so no file was written");
    } else if (url_parse(at->urls, page->text, strlen(page->text), &parts) != URL_OK ||
               !file_pattern_expand(s->config.files, page->id, parts.name, page->content_type, &at->name)) {
        stage_fail(r, "the file's name can't be made");
    } else if (!file_store(s->config.files, at->name.data, data, len, &problem)) {
        stage_fail(r, problem.text);
    }
    return !r->error;
}

static bool name_value(const struct stage_pages *s, const struct station *at, struct wire_text *value)
{
    const char *root = file_pattern_root(s->config.files);
    char *text = NULL;
    int len = asprintf(&text, "%s%s", root, at->name.data);
    if (len < 0)
        return false;
    *value = (struct wire_text){.data = text, .len = (size_t)len};
    return true;
}

static void process(const struct stage_pages *s, struct station *at, const struct stage_page *page,
                    const struct bytes *body, struct stage_result *r)
{
    struct field_value values[WIRE_MAX_VALUES] = {0};
    size_t n = s->config.n_selections;
    if (select_fields(s, at, page, body, values, r)) {
        if (s->config.files && store(s, at, page, body, n ? values : NULL, r) &&
            !name_value(s, at, &r->values[r->n_values++]))
            stage_fail(r, "no memory left");
        for (size_t i = 0; i < n && !r->error; i++) {
            r->values[r->n_values++] = (struct wire_text){.data = values[i].text, .len = values[i].size};
            values[i].text = NULL; /* the result's now */
        }
    }
    field_values_free(values, n);
}

static void run(const struct stage *stage, unsigned thread, const struct stage_page *page,
                struct stage_result *r)
{
    const struct stage_pages *s = (const struct stage_pages *)stage;
    int64_t begun = evloop_now();
    struct bytes body;
    enum decode_status status =
        decode_body(page->content_encoding, page->body, page->len, s->config.max_body, &body);
    r->decoded = body.size;
    if (status == DECODE_OK)
        process(s, &s->stations[thread], page, &body, r);
    else
        stage_fail(r, decode_status_text(status));
    bytes_free(&body);
    r->duration = evloop_now() - begun;
}

/* ------------------------------------------------------------------ setting up */

static bool add_selections(struct stage_pages *s, char *error, size_t error_size)
{
    const struct extract_limits limits = extract_default_limits();
    s->extractor = extractor_create(&limits);
    for (size_t i = 0; s->extractor && i < s->config.n_selections; i++) {
        const struct selection *one = &s->config.selections[i];
        struct extract_error problem;
        if (!extractor_add(s->extractor, one->name, one->selector, &problem)) {
            snprintf(error, error_size, "--select '%s=%s': %s", one->name, one->selector, problem.message);
            return false;
        }
    }
    return s->extractor != NULL;
}

static bool furnish(struct stage_pages *s)
{
    s->stations = calloc(s->threads, sizeof *s->stations);
    for (unsigned i = 0; s->stations && i < s->threads; i++) {
        struct station *at = &s->stations[i];
        buffer_init(&at->name, FILE_NAME_BYTES);
        at->scratch = extract_scratch_create();
        at->urls = url_parser_new();
        if (!at->scratch || !at->urls)
            return false;
    }
    return s->stations != NULL;
}

static bool open_files(struct stage *stage, char *error, size_t error_size)
{
    const struct stage_pages *s = (const struct stage_pages *)stage;
    struct file_error problem;
    if (!s->config.files || file_pattern_open(s->config.files, &problem))
        return true;
    snprintf(error, error_size, "%s", problem.text);
    return false;
}

static void free_pages(struct stage *stage)
{
    struct stage_pages *s = (struct stage_pages *)stage;
    for (unsigned i = 0; s->stations && i < s->threads; i++) {
        extract_scratch_destroy(s->stations[i].scratch);
        url_parser_free(s->stations[i].urls);
        buffer_free(&s->stations[i].name);
    }
    free(s->stations);
    extractor_destroy(s->extractor);
    free(s);
}

struct stage *stage_pages_new(const struct stage_pages_config *config, unsigned threads, char *error,
                              size_t error_size)
{
    snprintf(error, error_size, "no memory left");
    struct stage_pages *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    uint32_t n_values = (uint32_t)config->n_selections + (config->files != NULL);
    s->base = (struct stage){
        .n_values = n_values, .wants_body = n_values > 0, .open = open_files, .run = run, .free = free_pages};
    s->config = *config;
    s->threads = threads;
    if (add_selections(s, error, error_size) && furnish(s))
        return &s->base;
    free_pages(&s->base);
    return NULL;
}
