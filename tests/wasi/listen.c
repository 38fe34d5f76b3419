/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor 3 listens; 4 is connected and tells that this program is ready. Serves three
 * connections: as the listener comes, blocking, not blocking; three lines on each. */
#include "sockets.h"

#include <sys/socket.h>

static void serve(int fd)
{
    CHECK(fd >= 0);
    for (int i = 0; i < 3; i++)
        echo_line(fd);
    CHECK(shutdown(fd, SHUT_WR) == 0);
    CHECK(close(fd) == 0);
}

int main(void)
{
    check_names("5", "stdin:stdout:stderr:ingest:ping");
    CHECK(write(4, "ping\n", 5) == 5);
    CHECK(close(4) == 0);
    serve(accept(3, NULL, NULL));
    set_blocking(3, 1);
    serve(accept(3, NULL, NULL));
    set_blocking(3, 0);
    await(3);
    serve(accept(3, NULL, NULL));
    CHECK_ERRNO(accept(3, NULL, NULL), EAGAIN);
    puts("ok");
    return 0;
}
