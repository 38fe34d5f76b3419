// SPDX-License-Identifier: Apache-2.0
/* What the policy demands of an SNP report that is genuine. */
#include "attest/snp.h"

#include <errno.h>

enum { DIGEST_SIZE = 48, ID_SIZE = 16, HOST_DATA_SIZE = 32, AGENT_SIZE = 32, CHIP_SIZE = 64 };

static int check_guest_policy(const struct attest_snp_policy *policy,
                              const struct snp_report *report, struct attest_verdict *verdict)
{
    unsigned long long flags = report->policy;
    if (flags & ATTEST_GUEST_DEBUG && !policy->debug)
        return refuse(verdict, SNP_POLICY_DEBUG,
                      "DEBUG in POLICY (0x%llX) of the SNP report is 1: the host may read the "
                      "guest's memory",
                      flags);
    if (flags & ATTEST_GUEST_MIGRATION && !policy->migration)
        return refuse(verdict, SNP_POLICY_MIGRATION,
                      "MIGRATE_MA in POLICY (0x%llX) of the SNP report is 1: a migration agent may "
                      "move the guest",
                      flags);
    if (flags & policy->flags_denied)
        return refuse(verdict, SNP_POLICY_FLAGS,
                      "POLICY of the SNP report is 0x%llX, the bits 0x%llX must be zero", flags,
                      (unsigned long long)policy->flags_denied);
    if (~flags & policy->flags_required)
        return refuse(verdict, SNP_POLICY_REQUIRED,
                      "POLICY of the SNP report is 0x%llX, the bits 0x%llX must be one", flags,
                      (unsigned long long)policy->flags_required);
    unsigned abi = flags & 0xFFFF;
    if (abi < policy->abi_min || (policy->abi_max > 0 && abi > policy->abi_max))
        return refuse(verdict, SNP_POLICY_ABI,
                      "POLICY of the SNP report asks for firmware ABI %u.%u, which the policy does "
                      "not allow",
                      abi >> 8, abi & 0xFF);
    return 0;
}

static int check_state(const struct attest_snp_policy *policy, const struct snp_report *report,
                       struct attest_verdict *verdict)
{
    if (report->vmpl > policy->vmpl_max)
        return refuse(verdict, SNP_VMPL, "VMPL of the SNP report is %u, expected at most %u",
                      report->vmpl, policy->vmpl_max);
    bool none = true;
    for (size_t i = 0; i < AGENT_SIZE; i++)
        none = none && report->migration_agent[i] == 0xFF;
    if (!none && !policy->migration)
        return refuse(verdict, SNP_MIGRATION_AGENT,
                      "REPORT_ID_MA of the SNP report is %s, expected all bits one: a migration "
                      "agent is associated",
                      hex_of(report->migration_agent, AGENT_SIZE).text);
    if (report->guest_svn < policy->guest_svn_min)
        return refuse(verdict, SNP_GUEST_SVN,
                      "GUEST_SVN of the SNP report is %u, expected at least %u", report->guest_svn,
                      policy->guest_svn_min);
    return 0;
}

static int check_platform(const struct attest_snp_policy *policy, const struct snp_report *report,
                          struct attest_verdict *verdict)
{
    unsigned long long platform = report->platform;
    bool exact = !policy->has_platform_exact || platform == policy->platform_exact;
    if (!exact || ~platform & policy->platform_required || platform & policy->platform_denied)
        return refuse(verdict, SNP_PLATFORM,
                      "PLATFORM_INFO of the SNP report is 0x%llX; the policy demands the bits "
                      "0x%llX%s and forbids 0x%llX",
                      platform,
                      (unsigned long long)(policy->has_platform_exact ? policy->platform_exact
                                                                      : policy->platform_required),
                      policy->has_platform_exact ? " exactly" : "",
                      (unsigned long long)policy->platform_denied);
    uint64_t both = report->launch_mitigations & report->current_mitigations;
    if (~both & policy->mitigations)
        return refuse(
            verdict, SNP_MITIGATION,
            "LAUNCH_MIT_VECTOR is 0x%llX and CURRENT_MIT_VECTOR 0x%llX in the SNP report, "
            "both must have the bits 0x%llX",
            (unsigned long long)report->launch_mitigations,
            (unsigned long long)report->current_mitigations,
            (unsigned long long)policy->mitigations);
    return 0;
}

static int check_tcb_minimum(const struct attest_snp_policy *policy,
                             const struct snp_report *report, enum attest_product product,
                             struct attest_verdict *verdict)
{
    struct attest_snp_tcb tcb = snp_tcb_parse(report->reported, product);
    const struct attest_snp_tcb *min = &policy->tcb_min[product];
    const struct {
        const char *name;
        unsigned present, min;
    } parts[] = {
        {"FMC", tcb.fmc, min->fmc},
        {"boot loader", tcb.boot_loader, min->boot_loader},
        {"TEE", tcb.tee, min->tee},
        {"SNP firmware", tcb.snp, min->snp},
        {"microcode", tcb.microcode, min->microcode},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].present < parts[i].min)
            return refuse(verdict, SNP_TCB_MINIMUM,
                          "the %s version in REPORTED_TCB of the SNP report is %u, expected at "
                          "least %u on %s",
                          parts[i].name, parts[i].present, parts[i].min,
                          attest_product_name(product));
    }
    return 0;
}

