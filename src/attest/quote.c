// SPDX-License-Identifier: Apache-2.0
#include "attest/quote.h"

#include "base/bytes.h"
#include "codec/base64.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <string.h>

enum {
    KEY_TYPE_P256 = 2,
    TEE_SGX = 0,
    TEE_TDX = 0x81,
    P256_PAIR = 64,     /* x and y, or r and s */
    PLATFORM_SIZE = 20, /* CPUSVN, PCESVN, PCEID, behind a PPID */
    QE_REPORT_DATA = 320,
};

static const uint8_t intel_qe_vendor[16] = {0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9,
                                            0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07};

/* A reading position; a read past the end yields nothing and is remembered. */
struct cursor {
    struct span rest;
    bool failed;
};

static struct span take(struct cursor *cursor, size_t size)
{
    if (cursor->failed || size > cursor->rest.size) {
        cursor->failed = true;
        return (struct span){0};
    }
    struct span taken = span_of(cursor->rest.data, size);
    cursor->rest = span_of(cursor->rest.data + size, cursor->rest.size - size);
    return taken;
}

static uint16_t take_u16(struct cursor *cursor)
{
    struct span taken = take(cursor, 2);
    return cursor->failed ? 0 : load_le16(taken.data);
}

static uint32_t take_u32(struct cursor *cursor)
{
    struct span taken = take(cursor, 4);
    return cursor->failed ? 0 : load_le32(taken.data);
}

static int check_header(const uint8_t *header, struct quote *quote, struct attest_verdict *verdict)
{
    unsigned version = load_le16(header), key_type = load_le16(header + 2);
    uint32_t tee = load_le32(header + 4);
    quote->version = version;
    verdict->version = version;
    bool sgx = version >= 3 && version <= 5 && tee == TEE_SGX;
    bool tdx = (version == 4 || version == 5) && tee == TEE_TDX;
    if (!sgx && !tdx)
        return refuse(verdict, QUOTE_VERSION,
                      "the quote has version %u and TEE type 0x%X, expected version 3 to 5 with 0 "
                      "(SGX) or version 4 or 5 with 0x81 (TDX)",
                      version, tee);
    quote->technology = sgx ? ATTEST_SGX : ATTEST_TDX;
    verdict->technology = quote->technology;
    if (key_type != KEY_TYPE_P256)
        return refuse(verdict, QUOTE_KEY_TYPE,
                      "the attestation key type of the quote is %u, expected 2 (ECDSA P-256)",
                      key_type);
    if (tdx && !is_zero(header + 8, 4))
        return refuse(verdict, QUOTE_RESERVED,
                      "the reserved bytes 8 to 11 of the quote's header are not zero");
    if (memcmp(header + 12, intel_qe_vendor, sizeof(intel_qe_vendor)) != 0)
        return refuse(verdict, QUOTE_VENDOR,
                      "the QE vendor id of the quote is %s, expected Intel's %s",
                      hex_of(header + 12, 16).text, hex_of(intel_qe_vendor, 16).text);
    return 0;
}

/* The body's size; version 5 says which one it is. */
static int take_body(struct cursor *cursor, struct quote *quote, struct attest_verdict *verdict)
{
    static const size_t sizes[] = {0, SGX_BODY_SIZE, TDX_10_BODY_SIZE, TDX_15_BODY_SIZE};
    enum { BODY_SGX = 1, BODY_TDX_10 = 2, BODY_TDX_15 = 3 };
    bool sgx = quote->technology == ATTEST_SGX;
    unsigned type = sgx ? BODY_SGX : BODY_TDX_10;
    if (quote->version == 5) {
        unsigned first = type, last = sgx ? BODY_SGX : BODY_TDX_15;
        type = take_u16(cursor);
        uint32_t declared = take_u32(cursor);
        if (type < first || type > last || declared != sizes[type])
            return refuse(verdict, QUOTE_VERSION,
                          "the quote's body has type %u and %u bytes, expected type %s", type,
                          declared, sgx ? "1 with 384" : "2 with 584 or type 3 with 648");
    }
    quote->body = take(cursor, sizes[type]);
    return 0;
}

/* The quoting enclave's report and the certificates; `data` must be used up. */
static int parse_certification(struct cursor data, struct quote *quote,
                               struct attest_verdict *verdict)
{
    quote->qe_report = take(&data, SGX_BODY_SIZE);
    quote->qe_signature = take(&data, P256_PAIR);
    quote->qe_data = take(&data, take_u16(&data));
    unsigned type = take_u16(&data);
    quote->chain = take(&data, take_u32(&data));
    if (data.failed || data.rest.size > 0)
        return refuse(verdict, QUOTE_SIZE,
                      "the lengths in the quote's certification data do not add up");
    static const size_t sizes[] = {
        [QUOTE_PPID] = 16 + PLATFORM_SIZE,
        [QUOTE_PPID_RSA_2048] = 256 + PLATFORM_SIZE,
        [QUOTE_PPID_RSA_3072] = 384 + PLATFORM_SIZE,
    };
    quote->certification = (enum quote_certification)type;
    if (type < QUOTE_PPID || type > QUOTE_CHAIN)
        return refuse(verdict, QUOTE_CERTIFICATION,
                      "the certification data of the quote has type %u, expected 5 (the PCK "
                      "certificate chain), or 1 to 4",
                      type);
    if (type <= QUOTE_PPID_RSA_3072 && quote->chain.size != sizes[type])
        return refuse(verdict, QUOTE_CERTIFICATION,
                      "the certification data of the quote has type %u and %zu bytes, expected %zu",
                      type, quote->chain.size, sizes[type]);
    return 0;
}

