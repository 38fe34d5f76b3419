/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vendors serve that vouches for evidence: where each piece is, and what it is called in a
 * directory. Host side; no I/O.
 *
 * AMD: Key Distribution Service (57230), chapter 4. Intel: Provisioning Certification Service,
 * version 4.
 */
#pragma once

#include "attest.h"

enum collateral_kind {
    COLLATERAL_AMD_CRL,        /* of a product's root */
    COLLATERAL_AMD_VCEK,       /* of a chip with a TCB */
    COLLATERAL_INTEL_ROOT_CRL, /* of Intel's root */
    COLLATERAL_INTEL_PCK_CRL,  /* of an authority for PCK certificates */
    COLLATERAL_INTEL_TCB,      /* TCB info of a kind of platform */
    COLLATERAL_INTEL_IDENTITY, /* of the quoting enclave */
};

/* AMD's products; Intel's authorities; Intel's technologies. */
enum collateral_of {
    COLLATERAL_NOBODY, /* for the root of Intel */
    COLLATERAL_MILAN,
    COLLATERAL_GENOA,
    COLLATERAL_TURIN,
    COLLATERAL_PROCESSOR,
    COLLATERAL_PLATFORM,
    COLLATERAL_SGX,
    COLLATERAL_TDX,
};

struct collateral_item {
    enum collateral_kind kind;
    enum collateral_of of;
    char fmspc[13]; /* of a TCB info: 12 lower-case digits */
    /* Of a VCEK. */
    uint8_t chip[64];
    size_t chip_size; /* 64, of Turin 8 */
    struct attest_snp_tcb tcb;
};

enum { COLLATERAL_URL_MAX = 512, COLLATERAL_NAME_MAX = 256 };

/* Where an item is; `base` stands for the vendors' services if it is not NULL: a mirror, or Intel's
 * PCCS. 0, or -ENAMETOOLONG. */
__attribute__((warn_unused_result)) int
collateral_url(const struct collateral_item *item, const char *base, char url[COLLATERAL_URL_MAX]);

/* "amd-milan.crl", "vcek-genoa-….der", "intel-root.crl", "tcb-sgx-00a067110000.json". */
void collateral_name(const struct collateral_item *item, char name[COLLATERAL_NAME_MAX]);

/* The other way round, for what changes with time: all but VCEKs. */
bool collateral_of_name(const char *name, struct collateral_item *item);

/* The header of the answer that has the certificates of the issuers, or NULL. */
const char *collateral_chain_header(const struct collateral_item *item);

/* Whether what was judged is what was wanted. */
bool collateral_matches(const struct collateral_item *item, const struct attest_collateral *about,
                        const struct attest_verdict *verdict);
