// SPDX-License-Identifier: Apache-2.0
/* Peers of datagrams over the sockets of this machine, and of a host that lies. */
#include "exec/udp.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the host answers next in place of the truth, or NULL. */
static ssize_t (*lie)(struct sockaddr *from, socklen_t *from_size);

/* Stands in place of the one of libc. */
ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from,
                 socklen_t *from_size)
{
    return lie ? lie(from, from_size)
               : syscall(SYS_recvfrom, fd, buffer, size, flags, from, from_size);
}

static const struct sockaddr_in local = {.sin_family = AF_INET,
                                         .sin_addr.s_addr = 0x0100007f /* 127.0.0.1 */};

static int socket_at(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(fd >= 0);
    CHECK(bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0);
    return fd;
}

/* A port, and in *address where it is. */
static struct udp_port *port_at(struct sockaddr_in *address, const struct udp_door *door)
{
    struct udp_port *port;
    socklen_t size = sizeof(*address);
    int fd = socket_at(&local), yes = 1;
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)address, &size) == 0);
    CHECK_INT(udp_port_open(fd, door, &port), 0);
    return port;
}

static void send_to(int fd, const struct sockaddr_in *address, const char *text)
{
    ssize_t size = (ssize_t)strlen(text);
    CHECK(sendto(fd, text, (size_t)size, 0, (const struct sockaddr *)address, sizeof(*address)) ==
          size);
}

static bool hears(struct udp_peer *peer, const char *text)
{
    char bytes[100] = "";
    struct pollfd polled = {.fd = udp_peer_fd(peer), .events = POLLIN};
    ssize_t count = udp_peer_receive(peer, bytes, sizeof(bytes), false);
    if (count == -EAGAIN && poll(&polled, 1, 60000) == 1)
        count = udp_peer_receive(peer, bytes, sizeof(bytes), false);
    return count == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)count) == 0;
}

TEST(sorted, "a datagram would reach another peer, or make a second one")
{
    struct sockaddr_in address;
    struct udp_port *port = port_at(&address, NULL);
    struct udp_peer *one, *other, *none;
    int ends[2] = {socket_at(&local), socket_at(&local)};
    char byte;
    CHECK_INT(udp_port_look(port), 0);
    CHECK_INT(udp_port_accept(port, &none, NULL), -EAGAIN);
    send_to(ends[0], &address, "a");
    send_to(ends[1], &address, "b");
    send_to(ends[0], &address, "");
    send_to(ends[0], &address, "c");
    CHECK_INT(udp_port_look(port), 1);
    CHECK_INT(udp_port_accept(port, &one, NULL), 0);
    CHECK_INT(udp_port_accept(port, &other, NULL), 0);
    CHECK_INT(udp_port_accept(port, &none, NULL), -EAGAIN);
    send_to(ends[0], &address, "d");
    CHECK_INT(udp_peer_receive(one, NULL, 0, true), 1);
    CHECK_INT(udp_peer_receive(one, &byte, 1, true), 1);
    CHECK(byte == 'a');
    CHECK(hears(one, "a") && hears(one, "") && hears(one, "c") && hears(one, "d"));
    CHECK(hears(other, "b"));
    CHECK_INT(udp_peer_receive(one, &byte, 1, false), -EAGAIN);
    CHECK_INT(udp_peer_send(one, "xyz", 3), 3);
    CHECK_INT(recv(ends[0], &byte, 1, MSG_TRUNC), 3);
    udp_peer_free(other);
    send_to(ends[1], &address, "e"); /* a new peer, which nobody accepts */
    CHECK_INT(udp_port_look(port), 1);
    udp_port_close(port);
    send_to(ends[0], &address, "f"); /* peers outlive the port */
    CHECK(hears(one, "f"));
    udp_peer_free(one);
    close(ends[0]);
    close(ends[1]);
}

