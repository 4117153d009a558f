/* What figures depend on beside the program: the machine, the system, the libraries, the very commit. */
#ifndef MILLRACE_SRC_MACHINE_H
#define MILLRACE_SRC_MACHINE_H

struct machine {
    char host[256], cpu[256], system[256]; /* system: "Linux 6.1.0 x86_64" */
    unsigned cores;                        /* that this process may run on */
    char label[600];                       /* "host, cpu, N cores" */
    char compiler[128], curl[64], mpi[128];
    const char *version, *commit; /* of this program; static */
    char date[32];                /* now, UTC: "2026-11-21T07:00:00Z" (ISO 8601) */
};

/* What can't be found out is "unknown". */
void machine_describe(struct machine *m);

/* The commit that this program was built from, ending in "-dirty" if files were changed after it; "unknown" outside of git.
 * Static. Made at every build, by commit.cmake. */
const char *machine_commit(void);

#endif
