// SPDX-License-Identifier: Apache-2.0
/* What evidence says about the workload, and how it is bound to the key: docs/evidence.md. */
#include "attest/evidence.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <string.h>

enum {
    CLAIMS_VERSION = 1,
    TAG_NAME = DER_CONTEXT | 0,
    TAG_STEWARD = DER_CONTEXT | 1,
    TAG_NONCE = DER_CONTEXT | 2,
    NONCE_MIN = 8,
};

#define LABEL SPAN_LITERAL("enarx workload evidence v1")

/* Names become parts of URIs: only characters that need no escape there (RFC 3986). */
static bool is_uri_character(uint8_t character)
{
    bool letter = (character | 0x20) >= 'a' && (character | 0x20) <= 'z';
    bool digit = character >= '0' && character <= '9';
    return letter || digit || (character && strchr("-._~:/@+?=&[]%", character));
}

static bool copy_name(struct span value, char out[ATTEST_NAME_SIZE])
{
    if (value.size == 0 || value.size >= ATTEST_NAME_SIZE)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        if (!is_uri_character(value.data[i]))
            return false;
        out[i] = (char)value.data[i];
    }
    return true;
}

int claims_parse(struct span claims, struct attest_workload *workload)
{
    *workload = (struct attest_workload){0};
    struct der top = der_of(claims);
    struct der body = der_enter(&top, DER_SEQUENCE);
    bool good = der_uint(&body, CLAIMS_VERSION) == CLAIMS_VERSION;
    struct span digest = der_take(&body, DER_OCTET_STRING), value;
    good = good && digest.size == sizeof(workload->digest);
    if (good)
        memcpy(workload->digest, digest.data, digest.size);
    if (der_optional(&body, TAG_NAME, &value))
        good = copy_name(value, workload->name) && good;
    if (der_optional(&body, TAG_STEWARD, &value))
        good = copy_name(value, workload->steward) && good;
    if (der_optional(&body, TAG_NONCE, &value)) {
        good = good && value.size >= NONCE_MIN && value.size <= sizeof(workload->nonce);
        if (good)
            memcpy(workload->nonce, value.data, value.size);
        workload->nonce_size = good ? value.size : 0;
    }
    return good && der_end(&body) && der_end(&top) ? 0 : -EINVAL;
}

int attest_claims_write(const struct attest_workload *workload, uint8_t *buffer, size_t size,
                        struct attest_bytes *claims)
{
    struct der_writer writer = der_writer_of(buffer, size);
    size_t mark = der_mark(&writer);
    if (workload->nonce_size > 0)
        der_put(&writer, TAG_NONCE, span_of(workload->nonce, workload->nonce_size));
    if (workload->steward[0])
        der_put(&writer, TAG_STEWARD, span_of(workload->steward, strlen(workload->steward)));
    if (workload->name[0])
        der_put(&writer, TAG_NAME, span_of(workload->name, strlen(workload->name)));
    der_put(&writer, DER_OCTET_STRING, span_of(workload->digest, sizeof(workload->digest)));
    der_put_uint(&writer, CLAIMS_VERSION);
    der_close(&writer, DER_SEQUENCE, mark);
    if (writer.overflow)
        return -ENOSPC;
    struct span written = der_written(&writer);
    *claims = (struct attest_bytes){written.data, written.size};
    return 0;
}

int attest_report_data(enum attest_technology technology, struct attest_bytes public_key,
                       struct attest_bytes claims, uint8_t report_data[64])
{
    bool strong = technology == ATTEST_SNP || technology == ATTEST_TDX;
    enum crypto_hash hash = strong ? CRYPTO_SHA384 : CRYPTO_SHA256;
    size_t size = crypto_hash_size(hash);
    uint8_t key_hash[CRYPTO_HASH_MAX], claims_hash[CRYPTO_HASH_MAX];
    struct span key = span_from(public_key), bound = span_from(claims);
    memset(report_data, 0, 64);
    if (technology == ATTEST_TECHNOLOGY_NONE || key.size == 0)
        return -EINVAL;
    if (bound.size == 0)
        return crypto_hash(hash, &key, 1, report_data) < 0 ? -EINVAL : 0;
    if (crypto_hash(hash, &key, 1, key_hash) < 0 || crypto_hash(hash, &bound, 1, claims_hash) < 0)
        return -EINVAL;
    const struct span parts[] = {LABEL, span_of(key_hash, size), span_of(claims_hash, size)};
    return crypto_hash(hash, parts, 3, report_data) < 0 ? -EINVAL : 0;
}
