/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor 3 listens for datagrams; 4 is connected and tells that this program is ready. Serves
 * many peers at once, until one sends "stop": each datagram goes back with the number of the peer's
 * descriptor before it, "0:text". "end" closes the descriptor. The first argument is what travels,
 * "udp" or "dtls". With a second one that is "blocking" the first peer's first datagram is waited
 * for without poll; with "late" nothing is looked at before descriptor 4 says something; with
 * "once" the program ends when a descriptor is closed; with "plain" the numbers are left out.
 */
#include "datagrams.h"

enum { PEERS = 64 };

static struct pollfd polled[PEERS + 1] = {{.fd = 3, .events = POLLIN}};
static int is_udp;
static const char *way = "";
static unsigned numbers[PEERS + 1], count = 1, accepted, closed;

static void add(int fd)
{
    check_type(fd);
    CHECK(count <= PEERS);
    numbers[count] = accepted++;
    polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void drop(unsigned i)
{
    close(polled[i].fd);
    closed++;
    count--;
    polled[i] = polled[count];
    numbers[i] = numbers[count];
}

/* Whether the program ends. */
static int answer(unsigned i, char *text, size_t size)
{
    char out[2100];
    int head = strcmp(way, "plain") ? snprintf(out, 100, "%u:", numbers[i]) : 0;
    memcpy(out + head, text, size);
    CHECK(write(polled[i].fd, out, head + size) == (ssize_t)(head + size));
    if (size >= 3 && memcmp(text, "end", 3) == 0)
        drop(i);
    return size >= 4 && memcmp(text, "stop", 4) == 0;
}

/* Whether the program ends. The end of an association, and a handshake that failed, close it. */
static int serve(unsigned i)
{
    char text[2000];
    ssize_t got = read(polled[i].fd, text, sizeof(text));
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got < 0 || (got == 0 && !is_udp)) {
        if (got < 0)
            fprintf(stderr, "peer %u: %s\n", numbers[i], strerror(errno));
        drop(i);
        return strcmp(way, "once") == 0;
    }
    return answer(i, text, (size_t)got);
}

int main(int argc, char **argv)
{
    int ends = 0;
    char byte;
    CHECK(argc > 1);
    is_udp = strcmp(argv[1], "udp") == 0;
    way = argc > 2 ? argv[2] : "";
    check_names("5", "stdin:stdout:stderr:ingest:ping");
    check_type(3);
    CHECK(write(4, "ping\n", 5) == 5);
    if (strcmp(way, "late") == 0)
        CHECK(read(4, &byte, 1) == 1);
    if (strcmp(way, "blocking") == 0) {
        add(accept(3, NULL, NULL));
        serve(1);
        set_blocking(polled[1].fd, 0);
    }
    set_blocking(3, 0);
    while (!ends) {
        CHECK(poll(polled, count, 60000) > 0);
        if (polled[0].revents) {
            int fd;
            while (count <= PEERS && (fd = accept(3, NULL, NULL)) >= 0) {
                set_blocking(fd, 0);
                add(fd);
            }
        }
        for (unsigned i = count - 1; i > 0 && !ends; i--) {
            if (polled[i].revents)
                ends = serve(i);
        }
    }
    printf("ok %u accepted, %u closed\n", accepted, closed);
    return 0;
}
