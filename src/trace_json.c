#include "src/trace_json.h"

#include "io/buffer.h"
#include "io/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH_BYTES = 64 << 10, TEXT_BYTES = 128 << 10 }; /* to be written at once; with one more event */

/* A counter is shown by its name and its series: "transfers in flight". */
struct counter {
    const char *name, *series; /* NULL: there is none */
};

static const struct counter counters[2][TRACE_DEPTHS_AT_ONCE] = {
    {{"transfers", "in flight"}, {"bodies", "to compute"}, {"batches", "unsent"}},
    {{"records waiting", "in the dealer"}, {"records held", "by the ranks"}},
};

struct shown {
    uint32_t depths[2][TRACE_DEPTHS_AT_ONCE];
    bool any[2];
};

struct trace_json {
    struct trace_sink base; /* first: it is what the outside sees */
    struct trace_job job;
    FILE *out;
    struct buffer text;  /* not yet written */
    struct shown *shown; /* by rank: the counters' last values */
    bool begun;
    int error; /* errno of what went wrong first; 0: nothing */
};

/* ------------------------------------------------------------------ the parts of an event */

/* An event is ten short texts, and there are millions of them: printf(3) would take most of the time. */

static void check(struct trace_json *j, bool added)
{
    if (!added && !j->error)
        j->error = ENOMEM;
}

static void flush(struct trace_json *j, size_t least)
{
    if (j->text.len < least)
        return;
    if (!j->error && fwrite(j->text.data, 1, j->text.len, j->out) != j->text.len)
        j->error = errno;
    buffer_reset(&j->text);
}

static void add(struct trace_json *j, const char *text)
{
    check(j, buffer_add_text(&j->text, text));
}

static void add_number(struct trace_json *j, const char *before, uint64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    add(j, before);
    check(j, buffer_add(&j->text, digits + at, sizeof digits - at));
}

static void add_hex(struct trace_json *j, const char *before, uint64_t number, const char *after)
{
    char digits[17];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do
        digits[--at] = "0123456789abcdef"[number % 16];
    while (number /= 16);
    add(j, before);
    add(j, digits + at);
    add(j, after);
}

/* Nanoseconds as microseconds with three decimals, so that nothing is lost. */
static void add_time(struct trace_json *j, const char *before, int64_t ns)
{
    uint64_t part = (uint64_t)ns % 1000;
    const char decimals[] = {'.', (char)('0' + part / 100), (char)('0' + part / 10 % 10),
                             (char)('0' + part % 10), '\0'};
    add_number(j, before, (uint64_t)ns / 1000);
    add(j, decimals);
}

static void add_string(struct trace_json *j, const char *before, const char *text)
{
    add(j, before);
    check(j, rows_json_string(&j->text, text, strlen(text)));
}

/* What every event has. */
static void begin_event(struct trace_json *j, const char *phase, uint32_t rank, unsigned thread)
{
    flush(j, ENOUGH_BYTES);
    add(j, j->begun ? ",\n{\"ph\":\"" : "{\"ph\":\"");
    add(j, phase);
    add_number(j, "\",\"pid\":", rank);
    add_number(j, ",\"tid\":", thread);
    j->begun = true;
}

static void begin(struct trace_json *j, const char *phase, uint32_t rank, unsigned thread, int64_t at)
{
    begin_event(j, phase, rank, thread);
    add_time(j, ",\"ts\":", at);
}

static void begin_slice(struct trace_json *j, const struct trace_item *item, unsigned thread,
                        const char *name)
{
    begin(j, "X", item->rank, thread, item->event.begin);
    add_time(j, ",\"dur\":", item->event.duration);
    add_string(j, ",\"name\":", name);
}

/* ------------------------------------------------------------------ kinds of events */

static void write_lane(struct trace_json *j, uint32_t rank, unsigned thread, const char *what,
                       const char *name, unsigned place)
{
    char text[64];
    snprintf(text, sizeof text, ",\"name\":\"%s_name\"", what);
    begin_event(j, "M", rank, thread);
    add(j, text);
    add_string(j, ",\"args\":{\"name\":", name);
    snprintf(text, sizeof text, ",\"name\":\"%s_sort_index\"", what);
    add(j, "}}");
    begin_event(j, "M", rank, thread);
    add(j, text);
    add_number(j, ",\"args\":{\"sort_index\":", place);
    add(j, "}}");
}

