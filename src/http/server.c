// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include "http/buffer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,
    READ_SIZE = 16 * 1024,
    HEAD_SIZE = 1024,
    LINGER_MS = 2000,
    SWEEP_MS = 250,
    TURN_STEPS = 16, /* answers and reads of one connection before others have their turn */
};

#define RETRY_AFTER "1" /* seconds */

struct connection {
    struct connection *next, **link;
    int fd;
    struct http_peer peer;
    struct crypto_tls *tls;
    struct buffer input;  /* what was received and not used yet */
    struct buffer body;   /* decoded from chunks */
    struct buffer output; /* what is to be sent */
    size_t sent;
    struct http1_chunked chunked;
    bool continued, closing, lingering;
    bool starved; /* others needed its memory */
    int64_t deadline;
    uint32_t events; /* what epoll waits for */
};

struct http_server {
    struct http_server_config config;
    int epoll;
    struct connection *connections;
    struct http_server_stats stats;
    struct buffer_budget budget;
    bool draining;
    int64_t next_sweep;
};

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Gives a connection the time for a request, and for so many bytes of an answer. */
static void set_deadline(const struct http_server *server, struct connection *connection,
                         size_t answer)
{
    connection->deadline = now_ms() + (int64_t)server->config.seconds * 1000 +
                           (int64_t)(answer * 1000 / server->config.rate);
}

static void close_connection(struct http_server *server, struct connection *connection)
{
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
        .fd = fd,
        .peer = peer,
        .next = server->connections,
        .link = &server->connections,
        .input.limit = HTTP1_HEAD_MAX + server->config.body_max + READ_SIZE,
        .body.limit = server->config.body_max,
        .output.limit = SIZE_MAX / 4,
        .events = EPOLLIN,
    };
    if (connection->next)
        connection->next->link = &connection->next;
    server->connections = connection;
    server->stats.connections++;
    set_deadline(server, connection, 0);
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

static void trim(struct http_server *server, struct connection *connection)
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
        if (held > 3 * BUFFER_SMALL && (!slowest || each->deadline <= slowest->deadline))
            slowest = each;
    }
    return slowest;
}

/* Takes the memory of a connection away. In the middle of an answer that ends it. */
static void starve(struct http_server *server, struct connection *connection)
{
    if (connection->output.size > 0)
        shutdown(connection->fd, SHUT_RDWR);
    connection->input.size = connection->body.size = 0;
    connection->output.size = connection->sent = 0;
    connection->starved = true;
    trim(server, connection);
    wait_for(server, connection, EPOLLOUT);
}

/* Appends to a buffer of a connection. If memory is short, whoever is slowest has to give up his;
 * -ENOBUFS if that is this connection. */
