// SPDX-License-Identifier: Apache-2.0
#include "exec/tls_connection.h"

#include "exec/peer.h"

#include "base/cleanup.h"
#include "crypto/dtls.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wick_wasi.h>

/* How long a peer may take for a handshake that we began, or that is of DTLS. */
enum { HANDSHAKE_SECONDS = 30 };

struct tls_connection {
    struct tls_terms *terms;
    int fd;                /* of a stream; never blocks; else -1 */
    struct udp_peer *peer; /* of datagrams; else NULL */
    struct crypto_tls *tls;
    pthread_mutex_t lock; /* of tls */
    atomic_bool nonblocking;
    atomic_bool read_shut;
    bool known;       /* the handshake is complete and the peer is whom the file wants */
    bool counted;     /* among the handshakes of the terms */
    bool dials;       /* the handshake is ours to begin, and not complete */
    int refused;      /* nobody was there when we dialled: -errno */
    int64_t deadline; /* of the handshake, of file_milliseconds; INT64_MAX: none */
};

static bool is_datagram(const struct tls_connection *connection)
{
    return protocol_is_datagram(connection->terms->file->protocol);
}

static int socket_of(const struct tls_connection *connection)
{
    return connection->peer ? udp_peer_fd(connection->peer) : connection->fd;
}

/* ---- Making -----------------------------------------------------------------------------------
 */

static struct tls_connection *connection_new(struct tls_terms *terms, int fd)
{
    struct tls_connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    pthread_mutex_init(&connection->lock, NULL);
    connection->terms = tls_terms_get(terms);
    connection->fd = fd;
    connection->deadline = INT64_MAX;
    return connection;
}

struct tls_connection *tls_connection_accept(struct tls_terms *terms, int fd)
{
    struct tls_connection *connection = connection_new(terms, fd);
    if (!connection) {
        close(fd);
        return NULL;
    }
    connection->tls = crypto_tls_accept(terms->context, fd);
    if (!connection->tls) {
        tls_connection_free(connection);
        return NULL;
    }
    return connection;
}

struct tls_connection *tls_connection_greeted(struct tls_terms *terms, struct crypto_tls *tls)
{
    struct tls_connection *connection = connection_new(terms, -1);
    if (!connection) {
        crypto_tls_free(tls);
        return NULL;
    }
    connection->tls = tls;
    connection->counted = true;
    atomic_fetch_add(&terms->handshakes, 1);
    return connection;
}

static void stop_counting(struct tls_connection *connection)
{
    if (connection->counted)
        atomic_fetch_sub(&connection->terms->handshakes, 1);
    connection->counted = false;
}

void tls_connection_free(struct tls_connection *connection)
{
    if (!connection)
        return;
    crypto_tls_free(connection->tls);
    udp_peer_free(connection->peer);
    if (connection->fd >= 0)
        close(connection->fd);
    pthread_mutex_destroy(&connection->lock);
    stop_counting(connection);
    tls_terms_release(connection->terms);
    free(connection);
}

void tls_connection_set_nonblocking(struct tls_connection *connection, bool on)
{
    atomic_store(&connection->nonblocking, on);
}

/* ---- Datagrams --------------------------------------------------------------------------------
 * What routers on the way say about a datagram is nothing that DTLS protects: it counts as lost, as
 * anybody could say it. Only while we dial it is told, so that a mistake is noticed at once.
 */

static bool is_hearsay(ssize_t status)
{
    return status == -ECONNREFUSED || status == -EHOSTUNREACH || status == -ENETUNREACH ||
           status == -EHOSTDOWN || status == -ENETDOWN || status == -ENOPROTOOPT ||
           status == -EPROTO;
}

/* Whether an error is to be passed over. */
static bool is_passed_over(struct tls_connection *connection, ssize_t status)
{
    if (!is_hearsay(status))
        return false;
    if (connection->dials)
        connection->refused = (int)status;
    return !connection->dials;
}

/* A datagram that does not fit is no record. The next one is looked at all the same: what came to
 * the port does not stand in the socket, where it would be waited for. Who sends nothing else keeps
 * the thread for no more than one look. */
static ssize_t link_receive(void *env, void *buffer, size_t size)
{
    struct tls_connection *connection = env;
    for (int i = 0; i < UDP_LOOK_MAX; i++) {
        ssize_t count = udp_peer_receive(connection->peer, buffer, size, false);
        if (count <= 0 || (size_t)count <= size)
            return is_passed_over(connection, count) ? -EAGAIN : count;
    }
    return -EAGAIN;
}

static ssize_t link_send(void *env, const void *data, size_t size)
{
    struct tls_connection *connection = env;
    ssize_t count = udp_peer_send(connection->peer, data, size);
    return is_passed_over(connection, count) ? (ssize_t)size : count;
}

