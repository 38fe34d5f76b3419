// SPDX-License-Identifier: Apache-2.0
/* SGX and TDX quotes of real machines with the collateral of their time. */
#include "base/bytes.h"
#include "tap.h"
#include "vectors.h"

#include <stdlib.h>

enum { COLLATERAL_MAX = 8 };

struct sample {
    struct vector quote, collateral[COLLATERAL_MAX];
    struct attest_bytes given[COLLATERAL_MAX];
    size_t count;
    struct attest_policy policy;
    struct attest_request request;
    struct attest_verdict verdict;
};

static void add_collateral(struct sample *sample, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "collateral/intel/%s", name);
    CHECK(sample->count < COLLATERAL_MAX);
    sample->collateral[sample->count++] = vector_load(path);
}

static const char *judge(struct sample *sample)
{
    sample->request.evidence = vector_bytes(sample->quote);
    sample->request.policy = &sample->policy;
    for (size_t i = 0; i < sample->count; i++)
        sample->given[i] = vector_bytes(sample->collateral[i]);
    sample->request.collateral = sample->given;
    sample->request.collateral_count = sample->count;
    int status = attest_verify(&sample->request, &sample->verdict);
    CHECK((status == 0) == (sample->verdict.code == ATTEST_ACCEPTED));
    return attest_code_name(sample->verdict.code);
}

static bool is_accepted(struct sample *sample)
{
    return strcmp(judge(sample), "accepted") == 0;
}

/* A quote with its TCB info, identity, and both revocation lists. */
static struct sample load_sample(const char *quote, const char *time, const char *const names[4])
{
    struct sample sample = {0};
    sample.quote = vector_load(quote);
    for (size_t i = 0; i < 4; i++)
        add_collateral(&sample, names[i]);
    attest_policy_any(&sample.policy);
    sample.request.time = moment(time);
    return sample;
}

static struct sample load_sgx(void)
{
    static const char *const names[] = {"tcbinfo_SGX_00a067110000_20250619T105611_eval17.json",
                                        "qeid_QE_20250619T100118_eval17.json",
                                        "crl_processor_20250619T102318.der",
                                        "crl_root_20250320T112157.der"};
    struct sample sample = load_sample("phala/sgx-v3.quote.bin", "2025-07-04T10:28:44Z", names);
    sample.policy.sgx.tcb.statuses = 1 << ATTEST_CONFIGURATION_AND_SW_HARDENING_NEEDED;
    return sample;
}

static struct sample load_tdx_4(void)
{
    static const char *const names[] = {"tcbinfo_TDX_b0c06f000000_20250619T101603_eval17.json",
                                        "qeid_TD_QE_20250619T103227_eval17.json",
                                        "crl_platform_20250619T100035.der",
                                        "crl_root_20250320T112157.der"};
    return load_sample("phala/tdx-v4.quote.bin", "2025-07-04T10:16:31Z", names);
}

static struct sample load_tdx_5(void)
{
    static const char *const names[] = {"tcbinfo_TDX_90c06f000000_20260316T220609_eval18.json",
                                        "qeid_TD_QE_20260316T221603_eval18.json",
                                        "crl_platform_20260316T223405.der",
                                        "crl_root_20260226T130400.der"};
    return load_sample("go-tdx-guest/tdx-v5.quote.bin", "2026-03-31T22:20:07Z", names);
}

TEST(genuine, "quotes of each version are accepted with the collateral of their time")
{
    struct sample sample = load_sgx();
    CHECK_STR(judge(&sample), "accepted");
    CHECK_INT(sample.verdict.technology, ATTEST_SGX);
    CHECK_INT(sample.verdict.version, 3);
    CHECK_INT(sample.verdict.advisory_count, 2);
    CHECK(sample.verdict.revocation_checked);
    sample.policy.sgx.tcb.statuses = 0;
    CHECK_STR(judge(&sample), "tcb.status");
    sample = load_tdx_4();
    CHECK_STR(judge(&sample), "accepted");
    CHECK_INT(sample.verdict.tcb_status, ATTEST_UP_TO_DATE);
    CHECK_INT(sample.verdict.trailing, 70);
    sample.policy.tdx.tcb.refuse_trailing = true;
    CHECK_STR(judge(&sample), "quote.trailing");
    sample = load_tdx_5();
    CHECK_STR(judge(&sample), "accepted");
    CHECK_INT(sample.verdict.version, 5);
}

