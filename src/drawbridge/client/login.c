// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"
#include "codec/url.h"
#include "drawbridge/client/login_internal.h"
#include "drawbridge/client/remote.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { SAID_MAX = 300 };

int64_t login_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

void login_add(struct text *form, const char *name, const char *value)
{
    text_add(form, form->size > 0 ? "&" : "");
    text_add(form, name);
    text_add(form, "=");
    url_encode(form, span_of(value, strlen(value)));
}

void login_add_scopes(const struct login *login, struct text *form)
{
    if (!login->config->renewable || !login->has_refresh_tokens) {
        login_add(form, "scope", LOGIN_SCOPES);
        return;
    }
    login_add(form, "scope", LOGIN_SCOPES " offline_access");
    login_add(form, "prompt", "consent"); /* without it the scope is ignored: OpenID Core 11 */
}

void login_add_client(const struct login *login, struct text *form)
{
    login_add(form, "client_id", login->config->client_id);
    if (login->config->client_secret)
        login_add(form, "client_secret", login->config->client_secret);
}

void login_wipe(struct http_reply *reply)
{
    if (reply->body.size > 0)
        explicit_bzero((void *)reply->body.data, reply->body.size);
    http_reply_free(reply);
}

int login_send(const struct login *login, const char *url, const struct text *form,
               struct http_reply *reply)
{
    const struct http1_field fields[] = {{"Accept", "application/json"},
                                         {"Content-Type", "application/x-www-form-urlencoded"}};
    struct http_call call = {
        .method = "POST", .url = url, .fields = fields, .field_count = 2, .body = text_span(form)};
    if (form->overflow)
        return err_set(login->err, ERR_USAGE, 0, "what the OpenID provider is asked is too long");
    return http_client_call(login->config->client, &call, reply, login->err);
}

int login_post(const struct login *login, const char *url, const struct text *form,
               struct http_reply *reply, struct span *value)
{
    int status = login_send(login, url, form, reply);
    if (status < 0)
        return status;
    if (json_parse(reply->body, value) == 0 && value->data[0] == '{')
        return 0;
    status = err_set(login->err, ERR_IO, 0, "%s answered with the status %u and no JSON", url,
                     reply->head.status);
    login_wipe(reply);
    return status;
}

int login_refused(const struct login *login, const char *what, struct span value)
{
    char buffer[SAID_MAX];
    struct text said = text_init(buffer, sizeof(buffer));
    struct span text;
    if (json_get_text(value, "error_description", &text) || json_get_text(value, "error", &text))
        remote_printable(text, &said);
    return err_set(login->err, ERR_IO, 0, "the OpenID provider %s: %s", what,
                   said.size > 0 ? buffer : "it does not say why");
}

/* Puts a copy of a text in the place of another. */
static bool replace(char **place, struct span text)
{
    char *copy = strndup((const char *)text.data, text.size);
    if (!copy)
        return false;
    credentials_forget_text(*place);
    *place = copy;
    return true;
}

int login_take_token(const struct login *login, const struct http_reply *reply, struct span value,
                     struct kept_tokens *tokens)
{
    struct span access, refresh;
    if (reply->head.status != 200 || !json_get_text(value, "access_token", &access) ||
        access.size == 0)
        return login_refused(login, "gives no token", value);
    bool another = json_get_text(value, "refresh_token", &refresh) && refresh.size > 0;
    if (access.size > TOKEN_MAX || (another && refresh.size > TOKEN_MAX))
        return err_set(login->err, ERR_IO, 0, "the OpenID provider gives a token that is too long");
    return replace(&tokens->access, access) && (!another || replace(&tokens->refresh, refresh))
               ? 0
               : err_set(login->err, ERR_IO, ENOMEM, "cannot hold the token");
}

/* ---- discovery ------------------------------------------------------------------------------- */

/* https, or http where nobody is in between. */
static bool is_protected(const char *text)
{
    struct url url;
    return url_parse(span_of(text, strlen(text)), &url) == 0 &&
           (url.secure || span_equal(url.host, SPAN_LITERAL("127.0.0.1")) ||
            span_equal(url.host, SPAN_LITERAL("::1")) ||
            span_equal(url.host, SPAN_LITERAL("localhost")));
}

