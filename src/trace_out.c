#include "src/trace_out.h"

#include "io/evloop.h"
#include "src/timeline.h"
#include "src/trace_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct trace_out {
    const char *path;
    FILE *file;
    struct trace_sink *sink;
    struct trace_rank *ranks;
    uint32_t n_ranks;
    int64_t zero; /* the job's begin, on this rank's clock */
    bool stuck;   /* the sink can't go on */
};

static bool ends_in_svg(const char *path)
{
    size_t len = strlen(path);
    return len >= 4 && strcasecmp(path + len - 4, ".svg") == 0;
}

struct trace_out *trace_out_open(const char *path, const struct trace_job *job, char *error,
                                 size_t error_size)
{
    bool picture = ends_in_svg(path);
    if (picture && !timeline_possible(error, error_size))
        return NULL;
    struct trace_out *out = calloc(1, sizeof *out);
    if (out && (out->file = fopen(path, "we"))) {
        out->path = path;
        out->n_ranks = job->ranks;
        out->zero = evloop_now();
        out->ranks = calloc(job->ranks, sizeof *out->ranks);
        out->sink = picture ? timeline_new(job, out->file) : trace_json_new(job, out->file);
        if (out->ranks && out->sink)
            return out;
        errno = ENOMEM;
    }
    snprintf(error, error_size, "cannot write the trace %s: %s", path, strerror(errno));
    trace_out_free(out);
    return NULL;
}

/* ------------------------------------------------------------------ one clock */

static bool introduce(struct trace_rank *rank, const struct trace_item *item)
{
    if (rank->known)
        return false;
    *rank = (struct trace_rank){.host = strdup(item->text),
                                .ahead = item->event.begin,
                                .imprecise = item->event.duration,
                                .left_out = item->event.id,
                                .threads = item->event.code,
                                .known = true};
    return true;
}

/* Clocks that agree only nearly may say that something began before the job. */
static void shift(int64_t *begin, int64_t *duration, int64_t ahead)
{
    *begin -= ahead;
    if (*begin >= 0)
        return;
    if (duration)
        *duration = *duration > -*begin ? *duration + *begin : 0;
    *begin = 0;
}

static void put_on_one_clock(struct trace_event *e, int64_t ahead)
{
    if (e->kind == TRACE_DEPTHS || e->kind == TRACE_DEALER)
        shift(&e->at, NULL, ahead);
    else if (e->kind != TRACE_PHASES && e->kind != TRACE_RANK)
        shift(&e->begin, &e->duration, ahead);
}

/* Two clocks are read for a transfer's phases, libcurl's and ours. */
static void put_in_order(struct trace_event *phases, int64_t duration)
{
    uint64_t last = 0, end = (uint64_t)duration / 1000;
    for (int i = 0; i < TRACE_PHASE_COUNT; i++) {
        uint64_t until = phases->until[i];
        if (until)
            last = until < last ? last : until > end ? end : until;
        phases->until[i] = until ? (uint32_t)last : 0;
    }
}

bool trace_out_take(struct trace_out *out, uint32_t rank, const void *piece, size_t len)
{
    struct trace_reader reader;
    struct trace_event phases = {0};
    struct trace_item item = {.rank = rank};
    struct trace_rank *who = &out->ranks[rank];
    trace_read_begin(&reader, piece, len, out->n_ranks);
    while (trace_read(&reader, &item.event, &item.text)) {
        bool is_introduction = item.event.kind == TRACE_RANK;
        if (is_introduction ? !introduce(who, &item) : !who->known)
            return false;
        if (item.event.kind == TRACE_KERNEL && item.event.code > who->threads)
            return false;
        put_on_one_clock(&item.event, who->ahead + out->zero);
        if (item.event.kind == TRACE_PHASES) {
            phases = item.event;
            continue;
        }
        if (item.event.kind == TRACE_TRANSFER)
            put_in_order(&phases, item.event.duration);
        item.phases = item.event.kind == TRACE_TRANSFER ? &phases : NULL;
        out->stuck = out->stuck || !out->sink->take(out->sink, &item);
    }
    return !reader.bad;
}

/* ------------------------------------------------------------------ the end */

bool trace_out_end(struct trace_out *out, uint64_t *left_out, char *error, size_t error_size)
{
    char why[1024];
    *left_out = 0;
    for (uint32_t rank = 0; rank < out->n_ranks; rank++)
        *left_out += out->ranks[rank].left_out;
    bool ok = out->sink->end(out->sink, out->ranks, why, sizeof why);
    FILE *file = out->file;
    out->file = NULL;
    if (fclose(file) != 0 && ok) {
        snprintf(why, sizeof why, "%s", strerror(errno));
        ok = false;
    }
    if (!ok)
        snprintf(error, error_size, "cannot write the trace %s: %s", out->path, why);
    return ok;
}

void trace_out_free(struct trace_out *out)
{
    if (!out)
        return;
    if (out->sink)
        out->sink->free(out->sink);
    for (uint32_t rank = 0; out->ranks && rank < out->n_ranks; rank++)
        free(out->ranks[rank].host);
    free(out->ranks);
    if (out->file)
        fclose(out->file);
    free(out);
}
