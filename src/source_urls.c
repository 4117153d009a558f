#include "src/source_urls.h"

#include "io/input.h"
#include "io/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEM_BYTES = 1024 };

struct source_urls {
    struct source base; /* first: it is what the outside sees */
    struct source_urls_config config;
    struct input *input;
    struct url_parser *parser;
    struct url_parts parts; /* of the last record */
    char problem[PROBLEM_BYTES];
};

static void check(struct source_urls *s, const char *text, size_t len, struct source_record *record)
{
    record->text = text;
    record->problem = NULL;
    enum url_status status = url_parse(s->parser, text, len, &s->parts);
    if (status != URL_OK) {
        url_explain(status, text, len, s->problem, sizeof s->problem);
        record->problem = s->problem;
        return;
    }
    record->host = s->parts.host;
    record->max_in_flight = s->parts.loopback ? s->config.per_loopback_host : s->config.per_host;
}

static enum source_step next(struct source *source, struct source_record *record)
{
    struct source_urls *s = (struct source_urls *)source;
    struct input_record line;
    switch (input_next(s->input, &line)) {
    case INPUT_RECORD:
        record->id = line.id;
        record->text = line.url;
        record->problem = line.problem;
        if (!line.problem)
            check(s, line.url, line.url_len, record);
        return SOURCE_RECORD;
    case INPUT_WAIT:
        return SOURCE_WAIT;
    case INPUT_END:
        return SOURCE_END;
    case INPUT_FAILED:
        break;
    }
    return SOURCE_FAILED;
}

static void redirect(struct source *source, const char *text, size_t len, struct source_record *record)
{
    struct source_urls *s = (struct source_urls *)source;
    check(s, text, len, record);
    if (record->problem) {
        char reason[PROBLEM_BYTES];
        memcpy(reason, s->problem, sizeof reason);
        snprintf(s->problem, sizeof s->problem, "redirect to '%.200s': %.600s", text, reason);
    }
}

static int fd(const struct source *source)
{
    return input_fd(((const struct source_urls *)source)->input);
}

static const char *failure(const struct source *source)
{
    return input_failure(((const struct source_urls *)source)->input);
}

static bool total(const struct source *source, uint64_t *count)
{
    return input_total(((const struct source_urls *)source)->input, count);
}

static double fraction(const struct source *source)
{
    return input_fraction(((const struct source_urls *)source)->input);
}

static void close_urls(struct source *source)
{
    struct source_urls *s = (struct source_urls *)source;
    input_close(s->input);
    url_parser_free(s->parser);
    free(s);
}

struct source *source_urls_open(const struct source_urls_config *config, char *error, size_t error_size)
{
    const struct input_config input = {.args = config->inputs,
                                       .nargs = config->n_inputs,
                                       .repeat = config->repeat,
                                       .url_column = config->url_column};
    struct input_error problem = {"no memory left"};
    struct source_urls *s = calloc(1, sizeof *s);
    if (s && (s->parser = url_parser_new()) && input_open(&input, &s->input, &problem)) {
        s->config = *config;
        s->base = (struct source){.next = next,
                                  .fd = fd,
                                  .failure = failure,
                                  .total = total,
                                  .fraction = fraction,
                                  .redirect = redirect,
                                  .close = close_urls};
        return &s->base;
    }
    snprintf(error, error_size, "%s", problem.text);
    if (s)
        url_parser_free(s->parser);
    free(s);
    return NULL;
}
