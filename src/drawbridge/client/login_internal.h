/* SPDX-License-Identifier: Apache-2.0 */
/* What the flows of login.h share. Internal to src/drawbridge/client. */
#pragma once

#include "base/text.h"
#include "drawbridge/client/login.h"
#include "drawbridge/oidc.h"

#define LOGIN_SCOPES                                                                               \
    "openid profile manage:drawbridge_repositories manage:drawbridge_tags "                        \
    "manage:drawbridge_users"

enum { LOGIN_FORM_MAX = 8192 };

/* Of the provider; empty if it does not have one. */
struct login_endpoints {
    char token[OIDC_URL_MAX], device[OIDC_URL_MAX], authorization[OIDC_URL_MAX],
        revocation[OIDC_URL_MAX];
};

struct login {
    const struct login_config *config;
    struct login_endpoints endpoints;
    bool has_refresh_tokens; /* the provider */
    struct err *err;
};

/* Asks the provider for its endpoints. */
__attribute__((warn_unused_result)) int login_discover(struct login *login);

/* Adds name=value to a form. */
void login_add(struct text *form, const char *name, const char *value);

/* Adds the scopes that a login asks for, and what goes with them. */
void login_add_scopes(const struct login *login, struct text *form);
/* Adds which client asks, with its secret where it has one. */
void login_add_client(const struct login *login, struct text *form);

/* Posts a form; the answer may be of any kind. */
__attribute__((warn_unused_result)) int login_send(const struct login *login, const char *url,
                                                   const struct text *form,
                                                   struct http_reply *reply);
/* Posts a form; *value is the answer, a JSON object whatever its status, in the reply. */
__attribute__((warn_unused_result)) int login_post(const struct login *login, const char *url,
                                                   const struct text *form,
                                                   struct http_reply *reply, struct span *value);
/* Overwrites and frees an answer that may have a token. */
void login_wipe(struct http_reply *reply);

/* An error that says what the provider said in its answer. */
__attribute__((warn_unused_result)) int login_refused(const struct login *login, const char *what,
                                                      struct span value);

/* Takes the access token, and a refresh token where there is one, out of an answer of the token
 * endpoint; an error says what the provider said, and leaves *tokens. */
__attribute__((warn_unused_result)) int login_take_token(const struct login *login,
                                                         const struct http_reply *reply,
                                                         struct span value,
                                                         struct kept_tokens *tokens);

int64_t login_now(void); /* monotonic seconds */

__attribute__((warn_unused_result)) int login_by_device(const struct login *login,
                                                        struct kept_tokens *tokens);
__attribute__((warn_unused_result)) int login_by_code(const struct login *login,
                                                      struct kept_tokens *tokens);
