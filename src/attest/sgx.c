// SPDX-License-Identifier: Apache-2.0
#include "attest/intel.h"

#include "base/bytes.h"
#include "codec/json.h"

#include <string.h>

enum {
    MISC_SELECT = 16,
    EXTENDED_PRODUCT = 32,
    ATTRIBUTES = 48,
    MRENCLAVE = 64,
    MRSIGNER = 128,
    CONFIG_ID = 192,
    PRODUCT = 256,
    SVN = 258,
    CONFIG_SVN = 260,
    FAMILY_ID = 304,
    REPORT_DATA = 320,
    DIGEST_SIZE = 32,
};

static void describe(const uint8_t *body, struct attest_verdict *verdict)
{
    memcpy(verdict->measurement, body + MRENCLAVE, DIGEST_SIZE);
    memcpy(verdict->signer, body + MRSIGNER, DIGEST_SIZE);
    verdict->measurement_size = verdict->signer_size = DIGEST_SIZE;
    memcpy(verdict->report_data, body + REPORT_DATA, sizeof(verdict->report_data));
    verdict->product_id = load_le16(body + PRODUCT);
    verdict->svn = load_le16(body + SVN);
    verdict->flags = load_le64(body + ATTRIBUTES);
    verdict->debug = verdict->flags & ATTEST_ENCLAVE_DEBUG;
}

static int evaluate_tcb(struct judge *judge, const struct quote *quote, const struct pck *pck)
{
    struct attest_verdict *verdict = judge->verdict;
    struct document_query query = {
        .kind = POOL_TCB_INFO, .id = "SGX", .version_min = 2, .version_max = 3, .pck = pck};
    struct tcb_platform platform = {.pck = pck};
    struct document info;
    struct tcb_choice choice;
    struct svn_choice qe;
    struct span levels;
    int status = document_find(judge, &query, &info);
    if (status < 0)
        return status;
    uint64_t type;
    verdict->tcb_evaluation = (uint32_t)info.evaluation;
    if (!json_get_uint(info.whole, "tcbType", 0, &type) ||
        !json_get(info.whole, "tcbLevels", &levels) || !tcb_choose(levels, &platform, &choice))
        return refuse(verdict, TCB_INFO_FORMAT,
                      "the TCB info has another tcbType than 0 or a level that cannot be read");
    status = qe_identity_check(judge, quote, &judge->policy->sgx.tcb, &qe);
    if (status < 0)
        return status;
    if (!tcb_add_advisories(choice.best.advisories, verdict) ||
        !tcb_add_advisories(qe.advisories, verdict))
        return refuse(verdict, TCB_INFO_FORMAT, "the advisories of a TCB level cannot be read");
    verdict->tcb_status =
        choice.has_best ? tcb_converge(choice.best.status, qe.status) : ATTEST_NOT_SUPPORTED;
    return 0;
}

static int check_attributes(const struct attest_sgx_policy *policy, const uint8_t *body,
                            struct attest_verdict *verdict)
{
    unsigned long long flags = load_le64(body + ATTRIBUTES);
    uint64_t allowed = policy->attributes | ATTEST_ENCLAVE_INIT | ATTEST_ENCLAVE_MODE64BIT;
    uint32_t misc = load_le32(body + MISC_SELECT);
    if (!(flags & ATTEST_ENCLAVE_INIT))
        return refuse(verdict, SGX_INIT, "INIT in ATTRIBUTES (0x%llX) of the enclave's report is 0",
                      flags);
    if (flags & ~allowed & ATTEST_ENCLAVE_DEBUG)
        return refuse(
            verdict, SGX_DEBUG,
            "DEBUG in ATTRIBUTES (0x%llX) of the enclave's report is 1: the host may read "
            "the enclave's memory",
            flags);
    if (flags & ~allowed)
        return refuse(verdict, SGX_ATTRIBUTES,
                      "ATTRIBUTES of the enclave's report is 0x%llX, the policy allows 0x%llX",
                      flags, (unsigned long long)allowed);
    if (misc & ~policy->misc_select)
        return refuse(verdict, SGX_MISC_SELECT,
                      "MISCSELECT of the enclave's report is 0x%X, the policy allows 0x%X", misc,
                      policy->misc_select);
    return 0;
}

static int check_identity(const struct attest_sgx_policy *policy, const uint8_t *body,
                          struct attest_verdict *verdict)
{
    if (!list_allows(&policy->signers, body + MRSIGNER, DIGEST_SIZE))
        return refuse(verdict, SGX_SIGNER,
                      "MRSIGNER of the enclave's report is %s, which is not a signer that the "
                      "policy allows",
                      hex_of(body + MRSIGNER, DIGEST_SIZE).text);
    if (list_has(&policy->measurements_denied, body + MRENCLAVE, DIGEST_SIZE) ||
        !list_allows(&policy->measurements, body + MRENCLAVE, DIGEST_SIZE))
        return refuse(verdict, SGX_MEASUREMENT,
                      "MRENCLAVE of the enclave's report is %s, which the policy does not allow",
                      hex_of(body + MRENCLAVE, DIGEST_SIZE).text);
    unsigned product = load_le16(body + PRODUCT), svn = load_le16(body + SVN);
    if (policy->has_product && product != policy->product)
        return refuse(verdict, SGX_PRODUCT, "ISVPRODID of the enclave's report is %u, expected %u",
                      product, policy->product);
    if (svn < policy->svn_min)
        return refuse(verdict, SGX_SVN,
                      "ISVSVN of the enclave's report is %u, expected at least %u", svn,
                      policy->svn_min);
    bool chosen = !is_zero(body + CONFIG_ID, 64) || !is_zero(body + CONFIG_SVN, 2) ||
                  !is_zero(body + FAMILY_ID, 16) || !is_zero(body + EXTENDED_PRODUCT, 16);
    if (chosen && !policy->any_config)
        return refuse(verdict, SGX_CONFIG,
                      "CONFIGID, CONFIGSVN, ISVFAMILYID or ISVEXTPRODID of the enclave's report is "
                      "not zero, and the host may choose them");
    return 0;
}

int sgx_verify(struct judge *judge, const struct quote *quote)
{
    const struct attest_sgx_policy *policy = &judge->policy->sgx;
    struct attest_verdict *verdict = judge->verdict;
    struct quote_chain certificates;
    struct pck pck;
    unsigned offset;
    describe(quote->body.data, verdict);
    int status = intel_verify_quote(judge, quote, &certificates, &pck);
    if (status < 0)
        return status;
    if (sgx_body_reserved(quote->body.data, &offset))
        return refuse(verdict, SGX_RESERVED,
                      "the reserved bytes at offset %u of the enclave's report are not zero",
                      offset);
    status = evaluate_tcb(judge, quote, &pck);
    if (status == 0)
        status = check_attributes(policy, quote->body.data, verdict);
    if (status == 0)
        status = tcb_check_policy(judge, &policy->tcb);
    if (status < 0)
        return status;
    if (policy->refuse_smt && verdict->smt)
        return refuse(verdict, SGX_PLATFORM,
                      "the PCK certificate does not say that hyper-threading is off");
    return check_identity(policy, quote->body.data, verdict);
}
