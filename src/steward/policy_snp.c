// SPDX-License-Identifier: Apache-2.0
/* The table [snp]. */
#include "steward/policy_internal.h"

#include <errno.h>
#include <stddef.h>

static const struct word flag_words[] = {
    {"Debug", ATTEST_GUEST_DEBUG},
    {"SMT", ATTEST_GUEST_SMT},
    {"SingleSocket", ATTEST_GUEST_SINGLE_SOCKET},
    {0},
};

static const struct word required_words[] = {
    {"SingleSocket", ATTEST_GUEST_SINGLE_SOCKET},
    {"AES256XTS", ATTEST_GUEST_AES_256_XTS},
    {"RAPLDisabled", ATTEST_GUEST_RAPL_DISABLED},
    {"CiphertextHiding", ATTEST_GUEST_CIPHERTEXT_HIDING},
    {"PageSwapDisabled", ATTEST_GUEST_PAGE_SWAP_DISABLED},
    {0},
};

static const struct word platform_words[] = {
    {"SMT", 1 << 0},
    {"TSME", 1 << 1},
    {"ECC", 1 << 2},
    {"RAPLDisabled", 1 << 3},
    {"CiphertextHiding", 1 << 4},
    {"AliasCheckComplete", 1 << 5},
    {"TIO", 1 << 7},
    {0},
};

/* The original's names for the two values of PLATFORM_INFO that it knows. */
static const struct word exact_words[] = {{"SME", 1}, {"TSME", 2}, {0}};

static const struct word product_words[] = {
    {"Milan", 1 << ATTEST_MILAN},
    {"Genoa", 1 << ATTEST_GENOA},
    {"Turin", 1 << ATTEST_TURIN},
    {0},
};

static const struct word crl_words[] = {
    {"required", ATTEST_REVOCATION_REQUIRED}, {"optional", ATTEST_REVOCATION_OPTIONAL}, {0}};
static const struct word any_words[] = {{"zero", 0}, {"any", 1}, {0}};

#define TCB(member) offsetof(struct attest_snp_tcb, member)

static const struct key tcb_keys[] = {
    {"fmc", policy_read_u8, TCB(fmc), 0, NULL},
    {"boot_loader", policy_read_u8, TCB(boot_loader), 0, NULL},
    {"tee", policy_read_u8, TCB(tee), 0, NULL},
    {"snp", policy_read_u8, TCB(snp), 0, NULL},
    {"microcode", policy_read_u8, TCB(microcode), 0, NULL},
    {0},
};

static int read_tcb(struct loader *loader, const struct key *key, const struct toml_node *node,
                    void *place)
{
    return policy_read_table(loader, node, key->name, tcb_keys, place);
}

static const struct key product_keys[] = {
    {"milan", read_tcb, ATTEST_MILAN * sizeof(struct attest_snp_tcb), 0, NULL},
    {"genoa", read_tcb, ATTEST_GENOA * sizeof(struct attest_snp_tcb), 0, NULL},
    {"turin", read_tcb, ATTEST_TURIN * sizeof(struct attest_snp_tcb), 0, NULL},
    {0},
};

static int read_minimum(struct loader *loader, const struct key *key, const struct toml_node *node,
                        void *place)
{
    return policy_read_table(loader, node, key->name, product_keys, place);
}

/* A list of the flags that a guest policy may have, of those three that it names. */
static int read_flags(struct loader *loader, const struct key *key, const struct toml_node *node,
                      void *place)
{
    struct attest_snp_policy *snp = place;
    const uint64_t all = ATTEST_GUEST_DEBUG | ATTEST_GUEST_SMT | ATTEST_GUEST_SINGLE_SOCKET;
    uint64_t allowed = 0;
    int status = policy_read_words(loader, key, node, &allowed);
    snp->debug = allowed & ATTEST_GUEST_DEBUG;
    snp->flags_denied = all & ~allowed;
    return status;
}