int quote_parse(struct span bytes, struct quote *quote, struct attest_verdict *verdict)
{
    *quote = (struct quote){0};
    struct cursor cursor = {.rest = bytes};
    struct span header = take(&cursor, QUOTE_HEADER_SIZE);
    if (cursor.failed)
        return refuse(verdict, QUOTE_SIZE, "the quote has %zu bytes, its header alone has %d",
                      bytes.size, QUOTE_HEADER_SIZE);
    int status = check_header(header.data, quote, verdict);
    if (status == 0)
        status = take_body(&cursor, quote, verdict);
    if (status < 0)
        return status;
    quote->signed_bytes = span_of(bytes.data, bytes.size - cursor.rest.size);
    struct cursor data = {.rest = take(&cursor, take_u32(&cursor))};
    quote->signature = take(&data, P256_PAIR);
    quote->key = take(&data, P256_PAIR);
    if (quote->version >= 4 && !cursor.failed) {
        unsigned type = take_u16(&data);
        struct span inner = take(&data, take_u32(&data));
        if (!data.failed && type != QUOTE_QE_REPORT)
            return refuse(verdict, QUOTE_CERTIFICATION,
                          "the certification data of the quote has type %u, expected 6 (the QE "
                          "report)",
                          type);
        data.failed = data.failed || data.rest.size > 0;
        data.rest = inner;
    }
    if (cursor.failed || data.failed)
        return refuse(verdict, QUOTE_SIZE,
                      "the quote has %zu bytes, which is less than its lengths say", bytes.size);
    quote->trailing = cursor.rest.size;
    verdict->trailing = quote->trailing;
    return parse_certification(data, quote, verdict);
}

int quote_chain_decode(const struct quote *quote, struct quote_chain *chain,
                       struct attest_verdict *verdict)
{
    struct span text = quote->chain;
    struct pem_block block;
    size_t used = 0;
    chain->count = 0;
    if (quote->certification < QUOTE_PCK)
        return 0;
    int more = text.size <= QUOTE_PEM_MAX ? pem_next(&text, &block) : -EINVAL;
    for (; more > 0; more = pem_next(&text, &block)) {
        size_t size;
        if (chain->count == QUOTE_CERTIFICATES_MAX ||
            !span_equal(block.label, SPAN_LITERAL("CERTIFICATE")) ||
            base64_decode(block.body, chain->memory + used, &size) < 0) {
            more = -EINVAL;
            break;
        }
        chain->certificates[chain->count++] = span_of(chain->memory + used, size);
        used += size;
    }
    if (more == 0 && quote->certification == QUOTE_PCK && chain->count > 1)
        return refuse(verdict, QUOTE_CHAIN,
                      "the certification data of the quote has type 4, a single certificate, and "
                      "%zu of them",
                      chain->count);
    if (more < 0 || chain->count == 0)
        return refuse(verdict, CERTIFICATE_FORMAT,
                      "the certificate chain in the quote is not PEM of one to %d certificates",
                      QUOTE_CERTIFICATES_MAX);
    return 0;
}

static int check_binding(const struct quote *quote, struct attest_verdict *verdict)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    const struct span parts[] = {quote->key, quote->qe_data};
    if (crypto_hash(CRYPTO_SHA256, parts, 2, hash) < 0)
        return refuse(verdict, INTERNAL, "SHA-256 could not be computed");
    const uint8_t *data = quote->qe_report.data + QE_REPORT_DATA;
    if (memcmp(data, hash, sizeof(hash)) != 0 || !is_zero(data + sizeof(hash), 32))
        return refuse(verdict, QE_BINDING,
                      "REPORTDATA of the quoting enclave's report is %s, expected the SHA-256 of "
                      "the attestation key (%s) and zeros",
                      hex_of(data, 32).text, hex_of(hash, sizeof(hash)).text);
    return 0;
}

int quote_check_signatures(const struct quote *quote, const struct x509_key *pck,
                           struct attest_verdict *verdict)
{
    uint8_t point[1 + P256_PAIR] = {0x04};
    memcpy(point + 1, quote->key.data, P256_PAIR);
    struct x509_key key = {.kind = X509_KEY_P256, .point = span_of(point, sizeof(point))};
    if (crypto_verify_raw(&key, X509_ECDSA_SHA256, quote->signed_bytes, quote->signature) < 0)
        return refuse(verdict, QUOTE_SIGNATURE,
                      "the signature of the quote is not of the attestation key in it");
    int status = check_binding(quote, verdict);
    if (status < 0)
        return status;
    if (crypto_verify_raw(pck, X509_ECDSA_SHA256, quote->qe_report, quote->qe_signature) < 0)
        return refuse(verdict, QE_SIGNATURE,
                      "the signature of the quoting enclave's report is not of the PCK");
    return 0;
}
