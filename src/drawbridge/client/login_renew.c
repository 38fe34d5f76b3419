// SPDX-License-Identifier: Apache-2.0
/* Tokens of an earlier login: renewed, RFC 6749 section 6, and revoked, RFC 7009. */
#include "codec/json.h"
#include "drawbridge/client/login_internal.h"

#include <errno.h>
#include <string.h>

int login_renew(const struct login_config *config, struct kept_tokens *tokens, struct err *err)
{
    struct login login = {.config = config, .err = err};
    char buffer[2 * TOKEN_MAX];
    struct text form = text_init(buffer, sizeof(buffer));
    struct http_reply reply;
    struct span value, error;
    int status = login_discover(&login);
    if (status == 0 && !login.endpoints.token[0])
        status = err_set(err, ERR_CONFIG, 0, "the OpenID provider does not renew tokens");
    if (status < 0)
        return status;
    login_add(&form, "grant_type", "refresh_token");
    login_add(&form, "refresh_token", tokens->refresh);
    login_add_client(&login, &form);
    status = login_post(&login, login.endpoints.token, &form, &reply, &value);
    explicit_bzero(buffer, sizeof(buffer));
    if (status < 0)
        return status;
    status = login_take_token(&login, &reply, value, tokens);
    if (status < 0 && json_get_text(value, "error", &error) &&
        span_equal(error, SPAN_LITERAL("invalid_grant")))
        status = -EKEYREJECTED;
    login_wipe(&reply);
    return status;
}

static int revoke_token(const struct login *login, const char *token, const char *kind)
{
    char buffer[2 * TOKEN_MAX];
    struct text form = text_init(buffer, sizeof(buffer));
    struct http_reply reply;
    struct span value = {0}, error;
    if (!token)
        return 0;
    login_add(&form, "token", token);
    login_add(&form, "token_type_hint", kind);
    login_add_client(login, &form);
    int status = login_send(login, login->endpoints.revocation, &form, &reply);
    explicit_bzero(buffer, sizeof(buffer));
    if (status < 0)
        return status;
    bool answered = reply.head.status != 200 && json_parse(reply.body, &value) == 0;
    /* Tokens that nobody can revoke, as many that are JWTs, end when they expire. */
    bool irrevocable = answered && json_get_text(value, "error", &error) &&
                       span_equal(error, SPAN_LITERAL("unsupported_token_type"));
    if (reply.head.status != 200 && !irrevocable)
        status = login_refused(login, "does not revoke the token", value);
    login_wipe(&reply);
    return status;
}

int login_revoke(const struct login_config *config, const struct kept_tokens *tokens,
                 struct err *err)
{
    struct login login = {.config = config, .err = err};
    int status = login_discover(&login);
    if (status < 0 || !login.endpoints.revocation[0])
        return status;
    status = revoke_token(&login, tokens->refresh, "refresh_token");
    return status == 0 ? revoke_token(&login, tokens->access, "access_token") : status;
}