static int hold(struct http_server *server, struct connection *connection, struct buffer *buffer,
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

static void write_head(struct text *text, const struct http_answer *answer, bool keep)
{
    http1_begin_response(text, answer->status);
    if (answer->content_type)
        http1_header(text, "Content-Type", answer->content_type);
    for (size_t i = 0; i < HTTP_ANSWER_HEADERS_MAX && answer->headers[i].name; i++)
        http1_header(text, answer->headers[i].name, answer->headers[i].value);
    http1_header_number(text, "Content-Length", answer->content_type ? answer->body.size : 0);
    http1_header(text, "Connection", keep ? "keep-alive" : "close");
    http1_end(text);
}

/* Puts an answer into the output: 0 or a negative errno, with the output as it was. */
static int put_answer(struct http_server *server, struct connection *connection,
                      struct http_answer *answer, bool keep, bool with_body)
{
    char head[HEAD_SIZE];
    struct text text = text_init(head, sizeof(head));
    size_t before = connection->output.size;
    keep = keep && !server->draining;
    write_head(&text, answer, keep);
    int status = text.overflow ? -EINVAL : 0;
    if (status == 0)
        status = hold(server, connection, &connection->output, text_span(&text));
    if (status == 0 && with_body && answer->content_type)
        status = hold(server, connection, &connection->output, answer->body);
    if (answer->release)
        answer->release(server->config.context, answer);
    if (status < 0)
        connection->output.size = before;
    connection->closing = connection->closing || !keep;
    set_deadline(server, connection, connection->output.size);
    return status;
}

/* Answers what cannot be answered well, and ends the connection. */
static void put_error(struct http_server *server, struct connection *connection, unsigned status)
{
    struct http_answer answer = {.status = status};
    if (status == 503) {
        server->stats.overloaded++;
        answer.headers[0].name = "Retry-After";
        answer.headers[0].value = RETRY_AFTER;
    }
    connection->input.size = connection->body.size = 0;
    connection->closing = true;
    connection->starved = false;
    trim(server, connection);
    if (put_answer(server, connection, &answer, false, false) < 0)
        connection->output.size = connection->sent; /* nothing more can be said */
}

/* The status that tells the client of an error while its request is received. */
static unsigned status_of(int error)
{
    return error == -EMSGSIZE ? 413 : error == -ENOBUFS ? 503 : 400;
}

/* Moves what arrived of a chunked body: 1 if it is complete, 0 if not, or a negative errno. */
static int decode_chunks(struct http_server *server, struct connection *connection, size_t head)
{
    struct span input = span_of(connection->input.data + head, connection->input.size - head);
    struct span piece;
    int status;
    while ((status = http1_chunked_next(&connection->chunked, &input, &piece)) > 0) {
        int appended = hold(server, connection, &connection->body, piece);
        if (appended < 0)
            return appended;
    }
    /* Keep the head, drop what was decoded. */
    size_t rest = input.size;
    if (rest > 0)
        memmove(connection->input.data + head, input.data, rest);
    connection->input.size = head + rest;
    return status < 0 ? status : connection->chunked.done;
}

/* Whether the whole body is there: 1, 0 or a negative errno. */
static int find_body(struct http_server *server, struct connection *connection,
                     const struct http1_request *request, size_t head, struct span *body)
{
    if (request->head.chunked) {
        int status = decode_chunks(server, connection, head);
        *body = span_of(connection->body.data, connection->body.size);
        return status;
    }
    if (request->head.length > server->config.body_max)
        return -EMSGSIZE;
    *body = span_of(connection->input.data + head, (size_t)request->head.length);
    return connection->input.size - head >= request->head.length;
}

static void finish_request(struct http_server *server, struct connection *connection,
                           const struct http1_request *request, size_t head)
{
    size_t used = head + (request->head.chunked ? 0 : (size_t)request->head.length);
    buffer_consume(&connection->input, used);
    connection->body.size = 0;
    buffer_trim(&connection->input, &server->budget);
    buffer_trim(&connection->body, &server->budget);
    connection->chunked = (struct http1_chunked){0};
    connection->continued = false;
}

/* Tells a client that waits for it to send its body: whether there is something to send now. */
static bool let_continue(struct http_server *server, struct connection *connection)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (connection->continued)
        return false;
    connection->continued = true;
    if (hold(server, connection, &connection->output, SPAN_LITERAL(interim)) < 0)
        put_error(server, connection, 503);
    return true;
}

/* Answers one request of the input if it is complete; whether it was, or failed. */
static bool answer_one(struct http_server *server, struct connection *connection)
{
    struct http1_request request;
    struct span body;
    if (connection->input.size == 0 || connection->closing)
        return false;
    int head =
        http1_parse_request(span_of(connection->input.data, connection->input.size), &request);
    if (head == 0)
        return false;
    if (head < 0) {
        put_error(server, connection, head == -EMSGSIZE ? 431 : 400);
        return true;
    }
    int status = find_body(server, connection, &request, (size_t)head, &body);
    if (status < 0) {
        put_error(server, connection, status_of(status));
        return true;
    }
    if (status == 0)
        return request.expect_continue && let_continue(server, connection);
    struct http_exchange exchange = {&request, body, connection->peer};
    struct http_answer answer = {.status = 500};
    server->config.answer(server->config.context, &exchange, &answer);
    status = put_answer(server, connection, &answer, request.head.keep_alive,
                        !span_equal(request.method, SPAN_LITERAL("HEAD")));
    if (status < 0)
        put_error(server, connection, status == -ENOBUFS ? 503 : 500);
    else
        finish_request(server, connection, &request, (size_t)head);
    return true;
}