void tls_connection_attach(struct tls_connection *connection, struct udp_peer *peer)
{
    connection->peer = peer;
    crypto_dtls_attach(connection->tls,
                       &(struct crypto_dtls_link){link_receive, link_send, connection});
    connection->deadline = file_milliseconds() + HANDSHAKE_SECONDS * 1000;
}

/* ---- Moving bytes -----------------------------------------------------------------------------
 */

/* What has to happen before TLS can go on. */
static void wait_of(const struct tls_connection *connection, struct wick_wasi_wait *wait)
{
    wait->fd = socket_of(connection);
    wait->events = crypto_tls_wants_write(connection->tls) ? POLLOUT : POLLIN;
    wait->milliseconds = -1;
    if (connection->known || connection->deadline == INT64_MAX)
        return;
    int again = crypto_tls_milliseconds(connection->tls);
    wait->milliseconds = file_time_left(connection->deadline);
    if (again >= 0 && again < wait->milliseconds)
        wait->milliseconds = again;
}

/* One step of the handshake, and at its end the look at the peer. 0: the peer is known. */
static int get_known(struct tls_connection *connection)
{
    if (connection->known)
        return 0;
    int status = file_milliseconds() >= connection->deadline
                     ? -ETIMEDOUT
                     : crypto_tls_handshake(connection->tls);
    if (status == 0)
        status = peer_check(crypto_tls_peer(connection->tls), &connection->terms->file->tls);
    if (status != -EAGAIN)
        stop_counting(connection);
    connection->known = status == 0;
    return status == -EACCES ? -ECONNABORTED : status;
}

/* A message whole, as a smaller buffer would leave its end to the next reader. */
static int64_t take_message(struct tls_connection *connection, uint8_t *data, size_t size,
                            bool peek)
{
    uint8_t message[CRYPTO_DTLS_MESSAGE_MAX];
    ssize_t count = peek ? crypto_tls_peek(connection->tls, message, sizeof(message))
                         : crypto_tls_read(connection->tls, message, sizeof(message));
    if (count > 0 && size > 0)
        memcpy(data, message, (size_t)count < size ? (size_t)count : size);
    return count;
}

enum direction { IN, PEEK, OUT };

/* One attempt at moving bytes: `in` receives or `out` is sent. */
static int64_t move_bytes(struct tls_connection *connection, enum direction direction, uint8_t *in,
                          const uint8_t *out, size_t size)
{
    bool datagram = is_datagram(connection);
    if (size == 0 && (direction == OUT || !datagram))
        return 0;
    int status = get_known(connection);
    if (status < 0)
        return status;
    if (direction == OUT)
        return crypto_tls_write(connection->tls, out, size);
    if (atomic_load(&connection->read_shut))
        return 0;
    return datagram ? take_message(connection, in, size, direction == PEEK)
                    : crypto_tls_read(connection->tls, in, size);
}

/* The same until bytes have moved, unless the program wants to know at once. */
static int64_t move_or_wait(struct tls_connection *connection, enum direction direction,
                            uint8_t *in, const uint8_t *out, size_t size)
{
    for (;;) {
        struct wick_wasi_wait wait;
        pthread_mutex_lock(&connection->lock);
        int64_t result = move_bytes(connection, direction, in, out, size);
        wait_of(connection, &wait);
        pthread_mutex_unlock(&connection->lock);
        if (result != -EAGAIN || atomic_load(&connection->nonblocking))
            return result;
        int status = file_wait(&wait);
        if (status < 0)
            return status;
    }
}

static int64_t stream_read(void *env, uint8_t *data, size_t size)
{
    return move_or_wait(env, IN, data, NULL, size);
}

static int64_t stream_receive(void *env, uint8_t *data, size_t size, bool peek)
{
    return move_or_wait(env, peek ? PEEK : IN, data, NULL, size);
}

static int64_t stream_write(void *env, const uint8_t *data, size_t size)
{
    return move_or_wait(env, OUT, NULL, data, size);
}

/* What is decrypted already counts, not what stands in the socket: that may be half a record, or no
 * data at all. A failure is told by reading or writing. */
static int64_t stream_ready(void *env, bool writing, struct wick_wasi_wait *wait)
{
    struct tls_connection *connection = env;
    pthread_mutex_lock(&connection->lock);
    int status = get_known(connection);
    int64_t ready = status != -EAGAIN;
    if (status == 0 && writing)
        ready = file_is_ready(socket_of(connection), POLLOUT);
    else if (status == 0 && !atomic_load(&connection->read_shut))
        ready = (int64_t)crypto_tls_ready(connection->tls);
    wait_of(connection, wait);
    if (status == 0 && writing)
        wait->events = POLLOUT;
    pthread_mutex_unlock(&connection->lock);
    return ready;
}

