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
    void *kernel;       /* its state */
    char pad[64];
};

struct stage_pages {
    struct stage base; /* first: it is what the outside sees */
    struct stage_pages_config config;
    struct extractor *extractor;
    struct station *stations; /* one a thread */
    unsigned threads;
    size_t n_operands, n_kernel_fields;
    int operand_places[KERNEL_MAX_OPERANDS]; /* among the extractor's fields; -1: a constant, or absent */
};

/* ------------------------------------------------------------------ one page */

static bool select_fields(const struct stage_pages *s, struct station *at, const struct stage_page *page,
                          const struct bytes *body, struct field_value *values, struct stage_result *r)
{
    const struct page decoded = {
        .body = body->data, .size = body->size, .content_type = page->content_type, .url = page->text};
    struct extract_error problem;
    if (extractor_count(s->extractor) == 0 ||
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

/* What the kernel works on: found on the page, or constant, or absent. The texts stay whose they are. */
static void gather_operands(const struct stage_pages *s, const struct field_value *found,
                            struct field_value *operands)
{
    for (size_t i = 0; i < s->n_operands; i++) {
        const char *constant = s->config.operand_constants[i];
        if (s->operand_places[i] >= 0)
            operands[i] = found[s->operand_places[i]];
        else if (constant)
            operands[i] = (struct field_value){.text = (char *)(uintptr_t)constant, .size = strlen(constant)};
    }
}

static bool run_kernel(const struct stage_pages *s, struct station *at, const struct field_value *found,
                       struct field_value *computed, struct stage_result *r)
{
    struct field_value operands[KERNEL_MAX_OPERANDS] = {0};
    char error[512];
    if (!s->config.kernel)
        return true;
    gather_operands(s, found, operands);
    const struct kernel *k = s->config.kernel;
    uint64_t before = k->recomputed ? k->recomputed(at->kernel) : 0;
    bool ok = k->run(at->kernel, operands, computed, error, sizeof error);
    r->recomputed = k->recomputed ? k->recomputed(at->kernel) - before : 0;
    if (ok)
        return true;
    stage_fail(r, error);
    return false;
}

/* The texts are the result's from then on. */
static void hand_over(struct stage_result *r, struct field_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        r->values[r->n_values++] = (struct wire_text){.data = values[i].text, .len = values[i].size};
        values[i].text = NULL;
    }
}

static void process(const struct stage_pages *s, struct station *at, const struct stage_page *page,
                    const struct bytes *body, struct stage_result *r)
{
    struct field_value found[WIRE_MAX_VALUES] = {0}, computed[KERNEL_MAX_FIELDS] = {0};
    size_t n = s->config.n_selections;
    if (select_fields(s, at, page, body, found, r) && run_kernel(s, at, found, computed, r)) {
        if (s->config.files && store(s, at, page, body, n ? found : NULL, r) &&
            !name_value(s, at, &r->values[r->n_values++]))
            stage_fail(r, "no memory left");
        if (!r->error) {
            hand_over(r, found, n);
            hand_over(r, computed, s->n_kernel_fields);
        }
    }
    field_values_free(found, extractor_count(s->extractor));
    field_values_free(computed, s->n_kernel_fields);
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

static bool add_selector(struct stage_pages *s, const char *option, const char *name, const char *selector,
                         char *error, size_t error_size)
{
    struct extract_error problem;
    if (extractor_add(s->extractor, name, selector, &problem))
        return true;
    snprintf(error, error_size, "--%s: %s", option, problem.message);
    return false;
}

static bool add_operands(struct stage_pages *s, char *error, size_t error_size)
{
    const struct kernel *k = s->config.kernel;
    for (; k && k->operands[s->n_operands].name; s->n_operands++) {
        const struct kernel_operand *one = &k->operands[s->n_operands];
        const char *selector = s->config.operand_selectors[s->n_operands];
        if (!selector && one->needed && !s->config.operand_constants[s->n_operands]) {
            snprintf(error, error_size, "--kernel %s needs --kernel-arg %s=...", k->name, one->name);
            return false;
        }
        s->operand_places[s->n_operands] = selector ? (int)extractor_count(s->extractor) : -1;
        if (selector && !add_selector(s, "kernel-arg", one->name, selector, error, error_size))
            return false;
    }
    char problem[256];
    if (k && !k->check(s->config.operand_constants, problem, sizeof problem)) {
        snprintf(error, error_size, "--kernel-arg: %s", problem);
        return false;
    }
    return true;
}

static bool add_selections(struct stage_pages *s, char *error, size_t error_size)
{
    const struct extract_limits limits = extract_default_limits();
    s->extractor = extractor_create(&limits);
    for (size_t i = 0; s->extractor && i < s->config.n_selections; i++) {
        const struct selection *one = &s->config.selections[i];
        if (!add_selector(s, "select", one->name, one->selector, error, error_size))
            return false;
    }
    return s->extractor && add_operands(s, error, error_size);
}

static bool furnish(struct stage_pages *s)
{
    s->stations = calloc(s->threads, sizeof *s->stations);
    for (unsigned i = 0; s->stations && i < s->threads; i++) {
        struct station *at = &s->stations[i];
        buffer_init(&at->name, FILE_NAME_BYTES);
        at->scratch = extract_scratch_create();
        at->urls = url_parser_new();
        at->kernel = s->config.kernel ? s->config.kernel->open(s->config.seed + i) : NULL;
        if (!at->scratch || !at->urls || (s->config.kernel && !at->kernel))
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
        if (s->stations[i].kernel)
            s->config.kernel->close(s->stations[i].kernel);
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
    while (config->kernel && config->kernel->fields[s->n_kernel_fields].name)
        s->n_kernel_fields++;
    uint32_t n_values = (uint32_t)(config->n_selections + s->n_kernel_fields) + (config->files ? 1 : 0);
    s->base = (struct stage){
        .n_values = n_values, .wants_body = n_values > 0, .open = open_files, .run = run, .free = free_pages};
    s->config = *config;
    s->threads = threads;
    if (add_selections(s, error, error_size) && furnish(s))
        return &s->base;
    free_pages(&s->base);
    return NULL;
}
