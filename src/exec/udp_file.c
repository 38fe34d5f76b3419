// SPDX-License-Identifier: Apache-2.0
#include "exec/udp_file.h"

#include "exec/udp.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <wick_wasi.h>

/* A peer, or a listener. */
struct udp_file {
    struct udp_peer *peer;
    struct udp_port *port; /* NULL: a peer */
    atomic_bool nonblocking;
    atomic_bool read_shut, write_shut;
    atomic_int error; /* that poll_oneoff came across, to be told by reading */
};

static int file_new(struct udp_peer *peer, struct udp_port *port, struct udp_file **out)
{
    struct udp_file *file = calloc(1, sizeof(*file));
    if (!file)
        return -ENOMEM;
    file->peer = peer;
    file->port = port;
    *out = file;
    return 0;
}

static int stream_set_nonblocking(void *env, bool on)
{
    atomic_store(&((struct udp_file *)env)->nonblocking, on);
    return 0;
}

static void stream_close(void *env)
{
    struct udp_file *file = env;
    udp_peer_free(file->peer);
    udp_port_close(file->port);
    free(file);
}

/* ---- Peers ------------------------------------------------------------------------------------
 */

/* What is to happen before a result of -EAGAIN is another one. 0: try again. */
static int await_file(const struct udp_file *file, int64_t result, short events)
{
    if (result != -EAGAIN || atomic_load(&file->nonblocking))
        return (int)result;
    int fd = file->port ? udp_port_fd(file->port) : udp_peer_fd(file->peer);
    return file_wait(&(struct wick_wasi_wait){fd, events, -1});
}

static int64_t stream_receive(void *env, uint8_t *data, size_t size, bool peek)
{
    struct udp_file *file = env;
    int status;
    do {
        if (atomic_load(&file->read_shut))
            return 0;
        int64_t count = atomic_exchange(&file->error, 0);
        if (count == 0)
            count = udp_peer_receive(file->peer, data, size, peek);
        if (count >= 0)
            return count;
        status = await_file(file, count, POLLIN);
    } while (status == 0);
    return status;
}

static int64_t stream_write(void *env, const uint8_t *data, size_t size)
{
    struct udp_file *file = env;
    int status;
    do {
        if (atomic_load(&file->write_shut))
            return -EPIPE;
        int64_t count = udp_peer_send(file->peer, data, size);
        if (count >= 0)
            return count;
        status = await_file(file, count, POLLOUT);
    } while (status == 0);
    return status;
}

static int64_t stream_ready(void *env, bool writing, struct wick_wasi_wait *wait)
{
    struct udp_file *file = env;
    wait->fd = udp_peer_fd(file->peer);
    wait->events = writing ? POLLOUT : POLLIN;
    if (writing)
        return file_is_ready(wait->fd, POLLOUT);
    if (atomic_load(&file->read_shut) || atomic_load(&file->error))
        return 1;
    ssize_t count = udp_peer_receive(file->peer, NULL, 0, true);
    if (count == -EAGAIN)
        return 0;
    if (count < 0)
        atomic_store(&file->error, (int)count);
    return count > 0 ? count : 1;
}

/* The host's socket stays as it is: it has nothing to tell the peer. */
static int stream_shutdown(void *env, int how)
{
    struct udp_file *file = env;
    if (how != SHUT_WR)
        atomic_store(&file->read_shut, true);
    if (how != SHUT_RD)
        atomic_store(&file->write_shut, true);
    return 0;
}

static const struct wick_wasi_stream peer_stream = {
    .datagrams = true,
    .receive = stream_receive,
    .write = stream_write,
    .ready = stream_ready,
    .set_nonblocking = stream_set_nonblocking,
    .shutdown = stream_shutdown,
    .close = stream_close,
};

/* ---- Listeners --------------------------------------------------------------------------------
 */

static int listener_accept(void *env, bool nonblocking, const struct wick_wasi_stream **out,
                           void **out_env)
{
    const struct udp_file *listener = env;
    struct udp_file *file;
    struct udp_peer *peer;
    int status;
    while ((status = udp_port_accept(listener->port, &peer, NULL)) < 0) {
        status = await_file(listener, status, POLLIN);
        if (status < 0)
            return status;
    }
    status = file_new(peer, NULL, &file);
    if (status < 0) {
        udp_peer_free(peer);
        return status;
    }
    atomic_init(&file->nonblocking, nonblocking);
    *out = &peer_stream;
    *out_env = file;
    return 0;
}

static int64_t listener_ready(void *env, bool writing, struct wick_wasi_wait *wait)
{
    const struct udp_file *listener = env;
    int status = writing ? 0 : udp_port_look(listener->port);
    *wait = (struct wick_wasi_wait){udp_port_fd(listener->port), POLLIN, status < 0 ? 0 : -1};
    return status > 0;
}

static const struct wick_wasi_stream listener_stream = {
    .datagrams = true,
    .ready = listener_ready,
    .set_nonblocking = stream_set_nonblocking,
    .accept = listener_accept,
    .close = stream_close,
};

int udp_file_open(const struct config_file *file, int fd, struct file_stream *out, struct err *err)
{
    struct udp_peer *peer = NULL;
    struct udp_port *port = NULL;
    struct udp_file *made = NULL;
    bool listens = file->kind == FILE_LISTEN;
    int status = listens ? udp_port_open(fd, NULL, &port) : udp_peer_open(fd, &peer);
    if (status == 0)
        status = file_new(peer, port, &made);
    if (status < 0) {
        udp_peer_free(peer);
        udp_port_close(port);
        return err_set(err, ERR_IO, -status, "prepare the socket for %s port %u", file->host,
                       file->port);
    }
    *out = (struct file_stream){listens ? &listener_stream : &peer_stream, made};
    return 0;
}
