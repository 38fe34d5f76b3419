// SPDX-License-Identifier: Apache-2.0
#include "jose/jwk.h"

#include "base/text.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <string.h>

enum { NUMBER_MAX = 1024, NUMBER_TEXT_MAX = 1400 };

struct number {
    uint8_t bytes[BASE64_DECODED(NUMBER_TEXT_MAX)];
    size_t size;
};

static bool get_number(struct span jwk, const char *name, struct number *number)
{
    struct span text;
    return json_get_text(jwk, name, &text) && text.size > 0 && text.size <= NUMBER_TEXT_MAX &&
           base64url_decode(text, number->bytes, &number->size) == 0;
}

static struct span number_span(const struct number *number)
{
    return span_of(number->bytes, number->size);
}

static int parse_rsa(struct span jwk, struct crypto_jose_key **key)
{
    struct number n, e;
    if (!get_number(jwk, "n", &n) || !get_number(jwk, "e", &e))
        return -EINVAL;
    return crypto_jose_rsa(number_span(&n), number_span(&e), key);
}

static int parse_ec(struct span jwk, struct crypto_jose_key **key)
{
    struct number x, y;
    if (!get_number(jwk, "x", &x) || !get_number(jwk, "y", &y))
        return -EINVAL;
    return crypto_jose_p256(number_span(&x), number_span(&y), key);
}

static int parse_okp(struct span jwk, struct crypto_jose_key **key)
{
    struct number x;
    if (!get_number(jwk, "x", &x))
        return -EINVAL;
    return crypto_jose_ed25519(number_span(&x), key);
}

static const struct kind {
    const char *type, *curve; /* curve NULL: there is none */
    enum crypto_jose algorithm;
    int (*parse)(struct span, struct crypto_jose_key **);
    const char *members[4]; /* what a thumbprint is made of, in order */
} kinds[] = {
    {"RSA", NULL, CRYPTO_RS256, parse_rsa, {"e", "kty", "n"}},
    {"EC", "P-256", CRYPTO_ES256, parse_ec, {"crv", "kty", "x", "y"}},
    {"OKP", "Ed25519", CRYPTO_EDDSA, parse_okp, {"crv", "kty", "x"}},
};

static bool member_is(struct span object, const char *name, const char *wanted)
{
    struct span text;
    return json_get_text(object, name, &text) && span_equal(text, span_of(wanted, strlen(wanted)));
}

static const struct kind *find_kind(struct span jwk)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (member_is(jwk, "kty", kinds[i].type) &&
            (!kinds[i].curve || member_is(jwk, "crv", kinds[i].curve)))
            return &kinds[i];
    }
    return NULL;
}

/* Whether what the key says about its purpose allows to verify signatures. */
static bool may_verify(struct span jwk, const struct kind *kind)
{
    struct span value;
    if (json_get(jwk, "alg", &value) && !member_is(jwk, "alg", crypto_jose_name(kind->algorithm)))
        return false;
    if (json_get(jwk, "use", &value) && !member_is(jwk, "use", "sig"))
        return false;
    if (!json_get(jwk, "key_ops", &value))
        return true;
    struct json_member member;
    for (struct json_cursor cursor = json_elements(value); json_next(&cursor, &member);) {
        if (span_equal(member.value, SPAN_LITERAL("\"verify\"")))
            return true;
    }
    return false;
}

int jwk_parse(struct span value, struct crypto_jose_key **key)
{
    struct span type;
    if (!json_get_text(value, "kty", &type))
        return -EINVAL;
    const struct kind *kind = find_kind(value);
    if (!kind || !may_verify(value, kind))
        return -EOPNOTSUPP;
    return kind->parse(value, key);
}

int jwk_thumbprint(struct span value, uint8_t out[JWK_THUMBPRINT_SIZE])
{
    char buffer[2 * NUMBER_TEXT_MAX + 64];
    struct text text = text_init(buffer, sizeof(buffer));
    const struct kind *kind = find_kind(value);
    if (!kind)
        return -EINVAL;
    for (size_t i = 0; i < 4 && kind->members[i]; i++) {
        struct span member;
        if (!json_get_text(value, kind->members[i], &member))
            return -EINVAL;
        text_printf(&text, "%s\"%s\":\"", i ? "," : "{", kind->members[i]);
        text_add_span(&text, member);
        text_add(&text, "\"");
    }
    text_add(&text, "}");
    struct span bytes = text_span(&text);
    return !text.overflow && crypto_hash(CRYPTO_SHA256, &bytes, 1, out) == 0 ? 0 : -EINVAL;
}

static int add_key(struct jwk_set *set, struct span jwk)
{
    struct span id = {0};
    struct crypto_jose_key *key;
    if (set->count == JWK_SET_MAX)
        return -EINVAL;
    if (jwk_parse(jwk, &key) < 0)
        return 0; /* others in the set may do */
    json_get_text(jwk, "kid", &id);
    if (id.size > JWK_ID_MAX) {
        crypto_jose_key_free(key);
        return 0;
    }
    if (id.size > 0)
        memcpy(set->keys[set->count].id, id.data, id.size);
    set->keys[set->count].id_size = id.size;
    set->keys[set->count++].key = key;
    return 0;
}

int jwk_set_parse(struct span text, struct jwk_set *set)
{
    struct span value, keys;
    struct json_member member;
    int status = 0;
    *set = (struct jwk_set){0};
    if (json_parse(text, &value) < 0 || !json_get(value, "keys", &keys) || keys.data[0] != '[')
        return -EINVAL;
    for (struct json_cursor cursor = json_elements(keys);
         status == 0 && json_next(&cursor, &member);)
        status = add_key(set, member.value);
    if (status == 0 && set->count > 0)
        return 0;
    jwk_set_free(set);
    return -EINVAL;
}

void jwk_set_free(struct jwk_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        crypto_jose_key_free(set->keys[i].key);
    *set = (struct jwk_set){0};
}

const struct crypto_jose_key *jwk_set_find(const struct jwk_set *set, struct span id,
                                           enum crypto_jose algorithm)
{
    for (size_t i = 0; i < set->count; i++) {
        if (span_equal(id, span_of(set->keys[i].id, set->keys[i].id_size)) &&
            crypto_jose_key_algorithm(set->keys[i].key) == algorithm)
            return set->keys[i].key;
    }
    return NULL;
}
