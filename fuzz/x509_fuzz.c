// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as certificate, revocation list and request. What is found must lie
 * inside of the input, and what is walked must end. */
#include "codec/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span outer, struct span inner)
{
    if (inner.size > 0 && (inner.data < outer.data || inner.size > outer.size ||
                           (size_t)(inner.data - outer.data) > outer.size - inner.size))
        abort();
}

static void check_key(struct span bytes, const struct x509_key *key)
{
    check_inside(bytes, key->info);
    check_inside(bytes, key->point);
    check_inside(bytes, key->modulus);
    check_inside(bytes, key->exponent);
}

static void check_extensions(struct span bytes, struct span extensions)
{
    struct x509_extension extension;
    check_inside(bytes, extensions);
    while (x509_extension_next(&extensions, &extension)) {
        check_inside(bytes, extension.oid);
        check_inside(bytes, extension.value);
    }
    if (extensions.size > 0) /* they were checked when they were parsed */
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_of(data, size);
    struct x509_certificate certificate;
    if (x509_parse(bytes, &certificate) == 0) {
        check_key(bytes, &certificate.key);
        check_inside(bytes, certificate.serial);
        check_inside(bytes, x509_common_name(certificate.subject));
        check_inside(bytes, certificate.signature.value);
        check_extensions(bytes, certificate.extensions);
    }
    struct x509_crl crl;
    if (x509_crl_parse(bytes, &crl) == 0) {
        check_inside(bytes, crl.revoked);
        x509_crl_lists(&crl, span_of(data, size > 4 ? 4 : size));
    }
    struct x509_request request;
    if (x509_request_parse(bytes, &request) == 0) {
        check_key(bytes, &request.key);
        check_extensions(bytes, request.extensions);
    }
    return 0;
}
