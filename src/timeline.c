#include "src/timeline.h"

#include "io/buffer.h"
#include "src/gnuplot.h"
#include "src/machine.h"
#include "src/timeline_draw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_RANKS = 16, MOST_SPANS = 4 << 20, MACHINE_BYTES = 640, SCRIPT_STRING_BYTES = 4096 };

struct timeline {
    struct trace_sink base; /* first: it is what the outside sees */
    struct trace_job job;
    FILE *out;
    struct span *spans;
    size_t n, cap;
    uint64_t left_out;
    struct lane *lanes; /* rank by rank, from the top down */
    size_t n_lanes;
    unsigned threads[MOST_RANKS]; /* of each rank */
    int64_t end;                  /* of the last span */
    bool transfers;               /* there are any */
};

/* ------------------------------------------------------------------ gathering */

static struct span *new_span(struct timeline *t)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 1024;
        struct span *grown = cap <= MOST_SPANS ? realloc(t->spans, cap * sizeof *grown) : NULL;
        if (!grown) {
            t->left_out++;
            return NULL;
        }
        t->spans = grown;
        t->cap = cap;
    }
    return &t->spans[t->n++];
}

static bool take(struct trace_sink *sink, const struct trace_item *item)
{
    struct timeline *t = (struct timeline *)sink;
    const struct trace_event *e = &item->event;
    static const uint8_t kinds[TRACE_KINDS] = {
        [TRACE_SERVE] = SPAN_SERVE,      [TRACE_DEAL] = SPAN_DEAL,         [TRACE_SENT] = SPAN_MESSAGE,
        [TRACE_RECEIVED] = SPAN_MESSAGE, [TRACE_TRANSFER] = SPAN_TRANSFER, [TRACE_KERNEL] = SPAN_KERNEL};
    if (item->rank >= MOST_RANKS)
        return true;
    if (e->kind == TRACE_RANK)
        t->threads[item->rank] = e->code;
    struct span *s = kinds[e->kind] ? new_span(t) : NULL;
    if (!s)
        return true;
    *s = (struct span){
        .begin = e->begin, .end = e->begin + e->duration, .rank = item->rank, .kind = kinds[e->kind]};
    s->answered = s->end;
    s->lane = s->kind == SPAN_TRANSFER ? LANE_TRANSFERS
              : s->kind == SPAN_KERNEL ? LANE_LOOP + e->code
                                       : LANE_LOOP;
    if (s->kind == SPAN_TRANSFER && item->phases->until[TRACE_ANSWERED])
        s->answered = s->begin + (int64_t)item->phases->until[TRACE_ANSWERED] * 1000;
    t->transfers = t->transfers || s->kind == SPAN_TRANSFER;
    t->end = s->end > t->end ? s->end : t->end;
    return true;
}

/* ------------------------------------------------------------------ lanes */

/* By rank, lane and begin; a kernel on the loop after the turn that it is part of, so that it is drawn over it. */
static int by_place(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->lane != y->lane)
        return x->lane < y->lane ? -1 : 1;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end < y->end) - (x->end > y->end);
}

static uint32_t ranks_drawn(const struct timeline *t)
{
    return t->job.ranks < MOST_RANKS ? t->job.ranks : MOST_RANKS;
}

static bool make_lanes(struct timeline *t)
{
    size_t most = 0;
    for (uint32_t rank = 0; rank < ranks_drawn(t); rank++)
        most += 2u + t->threads[rank];
    t->lanes = calloc(most, sizeof *t->lanes);
    if (!t->lanes)
        return false;
    if (t->n > 0)
        qsort(t->spans, t->n, sizeof *t->spans, by_place);
    size_t at = 0;
    for (uint32_t rank = 0; rank < ranks_drawn(t); rank++)
        for (unsigned number = t->transfers ? LANE_TRANSFERS : LANE_LOOP;
             number <= LANE_LOOP + t->threads[rank]; number++) {
            struct lane *lane = &t->lanes[t->n_lanes++];
            *lane = (struct lane){
                .rank = rank, .number = number, .spans = t->spans + at, .threads = t->threads[rank]};
            while (at < t->n && t->spans[at].rank == rank && t->spans[at].lane == number)
                at++;
            lane->n = (size_t)(t->spans + at - lane->spans);
        }
    return true;
}

/* ------------------------------------------------------------------ the script */

