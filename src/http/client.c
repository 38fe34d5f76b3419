// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include "base/cleanup.h"
#include "codec/url.h"
#include "http/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { HEAD_SIZE = HTTP1_HEAD_MAX, READ_SIZE = 16 * 1024, TARGET_MAX = 4096 };

struct http_client {
    struct http_client_config config;
    /* The connection, and to whom it is; fd -1: there is none. */
    int fd;
    struct crypto_tls *tls;
    char host[URL_HOST_MAX + 1];
    uint16_t port;
    bool used; /* it has carried a call before this one */
};

/* One call while it is made. */
struct exchange {
    struct http_client *client;
    const struct http_call *call;
    struct http_reply *reply;
    struct err *err;
    struct url url;
    char target[TARGET_MAX];
    int64_t deadline;
    struct buffer input;         /* received and not used yet */
    struct buffer body;          /* of the answer */
    struct buffer_budget budget; /* without a bound: the limits of the buffers are */
    bool heard;                  /* a byte of an answer has come */
    bool ended;                  /* the server has closed its side */
};

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct http_client *http_client_new(const struct http_client_config *config)
{
    struct http_client *client = calloc(1, sizeof(*client));
    if (client)
        *client = (struct http_client){.config = *config, .fd = -1};
    return client;
}

static void disconnect(struct http_client *client)
{
    crypto_tls_free(client->tls);
    if (client->fd >= 0)
        close(client->fd);
    client->tls = NULL;
    client->fd = -1;
    client->used = false;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    disconnect(client);
    free(client);
}

void http_reply_free(struct http_reply *reply)
{
    for (size_t i = 0; i < 2; i++)
        free(reply->memory[i]);
    *reply = (struct http_reply){0};
}

/* Waits until the socket is ready: 0 or -ETIMEDOUT. */
static int wait_for(const struct exchange *exchange, int fd, short events)
{
    struct pollfd ready = {fd, events, 0};
    for (;;) {
        int64_t rest = exchange->deadline - now_ms();
        if (rest <= 0)
            return err_set(exchange->err, ERR_IO, ETIMEDOUT, "%s did not answer in %u seconds",
                           exchange->call->url, exchange->client->config.seconds);
        if (poll(&ready, 1, (int)rest) > 0)
            return 0;
    }
}

/* Waits as what moved bytes wants it after -EAGAIN. */
static int wait_more(const struct exchange *exchange, short events)
{
    const struct http_client *client = exchange->client;
    if (client->tls)
        events = crypto_tls_wants_write(client->tls) ? POLLOUT : POLLIN;
    return wait_for(exchange, client->fd, events);
}

static int connect_to(const struct exchange *exchange, const struct addrinfo *address, int *out)
{
    autoclose int fd =
        socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    const int on = 1; /* what is sent is whole: nothing to wait for */
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return -errno;
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
        int error = 0;
        socklen_t size = sizeof(error);
        if (errno != EINPROGRESS)
            return -errno;
        int status = wait_for(exchange, fd, POLLOUT);
        if (status < 0)
            return status;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0)
            return error ? -error : -errno;
    }
    *out = take_fd(&fd);
    return 0;
}

/* A socket by the embedder, brought into the form of connect_to. */
static int open_foreign(struct exchange *exchange)
{
    struct http_client *client = exchange->client;
    const int on = 1;
    int fd = client->config.connect(client->config.connect_context, client->host, client->port,
                                    exchange->err);
    if (fd < 0)
        return fd;
    client->fd = fd;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return err_set(exchange->err, ERR_IO, errno, "cannot use the connection to %s port %u",
                       client->host, client->port);
    return 0;
}

