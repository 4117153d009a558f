/* Every rule of src/dealer.h in a scenario made by hand. Whole jobs are simulated by sim_dealer. */
#include "src/dealer.h"
#include "src/siphash.h"
#include "src/timer_heap.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

static const int64_t MS = 1000000, SECOND = 1000000000;

enum { NO_LIMIT = 0 };

/* Two ranks, quick to retry; each scenario changes what it is about. */
static struct dealer_config usual(void)
{
    return (struct dealer_config){.ranks = 2,
                                  .window = 100,
                                  .retries = 3,
                                  .max_redirects = 3,
                                  .backoff_base = SECOND,
                                  .backoff_max = 10 * SECOND,
                                  .max_wait = 60 * SECOND,
                                  .seed = 1};
}

/* A dealer whose ranks have `places` each. */
static struct dealer *start(struct dealer_config config, uint32_t places)
{
    struct dealer *d = dealer_new(&config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (uint32_t rank = 0; rank < config.ranks; rank++)
        CU_ASSERT_TRUE(dealer_room(d, rank, places));
    return d;
}

static void add(struct dealer *d, uint64_t id, const char *host, uint32_t limit)
{
    char url[64];
    snprintf(url, sizeof url, "%s/%llu", host, (unsigned long long)id);
    struct dealer_target target = {url, host, limit};
    CU_ASSERT_TRUE_FATAL(dealer_add(d, 0, id, &target, NULL));
}

static void add_many(struct dealer *d, uint64_t from, uint64_t to, const char *host, uint32_t limit)
{
    for (uint64_t id = from; id <= to; id++)
        add(d, id, host, limit);
}

/* The next deal at that time, which there must be. */
static struct dealer_deal take(struct dealer *d, int64_t now)
{
    struct dealer_deal deal = {0};
    CU_ASSERT_TRUE_FATAL(dealer_next(d, now, &deal));
    return deal;
}

static uint64_t take_id(struct dealer *d, int64_t now)
{
    return take(d, now).record->id;
}

static bool nothing_at(struct dealer *d, int64_t now)
{
    struct dealer_deal deal;
    return !dealer_next(d, now, &deal);
}

/* The end of a fetch of record `id`. */
static enum dealer_verdict end(struct dealer *d, int64_t now, struct dealer_deal deal, uint64_t id,
                               struct dealer_fetch fetch)
{
    const struct dealer_record *record = NULL;
    enum dealer_verdict verdict = dealer_fetched(d, now, deal.rank, deal.slot, id, &fetch, &record);
    CU_ASSERT_TRUE(record && record->id == id);
    return verdict;
}

static struct dealer_fetch status(uint32_t code, int64_t retry_after)
{
    return (struct dealer_fetch){.kind = DEALER_GOT_STATUS, .status = code, .retry_after = retry_after};
}

static const struct dealer_fetch body = {.kind = DEALER_GOT_BODY, .status = 200, .retry_after = -1};
static const struct dealer_fetch nothing = {.kind = DEALER_GOT_NOTHING, .retry_after = -1};
static const struct dealer_fetch refusal = {.kind = DEALER_GOT_REFUSAL, .retry_after = -1};

static struct dealer_stats stats_of(const struct dealer *d)
{
    struct dealer_stats stats;
    dealer_stats(d, &stats);
    return stats;
}

static void one_record_lives_and_ends(void)
{
    struct dealer *d = start(usual(), 1);
    char url[] = "http://a/x", host[] = "http://a:80", extra;
    struct dealer_target target = {url, host, 2};
    CU_ASSERT_TRUE(dealer_add(d, 0, 7, &target, &extra));
    url[0] = host[0] = '!'; /* they were copied */
    CU_ASSERT_FALSE(dealer_done(d));
    struct dealer_deal deal = take(d, 5);
    CU_ASSERT_EQUAL(deal.record->id, 7);
    CU_ASSERT_STRING_EQUAL(deal.record->url, "http://a/x");
    CU_ASSERT_STRING_EQUAL(deal.record->fetching, "http://a/x");
    CU_ASSERT_EQUAL(deal.record->tries, 1);
    CU_ASSERT_PTR_EQUAL(deal.record->extra, &extra);
    CU_ASSERT_EQUAL(end(d, 6, deal, 7, body), DEALER_AWAIT);
    dealer_close(d);
    CU_ASSERT_FALSE(dealer_done(d));
    const struct dealer_record *record = dealer_outcome(d, 7, deal.rank, deal.slot, 7);
    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    CU_ASSERT_STRING_EQUAL(record->url, "http://a/x");
    CU_ASSERT_PTR_EQUAL(record->extra, &extra);
    CU_ASSERT_TRUE(dealer_done(d));
    CU_ASSERT_EQUAL(dealer_wants(d), 0);
    CU_ASSERT_EQUAL(stats_of(d).ended, 1);
    CU_ASSERT_EQUAL(stats_of(d).hosts, 0);
    dealer_free(d, NULL);
}

static void nonsense_is_refused(void)
{
    struct dealer_config bad[6];
    for (size_t i = 0; i < 6; i++)
        bad[i] = usual();
    bad[0].ranks = 0;
    bad[1].window = 0;
    bad[2].delay = -1;
    bad[3].backoff_base = -1;
    bad[4].backoff_max = -1;
    bad[5].max_wait = -1;
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_PTR_NULL(dealer_new(&bad[i]));
    dealer_free(NULL, NULL);
}

static void the_window_bounds_what_is_held(void)
{
    struct dealer_config config = usual();
    config.window = 3;
    struct dealer *d = start(config, 10);
    struct dealer_target target = {"http://a/", "http://a:80", NO_LIMIT};
    CU_ASSERT_EQUAL(dealer_wants(d), 3);
    add_many(d, 0, 2, "http://a:80", NO_LIMIT);
    CU_ASSERT_EQUAL(dealer_wants(d), 0);
    CU_ASSERT_FALSE(dealer_add(d, 0, 3, &target, NULL));
    struct dealer_deal deal = take(d, 0);
    CU_ASSERT_EQUAL(end(d, 0, deal, 0, body), DEALER_AWAIT);
    CU_ASSERT_EQUAL(dealer_wants(d), 0);
    CU_ASSERT_PTR_NOT_NULL(dealer_outcome(d, 0, deal.rank, deal.slot, 0));
    CU_ASSERT_EQUAL(dealer_wants(d), 1);
    dealer_close(d);
    CU_ASSERT_EQUAL(dealer_wants(d), 0);
    CU_ASSERT_FALSE(dealer_add(d, 0, 3, &target, NULL));
    dealer_free(d, NULL);
}

static void room_is_counted_by_rank(void)
{
    struct dealer *d = start(usual(), 0);
    add_many(d, 0, 9, "http://a:80", NO_LIMIT);
    CU_ASSERT_TRUE(nothing_at(d, 0));
    CU_ASSERT_EQUAL(dealer_wake(d), DEALER_NEVER);
    CU_ASSERT_TRUE(dealer_room(d, 1, 1));
    CU_ASSERT_EQUAL(dealer_wake(d), 0);
    CU_ASSERT_EQUAL(take(d, 0).rank, 1);
    CU_ASSERT_TRUE(nothing_at(d, 0));
    CU_ASSERT_TRUE(dealer_room(d, 0, 2));
    CU_ASSERT_TRUE(dealer_room(d, 1, 1));
    CU_ASSERT_EQUAL(take(d, 0).rank, 0); /* by turns */
    CU_ASSERT_EQUAL(take(d, 0).rank, 1);
    CU_ASSERT_EQUAL(take(d, 0).rank, 0);
    CU_ASSERT_TRUE(nothing_at(d, 0));
    CU_ASSERT_FALSE(dealer_room(d, 2, 1));
    CU_ASSERT_FALSE(dealer_room(d, UINT32_MAX, 1));
    CU_ASSERT_TRUE(dealer_room(d, 0, DEALER_MAX_ROOM));
    CU_ASSERT_FALSE(dealer_room(d, 0, 1));
    CU_ASSERT_FALSE(dealer_room(d, 1, UINT32_MAX));
    dealer_free(d, NULL);
}

static void the_limit_is_of_the_host_over_all_ranks(void)
{
    struct dealer *d = start(usual(), 10);
    add_many(d, 0, 4, "http://a:80", 2);
    add(d, 5, "http://b:80", 2);
    struct dealer_deal first = take(d, 0);
    CU_ASSERT_EQUAL(take_id(d, 0), 5);
    CU_ASSERT_EQUAL(take_id(d, 0), 1);
    CU_ASSERT_TRUE(nothing_at(d, 100 * SECOND));
    CU_ASSERT_EQUAL(dealer_wake(d), DEALER_NEVER);
    CU_ASSERT_EQUAL(end(d, 100 * SECOND, first, 0, body),
                    DEALER_AWAIT); /* the slot is free, its kernel runs */
    CU_ASSERT_EQUAL(take_id(d, 100 * SECOND), 2);
    CU_ASSERT_TRUE(nothing_at(d, 100 * SECOND));
    dealer_free(d, NULL);
}

static void starts_keep_their_delay(void)
{
    struct dealer_config config = usual();
    config.delay = 100 * MS;
    struct dealer *d = start(config, 10);
    add_many(d, 0, 2, "http://a:80", NO_LIMIT);
    struct dealer_deal deal = take(d, 50);
    CU_ASSERT_TRUE(nothing_at(d, 50));
    CU_ASSERT_EQUAL(dealer_wake(d), 50 + 100 * MS);
    CU_ASSERT_TRUE(nothing_at(d, 49 + 100 * MS));
    CU_ASSERT_EQUAL(take_id(d, 50 + 100 * MS), 1);
    CU_ASSERT_EQUAL(end(d, 51 + 100 * MS, deal, 0, status(500, 0)),
                    DEALER_AGAIN); /* at once, but for the delay */
    CU_ASSERT_TRUE(nothing_at(d, 49 + 200 * MS));
    CU_ASSERT_EQUAL(take_id(d, 50 + 200 * MS), 0);
    dealer_free(d, NULL);
}

/* Nothing can be dealt now: waits for the next deal as dealer_wake says, and returns its time. */
static int64_t next_start(struct dealer *d, int64_t now, struct dealer_deal *deal)
{
    CU_ASSERT_TRUE(nothing_at(d, now));
    do {
        int64_t wake = dealer_wake(d);
        CU_ASSERT_TRUE_FATAL(wake > now && wake < DEALER_NEVER);
        CU_ASSERT_TRUE(nothing_at(d, wake - 1));
        now = wake;
    } while (!dealer_next(d, now, deal));
    return now;
}

static void retries_back_off_with_jitter(void)
{
    static const int64_t longest[] = {1, 2, 4, 8, 10, 10};
    double least[6] = {9, 9, 9, 9, 9, 9}, most[6] = {0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct dealer_config config = usual();
        config.seed = seed;
        config.retries = 6;
        struct dealer *d = start(config, 100);
        add(d, 0, "http://a:80", 1);
        int64_t now = 0;
        struct dealer_deal deal = take(d, now);
        for (uint32_t k = 0; k < 6; k++) {
            CU_ASSERT_EQUAL(end(d, now, deal, 0, k % 2 ? status(500, -1) : nothing), DEALER_AGAIN);
            int64_t then = next_start(d, now, &deal);
            double share = (double)(then - now) / (double)(longest[k] * SECOND);
            least[k] = share < least[k] ? share : least[k];
            most[k] = share > most[k] ? share : most[k];
            now = then;
            CU_ASSERT_EQUAL(stats_of(d).fetching, 1);
        }
        CU_ASSERT_EQUAL(end(d, now, deal, 0, nothing), DEALER_FAILED);
        CU_ASSERT_EQUAL(stats_of(d).retries, 6);
        dealer_free(d, NULL);
    }
    for (uint32_t k = 0; k < 6; k++) {
        CU_ASSERT_TRUE(least[k] >= 0.5 && least[k] < 0.52);
        CU_ASSERT_TRUE(most[k] < 1 && most[k] > 0.98);
    }
}

static void extreme_times_do_not_overflow(void)
{
    struct dealer_config config = usual();
    config.backoff_base = config.backoff_max = config.max_wait = INT64_MAX;
    config.retries = UINT32_MAX;
    config.delay = INT64_MAX;
    struct dealer *d = start(config, 10);
    add_many(d, 0, 1, "http://a:80", NO_LIMIT);
    add(d, 2, "http://b:80", NO_LIMIT);
    struct dealer_deal a = take(d, 1), b = take(d, 1);
    CU_ASSERT_EQUAL(end(d, INT64_MAX - 5, a, 0, status(429, INT64_MAX)), DEALER_AGAIN);
    CU_ASSERT_EQUAL(end(d, INT64_MAX - 5, b, 2, status(503, -1)), DEALER_AGAIN);
    CU_ASSERT_EQUAL(dealer_wake(d), DEALER_NEVER);
    dealer_free(d, NULL);
}

static void only_some_ends_are_worth_a_retry(void)
{
    static const struct {
        uint32_t status;
        enum dealer_verdict verdict;
    } table[] = {{408, DEALER_AGAIN},  {429, DEALER_AGAIN},  {500, DEALER_AGAIN},  {501, DEALER_AGAIN},
                 {502, DEALER_AGAIN},  {503, DEALER_AGAIN},  {504, DEALER_AGAIN},  {505, DEALER_AGAIN},
                 {599, DEALER_AGAIN},  {400, DEALER_FAILED}, {401, DEALER_FAILED}, {403, DEALER_FAILED},
                 {404, DEALER_FAILED}, {410, DEALER_FAILED}, {428, DEALER_FAILED}, {430, DEALER_FAILED},
                 {499, DEALER_FAILED}, {600, DEALER_FAILED}, {0, DEALER_FAILED},   {302, DEALER_FAILED}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct dealer *d = start(usual(), 1);
        add(d, 0, "http://a:80", 1);
        struct dealer_deal deal = take(d, 0);
        CU_ASSERT_EQUAL(end(d, 0, deal, 0, status(table[i].status, -1)), table[i].verdict);
        CU_ASSERT_EQUAL(stats_of(d).ended, table[i].verdict == DEALER_FAILED);
        dealer_free(d, NULL);
    }
    struct dealer *d = start(usual(), 2);
    add_many(d, 0, 1, "http://a:80", NO_LIMIT);
    struct dealer_deal deal = take(d, 0), other = take(d, 0);
    CU_ASSERT_EQUAL(end(d, 0, deal, 0, refusal), DEALER_FAILED);
    struct dealer_fetch nowhere = {.kind = DEALER_GOT_REDIRECT, .retry_after = -1};
    CU_ASSERT_EQUAL(end(d, 0, other, 1, nowhere), DEALER_FAILED);
    dealer_free(d, NULL);
}

static void retry_after_is_obeyed(void)
{
    static const struct {
        uint32_t status;
        int64_t asked;
        bool pauses; /* the host, not just the record */
    } table[] = {{429, 7 * SECOND, true}, {503, 7 * SECOND, true},  {429, 60 * SECOND, true},
                 {429, 1, true},          {408, 7 * SECOND, false}, {500, 7 * SECOND, false},
                 {502, 1, false},         {504, 60 * SECOND, false}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct dealer *d = start(usual(), 10);
        add_many(d, 0, 1, "http://a:80", 1);
        struct dealer_deal deal = take(d, 0);
        CU_ASSERT_EQUAL(end(d, 9, deal, 0, status(table[i].status, table[i].asked)), DEALER_AGAIN);
        if (!table[i].pauses) {
            deal = take(d, 9);
            CU_ASSERT_EQUAL(deal.record->id, 1);
            CU_ASSERT_EQUAL(end(d, 9, deal, 1, body), DEALER_AWAIT);
        }
        CU_ASSERT_TRUE(nothing_at(d, 8 + table[i].asked));
        CU_ASSERT_EQUAL(dealer_wake(d), 9 + table[i].asked);
        CU_ASSERT_EQUAL(take_id(d, 9 + table[i].asked), 0); /* and before its host's others */
        dealer_free(d, NULL);
    }
}

static void retry_after_zero_is_at_once(void)
{
    struct dealer *d = start(usual(), 10);
    add_many(d, 0, 1, "http://a:80", 1);
    struct dealer_deal deal = take(d, 0);
    CU_ASSERT_EQUAL(end(d, 9, deal, 0, status(429, 0)), DEALER_AGAIN);
    CU_ASSERT_EQUAL(take_id(d, 9), 0);
    dealer_free(d, NULL);
}

static void a_wait_too_long_fails_the_record(void)
{
    struct dealer *d = start(usual(), 10);
    add_many(d, 0, 1, "http://a:80", 1);
    struct dealer_deal deal = take(d, 0);
    CU_ASSERT_EQUAL(end(d, 0, deal, 0, status(503, 60 * SECOND + 1)), DEALER_WAIT_TOO_LONG);
    CU_ASSERT_EQUAL(stats_of(d).ended, 1);
    int64_t then = next_start(d, 0, &deal); /* the others wait for the backoff */
    CU_ASSERT_TRUE(then >= SECOND / 2 && then < SECOND);
    dealer_free(d, NULL);

    struct dealer_config config = usual();
    config.retries = 0;
    d = start(config, 10);
    add(d, 0, "http://a:80", 1);
    deal = take(d, 0);
    CU_ASSERT_EQUAL(end(d, 0, deal, 0, status(503, 60 * SECOND + 1)), DEALER_FAILED);
    dealer_free(d, NULL);
}

/* Throttled without Retry-After: the pause of the host, seen by another record of it. */
static void throttling_pauses_ever_longer_until_success(void)
{
    static const struct {
        bool throttled;
        int64_t longest; /* pause, in seconds */
    } table[] = {{true, 1}, {true, 2}, {true, 4}, {true, 8}, {true, 10}, {false, 0}, {true, 1}, {true, 2}};
    struct dealer_config config = usual();
    config.retries = 0;
    struct dealer *d = start(config, 100);
    add_many(d, 0, 8, "http://a:80", 1);
    int64_t now = 0;
    for (uint64_t i = 0; i < 8; i++) {
        struct dealer_deal deal = take(d, now);
        CU_ASSERT_EQUAL_FATAL(deal.record->id, i);
        struct dealer_fetch fetch = table[i].throttled ? status(i % 2 ? 503 : 429, -1) : body;
        CU_ASSERT_EQUAL(end(d, now, deal, i, fetch), table[i].throttled ? DEALER_FAILED : DEALER_AWAIT);
        if (!table[i].throttled)
            continue;
        CU_ASSERT_TRUE(nothing_at(d, now + table[i].longest * SECOND / 2 - 1));
        int64_t wake = dealer_wake(d);
        CU_ASSERT_TRUE(wake >= now + table[i].longest * SECOND / 2 && wake < now + table[i].longest * SECOND);
        now = wake;
    }
    CU_ASSERT_EQUAL(stats_of(d).throttled, 7);
    dealer_free(d, NULL);
}

/* Deals all that can be dealt, and returns how many they were. */
static uint32_t burst(struct dealer *d, int64_t now, struct dealer_deal *deals, uint64_t *ids)
{
    uint32_t n = 0;
    for (struct dealer_deal deal; dealer_next(d, now, &deal); n++) {
        deals[n] = deal;
        ids[n] = deal.record->id;
    }
    return n;
}

static void throttling_halves_the_width_once_an_episode(void)
{
    struct dealer_config config = usual();
    config.retries = 0;
    struct dealer *d = start(config, 100);
    struct dealer_deal deals[16];
    uint64_t ids[16];
    add_many(d, 0, 89, "http://a:80", 8);
    CU_ASSERT_EQUAL(burst(d, 0, deals, ids), 8);
    for (uint32_t i = 0; i < 8; i++) /* one of them succeeds, which says nothing of the new width */
        end(d, 0, deals[i], ids[i], i == 4 ? body : status(429, SECOND));
    CU_ASSERT_TRUE(nothing_at(d, SECOND - 1));
    CU_ASSERT_EQUAL(burst(d, SECOND, deals, ids), 4);
    for (uint32_t i = 0; i < 4; i++)
        end(d, SECOND, deals[i], ids[i], status(503, SECOND));
    CU_ASSERT_EQUAL(burst(d, 2 * SECOND, deals, ids), 2);
    /* A width's worth of successes widens it by one: 2, 3, ..., and no further than the limit. */
    for (uint32_t width = 2; width < 12; width++) {
        uint32_t now_wide = width < 8 ? width : 8;
        for (uint32_t i = 0; i < now_wide; i++)
            end(d, 2 * SECOND, deals[i], ids[i], i % 2 ? status(404, -1) : body);
        CU_ASSERT_EQUAL_FATAL(burst(d, 2 * SECOND, deals, ids), now_wide < 8 ? now_wide + 1 : 8);
    }
    dealer_free(d, NULL);
}

static void the_width_of_an_unlimited_host_is_what_it_used(void)
{
    struct dealer_config config = usual();
    config.retries = 0;
    struct dealer *d = start(config, 100);
    struct dealer_deal deals[100];
    uint64_t ids[100];
    add_many(d, 0, 9, "http://a:80", NO_LIMIT);
    CU_ASSERT_EQUAL(burst(d, 0, deals, ids), 10);
    end(d, 0, deals[0], ids[0], status(429, 0));
    for (uint32_t i = 1; i < 10; i++)
        end(d, 0, deals[i], ids[i], status(429, 0)); /* begun before the halving: the same episode */
    add_many(d, 10, 29, "http://a:80", NO_LIMIT);
    CU_ASSERT_EQUAL(burst(d, 0, deals, ids), 20); /* it had nothing left, and was forgotten */
    for (uint32_t i = 0; i < 10; i++)
        end(d, 0, deals[i], ids[i], status(429, 0));
    CU_ASSERT_TRUE(nothing_at(d, 0));
    add_many(d, 30, 49, "http://a:80", NO_LIMIT);
    CU_ASSERT_TRUE(nothing_at(d, 0)); /* 10 are in flight, and as many may be */
    end(d, 0, deals[10], ids[10], body);
    CU_ASSERT_EQUAL(burst(d, 0, deals, ids), 1);
    dealer_free(d, NULL);
}

static void redirects_move_to_their_host_and_go_first(void)
{
    struct dealer *d = start(usual(), 10);
    add(d, 0, "http://a:80", 1);
    add_many(d, 1, 2, "http://b:80", 1);
    struct dealer_deal a = take(d, 0), b = take(d, 0);
    struct dealer_target target = {"http://b/new", "http://b:80", 99};
    struct dealer_fetch fetch = {.kind = DEALER_GOT_REDIRECT, .status = 301, .redirect = &target};
    CU_ASSERT_EQUAL(end(d, 0, a, 0, fetch), DEALER_AGAIN);
    CU_ASSERT_EQUAL(stats_of(d).redirects, 1);
    CU_ASSERT_EQUAL(stats_of(d).hosts, 1);
    CU_ASSERT_TRUE(nothing_at(d, SECOND)); /* the limit of b stays 1 */
    CU_ASSERT_EQUAL(end(d, SECOND, b, 1, body), DEALER_AWAIT);
    a = take(d, SECOND);
    CU_ASSERT_EQUAL(a.record->id, 0);
    CU_ASSERT_STRING_EQUAL(a.record->url, "http://a:80/0");
    CU_ASSERT_STRING_EQUAL(a.record->fetching, "http://b/new");
    CU_ASSERT_EQUAL(a.record->hops, 1);
    CU_ASSERT_EQUAL(a.record->tries, 1);
    CU_ASSERT_EQUAL(end(d, SECOND, a, 0, nothing), DEALER_AGAIN); /* what is tried again is the hop */
    CU_ASSERT_EQUAL(take_id(d, SECOND), 2);
    CU_ASSERT_TRUE(nothing_at(d, 2 * SECOND));
    dealer_free(d, NULL);
}

static void redirects_are_limited(void)
{
    struct dealer *d = start(usual(), 10);
    add(d, 0, "http://a:80", 1);
    const char *hosts[] = {"http://b:80", "http://a:80", "http://a:80", "http://c:80"};
    for (uint32_t hop = 0; hop <= 3; hop++) {
        struct dealer_deal deal = take(d, 0);
        CU_ASSERT_EQUAL(deal.record->hops, hop);
        /* It may point into the record itself. */
        struct dealer_target target = {deal.record->fetching, hosts[hop], 1};
        struct dealer_fetch fetch = {.kind = DEALER_GOT_REDIRECT, .status = 302, .redirect = &target};
        CU_ASSERT_EQUAL(end(d, 0, deal, 0, fetch), hop < 3 ? DEALER_AGAIN : DEALER_TOO_MANY_REDIRECTS);
    }
    CU_ASSERT_EQUAL(stats_of(d).hosts, 0);
    CU_ASSERT_EQUAL(stats_of(d).ended, 1);
    dealer_free(d, NULL);
}

static void a_dead_host_gets_no_retries(void)
{
    struct dealer *d = start(usual(), 100);
    add_many(d, 0, 49, "http://a:80", 1);
    for (uint64_t id = 0; id < DEALER_DEAD_HOST + 1; id++) {
        struct dealer_deal deal = take(d, 0);
        CU_ASSERT_EQUAL(end(d, 0, deal, id, nothing),
                        id + 1 < DEALER_DEAD_HOST ? DEALER_AGAIN : DEALER_FAILED);
    }
    struct dealer_deal deal = take(d, 0);
    CU_ASSERT_EQUAL(end(d, 0, deal, DEALER_DEAD_HOST + 1, refusal), DEALER_FAILED); /* it lives */
    deal = take(d, 0);
    CU_ASSERT_EQUAL(end(d, 0, deal, DEALER_DEAD_HOST + 2, nothing), DEALER_AGAIN);
    dealer_free(d, NULL);
}

static void bad_events_change_nothing(void)
{
    struct dealer *d = start(usual(), 10);
    add_many(d, 0, 1, "http://a:80", 1);
    struct dealer_deal deal = take(d, 0);
    struct dealer_stats before = stats_of(d), after;
    static const struct {
        uint32_t rank, slot;
        uint64_t id;
    } shift[] = {{1, 0, 0},          {2, 0, 0}, {0, 1, 0},         {0, 300, 0},
                 {0, UINT32_MAX, 0}, {0, 0, 1}, {0, 0, UINT64_MAX}};
    for (size_t i = 0; i < sizeof shift / sizeof shift[0]; i++) {
        const struct dealer_record *record = NULL;
        CU_ASSERT_EQUAL(dealer_fetched(d, 0, deal.rank + shift[i].rank, deal.slot + shift[i].slot,
                                       shift[i].id, &body, &record),
                        DEALER_BAD_EVENT);
        CU_ASSERT_PTR_NULL(record);
        CU_ASSERT_PTR_NULL(
            dealer_outcome(d, 0, deal.rank + shift[i].rank, deal.slot + shift[i].slot, shift[i].id));
    }
    const struct dealer_record *record;
    struct dealer_fetch odd = body;
    memset(&odd.kind, 0x7f, sizeof odd.kind);
    CU_ASSERT_EQUAL(dealer_fetched(d, 0, deal.rank, deal.slot, 0, &odd, &record), DEALER_BAD_EVENT);
    CU_ASSERT_PTR_NULL(dealer_outcome(d, 0, deal.rank, deal.slot, 0)); /* it is still fetching */
    after = stats_of(d);
    CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof after), 0);
    CU_ASSERT_EQUAL(end(d, 0, deal, 0, body), DEALER_AWAIT);
    CU_ASSERT_EQUAL(dealer_fetched(d, 0, deal.rank, deal.slot, 0, &body, &record), DEALER_BAD_EVENT);
    CU_ASSERT_PTR_NOT_NULL(dealer_outcome(d, 0, deal.rank, deal.slot, 0));
    CU_ASSERT_PTR_NULL(dealer_outcome(d, 0, deal.rank, deal.slot, 0));
    CU_ASSERT_EQUAL(stats_of(d).ended, 1);
    dealer_free(d, NULL);
}

