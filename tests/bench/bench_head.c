/* What the job costs rank 0's core beyond its own fetching, measured on the real program's parts: the head
 * (source, dealer, wire, sink) driven by ranks that are made up here, and the MPI link between real ones.
 *
 *     bench_head                                     the head alone
 *     mpirun -n 2 bench_head link                    the link between two ranks
 *     mpirun -n 2 --mca btl self,tcp bench_head link the same over TCP
 *
 * Prints JSON: nanoseconds, of processor time except where the name says wall. tests/bench/predict.py puts
 * them together for `predict`. Not a test: figures depend on the machine.
 *
 * The head's costs come from runs of several shapes, since a turn in which k ranks report m records each
 * takes turn + scan * ranks + k * batch + k * m * record.
 */
#include "io/evloop.h"
#include "src/head.h"
#include "src/link.h"
#include "src/source_urls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PLACES = 64, ROUNDS = 7, LINK_ROUNDS = 200, LINK_BURST = 256, PAUSES = 2000 };

static int64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "bench_head: %s\n", what);
    exit(EXIT_FAILURE);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

/* What nine of ten are above: where two processes work hand in hand, one waits for the other, looking all
 * the time, whenever some third program has its core. */
static double low(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 10];
}

/* ------------------------------------------------------------------ the head */

struct shape {
    uint32_t ranks, reporting,
        each; /* of the job; that report in a turn; records that each of these reports */
};

/* What turns took on average, in ns: taking what ranks report, and the rest, which is reading and dealing. */
struct cost {
    double take, step;
};

struct bench {
    struct head *head;
    uint32_t ranks;
    struct fifo_of_tickets {
        struct wire_ticket ring[4 * PLACES];
        size_t first, n;
    } * held; /* by rank */
    struct buffer batch;
    uint64_t to_send; /* outboxes that were found not to be empty */
};

static struct source *open_source(const void *config, char *error, size_t error_size)
{
    return source_urls_open(config, error, error_size);
}

static void tell(struct bench *b, const struct wire_message *m)
{
    if (!wire_write(&b->batch, m))
        die("no memory");
}

/* What a worker says when `n` of its pages have come and were computed. */
static void make_batch(struct bench *b, uint32_t rank, uint32_t n)
{
    static const char title[] = "Tramways in the mountains";
    struct fifo_of_tickets *held = &b->held[rank];
    for (uint32_t i = 0; i < n; i++) {
        if (held->n == 0)
            die("a rank has no records");
        struct wire_ticket t = held->ring[held->first++ % (4 * PLACES)];
        held->n--;
        tell(
            b,
            &(struct wire_message){
                .kind = WIRE_FETCHED,
                .fetched = {
                    .ticket = t, .end = WIRE_GOT_BODY, .status = 200, .retry_after = -1, .received = 30000}});
        struct wire_message m = {.kind = WIRE_OUTCOME,
                                 .outcome = {.ticket = t, .status = 200, .n_values = 1}};
        m.outcome.values[0] = (struct wire_text){title, sizeof title - 1};
        tell(b, &m);
    }
    tell(b, &(struct wire_message){.kind = WIRE_ROOM, .room = n});
}

static void take_batch(struct bench *b, uint32_t rank, int64_t now)
{
    struct wire_reader reader;
    struct wire_message m;
    wire_read_begin(&reader, b->batch.data, b->batch.len);
    while (wire_read(&reader, &m))
        head_receive(b->head, now, rank, &m);
    if (reader.bad)
        die("a batch can't be read");
}

/* What is dealt to the ranks; the head's buffers go as link_send takes them. */
static void empty_outboxes(struct bench *b)
{
    for (uint32_t rank = 0; rank < b->ranks; rank++) {
        struct buffer *out = head_outbox(b->head, rank);
        if (out->len == 0)
            continue;
        struct wire_reader reader;
        struct wire_message m;
        wire_read_begin(&reader, out->data, out->len);
        while (wire_read(&reader, &m)) {
            struct fifo_of_tickets *held = &b->held[rank];
            if (m.kind != WIRE_DEAL || held->n == sizeof held->ring / sizeof *held->ring)
                die("the head has said what it should not");
            held->ring[(held->first + held->n++) % (4 * PLACES)] = m.deal.ticket;
        }
        size_t len;
        free(buffer_take(out, &len));
    }
}

static void greet(struct bench *b)
{
    for (uint32_t rank = 0; rank < b->ranks; rank++)
        head_receive(b->head, evloop_now(), rank, &(struct wire_message){.kind = WIRE_ROOM, .room = PLACES});
    for (uint32_t i = 0; i < b->ranks; i++) { /* 256 records are read in a step */
        head_step(b->head, evloop_now());
        empty_outboxes(b);
    }
}