/* One line of the matrix: quote, time, final status, …, advisories, names of four files. */
static void check_row(char *line, unsigned *rows)
{
    char *fields[12] = {0}, path[256];
    size_t count = 0;
    for (char *field; count < 12 && (field = strsep(&line, "\t"));)
        fields[count++] = field;
    CHECK_INT(count, 12);
    const char *const names[] = {fields[7], fields[8], fields[9], fields[10]};
    snprintf(path, sizeof(path), "%s.quote.bin", fields[0]);
    struct sample sample = load_sample(path, fields[1], names);
    const char *code = judge(&sample);
    const char *wanted = strcmp(fields[2], "NOT_SUPPORTED") == 0 ? "NotSupported" : fields[2];
    if (strcmp(attest_tcb_status_name(sample.verdict.tcb_status), wanted) != 0)
        tap_fail(__FILE__, __LINE__, "%s at %s: %s, expected %s (%s: %s)", fields[0], fields[1],
                 attest_tcb_status_name(sample.verdict.tcb_status), wanted, code,
                 sample.verdict.reason);
    bool accepted = strcmp(code, "accepted") == 0;
    CHECK(accepted == (sample.verdict.tcb_status == ATTEST_UP_TO_DATE));
    for (char *advisory; fields[6] && (advisory = strsep(&fields[6], ",")) && *advisory;) {
        bool named = false;
        for (size_t i = 0; i < sample.verdict.advisory_count; i++)
            named = named || strcmp(sample.verdict.advisories[i], advisory) == 0;
        CHECK(named);
    }
    ++*rows;
}

TEST_TIMEOUT(matrix, "each quote has the status of an independent verifier at each time", 240)
{
    FILE *file = fopen(vector_path("replay_matrix.tsv"), "r");
    CHECK(file != NULL);
    char *line = NULL;
    size_t size = 0;
    unsigned rows = 0;
    ssize_t got;
    CHECK(getline(&line, &size, file) > 0); /* the heading */
    while ((got = getline(&line, &size, file)) > 1) {
        line[got - 1] = '\0';
        check_row(line, &rows);
    }
    fclose(file);
    free(line);
    CHECK(rows > 90);
}

static void check_window(struct sample sample)
{
    CHECK(is_accepted(&sample));
    int64_t from = sample.verdict.valid_from, until = sample.verdict.valid_until;
    sample.request.time = from;
    CHECK(is_accepted(&sample));
    sample.request.time = until;
    CHECK(is_accepted(&sample));
    sample.request.time = from - 1;
    CHECK(!is_accepted(&sample));
    CHECK(strstr(judge(&sample), "not_yet_valid") != NULL);
    sample.request.time = until + 1;
    CHECK(!is_accepted(&sample));
    CHECK(strstr(judge(&sample), "expired") != NULL);
}

TEST(windows, "a second outside of the common window of all parts is too early or too late")
{
    check_window(load_sgx());
    check_window(load_tdx_4());
    check_window(load_tdx_5());
    struct sample sample = load_sgx();
    CHECK(is_accepted(&sample));
    CHECK_INT(sample.verdict.valid_from, moment("2025-06-19T10:56:11Z"));
    CHECK_INT(sample.verdict.valid_until, moment("2025-07-19T10:01:18Z"));
}

TEST(missing, "each part of the collateral is needed, and swapped ones do not help")
{
    static const char *const codes[] = {"tcb_info.missing", "qe_identity.missing", "crl.missing",
                                        "crl.missing"};
    struct sample (*const loaders[])(void) = {load_sgx, load_tdx_4, load_tdx_5};
    for (size_t i = 0; i < 3; i++) {
        for (size_t part = 0; part < 4; part++) {
            struct sample sample = loaders[i]();
            sample.collateral[part].size = 0;
            CHECK_STR(judge(&sample), codes[part]);
            /* The same part of another technology. */
            struct sample other = loaders[i ? 0 : 1]();
            sample.collateral[part] = other.collateral[part];
            bool shared = part == 3; /* the root's list is the same for all, if fresh */
            CHECK(shared || !is_accepted(&sample));
        }
    }
}

