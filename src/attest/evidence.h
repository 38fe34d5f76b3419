/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence inside of certification requests and certificates: docs/evidence.md. Internal. */
#pragma once

#include "attest/pool.h"
#include "codec/x509.h"

/* Object identifiers below Enarx's 1.3.6.1.4.1.58270.1. */
#define ENARX_OID      "\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01"
#define OID_CLAIMS     SPAN_LITERAL(ENARX_OID "\x05")
#define OID_COLLATERAL SPAN_LITERAL(ENARX_OID "\x06")
#define OID_RESULT     SPAN_LITERAL(ENARX_OID "\x07")

/* What an extension with evidence holds. */
struct evidence {
    enum attest_technology technology;
    struct span statement; /* the report or quote */
    struct span vek;       /* SNP */
};

/* The technology whose evidence an extension holds, or ATTEST_TECHNOLOGY_NONE. */
enum attest_technology evidence_technology(struct span oid);

/* Takes an extension apart; certificates and lists in it go to the pool. 0 or -EACCES. */
int evidence_parse(const struct x509_extension *extension, struct pool *pool,
                   struct evidence *evidence, struct attest_verdict *verdict);

/* Adds what an extension of the kind OID_COLLATERAL brings along. False if it is malformed. */
bool evidence_add_collateral(struct span value, struct pool *pool);

/* Reads claims. 0 or -EINVAL. */
int claims_parse(struct span claims, struct attest_workload *workload);
