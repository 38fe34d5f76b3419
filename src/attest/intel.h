/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SGX and TDX share: the PCK certificate, Intel's signed documents about platforms and quoting
 * enclaves, and the choice of a TCB level. Internal.
 *
 * Intel SGX PCK Certificate and CRL specification; Intel PCS API version 4.
 */
#pragma once

#include "attest/quote.h"

enum { TCB_COMPONENTS = 16 };

/* The SGX extension of a PCK certificate. */
struct pck {
    uint8_t components[TCB_COMPONENTS];
    uint16_t pce_svn;
    uint8_t pce_id[2], fmspc[6];
    uint8_t platform[16]; /* platform instance id */
    bool has_platform, knows_smt, smt;
};
int pck_parse(const struct x509_certificate *certificate, struct pck *pck,
              struct attest_verdict *verdict);

/* A document that Intel signed; spans go into its text. */
struct document {
    struct span whole; /* the exact bytes that are signed: an object */
    struct span signature;
    struct span id;
    uint64_t version, evaluation;
    int64_t issued, next;
};

/* What a document has to be about. */
struct document_query {
    enum pool_kind kind;
    const char *id; /* "SGX", "TDX", "QE", "TD_QE" */
    uint64_t version_min, version_max;
    const struct pck *pck; /* TCB infos: FMSPC and PCEID must be its */
    bool optional;         /* that there is none is not a refusal but -ENOENT */
};

/* Chooses a document of the pool and checks its signature, its signer and its dates. */
int document_find(struct judge *judge, const struct document_query *query,
                  struct document *document);

struct tcb_level {
    uint8_t sgx[TCB_COMPONENTS], tdx[TCB_COMPONENTS];
    uint16_t pce_svn;
    enum attest_tcb_status status;
    struct span advisories; /* an array, or empty */
};

/* What the platform has. */
struct tcb_platform {
    const struct pck *pck;
    const uint8_t *tdx; /* TEE_TCB_SVN, 16 bytes; NULL for SGX */
    unsigned tdx_first; /* index of the first component of it that counts */
};

struct tcb_choice {
    struct tcb_level best;     /* the highest level that the platform satisfies */
    struct tcb_level sgx_only; /* TDX: without its components */
    struct tcb_level top;      /* the highest of all levels */
    bool has_best, has_sgx_only;
};

/* Chooses among the levels of a TCB info. False if one of them cannot be read. */
bool tcb_choose(struct span levels, const struct tcb_platform *platform, struct tcb_choice *choice);

/* A level of an enclave or TDX module: the highest isvsvn that is not above `svn`. */
struct svn_choice {
    uint64_t svn, top;             /* of the level chosen; of the highest level */
    enum attest_tcb_status status; /* ATTEST_NOT_SUPPORTED if `svn` is below all */
    struct span advisories;
};
bool svn_choose(struct span levels, uint64_t svn, struct svn_choice *choice);

enum attest_tcb_status tcb_status_parse(struct span text);
/* The status of a platform after the one of its TDX module or quoting enclave is known. */
enum attest_tcb_status tcb_converge(enum attest_tcb_status platform, enum attest_tcb_status other);

/* Adds advisories to the verdict. False if they cannot be read or are too many. */
bool tcb_add_advisories(struct span advisories, struct attest_verdict *verdict);

/* (value & mask) == expected, for hexadecimal members of an object. */
bool json_masked_match(struct span object, const char *expected, const char *mask,
                       const uint8_t *value, size_t size);

/* Checks a quoting enclave's report against the identity document, or the one compiled in. */
int qe_identity_check(struct judge *judge, const struct quote *quote,
                      const struct attest_tcb_policy *policy, struct svn_choice *level);

/* Whether a reserved field of an enclave's report (SGX_BODY_SIZE bytes) is not zero, and where. */
bool sgx_body_reserved(const uint8_t *body, unsigned *offset);

/* The signatures of a quote, and the PCK's chain with its revocation lists. */
int intel_verify_quote(struct judge *judge, const struct quote *quote,
                       struct quote_chain *certificates, struct pck *pck);

/* The policy's demands on the status that was found. */
int tcb_check_policy(struct judge *judge, const struct attest_tcb_policy *policy);

/* Verify a quote that was parsed. */
int sgx_verify(struct judge *judge, const struct quote *quote);
int tdx_verify(struct judge *judge, const struct quote *quote);

/* The policy's demands on a trust domain that is genuine. */
int tdx_check_policy(struct judge *judge, const struct quote *quote);