static void write_rank(struct trace_json *j, const struct trace_item *item)
{
    char name[TRACE_TEXT_BYTES + 32];
    snprintf(name, sizeof name, "rank %" PRIu32 " (%s)", item->rank, item->text);
    write_lane(j, item->rank, 0, "process", name, item->rank);
    for (unsigned thread = 0; thread <= item->event.code; thread++) {
        snprintf(name, sizeof name, "thread %u", thread);
        write_lane(j, item->rank, thread, "thread", thread ? name : "event loop", thread);
    }
}

static void write_message(struct trace_json *j, const struct trace_item *item)
{
    bool sent = item->event.kind == TRACE_SENT;
    uint32_t peer = item->event.text, number = (uint32_t)(item->event.id >> 32);
    uint32_t from = sent ? item->rank : peer, to = sent ? peer : item->rank;
    begin_slice(j, item, 0, sent ? "send" : "receive");
    add_number(
        j,
        sent ? ",\"cat\":\"message\",\"args\":{\"to\":" : ",\"cat\":\"message\",\"args\":{\"from\":", peer);
    add_number(j, ",\"batch\":", number);
    add_number(j, ",\"bytes\":", (uint32_t)item->event.id);
    add(j, "}}");
    begin(j, sent ? "s" : "f", item->rank, 0, item->event.begin);
    uint64_t way = (uint64_t)from * j->job.ranks + to;
    add_hex(j, ",\"cat\":\"message\",\"name\":\"batch\",\"id\":\"0x", way << 32 | number,
            sent ? "\"}" : "\",\"bp\":\"e\"}");
}

/* All but the closing brace. */
static void begin_async(struct trace_json *j, const struct trace_item *item, const char *phase, int64_t at,
                        const char *name)
{
    begin(j, phase, item->rank, 0, at);
    add_hex(j, ",\"cat\":\"transfer\",\"id2\":{\"local\":\"0x", item->event.id, "\"},\"name\":\"");
    add(j, name);
    add(j, "\"");
}

struct phase {
    const char *name;
    int64_t begin, end;
};

/* The phases that a transfer went through: each begins where the one before ended. Returns how many. */
static int list_phases(const struct trace_item *item, struct phase phases[TRACE_PHASE_COUNT + 1])
{
    static const char *const names[] = {"name lookup", "connect", "TLS", "first byte", "body"};
    int64_t from = item->event.begin, end = from + item->event.duration;
    bool answered = item->phases->until[TRACE_ANSWERED] != 0;
    int n = 0;
    for (int i = 0; i <= TRACE_PHASE_COUNT; i++) {
        bool last = i == TRACE_PHASE_COUNT;
        if (last ? !answered : !item->phases->until[i])
            continue;
        int64_t until = last ? end : item->event.begin + (int64_t)item->phases->until[i] * 1000;
        if (until > from)
            phases[n++] = (struct phase){.name = names[i], .begin = from, .end = until};
        from = until;
    }
    return n;
}

/* Phases are both slices within the transfer's and figures of it: not every viewer shows the former beside it. */
static void write_transfer(struct trace_json *j, const struct trace_item *item)
{
    struct phase phases[TRACE_PHASE_COUNT + 1];
    int n = list_phases(item, phases);
    bool dropped = item->event.code == TRACE_DROPPED;
    begin_async(j, item, "b", item->event.begin, "transfer");
    add_number(j, ",\"args\":{\"id\":", item->event.id);
    add_string(j, ",\"url\":", item->text);
    add_number(j, ",\"status\":", dropped ? 0 : item->event.code);
    add_number(j, ",\"bytes\":", item->phases->received);
    add(j, dropped ? ",\"dropped\":true" : "");
    for (int i = 0; i < n; i++) {
        add(j, ",\"");
        add(j, phases[i].name);
        add_number(j, " [us]\":", (uint64_t)(phases[i].end - phases[i].begin) / 1000);
    }
    add(j, "}}");
    for (int i = 0; i < n; i++) {
        begin_async(j, item, "b", phases[i].begin, phases[i].name);
        add(j, "}");
        begin_async(j, item, "e", phases[i].end, phases[i].name);
        add(j, "}");
    }
    begin_async(j, item, "e", item->event.begin + item->event.duration, "transfer");
    add(j, "}");
}

