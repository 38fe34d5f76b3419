// SPDX-License-Identifier: Apache-2.0
/* Judges genuine evidence again and again, and does nothing but its distinct signature checks, with
 * nothing remembered in between. Lines of "name nanoseconds". Built by Meson: its argument is
 * tests/vectors. */
#include "attest.h"
#include "attest/roots.h"
#include "crypto/crypto.h"
#include "measure.h"

enum { PARTS_MAX = 6, SIGNATURES_MAX = 4, ROUNDS = 3, REPETITIONS = 100 };

/* How many checks of each algorithm the evidence contains. */
struct sample {
    const char *name;
    const char *parts[PARTS_MAX]; /* evidence, VEK, collateral */
    int64_t time;
    unsigned p256, p384, rsa;
};

#define INTEL(file) "collateral/intel/" file

/* Quote, quoting enclave, PCK, its authority, two lists, signer, TCB info, identity. */
static const struct sample samples[] = {
    {"snp", {"veraison/milan-v3.report.bin", "veraison/milan-v3.vcek.der"}, 1767225600, 0, 1, 2},
    {"sgx",
     {"phala/sgx-v3.quote.bin", NULL, INTEL("tcbinfo_SGX_00a067110000_20250619T105611_eval17.json"),
      INTEL("qeid_QE_20250619T100118_eval17.json"), INTEL("crl_processor_20250619T102318.der"),
      INTEL("crl_root_20250320T112157.der")},
     1751624924,
     9,
     0,
     0},
    {"tdx",
     {"go-tdx-guest/tdx-v5.quote.bin", NULL,
      INTEL("tcbinfo_TDX_90c06f000000_20260316T220609_eval18.json"),
      INTEL("qeid_TD_QE_20260316T221603_eval18.json"), INTEL("crl_platform_20260316T223405.der"),
      INTEL("crl_root_20260226T130400.der")},
     1774995607,
     9,
     0,
     0},
};

static struct attest_request request;
static struct attest_policy policy;

static struct attest_bytes read_part(const char *directory, const char *name)
{
    char path[1024];
    struct attest_bytes bytes = {0};
    if (!name)
        return bytes;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(1 << 20);
    if (!file || !data) {
        perror(path);
        exit(1);
    }
    bytes = (struct attest_bytes){data, fread(data, 1, 1 << 20, file)};
    fclose(file);
    return bytes;
}

static void judge(void)
{
    struct attest_verdict verdict;
    for (int i = 0; i < ROUNDS; i++) {
        if (attest_verify(&request, &verdict) < 0) {
            fprintf(stderr, "%s\n", verdict.reason);
            exit(1);
        }
    }
}

/* A self-signed root for each algorithm of certificates; for P-384 a key and a signature of nobody:
 * one that is wrong takes as long as one that is right. */
static struct x509_certificate p256_root, rsa_root, vcek;
static unsigned p256_count, p384_count, rsa_count;

static void check_signatures(void)
{
    static uint8_t signature[96], message[672];
    memset(signature, 0x11, sizeof(signature));
    for (int i = 0; i < ROUNDS; i++) {
        int good = 0, bad = 0;
        for (unsigned k = 0; k < p256_count; k++)
            good += crypto_verify(&p256_root.key, &p256_root.signature) == 0;
        for (unsigned k = 0; k < rsa_count; k++)
            good += crypto_verify(&rsa_root.key, &rsa_root.signature) == 0;
        for (unsigned k = 0; k < p384_count; k++)
            bad +=
                crypto_verify_raw(&vcek.key, X509_ECDSA_SHA384, span_of(message, sizeof(message)),
                                  span_of(signature, sizeof(signature))) < 0;
        if (good != (int)(p256_count + rsa_count) || bad != (int)p384_count)
            exit(2);
    }
}

static void parse(struct span bytes, struct x509_certificate *certificate)
{
    if (x509_parse(bytes, certificate) < 0)
        exit(3);
}

static void measure(const char *directory, const struct sample *sample)
{
    struct attest_bytes parts[PARTS_MAX];
    char name[64];
    for (size_t i = 0; i < PARTS_MAX; i++)
        parts[i] = read_part(directory, sample->parts[i]);
    request = (struct attest_request){.evidence = parts[0],
                                      .vek = parts[1],
                                      .collateral = parts + 2,
                                      .collateral_count = PARTS_MAX - 2,
                                      .policy = &policy,
                                      .time = sample->time};
    p256_count = sample->p256;
    p384_count = sample->p384;
    rsa_count = sample->rsa;
    snprintf(name, sizeof(name), "%s-judged", sample->name);
    report(name, best_of(REPETITIONS, judge) / ROUNDS);
    snprintf(name, sizeof(name), "%s-signatures", sample->name);
    report(name, best_of(REPETITIONS, check_signatures) / ROUNDS);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 4;
    struct attest_bytes bytes = read_part(argv[1], samples[0].parts[1]);
    parse(span_of(bytes.data, bytes.size), &vcek);
    parse(span_of(intel_sgx_root, sizeof(intel_sgx_root)), &p256_root);
    parse(span_of(amd_milan_ark, sizeof(amd_milan_ark)), &rsa_root);
    attest_policy_any(&policy);
    policy.sgx.tcb.statuses = ~0U;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        measure(argv[1], &samples[i]);
    return 0;
}
