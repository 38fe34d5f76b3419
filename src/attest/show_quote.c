// SPDX-License-Identifier: Apache-2.0
#include "attest/quote.h"
#include "attest/show.h"

#include <stdio.h>

static const struct flag enclave_flags[] = {
    {0, "INIT"},         {1, "DEBUG"},         {2, "MODE64BIT"},
    {4, "PROVISIONKEY"}, {5, "EINITTOKENKEY"}, {6, "CET"},
    {7, "KSS"},          {10, "AEXNOTIFY"},    {0},
};

static const struct flag domain_flags[] = {
    {0, "DEBUG"},       {4, "HGS_PLUS_PROF"},
    {5, "PERF_PROF"},   {6, "PMT_PROF"},
    {16, "ICSSD"},      {17, "SERVTD_EXT"},
    {27, "LASS"},       {28, "SEPT_VE_DISABLE"},
    {29, "MIGRATABLE"}, {30, "PKS"},
    {31, "KL"},         {62, "TPA"},
    {63, "PERFMON"},    {0},
};

static const struct field header_fields[] = {
    {"version", 0, 2, FIELD_NUMBER, NULL},  {"attestation key type", 2, 2, FIELD_NUMBER, NULL},
    {"TEE type", 4, 4, FIELD_HEX, NULL},    {"QE SVN", 8, 2, FIELD_NUMBER, NULL},
    {"PCE SVN", 10, 2, FIELD_NUMBER, NULL}, {"QE vendor id", 12, 16, FIELD_HEX, NULL},
    {"user data", 28, 20, FIELD_HEX, NULL},
};

static const struct field enclave_fields[] = {
    {"CPUSVN", 0, 16, FIELD_HEX, NULL},
    {"MISCSELECT", 16, 4, FIELD_HEX, NULL},
    {"ISVEXTPRODID", 32, 16, FIELD_HEX, NULL},
    {"ATTRIBUTES.FLAGS", 48, 8, FIELD_FLAGS, enclave_flags},
    {"ATTRIBUTES.XFRM", 56, 8, FIELD_HEX, NULL},
    {"MRENCLAVE", 64, 32, FIELD_HEX, NULL},
    {"MRSIGNER", 128, 32, FIELD_HEX, NULL},
    {"CONFIGID", 192, 64, FIELD_HEX, NULL},
    {"ISVPRODID", 256, 2, FIELD_NUMBER, NULL},
    {"ISVSVN", 258, 2, FIELD_NUMBER, NULL},
    {"CONFIGSVN", 260, 2, FIELD_NUMBER, NULL},
    {"ISVFAMILYID", 304, 16, FIELD_HEX, NULL},
    {"REPORTDATA", 320, 64, FIELD_HEX, NULL},
};

static const struct field domain_fields[] = {
    {"TEE_TCB_SVN", 0, 16, FIELD_HEX, NULL},
    {"MRSEAM", 16, 48, FIELD_HEX, NULL},
    {"MRSIGNERSEAM", 64, 48, FIELD_HEX, NULL},
    {"SEAMATTRIBUTES", 112, 8, FIELD_HEX, NULL},
    {"TDATTRIBUTES", 120, 8, FIELD_FLAGS, domain_flags},
    {"XFAM", 128, 8, FIELD_HEX, NULL},
    {"MRTD", 136, 48, FIELD_HEX, NULL},
    {"MRCONFIGID", 184, 48, FIELD_HEX, NULL},
    {"MROWNER", 232, 48, FIELD_HEX, NULL},
    {"MROWNERCONFIG", 280, 48, FIELD_HEX, NULL},
    {"RTMR0", 328, 48, FIELD_HEX, NULL},
    {"RTMR1", 376, 48, FIELD_HEX, NULL},
    {"RTMR2", 424, 48, FIELD_HEX, NULL},
    {"RTMR3", 472, 48, FIELD_HEX, NULL},
    {"REPORTDATA", 520, 64, FIELD_HEX, NULL},
};

static const struct field domain_15_fields[] = {
    {"TEE_TCB_SVN2", 584, 16, FIELD_HEX, NULL},
    {"MRSERVICETD", 600, 48, FIELD_HEX, NULL},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void show_body(const struct viewer *viewer, const struct quote *quote)
{
    bool sgx = quote->technology == ATTEST_SGX;
    show_begin(viewer, sgx ? "enclave report" : "TD report");
    if (sgx)
        show_fields(viewer, enclave_fields, COUNT(enclave_fields), quote->body.data);
    else
        show_fields(viewer, domain_fields, COUNT(domain_fields), quote->body.data);
    if (quote->body.size == TDX_15_BODY_SIZE)
        show_fields(viewer, domain_15_fields, COUNT(domain_15_fields), quote->body.data);
    show_end(viewer);
}

static void show_chain(const struct viewer *viewer, const struct quote *quote)
{
    struct quote_chain chain;
    struct attest_verdict ignored = {0};
    if (quote_chain_decode(quote, &chain, &ignored) < 0) {
        show_text(viewer, "certificate chain", "%s", ignored.reason);
        return;
    }
    for (size_t i = 0; i < chain.count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "chain %zu", i + 1);
        show_begin(viewer, name);
        show_der(viewer, chain.certificates[i]);
        show_end(viewer);
    }
}

bool show_quote(const struct viewer *viewer, struct span bytes)
{
    struct quote quote;
    struct attest_verdict verdict = {0};
    if (quote_parse(bytes, &quote, &verdict) < 0 && !quote.chain.data)
        return false;
    show_begin(viewer, quote.technology == ATTEST_SGX ? "SGX quote" : "TDX quote");
    show_fields(viewer, header_fields, COUNT(header_fields), bytes.data);
    show_body(viewer, &quote);
    show_hex(viewer, "signature", quote.signature);
    show_hex(viewer, "attestation key", quote.key);
    show_begin(viewer, "quoting enclave report");
    show_fields(viewer, enclave_fields, COUNT(enclave_fields), quote.qe_report.data);
    show_end(viewer);
    show_hex(viewer, "quoting enclave report signature", quote.qe_signature);
    show_hex(viewer, "authentication data", quote.qe_data);
    if (verdict.code == ATTEST_ACCEPTED)
        show_chain(viewer, &quote);
    if (verdict.code != ATTEST_ACCEPTED || quote.certification < QUOTE_PCK)
        show_hex(viewer, "certification data", quote.chain);
    if (quote.trailing > 0)
        show_text(viewer, "bytes behind the quote", "%zu", quote.trailing);
    show_end(viewer);
    return true;
}
