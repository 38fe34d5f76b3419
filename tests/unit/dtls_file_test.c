// SPDX-License-Identifier: Apache-2.0
/* A listener of DTLS as the program has it, and clients in the same process. */
#include "crypto/dtls.h"
#include "exec/renewal.h"
#include "exec/socket.h"
#include "exec/tls_file.h"
#include "tap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wick_wasi.h>

struct fixture {
    struct config config;
    struct identity identity;
    struct file_stream listener;
    struct sockaddr_in address;
    struct crypto_tls_context *context; /* of clients */
};

static void fixture_free(struct fixture *f)
{
    file_stream_close(&f->listener);
    crypto_tls_context_free(f->context);
    identity_free(&f->identity);
    config_free(&f->config);
}
#define FIXTURE __attribute__((cleanup(fixture_free))) struct fixture

static void fixture_init_at(struct fixture *f, const char *address)
{
    static char text[200];
    snprintf(text, sizeof(text),
             "[[files]]\nkind = 'listen'\nprot = 'dtls'\nname = 'x'\naddr = '%s'\nport = 0\n",
             address);
    struct err err = {0};
    socklen_t size = sizeof(f->address);
    *f = (struct fixture){0};
    CHECK_INT(config_parse(span_of(text, strlen(text)), "x", &f->config, &err), 0);
    CHECK_INT(identity_new(&f->identity, time(NULL), &err), 0);
    int fd = socket_open(&f->config.files[0], NULL, &err);
    CHECK(fd >= 0);
    CHECK(getsockname(fd, (struct sockaddr *)&f->address, &size) == 0);
    CHECK_INT(tls_file_open(&f->config, &f->config.files[0], &f->identity, fd, &f->listener, &err),
              0);
    CHECK_INT(f->listener.ops->set_nonblocking(f->listener.env, true), 0);
    struct crypto_tls_config config = {.trust = f->identity.chain, .datagrams = true};
    CHECK_INT(crypto_tls_context_new(CRYPTO_TLS_CLIENT, &config, &f->context), 0);
}

static void fixture_init(struct fixture *f)
{
    fixture_init_at(f, "127.0.0.1");
}

static int64_t ready(const struct file_stream *stream)
{
    struct wick_wasi_wait wait = {.fd = -1, .milliseconds = -1};
    return stream->ops->ready(stream->env, false, &wait);
}

/* Whether there is something on a descriptor, soon. */
static bool comes(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 60000) == 1;
}

/* -EAGAIN if nobody waits. */
static int accept_next(struct fixture *f, struct file_stream *out)
{
    if (!ready(&f->listener))
        return -EAGAIN;
    return f->listener.ops->accept(f->listener.env, true, &out->ops, &out->env);
}

/* ---- Clients ----------------------------------------------------------------------------------
 */

struct client {
    int fd;
    struct crypto_tls *tls;
};

static ssize_t client_receive(void *env, void *buffer, size_t size)
{
    ssize_t count = recv(((struct client *)env)->fd, buffer, size, MSG_DONTWAIT);
    return count < 0 ? -errno : count;
}

static ssize_t client_send(void *env, const void *data, size_t size)
{
    ssize_t count = send(((struct client *)env)->fd, data, size, MSG_DONTWAIT);
    return count < 0 ? -errno : count;
}

/* Sends a ClientHello, and a second one with the cookie. */
static void client_init(struct fixture *f, struct client *client)
{
    client->fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(client->fd >= 0);
    CHECK(connect(client->fd, (struct sockaddr *)&f->address, sizeof(f->address)) == 0);
    client->tls = crypto_tls_connect(f->context, -1, "localhost");
    CHECK(client->tls != NULL);
    crypto_dtls_attach(client->tls,
                       &(struct crypto_dtls_link){client_receive, client_send, client});
    CHECK_INT(crypto_tls_handshake(client->tls), -EAGAIN);
}

