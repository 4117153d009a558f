/*
 * What a page costs in each step from the wire to a field: bench_extract [FILE...]. Without files a made page of 20 KiB is
 * taken. Prints microseconds of CPU a page, the median of ROUNDS rounds over all pages, of each step by itself. Not a test.
 */
#include "kernels/budget.h"
#include "kernels/charset.h"
#include "kernels/css.h"
#include "kernels/decode.h"
#include "kernels/extract.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 11, MAX_PAGES = 2000 };

struct sample {
    struct bytes plain;
    struct bytes gzipped;
};

struct bench {
    struct sample samples[MAX_PAGES];
    size_t count;
    struct html_parser *parser;
    struct css_selector *h1;
    struct charset_scratch charset;
    struct extractor *extractor;
    struct extract_scratch *scratch;
    size_t sink; /* keeps the work from being optimised away */
};

static void die(const char *what)
{
    fprintf(stderr, "bench_extract: %s\n", what);
    exit(EXIT_FAILURE);
}

static void add_sample(struct bench *bench, struct bytebuf *text)
{
    struct sample *sample = &bench->samples[bench->count++];
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    struct bytebuf packed;
    bytebuf_take(text, &sample->plain);
    bytebuf_init(&packed, SIZE_MAX);
    if (!compressor ||
        !bytebuf_reserve(&packed, libdeflate_gzip_compress_bound(compressor, sample->plain.size)))
        die("out of memory");
    packed.size = libdeflate_gzip_compress(compressor, sample->plain.data, sample->plain.size, packed.data,
                                           packed.capacity);
    bytebuf_take(&packed, &sample->gzipped);
    libdeflate_free_compressor(compressor);
}

static void made_page(struct bytebuf *text)
{
    char line[200];
    const char *head =
        "<!doctype html><html><head><title>A page</title><style>p { margin: 0 }</style></head><body>";
    bool good = bytebuf_append(text, head, strlen(head));
    for (unsigned i = 0; good && text->size < 20480; i++) {
        int length = snprintf(
            line, sizeof line,
            "<%s>Part %u</%s><p class=\"c%u\">Water runs <a href=\"/%u.html\">down</a> the race &amp; "
            "turns the <b>wheel</b>.</p>\n",
            i ? "h2" : "h1", i, i ? "h2" : "h1", i % 7, i * 7919 % 1000);
        good = bytebuf_append(text, line, (size_t)length);
    }
    if (!good)
        die("out of memory");
}

static void load(struct bench *bench, const char *path)
{
    char block[65536];
    struct bytebuf text;
    FILE *file = fopen(path, "rb");
    bytebuf_init(&text, SIZE_MAX);
    if (!file)
        die(path);
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        if (!bytebuf_append(&text, block, n))
            die("out of memory");
    fclose(file);
    add_sample(bench, &text);
}

static void decode_step(struct bench *bench, const struct sample *sample)
{
    struct bytes out;
    if (decode_body("gzip", sample->gzipped.data, sample->gzipped.size, (size_t)1 << 26, &out) != DECODE_OK)
        die("decoding failed");
    bench->sink += out.size;
    bytes_free(&out);
}

static void charset_step(struct bench *bench, const struct sample *sample)
{
    struct bytes out;
    struct charset_choice choice = charset_sniff(sample->plain.data, sample->plain.size, "text/html");
    if (charset_to_utf8(&bench->charset, choice.charset, sample->plain.data, sample->plain.size, &out) !=
        CHARSET_OK)
        die("conversion failed");
    bench->sink += out.size;
    bytes_free(&out);
}

static void parse_with(struct bench *bench, const struct sample *sample, size_t piece)
{
    struct budget budget;
    struct html_limits limits = html_default_limits;
    limits.piece = piece;
    budget_start(&budget, 60000);
    if (html_parse(bench->parser, sample->plain.data, sample->plain.size, &limits, &budget) != HTML_OK)
        die("a page does not parse");
}

static void parse_step(struct bench *bench, const struct sample *sample)
{
    parse_with(bench, sample, html_default_limits.piece);
}

