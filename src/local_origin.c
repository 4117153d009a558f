#include "src/local_origin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The origin's own first line, "serving on http://127.0.0.1:8000/": 0 if it is not that. */
static uint16_t announced_port(int fd)
{
    char line[256];
    FILE *in = fdopen(fd, "r");
    if (!in) {
        close(fd);
        return 0;
    }
    const char *colon = fgets(line, sizeof line, in) ? strrchr(line, ':') : NULL;
    unsigned port = 0;
    if (!colon || sscanf(colon, ":%5u/", &port) != 1 || port > UINT16_MAX)
        port = 0;
    fclose(in);
    return (uint16_t)port;
}

static int spawn(struct local_origin *origin, bool reachable, int out)
{
    char *argv[] = {"millrace", "serve", "--with-parent",
                    reachable ? "--address=0.0.0.0" : "--address=127.0.0.1", NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn(&origin->pid, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

bool local_origin_start(struct local_origin *origin, bool reachable, char *error, size_t error_size)
{
    int ends[2];
    *origin = (struct local_origin){0};
    int problem = pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
    if (!problem) {
        problem = spawn(origin, reachable, ends[1]);
        close(ends[1]);
        if (!problem)
            origin->port = announced_port(ends[0]);
        else
            close(ends[0]);
    }
    if (origin->port)
        return true;
    snprintf(error, error_size, "the origin does not start%s%s", problem ? ": " : "",
             problem ? strerror(problem) : "");
    local_origin_stop(origin);
    return false;
}

void local_origin_stop(struct local_origin *origin)
{
    if (origin->pid <= 0)
        return;
    kill(origin->pid, SIGTERM);
    while (waitpid(origin->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    origin->pid = 0;
}
