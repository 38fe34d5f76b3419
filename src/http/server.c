// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include "http/buffer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,
    READ_SIZE = 16 * 1024,
    HEAD_SIZE = 4096,
    LINGER_MS = 2000,
    SWEEP_MS = 250,
    TURN_STEPS = 16,         /* answers and reads of one connection before others have their turn */
    TURN_PIECES = 16,        /* pieces of a source likewise */
    FIRST_PIECE = 12 * 1024, /* bytes of a source that go with the head */
};

#define RETRY_AFTER "1" /* seconds */

struct http_later {
    struct http_server *server;
    struct http_later *next; /* under the server's mutex, while it is among those answered */
    struct http_answer answer;
    bool pending, keep; /* the answer has not been put into the output; the connection goes on */
};

struct connection {
    struct http_later later; /* the first member */
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
    bool starved;              /* others needed its memory */
    struct http_sink sink;     /* `take` NULL: the body is collected */
    bool sink_keep, sink_head; /* what the request said about connection and method */
    uint64_t rest;             /* bytes of the body that have not come, unless it is chunked */
    uint64_t taken;            /* bytes that have gone to the sink */
    int64_t begun;             /* when that began */
    bool sink_chunked;
    struct http_answer
        streaming;     /* the answer whose source is being sent; source.read NULL: none */
    uint64_t streamed; /* bytes of it that were sent */
    int64_t deadline;
    uint32_t events; /* what epoll waits for */
};

struct http_server {
    struct http_server_config config;
    pthread_mutex_t mutex;
    struct http_later *answered; /* under the mutex: by other threads, not sent yet */
    int epoll, wakeup;           /* an eventfd: there are some */
    struct connection *connections;
    struct http_server_stats stats;
    struct buffer_budget budget;
    bool draining;
    int64_t next_sweep;
    uint8_t piece[HTTP_PIECE_MAX]; /* of a source, while it is sent */
};

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Gives a connection the time for a request, and for so many bytes of an answer. */
static void set_deadline(const struct http_server *server, struct connection *connection,
                         uint64_t answer)
{
    connection->deadline = now_ms() + (int64_t)server->config.seconds * 1000 +
                           (int64_t)(answer * 1000 / server->config.rate);
}

static void release(const struct http_server *server, struct http_answer *answer)
{
    if (answer->release)
        answer->release(server->config.context, answer);
}

static void end_streaming(const struct http_server *server, struct connection *connection)
{
    if (connection->streaming.source.read)
        release(server, &connection->streaming);
    connection->streaming = (struct http_answer){0};
}

static void drop_sink(struct connection *connection)
{
    if (connection->sink.take)
        connection->sink.drop(connection->sink.state);
    connection->sink = (struct http_sink){0};
}

static void close_connection(struct http_server *server, struct connection *connection)
{
    end_streaming(server, connection);
    drop_sink(connection);
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

static uint64_t length_of(const struct http_answer *answer)
{
    if (!answer->content_type)
        return 0;
    return answer->source.read ? answer->source.length : answer->body.size;
}

static void write_head(struct text *text, const struct http_answer *answer, bool keep)
{
    char date[40];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts); /* RFC 9110 section 6.6.1 */
    http1_begin_response(text, answer->status);
    http1_header(text, "Date", date);
    if (answer->content_type)
        http1_header(text, "Content-Type", answer->content_type);
    for (size_t i = 0; i < HTTP_ANSWER_HEADERS_MAX && answer->headers[i].name; i++)
        http1_header(text, answer->headers[i].name, answer->headers[i].value);
    if (answer->status != 204 && answer->status != 304) /* RFC 9110 section 8.6 */
        http1_header_number(text, "Content-Length", length_of(answer));
    http1_header(text, "Connection", keep ? "keep-alive" : "close");
    http1_end(text);
}

/* Remembers an answer whose bytes are to be taken from a source. If there is memory, the first of
 * them travel with the head; if there are no more, that is all. */
