// SPDX-License-Identifier: Apache-2.0
/* Says that it is there, then waits for a signal; SIGTERM makes it exit with 7. */
#include <signal.h>
#include <unistd.h>

static void on_signal(int number)
{
    (void)number;
    _exit(7);
}

int main(void)
{
    signal(SIGTERM, on_signal);
    if (write(1, "ready\n", 6) != 6)
        return 1;
    for (;;)
        pause();
}