static void count_extra(void *extra)
{
    ++*(int *)extra;
}

static void stopping_drops_what_would_be_fetched_again(void)
{
    struct dealer *d = start(usual(), 10);
    int freed = 0;
    struct dealer_target target = {"http://a/", "http://a:80", NO_LIMIT};
    for (uint64_t id = 0; id < 5; id++)
        CU_ASSERT_TRUE(dealer_add(d, 0, id, &target, &freed));
    struct dealer_deal deals[4];
    for (int i = 0; i < 4; i++)
        deals[i] = take(d, 0);
    dealer_stop(d);
    CU_ASSERT_TRUE(nothing_at(d, SECOND));
    CU_ASSERT_EQUAL(dealer_wake(d), DEALER_NEVER);
    CU_ASSERT_EQUAL(dealer_wants(d), 0);
    CU_ASSERT_FALSE(dealer_done(d));
    CU_ASSERT_EQUAL(end(d, SECOND, deals[0], 0, body), DEALER_AWAIT);
    CU_ASSERT_EQUAL(end(d, SECOND, deals[1], 1, nothing), DEALER_DROPPED);
    CU_ASSERT_EQUAL(end(d, SECOND, deals[2], 2, status(404, -1)), DEALER_FAILED);
    struct dealer_fetch fetch = {.kind = DEALER_GOT_REDIRECT, .status = 301, .redirect = &target};
    CU_ASSERT_EQUAL(end(d, SECOND, deals[3], 3, fetch), DEALER_DROPPED);
    CU_ASSERT_FALSE(dealer_done(d));
    CU_ASSERT_PTR_NOT_NULL(dealer_outcome(d, SECOND, deals[0].rank, deals[0].slot, 0));
    CU_ASSERT_TRUE(dealer_done(d));
    CU_ASSERT_EQUAL(stats_of(d).ended, 2);
    CU_ASSERT_EQUAL(stats_of(d).dropped, 2);
    CU_ASSERT_EQUAL(stats_of(d).pending, 1);
    CU_ASSERT_EQUAL(freed, 0);
    dealer_free(d, count_extra);
    CU_ASSERT_EQUAL(freed, 1);
}

