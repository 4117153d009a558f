/* The compute threads of one rank: an OpenMP team whose members run tasks while one thread, the loop's, hands
 * them in.
 *
 * A worker is one OpenMP task that runs what is queued until nothing is, and there are never more workers
 * than compute threads. So few tasks are outstanding that OpenMP never runs one on the thread that creates it
 * (libgomp does from 64 a thread on), and what a task splits into tasks of its own is run by whichever
 * threads are idle.
 *
 * Tasks and results pass through one lock, and pool_done wakes the loop: nothing else is shared.
 */
#ifndef MILLRACE_SRC_POOL_H
#define MILLRACE_SRC_POOL_H

#include <stddef.h>

/* To be embedded in what a task works on, which stays the submitter's; the pool links it and calls it, no
 * more. */
struct pool_task {
    struct pool_task *next;
    /* On compute thread `thread`, from 0; no two tasks have the same `thread` at a time. */
    void (*run)(struct pool_task *task, unsigned thread);
};

struct pool;

/* How many compute threads to use: OMP_NUM_THREADS, or this process's share of the processors that it may run
 * on, when `sharing` processes (itself included) run on this machine. At least 1. */
unsigned pool_default_threads(int sharing);

/* Calls body(pool, context) on the calling thread with `threads` compute threads beside it, and returns when it
 * has returned and every task has run. With 0 there are none: tasks run within pool_start, on the loop's thread,
 * and what they split into runs there too. Returns -1 without calling it: no memory, or the
 * system gave no second thread. `wake` is called, from any thread, when pool_done has something new. */
int pool_run(unsigned threads, void (*body)(struct pool *pool, void *context), void *context,
             void (*wake)(void *wake_context), void *wake_context);

/* How many `thread` numbers there are. */
unsigned pool_threads(const struct pool *pool);

/* Queues a task. The loop's thread. */
void pool_submit(struct pool *pool, struct pool_task *task);

/* Sees to it that what is queued is run: once after several pool_submit, since waking a thread costs more than many a
 * task. The loop's thread. */
void pool_start(struct pool *pool);

/* Takes the tasks that were run since the last call, as a list in the order they ended; NULL: none. The
 * loop's thread. */
struct pool_task *pool_done(struct pool *pool);

/* Waits until every task has run, helping with them. The loop's thread. */
void pool_finish(struct pool *pool);

/* Tasks submitted and not yet taken by pool_done. The loop's thread. */
size_t pool_load(const struct pool *pool);

#endif
