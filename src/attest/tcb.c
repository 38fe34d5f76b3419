// SPDX-License-Identifier: Apache-2.0
/* Levels of TCB infos and identities, and what a status becomes in company. */
#include "attest/intel.h"

#include "codec/base64.h"
#include "codec/json.h"

#include <string.h>

enum { HEX_MAX = 48 };

enum attest_tcb_status tcb_status_parse(struct span text)
{
    for (enum attest_tcb_status status = ATTEST_UP_TO_DATE; status <= ATTEST_REVOKED; status++) {
        const char *name = attest_tcb_status_name(status);
        bool from_intel = status != ATTEST_TD_RELAUNCH_ADVISED &&
                          status != ATTEST_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;
        if (from_intel && span_equal(text, span_of(name, strlen(name))))
            return status;
    }
    return ATTEST_TCB_NONE;
}

/* An array of TCB_COMPONENTS objects, each with an svn. */
static bool parse_components(struct span tcb, const char *name, uint8_t *out)
{
    struct span array;
    struct json_member member;
    size_t count = 0;
    if (!json_get(tcb, name, &array))
        return false;
    for (struct json_cursor cursor = json_elements(array); json_next(&cursor, &member); count++) {
        uint64_t svn;
        if (count == TCB_COMPONENTS || !json_get_uint(member.value, "svn", UINT8_MAX, &svn))
            return false;
        out[count] = (uint8_t)svn;
    }
    return count == TCB_COMPONENTS;
}

/* TCB infos of version 2: sgxtcbcomp01svn to sgxtcbcomp16svn. */
static bool parse_flat_components(struct span tcb, uint8_t *out)
{
    for (unsigned i = 0; i < TCB_COMPONENTS; i++) {
        char name[] = "sgxtcbcomp00svn";
        uint64_t svn;
        name[10] = (char)('0' + (i + 1) / 10);
        name[11] = (char)('0' + (i + 1) % 10);
        if (!json_get_uint(tcb, name, UINT8_MAX, &svn))
            return false;
        out[i] = (uint8_t)svn;
    }
    return true;
}

static bool parse_status(struct span level, enum attest_tcb_status *status, struct span *advisories)
{
    struct span text;
    if (!json_get_text(level, "tcbStatus", &text))
        return false;
    *status = tcb_status_parse(text);
    *advisories = (struct span){0};
    json_get(level, "advisoryIDs", advisories);
    return *status != ATTEST_TCB_NONE;
}

static bool parse_level(struct span value, bool tdx, struct tcb_level *level)
{
    struct span tcb;
    uint64_t pce_svn;
    *level = (struct tcb_level){0};
    if (!json_get(value, "tcb", &tcb) ||
        !(parse_components(tcb, "sgxtcbcomponents", level->sgx) ||
          (!tdx && parse_flat_components(tcb, level->sgx))) ||
        !json_get_uint(tcb, "pcesvn", UINT16_MAX, &pce_svn) ||
        !parse_status(value, &level->status, &level->advisories))
        return false;
    level->pce_svn = (uint16_t)pce_svn;
    return !tdx || parse_components(tcb, "tdxtcbcomponents", level->tdx);
}

/* Descending order of levels: SGX components, PCESVN, TDX components. */
static bool is_above(const struct tcb_level *a, const struct tcb_level *b)
{
    int order = memcmp(a->sgx, b->sgx, TCB_COMPONENTS);
    if (order == 0)
        order = (int)a->pce_svn - (int)b->pce_svn;
    if (order == 0)
        order = memcmp(a->tdx, b->tdx, TCB_COMPONENTS);
    return order > 0;
}

static bool satisfies_sgx(const struct tcb_platform *platform, const struct tcb_level *level)
{
    for (size_t i = 0; i < TCB_COMPONENTS; i++) {
        if (platform->pck->components[i] < level->sgx[i])
            return false;
    }
    return platform->pck->pce_svn >= level->pce_svn;
}

static bool satisfies_tdx(const struct tcb_platform *platform, const struct tcb_level *level)
{
    for (size_t i = platform->tdx_first; platform->tdx && i < TCB_COMPONENTS; i++) {
        if (platform->tdx[i] < level->tdx[i])
            return false;
    }
    return true;
}

static void keep_higher(struct tcb_level *kept, bool *has, const struct tcb_level *level)
{
    if (!*has || is_above(level, kept))
        *kept = *level;
    *has = true;
}

bool tcb_choose(struct span levels, const struct tcb_platform *platform, struct tcb_choice *choice)
{
    bool has_top = false;
    struct json_member member;
    *choice = (struct tcb_choice){0};
    for (struct json_cursor cursor = json_elements(levels); json_next(&cursor, &member);) {
        struct tcb_level level;
        if (!parse_level(member.value, platform->tdx, &level))
            return false;
        keep_higher(&choice->top, &has_top, &level);
        if (!satisfies_sgx(platform, &level))
            continue;
        keep_higher(&choice->sgx_only, &choice->has_sgx_only, &level);
        if (satisfies_tdx(platform, &level))
            keep_higher(&choice->best, &choice->has_best, &level);
    }
    return has_top;
}

