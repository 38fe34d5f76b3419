// SPDX-License-Identifier: Apache-2.0
/* Descriptors: private numbers, dup, pipes, poll, epoll, events, sockets, transfers of all sizes.
 */
#include "guest.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void numbers(void)
{
    char byte;
    for (int fd = 100; fd < 200; fd++)
        CHECK(read(fd, &byte, 1) == -1 && errno == EBADF);
    int copy = dup(1);
    CHECK(copy >= 3);
    CHECK(dup2(copy, 50) == 50 && dup2(50, 50) == 50);
    CHECK(fcntl(50, F_DUPFD, 60) == 60);
    CHECK(fcntl(50, F_DUPFD_CLOEXEC, 60) == 61 && fcntl(61, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(50, F_GETFD) == 0);
    CHECK(close(copy) == 0 && close(50) == 0 && close(61) == 0);
    CHECK(close(50) == -1 && errno == EBADF);
    CHECK(write(60, "", 0) == 0 && close(60) == 0);
    CHECK(dup(copy) == -1 && errno == EBADF);
    CHECK(dup3(1, 1, 0) == -1 && errno == EINVAL);
}

static void pipes(void)
{
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK(flock(ends[0], LOCK_EX | LOCK_NB) == 0);
    CHECK(flock(ends[1], LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
    CHECK(flock(ends[0], LOCK_UN) == 0);
    CHECK(write(ends[1], "abcdef", 6) == 6);
    int available = 0;
    CHECK(ioctl(ends[0], FIONREAD, &available) == 0 && available == 6);
    char one[2], two[10];
    struct iovec pieces[3] = {{one, 2}, {NULL, 0}, {two, 10}};
    CHECK(readv(ends[0], pieces, 3) == 6);
    CHECK(memcmp(one, "ab", 2) == 0 && memcmp(two, "cdef", 4) == 0);
    char digits[] = "12345";
    struct iovec out[2] = {{digits, 2}, {digits + 2, 3}};
    CHECK(writev(ends[1], out, 2) == 5);
    CHECK(read(ends[0], two, 10) == 5 && memcmp(two, "12345", 5) == 0);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK(read(ends[0], two, 10) == -1 && errno == EAGAIN);
    CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    CHECK(close(ends[1]) == 0 && read(ends[0], two, 10) == 0 && close(ends[0]) == 0);
}

/* Every size around the limits of the protocol arrives as it was sent. */
static void sizes(void)
{
    static const size_t all[] = {1,    7,     8,     511,   1023,   1024,  1025,
                                 4096, 20000, 65507, 65536, 131072, 300000};
    static uint8_t sent[300000], got[300000];
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        size_t written = 0, received = 0;
        memset(got, 0, sizeof(got));
        while (received < all[i]) {
            ssize_t part = written < all[i]
                               ? send(pair[0], sent + written, all[i] - written, MSG_DONTWAIT)
                               : 0;
            CHECK(part >= 0 || errno == EAGAIN);
            written += part > 0 ? (size_t)part : 0;
            part = read(pair[1], got + received, sizeof(got) - received);
            CHECK(part > 0);
            received += (size_t)part;
        }
        CHECK(memcmp(sent, got, all[i]) == 0);
        CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
    }
}

static void bad_addresses(void)
{
    int ends[2];
    void *volatile low = (void *)16, *volatile high = (void *)-8;
    void *volatile shim = (void *)0xffffffff80100000, *volatile direct = (void *)0xffff800000200000;
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], low, 8) == -1 && errno == EFAULT);
    CHECK(write(ends[1], low, 100000) == -1 && errno == EFAULT);
    CHECK(write(ends[1], high, 4) == -1 && errno == EFAULT);
    CHECK(write(ends[1], shim, 8) == -1 && errno == EFAULT);
    CHECK(write(ends[1], "12345678", 8) == 8);
    CHECK(read(ends[0], low, 8) == -1 && errno == EFAULT);
    CHECK(read(ends[0], direct, 8) == -1 && errno == EFAULT);
    CHECK(pipe((int *)low) == -1 && errno == EFAULT);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void polls(void)
{
    int first[2], second[2];
    CHECK(pipe(first) == 0 && pipe(second) == 0);
    CHECK(write(second[1], "x", 1) == 1);
    struct pollfd entries[5] = {{first[0], POLLIN, 7},
                                {second[0], POLLIN, 7},
                                {-1, POLLIN, 7},
                                {999, POLLIN, 7},
                                {first[1], POLLOUT, 7}};
    CHECK(poll(entries, 5, 1000) == 3);
    CHECK(entries[0].revents == 0 && entries[1].revents == POLLIN && entries[2].revents == 0);
    CHECK(entries[3].revents == POLLNVAL && entries[4].revents == POLLOUT);
    double start = now();
    CHECK(poll(entries, 1, 200) == 0 && now() - start >= 0.2);
    CHECK(poll(NULL, 0, 0) == 0);
    CHECK(close(first[1]) == 0);
    CHECK(poll(entries, 1, -1) == 1 && entries[0].revents == POLLHUP);
    static struct pollfd many[1024];
    for (int i = 0; i < 1024; i++)
        many[i] = (struct pollfd){.fd = i % 2 ? second[0] : -1, .events = POLLIN};
    CHECK(poll(many, 1024, -1) == 512 && many[1023].revents == POLLIN && many[1022].revents == 0);
    CHECK(close(first[0]) == 0 && close(second[0]) == 0 && close(second[1]) == 0);
}

