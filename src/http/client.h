/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of HTTP/1.1, over TLS where the URL says https. Both sides of the trust boundary;
 * blocks, up to a deadline.
 *
 *     struct crypto_tls_config trust = {.system_trust = true};
 *     struct http_client_config config = {.seconds = 30, .body_max = 1 << 20};
 *     status = crypto_tls_context_new(CRYPTO_TLS_CLIENT, &trust, &config.tls);
 *     struct http_client *client = http_client_new(&config);
 *     struct http_call call = {.method = "GET", .url = "https://example.com/a"};
 *     struct http_reply reply;
 *     status = http_client_call(client, &call, &reply, err);
 *     if (status == 0 && reply.head.status == 200)
 *         …                                                       reply.body
 *     http_reply_free(&reply);
 *
 * A connection is kept and used again while calls go to the same host. Redirects are answers like
 * others: nobody is sent elsewhere unseen. Certificates are verified, with the host's name; there
 * is no way not to. A client belongs to one thread; the program has to ignore SIGPIPE.
 *
 * The deadline covers connecting, sending and receiving. Looking up a name is done by the system's
 * resolver, which has limits of its own.
 */
#pragma once

#include "base/err.h"
#include "codec/http1.h"
#include "crypto/tls.h"

struct http_client_config {
    struct crypto_tls_context *tls; /* for clients, borrowed; NULL: only http */
    /* NULL: addresses come from the system's resolver. Else makes a socket that is connected,
     * within a time of its own, or fills the error and returns a negative errno. */
    int (*connect)(void *context, const char *host, uint16_t port, struct err *err);
    void *connect_context;
    unsigned seconds; /* for one call */
    bool patient;     /* `seconds` count anew whenever bytes have moved */
    size_t body_max;  /* bytes of a body in memory; for `take` there is no limit */
};

/* A request. Everything is borrowed. */
struct http_call {
    const char *method, *url;
    const struct http1_field
        *fields; /* further headers, without Host, Content-Length, Connection */
    size_t field_count;
    struct span body; /* data NULL: none, not even an empty one */
    /* NULL, or takes the body of an answer with a status from 200 to 299 piece by piece, which then
     * is not in the reply. A negative errno ends the call with it; the error is filled by it. */
    int (*take)(void *context, struct span piece, struct err *err);
    void *context;
};

struct http_reply {
    struct http1_response head; /* into memory of the reply */
    struct span body;           /* likewise */
    void *memory[2];            /* internal */
};

struct http_client;

/* NULL without memory. */
struct http_client *http_client_new(const struct http_client_config *config);
void http_client_free(struct http_client *client);

/* Asks, and waits for the whole answer, whatever its status. On failure there is no reply to
 * release: class ERR_USAGE for a URL that cannot be used, else ERR_IO; -ETIMEDOUT at the deadline;
 * -EACCES if one of both does not believe the other's certificate. A kept connection that turns out
 * to be closed is opened anew, unless the method is POST. */
__attribute__((warn_unused_result)) int http_client_call(struct http_client *client,
                                                         const struct http_call *call,
                                                         struct http_reply *reply, struct err *err);
void http_reply_free(struct http_reply *reply);
