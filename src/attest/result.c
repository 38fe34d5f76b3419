// SPDX-License-Identifier: Apache-2.0
/* What an issuer copies from a verdict into a certificate: docs/evidence.md. */
#include "attest/evidence.h"
#include "codec/base64.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    RESULT_VERSION = 1,
    TAG_SIGNER = DER_CONTEXT | 0,
    TAG_STATUS = DER_CONTEXT | 1,
    TAG_WORKLOAD = DER_CONTEXT | 2,
    TAG_NAME = DER_CONTEXT | 3,
    TAG_SIMULATED = DER_CONTEXT | 4,
};

static struct span text_of(const char *text)
{
    return span_of(text, strlen(text));
}

int attest_result_write(const struct attest_verdict *verdict, uint8_t *buffer, size_t size,
                        struct attest_bytes *result)
{
    struct der_writer writer = der_writer_of(buffer, size);
    size_t mark = der_mark(&writer);
    const struct attest_workload *workload = &verdict->workload;
    if (verdict->code != ATTEST_ACCEPTED)
        return -EINVAL;
    if (verdict->simulated)
        der_put(&writer, TAG_SIMULATED, SPAN_LITERAL("\xFF"));
    if (workload->bound && workload->name[0])
        der_put(&writer, TAG_NAME, text_of(workload->name));
    if (workload->bound)
        der_put(&writer, TAG_WORKLOAD, span_of(workload->digest, sizeof(workload->digest)));
    if (verdict->tcb_status)
        der_put(&writer, TAG_STATUS, text_of(attest_tcb_status_name(verdict->tcb_status)));
    if (verdict->signer_size > 0)
        der_put(&writer, TAG_SIGNER, span_of(verdict->signer, verdict->signer_size));
    der_put(&writer, DER_OCTET_STRING, span_of(verdict->measurement, verdict->measurement_size));
    der_put(&writer, DER_UTF8, text_of(verdict->product));
    der_put(&writer, DER_UTF8, text_of(attest_technology_name(verdict->technology)));
    der_put_uint(&writer, RESULT_VERSION);
    der_close(&writer, DER_SEQUENCE, mark);
    if (writer.overflow)
        return -ENOSPC;
    struct span written = der_written(&writer);
    *result = (struct attest_bytes){written.data, written.size};
    return 0;
}

static struct attest_bytes take(struct der *der, uint8_t tag)
{
    struct span value = der_take(der, tag);
    return (struct attest_bytes){value.data, value.size};
}

static struct attest_bytes take_optional(struct der *der, uint8_t tag)
{
    struct span value = {0};
    if (!der_optional(der, tag, &value))
        value = (struct span){0};
    return (struct attest_bytes){value.data, value.size};
}

int attest_result_read(struct attest_bytes value, struct attest_result *result)
{
    struct der top = der_of(span_of(value.data, value.size));
    struct der all = der_enter(&top, DER_SEQUENCE);
    bool known = der_uint(&all, UINT8_MAX) == RESULT_VERSION;
    struct attest_result read = {.technology = take(&all, DER_UTF8),
                                 .product = take(&all, DER_UTF8),
                                 .measurement = take(&all, DER_OCTET_STRING)};
    read.signer = take_optional(&all, TAG_SIGNER);
    take_optional(&all, TAG_STATUS);
    read.workload = take_optional(&all, TAG_WORKLOAD);
    read.name = take_optional(&all, TAG_NAME);
    struct attest_bytes simulated = take_optional(&all, TAG_SIMULATED);
    read.simulated = simulated.size > 0;
    bool sized = (read.workload.size == 0 || read.workload.size == 32) && simulated.size <= 1;
    if (!der_end(&all) || !der_end(&top) || !known || !sized)
        return -EINVAL;
    *result = read;
    return 0;
}

bool attest_result_uri(const struct attest_verdict *verdict, size_t index,
                       char uri[ATTEST_URI_SIZE])
{
    const struct attest_workload *workload = &verdict->workload;
    char digest[BASE64_ENCODED(sizeof(workload->digest)) + 1];
    if (verdict->code != ATTEST_ACCEPTED)
        return false;
    if (index == 0) {
        snprintf(uri, ATTEST_URI_SIZE, "enarx:technology/%s",
                 attest_technology_name(verdict->technology));
        return true;
    }
    if (!workload->bound)
        return false;
    if (index == 1) {
        digest[base64_encode(span_of(workload->digest, sizeof(workload->digest)), true, digest)] =
            '\0';
        snprintf(uri, ATTEST_URI_SIZE, "ni:///sha-256;%s", digest);
        return true;
    }
    snprintf(uri, ATTEST_URI_SIZE, "enarx:package/%s", workload->name);
    return index == 2 && workload->name[0];
}
