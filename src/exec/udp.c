// SPDX-License-Identifier: Apache-2.0
#include "exec/udp.h"

#include "exec/socket.h"

#include "base/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    DATAGRAM_MAX = 65536,
    WAITING_MAX = 128,       /* peers that are not accepted yet */
    QUEUED_MAX = 128 * 1024, /* bytes of a peer that came to the port */
    OVERHEAD = 64,           /* that a datagram counts for beside its bytes */
};

struct datagram {
    struct datagram *next;
    size_t size;
    uint8_t bytes[];
};

struct udp_peer {
    union socket_address address;
    int fd;                /* -1: not accepted yet */
    struct udp_port *port; /* NULL: there is none */
    /* Under the port's lock: */
    struct udp_peer *next;
    struct datagram *first, **last;
    size_t queued;
    void *state;
};

/* Lives as long as the last of the port itself and its peers. */
struct udp_port {
    pthread_mutex_t lock;
    unsigned references;
    int fd; /* -1: closed */
    const struct udp_door *door;
    union socket_address address;
    struct udp_peer *peers, **last; /* in the order in which they came */
    unsigned waiting;
    uint8_t buffer[DATAGRAM_MAX];
};

/* ---- Sockets ----------------------------------------------------------------------------------
 */

/* Leaves of an address that the host answered what tells one peer from another. False: it is no
 * address. */
static bool clean(union socket_address *address, socklen_t size)
{
    union socket_address from = *address;
    memset(address, 0, sizeof(*address));
    address->any.sa_family = from.any.sa_family;
    if (from.any.sa_family == AF_INET && size == sizeof(from.v4)) {
        address->v4.sin_port = from.v4.sin_port;
        address->v4.sin_addr = from.v4.sin_addr;
        return true;
    }
    if (from.any.sa_family == AF_INET6 && size == sizeof(from.v6)) {
        address->v6.sin6_port = from.v6.sin6_port;
        address->v6.sin6_addr = from.v6.sin6_addr;
        address->v6.sin6_scope_id = from.v6.sin6_scope_id;
        return true;
    }
    return false;
}

/* Nobody can answer to port 0, and a socket that is connected to it takes what others send. */
static bool has_port(const union socket_address *address)
{
    return address->any.sa_family == AF_INET ? address->v4.sin_port != 0
                                             : address->v6.sin6_port != 0;
}

static bool is_same(const union socket_address *one, const union socket_address *other)
{
    if (one->any.sa_family != other->any.sa_family)
        return false;
    if (one->any.sa_family == AF_INET)
        return one->v4.sin_port == other->v4.sin_port &&
               one->v4.sin_addr.s_addr == other->v4.sin_addr.s_addr;
    return one->any.sa_family == AF_INET6 && one->v6.sin6_port == other->v6.sin6_port &&
           one->v6.sin6_scope_id == other->v6.sin6_scope_id &&
           IN6_ARE_ADDR_EQUAL(&one->v6.sin6_addr, &other->v6.sin6_addr);
}

