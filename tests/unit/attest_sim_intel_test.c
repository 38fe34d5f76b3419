// SPDX-License-Identifier: Apache-2.0
/* SGX and TDX evidence of a vendor of our own: statuses, revocations and attacks that no genuine
 * sample shows. */
#include "attest.h"
#include "attest/evidence.h"
#include "authority.h"
#include "codec/base64.h"
#include "crypto/crypto.h"
#include "tap.h"

enum {
    FROM = 1700000000,
    NOW = 1750000000,
    UNTIL = 1800000000,
    HEADER = 48,
    SGX_BODY = 384,
    TDX_BODY = 584,
    QUOTE_MAX = 16384,
};

#define ROOT   "Intel SGX Root CA"
#define CA     "Intel SGX PCK Platform CA"
#define DATES  "\"issueDate\":\"2025-06-01T00:00:00Z\",\"nextUpdate\":\"2025-07-01T00:00:00Z\""
#define SIGNER "8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff"
#define ZERO48                                                                                     \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "0000000000000000"

/* A platform with everything that vouches for it, before it is made. Tests change parts. */
struct platform {
    bool tdx;
    unsigned version;       /* of the quote */
    unsigned certification; /* type of its certification data; the PCK is given if it is below 4 */
    bool without_pck;
    struct test_key *root_key, *ca_key, *pck_key, *tcb_key, *attestation_key, *keep_key;
    uint8_t body[TDX_BODY], qe[SGX_BODY];
    char levels[2048], info_extra[1024], qe_levels[512], info_id[8], qe_id[8];
    const char *info_format;           /* printf format with the signed object and its signature */
    uint64_t revoked_root, revoked_ca; /* serial numbers on the lists */
    struct attest_policy policy;
    struct attest_bytes roots[1], collateral[8];
    size_t collateral_count;
    struct attest_verdict verdict;
};

static struct attest_bytes bytes_of(struct span span)
{
    return (struct attest_bytes){span.data, span.size};
}

static void set_level(struct platform *platform, const char *status, const char *advisories)
{
    char components[1024] = "[";
    for (unsigned i = 0; i < 16; i++)
        sprintf(components + strlen(components), "%s{\"svn\":%d}", i ? "," : "", i == 0 ? 5 : 0);
    strcat(components, "]");
    int size = snprintf(platform->levels, sizeof(platform->levels),
                        "[{\"tcb\":{\"sgxtcbcomponents\":%s,\"pcesvn\":13%s%s},\"tcbDate\":"
                        "\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"%s\"%s%s}]",
                        components, platform->tdx ? ",\"tdxtcbcomponents\":" : "",
                        platform->tdx ? components : "", status,
                        advisories ? ",\"advisoryIDs\":" : "", advisories ? advisories : "");
    CHECK(size < (int)sizeof(platform->levels));
}

static void set_qe_level(struct platform *platform, unsigned svn, const char *status)
{
    snprintf(
        platform->qe_levels, sizeof(platform->qe_levels),
        "[{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"%s\"}]",
        svn, status);
}

static struct platform new_platform(bool tdx)
{
    struct platform platform = {.tdx = tdx,
                                .version = tdx ? 4 : 3,
                                .certification = 5,
                                .info_format = "{\"tcbInfo\":%s,\"signature\":\"%s\"}"};
    struct test_key **const keys[] = {&platform.root_key,        &platform.ca_key,
                                      &platform.pck_key,         &platform.tcb_key,
                                      &platform.attestation_key, &platform.keep_key};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        *keys[i] = test_key_new(X509_KEY_P256);
    strcpy(platform.info_id, tdx ? "TDX" : "SGX");
    strcpy(platform.qe_id, tdx ? "TD_QE" : "QE");
    set_level(&platform, "UpToDate", NULL);
    set_qe_level(&platform, 8, "UpToDate");
    if (tdx) {
        snprintf(platform.info_extra, sizeof(platform.info_extra),
                 "\"tdxModule\":{\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\","
                 "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},\"tdxModuleIdentities\":[],",
                 ZERO48);
        platform.body[0] = 5;    /* TEE_TCB_SVN of module version 0 */
        platform.body[123] = 16; /* SEPT_VE_DISABLE */
        platform.body[128] = 7;  /* XFAM */
    } else {
        platform.body[48] = 5; /* INIT, MODE64BIT */
    }
    platform.qe[48] = 0x15;
    CHECK_INT(hex_decode(SPAN_LITERAL(SIGNER), platform.qe + 128, 32), 0);
    platform.qe[256] = 1; /* ISVPRODID */
    platform.qe[258] = 8; /* ISVSVN */
    attest_policy_any(&platform.policy);
    return platform;
}

