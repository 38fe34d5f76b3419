// SPDX-License-Identifier: Apache-2.0
#include "http/server_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,
    LINGER_MS = 2000,
    SWEEP_MS = 250,
    TURN_STEPS = 16,  /* answers and reads of one connection before others have their turn */
    TURN_PIECES = 16, /* pieces of a source likewise */
};

int64_t server_now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void server_set_deadline(const struct http_server *server, struct connection *connection,
                         uint64_t answer)
{
    connection->deadline = server_now_ms() + (int64_t)server->config.seconds * 1000 +
                           (int64_t)(answer * 1000 / server->config.rate);
}

void server_release(const struct http_server *server, struct http_answer *answer)
{
    if (answer->release)
        answer->release(server->config.context, answer);
}

static void end_streaming(const struct http_server *server, struct connection *connection)
{
    if (connection->streaming.source.read)
        server_release(server, &connection->streaming);
    connection->streaming = (struct http_answer){0};
}

void server_drop_sink(struct connection *connection)
{
    if (connection->sink.take)
        connection->sink.drop(connection->sink.state);
    connection->sink = (struct http_sink){0};
}

static void close_connection(struct http_server *server, struct connection *connection)
{
    end_streaming(server, connection);
    server_drop_sink(connection);
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    crypto_tls_free(connection->tls);
    close(connection->fd);
    buffer_fini(&connection->input, &server->budget);
    buffer_fini(&connection->body, &server->budget);
    buffer_fini(&connection->output, &server->budget);
    free(connection);
    server->stats.connections--;
}

