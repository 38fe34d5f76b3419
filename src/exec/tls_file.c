// SPDX-License-Identifier: Apache-2.0
#include "exec/tls_file.h"

#include "exec/tls_connection.h"
#include "exec/tls_terms.h"
#include "exec/udp.h"

#include "base/cleanup.h"
#include "crypto/dtls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <wick_wasi.h>

/* Handshakes of a DTLS listener at a time: clients that have shown their cookie, and no more yet.
 */
enum { HANDSHAKES_MAX = 256 };

_Static_assert((int)UDP_ANSWER_MAX >= (int)CRYPTO_DTLS_ANSWER_MAX, "a cookie fits into an answer");

struct tls_listener {
    struct tls_terms *terms; /* others when the certificate was renewed */
    pthread_mutex_t lock;    /* of terms */
    int fd;                  /* of streams; never blocks; else -1 */
    struct udp_port *port;   /* of datagrams; else NULL */
    struct udp_door door;
    atomic_bool nonblocking;
};

/* Terms for the next client; the caller releases them. NULL, unless the client `waits`: better ones
 * are being asked for. */
static struct tls_terms *get_terms(struct tls_listener *listener, bool waits)
{
    pthread_mutex_lock(&listener->lock);
    bool good = tls_terms_refresh(&listener->terms, waits);
    struct tls_terms *terms = good || waits ? tls_terms_get(listener->terms) : NULL;
    pthread_mutex_unlock(&listener->lock);
    return terms;
}

/* ---- Streams ----------------------------------------------------------------------------------
 */

/* A connection whose handshake has not begun. */
static int accept_stream(struct tls_listener *listener, struct tls_connection **out)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct tls_terms *terms = get_terms(listener, true);
    *out = tls_connection_accept(terms, fd);
    tls_terms_release(terms);
    return *out ? 0 : -ENOMEM;
}

/* ---- Datagrams --------------------------------------------------------------------------------
 */

/* Whom nobody answers sends the same again, so that a renewal keeps nobody else waiting. */
static int knock(void *env, struct span address, struct span datagram,
                 uint8_t answer[UDP_ANSWER_MAX], size_t *answer_size, void **state)
{
    struct tls_terms *terms = get_terms(env, false);
    struct crypto_tls *tls;
    int status = 0;
    if (!terms)
        return 0;
    if (atomic_load(&terms->handshakes) < HANDSHAKES_MAX)
        status = crypto_dtls_greet(terms->context, address, datagram, answer, answer_size, &tls);
    if (status > 0) {
        *state = tls_connection_greeted(terms, tls);
        status = *state ? 1 : -ENOMEM;
    }
    tls_terms_release(terms);
    return status;
}

static void forget(void *state)
{
    tls_connection_free(state);
}

/* A client that has shown its cookie. */
static int accept_datagrams(const struct tls_listener *listener, struct tls_connection **out)
{
    struct udp_peer *peer;
    void *state;
    int status = udp_port_accept(listener->port, &peer, &state);
    if (status < 0)
        return status;
    tls_connection_attach(state, peer);
    *out = state;
    return 0;
}

/* ---- Listeners --------------------------------------------------------------------------------
 */

static void listener_wait(const struct tls_listener *listener, struct wick_wasi_wait *wait)
{
    int fd = listener->port ? udp_port_fd(listener->port) : listener->fd;
    *wait = (struct wick_wasi_wait){fd, POLLIN, -1};
}

static int listener_accept(void *env, bool nonblocking, const struct wick_wasi_stream **out,
                           void **out_env)
{
    struct tls_listener *listener = env;
    struct tls_connection *connection = NULL;
    struct wick_wasi_wait wait;
    int status;
    listener_wait(listener, &wait);
    do {
        status = listener->port ? accept_datagrams(listener, &connection)
                                : accept_stream(listener, &connection);
        if (status == 0) {
            struct file_stream stream = tls_connection_stream(connection);
            tls_connection_set_nonblocking(connection, nonblocking);
            *out = stream.ops;
            *out_env = stream.env;
        }
        if (status != -EAGAIN || atomic_load(&listener->nonblocking))
            return status;
        status = file_wait(&wait);
    } while (status == 0);
    return status;
}

static int64_t listener_ready(void *env, bool writing, struct wick_wasi_wait *wait)
{
    const struct tls_listener *listener = env;
    listener_wait(listener, wait);
    if (writing)
        return 0;
    int status =
        listener->port ? udp_port_look(listener->port) : file_is_ready(listener->fd, POLLIN);
    if (status < 0)
        wait->milliseconds = 0;
    return status > 0;
}

static int listener_set_nonblocking(void *env, bool on)
{
    atomic_store(&((struct tls_listener *)env)->nonblocking, on);
    return 0;
}

static void listener_close(void *env)
{
    struct tls_listener *listener = env;
    udp_port_close(listener->port);
    if (listener->fd >= 0)
        close(listener->fd);
    pthread_mutex_destroy(&listener->lock);
    tls_terms_release(listener->terms);
    free(listener);
}

#define LISTENER_FUNCTIONS                                                                         \
    .ready = listener_ready, .set_nonblocking = listener_set_nonblocking,                          \
    .accept = listener_accept, .close = listener_close

static const struct wick_wasi_stream tls_listener = {LISTENER_FUNCTIONS};
static const struct wick_wasi_stream dtls_listener = {.datagrams = true, LISTENER_FUNCTIONS};

/* Takes the socket, also on failure. */
static int listener_new(struct tls_terms *terms, int fd, struct tls_listener **out)
{
    autoclose int owned = fd;
    struct tls_listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        return -ENOMEM;
    pthread_mutex_init(&listener->lock, NULL);
    listener->terms = tls_terms_get(terms);
    listener->door = (struct udp_door){knock, forget, listener};
    listener->fd = -1;
    int status = 0;
    if (protocol_is_datagram(terms->file->protocol))
        status = udp_port_open(take_fd(&owned), &listener->door, &listener->port);
    else
        listener->fd = take_fd(&owned);
    if (status < 0)
        listener_close(listener);
    else
        *out = listener;
    return status;
}

/* ---- Opening ----------------------------------------------------------------------------------
 */

static int set_nonblocking(int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set(err, ERR_IO, errno, "prepare the socket");
    return 0;
}

/* With either function the socket is theirs. */
static int open_as(struct tls_terms *terms, int fd, struct file_stream *out, struct err *err)
{
    struct tls_connection *connection;
    struct tls_listener *listener;
    if (terms->file->kind == FILE_CONNECT) {
        int status = tls_connection_open(terms, fd, &connection, err);
        if (status == 0)
            *out = tls_connection_stream(connection);
        return status;
    }
    int status = listener_new(terms, fd, &listener);
    if (status < 0)
        return err_set(err, ERR_IO, -status, "prepare TLS");
    *out = (struct file_stream){listener->port ? &dtls_listener : &tls_listener, listener};
    return 0;
}

int tls_file_open(const struct config *config, const struct config_file *file,
                  struct identity *identity, int fd, struct file_stream *out, struct err *err)
{
    struct tls_terms *terms;
    autoclose int owned = fd;
    int status = tls_terms_new(config, file, identity, &terms, err);
    if (status < 0)
        return status;
    status = set_nonblocking(fd, err);
    if (status == 0)
        status = open_as(terms, take_fd(&owned), out, err);
    tls_terms_release(terms); /* the file has them */
    return status;
}
