// SPDX-License-Identifier: Apache-2.0
#include "authority.h"

#include "tap.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { BUFFER_SIZE = 64 * 1024 };

struct test_key {
    EVP_PKEY *pair;
    enum x509_key_kind kind;
    struct span info, point;
};

#define OID_ECDSA_SHA256 SPAN_LITERAL("\x2A\x86\x48\xCE\x3D\x04\x03\x02")
#define OID_ECDSA_SHA384 SPAN_LITERAL("\x2A\x86\x48\xCE\x3D\x04\x03\x03")

static struct span keep(struct span bytes)
{
    uint8_t *copy = tap_memory(bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    return span_of(copy, bytes.size);
}

struct test_key *test_key_new(enum x509_key_kind kind)
{
    struct test_key *key = tap_memory(sizeof(*key));
    uint8_t point[128];
    size_t size = 0;
    unsigned char *info = NULL;
    key->kind = kind;
    key->pair = EVP_EC_gen(kind == X509_KEY_P384 ? "P-384" : "P-256");
    CHECK(key->pair != NULL);
    int length = i2d_PUBKEY(key->pair, &info);
    CHECK(length > 0);
    key->info = keep(span_of(info, (size_t)length));
    OPENSSL_free(info);
    CHECK(EVP_PKEY_get_octet_string_param(key->pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
                                          &size) == 1);
    key->point = keep(span_of(point + 1, size - 1));
    return key;
}

struct span test_key_info(const struct test_key *key)
{
    return key->info;
}

struct span test_key_point(const struct test_key *key)
{
    return key->point;
}

static struct span sign(const struct test_key *key, struct span message)
{
    uint8_t signature[256];
    size_t size = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = key->kind == X509_KEY_P384 ? EVP_sha384() : EVP_sha256();
    CHECK(EVP_DigestSignInit(context, NULL, hash, NULL, key->pair) == 1);
    CHECK(EVP_DigestSign(context, signature, &size, message.data, message.size) == 1);
    EVP_MD_CTX_free(context);
    return keep(span_of(signature, size));
}

struct span test_sign_raw(const struct test_key *key, struct span message)
{
    size_t half = key->point.size / 2;
    uint8_t raw[96] = {0};
    struct der top = der_of(sign(key, message));
    struct der pair = der_enter(&top, DER_SEQUENCE);
    for (size_t i = 0; i < 2; i++) {
        struct span number = der_unsigned(&pair);
        memcpy(raw + (i + 1) * half - number.size, number.data, number.size);
    }
    CHECK(der_end(&pair));
    return keep(span_of(raw, 2 * half));
}

static struct der_writer new_writer(void)
{
    return der_writer_of(tap_memory(BUFFER_SIZE), BUFFER_SIZE);
}

static struct span finish(const struct der_writer *writer)
{
    CHECK(!writer->overflow);
    return der_written(writer);
}

struct span test_der(uint8_t tag, struct span value)
{
    struct der_writer writer = new_writer();
    der_put(&writer, tag, value);
    return finish(&writer);
}

struct span test_der_uint(uint64_t number)
{
    struct der_writer writer = new_writer();
    der_put_uint(&writer, number);
    return finish(&writer);
}

struct span test_join(const struct span *parts, size_t count)
{
    struct der_writer writer = new_writer();
    while (count > 0)
        der_put_raw(&writer, parts[--count]);
    return finish(&writer);
}

struct span test_extension(const char *oid, size_t oid_size, bool critical, struct span value)
{
    struct der_writer writer = new_writer();
    size_t mark = der_mark(&writer);
    der_put(&writer, DER_OCTET_STRING, value);
    if (critical)
        der_put(&writer, DER_BOOLEAN, SPAN_LITERAL("\xFF"));
    der_put(&writer, DER_OID, span_of(oid, oid_size));
    der_close(&writer, DER_SEQUENCE, mark);
    return finish(&writer);
}

static void put_algorithm(struct der_writer *writer, const struct test_key *signer)
{
    size_t mark = der_mark(writer);
    der_put(writer, DER_OID, signer->kind == X509_KEY_P384 ? OID_ECDSA_SHA384 : OID_ECDSA_SHA256);
    der_close(writer, DER_SEQUENCE, mark);
}

static void put_name(struct der_writer *writer, const char *common)
{
    size_t mark = der_mark(writer);
    if (common) {
        der_put(writer, DER_UTF8, span_of(common, strlen(common)));
        der_put(writer, DER_OID, SPAN_LITERAL("\x55\x04\x03"));
        der_close(writer, DER_SEQUENCE, mark);
        der_close(writer, DER_SET, mark);
    }
    der_close(writer, DER_SEQUENCE, mark);
}

/* SEQUENCE { body, algorithm, signature }. */
static struct span wrap(struct span body, const struct test_key *signer)
{
    struct der_writer writer = new_writer();
    size_t mark = der_mark(&writer);
    der_put_bits(&writer, sign(signer, body));
    put_algorithm(&writer, signer);
    der_put_raw(&writer, body);
    der_close(&writer, DER_SEQUENCE, mark);
    return finish(&writer);
}

static void put_authority(struct der_writer *writer, int path_length)
{
    size_t mark = der_mark(writer);
    if (path_length >= 0)
        der_put_uint(writer, (uint64_t)path_length);
    der_put(writer, DER_BOOLEAN, SPAN_LITERAL("\xFF"));
    der_close(writer, DER_SEQUENCE, mark);
    der_close(writer, DER_OCTET_STRING, mark);
    der_put(writer, DER_BOOLEAN, SPAN_LITERAL("\xFF"));
    der_put(writer, DER_OID, SPAN_LITERAL("\x55\x1D\x13"));
    der_close(writer, DER_SEQUENCE, mark);
}

struct span test_certificate_make(const struct test_certificate *certificate)
{
    struct der_writer writer = new_writer();
    size_t mark = der_mark(&writer);
    if (certificate->authority)
        put_authority(&writer, certificate->path_length);
    der_put_raw(&writer, certificate->extensions);
    der_close(&writer, DER_SEQUENCE, mark);
    der_close(&writer, DER_CONTEXT_CONSTRUCTED | 3, mark);
    der_put_raw(&writer, certificate->key->info);
    put_name(&writer, certificate->subject);
    size_t validity = der_mark(&writer);
    der_put_time(&writer, certificate->until);
    der_put_time(&writer, certificate->from);
    der_close(&writer, DER_SEQUENCE, validity);
    put_name(&writer, certificate->issuer);
    put_algorithm(&writer, certificate->signer);
    der_put_uint(&writer, certificate->serial);
    size_t version = der_mark(&writer);
    der_put_uint(&writer, 2);
    der_close(&writer, DER_CONTEXT_CONSTRUCTED | 0, version);
    der_close(&writer, DER_SEQUENCE, mark);
    return wrap(finish(&writer), certificate->signer);
}

struct span test_crl_make(const char *issuer, const struct test_key *signer, int64_t from,
                          int64_t until, const uint64_t *serials, size_t count)
{
    struct der_writer writer = new_writer();
    size_t mark = der_mark(&writer);
    for (size_t i = 0; i < count; i++) {
        size_t entry = der_mark(&writer);
        der_put_time(&writer, from);
        der_put_uint(&writer, serials[i]);
        der_close(&writer, DER_SEQUENCE, entry);
    }
    if (count > 0)
        der_close(&writer, DER_SEQUENCE, mark);
    der_put_time(&writer, until);
    der_put_time(&writer, from);
    put_name(&writer, issuer);
    put_algorithm(&writer, signer);
    der_put_uint(&writer, 1);
    der_close(&writer, DER_SEQUENCE, mark);
    return wrap(finish(&writer), signer);
}

struct span test_request_make(const struct test_key *key, struct span extensions)
{
    struct der_writer writer = new_writer();
    size_t mark = der_mark(&writer);
    der_put_raw(&writer, extensions);
    der_close(&writer, DER_SEQUENCE, mark);
    der_close(&writer, DER_SET, mark);
    der_put(&writer, DER_OID, SPAN_LITERAL("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x0E"));
    der_close(&writer, DER_SEQUENCE, mark);
    der_close(&writer, DER_CONTEXT_CONSTRUCTED | 0, mark);
    der_put_raw(&writer, key->info);
    put_name(&writer, NULL);
    der_put_uint(&writer, 0);
    der_close(&writer, DER_SEQUENCE, mark);
    return wrap(finish(&writer), key);
}
