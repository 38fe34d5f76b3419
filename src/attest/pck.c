// SPDX-License-Identifier: Apache-2.0
#include "attest/intel.h"

#include <errno.h>
#include <string.h>

/* 1.2.840.113741.1.13.1: Intel's SGX extension; its members are numbered below it. */
#define SGX "\x2A\x86\x48\x86\xF8\x4D\x01\x0D\x01"

enum member {
    MEMBER_PPID = 1,
    MEMBER_TCB,
    MEMBER_PCE_ID,
    MEMBER_FMSPC,
    MEMBER_TYPE,
    MEMBER_PLATFORM,
    MEMBER_CONFIGURATION,
};

enum { TCB_PCE_SVN = 17, TCB_CPU_SVN = 18, CONFIGURATION_SMT = 3, NUMBER_MAX = 32 };

/* SEQUENCE OF SEQUENCE { OID, value }: takes one member whose OID is `prefix` with one number more,
 * which may not have come before. */
static unsigned take_member(struct der *members, struct span prefix, uint32_t *seen,
                            struct der_element *value)
{
    struct der member = der_enter(members, DER_SEQUENCE);
    struct span oid = der_take(&member, DER_OID);
    *value = der_next(&member);
    if (!der_end(&member) || oid.size != prefix.size + 1 ||
        memcmp(oid.data, prefix.data, prefix.size) != 0)
        return 0;
    unsigned number = oid.data[prefix.size];
    if (number == 0 || number >= NUMBER_MAX || *seen & 1U << number)
        return 0;
    *seen |= 1U << number;
    return number;
}

static bool copy_octets(struct der_element value, uint8_t *out, size_t size)
{
    if (value.tag != DER_OCTET_STRING || value.value.size != size)
        return false;
    memcpy(out, value.value.data, size);
    return true;
}

static bool parse_tcb(struct der_element tcb, struct pck *pck)
{
    struct der members = der_of(tcb.value);
    uint32_t seen = 0;
    uint8_t cpu_svn[16];
    if (tcb.tag != DER_SEQUENCE)
        return false;
    while (der_peek(&members)) {
        struct der_element value;
        uint64_t svn;
        unsigned number = take_member(&members, SPAN_LITERAL(SGX "\x02"), &seen, &value);
        if (number == 0 || number > TCB_CPU_SVN)
            return false;
        if (number == TCB_CPU_SVN) {
            if (!copy_octets(value, cpu_svn, sizeof(cpu_svn)))
                return false;
            continue;
        }
        uint64_t max = number == TCB_PCE_SVN ? UINT16_MAX : UINT8_MAX;
        if (value.tag != DER_INTEGER || !der_value_uint(value.value, max, &svn))
            return false;
        if (number == TCB_PCE_SVN)
            pck->pce_svn = (uint16_t)svn;
        else
            pck->components[number - 1] = (uint8_t)svn;
    }
    return der_end(&members) && seen == (1U << (TCB_CPU_SVN + 1)) - 2;
}

static bool parse_configuration(struct der_element configuration, struct pck *pck)
{
    struct der members = der_of(configuration.value);
    uint32_t seen = 0;
    if (configuration.tag != DER_SEQUENCE)
        return false;
    while (der_peek(&members)) {
        struct der_element value;
        unsigned number = take_member(&members, SPAN_LITERAL(SGX "\x07"), &seen, &value);
        struct der flag = der_of(value.whole);
        bool set = der_boolean(&flag);
        if (number == 0 || number > CONFIGURATION_SMT || !der_end(&flag))
            return false;
        if (number == CONFIGURATION_SMT) {
            pck->knows_smt = true;
            pck->smt = set;
        }
    }
    return der_end(&members);
}

static bool parse_member(unsigned number, struct der_element value, struct pck *pck)
{
    uint8_t ppid[16];
    uint64_t type;
    switch (number) {
    case MEMBER_PPID:
        return copy_octets(value, ppid, sizeof(ppid));
    case MEMBER_TCB:
        return parse_tcb(value, pck);
    case MEMBER_PCE_ID:
        return copy_octets(value, pck->pce_id, sizeof(pck->pce_id));
    case MEMBER_FMSPC:
        return copy_octets(value, pck->fmspc, sizeof(pck->fmspc));
    case MEMBER_TYPE: /* standard, scalable, scalable with integrity */
        return value.tag == DER_ENUMERATED && der_value_uint(value.value, 2, &type);
    case MEMBER_PLATFORM:
        pck->has_platform = true;
        return copy_octets(value, pck->platform, sizeof(pck->platform));
    case MEMBER_CONFIGURATION:
        return parse_configuration(value, pck);
    default:
        return false;
    }
}

int pck_parse(const struct x509_certificate *certificate, struct pck *pck,
              struct attest_verdict *verdict)
{
    static const uint32_t needed =
        1U << MEMBER_PPID | 1U << MEMBER_TCB | 1U << MEMBER_PCE_ID | 1U << MEMBER_FMSPC;
    struct x509_extension extension;
    *pck = (struct pck){0};
    if (!span_equal(x509_common_name(certificate->subject),
                    SPAN_LITERAL("Intel SGX PCK Certificate")) ||
        certificate->key.kind != X509_KEY_P256 || certificate->is_authority)
        return refuse(verdict, PCK_KIND,
                      "the first certificate in the quote is not an Intel SGX PCK Certificate with "
                      "a key on P-256");
    bool good = x509_extension_find(certificate->extensions, SPAN_LITERAL(SGX), &extension);
    struct der top = der_of(good ? extension.value : (struct span){0});
    struct der members = der_enter(&top, DER_SEQUENCE);
    uint32_t seen = 0;
    while (good && der_peek(&members)) {
        struct der_element value;
        unsigned number = take_member(&members, SPAN_LITERAL(SGX), &seen, &value);
        good = parse_member(number, value, pck);
    }
    if (!good || !der_end(&members) || !der_end(&top) || (seen & needed) != needed)
        return refuse(verdict, PCK_EXTENSION,
                      "the SGX extension (1.2.840.113741.1.13.1) of the PCK certificate is missing "
                      "or malformed");
    return 0;
}
