/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the server share: connections and their bytes (server.c), requests and
 * their answers (server_request.c). */
#pragma once

#include "http/buffer.h"
#include "http/server.h"

#include <pthread.h>

enum { SERVER_READ_SIZE = 16 * 1024 };

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

/* server.c */

int64_t server_now_ms(void);
/* Gives a connection the time for a request, and for so many bytes of an answer. */
void server_set_deadline(const struct http_server *server, struct connection *connection,
                         uint64_t answer);
void server_release(const struct http_server *server, struct http_answer *answer);
void server_drop_sink(struct connection *connection);
void server_trim(struct http_server *server, struct connection *connection);
/* Appends to a buffer of a connection. If memory is short, whoever is slowest has to give up his;
 * -ENOBUFS if that is this connection. */
int server_hold(struct http_server *server, struct connection *connection, struct buffer *buffer,
                struct span bytes);

/* server_request.c */

/* Answers what cannot be answered well, and ends the connection. */
void server_put_error(struct http_server *server, struct connection *connection, unsigned status);
/* Answers one request of the input if it is complete; whether it was, or failed. */
bool server_answer_one(struct http_server *server, struct connection *connection);
/* Hands on what is in the input: whether the request was answered, or failed. */
bool server_pass_on(struct http_server *server, struct connection *connection);
/* Answers the request whose body went to a sink. */
void server_answer_sink(struct http_server *server, struct connection *connection,
                        struct http_answer *answer, bool keep);