static void parse_whole_step(struct bench *bench, const struct sample *sample)
{
    parse_with(bench, sample, SIZE_MAX);
}

/* On the tree of the page parsed last. */
static void select_step(struct bench *bench, const struct sample *sample)
{
    (void)sample;
    struct budget budget;
    struct bytebuf text;
    const struct html_node *node;
    budget_start(&budget, 60000);
    bytebuf_init(&text, 1 << 20);
    if (css_first(bench->h1, bench->parser, &budget, &node) == CSS_FOUND && html_text(node, &text))
        bench->sink += text.size;
    bytebuf_free(&text);
}

static void parse_and_select_step(struct bench *bench, const struct sample *sample)
{
    parse_step(bench, sample);
    select_step(bench, sample);
}

static void run_step(struct bench *bench, const struct sample *sample)
{
    struct page page = {sample->plain.data, sample->plain.size, "text/html", NULL};
    struct field_value value;
    struct extract_error error;
    if (extract_run(bench->extractor, bench->scratch, &page, &value, &error) != EXTRACT_OK)
        die(error.message);
    bench->sink += value.size;
    field_values_free(&value, 1);
}

/* This thread's CPU time in ns, so that other programs disturb the figures less. */
static int64_t cpu_clock(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static const struct step {
    const char *name;
    void (*run)(struct bench *, const struct sample *);
} steps[] = {
    {"decode gzip", decode_step},
    {"charset", charset_step},
    {"parse, all in one piece", parse_whole_step},
    {"parse", parse_step},
    {"parse, select h1, text", parse_and_select_step},
    {"extract_run with h1", run_step},
};

enum { STEPS = sizeof steps / sizeof *steps };

/* The steps take turns in each round, so that a busy moment of the machine hits all of them alike. */
static void measure(struct bench *bench)
{
    static double times[STEPS][ROUNDS];
    size_t repeats = 2000 / bench->count + 1;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t s = 0; s < STEPS; s++) {
            int64_t began = cpu_clock();
            for (size_t r = 0; r < repeats; r++)
                for (size_t i = 0; i < bench->count; i++)
                    steps[s].run(bench, &bench->samples[i]);
            times[s][round] = (double)(cpu_clock() - began) / 1000 / (double)(repeats * bench->count);
        }
    for (size_t s = 0; s < STEPS; s++) {
        qsort(times[s], ROUNDS, sizeof *times[s], compare);
        printf("%-26s %8.2f us\n", steps[s].name, times[s][ROUNDS / 2]);
    }
}

static void open_bench(struct bench *bench)
{
    struct css_error css_error;
    struct extract_error error;
    struct extract_limits limits = extract_default_limits();
    bench->parser = html_parser_create();
    bench->h1 = css_compile("h1", 2, &css_error);
    bench->extractor = extractor_create(&limits);
    bench->scratch = extract_scratch_create();
    if (!bench->parser || !bench->h1 || !bench->extractor || !bench->scratch ||
        !extractor_add(bench->extractor, "title", "h1", &error))
        die("out of memory");
}

static void close_bench(struct bench *bench)
{
    for (size_t i = 0; i < bench->count; i++) {
        bytes_free(&bench->samples[i].plain);
        bytes_free(&bench->samples[i].gzipped);
    }
    html_parser_destroy(bench->parser);
    css_free(bench->h1);
    charset_scratch_free(&bench->charset);
    extractor_destroy(bench->extractor);
    extract_scratch_destroy(bench->scratch);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct bytebuf text;
    bytebuf_init(&text, SIZE_MAX);
    open_bench(&bench);
    for (int i = 1; i < argc && bench.count < MAX_PAGES; i++)
        load(&bench, argv[i]);
    if (bench.count == 0) {
        made_page(&text);
        add_sample(&bench, &text);
    }
    size_t bytes = 0;
    for (size_t i = 0; i < bench.count; i++)
        bytes += bench.samples[i].plain.size;
    printf("%zu pages of %zu bytes on average\n", bench.count, bytes / bench.count);
    measure(&bench);
    int code = bench.sink > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    close_bench(&bench);
    return code;
}
