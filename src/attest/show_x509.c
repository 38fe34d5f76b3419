// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence.h"
#include "attest/intel.h"
#include "attest/show.h"
#include "attest/snp.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 512, LISTED_MAX = 1000, DEPTH_MAX = 4 };

static bool show_at(const struct viewer *viewer, struct span bytes, unsigned depth);

/* "CN=…, O=…" in the order of the certificate. */
static void show_name(const struct viewer *viewer, const char *label, struct span name)
{
    static const struct {
        struct span oid;
        const char *text;
    } types[] = {{SPAN_INIT("\x55\x04\x03"), "CN"}, {SPAN_INIT("\x55\x04\x06"), "C"},
                 {SPAN_INIT("\x55\x04\x07"), "L"},  {SPAN_INIT("\x55\x04\x08"), "ST"},
                 {SPAN_INIT("\x55\x04\x0A"), "O"},  {SPAN_INIT("\x55\x04\x0B"), "OU"}};
    char text[NAME_SIZE] = "";
    struct der top = der_of(name);
    struct der sets = der_enter(&top, DER_SEQUENCE);
    while (der_peek(&sets)) {
        struct der set = der_enter(&sets, DER_SET);
        struct der attribute = der_enter(&set, DER_SEQUENCE);
        struct span oid = der_take(&attribute, DER_OID), value = der_next(&attribute).value;
        const char *type = "?";
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
            type = span_equal(types[i].oid, oid) ? types[i].text : type;
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%s%s=%.*s", used ? ", " : "", type,
                 (int)(value.size < 128 ? value.size : 128), (const char *)value.data);
    }
    show_text(viewer, label, "%s", text);
}

static const char *key_name(enum x509_key_kind kind)
{
    static const char *const names[] = {[X509_KEY_OTHER] = "unknown",
                                        [X509_KEY_P256] = "P-256",
                                        [X509_KEY_P384] = "P-384",
                                        [X509_KEY_RSA] = "RSA"};
    return names[kind];
}

static const char *algorithm_name(enum x509_algorithm algorithm)
{
    static const char *const names[] = {[X509_ALGORITHM_OTHER] = "unknown",
                                        [X509_ECDSA_SHA256] = "ECDSA with SHA-256",
                                        [X509_ECDSA_SHA384] = "ECDSA with SHA-384",
                                        [X509_PSS_SHA384] = "RSASSA-PSS with SHA-384"};
    return names[algorithm];
}

/* The dotted form. */
static void format_oid(struct span oid, char *text, size_t size)
{
    uint64_t number = 0;
    bool first = true;
    text[0] = '\0';
    for (size_t i = 0; i < oid.size; i++) {
        size_t used = strlen(text);
        number = number << 7 | (oid.data[i] & 0x7F);
        if (oid.data[i] & 0x80)
            continue;
        if (first)
            snprintf(text, size, "%u.%u", number < 80 ? (unsigned)number / 40 : 2,
                     (unsigned)(number < 80 ? number % 40 : number - 80));
        else
            snprintf(text + used, size - used, ".%llu", (unsigned long long)number);
        first = false;
        number = 0;
    }
}

static void show_snp_extensions(const struct viewer *viewer,
                                const struct x509_certificate *certificate)
{
    struct attest_verdict ignored = {0};
    struct snp_vek vek;
    if (snp_vek_parse(certificate, &vek, &ignored) < 0)
        return;
    show_begin(viewer, vek.key == SNP_VLEK ? "VLEK" : "VCEK");
    show_text(viewer, "product", "%s", attest_product_name(vek.product));
    if (vek.product == ATTEST_TURIN)
        show_text(viewer, "fmcSPL", "%u", vek.tcb.fmc);
    show_text(viewer, "blSPL", "%u", vek.tcb.boot_loader);
    show_text(viewer, "teeSPL", "%u", vek.tcb.tee);
    show_text(viewer, "snpSPL", "%u", vek.tcb.snp);
    show_text(viewer, "ucodeSPL", "%u", vek.tcb.microcode);
    if (vek.key == SNP_VCEK)
        show_hex(viewer, "hwID", vek.chip);
    else
        show_text(viewer, "cspID", "%.*s", (int)(vek.provider.size < 128 ? vek.provider.size : 128),
                  (const char *)vek.provider.data);
    show_end(viewer);
}

