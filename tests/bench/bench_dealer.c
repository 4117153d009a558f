/* How many records a second the dealer decides on one core, and what it allocates for each.
 *
 *     bench_dealer [MILLIONS [N]]      records per scenario, default 2 million; only the N-th scenario
 *
 * One record is dealer_add, dealer_next, dealer_fetched and dealer_outcome, in bursts as messages of ranks
 * would bring them, plus the building of its URL by the caller. Not a test: figures depend on the machine.
 */
#include "src/dealer.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct scenario {
    const char *name;
    uint32_t hosts, ranks, window, limit, places;
    int64_t delay;
    bool sorted;
};

struct flight {
    uint64_t id;
    uint32_t rank, slot;
};

enum { URL_SIZE = 64, BURST = 512 };

/* Of processor time, for the dealer never waits and other programs may be running. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* snprintf would cost more than the dealer. */
static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    int n = 0;
    do
        digits[n++] = (char)('0' + number % 10);
    while (number /= 10);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

static void make_target(struct dealer_target *target, char url[URL_SIZE], char host[URL_SIZE], uint64_t id,
                        uint64_t h)
{
    char *end = put_number((char *)memcpy(host, "https://www.host", 16) + 16, h);
    memcpy(end, ".org", 5);
    memcpy(url, host, (size_t)(end - host) + 4);
    end = put_number((char *)memcpy(url + (end - host) + 4, "/page/", 6) + 6, id);
    *end = '\0';
    memcpy(host + strlen(host), ":443", 5);
    target->url = url;
    target->host = host;
}

static uint64_t host_of(const struct scenario *s, uint64_t id, uint64_t records)
{
    return s->sorted ? id * s->hosts / records : id * UINT64_C(0x9e3779b97f4a7c15) % s->hosts;
}

static uint64_t fill(struct dealer *d, const struct scenario *s, int64_t now, uint64_t next, uint64_t records)
{
    char url[URL_SIZE], host[URL_SIZE];
    struct dealer_target target = {.max_in_flight = s->limit};
    while (next < records && dealer_wants(d) > 0) {
        make_target(&target, url, host, next, host_of(s, next, records));
        if (!dealer_add(d, now, next, &target, NULL))
            break;
        next++;
    }
    return next;
}

static void end_flight(struct dealer *d, int64_t now, const struct flight *f)
{
    static const struct dealer_fetch body = {.kind = DEALER_GOT_BODY, .status = 200, .retry_after = -1};
    const struct dealer_record *record;
    if (dealer_fetched(d, now, f->rank, f->slot, f->id, &body, &record) != DEALER_AWAIT ||
        !dealer_outcome(d, now, f->rank, f->slot, f->id) || !dealer_room(d, f->rank, 1)) {
        fprintf(stderr, "the dealer refused an event\n");
        exit(EXIT_FAILURE);
    }
}

/* Fetches end in the order they began, BURST at a time, whenever nothing can be dealt. */
static double run(const struct scenario *s, uint64_t records)
{
    struct dealer_config config = {.ranks = s->ranks, .window = s->window, .delay = s->delay, .seed = 1};
    struct dealer *d = dealer_new(&config);
    size_t size = (size_t)s->ranks * s->places;
    struct flight *flights = calloc(size, sizeof *flights);
    if (!d || !flights)
        exit(EXIT_FAILURE);
    for (uint32_t rank = 0; rank < s->ranks; rank++)
        if (!dealer_room(d, rank, s->places))
            exit(EXIT_FAILURE);
    uint64_t next = 0, begun = 0, ended = 0;
    int64_t now = 0;
    double started = seconds();
    while (ended < records) {
        struct dealer_deal deal;
        next = fill(d, s, now, next, records);
        while (dealer_next(d, now, &deal))
            flights[begun++ % size] = (struct flight){deal.record->id, deal.rank, deal.slot};
        if (begun == ended)
            now = dealer_wake(d);
        now += 100000;
        for (int i = 0; i < BURST && ended < begun; i++)
            end_flight(d, now, &flights[ended++ % size]);
    }
    double taken = seconds() - started;
    dealer_free(d, NULL);
    free(flights);
    return (double)records / taken;
}

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* What n pending records on so many hosts take, in bytes: as the dealer counts, and as malloc does. */
struct weight {
    size_t counted, measured;
    size_t urls; /* their characters */
    uint32_t hosts;
};

static struct weight weigh(uint32_t n, uint32_t hosts)
{
    struct dealer_config config = {.ranks = 1, .window = n, .delay = 1000, .seed = 1};
    struct scenario s = {.hosts = hosts};
    struct weight w = {0};
    size_t before = in_use();
    struct dealer *d = dealer_new(&config);
    if (!d || fill(d, &s, 0, 0, n) != n)
        exit(EXIT_FAILURE);
    struct dealer_stats stats;
    dealer_stats(d, &stats);
    w.counted = stats.bytes;
    w.measured = in_use() - before;
    w.hosts = stats.hosts;
    dealer_free(d, NULL);
    for (uint64_t id = 0; id < n; id++) {
        char url[URL_SIZE], host[URL_SIZE];
        struct dealer_target target;
        make_target(&target, url, host, id, host_of(&s, id, n));
        w.urls += strlen(url);
    }
    return w;
}

/* The hosts' weight is what a job of many hosts takes more than one of a single host. */
static void print_weights(uint32_t n)
{
    struct weight one = weigh(n, 1), many = weigh(n, n);
    double record = ((double)one.counted - (double)one.urls) / n;
    double host = ((double)many.counted - (double)many.urls - record * n) / many.hosts;
    printf("%u records: %.1f bytes each + URL (counted %zu, malloc says %zu)\n", n, record, one.counted,
           one.measured);
    printf("%u hosts: %.1f bytes each (with their records counted %zu, malloc says %zu)\n", many.hosts, host,
           many.counted, many.measured);
}

int main(int argc, char **argv)
{
    double millions = argc > 1 ? strtod(argv[1], NULL) : 2;
    size_t only = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    static const struct scenario scenarios[] = {
        {"1 host, 1 rank", 1, 1, 10000, 0, 1000, 0, false},
        {"1 host, 1,000 ranks", 1, 1000, 100000, 0, 64, 0, false},
        {"1,000 hosts, 1,000 ranks", 1000, 1000, 100000, 8, 64, 0, false},
        {"1,000 hosts, sorted list", 1000, 1000, 100000, 0, 64, 0, true},
        {"100,000 hosts, limit 2, delay", 100000, 1000, 200000, 2, 64, 1000000, false},
        {"100,000 hosts, no delay", 100000, 1000, 200000, 8, 64, 0, false},
    };
    if (!(millions > 0 && millions < 1e6))
        return 2;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (only > 0 && i + 1 != only)
            continue;
        double rate = run(&scenarios[i], (uint64_t)(millions * 1e6));
        printf("%-32s %6.2f million records/s\n", scenarios[i].name, rate / 1e6);
        fflush(stdout);
    }
    if (only > 0)
        return EXIT_SUCCESS;
    print_weights(100000);
    print_weights(1000000);
    return EXIT_SUCCESS;
}
