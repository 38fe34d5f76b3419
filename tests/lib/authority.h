/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vendor for tests: makes keys, certificates, revocation lists and requests. All memory lives as
 * long as the test's process.
 */
#pragma once

#include "codec/x509.h"

struct test_key;

struct test_key *test_key_new(enum x509_key_kind kind);
/* SubjectPublicKeyInfo; and x || y. */
struct span test_key_info(const struct test_key *key);
struct span test_key_point(const struct test_key *key);

/* A signature as r || s, big-endian. */
struct span test_sign_raw(const struct test_key *key, struct span message);

struct test_certificate {
    const char *subject, *issuer; /* common names */
    const struct test_key *key, *signer;
    uint64_t serial;
    int64_t from, until;
    struct span extensions; /* of one or more test_extension */
    bool authority;
    int path_length; /* -1: none */
};
struct span test_certificate_make(const struct test_certificate *certificate);

/* Extensions one after the other. */
struct span test_extension(const char *oid, size_t oid_size, bool critical, struct span value);
struct span test_join(const struct span *parts, size_t count);
/* One element of DER. */
struct span test_der(uint8_t tag, struct span value);
struct span test_der_uint(uint64_t number);

struct span test_crl_make(const char *issuer, const struct test_key *signer, int64_t from,
                          int64_t until, const uint64_t *serials, size_t count);
struct span test_request_make(const struct test_key *key, struct span extensions);
