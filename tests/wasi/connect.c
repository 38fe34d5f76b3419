/* SPDX-License-Identifier: Apache-2.0 */
/* Echoes three lines on descriptor 3, which is connected: as it comes, blocking, not blocking. */
#include "sockets.h"

int main(void)
{
    check_names("4", "stdin:stdout:stderr:stream");
    echo_line(3);
    set_blocking(3, 1);
    echo_line(3);
    set_blocking(3, 0);
    echo_line(3);
    puts("ok");
    return 0;
}
