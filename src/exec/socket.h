/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that Enarx.toml names, for streams and for datagrams. Keep side. */
#pragma once

#include "exec/attendant.h"
#include "exec/config.h"

#include <netinet/in.h>
#include <sys/socket.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Bytes of an address of AF_INET or AF_INET6. */
socklen_t socket_address_size(const union socket_address *address);

/*
 * Binds (FILE_LISTEN), and listens if it is for streams, or connects (FILE_CONNECT). Hosts are
 * literal IPv4 or IPv6 addresses, "localhost", which is 127.0.0.1, or, to connect to, names, which
 * the host looks up. Returns an owned descriptor, close-on-exec and blocking, or -errno with *err
 * filled.
 */
int socket_open(const struct config_file *file, struct attendant *attendant, struct err *err);

/* Binds; an address that is not specified is one of IPv4, too. 0 or -errno. */
int socket_bind(int fd, const union socket_address *address);
/* Lets a socket have the address of others that do the same. 0 or -errno. */
int socket_share(int fd);

/* A connection of TCP to a host and port, likewise, within 30 seconds. */
int socket_connect(const char *host, uint16_t port, struct attendant *attendant, struct err *err);
