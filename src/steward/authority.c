// SPDX-License-Identifier: Apache-2.0
#include "steward/authority.h"

#include "codec/base64.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SERIAL_SIZE = 16,
    KEY_ID_SIZE = 20,
    YEAR = 365 * 24 * 3600,
    SAN_DNS = DER_CONTEXT | 2,
    SAN_URI = DER_CONTEXT | 6,
};

#define OID_KEY_ID       SPAN_LITERAL("\x55\x1D\x0E")
#define OID_KEY_USAGE    SPAN_LITERAL("\x55\x1D\x0F")
#define OID_ALT_NAME     SPAN_LITERAL("\x55\x1D\x11")
#define OID_CONSTRAINTS  SPAN_LITERAL("\x55\x1D\x13")
#define OID_ISSUER_ID    SPAN_LITERAL("\x55\x1D\x23")
#define OID_EXTENDED     SPAN_LITERAL("\x55\x1D\x25")
#define OID_SERVER       SPAN_LITERAL("\x2B\x06\x01\x05\x05\x07\x03\x01")
#define OID_CLIENT       SPAN_LITERAL("\x2B\x06\x01\x05\x05\x07\x03\x02")
#define OID_RESULT       SPAN_LITERAL("\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01\x07")
#define OID_UNPROTECTED  SPAN_LITERAL("\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01\x01")
#define OID_COMMON_NAME  SPAN_LITERAL("\x55\x04\x03")
#define OID_ECDSA_SHA256 SPAN_LITERAL("\x2A\x86\x48\xCE\x3D\x04\x03\x02")
#define OID_ECDSA_SHA384 SPAN_LITERAL("\x2A\x86\x48\xCE\x3D\x04\x03\x03")

/* Closes an extension whose value was written since `mark`. */
static void close_extension(struct der_writer *writer, size_t mark, struct span oid, bool critical)
{
    der_close(writer, DER_OCTET_STRING, mark);
    if (critical)
        der_put(writer, DER_BOOLEAN, SPAN_LITERAL("\xFF"));
    der_put(writer, DER_OID, oid);
    der_close(writer, DER_SEQUENCE, mark);
}

static void put_algorithm(struct der_writer *writer, const struct crypto_signer *signer)
{
    size_t mark = der_mark(writer);
    bool strong = crypto_signer_kind(signer) == X509_KEY_P384;
    der_put(writer, DER_OID, strong ? OID_ECDSA_SHA384 : OID_ECDSA_SHA256);
    der_close(writer, DER_SEQUENCE, mark);
}

/* What a key is called: the leftmost bytes of the SHA-256 of its info (RFC 7093). */
static int key_id(struct span info, uint8_t id[CRYPTO_HASH_MAX])
{
    return crypto_hash(CRYPTO_SHA256, &info, 1, id);
}

/* What an authority's key is called is said in its own certificate. */
static struct span issuer_key_id(const struct x509_certificate *issuer, uint8_t id[CRYPTO_HASH_MAX])
{
    struct x509_extension extension;
    if (x509_extension_find(issuer->extensions, OID_KEY_ID, &extension)) {
        struct der der = der_of(extension.value);
        struct span said = der_take(&der, DER_OCTET_STRING);
        if (der_end(&der))
            return said;
    }
    return key_id(issuer->key.info, id) == 0 ? span_of(id, KEY_ID_SIZE) : (struct span){0};
}

static void put_key_ids(struct der_writer *writer, struct span own, struct span issuer)
{
    size_t mark = der_mark(writer);
    if (issuer.size > 0) {
        der_put(writer, DER_CONTEXT | 0, issuer);
        der_close(writer, DER_SEQUENCE, mark);
        close_extension(writer, mark, OID_ISSUER_ID, false);
    }
    mark = der_mark(writer);
    der_put(writer, DER_OCTET_STRING, own);
    close_extension(writer, mark, OID_KEY_ID, false);
}

/* A BIT STRING of one byte, of which so many low bits are not used. */
static void put_usage(struct der_writer *writer, uint8_t bits, uint8_t unused)
{
    const uint8_t value[] = {unused, bits};
    size_t mark = der_mark(writer);
    der_put(writer, DER_BIT_STRING, span_of(value, sizeof(value)));
    close_extension(writer, mark, OID_KEY_USAGE, true);
}

static int put_serial(struct der_writer *writer)
{
    uint8_t serial[SERIAL_SIZE];
    if (crypto_random(serial, sizeof(serial)) < 0)
        return -ENOMEM;
    serial[0] = (serial[0] & 0x7F) | 0x40; /* positive and always as long */
    der_put_unsigned(writer, span_of(serial, sizeof(serial)));
    return 0;
}

