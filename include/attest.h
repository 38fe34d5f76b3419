/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libattest: is this evidence of a hardware-protected environment genuine, and is it acceptable?
 *
 * Understood are
 *   - AMD SEV-SNP attestation reports of version 2 to 5, signed by a VCEK or a VLEK, of Milan,
 *     Genoa (with Bergamo and Siena) and Turin (SEV-SNP firmware ABI, document 56860);
 *   - Intel SGX quotes of version 3 to 5 and Intel TDX quotes of version 4 and 5 (Intel's DCAP
 * quote formats), with TCB infos of version 3 (SGX also 2) and enclave identities of version 2;
 *   - PKCS#10 requests and certificates that carry either of them in an extension
 *     (docs/evidence.md).
 *
 * Pure functions: no I/O, no clock, no globals, no memory that outlives a call. The time is a
 * parameter, everything that vouches for something (certificates, revocation lists, TCB infos)
 * comes from the caller, and the vendors' root keys are compiled in. A thread may verify while
 * another does. A call needs at most 256 KiB of stack.
 *
 *     struct attest_policy policy;
 *     attest_policy_any(&policy);                 any workload, otherwise strict; or fill your own
 *     struct attest_request request = {
 *         .evidence = {report, report_size}, .vek = {vcek, vcek_size},
 *         .policy = &policy, .time = time(NULL),
 *     };
 *     struct attest_verdict verdict;
 *     if (attest_verify(&request, &verdict) < 0)
 *         fprintf(stderr, "%s: %s\n", attest_code_name(verdict.code), verdict.reason);
 *
 * Fail closed: a policy of zeros accepts nothing, and whatever is missing, unknown, reserved and
 * set, or left over is refused.
 */
#pragma once

#include "attest_codes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed bytes. */
struct attest_bytes {
    const uint8_t *data;
    size_t size;
};

/* `count` values of the same size one after the other: 32 or 48 bytes for measurements and digests,
 * 64 for chip ids. An empty list allows everything, unless said otherwise. */
struct attest_list {
    const uint8_t *items;
    size_t count;
};

struct attest_strings {
    const char *const *items;
    size_t count;
};

enum attest_technology {
    ATTEST_TECHNOLOGY_NONE,
    ATTEST_KVM, /* no protection: an Enarx Keep for development */
    ATTEST_SGX,
    ATTEST_SNP,
    ATTEST_TDX,
};

enum attest_tcb_status {
    ATTEST_TCB_NONE, /* not known, or the technology has none */
    ATTEST_UP_TO_DATE,
    ATTEST_SW_HARDENING_NEEDED,
    ATTEST_CONFIGURATION_NEEDED,
    ATTEST_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    ATTEST_OUT_OF_DATE,
    ATTEST_OUT_OF_DATE_CONFIGURATION_NEEDED,
    ATTEST_TD_RELAUNCH_ADVISED,
    ATTEST_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
    ATTEST_REVOKED,
    ATTEST_NOT_SUPPORTED,
};

enum attest_product { ATTEST_PRODUCT_NONE, ATTEST_MILAN, ATTEST_GENOA, ATTEST_TURIN };
enum { ATTEST_PRODUCTS = 4 };

#define ATTEST_CODE_CONSTANT(constant, name, meaning) ATTEST_##constant,
enum attest_code { ATTEST_CODES(ATTEST_CODE_CONSTANT) ATTEST_CODE_COUNT };
#undef ATTEST_CODE_CONSTANT

/* ---- Policy ---------------------------------------------------------------------------------- */

/* Which of Intel's TCB levels are good enough (Intel PCS, "TCB info"). Without `statuses`, UpToDate
 * is; and every other status but Revoked, if the level names advisories and `advisories` names all
 * of them. With `statuses`, a set of 1 << enum attest_tcb_status, the status must be in it as well;
 * if then `advisories` is empty, they do not matter. Revoked and unknown levels never pass. */
struct attest_tcb_policy {
    unsigned statuses;
    struct attest_strings advisories; /* "INTEL-SA-00289" */
    uint32_t evaluation_min;          /* lowest tcbEvaluationDataNumber */
    /* Without an identity document, compare the quoting enclave with the identity that is compiled
     * in: Intel's signer and product, production mode, security version from 6. */
    bool builtin_identity;
    bool refuse_trailing; /* bytes behind the quote, which many producers leave */
};