static int check_machine(const struct attest_snp_policy *policy, const struct snp_report *report,
                         const struct snp_vek *vek, struct attest_verdict *verdict)
{
    if (policy->products && !(policy->products & 1U << vek->product))
        return refuse(verdict, SNP_PRODUCT,
                      "the processor is a %s, which the policy does not allow",
                      attest_product_name(vek->product));
    if (list_has(&policy->chips_denied, report->chip, CHIP_SIZE) ||
        !list_allows(&policy->chips, report->chip, CHIP_SIZE))
        return refuse(verdict, SNP_CHIP, "the policy does not allow CHIP_ID %s of the SNP report",
                      hex_of(report->chip, CHIP_SIZE).text);
    if (vek->key == SNP_VLEK && policy->providers.count > 0 &&
        !strings_have(&policy->providers, vek->provider))
        return refuse(verdict, SNP_VEK_PROVIDER,
                      "cspID of the VLEK is \"%.*s\", which the policy does not allow",
                      (int)(vek->provider.size < 64 ? vek->provider.size : 64),
                      (const char *)vek->provider.data);
    return check_tcb_minimum(policy, report, vek->product, verdict);
}

static int check_digests(const struct attest_snp_policy *policy, const struct snp_report *report,
                         struct attest_verdict *verdict)
{
    if (policy->authors.count > 0 &&
        !(report->has_author && list_has(&policy->authors, report->author, DIGEST_SIZE)))
        return refuse(verdict, SNP_AUTHOR_KEY,
                      "AUTHOR_KEY_DIGEST of the SNP report is %s, which is not a signer that the "
                      "policy allows",
                      report->has_author ? hex_of(report->author, DIGEST_SIZE).text : "absent");
    if (list_has(&policy->id_keys_denied, report->id_key, DIGEST_SIZE) ||
        !list_allows(&policy->id_keys, report->id_key, DIGEST_SIZE))
        return refuse(verdict, SNP_ID_KEY,
                      "ID_KEY_DIGEST of the SNP report is %s, which the policy does not allow",
                      hex_of(report->id_key, DIGEST_SIZE).text);
    if (list_has(&policy->measurements_denied, report->measurement, DIGEST_SIZE) ||
        !list_allows(&policy->measurements, report->measurement, DIGEST_SIZE))
        return refuse(verdict, SNP_MEASUREMENT,
                      "MEASUREMENT of the SNP report is %s, which the policy does not allow",
                      hex_of(report->measurement, DIGEST_SIZE).text);
    return 0;
}

static bool is_demanded(const struct attest_list *list, const uint8_t *value, size_t size)
{
    return list->count > 0 ? list_has(list, value, size) : is_zero(value, size);
}

/* Values that the host or the owner of the ID key chose. */
static int check_chosen(const struct attest_snp_policy *policy, const struct snp_report *report,
                        struct attest_verdict *verdict)
{
    if (!policy->any_host_data &&
        !is_demanded(&policy->host_data, report->host_data, HOST_DATA_SIZE))
        return refuse(verdict, SNP_HOST_DATA, "HOST_DATA of the SNP report is %s, expected %s",
                      hex_of(report->host_data, HOST_DATA_SIZE).text,
                      policy->host_data.count ? "one of the policy's values" : "zero");
    if (policy->any_ids)
        return 0;
    if (!is_demanded(&policy->families, report->family, ID_SIZE) ||
        !is_demanded(&policy->images, report->image, ID_SIZE))
        return refuse(verdict, SNP_ID,
                      "FAMILY_ID %s and IMAGE_ID %s of the SNP report are not what the policy "
                      "demands",
                      hex_of(report->family, ID_SIZE).text, hex_of(report->image, ID_SIZE).text);
    return 0;
}

static void warn(const struct snp_report *report, const struct snp_vek *vek,
                 struct attest_verdict *verdict)
{
    enum { ALIAS_CHECK_COMPLETE = 1 << 5 };
    if (vek->product == ATTEST_MILAN)
        verdict_warn(verdict, "the root secret of Milan processors can be extracted by software "
                              "(BadFuse, 2026): allow only chips whose operator you trust");
    if (!(report->platform & ALIAS_CHECK_COMPLETE))
        verdict_warn(verdict, "ALIAS_CHECK_COMPLETE is not set: memory modules that lie about "
                              "their size (BadRAM, CVE-2024-21944) are not ruled out");
    if (report->vmpl > 0)
        verdict_warn(verdict,
                     "the report is from VMPL %u: more privileged software is in the guest",
                     report->vmpl);
}

int snp_check_policy(struct judge *judge, const struct snp_report *report,
                     const struct snp_vek *vek)
{
    const struct attest_snp_policy *policy = &judge->policy->snp;
    struct attest_verdict *verdict = judge->verdict;
    warn(report, vek, verdict);
    int status = check_guest_policy(policy, report, verdict);
    if (status == 0)
        status = check_state(policy, report, verdict);
    if (status == 0)
        status = check_platform(policy, report, verdict);
    if (status == 0)
        status = check_machine(policy, report, vek, verdict);
    if (status == 0)
        status = check_digests(policy, report, verdict);
    return status == 0 ? check_chosen(policy, report, verdict) : status;
}
