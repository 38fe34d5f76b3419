// SPDX-License-Identifier: Apache-2.0
/* What the policy demands of a trust domain that is genuine. */
#include "attest/intel.h"

#include "base/bytes.h"

enum {
    MRSEAM = 16,
    TD_ATTRIBUTES = 120,
    MRTD = 136,
    MR_CONFIG_ID = 184, /* then MROWNER and MROWNERCONFIG */
    RTMR = 328,
    MR_SERVICE_TD = 600,
    DIGEST_SIZE = 48,
};

enum {
    TD_DEBUG_GROUP = 0xFF,
    TD_SEPT_VE_DISABLE = 1 << 28,
    TD_MIGRATABLE = 1 << 29,
};

#define TD_PERFMON (1ULL << 63)

static int check_attributes(const struct attest_tdx_policy *policy, const uint8_t *body,
                            struct attest_verdict *verdict)
{
    unsigned long long attributes = load_le64(body + TD_ATTRIBUTES);
    if (attributes & TD_DEBUG_GROUP && !policy->debug)
        return refuse(verdict, TDX_DEBUG,
                      "TDATTRIBUTES of the TD report is 0x%llX: bits 0 to 7 must be zero, or the "
                      "host may debug the trust domain",
                      attributes);
    if (attributes & TD_MIGRATABLE && !policy->migration)
        return refuse(verdict, TDX_MIGRATION,
                      "MIGRATABLE in TDATTRIBUTES (0x%llX) of the TD report is 1", attributes);
    if (attributes & TD_PERFMON && !policy->performance_counters)
        return refuse(verdict, TDX_ATTRIBUTES,
                      "PERFMON in TDATTRIBUTES (0x%llX) of the TD report is 1, which opens a side "
                      "channel",
                      attributes);
    if (!(attributes & TD_SEPT_VE_DISABLE) && policy->require_sept_ve_disable)
        return refuse(verdict, TDX_ATTRIBUTES,
                      "SEPT_VE_DISABLE in TDATTRIBUTES (0x%llX) of the TD report is 0", attributes);
    return 0;
}

static int check_digests(const struct attest_tdx_policy *policy, const uint8_t *body,
                         struct attest_verdict *verdict)
{
    if (list_has(&policy->measurements_denied, body + MRTD, DIGEST_SIZE) ||
        !list_allows(&policy->measurements, body + MRTD, DIGEST_SIZE))
        return refuse(verdict, TDX_MEASUREMENT,
                      "MRTD of the TD report is %s, which the policy does not allow",
                      hex_of(body + MRTD, DIGEST_SIZE).text);
    if (!list_allows(&policy->modules, body + MRSEAM, DIGEST_SIZE))
        return refuse(verdict, TDX_MODULE,
                      "MRSEAM of the TD report is %s, which the policy does not allow",
                      hex_of(body + MRSEAM, DIGEST_SIZE).text);
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *value = body + RTMR + i * DIGEST_SIZE;
        if (!list_allows(&policy->registers[i], value, DIGEST_SIZE))
            return refuse(verdict, TDX_REGISTER,
                          "RTMR%u of the TD report is %s, which the policy does not allow", i,
                          hex_of(value, DIGEST_SIZE).text);
    }
    return 0;
}

int tdx_check_policy(struct judge *judge, const struct quote *quote)
{
    const struct attest_tdx_policy *policy = &judge->policy->tdx;
    struct attest_verdict *verdict = judge->verdict;
    const uint8_t *body = quote->body.data;
    int status = check_attributes(policy, body, verdict);
    if (status == 0)
        status = tcb_check_policy(judge, &policy->tcb);
    if (status < 0)
        return status;
    if (!policy->any_service && quote->body.size == TDX_15_BODY_SIZE &&
        !is_zero(body + MR_SERVICE_TD, DIGEST_SIZE))
        return refuse(
            verdict, TDX_SERVICE,
            "MRSERVICETD of the TD report is %s, expected zero: a service trust domain is "
            "bound to this one",
            hex_of(body + MR_SERVICE_TD, DIGEST_SIZE).text);
    if (!policy->any_owner && !is_zero(body + MR_CONFIG_ID, (size_t)3 * DIGEST_SIZE))
        return refuse(verdict, TDX_OWNER,
                      "MRCONFIGID, MROWNER or MROWNERCONFIG of the TD report is not zero, and the "
                      "host may choose them");
    return check_digests(policy, body, verdict);
}
