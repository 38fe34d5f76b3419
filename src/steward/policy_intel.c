// SPDX-License-Identifier: Apache-2.0
/* The tables [sgx] and [tdx]. */
#include "steward/policy_internal.h"

#include <errno.h>
#include <stddef.h>

#define STATUS(constant) (1ULL << ATTEST_##constant)

/* Revoked is missing on purpose. */
const struct word policy_statuses[] = {
    {"UpToDate", STATUS(UP_TO_DATE)},
    {"SWHardeningNeeded", STATUS(SW_HARDENING_NEEDED)},
    {"ConfigurationNeeded", STATUS(CONFIGURATION_NEEDED)},
    {"ConfigurationAndSWHardeningNeeded", STATUS(CONFIGURATION_AND_SW_HARDENING_NEEDED)},
    {"OutOfDate", STATUS(OUT_OF_DATE)},
    {"OutOfDateConfigurationNeeded", STATUS(OUT_OF_DATE_CONFIGURATION_NEEDED)},
    {"TDRelaunchAdvised", STATUS(TD_RELAUNCH_ADVISED)},
    {"TDRelaunchAdvisedConfigurationNeeded", STATUS(TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED)},
    {0},
};

static const struct word any_words[] = {{"zero", 0}, {"any", 1}, {0}};
static const struct word identity_words[] = {{"required", 0}, {"built-in", 1}, {0}};
static const struct word trailing_words[] = {{"ignore", 0}, {"refuse", 1}, {0}};
static const struct word need_words[] = {{"optional", 0}, {"required", 1}, {0}};

static const struct word sgx_features[] = {
    {"CET", ATTEST_ENCLAVE_CET},
    {"Debug", ATTEST_ENCLAVE_DEBUG},
    {"EInitKey", ATTEST_ENCLAVE_EINIT_KEY},
    {"KSS", ATTEST_ENCLAVE_KSS},
    {"ProvisioningKey", ATTEST_ENCLAVE_PROVISION_KEY},
    {"AEXNotify", ATTEST_ENCLAVE_AEX_NOTIFY},
    {0},
};
static const struct word misc_words[] = {{"EXINFO", 1}, {0}};

#define TCB_KEYS(type)                                                                             \
    {"allowed_advisories", policy_read_strings, offsetof(type, tcb.advisories), 0, NULL},          \
        {"allowed_status", policy_read_words32, offsetof(type, tcb.statuses), 0, policy_statuses}, \
        {"minimum_tcb_evaluation", policy_read_u32, offsetof(type, tcb.evaluation_min), 0, NULL},  \
        {"qe_identity", policy_read_choice, offsetof(type, tcb.builtin_identity), 0,               \
         identity_words},                                                                          \
    {                                                                                              \
        "trailing_bytes", policy_read_choice, offsetof(type, tcb.refuse_trailing), 0,              \
            trailing_words                                                                         \
    }

static int read_product(struct loader *loader, const struct key *key, const struct toml_node *node,
                        void *place)
{
    struct attest_sgx_policy *sgx = place;
    sgx->has_product = true;
    return policy_read_u16(loader, key, node, &sgx->product);
}

#define SGX(member) offsetof(struct attest_sgx_policy, member)

static const struct key sgx_keys[] = {
    {"signer", policy_read_digests, SGX(signers), 32, NULL},
    {"hash", policy_read_digests, SGX(measurements), 32, NULL},
    {"hash_blacklist", policy_read_digests, SGX(measurements_denied), 32, NULL},
    {"features", policy_read_words, SGX(attributes), 0, sgx_features},
    {"enclave_security_version", policy_read_u16, SGX(svn_min), 0, NULL},
    {"enclave_product_id", read_product, 0, 0, NULL},
    {"misc_select", policy_read_words32, SGX(misc_select), 0, misc_words},
    {"config", policy_read_choice, SGX(any_config), 0, any_words},
    {"refuse_hyperthreading", policy_read_flag, SGX(refuse_smt), 0, NULL},
    TCB_KEYS(struct attest_sgx_policy),
    {0},
};

int policy_read_sgx(struct loader *loader, const struct toml_node *table)
{
    struct attest_sgx_policy *sgx = &loader->file->policy.sgx;
    *sgx = (struct attest_sgx_policy){
        .accepted = true,
        .attributes = ATTEST_ENCLAVE_CET | ATTEST_ENCLAVE_KSS | ATTEST_ENCLAVE_AEX_NOTIFY,
        .misc_select = 1,
    };
    return policy_read_table(loader, table, "[sgx]", sgx_keys, sgx);
}

static const struct word tdx_features[] = {{"Debug", 1}, {"Migratable", 2}, {"PerfMon", 4}, {0}};

static int read_tdx_features(struct loader *loader, const struct key *key,
                             const struct toml_node *node, void *place)
{
    struct attest_tdx_policy *tdx = place;
    uint64_t bits = 0;
    int status = policy_read_words(loader, key, node, &bits);
    tdx->debug = bits & 1;
    tdx->migration = bits & 2;
    tdx->performance_counters = bits & 4;
    return status;
}

#define TDX(member) offsetof(struct attest_tdx_policy, member)

static const struct key tdx_keys[] = {
    {"hash", policy_read_digests, TDX(measurements), 48, NULL},
    {"hash_blacklist", policy_read_digests, TDX(measurements_denied), 48, NULL},
    {"rtmr0", policy_read_digests, TDX(registers[0]), 48, NULL},
    {"rtmr1", policy_read_digests, TDX(registers[1]), 48, NULL},
    {"rtmr2", policy_read_digests, TDX(registers[2]), 48, NULL},
    {"rtmr3", policy_read_digests, TDX(registers[3]), 48, NULL},
    {"module", policy_read_digests, TDX(modules), 48, NULL},
    {"features", read_tdx_features, 0, 0, tdx_features},
    {"sept_ve_disable", policy_read_choice, TDX(require_sept_ve_disable), 0, need_words},
    {"owner", policy_read_choice, TDX(any_owner), 0, any_words},
    {"service", policy_read_choice, TDX(any_service), 0, any_words},
    TCB_KEYS(struct attest_tdx_policy),
    {0},
};

int policy_read_tdx(struct loader *loader, const struct toml_node *table)
{
    struct attest_tdx_policy *tdx = &loader->file->policy.tdx;
    *tdx = (struct attest_tdx_policy){.accepted = true};
    return policy_read_table(loader, table, "[tdx]", tdx_keys, tdx);
}