TEST(elsewhere, "what a peer sends to another address of this machine would make a second peer")
{
    struct sockaddr_in address, any = {.sin_family = AF_INET}, second = local;
    struct udp_port *port;
    struct udp_peer *peer, *none;
    socklen_t size = sizeof(address);
    int fd = socket_at(&any), end = socket_at(&local), yes = 1;
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    CHECK_INT(udp_port_open(fd, NULL, &port), 0);
    address.sin_addr = local.sin_addr;
    send_to(end, &address, "a");
    CHECK_INT(udp_port_accept(port, &peer, NULL), 0);
    CHECK(hears(peer, "a"));
    second.sin_addr.s_addr = htonl(0x7f000002); /* 127.0.0.2 */
    second.sin_port = address.sin_port;
    send_to(end, &second, "b");
    CHECK_INT(udp_port_look(port), -EINTR); /* whoever waits for the peer has to ask anew */
    CHECK_INT(udp_peer_receive(peer, NULL, 0, true), 1);
    CHECK(hears(peer, "b"));
    CHECK_INT(udp_port_look(port), 0);
    CHECK_INT(udp_port_accept(port, &none, NULL), -EAGAIN);
    udp_peer_free(peer);
    udp_port_close(port);
    close(end);
}

TEST(descriptors, "who cannot be accepted for lack of descriptors would be lost")
{
    struct sockaddr_in address;
    struct udp_port *port = port_at(&address, NULL);
    struct udp_peer *peer;
    struct rlimit limit, none;
    int end = socket_at(&local);
    send_to(end, &address, "a");
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    int status = udp_port_accept(port, &peer, NULL);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_INT(status, -EMFILE);
    CHECK_INT(udp_port_look(port), 1);
    CHECK_INT(udp_port_accept(port, &peer, NULL), 0);
    CHECK(hears(peer, "a"));
    udp_peer_free(peer);
    udp_port_close(port);
    close(end);
}

TEST(crowded, "peers that nobody accepts would fill the memory")
{
    enum { PEERS = 200, WAITING = 128 };
    struct sockaddr_in address;
    struct udp_port *port = port_at(&address, NULL);
    struct udp_peer *peers[PEERS];
    int ends[PEERS], count = 0;
    for (int i = 0; i < PEERS; i++) {
        ends[i] = socket_at(&local);
        send_to(ends[i], &address, "x");
    }
    /* The first one makes room for one more; all the others are looked at then. */
    while (udp_port_accept(port, &peers[count], NULL) == 0)
        count++;
    CHECK_INT(count, WAITING + 1);
    for (int i = 0; i < count; i++)
        udp_peer_free(peers[i]);
    udp_port_close(port);
    for (int i = 0; i < PEERS; i++)
        close(ends[i]);
}

TEST(queued, "what a peer sends before it is accepted would fill the memory")
{
    enum { SIZE = 50000, QUEUED = 2 }; /* a third one would make more than 128 KiB */
    static char big[SIZE];
    struct sockaddr_in address;
    struct udp_port *port = port_at(&address, NULL);
    struct udp_peer *peer;
    int end = socket_at(&local);
    for (int i = 0; i < QUEUED + 1; i++)
        CHECK(sendto(end, big, SIZE, 0, (struct sockaddr *)&address, sizeof(address)) == SIZE);
    CHECK_INT(udp_port_accept(port, &peer, NULL), 0);
    for (int i = 0; i < QUEUED; i++)
        CHECK_INT(udp_peer_receive(peer, NULL, 0, false), SIZE);
    CHECK_INT(udp_peer_receive(peer, NULL, 0, false), -EAGAIN);
    CHECK(sendto(end, big, SIZE, 0, (struct sockaddr *)&address, sizeof(address)) == SIZE);
    CHECK_INT(udp_peer_receive(peer, NULL, 0, false), SIZE);
    udp_peer_free(peer);
    udp_port_close(port);
    close(end);
}

/* ---- Doors ------------------------------------------------------------------------------------
 */

static int forgotten;

