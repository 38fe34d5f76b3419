// SPDX-License-Identifier: Apache-2.0
/* Sends what comes on stdin to the chat room, and prints what comes from there. Enarx.toml says
 * where that is, and what has to run there: the connection exists when main begins. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 3 }; /* the fourth file of Enarx.toml */

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return true;
}

/* 1: something was copied, 0: nothing follows, -1: it failed. */
static int copy(int from, int to)
{
    char bytes[4096];
    ssize_t got = read(from, bytes, sizeof(bytes));
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : -1;
    if (got == 0)
        return 0;
    return write_all(to, bytes, (size_t)got) ? 1 : -1;
}

int main(void)
{
    struct pollfd polled[] = {{.fd = ROOM, .events = POLLIN},
                              {.fd = STDIN_FILENO, .events = POLLIN}};
    fputs("Your name, and then what you want to say:\n", stderr);
    for (;;) {
        if (poll(polled, 2, -1) < 0 && errno != EINTR) {
            perror("poll");
            return 1;
        }
        int copied = polled[0].revents ? copy(ROOM, STDOUT_FILENO) : 1;
        if (copied == 1 && polled[1].revents) {
            copied = copy(STDIN_FILENO, ROOM);
            if (copied == 0) { /* the room may still have something to say */
                shutdown(ROOM, SHUT_WR);
                polled[1].fd = -1;
                continue;
            }
        }
        if (copied < 0) {
            perror("chat");
            return 1;
        }
        if (copied == 0)
            return 0;
    }
}
