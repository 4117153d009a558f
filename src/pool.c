#include "src/pool.h"

#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct queue {
    struct pool_task *head, **tail;
};

struct pool {
    pthread_mutex_t lock;
    struct queue waiting, done; /* under the lock */
    unsigned workers;           /* under the lock: tasks of OpenMP that run or will run */
    unsigned threads;
    size_t load;
    size_t unstarted; /* submitted since the last pool_start */
    void (*wake)(void *);
    void *wake_context;
};

static void queue_init(struct queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

static void queue_push(struct queue *q, struct pool_task *task)
{
    task->next = NULL;
    *q->tail = task;
    q->tail = &task->next;
}

static struct pool_task *queue_pop(struct queue *q)
{
    struct pool_task *task = q->head;
    if (task && !(q->head = task->next))
        q->tail = &q->head;
    return task;
}

static void work(struct pool *pool)
{
    /* Thread 0 of the team is the loop's, in its body or, that ended, in the barrier: there it may run tasks
     * too. */
    unsigned thread = (unsigned)omp_get_thread_num();
    pthread_mutex_lock(&pool->lock);
    for (struct pool_task *task; (task = queue_pop(&pool->waiting));) {
        pthread_mutex_unlock(&pool->lock);
        task->run(task, thread);
        pthread_mutex_lock(&pool->lock);
        bool first = !pool->done.head;
        queue_push(&pool->done, task);
        if (first) /* The loop takes all that is done at once: it need not be told of each. */
            pool->wake(pool->wake_context);
    }
    pool->workers--;
    pthread_mutex_unlock(&pool->lock);
}

unsigned pool_default_threads(int sharing)
{
    int threads = getenv("OMP_NUM_THREADS") ? omp_get_max_threads() : omp_get_num_procs() / sharing;
    return threads > 1 ? (unsigned)threads : 1;
}

int pool_run(unsigned threads, void (*body)(struct pool *, void *), void *context, void (*wake)(void *),
             void *wake_context)
{
    struct pool pool = {.wake = wake, .wake_context = wake_context};
    bool alone = false;
    queue_init(&pool.waiting);
    queue_init(&pool.done);
    if (pthread_mutex_init(&pool.lock, NULL) != 0)
        return -1;
    omp_set_dynamic(0);
    if (threads == 0) {
        pool.threads = 1;
        body(&pool, context);
        pool_start(&pool);
    } else {
#pragma omp parallel num_threads((int)threads + 1) shared(pool, alone)
        {
#pragma omp masked
            {
                /* A team of one never runs its tasks: they wait for a second thread. */
                pool.threads = (unsigned)omp_get_num_threads();
                if (pool.threads > 1)
                    body(&pool, context);
                else
                    alone = true;
            }
        }
    }
    pthread_mutex_destroy(&pool.lock);
    return alone ? -1 : 0;
}

unsigned pool_threads(const struct pool *pool)
{
    return pool->threads;
}

void pool_submit(struct pool *pool, struct pool_task *task)
{
    pthread_mutex_lock(&pool->lock);
    queue_push(&pool->waiting, task);
    pthread_mutex_unlock(&pool->lock);
    pool->load++;
    pool->unstarted++;
}

/* True if one more worker is to be made. */
static bool hire(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool wanted = pool->waiting.head && pool->workers < pool->threads - 1;
    pool->workers += wanted;
    pthread_mutex_unlock(&pool->lock);
    return wanted;
}

void pool_start(struct pool *pool)
{
    if (pool->threads == 1) {
        pool->workers = 1;
        work(pool);
        pool->unstarted = 0;
    }
    /* No more workers than tasks: a worker for which nothing is left would have been woken for nothing. */
    for (; pool->unstarted > 0 && hire(pool); pool->unstarted--) {
#pragma omp task default(none) firstprivate(pool)
        work(pool);
    }
    pool->unstarted = 0;
}

struct pool_task *pool_done(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct pool_task *tasks = pool->done.head;
    queue_init(&pool->done);
    pthread_mutex_unlock(&pool->lock);
    for (const struct pool_task *task = tasks; task; task = task->next)
        pool->load--;
    return tasks;
}

void pool_finish(struct pool *pool)
{
    pool_start(pool);
#pragma omp taskwait
}

size_t pool_load(const struct pool *pool)
{
    return pool->load;
}
