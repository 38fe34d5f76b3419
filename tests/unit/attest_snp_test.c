// SPDX-License-Identifier: Apache-2.0
/* SNP reports of real machines: what is genuine is accepted, and nothing else is. */
#include "attest/snp.h"
#include "attest/verdict.h"
#include "tap.h"
#include "vectors.h"

#define NOW "2026-01-01T00:00:00Z"

/* A report with its certificate and a policy that tests change. */
struct sample {
    struct vector report, vek;
    struct attest_policy policy;
    struct attest_request request;
    struct attest_verdict verdict;
};

static struct sample load_sample(const char *name)
{
    struct sample sample = {0};
    char path[128];
    snprintf(path, sizeof(path), "%s.report.bin", name);
    sample.report = vector_load(path);
    snprintf(path, sizeof(path), "%s.vcek.der", name);
    sample.vek = vector_load(path);
    attest_policy_any(&sample.policy);
    sample.request.time = moment(NOW);
    return sample;
}

static const char *judge(struct sample *sample)
{
    sample->request.evidence = vector_bytes(sample->report);
    sample->request.vek = vector_bytes(sample->vek);
    sample->request.policy = &sample->policy;
    int status = attest_verify(&sample->request, &sample->verdict);
    CHECK((status == 0) == (sample->verdict.code == ATTEST_ACCEPTED));
    CHECK((status == 0) == (sample->verdict.reason[0] == '\0'));
    return attest_code_name(sample->verdict.code);
}

