#include "io/evloop.h"
#include "src/gnuplot.h"
#include "src/trace.h"
#include "src/trace_out.h"
#include "tests/unit/check.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECOND = 1000000000 };

static struct trace_recorder *recorder(uint32_t rank, uint32_t ranks, int64_t ahead, size_t memory)
{
    const struct trace_self self = {.rank = rank,
                                    .ranks = ranks,
                                    .threads = 2,
                                    .host = "host",
                                    .ahead = ahead,
                                    .imprecise = 70,
                                    .most_memory = memory};
    struct trace_recorder *t = trace_new(&self);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return t;
}

static void transfer(struct trace_recorder *t, uint64_t id, const char *url, int64_t begin)
{
    const struct trace_transfer x = {.id = id,
                                     .url = url,
                                     .begin = begin,
                                     .duration = 5000000,
                                     .status = 200,
                                     .received = 12345678901,
                                     .phases = {1000000, 2000000, 0, 3000000}};
    trace_transferred(t, &x);
}

/* One event of each kind. */
static void record_all(struct trace_recorder *t, int64_t begin)
{
    trace_turn(t, TRACE_SERVE, begin);
    trace_message(t, TRACE_SENT, 1, 300, begin);
    trace_message(t, TRACE_SENT, 1, 301, begin);
    trace_message(t, TRACE_RECEIVED, 1, 77, begin);
    transfer(t, UINT64_MAX, "http://a/", begin);
    trace_computed(t, 7, "http://b/", 2, begin + 1, 3);
    trace_depths(t, TRACE_DEPTHS, (const uint32_t[]){4, 5, 6, 0});
    trace_depths(t, TRACE_DEALER, (const uint32_t[]){8, 9, 0, 0});
}

static void take_one(struct trace_recorder *t, struct buffer *piece)
{
    buffer_init(piece, TRACE_PIECE_BYTES);
    CU_ASSERT_TRUE_FATAL(trace_take(t, piece));
}

static void what_is_recorded_is_read(void)
{
    struct trace_recorder *t = recorder(0, 2, -5, TRACE_RANK_BYTES);
    int64_t begin = evloop_now() - SECOND;
    struct trace_event e;
    struct trace_reader r;
    struct buffer piece;
    const char *text;
    record_all(t, begin);
    trace_message(t, TRACE_SENT, 0, 300, begin);                   /* to itself: no event */
    trace_depths(t, TRACE_DEPTHS, (const uint32_t[]){4, 5, 6, 0}); /* as before */
    trace_turn(t, TRACE_SERVE, evloop_now() + SECOND);             /* it took no time */
    take_one(t, &piece);
    trace_depths(t, TRACE_DEPTHS, (const uint32_t[]){0, 0, 0, 0}); /* too late */
    CU_ASSERT_FALSE(trace_take(t, &piece));
    trace_read_begin(&r, piece.data, piece.len, 2);
    static const enum trace_kind kinds[] = {TRACE_RANK,     TRACE_SERVE,  TRACE_SENT,     TRACE_SENT,
                                            TRACE_RECEIVED, TRACE_PHASES, TRACE_TRANSFER, TRACE_KERNEL,
                                            TRACE_DEPTHS,   TRACE_DEALER};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        CU_ASSERT_TRUE_FATAL(trace_read(&r, &e, &text));
        CU_ASSERT_EQUAL_FATAL(e.kind, kinds[i]);
        switch (i) {
        case 0:
            CU_ASSERT_STRING_EQUAL(text, "host");
            CU_ASSERT_EQUAL(e.begin, -5);
            CU_ASSERT_EQUAL(e.duration, 70);
            CU_ASSERT_EQUAL(e.code, 2);
            CU_ASSERT_EQUAL(e.id, 0);
            break;
        case 1:
            CU_ASSERT_EQUAL(e.begin, begin);
            CU_ASSERT_TRUE(e.duration >= SECOND && e.duration < 60ll * SECOND);
            break;
        case 3:
            CU_ASSERT_EQUAL(e.id, trace_batch(1, 301));
            CU_ASSERT_EQUAL(e.text, 1);
            break;
        case 4:
            CU_ASSERT_EQUAL(e.id, trace_batch(0, 77));
            break;
        case 5:
            CU_ASSERT_EQUAL(e.received, 12345678901);
            CU_ASSERT_EQUAL(e.until[TRACE_CONNECTED], 2000);
            CU_ASSERT_EQUAL(e.until[TRACE_SECURED], 0);
            break;
        case 6:
            CU_ASSERT_STRING_EQUAL(text, "http://a/");
            CU_ASSERT_EQUAL(e.id, UINT64_MAX);
            CU_ASSERT_EQUAL(e.code, 200);
            CU_ASSERT_EQUAL(e.duration, 5000000);
            break;
        case 7:
            CU_ASSERT_STRING_EQUAL(text, "http://b/");
            CU_ASSERT_EQUAL(e.begin, begin + 1);
            CU_ASSERT_EQUAL(e.code, 2);
            break;
        case 8:
            CU_ASSERT_EQUAL(e.depths[2], 6);
            break;
        default:
            break;
        }
    }
    CU_ASSERT_FALSE(trace_read(&r, &e, &text));
    CU_ASSERT_FALSE(r.bad);
    buffer_free(&piece);
    trace_free(t);
}