static void a_connection_is_used_again(void)
{
    struct dealer_config config = usual();
    config.ranks = 5;
    struct dealer *d = start(config, 10);
    add_many(d, 0, 49, "http://a:80", 1);
    struct dealer_deal deal = take(d, 0);
    uint32_t rank = deal.rank;
    for (uint64_t id = 0; id < 6; id++) {
        end(d, 0, deal, id, body);
        deal = take(d, 0);
        CU_ASSERT_EQUAL(deal.rank, rank);
    }
    end(d, 0, deal, 6, status(404, -1)); /* no place is left there after these */
    for (uint64_t id = 7; id < 10; id++) {
        deal = take(d, 0);
        CU_ASSERT_EQUAL(deal.rank, rank);
        end(d, 0, deal, id, body);
    }
    deal = take(d, 0);
    CU_ASSERT_NOT_EQUAL(deal.rank, rank);
    rank = deal.rank;
    end(d, 0, deal, 10, refusal); /* that connection is of no use */
    CU_ASSERT_NOT_EQUAL(take(d, 0).rank, rank);
    dealer_free(d, NULL);
}

static void many_in_flight_spread_over_the_ranks(void)
{
    struct dealer_config config = usual();
    config.ranks = 4;
    struct dealer *d = start(config, 100);
    add_many(d, 0, 39, "http://a:80", NO_LIMIT);
    uint32_t got[4] = {0};
    for (int i = 0; i < 40; i++)
        got[take(d, 0).rank]++;
    for (int rank = 0; rank < 4; rank++)
        CU_ASSERT_EQUAL(got[rank], 10);
    dealer_free(d, NULL);
}

