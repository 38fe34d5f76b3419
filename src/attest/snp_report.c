// SPDX-License-Identifier: Apache-2.0
#include "attest/snp.h"

#include "base/bytes.h"

enum {
    VERSION_MIN = 2,
    VERSION_MAX = 5,
    ALGORITHM_P384 = 1,
    KEY_AUTHOR = 1 << 0,
    KEY_MASKED = 1 << 1,
    POLICY_MUST_BE_ONE = 1 << 17,
};

#define POLICY_KNOWN ((1ULL << 26) - 1)

struct range {
    uint16_t offset, size;
    uint8_t first, last; /* versions in which it is reserved */
};

static const struct range reserved[] = {
    {0x04C, 4, 2, 5},  {0x188, 24, 2, 2},  {0x18B, 21, 3, 5}, {0x1EB, 1, 2, 5},  {0x1EF, 1, 2, 5},
    {0x1F8, 16, 2, 4}, {0x208, 152, 2, 5}, {0x2D0, 24, 2, 5}, {0x318, 24, 2, 5}, {0x330, 368, 2, 5},
};

/* Processors by CPUID family and model (report version 3 and later). */
static const struct {
    uint8_t family, first, last;
    enum attest_product product;
} processors[] = {
    {0x19, 0x00, 0x0F, ATTEST_MILAN},
    {0x19, 0x10, 0x1F, ATTEST_GENOA},
    {0x19, 0xA0, 0xAF, ATTEST_GENOA}, /* Bergamo and Siena */
    {0x1A, 0x00, 0x11, ATTEST_TURIN},
};

static enum attest_product find_product(uint8_t family, uint8_t model)
{
    for (size_t i = 0; i < sizeof(processors) / sizeof(processors[0]); i++) {
        if (processors[i].family == family && model >= processors[i].first &&
            model <= processors[i].last)
            return processors[i].product;
    }
    return ATTEST_PRODUCT_NONE;
}

static int check_reserved(struct span bytes, uint32_t version, struct attest_verdict *verdict)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        const struct range *range = &reserved[i];
        if (version < range->first || version > range->last)
            continue;
        if (!is_zero(bytes.data + range->offset, range->size))
            return refuse(verdict, SNP_REPORT_RESERVED,
                          "the %u reserved bytes at offset 0x%X of the SNP report (version %u) are "
                          "not zero",
                          range->size, range->offset, version);
    }
    return 0;
}

/* The word at 0x48: which key signed, and whether at all. */
static int parse_key(uint32_t word, struct snp_report *report, struct attest_verdict *verdict)
{
    uint32_t key = word >> 2 & 7;
    if (word >> 5 != 0)
        return refuse(verdict, SNP_REPORT_RESERVED,
                      "reserved bits of the key information (0x%X) of the SNP report are set",
                      word);
    if (word & KEY_MASKED)
        return refuse(verdict, SNP_REPORT_UNSIGNED,
                      "MASK_CHIP_KEY of the SNP report is 1: the host made the firmware leave "
                      "reports unsigned");
    if (key != SNP_VCEK && key != SNP_VLEK)
        return refuse(verdict, SNP_REPORT_KEY,
                      "SIGNING_KEY of the SNP report is %u, expected 0 (VCEK) or 1 (VLEK)", key);
    report->key = (enum snp_signing_key)key;
    report->has_author = word & KEY_AUTHOR;
    return 0;
}

static void fill(struct span bytes, struct snp_report *report)
{
    const uint8_t *at = bytes.data;
    report->bytes = bytes;
    report->version = load_le32(at);
    report->guest_svn = load_le32(at + 0x004);
    report->policy = load_le64(at + 0x008);
    report->family = at + 0x010;
    report->image = at + 0x020;
    report->vmpl = load_le32(at + 0x030);
    report->current = at + 0x038;
    report->platform = load_le64(at + 0x040);
    report->report_data = at + 0x050;
    report->measurement = at + 0x090;
    report->host_data = at + 0x0C0;
    report->id_key = at + 0x0E0;
    report->author = at + 0x110;
    report->migration_agent = at + 0x160;
    report->reported = at + 0x180;
    report->chip = at + 0x1A0;
    report->committed = at + 0x1E0;
    report->abi_minor = at[0x1E9];
    report->abi_major = at[0x1EA];
    report->launch = at + 0x1F0;
    report->launch_mitigations = load_le64(at + 0x1F8);
    report->current_mitigations = load_le64(at + 0x200);
}

static int check_fields(struct snp_report *report, struct attest_verdict *verdict)
{
    uint32_t algorithm = load_le32(report->bytes.data + 0x034);
    if (algorithm != ALGORITHM_P384)
        return refuse(verdict, SNP_REPORT_ALGORITHM,
                      "SIGNATURE_ALGO of the SNP report is %u, expected 1 (ECDSA P-384 with "
                      "SHA-384)",
                      algorithm);
    if (report->vmpl > SNP_VMPL_GUEST_MAX)
        return refuse(verdict, SNP_REPORT_HOST,
                      "VMPL of the SNP report is 0x%X, expected 0 to 3: the host asked for this "
                      "report, so REPORT_DATA is the host's",
                      report->vmpl);
    if (!(report->policy & POLICY_MUST_BE_ONE) || report->policy & ~POLICY_KNOWN)
        return refuse(verdict, SNP_POLICY_RESERVED,
                      "POLICY of the SNP report is 0x%llX: bit 17 must be one and bits 26 to 63 "
                      "zero",
                      (unsigned long long)report->policy);
    if (report->version >= 3) {
        const uint8_t *fms = report->bytes.data + 0x188;
        report->product = find_product(fms[0], fms[1]);
        if (report->product == ATTEST_PRODUCT_NONE)
            return refuse(verdict, SNP_REPORT_PRODUCT,
                          "CPUID family 0x%02X model 0x%02X of the SNP report is no known "
                          "processor",
                          fms[0], fms[1]);
    }
    return 0;
}

int snp_report_parse(struct span bytes, struct snp_report *report, struct attest_verdict *verdict)
{
    *report = (struct snp_report){0};
    if (bytes.size != SNP_REPORT_SIZE)
        return refuse(verdict, SNP_REPORT_SIZE, "the SNP report has %zu bytes, expected %d",
                      bytes.size, SNP_REPORT_SIZE);
    fill(bytes, report);
    verdict->version = report->version;
    if (report->version < VERSION_MIN || report->version > VERSION_MAX)
        return refuse(verdict, SNP_REPORT_VERSION,
                      "VERSION of the SNP report is %u, expected %d to %d", report->version,
                      VERSION_MIN, VERSION_MAX);
    int status = check_reserved(bytes, report->version, verdict);
    if (status == 0)
        status = parse_key(load_le32(bytes.data + 0x048), report, verdict);
    return status == 0 ? check_fields(report, verdict) : status;
}

struct attest_snp_tcb snp_tcb_parse(const uint8_t *bytes, enum attest_product product)
{
    if (product == ATTEST_TURIN)
        return (struct attest_snp_tcb){.fmc = bytes[0],
                                       .boot_loader = bytes[1],
                                       .tee = bytes[2],
                                       .snp = bytes[3],
                                       .microcode = bytes[7]};
    return (struct attest_snp_tcb){
        .boot_loader = bytes[0], .tee = bytes[1], .snp = bytes[6], .microcode = bytes[7]};
}
