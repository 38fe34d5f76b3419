// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"
#include "crypto/crypto.h"
#include "crypto/jose.h"
#include "crypto/seal.h"
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

static struct span from_hex(const char *text, uint8_t *out)
{
    size_t size = strlen(text) / 2;
    CHECK(hex_decode(span_of(text, strlen(text)), out, size) == 0);
    return span_of(out, size);
}

/* RFC 5869, appendix A.1 to A.3. */
TEST(derive, "keys are derived as RFC 5869 has them")
{
    static const struct {
        const char *secret, *salt, *info, *key;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
         "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
         "404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
         "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
         "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
         "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
         "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
         "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
         "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t secret[128], salt[128], info[128], out[128];
        char text[2 * sizeof(out) + 1];
        size_t size = strlen(cases[i].key) / 2;
        CHECK_INT(seal_derive(from_hex(cases[i].secret, secret), from_hex(cases[i].salt, salt),
                              from_hex(cases[i].info, info), out, size),
                  0);
        hex_encode(span_of(out, size), text);
        CHECK_STR(text, cases[i].key);
    }
    uint8_t out[1];
    CHECK_INT(seal_derive(SPAN_LITERAL(""), SPAN_LITERAL(""), SPAN_LITERAL(""), out, 1), -EINVAL);
    CHECK_INT(seal_derive(SPAN_LITERAL("x"), SPAN_LITERAL(""), SPAN_LITERAL(""), out, 0), -EINVAL);
    CHECK_INT(seal_derive(SPAN_LITERAL("x"), SPAN_LITERAL(""), SPAN_LITERAL(""), out,
                          SEAL_DERIVED_MAX + 1),
              -EINVAL);
}

/* The Galois/Counter Mode of Operation, McGrew and Viega, test case 16: AES-256 with bound bytes.
 */
TEST(seal, "AES-256-GCM is that of its specification, and whatever was changed is refused")
{
    uint8_t key[SEAL_KEY_SIZE], nonce[SEAL_NONCE_SIZE], plain[60], bound[20], out[76], back[60];
    char text[2 * sizeof(out) + 1];
    from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
    from_hex("cafebabefacedbaddecaf888", nonce);
    from_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
             "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
             plain);
    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", bound);
    struct sealer *sealer = sealer_new();
    CHECK(sealer && sealer_set_key(sealer, key) == 0);
    struct span about = span_of(bound, sizeof(bound)), sealed = span_of(out, sizeof(out));
    CHECK_INT(sealer_seal(sealer, nonce, about, span_of(plain, sizeof(plain)), out), 0);
    hex_encode(sealed, text);
    CHECK_STR(text, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                    "76fc6ece0f4e1768cddf8853bb2d551b");
    CHECK_INT(sealer_open(sealer, nonce, about, sealed, back), 0);
    CHECK(memcmp(plain, back, sizeof(plain)) == 0);
    for (size_t i = 0; i < sizeof(out); i++) {
        out[i] ^= 1;
        CHECK_INT(sealer_open(sealer, nonce, about, sealed, back), -EBADMSG);
        CHECK(back[0] == 0 && back[59] == 0);
        out[i] ^= 1;
    }
    bound[3] ^= 1;
    CHECK_INT(sealer_open(sealer, nonce, about, sealed, back), -EBADMSG);
    bound[3] ^= 1;
    CHECK_INT(sealer_open(sealer, nonce, about, span_of(out, SEAL_TAG_SIZE - 1), back), -EBADMSG);
    nonce[0] ^= 1;
    CHECK_INT(sealer_open(sealer, nonce, about, sealed, back), -EBADMSG);
    sealer_free(sealer);
    sealer_free(NULL);
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
