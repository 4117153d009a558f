/* millrace: initialise, dispatch, tear down. */
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

typedef int parse_fn(int argc, char **argv, bool speak, struct job **job);

static const char usage[] = "Usage: millrace COMMAND [OPTION...] [INPUT...]\n"
                            "Fetch a long list of pages over MPI ranks, and compute on what arrives.\n"
                            "\n"
                            "  scrape   fetch, extract fields, gather one row a page: the main job\n"
                            "  fetch    fetch, each body to a file of its own\n"
                            "  pow      exact integer powers\n"
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

static int parse_scrape(int argc, char **argv, bool speak, struct job **job)
{
    return options_pages_parse(PAGES_SCRAPE, argc, argv, speak, job);
}

static int parse_fetch(int argc, char **argv, bool speak, struct job **job)
{
    return options_pages_parse(PAGES_FETCH, argc, argv, speak, job);
}

static int run_job(parse_fn *parse, int argc, char **argv)
{
    if (!hold_signals())
        return EXIT_STOPPED;
    /* Among other ranks MPI comes first, so that one of them can speak for all; alone, --help need not wait for it. */
    struct link *link = link_launched() ? link_open(&argc, &argv) : NULL;
    struct job *job;
    int code = parse(argc, argv, !link || link_rank(link) == 0, &job);
    if (code < 0) {
        code = EXIT_STOPPED;
        if (link || (link = link_open(&argc, &argv)))
            code = engine_run(link, &job->engine);
        job->free(job);
    }
    if (link)
        link_close(link);
    return code;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        parse_fn *parse;
    } jobs[] = {{"scrape", parse_scrape}, {"fetch", parse_fetch}, {"pow", options_pow_parse}};
    const char *command = argc > 1 ? argv[1] : "";
    /* libcurl takes host names in other scripts from the locale's charset. URLs are UTF-8 wherever they come from, so a
     * failure only means that such names are refused. */
    setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        if (strcmp(command, jobs[i].name) == 0) {
            let_idle_threads_sleep(argv);
            return run_job(jobs[i].parse, argc - 1, argv + 1);
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
