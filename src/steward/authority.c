// SPDX-License-Identifier: Apache-2.0
#include "steward/authority.h"

#include "codec/base64.h"
#include "crypto/x509_sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    YEAR = 365 * 24 * 3600,
    SAN_DNS = DER_CONTEXT | 2,
    SAN_URI = DER_CONTEXT | 6,
};

#define OID_RESULT      SPAN_LITERAL("\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01\x07")
#define OID_UNPROTECTED SPAN_LITERAL("\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01\x01")

/* What an authority's key is called is said in its own certificate. */
static struct span issuer_key_id(const struct x509_certificate *issuer, uint8_t id[CRYPTO_HASH_MAX])
{
    struct x509_extension extension;
    if (x509_extension_find(issuer->extensions, X509_OID_KEY_ID, &extension)) {
        struct der der = der_of(extension.value);
        struct span said = der_take(&der, DER_OCTET_STRING);
        if (der_end(&der))
            return said;
    }
    return x509_key_id(issuer->key.info, id) == 0 ? span_of(id, X509_KEY_ID_SIZE)
                                                  : (struct span){0};
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
    x509_close_extension(writer, mark, X509_OID_ALT_NAME, issue->subject.size <= 2);
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
        x509_close_extension(writer, mark, OID_UNPROTECTED, false);
    mark = der_mark(writer);
    der_put_raw(writer, span_of(result.data, result.size));
    x509_close_extension(writer, mark, OID_RESULT, false);
    put_alt_names(writer, issue);
    x509_put_purposes(writer);
    x509_put_usage(writer, 0x80, 7); /* digitalSignature */
    if (x509_key_id(key, own) < 0)
        return -ENOMEM;
    x509_put_key_ids(writer, span_of(own, X509_KEY_ID_SIZE),
                     issuer_key_id(&issue->authority->parsed, issuer));
    x509_put_constraints(writer, false);
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
    struct x509_body body = {
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
    return status == 0 ? x509_sign_certificate(&writer, mark, &body, certificate) : status;
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
    x509_put_common_name(&name, host);
    if (name.overflow || crypto_signer_generate(X509_KEY_P256, &authority->signer) < 0)
        return err_set(err, ERR_CONFIG, 0, "cannot make a certificate authority for \"%.64s\"",
                       host);
    struct span info = crypto_signer_info(authority->signer);
    struct x509_body body = {authority->signer, der_written(&name), der_written(&name), info, now,
                             now + YEAR};
    struct der_writer writer = der_writer_of(buffer, sizeof(buffer));
    size_t mark = der_mark(&writer);
    x509_put_usage(&writer, 0x06, 1); /* keyCertSign, cRLSign */
    if (x509_key_id(info, id) == 0)
        x509_put_key_ids(&writer, span_of(id, X509_KEY_ID_SIZE), (struct span){0});
    x509_put_constraints(&writer, true);
    if (x509_sign_certificate(&writer, mark, &body, &certificate) < 0)
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
