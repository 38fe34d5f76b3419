// SPDX-License-Identifier: Apache-2.0
#include "attest/intel.h"

#include "base/bytes.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

enum {
    TEE_TCB_SVN = 0,
    MRSIGNER_SEAM = 64,
    SEAM_ATTRIBUTES = 112,
    TD_ATTRIBUTES = 120,
    XFAM = 128,
    MRTD = 136,
    REPORT_DATA = 520,
    TEE_TCB_SVN2 = 584,
    DIGEST_SIZE = 48,
    XFAM_MUST_BE_ONE = 3,
};

#define TD_RESERVED 0x3FFFFFFF0780FF8EULL

static void describe(const uint8_t *body, struct attest_verdict *verdict)
{
    memcpy(verdict->measurement, body + MRTD, DIGEST_SIZE);
    verdict->measurement_size = DIGEST_SIZE;
    memcpy(verdict->report_data, body + REPORT_DATA, sizeof(verdict->report_data));
    verdict->flags = load_le64(body + TD_ATTRIBUTES);
    verdict->debug = verdict->flags & 0xFF;
    verdict->svn = body[TEE_TCB_SVN];
}

/* Finds the identity "TDX_XX" of a version of the module. */
static bool find_module(struct span info, unsigned version, struct span *module)
{
    struct span modules;
    struct json_member member;
    char wanted[8];
    snprintf(wanted, sizeof(wanted), "TDX_%02X", version & 0xFF);
    if (!json_get(info, "tdxModuleIdentities", &modules))
        return false;
    for (struct json_cursor cursor = json_elements(modules); json_next(&cursor, &member);) {
        struct span id;
        if (!json_get_text(member.value, "id", &id) || id.size != strlen(wanted))
            continue;
        bool same = true;
        for (size_t i = 0; i < id.size; i++)
            same = same && (id.data[i] | 0x20) == ((uint8_t)wanted[i] | 0x20);
        if (same) {
            *module = member.value;
            return true;
        }
    }
    return false;
}

static bool get_levels(struct span object, uint64_t svn, struct svn_choice *choice)
{
    struct span levels;
    return json_get(object, "tcbLevels", &levels) && svn_choose(levels, svn, choice);
}

/* Is the TDX module Intel's, and which level is it at? Version 0 has no level of its own. */
static int check_module(struct judge *judge, const uint8_t *body, struct span info,
                        struct svn_choice *level)
{
    struct attest_verdict *verdict = judge->verdict;
    unsigned version = body[TEE_TCB_SVN + 1];
    struct span module;
    bool found =
        version ? find_module(info, version, &module) : json_get(info, "tdxModule", &module);
    if (!found)
        return refuse(verdict, TDX_MODULE,
                      "TEE_TCB_SVN of the TD report names version %u of the TDX module, which the "
                      "TCB info does not know",
                      version);
    struct span signer;
    struct hex found_signer = hex_of(body + MRSIGNER_SEAM, DIGEST_SIZE);
    bool same = json_get_text(module, "mrsigner", &signer) && signer.size == 2 * DIGEST_SIZE;
    for (size_t i = 0; same && i < signer.size; i++)
        same = (signer.data[i] | 0x20) == ((uint8_t)found_signer.text[i] | 0x20);
    if (!same)
        return refuse(verdict, TDX_MODULE,
                      "MRSIGNERSEAM of the TD report is %s, which is not Intel's",
                      found_signer.text);
    if (!json_masked_match(module, "attributes", "attributesMask", body + SEAM_ATTRIBUTES, 8))
        return refuse(verdict, TDX_MODULE,
                      "SEAMATTRIBUTES of the TD report is %s, which the TCB info does not allow",
                      hex_of(body + SEAM_ATTRIBUTES, 8).text);
    *level = (struct svn_choice){.status = ATTEST_UP_TO_DATE};
    if (version == 0)
        return 0;
    if (!get_levels(module, body[TEE_TCB_SVN], level))
        return refuse(verdict, TCB_INFO_FORMAT,
                      "the levels of the TDX module in the TCB info cannot be read");
    if (level->status == ATTEST_NOT_SUPPORTED)
        return refuse(verdict, TDX_MODULE_STATUS,
                      "the security version of the TDX module is %u, below every level of the TCB "
                      "info",
                      body[TEE_TCB_SVN]);
    return 0;
}

