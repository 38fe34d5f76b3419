// SPDX-License-Identifier: Apache-2.0
#include "collateral/item.h"

#include "base/text.h"
#include "codec/base64.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define AMD_SERVICE       "https://kdsintf.amd.com"
#define INTEL_SERVICE     "https://api.trustedservices.intel.com"
#define INTEL_CERTIFICATE "https://certificates.trustedservices.intel.com"

static const struct {
    const char *word;   /* in names of files */
    const char *remote; /* in URLs */
    const char *issuer; /* of its list */
    const char *id;     /* of its identity */
} owners[] = {
    [COLLATERAL_NOBODY] = {"", "", "Intel SGX Root CA", ""},
    [COLLATERAL_MILAN] = {"milan", "Milan", "ARK-Milan", ""},
    [COLLATERAL_GENOA] = {"genoa", "Genoa", "ARK-Genoa", ""},
    [COLLATERAL_TURIN] = {"turin", "Turin", "ARK-Turin", ""},
    [COLLATERAL_PROCESSOR] = {"processor", "processor", "Intel SGX PCK Processor CA", ""},
    [COLLATERAL_PLATFORM] = {"platform", "platform", "Intel SGX PCK Platform CA", ""},
    [COLLATERAL_SGX] = {"sgx", "sgx", "", "QE"},
    [COLLATERAL_TDX] = {"tdx", "tdx", "", "TD_QE"},
};

enum { OWNERS = sizeof(owners) / sizeof(owners[0]) };

static const struct {
    const char *service, *chain_header;
    const char *prefix, *suffix; /* of names of files */
    enum collateral_of first, last;
    bool has_fmspc;
} kinds[] = {
    [COLLATERAL_AMD_CRL] = {AMD_SERVICE, NULL, "amd-", ".crl", COLLATERAL_MILAN, COLLATERAL_TURIN,
                            false},
    [COLLATERAL_AMD_VCEK] = {AMD_SERVICE, NULL, "vcek-", ".der", COLLATERAL_MILAN, COLLATERAL_TURIN,
                             false},
    [COLLATERAL_INTEL_ROOT_CRL] = {INTEL_CERTIFICATE, NULL, "intel-root", ".crl", COLLATERAL_NOBODY,
                                   COLLATERAL_NOBODY, false},
    [COLLATERAL_INTEL_PCK_CRL] = {INTEL_SERVICE, "SGX-PCK-CRL-Issuer-Chain", "intel-", ".crl",
                                  COLLATERAL_PROCESSOR, COLLATERAL_PLATFORM, false},
    [COLLATERAL_INTEL_TCB] = {INTEL_SERVICE, "TCB-Info-Issuer-Chain", "tcb-", ".json",
                              COLLATERAL_SGX, COLLATERAL_TDX, true},
    [COLLATERAL_INTEL_IDENTITY] = {INTEL_SERVICE, "SGX-Enclave-Identity-Issuer-Chain", "qe-",
                                   ".json", COLLATERAL_SGX, COLLATERAL_TDX, false},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), FMSPC_DIGITS = 12 };

const char *collateral_chain_header(const struct collateral_item *item)
{
    return kinds[item->kind].chain_header;
}

static void add_vcek(struct text *text, const struct collateral_item *item)
{
    char chip[2 * sizeof(item->chip) + 1];
    hex_encode(span_of(item->chip, item->chip_size), chip);
    text_printf(text, "/vcek/v1/%s/%s?blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u",
                owners[item->of].remote, chip, item->tcb.boot_loader, item->tcb.tee, item->tcb.snp,
                item->tcb.microcode);
    if (item->of == COLLATERAL_TURIN)
        text_printf(text, "&fmcSPL=%02u", item->tcb.fmc);
}