static struct span sgx_member(unsigned number, const char *below, size_t below_size,
                              struct span value)
{
    uint8_t oid[16] = "\x2A\x86\x48\x86\xF8\x4D\x01\x0D\x01";
    memcpy(oid + 9, below, below_size);
    oid[9 + below_size] = (uint8_t)number;
    const struct span parts[] = {test_der(DER_OID, span_of(oid, 10 + below_size)), value};
    return test_der(DER_SEQUENCE, test_join(parts, 2));
}

static struct span pck_extension(void)
{
    static const uint8_t zeros[16];
    struct span tcb[18];
    for (unsigned i = 0; i < 16; i++)
        tcb[i] = sgx_member(i + 1, "\x02", 1, test_der_uint(i == 0 ? 5 : 0));
    tcb[16] = sgx_member(17, "\x02", 1, test_der_uint(13));
    tcb[17] = sgx_member(18, "\x02", 1, test_der(DER_OCTET_STRING, span_of(zeros, 16)));
    const struct span members[] = {
        sgx_member(1, "", 0, test_der(DER_OCTET_STRING, span_of(zeros, 16))),
        sgx_member(2, "", 0, test_der(DER_SEQUENCE, test_join(tcb, 18))),
        sgx_member(3, "", 0, test_der(DER_OCTET_STRING, span_of(zeros, 2))),
        sgx_member(4, "", 0, test_der(DER_OCTET_STRING, SPAN_LITERAL("\x01\x02\x03\x04\x05\x06"))),
    };
    return test_extension("\x2A\x86\x48\x86\xF8\x4D\x01\x0D\x01", 9, false,
                          test_der(DER_SEQUENCE, test_join(members, 4)));
}

static struct test_certificate certificate(const char *subject, const char *issuer,
                                           const struct test_key *key,
                                           const struct test_key *signer, uint64_t serial)
{
    bool authority = subject == issuer || strcmp(subject, CA) == 0;
    return (struct test_certificate){subject, issuer, key, signer,    serial,
                                     FROM,    UNTIL,  {0}, authority, -1};
}

static size_t put(uint8_t *out, struct span bytes)
{
    memcpy(out, bytes.data, bytes.size);
    return bytes.size;
}

static size_t put_number(uint8_t *out, size_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(number >> 8 * i);
    return size;
}

static size_t put_pem(uint8_t *out, struct span der)
{
    size_t size = put(out, SPAN_LITERAL("-----BEGIN CERTIFICATE-----\n"));
    size += base64_encode(der, false, (char *)out + size);
    return size + put(out + size, SPAN_LITERAL("\n-----END CERTIFICATE-----\n"));
}

static size_t put_chain(const struct platform *platform, uint8_t *out)
{
    struct test_certificate leaf =
        certificate("Intel SGX PCK Certificate", CA, platform->pck_key, platform->ca_key, 3);
    struct test_certificate ca = certificate(CA, ROOT, platform->ca_key, platform->root_key, 2);
    leaf.extensions = pck_extension();
    static const size_t sizes[] = {0, 36, 276, 404};
    if (platform->certification < 4) {
        memset(out, 0xA5, sizes[platform->certification]);
        return sizes[platform->certification];
    }
    size_t size = put_pem(out, test_certificate_make(&leaf));
    if (platform->certification == 4)
        return size;
    return size + put_pem(out + size, test_certificate_make(&ca));
}

