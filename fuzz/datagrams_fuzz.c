// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: datagrams of several peers come to a listener, of UDP or of DTLS as the first
 * byte says. Then follow datagrams: a byte that says who sent it, to which socket the host gives it
 * and what the program does next; its size in two bytes; its bytes, in which COOKIE stands for the
 * cookie that the sender got. Nobody hears what another one sent, nobody becomes a peer of DTLS who
 * got no cookie, no answer is larger than what asked for it, and nothing stays behind.
 */
#include "exec/socket.h"
#include "exec/tls_file.h"
#include "exec/udp_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wick_wasi.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SENDERS = 4,          /* the last of them at port 0, where nobody can be */
    FIRST_PORT = 40001,   /* of the first; nobody listens there */
    COOKIE_AT = 28,       /* in a HelloVerifyRequest that is a whole datagram, … */
    COOKIE_SIZE = 32,     /* … of this size */
    DATAGRAM_MAX = 70000, /* larger than any */
};

#define COOKIE "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

static struct {
    bool secure;
    int port; /* the listener's socket */
    struct file_stream listener, peers[SENDERS];
    bool has_cookie[SENDERS];
    uint8_t cookies[SENDERS][COOKIE_SIZE];
    /* What the host has to give. */
    bool waits, at_port;
    unsigned sender;
    uint8_t bytes[DATAGRAM_MAX];
    size_t size;
} f;

static void check(bool condition)
{
    if (!condition)
        abort();
}

/* ---- The host ---------------------------------------------------------------------------------
 * Both functions stand in place of those of libc.
 */

static struct sockaddr_in address_of(unsigned sender)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(sender + 1 < SENDERS ? (uint16_t)(FIRST_PORT + sender) : 0),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from,
                 socklen_t *from_size)
{
    const struct sockaddr_in address = address_of(f.sender);
    if (!f.waits || (fd == f.port) != f.at_port) {
        errno = EAGAIN;
        return -1;
    }
    check(*from_size >= sizeof(address) && flags & MSG_TRUNC);
    memcpy(from, &address, sizeof(address));
    *from_size = sizeof(address);
    if (size > 0)
        memcpy(buffer, f.bytes, f.size < size ? f.size : size);
    f.waits = flags & MSG_PEEK;
    return (ssize_t)f.size;
}

/* What leaves by the listener's socket is a cookie for who has just sent something. */
ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
               socklen_t to_size)
{
    const struct sockaddr_in address = address_of(f.sender);
    (void)flags;
    if (fd != f.port) {
        check(!to);
        return (ssize_t)size;
    }
    check(f.secure && to_size == sizeof(address) && memcmp(to, &address, sizeof(address)) == 0);
    check(size < f.size && size == COOKIE_AT + COOKIE_SIZE);
    memcpy(f.cookies[f.sender], (const uint8_t *)data + COOKIE_AT, COOKIE_SIZE);
    f.has_cookie[f.sender] = true;
    return (ssize_t)size;
}

/* ---- The program ------------------------------------------------------------------------------
 */

/* Which sender a peer is, by its socket. */
static unsigned sender_of(const struct file_stream *peer)
{
    struct wick_wasi_wait wait = {.fd = -1, .milliseconds = -1};
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    (void)peer->ops->ready(peer->env, false, &wait);
    check(getpeername(wait.fd, (struct sockaddr *)&address, &size) == 0);
    unsigned sender = ntohs(address.sin_port) - FIRST_PORT;
    check(sender + 1 < SENDERS);
    return sender;
}

static void accept_all(void)
{
    struct file_stream peer;
    while (f.listener.ops->accept(f.listener.env, true, &peer.ops, &peer.env) == 0) {
        unsigned sender = sender_of(&peer);
        check(!f.peers[sender].ops && (!f.secure || f.has_cookie[sender]));
        f.peers[sender] = peer;
    }
}

static void close_peer(struct file_stream *peer)
{
    file_stream_close(peer);
    peer->ops = NULL;
}

