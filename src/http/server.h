/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server: one thread, epoll, optionally TLS. Host side.
 *
 * Bounded in connections, sizes and time: whoever does not finish a request, or does not take an
 * answer, within the time given loses the connection. Bodies are complete before they are answered.
 */
#pragma once

#include "codec/http1.h"
#include "crypto/tls.h"

struct http_answer {
    unsigned status;
    const char *content_type; /* NULL: no body */
    struct span body;         /* borrowed until `release` is called */
    void (*release)(void *context, struct http_answer *answer);
    void *memory; /* for release */
};

/* Answers a request; must fill *answer. */
typedef void (*http_answer_fn)(void *context, const struct http1_request *request, struct span body,
                               struct http_answer *answer);

struct http_server_config {
    int listener;                   /* a listening socket; borrowed */
    struct crypto_tls_context *tls; /* NULL: no TLS; borrowed */
    size_t body_max;
    unsigned connections_max, seconds; /* seconds: for a request, an answer, and idle */
    http_answer_fn answer;
    void *context;
};

struct http_server;

/* NULL without memory or descriptors. */
struct http_server *http_server_new(const struct http_server_config *config);
void http_server_free(struct http_server *server);

/* Serves for at most so many milliseconds, or until something happened. 0 or -errno of epoll. */
int http_server_step(struct http_server *server, int milliseconds);
/* Accepts no more connections and closes those that are idle; others after their answer. */
void http_server_drain(struct http_server *server);
/* Another certificate for connections that come from now on. */
void http_server_set_tls(struct http_server *server, struct crypto_tls_context *tls);
/* Readable when http_server_step has something to do; for poll. */
int http_server_descriptor(const struct http_server *server);
unsigned http_server_connections(const struct http_server *server);