/* Everything before the extensions, which were written since `mark`; then the signature. */
struct body {
    const struct crypto_signer *signer;
    struct span issuer, subject, key;
    int64_t from, until;
};

static int finish(struct der_writer *writer, size_t mark, const struct body *body,
                  struct span *certificate)
{
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t size;
    der_close(writer, DER_SEQUENCE, mark);
    der_close(writer, DER_CONTEXT_CONSTRUCTED | 3, mark);
    der_put_raw(writer, body->key);
    der_put_raw(writer, body->subject);
    size_t validity = der_mark(writer);
    der_put_time(writer, body->until);
    der_put_time(writer, body->from);
    der_close(writer, DER_SEQUENCE, validity);
    der_put_raw(writer, body->issuer);
    put_algorithm(writer, body->signer);
    if (put_serial(writer) < 0)
        return -ENOMEM;
    size_t version = der_mark(writer);
    der_put_uint(writer, 2);
    der_close(writer, DER_CONTEXT_CONSTRUCTED | 0, version);
    der_close(writer, DER_SEQUENCE, mark);
    if (writer->overflow)
        return -ENOSPC;
    /* The signature stands behind what is signed, so that is moved to the front of the buffer. */
    struct span signed_bytes = der_written(writer);
    if (crypto_sign(body->signer, signed_bytes, signature, &size) < 0)
        return -ENOMEM;
    memmove(writer->buffer, signed_bytes.data, signed_bytes.size);
    signed_bytes.data = writer->buffer;
    struct der_writer outer =
        der_writer_of(writer->buffer + signed_bytes.size, writer->end - signed_bytes.size);
    size_t end = der_mark(&outer);
    der_put_bits(&outer, span_of(signature, size));
    put_algorithm(&outer, body->signer);
    der_put_raw(&outer, signed_bytes);
    der_close(&outer, DER_SEQUENCE, end);
    *certificate = der_written(&outer);
    return outer.overflow ? -ENOSPC : 0;
}

static void put_alt_names(struct der_writer *writer, const struct issue *issue)
{
    char uri[ATTEST_URI_SIZE];
    size_t mark = der_mark(writer), count = 0;
    while (attest_result_uri(issue->verdict, count, uri))
        count++;
    while (count > 0 && attest_result_uri(issue->verdict, --count, uri))
        der_put(writer, SAN_URI, span_of(uri, strlen(uri)));
    if (issue->dns)
        der_put(writer, SAN_DNS, span_of(issue->dns, strlen(issue->dns)));
    der_close(writer, DER_SEQUENCE, mark);
    /* RFC 5280 section 4.2.1.6: critical if the subject is empty. */
    close_extension(writer, mark, OID_ALT_NAME, issue->subject.size <= 2);
}