/* An endpoint of the document; empty if there is none. */
static int take_endpoint(const struct login *login, struct span document, const char *name,
                         char out[OIDC_URL_MAX])
{
    struct span text, value;
    out[0] = '\0';
    if (!json_get(document, name, &value))
        return 0;
    if (!json_string_decode(value, (uint8_t *)out, OIDC_URL_MAX - 1, &text))
        return err_set(login->err, ERR_IO, 0, "the provider's %s is malformed", name);
    out[text.size] = '\0';
    return strlen(out) == text.size && is_protected(out)
               ? 0
               : err_set(login->err, ERR_IO, 0, "the provider's %s is not protected by https",
                         name);
}

static bool has_offline_access(struct span document)
{
    struct span scopes, text;
    struct json_member member;
    if (!json_get(document, "scopes_supported", &scopes))
        return false;
    for (struct json_cursor cursor = json_elements(scopes); json_next(&cursor, &member);) {
        if (json_text(member.value, &text) && span_equal(text, SPAN_LITERAL("offline_access")))
            return true;
    }
    return false;
}

static int take_endpoints(struct login *login, struct span document)
{
    struct login_endpoints *endpoints = &login->endpoints;
    const char *issuer = login->config->issuer;
    struct span text;
    if (!json_get_text(document, "issuer", &text) ||
        !oidc_same_issuer(text, span_of(issuer, strlen(issuer))))
        return err_set(login->err, ERR_IO, 0, "%s is the provider of another issuer", issuer);
    int status = take_endpoint(login, document, "token_endpoint", endpoints->token);
    if (status == 0)
        status = take_endpoint(login, document, "authorization_endpoint", endpoints->authorization);
    if (status == 0)
        status = take_endpoint(login, document, "device_authorization_endpoint", endpoints->device);
    if (status == 0)
        status = take_endpoint(login, document, "revocation_endpoint", endpoints->revocation);
    login->has_refresh_tokens = has_offline_access(document);
    return status;
}

int login_discover(struct login *login)
{
    const char *issuer = login->config->issuer;
    char url[OIDC_URL_MAX + 64];
    struct text text = text_init(url, sizeof(url));
    struct http_reply reply;
    struct span document;
    size_t size = strlen(issuer);
    if (!is_protected(issuer)) {
        err_set(login->err, ERR_USAGE, 0, "the OpenID provider \"%.200s\" is not protected",
                issuer);
        err_hint(login->err, "Use a URL of https; http is for this machine only.");
        return -EINVAL;
    }
    text_printf(&text, "%s%s.well-known/openid-configuration", issuer,
                issuer[size - 1] == '/' ? "" : "/");
    if (text.overflow)
        return err_set(login->err, ERR_USAGE, 0, "the URL of the OpenID provider is too long");
    struct http_call call = {.method = "GET", .url = url};
    int status = http_client_call(login->config->client, &call, &reply, login->err);
    if (status < 0)
        return status;
    if (reply.head.status != 200 || json_parse(reply.body, &document) < 0)
        status = err_set(login->err, ERR_IO, 0, "%s answered with the status %u and no document",
                         url, reply.head.status);
    else
        status = take_endpoints(login, document);
    http_reply_free(&reply);
    return status;
}

int login_run(const struct login_config *config, enum login_flow flow, struct kept_tokens *tokens,
              struct err *err)
{
    struct login login = {.config = config, .err = err};
    *tokens = (struct kept_tokens){0};
    int status = login_discover(&login);
    if (status < 0)
        return status;
    if (!login.endpoints.token[0] ||
        !(flow == LOGIN_DEVICE ? login.endpoints.device : login.endpoints.authorization)[0])
        return err_set(err, ERR_CONFIG, 0, "the OpenID provider does not offer this flow");
    status = flow == LOGIN_DEVICE ? login_by_device(&login, tokens) : login_by_code(&login, tokens);
    tokens->issuer = status == 0 ? strdup(config->issuer) : NULL;
    tokens->client_id = status == 0 ? strdup(config->client_id) : NULL;
    if (status == 0 && (!tokens->issuer || !tokens->client_id))
        status = err_set(err, ERR_IO, ENOMEM, "cannot hold the token");
    if (status < 0)
        credentials_forget(tokens);
    return status;
}