static void selects(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    fd_set readable, writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(ends[0], &readable);
    FD_SET(ends[1], &writable);
    struct timeval wait = {1, 0};
    CHECK(select(ends[1] + 1, &readable, &writable, NULL, &wait) == 1);
    CHECK(!FD_ISSET(ends[0], &readable) && FD_ISSET(ends[1], &writable));
    CHECK(write(ends[1], "x", 1) == 1);
    FD_SET(ends[0], &readable);
    CHECK(select(ends[0] + 1, &readable, NULL, NULL, NULL) == 1 && FD_ISSET(ends[0], &readable));
    CHECK(close(ends[0]) == 0);
    CHECK(select(ends[0] + 1, &readable, NULL, NULL, NULL) == -1 && errno == EBADF);
    CHECK(close(ends[1]) == 0);
}

static volatile int broken;

static void on_broken_pipe(int number)
{
    broken = number;
}

/* What is opened with the flag tells so, and its copies do not have it. */
static void close_on_exec(void)
{
    int ends[2], pair[2], fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && close(fd) == 0);
    fd = eventfd(0, EFD_CLOEXEC);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    int copy = dup(fd);
    CHECK(fcntl(copy, F_GETFD) == 0 && close(copy) == 0 && close(fd) == 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && close(fd) == 0);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(fcntl(fd, F_GETFD) == 0 && close(fd) == 0);
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[1], F_GETFD) == FD_CLOEXEC);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(fcntl(pair[0], F_GETFD) == FD_CLOEXEC && close(pair[0]) == 0 && close(pair[1]) == 0);
}

static void broken_pipes(void)
{
    int ends[2], pair[2];
    char letter = 'x';
    struct iovec piece = {&letter, 1};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    CHECK(signal(SIGPIPE, on_broken_pipe) != SIG_ERR);
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE && broken == SIGPIPE);
    broken = 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && close(pair[0]) == 0);
    CHECK(send(pair[1], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE && broken == 0);
    CHECK(send(pair[1], "x", 1, 0) == -1 && errno == EPIPE && broken == SIGPIPE);
    broken = 0;
    CHECK(sendmsg(pair[1], &message, MSG_NOSIGNAL) == -1 && errno == EPIPE && broken == 0);
    CHECK(sendmsg(pair[1], &message, 0) == -1 && errno == EPIPE && broken == SIGPIPE);
    CHECK(close(ends[1]) == 0 && close(pair[1]) == 0);
}

static void epolls(void)
{
    int queue = epoll_create1(EPOLL_CLOEXEC);
    int first[2], second[2];
    CHECK(queue >= 0 && pipe(first) == 0 && pipe(second) == 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788};
    CHECK(epoll_ctl(queue, EPOLL_CTL_ADD, first[0], &event) == 0);
    CHECK(epoll_ctl(queue, EPOLL_CTL_ADD, first[0], &event) == -1 && errno == EEXIST);
    event.data.u64 = 99;
    CHECK(epoll_ctl(queue, EPOLL_CTL_ADD, second[0], &event) == 0);
    struct epoll_event got[4];
    CHECK(epoll_wait(queue, got, 4, 0) == 0);
    CHECK(write(first[1], "x", 1) == 1 && write(second[1], "y", 1) == 1);
    CHECK(epoll_wait(queue, got, 4, 1000) == 2);
    CHECK(got[0].events == EPOLLIN && got[1].events == EPOLLIN);
    CHECK(got[0].data.u64 + got[1].data.u64 == 0x1122334455667788 + 99);
    event.data.u64 = 5;
    CHECK(epoll_ctl(queue, EPOLL_CTL_MOD, second[0], &event) == 0);
    CHECK(epoll_ctl(queue, EPOLL_CTL_DEL, first[0], NULL) == 0);
    CHECK(epoll_ctl(queue, EPOLL_CTL_DEL, first[0], NULL) == -1 && errno == ENOENT);
    CHECK(epoll_wait(queue, got, 4, 0) == 1 && got[0].data.u64 == 5);
    CHECK(epoll_ctl(first[0], EPOLL_CTL_ADD, second[0], &event) == -1 && errno == EINVAL);
    CHECK(close(queue) == 0 && close(first[0]) == 0 && close(first[1]) == 0);
    CHECK(close(second[0]) == 0 && close(second[1]) == 0);
}

