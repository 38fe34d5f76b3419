/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate authority of a Steward: its key and certificate, and the certificates it issues.
 * Host side; no I/O.
 */
#pragma once

#include "attest.h"
#include "base/err.h"
#include "crypto/sign.h"

struct authority {
    struct crypto_signer *signer;
    uint8_t *certificate; /* DER */
    size_t certificate_size;
    struct x509_certificate parsed; /* into `certificate` */
};

/* Takes a key, also on failure, and the text of its certificate, PEM or DER. Checks that they
 * belong together, that the certificate may sign certificates, and that it is valid at `now`. */
__attribute__((warn_unused_result)) int authority_load(struct authority *authority,
                                                       struct crypto_signer *key,
                                                       struct span certificate, int64_t now,
                                                       struct err *err);
/* Makes a key and a self-signed certificate for a host's name, valid for a year. */
__attribute__((warn_unused_result)) int
authority_generate(struct authority *authority, const char *host, int64_t now, struct err *err);
void authority_free(struct authority *authority);

enum { ISSUED_MAX = 4096 };

struct issue {
    const struct authority *authority;
    const struct attest_verdict *verdict; /* of evidence that was accepted */
    struct span subject;                  /* a Name, copied from the request */
    const char *dns;                      /* a DNS name for the subjectAltName, or NULL */
    int64_t now;
    uint32_t lifetime; /* seconds; also limited by the authority and by the collateral */
};

/* Writes a certificate to the end of the buffer. 0; -ENOSPC; -ENOMEM if it cannot be signed. */
__attribute__((warn_unused_result)) int
authority_issue(const struct issue *issue, uint8_t buffer[ISSUED_MAX], struct span *certificate);