static int read_exact(struct loader *loader, const struct key *key, const struct toml_node *node,
                      void *place)
{
    struct attest_snp_policy *snp = place;
    for (const struct word *word = key->words; word->name; word++) {
        if (node->kind == TOML_STRING &&
            span_equal(node->string, span_of(word->name, __builtin_strlen(word->name)))) {
            snp->has_platform_exact = true;
            snp->platform_exact = (uint8_t)word->bits;
            return 0;
        }
    }
    return policy_error(loader, node, "%s must be \"SME\" or \"TSME\"", key->name);
}

static int read_abi(struct loader *loader, const struct key *key, const struct toml_node *node,
                    void *place)
{
    struct attest_snp_policy *snp = place;
    if (node->kind == TOML_STRING &&
        policy_parse_version(node->string, &snp->abi_min, &snp->abi_max) == 0)
        return 0;
    return policy_error(loader, node,
                        "%s must be a requirement on versions, as in \">=1.51\" or \"1.0\"",
                        key->name);
}

static int read_revocation(struct loader *loader, const struct key *key,
                           const struct toml_node *node, void *place)
{
    bool optional = false;
    int status = policy_read_choice(loader, key, node, &optional);
    *(enum attest_revocation *)place =
        optional ? ATTEST_REVOCATION_OPTIONAL : ATTEST_REVOCATION_REQUIRED;
    return status;
}

#define SNP(member) offsetof(struct attest_snp_policy, member)

static const struct key snp_keys[] = {
    {"signer", policy_read_digests, SNP(authors), 48, NULL},
    {"hash", policy_read_digests, SNP(measurements), 48, NULL},
    {"hash_blacklist", policy_read_digests, SNP(measurements_denied), 48, NULL},
    {"id_key_digest", policy_read_digests, SNP(id_keys), 48, NULL},
    {"id_key_digest_blacklist", policy_read_digests, SNP(id_keys_denied), 48, NULL},
    {"abi", read_abi, 0, 0, NULL},
    {"policy_flags", read_flags, 0, 0, flag_words},
    {"policy_flags_required", policy_read_words, SNP(flags_required), 0, required_words},
    {"platform_info_flags", read_exact, 0, 0, exact_words},
    {"platform_info_required", policy_read_words, SNP(platform_required), 0, platform_words},
    {"platform_info_forbidden", policy_read_words, SNP(platform_denied), 0, platform_words},
    {"minimum_tcb", read_minimum, SNP(tcb_min), 0, NULL},
    {"minimum_guest_svn", policy_read_u32, SNP(guest_svn_min), 0, NULL},
    {"maximum_vmpl", policy_read_u32, SNP(vmpl_max), 3, NULL},
    {"mitigations", policy_read_u64, SNP(mitigations), 0, NULL},
    {"products", policy_read_words32, SNP(products), 0, product_words},
    {"chip_id", policy_read_digests, SNP(chips), 64, NULL},
    {"chip_id_blacklist", policy_read_digests, SNP(chips_denied), 64, NULL},
    {"masked_chip_id", policy_read_flag, SNP(masked_chip), 0, NULL},
    {"provider", policy_read_strings, SNP(providers), 0, NULL},
    {"host_data", policy_read_digests, SNP(host_data), 32, NULL},
    {"host_data_rule", policy_read_choice, SNP(any_host_data), 0, any_words},
    {"family_id", policy_read_digests, SNP(families), 16, NULL},
    {"image_id", policy_read_digests, SNP(images), 16, NULL},
    {"id_rule", policy_read_choice, SNP(any_ids), 0, any_words},
    {"migration", policy_read_flag, SNP(migration), 0, NULL},
    {"crl", read_revocation, SNP(revocation), 0, crl_words},
    {0},
};

int policy_read_snp(struct loader *loader, const struct toml_node *table)
{
    struct attest_snp_policy *snp = &loader->file->policy.snp;
    *snp = (struct attest_snp_policy){.accepted = true};
    return policy_read_table(loader, table, "[snp]", snp_keys, snp);
}