static void receive(unsigned sender, bool peek)
{
    static uint8_t bytes[DATAGRAM_MAX];
    const struct file_stream *peer = &f.peers[sender];
    int64_t count = peer->ops->receive(peer->env, bytes, sizeof(bytes), peek);
    check(count <= 0 || (!f.secure && count <= (int64_t)sizeof(bytes) && bytes[0] == sender));
}

enum { LOOK, ACCEPT, RECEIVE, PEEK, WRITE, SHUT, CLOSE, POLL };

static void act_on(unsigned sender, unsigned what)
{
    struct wick_wasi_wait wait = {.fd = -1, .milliseconds = -1};
    struct file_stream *peer = &f.peers[sender];
    if (what == RECEIVE || what == PEEK)
        receive(sender, what == PEEK);
    else if (what == WRITE)
        (void)peer->ops->write(peer->env, (const uint8_t *)"hello", 5);
    else if (what == SHUT)
        (void)peer->ops->shutdown(peer->env, SHUT_RDWR);
    else if (what == CLOSE && sender == f.sender)
        close_peer(peer);
    else if (what == POLL)
        (void)peer->ops->ready(peer->env, false, &wait);
}

static void act(unsigned what)
{
    struct wick_wasi_wait wait = {.fd = -1, .milliseconds = -1};
    if (f.at_port || what == LOOK)
        (void)f.listener.ops->ready(f.listener.env, false, &wait);
    if (what == ACCEPT)
        accept_all();
    for (unsigned i = 0; i < SENDERS; i++) {
        if (f.peers[i].ops)
            act_on(i, what);
    }
}

/* ---- Input ------------------------------------------------------------------------------------
 */

static void open_listener(void)
{
    static const char text[] = "[[files]]\nkind = 'listen'\nprot = 'udp'\nname = 'x'\n"
                               "addr = '127.0.0.1'\nport = 0\n"
                               "[[files]]\nkind = 'listen'\nprot = 'dtls'\nname = 'y'\n"
                               "addr = '127.0.0.1'\nport = 0\n";
    static struct config config;
    static struct identity identity;
    if (!identity.signer)
        check(config_parse(span_of(text, sizeof(text) - 1), "x", &config, NULL) == 0 &&
              identity_new(&identity, time(NULL), NULL) == 0);
    const struct config_file *file = &config.files[f.secure];
    f.port = socket_open(file, NULL, NULL);
    check(f.port >= 0);
    int status = f.secure ? tls_file_open(&config, file, &identity, f.port, &f.listener, NULL)
                          : udp_file_open(file, f.port, &f.listener, NULL);
    check(status == 0 && f.listener.ops->set_nonblocking(f.listener.env, true) == 0);
}

static void put_cookie(void)
{
    uint8_t *at = memmem(f.bytes, f.size, COOKIE, COOKIE_SIZE);
    if (at && f.has_cookie[f.sender])
        memcpy(at, f.cookies[f.sender], COOKIE_SIZE);
}

/* Takes one datagram of the input, and what is done with it. */
static bool step(struct span *rest)
{
    if (rest->size < 3)
        return false;
    unsigned what = rest->data[0];
    size_t size = rest->data[1] | (size_t)rest->data[2] << 8;
    *rest = span_of(rest->data + 3, rest->size - 3);
    f.size = size < rest->size ? size : rest->size;
    memcpy(f.bytes, rest->data, f.size);
    *rest = span_of(rest->data + f.size, rest->size - f.size);
    f.sender = what % SENDERS;
    f.at_port = !(what & 4);
    f.waits = true;
    if (f.secure)
        put_cookie();
    else if (f.size > 0)
        f.bytes[0] = (uint8_t)f.sender;
    act(what >> 3 & 7);
    f.waits = false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span rest = span_of(data + 1, size - 1);
    memset(f.has_cookie, 0, sizeof(f.has_cookie));
    f.secure = data[0] & 1;
    open_listener();
    while (step(&rest))
        ;
    bool listener_first = data[0] & 2;
    if (listener_first)
        file_stream_close(&f.listener);
    for (unsigned i = 0; i < SENDERS; i++)
        close_peer(&f.peers[i]);
    if (!listener_first)
        file_stream_close(&f.listener);
    f.port = -1;
    return 0;
}