static int stream_set_nonblocking(void *env, bool on)
{
    tls_connection_set_nonblocking(env, on);
    return 0;
}

/* The peer is told that nothing follows before the host's socket is shut. One of datagrams has
 * nothing to tell by itself. */
static int stream_shutdown(void *env, int how)
{
    struct tls_connection *connection = env;
    if (how != SHUT_RD) {
        pthread_mutex_lock(&connection->lock);
        (void)!crypto_tls_finish(connection->tls); /* a peer that is gone does not hear it */
        pthread_mutex_unlock(&connection->lock);
    }
    if (connection->peer) {
        if (how != SHUT_WR)
            atomic_store(&connection->read_shut, true);
        return 0;
    }
    return shutdown(connection->fd, how) < 0 ? -errno : 0;
}

static void stream_close(void *env)
{
    tls_connection_free(env);
}

static const struct wick_wasi_stream tls_stream = {
    .read = stream_read,
    .write = stream_write,
    .ready = stream_ready,
    .set_nonblocking = stream_set_nonblocking,
    .shutdown = stream_shutdown,
    .close = stream_close,
};

static const struct wick_wasi_stream dtls_stream = {
    .datagrams = true,
    .receive = stream_receive,
    .write = stream_write,
    .ready = stream_ready,
    .set_nonblocking = stream_set_nonblocking,
    .shutdown = stream_shutdown,
    .close = stream_close,
};

struct file_stream tls_connection_stream(struct tls_connection *connection)
{
    return (struct file_stream){is_datagram(connection) ? &dtls_stream : &tls_stream, connection};
}

/* ---- Connecting -------------------------------------------------------------------------------
 */

/* Why the handshake failed. */
static int tell(const struct tls_connection *connection, int status, struct err *err)
{
    const struct config_file *file = connection->terms->file;
    const char *reason = crypto_tls_reason(connection->tls);
    if (connection->refused)
        return err_set(err, ERR_IO, -connection->refused, "cannot connect to %s port %u",
                       file->host, file->port);
    if (status == -ETIMEDOUT)
        return err_set(err, ERR_IO, ETIMEDOUT, "the %s handshake with %s port %u",
                       is_datagram(connection) ? "DTLS" : "TLS", file->host, file->port);
    err_set(err, ERR_IO, 0, "%s port %u is not whom Enarx.toml wants: %s", file->host, file->port,
            reason[0] ? reason : "its certificate names another workload or measurement");
    return status;
}

static int meet(struct tls_connection *connection, struct err *err)
{
    int status;
    connection->dials = true;
    connection->deadline = file_milliseconds() + HANDSHAKE_SECONDS * 1000;
    while ((status = get_known(connection)) == -EAGAIN) {
        struct wick_wasi_wait wait;
        wait_of(connection, &wait);
        int waited = file_wait(&wait);
        if (waited < 0)
            return err_set(err, ERR_IO, -waited, "wait for the socket");
    }
    connection->dials = false;
    return status == 0 ? 0 : tell(connection, status, err);
}

static int begin(struct tls_connection *connection, struct err *err)
{
    const struct config_file *file = connection->terms->file;
    struct crypto_tls_context *context = connection->terms->context;
    const char *name = file->tls.server_name ? file->tls.server_name : file->host;
    bool by_workload = file->tls.peer_workload.count > 0 && !file->tls.server_name;
    connection->tls = by_workload ? crypto_tls_connect_any(context, connection->fd)
                                  : crypto_tls_connect(context, connection->fd, name);
    if (!connection->tls)
        return err_set(err, ERR_CONFIG, 0, "\"%.64s\" cannot be the name of a server", name);
    return 0;
}

int tls_connection_open(struct tls_terms *terms, int fd, struct tls_connection **out,
                        struct err *err)
{
    struct udp_peer *peer = NULL;
    autoclose int owned = fd;
    int status = 0;
    if (protocol_is_datagram(terms->file->protocol))
        status = udp_peer_open(take_fd(&owned), &peer);
    struct tls_connection *connection = status == 0 ? connection_new(terms, owned) : NULL;
    if (!connection) {
        udp_peer_free(peer);
        return err_set(err, ERR_IO, status < 0 ? -status : ENOMEM, "prepare TLS");
    }
    owned = -1;
    status = begin(connection, err);
    if (status == 0 && peer)
        tls_connection_attach(connection, take_ptr(peer));
    if (status == 0)
        status = meet(connection, err);
    udp_peer_free(peer);
    if (status < 0)
        tls_connection_free(connection);
    else
        *out = connection;
    return status;
}
