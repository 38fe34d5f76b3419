/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes certificates (RFC 5280) and certification requests (RFC 2986) and signs them. The writer
 * goes from the back to the front (codec/der.h): the extensions are written first, the last one
 * before the others, then the whole is closed and signed.
 *
 *     struct der_writer writer = der_writer_of(buffer, sizeof(buffer));
 *     size_t mark = der_mark(&writer);
 *     x509_put_constraints(&writer, false);
 *     …
 *     status = x509_sign_certificate(&writer, mark, &body, &certificate);
 *
 * Both sides of the trust boundary.
 */
#pragma once

#include "codec/der.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"

enum { X509_KEY_ID_SIZE = 20 };

#define X509_OID_KEY_ID SPAN_LITERAL("\x55\x1D\x0E")

/* Makes an extension of the value that was written since `mark`. */
void x509_close_extension(struct der_writer *writer, size_t mark, struct span oid, bool critical);

/* What a key is called: the first X509_KEY_ID_SIZE bytes of the SHA-256 of its SubjectPublicKeyInfo
 * (RFC 7093). 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int x509_key_id(struct span info, uint8_t id[CRYPTO_HASH_MAX]);
/* The key identifiers of subject and issuer; the latter may be empty. */
void x509_put_key_ids(struct der_writer *writer, struct span own, struct span issuer);
/* Key usage: a BIT STRING of one byte, of which so many low bits are not used. Critical. */
void x509_put_usage(struct der_writer *writer, uint8_t bits, uint8_t unused);
/* TLS servers and clients. */
void x509_put_purposes(struct der_writer *writer);
/* Basic constraints, critical: an authority whose certificates are those of leaves, or none. */
void x509_put_constraints(struct der_writer *writer, bool authority);
/* A Name with one common name. */
void x509_put_common_name(struct der_writer *writer, const char *name);

struct x509_body {
    const struct crypto_signer *signer; /* the issuer's */
    struct span issuer, subject, key;   /* DER: two Names and a SubjectPublicKeyInfo */
    int64_t from, until;                /* seconds since 1970 */
};

/* Everything around the extensions, which were written since `mark`: a certificate of version 3
 * with a random serial number. *certificate borrows from the writer's buffer. 0, -ENOSPC or
 * -ENOMEM. */
__attribute__((warn_unused_result)) int x509_sign_certificate(struct der_writer *writer,
                                                              size_t mark,
                                                              const struct x509_body *body,
                                                              struct span *certificate);
/* The same for a request with an empty subject, whose extensions were written since `mark`. */
__attribute__((warn_unused_result)) int x509_sign_request(struct der_writer *writer, size_t mark,
                                                          const struct crypto_signer *signer,
                                                          struct span *request);
