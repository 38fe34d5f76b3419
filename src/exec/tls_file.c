// SPDX-License-Identifier: Apache-2.0
#include "exec/tls_file.h"

#include "exec/peer.h"

#include "base/cleanup.h"
#include "crypto/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <wick_wasi.h>

enum { HANDSHAKE_SECONDS = 30, FOREVER = -1 };

/* What a listener and its connections share. All that is borrowed lives as long as the program. */
struct terms {
    atomic_uint references;
    struct crypto_tls_context *context;
    const struct config *config;
    const struct config_file *file;
    struct identity *identity;
    unsigned generation; /* of the certificate */
};

struct tls_file {
    struct terms *terms;    /* a listener changes them when the certificate was renewed */
    int fd;                 /* never blocks */
    struct crypto_tls *tls; /* NULL: a listener */
    pthread_mutex_t lock;   /* of tls */
    atomic_bool nonblocking;
    bool known; /* the handshake is complete and the peer is whom the file wants */
};

/* ---- Terms ------------------------------------------------------------------------------------
 */

static void release_terms(struct terms *terms)
{
    if (atomic_fetch_sub(&terms->references, 1) > 1)
        return;
    crypto_tls_context_free(terms->context);
    free(terms);
}

/* The certificates that the file believes; an owned copy. Without a ca a client believes who
 * certified the Keep itself. */
static int gather_trust(const struct config *config, const struct config_file *file,
                        const struct identity *identity, struct span *trust, struct err *err)
{
    bool inherited = file->kind == FILE_CONNECT && file->tls.ca.count == 0;
    if (inherited && identity->trust.size == 0) {
        err_set(err, ERR_CONFIG, 0, "no certificate authority is named that vouches for %s",
                file->host);
        err_hint(err, "Add ca = { custom = [\"name\"] } and its certificate below [roots].");
        return -EINVAL;
    }
    *trust = config_gather_roots(config, &file->tls.ca);
    if (inherited) {
        free((void *)trust->data);
        *trust = span_of(malloc(identity->trust.size), identity->trust.size);
    }
    if (!trust->data)
        return err_set(err, ERR_IO, ENOMEM, "keep the certificates of the authorities");
    if (inherited)
        memcpy((void *)trust->data, identity->trust.data, identity->trust.size);
    return 0;
}

/* The list of protocols in the form of RFC 7301; an owned copy. */
static int gather_alpn(const struct config_strings *names, struct span *alpn)
{
    size_t size = 0;
    for (size_t i = 0; i < names->count; i++)
        size += 1 + strlen(names->items[i]);
    uint8_t *list = malloc(size + 1), *at = list;
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < names->count; i++) {
        size_t length = strlen(names->items[i]);
        *at++ = (uint8_t)length;
        memcpy(at, names->items[i], length);
        at += length;
    }
    *alpn = span_of(list, size);
    return 0;
}

/* Terms with one reference. */
static int make_terms(const struct config *config, const struct config_file *file,
                      struct identity *identity, struct terms **out, struct err *err)
{
    struct crypto_tls_config wanted = {
        .chain = identity->chain,
        .signer = identity->signer,
        .tls13 = !file->tls.tls12,
        .client_required = true,
    };
    enum crypto_tls_side side = file->kind == FILE_LISTEN ? CRYPTO_TLS_SERVER : CRYPTO_TLS_CLIENT;
    int status = gather_trust(config, file, identity, &wanted.trust, err);
    autofree __attribute__((unused)) void *trust = (void *)wanted.trust.data;
    if (status < 0)
        return status;
    status = gather_alpn(&file->tls.alpn, &wanted.alpn);
    autofree __attribute__((unused)) void *alpn = (void *)wanted.alpn.data;
    struct terms *terms = calloc(1, sizeof(*terms));
    if (!terms || status < 0) {
        free(terms);
        return err_set(err, ERR_IO, ENOMEM, "prepare TLS");
    }
    if (crypto_tls_context_new(side, &wanted, &terms->context) < 0) {
        free(terms);
        err_set(err, ERR_CONFIG, 0,
                "the certificates in [roots] that this file names are not valid");
        err_hint(err, "Check them with openssl x509 -text.");
        return -EINVAL;
    }
    terms->config = config;
    terms->file = file;
    terms->identity = identity;
    terms->generation = identity->generation;
    atomic_init(&terms->references, 1);
    *out = terms;
    return 0;
}

/* ---- Connections ------------------------------------------------------------------------------
 */

/* Waits until the socket is ready for what TLS wants next; `milliseconds` at most. */
static int wait_for(const struct tls_file *file, short events, int milliseconds)
{
    struct pollfd poll_fd = {.fd = file->fd, .events = events};
    int count = poll(&poll_fd, 1, milliseconds);
    if (count == 0)
        return -ETIMEDOUT;
    return count < 0 && errno != EINTR ? -errno : 0;
}

