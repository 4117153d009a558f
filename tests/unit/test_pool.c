#include "src/pool.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { TASKS = 10000, THREADS = 3 };

struct scene;

struct sum {
    struct pool_task task;
    struct scene *scene; /* NULL: nobody looks at where it runs */
    unsigned in, out;
};

/* Stands for the loop: sleeps until it is woken. */
struct sleeper {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool awake;
};

struct scene {
    struct sleeper sleeper;
    struct sum *sums;
    unsigned done;
    atomic_uint busy[THREADS + 1]; /* tasks that run under a thread number: never two */
    atomic_uint clashes;
    unsigned threads;
    pthread_t loop_thread;
    atomic_uint on_loop_thread;
};

static void wake(void *context)
{
    struct sleeper *s = context;
    pthread_mutex_lock(&s->lock);
    s->awake = true;
    pthread_cond_signal(&s->woken);
    pthread_mutex_unlock(&s->lock);
}

static void sleep_until_woken(struct sleeper *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->awake)
        pthread_cond_wait(&s->woken, &s->lock);
    s->awake = false;
    pthread_mutex_unlock(&s->lock);
}

static void look_around(struct scene *sc, unsigned thread)
{
    if (atomic_fetch_add(&sc->busy[thread], 1) != 0)
        atomic_fetch_add(&sc->clashes, 1);
    if (pthread_equal(pthread_self(), sc->loop_thread))
        atomic_fetch_add(&sc->on_loop_thread, 1);
}

static void square(struct pool_task *task, unsigned thread)
{
    struct sum *s = (struct sum *)task;
    if (s->scene)
        look_around(s->scene, thread);
    s->out = s->in * s->in;
    if (s->scene)
        atomic_fetch_sub(&s->scene->busy[thread], 1);
}

static void submit_and_collect(struct pool *pool, void *context)
{
    struct scene *sc = context;
    sc->threads = pool_threads(pool);
    sc->loop_thread = pthread_self();
    for (unsigned i = 0; i < TASKS; i++) {
        sc->sums[i] = (struct sum){.task.run = square, .scene = sc, .in = i};
        pool_submit(pool, &sc->sums[i].task);
    }
    pool_start(pool);
    CU_ASSERT_TRUE(pool_load(pool) == TASKS);
    while (sc->done < TASKS) {
        sleep_until_woken(&sc->sleeper);
        for (struct pool_task *t = pool_done(pool); t; t = t->next)
            sc->done++;
    }
    CU_ASSERT_EQUAL(pool_load(pool), 0);
    CU_ASSERT_PTR_NULL(pool_done(pool));
}

static void every_task_runs_once_and_never_on_the_loop(void)
{
    static struct scene scene;
    scene.sums = calloc(TASKS, sizeof *scene.sums);
    pthread_mutex_init(&scene.sleeper.lock, NULL);
    pthread_cond_init(&scene.sleeper.woken, NULL);
    CU_ASSERT_EQUAL(pool_run(THREADS, submit_and_collect, &scene, wake, &scene.sleeper), 0);
    CU_ASSERT_EQUAL(scene.threads, THREADS + 1);
    CU_ASSERT_EQUAL(atomic_load(&scene.clashes), 0);
    CU_ASSERT_EQUAL(atomic_load(&scene.on_loop_thread), 0);
    for (unsigned i = 0; i < TASKS; i++)
        CU_ASSERT_EQUAL(scene.sums[i].out, i * i);
    free(scene.sums);
    pthread_cond_destroy(&scene.sleeper.woken);
    pthread_mutex_destroy(&scene.sleeper.lock);
}

static void ignore(void *context)
{
    (void)context;
}

static void submit_and_finish(struct pool *pool, void *context)
{
    struct sum *sums = context;
    for (unsigned i = 0; i < 100; i++) {
        sums[i] = (struct sum){.task.run = square, .in = i};
        pool_submit(pool, &sums[i].task);
    }
    pool_finish(pool);
    unsigned done = 0;
    for (struct pool_task *t = pool_done(pool); t; t = t->next)
        done++;
    CU_ASSERT_EQUAL(done, 100);
}

static void finishing_waits_for_all(void)
{
    struct sum sums[100];
    CU_ASSERT_EQUAL(pool_run(1, submit_and_finish, sums, ignore, NULL), 0);
    for (unsigned i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(sums[i].out, i * i);
}

static void leave_at_once(struct pool *pool, void *context)
{
    struct sum *sums = context;
    for (unsigned i = 0; i < 100; i++) {
        sums[i] = (struct sum){.task.run = square, .in = i};
        pool_submit(pool, &sums[i].task);
        pool_start(pool);
    }
}

static void what_is_submitted_runs_even_if_the_loop_leaves(void)
{
    struct sum sums[100];
    CU_ASSERT_EQUAL(pool_run(2, leave_at_once, sums, ignore, NULL), 0);
    for (unsigned i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(sums[i].out, i * i);
}

static void submit_without_threads(struct pool *pool, void *context)
{
    struct sum *sums = context;
    CU_ASSERT_EQUAL(pool_threads(pool), 1);
    for (unsigned i = 0; i < 100; i++) {
        sums[i] = (struct sum){.task.run = square, .in = i};
        pool_submit(pool, &sums[i].task);
    }
    pool_start(pool);
    unsigned done = 0;
    for (struct pool_task *t = pool_done(pool); t; t = t->next)
        done++;
    CU_ASSERT_EQUAL(done, 100); /* at once, on this very thread */
    CU_ASSERT_EQUAL(pool_load(pool), 0);
}

static void without_threads_tasks_run_on_the_loop(void)
{
    struct sum sums[100];
    CU_ASSERT_EQUAL(pool_run(0, submit_without_threads, sums, ignore, NULL), 0);
    for (unsigned i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(sums[i].out, i * i);
}

int main(void)
{
    static const struct check checks[] = {
        {"every task runs once and never on the loop", every_task_runs_once_and_never_on_the_loop},
        {"finishing waits for all", finishing_waits_for_all},
        {"without threads tasks run on the loop", without_threads_tasks_run_on_the_loop},
        {"what is submitted runs even if the loop leaves", what_is_submitted_runs_even_if_the_loop_leaves},
        {0},
    };
    return check_run("pool", checks);
}
