/* Loops that threads share: every turn is done once, and a stretch is what one thread does in order without a gap. */
#include "kernels/bigpow/jobs.h"
#include "tests/unit/check.h"

#include <omp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { MOST = 500, THREADS = 3 };

static struct log {
    atomic_int done[MOST]; /* so often */
    int thread[MOST];
    size_t stretch[MOST];
    bool meet;          /* the first turn of a thread waits for one of another */
    atomic_int arrived; /* threads */
    bool seen[THREADS]; /* each thread its own */
} note;

static void turn_done(void *data, struct big_turn turn)
{
    struct log *log = data;
    int thread = omp_get_thread_num();
    if (!log->seen[thread]) {
        log->seen[thread] = true;
        atomic_fetch_add(&log->arrived, 1);
        while (log->meet && atomic_load(&log->arrived) < 2)
            sched_yield();
    }
    log->thread[turn.k] = thread;
    log->stretch[turn.k] = turn.stretch;
    atomic_fetch_add(&log->done[turn.k], 1);
}

static void run_once(size_t count, size_t pieces, int threads, bool meet)
{
    note = (struct log){.meet = meet};
#pragma omp parallel num_threads(threads)
#pragma omp single
    big_jobs_run(turn_done, &note, count, pieces);
}

/* The number of stretches. */
static size_t stretches_right(size_t count, size_t pieces)
{
    size_t stretches = 0, most = pieces < count ? pieces : count;
    bool known[MOST] = {false};
    for (size_t k = 0; k < count; k++) {
        CU_ASSERT_EQUAL(atomic_load(&note.done[k]), 1);
        CU_ASSERT_TRUE_FATAL(note.stretch[k] < (most ? most : 1));
        if (k && note.stretch[k] == note.stretch[k - 1]) {
            CU_ASSERT_EQUAL(note.thread[k], note.thread[k - 1]);
            continue;
        }
        CU_ASSERT_FALSE(known[note.stretch[k]]); /* it had ended */
        known[note.stretch[k]] = true;
        stretches++;
    }
    return stretches;
}

static void every_turn_once(void)
{
    static const size_t counts[] = {0, 1, 2, 7, 16, 17, 255, 256, 500},
                        pieces[] = {0, 1, 2, 3, 16, 24, BIG_JOBS_MOST, 400};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
            for (int threads = 1; threads <= THREADS; threads++) {
                run_once(counts[c], pieces[p], threads, false);
                size_t stretches = stretches_right(counts[c], pieces[p]);
                CU_ASSERT_TRUE(threads > 1 || stretches == (counts[c] > 0));
            }
}

/* Where nobody helps, all is one stretch, though pieces were made for helpers. */
static void alone_in_a_team(void)
{
    note = (struct log){.meet = false};
#pragma omp parallel num_threads(2)
    {
        /* The other thread is in a loop of its own, and takes no task before it ends. */
        static atomic_bool over;
        if (omp_get_thread_num() == 0) {
            big_jobs_run(turn_done, &note, 100, 16);
            atomic_store(&over, true);
        }
        while (!atomic_load(&over))
            sched_yield();
    }
    CU_ASSERT_EQUAL(stretches_right(100, 16), 1);
}

static void two_begin_far_apart(void)
{
    run_once(100, 10, 2, true);
    (void)stretches_right(100, 10);
    CU_ASSERT_EQUAL(atomic_load(&note.arrived), 2);
    CU_ASSERT_NOT_EQUAL(note.thread[0], note.thread[50]);
    CU_ASSERT_EQUAL(note.stretch[0], 0);
    CU_ASSERT_EQUAL(note.stretch[50], 5);
}

int main(void)
{
    static const struct check checks[] = {
        {"every turn once", every_turn_once},
        {"alone in a team", alone_in_a_team},
        {"two begin far apart", two_begin_far_apart},
        {0},
    };
    return check_run("jobs", checks);
}
