#include "src/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Signals are as a program of its own expects them, whatever this one has made of them. */
static int set_signals(posix_spawnattr_t *how)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int bad = posix_spawnattr_setsigmask(how, &none);
    bad = bad ? bad : posix_spawnattr_setsigdefault(how, &all);
    return bad ? bad : posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int set_files(posix_spawn_file_actions_t *files, int in, int out, int said)
{
    int bad = posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
    bad = bad ? bad : posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    return bad ? bad : posix_spawn_file_actions_adddup2(files, said, STDERR_FILENO);
}

/* 0, or the errno. */
static int start(char *const *argv, int in, int out, int said, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    int bad = posix_spawn_file_actions_init(&files);
    if (bad)
        return bad;
    bad = posix_spawnattr_init(&how);
    if (!bad) {
        bad = set_signals(&how);
        bad = bad ? bad : set_files(&files, in, out, said);
        bad = bad ? bad : posix_spawnp(pid, argv[0], &files, &how, argv, environ);
        posix_spawnattr_destroy(&how);
    }
    posix_spawn_file_actions_destroy(&files);
    return bad;
}

/* The first line of what was said that says something. */
static void quote(FILE *said, char *error, size_t error_size)
{
    char line[512];
    rewind(said);
    while (fgets(line, sizeof line, said)) {
        char *text = line + strspn(line, " \t^\n");
        text[strcspn(text, "\n")] = '\0';
        if (*text && strncmp(text, "gnuplot>", 8) != 0) {
            snprintf(error, error_size, "gnuplot: %s", text);
            return;
        }
    }
    snprintf(error, error_size, "gnuplot failed and does not say why");
}

static bool run(char *const *argv, int in, int out, char *error, size_t error_size)
{
    pid_t pid;
    int status = -1;
    FILE *said = tmpfile();
    int bad = said ? start(argv, in, out, fileno(said), &pid) : errno;
    if (bad == ENOENT)
        snprintf(error, error_size, "gnuplot is not installed (Debian's package gnuplot-nox)");
    else if (bad)
        snprintf(error, error_size, "gnuplot can't be run: %s", strerror(bad));
    while (!bad && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool ok = !bad && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!bad && !ok)
        quote(said, error, error_size);
    if (said)
        fclose(said);
    return ok;
}

bool gnuplot_works(char *error, size_t error_size)
{
    static char name[] = "gnuplot", version[] = "--version";
    char *const argv[] = {name, version, NULL};
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) {
        snprintf(error, error_size, "/dev/null: %s", strerror(errno));
        return false;
    }
    bool ok = run(argv, nothing, nothing, error, error_size);
    close(nothing);
    return ok;
}

bool gnuplot_run(FILE *script, FILE *out, char *error, size_t error_size)
{
    /* Its own defaults: no ~/.gnuplot, whatever stands there. */
    static char name[] = "gnuplot", defaults[] = "-d", standard_input[] = "-";
    char *const argv[] = {name, defaults, standard_input, NULL};
    if (fflush(script) != 0 || ferror(script) || fflush(out) != 0 ||
        lseek(fileno(script), 0, SEEK_SET) != 0) {
        snprintf(error, error_size, "%s", strerror(errno));
        return false;
    }
    return run(argv, fileno(script), fileno(out), error, error_size);
}

bool gnuplot_string(struct buffer *out, const char *text)
{
    bool ok = buffer_add_byte(out, '\'');
    for (; ok && *text; text++) {
        bool control = (unsigned char)*text < ' ' || *text == 0x7f;
        ok = (*text != '\'' || buffer_add_byte(out, '\'')) && buffer_add_byte(out, control ? ' ' : *text);
    }
    return ok && buffer_add_byte(out, '\'');
}
