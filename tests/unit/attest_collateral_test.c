// SPDX-License-Identifier: Apache-2.0
/* Collateral of the vendors by itself, at its time and not at others. */
#include "attest.h"
#include "tap.h"
#include "vectors.h"

#include <errno.h>

#define INTEL "collateral/intel/"

static struct attest_collateral about;
static struct attest_verdict verdict;
static struct attest_bytes companions[4];
static size_t companion_count;

static void with(const char *name)
{
    companions[companion_count++] = vector_bytes(vector_load(name));
}

static int judge(struct attest_bytes bytes, int64_t time)
{
    struct attest_request request = {.evidence = bytes,
                                     .collateral = companions,
                                     .collateral_count = companion_count,
                                     .time = time};
    return attest_verify_collateral(&request, &about, &verdict);
}

static const struct {
    const char *name, *companions[3];
    const char *time, *before, *after; /* a moment within, just before, just behind */
    enum attest_collateral_kind kind;
    const char *subject, *product;
    enum attest_technology technology;
} rows[] = {
    {"trust/amd/milan_crl_20220509.der",
     {NULL},
     "2023-01-01T00:00:00Z",
     "2022-05-01T00:00:00Z",
     "2023-05-10T00:00:00Z",
     ATTEST_COLLATERAL_CRL,
     "ARK-Milan",
     "",
     ATTEST_TECHNOLOGY_NONE},
    {INTEL "crl_root_20250320T112157.der",
     {NULL},
     "2025-07-01T00:00:00Z",
     "2025-03-20T11:21:56Z",
     "2026-04-04T00:00:00Z",
     ATTEST_COLLATERAL_CRL,
     "Intel SGX Root CA",
     "",
     ATTEST_TECHNOLOGY_NONE},
    {INTEL "crl_processor_20250619T102318.der",
     {"trust/intel/pck_processor_ca.der", INTEL "crl_root_20250320T112157.der"},
     "2025-07-01T00:00:00Z",
     "2025-06-19T10:23:17Z",
     "2025-07-20T00:00:00Z",
     ATTEST_COLLATERAL_CRL,
     "Intel SGX PCK Processor CA",
     "",
     ATTEST_TECHNOLOGY_NONE},
    {INTEL "tcbinfo_SGX_00a067110000_20250619T105611_eval17.json",
     {INTEL "crl_root_20250320T112157.der"},
     "2025-07-01T00:00:00Z",
     "2025-06-19T10:56:10Z",
     "2025-07-20T00:00:00Z",
     ATTEST_COLLATERAL_TCB_INFO,
     "SGX 00A067110000",
     "",
     ATTEST_SGX},
    {INTEL "tcbinfo_TDX_90c06f000000_20260316T220609_eval18.json",
     {INTEL "crl_root_20260226T130400.der"},
     "2026-04-01T00:00:00Z",
     "2026-03-16T22:06:08Z",
     "2026-04-17T00:00:00Z",
     ATTEST_COLLATERAL_TCB_INFO,
     "TDX 90c06f000000",
     "",
     ATTEST_TDX},
    {INTEL "qeid_TD_QE_20260316T221603_eval18.json",
     {INTEL "crl_root_20260226T130400.der"},
     "2026-04-01T00:00:00Z",
     "2026-03-16T22:16:02Z",
     "2026-04-17T00:00:00Z",
     ATTEST_COLLATERAL_IDENTITY,
     "TD_QE",
     "",
     ATTEST_TDX},
    {"veraison/milan-v3.vcek.der",
     {NULL},
     "2026-01-01T00:00:00Z",
     "2018-01-01T00:00:00Z",
     "2099-01-01T00:00:00Z",
     ATTEST_COLLATERAL_VEK,
     "VCEK",
     "Milan",
     ATTEST_SNP},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct vector load(size_t row)
{
    companion_count = 0;
    for (size_t i = 0; i < 3 && rows[row].companions[i]; i++)
        with(rows[row].companions[i]);
    return vector_load(rows[row].name);
}

TEST(genuine, "genuine collateral would be thrown away, or taken for something else")
{
    for (size_t i = 0; i < ROWS; i++) {
        struct attest_bytes bytes = vector_bytes(load(i));
        int64_t time = moment(rows[i].time);
        if (judge(bytes, time) != 0)
            tap_fail(__FILE__, __LINE__, "%s: %s", rows[i].name, verdict.reason);
        CHECK_INT(about.kind, rows[i].kind);
        CHECK_STR(about.subject, rows[i].subject);
        CHECK_STR(verdict.product, rows[i].product);
        CHECK_INT(verdict.technology, rows[i].technology);
        CHECK(about.issued <= time && verdict.valid_from <= time && verdict.valid_until >= time);
        CHECK(about.kind == ATTEST_COLLATERAL_VEK ? verdict.platform_size == 64
                                                  : verdict.platform_size == 0);
    }
}

TEST(dates, "collateral of yesterday or tomorrow would be kept as that of today")
{
    for (size_t i = 0; i < ROWS; i++) {
        struct attest_bytes bytes = vector_bytes(load(i));
        CHECK_INT(judge(bytes, moment(rows[i].before)), -EACCES);
        CHECK_INT(judge(bytes, moment(rows[i].after)), -EACCES);
    }
}

TEST(changed, "collateral that was changed by somebody in between would be kept")
{
    for (size_t i = 0; i < ROWS; i++) {
        struct vector vector = load(i);
        int64_t time = moment(rows[i].time);
        size_t step = vector.size / 200 + 1;
        for (size_t at = 0; at < vector.size; at += step) {
            vector.data[at] ^= 1;
            if (judge(vector_bytes(vector), time) == 0)
                tap_fail(__FILE__, __LINE__, "%s is accepted with byte %zu changed", rows[i].name,
                         at);
            vector.data[at] ^= 1;
        }
    }
}

TEST(alone, "what needs an authority or a list would pass without")
{
    for (size_t i = 0; i < ROWS; i++) {
        struct attest_bytes bytes = vector_bytes(load(i));
        if (companion_count == 0)
            continue;
        companion_count = 0;
        CHECK_INT(judge(bytes, moment(rows[i].time)), -EACCES);
    }
}

TEST(others, "reports, roots and noise would be taken for collateral")
{
    static const uint8_t noise[] = "{\"x\":1}";
    companion_count = 0;
    CHECK_INT(judge((struct attest_bytes){0}, 0), -EACCES);
    CHECK_INT(judge((struct attest_bytes){noise, sizeof(noise) - 1}, 0), -EACCES);
    CHECK_INT(verdict.code, ATTEST_EVIDENCE_FORMAT);
    CHECK_INT(judge(vector_bytes(vector_load("veraison/milan-v3.report.bin")), 0), -EACCES);
    CHECK_INT(judge(vector_bytes(vector_load("trust/intel/sgx_root_ca.der")), 1700000000), -EACCES);
}

TAP_MAIN()