static int open_socket(struct exchange *exchange)
{
    struct http_client *client = exchange->client;
    if (client->config.connect)
        return open_foreign(exchange);
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    char port[8];
    int status = -EADDRNOTAVAIL;
    snprintf(port, sizeof(port), "%u", client->port);
    int found = getaddrinfo(client->host, port, &wanted, &addresses);
    if (found != 0)
        return err_set(exchange->err, ERR_IO, found == EAI_SYSTEM ? errno : 0,
                       "cannot find the address of %s: %s", client->host, gai_strerror(found));
    for (const struct addrinfo *each = addresses; each && status < 0; each = each->ai_next) {
        status = connect_to(exchange, each, &client->fd);
        if (status == -ETIMEDOUT && now_ms() >= exchange->deadline)
            break;
    }
    freeaddrinfo(addresses);
    if (status < 0 && status != -ETIMEDOUT)
        return err_set(exchange->err, ERR_IO, -status, "cannot connect to %s port %u", client->host,
                       client->port);
    return status;
}

/* Takes the kept connection if it leads to the right place, or makes one. */
static int open_connection(struct exchange *exchange)
{
    struct http_client *client = exchange->client;
    const struct url *url = &exchange->url;
    struct span host = span_of(client->host, strlen(client->host));
    if (client->fd >= 0 && span_equal(host, url->host) && client->port == url->port &&
        !client->tls == !url->secure)
        return 0;
    disconnect(client);
    memcpy(client->host, url->host.data, url->host.size);
    client->host[url->host.size] = '\0';
    client->port = url->port;
    int status = open_socket(exchange);
    if (status < 0 || !url->secure)
        return status;
    client->tls = crypto_tls_connect(client->config.tls, client->fd, client->host);
    return client->tls ? 0 : err_set(exchange->err, ERR_IO, ENOMEM, "cannot use TLS");
}

/* -EPIPE: the connection is over; the sentence says why. */
static int fail_connection(const struct exchange *exchange, const char *what, const char *why)
{
    err_set(exchange->err, ERR_IO, 0, "cannot %s %s: %s", what, exchange->call->url, why);
    return -EPIPE;
}

/* The same for what moving bytes returned; -EACCES stays. */
static int fail_moving(const struct exchange *exchange, const char *what, ssize_t error)
{
    const struct crypto_tls *tls = exchange->client->tls;
    int status =
        fail_connection(exchange, what, tls ? crypto_tls_reason(tls) : strerror((int)-error));
    return error == -EACCES ? -EACCES : status;
}

/* Bytes have moved. */
static void note_progress(struct exchange *exchange)
{
    const struct http_client_config *config = &exchange->client->config;
    if (config->patient)
        exchange->deadline = now_ms() + (int64_t)config->seconds * 1000;
}