static short wanted_events(const struct tls_file *file)
{
    return crypto_tls_wants_write(file->tls) ? POLLOUT : POLLIN;
}

/* One step of the handshake, and at its end the look at the peer. 0: the peer is known. */
static int get_known(struct tls_file *file)
{
    if (file->known)
        return 0;
    int status = crypto_tls_handshake(file->tls);
    if (status == 0)
        status = peer_check(crypto_tls_peer(file->tls), &file->terms->file->tls);
    file->known = status == 0;
    return status == -EACCES ? -ECONNABORTED : status;
}

/* One attempt at moving bytes: `in` receives or `out` is sent. */
static int64_t move_bytes(struct tls_file *file, uint8_t *in, const uint8_t *out, size_t size)
{
    int status = size > 0 ? get_known(file) : 0;
    if (status < 0 || size == 0)
        return status;
    return in ? crypto_tls_read(file->tls, in, size) : crypto_tls_write(file->tls, out, size);
}

/* The same until bytes have moved, unless the program wants to know at once. */
static int64_t move_or_wait(struct tls_file *file, uint8_t *in, const uint8_t *out, size_t size)
{
    for (;;) {
        pthread_mutex_lock(&file->lock);
        int64_t result = move_bytes(file, in, out, size);
        short events = wanted_events(file);
        pthread_mutex_unlock(&file->lock);
        if (result != -EAGAIN || atomic_load(&file->nonblocking))
            return result;
        int status = wait_for(file, events, FOREVER);
        if (status < 0)
            return status;
    }
}

static int64_t stream_read(void *env, uint8_t *data, size_t size)
{
    return move_or_wait(env, data, NULL, size);
}

static int64_t stream_write(void *env, const uint8_t *data, size_t size)
{
    return move_or_wait(env, NULL, data, size);
}

static bool is_writable(const struct tls_file *file)
{
    struct pollfd poll_fd = {.fd = file->fd, .events = POLLOUT};
    return poll(&poll_fd, 1, 0) != 0;
}

/* What is decrypted already counts, not what stands in the socket: that may be half a record, or no
 * data at all. */
static int64_t stream_ready(void *env, bool writing, struct wick_wasi_wait *wait)
{
    struct tls_file *file = env;
    pthread_mutex_lock(&file->lock);
    int status = get_known(file);
    int64_t ready = status == 0         ? 0
                    : status == -EAGAIN ? 0
                                        : 1; /* a failure is told by reading or writing */
    wait->fd = file->fd;
    wait->events = status == -EAGAIN ? wanted_events(file) : writing ? POLLOUT : POLLIN;
    if (status == 0 && writing) {
        ready = is_writable(file);
    } else if (status == 0) {
        ready = (int64_t)crypto_tls_ready(file->tls);
        if (!ready)
            wait->events = wanted_events(file);
    }
    pthread_mutex_unlock(&file->lock);
    return ready;
}

static int stream_set_nonblocking(void *env, bool on)
{
    atomic_store(&((struct tls_file *)env)->nonblocking, on);
    return 0;
}

/* The peer is told that nothing follows before the host's socket is shut. */
static int stream_shutdown(void *env, int how)
{
    struct tls_file *file = env;
    if (how != SHUT_RD) {
        pthread_mutex_lock(&file->lock);
        (void)!crypto_tls_finish(file->tls); /* a peer that is gone does not hear it */
        pthread_mutex_unlock(&file->lock);
    }
    return shutdown(file->fd, how) < 0 ? -errno : 0;
}

static void stream_close(void *env)
{
    tls_file_free(env);
}

static const struct wick_wasi_stream connection = {
    .read = stream_read,
    .write = stream_write,
    .ready = stream_ready,
    .set_nonblocking = stream_set_nonblocking,
    .shutdown = stream_shutdown,
    .close = stream_close,
};

/* ---- Listeners --------------------------------------------------------------------------------
 */

static struct tls_file *file_new(struct terms *terms, int fd)
{
    struct tls_file *file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    pthread_mutex_init(&file->lock, NULL);
    file->terms = terms;
    file->fd = fd;
    atomic_fetch_add(&terms->references, 1);
    return file;
}

/* Listeners share the Keep's certificate. */
static pthread_mutex_t renewal_lock = PTHREAD_MUTEX_INITIALIZER;

/* Has a certificate renewed whose time comes to its end, and uses the one that there is now. What
 * goes wrong with it leaves the old one. */