static struct cost run_turns(struct bench *b, const struct shape *s, uint32_t turns)
{
    int64_t take = 0, step = 0, empty = 0;
    for (uint32_t turn = 0, rank = 0; turn < turns; turn++) {
        for (uint32_t k = 0; k < s->reporting; k++, rank = (rank + 1) % s->ranks) {
            make_batch(b, rank, s->each);
            int64_t begun = cpu_now();
            take_batch(b, rank, evloop_now());
            take += cpu_now() - begun;
            begun = cpu_now();
            empty += cpu_now() - begun;
            buffer_reset(&b->batch);
        }
        int64_t begun = cpu_now();
        head_step(b->head, evloop_now());
        /* As wheel.c looks for what is to be sent, twice in a turn. */
        for (uint32_t i = 0; i < 2 * s->ranks; i++)
            b->to_send += head_outbox(b->head, i % s->ranks)->len > 0;
        step += cpu_now() - begun;
        empty_outboxes(b);
    }
    double clock = (double)empty / turns;
    return (struct cost){(double)take / turns - clock, (double)step / turns - clock / s->reporting};
}

static struct cost measure_head(const struct shape *s, uint32_t turns)
{
    static const struct sink_column columns[] = {{"id", SINK_ID},
                                                 {"url", SINK_TEXT},
                                                 {"status", SINK_STATUS},
                                                 {"title", SINK_VALUE},
                                                 {"error", SINK_ERROR}};
    char input[] = "http://127.0.0.1:12345/article/[1-100000000]", error[1024];
    char *inputs[] = {input};
    const struct source_urls_config source = {.inputs = inputs, .n_inputs = 1, .repeat = 1};
    const struct head_config config = {.open_source = open_source,
                                       .source_config = &source,
                                       .output = "/dev/null",
                                       .columns = columns,
                                       .n_columns = sizeof columns / sizeof *columns,
                                       .dealer = {.window = 10000, .seed = 1},
                                       .places_per_rank = PLACES,
                                       .progress = PROGRESS_NONE};
    struct evloop *loop = evloop_new();
    struct bench b = {.ranks = s->ranks, .held = calloc(s->ranks, sizeof *b.held)};
    buffer_init(&b.batch, 1 << 24);
    b.head = loop ? head_new(&config, loop, s->ranks, error, sizeof error) : NULL;
    if (!b.head || !b.held)
        die("the head can't be made");
    greet(&b);
    run_turns(&b, s, turns / 10 + 1);
    struct cost cost = run_turns(&b, s, turns);
    head_free(b.head);
    buffer_free(&b.batch);
    free(b.held);
    evloop_free(loop);
    return cost;
}

/* No more than 256 records a turn, for so many are read in one. Medians of several measurements,
 * interleaved, since a machine's speed drifts. */
static void bench_head(void)
{
    static const struct shape shapes[] = {{1024, 32, 1}, {1024, 32, 8}, {1024, 4, 8}, {64, 4, 8}};
    enum { SHAPES = sizeof shapes / sizeof *shapes };
    double take[SHAPES][ROUNDS], step[SHAPES][ROUNDS], t[SHAPES], p[SHAPES];
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < SHAPES; i++) {
            struct cost c = measure_head(&shapes[i], 60000 / (shapes[i].reporting * shapes[i].each));
            take[i][round] = c.take;
            step[i][round] = c.step;
        }
    for (int i = 0; i < SHAPES; i++) {
        t[i] = median(take[i], ROUNDS);
        p[i] = median(step[i], ROUNDS);
    }
    double outcome = (t[1] - t[0]) / (32 * 7), deal = (p[1] - p[2]) / (28 * 8);
    double scan = (p[2] - p[3]) / (1024 - 64);
    printf("{\"outcome\": %.1f, \"deal\": %.1f, \"head_batch\": %.1f, \"scan\": %.2f, \"head_turn\": %.1f}\n",
           outcome, deal, t[0] / 32 - outcome, scan > 0 ? scan : 0, p[3] - 32 * deal - 64 * scan);
}

/* ------------------------------------------------------------------ the link */

static size_t await_batch(struct link *l)
{
    int from;
    const void *bytes;
    size_t len;
    while (!link_receive(l, &from, &bytes, &len))
        continue;
    return len;
}

static void send_batch(struct link *l, int to, size_t len)
{
    struct buffer b;
    buffer_init(&b, 1 << 24);
    char *text = calloc(1, len);
    if (!text || !buffer_add(&b, text, len) || !link_send(l, to, &b))
        die("no memory");
    free(text);
}