static bool wants_configuration(enum attest_tcb_status status)
{
    return status == ATTEST_CONFIGURATION_NEEDED ||
           status == ATTEST_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           status == ATTEST_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

/* Whether the module that runs now (TEE_TCB_SVN2) is at the highest level, so that only this trust
 * domain, which was built under an older one, is behind. */
static bool is_module_current(const uint8_t *body, struct span info, const struct tcb_level *top)
{
    const uint8_t *now = body + TEE_TCB_SVN2;
    struct span module;
    struct svn_choice level;
    if (now[2] < top->tdx[2])
        return false;
    if (now[1] == 0)
        return now[0] >= top->tdx[0];
    return find_module(info, now[1], &module) && get_levels(module, now[0], &level) &&
           now[0] >= level.top;
}

/* Intel's relaunch rule. */
static enum attest_tcb_status consider_relaunch(const struct quote *quote, struct span info,
                                                const struct tcb_choice *choice,
                                                const struct svn_choice *module,
                                                const struct svn_choice *qe,
                                                enum attest_tcb_status status)
{
    bool behind = status == ATTEST_OUT_OF_DATE || status == ATTEST_OUT_OF_DATE_CONFIGURATION_NEEDED;
    if (quote->body.size != TDX_15_BODY_SIZE || qe->status != ATTEST_UP_TO_DATE ||
        choice->sgx_only.status > ATTEST_CONFIGURATION_AND_SW_HARDENING_NEEDED || !behind ||
        module->status != ATTEST_OUT_OF_DATE ||
        !is_module_current(quote->body.data, info, &choice->top))
        return status;
    bool configuration =
        wants_configuration(status) || wants_configuration(choice->sgx_only.status);
    return configuration ? ATTEST_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
                         : ATTEST_TD_RELAUNCH_ADVISED;
}

static int evaluate_tcb(struct judge *judge, const struct quote *quote, const struct pck *pck)
{
    struct attest_verdict *verdict = judge->verdict;
    const uint8_t *body = quote->body.data;
    struct document_query query = {
        .kind = POOL_TCB_INFO, .id = "TDX", .version_min = 3, .version_max = 3, .pck = pck};
    struct tcb_platform platform = {
        .pck = pck, .tdx = body + TEE_TCB_SVN, .tdx_first = body[TEE_TCB_SVN + 1] > 0 ? 2 : 0};
    struct document info;
    struct tcb_choice choice;
    struct svn_choice module, qe;
    struct span levels;
    uint64_t type;
    int status = document_find(judge, &query, &info);
    if (status < 0)
        return status;
    verdict->tcb_evaluation = (uint32_t)info.evaluation;
    if (!json_get_uint(info.whole, "tcbType", 0, &type) ||
        !json_get(info.whole, "tcbLevels", &levels) || !tcb_choose(levels, &platform, &choice))
        return refuse(verdict, TCB_INFO_FORMAT,
                      "the TCB info has another tcbType than 0 or a level that cannot be read");
    status = check_module(judge, body, info.whole, &module);
    if (status == 0)
        status = qe_identity_check(judge, quote, &judge->policy->tdx.tcb, &qe);
    if (status < 0)
        return status;
    if (!tcb_add_advisories(choice.best.advisories, verdict) ||
        !tcb_add_advisories(module.advisories, verdict) ||
        !tcb_add_advisories(qe.advisories, verdict))
        return refuse(verdict, TCB_INFO_FORMAT, "the advisories of a TCB level cannot be read");
    verdict->tcb_status = ATTEST_NOT_SUPPORTED;
    if (!choice.has_best)
        return 0;
    enum attest_tcb_status converged = tcb_converge(choice.best.status, module.status);
    converged = consider_relaunch(quote, info.whole, &choice, &module, &qe, converged);
    verdict->tcb_status = tcb_converge(converged, qe.status);
    return 0;
}

static int check_reserved(const uint8_t *body, struct attest_verdict *verdict)
{
    unsigned long long attributes = load_le64(body + TD_ATTRIBUTES), xfam = load_le64(body + XFAM);
    if (!is_zero(body + SEAM_ATTRIBUTES, 8))
        return refuse(verdict, TDX_RESERVED, "SEAMATTRIBUTES of the TD report is %s, expected zero",
                      hex_of(body + SEAM_ATTRIBUTES, 8).text);
    if (attributes & TD_RESERVED)
        return refuse(verdict, TDX_RESERVED,
                      "TDATTRIBUTES of the TD report is 0x%llX, the bits 0x%llX are reserved",
                      attributes, TD_RESERVED);
    if ((xfam & XFAM_MUST_BE_ONE) != XFAM_MUST_BE_ONE)
        return refuse(verdict, TDX_RESERVED,
                      "XFAM of the TD report is 0x%llX, bits 0 and 1 must be one", xfam);
    return 0;
}

int tdx_verify(struct judge *judge, const struct quote *quote)
{
    struct quote_chain certificates;
    struct pck pck;
    describe(quote->body.data, judge->verdict);
    int status = intel_verify_quote(judge, quote, &certificates, &pck);
    if (status == 0)
        status = check_reserved(quote->body.data, judge->verdict);
    if (status == 0)
        status = evaluate_tcb(judge, quote, &pck);
    return status == 0 ? tdx_check_policy(judge, quote) : status;
}
