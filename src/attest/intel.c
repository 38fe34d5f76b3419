// SPDX-License-Identifier: Apache-2.0
#include "attest/intel.h"

#include "crypto/crypto.h"

#include <stdio.h>
#include <string.h>

struct range {
    uint16_t offset, size;
};

/* Reserved fields of an enclave's REPORT body. */
static const struct range reserved[] = {{20, 12}, {96, 32}, {160, 32}, {262, 42}};

bool sgx_body_reserved(const uint8_t *body, unsigned *offset)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        *offset = reserved[i].offset;
        if (!is_zero(body + reserved[i].offset, reserved[i].size))
            return true;
    }
    return false;
}

static void describe_platform(const struct pck *pck, struct attest_verdict *verdict)
{
    snprintf(verdict->product, sizeof(verdict->product), "FMSPC %.12s", hex_of(pck->fmspc, 6).text);
    verdict->smt = !pck->knows_smt || pck->smt;
    if (pck->has_platform) {
        memcpy(verdict->platform, pck->platform, sizeof(pck->platform));
        verdict->platform_size = sizeof(pck->platform);
    }
}

/* What the quote brings along has to be the chain that leads to the root, and nothing else. */
static int check_same_chain(const struct quote_chain *certificates, const struct chain *chain,
                            struct attest_verdict *verdict)
{
    for (size_t i = 0; i < certificates->count; i++) {
        if (i >= chain->count ||
            !span_equal(certificates->certificates[i], chain->certificates[i].whole))
            return refuse(verdict, QUOTE_CHAIN,
                          "certificate %zu of the chain in the quote is not the one that leads to "
                          "the pinned root",
                          i + 1);
    }
    return 0;
}

/* The PCK certificate of the pool that signed the quoting enclave's report: the quote has no
 * certificate. Forged ones are not tried without end. */
static int find_pck(struct judge *judge, const struct quote *quote, struct x509_certificate *leaf)
{
    size_t cursor = 0;
    struct span bytes;
    while (judge->wrong_count < WRONG_MAX &&
           pool_next(&judge->pool, POOL_CERTIFICATE, &cursor, &bytes)) {
        struct attest_verdict ignored = {0};
        struct pck pck;
        if (x509_parse(bytes, leaf) < 0 || pck_parse(leaf, &pck, &ignored) < 0)
            continue;
        if (crypto_verify_raw(&leaf->key, X509_ECDSA_SHA256, quote->qe_report,
                              quote->qe_signature) == 0)
            return 0;
        judge->wrong_count++;
    }
    return refuse(judge->verdict, QUOTE_CERTIFICATION,
                  "the certification data of the quote has type %u, which only names the platform, "
                  "and the certificate of its PCK was not given",
                  quote->certification);
}

static int find_leaf(struct judge *judge, const struct quote *quote,
                     const struct quote_chain *certificates, struct x509_certificate *leaf)
{
    if (certificates->count == 0)
        return find_pck(judge, quote, leaf);
    if (x509_parse(certificates->certificates[0], leaf) < 0)
        return refuse(judge->verdict, CERTIFICATE_FORMAT,
                      "the PCK certificate in the quote is not DER that can be read");
    return 0;
}

int intel_verify_quote(struct judge *judge, const struct quote *quote,
                       struct quote_chain *certificates, struct pck *pck)
{
    struct attest_verdict *verdict = judge->verdict;
    struct x509_certificate leaf;
    struct chain chain;
    unsigned offset;
    int status = quote_chain_decode(quote, certificates, verdict);
    if (status < 0)
        return status;
    status = find_leaf(judge, quote, certificates, &leaf);
    if (status == 0)
        status = pck_parse(&leaf, pck, verdict);
    if (status < 0)
        return status;
    describe_platform(pck, verdict);
    status = quote_check_signatures(quote, &leaf.key, verdict);
    if (status < 0)
        return status;
    if (sgx_body_reserved(quote->qe_report.data, &offset))
        return refuse(
            verdict, QE_RESERVED,
            "the reserved bytes at offset %u of the quoting enclave's report are not zero", offset);
    for (size_t i = 1; i < certificates->count; i++)
        pool_add(&judge->pool, certificates->certificates[i]);
    status = chain_build(judge, VENDOR_INTEL, "PCK", &leaf, &chain);
    if (status == 0)
        status = check_same_chain(certificates, &chain, verdict);
    if (status == 0)
        status = chain_check_revocation(judge, &chain, 0, ATTEST_REVOCATION_REQUIRED);
    return status;
}
