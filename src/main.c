/* millrace: initialise, dispatch, tear down. */
#include "src/cmd_bench.h"
#include "src/cmd_serve.h"
#include "src/engine.h"
#include "src/link.h"
#include "src/options_pages.h"
#include "src/options_pow.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A command that all ranks run together. `*link` is NULL where no launcher started this process: it is opened when there is
 * something to run. Returns the exit code. */
typedef int command_fn(struct link **link, int argc, char **argv);

static const char usage[] = "Usage: millrace COMMAND [OPTION...] [INPUT...]\n"
                            "Fetch a long list of pages over MPI ranks, and compute on what arrives.\n"
                            "\n"
                            "  scrape   fetch, extract fields, gather one row a page: the main job\n"
                            "  fetch    fetch, each body to a file of its own\n"
                            "  pow      exact integer powers\n"
                            "  bench    the same work under each strategy, compared\n"
                            "  serve    a small site with delays and faults, for trying things\n"
                            "\n"
                            "millrace COMMAND --help tells more; millrace --version its version.\n"
                            "\n"
                            "  mpirun -n 8 millrace scrape urls.txt -o titles.tsv\n";

/* The engine takes signals by a descriptor. Blocked here, before MPI and OpenMP begin threads that inherit
 * it. */
static bool hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    return sigprocmask(SIG_BLOCK, &set, NULL) == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR;
}

/* Idle threads of libgomp spin for milliseconds by default, on the very cores that the other ranks, their event loops and
 * the kernel's network code need. It reads its environment before main, so a new value takes a new start. Whoever set one
 * of these variables has decided. */
static void let_idle_threads_sleep(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0)
        execv("/proc/self/exe", argv); /* returns where there is no /proc: then they spin */
}

static bool speaks(const struct link *link)
{
    return !link || link_rank(link) == 0;
}

static bool linked(struct link **link, int argc, char **argv)
{
    return *link || (*link = link_open(&argc, &argv));
}

static int run_job(struct link **link, int argc, char **argv, int parsed, struct job *job)
{
    if (parsed >= 0)
        return parsed;
    int code = linked(link, argc, argv) ? engine_run(*link, &job->engine) : EXIT_STOPPED;
    job->free(job);
    return code;
}

static int scrape(struct link **link, int argc, char **argv)
{
    struct job *job = NULL;
    int parsed = options_pages_parse(PAGES_SCRAPE, argc, argv, speaks(*link), &job);
    return run_job(link, argc, argv, parsed, job);
}

static int fetch(struct link **link, int argc, char **argv)
{
    struct job *job = NULL;
    int parsed = options_pages_parse(PAGES_FETCH, argc, argv, speaks(*link), &job);
    return run_job(link, argc, argv, parsed, job);
}

static int powers(struct link **link, int argc, char **argv)
{
    struct job *job = NULL;
    int parsed = options_pow_parse(argc, argv, speaks(*link), &job);
    return run_job(link, argc, argv, parsed, job);
}

static int bench(struct link **link, int argc, char **argv)
{
    struct bench_job *job = NULL;
    int code = cmd_bench_parse(argc, argv, speaks(*link), &job);
    if (code >= 0)
        return code;
    code = linked(link, argc, argv) ? cmd_bench_run(*link, job) : EXIT_STOPPED;
    cmd_bench_free(job);
    return code;
}

static int run_command(command_fn *command, int argc, char **argv)
{
    if (!hold_signals())
        return EXIT_STOPPED;
    /* Among other ranks MPI comes first, so that one of them can speak for all; alone, --help need not wait for it. */
    struct link *link = link_launched() ? link_open(&argc, &argv) : NULL;
    int code = command(&link, argc, argv);
    if (link)
        link_close(link);
    return code;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        command_fn *run;
    } commands[] = {{"scrape", scrape}, {"fetch", fetch}, {"pow", powers}, {"bench", bench}};
    const char *command = argc > 1 ? argv[1] : "";
    /* libcurl takes host names in other scripts from the locale's charset. URLs are UTF-8 wherever they come from, so a
     * failure only means that such names are refused. */
    setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(command, commands[i].name) == 0) {
            let_idle_threads_sleep(argv);
            return run_command(commands[i].run, argc - 1, argv + 1);
        }
    if (strcmp(command, "serve") == 0)
        return cmd_serve(argc - 1, argv + 1);
    if (strcmp(command, "--version") == 0) {
        puts("millrace " MILLRACE_VERSION);
        return EXIT_OK;
    }
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 || strcmp(command, "help") == 0) {
        fputs(usage, stdout);
        return EXIT_OK;
    }
    if (*command)
        fprintf(stderr, "millrace: there is no command '%s'\n", command);
    fputs(usage, stderr);
    return EXIT_USAGE;
}
