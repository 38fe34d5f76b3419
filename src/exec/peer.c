// SPDX-License-Identifier: Apache-2.0
#include "exec/peer.h"

#include "codec/base64.h"
#include "codec/x509.h"

#include <attest.h>
#include <errno.h>
#include <string.h>

enum { DIGEST_MAX = 48 };

#define OID_RESULT SPAN_LITERAL("\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01\x07")

static bool is_among(struct attest_bytes digest, const struct config_strings *wanted)
{
    uint8_t one[DIGEST_MAX];
    if (wanted->count == 0)
        return true;
    for (size_t i = 0; i < wanted->count; i++) {
        struct span digits = span_of(wanted->items[i], strlen(wanted->items[i]));
        if (digits.size == 2 * digest.size && digest.size <= DIGEST_MAX &&
            hex_decode(digits, one, digest.size) == 0 && memcmp(one, digest.data, digest.size) == 0)
            return true;
    }
    return false;
}

int peer_check(struct span certificate, const struct config_tls *wanted)
{
    struct x509_certificate parsed;
    struct x509_extension extension;
    struct attest_result result;
    if (wanted->peer_workload.count + wanted->peer_measurement.count == 0)
        return 0;
    if (x509_parse(certificate, &parsed) < 0 ||
        !x509_extension_find(parsed.extensions, OID_RESULT, &extension) ||
        attest_result_read((struct attest_bytes){extension.value.data, extension.value.size},
                           &result) < 0)
        return -EACCES;
    return is_among(result.workload, &wanted->peer_workload) &&
                   is_among(result.measurement, &wanted->peer_measurement)
               ? 0
               : -EACCES;
}
