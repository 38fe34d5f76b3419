// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/program/provider.h"

#include "base/log.h"
#include "codec/url.h"
#include "drawbridge/oidc.h"
#include "http/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FETCH_SECONDS = 10,  /* for one document */
    EVERY_SECONDS = 300, /* between fetches that went well */
    RETRY_SECONDS = 5,   /* after one that did not */
    CREDITS_MAX = 4,     /* fetches that tokens may cause at once, … */
    CREDIT_SECONDS = 10, /* … and one more after so long */
    PATIENCE_MS = 3000,  /* of those who wait for one */
    DOCUMENT_MAX = 1 << 20,
};

struct provider {
    char issuer[OIDC_URL_MAX];
    struct crypto_tls_context *tls;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct provider_keys *keys;
    bool wanted, ending, busy;
    unsigned credits;
    int64_t credited; /* monotonic seconds when the last credit was given */
    struct provider_stats stats;
    unsigned generation; /* atomic */
};

static int64_t monotonic(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static bool is_local(struct span host)
{
    return span_equal(host, SPAN_LITERAL("localhost")) ||
           span_equal(host, SPAN_LITERAL("127.0.0.1")) || span_equal(host, SPAN_LITERAL("::1"));
}

static int check_url(const char *text, const char *what, struct err *err)
{
    struct url url;
    if (strlen(text) >= OIDC_URL_MAX - 64 || url_parse(span_of(text, strlen(text)), &url) < 0)
        return err_set(err, ERR_CONFIG, 0, "the %s \"%.200s\" is not a URL of http or https", what,
                       text);
    if (!url.secure && !is_local(url.host)) {
        err_set(err, ERR_CONFIG, 0, "the %s \"%.200s\" is not protected", what, text);
        err_hint(err, "Use https: whoever can change the keys can be anybody.");
        return -EINVAL;
    }
    return 0;
}

int provider_check_issuer(const char *issuer, struct err *err)
{
    return check_url(issuer, "OpenID issuer", err);
}

static int get(struct http_client *client, const char *url, struct http_reply *reply,
               struct err *err)
{
    const struct http1_field fields[] = {{"Accept", "application/json"}};
    struct http_call call = {.method = "GET", .url = url, .fields = fields, .field_count = 1};
    int status = http_client_call(client, &call, reply, err);
    if (status < 0 || reply->head.status == 200)
        return status;
    status = err_set(err, ERR_IO, 0, "%s answered with the status %u", url, reply->head.status);
    http_reply_free(reply);
    return status;
}

static int fetch_set(struct http_client *client, const char *issuer, struct jwk_set *set,
                     struct err *err)
{
    struct http_reply reply;
    char url[OIDC_URL_MAX + 64], jwks_uri[OIDC_URL_MAX];
    size_t size = strlen(issuer);
    snprintf(url, sizeof(url), "%s%s.well-known/openid-configuration", issuer,
             size > 0 && issuer[size - 1] == '/' ? "" : "/");
    int status = get(client, url, &reply, err);
    if (status < 0)
        return status;
    status = oidc_parse_discovery(reply.body, issuer, jwks_uri, err);
    http_reply_free(&reply);
    if (status == 0)
        status = check_url(jwks_uri, "jwks_uri", err);
    if (status == 0)
        status = get(client, jwks_uri, &reply, err);
    if (status < 0)
        return status;
    if (jwk_set_parse(reply.body, set) < 0)
        status = err_set(err, ERR_CONFIG, 0, "%s has no key that could be used", jwks_uri);
    http_reply_free(&reply);
    return status;
}

/* Under the mutex. */
static void drop(struct provider_keys *keys)
{
    if (!keys || --keys->users > 0)
        return;
    jwk_set_free(&keys->set);
    free(keys);
}

/* Without the mutex. */
static struct provider_keys *fetch(struct provider *provider)
{
    struct err err = {0};
    struct http_client_config config = {
        .tls = provider->tls, .seconds = FETCH_SECONDS, .body_max = DOCUMENT_MAX};
    struct http_client *client = http_client_new(&config);
    struct provider_keys *keys = calloc(1, sizeof(*keys));
    int status = client && keys ? fetch_set(client, provider->issuer, &keys->set, &err)
                                : err_set(&err, ERR_IO, ENOMEM, "cannot fetch keys");
    http_client_free(client);
    if (status < 0) {
        log_warn("drawbridge", "no keys of the OpenID provider: %s", err.message);
        free(keys);
        return NULL;
    }
    keys->users = 1;
    return keys;
}

static void wait_until(struct provider *provider, int64_t seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    while (!provider->wanted && !provider->ending &&
           pthread_cond_timedwait(&provider->changed, &provider->mutex, &until) != ETIMEDOUT)
        ;
}

static void *run(void *argument)
{
    struct provider *provider = argument;
    pthread_mutex_lock(&provider->mutex);
    while (!provider->ending) {
        provider->wanted = false;
        provider->busy = true;
        pthread_mutex_unlock(&provider->mutex);
        struct provider_keys *keys = fetch(provider);
        pthread_mutex_lock(&provider->mutex);
        provider->busy = false;
        if (keys) {
            drop(provider->keys);
            provider->keys = keys;
            __atomic_fetch_add(&provider->generation, 1, __ATOMIC_RELEASE);
            provider->stats.fetched++;
            provider->stats.last = (int64_t)time(NULL);
        } else {
            provider->stats.failed++;
        }
        pthread_cond_broadcast(&provider->changed);
        wait_until(provider, keys ? EVERY_SECONDS : RETRY_SECONDS);
    }
    pthread_mutex_unlock(&provider->mutex);
    return NULL;
}

int provider_new(const struct provider_config *config, struct provider **made, struct err *err)
{
    int status = provider_check_issuer(config->issuer, err);
    if (status < 0)
        return status;
    struct provider *provider = calloc(1, sizeof(*provider));
    if (!provider)
        return err_set(err, ERR_IO, ENOMEM, "cannot fetch keys");
    snprintf(provider->issuer, sizeof(provider->issuer), "%s", config->issuer);
    if (crypto_tls_context_new(CRYPTO_TLS_CLIENT, &config->trust, &provider->tls) < 0) {
        free(provider);
        return err_set(err, ERR_CONFIG, 0, "there is no certificate to believe in --oidc-ca");
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&provider->mutex, NULL);
    pthread_cond_init(&provider->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    provider->busy = true;
    provider->credits = CREDITS_MAX;
    provider->credited = monotonic();
    int error = pthread_create(&provider->thread, NULL, run, provider);
    if (error) {
        crypto_tls_context_free(provider->tls);
        free(provider);
        return err_set(err, ERR_IO, error, "cannot start a thread");
    }
    *made = provider;
    return 0;
}

void provider_free(struct provider *provider)
{
    if (!provider)
        return;
    pthread_mutex_lock(&provider->mutex);
    provider->ending = true;
    pthread_cond_broadcast(&provider->changed);
    pthread_mutex_unlock(&provider->mutex);
    pthread_join(provider->thread, NULL);
    drop(provider->keys);
    crypto_tls_context_free(provider->tls);
    pthread_cond_destroy(&provider->changed);
    pthread_mutex_destroy(&provider->mutex);
    free(provider);
}

/* Under the mutex. */
static struct provider_keys *borrow(struct provider *provider)
{
    if (provider->keys)
        provider->keys->users++;
    return provider->keys;
}

unsigned provider_generation(const struct provider *provider)
{
    return __atomic_load_n(&provider->generation, __ATOMIC_ACQUIRE);
}

struct provider_keys *provider_keys(struct provider *provider)
{
    pthread_mutex_lock(&provider->mutex);
    struct provider_keys *keys = borrow(provider);
    pthread_mutex_unlock(&provider->mutex);
    return keys;
}

/* Whether another fetch is allowed: tokens of strangers may cause some, not any number. */
static bool take_credit(struct provider *provider)
{
    int64_t now = monotonic();
    while (provider->credits < CREDITS_MAX && now >= provider->credited + CREDIT_SECONDS) {
        provider->credits++;
        provider->credited += CREDIT_SECONDS;
    }
    if (provider->credits == CREDITS_MAX)
        provider->credited = now;
    if (provider->credits == 0)
        return false;
    provider->credits--;
    return true;
}

struct provider_keys *provider_fresh_keys(struct provider *provider)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&provider->mutex);
    if (!provider->busy && take_credit(provider)) {
        provider->wanted = provider->busy = true;
        pthread_cond_broadcast(&provider->changed);
    }
    while (provider->busy && !provider->ending &&
           pthread_cond_timedwait(&provider->changed, &provider->mutex, &until) != ETIMEDOUT)
        ;
    struct provider_keys *keys = borrow(provider);
    pthread_mutex_unlock(&provider->mutex);
    return keys;
}

void provider_keys_release(struct provider *provider, struct provider_keys *keys)
{
    pthread_mutex_lock(&provider->mutex);
    drop(keys);
    pthread_mutex_unlock(&provider->mutex);
}

struct provider_stats provider_stats(struct provider *provider)
{
    pthread_mutex_lock(&provider->mutex);
    struct provider_stats stats = provider->stats;
    pthread_mutex_unlock(&provider->mutex);
    return stats;
}
