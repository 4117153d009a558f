#include "src/stage_powers.h"

#include "io/evloop.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_BYTES = 4096, TRIM_BYTES = 256 << 20 };

struct station {
    struct bigpow *context; /* made by the thread itself, so that its memory is near */
    struct bigpow_decimal digits;
    struct buffer name;
    char pad[64]; /* no two threads share a cache line */
};

/* Memory that the powers under way may take together: who finds too little left waits until another is done. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    uint64_t taken; /* under the lock */
};

struct stage_powers {
    struct stage base; /* first: it is what the outside sees */
    struct stage_powers_config config;
    struct station *stations;
    unsigned threads;
    struct gate *gate;
};

/* ------------------------------------------------------------------ memory */

/* What the kernel says is available, in bytes (proc(5)); 0: it doesn't say. */
static uint64_t memory_available(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *in = fopen("/proc/meminfo", "re");
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            break;
    if (in)
        fclose(in);
    return kib * 1024;
}

/* The limit of this process's control group (cgroups(7)), where the second version is mounted as usual. */
static uint64_t memory_limit(void)
{
    uint64_t bytes;
    FILE *in = fopen("/sys/fs/cgroup/memory.max", "re");
    if (!in)
        return UINT64_MAX;
    if (fscanf(in, "%" SCNu64, &bytes) != 1)
        bytes = UINT64_MAX;
    fclose(in);
    return bytes;
}

static uint64_t share_of_memory(int sharing)
{
    uint64_t available = memory_available(), limit = memory_limit();
    if (limit < available || available == 0)
        available = limit;
    return available / 10 * 9 / (uint64_t)sharing;
}

static void enter(struct gate *g, uint64_t bytes, uint64_t allowed)
{
    pthread_mutex_lock(&g->lock);
    while (g->taken > 0 && bytes > allowed - g->taken)
        pthread_cond_wait(&g->freed, &g->lock);
    g->taken += bytes;
    pthread_mutex_unlock(&g->lock);
}

static void leave(struct gate *g, uint64_t bytes)
{
    pthread_mutex_lock(&g->lock);
    g->taken -= bytes;
    pthread_cond_broadcast(&g->freed);
    pthread_mutex_unlock(&g->lock);
}

/* ------------------------------------------------------------------ one item */

static void add_value(struct stage_result *r, const char *text, size_t len)
{
    struct wire_text *value = &r->values[r->n_values++];
    *value = (struct wire_text){.data = text ? strndup(text, len) : NULL, .len = len};
    if (text && !value->data) {
        value->len = 0;
        stage_fail(r, "no memory left");
    }
}

static void add_text(struct stage_result *r, const char *text)
{
    add_value(r, text, text ? strlen(text) : 0);
}

static void add_number(struct stage_result *r, bool known, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    add_text(r, known ? text : NULL);
}

static bool store(const struct stage_powers *s, struct station *at, uint64_t id,
                  const struct power_facts *facts, struct stage_result *r)
{
    struct file_error problem;
    if (!file_pattern_expand(s->config.files, id, "", NULL, &at->name))
        stage_fail(r, "the file's name can't be made");
    else if (!file_store(s->config.files, at->name.data, facts->text, facts->text_len, &problem))
        stage_fail(r, problem.text);
    return !r->error;
}

static void compute(const struct stage_powers *s, struct station *at, const struct power *p,
                    struct power_facts *facts, struct stage_result *r)
{
    char error[256];
    const struct power_wish wish = {
        .sha256 = s->config.sha256, .digits = s->config.digits, .memory = s->config.memory};
    uint64_t bytes = power_memory(p, &wish);
    uint64_t taken = bytes < s->config.memory ? bytes : 0; /* what is too large is refused at once */
    enter(s->gate, taken, s->config.memory);
    uint64_t retries = bigpow_stats(at->context)->retries;
    if (!power_compute(at->context, &at->digits, p, &wish, facts, error, sizeof error))
        stage_fail(r, error);
    r->recomputed = bigpow_stats(at->context)->retries - retries;
    if (taken > TRIM_BYTES) {
        bigpow_trim(at->context);
        bigpow_decimal_free(&at->digits);
    }
    leave(s->gate, taken);
}

