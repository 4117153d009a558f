#include "src/liveness.h"
#include "tests/unit/check.h"

#define SECOND INT64_C(1000000000)

enum { PEERS = 4, PATIENCE = 8 };

static void begin(struct liveness *l)
{
    CU_ASSERT_TRUE_FATAL(liveness_init(l, PEERS, PATIENCE * SECOND, 100 * SECOND));
    for (uint32_t peer = 1; peer < PEERS; peer++)
        liveness_watch(l, peer, true);
}

/* From `from` to `to` with a turn each `turn` ns, in each of which all but `silent` are heard of. The time of the turn in
 * which somebody is lost; 0: nobody. */
static int64_t run(struct liveness *l, int64_t from, int64_t to, int64_t turn, uint32_t silent)
{
    for (int64_t now = from; now < to; now += turn) {
        for (uint32_t peer = 0; peer < PEERS; peer++)
            if (peer != silent)
                liveness_heard(l, peer);
        liveness_step(l, now, LIVENESS_ALL);
        if (liveness_first_lost(l) != LIVENESS_NOBODY)
            return now;
    }
    return 0;
}

static void who_is_heard_is_not_lost(void)
{
    struct liveness l;
    begin(&l);
    CU_ASSERT_EQUAL(run(&l, 100 * SECOND, 10000 * SECOND, SECOND / 4, LIVENESS_NOBODY), 0);
    liveness_free(&l);
}

/* Never before the patience has passed, and at most a beat and a turn after, whenever in the beat the silence began. */
static void who_is_silent_is_lost_in_time(void)
{
    for (int64_t part = 0; part < 10; part++) {
        struct liveness l;
        begin(&l);
        int64_t since = 150 * SECOND + part * SECOND / 10, turn = SECOND / 20;
        CU_ASSERT_EQUAL(run(&l, 100 * SECOND, since + turn, turn, LIVENESS_NOBODY), 0);
        int64_t found = run(&l, since + turn, 200 * SECOND, turn, 2);
        CU_ASSERT_TRUE(found >= since + PATIENCE * SECOND);
        CU_ASSERT_TRUE(found <= since + (PATIENCE + 1) * SECOND + 10 * turn);
        CU_ASSERT_EQUAL(liveness_first_lost(&l), 2);
        CU_ASSERT_FALSE(liveness_lost(&l, 1));
        liveness_free(&l);
    }
}

static void a_break_within_the_patience_is_forgiven(void)
{
    struct liveness l;
    begin(&l);
    int64_t now = 100 * SECOND;
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(run(&l, now, now + (PATIENCE - 1) * SECOND, SECOND, 3), 0);
        now += (PATIENCE - 1) * SECOND;
        CU_ASSERT_EQUAL(run(&l, now, now + SECOND, SECOND, LIVENESS_NOBODY), 0);
        now += SECOND;
    }
    liveness_free(&l);
}

static void who_comes_back_is_lost_no_more(void)
{
    struct liveness l;
    begin(&l);
    CU_ASSERT_TRUE(run(&l, 100 * SECOND, 200 * SECOND, SECOND, 1) > 0);
    liveness_heard(&l, 1);
    CU_ASSERT_EQUAL(liveness_first_lost(&l), LIVENESS_NOBODY);
    liveness_free(&l);
}

/* The loop stood still for an hour, with what the peers said unread: that is one beat, and they are read in the next turns. */
static void our_own_standstill_blames_nobody(void)
{
    struct liveness l;
    begin(&l);
    int64_t now = 100 * SECOND;
    for (int i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL(run(&l, now, now + SECOND, SECOND, LIVENESS_NOBODY), 0);
        now += 3600 * SECOND;
        CU_ASSERT_TRUE(liveness_step(&l, now, LIVENESS_ALL));
        /* A second and a third time before anything is read: still no blame, and no more than one beat in a beat. */
        CU_ASSERT_FALSE(liveness_step(&l, now, LIVENESS_ALL));
        CU_ASSERT_FALSE(liveness_step(&l, now + SECOND - 1, LIVENESS_ALL));
        now += SECOND;
        CU_ASSERT_TRUE(liveness_step(&l, now, LIVENESS_ALL));
        CU_ASSERT_EQUAL(liveness_first_lost(&l), LIVENESS_NOBODY);
        now++;
    }
    liveness_free(&l);
}

/* A loop that turns once in three patiences, as one that computes does: a peer that speaks once in a while is not lost, one that
 * is gone is, if later. */
static void a_slow_loop_is_slow_to_blame(void)
{
    struct liveness l;
    begin(&l);
    CU_ASSERT_EQUAL(run(&l, 100 * SECOND, 5000 * SECOND, 3 * PATIENCE * SECOND, LIVENESS_NOBODY), 0);
    CU_ASSERT_TRUE(run(&l, 5000 * SECOND, 9000 * SECOND, 3 * PATIENCE * SECOND, 1) > 0);
    liveness_free(&l);
}

static void who_is_not_watched_may_be_silent(void)
{
    struct liveness l;
    begin(&l);
    liveness_watch(&l, 2, false);
    CU_ASSERT_EQUAL(run(&l, 100 * SECOND, 500 * SECOND, SECOND, 2), 0);
    CU_ASSERT_EQUAL(run(&l, 500 * SECOND, 1000 * SECOND, SECOND, 0), 0);
    liveness_watch(&l, 2, true);
    CU_ASSERT_TRUE(run(&l, 1000 * SECOND, 1100 * SECOND, SECOND, 2) >= 1000 * SECOND + PATIENCE * SECOND);
    liveness_free(&l);
}

/* While a large message comes in from one peer, the others can't be heard, and only that one can be lost. */
static void only_who_could_be_heard_is_judged(void)
{
    struct liveness l;
    begin(&l);
    for (int64_t now = 100 * SECOND; now < 200 * SECOND; now += SECOND) {
        liveness_heard(&l, 3);
        liveness_step(&l, now, 3);
        CU_ASSERT_EQUAL(liveness_first_lost(&l), LIVENESS_NOBODY);
    }
    for (int64_t now = 200 * SECOND; now < 300 * SECOND; now += SECOND)
        liveness_step(&l, now, 3);
    CU_ASSERT_EQUAL(liveness_first_lost(&l), 3);
    CU_ASSERT_FALSE(liveness_lost(&l, 1));
    liveness_free(&l);
}

static void it_says_when_it_is_due(void)
{
    struct liveness l;
    begin(&l);
    CU_ASSERT_EQUAL(liveness_due(&l), 101 * SECOND);
    CU_ASSERT_FALSE(liveness_step(&l, 101 * SECOND - 1, LIVENESS_ALL));
    CU_ASSERT_TRUE(liveness_step(&l, 103 * SECOND, LIVENESS_ALL));
    CU_ASSERT_EQUAL(liveness_due(&l), 104 * SECOND);
    liveness_free(&l);
}

int main(void)
{
    static const struct check checks[] = {
        {"who is heard is not lost", who_is_heard_is_not_lost},
        {"who is silent is lost in time", who_is_silent_is_lost_in_time},
        {"a break within the patience is forgiven", a_break_within_the_patience_is_forgiven},
        {"who comes back is lost no more", who_comes_back_is_lost_no_more},
        {"our own standstill blames nobody", our_own_standstill_blames_nobody},
        {"a slow loop is slow to blame", a_slow_loop_is_slow_to_blame},
        {"who is not watched may be silent", who_is_not_watched_may_be_silent},
        {"only who could be heard is judged", only_who_could_be_heard_is_judged},
        {"it says when it is due", it_says_when_it_is_due},
        {0},
    };
    return check_run("liveness", checks);
}