static void show_pck_extension(const struct viewer *viewer,
                               const struct x509_certificate *certificate)
{
    struct attest_verdict ignored = {0};
    struct pck pck;
    if (pck_parse(certificate, &pck, &ignored) < 0)
        return;
    show_begin(viewer, "PCK");
    show_hex(viewer, "FMSPC", span_of(pck.fmspc, sizeof(pck.fmspc)));
    show_hex(viewer, "PCEID", span_of(pck.pce_id, sizeof(pck.pce_id)));
    show_hex(viewer, "TCB components", span_of(pck.components, sizeof(pck.components)));
    show_text(viewer, "PCESVN", "%u", pck.pce_svn);
    if (pck.has_platform)
        show_hex(viewer, "platform instance id", span_of(pck.platform, sizeof(pck.platform)));
    if (pck.knows_smt)
        show_text(viewer, "SMT", "%s", pck.smt ? "on" : "off");
    show_end(viewer);
}

static void show_claims(const struct viewer *viewer, struct span value)
{
    struct attest_workload workload;
    if (claims_parse(value, &workload) < 0) {
        show_hex(viewer, "claims (malformed)", value);
        return;
    }
    show_begin(viewer, "claims");
    show_hex(viewer, "workload SHA-256", span_of(workload.digest, sizeof(workload.digest)));
    show_text(viewer, "name", "%s", workload.name);
    show_text(viewer, "Steward", "%s", workload.steward);
    show_hex(viewer, "nonce", span_of(workload.nonce, workload.nonce_size));
    show_end(viewer);
}

static void show_string(const struct viewer *viewer, const char *label, struct attest_bytes text)
{
    if (text.size > 0)
        show_text(viewer, label, "%.*s", (int)(text.size < NAME_SIZE ? text.size : NAME_SIZE),
                  (const char *)text.data);
}

static void show_bytes(const struct viewer *viewer, const char *label, struct attest_bytes bytes)
{
    if (bytes.size > 0)
        show_hex(viewer, label, span_of(bytes.data, bytes.size));
}

/* What an issuer verified. */
static void show_result(const struct viewer *viewer, struct span value)
{
    struct attest_result result;
    if (attest_result_read((struct attest_bytes){value.data, value.size}, &result) < 0) {
        show_hex(viewer, "verified (malformed)", value);
        return;
    }
    show_begin(viewer, "verified");
    show_string(viewer, "technology", result.technology);
    show_string(viewer, "product", result.product);
    show_bytes(viewer, "measurement", result.measurement);
    show_bytes(viewer, "signer", result.signer);
    show_bytes(viewer, "workload SHA-256", result.workload);
    show_string(viewer, "name", result.name);
    show_text(viewer, "simulated", "%s", result.simulated ? "yes" : "no");
    show_end(viewer);
}

/* The names of a subjectAltName that are text: DNS and URI. */
static void show_names(const struct viewer *viewer, struct span value)
{
    struct der top = der_of(value), names = der_enter(&top, DER_SEQUENCE);
    while (der_peek(&names)) {
        struct der_element item = der_next(&names);
        const char *label = item.tag == (DER_CONTEXT | 2)   ? "DNS name"
                            : item.tag == (DER_CONTEXT | 6) ? "URI"
                                                            : NULL;
        if (label)
            show_text(viewer, label, "%.*s",
                      (int)(item.value.size < NAME_SIZE ? item.value.size : NAME_SIZE),
                      (const char *)item.value.data);
        else
            show_hex(viewer, "other name", item.value);
    }
}

static void show_items(const struct viewer *viewer, const struct pool *pool, unsigned depth)
{
    for (size_t i = 0; i < pool->count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "collateral %zu", i + 1);
        show_begin(viewer, name);
        if (!show_at(viewer, pool->items[i], depth) && !show_document(viewer, pool->items[i]))
            show_hex(viewer, "bytes", pool->items[i]);
        show_end(viewer);
    }
}

static void show_evidence(const struct viewer *viewer, const struct x509_extension *extension,
                          unsigned depth)
{
    struct attest_verdict verdict = {0};
    struct evidence evidence;
    struct pool pool = {.count = 0};
    char name[32];
    snprintf(name, sizeof(name), "%s evidence",
             attest_technology_name(evidence_technology(extension->oid)));
    show_begin(viewer, name);
    if (evidence_parse(extension, &pool, &evidence, &verdict) < 0) {
        show_text(viewer, "malformed", "%s", verdict.reason);
    } else {
        if (!show_snp_report(viewer, evidence.statement) && !show_quote(viewer, evidence.statement))
            show_hex(viewer, "statement", evidence.statement);
        if (evidence.vek.size > 0)
            show_at(viewer, evidence.vek, depth);
        show_items(viewer, &pool, depth);
    }
    show_end(viewer);
}

