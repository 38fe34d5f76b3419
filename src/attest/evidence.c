// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence.h"

#include <errno.h>

static const struct {
    struct span oid;
    enum attest_technology technology;
} technologies[] = {
    {SPAN_INIT(ENARX_OID "\x01"), ATTEST_KVM},
    {SPAN_INIT(ENARX_OID "\x02"), ATTEST_SGX},
    {SPAN_INIT(ENARX_OID "\x03"), ATTEST_SNP},
    {SPAN_INIT(ENARX_OID "\x04"), ATTEST_TDX},
};

enum attest_technology evidence_technology(struct span oid)
{
    for (size_t i = 0; i < sizeof(technologies) / sizeof(technologies[0]); i++) {
        if (span_equal(technologies[i].oid, oid))
            return technologies[i].technology;
    }
    return ATTEST_TECHNOLOGY_NONE;
}

/* CrlList ::= SEQUENCE { SEQUENCE OF SEQUENCE { url UTF8String, crl CertificateList } }. The URLs
 * are hints for caches: lists are chosen by their issuer. */
static void add_lists(struct der *der, struct pool *pool)
{
    struct der outer = der_enter(der, DER_SEQUENCE);
    struct der lists = der_enter(&outer, DER_SEQUENCE);
    while (der_peek(&lists)) {
        struct der entry = der_enter(&lists, DER_SEQUENCE);
        der_take(&entry, DER_UTF8);
        struct span list = der_whole(&entry, DER_SEQUENCE);
        if (!der_end(&entry)) {
            der_fail(der);
            return;
        }
        pool_add(pool, list);
    }
    if (!der_end(&lists) || !der_end(&outer))
        der_fail(der);
}

static bool parse_snp(struct der *body, struct pool *pool, struct evidence *evidence)
{
    struct der certificates = der_enter(body, DER_SEQUENCE);
    evidence->vek = der_whole(&certificates, DER_SEQUENCE);
    add_lists(&certificates, pool);
    evidence->statement = der_take(body, DER_OCTET_STRING);
    return der_end(&certificates);
}

/* SGX as in the original; TDX has the same form. */
static bool parse_intel(struct der *body, struct pool *pool, struct evidence *evidence)
{
    evidence->statement = der_take(body, DER_OCTET_STRING);
    add_lists(body, pool);
    struct der tcb = der_enter(body, DER_SEQUENCE);
    struct der certificates = der_enter(&tcb, DER_SEQUENCE);
    while (der_peek(&certificates))
        pool_add(pool, der_whole(&certificates, DER_SEQUENCE));
    pool_add(pool, der_take(&tcb, DER_OCTET_STRING));
    return der_end(&certificates) && der_end(&tcb);
}

int evidence_parse(const struct x509_extension *extension, struct pool *pool,
                   struct evidence *evidence, struct attest_verdict *verdict)
{
    *evidence = (struct evidence){.technology = evidence_technology(extension->oid)};
    verdict->technology = evidence->technology;
    if (extension->critical)
        return refuse(verdict, EVIDENCE_EXTENSION,
                      "the extension with %s evidence is critical, which it may not be",
                      attest_technology_name(evidence->technology));
    struct der top = der_of(extension->value);
    bool good = true;
    if (evidence->technology != ATTEST_KVM) {
        struct der body = der_enter(&top, DER_SEQUENCE);
        good = evidence->technology == ATTEST_SNP ? parse_snp(&body, pool, evidence)
                                                  : parse_intel(&body, pool, evidence);
        good = good && der_end(&body);
    }
    if (!good || !der_end(&top))
        return refuse(verdict, EVIDENCE_FORMAT,
                      "the extension with %s evidence is not the DER that docs/evidence.md "
                      "describes",
                      attest_technology_name(evidence->technology));
    return 0;
}

bool evidence_add_collateral(struct span value, struct pool *pool)
{
    struct der top = der_of(value);
    struct der items = der_enter(&top, DER_SEQUENCE);
    while (der_peek(&items)) {
        if (!pool_add(pool, der_take(&items, DER_OCTET_STRING)))
            return false;
    }
    return der_end(&items) && der_end(&top);
}
