#include "src/wire.h"

#include <string.h>

enum { VERSION = 1, MAX_VARINT = 10 };

/* ------------------------------------------------------------------ writing */

struct writer {
    struct buffer *out;
    bool ok;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
    w->ok = w->ok && buffer_add(w->out, bytes, n);
}

static void put_uint(struct writer *w, uint64_t value)
{
    uint8_t bytes[MAX_VARINT];
    size_t n = 0;
    do {
        bytes[n] = (uint8_t)(value & 0x7f);
        value >>= 7;
        bytes[n++] |= value ? 0x80 : 0;
    } while (value);
    put(w, bytes, n);
}

/* 0 stands for an absent text, so the length goes as one more. */
static void put_text(struct writer *w, struct wire_text text)
{
    if (!text.data) {
        put_uint(w, 0);
        return;
    }
    put_uint(w, (uint64_t)text.len + 1);
    put(w, text.data, text.len);
    put(w, "", 1);
}

static void put_ticket(struct writer *w, struct wire_ticket ticket)
{
    put_uint(w, ticket.slot);
    put_uint(w, ticket.id);
}

static void put_tally(struct writer *w, const struct tally *t)
{
#define PUT(name, combine, meaning) put_uint(w, t->name);
    TALLY_MAP(PUT)
#undef PUT
    for (int i = 0; i < TALLY_BUCKETS; i++)
        put_uint(w, t->fetch_times[i]);
}

static void put_message(struct writer *w, const struct wire_message *m)
{
    put_uint(w, m->kind);
    switch (m->kind) {
    case WIRE_ROOM:
        put_uint(w, m->room);
        break;
    case WIRE_DEAL:
        put_ticket(w, m->deal.ticket);
        put_text(w, m->deal.url);
        break;
    case WIRE_FETCHED:
        put_ticket(w, m->fetched.ticket);
        put_uint(w, m->fetched.end);
        put_uint(w, m->fetched.status);
        put_uint(w, (uint64_t)(m->fetched.retry_after + 1));
        put_uint(w, m->fetched.received);
        put_text(w, m->fetched.error);
        put_text(w, m->fetched.redirect);
        break;
    case WIRE_OUTCOME:
        put_ticket(w, m->outcome.ticket);
        put_uint(w, m->outcome.status);
        put_uint(w, m->outcome.n_values);
        for (uint32_t i = 0; i < m->outcome.n_values; i++)
            put_text(w, m->outcome.values[i]);
        put_text(w, m->outcome.error);
        break;
    case WIRE_TALLY:
        put_tally(w, &m->tally);
        break;
    case WIRE_TROUBLE:
        put_text(w, m->trouble);
        break;
    case WIRE_SIGNAL:
        put_uint(w, m->signal.at_once);
        break;
    case WIRE_FINISH:
        put_uint(w, m->finish.code);
        break;
    case WIRE_ALIVE:
    case WIRE_BYE:
        break;
    case WIRE_TRACE:
        put_text(w, m->trace);
        break;
    }
}

bool wire_write(struct buffer *batch, const struct wire_message *message)
{
    size_t before = batch->len;
    struct writer w = {.out = batch, .ok = true};
    if (before == 0)
        put_uint(&w, VERSION);
    put_message(&w, message);
    if (!w.ok)
        buffer_cut(batch, before);
    return w.ok;
}

/* ------------------------------------------------------------------ reading */

/* Every getter gives a harmless value once the reader is bad, so that a message is checked once, at its end.
 */

static uint64_t get_uint(struct wire_reader *r, uint64_t max)
{
    uint64_t value = 0;
    for (unsigned shift = 0; r->next < r->end && shift < 64; shift += 7) {
        uint8_t byte = *r->next++;
        uint64_t bits = byte & 0x7f;
        if (shift == 63 && bits > 1)
            break;
        value |= bits << shift;
        if (!(byte & 0x80)) {
            if (value <= max)
                return value;
            break;
        }
    }
    r->bad = true;
    return 0;
}