static void memory_has_an_end(void)
{
    enum { RECORDED = 20000 };
    struct trace_recorder *t = recorder(0, 1, 0, 3 * TRACE_PIECE_BYTES);
    struct trace_event e;
    struct trace_reader r;
    struct buffer piece;
    const char *text;
    char url[1000];
    uint64_t pieces = 0, read = 0, left_out = 0, next = 0;
    memset(url, 'x', sizeof url - 1);
    url[sizeof url - 1] = '\0';
    for (uint64_t i = 0; i < RECORDED; i++)
        trace_computed(t, i, i % 2 ? "short" : url, 1, (int64_t)i, 1);
    buffer_init(&piece, TRACE_PIECE_BYTES);
    for (; trace_take(t, &piece); buffer_reset(&piece), pieces++) {
        trace_read_begin(&r, piece.data, piece.len, 1);
        while (trace_read(&r, &e, &text)) {
            if (e.kind == TRACE_RANK) {
                left_out = e.id;
                continue;
            }
            CU_ASSERT_EQUAL_FATAL(e.id, next++); /* in order, and the first ones */
            CU_ASSERT_EQUAL(strlen(text), e.id % 2 ? 5 : TRACE_TEXT_BYTES);
            read++;
        }
        CU_ASSERT_FALSE(r.bad);
    }
    CU_ASSERT_EQUAL(pieces, 3);
    CU_ASSERT_TRUE(left_out > 0);
    CU_ASSERT_EQUAL(read + left_out, RECORDED);
    buffer_free(&piece);
    trace_free(t);
}

static void nothing_is_recorded_without_a_recorder(void)
{
    struct buffer piece;
    buffer_init(&piece, TRACE_PIECE_BYTES);
    record_all(NULL, 1);
    CU_ASSERT_EQUAL(trace_now(NULL), 0);
    CU_ASSERT_FALSE(trace_take(NULL, &piece));
    trace_free(NULL);
    buffer_free(&piece);
}

/* ------------------------------------------------------------------ what may come over the wire */

/* Reads a copy in memory of its own, so that AddressSanitizer sees a read past the end. */
static size_t read_copy(const void *piece, size_t len, size_t flipped_bit, bool *bad)
{
    struct trace_event e;
    struct trace_reader r;
    const char *text;
    size_t n = 0;
    char *copy = malloc(len ? len : 1);
    memcpy(copy, piece, len);
    if (flipped_bit / 8 < len)
        copy[flipped_bit / 8] = (char)(copy[flipped_bit / 8] ^ (1 << flipped_bit % 8));
    trace_read_begin(&r, copy, len, 2);
    while (trace_read(&r, &e, &text)) {
        CU_ASSERT_TRUE(strlen(text) <= TRACE_TEXT_BYTES);
        n++;
    }
    *bad = r.bad;
    free(copy);
    return n;
}

static void cut_and_flipped_pieces_do_no_harm(void)
{
    struct trace_recorder *t = recorder(0, 2, 0, TRACE_RANK_BYTES);
    struct buffer piece;
    bool bad;
    record_all(t, evloop_now() - SECOND);
    take_one(t, &piece);
    CU_ASSERT_EQUAL(read_copy(piece.data, piece.len, SIZE_MAX, &bad), 10);
    CU_ASSERT_FALSE(bad);
    for (size_t len = 0; len < piece.len; len++) {
        size_t n = read_copy(piece.data, len, SIZE_MAX, &bad);
        CU_ASSERT_TRUE(bad || n == 10); /* only texts were cut away, and at an end of one */
    }
    size_t refused = 0;
    for (size_t bit = 0; bit < 8 * piece.len; bit++) {
        read_copy(piece.data, piece.len, bit, &bad);
        refused += bad;
    }
    CU_ASSERT_TRUE(refused > 64); /* at least whatever is done to the header */
    buffer_free(&piece);
    trace_free(t);
}

