/* `millrace serve`: the embedded origin of io/origin.h as a command. */
#ifndef MILLRACE_SRC_CMD_SERVE_H
#define MILLRACE_SRC_CMD_SERVE_H

/* argv[0] is the command's name. Serves until SIGINT, SIGTERM or SIGUSR1, then stops; these are blocked for
 * the caller's thread meanwhile. Returns the program's exit code: 0, 2 for wrong usage, 3 if serving failed.
 * Main thread. */
int cmd_serve(int argc, char **argv);

#endif