static ssize_t receive(struct connection *connection, void *buffer, size_t size)
{
    if (connection->tls)
        return crypto_tls_read(connection->tls, buffer, size);
    ssize_t got = recv(connection->fd, buffer, size, 0);
    return got < 0 ? -errno : got;
}

static ssize_t transmit(struct connection *connection)
{
    const uint8_t *from = connection->output.data + connection->sent;
    size_t size = connection->output.size - connection->sent;
    if (connection->tls)
        return crypto_tls_write(connection->tls, from, size);
    ssize_t done = send(connection->fd, from, size, MSG_NOSIGNAL);
    return done < 0 ? -errno : done;
}

/* Sends what there is: false if the connection is over. */
static bool flush(struct http_server *server, struct connection *connection)
{
    if (connection->output.size == 0)
        return true;
    while (connection->sent < connection->output.size) {
        ssize_t done = transmit(connection);
        if (done == -EAGAIN || done == -EINTR)
            return true;
        if (done <= 0)
            return false;
        connection->sent += (size_t)done;
    }
    connection->sent = connection->output.size = 0;
    buffer_trim(&connection->output, &server->budget);
    if (!connection->continued)
        set_deadline(server, connection, 0); /* for the next request */
    return true;
}

/* Receives some bytes: 1, 0 if there are none now, -1 if the connection is over. */
static int fill(struct http_server *server, struct connection *connection)
{
    uint8_t bytes[READ_SIZE];
    ssize_t got = receive(connection, bytes, sizeof(bytes));
    if (got == -EAGAIN || got == -EINTR)
        return 0;
    if (got <= 0)
        return -1;
    if (connection->lingering)
        return 1;
    if (connection->input.size == 0)
        set_deadline(server, connection, 0); /* the time of a request begins with its first byte */
    if (hold(server, connection, &connection->input, span_of(bytes, (size_t)got)) < 0)
        put_error(server, connection, 503);
    return 1;
}

/* After the last answer: what the client still sends is read and dropped for a while, because a
 * reset could overtake the answer. */
static bool linger(struct connection *connection)
{
    if (connection->tls || shutdown(connection->fd, SHUT_WR) < 0)
        return false;
    connection->lingering = true;
    connection->deadline = now_ms() + LINGER_MS;
    return true;
}

/* Sends, answers and receives: 0 when it has to wait for the client, 1 when its turn is over before
 * that, -1 if the connection is. */
static int advance(struct http_server *server, struct connection *connection)
{
    for (unsigned i = 0; i < TURN_STEPS; i++) {
        if (connection->starved)
            put_error(server, connection, 503);
        if (!flush(server, connection))
            return -1;
        if (connection->output.size > 0)
            return 0;
        if (connection->closing && !connection->lingering && !linger(connection))
            return -1;
        if (answer_one(server, connection))
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
    else if (more > 0) /* bytes may be waiting inside of TLS: come back as soon as possible */
        wait_for(server, connection, EPOLLIN | EPOLLOUT);
    else
        wait_for(server, connection, connection->output.size > 0 ? EPOLLOUT : EPOLLIN);
}

static void close_late(struct http_server *server)
{
    int64_t now = now_ms();
    if (now < server->next_sweep)
        return;
    server->next_sweep = now + SWEEP_MS;
    for (struct connection *each = server->connections, *next; each; each = next) {
        next = each->next;
        bool idle = each->input.size == 0 && each->output.size == 0;
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
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (server->epoll < 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, config->listener, &event) < 0) {
        http_server_free(server);
        return NULL;
    }
    return server;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    while (server->connections)
        close_connection(server, server->connections);
    if (server->epoll >= 0)
        close(server->epoll);
    free(server);
}

int http_server_step(struct http_server *server, int milliseconds)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(server->epoll, events, EVENTS_MAX, milliseconds);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
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