TEST(genuine, "every report of the collection gets its verdict")
{
    static const struct {
        const char *name, *product, *code;
        unsigned version;
    } rows[] = {
        {"veraison/milan-v3", "Milan", "accepted", 3},
        {"veraison/genoa-v3", "Genoa", "accepted", 3},
        {"oak/turin-v5", "Turin", "accepted", 5},
        {"virtee-sev/milan-v2", "Milan", "accepted", 2},
        {"oak/genoa-v5", "Genoa", "accepted", 5},
        {"oak/milan-v3-a", "Milan", "accepted", 3},
        {"oak/milan-v3-b", "Milan", "accepted", 3},
        {"oak/milan-v3-c", "Milan", "accepted", 3},
        {"automata-snp/milan-v2", "Milan", "accepted", 2},
        {"automata-snp/milan-v2-vmpl1-a", "Milan", "snp.vmpl", 2},
        {"automata-snp/milan-v2-vmpl1-b", "Milan", "snp.vmpl", 2},
        {"enarx-steward/milan-v2", "Milan", "accepted", 2},
        {"enarx-steward/milan-v2-authorkey", "Milan", "accepted", 2},
        {"enarx-steward/milan-v2-debug", "Milan", "snp.policy.debug", 2},
        {"go-sev-guest/milan-v2-debug", "Milan", "snp.policy.debug", 2},
        {"ms-sidecar/azure-milan-v2", "Milan", "accepted", 2},
        {"ms-sidecar/azure-milan-v3", "Milan", "accepted", 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample sample = load_sample(rows[i].name);
        CHECK_STR(judge(&sample), rows[i].code);
        CHECK_STR(sample.verdict.product, rows[i].product);
        CHECK_INT(sample.verdict.version, rows[i].version);
        CHECK(memcmp(sample.verdict.measurement, sample.report.data + 0x90, 48) == 0);
    }
}

TEST(deviations, "what the default refuses can be allowed, and only that")
{
    struct sample sample = load_sample("automata-snp/milan-v2-vmpl1-a");
    sample.policy.snp.vmpl_max = 1;
    CHECK_STR(judge(&sample), "accepted");
    sample = load_sample("go-sev-guest/milan-v2-debug");
    sample.policy.snp.debug = true;
    CHECK_STR(judge(&sample), "accepted");
    CHECK(sample.verdict.debug);
}

TEST(empty, "without rules and without input nothing is accepted")
{
    struct sample sample = load_sample("veraison/milan-v3");
    memset(&sample.policy, 0, sizeof(sample.policy));
    CHECK_STR(judge(&sample), "policy.technology");
    struct attest_request request = {.evidence = vector_bytes(sample.report)};
    CHECK(attest_verify(&request, &sample.verdict) < 0);
    CHECK_STR(attest_code_name(sample.verdict.code), "policy.absent");
    attest_policy_any(&sample.policy);
    request = (struct attest_request){.policy = &sample.policy};
    CHECK(attest_verify(&request, &sample.verdict) < 0);
    CHECK_STR(attest_code_name(sample.verdict.code), "evidence.format");
    sample.vek.size = 0;
    CHECK_STR(judge(&sample), "snp.vek.missing");
}

TEST(window, "a second outside of the VCEK's validity is too early or too late")
{
    struct sample sample = load_sample("veraison/milan-v3");
    CHECK_STR(judge(&sample), "accepted");
    int64_t from = sample.verdict.valid_from, until = sample.verdict.valid_until;
    CHECK_INT(from, moment("2025-01-27T23:17:04Z"));
    CHECK_INT(until, moment("2032-01-27T23:17:04Z"));
    sample.request.time = from;
    CHECK_STR(judge(&sample), "accepted");
    sample.request.time = until;
    CHECK_STR(judge(&sample), "accepted");
    sample.request.time = from - 1;
    CHECK_STR(judge(&sample), "certificate.not_yet_valid");
    sample.request.time = until + 1;
    CHECK_STR(judge(&sample), "certificate.expired");
}

TEST(truncated, "no part of a report is a report, and neither is more")
{
    struct sample sample = load_sample("oak/turin-v5");
    struct vector whole = sample.report;
    for (sample.report.size = 0; sample.report.size < whole.size; sample.report.size++)
        CHECK(strcmp(judge(&sample), "accepted") != 0);
    uint8_t longer[SNP_REPORT_SIZE + 1] = {0};
    memcpy(longer, whole.data, whole.size);
    sample.report = (struct vector){longer, sizeof(longer)};
    CHECK_STR(judge(&sample), "snp.report.size");
    whole = sample.vek;
    for (sample.vek.size = 0; sample.vek.size < whole.size; sample.vek.size++)
        CHECK(strcmp(judge(&sample), "accepted") != 0);
}

static void flip_all(const char *name)
{
    struct sample sample = load_sample(name);
    CHECK_STR(judge(&sample), "accepted");
    for (size_t bit = 0; bit < sample.report.size * 8; bit++) {
        sample.report.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (strcmp(judge(&sample), "accepted") == 0)
            tap_fail(__FILE__, __LINE__, "%s is accepted with bit %zu of byte 0x%zX changed", name,
                     bit % 8, bit / 8);
        sample.report.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t bit = 0; bit < sample.vek.size * 8; bit += 5) {
        sample.vek.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        CHECK(strcmp(judge(&sample), "accepted") != 0);
        sample.vek.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    CHECK_STR(judge(&sample), "accepted");
}

TEST_TIMEOUT(flips_milan, "no bit of a report of Milan can be changed", 240)
{
    flip_all("veraison/milan-v3");
}

TEST_TIMEOUT(flips_genoa, "no bit of a report of Genoa can be changed", 240)
{
    flip_all("veraison/genoa-v3");
}

TEST_TIMEOUT(flips_turin, "no bit of a report of Turin can be changed", 240)
{
    flip_all("oak/turin-v5");
}

static const char *judge_with_word(struct sample *sample, size_t offset, uint8_t value)
{
    uint8_t before = sample->report.data[offset];
    sample->report.data[offset] = value;
    const char *code = judge(sample);
    sample->report.data[offset] = before;
    return code;
}

TEST(fields, "each field that no genuine report can have is named")
{
    struct sample sample = load_sample("oak/turin-v5");
    CHECK_STR(judge_with_word(&sample, 0x000, 6), "snp.report.version");
    CHECK_STR(judge_with_word(&sample, 0x000, 1), "snp.report.version");
    CHECK_STR(judge_with_word(&sample, 0x030, 4), "snp.report.host");
    CHECK_STR(judge_with_word(&sample, 0x034, 2), "snp.report.algorithm");
    CHECK_STR(judge_with_word(&sample, 0x048, 0x02), "snp.report.unsigned");
    CHECK_STR(judge_with_word(&sample, 0x048, 0x1C), "snp.report.key");
    CHECK_STR(judge_with_word(&sample, 0x048, 0x04), "snp.vek.kind"); /* VLEK */
    CHECK_STR(judge_with_word(&sample, 0x048, 0x20), "snp.report.reserved");
    CHECK_STR(judge_with_word(&sample, 0x00A, 0x01), "snp.policy.reserved");
    CHECK_STR(judge_with_word(&sample, 0x00F, 0x80), "snp.policy.reserved");
    CHECK_STR(judge_with_word(&sample, 0x188, 0x1B), "snp.report.product");
    CHECK_STR(judge_with_word(&sample, 0x188, 0x19), "snp.report.product"); /* a Milan's */
    CHECK_STR(judge_with_word(&sample, 0x180, 9), "snp.vek.tcb");
    CHECK_STR(judge_with_word(&sample, 0x187, 9), "snp.vek.tcb");
    CHECK_STR(judge_with_word(&sample, 0x1A0, (uint8_t)~sample.report.data[0x1A0]), "snp.vek.chip");
    CHECK_STR(judge_with_word(&sample, 0x1A8, 1), "snp.vek.chip");
    CHECK_STR(judge_with_word(&sample, 0x2D0, 1), "snp.report.reserved"); /* above r */
    CHECK_STR(judge_with_word(&sample, 0x330, 1), "snp.report.reserved"); /* not signed */
    CHECK_STR(judge_with_word(&sample, 0x050, (uint8_t)~sample.report.data[0x050]),
              "snp.report.signature");
    static const size_t halves[] = {0x2A0, 0x2E8};
    for (size_t i = 0; i < 2; i++) {
        uint8_t before[48];
        memcpy(before, sample.report.data + halves[i], sizeof(before));
        memset(sample.report.data + halves[i], 0, sizeof(before));
        CHECK_STR(judge(&sample), "snp.report.signature");
        memset(sample.report.data + halves[i], 0xFF, sizeof(before));
        CHECK_STR(judge(&sample), "snp.report.signature");
        memcpy(sample.report.data + halves[i], before, sizeof(before));
    }
}

TEST(strangers, "a certificate of another chip, TCB, product or kind does not fit")
{
    struct sample sample = load_sample("veraison/milan-v3");
    static const char *const others[] = {"veraison/genoa-v3", "oak/turin-v5",
                                         "virtee-sev/milan-v2"};
    static const char *const codes[] = {"snp.report.product", "snp.report.product", "snp.vek.tcb"};
    for (size_t i = 0; i < 3; i++) {
        sample.vek = load_sample(others[i]).vek;
        CHECK_STR(judge(&sample), codes[i]);
    }
    /* The same TCB on another chip. */
    sample = load_sample("oak/milan-v3-a");
    sample.vek = load_sample("oak/milan-v3-b").vek;
    CHECK_STR(judge(&sample), "snp.vek.chip");
    /* An authority in place of a VCEK. */
    sample.vek = vector_load("trust/amd/genoa_ask_REVOKED_020001.der");
    CHECK_STR(judge(&sample), "snp.vek.kind");
}

TEST(revoked, "Genoa's first ASK is refused because of the list")
{
    struct vector ask = vector_load("trust/amd/genoa_ask_REVOKED_020001.der");
    struct vector list = vector_load("trust/amd/genoa_crl_20221031.der");
    struct attest_policy policy;
    struct attest_verdict verdict = {.valid_until = INT64_MAX};
    static struct judge state;
    struct x509_certificate certificate;
    struct chain chain;
    attest_policy_any(&policy);
    state = (struct judge){
        .policy = &policy, .time = moment("2023-01-01T00:00:00Z"), .verdict = &verdict};
    CHECK(pool_add(&state.pool, span_of(list.data, list.size)));
    CHECK_INT(x509_parse(span_of(ask.data, ask.size), &certificate), 0);
    CHECK_INT(chain_build(&state, VENDOR_AMD, "ASK", &certificate, &chain), 0);
    CHECK_INT(chain.count, 2);
    CHECK(chain_check_revocation(&state, &chain, 0, ATTEST_REVOCATION_OPTIONAL) < 0);
    CHECK_STR(attest_code_name(verdict.code), "certificate.revoked");
    /* The ASK that replaced it is not on the list. */
    struct sample sample = load_sample("veraison/genoa-v3");
    struct attest_bytes lists[] = {vector_bytes(list)};
    sample.request.collateral = lists;
    sample.request.collateral_count = 1;
    CHECK_STR(judge(&sample), "crl.expired");
    CHECK_INT(sample.verdict.revocation_checked, false);
}

TEST(required_list, "a policy can demand a revocation list")
{
    struct sample sample = load_sample("veraison/genoa-v3");
    sample.policy.snp.revocation = ATTEST_REVOCATION_REQUIRED;
    CHECK_STR(judge(&sample), "crl.missing");
}

TEST(policy, "each demand of the policy is checked")
{
    struct sample sample = load_sample("oak/turin-v5");
    struct attest_snp_policy *snp = &sample.policy.snp;
    const struct attest_snp_policy any = *snp;
    uint8_t digest[64] = {1};
    const struct attest_list other = {digest, 1}, same = {sample.report.data + 0x90, 1},
                             chip = {sample.report.data + 0x1A0, 1};
#define REFUSES(code, ...)                                                                         \
    do {                                                                                           \
        *snp = any;                                                                                \
        __VA_ARGS__;                                                                               \
        CHECK_STR(judge(&sample), code);                                                           \
    } while (0)
    REFUSES("accepted", snp->measurements = same);
    REFUSES("snp.measurement", snp->measurements = other);
    REFUSES("snp.measurement", snp->measurements_denied = same);
    REFUSES("snp.author_key", snp->authors = other);
    REFUSES("snp.id_key", snp->id_keys = other);
    REFUSES("snp.chip", snp->chips = other);
    REFUSES("snp.chip", snp->chips_denied = chip);
    REFUSES("accepted", snp->chips = chip);
    REFUSES("snp.host_data", snp->any_host_data = false; snp->host_data = other);
    REFUSES("accepted", snp->any_host_data = false; snp->any_ids = false);
    REFUSES("snp.id", snp->any_ids = false; snp->families = other);
    REFUSES("snp.id", snp->any_ids = false; snp->images = other);
    REFUSES("snp.guest_svn", snp->guest_svn_min = 1);
    REFUSES("snp.policy.flags", snp->flags_denied = ATTEST_GUEST_SMT);
    REFUSES("snp.policy.required", snp->flags_required = ATTEST_GUEST_PAGE_SWAP_DISABLED);
    REFUSES("snp.policy.abi", snp->abi_min = 1);
    REFUSES("snp.product", snp->products = 1 << ATTEST_MILAN);
    REFUSES("accepted", snp->products = 1 << ATTEST_TURIN);
    REFUSES("snp.tcb.minimum", snp->tcb_min[ATTEST_TURIN].snp = 3);
    REFUSES("snp.tcb.minimum", snp->tcb_min[ATTEST_TURIN].microcode = 72);
    REFUSES("snp.tcb.minimum", snp->tcb_min[ATTEST_TURIN].fmc = 1);
    REFUSES("accepted", snp->tcb_min[ATTEST_TURIN].snp = 2; snp->tcb_min[ATTEST_MILAN].snp = 99);
    REFUSES("snp.platform", snp->platform_required = 1 << 4);
    REFUSES("snp.platform", snp->platform_denied = 1 << 0);
    REFUSES("snp.platform", snp->has_platform_exact = true; snp->platform_exact = 1);
    REFUSES("accepted", snp->platform_required = 1 << 5);
    REFUSES("snp.mitigation", snp->mitigations = 1);
#undef REFUSES
}

TEST(azure, "host data and ids that somebody chose need to be allowed")
{
    struct sample sample = load_sample("ms-sidecar/azure-milan-v3");
    sample.policy.snp.any_host_data = false;
    CHECK_STR(judge(&sample), "snp.host_data");
    struct attest_list host_data = {sample.report.data + 0xC0, 1};
    sample.policy.snp.host_data = host_data;
    CHECK_STR(judge(&sample), "accepted");
    sample.policy.snp.any_ids = false;
    CHECK_STR(judge(&sample), "snp.id");
}

TEST(layouts, "the same bytes of a TCB mean something else on Turin")
{
    static const uint8_t milan[] = {4, 0, 0, 0, 0, 0, 0x18, 0xDB},
                         turin[] = {0, 1, 0, 2, 0, 0, 0, 0x47};
    struct attest_snp_tcb tcb = snp_tcb_parse(milan, ATTEST_MILAN);
    CHECK(tcb.boot_loader == 4 && tcb.snp == 24 && tcb.microcode == 219 && tcb.fmc == 0);
    tcb = snp_tcb_parse(turin, ATTEST_TURIN);
    CHECK(tcb.fmc == 0 && tcb.boot_loader == 1 && tcb.snp == 2 && tcb.microcode == 71);
}

TEST(turin_certificate, "a VCEK of Turin without a report is read")
{
    struct vector bytes = vector_load("virtee-sev/turin.vcek.der");
    struct attest_verdict verdict = {0};
    struct x509_certificate certificate;
    struct snp_vek vek;
    CHECK_INT(x509_parse(span_of(bytes.data, bytes.size), &certificate), 0);
    CHECK_INT(snp_vek_parse(&certificate, &vek, &verdict), 0);
    CHECK(vek.product == ATTEST_TURIN && vek.key == SNP_VCEK && vek.chip.size == 8);
}

TAP_MAIN()