static void a_busy_host_starves_no_other(void)
{
    struct dealer *d = start(usual(), 100);
    add_many(d, 0, 49, "http://a:80", NO_LIMIT);
    for (int i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(take_id(d, 0), (uint64_t)i);
    add_many(d, 50, 52, "http://b:80", NO_LIMIT);
    add_many(d, 53, 55, "http://c:80", NO_LIMIT);
    static const uint64_t order[] = {10, 50, 53, 11, 51, 54, 12, 52, 55, 13, 14};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        CU_ASSERT_EQUAL(take_id(d, 0), order[i]);
    dealer_free(d, NULL);
}

static void idle_hosts_are_forgotten_after_their_gap_or_pause(void)
{
    struct dealer_config config = usual();
    config.delay = SECOND;
    config.retries = 0;
    struct dealer *d = start(config, 1000);
    char host[32];
    for (uint64_t id = 0; id < 60; id++) {
        snprintf(host, sizeof host, "http://h%llu:80", (unsigned long long)id);
        add(d, id, host, 1);
        end(d, 0, take(d, 0), id, id % 2 ? body : status(429, 5 * SECOND));
    }
    CU_ASSERT_EQUAL(stats_of(d).hosts, 60);
    CU_ASSERT_EQUAL(dealer_wake(d), DEALER_NEVER); /* forgetting is nothing to wake for */
    CU_ASSERT_TRUE(nothing_at(d, SECOND - 1));
    CU_ASSERT_EQUAL(stats_of(d).hosts, 60);
    CU_ASSERT_TRUE(nothing_at(d, SECOND));
    CU_ASSERT_EQUAL(stats_of(d).hosts, 30);
    add(d, 60, "http://h0:80", 1); /* still paused, and remembered */
    CU_ASSERT_EQUAL(dealer_wake(d), 5 * SECOND);
    CU_ASSERT_TRUE(nothing_at(d, 5 * SECOND - 1));
    CU_ASSERT_EQUAL(take_id(d, 5 * SECOND), 60);
    CU_ASSERT_EQUAL(stats_of(d).hosts, 1);
    CU_ASSERT_EQUAL(stats_of(d).hosts_peak, 60);
    dealer_free(d, NULL);
}

static void slots_are_used_again_and_bytes_return(void)
{
    struct dealer *d = start(usual(), DEALER_MAX_ROOM);
    size_t settled = 0;
    for (uint64_t id = 0; id < 5000; id++) {
        add(d, id, id % 3 ? "http://a:80" : "http://b:80", 1);
        struct dealer_deal deal = take(d, 0);
        end(d, 0, deal, id, body);
        CU_ASSERT_PTR_NOT_NULL(dealer_outcome(d, 0, deal.rank, deal.slot, id));
        CU_ASSERT_TRUE(nothing_at(d, 0));
        if (id == 10)
            settled = stats_of(d).bytes;
    }
    CU_ASSERT_EQUAL(stats_of(d).bytes, settled);
    dealer_free(d, NULL);
}

/* The vectors of the paper's reference implementation: key 00 01 .. 0f, input 00 01 .. */
static void siphash_is_the_papers(void)
{
    static const struct siphash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    static const unsigned char input[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    CU_ASSERT_EQUAL(siphash(&key, input, 15), 0xa129ca6149be45e5);
    CU_ASSERT_EQUAL(siphash(&key, input, 0), 0x726fdb47dd0e0e31);
}

static void the_heap_gives_times_in_order(void)
{
    struct timer_heap heap = {0};
    int things[2];
    CU_ASSERT_EQUAL(timer_heap_first(&heap), INT64_MAX);
    CU_ASSERT_PTR_NULL(timer_heap_pop(&heap, INT64_MAX));
    for (size_t count = 1; count < 200; count++) {
        CU_ASSERT_TRUE_FATAL(timer_heap_reserve(&heap, count));
        for (size_t i = 0; i < count; i++)
            timer_heap_push(&heap, (int64_t)(i * 7919 % count), &things[i % 2]);
        for (int64_t when = 0; when < (int64_t)count; when++) {
            CU_ASSERT_EQUAL(timer_heap_first(&heap), when);
            CU_ASSERT_PTR_NULL(timer_heap_pop(&heap, when - 1));
            CU_ASSERT_PTR_NOT_NULL(timer_heap_pop(&heap, when));
        }
        CU_ASSERT_EQUAL(heap.count, 0);
    }
    timer_heap_free(&heap);
}

int main(void)
{
    static const struct check checks[] = {
        {"one record lives and ends", one_record_lives_and_ends},
        {"nonsense is refused", nonsense_is_refused},
        {"the window bounds what is held", the_window_bounds_what_is_held},
        {"room is counted by rank", room_is_counted_by_rank},
        {"the limit is of the host over all ranks", the_limit_is_of_the_host_over_all_ranks},
        {"starts keep their delay", starts_keep_their_delay},
        {"retries back off with jitter", retries_back_off_with_jitter},
        {"extreme times do not overflow", extreme_times_do_not_overflow},
        {"only some ends are worth a retry", only_some_ends_are_worth_a_retry},
        {"Retry-After is obeyed", retry_after_is_obeyed},
        {"Retry-After 0 is at once", retry_after_zero_is_at_once},
        {"a wait too long fails the record", a_wait_too_long_fails_the_record},
        {"throttling pauses ever longer until success", throttling_pauses_ever_longer_until_success},
        {"throttling halves the width once an episode", throttling_halves_the_width_once_an_episode},
        {"the width of an unlimited host is what it used", the_width_of_an_unlimited_host_is_what_it_used},
        {"redirects move to their host and go first", redirects_move_to_their_host_and_go_first},
        {"redirects are limited", redirects_are_limited},
        {"a dead host gets no retries", a_dead_host_gets_no_retries},
        {"bad events change nothing", bad_events_change_nothing},
        {"stopping drops what would be fetched again", stopping_drops_what_would_be_fetched_again},
        {"a connection is used again", a_connection_is_used_again},
        {"many in flight spread over the ranks", many_in_flight_spread_over_the_ranks},
        {"a busy host starves no other", a_busy_host_starves_no_other},
        {"idle hosts are forgotten", idle_hosts_are_forgotten_after_their_gap_or_pause},
        {"slots are used again and bytes return", slots_are_used_again_and_bytes_return},
        {"SipHash is the paper's", siphash_is_the_papers},
        {"the heap gives times in order", the_heap_gives_times_in_order},
        {0},
    };
    return check_run("dealer", checks);
}
