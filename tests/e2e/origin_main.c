/* `millrace serve` as a program of its own, for end-to-end tests that need only a server. */
#include "src/cmd_serve.h"

int main(int argc, char **argv)
{
    return cmd_serve(argc, argv);
}
