#include "src/wire.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

static struct wire_text text(const char *s)
{
    return (struct wire_text){.data = s, .len = s ? strlen(s) : 0};
}

static bool same_text(struct wire_text a, struct wire_text b)
{
    return (a.data == NULL) == (b.data == NULL) && a.len == b.len &&
           (!a.data || memcmp(a.data, b.data, a.len) == 0);
}

enum { EXAMPLES = 11 };

/* One message of each kind, with what is at the edges of its fields. */
static size_t examples(struct wire_message *m)
{
    static const char nul[] = "a\0b";
    memset(m, 0, EXAMPLES * sizeof *m);
    m[0] = (struct wire_message){.kind = WIRE_ROOM, .room = UINT32_MAX};
    m[1] = (struct wire_message){
        .kind = WIRE_DEAL,
        .deal = {.ticket = {.slot = UINT32_MAX, .id = UINT64_MAX}, .url = text("http://example.org/")}};
    m[2] = (struct wire_message){.kind = WIRE_FETCHED,
                                 .fetched = {.ticket = {.slot = 7, .id = 300},
                                             .end = WIRE_GOT_REDIRECT,
                                             .status = 302,
                                             .retry_after = -1,
                                             .received = 1 << 20,
                                             .error = text(NULL),
                                             .redirect = text("http://example.org/2")}};
    m[3] = (struct wire_message){.kind = WIRE_OUTCOME,
                                 .outcome = {.ticket = {.slot = 0, .id = 0},
                                             .status = 200,
                                             .n_values = 3,
                                             .values = {text(""), text(NULL), {.data = nul, .len = 3}},
                                             .error = text("no")}};
    m[4] = (struct wire_message){.kind = WIRE_TALLY, .tally = {.requests = 5, .peak_memory = UINT64_MAX}};
    m[5] = (struct wire_message){.kind = WIRE_TROUBLE, .trouble = text("no disk")};
    m[6] = (struct wire_message){.kind = WIRE_SIGNAL, .signal = {.at_once = 1}};
    m[7] = (struct wire_message){.kind = WIRE_FINISH, .finish = {.code = 75}};
    m[8] = (struct wire_message){.kind = WIRE_ALIVE};
    m[9] = (struct wire_message){.kind = WIRE_BYE};
    m[10] = (struct wire_message){.kind = WIRE_TRACE, .trace = {.data = nul, .len = 3}};
    return EXAMPLES;
}

static void fill(struct buffer *batch)
{
    struct wire_message m[EXAMPLES];
    size_t n = examples(m);
    buffer_init(batch, 1 << 20);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_TRUE_FATAL(wire_write(batch, &m[i]));
}

static void what_is_written_is_read(void)
{
    struct wire_message sent[EXAMPLES], got;
    size_t n = examples(sent);
    struct buffer batch;
    fill(&batch);
    struct wire_reader r;
    wire_read_begin(&r, batch.data, batch.len);
    for (size_t i = 0; i < n; i++) {
        CU_ASSERT_TRUE_FATAL(wire_read(&r, &got));
        CU_ASSERT_EQUAL(got.kind, sent[i].kind);
        switch (got.kind) {
        case WIRE_ROOM:
            CU_ASSERT_EQUAL(got.room, UINT32_MAX);
            break;
        case WIRE_DEAL:
            CU_ASSERT_EQUAL(got.deal.ticket.slot, UINT32_MAX);
            CU_ASSERT_EQUAL(got.deal.ticket.id, UINT64_MAX);
            CU_ASSERT_STRING_EQUAL(got.deal.url.data, "http://example.org/");
            break;
        case WIRE_FETCHED:
            CU_ASSERT_EQUAL(got.fetched.end, WIRE_GOT_REDIRECT);
            CU_ASSERT_EQUAL(got.fetched.status, 302);
            CU_ASSERT_EQUAL(got.fetched.retry_after, -1);
            CU_ASSERT_EQUAL(got.fetched.received, 1 << 20);
            CU_ASSERT_PTR_NULL(got.fetched.error.data);
            CU_ASSERT_STRING_EQUAL(got.fetched.redirect.data, "http://example.org/2");
            break;
        case WIRE_OUTCOME:
            CU_ASSERT_EQUAL(got.outcome.n_values, 3);
            for (uint32_t v = 0; v < 3; v++)
                CU_ASSERT_TRUE(same_text(got.outcome.values[v], sent[i].outcome.values[v]));
            CU_ASSERT_STRING_EQUAL(got.outcome.error.data, "no");
            break;
        case WIRE_TALLY:
            CU_ASSERT_EQUAL(memcmp(&got.tally, &sent[i].tally, sizeof got.tally), 0);
            break;
        case WIRE_TROUBLE:
            CU_ASSERT_STRING_EQUAL(got.trouble.data, "no disk");
            break;
        case WIRE_SIGNAL:
            CU_ASSERT_EQUAL(got.signal.at_once, 1);
            break;
        case WIRE_FINISH:
            CU_ASSERT_EQUAL(got.finish.code, 75);
            break;
        case WIRE_ALIVE:
        case WIRE_BYE:
            break;
        case WIRE_TRACE:
            CU_ASSERT_TRUE(same_text(got.trace, sent[i].trace));
            break;
        }
    }
    CU_ASSERT_FALSE(wire_read(&r, &got));
    CU_ASSERT_FALSE(r.bad);
    buffer_free(&batch);
}

