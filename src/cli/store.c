// SPDX-License-Identifier: Apache-2.0
#include "cli/store.h"

#include "base/cleanup.h"
#include "base/date.h"
#include "codec/json.h"
#include "codec/url.h"
#include "jose/jws.h"
#include "version.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RENEWAL_SLACK_SECONDS = 60 };

/* ---- the host -------------------------------------------------------------------------------- */

/* The host of the provider with its port, as it is written in its URL. */
static int provider_host(const char *text, struct span *host, struct err *err)
{
    struct url url;
    if (url_parse(span_of(text, strlen(text)), &url) < 0)
        return err_set(err, ERR_USAGE, 0, "--oidc-domain is not a URL: \"%.200s\"", text);
    const char *begin = strstr(text, "//") + 2;
    *host = span_of(begin, strcspn(begin, "/?"));
    return 0;
}

static int locate(const struct invocation *invocation, struct store *store, struct err *err)
{
    const char *host = invocation_value(invocation, "store-host");
    const char *provider = invocation_value(invocation, "oidc-domain");
    if (store->slug.host.size == 0 && host)
        store->slug.host = span_of(host, strlen(host));
    if (store->slug.host.size == 0) {
        err_set(err, ERR_USAGE, 0, "no host of a Drawbridge is given");
        err_hint(err, "Write HOST/ in front of the user, or use --store-host or ENARX_STORE_HOST.");
        return -EINVAL;
    }
    if (!slug_is_host(store->slug.host))
        return err_set(err, ERR_USAGE, 0, "\"%.*s\" is not a host", (int)store->slug.host.size,
                       (const char *)store->slug.host.data);
    store->json = invocation_flag(invocation, "json");
    store->watch = progress_watch(&store->progress);
    store->credentials.store = store->slug.host;
    store->credentials.helper = invocation_value(invocation, "credential-helper");
    signal(SIGPIPE, SIG_IGN); /* a peer that is gone is an error of its connection */
    return provider ? provider_host(provider, &store->credentials.provider, err) : 0;
}

int store_locate_name(const struct invocation *invocation, const char *name, enum slug_kind kind,
                      struct store *store, struct err *err)
{
    *store = (struct store){0};
    int status = slug_parse(name, kind, &store->slug, err);
    return status == 0 ? locate(invocation, store, err) : status;
}

int store_locate(const struct invocation *invocation, enum slug_kind kind, struct store *store,
                 struct err *err)
{
    return store_locate_name(invocation, invocation->operands[0], kind, store, err);
}

int store_locate_host(const struct invocation *invocation, struct store *store, struct err *err)
{
    *store = (struct store){0};
    return locate(invocation, store, err);
}

/* ---- what a token says ----------------------------------------------------------------------- */

/* The payload of a token that is a JWT: into *parsed, which is the caller's. */
static int decode_token(const char *token, struct jws_token **parsed, struct span *claims)
{
    *parsed = malloc(sizeof(**parsed));
    if (!*parsed)
        return -ENOMEM;
    int status = jws_parse(span_of(token, strlen(token)), *parsed);
    return status == 0 ? json_parse((*parsed)->payload, claims) : status;
}

/* When a token expires; false for one that does not say it. */
static bool find_expiry(const char *token, int64_t *expires)
{
    autofree struct jws_token *parsed = NULL;
    struct span claims;
    uint64_t seconds;
    if (decode_token(token, &parsed, &claims) < 0 ||
        !json_get_uint(claims, "exp", INT64_MAX, &seconds))
        return false;
    *expires = (int64_t)seconds;
    return true;
}

/* ---- tokens of a login ----------------------------------------------------------------------- */

int store_open_provider(const struct invocation *invocation, struct login_config *config,
                        struct crypto_tls_context **tls, struct err *err)
{
    const char *secret = getenv("ENARX_OIDC_CLIENT_SECRET");
    config->client_secret = secret && *secret ? secret : NULL;
    return remote_client_new(invocation_value(invocation, "ca-bundle"), tls, &config->client, err);
}

