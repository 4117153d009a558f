#include "src/trace.h"

#include "io/evloop.h"

#include <stdlib.h>
#include <string.h>

/* Another byte order, another size of an event or another version reads as another number. */
#define MARK (UINT32_C(0x4d540100) + (uint32_t)sizeof(struct trace_event))

struct header {
    uint32_t mark, events;
};

/* Events grow from the front, texts from the end: a text's place is its distance from there, whatever lies between. */
struct piece {
    struct piece *next;
    uint32_t events, texts; /* how many; bytes of them */
    uint8_t bytes[TRACE_PIECE_BYTES - 64];
};

struct trace_recorder {
    struct trace_self self;
    struct piece *first, **link, *last;
    size_t memory;
    uint64_t left_out;
    uint32_t *sent, *received; /* batches, by rank */
    uint32_t depths[TRACE_KINDS][TRACE_DEPTHS_AT_ONCE];
    bool taking; /* what is recorded is being taken out */
};

/* ------------------------------------------------------------------ pieces */

static bool fits(const struct piece *p, uint32_t events, size_t text)
{
    size_t taken = sizeof(struct header) + (p->events + events) * sizeof(struct trace_event) + p->texts;
    return taken + text <= sizeof p->bytes;
}

static struct piece *piece_with_room(struct trace_recorder *t, uint32_t events, size_t text)
{
    if (t->taking)
        return NULL;
    if (t->last && fits(t->last, events, text))
        return t->last;
    struct piece *p = t->memory + sizeof *p <= t->self.most_memory ? malloc(sizeof *p) : NULL;
    if (!p) {
        t->left_out += events;
        t->self.most_memory = 0; /* what comes later is not to be had without what came before */
        t->last = NULL;
        return NULL;
    }
    p->next = NULL;
    p->events = p->texts = 0;
    t->memory += sizeof *p;
    t->last = *t->link = p;
    t->link = &p->next;
    return p;
}

static void add_event(struct piece *p, const struct trace_event *event)
{
    memcpy(p->bytes + sizeof(struct header) + p->events++ * sizeof *event, event, sizeof *event);
}

static uint32_t add_text(struct piece *p, const char *text, size_t len)
{
    p->texts += (uint32_t)len + 1;
    uint8_t *to = p->bytes + sizeof p->bytes - p->texts;
    memcpy(to, text, len);
    to[len] = '\0';
    return p->texts;
}

static void record(struct trace_recorder *t, const struct trace_event *event)
{
    struct piece *p = piece_with_room(t, 1, 0);
    if (p)
        add_event(p, event);
}

/* `before`: an event that must stand just before it in the same piece; NULL: none. */
static void record_text(struct trace_recorder *t, const struct trace_event *before, struct trace_event *event,
                        const char *text)
{
    size_t len = strnlen(text, TRACE_TEXT_BYTES);
    struct piece *p = piece_with_room(t, before ? 2 : 1, len + 1);
    if (!p)
        return;
    if (before)
        add_event(p, before);
    event->text = add_text(p, text, len);
    add_event(p, event);
}

/* ------------------------------------------------------------------ recording */

struct trace_recorder *trace_new(const struct trace_self *self)
{
    struct trace_recorder *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->self = *self;
    t->link = &t->first;
    t->sent = calloc(self->ranks, sizeof *t->sent);
    t->received = calloc(self->ranks, sizeof *t->received);
    struct trace_event introduction = {
        .kind = TRACE_RANK,
        .begin = self->ahead,
        .duration = self->imprecise,
        .code = (uint16_t)(self->threads < UINT16_MAX ? self->threads : UINT16_MAX)};
    if (t->sent && t->received)
        record_text(t, NULL, &introduction, self->host);
    if (t->first)
        return t;
    trace_free(t);
    return NULL;
}

void trace_free(struct trace_recorder *t)
{
    if (!t)
        return;
    for (struct piece *p; (p = t->first);) {
        t->first = p->next;
        free(p);
    }
    free(t->sent);
    free(t->received);
    free(t);
}

int64_t trace_now(const struct trace_recorder *t)
{
    return t ? evloop_now() : 0;
}

void trace_turn(struct trace_recorder *t, enum trace_kind kind, int64_t begin)
{
    if (!t)
        return;
    int64_t duration = evloop_now() - begin;
    if (duration >= TRACE_LEAST_TURN)
        record(t, &(struct trace_event){.kind = (uint16_t)kind, .begin = begin, .duration = duration});
}

void trace_message(struct trace_recorder *t, enum trace_kind kind, int peer, size_t bytes, int64_t begin)
{
    if (!t || (uint32_t)peer == t->self.rank || t->taking)
        return;
    uint32_t *count = kind == TRACE_SENT ? t->sent : t->received;
    record(t, &(struct trace_event){.kind = (uint16_t)kind,
                                    .begin = begin,
                                    .duration = evloop_now() - begin,
                                    .id = trace_batch(count[peer]++, (uint32_t)bytes),
                                    .text = (uint32_t)peer});
}