static void describe_machine(const struct trace_rank *ranks, uint32_t n, char *text, size_t size)
{
    struct machine machine;
    uint32_t others = 0;
    machine_describe(&machine);
    for (uint32_t rank = 1; rank < n; rank++)
        others += ranks[rank].host && ranks[0].host && strcmp(ranks[rank].host, ranks[0].host) != 0;
    snprintf(text, size, "%s%s", machine.label, others ? " and other hosts" : "");
}

static void print_string(FILE *script, const char *before, const char *text, const char *after)
{
    struct buffer b;
    buffer_init(&b, SCRIPT_STRING_BYTES);
    fprintf(script, "%s%s%s\n", before, gnuplot_string(&b, text) ? b.data : "''", after);
    buffer_free(&b);
}

static void write_titles(const struct timeline *t, const struct trace_rank *ranks, FILE *script)
{
    char machine[MACHINE_BYTES], text[MACHINE_BYTES + 256], threads[64];
    uint64_t left_out = t->left_out;
    for (uint32_t rank = 0; rank < t->job.ranks; rank++)
        left_out += ranks[rank].left_out;
    const char *loops = t->job.ranks == 1 ? "computing on its event loop" : "computing on their event loops";
    snprintf(threads, sizeof threads, "× %u compute thread%s", t->job.threads,
             t->job.threads == 1 ? "" : "s");
    snprintf(text, sizeof text, "millrace, %s: %u rank%s %s", t->job.strategy, t->job.ranks,
             t->job.ranks == 1 ? "" : "s", t->job.threads ? threads : loops);
    if (t->job.ranks > MOST_RANKS)
        snprintf(text + strlen(text), sizeof text - strlen(text), "; the first %d ranks", MOST_RANKS);
    print_string(script, "set label 1 ", text,
                 " at screen 0.5, graph 1 center offset 0, character 4.1 font ',15'");
    describe_machine(ranks, t->job.ranks, machine, sizeof machine);
    snprintf(text, sizeof text, "%s; millrace %s", machine, MILLRACE_VERSION);
    if (left_out)
        snprintf(text + strlen(text), sizeof text - strlen(text), "; %llu events had no room and are missing",
                 (unsigned long long)left_out);
    print_string(script, "set label 2 ", text,
                 " at screen 0.5, graph 1 center offset 0, character 2.9 font ',11' textcolor rgb '#444444'");
}

static void write_script(struct timeline *t, const struct trace_rank *ranks, FILE *script)
{
    int height = timeline_place(t->lanes, t->n_lanes);
    double seconds = t->end > 0 ? (double)t->end / 1e9 : 1;
    fputs("set encoding utf8\n", script);
    timeline_frame(height, seconds, script);
    write_titles(t, ranks, script);
    for (size_t i = 0; i < t->n_lanes; i++) {
        const struct lane *lane = &t->lanes[i];
        char text[TRACE_TEXT_BYTES + 32];
        snprintf(text, sizeof text, "rank %u on %s", lane->rank,
                 ranks[lane->rank].host ? ranks[lane->rank].host : "?");
        if (i == 0 || lane[-1].rank != lane->rank)
            print_string(script, "set label ", text, timeline_rank_place(lane, (char[64]){0}, 64));
    }
    timeline_draw(t->lanes, t->n_lanes, t->end, script);
}

static bool end(struct trace_sink *sink, const struct trace_rank *ranks, char *error, size_t error_size)
{
    struct timeline *t = (struct timeline *)sink;
    FILE *script = tmpfile();
    if (!script || !make_lanes(t)) {
        snprintf(error, error_size, "%s", strerror(errno));
        if (script)
            fclose(script);
        return false;
    }
    write_script(t, ranks, script);
    bool ok = gnuplot_run(script, t->out, error, error_size);
    fclose(script);
    return ok;
}

/* ------------------------------------------------------------------ birth and death */

bool timeline_possible(char *error, size_t error_size)
{
    char why[1024];
    if (gnuplot_works(why, sizeof why))
        return true;
    snprintf(error, error_size, "a trace as a picture needs gnuplot: %s", why);
    return false;
}

static void free_timeline(struct trace_sink *sink)
{
    struct timeline *t = (struct timeline *)sink;
    free(t->spans);
    free(t->lanes);
    free(t);
}

struct trace_sink *timeline_new(const struct trace_job *job, FILE *out)
{
    struct timeline *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->base = (struct trace_sink){.take = take, .end = end, .free = free_timeline};
    t->job = *job;
    t->out = out;
    return &t->base;
}
