// SPDX-License-Identifier: Apache-2.0
/* enarx user login|logout: tokens of an OpenID provider. */
#include "base/cleanup.h"
#include "cli/json_print.h"
#include "cli/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int find_flow(const struct invocation *invocation, enum login_flow *flow, struct err *err)
{
    const char *name = invocation_value(invocation, "oidc-flow");
    *flow = strcmp(name, "code") == 0 ? LOGIN_CODE : LOGIN_DEVICE;
    return *flow == LOGIN_CODE || strcmp(name, "device") == 0
               ? 0
               : err_set(err, ERR_USAGE, 0, "unknown OpenID flow \"%.100s\"", name);
}

static int keep(const struct store *store, const struct kept_tokens *tokens, struct err *err)
{
    autoclose int lock = -1;
    int status = credentials_lock(&store->credentials, &lock, err);
    return status == 0 ? credentials_save(&store->credentials, tokens, err) : status;
}

static int login_and_keep(const struct invocation *invocation, struct store *store, struct err *err)
{
    const char *audience = invocation_value(invocation, "oidc-audience");
    char own[SLUG_HOST_MAX + 16];
    struct text text = text_init(own, sizeof(own));
    struct crypto_tls_context *tls = NULL;
    struct login_config config = {.issuer = invocation_value(invocation, "oidc-domain"),
                                  .client_id = invocation_value(invocation, "oidc-client-id"),
                                  .audience = audience ? audience : own,
                                  /* stdout is the result's with --json */
                                  .out = store->json ? stderr : stdout,
                                  /* helpers keep access tokens only */
                                  .renewable = !store->credentials.helper};
    enum login_flow flow;
    struct kept_tokens tokens = {0};
    text_add(&text, "https://");
    text_add_span(&text, store->slug.host);
    text_add(&text, "/");
    int status = find_flow(invocation, &flow, err);
    if (status == 0 && !config.issuer) {
        status = err_set(err, ERR_USAGE, 0, "no OpenID provider is given");
        err_hint(err, "Use --oidc-domain or ENARX_OIDC_DOMAIN.");
    }
    if (status == 0)
        status = store_open_provider(invocation, &config, &tls, err);
    if (status == 0)
        status = login_run(&config, flow, &tokens, err);
    if (status == 0)
        status = keep(store, &tokens, err);
    store_close_provider(&config, tls);
    credentials_forget(&tokens);
    if (status == 0 && !store->json)
        puts("Credentials saved locally.");
    return status;
}

static int finish(struct store *store, int status, const char *sentence, const char *json,
                  struct err *err)
{
    if (status == 0 && store->json)
        json_print(span_of(json, strlen(json)));
    else if (status == 0)
        puts(sentence);
    return store_finish(store, status, NULL, err);
}

int command_user_login(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct store store;
    (void)exit_status;
    int status = store_locate_host(invocation, &store, err);
    if (status == 0)
        status = login_and_keep(invocation, &store, err);
    return finish(&store, status, "Login successful.", "{\"logged_in\":true}", err);
}

/* Takes the tokens away from other commands; *tokens are what they were. */
static int take_away(const struct store *store, struct kept_tokens *tokens, bool *removed,
                     struct err *err)
{
    struct err reason = {0};
    autoclose int lock = -1;
    int status = credentials_lock(&store->credentials, &lock, err);
    if (status == 0 && !store->credentials.helper &&
        credentials_load(&store->credentials, tokens, &reason) < 0)
        fprintf(stderr, "Warning: the token is not revoked: %s\n", reason.message);
    return status == 0 ? credentials_remove(&store->credentials, removed, err) : status;
}

/* The tokens are gone here in any case: a provider that does not take part is a warning. */
static void revoke_at_issuer(const struct invocation *invocation, const struct kept_tokens *tokens)
{
    struct login_config config = {.issuer = tokens->issuer, .client_id = tokens->client_id};
    struct crypto_tls_context *tls = NULL;
    struct err reason = {0};
    if (!tokens->issuer || !tokens->client_id)
        return; /* of a version that did not keep whose they are */
    int status = store_open_provider(invocation, &config, &tls, &reason);
    if (status == 0)
        status = login_revoke(&config, tokens, &reason);
    if (status < 0)
        fprintf(stderr, "Warning: the token is not revoked: %s\n", reason.message);
    store_close_provider(&config, tls);
}

int command_user_logout(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct store store;
    struct kept_tokens tokens = {0};
    bool removed = false;
    (void)exit_status;
    int status = store_locate_host(invocation, &store, err);
    if (status == 0)
        status = take_away(&store, &tokens, &removed, err);
    if (status == 0)
        revoke_at_issuer(invocation, &tokens);
    credentials_forget(&tokens);
    return finish(&store, status, removed ? "Credentials removed." : "There were no credentials.",
                  removed ? "{\"removed\":true}" : "{\"removed\":false}", err);
}