static int begin_streaming(struct http_server *server, struct connection *connection,
                           struct http_answer *answer)
{
    const struct http_source *source = &answer->source;
    size_t size = source->length < FIRST_PIECE ? (size_t)source->length : FIRST_PIECE;
    ssize_t got = size > 0 ? source->read(source->state, source->offset, server->piece, size) : 0;
    if (got < 0)
        return -EIO;
    struct span first = span_of(server->piece, (size_t)got);
    bool held = buffer_append(&connection->output, &server->budget, first) == 0;
    if (held && first.size == source->length)
        return 0;
    connection->streaming = *answer;
    connection->streamed = held ? first.size : 0;
    return 0;
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
    bool streams = with_body && answer->content_type && answer->source.read;
    if (status == 0 && streams)
        status = begin_streaming(server, connection, answer);
    else if (status == 0 && with_body && answer->content_type)
        status = hold(server, connection, &connection->output, answer->body);
    if (!connection->streaming.source.read)
        release(server, answer);
    if (status < 0)
        connection->output.size = before;
    connection->closing = connection->closing || !keep;
    set_deadline(server, connection, connection->output.size + (streams ? length_of(answer) : 0));
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
    drop_sink(connection);
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
    connection->begun = 0;
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

static struct http_exchange exchange_of(const struct connection *connection,
                                        const struct http1_request *request, struct span body)
{
    struct span certificate = connection->tls ? crypto_tls_peer(connection->tls) : (struct span){0};
    return (struct http_exchange){request, body, connection->peer, certificate};
}

static bool is_head(const struct http1_request *request)
{
    return span_equal(request->method, SPAN_LITERAL("HEAD"));
}

/* Asks who wants the body of a request whose head has just come: whether it goes to a sink, or the
 * request was answered already. */
static bool begin_body(struct http_server *server, struct connection *connection,
                       const struct http1_request *request, size_t head)
{
    struct http_answer answer = {0};
    bool has_body = request->head.chunked || request->head.length > 0;
    if (!server->config.begin || !has_body || connection->continued || connection->begun)
        return false;
    struct http_exchange exchange = exchange_of(connection, request, (struct span){0});
    connection->begun = now_ms();
    if (server->config.begin(server->config.context, &exchange, &connection->sink, &answer)) {
        connection->rest = request->head.length;
        connection->sink_chunked = request->head.chunked;
        connection->sink_keep = request->head.keep_alive;
        connection->sink_head = is_head(request);
        connection->taken = 0;
        buffer_consume(&connection->input, head);
        if (request->expect_continue && connection->input.size == 0)
            let_continue(server, connection);
        return true;
    }
    if (answer.status == 0)
        return false;
    connection->input.size = 0;
    if (put_answer(server, connection, &answer, false, !is_head(request)) < 0)
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
    if (begin_body(server, connection, &request, (size_t)head))
        return true;
    int status = find_body(server, connection, &request, (size_t)head, &body);
    if (status < 0) {
        put_error(server, connection, status_of(status));
        return true;
    }
    if (status == 0)
        return request.expect_continue && let_continue(server, connection);
    struct http_exchange exchange = exchange_of(connection, &request, body);
    struct http_answer answer = {.status = 500};
    server->config.answer(server->config.context, &exchange, &answer);
    status = put_answer(server, connection, &answer, request.head.keep_alive, !is_head(&request));
    if (status < 0)
        put_error(server, connection, status == -ENOBUFS ? 503 : 500);
    else
        finish_request(server, connection, &request, (size_t)head);
    return true;
}

/* Hands what has arrived to the sink: 1 if the body is complete, 0 if not, or a negative errno; of
 * the sink's in *refused. Takes it from the front of *input. */
static int feed_sink(struct connection *connection, struct span *input, bool *refused)
{
    struct span piece;
    int status = 1;
    *refused = false;
    while (input->size > 0) {
        if (connection->sink_chunked) {
            status = http1_chunked_next(&connection->chunked, input, &piece);
            if (status <= 0)
                break;
        } else {
            piece = *input;
            if (piece.size > connection->rest)
                piece.size = (size_t)connection->rest;
            *input = span_of(input->data + piece.size, input->size - piece.size);
            connection->rest -= piece.size;
        }
        connection->taken += piece.size;
        if (piece.size == 0)
            break;
        if (connection->sink.take(connection->sink.state, piece) < 0) {
            *refused = true;
            return 1;
        }
    }
    if (status < 0)
        return status;
    return connection->sink_chunked ? connection->chunked.done : connection->rest == 0;
}

static void answer_sink(struct http_server *server, struct connection *connection,
                        struct http_answer *answer, bool keep)
{
    connection->chunked = (struct http1_chunked){0};
    connection->continued = false;
    connection->begun = keep ? 0 : connection->begun;
    int status = put_answer(server, connection, answer, keep, !connection->sink_head);
    if (status < 0)
        put_error(server, connection, status == -ENOBUFS ? 503 : 500);
}

static void finish_sink(struct http_server *server, struct connection *connection, bool keep)
{
    struct http_sink sink = connection->sink;
    struct http_answer answer = {.status = 500};
    connection->sink = (struct http_sink){0};
    connection->later.keep = keep;
    connection->later.pending = true; /* before it is asked: the answer may be there at once */
    if (sink.finish_later && sink.finish_later(sink.state, &connection->later)) {
        /* Nothing of the client's is looked at, not even that it goes. */
        epoll_ctl(server->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
        return;
    }
    connection->later.pending = false;
    sink.finish(sink.state, &answer);
    answer_sink(server, connection, &answer, keep);
}

void http_later_answer(struct http_later *later, const struct http_answer *answer)
{
    struct http_server *server = later->server;
    const uint64_t one = 1;
    later->answer = *answer;
    pthread_mutex_lock(&server->mutex);
    later->next = server->answered;
    server->answered = later;
    pthread_mutex_unlock(&server->mutex);
    while (write(server->wakeup, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

/* Hands on what is in the input: whether the request was answered, or failed. */
static bool pass_on(struct http_server *server, struct connection *connection)
{
    struct span input = span_of(connection->input.data, connection->input.size);
    bool refused;
    int status = feed_sink(connection, &input, &refused);
    buffer_consume(&connection->input, connection->input.size - input.size);
    connection->deadline = connection->begun + (int64_t)server->config.seconds * 1000 +
                           (int64_t)(connection->taken * 1000 / server->config.rate);
    if (status == 0)
        return false;
    if (status < 0)
        put_error(server, connection, 400);
    else
        finish_sink(server, connection, connection->sink_keep && !refused);
    if (refused)
        connection->input.size = 0;
    return true;
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
        set_deadline(server, connection, 0);
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
        set_deadline(server, connection, 0); /* for the next request */
    return stream(server, connection);
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
    /* With TLS only a client that was refused while it sends: others know when they close. */
    if (connection->tls ? !connection->begun : shutdown(connection->fd, SHUT_WR) < 0)
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
        if (connection->later.pending)
            return 0;
        if (connection->starved)
            put_error(server, connection, 503);
        if (!flush(server, connection))
            return -1;
        if (sends(connection))
            return 0;
        if (connection->closing && !connection->lingering && !linger(connection))
            return -1;
        if (connection->sink.take ? pass_on(server, connection) : answer_one(server, connection))
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
        answer_sink(server, connection, &later->answer, later->keep);
        if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
            close_connection(server, connection);
        else
            serve(server, connection);
    }
}

static void close_late(struct http_server *server)
{
    int64_t now = now_ms();
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
        release(server, &later->answer);
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
