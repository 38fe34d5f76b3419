// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509_sign.h"

#include <errno.h>
#include <string.h>

enum { SERIAL_SIZE = 16 };

#define OID_EXTENSION_REQUEST SPAN_LITERAL("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x0E")
#define OID_KEY_USAGE         SPAN_LITERAL("\x55\x1D\x0F")
#define OID_CONSTRAINTS       SPAN_LITERAL("\x55\x1D\x13")
#define OID_ISSUER_ID         SPAN_LITERAL("\x55\x1D\x23")
#define OID_EXTENDED          SPAN_LITERAL("\x55\x1D\x25")
#define OID_SERVER            SPAN_LITERAL("\x2B\x06\x01\x05\x05\x07\x03\x01")
#define OID_CLIENT            SPAN_LITERAL("\x2B\x06\x01\x05\x05\x07\x03\x02")
#define OID_COMMON_NAME       SPAN_LITERAL("\x55\x04\x03")
#define OID_ECDSA_SHA256      SPAN_LITERAL("\x2A\x86\x48\xCE\x3D\x04\x03\x02")
#define OID_ECDSA_SHA384      SPAN_LITERAL("\x2A\x86\x48\xCE\x3D\x04\x03\x03")

void x509_close_extension(struct der_writer *writer, size_t mark, struct span oid, bool critical)
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

int x509_key_id(struct span info, uint8_t id[CRYPTO_HASH_MAX])
{
    return crypto_hash(CRYPTO_SHA256, &info, 1, id);
}

void x509_put_key_ids(struct der_writer *writer, struct span own, struct span issuer)
{
    size_t mark = der_mark(writer);
    if (issuer.size > 0) {
        der_put(writer, DER_CONTEXT | 0, issuer);
        der_close(writer, DER_SEQUENCE, mark);
        x509_close_extension(writer, mark, OID_ISSUER_ID, false);
    }
    mark = der_mark(writer);
    der_put(writer, DER_OCTET_STRING, own);
    x509_close_extension(writer, mark, X509_OID_KEY_ID, false);
}

void x509_put_usage(struct der_writer *writer, uint8_t bits, uint8_t unused)
{
    const uint8_t value[] = {unused, bits};
    size_t mark = der_mark(writer);
    der_put(writer, DER_BIT_STRING, span_of(value, sizeof(value)));
    x509_close_extension(writer, mark, OID_KEY_USAGE, true);
}

void x509_put_purposes(struct der_writer *writer)
{
    size_t mark = der_mark(writer);
    der_put(writer, DER_OID, OID_CLIENT);
    der_put(writer, DER_OID, OID_SERVER);
    der_close(writer, DER_SEQUENCE, mark);
    x509_close_extension(writer, mark, OID_EXTENDED, false);
}

void x509_put_constraints(struct der_writer *writer, bool authority)
{
    size_t mark = der_mark(writer);
    if (authority) { /* of leaves only; else the default, which is left out */
        der_put_uint(writer, 0);
        der_put(writer, DER_BOOLEAN, SPAN_LITERAL("\xFF"));
    }
    der_close(writer, DER_SEQUENCE, mark);
    x509_close_extension(writer, mark, OID_CONSTRAINTS, true);
}

void x509_put_common_name(struct der_writer *writer, const char *name)
{
    size_t mark = der_mark(writer);
    der_put(writer, DER_UTF8, span_of(name, strlen(name)));
    der_put(writer, DER_OID, OID_COMMON_NAME);
    der_close(writer, DER_SEQUENCE, mark);
    der_close(writer, DER_SET, mark);
    der_close(writer, DER_SEQUENCE, mark);
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

/* Signs what was written and puts it into a SEQUENCE with the signature behind it, for which it
 * moves to the front of the buffer. */
static int append_signature(struct der_writer *writer, const struct crypto_signer *signer,
                            struct span *whole)
{
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t size;
    struct span text = der_written(writer);
    if (writer->overflow)
        return -ENOSPC;
    if (crypto_sign(signer, text, signature, &size) < 0)
        return -ENOMEM;
    memmove(writer->buffer, text.data, text.size);
    text.data = writer->buffer;
    struct der_writer outer = der_writer_of(writer->buffer + text.size, writer->end - text.size);
    size_t end = der_mark(&outer);
    der_put_bits(&outer, span_of(signature, size));
    put_algorithm(&outer, signer);
    der_put_raw(&outer, text);
    der_close(&outer, DER_SEQUENCE, end);
    *whole = der_written(&outer);
    return outer.overflow ? -ENOSPC : 0;
}

int x509_sign_certificate(struct der_writer *writer, size_t mark, const struct x509_body *body,
                          struct span *certificate)
{
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
    return append_signature(writer, body->signer, certificate);
}

int x509_sign_request(struct der_writer *writer, size_t mark, const struct crypto_signer *signer,
                      struct span *request)
{
    der_close(writer, DER_SEQUENCE, mark); /* extensions */
    der_close(writer, DER_SET, mark);
    der_put(writer, DER_OID, OID_EXTENSION_REQUEST);
    der_close(writer, DER_SEQUENCE, mark);
    der_close(writer, DER_CONTEXT_CONSTRUCTED | 0, mark); /* attributes */
    der_put_raw(writer, crypto_signer_info(signer));
    size_t subject = der_mark(writer);
    der_close(writer, DER_SEQUENCE, subject); /* empty */
    der_put_uint(writer, 0);
    der_close(writer, DER_SEQUENCE, mark);
    return append_signature(writer, signer, request);
}