/* One datagram and who sent it; nobody, if that is no address. */
static ssize_t receive_from(int fd, void *buffer, size_t size, int flags,
                            union socket_address *from)
{
    memset(from, 0, sizeof(*from));
    socklen_t from_size = sizeof(*from);
    ssize_t count;
    do {
        count =
            recvfrom(fd, buffer, size, flags | MSG_DONTWAIT | MSG_TRUNC, &from->any, &from_size);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    if (!clean(from, from_size))
        memset(from, 0, sizeof(*from));
    return count;
}

static ssize_t send_to(int fd, const void *data, size_t size, const union socket_address *to)
{
    ssize_t count;
    do {
        count = sendto(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL, to ? &to->any : NULL,
                       to ? socket_address_size(to) : 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    return (size_t)count == size ? count : -EIO;
}

/* ---- Datagrams that came to the port ----------------------------------------------------------
 */

static void queue_add(struct udp_peer *peer, struct span bytes)
{
    size_t cost = bytes.size + OVERHEAD;
    struct datagram *datagram = NULL;
    if (cost <= QUEUED_MAX - peer->queued)
        datagram = malloc(sizeof(*datagram) + bytes.size);
    if (!datagram)
        return;
    *datagram = (struct datagram){.size = bytes.size};
    memcpy(datagram->bytes, bytes.data, bytes.size);
    *peer->last = datagram;
    peer->last = &datagram->next;
    peer->queued += cost;
}

static void queue_drop(struct udp_peer *peer)
{
    struct datagram *first = peer->first;
    peer->first = first->next;
    if (!peer->first)
        peer->last = &peer->first;
    peer->queued -= first->size + OVERHEAD;
    free(first);
}

/* -EAGAIN if there is none. */
static ssize_t queue_take(struct udp_peer *peer, void *buffer, size_t size, bool peek)
{
    if (!peer->port)
        return -EAGAIN;
    ssize_t count = -EAGAIN;
    pthread_mutex_lock(&peer->port->lock);
    if (peer->first) {
        count = (ssize_t)peer->first->size;
        if (size > 0)
            memcpy(buffer, peer->first->bytes, (size_t)count < size ? (size_t)count : size);
        if (!peek)
            queue_drop(peer);
    }
    pthread_mutex_unlock(&peer->port->lock);
    return count;
}

/* ---- Peers ------------------------------------------------------------------------------------
 */

static struct udp_peer *peer_new(const union socket_address *address)
{
    struct udp_peer *peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->fd = -1;
    peer->address = *address;
    peer->last = &peer->first;
    return peer;
}

static void peer_delete(struct udp_peer *peer)
{
    while (peer->first)
        queue_drop(peer);
    if (peer->fd >= 0)
        close(peer->fd);
    free(peer);
}

int udp_peer_open(int fd, struct udp_peer **out)
{
    autoclose int owned = fd;
    union socket_address address = {0};
    socklen_t size = sizeof(address);
    if (getpeername(fd, &address.any, &size) < 0)
        return -errno;
    if (!clean(&address, size))
        return -EAFNOSUPPORT;
    struct udp_peer *peer = peer_new(&address);
    if (!peer)
        return -ENOMEM;
    peer->fd = take_fd(&owned);
    *out = peer;
    return 0;
}

/* With the lock held, which is given back. */
static void port_release(struct udp_port *port)
{
    bool last = --port->references == 0;
    pthread_mutex_unlock(&port->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&port->lock);
    free(port);
}

static void port_remove(struct udp_port *port, const struct udp_peer *peer)
{
    struct udp_peer **at = &port->peers;
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    if (!*at)
        port->last = at;
}

void udp_peer_free(struct udp_peer *peer)
{
    if (!peer)
        return;
    struct udp_port *port = peer->port;
    if (port) {
        pthread_mutex_lock(&port->lock);
        port_remove(port, peer);
        port_release(port);
    }
    peer_delete(peer);
}

int udp_peer_fd(const struct udp_peer *peer)
{
    return peer->fd;
}

/* The host gives a socket that is connected only what its peer sends, unless it is a false host. */
ssize_t udp_peer_receive(struct udp_peer *peer, void *buffer, size_t size, bool peek)
{
    ssize_t count = queue_take(peer, buffer, size, peek);
    for (int i = 0; count == -EAGAIN && i < UDP_LOOK_MAX; i++) {
        union socket_address from;
        count = receive_from(peer->fd, buffer, size, peek ? MSG_PEEK : 0, &from);
        if (count < 0 || is_same(&from, &peer->address))
            return count;
        if (peek)
            (void)!receive_from(peer->fd, buffer, 0, 0, &from);
        count = -EAGAIN;
    }
    return count;
}

ssize_t udp_peer_send(struct udp_peer *peer, const void *data, size_t size)
{
    return send_to(peer->fd, data, size, NULL);
}

/* ---- Ports ------------------------------------------------------------------------------------
 */

int udp_port_open(int fd, const struct udp_door *door, struct udp_port **out)
{
    autoclose int owned = fd;
    union socket_address address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(fd, &address.any, &size) < 0)
        return -errno;
    if (!clean(&address, size))
        return -EAFNOSUPPORT;
    struct udp_port *port = calloc(1, sizeof(*port));
    if (!port)
        return -ENOMEM;
    pthread_mutex_init(&port->lock, NULL);
    port->references = 1;
    port->fd = take_fd(&owned);
    port->door = door;
    port->address = address;
    port->last = &port->peers;
    *out = port;
    return 0;
}

int udp_port_fd(const struct udp_port *port)
{
    return port->fd;
}

static struct udp_peer *find_peer(struct udp_port *port, const union socket_address *address)
{
    struct udp_peer *peer = port->peers;
    while (peer && !is_same(&peer->address, address))
        peer = peer->next;
    return peer;
}

/* Whether the door lets somebody in; what it answers is sent, or lost. */
static bool is_let_in(struct udp_port *port, const union socket_address *from, struct span bytes,
                      void **state)
{
    uint8_t answer[UDP_ANSWER_MAX];
    size_t size = 0;
    if (!port->door)
        return true;
    int status = port->door->knock(port->door->env, span_of(from, sizeof(*from)), bytes, answer,
                                   &size, state);
    if (status <= 0 && size > 0)
        (void)!send_to(port->fd, answer, size, from);
    return status > 0;
}

/* A peer that waits to be accepted, unless too many do. */
static void add_peer(struct udp_port *port, const union socket_address *from, struct span bytes)
{
    struct udp_peer *peer = port->waiting < WAITING_MAX ? peer_new(from) : NULL;
    if (!peer)
        return;
    if (!is_let_in(port, from, bytes, &peer->state)) {
        peer_delete(peer);
        return;
    }
    peer->port = port;
    port->references++;
    port->waiting++;
    *port->last = peer;
    port->last = &peer->next;
    if (!port->door)
        queue_add(peer, bytes);
}

/* Gives a datagram to whom it belongs. Whether that is a peer that was accepted. */
static bool sort(struct udp_port *port, const union socket_address *from, struct span bytes)
{
    struct udp_peer *peer = find_peer(port, from);
    if (peer)
        queue_add(peer, bytes);
    else
        add_peer(port, from, bytes);
    return peer && peer->fd >= 0;
}

/* Sorts what a socket holds, or until somebody waits. Whether a peer that was accepted got
 * something. */
static bool sort_all(struct udp_port *port, int fd, bool until_waiting)
{
    bool given = false;
    for (int i = 0; i < UDP_LOOK_MAX && !(until_waiting && port->waiting > 0); i++) {
        union socket_address from;
        ssize_t count = receive_from(fd, port->buffer, sizeof(port->buffer), 0, &from);
        if (count < 0)
            break;
        if ((size_t)count <= sizeof(port->buffer) && has_port(&from))
            given |= sort(port, &from, span_of(port->buffer, (size_t)count));
    }
    return given;
}

int udp_port_look(struct udp_port *port)
{
    pthread_mutex_lock(&port->lock);
    bool given = sort_all(port, port->fd, true);
    int result = port->waiting > 0 ? 1 : given ? -EINTR : 0;
    pthread_mutex_unlock(&port->lock);
    return result;
}

/* A socket at the port's address that is connected to the peer. */
static int open_for(const struct udp_port *port, const struct udp_peer *peer)
{
    autoclose int fd = socket(port->address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int status = socket_share(fd);
    if (status == 0)
        status = socket_bind(fd, &port->address);
    if (status == 0 && connect(fd, &peer->address.any, socket_address_size(&peer->address)) < 0)
        status = -errno;
    return status < 0 ? status : take_fd(&fd);
}

static struct udp_peer *find_waiting(struct udp_port *port)
{
    struct udp_peer *peer = port->peers;
    while (peer && peer->fd >= 0)
        peer = peer->next;
    return peer;
}

static void turn_away(struct udp_port *port, struct udp_peer *peer)
{
    port_remove(port, peer);
    port->references--;
    port->waiting--;
    if (port->door)
        port->door->forget(peer->state);
    peer_delete(peer);
}

/* Whether another socket may be had later. */
static bool may_pass(int status)
{
    return status == -EMFILE || status == -ENFILE || status == -ENOBUFS || status == -ENOMEM;
}

/* First what came to the port, then what came to the new socket: some of it before it was
 * connected, so that it may be of anybody. Whom nothing can be sent to is turned away. */
static int accept_locked(struct udp_port *port, struct udp_peer **out, void **state)
{
    struct udp_peer *peer;
    sort_all(port, port->fd, true);
    while ((peer = find_waiting(port))) {
        int fd = open_for(port, peer);
        if (may_pass(fd))
            return fd;
        if (fd < 0) {
            turn_away(port, peer);
            continue;
        }
        peer->fd = fd;
        port->waiting--;
        sort_all(port, port->fd, false);
        sort_all(port, fd, false);
        *out = peer;
        if (state)
            *state = peer->state;
        return 0;
    }
    return -EAGAIN;
}

int udp_port_accept(struct udp_port *port, struct udp_peer **out, void **state)
{
    pthread_mutex_lock(&port->lock);
    int status = accept_locked(port, out, state);
    pthread_mutex_unlock(&port->lock);
    return status;
}

void udp_port_close(struct udp_port *port)
{
    struct udp_peer *peer;
    if (!port)
        return;
    pthread_mutex_lock(&port->lock);
    while ((peer = find_waiting(port)))
        turn_away(port, peer);
    close(port->fd);
    port->fd = -1;
    port_release(port);
}
