// SPDX-License-Identifier: Apache-2.0
/* attest_verify: from bytes of any kind to a verdict. */
#include "attest/evidence.h"
#include "attest/intel.h"
#include "attest/snp.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <string.h>

/* The key that a request or certificate is about, and what vouches for it. */
struct subject {
    struct x509_key key;
    struct span extensions;
    struct span claims; /* DER; empty if there are none */
    bool only_known;    /* extensions that are not known are refused */
};

void attest_policy_any(struct attest_policy *policy)
{
    *policy = (struct attest_policy){
        .sgx = {.accepted = true,
                .attributes = ATTEST_ENCLAVE_KSS | ATTEST_ENCLAVE_CET | ATTEST_ENCLAVE_AEX_NOTIFY,
                .misc_select = 1,
                .any_config = true},
        .snp = {.accepted = true,
                .revocation = ATTEST_REVOCATION_OPTIONAL,
                .any_host_data = true,
                .any_ids = true},
        .tdx = {.accepted = true, .any_owner = true},
    };
}

static int check_technology(struct judge *judge, enum attest_technology technology)
{
    const bool accepted[] = {
        [ATTEST_TECHNOLOGY_NONE] = false,
        [ATTEST_KVM] = judge->policy->accept_unprotected,
        [ATTEST_SGX] = judge->policy->sgx.accepted,
        [ATTEST_SNP] = judge->policy->snp.accepted,
        [ATTEST_TDX] = judge->policy->tdx.accepted,
    };
    if (accepted[technology])
        return 0;
    if (technology == ATTEST_KVM)
        return refuse(
            judge->verdict, EVIDENCE_INSECURE,
            "the evidence is of a Keep without hardware protection, which the policy does "
            "not accept");
    return refuse(judge->verdict, POLICY_TECHNOLOGY,
                  "the policy has no rules for %s, so it accepts none",
                  attest_technology_name(technology));
}

static int verify_quote(struct judge *judge, struct span bytes)
{
    struct quote quote;
    int status = quote_parse(bytes, &quote, judge->verdict);
    if (status < 0)
        return status;
    bool sgx = quote.technology == ATTEST_SGX;
    const struct attest_tcb_policy *policy =
        sgx ? &judge->policy->sgx.tcb : &judge->policy->tdx.tcb;
    if (quote.trailing > 0 && policy->refuse_trailing)
        return refuse(judge->verdict, QUOTE_TRAILING, "%zu bytes follow the quote", quote.trailing);
    status = check_technology(judge, quote.technology);
    if (status < 0)
        return status;
    return sgx ? sgx_verify(judge, &quote) : tdx_verify(judge, &quote);
}

static int verify_statement(struct judge *judge, enum attest_technology technology,
                            struct span statement, struct span vek)
{
    judge->verdict->technology = technology;
    if (technology != ATTEST_SNP)
        return verify_quote(judge, statement);
    int status = check_technology(judge, technology);
    return status == 0 ? snp_verify(judge, statement, vek) : status;
}

/* Requests may not have weaker keys than the vendor's signature on the evidence. */
static int check_key(struct judge *judge, enum attest_technology technology,
                     const struct x509_key *key)
{
    bool fits =
        key->kind == X509_KEY_P384 || (key->kind == X509_KEY_P256 && technology != ATTEST_SNP);
    if (!fits)
        return refuse(judge->verdict, REQUEST_KEY, "the key is not on %s, as %s evidence demands",
                      technology == ATTEST_SNP ? "P-384" : "P-256 or P-384",
                      attest_technology_name(technology));
    return 0;
}

