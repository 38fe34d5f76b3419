// SPDX-License-Identifier: Apache-2.0
/* Says that it is there, then waits for a signal; SIGTERM makes it exit with 7. With "read" it
 * waits in a call on standard input, with "default" it leaves SIGTERM as it is. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void on_signal(int number)
{
    (void)number;
    _exit(7);
}

int main(int argc, char **argv)
{
    char byte;
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "default") != 0)
        signal(SIGTERM, on_signal);
    if (write(1, "ready\n", 6) != 6)
        return 1;
    if (strcmp(how, "read") == 0 && read(0, &byte, 1) != 0)
        return 2;
    for (;;)
        pause();
}