static void show_extensions(const struct viewer *viewer, struct span extensions, unsigned depth)
{
    struct x509_extension extension;
    while (x509_extension_next(&extensions, &extension)) {
        char oid[128];
        struct pool pool = {.count = 0};
        format_oid(extension.oid, oid, sizeof(oid));
        if (evidence_technology(extension.oid))
            show_evidence(viewer, &extension, depth);
        else if (span_equal(extension.oid, OID_CLAIMS))
            show_claims(viewer, extension.value);
        else if (span_equal(extension.oid, OID_RESULT))
            show_result(viewer, extension.value);
        else if (span_equal(extension.oid, X509_OID_ALT_NAME))
            show_names(viewer, extension.value);
        else if (span_equal(extension.oid, OID_COLLATERAL) &&
                 evidence_add_collateral(extension.value, &pool))
            show_items(viewer, &pool, depth);
        else
            show_hex(viewer, oid, extension.value);
    }
}

static void show_certificate(const struct viewer *viewer,
                             const struct x509_certificate *certificate, unsigned depth)
{
    show_begin(viewer, "certificate");
    show_name(viewer, "subject", certificate->subject);
    show_name(viewer, "issuer", certificate->issuer);
    show_hex(viewer, "serial number", certificate->serial);
    show_time(viewer, "not before", certificate->not_before);
    show_time(viewer, "not after", certificate->not_after);
    show_text(viewer, "key", "%s", key_name(certificate->key.kind));
    show_hex(viewer, "key info", certificate->key.info);
    show_text(viewer, "signature algorithm", "%s",
              algorithm_name(certificate->signature.algorithm));
    show_text(viewer, "authority", "%s", certificate->is_authority ? "yes" : "no");
    show_snp_extensions(viewer, certificate);
    show_pck_extension(viewer, certificate);
    show_extensions(viewer, certificate->extensions, depth);
    show_end(viewer);
}

static void show_list(const struct viewer *viewer, const struct x509_crl *crl)
{
    show_begin(viewer, "revocation list");
    show_name(viewer, "issuer", crl->issuer);
    show_time(viewer, "this update", crl->this_update);
    show_time(viewer, "next update", crl->next_update);
    show_text(viewer, "signature algorithm", "%s", algorithm_name(crl->signature.algorithm));
    struct der entries = der_of(crl->revoked);
    for (unsigned i = 1; der_peek(&entries) && i <= LISTED_MAX; i++) {
        char name[32];
        struct der entry = der_enter(&entries, DER_SEQUENCE);
        snprintf(name, sizeof(name), "revoked %u", i);
        show_hex(viewer, name, der_unsigned(&entry));
    }
    show_end(viewer);
}

static void show_request(const struct viewer *viewer, const struct x509_request *request,
                         unsigned depth)
{
    show_begin(viewer, "certification request");
    show_name(viewer, "subject", request->subject);
    show_text(viewer, "key", "%s", key_name(request->key.kind));
    show_hex(viewer, "key info", request->key.info);
    show_text(viewer, "signature algorithm", "%s", algorithm_name(request->signature.algorithm));
    show_extensions(viewer, request->extensions, depth);
    show_end(viewer);
}

/* Certificates carry evidence, which carries certificates: so deep and no deeper. */
static bool show_at(const struct viewer *viewer, struct span bytes, unsigned depth)
{
    struct x509_certificate certificate;
    struct x509_request request;
    struct x509_crl crl;
    if (depth == 0)
        return false;
    if (x509_parse(bytes, &certificate) == 0)
        show_certificate(viewer, &certificate, depth - 1);
    else if (x509_crl_parse(bytes, &crl) == 0)
        show_list(viewer, &crl);
    else if (x509_request_parse(bytes, &request) == 0)
        show_request(viewer, &request, depth - 1);
    else
        return false;
    return true;
}

bool show_der(const struct viewer *viewer, struct span bytes)
{
    return show_at(viewer, bytes, DEPTH_MAX);
}
