// SPDX-License-Identifier: Apache-2.0
#include "attest/snp.h"

#include <string.h>

/* 1.3.6.1.4.1.3704.1 */
#define AMD "\x2B\x06\x01\x04\x01\x9C\x78\x01"

enum field {
    FIELD_VERSION,
    FIELD_PRODUCT,
    FIELD_BOOT_LOADER,
    FIELD_TEE,
    FIELD_SNP,
    FIELD_MICROCODE,
    FIELD_FMC,
    FIELD_COUNT,
};

static const struct {
    struct span oid;
    const char *name;
} fields[FIELD_COUNT] = {
    [FIELD_VERSION] = {SPAN_INIT(AMD "\x01"), "structVersion"},
    [FIELD_PRODUCT] = {SPAN_INIT(AMD "\x02"), "productName"},
    [FIELD_BOOT_LOADER] = {SPAN_INIT(AMD "\x03\x01"), "blSPL"},
    [FIELD_TEE] = {SPAN_INIT(AMD "\x03\x02"), "teeSPL"},
    [FIELD_SNP] = {SPAN_INIT(AMD "\x03\x03"), "snpSPL"},
    [FIELD_MICROCODE] = {SPAN_INIT(AMD "\x03\x08"), "ucodeSPL"},
    [FIELD_FMC] = {SPAN_INIT(AMD "\x03\x09"), "fmcSPL"},
};

#define OID_CHIP     SPAN_LITERAL(AMD "\x04")
#define OID_PROVIDER SPAN_LITERAL(AMD "\x05")

static bool has_prefix(struct span text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

static bool is_text(struct span text, const char *wanted)
{
    return text.size == strlen(wanted) && has_prefix(text, wanted);
}

/* The issuer says of which product and kind the certificate is: "SEV-Milan", "SEV-VLEK-Milan". */
static int parse_names(const struct x509_certificate *certificate, struct snp_vek *vek,
                       struct attest_verdict *verdict)
{
    struct span issuer = x509_common_name(certificate->issuer);
    struct span subject = x509_common_name(certificate->subject);
    for (enum attest_product product = ATTEST_MILAN; product <= ATTEST_TURIN; product++) {
        for (unsigned key = SNP_VCEK; key <= SNP_VLEK; key++) {
            char name[32] = "SEV-";
            strcat(name, key == SNP_VLEK ? "VLEK-" : "");
            strcat(name, attest_product_name(product));
            if (!is_text(issuer, name) || !is_text(subject, key ? "SEV-VLEK" : "SEV-VCEK"))
                continue;
            vek->product = product;
            vek->key = (enum snp_signing_key)key;
            return 0;
        }
    }
    return refuse(verdict, SNP_VEK_KIND,
                  "the certificate's subject and issuer are not those of a VCEK or VLEK of Milan, "
                  "Genoa or Turin");
}

static int refuse_field(struct attest_verdict *verdict, const char *name)
{
    return refuse(verdict, SNP_VEK_EXTENSION,
                  "the extension %s of the VCEK or VLEK certificate is missing or malformed", name);
}

static bool find_number(const struct x509_certificate *certificate, enum field field, uint8_t *out)
{
    struct x509_extension extension;
    if (!x509_extension_find(certificate->extensions, fields[field].oid, &extension))
        return false;
    struct der der = der_of(extension.value);
    *out = (uint8_t)der_uint(&der, UINT8_MAX);
    return der_end(&der);
}

static bool find_text(const struct x509_certificate *certificate, struct span oid,
                      struct span *text)
{
    struct x509_extension extension;
    if (!x509_extension_find(certificate->extensions, oid, &extension))
        return false;
    struct der der = der_of(extension.value);
    *text = der_take(&der, DER_IA5);
    return der_end(&der);
}

static int parse_tcb(const struct x509_certificate *certificate, struct snp_vek *vek,
                     struct attest_verdict *verdict)
{
    struct attest_snp_tcb *tcb = &vek->tcb;
    uint8_t *const places[FIELD_COUNT] = {
        [FIELD_BOOT_LOADER] = &tcb->boot_loader, [FIELD_TEE] = &tcb->tee, [FIELD_SNP] = &tcb->snp,
        [FIELD_MICROCODE] = &tcb->microcode,     [FIELD_FMC] = &tcb->fmc,
    };
    for (enum field field = FIELD_BOOT_LOADER; field < FIELD_COUNT; field++) {
        if (field == FIELD_FMC && vek->product != ATTEST_TURIN)
            continue;
        if (!find_number(certificate, field, places[field]))
            return refuse_field(verdict, fields[field].name);
    }
    return 0;
}

/* productName is "Milan-B0", "Genoa" or "Turin" for a VCEK, "Milan" for a VLEK. */
static int check_product(const struct x509_certificate *certificate, const struct snp_vek *vek,
                         struct attest_verdict *verdict)
{
    uint8_t version;
    struct span name;
    if (!find_number(certificate, FIELD_VERSION, &version))
        return refuse_field(verdict, fields[FIELD_VERSION].name);
    if (!find_text(certificate, fields[FIELD_PRODUCT].oid, &name))
        return refuse_field(verdict, fields[FIELD_PRODUCT].name);
    const char *product = attest_product_name(vek->product);
    size_t size = strlen(product);
    if (!has_prefix(name, product) || (name.size > size && name.data[size] != '-'))
        return refuse(verdict, SNP_VEK_PRODUCT,
                      "productName of the certificate is \"%.*s\", its issuer is of %s",
                      (int)(name.size < 32 ? name.size : 32), (const char *)name.data, product);
    return 0;
}

int snp_vek_parse(const struct x509_certificate *certificate, struct snp_vek *vek,
                  struct attest_verdict *verdict)
{
    *vek = (struct snp_vek){0};
    int status = parse_names(certificate, vek, verdict);
    if (status == 0)
        status = check_product(certificate, vek, verdict);
    if (status == 0)
        status = parse_tcb(certificate, vek, verdict);
    if (status < 0)
        return status;
    if (certificate->key.kind != X509_KEY_P384 || certificate->is_authority)
        return refuse(verdict, SNP_VEK_KIND,
                      "the VCEK or VLEK certificate is of an authority or its key is not on P-384");
    if (vek->key == SNP_VLEK)
        return find_text(certificate, OID_PROVIDER, &vek->provider)
                   ? 0
                   : refuse_field(verdict, "cspID");
    struct x509_extension chip;
    size_t size = vek->product == ATTEST_TURIN ? 8 : 64;
    if (!x509_extension_find(certificate->extensions, OID_CHIP, &chip) || chip.value.size != size)
        return refuse_field(verdict, "hwID");
    vek->chip = chip.value;
    return 0;
}
