#include "src/cmd_serve.h"

#include "io/origin.h"
#include <argp.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_CANNOT = 3, ROBOTS_MAX = 1 << 20 };

enum {
    OPTION_LATENCY = 256,
    OPTION_LOG,
    OPTION_SEED,
    OPTION_ARTICLES,
    OPTION_CONNECTIONS,
    OPTION_PORT_FILE,
    OPTION_ROBOTS,
    OPTION_TLS_CERT,
    OPTION_TLS_KEY,
    OPTION_WITH_PARENT,
    OPTION_USAGE
};

static const struct argp_option options[] = {
    {"address", 'a', "ADDRESS", 0, "Numeric address to listen on (default 127.0.0.1)", 0},
    {"port", 'p', "PORT", 0, "Port to listen on; 0, the default, lets the system choose", 0},
    {"port-file", OPTION_PORT_FILE, "FILE", 0,
     "Write the port to FILE, in one step, once connections are accepted", 0},
    {"latency", OPTION_LATENCY, "SECONDS", 0, "Answer /article, /random and /genre this much later", 0},
    {"articles", OPTION_ARTICLES, "N", 0, "How many articles there are (default 1000)", 0},
    {"seed", OPTION_SEED, "N", 0, "Seed of all that is generated (default 0)", 0},
    {"robots", OPTION_ROBOTS, "FILE", 0, "Serve FILE as /robots.txt", 0},
    {"log", OPTION_LOG, "FILE", 0, "Log each request's start and end as TSV; - is standard error", 0},
    {"connections", OPTION_CONNECTIONS, "N", 0,
     "Most connections at one time (default: what ulimit -n allows)", 0},
    {"tls-cert", OPTION_TLS_CERT, "FILE", 0, "Speak https with this PEM certificate chain", 0},
    {"tls-key", OPTION_TLS_KEY, "FILE", 0, "and this PEM private key", 0},
    {"with-parent", OPTION_WITH_PARENT, NULL, 0, "Stop serving when the process that began this one ends", 0},
    {"help", 'h', NULL, 0, "Say what the options are, and exit", -1},
    {"usage", OPTION_USAGE, NULL, 0, "Say it briefly, and exit", -1},
    {0},
};

struct serve {
    struct origin_config config;
    const char *port_file;
    const char *robots_file;
    char *robots;
    bool with_parent;
    bool help;
};

/* Decimal digits only: strtoull(3) alone would take signs and white space. */
static int parse_number(struct argp_state *state, const char *name, const char *text, uint64_t max,
                        uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value > max) {
        argp_error(state, "--%s: '%s' is not a number from 0 to %llu", name, text, (unsigned long long)max);
        return EINVAL;
    }
    *out = value;
    return 0;
}

static int parse_latency(struct argp_state *state, const char *text, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    if (end == text || *end || !(*out >= 0 && *out <= 3600)) {
        argp_error(state, "--latency: '%s' is not a number of seconds from 0 to 3600", text);
        return EINVAL;
    }
    return 0;
}

static int parse_sized(struct argp_state *state, int key, const char *text, struct origin_config *config)
{
    uint64_t value = 0;
    int error = key == 'p'                  ? parse_number(state, "port", text, UINT16_MAX, &value)
                : key == OPTION_CONNECTIONS ? parse_number(state, "connections", text, INT32_MAX, &value)
                : key == OPTION_ARTICLES    ? parse_number(state, "articles", text, INT64_MAX, &value)
                                            : parse_number(state, "seed", text, UINT64_MAX, &value);
    if (error)
        return error;
    if (key == 'p')
        config->port = (uint16_t)value;
    else if (key == OPTION_CONNECTIONS)
        config->connections = (unsigned)value;
    else if (key == OPTION_ARTICLES)
        config->articles = value;
    else
        config->seed = value;
    return 0;
}

static int parse_text(int key, char *text, struct serve *serve)
{
    switch (key) {
    case 'a':
        serve->config.address = text;
        return 0;
    case OPTION_LOG:
        serve->config.log_path = strcmp(text, "-") == 0 ? NULL : text;
        serve->config.log_fd = strcmp(text, "-") == 0 ? STDERR_FILENO : 0;
        return 0;
    case OPTION_PORT_FILE:
        serve->port_file = text;
        return 0;
    case OPTION_ROBOTS:
        serve->robots_file = text;
        return 0;
    case OPTION_TLS_CERT:
        serve->config.tls_cert = text;
        return 0;
    case OPTION_TLS_KEY:
        serve->config.tls_key = text;
        return 0;
    case OPTION_WITH_PARENT:
        serve->with_parent = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct serve *serve = state->input;
    switch (key) {
    case 'h':
    case OPTION_USAGE:
        /* argp's own --help would leave the process; a command returns. */
        argp_state_help(state, stdout,
                        key == 'h' ? ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC
                                   : ARGP_HELP_USAGE);
        serve->help = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "there are no arguments beside the options: '%s'", text);
        return EINVAL;
    case 'p':
    case OPTION_CONNECTIONS:
    case OPTION_ARTICLES:
    case OPTION_SEED:
        return parse_sized(state, key, text, &serve->config);
    case OPTION_LATENCY:
        return parse_latency(state, text, &serve->config.latency);
    default:
        return parse_text(key, text, serve);
    }
}