static void refresh_terms(struct tls_file *listener)
{
    struct terms *terms = listener->terms, *fresh = NULL;
    pthread_mutex_lock(&renewal_lock);
    identity_renew(terms->identity, time(NULL));
    if (terms->generation != terms->identity->generation &&
        make_terms(terms->config, terms->file, terms->identity, &fresh, NULL) == 0) {
        listener->terms = fresh;
        release_terms(terms);
    }
    pthread_mutex_unlock(&renewal_lock);
}

/* A connection whose handshake has not begun. */
static int accept_now(struct tls_file *listener, bool nonblocking, struct tls_file **out)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    pthread_mutex_lock(&listener->lock);
    refresh_terms(listener);
    struct tls_file *file = file_new(listener->terms, fd);
    pthread_mutex_unlock(&listener->lock);
    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    file->tls = crypto_tls_accept(file->terms->context, fd);
    if (!file->tls) {
        tls_file_free(file);
        return -ENOMEM;
    }
    atomic_init(&file->nonblocking, nonblocking);
    *out = file;
    return 0;
}

static int listener_accept(void *env, bool nonblocking, const struct wick_wasi_stream **out,
                           void **out_env)
{
    struct tls_file *listener = env, *file = NULL;
    for (;;) {
        int status = accept_now(listener, nonblocking, &file);
        if (status == 0) {
            *out = &connection;
            *out_env = file;
        }
        if (status != -EAGAIN || atomic_load(&listener->nonblocking))
            return status;
        status = wait_for(listener, POLLIN, FOREVER);
        if (status < 0)
            return status;
    }
}

static int64_t listener_ready(void *env, bool writing, struct wick_wasi_wait *wait)
{
    const struct tls_file *listener = env;
    struct pollfd poll_fd = {.fd = listener->fd, .events = POLLIN};
    wait->fd = listener->fd;
    wait->events = POLLIN;
    return !writing && poll(&poll_fd, 1, 0) != 0;
}

static const struct wick_wasi_stream listener_stream = {
    .ready = listener_ready,
    .set_nonblocking = stream_set_nonblocking,
    .accept = listener_accept,
    .close = stream_close,
};

/* ---- Opening ----------------------------------------------------------------------------------
 */

static int64_t seconds_now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static int meet(struct tls_file *file, const struct config_file *config, struct err *err)
{
    int64_t deadline = seconds_now() + HANDSHAKE_SECONDS;
    int status;
    while ((status = get_known(file)) == -EAGAIN) {
        int64_t left = deadline - seconds_now();
        int waited = left > 0 ? wait_for(file, wanted_events(file), (int)left * 1000) : -ETIMEDOUT;
        if (waited < 0)
            return err_set(err, ERR_IO, -waited, "the TLS handshake with %s port %u", config->host,
                           config->port);
    }
    if (status == 0)
        return 0;
    const char *reason = crypto_tls_reason(file->tls);
    err_set(err, ERR_IO, 0, "%s port %u is not whom Enarx.toml wants: %s", config->host,
            config->port,
            reason[0] ? reason : "its certificate names another workload or measurement");
    return status;
}

static int set_nonblocking(int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set(err, ERR_IO, errno, "prepare the socket");
    return 0;
}

static int connect_as(struct tls_file *made, const struct config_file *file, struct err *err)
{
    const char *name = file->tls.server_name ? file->tls.server_name : file->host;
    bool by_workload = file->tls.peer_workload.count > 0 && !file->tls.server_name;
    made->tls = by_workload ? crypto_tls_connect_any(made->terms->context, made->fd)
                            : crypto_tls_connect(made->terms->context, made->fd, name);
    if (!made->tls)
        return err_set(err, ERR_CONFIG, 0, "\"%.64s\" cannot be the name of a server", name);
    return meet(made, file, err);
}

int tls_file_open(const struct config *config, const struct config_file *file,
                  struct identity *identity, int fd, struct tls_file **out, struct err *err)
{
    struct terms *terms = NULL;
    autoclose int owned = fd;
    int status = make_terms(config, file, identity, &terms, err);
    if (status < 0)
        return status;
    struct tls_file *made = file_new(terms, fd);
    release_terms(terms); /* the file has them */
    if (!made)
        return err_set(err, ERR_IO, ENOMEM, "prepare TLS");
    owned = -1;
    status = set_nonblocking(fd, err);
    if (status == 0 && file->kind == FILE_CONNECT)
        status = connect_as(made, file, err);
    if (status < 0) {
        tls_file_free(made);
        return status;
    }
    *out = made;
    return 0;
}

void tls_file_free(struct tls_file *file)
{
    if (!file)
        return;
    crypto_tls_free(file->tls);
    close(file->fd);
    pthread_mutex_destroy(&file->lock);
    release_terms(file->terms);
    free(file);
}

const struct wick_wasi_stream *tls_file_stream(const struct tls_file *file)
{
    return file->tls ? &connection : &listener_stream;
}
