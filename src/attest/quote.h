/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intel's ECDSA quotes: SGX version 3 to 5, TDX version 4 and 5. Internal.
 *
 * Intel SGX ECDSA Quote Library Reference, appendix A; Intel TDX DCAP Quote Library API, appendix
 * A.
 */
#pragma once

#include "attest/chain.h"

enum {
    QUOTE_HEADER_SIZE = 48,
    SGX_BODY_SIZE = 384,
    TDX_10_BODY_SIZE = 584,
    TDX_15_BODY_SIZE = 648,
    QUOTE_PEM_MAX = 16 * 1024, /* of the certificate chain in a quote */
    QUOTE_CERTIFICATES_MAX = 5,
};

/* What says which PCK signed the quoting enclave's report. */
enum quote_certification {
    QUOTE_PPID = 1,          /* the platform's id, and its TCB: the certificate is elsewhere */
    QUOTE_PPID_RSA_2048 = 2, /* the same, encrypted */
    QUOTE_PPID_RSA_3072 = 3, /* the same, encrypted */
    QUOTE_PCK = 4,           /* the certificate alone, PEM */
    QUOTE_CHAIN = 5,         /* with those up to the root, PEM */
    QUOTE_QE_REPORT = 6,     /* in version 4 and 5: the report, and then one of the others */
};

struct quote {
    unsigned version;
    enum attest_technology technology;
    struct span body;
    struct span signed_bytes; /* header and body */
    struct span signature;    /* r || s by the attestation key */
    struct span key;          /* the attestation key: x || y */
    struct span qe_report, qe_signature, qe_data;
    enum quote_certification certification;
    struct span chain; /* PEM, or what stands in its place */
    size_t trailing;   /* bytes behind the declared end */
};

/* Checks all lengths and what no genuine quote can have. */
int quote_parse(struct span bytes, struct quote *quote, struct attest_verdict *verdict);

/* Certificates of the chain in a quote, as DER in `memory`; none if it has only a PPID. */
struct quote_chain {
    uint8_t memory[QUOTE_PEM_MAX];
    struct span certificates[QUOTE_CERTIFICATES_MAX];
    size_t count;
};
int quote_chain_decode(const struct quote *quote, struct quote_chain *chain,
                       struct attest_verdict *verdict);

/* The signature of the quote by the attestation key, that key's hash in the quoting enclave's
 * report, and that report's signature by the PCK. */
int quote_check_signatures(const struct quote *quote, const struct x509_key *pck,
                           struct attest_verdict *verdict);
