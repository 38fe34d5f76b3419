// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as evidence, with its certificate and collateral behind it. Nothing
 * that is not genuine may be accepted, and every refusal has a code and a sentence.
 *
 * The first byte chooses a moment. Then come parts, each with its length before it (two bytes,
 * little-endian): the evidence, the VCEK, collateral. Signatures are an obstacle for a fuzzer; the
 * seeds are genuine, so that it begins behind them. */
#include "attest.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 10 };

/* Moments at which the seeds are accepted. */
static const int64_t moments[] = {
    1767225600, /* 2026-01-01 */
    1751624924, /* 2025-07-04T10:28:44Z */
    1774995607, /* 2026-03-31T22:20:07Z */
    1675209600, /* 2023-02-01 */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *context, const char *name, const char *value)
{
    (void)context, (void)name, (void)value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attest_bytes parts[PARTS_MAX] = {0};
    size_t count = 0;
    int64_t time = moments[size > 0 ? data[0] % 4 : 0];
    data += size > 0;
    size -= size > 0;
    while (size >= 2 && count < PARTS_MAX) {
        size_t length = (size_t)(data[0] | data[1] << 8);
        length = length > size - 2 ? size - 2 : length;
        parts[count++] = (struct attest_bytes){data + 2, length};
        data += 2 + length;
        size -= 2 + length;
    }
    struct attest_policy policy;
    attest_policy_any(&policy);
    policy.workload_optional = policy.sgx.tcb.builtin_identity = true;
    policy.sgx.tcb.statuses = policy.tdx.tcb.statuses = ~0U;
    struct attest_request request = {
        .evidence = parts[0],
        .vek = parts[1],
        .collateral = parts + 2,
        .collateral_count = count > 2 ? count - 2 : 0,
        .policy = &policy,
        .time = time,
    };
    struct attest_verdict verdict;
    struct attest_result result;
    if (attest_result_read(parts[0], &result) == 0 && result.workload.size != 0 &&
        result.workload.size != 32)
        abort();
    int status = attest_verify(&request, &verdict);
    if ((status == 0) != (verdict.code == ATTEST_ACCEPTED) ||
        (status < 0 && (!verdict.reason[0] || verdict.code >= ATTEST_CODE_COUNT)))
        abort();
    if (attest_show(parts[0], ignore, NULL) < 0 && status == 0)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct attest_collateral about;
        request.evidence = parts[i];
        status = attest_verify_collateral(&request, &about, &verdict);
        if ((status == 0) != (verdict.code == ATTEST_ACCEPTED) ||
            (status == 0 && about.kind == ATTEST_COLLATERAL_UNKNOWN) ||
            (status < 0 && !verdict.reason[0]))
            abort();
    }
    return 0;
}