static void write_kernel(struct trace_json *j, const struct trace_item *item)
{
    begin_slice(j, item, item->event.code, item->text);
    add_number(j, ",\"cat\":\"kernel\",\"args\":{\"id\":", item->event.id);
    add(j, "}}");
}

static void write_depths(struct trace_json *j, const struct trace_item *item)
{
    int set = item->event.kind == TRACE_DEALER;
    struct shown *shown = &j->shown[item->rank];
    for (int i = 0; i < TRACE_DEPTHS_AT_ONCE && counters[set][i].name; i++) {
        uint32_t value = item->event.depths[i];
        if (shown->any[set] && shown->depths[set][i] == value)
            continue;
        shown->depths[set][i] = value;
        begin(j, "C", item->rank, 0, item->event.at);
        add_string(j, ",\"name\":", counters[set][i].name);
        add_string(j, ",\"args\":{", counters[set][i].series);
        add_number(j, ":", value);
        add(j, "}}");
    }
    shown->any[set] = true;
}

static bool take(struct trace_sink *sink, const struct trace_item *item)
{
    struct trace_json *j = (struct trace_json *)sink;
    switch (item->event.kind) {
    case TRACE_RANK:
        write_rank(j, item);
        break;
    case TRACE_SERVE:
    case TRACE_DEAL:
        begin_slice(j, item, 0, item->event.kind == TRACE_SERVE ? "serve" : "deal");
        add(j, ",\"cat\":\"loop\"}");
        break;
    case TRACE_SENT:
    case TRACE_RECEIVED:
        write_message(j, item);
        break;
    case TRACE_TRANSFER:
        write_transfer(j, item);
        break;
    case TRACE_KERNEL:
        write_kernel(j, item);
        break;
    default:
        write_depths(j, item);
    }
    return !j->error;
}

/* ------------------------------------------------------------------ the whole */

static void write_clocks(struct trace_json *j, const struct trace_rank *ranks)
{
    uint64_t left_out = 0;
    add(j, ",\"clocks\":[");
    for (uint32_t rank = 0; rank < j->job.ranks; rank++) {
        int64_t ahead = ranks[rank].ahead;
        flush(j, ENOUGH_BYTES);
        left_out += ranks[rank].left_out;
        add_number(j, rank ? ",\n{\"rank\":" : "\n{\"rank\":", rank);
        add_string(j, ",\"host\":", ranks[rank].host ? ranks[rank].host : "");
        add_number(j,
                   ahead < 0 ? ",\"ahead_ns\":-" : ",\"ahead_ns\":", (uint64_t)(ahead < 0 ? -ahead : ahead));
        add_number(j, ",\"imprecise_ns\":", (uint64_t)ranks[rank].imprecise);
        add_number(j, ",\"events_left_out\":", ranks[rank].left_out);
        add(j, "}");
    }
    add_number(j, "\n],\"events_left_out\":", left_out);
}

static bool end(struct trace_sink *sink, const struct trace_rank *ranks, char *error, size_t error_size)
{
    struct trace_json *j = (struct trace_json *)sink;
    add_string(j, "\n],\"displayTimeUnit\":\"ms\",\"otherData\":{\"millrace\":", MILLRACE_VERSION);
    add_string(j, ",\"strategy\":", j->job.strategy);
    add_number(j, ",\"ranks\":", j->job.ranks);
    add_number(j, ",\"threads_per_rank\":", j->job.threads);
    write_clocks(j, ranks);
    add(j, "}}\n");
    flush(j, 1);
    if (!j->error && fflush(j->out) != 0)
        j->error = errno;
    if (!j->error)
        return true;
    snprintf(error, error_size, "%s", strerror(j->error));
    return false;
}

static void free_json(struct trace_sink *sink)
{
    struct trace_json *j = (struct trace_json *)sink;
    buffer_free(&j->text);
    free(j->shown);
    free(j);
}

struct trace_sink *trace_json_new(const struct trace_job *job, FILE *out)
{
    struct trace_json *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->base = (struct trace_sink){.take = take, .end = end, .free = free_json};
    j->job = *job;
    j->out = out;
    buffer_init(&j->text, TEXT_BYTES);
    j->shown = calloc(job->ranks, sizeof *j->shown);
    if (!j->shown) {
        free_json(&j->base);
        return NULL;
    }
    add(j, "{\"traceEvents\":[\n");
    return &j->base;
}
