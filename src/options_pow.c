#include "src/options_pow.h"

#include "src/items.h"
#include "src/source_powers.h"
#include "src/stage_powers.h"
#include "src/values.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW = 65536 };

/* "-2^3" is an item, though it looks like an option: each digit is one, with the rest as its argument. */
#define NEGATIVE(digit)                                                                                      \
    {                                                                                                        \
        0, digit, "ITEM", OPTION_ARG_OPTIONAL | OPTION_HIDDEN, 0, 1                                          \
    }

enum key { KEY_MOD = 256, KEY_SHA256, KEY_VALUES, KEY_RADIX, KEY_MAX_MEMORY };

static const struct argp_option own[] = {
    {"output", 'o', "FILE", 0,
     "Rows to FILE: .tsv, .csv or .jsonl, with .gz or .zst after it compressed (TSV on standard output)", 1},
    {"input", 'i', "FILE", 0,
     "Items from FILE too, one a line; blank lines and those with # are skipped; - is standard input", 1},
    {"mod", KEY_MOD, "M", 0, "The powers modulo M", 1},
    {"sha256", KEY_SHA256, 0, 0, "A column with the digest of the decimal digits, with the sign", 1},
    {"values", KEY_VALUES, "DIR", 0, "Each value in full to a file DIR/ID.txt (or .hex, .raw)", 1},
    {"radix", KEY_RADIX, "10|16|raw", 0,
     "Of those files: decimal, hexadecimal, or the bytes, the lowest first (10)", 1},
    {"max-memory", KEY_MAX_MEMORY, "SIZE", 0,
     "For the powers that a rank computes at a time; K, M, G and T are known (its share of what is free)", 1},
    /* clang-format off */
    NEGATIVE('0'), NEGATIVE('1'), NEGATIVE('2'), NEGATIVE('3'), NEGATIVE('4'),
    NEGATIVE('5'), NEGATIVE('6'), NEGATIVE('7'), NEGATIVE('8'), NEGATIVE('9'),
    /* clang-format on */
    {0},
};

struct pow {
    struct job job; /* first: it is what the outside sees */
    struct source_powers_config source;
    struct stage_powers_config stage;
    struct sink_column columns[SINK_MAX_COLUMNS];
    char **items;                  /* argv's, in their order */
    unsigned n_files;              /* times -i was given */
    const char *directory, *radix; /* as given; NULL: not */
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct pow *p = ((struct reading *)state->input)->own;
    bool negative = key >= '0' && key <= '9';
    if (negative || key == ARGP_KEY_ARG) {
        p->items[p->source.n_items++] = negative ? state->argv[state->next - 1] : text;
        return 0;
    }
    switch (key) {
    case 'o':
        p->job.engine.head.output = strcmp(text, "-") == 0 ? NULL : text;
        return 0;
    case 'i':
        p->n_files++;
        p->source.file = text;
        return 0;
    case KEY_MOD:
        p->source.modulus = p->stage.modulus = text;
        return 0;
    case KEY_SHA256:
        p->stage.sha256 = true;
        return 0;
    case KEY_VALUES:
        p->directory = text;
        return 0;
    case KEY_RADIX:
        p->radix = text;
        return 0;
    case KEY_MAX_MEMORY:
        return value_size(text, UINT64_MAX / 2, &p->stage.memory)
                   ? 0
                   : options_bad_value(state, "max-memory", text, "a size, as 512M or 8G");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ------------------------------------------------------------------ what fits what */

static int check_items(const struct reading *r, const struct pow *p)
{
    char error[256], text[1024];
    if (p->source.n_items == 0 && !p->source.file)
        return options_refuse(r,
                              "nothing to compute: give BASE^EXP, FIRST..LAST, tower:B^N, or a file with -i");
    if (p->n_files > 1)
        return options_refuse(r,
                              "--input names one file: join several, as by cat FILE... | millrace pow -i -");
    struct power probe = {0};
    bool good = !p->source.modulus || power_parse(&probe, "1^1", 3, p->source.modulus, error, sizeof error);
    power_free(&probe);
    if (!good) {
        snprintf(text, sizeof text, "--mod: %s", error);
        return options_refuse(r, text);
    }
    struct items *items = items_new(p->source.modulus);
    for (size_t i = 0; items && good && i < p->source.n_items; i++) {
        good = items_add(items, p->items[i], strlen(p->items[i]), error, sizeof error);
        if (!good)
            snprintf(text, sizeof text, "'%.200s': %s", p->items[i], error);
    }
    items_free(items);
    return good ? -1 : options_refuse(r, text);
}

static int set_files(const struct reading *r, struct pow *p)
{
    static const struct {
        const char *radix, *extension;
        enum power_digits digits;
    } kinds[] = {{"10", "txt", POWER_DECIMAL}, {"16", "hex", POWER_HEXADECIMAL}, {"raw", "raw", POWER_RAW}};
    struct file_error problem;
    char pattern[4096];
    if (!p->directory)
        return p->radix ? options_refuse(r, "--radix is of the files that --values writes") : -1;
    if (!*p->directory)
        return options_refuse(r, "--values wants the name of a directory");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(p->radix ? p->radix : "10", kinds[i].radix) != 0)
            continue;
        p->stage.digits = kinds[i].digits;
        snprintf(pattern, sizeof pattern, "%.4000s/{id}.%s", p->directory, kinds[i].extension);
        p->stage.files = file_pattern_parse(pattern, &problem);
        return p->stage.files ? -1 : options_refuse(r, problem.text);
    }
    return options_refuse(r, "--radix is 10, 16 or raw");
}