void trace_transferred(struct trace_recorder *t, const struct trace_transfer *x)
{
    if (!t)
        return;
    struct trace_event phases = {.kind = TRACE_PHASES, .received = x->received};
    for (int i = 0; i < TRACE_PHASE_COUNT; i++) {
        int64_t us = x->phases[i] / 1000;
        phases.until[i] = us < 0 ? 0 : us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
    }
    struct trace_event event = {.kind = TRACE_TRANSFER,
                                .begin = x->begin,
                                .duration = x->duration,
                                .id = x->id,
                                .code = (uint16_t)x->status};
    record_text(t, &phases, &event, x->url);
}

void trace_computed(struct trace_recorder *t, uint64_t id, const char *text, unsigned thread, int64_t begin,
                    int64_t duration)
{
    if (!t)
        return;
    struct trace_event event = {
        .kind = TRACE_KERNEL, .begin = begin, .duration = duration, .id = id, .code = (uint16_t)thread};
    record_text(t, NULL, &event, text);
}

void trace_depths(struct trace_recorder *t, enum trace_kind kind, const uint32_t depths[TRACE_DEPTHS_AT_ONCE])
{
    if (!t || memcmp(t->depths[kind], depths, sizeof t->depths[kind]) == 0)
        return;
    struct trace_event event = {.kind = (uint16_t)kind, .at = evloop_now()};
    memcpy(event.depths, depths, sizeof event.depths);
    memcpy(t->depths[kind], depths, sizeof event.depths);
    record(t, &event);
}

/* ------------------------------------------------------------------ taking out */

/* Only now is it known what was left out. */
static void complete(struct trace_recorder *t)
{
    struct trace_event introduction;
    uint8_t *at = t->first->bytes + sizeof(struct header);
    memcpy(&introduction, at, sizeof introduction);
    introduction.id = t->left_out;
    memcpy(at, &introduction, sizeof introduction);
}

bool trace_take(struct trace_recorder *t, struct buffer *piece)
{
    struct piece *p = t ? t->first : NULL;
    if (!p)
        return false;
    if (!t->taking)
        complete(t);
    t->taking = true;
    const struct header header = {.mark = MARK, .events = p->events};
    memcpy(p->bytes, &header, sizeof header);
    bool ok = buffer_add(piece, p->bytes, sizeof header + p->events * sizeof(struct trace_event)) &&
              buffer_add(piece, p->bytes + sizeof p->bytes - p->texts, p->texts);
    t->first = p->next;
    free(p);
    return ok;
}

/* ------------------------------------------------------------------ reading */

void trace_read_begin(struct trace_reader *r, const void *piece, size_t len, uint32_t ranks)
{
    struct header header;
    *r = (struct trace_reader){.next = piece, .end = (const uint8_t *)piece + len, .ranks = ranks};
    r->bad = len < sizeof header;
    if (r->bad)
        return;
    memcpy(&header, piece, sizeof header);
    r->next += sizeof header;
    len -= sizeof header;
    r->bad = header.mark != MARK || header.events > len / sizeof(struct trace_event);
    if (r->bad)
        return;
    r->texts = r->next + header.events * sizeof(struct trace_event);
    r->bad = r->texts < r->end && r->end[-1] != '\0';
}

/* A time that sums and differences of can be taken. */
static bool is_time(int64_t ns)
{
    return ns > -(INT64_C(1) << 61) && ns < INT64_C(1) << 61;
}

static bool has_text(const struct trace_event *e)
{
    return e->kind == TRACE_RANK || e->kind == TRACE_TRANSFER || e->kind == TRACE_KERNEL;
}

static bool is_sound(const struct trace_reader *r, const struct trace_event *e)
{
    switch (e->kind) {
    case TRACE_PHASES:
        return true;
    case TRACE_DEPTHS:
    case TRACE_DEALER:
        return is_time(e->at);
    case TRACE_SENT:
    case TRACE_RECEIVED:
        if (e->text >= r->ranks)
            return false;
        break;
    case TRACE_TRANSFER:
        if (e->code > TRACE_DROPPED)
            return false;
        break;
    default:
        if (e->kind < TRACE_RANK || e->kind >= TRACE_KINDS)
            return false;
    }
    return is_time(e->begin) && is_time(e->duration) && e->duration >= 0 &&
           (!has_text(e) || e->text <= (size_t)(r->end - r->texts));
}

bool trace_read(struct trace_reader *r, struct trace_event *event, const char **text)
{
    if (r->bad || r->next == r->texts)
        return false;
    memcpy(event, r->next, sizeof *event);
    r->next += sizeof *event;
    r->bad = !is_sound(r, event);
    if (r->bad)
        return false;
    *text = has_text(event) && event->text ? (const char *)r->end - event->text : "";
    return true;
}
