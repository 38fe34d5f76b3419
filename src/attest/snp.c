// SPDX-License-Identifier: Apache-2.0
#include "attest/snp.h"

#include "crypto/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { P384_SIZE = 48, TCB_SIZE = 8, CHIP_SIZE = 64 };

static int check_signature(const struct snp_report *report, const struct x509_key *key,
                           struct attest_verdict *verdict)
{
    uint8_t signature[2 * P384_SIZE];
    for (size_t half = 0; half < 2; half++) {
        const uint8_t *number = report->bytes.data + SNP_SIGNED_SIZE + half * SNP_HALF_SIZE;
        for (size_t i = 0; i < P384_SIZE; i++)
            signature[half * P384_SIZE + i] = number[P384_SIZE - 1 - i];
    }
    if (crypto_verify_raw(key, X509_ECDSA_SHA384, span_of(report->bytes.data, SNP_SIGNED_SIZE),
                          span_of(signature, sizeof(signature))) < 0)
        return refuse(verdict, SNP_REPORT_SIGNATURE,
                      "the signature of the SNP report is not of the key of the %s",
                      report->key == SNP_VLEK ? "VLEK" : "VCEK");
    return 0;
}

/* The certificate names the TCB that its key was derived for. */
static int check_tcb(const struct snp_report *report, const struct snp_vek *vek,
                     struct attest_verdict *verdict)
{
    struct attest_snp_tcb reported = snp_tcb_parse(report->reported, vek->product);
    const struct {
        const char *name;
        uint8_t in_report, in_certificate;
    } parts[] = {
        {"boot loader", reported.boot_loader, vek->tcb.boot_loader},
        {"TEE", reported.tee, vek->tcb.tee},
        {"SNP firmware", reported.snp, vek->tcb.snp},
        {"microcode", reported.microcode, vek->tcb.microcode},
        {"FMC", reported.fmc, vek->tcb.fmc},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].in_report != parts[i].in_certificate)
            return refuse(verdict, SNP_VEK_TCB,
                          "the %s version in REPORTED_TCB of the SNP report is %u, the certificate "
                          "of its key was made for %u",
                          parts[i].name, parts[i].in_report, parts[i].in_certificate);
    }
    return 0;
}

static int check_chip(const struct judge *judge, const struct snp_report *report,
                      const struct snp_vek *vek)
{
    if (vek->key == SNP_VLEK)
        return 0;
    if (is_zero(report->chip, CHIP_SIZE)) {
        if (judge->policy->snp.masked_chip)
            return 0;
        return refuse(
            judge->verdict, SNP_VEK_CHIP,
            "CHIP_ID of the SNP report is masked, so nothing binds it to the VCEK's chip");
    }
    size_t size = vek->chip.size;
    if (memcmp(report->chip, vek->chip.data, size) != 0 ||
        !is_zero(report->chip + size, CHIP_SIZE - size))
        return refuse(judge->verdict, SNP_VEK_CHIP,
                      "CHIP_ID of the SNP report is %s, hwID of the VCEK is %s",
                      hex_of(report->chip, CHIP_SIZE).text, hex_of(vek->chip.data, size).text);
    return 0;
}

/* Firmware keeps reported ≤ committed ≤ current and launch ≤ current, part by part; parts are
 * bytes, and those that are unused are zero. */
static int check_order(const struct snp_report *report, struct attest_verdict *verdict)
{
    const struct {
        const char *low_name, *high_name;
        const uint8_t *low, *high;
    } pairs[] = {
        {"REPORTED_TCB", "COMMITTED_TCB", report->reported, report->committed},
        {"COMMITTED_TCB", "CURRENT_TCB", report->committed, report->current},
        {"LAUNCH_TCB", "CURRENT_TCB", report->launch, report->current},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        for (size_t k = 0; k < TCB_SIZE; k++) {
            if (pairs[i].low[k] > pairs[i].high[k])
                return refuse(verdict, SNP_REPORT_TCB, "%s (%s) of the SNP report is above %s (%s)",
                              pairs[i].low_name, hex_of(pairs[i].low, TCB_SIZE).text,
                              pairs[i].high_name, hex_of(pairs[i].high, TCB_SIZE).text);
        }
    }
    return 0;
}