static void flip_range(struct sample *sample, uint8_t *bytes, size_t size, size_t step)
{
    for (size_t bit = 0; bit < size * 8; bit += step) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (is_accepted(sample))
            tap_fail(__FILE__, __LINE__, "accepted with bit %zu of byte %zu changed", bit % 8,
                     bit / 8);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

/* Every bit up to the certificates, some of the certificates, and some of each document. */
static void flip_all(struct sample sample)
{
    CHECK(is_accepted(&sample));
    size_t end = sample.quote.size - sample.verdict.trailing, chain = end;
    while (memcmp(sample.quote.data + chain - 10, "-----BEGIN", 10) != 0 ||
           sample.quote.data[chain - 11] == '\n')
        chain--;
    flip_range(&sample, sample.quote.data, chain - 10, 1);
    size_t last = end;
    while (sample.quote.data[last - 1] != '-') /* what is behind the PEM is no matter */
        last--;
    flip_range(&sample, sample.quote.data + chain - 10, last - (chain - 10), 37);
    for (size_t i = 0; i < sample.count; i++) {
        /* A document's signature is in digits of either case and comes last. */
        size_t digits = sample.collateral[i].data[0] == '{' ? 130 : 0;
        flip_range(&sample, sample.collateral[i].data, sample.collateral[i].size - digits, 61);
    }
    CHECK(is_accepted(&sample));
}

TEST_TIMEOUT(flips_sgx, "no bit of an SGX quote or its collateral can be changed", 240)
{
    flip_all(load_sgx());
}

TEST_TIMEOUT(flips_tdx_4, "no bit of a TDX quote of version 4 can be changed", 240)
{
    flip_all(load_tdx_4());
}

TEST_TIMEOUT(flips_tdx_5, "no bit of a TDX quote of version 5 can be changed", 240)
{
    flip_all(load_tdx_5());
}

TEST(truncated, "no part of a quote is a quote")
{
    struct sample (*const loaders[])(void) = {load_sgx, load_tdx_4, load_tdx_5};
    for (size_t i = 0; i < 3; i++) {
        struct sample sample = loaders[i]();
        CHECK(is_accepted(&sample));
        size_t whole = sample.quote.size - sample.verdict.trailing;
        while (sample.quote.data[whole - 1] != '-')
            whole--;
        for (sample.quote.size = 0; sample.quote.size < whole; sample.quote.size++) {
            /* A copy of that size, so that sanitizers see reads behind it. */
            struct sample part = sample;
            part.quote.data = malloc(sample.quote.size + 1);
            memcpy(part.quote.data, sample.quote.data, sample.quote.size);
            CHECK(!is_accepted(&part));
            free(part.quote.data);
        }
    }
}

static const char *judge_with(struct sample sample, size_t offset, uint8_t value)
{
    uint8_t before = sample.quote.data[offset];
    sample.quote.data[offset] = value;
    const char *code = judge(&sample);
    sample.quote.data[offset] = before;
    return code;
}

TEST(fields, "each field that no genuine quote can have is named")
{
    CHECK_STR(judge_with(load_sgx(), 0, 4), "quote.size");
    CHECK_STR(judge_with(load_sgx(), 0, 6), "quote.version");
    CHECK_STR(judge_with(load_sgx(), 0, 2), "quote.version");
    CHECK_STR(judge_with(load_sgx(), 2, 3), "quote.key_type");
    CHECK_STR(judge_with(load_sgx(), 4, 0x81), "quote.version");
    CHECK_STR(judge_with(load_sgx(), 12, 0), "quote.vendor");
    CHECK_STR(judge_with(load_sgx(), 433, 0), "quote.size");
    CHECK_STR(judge_with(load_sgx(), 436 + 576, 31), "quote.size");
    CHECK_STR(judge_with(load_sgx(), 436 + 578 + 32, 3), "quote.certification");
    CHECK_STR(judge_with(load_sgx(), 500, 0), "quote.signature"); /* not on the curve */
    CHECK_STR(judge_with(load_sgx(), 436 + 578, 1), "qe.binding");
    CHECK_STR(judge_with(load_tdx_4(), 8, 1), "quote.reserved");
    CHECK_STR(judge_with(load_tdx_5(), 48, 2), "quote.version");
    CHECK_STR(judge_with(load_tdx_5(), 48, 4), "quote.version");
    CHECK_STR(judge_with(load_tdx_5(), 50, 0x89), "quote.version");
}

TEST(negatives, "quotes that are bad for a reason of their own")
{
    struct sample sample = load_sgx();
    sample.quote = vector_load("oasis/sgx-v3-type3.quote.bin");
    CHECK_STR(judge(&sample), "quote.certification");
    sample = load_tdx_5();
    sample.quote = vector_load("openenclave/tdx-v5.quote.bin");
    sample.request.time = moment("2026-06-27T00:00:00Z");
    CHECK(!is_accepted(&sample));
    sample.quote = vector_load("intel-qvl/tdx/quote.dat"); /* DER where PEM has to be */
    CHECK_STR(judge(&sample), "certificate.format");
    sample.quote = vector_load("go-tdx-guest/tdreport_random_NEG.bin");
    CHECK(!is_accepted(&sample));
}

TEST(policy_sgx, "each demand of the policy on an enclave is checked")
{
    struct sample sample = load_sgx();
    struct attest_sgx_policy *sgx = &sample.policy.sgx;
    const struct attest_sgx_policy any = *sgx;
    uint8_t digest[32] = {1};
    const struct attest_list other = {digest, 1}, mrenclave = {sample.quote.data + 48 + 64, 1},
                             mrsigner = {sample.quote.data + 48 + 128, 1};
    static const char *const some[] = {"INTEL-SA-00289"}, *const all[] = {"INTEL-SA-00615",
                                                                          "INTEL-SA-00289"};
#define REFUSES(code, ...)                                                                         \
    do {                                                                                           \
        *sgx = any;                                                                                \
        __VA_ARGS__;                                                                               \
        CHECK_STR(judge(&sample), code);                                                           \
    } while (0)
    REFUSES("policy.technology", sgx->accepted = false);
    REFUSES("accepted", sgx->measurements = mrenclave; sgx->signers = mrsigner);
    REFUSES("sgx.measurement", sgx->measurements = other);
    REFUSES("sgx.measurement", sgx->measurements_denied = mrenclave);
    REFUSES("sgx.signer", sgx->signers = other);
    REFUSES("sgx.svn", sgx->svn_min = 9);
    REFUSES("sgx.product", sgx->has_product = true; sgx->product = 9);
    REFUSES("sgx.platform", sgx->refuse_smt = true);
    REFUSES("tcb.evaluation", sgx->tcb.evaluation_min = 18);
    REFUSES("accepted", sgx->tcb.evaluation_min = 17);
    REFUSES("tcb.advisory", sgx->tcb.statuses = 0; sgx->tcb.advisories.items = some;
            sgx->tcb.advisories.count = 1);
    REFUSES("accepted", sgx->tcb.statuses = 0; sgx->tcb.advisories.items = all;
            sgx->tcb.advisories.count = 2);
    REFUSES("tcb.advisory", sgx->tcb.advisories.items = some; sgx->tcb.advisories.count = 1);
    REFUSES("tcb.status", sgx->tcb.statuses = 1 << ATTEST_OUT_OF_DATE);
#undef REFUSES
}

TEST(policy_tdx, "each demand of the policy on a trust domain is checked")
{
    struct sample sample = load_tdx_5();
    struct attest_tdx_policy *tdx = &sample.policy.tdx;
    const struct attest_tdx_policy any = *tdx;
    uint8_t digest[48] = {1};
    const struct attest_list other = {digest, 1}, mrtd = {sample.quote.data + 54 + 136, 1};
#define REFUSES(code, ...)                                                                         \
    do {                                                                                           \
        *tdx = any;                                                                                \
        __VA_ARGS__;                                                                               \
        CHECK_STR(judge(&sample), code);                                                           \
    } while (0)
    REFUSES("policy.technology", tdx->accepted = false);
    REFUSES("accepted", tdx->measurements = mrtd; tdx->require_sept_ve_disable = true);
    REFUSES("tdx.measurement", tdx->measurements = other);
    REFUSES("tdx.measurement", tdx->measurements_denied = mrtd);
    REFUSES("tdx.register", tdx->registers[3] = other);
    REFUSES("tdx.module", tdx->modules = other);
    REFUSES("tcb.evaluation", tdx->tcb.evaluation_min = 19);
#undef REFUSES
}

TEST(migratable, "a trust domain that may be migrated or has a service domain needs to be allowed")
{
    static const char *const names[] = {"tcbinfo_TDX_00806f050000_20250213T035041_eval17.json",
                                        "qeid_TD_QE_20250213T033900_eval17.json",
                                        "crl_platform_20250213T034028.der",
                                        "crl_root_20240320T191930.der"};
    struct sample sample =
        load_sample("openenclave/tdx-v5.quote.bin", "2025-02-28T00:00:00Z", names);
    CHECK_STR(judge(&sample), "tdx.migration");
    sample.policy.tdx.migration = true;
    CHECK_STR(judge(&sample), "tcb.status");
    sample.policy.tdx.tcb.statuses = 1 << ATTEST_OUT_OF_DATE;
    CHECK_STR(judge(&sample), "tdx.service");
    sample.policy.tdx.any_service = true;
    CHECK_STR(judge(&sample), "accepted");
}

struct request_row {
    const char *file, *time, *code;
    bool with_policy;
};

TEST(original, "the original's requests get the verdicts of the original, strictly dated")
{
    static const char xeon[] = "enarx/steward/icelake.signed.tcb.crl.multi.xeon.csr",
                      i5[] = "enarx/steward/icelake.signed.tcb.crl.single.i5.csr",
                      milan[] = "enarx/steward/milan.signed.crl.csr";
    static const char *const advisories[] = {"INTEL-SA-00289", "INTEL-SA-00381", "INTEL-SA-00389",
                                             "INTEL-SA-00477", "INTEL-SA-00586", "INTEL-SA-00614",
                                             "INTEL-SA-00615", "INTEL-SA-00617", "INTEL-SA-00657"};
    const struct request_row rows[] = {
        {xeon, "2023-01-20T00:00:00Z", "crl.not_yet_valid", true},
        {i5, "2023-01-20T00:00:00Z", "tcb_info.not_yet_valid", true},
        {milan, "2023-01-20T00:00:00Z", "accepted", true},
        {xeon, "2023-02-01T00:00:00Z", "accepted", true},
        {i5, "2023-02-01T00:00:00Z", "accepted", true},
        {milan, "2023-02-01T00:00:00Z", "accepted", true},
        {xeon, "2023-02-17T18:47:00Z", "accepted", true},
        {i5, "2023-02-17T18:46:52Z", "accepted", true},
        {i5, "2023-02-17T18:46:53Z", "crl.expired", true},
        {xeon, "2023-02-26T00:00:00Z", "crl.expired", true},
        {milan, "2023-02-26T00:00:00Z", "accepted", true},
        {milan, "2023-05-09T23:00:00Z", "accepted", true},
        {milan, "2023-05-09T23:00:01Z", "crl.expired", true},
        {xeon, "2023-02-01T00:00:00Z", "tcb.status", false},
        {i5, "2023-02-01T00:00:00Z", "tcb.status", false},
        {milan, "2023-02-01T00:00:00Z", "accepted", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample sample = {.quote = vector_load(rows[i].file)};
        attest_policy_any(&sample.policy);
        sample.policy.workload_optional = true;
        sample.policy.sgx.tcb.builtin_identity = true;
        if (rows[i].with_policy) {
            sample.policy.sgx.tcb.advisories.items = advisories;
            sample.policy.sgx.tcb.advisories.count = sizeof(advisories) / sizeof(advisories[0]);
        }
        sample.request.time = moment(rows[i].time);
        CHECK_STR(judge(&sample), rows[i].code);
        sample.policy.workload_optional = false;
        if (strcmp(rows[i].code, "accepted") == 0)
            CHECK_STR(judge(&sample), "evidence.unbound");
    }
}

TEST(identity_needed, "without its identity a quoting enclave is nobody, unless allowed")
{
    struct sample sample = {.quote =
                                vector_load("enarx/steward/icelake.signed.tcb.crl.single.i5.csr")};
    attest_policy_any(&sample.policy);
    sample.policy.workload_optional = true;
    sample.request.time = moment("2023-02-01T00:00:00Z");
    CHECK_STR(judge(&sample), "qe_identity.missing");
}

TEST_TIMEOUT(flips_request, "a request with a changed bit is refused", 240)
{
    struct sample sample = {.quote = vector_load("enarx/steward/milan.signed.crl.csr")};
    attest_policy_any(&sample.policy);
    sample.policy.workload_optional = true;
    sample.request.time = moment("2023-02-01T00:00:00Z");
    CHECK(is_accepted(&sample));
    flip_range(&sample, sample.quote.data, sample.quote.size, 7);
    struct vector whole = sample.quote;
    for (sample.quote.size = 0; sample.quote.size < whole.size; sample.quote.size++)
        CHECK(!is_accepted(&sample));
}

TEST(codes, "every code has a name and a meaning of its own")
{
    for (unsigned i = 0; i < ATTEST_CODE_COUNT; i++) {
        CHECK(strcmp(attest_code_name(i), "unknown") != 0);
        CHECK(strlen(attest_code_meaning(i)) > 10);
        for (unsigned k = 0; k < i; k++)
            CHECK(strcmp(attest_code_name(i), attest_code_name(k)) != 0);
    }
    CHECK_STR(attest_code_name(ATTEST_CODE_COUNT), "unknown");
}

TAP_MAIN()