/* One way, wall time: half of there and back, both sides looking all the time. */
static double measure_latency(struct link *l, size_t len)
{
    double taken[LINK_ROUNDS];
    for (int i = 0; i < LINK_ROUNDS; i++) {
        int64_t begun = evloop_now();
        if (link_rank(l) == 0) {
            send_batch(l, 1, len);
            await_batch(l);
        } else {
            await_batch(l);
            send_batch(l, 0, len);
        }
        taken[i] = (double)(evloop_now() - begun) / 2;
    }
    return low(taken, LINK_ROUNDS);
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Rank 1 sends many batches, which wait until rank 0 receives them: so neither waits for the other while
 * it is timed. */
static void measure_burst(struct link *l, size_t len, double *send, double *receive)
{
    double taken[LINK_ROUNDS];
    for (int i = 0; i < LINK_ROUNDS; i++) {
        if (link_rank(l) == 0)
            sleep_ms(2);
        int64_t begun = cpu_now();
        for (int k = 0; k < LINK_BURST; k++)
            if (link_rank(l) == 1)
                send_batch(l, 0, len);
            else
                await_batch(l);
        taken[i] = (double)(cpu_now() - begun);
        if (link_rank(l) == 0)
            send_batch(l, 1, 1);
        else
            await_batch(l);
    }
    *(link_rank(l) == 1 ? send : receive) = low(taken, LINK_ROUNDS) / LINK_BURST;
}

static double measure_look(struct link *l)
{
    enum { LOOKS = 2000 };
    int from;
    const void *bytes;
    size_t len;
    int64_t begun = cpu_now();
    for (int k = 0; k < LOOKS; k++)
        if (link_receive(l, &from, &bytes, &len))
            die("a message that nobody sent");
    return (double)(cpu_now() - begun) / LOOKS;
}

/* What looking for messages costs more for each send that is under way, because its receiver does not take
 * it. */
static double measure_unsent(struct link *l)
{
    enum { UNSENT = 64 };
    double without = measure_look(l);
    for (int i = 0; i < UNSENT; i++)
        send_batch(l, 1, 1 << 20);
    return (measure_look(l) - without) / UNSENT;
}

/* A loop that looks for messages every 20 us and finds none: what it asks for, what it gets, what it
 * costs; and what a turn costs that need not sleep. */
static void measure_looks(struct link *l, double *turn, double *look, double *slack)
{
    enum { ASKED = 20000 };
    struct evloop *loop = evloop_new();
    int from;
    const void *bytes;
    size_t len;
    if (!loop)
        die("no event loop");
    int64_t begun = evloop_now(), cpu = cpu_now();
    for (int i = 0; i < PAUSES; i++) {
        evloop_wait(loop, ASKED);
        if (link_receive(l, &from, &bytes, &len))
            die("a message that nobody sent");
    }
    *look = (double)(cpu_now() - cpu) / PAUSES;
    *slack = (double)(evloop_now() - begun) / PAUSES - ASKED;
    cpu = cpu_now();
    for (int i = 0; i < PAUSES; i++) {
        evloop_wait(loop, 0);
        if (link_receive(l, &from, &bytes, &len))
            die("a message that nobody sent");
    }
    *turn = (double)(cpu_now() - cpu) / PAUSES;
    evloop_free(loop);
}

static void bench_link(int *argc, char ***argv)
{
    struct link *l = link_open(argc, argv);
    if (!l || link_size(l) != 2)
        die("mpirun -n 2, please");
    double latency = measure_latency(l, 128), large = measure_latency(l, 1 << 20);
    double send = 0, receive = 0, turn = 0, look = 0, slack = 0, unsent = 0;
    measure_burst(l, 128, &send, &receive);
    if (link_rank(l) == 0) {
        measure_looks(l, &turn, &look, &slack);
        unsent = measure_unsent(l);
        send_batch(l, 1, 1);
    } else {
        sleep_ms(900); /* while rank 0 measures */
        while (await_batch(l) > 1)
            continue;
    }
    /* Rank 1 tells what it has measured. */
    struct buffer b;
    buffer_init(&b, 64);
    if (link_rank(l) == 1 && (!buffer_add(&b, &send, sizeof send) || !link_send(l, 0, &b)))
        die("no memory");
    int from;
    const void *bytes = NULL;
    size_t len;
    while (link_rank(l) == 0 && !link_receive(l, &from, &bytes, &len))
        continue;
    if (link_rank(l) == 0) {
        memcpy(&send, bytes, sizeof send);
        printf("{\"latency_wall\": %.0f, \"send\": %.1f, \"receive\": %.1f, \"turn\": %.1f, \"look\": %.1f, "
               "\"look_slack_wall\": %.0f, "
               "\"unsent\": %.1f, \"bytes_per_ns\": %.4f}\n",
               latency, send, receive, turn, look, slack, unsent, (1 << 20) / (large - latency));
    }
    link_close(l);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "link") == 0)
        bench_link(&argc, &argv);
    else if (argc == 1)
        bench_head();
    else
        die("usage: bench_head, or mpirun -n 2 bench_head link");
    return EXIT_SUCCESS;
}