/* The quoting enclave's report, its signature, no data of its own, and the chain. */
static size_t put_certification(struct platform *platform, uint8_t *out)
{
    struct span key = test_key_point(platform->attestation_key);
    static uint8_t chain[8192];
    CHECK_INT(crypto_hash(CRYPTO_SHA256, &key, 1, platform->qe + 320), 0);
    struct span qe = span_of(platform->qe, sizeof(platform->qe));
    size_t size = put(out, qe);
    size += put(out + size, test_sign_raw(platform->pck_key, qe));
    size += put_number(out + size, 0, 2);
    size_t chain_size = put_chain(platform, chain);
    size += put_number(out + size, platform->certification, 2);
    size += put_number(out + size, chain_size, 4);
    return size + put(out + size, span_of(chain, chain_size));
}

static struct span make_quote(struct platform *platform)
{
    static const uint8_t vendor[] = {0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9,
                                     0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07};
    uint8_t *quote = tap_memory(QUOTE_MAX), data[8192];
    put_number(quote, platform->version, 2);
    put_number(quote + 2, 2, 2);
    put_number(quote + 4, platform->tdx ? 0x81 : 0, 4);
    put(quote + 12, span_of(vendor, sizeof(vendor)));
    size_t size = HEADER, body_size = platform->tdx ? TDX_BODY : SGX_BODY;
    if (platform->version == 5) {
        size += put_number(quote + size, platform->tdx ? 2 : 1, 2);
        size += put_number(quote + size, body_size, 4);
    }
    size += put(quote + size, span_of(platform->body, body_size));
    struct span signature = test_sign_raw(platform->attestation_key, span_of(quote, size));
    size_t data_size = put(data, signature);
    data_size += put(data + data_size, test_key_point(platform->attestation_key));
    size_t inner = data_size;
    if (platform->version >= 4)
        data_size += 6;
    size_t certification = put_certification(platform, data + data_size);
    if (platform->version >= 4) {
        put_number(data + inner, 6, 2);
        put_number(data + inner + 2, certification, 4);
    }
    data_size += certification;
    size += put_number(quote + size, data_size, 4);
    return span_of(quote, size + put(quote + size, span_of(data, data_size)));
}

static struct span sign_document(const struct platform *platform, const char *format,
                                 const char *object)
{
    char *text = tap_memory(8192), digits[129];
    struct span signature = test_sign_raw(platform->tcb_key, span_of(object, strlen(object)));
    hex_encode(signature, digits);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, 8192, format, object, digits);
#pragma GCC diagnostic pop
    return span_of(text, strlen(text));
}

static struct span make_info(const struct platform *platform)
{
    char object[8192];
    snprintf(object, sizeof(object),
             "{\"id\":\"%s\",\"version\":3," DATES ",\"fmspc\":\"010203040506\",\"pceId\":\"0000\","
             "\"tcbType\":0,\"tcbEvaluationDataNumber\":17,%s\"tcbLevels\":%s}",
             platform->info_id, platform->info_extra, platform->levels);
    return sign_document(platform, platform->info_format, object);
}

static struct span make_identity(const struct platform *platform)
{
    char object[4096];
    snprintf(object, sizeof(object),
             "{\"id\":\"%s\",\"version\":2," DATES ",\"tcbEvaluationDataNumber\":17,"
             "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
             "\"attributes\":\"11000000000000000000000000000000\","
             "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"" SIGNER "\","
             "\"isvprodid\":1,\"tcbLevels\":%s}",
             platform->qe_id, platform->qe_levels);
    return sign_document(platform, "{\"enclaveIdentity\":%s,\"signature\":\"%s\"}", object);
}

