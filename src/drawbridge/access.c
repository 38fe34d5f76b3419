// SPDX-License-Identifier: Apache-2.0
/* Who may do what. The table of docs/drawbridge-api.md is what this file implements. */
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/crypto.h"
#include "drawbridge/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What stands behind a scheme in "Authorization: SCHEME …". */
static bool find_credentials(const struct exchange *exchange, const char *scheme,
                             struct span *credentials)
{
    const struct span *value = find_header(exchange, "authorization");
    size_t size = strlen(scheme);
    if (!value || value->size < size || !http1_equal(span_of(value->data, size), scheme))
        return false;
    *credentials = span_of(value->data + size, value->size - size);
    while (credentials->size > 0 && credentials->data[0] == ' ')
        *credentials = span_of(credentials->data + 1, credentials->size - 1);
    return credentials->size > 0;
}

/* Clients of OCI send the token as a password; the name is theirs to choose. */
static bool find_password(struct exchange *exchange, struct span *token)
{
    struct span encoded;
    size_t size;
    if (!find_credentials(exchange, "basic ", &encoded))
        return false;
    free(exchange->password);
    exchange->password_size = BASE64_DECODED(encoded.size);
    exchange->password = malloc(exchange->password_size);
    if (!exchange->password || base64_decode(encoded, exchange->password, &size) < 0)
        return false;
    const uint8_t *colon = size > 0 ? memchr(exchange->password, ':', size) : NULL;
    if (!colon)
        return false;
    size_t name = (size_t)(colon - exchange->password) + 1;
    *token = span_of(exchange->password + name, size - name);
    return token->size > 0;
}

/* The token of "Authorization: Bearer T". */
static bool find_bearer(struct exchange *exchange, struct span *token)
{
    return find_credentials(exchange, "bearer ", token) ||
           (route_is_oci(exchange->route.kind) && find_password(exchange, token));
}

static enum oidc_result check(struct exchange *exchange, struct span token, const char **reason)
{
    const struct service *service = exchange->service;
    struct oidc_rules rules = {service->rules->issuer, service->rules->audience,
                               exchange->request->now};
    const struct jwk_set *keys = service->keys;
    enum oidc_result result =
        keys ? oidc_check(token, keys, &rules, &exchange->identity, reason) : OIDC_UNKNOWN_KEY;
    if (result != OIDC_UNKNOWN_KEY || !service->other_keys)
        return result;
    keys = service->other_keys(service->context);
    return keys ? oidc_check(token, keys, &rules, &exchange->identity, reason) : result;
}

bool is_identified(struct exchange *exchange)
{
    struct span token;
    const char *reason = "";
    if (!exchange->identified && find_bearer(exchange, &token) && !token_is_deployment(token))
        exchange->identified = check(exchange, token, &reason) == OIDC_GOOD;
    return exchange->identified;
}

