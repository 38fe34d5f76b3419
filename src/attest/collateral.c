// SPDX-License-Identifier: Apache-2.0
/* Collateral by itself, without evidence: what it is, and whether a vendor vouches for it. */
#include "attest/intel.h"
#include "attest/snp.h"
#include "codec/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void set_subject(struct attest_collateral *about, struct span text)
{
    snprintf(about->subject, sizeof(about->subject), "%.*s",
             (int)(text.size < sizeof(about->subject) ? text.size : sizeof(about->subject) - 1),
             (const char *)text.data);
    verdict_sanitise(about->subject);
}

/* Whether a certificate issued the list. 0, 1 if not, or -EACCES if it must not have. */
static int try_issuer(struct judge *judge, const struct x509_crl *crl, enum vendor vendor,
                      struct span bytes)
{
    struct x509_certificate issuer;
    struct chain chain;
    if (x509_parse(bytes, &issuer) < 0 || !span_equal(issuer.subject, crl->issuer) ||
        !chain_verify(judge, &issuer.key, &crl->signature))
        return 1;
    if (issuer.has_usage && !(issuer.usage & X509_CRL_SIGN))
        return refuse(
            judge->verdict, CRL_SIGNATURE,
            "keyUsage of the issuer of the revocation list does not allow it to sign one");
    int status = chain_build(judge, vendor, "issuer of a list", &issuer, &chain);
    if (status == 0)
        status = chain_check_revocation(judge, &chain, 0, ATTEST_REVOCATION_OPTIONAL);
    return status;
}

static int find_issuer(struct judge *judge, const struct x509_crl *crl)
{
    static const enum vendor vendors[] = {VENDOR_AMD, VENDOR_INTEL};
    int status = 1;
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        for (size_t k = 0; status > 0 && chain_root(vendors[i], k).size > 0; k++)
            status = try_issuer(judge, crl, vendors[i], chain_root(vendors[i], k));
    }
    for (size_t i = 0; status > 0 && i < judge->policy->simulation_root_count; i++)
        status =
            try_issuer(judge, crl, VENDOR_INTEL, span_from(judge->policy->simulation_roots[i]));
    struct span bytes;
    size_t cursor = 0;
    while (status > 0 && pool_next(&judge->pool, POOL_CERTIFICATE, &cursor, &bytes))
        status = try_issuer(judge, crl, VENDOR_INTEL, bytes);
    return status;
}

static int judge_list(struct judge *judge, struct span bytes, struct attest_collateral *about)
{
    struct x509_crl crl;
    about->kind = ATTEST_COLLATERAL_CRL;
    if (x509_crl_parse(bytes, &crl) < 0 || crl.unknown_critical)
        return refuse(judge->verdict, EVIDENCE_FORMAT, "the revocation list cannot be read");
    set_subject(about, x509_common_name(crl.issuer));
    about->issued = crl.this_update;
    if (judge->time < crl.this_update)
        return refuse(judge->verdict, CRL_NOT_YET_VALID,
                      "thisUpdate of the revocation list of %s is in the future", about->subject);
    if (judge->time > crl.next_update)
        return refuse(judge->verdict, CRL_EXPIRED,
                      "nextUpdate of the revocation list of %s is in the past", about->subject);
    int status = find_issuer(judge, &crl);
    if (status > 0)
        return refuse(judge->verdict, CRL_SIGNATURE,
                      "the revocation list of %s is not signed by an authority that a pinned root "
                      "vouches for",
                      about->subject);
    verdict_window(judge->verdict, crl.this_update, crl.next_update);
    return status;
}

static int judge_vek(struct judge *judge, struct span bytes, struct attest_collateral *about)
{
    struct attest_verdict *verdict = judge->verdict;
    struct x509_certificate certificate;
    struct snp_vek vek;
    struct chain chain;
    about->kind = ATTEST_COLLATERAL_VEK;
    verdict->technology = ATTEST_SNP;
    if (x509_parse(bytes, &certificate) < 0)
        return refuse(verdict, CERTIFICATE_FORMAT, "the certificate cannot be read");
    int status = snp_vek_parse(&certificate, &vek, verdict);
    if (status < 0)
        return status;
    about->issued = certificate.not_before;
    snprintf(about->subject, sizeof(about->subject), "%s", vek.key == SNP_VLEK ? "VLEK" : "VCEK");
    snprintf(verdict->product, sizeof(verdict->product), "%s", attest_product_name(vek.product));
    verdict->snp_tcb = vek.tcb;
    if (vek.chip.size > 0) {
        memcpy(verdict->platform, vek.chip.data, vek.chip.size);
        verdict->platform_size = vek.chip.size;
    }
    status = chain_build(judge, VENDOR_AMD, "VCEK or VLEK", &certificate, &chain);
    return status == 0 ? chain_check_revocation(judge, &chain, 1, ATTEST_REVOCATION_OPTIONAL)
                       : status;
}