static void make_collateral(struct platform *platform)
{
    struct test_certificate root =
        certificate(ROOT, ROOT, platform->root_key, platform->root_key, 1);
    root.issuer = root.subject;
    root.authority = true;
    struct test_certificate tcb =
        certificate("Intel SGX TCB Signing", ROOT, platform->tcb_key, platform->root_key, 4);
    platform->roots[0] = bytes_of(test_certificate_make(&root));
    struct test_certificate pck =
        certificate("Intel SGX PCK Certificate", CA, platform->pck_key, platform->ca_key, 3);
    struct test_certificate ca = certificate(CA, ROOT, platform->ca_key, platform->root_key, 2);
    pck.extensions = pck_extension();
    const struct span parts[] = {
        make_info(platform),
        make_identity(platform),
        test_certificate_make(&tcb),
        test_crl_make(ROOT, platform->root_key, FROM, UNTIL, &platform->revoked_root, 1),
        test_crl_make(CA, platform->ca_key, FROM, UNTIL, &platform->revoked_ca, 1),
        test_certificate_make(&ca),
        test_certificate_make(&pck),
    };
    platform->collateral_count = sizeof(parts) / sizeof(parts[0]);
    if (platform->certification == 5)
        platform->collateral_count -= 2; /* all is in the quote */
    else if (platform->certification == 4 || platform->without_pck)
        platform->collateral_count -= 1;
    for (size_t i = 0; i < platform->collateral_count; i++)
        platform->collateral[i] = bytes_of(parts[i]);
}

static const char *verify(struct platform *platform, struct span evidence)
{
    platform->policy.simulation_roots = platform->roots;
    platform->policy.simulation_root_count = 1;
    struct attest_request request = {.evidence = bytes_of(evidence),
                                     .collateral = platform->collateral,
                                     .collateral_count = platform->collateral_count,
                                     .policy = &platform->policy,
                                     .time = NOW};
    int status = attest_verify(&request, &platform->verdict);
    CHECK((status == 0) == (platform->verdict.code == ATTEST_ACCEPTED));
    return attest_code_name(platform->verdict.code);
}

static const char *judge(struct platform *platform)
{
    make_collateral(platform);
    return verify(platform, make_quote(platform));
}

TEST(accepted, "the simulated platforms are accepted, so that each refusal has its own cause")
{
    for (unsigned tdx = 0; tdx < 2; tdx++) {
        struct platform platform = new_platform(tdx);
        CHECK_STR(judge(&platform), "accepted");
        CHECK(platform.verdict.simulated && platform.verdict.revocation_checked);
        CHECK_INT(platform.verdict.tcb_status, ATTEST_UP_TO_DATE);
    }
}

TEST(versions, "enclaves of version 4 and 5 are judged as those of version 3, and no other bodies")
{
    for (unsigned version = 3; version <= 5; version++) {
        struct platform platform = new_platform(false);
        platform.version = version;
        CHECK_STR(judge(&platform), "accepted");
        CHECK_INT(platform.verdict.technology, ATTEST_SGX);
        CHECK_INT(platform.verdict.version, version);
        struct span quote = make_quote(&platform);
        for (unsigned type = 0; version == 5 && type < 5; type++) {
            put_number((uint8_t *)(uintptr_t)quote.data + HEADER, type, 2);
            CHECK_STR(verify(&platform, quote), type == 1 ? "accepted" : "quote.version");
        }
        put_number((uint8_t *)(uintptr_t)quote.data + HEADER, version == 5 ? 1 : 0, 2);
        ((uint8_t *)(uintptr_t)quote.data)[HEADER + 100] ^= 1;
        CHECK_STR(verify(&platform, quote), "quote.signature");
    }
}

TEST(certification, "a quote that only names its platform passes with the PCK's certificate alone")
{
    for (unsigned tdx = 0; tdx < 2; tdx++) {
        for (unsigned type = 1; type <= 4; type++) {
            struct platform platform = new_platform(tdx);
            platform.certification = type;
            CHECK_STR(judge(&platform), "accepted");
            platform.revoked_ca = 3;
            CHECK_STR(judge(&platform), "certificate.revoked");
            platform.revoked_ca = 0;
            platform.without_pck = true;
            CHECK_STR(judge(&platform), type < 4 ? "quote.certification" : "accepted");
            platform.without_pck = false;
            make_collateral(&platform);
            platform.pck_key = test_key_new(X509_KEY_P256); /* another platform's */
            CHECK_STR(verify(&platform, make_quote(&platform)),
                      type < 4 ? "quote.certification" : "accepted");
        }
        for (unsigned type = 6; type < 8; type++) {
            struct platform platform = new_platform(tdx);
            platform.certification = type;
            CHECK_STR(judge(&platform), "quote.certification");
        }
    }
}

