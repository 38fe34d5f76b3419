/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that talk to a Drawbridge have in common: the slug of their first operand, the
 * token, the connection.
 *
 *     struct store store;
 *     int status = store_open(invocation, SLUG_REPOSITORY, STORE_TOKEN_WANTED, &store, err);
 *     if (status == 0)
 *         status = store_get(&store, "/_tag", &reply, &value, err);
 *     status = store_finish(&store, status, "Failed to …", err);
 */
#pragma once

#include "cli/command.h"
#include "cli/progress.h"
#include "drawbridge/client/login.h"
#include "drawbridge/client/package.h"

enum store_token {
    STORE_TOKEN_NONE,   /* what everybody may know */
    STORE_TOKEN_USED,   /* the person's, if there is one */
    STORE_TOKEN_NEEDED, /* an error without one */
};

struct store {
    struct slug slug;
    struct credentials credentials;
    char *token; /* NULL: anonymous */
    struct remote *remote;
    struct progress progress;
    struct package_watch watch; /* shows progress */
    bool json;
};

/* Takes apart the slug in the first operand and connects. */
__attribute__((warn_unused_result)) int store_open(const struct invocation *invocation,
                                                   enum slug_kind kind, enum store_token need,
                                                   struct store *store, struct err *err);
/* The same without a slug: only a host, of the option --store-host. */
__attribute__((warn_unused_result)) int store_open_host(const struct invocation *invocation,
                                                        enum store_token need, struct store *store,
                                                        struct err *err);
/* Only fills in slug, host and where the token is kept; nothing is connected. */
__attribute__((warn_unused_result)) int store_locate(const struct invocation *invocation,
                                                     enum slug_kind kind, struct store *store,
                                                     struct err *err);
__attribute__((warn_unused_result)) int store_locate_host(const struct invocation *invocation,
                                                          struct store *store, struct err *err);
/* The same for a slug that is no operand. */
__attribute__((warn_unused_result)) int store_locate_name(const struct invocation *invocation,
                                                          const char *name, enum slug_kind kind,
                                                          struct store *store, struct err *err);
/* Finds the token, renews it where login keeps what that needs, and connects; after store_locate.
 */
__attribute__((warn_unused_result)) int store_connect(const struct invocation *invocation,
                                                      enum store_token need, struct store *store,
                                                      struct err *err);
/* Ends it. A failure gets `context`, where given, and the hint that fits. Returns `status`. */
__attribute__((warn_unused_result)) int store_finish(struct store *store, int status,
                                                     const char *context, struct err *err);

/* A request about what the slug names, with `suffix` behind its path. Answers below 2xx are
 * errors; on success the reply is the caller's. `body` is JSON, or NULL for none. */
__attribute__((warn_unused_result)) int store_send(struct store *store, const char *method,
                                                   const char *suffix, const char *body,
                                                   struct http_reply *reply, struct err *err);
/* The same where nothing of the answer matters. */
__attribute__((warn_unused_result)) int store_change(struct store *store, const char *method,
                                                     const char *suffix, const char *body,
                                                     struct err *err);
/* Gets JSON, checked. */
__attribute__((warn_unused_result)) int store_get(struct store *store, const char *suffix,
                                                  struct http_reply *reply, struct span *value,
                                                  struct err *err);

/* Fills in how the OpenID provider is talked to: client and secret; *tls is the caller's, as the
 * client is. */
__attribute__((warn_unused_result)) int store_open_provider(const struct invocation *invocation,
                                                            struct login_config *config,
                                                            struct crypto_tls_context **tls,
                                                            struct err *err);
void store_close_provider(struct login_config *config, struct crypto_tls_context *tls);

/* The claim "sub" of a token that is a JSON Web Token. Nothing is verified. */
__attribute__((warn_unused_result)) int store_token_subject(const char *token, char *subject,
                                                            size_t size, struct err *err);

/* Prints text of a server on one line, without what could harm a terminal. */
void store_print_text(const char *label, struct span text);