static void nonsense_is_refused(void)
{
    const struct trace_event table[] = {
        {.kind = 0},
        {.kind = TRACE_KINDS},
        {.kind = TRACE_SERVE, .duration = -1},
        {.kind = TRACE_SERVE, .begin = INT64_MAX},
        {.kind = TRACE_SERVE, .begin = INT64_MIN},
        {.kind = TRACE_SENT, .text = 2},
        {.kind = TRACE_TRANSFER, .code = TRACE_DROPPED + 1},
        {.kind = TRACE_TRANSFER, .text = 1000},
        {.kind = TRACE_DEPTHS, .at = INT64_MAX},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct trace_recorder *t = recorder(0, 2, 0, TRACE_RANK_BYTES);
        struct buffer piece;
        bool bad;
        trace_turn(t, TRACE_DEAL, 1);
        take_one(t, &piece);
        CU_ASSERT_EQUAL(read_copy(piece.data, piece.len, SIZE_MAX, &bad), 2);
        memcpy(piece.data + 8 + sizeof *table, &table[i], sizeof *table);
        CU_ASSERT_EQUAL(read_copy(piece.data, piece.len, SIZE_MAX, &bad), 1);
        if (!bad)
            printf("\n    not refused: row %zu\n", i);
        CU_ASSERT_TRUE(bad);
        buffer_free(&piece);
        trace_free(t);
    }
}

/* ------------------------------------------------------------------ the file */

struct file {
    char path[64];
    struct trace_out *out;
};

static void open_file(struct file *f, uint32_t ranks, const char *ending)
{
    const struct trace_job job = {.strategy = "hybrid", .ranks = ranks, .threads = 2};
    char error[512] = "";
    snprintf(f->path, sizeof f->path, "/tmp/millrace-trace-XXXXXX%s", ending);
    int fd = mkstemps(f->path, (int)strlen(ending));
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    close(fd);
    f->out = trace_out_open(f->path, &job, error, sizeof error);
    if (!f->out)
        printf("\n    %s\n", error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->out);
}

static bool give(struct file *f, uint32_t rank, struct trace_recorder *t)
{
    struct buffer piece;
    bool ok = true;
    buffer_init(&piece, TRACE_PIECE_BYTES);
    for (; trace_take(t, &piece); buffer_reset(&piece))
        ok = trace_out_take(f->out, rank, piece.data, piece.len) && ok;
    buffer_free(&piece);
    trace_free(t);
    return ok;
}

static void end_file(struct file *f)
{
    char error[512] = "";
    uint64_t left_out = 1;
    CU_ASSERT_TRUE(trace_out_end(f->out, &left_out, error, sizeof error));
    CU_ASSERT_EQUAL(left_out, 0);
    if (*error)
        printf("\n    %s\n", error);
    trace_out_free(f->out);
}

/* The events of the file with this phase and, unless NULL, this name. */
static size_t find(const json_t *whole, const char *phase, const char *name, const json_t **last)
{
    size_t index, n = 0;
    json_t *event;
    json_array_foreach(json_object_get(whole, "traceEvents"), index, event)
    {
        const char *is = json_string_value(json_object_get(event, "name"));
        if (strcmp(json_string_value(json_object_get(event, "ph")), phase) == 0 &&
            (!name || strcmp(is, name) == 0)) {
            *last = event;
            n++;
        }
    }
    return n;
}

static json_t *load(const struct file *f)
{
    json_error_t problem;
    json_t *whole = json_load_file(f->path, JSON_REJECT_DUPLICATES, &problem);
    if (!whole)
        printf("\n    line %d: %s\n", problem.line, problem.text);
    unlink(f->path);
    return whole;
}

