// SPDX-License-Identifier: Apache-2.0
/* Keys, signatures and tokens. tests/e2e/drawbridge.sh has real ones of a real provider. */
#include "codec/base64.h"
#include "codec/der.h"
#include "codec/json.h"
#include "crypto/sign.h"
#include "drawbridge/oidc.h"
#include "tap.h"

#include <errno.h>

#define S(text) span_of(text, strlen(text))
enum { NOW = 1700000000 };

static struct crypto_signer *signer;
static char jwk[256], token[4096], document[8192];
static struct jwk_set keys;
static struct identity identity;

static size_t encode(struct span bytes, char *out)
{
    size_t size = base64_encode(bytes, true, out);
    out[size] = '\0';
    return size;
}

static void make_key(void)
{
    char x[64], y[64];
    crypto_signer_free(signer);
    CHECK_INT(crypto_signer_generate(X509_KEY_P256, &signer), 0);
    struct span info = crypto_signer_info(signer);
    encode(span_of(info.data + info.size - 64, 32), x);
    encode(span_of(info.data + info.size - 32, 32), y);
    snprintf(jwk, sizeof(jwk),
             "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k1\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    snprintf(document, sizeof(document), "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"},%s]}", jwk);
    jwk_set_free(&keys);
    CHECK_INT(jwk_set_parse(S(document), &keys), 0);
    CHECK_INT(keys.count, 1);
}

/* r and s of 32 bytes out of DER. */
static void sign_raw(struct span message, uint8_t out[64])
{
    uint8_t der[CRYPTO_SIGNATURE_MAX];
    size_t size;
    CHECK_INT(crypto_sign(signer, message, der, &size), 0);
    struct der top = der_of(span_of(der, size)), pair = der_enter(&top, DER_SEQUENCE);
    memset(out, 0, 64);
    for (int i = 1; i <= 2; i++) {
        struct span number = der_unsigned(&pair);
        memcpy(out + 32 * i - number.size, number.data, number.size);
    }
}

static enum oidc_result check_token(const char *header, const char *claims)
{
    static const struct oidc_rules rules = {"https://issuer.example/", "aud", NOW};
    const char *reason;
    uint8_t signature[64];
    size_t size = encode(S(header), token);
    token[size++] = '.';
    size += encode(S(claims), token + size);
    sign_raw(span_of(token, size), signature);
    token[size++] = '.';
    encode(span_of(signature, 64), token + size);
    enum oidc_result result = oidc_check(S(token), &keys, &rules, &identity, &reason);
    CHECK((result == OIDC_GOOD) == (reason == NULL));
    return result;
}

#define HEADER "{\"alg\":\"ES256\",\"kid\":\"k1\"}"
#define BASE   "\"iss\":\"https:\\/\\/issuer.example\",\"sub\":\"test|subject\",\"exp\":1700000100"

TEST(token, "a token of the provider says who it is and what it may")
{
    make_key();
    CHECK_INT(check_token(HEADER,
                          "{" BASE ",\"aud\":[\"x\",\"aud\"],\"scope\":\"openid "
                          "read:drawbridge_users manage:drawbridge_tags  x:drawbridge_tags\"}"),
              OIDC_GOOD);
    CHECK_STR(identity.subject, "test|subject");
    CHECK(identity_may(&identity, SCOPE_READ, SCOPE_USERS));
    CHECK(!identity_may(&identity, SCOPE_WRITE, SCOPE_USERS));
    CHECK(identity_may(&identity, SCOPE_READ, SCOPE_TAGS));
    CHECK(identity_may(&identity, SCOPE_WRITE, SCOPE_TAGS));
    CHECK(!identity_may(&identity, SCOPE_READ, SCOPE_REPOSITORIES));
    CHECK_INT(check_token(HEADER, "{" BASE ",\"aud\":\"aud\",\"nbf\":1700000060,\"iat\":1.5}"),
              OIDC_GOOD);
    CHECK(!identity_may(&identity, SCOPE_READ, SCOPE_USERS));
}

#define NUL_SUBJECT "\"iss\":\"https://issuer.example\",\"sub\":\"a\\u0000\""