/* The guest's policy asks for a firmware interface that the firmware must have. */
static int check_abi(const struct snp_report *report, struct attest_verdict *verdict)
{
    unsigned wanted = report->policy & 0xFFFF;
    unsigned present = (unsigned)report->abi_major << 8 | report->abi_minor;
    if (wanted > present)
        return refuse(
            verdict, SNP_REPORT_ABI,
            "POLICY of the SNP report asks for firmware ABI %u.%u, the firmware has %u.%u",
            wanted >> 8, wanted & 0xFF, report->abi_major, report->abi_minor);
    return 0;
}

static int match_vek(struct judge *judge, const struct snp_report *report,
                     const struct snp_vek *vek)
{
    struct attest_verdict *verdict = judge->verdict;
    if (vek->key != report->key)
        return refuse(verdict, SNP_VEK_KIND,
                      "SIGNING_KEY of the SNP report is %s, the certificate is of a %s",
                      report->key == SNP_VLEK ? "VLEK" : "VCEK",
                      vek->key == SNP_VLEK ? "VLEK" : "VCEK");
    if (report->product != ATTEST_PRODUCT_NONE && report->product != vek->product)
        return refuse(verdict, SNP_REPORT_PRODUCT,
                      "the processor of the SNP report is a %s, the certificate is of a %s",
                      attest_product_name(report->product), attest_product_name(vek->product));
    if (report->version == 2 && vek->product == ATTEST_TURIN)
        return refuse(verdict, SNP_REPORT_PRODUCT,
                      "the SNP report has version 2, which Turin never made");
    snprintf(verdict->product, sizeof(verdict->product), "%s", attest_product_name(vek->product));
    verdict->snp_tcb = snp_tcb_parse(report->reported, vek->product);
    int status = check_tcb(report, vek, verdict);
    return status == 0 ? check_chip(judge, report, vek) : status;
}

static void describe(const struct snp_report *report, struct attest_verdict *verdict)
{
    memcpy(verdict->measurement, report->measurement, 48);
    verdict->measurement_size = 48;
    if (report->has_author) {
        memcpy(verdict->signer, report->author, 48);
        verdict->signer_size = 48;
    }
    memcpy(verdict->report_data, report->report_data, sizeof(verdict->report_data));
    memcpy(verdict->platform, report->chip, CHIP_SIZE);
    verdict->platform_size = is_zero(report->chip, CHIP_SIZE) ? 0 : CHIP_SIZE;
    verdict->svn = report->guest_svn;
    verdict->flags = report->policy;
    verdict->vmpl = report->vmpl;
    verdict->debug = report->policy & ATTEST_GUEST_DEBUG;
    verdict->smt = report->platform & 1;
    if (report->product != ATTEST_PRODUCT_NONE)
        snprintf(verdict->product, sizeof(verdict->product), "%s",
                 attest_product_name(report->product));
    /* Version 2, which does not tell, is of Milan or Genoa, and these have the same layout. */
    verdict->snp_tcb = snp_tcb_parse(report->reported, report->product);
}

int snp_verify(struct judge *judge, struct span report_bytes, struct span vek_bytes)
{
    struct attest_verdict *verdict = judge->verdict;
    struct snp_report report;
    struct x509_certificate certificate;
    struct snp_vek vek;
    struct chain chain;
    verdict->technology = ATTEST_SNP;
    int status = snp_report_parse(report_bytes, &report, verdict);
    if (status < 0)
        return status;
    describe(&report, verdict);
    if (vek_bytes.size == 0)
        return refuse(verdict, SNP_VEK_MISSING,
                      "the certificate of the %s that signed the SNP report was not given",
                      report.key == SNP_VLEK ? "VLEK" : "VCEK");
    if (x509_parse(vek_bytes, &certificate) < 0)
        return refuse(verdict, CERTIFICATE_FORMAT,
                      "the VCEK or VLEK is not a certificate in DER that can be read");
    status = snp_vek_parse(&certificate, &vek, verdict);
    if (status == 0)
        status = match_vek(judge, &report, &vek);
    if (status == 0)
        status = check_signature(&report, &certificate.key, verdict);
    if (status == 0)
        status = chain_build(judge, VENDOR_AMD, "VCEK or VLEK", &certificate, &chain);
    /* The authorities' own lists cover what is below the root; nobody lists VCEKs. */
    if (status == 0)
        status = chain_check_revocation(judge, &chain, 1, judge->policy->snp.revocation);
    if (status == 0)
        status = check_order(&report, verdict);
    if (status == 0)
        status = check_abi(&report, verdict);
    return status == 0 ? snp_check_policy(judge, &report, &vek) : status;
}