/* The second one; false if there was no cookie, as too many are at it. */
static bool client_show(struct fixture *f, struct client *client)
{
    struct pollfd polled = {.fd = client->fd, .events = POLLIN};
    (void)ready(&f->listener);
    if (poll(&polled, 1, 0) != 1)
        return false;
    CHECK_INT(crypto_tls_handshake(client->tls), -EAGAIN);
    return true;
}

/* A client whose side of the handshake is complete. */
static void client_meet(struct fixture *f, struct client *client, struct file_stream *peer)
{
    client_init(f, client);
    CHECK(client_show(f, client));
    CHECK_INT(accept_next(f, peer), 0);
    while (crypto_tls_handshake(client->tls) == -EAGAIN) {
        CHECK_INT(ready(peer), 0);
        CHECK(comes(client->fd));
    }
}

static void client_free(struct client *client)
{
    crypto_tls_free(client->tls);
    close(client->fd);
}

/* ---- Tests ------------------------------------------------------------------------------------
 */

TEST(served, "a handshake in a listener's descriptor would not come to its end")
{
    FIXTURE f;
    fixture_init(&f);
    struct client client;
    struct file_stream peer;
    uint8_t bytes[10];
    CHECK_INT(accept_next(&f, &peer), -EAGAIN);
    client_init(&f, &client);
    CHECK(client_show(&f, &client));
    CHECK_INT(accept_next(&f, &peer), 0);
    CHECK_INT(peer.ops->receive(peer.env, bytes, sizeof(bytes), false), -EAGAIN);
    int status;
    while ((status = crypto_tls_handshake(client.tls)) == -EAGAIN) {
        CHECK_INT(ready(&peer), 0);
        CHECK(comes(client.fd));
    }
    CHECK_INT(status, 0);
    CHECK_INT(crypto_tls_write(client.tls, "hello", 5), 5);
    CHECK_INT(ready(&peer), 5);
    CHECK_INT(peer.ops->receive(peer.env, bytes, 2, true), 5);
    CHECK_INT(peer.ops->receive(peer.env, bytes, sizeof(bytes), false), 5);
    CHECK(memcmp(bytes, "hello", 5) == 0);
    file_stream_close(&f.listener); /* the peer outlives it */
    f.listener.ops = NULL;
    CHECK_INT(peer.ops->write(peer.env, (const uint8_t *)"bye", 3), 3);
    CHECK(comes(client.fd));
    CHECK_INT(crypto_tls_peek(client.tls, bytes, sizeof(bytes)), 3);
    client_free(&client);
    CHECK_INT(ready(&peer), 1);
    CHECK_INT(peer.ops->receive(peer.env, bytes, sizeof(bytes), false), 0);
    file_stream_close(&peer);
}

TEST(bounded, "clients that do not go on with their handshakes would fill the memory")
{
    enum { CLIENTS = 300, HANDSHAKES = 256 };
    static struct client clients[CLIENTS];
    static struct file_stream peers[CLIENTS];
    FIXTURE f;
    fixture_init(&f);
    int count = 0, shown = 0;
    for (int i = 0; i < CLIENTS; i++) {
        client_init(&f, &clients[i]);
        if (!client_show(&f, &clients[i]))
            continue;
        shown++;
        count += accept_next(&f, &peers[count]) == 0;
    }
    CHECK_INT(count, HANDSHAKES);
    CHECK_INT(shown, HANDSHAKES);
    file_stream_close(&peers[--count]); /* makes room for another one */
    struct client last;
    client_init(&f, &last);
    CHECK(client_show(&f, &last));
    CHECK_INT(accept_next(&f, &peers[count]), 0);
    count++;
    for (int i = 0; i < count; i++)
        file_stream_close(&peers[i]);
    for (int i = 0; i < CLIENTS; i++)
        client_free(&clients[i]);
    client_free(&last);
}

