/* The dealer without memory: whichever allocation fails, the call that needed it is refused, changes nothing, and
 * succeeds when it is made again. The linker puts the allocators below in place of the C library's. */
#include "src/dealer.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

/* Allocations until one fails; < 0: none will. */
static long until_failure = -1;

static bool fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

enum { RECORDS = 300, HOSTS = 150 };

struct trial {
    struct dealer *dealer;
    uint32_t refused;
};

static bool same(const struct dealer_stats *a, const struct dealer_stats *b)
{
    /* Memory that was got in vain may be kept for the next time. */
    return a->added == b->added && a->ended == b->ended && a->pending == b->pending &&
           a->waiting == b->waiting && a->fetching == b->fetching && a->computing == b->computing &&
           a->hosts == b->hosts && a->retries == b->retries && a->redirects == b->redirects;
}

static void name_host(char host[32], uint64_t number)
{
    snprintf(host, 32, "http://h%llu:80", (unsigned long long)(number % HOSTS));
}

static void add(struct trial *t, uint64_t id)
{
    char host[32];
    name_host(host, id);
    struct dealer_target target = {host, host, 0};
    struct dealer_stats before, after;
    dealer_stats(t->dealer, &before);
    while (!dealer_add(t->dealer, 0, id, &target, NULL)) {
        CU_ASSERT_EQUAL_FATAL(++t->refused, 1);
        dealer_stats(t->dealer, &after);
        CU_ASSERT_TRUE(same(&before, &after));
    }
}

/* First a redirect to another host, then a failure, then success. */
static void finish(struct trial *t, int64_t now, struct dealer_deal deal)
{
    char host[32];
    uint64_t id = deal.record->id;
    name_host(host, id + HOSTS / 2 + 1000 * HOSTS);
    struct dealer_target target = {"http://elsewhere/", host, 0};
    struct dealer_fetch fetch = {.kind = DEALER_GOT_BODY, .retry_after = -1, .redirect = &target};
    if (deal.record->hops == 0)
        fetch.kind = DEALER_GOT_REDIRECT;
    else if (deal.record->tries == 1)
        fetch.kind = DEALER_GOT_NOTHING;
    struct dealer_stats before, after;
    const struct dealer_record *record;
    enum dealer_verdict verdict;
    dealer_stats(t->dealer, &before);
    while ((verdict = dealer_fetched(t->dealer, now, deal.rank, deal.slot, id, &fetch, &record)) ==
           DEALER_NO_MEMORY) {
        CU_ASSERT_EQUAL_FATAL(++t->refused, 1);
        dealer_stats(t->dealer, &after);
        CU_ASSERT_TRUE(same(&before, &after));
    }
    CU_ASSERT_EQUAL(verdict, fetch.kind == DEALER_GOT_BODY ? DEALER_AWAIT : DEALER_AGAIN);
    if (verdict == DEALER_AWAIT)
        CU_ASSERT_PTR_NOT_NULL(dealer_outcome(t->dealer, now, deal.rank, deal.slot, id));
}

/* The whole job with the n-th allocation failing; false: it did not come to that many. */
static bool survives(long n)
{
    struct dealer_config config = {
        .ranks = 2, .window = RECORDS, .retries = 2, .max_redirects = 1, .delay = 1};
    struct trial t = {0};
    until_failure = n;
    while (!(t.dealer = dealer_new(&config)))
        CU_ASSERT_EQUAL_FATAL(++t.refused, 1);
    CU_ASSERT_TRUE(dealer_room(t.dealer, 1, 10 * RECORDS));
    for (uint64_t id = 0; id < RECORDS; id++)
        add(&t, id);
    dealer_close(t.dealer);
    for (int64_t now = 0; !dealer_done(t.dealer) && now < 1000; now++) {
        struct dealer_deal deals[RECORDS];
        size_t count = 0;
        while (dealer_next(t.dealer, now, &deals[count]))
            count++;
        for (size_t i = 0; i < count; i++)
            finish(&t, now, deals[i]);
    }
    bool failed = until_failure < 0;
    until_failure = -1;
    struct dealer_stats stats;
    dealer_stats(t.dealer, &stats);
    CU_ASSERT_EQUAL(stats.ended, RECORDS);
    CU_ASSERT_EQUAL(t.refused, failed);
    dealer_free(t.dealer, NULL);
    return failed;
}

static void every_allocation_may_fail(void)
{
    long n = 0;
    while (survives(n) && CU_get_number_of_failures() == 0)
        n++;
    CU_ASSERT_TRUE(n > RECORDS);
}

int main(void)
{
    static const struct check checks[] = {{"every allocation may fail", every_allocation_may_fail}, {0}};
    return check_run("dealer without memory", checks);
}