static void set_columns(struct pow *p)
{
    struct head_config *h = &p->job.engine.head;
    const struct {
        struct sink_column column;
        bool wanted;
    } all[] = {{{"item", SINK_TEXT}, true},
               {{"base", SINK_VALUE}, true},
               {{"exponent", SINK_VALUE}, true},
               {{"bits", SINK_NUMBER}, true},
               {{"digits", SINK_NUMBER}, true},
               {{"head", SINK_VALUE}, true},
               {{"tail", SINK_VALUE}, true},
               {{"sha256", SINK_VALUE}, p->stage.sha256},
               {{"file", SINK_VALUE}, p->directory != NULL},
               {{"seconds", SINK_NUMBER}, true},
               {{"rank", SINK_RANK}, true},
               {{"error", SINK_ERROR}, true}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].wanted)
            p->columns[h->n_columns++] = all[i].column;
}

static int settle(struct reading *r)
{
    struct pow *p = r->own;
    int code = check_items(r, p);
    if (code < 0)
        code = set_files(r, p);
    if (code >= 0)
        return code;
    set_columns(p);
    return options_settle(r);
}

/* ------------------------------------------------------------------ */

static struct source *open_source(const void *config, char *error, size_t error_size)
{
    return source_powers_open(config, error, error_size);
}

static struct stage *make_stage(const void *config, unsigned threads, int sharing, char *error,
                                size_t error_size)
{
    return stage_powers_new(config, threads, sharing, error, error_size);
}

static void free_pow(struct job *job)
{
    struct pow *p = (struct pow *)job;
    file_pattern_free(p->stage.files);
    free(p->items);
    free(p);
}

static struct pow *make_pow(int argc)
{
    struct pow *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->items = calloc((size_t)argc, sizeof *p->items);
    p->source.items = p->items;
    p->job.free = free_pow;
    p->job.engine = (struct engine_config){
        .make_stage = make_stage,
        .stage_config = &p->stage,
        .head = {.open_source = open_source, .source_config = &p->source, .columns = p->columns}};
    p->job.engine.head.dealer = (struct dealer_config){.window = WINDOW};
    if (p->items && options_seed(&p->job.engine.head.dealer.seed) && options_seed(&p->stage.seed))
        return p;
    free_pow(&p->job);
    return NULL;
}

int options_pow_parse(int argc, char **argv, bool speak, struct job **job)
{
    static const char doc[] =
        "Compute exact integer powers, and write a row for each.\vITEM is BASE^EXP; "
        "FIRST..LAST, which is i^i for each "
        "i; or tower:B^N, which is B^(B^i) for i from 0 to N-1. An item may begin with a "
        "minus: -3^2 is the square of -3. Under "
        "mpirun or srun the ranks share the work, the costly items first; each rank "
        "computes as many at a time as it "
        "has threads (OMP_NUM_THREADS), and idle threads help with a large one.\n\n"
        "Exit codes: 0 every item succeeded; 1 some failed, as their rows say; 2 wrong "
        "usage; 3 the job could not go "
        "on; 75 interrupted.";
    const struct argp own_options = {.options = own, .parser = parse};
    const struct argp_child children[] = {{.argp = &own_options}, {0}};
    struct pow *p = make_pow(argc);
    struct reading r = {
        .command = "millrace pow", .speak = speak, .job = p ? &p->job : NULL, .own = p, .in_order = true};
    if (!p) {
        options_refuse(&r, "no memory or no randomness left");
        return EXIT_STOPPED;
    }
    int code = options_read(&r, children, "ITEM...", doc, argc, argv);
    if (code < 0)
        code = settle(&r);
    *job = &p->job;
    if (code >= 0)
        free_pow(&p->job);
    return code;
}