static void add_facts(const struct stage_powers *s, struct station *at, uint64_t id,
                      const struct power_facts *facts, struct stage_result *r)
{
    char name[FILE_NAME_BYTES + 512];
    bool known = !r->error;
    add_number(r, known, facts->bits);
    add_number(r, known, facts->digits);
    add_text(r, known ? facts->head : NULL);
    add_text(r, known ? facts->tail : NULL);
    if (s->config.sha256)
        add_text(r, known ? facts->sha256 : NULL);
    if (!s->config.files)
        return;
    bool stored = known && store(s, at, id, facts, r);
    if (stored)
        snprintf(name, sizeof name, "%s%s", file_pattern_root(s->config.files), at->name.data);
    add_text(r, stored ? name : NULL);
}

static void run(const struct stage *stage, unsigned thread, const struct stage_page *page,
                struct stage_result *r)
{
    const struct stage_powers *s = (const struct stage_powers *)stage;
    struct station *at = &s->stations[thread];
    char error[256], seconds[32];
    struct power p = {0};
    struct power_facts facts = {0};
    int64_t begun = evloop_now();
    const char *caret = strchr(page->text, '^');
    if (!at->context)
        at->context = bigpow_new(NULL, s->config.seed + thread);
    if (!at->context)
        stage_fail(r, "no memory left, or MILLRACE_ISA names what this processor lacks");
    else if (!power_parse(&p, page->text, strlen(page->text), s->config.modulus, error, sizeof error))
        stage_fail(r, error);
    else
        compute(s, at, &p, &facts, r);
    add_value(r, page->text, caret ? (size_t)(caret - page->text) : 0);
    add_text(r, caret ? caret + 1 : NULL);
    add_facts(s, at, page->id, &facts, r);
    r->duration = evloop_now() - begun;
    snprintf(seconds, sizeof seconds, "%.6f", (double)r->duration / 1e9);
    add_text(r, seconds);
    free(facts.text);
    power_free(&p);
}

/* ------------------------------------------------------------------ setting up */

static bool open_files(struct stage *stage, char *error, size_t error_size)
{
    const struct stage_powers *s = (const struct stage_powers *)stage;
    struct file_error problem;
    if (!s->config.files || file_pattern_open(s->config.files, &problem))
        return true;
    snprintf(error, error_size, "%s", problem.text);
    return false;
}

static void free_powers(struct stage *stage)
{
    struct stage_powers *s = (struct stage_powers *)stage;
    for (unsigned i = 0; s->stations && i < s->threads; i++) {
        bigpow_free(s->stations[i].context);
        bigpow_decimal_free(&s->stations[i].digits);
        buffer_free(&s->stations[i].name);
    }
    if (s->gate) {
        pthread_cond_destroy(&s->gate->freed);
        pthread_mutex_destroy(&s->gate->lock);
    }
    free(s->gate);
    free(s->stations);
    free(s);
}

static struct gate *make_gate(void)
{
    struct gate *g = calloc(1, sizeof *g);
    if (g && pthread_mutex_init(&g->lock, NULL) == 0) {
        if (pthread_cond_init(&g->freed, NULL) == 0)
            return g;
        pthread_mutex_destroy(&g->lock);
    }
    free(g);
    return NULL;
}

struct stage *stage_powers_new(const struct stage_powers_config *config, unsigned threads, int sharing,
                               char *error, size_t error_size)
{
    snprintf(error, error_size, "no memory left");
    struct stage_powers *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    /* base, exponent, bits, digits, head, tail; seconds */
    uint32_t n_values = 7u + config->sha256 + (config->files ? 1u : 0u);
    s->base = (struct stage){
        .n_values = n_values, .wants_body = true, .open = open_files, .run = run, .free = free_powers};
    s->config = *config;
    if (s->config.memory == 0)
        s->config.memory = share_of_memory(sharing);
    s->threads = threads;
    s->stations = calloc(threads, sizeof *s->stations);
    s->gate = make_gate();
    for (unsigned i = 0; s->stations && i < threads; i++)
        buffer_init(&s->stations[i].name, FILE_NAME_BYTES);
    if (s->stations && s->gate)
        return &s->base;
    free_powers(&s->base);
    return NULL;
}