void store_close_provider(struct login_config *config, struct crypto_tls_context *tls)
{
    http_client_free(config->client);
    crypto_tls_context_free(tls);
}

static bool has_to_be_renewed(const struct kept_tokens *tokens)
{
    int64_t expires;
    return tokens->access && tokens->refresh && tokens->issuer && tokens->client_id &&
           find_expiry(tokens->access, &expires) && expires <= time(NULL) + RENEWAL_SLACK_SECONDS;
}

static int renew(const struct invocation *invocation, struct kept_tokens *tokens, struct err *err)
{
    struct login_config config = {.issuer = tokens->issuer, .client_id = tokens->client_id};
    struct crypto_tls_context *tls = NULL;
    int status = store_open_provider(invocation, &config, &tls, err);
    if (status == 0)
        status = login_renew(&config, tokens, err);
    store_close_provider(&config, tls);
    return status;
}

/* Another command may have renewed the token in the meantime: refresh tokens are good for once. */
static int renew_kept(const struct invocation *invocation, const struct store *store,
                      struct kept_tokens *tokens, struct err *err)
{
    struct err reason = {0};
    autoclose int lock = -1;
    credentials_forget(tokens);
    int status = credentials_lock(&store->credentials, &lock, err);
    if (status == 0)
        status = credentials_load(&store->credentials, tokens, err);
    if (status < 0 || !has_to_be_renewed(tokens))
        return status;
    status = renew(invocation, tokens, &reason);
    if (status == 0)
        return credentials_save(&store->credentials, tokens, err);
    if (status != -EKEYREJECTED) {
        fprintf(stderr, "Warning: the token is not renewed: %s\n", reason.message);
        return 0;
    }
    credentials_forget_text(tokens->refresh); /* of no use any more */
    tokens->refresh = NULL;
    return credentials_save(&store->credentials, tokens, err);
}

static int load_token(const struct invocation *invocation, struct store *store, struct err *err)
{
    struct kept_tokens tokens;
    int status = credentials_load(&store->credentials, &tokens, err);
    if (status == 0 && has_to_be_renewed(&tokens))
        status = renew_kept(invocation, store, &tokens, err);
    if (status == 0) {
        store->token = tokens.access;
        tokens.access = NULL;
    }
    credentials_forget(&tokens);
    return status;
}

/* ---- the token ------------------------------------------------------------------------------- */

static int copy_token(const char *text, struct store *store, struct err *err)
{
    store->token = strdup(text);
    return store->token ? 0 : err_set(err, ERR_IO, ENOMEM, "cannot hold the token");
}

/* What is said at the command line counts more than the environment, and that more than what is
 * kept. */
static int find_token(const struct invocation *invocation, struct store *store, struct err *err)
{
    const char *file = invocation_value(invocation, "token-file");
    const char *given = invocation_value(invocation, "insecure-auth-token");
    const char *from_environment = getenv("ENARX_TOKEN");
    if (file)
        return credentials_read(file, &store->token, err);
    if (given)
        return copy_token(given, store, err);
    if (from_environment && *from_environment)
        return copy_token(from_environment, store, err);
    if (store->credentials.helper && store->credentials.provider.size == 0) {
        err_set(err, ERR_USAGE, 0, "a credential helper needs the name of the OpenID provider");
        err_hint(err, "Use --oidc-domain or ENARX_OIDC_DOMAIN.");
        return -EINVAL;
    }
    return load_token(invocation, store, err);
}

int store_connect(const struct invocation *invocation, enum store_token need, struct store *store,
                  struct err *err)
{
    int status = need == STORE_TOKEN_NONE ? 0 : find_token(invocation, store, err);
    if (status < 0)
        return status;
    if (need == STORE_TOKEN_NEEDED && !store->token) {
        err_set(err, ERR_USAGE, 0, "there is no token for %.*s", (int)store->slug.host.size,
                (const char *)store->slug.host.data);
        err_hint(err, "Log in with `enarx user login`, or use --token-file or ENARX_TOKEN.");
        return -EINVAL;
    }
    struct remote_config config = {.host = store->slug.host,
                                   .ca_bundle = invocation_value(invocation, "ca-bundle"),
                                   .token = store->token,
                                   .agent = "enarx/" ENARX_VERSION};
    return remote_open(&config, &store->remote, err);
}