/* The whole of the robots file as a string, or NULL with a message. */
static char *read_robots(const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = in ? malloc(ROBOTS_MAX + 1) : NULL;
    size_t length = text ? fread(text, 1, ROBOTS_MAX + 1, in) : 0;
    bool good = text && !ferror(in) && length <= ROBOTS_MAX;
    if (in && fclose(in))
        good = false;
    if (!good) {
        fprintf(stderr, "millrace serve: cannot read %s\n", path);
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/* Written beside it and renamed, so that who waits for the file never reads half of it. */
static int write_port_file(const char *path, uint16_t port)
{
    char *draft = NULL;
    if (asprintf(&draft, "%s.%ld", path, (long)getpid()) < 0)
        return ENOMEM;
    FILE *out = fopen(draft, "we");
    int error = out ? 0 : errno;
    if (out && fprintf(out, "%u\n", port) < 0)
        error = EIO;
    if (out && fclose(out) && !error)
        error = errno;
    if (!error && rename(draft, path))
        error = errno;
    if (error && out)
        (void)unlink(draft);
    free(draft);
    return error;
}

/* Says where it serves, and stays until a signal comes. Returns the exit code. */
static int announce_and_wait(const struct serve *serve, const struct origin *origin, const sigset_t *signals)
{
    const char *address = serve->config.address ? serve->config.address : "127.0.0.1";
    bool v6 = strchr(address, ':') != NULL;
    int error = serve->port_file ? write_port_file(serve->port_file, origin_port(origin)) : 0;
    if (error) {
        fprintf(stderr, "millrace serve: cannot write %s: %s\n", serve->port_file, strerror(error));
        return EXIT_CANNOT;
    }
    int printed = printf("serving on %s://%s%s%s:%u/\n", origin_is_tls(origin) ? "https" : "http",
                         v6 ? "[" : "", address, v6 ? "]" : "", origin_port(origin));
    if (printed < 0 || fflush(stdout)) {
        fprintf(stderr, "millrace serve: cannot write to standard output\n");
        return EXIT_CANNOT;
    }
    int signal_number;
    return sigwait(signals, &signal_number) ? EXIT_CANNOT : EXIT_SUCCESS;
}

/* From now on the end of the parent is a SIGTERM (prctl(2)). False: it has ended already, or nothing can be told of it. */
static bool end_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

static int run(const struct serve *serve)
{
    sigset_t signals, before;
    struct origin *origin = NULL;
    pid_t parent = getppid();
    if (sigemptyset(&signals) || sigaddset(&signals, SIGINT) || sigaddset(&signals, SIGTERM) ||
        sigaddset(&signals, SIGUSR1) || pthread_sigmask(SIG_BLOCK, &signals, &before))
        return EXIT_CANNOT;
    if (serve->with_parent && !end_with(parent))
        return EXIT_CANNOT;
    int code = EXIT_CANNOT, error = origin_start(&serve->config, &origin);
    if (error == EINVAL) {
        /* All else it could be has been checked. */
        fprintf(stderr, "millrace serve: '%s' is not a numeric address\n", serve->config.address);
        code = EXIT_USAGE;
    } else if (error) {
        fprintf(stderr, "millrace serve: cannot serve: %s\n", strerror(error));
    } else {
        code = announce_and_wait(serve, origin, &signals);
        error = origin_stop(origin);
        if (error) {
            fprintf(stderr, "millrace serve: the log is incomplete: %s\n", strerror(error));
            code = EXIT_CANNOT;
        }
    }
    return pthread_sigmask(SIG_SETMASK, &before, NULL) ? EXIT_CANNOT : code;
}

int cmd_serve(int argc, char **argv)
{
    static const char doc[] =
        "A small web site with delays and faults, for trying things.\v"
        "Paths: /article/N /random /genre /operands/N /delay/S /status/CODE /bytes/N /redirect/N.\n"
        "In the query of any: latency=S fail=K&status=CODE&retry-after=S reset=BYTES slow=BYTES_PER_S "
        "endless endless-header content-length=N gzip deflate br zstd bomb=MIB charset=NAME "
        "type=MIME close drop. It serves until SIGINT, SIGTERM or SIGUSR1.";
    const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    struct serve serve = {0};
    argv[0] = (char *)(uintptr_t) "millrace serve"; /* the name in argp's messages */
    if (argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &serve))
        return EXIT_USAGE;
    if (serve.help)
        return EXIT_SUCCESS;
    if (!serve.config.tls_cert != !serve.config.tls_key) {
        fprintf(stderr, "millrace serve: --tls-cert and --tls-key go together\n");
        return EXIT_USAGE;
    }
    if (serve.robots_file) {
        serve.robots = read_robots(serve.robots_file);
        if (!serve.robots)
            return EXIT_CANNOT;
        serve.config.robots = serve.robots;
    }
    int code = run(&serve);
    free(serve.robots);
    return code;
}
