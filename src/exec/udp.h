/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams of peers, each of whom has a socket of its own.
 *
 * A port is a socket that is bound. Whoever sends to it for the first time waits there until it is
 * accepted: then it gets a socket at the same address, connected to it, to which the host gives all
 * that comes from it later. What came before, and what the host gives to the wrong one of both
 * sockets while the new one is not connected yet, is sorted by where it came from: there is one
 * peer for an address, and nobody gets what another one has sent.
 *
 * Keep side. What the host answers is checked: addresses and sizes are its own choice, so that it
 * may lose, repeat and invent datagrams, and nothing else. No function blocks. Any thread calls.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <sys/types.h>

struct udp_peer;
struct udp_port;

enum {
    UDP_ANSWER_MAX = 256,
    UDP_LOOK_MAX = 1024, /* datagrams that are looked at in one call */
};

/* Takes a socket that is connected, also on failure. 0 or -errno. */
__attribute__((warn_unused_result)) int udp_peer_open(int fd, struct udp_peer **out);
/* Closes the socket. NULL is accepted. */
void udp_peer_free(struct udp_peer *peer);
/* The socket, to wait for. Borrowed. */
int udp_peer_fd(const struct udp_peer *peer);
/* Takes a datagram, or with `peek` looks at it. Its size, of which up to `size` bytes are stored;
 * -EAGAIN if there is none; -errno. */
ssize_t udp_peer_receive(struct udp_peer *peer, void *buffer, size_t size, bool peek);
/* `size`, -EAGAIN or -errno. */
ssize_t udp_peer_send(struct udp_peer *peer, const void *data, size_t size);

/* Who lets in those who are not known. */
struct udp_door {
    /* Looks at a datagram from an address, given as bytes that no other address has. Above 0: it
     * is a peer from now on, with a state. Else `answer` is sent back if it has a size. */
    int (*knock)(void *env, struct span address, struct span datagram,
                 uint8_t answer[UDP_ANSWER_MAX], size_t *answer_size, void **state);
    /* The port is closed before the peer was accepted. */
    void (*forget)(void *state);
    void *env;
};

/* Takes a socket that is bound, also on failure. With a door the first datagram of a peer is the
 * door's; without one everybody is let in and the datagram is the first that is received. `door`
 * lives as long as the port is open. 0 or -errno. */
__attribute__((warn_unused_result)) int udp_port_open(int fd, const struct udp_door *door,
                                                      struct udp_port **out);
/* Peers that were accepted stay. NULL is accepted. */
void udp_port_close(struct udp_port *port);
/* The socket, to wait for. Borrowed. */
int udp_port_fd(const struct udp_port *port);
/* Looks at what has come: 1 if a peer waits to be accepted, 0 if none does; -EINTR if others may
 * have something to receive now and are to be asked anew. */
int udp_port_look(struct udp_port *port);
/* Who waits the longest, with the state of the door (`state` may be NULL). 0; -EAGAIN if nobody
 * waits; -errno if there cannot be another socket, and the peer goes on waiting. */
__attribute__((warn_unused_result)) int udp_port_accept(struct udp_port *port,
                                                        struct udp_peer **out, void **state);
