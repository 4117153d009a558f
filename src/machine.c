#include "src/machine.h"

#include "io/transfer.h"
#include "src/link.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The first "model name" of /proc/cpuinfo (proc(5)). */
static void read_cpu(char *out, size_t size)
{
    char line[512];
    FILE *in = fopen("/proc/cpuinfo", "re");
    snprintf(out, size, "unknown");
    while (in && fgets(line, sizeof line, in)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, "model name", 10) == 0) {
            colon += strspn(colon, ": \t");
            snprintf(out, size, "%.*s", (int)strcspn(colon, "\n"), colon);
            break;
        }
    }
    if (in)
        fclose(in);
}

static unsigned count_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

void machine_describe(struct machine *m)
{
    struct utsname system;
    time_t now = time(NULL);
    struct tm utc;
    *m = (struct machine){
        .host = "unknown", .system = "unknown", .version = MILLRACE_VERSION, .commit = machine_commit()};
    if (uname(&system) == 0) {
        snprintf(m->host, sizeof m->host, "%s", system.nodename);
        snprintf(m->system, sizeof m->system, "%.80s %.80s %.80s", system.sysname, system.release,
                 system.machine);
    }
    read_cpu(m->cpu, sizeof m->cpu);
    m->cores = count_cores();
    snprintf(m->label, sizeof m->label, "%s, %s, %u core%s", m->host, m->cpu, m->cores,
             m->cores == 1 ? "" : "s");
    snprintf(m->compiler, sizeof m->compiler, "%s %s",
#ifdef __clang__
             "Clang", __clang_version__
#else
             "GCC", __VERSION__
#endif
    );
    transfer_library(m->curl, sizeof m->curl);
    link_library(m->mpi, sizeof m->mpi);
    if (gmtime_r(&now, &utc))
        strftime(m->date, sizeof m->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
