// SPDX-License-Identifier: Apache-2.0
#include "exec/socket.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

enum { BACKLOG = 128, CONNECT_SECONDS = 30 };

socklen_t socket_address_size(const union socket_address *address)
{
    return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

/* Fills *address from a literal. False if `host` is a name. */
static bool parse_address(const char *host, uint16_t port, union socket_address *address)
{
    memset(address, 0, sizeof(*address));
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return true;
    }
    return false;
}

int socket_bind(int fd, const union socket_address *address)
{
    int no = 0;
    bool any =
        address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
    if (any && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) < 0)
        return -errno;
    return bind(fd, &address->any, socket_address_size(address)) < 0 ? -errno : 0;
}

int socket_share(int fd)
{
    int yes = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ? -errno : 0;
}

/* A port of TCP may be taken again while old connections are remembered. One of UDP must be nobody
 * else's: only when it is ours it is shared, with the sockets of its peers. */
static int bind_and_listen(int fd, const union socket_address *address, int type)
{
    int status = type == SOCK_STREAM ? socket_share(fd) : 0;
    if (status == 0)
        status = socket_bind(fd, address);
    if (status < 0)
        return status;
    if (type == SOCK_DGRAM)
        return socket_share(fd);
    return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

/* The outcome of a connect that goes on in the background. */
static int await_connection(int fd, int milliseconds)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int error = 0, count;
    socklen_t size = sizeof(error);
    do {
        count = poll(&poll_fd, 1, milliseconds);
    } while (count < 0 && errno == EINTR);
    if (count <= 0)
        return count < 0 ? -errno : -ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return -error;
}

static int connect_to(int fd, const union socket_address *address, int milliseconds)
{
    int flags = fcntl(fd, F_GETFL), status = 0;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    if (connect(fd, &address->any, socket_address_size(address)) < 0)
        status = errno == EINPROGRESS ? await_connection(fd, milliseconds) : -errno;
    return status == 0 && fcntl(fd, F_SETFL, flags) < 0 ? -errno : status;
}

/* Listens, or connects within `milliseconds` if these are not 0. */
static int open_with(const union socket_address *address, int type, int milliseconds)
{
    autoclose int fd = socket(address->any.sa_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int status = milliseconds > 0 ? connect_to(fd, address, milliseconds)
                                  : bind_and_listen(fd, address, type);
    return status < 0 ? status : take_fd(&fd);
}

/* Tries the addresses of a name one after the other; all of them share the time. */
static int connect_by_name(const char *host, uint16_t port, int type, struct attendant *attendant,
                           struct err *err)
{
    struct message_addresses addresses;
    int fd = attendant_lookup(attendant, host, &addresses, err);
    if (fd < 0)
        return fd;
    fd = -EHOSTUNREACH;
    for (size_t i = 0; i < addresses.count && fd < 0; i++) {
        union socket_address address;
        if (parse_address(addresses.items[i], port, &address))
            fd = open_with(&address, type, CONNECT_SECONDS * 1000 / (int)addresses.count);
    }
    if (fd < 0)
        err_set(err, ERR_IO, -fd, "cannot connect to %s port %u", host, port);
    return fd;
}

static int connect_as(const char *host, uint16_t port, int type, struct attendant *attendant,
                      struct err *err)
{
    union socket_address address;
    if (!parse_address(host, port, &address))
        return connect_by_name(host, port, type, attendant, err);
    int fd = open_with(&address, type, CONNECT_SECONDS * 1000);
    if (fd < 0)
        err_set(err, ERR_IO, -fd, "cannot connect to %s port %u", host, port);
    return fd;
}

int socket_connect(const char *host, uint16_t port, struct attendant *attendant, struct err *err)
{
    return connect_as(host, port, SOCK_STREAM, attendant, err);
}

static int listen_on(const struct config_file *file, int type, struct err *err)
{
    union socket_address address;
    if (!parse_address(file->host, file->port, &address)) {
        err_set(err, ERR_CONFIG, 0, "\"%s\" is not an address to listen on", file->host);
        err_hint(err, "Write an IP address, or localhost.");
        return -EINVAL;
    }
    int fd = open_with(&address, type, 0);
    if (fd == -EAFNOSUPPORT && strcmp(file->host, "::") == 0 &&
        parse_address("0.0.0.0", file->port, &address)) /* a machine without IPv6 */
        fd = open_with(&address, type, 0);
    if (fd < 0)
        err_set(err, ERR_IO, -fd, "cannot listen on %s port %u", file->host, file->port);
    return fd;
}

int socket_open(const struct config_file *file, struct attendant *attendant, struct err *err)
{
    int type = protocol_is_datagram(file->protocol) ? SOCK_DGRAM : SOCK_STREAM;
    return file->kind == FILE_LISTEN ? listen_on(file, type, err)
                                     : connect_as(file->host, file->port, type, attendant, err);
}
