/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMD SEV-SNP: attestation reports and the certificates of the keys that sign them. Internal.
 *
 * SEV Secure Nested Paging Firmware ABI (56860), section "MSG_REPORT_REQ"; VCEK certificate and KDS
 * interface (57230), chapter 3.
 */
#pragma once

#include "attest/chain.h"

enum {
    SNP_REPORT_SIZE = 0x4A0,
    SNP_SIGNED_SIZE = 0x2A0,
    SNP_HALF_SIZE = 72, /* r and s, little-endian */
    SNP_VMPL_GUEST_MAX = 3,
};

enum snp_signing_key { SNP_VCEK = 0, SNP_VLEK = 1 };

/* A report whose layout was checked; pointers go into its bytes. */
struct snp_report {
    struct span bytes;
    uint32_t version, guest_svn, vmpl;
    uint64_t policy, platform;
    enum snp_signing_key key;
    bool has_author;
    const uint8_t *family, *image, *report_data, *measurement, *host_data, *id_key, *author,
        *migration_agent, *chip;
    const uint8_t *current, *reported, *committed, *launch; /* TCB_VERSIONs, 8 bytes each */
    enum attest_product product; /* ATTEST_PRODUCT_NONE in version 2, which does not tell */
    uint64_t launch_mitigations, current_mitigations;
    uint8_t abi_minor, abi_major; /* of the firmware that runs */
};

/* What a VCEK or VLEK certificate says in AMD's extensions. */
struct snp_vek {
    enum snp_signing_key key;
    enum attest_product product;
    struct attest_snp_tcb tcb;
    struct span chip;     /* VCEK: 64 bytes, of Turin 8 */
    struct span provider; /* VLEK */
};

/* Checks sizes, version, reserved fields and what no genuine report of a guest can have. */
int snp_report_parse(struct span bytes, struct snp_report *report, struct attest_verdict *verdict);

/* Reads the extensions of a VCEK or VLEK. */
int snp_vek_parse(const struct x509_certificate *certificate, struct snp_vek *vek,
                  struct attest_verdict *verdict);

/* TCB_VERSION by name: the layout depends on the product. */
struct attest_snp_tcb snp_tcb_parse(const uint8_t *bytes, enum attest_product product);

/* The policy's demands on a report that is genuine. */
int snp_check_policy(struct judge *judge, const struct snp_report *report,
                     const struct snp_vek *vek);

/* All of it. */
int snp_verify(struct judge *judge, struct span report, struct span vek);