TEST(statuses, "each status is told and refused, and Revoked even if the policy says otherwise")
{
    static const struct {
        const char *level, *qe, *told, *code;
    } rows[] = {
        {"UpToDate", "UpToDate", "UpToDate", "accepted"},
        {"SWHardeningNeeded", "UpToDate", "SWHardeningNeeded", "tcb.status"},
        {"ConfigurationNeeded", "UpToDate", "ConfigurationNeeded", "tcb.status"},
        {"ConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded", "tcb.status"},
        {"OutOfDateConfigurationNeeded", "UpToDate", "OutOfDateConfigurationNeeded", "tcb.status"},
        {"SWHardeningNeeded", "OutOfDate", "OutOfDate", "tcb.status"},
        {"UpToDate", "Revoked", "Revoked", "tcb.revoked"},
        {"Revoked", "UpToDate", "Revoked", "tcb.revoked"},
        {"Revoked", "OutOfDate", "Revoked", "tcb.revoked"},
        {"UpToDate", "SWHardeningNeeded", "NotSupported", "tcb.not_supported"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned tdx = 0; tdx < 2; tdx++) {
            struct platform platform = new_platform(tdx);
            set_level(&platform, rows[i].level, NULL);
            set_qe_level(&platform, 8, rows[i].qe);
            CHECK_STR(judge(&platform), rows[i].code);
            CHECK_STR(attest_tcb_status_name(platform.verdict.tcb_status), rows[i].told);
            platform.policy.sgx.tcb.statuses = platform.policy.tdx.tcb.statuses = ~0U;
            bool never = platform.verdict.tcb_status >= ATTEST_REVOKED;
            CHECK_STR(judge(&platform), never ? rows[i].code : "accepted");
        }
    }
    struct platform platform = new_platform(false);
    set_level(&platform, "Excellent", NULL);
    CHECK_STR(judge(&platform), "tcb_info.format");
}

TEST(advisories, "a level is accepted for its advisories only if it has some and all are named")
{
    static const char *const named[] = {"INTEL-SA-00001", "INTEL-SA-00002"};
    struct platform platform = new_platform(false);
    platform.policy.sgx.tcb.advisories.items = named;
    platform.policy.sgx.tcb.advisories.count = 2;
    set_level(&platform, "OutOfDate", "[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]");
    CHECK_STR(judge(&platform), "accepted");
    set_level(&platform, "OutOfDate", "[\"INTEL-SA-00001\",\"INTEL-SA-00003\"]");
    CHECK_STR(judge(&platform), "tcb.advisory");
    set_level(&platform, "OutOfDate", "[]");
    CHECK_STR(judge(&platform), "tcb.status");
    set_level(&platform, "OutOfDate", NULL);
    CHECK_STR(judge(&platform), "tcb.status");
    set_level(&platform, "Revoked", "[\"INTEL-SA-00001\"]");
    CHECK_STR(judge(&platform), "tcb.revoked");
}

TEST(levels, "a platform below all levels is not supported")
{
    struct platform platform = new_platform(false);
    char *svn = strstr(platform.levels, "{\"svn\":5}");
    CHECK(svn != NULL);
    svn[7] = '6';
    CHECK_STR(judge(&platform), "tcb.not_supported");
    platform = new_platform(false);
    char *pce = strstr(platform.levels, "\"pcesvn\":13");
    CHECK(pce != NULL);
    pce[10] = '4';
    CHECK_STR(judge(&platform), "tcb.not_supported");
    platform = new_platform(true);
    platform.body[0] = 4; /* TEE_TCB_SVN below the level's */
    CHECK_STR(judge(&platform), "tcb.not_supported");
}

TEST(revoked, "a PCK, its authority and the TCB signer can be revoked")
{
    struct platform platform = new_platform(false);
    platform.revoked_ca = 3;
    CHECK_STR(judge(&platform), "certificate.revoked");
    platform = new_platform(false);
    platform.revoked_root = 2;
    CHECK_STR(judge(&platform), "certificate.revoked");
    platform = new_platform(false);
    platform.revoked_root = 4;
    CHECK_STR(judge(&platform), "certificate.revoked");
    platform = new_platform(false);
    platform.revoked_root = 3;
    platform.revoked_ca = 2;
    CHECK_STR(judge(&platform), "accepted");
}

