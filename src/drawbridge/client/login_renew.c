// SPDX-License-Identifier: Apache-2.0
/* Tokens of an earlier login: renewed, RFC 6749 section 6. */
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