struct attest_sgx_policy {
    bool accepted;
    struct attest_tcb_policy tcb;
    struct attest_list measurements, measurements_denied; /* MRENCLAVE, 32 bytes */
    struct attest_list signers;                           /* MRSIGNER, 32 bytes */
    /* Attribute bits that are allowed besides INIT and MODE64BIT. */
    uint64_t attributes;
    uint32_t misc_select; /* bits of MISCSELECT that are allowed */
    bool has_product;
    uint16_t product, svn_min;
    bool any_config; /* else CONFIGID, CONFIGSVN, ISVFAMILYID and ISVEXTPRODID must be zero */
    bool refuse_smt; /* the PCK certificate must say that hyper-threading is off */
};

enum {
    ATTEST_ENCLAVE_INIT = 1 << 0,
    ATTEST_ENCLAVE_DEBUG = 1 << 1,
    ATTEST_ENCLAVE_MODE64BIT = 1 << 2,
    ATTEST_ENCLAVE_PROVISION_KEY = 1 << 4,
    ATTEST_ENCLAVE_EINIT_KEY = 1 << 5,
    ATTEST_ENCLAVE_CET = 1 << 6,
    ATTEST_ENCLAVE_KSS = 1 << 7,
    ATTEST_ENCLAVE_AEX_NOTIFY = 1 << 10,
};

/* AMD's TCB_VERSION by name; fmc is Turin's only. */
struct attest_snp_tcb {
    uint8_t fmc, boot_loader, tee, snp, microcode;
};

enum attest_revocation {
    ATTEST_REVOCATION_REQUIRED, /* a fresh revocation list must be there */
    ATTEST_REVOCATION_OPTIONAL, /* it may be missing; one that is there must be right and fresh */
};

struct attest_snp_policy {
    bool accepted;
    enum attest_revocation revocation;
    struct attest_list measurements, measurements_denied; /* 48 bytes */
    struct attest_list authors, id_keys, id_keys_denied;  /* 48 bytes */
    struct attest_list host_data;                         /* 32 bytes; empty: must be zero */
    struct attest_list families, images;                  /* 16 bytes; empty: must be zero */
    bool any_host_data, any_ids;                          /* do not look at those */
    struct attest_list chips, chips_denied;               /* CHIP_ID, 64 bytes */
    struct attest_strings providers;                      /* of a VLEK: "CN=cc-…amazonaws.com" */
    unsigned products;                                    /* 1 << enum attest_product; 0: all */
    struct attest_snp_tcb tcb_min[ATTEST_PRODUCTS];       /* by enum attest_product */
    bool debug, migration;                                /* allow */
    uint64_t flags_denied;                                /* of POLICY, ATTEST_GUEST_… */
    uint64_t flags_required;
    uint16_t abi_min, abi_max; /* of POLICY: major << 8 | minor; abi_max 0: no limit */
    uint32_t vmpl_max, guest_svn_min;
    uint64_t platform_required, platform_denied; /* of PLATFORM_INFO */
    bool has_platform_exact;
    uint8_t platform_exact;
    uint64_t mitigations; /* that were active at launch and are now (report version 5) */
    bool masked_chip;     /* a VCEK is enough even if CHIP_ID is masked */
};

enum {
    ATTEST_GUEST_SMT = 1 << 16,
    ATTEST_GUEST_MIGRATION = 1 << 18,
    ATTEST_GUEST_DEBUG = 1 << 19,
    ATTEST_GUEST_SINGLE_SOCKET = 1 << 20,
    ATTEST_GUEST_CXL = 1 << 21,
    ATTEST_GUEST_AES_256_XTS = 1 << 22,
    ATTEST_GUEST_RAPL_DISABLED = 1 << 23,
    ATTEST_GUEST_CIPHERTEXT_HIDING = 1 << 24,
    ATTEST_GUEST_PAGE_SWAP_DISABLED = 1 << 25,
};

struct attest_tdx_policy {
    bool accepted;
    struct attest_tcb_policy tcb;
    struct attest_list measurements, measurements_denied; /* MRTD, 48 bytes */
    struct attest_list registers[4];                      /* RTMR0 to RTMR3 */
    struct attest_list modules;                           /* MRSEAM */
    bool debug, migration, performance_counters;          /* allow */
    bool require_sept_ve_disable;
    bool any_owner;   /* else MRCONFIGID, MROWNER and MROWNERCONFIG must be zero */
    bool any_service; /* else MRSERVICETD must be zero */
};

struct attest_policy {
    struct attest_sgx_policy sgx;
    struct attest_snp_policy snp;
    struct attest_tdx_policy tdx;
    bool accept_unprotected;      /* Keeps without hardware protection, for development */
    bool workload_optional;       /* evidence may leave open which workload runs */
    struct attest_list workloads; /* SHA-256 digests of packages */
    /* Root certificates (DER) of simulated hardware. Nothing that they vouch for is protected. */
    const struct attest_bytes *simulation_roots;
    size_t simulation_root_count;
};