/* What the document says that it is about; its signature is checked afterwards. */
static bool read_subject(struct span bytes, const char *name, struct attest_collateral *about)
{
    struct span top, object, id = SPAN_LITERAL("SGX"), fmspc = {0};
    bool tcb_info = about->kind == ATTEST_COLLATERAL_TCB_INFO;
    if (json_parse(bytes, &top) < 0 || !json_get(top, name, &object))
        return false;
    if (!json_get_text(object, "id", &id) && !tcb_info) /* version 2 of TCB infos has none */
        return false;
    if (tcb_info && !json_get_text(object, "fmspc", &fmspc))
        return false;
    snprintf(about->subject, sizeof(about->subject), "%.*s%s%.*s", (int)(id.size < 8 ? id.size : 8),
             (const char *)id.data, tcb_info ? " " : "", (int)(fmspc.size < 12 ? fmspc.size : 12),
             (const char *)fmspc.data);
    verdict_sanitise(about->subject);
    return true;
}

static int judge_document(struct judge *judge, struct span bytes, enum pool_kind kind,
                          struct attest_collateral *about)
{
    bool tcb_info = kind == POOL_TCB_INFO;
    struct document document;
    about->kind = tcb_info ? ATTEST_COLLATERAL_TCB_INFO : ATTEST_COLLATERAL_IDENTITY;
    if (!read_subject(bytes, tcb_info ? "tcbInfo" : "enclaveIdentity", about))
        return refuse(judge->verdict, EVIDENCE_FORMAT, "the document cannot be read");
    char id[8] = "";
    snprintf(id, sizeof(id), "%.*s", (int)strcspn(about->subject, " "), about->subject);
    struct document_query query = {
        .kind = kind, .id = id, .version_min = 2, .version_max = tcb_info ? 3 : 2};
    if (!pool_add(&judge->pool, bytes))
        return refuse(judge->verdict, EVIDENCE_FORMAT, "there is too much collateral");
    judge->verdict->technology = strstr(id, "TD") == id ? ATTEST_TDX : ATTEST_SGX;
    int status = document_find(judge, &query, &document);
    if (status == 0) {
        about->issued = document.issued;
        judge->verdict->tcb_evaluation = (uint32_t)document.evaluation;
    }
    return status;
}

static int judge_any(struct judge *judge, const struct attest_request *request,
                     struct attest_collateral *about)
{
    struct span bytes = span_from(request->evidence);
    enum pool_kind kind = pool_classify(bytes);
    /* Other documents would be chosen in its place. */
    for (size_t i = 0; i < request->collateral_count; i++) {
        struct span item = span_from(request->collateral[i]);
        enum pool_kind other = pool_classify(item);
        if (other == POOL_CERTIFICATE || other == POOL_CRL)
            pool_add(&judge->pool, item);
    }
    switch (kind) {
    case POOL_CERTIFICATE:
        return judge_vek(judge, bytes, about);
    case POOL_CRL:
        return judge_list(judge, bytes, about);
    case POOL_TCB_INFO:
    case POOL_IDENTITY:
        return judge_document(judge, bytes, kind, about);
    case POOL_UNKNOWN:
        break;
    }
    return refuse(judge->verdict, EVIDENCE_FORMAT,
                  "the bytes are no VCEK, VLEK, revocation list, TCB info or enclave identity");
}

int attest_verify_collateral(const struct attest_request *request, struct attest_collateral *about,
                             struct attest_verdict *verdict)
{
    static const struct attest_policy none;
    *verdict = (struct attest_verdict){.valid_from = INT64_MIN, .valid_until = INT64_MAX};
    *about = (struct attest_collateral){0};
    struct judge judge = {.policy = request->policy ? request->policy : &none,
                          .time = request->time,
                          .verdict = verdict};
    chain_add_known(&judge.pool);
    int status = judge_any(&judge, request, about);
    if (status == 0) {
        verdict->code = ATTEST_ACCEPTED;
        verdict->reason[0] = '\0';
    }
    return status;
}