static void events(void)
{
    int event = eventfd(3, EFD_NONBLOCK);
    uint64_t value;
    CHECK(event >= 0 && read(event, &value, 8) == 8 && value == 3);
    CHECK(read(event, &value, 8) == -1 && errno == EAGAIN);
    CHECK(close(event) == 0);
}

static void sockets(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int on = 1;
    CHECK(listener >= 0 && setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(listener, 5) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    CHECK(size == sizeof(address) && address.sin_port != 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
    struct sockaddr_in peer, name;
    size = sizeof(peer);
    int server = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
    CHECK(server >= 0 && size == sizeof(peer));
    size = sizeof(name);
    CHECK(getpeername(server, (struct sockaddr *)&name, &size) == 0);
    CHECK(name.sin_port == peer.sin_port);
    char text[10];
    CHECK(send(client, "ping", 4, 0) == 4 && recv(server, text, 10, MSG_PEEK) == 4);
    CHECK(recv(server, text, 10, 0) == 4 && memcmp(text, "ping", 4) == 0);
    int error = 5;
    size = sizeof(error);
    CHECK(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0 && size == 4);
    CHECK(shutdown(client, SHUT_WR) == 0 && recv(server, text, 10, 0) == 0);
    CHECK(close(client) == 0 && close(server) == 0 && close(listener) == 0);
}

static void datagrams(void)
{
    static uint8_t sent[65507], got[65507], large[300000];
    int one = socket(AF_INET, SOCK_DGRAM, 0), two = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    CHECK(bind(one, (struct sockaddr *)&address, size) == 0);
    CHECK(getsockname(one, (struct sockaddr *)&address, &size) == 0);
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)i;
    CHECK(sendto(two, sent, sizeof(sent), 0, (struct sockaddr *)&address, size) == sizeof(sent));
    struct sockaddr_in from;
    struct iovec piece = {got, sizeof(got)};
    struct msghdr message = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &piece, .msg_iovlen = 1};
    CHECK(recvmsg(one, &message, 0) == sizeof(sent) && memcmp(sent, got, sizeof(sent)) == 0);
    CHECK(message.msg_namelen == sizeof(from) && from.sin_family == AF_INET);
    CHECK(!(message.msg_flags & MSG_TRUNC));
    CHECK(sendto(two, sent, sizeof(sent), 0, (struct sockaddr *)&address, size) == sizeof(sent));
    piece = (struct iovec){large, sizeof(large)}; /* more room than a thread's block has */
    CHECK(recvmsg(one, &message, 0) == sizeof(sent) && memcmp(sent, large, sizeof(sent)) == 0);
    CHECK(!(message.msg_flags & MSG_TRUNC));
    piece = (struct iovec){got, sizeof(got)};
    for (int flags = 0; flags <= MSG_TRUNC; flags += MSG_TRUNC) { /* what does not fit is told */
        CHECK(sendto(two, sent, 3000, 0, (struct sockaddr *)&address, size) == 3000);
        piece.iov_len = 2000;
        memset(got, 0, sizeof(got));
        CHECK(recvmsg(one, &message, flags) == (flags ? 3000 : 2000));
        CHECK((message.msg_flags & MSG_TRUNC) && memcmp(sent, got, 2000) == 0 && got[2000] == 0);
    }
    CHECK(sendto(two, sent, 3000, 0, (struct sockaddr *)&address, size) == 3000);
    CHECK(recv(one, got, 2, MSG_PEEK | MSG_TRUNC) == 3000 && recv(one, got, 2, 0) == 2);
    CHECK(recv(one, got, 2, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    char letters[] = "abcd";
    struct iovec halves[2] = {{letters, 2}, {letters + 2, 2}};
    struct msghdr reply = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = halves, .msg_iovlen = 2};
    CHECK(sendmsg(one, &reply, 0) == 4);
    CHECK(read(two, got, sizeof(got)) == 4 && memcmp(got, "abcd", 4) == 0);
    CHECK(close(one) == 0 && close(two) == 0);
}

static void families(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) { /* a process of this machine: its services are out of reach */
        CHECK(errno == EAFNOSUPPORT);
        return;
    }
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "enarx-test-%d-%p", getpid(),
             (void *)&fd);
    CHECK(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, 1) == 0);
    CHECK(close(fd) == 0);
}

static void stats(void)
{
    struct stat status;
    CHECK(fstat(0, &status) == 0 && fstat(999, &status) == -1 && errno == EBADF);
}

int main(void)
{
    numbers();
    pipes();
    sizes();
    bad_addresses();
    polls();
    selects();
    close_on_exec();
    broken_pipes();
    epolls();
    events();
    sockets();
    datagrams();
    families();
    stats();
    return 0;
}
