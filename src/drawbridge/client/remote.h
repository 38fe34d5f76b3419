/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Drawbridge, as a client sees it (docs/drawbridge-api.md). Host side; blocks.
 *
 *     struct remote_config config = {.host = span, .agent = "enarx/1.0"};
 *     status = remote_open(&config, &remote, err);
 *     struct remote_call call = {.method = "GET", .path = "alice/hello"};
 *     status = remote_call(remote, &call, &reply, err);
 *     …                                                         reply.body
 *     http_reply_free(&reply);
 *     remote_close(remote);
 *
 * Only https; nothing is sent elsewhere, whatever an answer says. A remote belongs to one thread;
 * the program has to ignore SIGPIPE.
 */
#pragma once

#include "drawbridge/client/slug.h"
#include "drawbridge/tree.h"
#include "http/client.h"

enum { REMOTE_BODY_MAX = 2 << 20, REMOTE_SECONDS = 60, REMOTE_PATH_MAX = 6144 };

struct remote_config {
    struct span host;      /* with its port */
    const char *ca_bundle; /* a file of PEM roots; NULL: the system's */
    const char *token;     /* NULL: anonymous */
    const char *agent;     /* User-Agent */
};

struct remote;

__attribute__((warn_unused_result)) int remote_open(const struct remote_config *config,
                                                    struct remote **remote, struct err *err);
void remote_close(struct remote *remote);

/* Makes a client that believes a bundle of roots, or the system's; for remote_open, and for the
 * OpenID provider. The context is the caller's to free, behind the client. */
__attribute__((warn_unused_result)) int remote_client_new(const char *ca_bundle,
                                                          struct crypto_tls_context **tls,
                                                          struct http_client **client,
                                                          struct err *err);

struct remote_call {
    const char *method, *path;     /* the path is below the base of the interface */
    const char *type;              /* Content-Type; NULL: none */
    const struct digests *digests; /* Content-Digest; NULL: none */
    struct http1_field more;       /* another header; name NULL: none */
    struct span body;              /* as in http_call */
    int (*take)(void *context, struct span piece, struct err *err);
    void *context;
};

/* As http_client_call, but answers with another status than 2xx are errors: -EKEYREJECTED for
 * 401, -ENOENT for 404, -EEXIST for 409, -EREMOTEIO for others. The sentence has what the server
 * said, without what could harm a terminal. */
__attribute__((warn_unused_result)) int remote_call(struct remote *remote,
                                                    const struct remote_call *call,
                                                    struct http_reply *reply, struct err *err);

/* The same for answers that are JSON: *value is the whole, checked, in the reply. */
__attribute__((warn_unused_result)) int remote_get_json(struct remote *remote, const char *path,
                                                        struct http_reply *reply,
                                                        struct span *value, struct err *err);

/* The characters of a text that can be shown on a terminal and in one line; others become "?". */
void remote_printable(struct span bytes, struct text *text);
