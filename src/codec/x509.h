/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 certificates, revocation lists (RFC 5280) and certification requests (RFC 2986), read in
 * place.
 *
 * Both sides of the trust boundary. No I/O, no allocation, no cryptography. Only the parts are
 * found here; who may vouch for whom is decided by attest/chain.h.
 *
 * Read are the algorithms that processor vendors use: keys on P-256 and P-384 and RSA; signatures
 * ECDSA with SHA-256 and SHA-384 and RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of
 * salt (RFC 4055). Certificates are of version 3, revocation lists of version 2. A serial number of
 * 0 is read: AMD's certificates have it.
 */
#pragma once

#include "codec/der.h"

#define X509_OID_ALT_NAME SPAN_LITERAL("\x55\x1D\x11") /* subjectAltName */

enum x509_key_kind { X509_KEY_OTHER, X509_KEY_P256, X509_KEY_P384, X509_KEY_RSA };

struct x509_key {
    enum x509_key_kind kind;
    struct span info;     /* the whole SubjectPublicKeyInfo */
    struct span point;    /* on a curve: 04 || x || y */
    struct span modulus;  /* RSA: big-endian, no leading zeros */
    struct span exponent; /* likewise */
};

enum x509_algorithm {
    X509_ALGORITHM_OTHER,
    X509_ECDSA_SHA256,
    X509_ECDSA_SHA384,
    X509_PSS_SHA384,
};

enum x509_usage {
    X509_DIGITAL_SIGNATURE = 1 << 0,
    X509_KEY_CERT_SIGN = 1 << 5,
    X509_CRL_SIGN = 1 << 6,
};

struct x509_signature {
    struct span signed_bytes; /* what is signed, with its tag and length */
    enum x509_algorithm algorithm;
    struct span value;
};

struct x509_certificate {
    struct span whole;
    struct x509_signature signature;
    struct span serial;          /* big-endian, no leading zeros; empty for 0 */
    struct span issuer, subject; /* whole Names */
    int64_t not_before, not_after;
    struct x509_key key;
    struct span extensions; /* content of the SEQUENCE OF Extension; empty if there are none */
    bool has_constraints, is_authority, has_path_length, has_usage;
    bool unknown_critical; /* an extension is critical and not understood here */
    uint64_t path_length;
    unsigned usage; /* enum x509_usage */
};

struct x509_crl {
    struct span whole;
    struct x509_signature signature;
    struct span issuer;
    int64_t this_update, next_update;
    struct span revoked; /* content of revokedCertificates */
    bool unknown_critical;
};

struct x509_request {
    struct x509_signature signature;
    struct x509_key key;
    struct span subject;
    struct span extensions; /* content of the requested SEQUENCE OF Extension */
    bool unknown_attribute; /* there is an attribute other than extensionRequest */
};

/* Each reads exactly `bytes`. 0 or -EINVAL. */
__attribute__((warn_unused_result)) int x509_parse(struct span bytes,
                                                   struct x509_certificate *certificate);
__attribute__((warn_unused_result)) int x509_crl_parse(struct span bytes, struct x509_crl *crl);
__attribute__((warn_unused_result)) int x509_request_parse(struct span bytes,
                                                           struct x509_request *request);

/* The layer that all three share: SEQUENCE { signed, AlgorithmIdentifier, BIT STRING }. `body` is
 * inside of what is signed; `algorithm` the content of the outer AlgorithmIdentifier. */
__attribute__((warn_unused_result)) int x509_signed_parse(struct span bytes,
                                                          struct x509_signature *signature,
                                                          struct der *body, struct span *algorithm);

/* Whether the list names a serial number. */
bool x509_crl_lists(const struct x509_crl *crl, struct span serial);

struct x509_extension {
    struct span oid; /* content of the OBJECT IDENTIFIER */
    bool critical;
    struct span value; /* content of the OCTET STRING */
};

/* Takes the next of `extensions`; false at the end. They were checked when they were parsed. */
bool x509_extension_next(struct span *extensions, struct x509_extension *extension);
bool x509_extension_find(struct span extensions, struct span oid, struct x509_extension *extension);

/* The first commonName of a Name, or an empty span. */
struct span x509_common_name(struct span name);
