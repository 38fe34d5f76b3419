// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, READ_SIZE = 16 * 1024, HEAD_SIZE = 512, LINGER_MS = 2000, SWEEP_MS = 250 };

struct buffer {
    uint8_t *data;
    size_t size, capacity, limit;
};

struct connection {
    struct connection *next, **link;
    int fd;
    struct crypto_tls *tls;
    struct buffer input;  /* what was received and not used yet */
    struct buffer body;   /* decoded from chunks */
    struct buffer output; /* what is to be sent */
    size_t sent;
    struct http1_chunked chunked;
    bool continued, closing, lingering;
    int64_t deadline;
    uint32_t events; /* what epoll waits for */
};

struct http_server {
    struct http_server_config config;
    int epoll;
    struct connection *connections;
    unsigned count;
    bool draining;
    int64_t next_sweep;
};

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static bool append(struct buffer *buffer, struct span bytes)
{
    if (bytes.size > buffer->limit - buffer->size)
        return false;
    size_t wanted = buffer->size + bytes.size;
    if (wanted > buffer->capacity) {
        size_t capacity = wanted * 2 < buffer->limit ? wanted * 2 : buffer->limit;
        uint8_t *data = realloc(buffer->data, capacity);
        if (!data)
            return false;
        buffer->data = data;
        buffer->capacity = capacity;
    }
    if (bytes.size > 0)
        memcpy(buffer->data + buffer->size, bytes.data, bytes.size);
    buffer->size = wanted;
    return true;
}

static void consume(struct buffer *buffer, size_t size)
{
    buffer->size -= size;
    if (buffer->size > 0)
        memmove(buffer->data, buffer->data + size, buffer->size);
}

static void postpone(const struct http_server *server, struct connection *connection)
{
    connection->deadline = now_ms() + (int64_t)server->config.seconds * 1000;
}

static void close_connection(struct http_server *server, struct connection *connection)
{
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    crypto_tls_free(connection->tls);
    close(connection->fd);
    free(connection->input.data);
    free(connection->body.data);
    free(connection->output.data);
    free(connection);
    server->count--;
}

static void open_connection(struct http_server *server, int fd)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection) {
        close(fd);
        return;
    }
    *connection = (struct connection){
        .fd = fd,
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
    server->count++;
    postpone(server, connection);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (server->config.tls)
        connection->tls = crypto_tls_accept(server->config.tls, fd);
    if ((server->config.tls && !connection->tls) ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        close_connection(server, connection);
}

static void accept_connections(struct http_server *server)
{
    int fd;
    while ((fd = accept4(server->config.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (server->count < server->config.connections_max)
            open_connection(server, fd);
        else
            close(fd);
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

/* Puts an answer behind what is still to be sent. */
static void put_answer(const struct http_server *server, struct connection *connection,
                       struct http_answer *answer, bool keep, bool with_body)
{
    char head[HEAD_SIZE];
    struct text text = text_init(head, sizeof(head));
    keep = keep && !server->draining;
    http1_begin_response(&text, answer->status);
    if (answer->content_type)
        http1_header(&text, "Content-Type", answer->content_type);
    http1_header_number(&text, "Content-Length", answer->content_type ? answer->body.size : 0);
    http1_header(&text, "Connection", keep ? "keep-alive" : "close");
    http1_end(&text);
    bool good = !text.overflow && append(&connection->output, text_span(&text));
    if (good && with_body && answer->content_type)
        good = append(&connection->output, answer->body);
    connection->closing = connection->closing || !keep || !good;
    if (answer->release)
        answer->release(server->config.context, answer);
}

static void put_error(const struct http_server *server, struct connection *connection,
                      unsigned status)
{
    struct http_answer answer = {.status = status};
    put_answer(server, connection, &answer, false, true);
    connection->input.size = 0;
}

/* Moves what arrived of a chunked body: 1 if it is complete, 0 if not, or a negative errno. */
static int decode_chunks(struct connection *connection, size_t head)
{
    struct span input = span_of(connection->input.data + head, connection->input.size - head);
    struct span piece;
    int status;
    while ((status = http1_chunked_next(&connection->chunked, &input, &piece)) > 0) {
        if (!append(&connection->body, piece))
            return -EMSGSIZE;
    }
    /* Keep the head, drop what was decoded. */
    size_t rest = input.size;
    if (rest > 0)
        memmove(connection->input.data + head, input.data, rest);
    connection->input.size = head + rest;
    return status < 0 ? status : connection->chunked.done;
}

/* Whether the whole body is there: 1, 0 or a negative errno. */
static int find_body(const struct http_server *server, struct connection *connection,
                     const struct http1_request *request, size_t head, struct span *body)
{
    if (request->head.chunked) {
        int status = decode_chunks(connection, head);
        *body = span_of(connection->body.data, connection->body.size);
        return status;
    }
    if (request->head.length > server->config.body_max)
        return -EMSGSIZE;
    *body = span_of(connection->input.data + head, (size_t)request->head.length);
    return connection->input.size - head >= request->head.length;
}

static void finish_request(struct connection *connection, const struct http1_request *request,
                           size_t head)
{
    size_t used = head + (request->head.chunked ? 0 : (size_t)request->head.length);
    consume(&connection->input, used);
    connection->body.size = 0;
    connection->chunked = (struct http1_chunked){0};
    connection->continued = false;
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
        put_error(server, connection, status == -EMSGSIZE ? 413 : 400);
        return true;
    }
    if (status == 0) {
        if (request.expect_continue && !connection->continued)
            append(&connection->output, SPAN_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
        connection->continued = true;
        return false;
    }
    struct http_answer answer = {.status = 500};
    server->config.answer(server->config.context, &request, body, &answer);
    put_answer(server, connection, &answer, request.head.keep_alive,
               !span_equal(request.method, SPAN_LITERAL("HEAD")));
    finish_request(connection, &request, (size_t)head);
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
    while (connection->sent < connection->output.size) {
        ssize_t done = transmit(connection);
        if (done == -EAGAIN || done == -EINTR)
            return true;
        if (done <= 0)
            return false;
        connection->sent += (size_t)done;
        postpone(server, connection);
    }
    connection->sent = connection->output.size = 0;
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
        postpone(server, connection); /* the time for a request begins with its first byte */
    return append(&connection->input, span_of(bytes, (size_t)got)) ? 1 : -1;
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

/* Sends, answers and receives until one of them has to wait: false if the connection is over. */
static bool advance(struct http_server *server, struct connection *connection)
{
    for (;;) {
        if (connection->output.size > 0) {
            if (!flush(server, connection))
                return false;
            if (connection->output.size > 0)
                return true;
        }
        if (connection->closing && !connection->lingering && !linger(connection))
            return false;
        if (answer_one(server, connection) || connection->output.size > 0)
            continue;
        int got = fill(server, connection);
        if (got <= 0)
            return got == 0;
    }
}

static void serve(struct http_server *server, struct connection *connection)
{
    if (!advance(server, connection))
        close_connection(server, connection);
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
        if (now > each->deadline || (server->draining && idle))
            close_connection(server, each);
    }
}

struct http_server *http_server_new(const struct http_server_config *config)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        return NULL;
    server->config = *config;
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
}

void http_server_set_tls(struct http_server *server, struct crypto_tls_context *tls)
{
    server->config.tls = tls;
}

int http_server_descriptor(const struct http_server *server)
{
    return server->epoll;
}

unsigned http_server_connections(const struct http_server *server)
{
    return server->count;
}