static int put_leaf_extensions(struct der_writer *writer, const struct issue *issue)
{
    uint8_t buffer[ISSUED_MAX / 2], own[CRYPTO_HASH_MAX], issuer[CRYPTO_HASH_MAX];
    struct attest_bytes result;
    struct span key = span_of(issue->verdict->public_key.data, issue->verdict->public_key.size);
    if (attest_result_write(issue->verdict, buffer, sizeof(buffer), &result) < 0)
        return -ENOSPC;
    size_t mark = der_mark(writer);
    if (issue->verdict->technology == ATTEST_KVM)
        close_extension(writer, mark, OID_UNPROTECTED, false);
    mark = der_mark(writer);
    der_put_raw(writer, span_of(result.data, result.size));
    close_extension(writer, mark, OID_RESULT, false);
    put_alt_names(writer, issue);
    mark = der_mark(writer);
    der_put(writer, DER_OID, OID_CLIENT);
    der_put(writer, DER_OID, OID_SERVER);
    der_close(writer, DER_SEQUENCE, mark);
    close_extension(writer, mark, OID_EXTENDED, false);
    put_usage(writer, 0x80, 7); /* digitalSignature */
    if (key_id(key, own) < 0)
        return -ENOMEM;
    put_key_ids(writer, span_of(own, KEY_ID_SIZE),
                issuer_key_id(&issue->authority->parsed, issuer));
    mark = der_mark(writer);
    der_close(writer, DER_SEQUENCE, mark); /* no authority: the default, which is left out */
    close_extension(writer, mark, OID_CONSTRAINTS, true);
    return 0;
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int authority_issue(const struct issue *issue, uint8_t buffer[ISSUED_MAX], struct span *certificate)
{
    const struct x509_certificate *own = &issue->authority->parsed;
    int64_t until = earliest(issue->now + issue->lifetime, own->not_after);
    struct body body = {
        .signer = issue->authority->signer,
        .issuer = own->subject,
        .subject = issue->subject,
        .key = span_of(issue->verdict->public_key.data, issue->verdict->public_key.size),
        .from = issue->now,
        .until = earliest(until, issue->verdict->valid_until),
    };
    struct der_writer writer = der_writer_of(buffer, ISSUED_MAX);
    size_t mark = der_mark(&writer);
    int status = put_leaf_extensions(&writer, issue);
    return status == 0 ? finish(&writer, mark, &body, certificate) : status;
}

static int adopt(struct authority *authority, struct span certificate, struct err *err)
{
    authority->certificate = malloc(certificate.size + 1);
    if (!authority->certificate)
        return err_set(err, ERR_IO, ENOMEM, "cannot keep the certificate of the Steward");
    memcpy(authority->certificate, certificate.data, certificate.size);
    authority->certificate_size = certificate.size;
    if (x509_parse(span_of(authority->certificate, certificate.size), &authority->parsed) < 0)
        return err_set(err, ERR_CONFIG, 0,
                       "the certificate of the Steward is not one of version 3 in PEM or DER");
    return 0;
}

int authority_generate(struct authority *authority, const char *host, int64_t now, struct err *err)
{
    uint8_t buffer[ISSUED_MAX], name_buffer[512], id[CRYPTO_HASH_MAX];
    struct span certificate;
    *authority = (struct authority){0};
    struct der_writer name = der_writer_of(name_buffer, sizeof(name_buffer));
    size_t mark = der_mark(&name);
    der_put(&name, DER_UTF8, span_of(host, strlen(host)));
    der_put(&name, DER_OID, OID_COMMON_NAME);
    der_close(&name, DER_SEQUENCE, mark);
    der_close(&name, DER_SET, mark);
    der_close(&name, DER_SEQUENCE, mark);
    if (name.overflow || crypto_signer_generate(X509_KEY_P256, &authority->signer) < 0)
        return err_set(err, ERR_CONFIG, 0, "cannot make a certificate authority for \"%.64s\"",
                       host);
    struct span info = crypto_signer_info(authority->signer);
    struct body body = {authority->signer, der_written(&name), der_written(&name), info, now,
                        now + YEAR};
    struct der_writer writer = der_writer_of(buffer, sizeof(buffer));
    mark = der_mark(&writer);
    put_usage(&writer, 0x06, 1); /* keyCertSign, cRLSign */
    if (key_id(info, id) == 0)
        put_key_ids(&writer, span_of(id, KEY_ID_SIZE), (struct span){0});
    size_t constraints = der_mark(&writer);
    der_put_uint(&writer, 0);
    der_put(&writer, DER_BOOLEAN, SPAN_LITERAL("\xFF"));
    der_close(&writer, DER_SEQUENCE, constraints);
    close_extension(&writer, constraints, OID_CONSTRAINTS, true);
    if (finish(&writer, mark, &body, &certificate) < 0)
        return err_set(err, ERR_INTERNAL, 0, "cannot sign the certificate of the authority");
    return adopt(authority, certificate, err);
}

static int check_authority(const struct authority *authority, int64_t now, struct err *err)
{
    const struct x509_certificate *own = &authority->parsed;
    if (!span_equal(own->key.info, crypto_signer_info(authority->signer)))
        return err_set(err, ERR_CONFIG, 0,
                       "the key of the Steward does not belong to its certificate");
    if (!own->is_authority || (own->has_usage && !(own->usage & X509_KEY_CERT_SIGN)))
        return err_set(err, ERR_CONFIG, 0,
                       "the certificate of the Steward may not sign certificates");
    if (now < own->not_before || now > own->not_after)
        return err_set(err, ERR_CONFIG, 0, "the certificate of the Steward is not valid now");
    return 0;
}

int authority_load(struct authority *authority, struct crypto_signer *key, struct span certificate,
                   int64_t now, struct err *err)
{
    struct pem_block block;
    struct span text = certificate;
    int status;
    *authority = (struct authority){.signer = key};
    if (pem_next(&text, &block) > 0) {
        size_t size = 0;
        uint8_t *der = malloc(BASE64_DECODED(block.body.size));
        if (!der || base64_decode(block.body, der, &size) < 0)
            status = err_set(err, ERR_CONFIG, 0, "the certificate of the Steward is not PEM");
        else
            status = adopt(authority, span_of(der, size), err);
        free(der);
    } else {
        status = adopt(authority, certificate, err);
    }
    return status == 0 ? check_authority(authority, now, err) : status;
}

void authority_free(struct authority *authority)
{
    crypto_signer_free(authority->signer);
    free(authority->certificate);
    *authority = (struct authority){0};
}
