/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of an OpenID provider, with the help of a person and a browser. Host side; blocks.
 *
 *     struct login_config config = {.client = client, .issuer = "https://login.example.com",
 *                                   .client_id = "enarx", .audience = "https://store.example.com/",
 *                                   .out = stdout};
 *     status = login_run(&config, LOGIN_DEVICE, &tokens, err);
 *     …
 *     credentials_forget(&tokens);
 *
 * LOGIN_DEVICE is the device flow (RFC 8628): the browser may be on another machine. LOGIN_CODE is
 * the authorization code flow with PKCE (RFC 6749, 7636, 8252): the browser comes back to a port of
 * 127.0.0.1. Later login_renew and login_revoke need no person. Provider and endpoints have to be
 * https, or http on this machine.
 */
#pragma once

#include "base/err.h"
#include "drawbridge/client/credentials.h"
#include "http/client.h"

#include <stdio.h>

enum login_flow { LOGIN_DEVICE, LOGIN_CODE };

enum { LOGIN_SECONDS = 600 }; /* that a person has, at most */

struct login_config {
    struct http_client *client;
    const char *issuer, *client_id;
    const char *client_secret; /* NULL: a public client */
    const char *audience;      /* what the token is for; login_run only */
    FILE *out;                 /* where the person is told what to do; login_run only */
    bool renewable;            /* asks for a refresh token, if the provider has them */
};

/* On success *tokens are the caller's, for credentials_forget. */
__attribute__((warn_unused_result)) int login_run(const struct login_config *config,
                                                  enum login_flow flow, struct kept_tokens *tokens,
                                                  struct err *err);

/* Exchanges the refresh token for another access token, and another refresh token where the
 * provider gives one (RFC 6749 section 6). Both are replaced in *tokens only on success.
 * -EKEYREJECTED if the provider refuses this refresh token for good. */
__attribute__((warn_unused_result)) int login_renew(const struct login_config *config,
                                                    struct kept_tokens *tokens, struct err *err);

/* Tells the provider that nobody uses the tokens any more, the refresh token first (RFC 7009). 0
 * also for a provider that cannot revoke, or not tokens of this type. */
__attribute__((warn_unused_result)) int
login_revoke(const struct login_config *config, const struct kept_tokens *tokens, struct err *err);