TEST(token_wrong, "a token that is not for us, not now, or not from there is refused")
{
    static const char *const wrong[] = {
        "{" BASE "}",
        "{" BASE ",\"aud\":\"other\"}",
        "{" BASE ",\"aud\":[]}",
        "{" BASE ",\"aud\":{\"a\":\"aud\"}}",
        "{" BASE ",\"aud\":\"aud\",\"nbf\":1700000061}",
        "{" BASE ",\"aud\":\"aud\",\"iat\":1700000061}",
        "{" BASE ",\"aud\":\"aud\",\"nbf\":\"now\"}",
        "{\"iss\":\"https://issuer.example\",\"sub\":\"s\",\"exp\":1699999940,\"aud\":\"aud\"}",
        "{\"iss\":\"https://issuer.example\",\"sub\":\"s\",\"aud\":\"aud\"}",
        "{\"iss\":\"https://other.example\",\"sub\":\"s\",\"exp\":1700000100,\"aud\":\"aud\"}",
        "{\"sub\":\"s\",\"exp\":1700000100,\"aud\":\"aud\"}",
        "{\"iss\":\"https://issuer.example\",\"exp\":1700000100,\"aud\":\"aud\"}",
        "{\"iss\":\"https://issuer.example\",\"sub\":\"\",\"exp\":1700000100,\"aud\":\"aud\"}",
        "{" NUL_SUBJECT ",\"exp\":1700000100,\"aud\":\"aud\"}",
        "[]",
        "x",
    };
    make_key();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_INT(check_token(HEADER, wrong[i]), OIDC_WRONG);
}

TEST(header_wrong, "algorithms and keys are those that the provider published")
{
    static const char claims[] = "{" BASE ",\"aud\":\"aud\"}";
    make_key();
    CHECK_INT(check_token(HEADER, claims), OIDC_GOOD);
    CHECK_INT(check_token("{\"alg\":\"ES256\"}", claims), OIDC_WRONG);
    CHECK_INT(check_token("{\"alg\":\"ES256\",\"kid\":\"k2\"}", claims), OIDC_UNKNOWN_KEY);
    CHECK_INT(check_token("{\"alg\":\"RS256\",\"kid\":\"k1\"}", claims), OIDC_UNKNOWN_KEY);
    CHECK_INT(check_token("{\"alg\":\"none\",\"kid\":\"k1\"}", claims), OIDC_WRONG);
    CHECK_INT(check_token("{\"alg\":\"HS256\",\"kid\":\"k1\"}", claims), OIDC_WRONG);
    CHECK_INT(check_token("{\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[\"exp\"]}", claims),
              OIDC_WRONG);
    make_key(); /* another key of the same name */
    const char *reason;
    static const struct oidc_rules rules = {"https://issuer.example/", "aud", NOW};
    CHECK_INT(oidc_check(S(token), &keys, &rules, &identity, &reason), OIDC_WRONG);
}

TEST(token_form, "any change of a token's text is noticed")
{
    const char *reason;
    static const struct oidc_rules rules = {"https://issuer.example/", "aud", NOW};
    make_key();
    CHECK_INT(check_token(HEADER, "{" BASE ",\"aud\":\"aud\"}"), OIDC_GOOD);
    size_t size = strlen(token);
    for (size_t i = 0; i < size; i++) {
        CHECK(oidc_check(span_of(token, i), &keys, &rules, &identity, &reason) != OIDC_GOOD);
        token[i] ^= 1;
        CHECK(oidc_check(S(token), &keys, &rules, &identity, &reason) != OIDC_GOOD);
        token[i] ^= 1;
    }
    token[size] = '.';
    CHECK(oidc_check(span_of(token, size + 1), &keys, &rules, &identity, &reason) != OIDC_GOOD);
    CHECK(oidc_check((struct span){0}, &keys, &rules, &identity, &reason) != OIDC_GOOD);
}