bool svn_choose(struct span levels, uint64_t svn, struct svn_choice *choice)
{
    bool any = false;
    struct json_member member;
    *choice = (struct svn_choice){.status = ATTEST_NOT_SUPPORTED};
    for (struct json_cursor cursor = json_elements(levels); json_next(&cursor, &member);) {
        struct span tcb, advisories;
        uint64_t level;
        enum attest_tcb_status status;
        if (!json_get(member.value, "tcb", &tcb) ||
            !json_get_uint(tcb, "isvsvn", UINT16_MAX, &level) ||
            !parse_status(member.value, &status, &advisories))
            return false;
        choice->top = !any || level > choice->top ? level : choice->top;
        any = true;
        bool higher = choice->status == ATTEST_NOT_SUPPORTED || level > choice->svn;
        if (level > svn || !higher)
            continue;
        choice->svn = level;
        choice->status = status;
        choice->advisories = advisories;
    }
    return any;
}

enum attest_tcb_status tcb_converge(enum attest_tcb_status platform, enum attest_tcb_status other)
{
    bool current = platform == ATTEST_UP_TO_DATE || platform == ATTEST_SW_HARDENING_NEEDED;
    bool configuration = platform == ATTEST_CONFIGURATION_NEEDED ||
                         platform == ATTEST_CONFIGURATION_AND_SW_HARDENING_NEEDED;
    switch (other) {
    case ATTEST_UP_TO_DATE:
        return platform;
    case ATTEST_OUT_OF_DATE:
        if (current)
            return ATTEST_OUT_OF_DATE;
        return configuration ? ATTEST_OUT_OF_DATE_CONFIGURATION_NEEDED : platform;
    case ATTEST_REVOKED:
        return ATTEST_REVOKED;
    default: /* no other status is defined for modules and quoting enclaves */
        return ATTEST_NOT_SUPPORTED;
    }
}

bool tcb_add_advisories(struct span advisories, struct attest_verdict *verdict)
{
    struct json_member member;
    for (struct json_cursor cursor = json_elements(advisories); json_next(&cursor, &member);) {
        struct span text;
        bool known = false;
        if (!json_text(member.value, &text) || text.size >= ATTEST_ADVISORY_SIZE)
            return false;
        for (size_t i = 0; i < verdict->advisory_count && !known; i++)
            known =
                span_equal(text, span_of(verdict->advisories[i], strlen(verdict->advisories[i])));
        if (known)
            continue;
        if (verdict->advisory_count == ATTEST_ADVISORIES_MAX)
            return false;
        memcpy(verdict->advisories[verdict->advisory_count++], text.data, text.size);
    }
    return true;
}

bool json_masked_match(struct span object, const char *expected, const char *mask,
                       const uint8_t *value, size_t size)
{
    uint8_t wanted[HEX_MAX], bits[HEX_MAX];
    struct span wanted_text, bits_text;
    if (!json_get_text(object, expected, &wanted_text) ||
        hex_decode(wanted_text, wanted, size) < 0 || !json_get_text(object, mask, &bits_text) ||
        hex_decode(bits_text, bits, size) < 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        if ((value[i] & bits[i]) != wanted[i])
            return false;
    }
    return true;
}

static bool is_allowed(const struct attest_tcb_policy *policy, enum attest_tcb_status status)
{
    if (policy->statuses)
        return policy->statuses & 1U << status;
    return status == ATTEST_UP_TO_DATE ||
           (policy->advisories.count > 0 && status < ATTEST_TD_RELAUNCH_ADVISED);
}

int tcb_check_policy(struct judge *judge, const struct attest_tcb_policy *policy)
{
    struct attest_verdict *verdict = judge->verdict;
    enum attest_tcb_status status = verdict->tcb_status;
    const char *name = attest_tcb_status_name(status);
    if (verdict->tcb_evaluation < policy->evaluation_min)
        return refuse(verdict, TCB_EVALUATION,
                      "tcbEvaluationDataNumber of the TCB info is %u, expected at least %u",
                      verdict->tcb_evaluation, policy->evaluation_min);
    if (status == ATTEST_REVOKED)
        return refuse(verdict, TCB_REVOKED, "the TCB status of the platform is Revoked");
    if (status == ATTEST_NOT_SUPPORTED)
        return refuse(verdict, TCB_NOT_SUPPORTED,
                      "the platform is below every level of the TCB info");
    if (!is_allowed(policy, status))
        return refuse(verdict, TCB_STATUS,
                      "the TCB status of the platform is %s, which the policy does not allow",
                      name);
    bool silent = policy->statuses && policy->advisories.count == 0;
    if (status == ATTEST_UP_TO_DATE || silent)
        return 0;
    if (verdict->advisory_count == 0 && !policy->statuses)
        return refuse(verdict, TCB_STATUS,
                      "the TCB status of the platform is %s and no advisory says why", name);
    for (size_t i = 0; i < verdict->advisory_count; i++) {
        const char *advisory = verdict->advisories[i];
        if (!strings_have(&policy->advisories, span_of(advisory, strlen(advisory))))
            return refuse(verdict, TCB_ADVISORY,
                          "the TCB status of the platform is %s because of %s, which the policy "
                          "does not allow",
                          name, advisory);
    }
    return 0;
}