static void hostile_texts_stay_texts(void)
{
    static const char *const urls[] = {"http://h/\"},{\"ph\":\"X\",\"x\":\"",
                                       "http://h/\\",
                                       "http://h/\x01\x1f\x7f\n",
                                       "http://h/\xff\xfe\xc3",
                                       "</script><script>alert(1)</script>",
                                       ""};
    static const char *const read_as[] = {"http://h/\"},{\"ph\":\"X\",\"x\":\"",
                                          "http://h/\\",
                                          "http://h/\x01\x1f\x7f\n",
                                          "http://h/\uFFFD\uFFFD\uFFFD",
                                          "</script><script>alert(1)</script>",
                                          ""};
    struct file f;
    open_file(&f, 1, ".json");
    struct trace_recorder *t = recorder(0, 1, 0, TRACE_RANK_BYTES);
    for (uint64_t i = 0; i < 6; i++) {
        transfer(t, i, urls[i], evloop_now());
        trace_computed(t, i, urls[i], 1, evloop_now(), 10);
    }
    CU_ASSERT_TRUE(give(&f, 0, t));
    end_file(&f);
    json_t *whole = load(&f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    const json_t *event;
    CU_ASSERT_EQUAL(find(whole, "b", "transfer", &event), 6);
    CU_ASSERT_EQUAL(find(whole, "X", NULL, &event), 6);
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_TRUE(find(whole, "X", read_as[i], &event) == 1);
    json_decref(whole);
}

static void ranks_are_put_on_one_clock(void)
{
    struct file f;
    open_file(&f, 2, ".json");
    int64_t now = evloop_now(), ahead = INT64_C(1000) * SECOND;
    struct trace_recorder *zero = recorder(0, 2, 0, TRACE_RANK_BYTES),
                          *one = recorder(1, 2, ahead, TRACE_RANK_BYTES);
    trace_computed(zero, 0, "zero", 1, now + 5 * (int64_t)SECOND, SECOND);
    trace_computed(one, 1, "one", 1, now + ahead + 5 * (int64_t)SECOND, SECOND);
    trace_computed(one, 2, "early", 1, now + ahead - SECOND, 3 * (int64_t)SECOND);
    CU_ASSERT_TRUE(give(&f, 1, one));
    CU_ASSERT_TRUE(give(&f, 0, zero));
    end_file(&f);
    json_t *whole = load(&f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    const json_t *a = NULL, *b = NULL, *early = NULL;
    CU_ASSERT_EQUAL_FATAL(find(whole, "X", "zero", &a), 1);
    CU_ASSERT_EQUAL_FATAL(find(whole, "X", "one", &b), 1);
    CU_ASSERT_EQUAL_FATAL(find(whole, "X", "early", &early), 1);
    CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(a, "ts")),
                           json_real_value(json_object_get(b, "ts")), 0.01);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(b, "pid")), 1);
    /* What seems to have begun before the job begins with it, and ends when it did. */
    CU_ASSERT_EQUAL(json_real_value(json_object_get(early, "ts")), 0.0);
    double end = json_real_value(json_object_get(early, "dur"));
    CU_ASSERT_TRUE(end > 1.9e6 && end < 2.1e6);
    json_decref(whole);
}

static void ranks_introduce_themselves_once(void)
{
    struct file f;
    struct trace_recorder *t = recorder(0, 2, 0, TRACE_RANK_BYTES);
    struct buffer piece;
    char error[512];
    uint64_t left_out;
    open_file(&f, 2, ".json");
    for (int i = 0; i < 20000; i++)
        trace_computed(t, 1, "x", 1, 1, 1);
    take_one(t, &piece);
    CU_ASSERT_TRUE(trace_out_take(f.out, 0, piece.data, piece.len));
    CU_ASSERT_FALSE(trace_out_take(f.out, 0, piece.data, piece.len));
    buffer_reset(&piece);
    CU_ASSERT_TRUE_FATAL(trace_take(t, &piece));
    CU_ASSERT_FALSE(trace_out_take(f.out, 1, piece.data, piece.len)); /* of whom nothing is known */
    CU_ASSERT_TRUE(trace_out_take(f.out, 0, piece.data, piece.len));
    buffer_reset(&piece);
    struct trace_recorder *other = recorder(1, 2, 0, TRACE_RANK_BYTES);
    trace_computed(other, 1, "x", 3, 1, 1); /* on a thread that it says it does not have */
    CU_ASSERT_TRUE_FATAL(trace_take(other, &piece));
    CU_ASSERT_FALSE(trace_out_take(f.out, 1, piece.data, piece.len));
    trace_free(other);
    CU_ASSERT_TRUE(trace_out_end(f.out, &left_out, error, sizeof error));
    trace_out_free(f.out);
    json_decref(load(&f));
    buffer_free(&piece);
    trace_free(t);
}

