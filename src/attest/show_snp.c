// SPDX-License-Identifier: Apache-2.0
#include "attest/show.h"
#include "attest/snp.h"
#include "base/bytes.h"

#include <stdio.h>

static const struct flag policy_flags[] = {
    {16, "SMT"},
    {17, "must be one"},
    {18, "MIGRATE_MA"},
    {19, "DEBUG"},
    {20, "SINGLE_SOCKET"},
    {21, "CXL_ALLOW"},
    {22, "MEM_AES_256_XTS"},
    {23, "RAPL_DIS"},
    {24, "CIPHERTEXT_HIDING_DRAM"},
    {25, "PAGE_SWAP_DISABLE"},
    {0},
};

static const struct flag platform_flags[] = {
    {0, "SMT_EN"},
    {1, "TSME_EN"},
    {2, "ECC_EN"},
    {3, "RAPL_DIS"},
    {4, "CIPHERTEXT_HIDING_DRAM_EN"},
    {5, "ALIAS_CHECK_COMPLETE"},
    {6, "IOMMU_WRITE_SAFE"},
    {7, "TIO_EN"},
    {0},
};

static const struct flag key_flags[] = {
    {0, "AUTHOR_KEY_EN"}, {1, "MASK_CHIP_KEY"}, {2, "signed by the VLEK"}, {0}};

static const struct field head[] = {
    {"VERSION", 0x000, 4, FIELD_NUMBER, NULL},
    {"GUEST_SVN", 0x004, 4, FIELD_NUMBER, NULL},
    {"POLICY", 0x008, 8, FIELD_FLAGS, policy_flags},
    {"POLICY.ABI_MAJOR", 0x009, 1, FIELD_NUMBER, NULL},
    {"POLICY.ABI_MINOR", 0x008, 1, FIELD_NUMBER, NULL},
    {"FAMILY_ID", 0x010, 16, FIELD_HEX, NULL},
    {"IMAGE_ID", 0x020, 16, FIELD_HEX, NULL},
    {"VMPL", 0x030, 4, FIELD_NUMBER, NULL},
    {"SIGNATURE_ALGO", 0x034, 4, FIELD_NUMBER, NULL},
    {"PLATFORM_INFO", 0x040, 8, FIELD_FLAGS, platform_flags},
    {"KEY_INFO", 0x048, 4, FIELD_FLAGS, key_flags},
    {"REPORT_DATA", 0x050, 64, FIELD_HEX, NULL},
    {"MEASUREMENT", 0x090, 48, FIELD_HEX, NULL},
    {"HOST_DATA", 0x0C0, 32, FIELD_HEX, NULL},
    {"ID_KEY_DIGEST", 0x0E0, 48, FIELD_HEX, NULL},
    {"AUTHOR_KEY_DIGEST", 0x110, 48, FIELD_HEX, NULL},
    {"REPORT_ID", 0x140, 32, FIELD_HEX, NULL},
    {"REPORT_ID_MA", 0x160, 32, FIELD_HEX, NULL},
    {"CHIP_ID", 0x1A0, 64, FIELD_HEX, NULL},
};

static const struct field processor[] = {
    {"CPUID_FAM_ID", 0x188, 1, FIELD_NUMBER, NULL},
    {"CPUID_MOD_ID", 0x189, 1, FIELD_NUMBER, NULL},
    {"CPUID_STEP", 0x18A, 1, FIELD_NUMBER, NULL},
};

static const struct field mitigations[] = {
    {"LAUNCH_MIT_VECTOR", 0x1F8, 8, FIELD_HEX, NULL},
    {"CURRENT_MIT_VECTOR", 0x200, 8, FIELD_HEX, NULL},
};

static const struct field signature[] = {
    {"SIGNATURE.R (little-endian)", 0x2A0, 72, FIELD_HEX, NULL},
    {"SIGNATURE.S (little-endian)", 0x2E8, 72, FIELD_HEX, NULL},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The layout depends on the product, which version 2 does not tell: all its machines have the older
 * one. */
static void show_tcb(const struct viewer *viewer, const char *name, const uint8_t *bytes,
                     enum attest_product product)
{
    struct attest_snp_tcb tcb = snp_tcb_parse(bytes, product);
    char fmc[16] = "";
    if (product == ATTEST_TURIN)
        snprintf(fmc, sizeof(fmc), "FMC %u, ", tcb.fmc);
    show_text(viewer, name, "%sboot loader %u, TEE %u, SNP %u, microcode %u", fmc, tcb.boot_loader,
              tcb.tee, tcb.snp, tcb.microcode);
}

bool show_snp_report(const struct viewer *viewer, struct span bytes)
{
    static const struct {
        const char *name;
        uint16_t offset;
    } tcbs[] = {{"CURRENT_TCB", 0x038},
                {"REPORTED_TCB", 0x180},
                {"COMMITTED_TCB", 0x1E0},
                {"LAUNCH_TCB", 0x1F0}};
    if (bytes.size != SNP_REPORT_SIZE || load_le32(bytes.data) < 2 || load_le32(bytes.data) > 5)
        return false;
    unsigned version = load_le32(bytes.data);
    bool turin = version >= 3 && bytes.data[0x188] == 0x1A;
    const uint8_t *at = bytes.data;
    show_begin(viewer, "SNP attestation report");
    show_fields(viewer, head, COUNT(head), at);
    if (version >= 3)
        show_fields(viewer, processor, COUNT(processor), at);
    for (size_t i = 0; i < COUNT(tcbs); i++)
        show_tcb(viewer, tcbs[i].name, at + tcbs[i].offset, turin ? ATTEST_TURIN : ATTEST_MILAN);
    show_text(viewer, "CURRENT_VERSION", "%u.%u.%u", at[0x1EA], at[0x1E9], at[0x1E8]);
    show_text(viewer, "COMMITTED_VERSION", "%u.%u.%u", at[0x1EE], at[0x1ED], at[0x1EC]);
    if (version >= 5)
        show_fields(viewer, mitigations, COUNT(mitigations), at);
    show_fields(viewer, signature, COUNT(signature), at);
    show_end(viewer);
    return true;
}