/* A policy for looking at evidence: genuine hardware in a safe state, any measurement, any workload
 * or none. Revocation lists are optional for SNP. */
void attest_policy_any(struct attest_policy *policy);

/* ---- Verification ---------------------------------------------------------------------------- */

enum {
    ATTEST_REASON_SIZE = 512,
    ATTEST_ADVISORIES_MAX = 64,
    ATTEST_ADVISORY_SIZE = 24,
    ATTEST_WARNINGS_MAX = 4,
    ATTEST_COLLATERAL_MAX = 1024,
    ATTEST_NAME_SIZE = 256,
};

struct attest_request {
    /* A raw report or quote, a DER certification request, or a DER certificate: found out by
     * looking at it. */
    struct attest_bytes evidence;
    /* For a raw SNP report: the VCEK or VLEK certificate (DER). */
    struct attest_bytes vek;
    /* DER certificates, DER revocation lists, TCB infos and enclave identities (JSON as Intel
     * serves it), in any order; at most ATTEST_COLLATERAL_MAX. What is needed is chosen by content:
     * of several that fit, the one with the highest tcbEvaluationDataNumber, then the youngest. */
    const struct attest_bytes *collateral;
    size_t collateral_count;
    const struct attest_policy *policy; /* NULL: nothing is accepted */
    int64_t time;                       /* seconds since 1970, UTC */
};

/* What evidence says about the workload (docs/evidence.md). */
struct attest_workload {
    bool bound;                     /* the rest is there and the hardware vouches for it */
    uint8_t digest[32];             /* SHA-256 of the package */
    char name[ATTEST_NAME_SIZE];    /* "registry/user/package:tag", or "" */
    char steward[ATTEST_NAME_SIZE]; /* the Steward that the evidence is meant for, or "" */
    uint8_t nonce[64];
    size_t nonce_size;
};

/* Filled as far as verification came, also when the evidence is refused. */
struct attest_verdict {
    enum attest_code code;
    char reason[ATTEST_REASON_SIZE]; /* a sentence; empty if accepted */
    enum attest_technology technology;
    unsigned version; /* of the report or quote */
    char product[32]; /* "Milan", "Genoa", "Turin", or the FMSPC */
    bool simulated;   /* a simulation root vouches for it: no protection */
    enum attest_tcb_status tcb_status;
    struct attest_snp_tcb snp_tcb; /* SNP: REPORTED_TCB */
    uint32_t tcb_evaluation;       /* tcbEvaluationDataNumber of the TCB info */
    char advisories[ATTEST_ADVISORIES_MAX][ATTEST_ADVISORY_SIZE];
    size_t advisory_count;
    uint8_t measurement[48]; /* MRENCLAVE, MEASUREMENT or MRTD */
    size_t measurement_size;
    uint8_t signer[48]; /* MRSIGNER or AUTHOR_KEY_DIGEST; size 0 if there is none */
    size_t signer_size;
    uint32_t product_id, svn; /* ISVPRODID, ISVSVN; GUEST_SVN */
    uint64_t flags;           /* ATTRIBUTES, POLICY or TDATTRIBUTES */
    uint32_t vmpl;
    bool debug, smt;
    uint8_t report_data[64];
    uint8_t platform[64]; /* CHIP_ID, or the platform instance id of the PCK certificate */
    size_t platform_size;
    struct attest_workload workload;
    bool revocation_checked;
    int64_t valid_from, valid_until; /* of all certificates and collateral used */
    char warnings[ATTEST_WARNINGS_MAX][160];
    size_t warning_count;
    size_t trailing;                /* bytes behind the quote, which were ignored */
    struct attest_bytes public_key; /* the SubjectPublicKeyInfo that is vouched for; borrowed */
};

/*
 * Judges evidence. Returns 0 if it is accepted and -EACCES if not; verdict->code and
 * verdict->reason say why. verdict->code is ATTEST_ACCEPTED only if 0 is returned.
 */
__attribute__((warn_unused_result)) int attest_verify(const struct attest_request *request,
                                                      struct attest_verdict *verdict);

enum attest_collateral_kind {
    ATTEST_COLLATERAL_UNKNOWN,
    ATTEST_COLLATERAL_VEK,      /* a VCEK or VLEK certificate */
    ATTEST_COLLATERAL_CRL,      /* of AMD or Intel */
    ATTEST_COLLATERAL_TCB_INFO, /* of SGX or TDX */
    ATTEST_COLLATERAL_IDENTITY, /* of a quoting enclave */
};