static void full_disks_are_told_of(void)
{
    const struct trace_job job = {.strategy = "hybrid", .ranks = 1, .threads = 2};
    char error[512] = "";
    uint64_t left_out;
    struct file f = {.out = trace_out_open("/dev/full", &job, error, sizeof error)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(f.out);
    give(&f, 0, recorder(0, 1, 0, TRACE_RANK_BYTES));
    CU_ASSERT_FALSE(trace_out_end(f.out, &left_out, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "/dev/full"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "No space left"));
    trace_out_free(f.out);
    CU_ASSERT_PTR_NULL(trace_out_open("/nowhere/t.json", &job, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "/nowhere/t.json"));
}

/* ------------------------------------------------------------------ the picture */

static void strings_of_gnuplot_end_where_they_end(void)
{
    struct buffer b;
    buffer_init(&b, 1000);
    CU_ASSERT_TRUE(gnuplot_string(&b, "it's\n';system('x')\\"));
    CU_ASSERT_STRING_EQUAL(b.data, "'it''s '';system(''x'')\\'");
    buffer_free(&b);
}

/* Draws `n` transfers at a time, on `ranks` ranks; the length of the file. */
static long draw(uint32_t ranks, int n)
{
    struct file f;
    char text[16] = "";
    open_file(&f, ranks, ".SVG");
    for (uint32_t rank = 0; rank < ranks; rank++) {
        struct trace_recorder *t = recorder(rank, ranks, 0, TRACE_RANK_BYTES);
        for (int i = 0; i < n; i++) {
            transfer(t, (uint64_t)i, "http://h/", evloop_now());
            trace_computed(t, 7, "http://b/", (unsigned)i % 3, evloop_now() + i * INT64_C(2000), 1000);
        }
        CU_ASSERT_TRUE(give(&f, rank, t));
    }
    end_file(&f);
    FILE *in = fopen(f.path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    CU_ASSERT_PTR_NOT_NULL(fgets(text, 6, in));
    CU_ASSERT_STRING_EQUAL(text, "<?xml");
    fseek(in, -9, SEEK_END);
    long length = ftell(in) + 9;
    memset(text, 0, sizeof text);
    CU_ASSERT_TRUE(fread(text, 1, 9, in) > 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "</svg>"));
    fclose(in);
    unlink(f.path);
    return length;
}

static void pictures_are_drawn(void)
{
    CU_ASSERT_TRUE(draw(1, 0) > 1000);
    CU_ASSERT_TRUE(draw(2, 10) > 5000);
    CU_ASSERT_TRUE(draw(1, 20000) < 2000000); /* however many events there are */
    CU_ASSERT_TRUE(draw(20, 1) > 10000);
}

static void pictures_need_gnuplot(void)
{
    const struct trace_job job = {.strategy = "hybrid", .ranks = 1, .threads = 2};
    char error[512] = "";
    char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    setenv("PATH", "/nowhere", 1);
    CU_ASSERT_PTR_NULL(trace_out_open("/tmp/never-made.svg", &job, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "gnuplot-nox"));
    CU_ASSERT_NOT_EQUAL(access("/tmp/never-made.svg", F_OK), 0);
    setenv("PATH", path, 1);
    free(path);
    FILE *script = tmpfile(), *out = tmpfile();
    CU_ASSERT_FATAL(script && out);
    fputs("set terminal svg\nplot nonsense(\n", script);
    CU_ASSERT_FALSE(gnuplot_run(script, out, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "gnuplot: "));
    fclose(script);
    fclose(out);
}

int main(void)
{
    static const struct check checks[] = {
        {"what is recorded is read", what_is_recorded_is_read},
        {"memory has an end", memory_has_an_end},
        {"nothing is recorded without a recorder", nothing_is_recorded_without_a_recorder},
        {"cut and flipped pieces do no harm", cut_and_flipped_pieces_do_no_harm},
        {"nonsense is refused", nonsense_is_refused},
        {"hostile texts stay texts", hostile_texts_stay_texts},
        {"ranks are put on one clock", ranks_are_put_on_one_clock},
        {"ranks introduce themselves once", ranks_introduce_themselves_once},
        {"full disks are told of", full_disks_are_told_of},
        {"strings of gnuplot end where they end", strings_of_gnuplot_end_where_they_end},
        {"pictures are drawn", pictures_are_drawn},
        {"pictures need gnuplot", pictures_need_gnuplot},
        {0},
    };
    return check_run("trace", checks);
}