/* Lets in who says "please". */
static int knock(void *env, struct span address, struct span datagram,
                 uint8_t answer[UDP_ANSWER_MAX], size_t *answer_size, void **state)
{
    CHECK(address.size > 0);
    if (span_equal(datagram, SPAN_LITERAL("please"))) {
        *state = env;
        return 1;
    }
    answer[0] = '?';
    *answer_size = datagram.size > 1;
    return 0;
}

static void forget(void *state)
{
    CHECK(state == &forgotten);
    forgotten++;
}

TEST(doors, "somebody would be let in who has not shown a cookie")
{
    struct sockaddr_in address;
    const struct udp_door door = {knock, forget, &forgotten};
    struct udp_port *port = port_at(&address, &door);
    struct udp_peer *peer;
    void *state = NULL;
    char bytes[10];
    int ends[2] = {socket_at(&local), socket_at(&local)};
    send_to(ends[0], &address, "hello");
    send_to(ends[0], &address, "x"); /* no answer */
    CHECK_INT(udp_port_look(port), 0);
    CHECK_INT(recv(ends[0], bytes, sizeof(bytes), 0), 1);
    CHECK_INT(recv(ends[0], bytes, sizeof(bytes), MSG_DONTWAIT), -1);
    send_to(ends[0], &address, "please");
    send_to(ends[0], &address, "more");
    send_to(ends[1], &address, "please");
    CHECK_INT(udp_port_accept(port, &peer, &state), 0);
    CHECK(state == &forgotten);
    CHECK(hears(peer, "more"));
    CHECK_INT(udp_port_look(port), 1);
    udp_port_close(port);
    CHECK_INT(forgotten, 1);
    udp_peer_free(peer);
    close(ends[0]);
    close(ends[1]);
}

/* ---- A false host -----------------------------------------------------------------------------
 */

static ssize_t huge(struct sockaddr *from, socklen_t *from_size)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = 1};
    memcpy(from, &any, sizeof(any));
    *from_size = sizeof(any);
    return (ssize_t)1 << 40;
}

static ssize_t no_address(struct sockaddr *from, socklen_t *from_size)
{
    memset(from, 0xff, sizeof(struct sockaddr_in));
    *from_size = 1000;
    return 1;
}

static ssize_t no_port(struct sockaddr *from, socklen_t *from_size)
{
    memcpy(from, &local, sizeof(local));
    *from_size = sizeof(local);
    return 1;
}

static ssize_t too_short(struct sockaddr *from, socklen_t *from_size)
{
    (void)huge(from, from_size);
    *from_size = 4;
    return 1;
}

TEST(lies, "a host that answers nonsense would make peers, or have bytes read that are not there")
{
    static ssize_t (*const lies[])(struct sockaddr *, socklen_t *) = {huge, no_address, no_port,
                                                                      too_short};
    struct sockaddr_in address;
    struct udp_port *port = port_at(&address, NULL);
    struct udp_peer *peer, *none;
    int end = socket_at(&local);
    char byte;
    send_to(end, &address, "a");
    CHECK_INT(udp_port_accept(port, &peer, NULL), 0);
    CHECK(hears(peer, "a"));
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        lie = lies[i];
        CHECK_INT(udp_port_look(port), 0);
        CHECK_INT(udp_port_accept(port, &none, NULL), -EAGAIN);
        CHECK_INT(udp_peer_receive(peer, &byte, 1, false), -EAGAIN);
        CHECK_INT(udp_peer_receive(peer, NULL, 0, true), -EAGAIN);
        lie = NULL;
    }
    send_to(end, &address, "b");
    CHECK(hears(peer, "b"));
    udp_peer_free(peer);
    udp_port_close(port);
    close(end);
}

TEST(connected, "a socket that is not connected would be taken for a peer's")
{
    struct udp_peer *peer;
    CHECK_INT(udp_peer_open(socket_at(&local), &peer), -ENOTCONN);
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    CHECK_INT(udp_peer_open(ends[0], &peer), -EAFNOSUPPORT);
    close(ends[1]);
    udp_peer_free(NULL);
    udp_port_close(NULL);
}

TAP_MAIN()