static int check_binding(struct judge *judge, enum attest_technology technology,
                         const struct subject *subject)
{
    struct attest_verdict *verdict = judge->verdict;
    uint8_t expected[64];
    struct attest_bytes key = {subject->key.info.data, subject->key.info.size};
    struct attest_bytes claims = {subject->claims.data, subject->claims.size};
    if (attest_report_data(technology, key, claims, expected) < 0)
        return refuse(verdict, INTERNAL, "the report data could not be computed");
    if (memcmp(expected, verdict->report_data, sizeof(expected)) != 0)
        return refuse(verdict, EVIDENCE_BINDING,
                      "REPORT_DATA of the evidence is %s, expected the hash of the key%s: %s",
                      hex_of(verdict->report_data, 64).text, claims.size ? " and the claims" : "",
                      hex_of(expected, 64).text);
    return 0;
}

/* One extension with evidence: everything that it says, and that it speaks of this key. */
static int verify_extension(struct judge *judge, const struct x509_extension *extension,
                            const struct subject *subject)
{
    struct evidence evidence;
    int status = evidence_parse(extension, &judge->pool, &evidence, judge->verdict);
    if (status == 0)
        status = check_technology(judge, evidence.technology);
    if (status == 0)
        status = check_key(judge, evidence.technology, &subject->key);
    if (status < 0 || evidence.technology == ATTEST_KVM)
        return status;
    status = verify_statement(judge, evidence.technology, evidence.statement, evidence.vek);
    if (status == 0 && judge->verdict->technology != evidence.technology)
        return refuse(judge->verdict, EVIDENCE_FORMAT,
                      "the extension is for %s, the quote in it is of %s",
                      attest_technology_name(evidence.technology),
                      attest_technology_name(judge->verdict->technology));
    return status == 0 ? check_binding(judge, evidence.technology, subject) : status;
}

static int check_workload(struct judge *judge)
{
    const struct attest_workload *workload = &judge->verdict->workload;
    if (!workload->bound)
        return judge->policy->workload_optional && judge->policy->workloads.count == 0
                   ? 0
                   : refuse(judge->verdict, EVIDENCE_UNBOUND,
                            "the evidence vouches for the key but names no workload, which the "
                            "policy requires");
    if (!list_allows(&judge->policy->workloads, workload->digest, sizeof(workload->digest)))
        return refuse(judge->verdict, EVIDENCE_WORKLOAD,
                      "the digest of the workload is %s, which the policy does not allow",
                      hex_of(workload->digest, sizeof(workload->digest)).text);
    return 0;
}

/* Claims and collateral first: evidence is judged with them. */
static int read_companions(struct judge *judge, struct subject *subject)
{
    struct attest_verdict *verdict = judge->verdict;
    struct span rest = subject->extensions;
    struct x509_extension extension;
    while (x509_extension_next(&rest, &extension)) {
        if (span_equal(extension.oid, OID_CLAIMS)) {
            subject->claims = extension.value;
            if (claims_parse(extension.value, &verdict->workload) < 0)
                return refuse(verdict, EVIDENCE_CLAIMS,
                              "the claims about the workload are not the DER that docs/evidence.md "
                              "describes");
        } else if (span_equal(extension.oid, OID_COLLATERAL)) {
            if (!evidence_add_collateral(extension.value, &judge->pool))
                return refuse(verdict, EVIDENCE_FORMAT,
                              "the extension with collateral is malformed or has too many parts");
        } else if (subject->only_known && !evidence_technology(extension.oid)) {
            return refuse(verdict, EVIDENCE_EXTENSION,
                          "the request asks for the extension with the OID (DER) %s, which is not "
                          "allowed",
                          hex_of(extension.oid.data, extension.oid.size).text);
        }
    }
    return 0;
}

static int verify_subject(struct judge *judge, struct subject *subject)
{
    struct span rest = subject->extensions;
    struct x509_extension extension;
    bool any = false;
    judge->verdict->public_key =
        (struct attest_bytes){subject->key.info.data, subject->key.info.size};
    int status = read_companions(judge, subject);
    while (status == 0 && x509_extension_next(&rest, &extension)) {
        if (evidence_technology(extension.oid) == ATTEST_TECHNOLOGY_NONE)
            continue;
        any = true;
        status = verify_extension(judge, &extension, subject);
    }
    if (status < 0)
        return status;
    if (!any)
        return refuse(judge->verdict, EVIDENCE_ABSENT,
                      "no extension of the request or certificate holds evidence");
    /* Of a Keep without protection, which a policy has to allow, nothing is vouched for anyway. */
    judge->verdict->workload.bound = subject->claims.size > 0;
    return check_workload(judge);
}