static struct wire_text get_text(struct wire_reader *r)
{
    struct wire_text text = {0};
    uint64_t len = get_uint(r, WIRE_MAX_BATCH);
    if (len == 0 || r->bad)
        return text;
    if (len > (size_t)(r->end - r->next) || r->next[len - 1] != '\0') {
        r->bad = true;
        return text;
    }
    text.data = (const char *)r->next;
    text.len = (size_t)len - 1;
    r->next += len;
    return text;
}

/* A text that is used as a string: it must be there, and end where its NUL is. */
static struct wire_text get_string(struct wire_reader *r)
{
    struct wire_text text = get_text(r);
    if (!text.data || strlen(text.data) != text.len) {
        r->bad = true;
        return (struct wire_text){.data = "", .len = 0};
    }
    return text;
}

static struct wire_ticket get_ticket(struct wire_reader *r)
{
    uint32_t slot = (uint32_t)get_uint(r, UINT32_MAX);
    return (struct wire_ticket){.slot = slot, .id = get_uint(r, UINT64_MAX)};
}

static void get_tally(struct wire_reader *r, struct tally *t)
{
#define GET(name, combine, meaning) t->name = get_uint(r, UINT64_MAX);
    TALLY_MAP(GET)
#undef GET
    for (int i = 0; i < TALLY_BUCKETS; i++)
        t->fetch_times[i] = get_uint(r, UINT64_MAX);
}

static void get_outcome(struct wire_reader *r, struct wire_message *m)
{
    m->outcome.ticket = get_ticket(r);
    m->outcome.status = (uint32_t)get_uint(r, 999);
    m->outcome.n_values = (uint32_t)get_uint(r, WIRE_MAX_VALUES);
    for (uint32_t i = 0; i < m->outcome.n_values; i++)
        m->outcome.values[i] = get_text(r);
    m->outcome.error = get_text(r);
}

static void get_fetched(struct wire_reader *r, struct wire_message *m)
{
    m->fetched.ticket = get_ticket(r);
    m->fetched.end = (enum wire_end)get_uint(r, WIRE_ENDS - 1);
    m->fetched.status = (uint32_t)get_uint(r, 999);
    m->fetched.retry_after = (int64_t)get_uint(r, INT64_MAX) - 1;
    m->fetched.received = get_uint(r, UINT64_MAX);
    m->fetched.error = get_text(r);
    m->fetched.redirect = get_text(r);
    if (m->fetched.end == WIRE_GOT_REDIRECT && !m->fetched.redirect.data)
        r->bad = true;
}

void wire_read_begin(struct wire_reader *reader, const void *batch, size_t len)
{
    reader->next = batch;
    reader->end = reader->next + len;
    reader->bad = false;
    if (get_uint(reader, UINT64_MAX) != VERSION)
        reader->bad = true;
}

bool wire_read(struct wire_reader *r, struct wire_message *m)
{
    if (r->bad || r->next == r->end)
        return false;
    m->kind = (enum wire_kind)get_uint(r, WIRE_BYE);
    switch (m->kind) {
    case WIRE_ROOM:
        m->room = (uint32_t)get_uint(r, UINT32_MAX);
        break;
    case WIRE_DEAL:
        m->deal.ticket = get_ticket(r);
        m->deal.url = get_string(r);
        break;
    case WIRE_FETCHED:
        get_fetched(r, m);
        break;
    case WIRE_OUTCOME:
        get_outcome(r, m);
        break;
    case WIRE_TALLY:
        get_tally(r, &m->tally);
        break;
    case WIRE_TROUBLE:
        m->trouble = get_string(r);
        break;
    case WIRE_SIGNAL:
        m->signal.at_once = (uint32_t)get_uint(r, 1);
        break;
    case WIRE_FINISH:
        m->finish.code = (uint32_t)get_uint(r, 255);
        break;
    case WIRE_ALIVE:
    case WIRE_BYE:
        break;
    case WIRE_TRACE:
        m->trace = get_text(r);
        r->bad = r->bad || !m->trace.data;
        break;
    default:
        r->bad = true;
    }
    return !r->bad;
}
