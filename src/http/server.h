/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server: one thread, epoll, optionally TLS. Host side.
 *
 * Bounded in connections (in all and for each client), sizes, memory and time: whoever does not
 * finish a request, or does not take an answer, within the time given loses the connection. Bodies
 * are complete before they are answered, or are handed on piece by piece to a sink; answers are in
 * memory, or are taken piece by piece from a source. When the memory is used up, the slowest of
 * those who hold it lose it: a request is answered with 503 and Retry-After, an answer is cut off.
 */
#pragma once

#include "codec/http1.h"
#include "crypto/tls.h"
#include "http/peer.h"

enum { HTTP_ANSWER_HEADERS_MAX = 10, HTTP_PIECE_MAX = 64 * 1024 };

/* One request; borrowed for the time of the call. */
struct http_exchange {
    const struct http1_request *request;
    struct span body;
    struct http_peer peer;
    struct span certificate; /* of the client, DER, verified; empty if there is none */
};

/* Where an answer's bytes come from when they are not in memory. */
struct http_source {
    /* Reads at most `size` bytes at an offset, at least one; a negative errno cuts the answer off.
     * May be called again for the same bytes. NULL: there is no source. */
    ssize_t (*read)(void *state, uint64_t offset, uint8_t *buffer, size_t size);
    void *state;
    uint64_t offset, length; /* what is sent: so many bytes from there */
};

struct http_answer {
    unsigned status;
    const char *content_type; /* NULL: no body */
    struct span body;
    struct http_source source; /* instead of `body` */
    /* Further headers; the first without a name ends them. Not Content-Length, Connection. */
    struct http1_field headers[HTTP_ANSWER_HEADERS_MAX];
    /* NULL, or called when `body`, `source` and `headers`, which are borrowed, are not needed any
     * more. */
    void (*release)(void *context, struct http_answer *answer);
    void *memory; /* for release */
};

/* Answers a request; must fill *answer, which has status 500 and no body before. */
typedef void (*http_answer_fn)(void *context, const struct http_exchange *exchange,
                               struct http_answer *answer);

/* A request whose answer another thread gives. */
struct http_later;

/* Where the body of a request goes piece by piece. Exactly one of `finish`, `finish_later` and
 * `drop` is called. */
struct http_sink {
    /* A negative errno if no more is wanted: then `finish` is next and the connection ends. */
    int (*take)(void *state, struct span piece);
    /* The body is complete, or not wanted: fills *answer as http_answer_fn does. */
    void (*finish)(void *state, struct http_answer *answer);
    /* The connection ended before that. */
    void (*drop)(void *state);
    void *state;
    /* NULL, or asked before `finish`: true if there will be a call of http_later_answer instead.
     * The connection waits for it, whatever its client does and however long it takes. */
    bool (*finish_later)(void *state, struct http_later *later);
};

/* Answers such a request: from any thread, once. The answer is copied; its `release` is called by
 * the thread that serves. All have to be answered before http_server_free. */
void http_later_answer(struct http_later *later, const struct http_answer *answer);

/* Asked when the head of a request with a body is there, and nothing of the body was looked at:
 * fills *sink and returns true if the body shall go there; or returns false: then it is collected
 * and the request answered like others; or, if *answer has another status than 0, that is the
 * answer, nothing of the body is taken and the connection ends. */
typedef bool (*http_begin_fn)(void *context, const struct http_exchange *exchange,
                              struct http_sink *sink, struct http_answer *answer);

struct http_server_config {
    int listener;                   /* a listening socket; borrowed */
    struct crypto_tls_context *tls; /* NULL: no TLS; borrowed */
    size_t body_max;                /* bytes */
    size_t memory_max;              /* bytes: what all connections together may buffer, beyond a
                                       few KiB for each */
    unsigned connections_max, client_connections_max; /* in all; of a client (http/peer.h) */
    unsigned seconds; /* for a request from its first byte on, for the start of one, and idle */
    unsigned rate;    /* bytes in a second: an answer must be taken, and a body that goes to a sink
                         arrive, within `seconds` and the time that its size takes at this rate */
    http_answer_fn answer;
    http_begin_fn begin; /* NULL: all bodies are collected */
    void *context;
};

struct http_server_stats {
    unsigned connections; /* now */
    size_t memory;        /* bytes buffered now */
    uint64_t refused;     /* connections closed at once: there were too many */
    uint64_t late;        /* connections closed because their time was over, not idle ones */
    uint64_t overloaded;  /* requests answered with 503 */
};

struct http_server;

/* NULL without memory or descriptors. */
struct http_server *http_server_new(const struct http_server_config *config);
void http_server_free(struct http_server *server);

/* Serves for at most so many milliseconds, or until something happened. 0 or -errno of epoll. */
int http_server_step(struct http_server *server, int milliseconds);
/* Listens no more and closes connections that are idle; others after their answer. */
void http_server_drain(struct http_server *server);
/* Another certificate for connections that come from now on. */
void http_server_set_tls(struct http_server *server, struct crypto_tls_context *tls);
/* Another number of connections of a client, for those that come from now on. */
void http_server_set_client_connections(struct http_server *server, unsigned max);
/* Readable when http_server_step has something to do; for poll. */
int http_server_descriptor(const struct http_server *server);
struct http_server_stats http_server_stats(const struct http_server *server);