static void open_connection(struct http_server *server, int fd, struct http_peer peer)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection) {
        close(fd);
        return;
    }
    *connection = (struct connection){
        .later.server = server,
        .fd = fd,
        .peer = peer,
        .next = server->connections,
        .link = &server->connections,
        .input.limit = HTTP1_HEAD_MAX + server->config.body_max + SERVER_READ_SIZE,
        .body.limit = server->config.body_max,
        .output.limit = SIZE_MAX / 4,
        .events = EPOLLIN,
    };
    if (connection->next)
        connection->next->link = &connection->next;
    server->connections = connection;
    server->stats.connections++;
    server_set_deadline(server, connection, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    const int on = 1; /* answers are sent whole: nothing to wait for; not TCP, no matter */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (server->config.tls)
        connection->tls = crypto_tls_accept(server->config.tls, fd);
    if ((server->config.tls && !connection->tls) ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        close_connection(server, connection);
}

/* Whether one more connection of this peer is within the limits. */
static bool may_open(const struct http_server *server, const struct http_peer *peer)
{
    struct http_peer client = http_peer_client(peer);
    unsigned count = 0;
    for (const struct connection *each = server->connections; each; each = each->next) {
        struct http_peer other = http_peer_client(&each->peer);
        count += http_peer_equal(&client, &other);
    }
    return server->stats.connections < server->config.connections_max &&
           count < server->config.client_connections_max;
}

static void accept_connections(struct http_server *server)
{
    int fd;
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    while ((fd = accept4(server->config.listener, (struct sockaddr *)&address, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct http_peer peer = http_peer_of(&address);
        if (may_open(server, &peer)) {
            open_connection(server, fd, peer);
        } else {
            server->stats.refused++;
            close(fd);
        }
        size = sizeof(address);
    }
}

static void wait_for(struct http_server *server, struct connection *connection, uint32_t events)
{
    if (connection->tls && crypto_tls_wants_write(connection->tls))
        events = EPOLLOUT;
    if (events == connection->events)
        return;
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd, &event);
    connection->events = events;
}

void server_trim(struct http_server *server, struct connection *connection)
{
    buffer_trim(&connection->input, &server->budget);
    buffer_trim(&connection->body, &server->budget);
    buffer_trim(&connection->output, &server->budget);
}

/* Of the connections that hold memory the one whose time is over first: who is slow. Older ones are
 * later in the list. */
static struct connection *find_slowest(const struct http_server *server)
{
    struct connection *slowest = NULL;
    for (struct connection *each = server->connections; each; each = each->next) {
        size_t held = each->input.capacity + each->body.capacity + each->output.capacity;
        if (held > 3 * BUFFER_SMALL && !each->later.pending &&
            (!slowest || each->deadline <= slowest->deadline))
            slowest = each;
    }
    return slowest;
}

static bool sends(const struct connection *connection)
{
    return connection->output.size > 0 || connection->streaming.source.read;
}

/* Takes the memory of a connection away. In the middle of an answer that ends it. */
static void starve(struct http_server *server, struct connection *connection)
{
    if (sends(connection))
        shutdown(connection->fd, SHUT_RDWR);
    connection->input.size = connection->body.size = 0;
    connection->output.size = connection->sent = 0;
    connection->starved = true;
    server_trim(server, connection);
    wait_for(server, connection, EPOLLOUT);
}

int server_hold(struct http_server *server, struct connection *connection, struct buffer *buffer,
                struct span bytes)
{
    int status;
    while ((status = buffer_append(buffer, &server->budget, bytes)) == -ENOBUFS) {
        struct connection *slowest = find_slowest(server);
        if (!slowest || slowest == connection)
            break;
        starve(server, slowest);
    }
    return status;
}

static ssize_t receive(struct connection *connection, void *buffer, size_t size)
{
    if (connection->tls)
        return crypto_tls_read(connection->tls, buffer, size);
    ssize_t got = recv(connection->fd, buffer, size, 0);
    return got < 0 ? -errno : got;
}

static ssize_t transmit(struct connection *connection, struct span bytes)
{
    if (connection->tls)
        return crypto_tls_write(connection->tls, bytes.data, bytes.size);
    ssize_t done = send(connection->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
    return done < 0 ? -errno : done;
}

/* Sends a piece of a source: 1, 0 if the socket takes no more now, -1 if the connection is over.
 * What it did not take is read again when it takes more: nothing is buffered for a connection. */
static int send_piece(struct http_server *server, struct connection *connection)
{
    const struct http_source *source = &connection->streaming.source;
    uint64_t rest = source->length - connection->streamed;
    size_t size = rest < HTTP_PIECE_MAX ? (size_t)rest : HTTP_PIECE_MAX;
    ssize_t got =
        source->read(source->state, source->offset + connection->streamed, server->piece, size);
    if (got <= 0)
        return -1;
    for (size_t sent = 0; sent < (size_t)got;) {
        ssize_t done = transmit(connection, span_of(server->piece + sent, (size_t)got - sent));
        if (done == -EAGAIN || done == -EINTR)
            return 0;
        if (done <= 0)
            return -1;
        sent += (size_t)done;
        connection->streamed += (uint64_t)done;
    }
    return 1;
}

/* Sends from a source for a turn: false if the connection is over. */
static bool stream(struct http_server *server, struct connection *connection)
{
    for (unsigned i = 0; i < TURN_PIECES && connection->streaming.source.read; i++) {
        int status = send_piece(server, connection);
        if (status <= 0)
            return status == 0;
        if (connection->streamed < connection->streaming.source.length)
            continue;
        end_streaming(server, connection);
        server_set_deadline(server, connection, 0);
    }
    return true;
}

/* Sends what there is: false if the connection is over. */
static bool flush(struct http_server *server, struct connection *connection)
{
    if (connection->output.size == 0)
        return stream(server, connection);
    while (connection->sent < connection->output.size) {
        ssize_t done = transmit(connection, span_of(connection->output.data + connection->sent,
                                                    connection->output.size - connection->sent));
        if (done == -EAGAIN || done == -EINTR)
            return true;
        if (done <= 0)
            return false;
        connection->sent += (size_t)done;
    }
    connection->sent = connection->output.size = 0;
    buffer_trim(&connection->output, &server->budget);
    if (!connection->continued && !connection->streaming.source.read)
        server_set_deadline(server, connection, 0); /* for the next request */
    return stream(server, connection);
}

/* Receives some bytes: 1, 0 if there are none now, -1 if the connection is over. */
static int fill(struct http_server *server, struct connection *connection)
{
    uint8_t bytes[SERVER_READ_SIZE];
    ssize_t got = receive(connection, bytes, sizeof(bytes));
    if (got == -EAGAIN || got == -EINTR)
        return 0;
    if (got <= 0)
        return -1;
    if (connection->lingering)
        return 1;
    if (connection->input.size == 0)
        server_set_deadline(server, connection,
                            0); /* the time of a request begins with its first byte */
    if (server_hold(server, connection, &connection->input, span_of(bytes, (size_t)got)) < 0)
        server_put_error(server, connection, 503);
    return 1;
}

/* After the last answer: what the client still sends is read and dropped for a while, because a
 * reset could overtake the answer. */
static bool linger(struct connection *connection)
{
    /* With TLS only a client that was refused while it sends: others know when they close. */
    if (connection->tls ? !connection->begun : shutdown(connection->fd, SHUT_WR) < 0)
        return false;
    connection->lingering = true;
    connection->deadline = server_now_ms() + LINGER_MS;
    return true;
}

/* Sends, answers and receives: 0 when it has to wait for the client, 1 when its turn is over before
 * that, -1 if the connection is. */
static int advance(struct http_server *server, struct connection *connection)
{
    for (unsigned i = 0; i < TURN_STEPS; i++) {
        if (connection->later.pending)
            return 0;
        if (connection->starved)
            server_put_error(server, connection, 503);
        if (!flush(server, connection))
            return -1;
        if (sends(connection))
            return 0;
        if (connection->closing && !connection->lingering && !linger(connection))
            return -1;
        if (connection->sink.take ? server_pass_on(server, connection)
                                  : server_answer_one(server, connection))
            continue;
        int got = fill(server, connection);
        if (got <= 0)
            return got;
    }
    return 1;
}

static void serve(struct http_server *server, struct connection *connection)
{
    int more = advance(server, connection);
    if (more < 0)
        close_connection(server, connection);
    else if (connection->later.pending)
        return;        /* it is not watched */
    else if (more > 0) /* bytes may be waiting inside of TLS: come back as soon as possible */
        wait_for(server, connection, EPOLLIN | EPOLLOUT);
    else
        wait_for(server, connection, sends(connection) ? EPOLLOUT : EPOLLIN);
}

static struct http_later *take_answered(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    struct http_later *list = server->answered;
    server->answered = NULL;
    pthread_mutex_unlock(&server->mutex);
    return list;
}

/* Sends what other threads have answered. */
static void serve_answered(struct http_server *server)
{
    uint64_t count;
    (void)!read(server->wakeup, &count, sizeof(count));
    for (struct http_later *later = take_answered(server), *next; later; later = next) {
        struct connection *connection = (struct connection *)later;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        next = later->next;
        later->pending = false;
        connection->events = EPOLLIN;
        server_answer_sink(server, connection, &later->answer, later->keep);
        if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
            close_connection(server, connection);
        else
            serve(server, connection);
    }
}

static void close_late(struct http_server *server)
{
    int64_t now = server_now_ms();
    if (now < server->next_sweep)
        return;
    server->next_sweep = now + SWEEP_MS;
    for (struct connection *each = server->connections, *next; each; each = next) {
        next = each->next;
        if (each->later.pending)
            continue;
        bool idle = each->input.size == 0 && !sends(each) && !each->sink.take;
        if (now > each->deadline || (server->draining && idle)) {
            server->stats.late += !idle;
            close_connection(server, each);
        }
    }
}

struct http_server *http_server_new(const struct http_server_config *config)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        return NULL;
    server->config = *config;
    server->budget.max = config->memory_max;
    pthread_mutex_init(&server->mutex, NULL);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event wakeup = {.events = EPOLLIN, .data.ptr = server};
    if (server->epoll < 0 || server->wakeup < 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, config->listener, &event) < 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->wakeup, &wakeup) < 0) {
        http_server_free(server);
        return NULL;
    }
    return server;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    for (struct http_later *later = take_answered(server); later; later = later->next)
        server_release(server, &later->answer);
    while (server->connections)
        close_connection(server, server->connections);
    if (server->epoll >= 0)
        close(server->epoll);
    if (server->wakeup >= 0)
        close(server->wakeup);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

int http_server_step(struct http_server *server, int milliseconds)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(server->epoll, events, EVENTS_MAX, milliseconds);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == server)
            serve_answered(server);
        else if (events[i].data.ptr)
            serve(server, events[i].data.ptr);
        else if (!server->draining)
            accept_connections(server);
    }
    close_late(server);
    return 0;
}

void http_server_drain(struct http_server *server)
{
    server->draining = true;
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->config.listener, NULL);
    shutdown(server->config.listener, SHUT_RD); /* who comes now is refused and need not wait */
}

void http_server_set_tls(struct http_server *server, struct crypto_tls_context *tls)
{
    server->config.tls = tls;
}

int http_server_descriptor(const struct http_server *server)
{
    return server->epoll;
}

void http_server_set_client_connections(struct http_server *server, unsigned max)
{
    server->config.client_connections_max = max;
}

struct http_server_stats http_server_stats(const struct http_server *server)
{
    struct http_server_stats stats = server->stats;
    stats.memory = server->budget.used;
    return stats;
}