static int transmit(struct exchange *exchange, struct span bytes)
{
    const struct http_client *client = exchange->client;
    while (bytes.size > 0) {
        ssize_t done = client->tls ? crypto_tls_write(client->tls, bytes.data, bytes.size)
                                   : send(client->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (done < 0 && !client->tls)
            done = -errno;
        if (done > 0) {
            note_progress(exchange);
            bytes = span_of(bytes.data + done, bytes.size - (size_t)done);
        } else if (done == -EAGAIN || done == -EINTR) {
            int status = wait_more(exchange, POLLOUT);
            if (status < 0)
                return status;
        } else {
            return fail_moving(exchange, "send to", done);
        }
    }
    return 0;
}

/* Receives bytes, or the end: 0 or a negative errno. */
static int receive(struct exchange *exchange)
{
    const struct http_client *client = exchange->client;
    uint8_t bytes[READ_SIZE];
    for (;;) {
        ssize_t got = client->tls ? crypto_tls_read(client->tls, bytes, sizeof(bytes))
                                  : recv(client->fd, bytes, sizeof(bytes), 0);
        if (got < 0 && !client->tls)
            got = -errno;
        if (got >= 0) {
            exchange->ended = got == 0;
            exchange->heard = exchange->heard || got > 0;
            note_progress(exchange);
            if (buffer_append(&exchange->input, &exchange->budget, span_of(bytes, (size_t)got)) < 0)
                return err_set(exchange->err, ERR_IO, ENOMEM, "cannot hold an answer");
            return 0;
        }
        if (got != -EAGAIN && got != -EINTR)
            return fail_moving(exchange, "receive from", got);
        int status = wait_more(exchange, POLLIN);
        if (status < 0)
            return status;
    }
}

static int send_request(struct exchange *exchange)
{
    const struct http_call *call = exchange->call;
    const struct url *url = &exchange->url;
    char head[HEAD_SIZE], host[URL_HOST_MAX + 16];
    struct text text = text_init(head, sizeof(head)), name = text_init(host, sizeof(host));
    text_add(&name, url->bracketed ? "[" : "");
    text_add_span(&name, url->host);
    text_add(&name, url->bracketed ? "]" : "");
    if (url->port != (url->secure ? 443 : 80))
        text_printf(&name, ":%u", url->port);
    http1_begin_request(&text, call->method, exchange->target);
    http1_header(&text, "Host", host);
    for (size_t i = 0; i < call->field_count; i++)
        http1_header(&text, call->fields[i].name, call->fields[i].value);
    if (call->body.data)
        http1_header_number(&text, "Content-Length", call->body.size);
    http1_end(&text);
    if (text.overflow)
        return err_set(exchange->err, ERR_USAGE, 0, "a header of a request to %s cannot be sent",
                       call->url);
    int status = transmit(exchange, text_span(&text));
    return status == 0 ? transmit(exchange, call->body) : status;
}

static int fail_answer(const struct exchange *exchange, const char *what)
{
    return err_set(exchange->err, ERR_IO, 0, "the answer of %s %s", exchange->call->url, what);
}

/* Receives a head that is not an interim one, and moves it into the reply. */
static int receive_head(struct exchange *exchange)
{
    struct http_reply *reply = exchange->reply;
    for (;;) {
        struct span input = span_of(exchange->input.data, exchange->input.size);
        int size = http1_parse_response(input, &reply->head);
        if (size < 0)
            return fail_answer(exchange, "is not HTTP");
        if (size == 0) {
            if (exchange->ended)
                return fail_connection(exchange, "receive from", "the answer is incomplete");
            int status = receive(exchange);
            if (status < 0)
                return status;
            continue;
        }
        if (reply->head.status == 101)
            return fail_answer(exchange, "changes the protocol");
        if (reply->head.status >= 200) {
            reply->memory[0] = malloc((size_t)size);
            if (!reply->memory[0])
                return err_set(exchange->err, ERR_IO, ENOMEM, "cannot hold an answer");
            memcpy(reply->memory[0], input.data, (size_t)size);
            size = http1_parse_response(span_of(reply->memory[0], (size_t)size), &reply->head);
            buffer_consume(&exchange->input, (size_t)size);
            return 0;
        }
        buffer_consume(&exchange->input, (size_t)size);
    }
}

/* Hands a piece of the body on. */
static int deliver(struct exchange *exchange, struct span piece)
{
    const struct http_call *call = exchange->call;
    unsigned status = exchange->reply->head.status;
    if (call->take && status >= 200 && status < 300)
        return piece.size > 0 ? call->take(call->context, piece, exchange->err) : 0;
    int appended = buffer_append(&exchange->body, &exchange->budget, piece);
    if (appended == -EMSGSIZE)
        return err_set(exchange->err, ERR_IO, EMSGSIZE, "the answer of %s has more than %zu bytes",
                       call->url, exchange->body.limit);
    return appended < 0 ? err_set(exchange->err, ERR_IO, ENOMEM, "cannot hold an answer") : 0;
}

/* Takes what is there of a body: 1 when it is complete, 0 if not, or a negative errno. */
static int take_chunks(struct exchange *exchange, struct http1_chunked *chunked)
{
    struct span input = span_of(exchange->input.data, exchange->input.size), piece;
    int status, delivered = 0;
    while (delivered == 0 && (status = http1_chunked_next(chunked, &input, &piece)) > 0)
        delivered = deliver(exchange, piece);
    if (delivered < 0)
        return delivered;
    buffer_consume(&exchange->input, exchange->input.size - input.size);
    return status < 0 ? fail_answer(exchange, "has a malformed body") : chunked->done;
}

/* The same for a body of `rest` bytes, or up to the end of the connection. */
static int take_plain(struct exchange *exchange, bool bounded, uint64_t *rest)
{
    size_t size = exchange->input.size;
    if (bounded && size > *rest)
        size = (size_t)*rest;
    int status = deliver(exchange, span_of(exchange->input.data, size));
    if (status < 0)
        return status;
    buffer_consume(&exchange->input, size);
    *rest -= bounded ? size : 0;
    return bounded ? *rest == 0 : exchange->ended;
}

static bool has_body(const struct exchange *exchange)
{
    unsigned status = exchange->reply->head.status;
    return strcmp(exchange->call->method, "HEAD") != 0 && status != 204 && status != 304;
}

static int receive_body(struct exchange *exchange)
{
    const struct http1_head *head = &exchange->reply->head.head;
    struct http1_chunked chunked = {0};
    uint64_t rest = head->length;
    if (!has_body(exchange))
        return 0;
    for (;;) {
        int status = head->chunked ? take_chunks(exchange, &chunked)
                                   : take_plain(exchange, head->has_length, &rest);
        if (status != 0)
            return status < 0 ? status : 0;
        if (exchange->ended)
            return fail_connection(exchange, "receive from", "the answer is incomplete");
        status = receive(exchange);
        if (status < 0)
            return status;
    }
}

static int attempt(struct exchange *exchange)
{
    struct http_client *client = exchange->client;
    int status = open_connection(exchange);
    if (status == 0)
        status = send_request(exchange);
    /* A server may answer, and close, before it has taken the whole request. */
    if (status == 0 || (status == -EPIPE && !client->used)) {
        struct err why = *exchange->err;
        int received = receive_head(exchange);
        if (status < 0 && received < 0)
            *exchange->err = why;
        status = received;
    }
    if (status == 0)
        status = receive_body(exchange);
    const struct http1_head *head = &exchange->reply->head.head;
    bool framed = head->chunked || head->has_length || !has_body(exchange);
    if (status < 0 || !head->keep_alive || !framed || exchange->ended || exchange->input.size > 0)
        disconnect(client);
    else
        client->used = true;
    return status;
}

static int prepare(struct exchange *exchange)
{
    const struct http_call *call = exchange->call;
    struct url *url = &exchange->url;
    struct text target = text_init(exchange->target, sizeof(exchange->target));
    if (url_parse(span_of(call->url, strlen(call->url)), url) < 0)
        return err_set(exchange->err, ERR_USAGE, 0, "\"%s\" is not a URL of http or https",
                       call->url);
    if (url->secure && !exchange->client->config.tls)
        return err_set(exchange->err, ERR_USAGE, 0, "%s needs TLS", call->url);
    if (url->target.size == 0 || url->target.data[0] != '/')
        text_add(&target, "/");
    text_add_span(&target, url->target);
    return target.overflow
               ? err_set(exchange->err, ERR_USAGE, 0, "the path of %s is too long", call->url)
               : 0;
}

int http_client_call(struct http_client *client, const struct http_call *call,
                     struct http_reply *reply, struct err *err)
{
    struct err failure = {0};
    struct exchange exchange = {
        .client = client,
        .call = call,
        .reply = reply,
        .err = &failure,
        .deadline = now_ms() + (int64_t)client->config.seconds * 1000,
        .input.limit = HTTP1_HEAD_MAX + 2 * READ_SIZE,
        .body.limit = client->config.body_max,
        .budget.max = SIZE_MAX,
    };
    *reply = (struct http_reply){0};
    int status = prepare(&exchange);
    if (status == 0) {
        bool again = client->used && strcmp(call->method, "POST") != 0;
        status = attempt(&exchange);
        if (status == -EPIPE && again && !exchange.heard) {
            failure = (struct err){0};
            exchange.ended = false;
            status = attempt(&exchange);
        }
    }
    buffer_fini(&exchange.input, &exchange.budget);
    reply->memory[1] = exchange.body.data;
    reply->body = span_of(exchange.body.data, exchange.body.size);
    if (status < 0) {
        http_reply_free(reply);
        if (err)
            *err = failure;
    }
    return status;
}
