// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/oidc.h"

#include "base/cleanup.h"
#include "codec/json.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    enum scope_level level;
} levels[] = {{"read", SCOPE_READ}, {"write", SCOPE_WRITE}, {"manage", SCOPE_MANAGE}};

static const char *const contexts[SCOPE_CONTEXTS] = {
    [SCOPE_USERS] = "drawbridge_users",
    [SCOPE_REPOSITORIES] = "drawbridge_repositories",
    [SCOPE_TAGS] = "drawbridge_tags",
};

const char *scope_level_name(enum scope_level level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (levels[i].level == level)
            return levels[i].name;
    }
    return "";
}

const char *scope_context_name(enum scope_context context)
{
    return contexts[context];
}

bool identity_may(const struct identity *identity, unsigned wanted, enum scope_context context)
{
    return (identity->scopes[context] & (wanted | SCOPE_MANAGE)) != 0;
}

static bool is_word(struct span text, const char *word)
{
    return span_equal(text, span_of(word, strlen(word)));
}

/* "write:drawbridge_tags"; scopes of others are none of our business. */
static void add_scope(struct identity *identity, struct span scope)
{
    const uint8_t *colon = scope.size > 0 ? memchr(scope.data, ':', scope.size) : NULL;
    if (!colon)
        return;
    size_t size = (size_t)(colon - scope.data);
    struct span level = span_of(scope.data, size);
    struct span context = span_of(colon + 1, scope.size - size - 1);
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        for (size_t k = 0; k < SCOPE_CONTEXTS; k++) {
            if (is_word(level, levels[i].name) && is_word(context, contexts[k]))
                identity->scopes[k] |= levels[i].level;
        }
    }
}

static void read_scopes(struct identity *identity, struct span scope)
{
    for (size_t from = 0; from < scope.size;) {
        const uint8_t *blank = memchr(scope.data + from, ' ', scope.size - from);
        size_t end = blank ? (size_t)(blank - scope.data) : scope.size;
        add_scope(identity, span_of(scope.data + from, end - from));
        from = end + 1;
    }
}

bool oidc_same_issuer(struct span a, struct span b)
{
    a.size -= a.size > 0 && a.data[a.size - 1] == '/';
    b.size -= b.size > 0 && b.data[b.size - 1] == '/';
    return a.size > 0 && span_equal(a, b);
}

/* A JSON string as an issuer. */
static bool is_issuer(struct span value, const char *issuer)
{
    uint8_t decoded[OIDC_URL_MAX];
    struct span text;
    return json_string_decode(value, decoded, sizeof(decoded), &text) &&
           oidc_same_issuer(text, span_of(issuer, strlen(issuer)));
}

static bool string_is(struct span value, const char *wanted)
{
    uint8_t decoded[OIDC_URL_MAX];
    struct span text;
    return json_string_decode(value, decoded, sizeof(decoded), &text) && is_word(text, wanted);
}

/* "aud" is a string or an array of strings (RFC 7519 section 4.1.3). */
static bool has_audience(struct span claims, const char *audience)
{
    struct span value;
    struct json_member member;
    if (!json_get(claims, "aud", &value))
        return false;
    if (string_is(value, audience))
        return true;
    for (struct json_cursor cursor = json_elements(value); json_next(&cursor, &member);) {
        if (string_is(member.value, audience))
            return true;
    }
    return false;
}

/* A NumericDate (RFC 7519 section 2), whose fraction is cut. */
static bool get_date(struct span claims, const char *name, int64_t *seconds)
{
    struct span value;
    uint64_t number;
    if (!json_get(claims, name, &value))
        return false;
    const uint8_t *dot = memchr(value.data, '.', value.size);
    if (dot)
        value.size = (size_t)(dot - value.data);
    if (!json_uint(value, INT64_MAX / 2, &number))
        return false;
    *seconds = (int64_t)number;
    return true;
}

/* A date that may be absent, but not malformed, and not in the future. */
static bool has_begun(struct span claims, const char *name, int64_t now)
{
    struct span value;
    int64_t seconds;
    if (!json_get(claims, name, &value))
        return true;
    return get_date(claims, name, &seconds) && seconds <= now + OIDC_LEEWAY_SECONDS;
}

static bool read_subject(struct span claims, struct identity *identity)
{
    struct span value, text;
    if (!json_get(claims, "sub", &value) ||
        !json_string_decode(value, (uint8_t *)identity->subject, OIDC_SUBJECT_MAX, &text) ||
        text.size == 0)
        return false;
    identity->subject[text.size] = '\0';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7F)
            return false;
    }
    return true;
}

static const char *check_claims(struct span claims, const struct oidc_rules *rules,
                                struct identity *identity)
{
    struct span scope, issuer;
    int64_t expiry;
    if (!json_get(claims, "iss", &issuer) || !is_issuer(issuer, rules->issuer))
        return "it was issued by another provider";
    if (!has_audience(claims, rules->audience))
        return "it is for another audience";
    if (!get_date(claims, "exp", &expiry))
        return "it has no end";
    if (expiry <= rules->now - OIDC_LEEWAY_SECONDS)
        return "it has expired";
    if (!has_begun(claims, "nbf", rules->now) || !has_begun(claims, "iat", rules->now))
        return "it is not valid yet";
    if (!read_subject(claims, identity))
        return "it has no subject";
    if (json_get_text(claims, "scope", &scope))
        read_scopes(identity, scope);
    return NULL;
}

enum oidc_result oidc_check(struct span text, const struct jwk_set *keys,
                            const struct oidc_rules *rules, struct identity *identity,
                            const char **reason)
{
    *identity = (struct identity){0};
    autofree struct jws_token *token = malloc(sizeof(*token));
    struct span claims;
    *reason = "it is not a JWT";
    if (!token || jws_parse(text, token) < 0)
        return OIDC_WRONG;
    *reason = "it names no key";
    if (token->key_id.size == 0)
        return OIDC_WRONG;
    const struct crypto_jose_key *key = jwk_set_find(keys, token->key_id, token->algorithm);
    *reason = "its key is unknown";
    if (!key)
        return OIDC_UNKNOWN_KEY;
    *reason = "its signature is wrong";
    if (crypto_jose_verify(key, token->signed_bytes,
                           span_of(token->signature, token->signature_size)) < 0)
        return OIDC_WRONG;
    *reason = "its claims are malformed";
    if (json_parse(token->payload, &claims) < 0 || claims.data[0] != '{')
        return OIDC_WRONG;
    *reason = check_claims(claims, rules, identity);
    return *reason ? OIDC_WRONG : OIDC_GOOD;
}

int oidc_parse_discovery(struct span document, const char *issuer, char jwks_uri[OIDC_URL_MAX],
                         struct err *err)
{
    struct span value, uri, text;
    if (json_parse(document, &value) < 0 || value.data[0] != '{')
        return err_set(err, ERR_CONFIG, 0, "the discovery document of %s is not JSON", issuer);
    if (!json_get(value, "issuer", &text) || !is_issuer(text, issuer))
        return err_set(err, ERR_CONFIG, 0, "the discovery document of %s is of another issuer",
                       issuer);
    if (!json_get(value, "jwks_uri", &uri) ||
        !json_string_decode(uri, (uint8_t *)jwks_uri, OIDC_URL_MAX - 1, &text) ||
        memchr(jwks_uri, 0, text.size))
        return err_set(err, ERR_CONFIG, 0, "the discovery document of %s has no jwks_uri", issuer);
    jwks_uri[text.size] = '\0';
    return 0;
}