/* To the listener by another address of this machine, where the peer's socket does not hear it. */
static ssize_t send_elsewhere(void *env, const void *data, size_t size)
{
    const struct client *client = env;
    struct sockaddr_in to;
    socklen_t to_size = sizeof(to);
    CHECK(getpeername(client->fd, (struct sockaddr *)&to, &to_size) == 0);
    to.sin_addr.s_addr = htonl(0x7f000002); /* 127.0.0.2 */
    return sendto(client->fd, data, size, 0, (struct sockaddr *)&to, to_size);
}

TEST(oversized, "what comes behind a datagram that is no record would not be noticed")
{
    static const uint8_t junk[40000];
    FIXTURE f;
    fixture_init_at(&f, "0.0.0.0");
    struct client client;
    struct file_stream peer;
    uint8_t bytes[10];
    client_meet(&f, &client, &peer);
    crypto_dtls_attach(client.tls,
                       &(struct crypto_dtls_link){client_receive, send_elsewhere, &client});
    CHECK_INT(send_elsewhere(&client, junk, sizeof(junk)), sizeof(junk));
    CHECK_INT(crypto_tls_write(client.tls, "hello", 5), 5);
    CHECK_INT(ready(&f.listener), 0); /* gives both to the peer */
    CHECK_INT(ready(&peer), 5);
    CHECK_INT(peer.ops->receive(peer.env, bytes, sizeof(bytes), false), 5);
    client_free(&client);
    file_stream_close(&peer);
}

/* A Steward that takes connections and says nothing, until its socket is closed. */
static int silent_steward(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 5) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    snprintf(url, 64, "https://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

TEST(expired, "a client would get a certificate that is of no use while a new one is asked for")
{
    static const uint8_t workload[32];
    char url[64];
    FIXTURE f;
    fixture_init(&f);
    const struct certification wanted = {
        .url = url, .trust = f.identity.chain, .workload = workload};
    int steward = silent_steward(url);
    signal(SIGPIPE, SIG_IGN);
    f.identity.renewal = &wanted;
    f.identity.not_before = 0;
    f.identity.not_after = 1;
    struct client client;
    struct pollfd polled = {.events = POLLIN};
    client_init(&f, &client);
    polled.fd = client.fd;
    CHECK_INT(ready(&f.listener), 0);
    CHECK(renewal_is_under_way());
    CHECK_INT(poll(&polled, 1, 0), 0);
    close(steward);
    while (renewal_is_under_way())
        poll(NULL, 0, 10);
    client_free(&client);
    client_init(&f, &client); /* without a new one the old one has to do */
    CHECK(client_show(&f, &client));
    CHECK_INT(ready(&f.listener), 1);
    client_free(&client);
}

TEST(hearsay, "whoever reports that a datagram did not arrive would end the connection")
{
    FIXTURE f;
    fixture_init(&f);
    struct client client;
    struct file_stream peer;
    uint8_t bytes[10];
    client_meet(&f, &client, &peer);
    CHECK_INT(ready(&peer), 0); /* the handshake is complete on this side, too */
    close(client.fd);           /* this machine says so */
    for (int i = 0; i < 3; i++) {
        CHECK_INT(peer.ops->write(peer.env, (const uint8_t *)"hello", 5), 5);
        CHECK_INT(ready(&peer), 0);
        CHECK_INT(peer.ops->receive(peer.env, bytes, sizeof(bytes), false), -EAGAIN);
    }
    crypto_tls_free(client.tls);
    file_stream_close(&peer);
}

TEST(waiting, "clients whom the program does not accept would be lost with the listener")
{
    FIXTURE f;
    fixture_init(&f);
    struct client clients[2];
    for (size_t i = 0; i < 2; i++)
        client_init(&f, &clients[i]);
    for (size_t i = 0; i < 2; i++)
        CHECK(client_show(&f, &clients[i]));
    CHECK_INT(ready(&f.listener), 1);
    for (size_t i = 0; i < 2; i++)
        client_free(&clients[i]);
}

TAP_MAIN()
