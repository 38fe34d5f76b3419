// SPDX-License-Identifier: Apache-2.0
/* Requests as they come, and the answers to them. */
#include "http/server_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_SIZE = 4096,
    FIRST_PIECE = 12 * 1024, /* bytes of a source that go with the head */
};

#define RETRY_AFTER "1" /* seconds */

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
        status = server_hold(server, connection, &connection->output, text_span(&text));
    bool streams = with_body && answer->content_type && answer->source.read;
    if (status == 0 && streams)
        status = begin_streaming(server, connection, answer);
    else if (status == 0 && with_body && answer->content_type)
        status = server_hold(server, connection, &connection->output, answer->body);
    if (!connection->streaming.source.read)
        server_release(server, answer);
    if (status < 0)
        connection->output.size = before;
    connection->closing = connection->closing || !keep;
    server_set_deadline(server, connection,
                        connection->output.size + (streams ? length_of(answer) : 0));
    return status;
}

void server_put_error(struct http_server *server, struct connection *connection, unsigned status)
{
    struct http_answer answer = {.status = status};
    if (status == 503) {
        server->stats.overloaded++;
        answer.headers[0].name = "Retry-After";
        answer.headers[0].value = RETRY_AFTER;
    }
    server_drop_sink(connection);
    connection->input.size = connection->body.size = 0;
    connection->closing = true;
    connection->starved = false;
    server_trim(server, connection);
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
        int appended = server_hold(server, connection, &connection->body, piece);
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
    if (server_hold(server, connection, &connection->output, SPAN_LITERAL(interim)) < 0)
        server_put_error(server, connection, 503);
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
    connection->begun = server_now_ms();
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
        server_put_error(server, connection, 503);
    return true;
}

bool server_answer_one(struct http_server *server, struct connection *connection)
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
        server_put_error(server, connection, head == -EMSGSIZE ? 431 : 400);
        return true;
    }
    if (begin_body(server, connection, &request, (size_t)head))
        return true;
    int status = find_body(server, connection, &request, (size_t)head, &body);
    if (status < 0) {
        server_put_error(server, connection, status_of(status));
        return true;
    }
    if (status == 0)
        return request.expect_continue && let_continue(server, connection);
    struct http_exchange exchange = exchange_of(connection, &request, body);
    struct http_answer answer = {.status = 500};
    server->config.answer(server->config.context, &exchange, &answer);
    status = put_answer(server, connection, &answer, request.head.keep_alive, !is_head(&request));
    if (status < 0)
        server_put_error(server, connection, status == -ENOBUFS ? 503 : 500);
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

void server_answer_sink(struct http_server *server, struct connection *connection,
                        struct http_answer *answer, bool keep)
{
    connection->chunked = (struct http1_chunked){0};
    connection->continued = false;
    connection->begun = keep ? 0 : connection->begun;
    int status = put_answer(server, connection, answer, keep, !connection->sink_head);
    if (status < 0)
        server_put_error(server, connection, status == -ENOBUFS ? 503 : 500);
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
    server_answer_sink(server, connection, &answer, keep);
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

bool server_pass_on(struct http_server *server, struct connection *connection)
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
        server_put_error(server, connection, 400);
    else
        finish_sink(server, connection, connection->sink_keep && !refused);
    if (refused)
        connection->input.size = 0;
    return true;
}
