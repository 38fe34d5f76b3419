/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor 3 listens; 4, if there is one, is connected and tells that this program is ready.
 * Serves many connections at once, of which some say nothing, until one has sent the line "end\n".
 * Reads a byte at a time and polls before each: what has been decrypted already has to count as
 * readable. */
#include "sockets.h"

#include <stdbool.h>
#include <sys/socket.h>

enum { CONNECTIONS = 16 };

struct client {
    char line[100];
    size_t size;
};

/* Whether the line is the last one. */
static int take_line(int fd, struct client *client)
{
    CHECK(write(fd, client->line, client->size) == (ssize_t)client->size);
    int last = client->size == 4 && memcmp(client->line, "end\n", 4) == 0;
    client->size = 0;
    return last;
}

int main(void)
{
    static struct client clients[CONNECTIONS + 1];
    struct pollfd polled[CONNECTIONS + 1] = {{.fd = 3, .events = POLLIN}};
    unsigned count = 1;
    bool ping = getenv("FD_COUNT") && getenv("FD_COUNT")[0] == '5';
    if (ping)
        check_names("5", "stdin:stdout:stderr:ingest:ping");
    set_blocking(3, 0);
    CHECK(!ping || write(4, "ping\n", 5) == 5);
    for (;;) {
        CHECK(poll(polled, count, 30000) > 0);
        if (polled[0].revents && count <= CONNECTIONS) {
            int fd = accept(3, NULL, NULL);
            if (fd >= 0) {
                set_blocking(fd, 0);
                polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
            }
        }
        for (unsigned i = 1; i < count; i++) {
            struct client *client = &clients[i];
            if (!polled[i].revents)
                continue;
            ssize_t got = read(polled[i].fd, client->line + client->size, 1);
            if (got < 0 && errno == EAGAIN)
                continue;
            if (got <= 0) { /* gone */
                close(polled[i].fd);
                polled[i] = polled[--count];
                *client = clients[count];
                break;
            }
            CHECK(++client->size < sizeof(client->line));
            if (client->line[client->size - 1] == '\n' && take_line(polled[i].fd, client)) {
                puts("ok");
                return 0;
            }
        }
    }
}