static int verify_request(struct judge *judge, struct span bytes)
{
    struct x509_request request;
    if (x509_request_parse(bytes, &request) < 0)
        return refuse(judge->verdict, REQUEST_FORMAT,
                      "the bytes are not a PKCS#10 certification request in DER");
    if (request.unknown_attribute)
        return refuse(judge->verdict, REQUEST_FORMAT,
                      "the request has an attribute other than extensionRequest");
    if (request.key.kind != X509_KEY_P256 && request.key.kind != X509_KEY_P384)
        return refuse(judge->verdict, REQUEST_KEY,
                      "the key of the request is not on P-256 or P-384");
    if (crypto_verify(&request.key, &request.signature) < 0)
        return refuse(judge->verdict, REQUEST_SIGNATURE,
                      "the signature of the request is not of the key in it");
    struct subject subject = {
        .key = request.key, .extensions = request.extensions, .only_known = true};
    return verify_subject(judge, &subject);
}

/* Only the evidence counts: whoever signed the certificate is not asked. */
static int verify_certificate(struct judge *judge, struct span bytes)
{
    struct x509_certificate certificate;
    if (x509_parse(bytes, &certificate) < 0)
        return refuse(judge->verdict, CERTIFICATE_FORMAT,
                      "the bytes are not a certificate in DER that can be read");
    char label[] = "of the certificate with the evidence";
    if (judge->time < certificate.not_before)
        return refuse(judge->verdict, CERTIFICATE_NOT_YET_VALID, "notBefore %s is in the future",
                      label);
    if (judge->time > certificate.not_after)
        return refuse(judge->verdict, CERTIFICATE_EXPIRED, "notAfter %s is in the past", label);
    verdict_window(judge->verdict, certificate.not_before, certificate.not_after);
    struct subject subject = {.key = certificate.key, .extensions = certificate.extensions};
    return verify_subject(judge, &subject);
}

static int verify_any(struct judge *judge, const struct attest_request *request)
{
    struct span bytes = span_from(request->evidence);
    if (bytes.size > 0 && bytes.data[0] == DER_SEQUENCE)
        return pool_classify(bytes) == POOL_CERTIFICATE ? verify_certificate(judge, bytes)
                                                        : verify_request(judge, bytes);
    unsigned version = bytes.size >= 4 ? load_le32(bytes.data) : 0;
    int status;
    if (version > 0 && version < 256) /* in a quote, the key type follows the version */
        status = verify_statement(judge, ATTEST_SNP, bytes, span_from(request->vek));
    else if (version > 0 && (version & 0xFFFF) < 256)
        status = verify_quote(judge, bytes);
    else
        status = refuse(judge->verdict, EVIDENCE_FORMAT,
                        "the bytes are no report, quote, certification request or certificate");
    if (status == 0 && judge->policy->workloads.count > 0)
        return check_workload(judge);
    return status;
}

int attest_verify(const struct attest_request *request, struct attest_verdict *verdict)
{
    *verdict = (struct attest_verdict){.valid_from = INT64_MIN, .valid_until = INT64_MAX};
    if (!request->policy)
        return refuse(verdict, POLICY_ABSENT, "there is no policy, so nothing is accepted");
    struct judge judge = {.policy = request->policy, .time = request->time, .verdict = verdict};
    for (size_t i = 0; i < request->collateral_count; i++)
        pool_add(&judge.pool, span_from(request->collateral[i]));
    chain_add_known(&judge.pool);
    int status = verify_any(&judge, request);
    if (status == 0) {
        verdict->code = ATTEST_ACCEPTED;
        verdict->reason[0] = '\0';
    }
    return status;
}