TEST(thumbprint, "keys have the names of RFC 7638, section 3.1")
{
    static const char rsa[] =
        "{\"kty\":\"RSA\",\"n\":"
        "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxu"
        "hDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"
        "65YGjQ"
        "R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
        "bFTWhAI4vMQF"
        "h6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":"
        "\"AQAB\","
        "\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}";
    uint8_t out[JWK_THUMBPRINT_SIZE];
    char text[64];
    struct crypto_jose_key *key;
    CHECK_INT(jwk_thumbprint(S(rsa), out), 0);
    encode(span_of(out, sizeof(out)), text);
    CHECK_STR(text, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    CHECK_INT(jwk_parse(S(rsa), &key), 0);
    crypto_jose_key_free(key);
    CHECK_INT(jwk_parse(S("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"\",\"y\":\"\"}"), &key),
              -EOPNOTSUPP);
    CHECK_INT(jwk_parse(S("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}"), &key),
              -EINVAL);
    CHECK_INT(jwk_parse(S("{}"), &key), -EINVAL);
    make_key();
    char other[512];
    snprintf(other, sizeof(other), "{\"use\":\"enc\",%s", jwk + 1);
    CHECK_INT(jwk_parse(S(other), &key), -EOPNOTSUPP);
    snprintf(other, sizeof(other), "{\"alg\":\"RS256\",%s", jwk + 1);
    CHECK_INT(jwk_parse(S(other), &key), -EOPNOTSUPP);
    snprintf(other, sizeof(other), "{\"key_ops\":[\"sign\"],%s", jwk + 1);
    CHECK_INT(jwk_parse(S(other), &key), -EOPNOTSUPP);
    snprintf(other, sizeof(other), "{\"key_ops\":[\"verify\"],%s", jwk + 1);
    CHECK_INT(jwk_parse(S(other), &key), 0);
    crypto_jose_key_free(key);
}

TEST(flattened, "a signature over a tag is good for this tag and no other")
{
    char header[512], message[1024], text[2048], signature_text[128];
    uint8_t signature[64], memory[2048];
    struct span payload = SPAN_LITERAL("{\"length\":3}"), other = SPAN_LITERAL("{\"length\":4}");
    struct jws_signed result;
    make_key();
    snprintf(text, sizeof(text), "{\"alg\":\"ES256\",\"jwk\":%s}", jwk);
    encode(S(text), header);
    size_t size = (size_t)snprintf(message, sizeof(message), "%s.", header);
    encode(payload, message + size);
    sign_raw(S(message), signature);
    encode(span_of(signature, 64), signature_text);
    snprintf(text, sizeof(text), "{\"protected\":\"%s\",\"signature\":\"%s\"}", header,
             signature_text);
    CHECK_INT(jws_verify_flattened(S(text), &payload, memory, sizeof(memory), &result), 0);
    CHECK(result.detached);
    CHECK_INT(jws_verify_flattened(S(text), &other, memory, sizeof(memory), &result), -EBADMSG);
    CHECK_INT(jws_verify_flattened(S(text), NULL, memory, sizeof(memory), &result), -EINVAL);
    CHECK_INT(jws_verify_flattened(S(text), &payload, memory, 10, &result), -EINVAL);
    snprintf(text, sizeof(text), "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
             header, message + size, signature_text);
    CHECK_INT(jws_verify_flattened(S(text), NULL, memory, sizeof(memory), &result), 0);
    CHECK(!result.detached && span_equal(result.payload, payload));
    CHECK_INT(jws_verify_flattened(S(text), &other, memory, sizeof(memory), &result), -EBADMSG);
    snprintf(text, sizeof(text), "{\"protected\":\"%s\",\"header\":{},\"signature\":\"%s\"}",
             header, signature_text);
    CHECK_INT(jws_verify_flattened(S(text), &payload, memory, sizeof(memory), &result), -EINVAL);
}

TEST(signing, "a signature that is made here is one that a server takes")
{
    char buffer[2048];
    uint8_t memory[2048], thumbprint[JWK_THUMBPRINT_SIZE];
    struct span payload = SPAN_LITERAL("{\"length\":3}"), other = SPAN_LITERAL("{\"length\":4}");
    struct jws_signed result;
    for (unsigned i = 0; i < 64; i++) { /* r and s have leading zeros now and then */
        struct text text = text_init(buffer, sizeof(buffer));
        make_key();
        CHECK_INT(jws_sign_detached(signer, payload, &text, thumbprint), 0);
        struct span jws = text_span(&text);
        CHECK_INT(jws_verify_flattened(jws, &payload, memory, sizeof(memory), &result), 0);
        CHECK(memcmp(result.thumbprint, thumbprint, sizeof(thumbprint)) == 0);
        CHECK_INT(jws_verify_flattened(jws, &other, memory, sizeof(memory), &result), -EBADMSG);
    }
    struct text text = text_init(buffer, 100);
    CHECK_INT(jws_sign_detached(signer, payload, &text, thumbprint), -EINVAL);
    struct crypto_signer *p384;
    CHECK_INT(crypto_signer_generate(X509_KEY_P384, &p384), 0);
    text = text_init(buffer, sizeof(buffer));
    CHECK_INT(jws_sign_detached(p384, payload, &text, thumbprint), -EINVAL);
    crypto_signer_free(p384);
}

TEST(discovery, "the key set is where the provider that was asked says")
{
    char uri[OIDC_URL_MAX];
    CHECK_INT(
        oidc_parse_discovery(S("{\"issuer\":\"https://a\",\"jwks_uri\":\"https:\\/\\/a\\/jwks\"}"),
                             "https://a/", uri, NULL),
        0);
    CHECK_STR(uri, "https://a/jwks");
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"issuer\":\"https://b\",\"jwks_uri\":\"https://a/jwks\"}",
        "{\"issuer\":\"https://a\"}",
        "{\"issuer\":\"https://a\",\"jwks_uri\":7}",
        "{\"issuer\":\"https://a\",\"jwks_uri\":\"https://a/\\u0000\"}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(oidc_parse_discovery(S(wrong[i]), "https://a", uri, NULL) < 0);
    static const char *const no_sets[] = {
        "", "[]", "{}", "{\"keys\":7}", "{\"keys\":[]}", "{\"keys\":[{}]}", "{\"keys\":[7]}"};
    for (size_t i = 0; i < sizeof(no_sets) / sizeof(no_sets[0]); i++)
        CHECK_INT(jwk_set_parse(S(no_sets[i]), &keys), -EINVAL);
}

TAP_MAIN()