int collateral_url(const struct collateral_item *item, const char *base,
                   char url[COLLATERAL_URL_MAX])
{
    struct text text = text_init(url, COLLATERAL_URL_MAX);
    const char *remote = owners[item->of].remote;
    struct span service = span_of(base, base ? strlen(base) : 0);
    if (!base)
        service = span_of(kinds[item->kind].service, strlen(kinds[item->kind].service));
    while (service.size > 0 && service.data[service.size - 1] == '/')
        service.size--;
    text_add_span(&text, service);
    switch (item->kind) {
    case COLLATERAL_AMD_CRL:
        text_printf(&text, "/vcek/v1/%s/crl", remote);
        break;
    case COLLATERAL_AMD_VCEK:
        add_vcek(&text, item);
        break;
    case COLLATERAL_INTEL_ROOT_CRL:
        text_add(&text, "/IntelSGXRootCA.der");
        break;
    case COLLATERAL_INTEL_PCK_CRL:
        text_printf(&text, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der", remote);
        break;
    case COLLATERAL_INTEL_TCB:
        text_printf(&text, "/%s/certification/v4/tcb?fmspc=%s", remote, item->fmspc);
        break;
    case COLLATERAL_INTEL_IDENTITY:
        text_printf(&text, "/%s/certification/v4/qe/identity", remote);
        break;
    }
    return text.overflow ? -ENAMETOOLONG : 0;
}

void collateral_name(const struct collateral_item *item, char name[COLLATERAL_NAME_MAX])
{
    struct text text = text_init(name, COLLATERAL_NAME_MAX);
    text_printf(&text, "%s%s", kinds[item->kind].prefix, owners[item->of].word);
    if (item->kind == COLLATERAL_AMD_VCEK) {
        char chip[2 * sizeof(item->chip) + 1];
        hex_encode(span_of(item->chip, item->chip_size), chip);
        text_printf(&text, "-%s-%u-%u-%u-%u-%u", chip, item->tcb.fmc, item->tcb.boot_loader,
                    item->tcb.tee, item->tcb.snp, item->tcb.microcode);
    }
    if (kinds[item->kind].has_fmspc)
        text_printf(&text, "-%s", item->fmspc);
    text_add(&text, kinds[item->kind].suffix);
}

static bool is_fmspc(const char *text)
{
    return strlen(text) >= FMSPC_DIGITS && strspn(text, "0123456789abcdef") == FMSPC_DIGITS;
}

bool collateral_of_name(const char *name, struct collateral_item *item)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        for (size_t of = kinds[kind].first; of <= (size_t)kinds[kind].last; of++) {
            char made[COLLATERAL_NAME_MAX];
            *item = (struct collateral_item){.kind = (enum collateral_kind)kind,
                                             .of = (enum collateral_of)of};
            size_t size = strlen(kinds[kind].prefix) + strlen(owners[of].word) + 1;
            if (kinds[kind].has_fmspc && strlen(name) > size && is_fmspc(name + size))
                memcpy(item->fmspc, name + size, FMSPC_DIGITS);
            collateral_name(item, made);
            if (kind != COLLATERAL_AMD_VCEK && strcmp(made, name) == 0 &&
                (item->fmspc[0] || !kinds[kind].has_fmspc))
                return true;
        }
    }
    return false;
}

static bool is_vcek(const struct collateral_item *item, const struct attest_verdict *verdict)
{
    const struct attest_snp_tcb *a = &item->tcb, *b = &verdict->snp_tcb;
    return strcmp(verdict->product, owners[item->of].remote) == 0 &&
           verdict->platform_size == item->chip_size &&
           memcmp(verdict->platform, item->chip, item->chip_size) == 0 && a->fmc == b->fmc &&
           a->boot_loader == b->boot_loader && a->tee == b->tee && a->snp == b->snp &&
           a->microcode == b->microcode;
}

bool collateral_matches(const struct collateral_item *item, const struct attest_collateral *about,
                        const struct attest_verdict *verdict)
{
    char subject[32];
    struct text text = text_init(subject, sizeof(subject));
    switch (item->kind) {
    case COLLATERAL_AMD_VCEK:
        return about->kind == ATTEST_COLLATERAL_VEK && strcmp(about->subject, "VCEK") == 0 &&
               is_vcek(item, verdict);
    case COLLATERAL_AMD_CRL:
    case COLLATERAL_INTEL_ROOT_CRL:
    case COLLATERAL_INTEL_PCK_CRL:
        return about->kind == ATTEST_COLLATERAL_CRL &&
               strcmp(about->subject, owners[item->of].issuer) == 0;
    case COLLATERAL_INTEL_TCB:
        text_printf(&text, "%s %s", owners[item->of].word, item->fmspc);
        return about->kind == ATTEST_COLLATERAL_TCB_INFO &&
               strcasecmp(about->subject, subject) == 0;
    case COLLATERAL_INTEL_IDENTITY:
        return about->kind == ATTEST_COLLATERAL_IDENTITY &&
               strcmp(about->subject, owners[item->of].id) == 0;
    }
    return false;
}