int store_open(const struct invocation *invocation, enum slug_kind kind, enum store_token need,
               struct store *store, struct err *err)
{
    int status = store_locate(invocation, kind, store, err);
    return status == 0 ? store_connect(invocation, need, store, err) : status;
}

int store_open_host(const struct invocation *invocation, enum store_token need, struct store *store,
                    struct err *err)
{
    int status = store_locate_host(invocation, store, err);
    return status == 0 ? store_connect(invocation, need, store, err) : status;
}

int store_token_subject(const char *token, char *subject, size_t size, struct err *err)
{
    autofree struct jws_token *parsed = NULL;
    struct span claims, value, text;
    bool found = decode_token(token, &parsed, &claims) == 0 && json_get(claims, "sub", &value) &&
                 json_string_decode(value, (uint8_t *)subject, size - 1, &text) && text.size > 0 &&
                 !memchr(text.data, 0, text.size);
    if (found) {
        subject[text.size] = '\0';
        return 0;
    }
    err_set(err, ERR_CONFIG, 0, "the token does not say whose it is");
    err_hint(err, "Access tokens for a Drawbridge are JSON Web Tokens with the claim \"sub\".");
    return -EINVAL;
}

/* A refusal has one of these reasons. */
static void hint_refused(const struct store *store, struct err *err)
{
    int64_t expires;
    char date[DATE_TEXT_SIZE];
    if (!store->token) {
        err_hint(err, "No token was sent. Log in with `enarx user login`.");
    } else if (find_expiry(store->token, &expires) && expires <= (int64_t)time(NULL)) {
        date_format(expires, date);
        err_hint(err, "The token expired at %s. Log in again with `enarx user login`.", date);
    }
}

int store_finish(struct store *store, int status, const char *context, struct err *err)
{
    progress_end(&store->progress);
    if (status == -EKEYREJECTED)
        hint_refused(store, err);
    else if (status == -EACCES)
        err_hint(err, "Nobody vouches for the server. Roots of your own are for --ca-bundle or "
                      "ENARX_CA_BUNDLE.");
    if (status < 0 && context && store->remote)
        err_context(err, "%s", context);
    remote_close(store->remote);
    credentials_forget_text(store->token);
    *store = (struct store){0};
    return status;
}

/* ---- requests -------------------------------------------------------------------------------- */

static int write_path(const struct store *store, const char *suffix, char path[REMOTE_PATH_MAX],
                      struct err *err)
{
    struct text text = text_init(path, REMOTE_PATH_MAX);
    slug_write_path(&store->slug, &text);
    text_add(&text, suffix);
    return text.overflow ? err_set(err, ERR_USAGE, 0, "the path is too long") : 0;
}

int store_send(struct store *store, const char *method, const char *suffix, const char *body,
               struct http_reply *reply, struct err *err)
{
    char path[REMOTE_PATH_MAX];
    struct remote_call call = {.method = method, .path = path};
    int status = write_path(store, suffix, path, err);
    if (body) {
        call.type = TYPE_JSON;
        call.body = span_of(body, strlen(body));
    }
    return status == 0 ? remote_call(store->remote, &call, reply, err) : status;
}

int store_change(struct store *store, const char *method, const char *suffix, const char *body,
                 struct err *err)
{
    struct http_reply reply;
    int status = store_send(store, method, suffix, body, &reply, err);
    if (status == 0)
        http_reply_free(&reply);
    return status;
}

int store_get(struct store *store, const char *suffix, struct http_reply *reply, struct span *value,
              struct err *err)
{
    char path[REMOTE_PATH_MAX];
    int status = write_path(store, suffix, path, err);
    return status == 0 ? remote_get_json(store->remote, path, reply, value, err) : status;
}

void store_print_text(const char *label, struct span value)
{
    char buffer[1024];
    struct text text = text_init(buffer, sizeof(buffer));
    remote_printable(value, &text);
    printf("%s%s\n", label, buffer);
}