bool refuse_token(struct exchange *exchange)
{
    refuse(exchange, 401, "Invalid token provided");
    if (!route_is_oci(exchange->route.kind))
        add_header(exchange, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    return false;
}

bool identify(struct exchange *exchange)
{
    struct span token;
    if (!find_bearer(exchange, &token)) {
        refuse(exchange, 401, "Bearer token header missing");
        if (!route_is_oci(exchange->route.kind))
            add_header(exchange, "WWW-Authenticate", "Bearer");
        return false;
    }
    if (is_identified(exchange))
        return true;
    return refuse_token(exchange);
}

static bool has_scope(struct exchange *exchange, unsigned levels, enum scope_context context)
{
    if (identity_may(&exchange->identity, levels, context))
        return true;
    return refuse(exchange, 401, "Token is missing a scope for level %s, context %s",
                  scope_level_name((enum scope_level)levels), scope_context_name(context));
}

/* Whether the record of a user is the identity's. */
static bool is_subject(const struct exchange *exchange, const struct record *user)
{
    uint8_t decoded[OIDC_SUBJECT_MAX];
    struct span value, subject;
    const char *own = exchange->identity.subject;
    return json_get(user->content, "subject", &value) &&
           json_string_decode(value, decoded, sizeof(decoded), &subject) &&
           span_equal(subject, span_of(own, strlen(own)));
}

static bool stop_at_first(void *context, const char *key, struct span value)
{
    bool *any = context;
    (void)key, (void)value;
    *any = true;
    return false;
}

/* Whether the subject has any user. */
static bool has_user(struct exchange *exchange)
{
    uint8_t hash[32];
    char prefix[2 * sizeof(hash) + 4] = "s/";
    struct span subject = span_of(exchange->identity.subject, strlen(exchange->identity.subject));
    bool any = false;
    if (crypto_hash(CRYPTO_SHA256, &subject, 1, hash) < 0)
        return false;
    hex_encode(span_of(hash, sizeof(hash)), prefix + 2);
    strcat(prefix, "/");
    return store_list(exchange->service->store, prefix, "", stop_at_first, &any) == 0 && any;
}

/* 1: the identity is the route's user; 0: it is not; or -errno. */
static int is_user(struct exchange *exchange)
{
    struct record user;
    struct record_key key = RECORD_KEY('u', exchange->route.user);
    int status = record_find(exchange->service->store, key.text, &user);
    if (status < 0)
        return status;
    status = is_subject(exchange, &user);
    record_free(&user);
    return status;
}

static bool refuse_user(struct exchange *exchange, int status)
{
    const struct span user = exchange->route.user;
    if (status == 0)
        return refuse(exchange, 401,
                      "You are logged in as `%s`, and not authorized for user `%.*s`",
                      exchange->identity.subject, (int)user.size, (const char *)user.data);
    if (status != -ENOENT)
        return refuse_errno(exchange, status);
    if (!has_user(exchange))
        return refuse(exchange, 401, "User with OpenID Connect subject `%s` not found",
                      exchange->identity.subject);
    return refuse(exchange, 401, "User `%.*s` not found", (int)user.size, (const char *)user.data);
}

bool allow_owner(struct exchange *exchange, unsigned levels, enum scope_context context)
{
    if (!identify(exchange))
        return false;
    int status = is_user(exchange);
    return status == 1 ? has_scope(exchange, levels, context) : refuse_user(exchange, status);
}

bool allow_user(struct exchange *exchange, unsigned levels)
{
    return allow_owner(exchange, levels, SCOPE_USERS);
}

bool allow_new_user(struct exchange *exchange, const char *subject)
{
    if (!identify(exchange) || !has_scope(exchange, SCOPE_WRITE, SCOPE_USERS))
        return false;
    if (strcmp(exchange->identity.subject, subject) != 0)
        return refuse(exchange, 401, "OpenID Connect subject mismatch");
    return true;
}

/* The user that the identity has to be for a grant: 1 if the grant allows, 0 if not, or -errno. */
static int check_grant(struct exchange *exchange, const char *key, bool write, struct span grant)
{
    struct span access, other = span_of(strrchr(key, '/') + 1, strlen(strrchr(key, '/') + 1));
    struct record user;
    if (!json_get_text(grant, "access", &access) ||
        (write && !span_equal(access, SPAN_LITERAL("write"))))
        return 0;
    struct record_key user_key = RECORD_KEY('u', other);
    int status = record_find(exchange->service->store, user_key.text, &user);
    if (status < 0)
        return status == -ENOENT ? 0 : status;
    status = is_subject(exchange, &user);
    record_free(&user);
    return status;
}

struct grant_search {
    struct exchange *exchange;
    bool write;
    int status;
};

static bool try_grant(void *context, const char *key, struct span value)
{
    struct grant_search *search = context;
    struct span grant;
    if (json_parse(value, &grant) == 0)
        search->status = check_grant(search->exchange, key, search->write, grant);
    return search->status == 0;
}

/* Whether one of the identity's users has a grant. */
static int has_grant(struct exchange *exchange, struct span user, struct span repository,
                     bool write)
{
    struct grant_search search = {exchange, write, 0};
    struct record_key prefix = RECORD_KEY('g', user, repository, (struct span){0});
    int status = store_list(exchange->service->store, prefix.text, "", try_grant, &search);
    return status < 0 ? status : search.status;
}

/* The owner, or whoever has a grant, with a scope. */
static bool allow_person(struct exchange *exchange, bool write, unsigned levels,
                         enum scope_context context)
{
    if (!identify(exchange))
        return false;
    int status = is_user(exchange), granted = 0;
    if (status == 0 || status == -ENOENT)
        granted = has_grant(exchange, exchange->route.user, exchange->route.repository, write);
    if (granted < 0)
        return refuse_errno(exchange, granted);
    if (status == 1 || granted == 1)
        return has_scope(exchange, levels, context);
    return refuse_user(exchange, status);
}

static bool is_public(const struct record *repository)
{
    struct span value;
    bool public = false;
    return json_get(repository->content, "public", &value) && json_boolean(value, &public) &&
           public;
}

static bool lists_technology(const struct service_rules *rules, const char *technology)
{
    for (size_t i = 0; i < SERVICE_TECHNOLOGIES_MAX && rules->technologies[i]; i++) {
        if (strcmp(rules->technologies[i], technology) == 0)
            return true;
    }
    return false;
}

/* Whether the certificate is that of a Keep that runs this very tag. */
static bool allow_keep(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct entry root;
    struct keep keep;
    if (keep_parse(exchange->request->certificate, exchange->request->now, &keep) < 0)
        return refuse(exchange, 401, "The client certificate is not that of a Keep");
    if (!lists_technology(exchange->service->rules, keep.technology))
        return refuse(exchange, 401, "Keeps of technology %s are not accepted", keep.technology);
    if (route->tag.size == 0 || !keep.bound ||
        !keep_is_named(&keep, route->user, route->repository, route->tag) ||
        !tag_root(&exchange->tag, &root) || !root.digests.has[DIGEST_SHA256] ||
        memcmp(root.digests.value[DIGEST_SHA256], keep.digest, sizeof(keep.digest)) != 0)
        return refuse(exchange, 401, "The Keep runs another workload");
    return true;
}

bool allow_reader(struct exchange *exchange)
{
    struct span bearer;
    bool has_tag = exchange->route.tag.size > 0 && !route_is_oci(exchange->route.kind);
    if (!find_repository(exchange))
        return false;
    if (is_public(&exchange->repository))
        return !has_tag || find_tag(exchange);
    bool has_bearer = find_bearer(exchange, &bearer);
    bool by_certificate = !has_bearer && exchange->request->certificate.size > 0;
    /* The digest to compare is the tag's; whether there is a tag is not told to others. */
    if (by_certificate)
        return has_tag && !find_tag(exchange)
                   ? refuse(exchange, 401, "The Keep runs another workload")
                   : allow_keep(exchange);
    bool allowed = has_bearer && token_is_deployment(bearer)
                       ? token_allows(exchange, bearer, TOKEN_READ)
                       : allow_person(exchange, false, SCOPE_READ, SCOPE_REPOSITORIES);
    return allowed && (!has_tag || find_tag(exchange));
}

bool allow_writer(struct exchange *exchange)
{
    struct span bearer;
    bool allowed = find_bearer(exchange, &bearer) && token_is_deployment(bearer)
                       ? token_allows(exchange, bearer, TOKEN_WRITE)
                       : allow_person(exchange, true, SCOPE_WRITE, SCOPE_TAGS);
    return allowed && find_repository(exchange);
}

bool allow_anybody_known(struct exchange *exchange)
{
    struct span token;
    return (find_bearer(exchange, &token) && token_is_deployment(token)) || identify(exchange);
}

bool may_see(struct exchange *exchange, struct span user, struct span repository, struct span value)
{
    struct record record = {.value = value};
    if (json_get(value, "content", &record.content) && is_public(&record))
        return true;
    if (!is_identified(exchange) ||
        !identity_may(&exchange->identity, SCOPE_READ, SCOPE_REPOSITORIES))
        return false;
    struct exchange other = *exchange;
    other.route.user = user;
    return is_user(&other) == 1 || has_grant(exchange, user, repository, false) == 1;
}