/* What a piece of collateral is about, as it says itself. */
struct attest_collateral {
    enum attest_collateral_kind kind;
    /* "VCEK", "VLEK"; the common name of a list's issuer; "SGX 00a067110000", "TDX …" with the
     * FMSPC of a TCB info as it is written there; "QE", "TD_QE", "QVE" */
    char subject[64];
    int64_t issued; /* thisUpdate, issueDate or notBefore */
};

/*
 * Judges a piece of collateral, which is request->evidence, by itself: whether a vendor vouches for
 * it at request->time, with the help of certificates and revocation lists of request->collateral;
 * documents of Intel need the list of its root. The policy counts for its simulation roots only and
 * may be NULL. For whoever keeps collateral and must not keep what is forged or out of date.
 *
 * Fills *about; in the verdict code, reason, the validity, technology, tcb_evaluation; for a VEK
 * also product, snp_tcb and platform, the chip. Returns 0 or -EACCES.
 */
__attribute__((warn_unused_result)) int
attest_verify_collateral(const struct attest_request *request, struct attest_collateral *about,
                         struct attest_verdict *verdict);

/* "snp.policy.debug", and one sentence what it means. "unknown" for what is no code. */
const char *attest_code_name(enum attest_code code);
const char *attest_code_meaning(enum attest_code code);
/* "snp", "UpToDate", "Milan". */
const char *attest_technology_name(enum attest_technology technology);
const char *attest_tcb_status_name(enum attest_tcb_status status);
const char *attest_product_name(enum attest_product product);

/* ---- Binding --------------------------------------------------------------------------------- */

/*
 * The 64 bytes of report data that vouch for a public key (DER SubjectPublicKeyInfo) and for claims
 * (DER, docs/evidence.md); without claims the original's form, which vouches for the key alone.
 * Returns 0 or -EINVAL.
 */
__attribute__((warn_unused_result)) int attest_report_data(enum attest_technology technology,
                                                           struct attest_bytes public_key,
                                                           struct attest_bytes claims,
                                                           uint8_t report_data[64]);

/* Writes claims as DER to the end of buffer; *claims is where. Returns 0, or -ENOSPC. */
__attribute__((warn_unused_result)) int attest_claims_write(const struct attest_workload *workload,
                                                            uint8_t *buffer, size_t size,
                                                            struct attest_bytes *claims);

/*
 * For issuers of certificates: what a verdict says, as the DER value of the extension
 * 1.3.6.1.4.1.58270.1.7. Returns 0, -ENOSPC, or -EINVAL if the evidence was not accepted.
 */
__attribute__((warn_unused_result)) int attest_result_write(const struct attest_verdict *verdict,
                                                            uint8_t *buffer, size_t size,
                                                            struct attest_bytes *result);

/* What an issuer said of a Keep. Borrowed from the value that it was read from. */
struct attest_result {
    struct attest_bytes technology, product; /* UTF-8, without NUL */
    struct attest_bytes measurement, signer; /* the signer may be empty */
    struct attest_bytes workload;            /* digest, 32 bytes; empty: none was bound */
    struct attest_bytes name;                /* of the package, or empty */
    bool simulated;
};

/*
 * For relying parties that verified a certificate by its issuer: reads the value of its extension
 * 1.3.6.1.4.1.58270.1.7. Returns 0 or -EINVAL.
 */
__attribute__((warn_unused_result)) int attest_result_read(struct attest_bytes value,
                                                           struct attest_result *result);

enum { ATTEST_URI_SIZE = ATTEST_NAME_SIZE + 32 };
/* The URIs for the subjectAltName: technology, workload, package. False behind the last. */
bool attest_result_uri(const struct attest_verdict *verdict, size_t index,
                       char uri[ATTEST_URI_SIZE]);

/* ---- Looking at evidence --------------------------------------------------------------------- */

/* Called for each part in order: a section begins (value NULL), a field (name, value), a section
 * ends (name NULL). */
typedef void (*attest_show_fn)(void *context, const char *name, const char *value);

/* Shows every field of a report, quote, request, certificate, revocation list or Intel document
 * without judging it. Returns 0, or -EINVAL if the bytes are none of these. */
__attribute__((warn_unused_result)) int attest_show(struct attest_bytes bytes, attest_show_fn show,
                                                    void *context);

#ifdef __cplusplus
}
#endif
