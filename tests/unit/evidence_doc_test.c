// SPDX-License-Identifier: Apache-2.0
/* docs/evidence.md is the specification: its test vector and its list of codes are checked here. */
#include "attest.h"
#include "codec/base64.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static char *document;

/* Skips nothing: without the document the tests fail. */
static const char *load_document(void)
{
    static char text[128 * 1024];
    FILE *file = fopen(getenv("EVIDENCE_DOC"), "r");
    CHECK(file != NULL);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    document = text;
    return text;
}

/* The value in the row of the table: "| what | `value` |". */
static void row(const char *what, char *value, size_t size)
{
    char start[128];
    snprintf(start, sizeof(start), "\n| %s | `", what);
    const char *at = strstr(load_document(), start);
    if (!at)
        tap_fail(__FILE__, __LINE__, "there is no row \"%s\"", what);
    at += strlen(start);
    size_t length = strcspn(at, "`");
    CHECK(length < size);
    memcpy(value, at, length);
    value[length] = '\0';
}

static size_t row_bytes(const char *what, uint8_t *bytes, size_t size)
{
    char text[2048];
    row(what, text, sizeof(text));
    size_t count = strlen(text) / 2;
    CHECK(count <= size);
    CHECK_INT(hex_decode(span_of(text, strlen(text)), bytes, count), 0);
    return count;
}

static void check_row(const char *what, struct attest_bytes bytes)
{
    char wanted[2048], text[2048];
    CHECK(bytes.size * 2 < sizeof(text));
    row(what, wanted, sizeof(wanted));
    hex_encode(span_of(bytes.data, bytes.size), text);
    CHECK_STR(text, wanted);
}

static struct attest_workload load_workload(void)
{
    struct attest_workload workload = {0};
    CHECK_INT(row_bytes("digest", workload.digest, sizeof(workload.digest)), 32);
    row("name", workload.name, sizeof(workload.name));
    row("steward", workload.steward, sizeof(workload.steward));
    workload.nonce_size = row_bytes("nonce", workload.nonce, sizeof(workload.nonce));
    return workload;
}

TEST(binding, "claims and report data are those of the specification")
{
    static const struct {
        const char *bound, *unbound;
        enum attest_technology technologies[2];
    } rows[] = {
        {"report data, SGX", "unbound, SGX", {ATTEST_SGX, ATTEST_KVM}},
        {"report data, SNP and TDX", "unbound, SNP and TDX", {ATTEST_SNP, ATTEST_TDX}},
    };
    uint8_t key_bytes[256], buffer[512], data[64];
    struct attest_bytes key = {key_bytes, row_bytes("key", key_bytes, sizeof(key_bytes))};
    struct attest_workload workload = load_workload();
    struct attest_bytes claims, none = {0}, result = {data, sizeof(data)};
    CHECK_INT(attest_claims_write(&workload, buffer, sizeof(buffer), &claims), 0);
    check_row("claims", claims);
    for (size_t i = 0; i < 4; i++) {
        enum attest_technology technology = rows[i / 2].technologies[i % 2];
        CHECK_INT(attest_report_data(technology, key, claims, data), 0);
        check_row(rows[i / 2].bound, result);
        CHECK_INT(attest_report_data(technology, key, none, data), 0);
        check_row(rows[i / 2].unbound, result);
    }
    CHECK(attest_report_data(ATTEST_TECHNOLOGY_NONE, key, none, data) < 0);
    CHECK(attest_report_data(ATTEST_SNP, none, none, data) < 0);
    CHECK(attest_claims_write(&workload, buffer, 40, &claims) < 0);
}

TEST(result, "what is copied into a certificate is that of the specification")
{
    struct attest_verdict verdict = {.code = ATTEST_ACCEPTED,
                                     .technology = ATTEST_SNP,
                                     .product = "Genoa",
                                     .measurement_size = 48};
    uint8_t buffer[1024];
    struct attest_bytes result;
    char uri[ATTEST_URI_SIZE], wanted[ATTEST_URI_SIZE], name[16];
    for (unsigned i = 0; i < 48; i++)
        verdict.measurement[i] = (uint8_t)i;
    verdict.workload = load_workload();
    verdict.workload.bound = true;
    CHECK_INT(attest_result_write(&verdict, buffer, sizeof(buffer), &result), 0);
    check_row("result", result);
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "URI %zu", i + 1);
        row(name, wanted, sizeof(wanted));
        CHECK(attest_result_uri(&verdict, i, uri));
        CHECK_STR(uri, wanted);
    }
    CHECK(!attest_result_uri(&verdict, 3, uri));
    verdict.workload.bound = false;
    CHECK(attest_result_uri(&verdict, 0, uri) && !attest_result_uri(&verdict, 1, uri));
    CHECK(attest_result_write(&verdict, buffer, 20, &result) < 0);
    verdict.code = ATTEST_TCB_STATUS;
    CHECK(attest_result_write(&verdict, buffer, sizeof(buffer), &result) < 0);
    CHECK(!attest_result_uri(&verdict, 0, uri));
}

TEST(result_read,
     "a relying party reads what was copied, and nothing that is cut or changed in form")
{
    uint8_t bytes[512], digest[32];
    struct attest_result result;
    struct attest_bytes whole = {bytes, row_bytes("result", bytes, sizeof(bytes))};
    row_bytes("digest", digest, sizeof(digest));
    CHECK_INT(attest_result_read(whole, &result), 0);
    CHECK(result.technology.size == 3 && memcmp(result.technology.data, "snp", 3) == 0);
    CHECK(result.product.size == 5 && memcmp(result.product.data, "Genoa", 5) == 0);
    CHECK_INT(result.measurement.size, 48);
    CHECK_INT(result.signer.size, 0);
    CHECK(result.workload.size == 32 && memcmp(result.workload.data, digest, 32) == 0);
    CHECK(result.name.size > 0 && !result.simulated);
    for (size_t size = 0; size < whole.size; size++)
        CHECK_INT(attest_result_read((struct attest_bytes){bytes, size}, &result), -EINVAL);
    bytes[5] = 2; /* the version */
    CHECK_INT(attest_result_read(whole, &result), -EINVAL);
}

TEST(codes, "the specification lists every code with its meaning")
{
    load_document();
    for (unsigned i = 0; i < ATTEST_CODE_COUNT; i++) {
        char line[512];
        snprintf(line, sizeof(line), "\n| `%s` | %s |\n", attest_code_name(i),
                 attest_code_meaning(i));
        if (!strstr(document, line))
            tap_fail(__FILE__, __LINE__, "there is no line%s", line);
    }
}

TAP_MAIN()
