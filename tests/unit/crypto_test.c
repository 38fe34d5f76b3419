// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"
#include "crypto/crypto.h"
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
    check_hash(CRYPTO_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_hash(CRYPTO_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086"
                              "072ba1e7cc2358baeca134c825a7");
    check_hash(CRYPTO_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192"
                              "992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
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