TEST(impostor, "another enclave that the PCE certified cannot pose as the quoting enclave")
{
    static const struct {
        size_t offset;
        uint8_t value;
        const char *code;
    } rows[] = {
        {128, 0x00, "qe.identity"}, /* MRSIGNER */
        {256, 2, "qe.identity"},    /* ISVPRODID */
        {48, 0x17, "qe.identity"},  /* DEBUG */
        {48, 0x05, "qe.identity"},  /* no provisioning key */
        {16, 1, "qe.identity"},     /* MISCSELECT */
        {258, 7, "qe.status"},      /* ISVSVN */
        {20, 1, "qe.reserved"},     {96, 1, "qe.reserved"},
        {160, 1, "qe.reserved"},    {303, 1, "qe.reserved"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct platform platform = new_platform(i % 2);
        platform.qe[rows[i].offset] = rows[i].value;
        CHECK_STR(judge(&platform), rows[i].code);
    }
    /* The same without a document, against what is compiled in. */
    for (size_t i = 0; i < 6; i++) {
        struct platform platform = new_platform(false);
        platform.policy.sgx.tcb.builtin_identity = true;
        make_collateral(&platform);
        platform.collateral[1].size = 0;
        CHECK_STR(verify(&platform, make_quote(&platform)), "accepted");
        CHECK(platform.verdict.warning_count > 0);
        bool too_old = rows[i].offset == 258;
        platform.qe[rows[i].offset] = too_old ? 5 : rows[i].value;
        CHECK_STR(verify(&platform, make_quote(&platform)), "qe.identity");
    }
}

TEST(binding, "the quoting enclave has to vouch for the attestation key, with zeros behind it")
{
    struct platform platform = new_platform(false);
    platform.qe[320 + 63] = 1;
    CHECK_STR(judge(&platform), "qe.binding");
}

TEST(enclaves, "states of an enclave that nobody should trust are refused")
{
    static const struct {
        size_t offset;
        uint8_t value;
        const char *code;
    } rows[] = {
        {48, 0x07, "sgx.debug"},       {48, 0x04, "sgx.init"},       {48, 0x15, "sgx.attributes"},
        {48, 0x25, "sgx.attributes"},  {49, 0x08, "sgx.attributes"}, {48, 0x85, "accepted"},
        {16, 0x02, "sgx.misc_select"}, {20, 1, "sgx.reserved"},      {262, 1, "sgx.reserved"},
        {192, 1, "accepted"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct platform platform = new_platform(false);
        platform.body[rows[i].offset] = rows[i].value;
        CHECK_STR(judge(&platform), rows[i].code);
    }
    static const size_t chosen[] = {32, 192, 260, 304};
    for (size_t i = 0; i < 4; i++) {
        struct platform platform = new_platform(false);
        platform.policy.sgx.any_config = false;
        platform.body[chosen[i]] = 1;
        CHECK_STR(judge(&platform), "sgx.config");
    }
}

TEST(domains, "states of a trust domain that nobody should trust are refused")
{
    static const struct {
        size_t offset;
        uint8_t value;
        const char *code;
    } rows[] = {
        {120, 0x01, "tdx.debug"},     {120, 0x10, "tdx.debug"},      {120, 0x02, "tdx.reserved"},
        {123, 0x30, "tdx.migration"}, {127, 0x80, "tdx.attributes"}, {128, 0x05, "tdx.reserved"},
        {112, 0x01, "tdx.reserved"},  {64, 0x01, "tdx.module"},      {1, 0x03, "tdx.module"},
        {184, 1, "accepted"},         {123, 0x00, "accepted"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct platform platform = new_platform(true);
        platform.body[rows[i].offset] = rows[i].value;
        CHECK_STR(judge(&platform), rows[i].code);
    }
    struct platform platform = new_platform(true);
    platform.policy.tdx.require_sept_ve_disable = true;
    platform.body[123] = 0;
    CHECK_STR(judge(&platform), "tdx.attributes");
    platform = new_platform(true);
    platform.policy.tdx.any_owner = false;
    platform.body[240] = 1;
    CHECK_STR(judge(&platform), "tdx.owner");
}

TEST(documents, "documents that say one thing twice, or of something else, are refused")
{
    static const struct {
        const char *format, *code;
    } rows[] = {
        {"{\"tcbInfo\":%s,\"signature\":\"%s\"}\n", "accepted"},
        {"{\"tcbInfo\":%s ,\"signature\":\"%s\"}", "accepted"}, /* outside of what is signed */
        {"{\"tcbInfo\":%s,\"signature\":\"%s\",\"tcbInfo\":{}}", "tcb_info.format"},
        {"{\"tcbInfo\":{},\"tcbInfo\":%s,\"signature\":\"%s\"}", "tcb_info.format"},
        {"{\"tcbInfo\":%s,\"signature\":\"%s\",\"more\":1}", "tcb_info.format"},
        {"{\"tcbInfo\":[%s],\"signature\":\"%s\"}", "tcb_info.format"},
        {"{\"tcbInfo\":%s,\"signature\":\"00%s\"}", "tcb_info.signature"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct platform platform = new_platform(false);
        platform.info_format = rows[i].format;
        CHECK_STR(judge(&platform), rows[i].code);
    }
    struct platform platform = new_platform(false);
    strcpy(platform.info_id, "TDX");
    CHECK_STR(judge(&platform), "tcb_info.missing");
    platform = new_platform(true);
    strcpy(platform.qe_id, "QE");
    CHECK_STR(judge(&platform), "qe_identity.missing");
    platform = new_platform(false);
    strcpy(platform.info_extra, "\"tcbType\":0,"); /* a name twice inside */
    CHECK_STR(judge(&platform), "tcb_info.format");
    /* A document of another signer. */
    platform = new_platform(false);
    make_collateral(&platform);
    platform.tcb_key = test_key_new(X509_KEY_P256);
    platform.collateral[0] = bytes_of(make_info(&platform));
    CHECK_STR(verify(&platform, make_quote(&platform)), "tcb_info.signature");
}

TEST(choice, "of several documents the one with the highest evaluation number counts")
{
    struct platform platform = new_platform(false);
    make_collateral(&platform);
    struct attest_bytes old = platform.collateral[0];
    set_level(&platform, "OutOfDate", NULL);
    char object[8192];
    snprintf(object, sizeof(object),
             "{\"id\":\"SGX\",\"version\":3," DATES ",\"fmspc\":\"010203040506\","
             "\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":18,\"tcbLevels\":%s}",
             platform.levels);
    struct attest_bytes newer = bytes_of(sign_document(&platform, platform.info_format, object));
    for (unsigned order = 0; order < 2; order++) {
        platform.collateral[0] = order ? old : newer;
        platform.collateral[platform.collateral_count] = order ? newer : old;
        platform.collateral_count++;
        CHECK_STR(verify(&platform, make_quote(&platform)), "tcb.status");
        CHECK_INT(platform.verdict.tcb_evaluation, 18);
        platform.collateral_count--;
    }
}

TEST(forgeries, "some forged lists do not hide a genuine one, and many end the search")
{
    struct platform platform = new_platform(false);
    make_collateral(&platform);
    struct span forged = test_crl_make(ROOT, platform.ca_key, FROM, UNTIL, NULL, 0);
    struct attest_bytes many[64 + 8];
    struct attest_request request = {.evidence = bytes_of(make_quote(&platform)),
                                     .collateral = many,
                                     .policy = &platform.policy,
                                     .time = NOW};
    platform.policy.simulation_roots = platform.roots;
    platform.policy.simulation_root_count = 1;
    for (size_t forgeries = 4; forgeries <= 64; forgeries += 60) {
        for (size_t i = 0; i < forgeries; i++)
            many[i] = bytes_of(forged);
        memcpy(many + forgeries, platform.collateral, platform.collateral_count * sizeof(many[0]));
        request.collateral_count = forgeries + platform.collateral_count;
        bool accepted = attest_verify(&request, &platform.verdict) == 0;
        CHECK(accepted == (forgeries == 4));
        CHECK(accepted || platform.verdict.code == ATTEST_CRL_SIGNATURE);
    }
}

TEST(signers, "a request with many signers of documents would keep a Steward busy")
{
    static const char signer[] = "Intel SGX TCB Signing";
    struct platform platform = new_platform(false);
    make_collateral(&platform);
    /* One with another key, and one that signed the document and that nobody vouches for. */
    struct test_certificate certificates[] = {
        certificate(signer, ROOT, platform.keep_key, platform.root_key, 4),
        certificate(signer, "Nobody", platform.tcb_key, platform.keep_key, 4),
    };
    for (size_t kind = 0; kind < 2; kind++) {
        struct attest_bytes many[64 + 8],
            forged = bytes_of(test_certificate_make(&certificates[kind]));
        struct attest_request request = {.evidence = bytes_of(make_quote(&platform)),
                                         .collateral = many,
                                         .policy = &platform.policy,
                                         .time = NOW};
        platform.policy.simulation_roots = platform.roots;
        platform.policy.simulation_root_count = 1;
        for (size_t forgeries = 4; forgeries <= 64; forgeries += 60) {
            for (size_t i = 0; i < forgeries; i++)
                many[i] = forged;
            memcpy(many + forgeries, platform.collateral,
                   platform.collateral_count * sizeof(many[0]));
            request.collateral_count = forgeries + platform.collateral_count;
            bool accepted = attest_verify(&request, &platform.verdict) == 0;
            CHECK(accepted == (forgeries == 4));
            CHECK(accepted || platform.verdict.code == (kind == 0 ? ATTEST_TCB_INFO_SIGNATURE
                                                                  : ATTEST_CERTIFICATE_UNTRUSTED));
        }
    }
}

/* Evidence in a request: quote, lists, TCB info; the rest in the extension with collateral. */
static struct span make_request(struct platform *platform, bool wrong_kind)
{
    char oid[] = ENARX_OID "\x02";
    oid[9] = platform->tdx != wrong_kind ? 4 : 2;
    static const char collateral_oid[] = ENARX_OID "\x06";
    struct span items[8];
    make_collateral(platform);
    for (size_t i = 0; i < platform->collateral_count; i++)
        items[i] = test_der(DER_OCTET_STRING,
                            span_of(platform->collateral[i].data, platform->collateral[i].size));
    struct span collateral = test_der(DER_SEQUENCE, test_join(items, platform->collateral_count));
    platform->collateral_count = 0;
    struct attest_bytes none = {0};
    CHECK_INT(attest_report_data(platform->tdx ? ATTEST_TDX : ATTEST_SGX,
                                 bytes_of(test_key_info(platform->keep_key)), none,
                                 platform->body + (platform->tdx ? 520 : 320)),
              0);
    struct span empty = test_der(DER_SEQUENCE, (struct span){0});
    const struct span tcb[] = {empty, test_der(DER_OCTET_STRING, (struct span){0})};
    const struct span parts[] = {
        test_der(DER_OCTET_STRING, make_quote(platform)),
        test_der(DER_SEQUENCE, empty),
        test_der(DER_SEQUENCE, test_join(tcb, 2)),
    };
    const struct span extensions[] = {
        test_extension(oid, sizeof(oid) - 1, false, test_der(DER_SEQUENCE, test_join(parts, 3))),
        test_extension(collateral_oid, sizeof(collateral_oid) - 1, false, collateral),
    };
    return test_request_make(platform->keep_key, test_join(extensions, 2));
}

TEST(requests, "a request may bring all collateral along")
{
    for (unsigned tdx = 0; tdx < 2; tdx++) {
        struct platform platform = new_platform(tdx);
        platform.policy.workload_optional = true;
        CHECK_STR(verify(&platform, make_request(&platform, false)), "accepted");
        CHECK_STR(verify(&platform, make_request(&platform, true)), "evidence.format");
        platform.keep_key = test_key_new(X509_KEY_P384);
        CHECK_STR(verify(&platform, make_request(&platform, false)), "accepted");
    }
}

TAP_MAIN()
