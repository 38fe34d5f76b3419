// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"
#include "crypto/crypto.h"
#include "crypto/jose.h"
#include "tap.h"
#include "vectors.h"

#include <errno.h>

static void check_hash(enum crypto_hash hash, const char *wanted)
{
    uint8_t out[CRYPTO_HASH_MAX];
    char text[2 * CRYPTO_HASH_MAX + 1];
    const struct span parts[] = {SPAN_INIT("a"), SPAN_INIT(""), SPAN_INIT("bc")};
    CHECK_INT(crypto_hash(hash, parts, 3, out), 0);
    hex_encode(span_of(out, crypto_hash_size(hash)), text);
    CHECK_STR(text, wanted);
}

TEST(hashes, "hashes are those of FIPS 180-4")
{
    check_hash(CRYPTO_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
    check_hash(CRYPTO_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_hash(CRYPTO_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086"
                              "072ba1e7cc2358baeca134c825a7");
    check_hash(CRYPTO_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192"
                              "992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(hasher, "a hash of pieces is that of the whole, and a hasher begins anew")
{
    uint8_t out[CRYPTO_HASH_MAX], wanted[CRYPTO_HASH_MAX];
    struct span whole = SPAN_LITERAL("abc"), first = SPAN_LITERAL("a"), rest = SPAN_LITERAL("bc");
    struct crypto_hasher *hasher = crypto_hasher_new(CRYPTO_SHA512);
    CHECK(hasher && crypto_hash(CRYPTO_SHA512, &whole, 1, wanted) == 0);
    for (int round = 0; round < 2; round++) {
        CHECK(crypto_hasher_add(hasher, first) == 0 && crypto_hasher_add(hasher, rest) == 0);
        CHECK_INT(crypto_hasher_end(hasher, out), 0);
        CHECK(crypto_equal(out, wanted, crypto_hash_size(CRYPTO_SHA512)));
    }
    out[63] ^= 1;
    CHECK(!crypto_equal(out, wanted, 64));
    crypto_hasher_free(hasher);
}

static size_t from_url(const char *text, uint8_t *out)
{
    size_t size;
    CHECK_INT(base64url_decode(span_of(text, strlen(text)), out, &size), 0);
    return size;
}

TEST(jose_ed25519, "EdDSA signatures are those of RFC 8037, appendix A.4")
{
    uint8_t x[48], signature[96];
    struct crypto_jose_key *key;
    size_t size = from_url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", x);
    CHECK_INT(crypto_jose_ed25519(span_of(x, size), &key), 0);
    CHECK_INT(crypto_jose_key_algorithm(key), CRYPTO_EDDSA);
    size = from_url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
                    "9g7sVvpAr_MuM0KAg",
                    signature);
    struct span message = SPAN_LITERAL("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    CHECK_INT(crypto_jose_verify(key, message, span_of(signature, size)), 0);
    message.size--;
    CHECK_INT(crypto_jose_verify(key, message, span_of(signature, size)), -EBADMSG);
    message.size++;
    CHECK_INT(crypto_jose_verify(key, message, span_of(signature, size - 1)), -EBADMSG);
    CHECK_INT(crypto_jose_verify(key, message, (struct span){0}), -EBADMSG);
    crypto_jose_key_free(key);
}

TEST(jose_p256, "ES256 signatures are those of RFC 7515, appendix A.3")
{
    uint8_t x[48], y[48], signature[96];
    struct crypto_jose_key *key;
    from_url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", x);
    from_url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", y);
    CHECK_INT(crypto_jose_p256(span_of(x, 32), span_of(y, 32), &key), 0);
    size_t size = from_url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8IS"
                           "lSApmWQxfKTUJqPP3-Kg6NU1Q",
                           signature);
    struct span message = SPAN_LITERAL(
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ");
    CHECK_INT(crypto_jose_verify(key, message, span_of(signature, size)), 0);
    signature[0] ^= 1;
    CHECK_INT(crypto_jose_verify(key, message, span_of(signature, size)), -EBADMSG);
    memset(signature, 0, sizeof(signature)); /* r = s = 0 */
    CHECK_INT(crypto_jose_verify(key, message, span_of(signature, size)), -EBADMSG);
    CHECK_INT(crypto_jose_verify(key, message, span_of(signature, 63)), -EBADMSG);
    crypto_jose_key_free(key);
    y[0] ^= 1;
    CHECK_INT(crypto_jose_p256(span_of(x, 32), span_of(y, 32), &key), -EINVAL);
    CHECK_INT(crypto_jose_p256(span_of(x, 31), span_of(y, 32), &key), -EINVAL);
}

TEST(jose_rsa, "RSA keys that are short or have another exponent are refused")
{
    static const uint8_t modulus[512] = {0x80, [511] = 1}, exponent[] = {1, 0, 1}, small[] = {3};
    struct crypto_jose_key *key;
    struct span e = span_of(exponent, sizeof(exponent));
    CHECK_INT(crypto_jose_rsa(span_of(modulus, 255), e, &key), -EINVAL);
    CHECK_INT(crypto_jose_rsa(span_of(modulus, 0), e, &key), -EINVAL);
    CHECK_INT(crypto_jose_rsa(span_of(modulus, 512), span_of(small, 1), &key), -EINVAL);
    CHECK_INT(crypto_jose_rsa(span_of(modulus + 1, 511), e, &key), -EINVAL);
    CHECK_INT(crypto_jose_rsa(span_of(modulus, 512), e, &key), 0);
    CHECK_INT(crypto_jose_verify(key, SPAN_LITERAL("x"), span_of(modulus, 512)), -EBADMSG);
    CHECK_STR(crypto_jose_name(crypto_jose_key_algorithm(key)), "RS256");
    crypto_jose_key_free(key);
}

TEST(signatures, "a genuine list verifies under its algorithm and key, and under no other")
{
    struct vector ask = vector_load("trust/amd/genoa_ask_REVOKED_020001.der");
    struct vector list = vector_load("trust/amd/genoa_crl_20221031.der");
    struct x509_certificate certificate;
    struct x509_crl crl;
    CHECK_INT(x509_parse(span_of(ask.data, ask.size), &certificate), 0);
    CHECK_INT(x509_crl_parse(span_of(list.data, list.size), &crl), 0);
    CHECK_INT(crl.signature.algorithm, X509_PSS_SHA384);
    CHECK(x509_crl_lists(&crl, certificate.serial));
    CHECK(!x509_crl_lists(&crl, (struct span){0}));
    /* The ASK did not sign the list: ARK-Genoa did. */
    CHECK_INT(crypto_verify(&certificate.key, &crl.signature), -EBADMSG);
    crl.signature.algorithm = X509_ECDSA_SHA384;
    CHECK_INT(crypto_verify(&certificate.key, &crl.signature), -EINVAL);
    crl.signature.algorithm = X509_ALGORITHM_OTHER;
    CHECK_INT(crypto_verify(&certificate.key, &crl.signature), -EINVAL);
}

TEST(raw, "raw signatures of odd or oversized length are refused, and so is a point off the curve")
{
    uint8_t point[65] = {0x04, 1}, signature[400] = {1};
    struct x509_key key = {.kind = X509_KEY_P256, .point = span_of(point, sizeof(point))};
    CHECK_INT(crypto_verify_raw(&key, X509_ECDSA_SHA256, SPAN_LITERAL("x"), span_of(signature, 64)),
              -EINVAL);
    CHECK_INT(crypto_verify_raw(&key, X509_ECDSA_SHA256, SPAN_LITERAL("x"), span_of(signature, 63)),
              -EINVAL);
    CHECK_INT(
        crypto_verify_raw(&key, X509_ECDSA_SHA256, SPAN_LITERAL("x"), span_of(signature, 400)),
        -EINVAL);
    CHECK_INT(crypto_verify_raw(&key, X509_PSS_SHA384, SPAN_LITERAL("x"), span_of(signature, 64)),
              -EINVAL);
}

TAP_MAIN()