/* Reads until the end or the first thing that is no message. Returns how many were read. */
static size_t read_all(const void *bytes, size_t len, bool *bad)
{
    struct wire_reader r;
    struct wire_message m;
    size_t n = 0;
    wire_read_begin(&r, bytes, len);
    while (wire_read(&r, &m))
        n++;
    *bad = r.bad;
    return n;
}

static void a_batch_cut_anywhere_is_bad_or_shorter(void)
{
    struct buffer batch;
    fill(&batch);
    size_t whole = 0;
    for (size_t len = 0; len < batch.len; len++) {
        /* In memory of its own, so that AddressSanitizer sees a read past the end. */
        char *copy = malloc(len ? len : 1);
        memcpy(copy, batch.data, len);
        bool bad;
        size_t n = read_all(copy, len, &bad);
        CU_ASSERT_TRUE(n < EXAMPLES);
        whole += !bad;
        free(copy);
    }
    CU_ASSERT_EQUAL(whole, EXAMPLES); /* just after the version, and after each message but the last */
    buffer_free(&batch);
}

static void flipped_bits_do_no_harm(void)
{
    struct buffer batch;
    fill(&batch);
    size_t refused = 0;
    for (size_t bit = 0; bit < 8 * batch.len; bit++) {
        char *copy = malloc(batch.len);
        memcpy(copy, batch.data, batch.len);
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        bool bad;
        read_all(copy, batch.len, &bad);
        refused += bad;
        free(copy);
    }
    CU_ASSERT_TRUE(refused > 0);
    buffer_free(&batch);
}

static void nonsense_is_refused(void)
{
    static const struct {
        const char *what, *bytes;
        size_t len;
    } table[] = {
        {"no version", "", 0},
        {"another version", "\x02", 1},
        {"no such kind", "\x01\x63", 2},
        {"kind 0", "\x01\x00", 2},
        {"the kind after the last", "\x01\x0c", 2},
        {"a number of 11 bytes", "\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13},
        {"a number over 64 bits", "\x01\x02\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 13},
        {"more room than 32 bits hold", "\x01\x01\xff\xff\xff\xff\x7f", 7},
        {"a deal without URL", "\x01\x02\x01\x01\x00", 5},
        {"a URL without its NUL", "\x01\x02\x01\x01\x03xyz", 8},
        {"a URL with a NUL inside", "\x01\x02\x01\x01\x04x\0y\0", 9},
        {"a text longer than the batch", "\x01\x06\x7fxy", 5},
        {"a redirect to nowhere", "\x01\x03\x01\x01\x01\x03\x00\x00\x00\x00", 10},
        {"an end that does not exist", "\x01\x03\x01\x01\x09\x03\x00\x00\x00\x00", 10},
        {"more values than there can be", "\x01\x04\x01\x01\x01\x7f", 6},
        {"an exit code over 255", "\x01\x08\x80\x02", 4},
        {"a trace without a piece", "\x01\x09\x00", 3},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        bool bad;
        size_t n = read_all(table[i].bytes, table[i].len, &bad);
        if (n != 0 || !bad)
            printf("\n    not refused: %s\n", table[i].what);
        CU_ASSERT_EQUAL(n, 0);
        CU_ASSERT_TRUE(bad);
    }
}

static void a_full_buffer_stays_as_it_was(void)
{
    struct buffer batch;
    buffer_init(&batch, 16);
    CU_ASSERT_TRUE(wire_write(&batch, &(struct wire_message){.kind = WIRE_ROOM, .room = 1}));
    size_t before = batch.len;
    const struct wire_message large = {.kind = WIRE_TROUBLE, .trouble = text("longer than sixteen bytes")};
    CU_ASSERT_FALSE(wire_write(&batch, &large));
    CU_ASSERT_EQUAL(batch.len, before);
    buffer_free(&batch);
}

int main(void)
{
    static const struct check checks[] = {
        {"what is written is read", what_is_written_is_read},
        {"a batch cut anywhere is bad or shorter", a_batch_cut_anywhere_is_bad_or_shorter},
        {"flipped bits do no harm", flipped_bits_do_no_harm},
        {"nonsense is refused", nonsense_is_refused},
        {"a full buffer stays as it was", a_full_buffer_stays_as_it_was},
        {0},
    };
    return check_run("wire", checks);
}
