// SPDX-License-Identifier: Apache-2.0
/* SNP evidence of a vendor of our own: what no genuine sample shows. */
#include "attest.h"
#include "attest/evidence.h"
#include "authority.h"
#include "base/bytes.h"
#include "tap.h"

enum { FROM = 1700000000, NOW = 1750000000, UNTIL = 1800000000 };

#define AMD(text)             "\x2B\x06\x01\x04\x01\x9C\x78\x01" text
#define EXTENSION(oid, value) test_extension(oid, sizeof(oid) - 1, false, value)
#define TEXT(text)            SPAN_LITERAL(text)

/* A machine with everything that vouches for it, before it is made. Tests change parts. */
struct machine {
    const char *product, *product_name;
    bool vlek;
    struct test_certificate root, authority, leaf;
    struct test_key *root_key, *authority_key, *leaf_key, *keep_key;
    uint8_t report[0x4A0];
    uint64_t revoked;
    bool has_list;
    struct attest_policy policy;
    struct attest_bytes roots[1], collateral[4];
    struct attest_verdict verdict;
};

static void set(uint8_t *at, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static struct span vek_extensions(const struct machine *machine)
{
    const struct span parts[] = {
        EXTENSION(AMD("\x01"), test_der_uint(0)),
        EXTENSION(AMD("\x02"),
                  test_der(DER_IA5, span_of(machine->product_name, strlen(machine->product_name)))),
        EXTENSION(AMD("\x03\x01"), test_der_uint(4)),
        EXTENSION(AMD("\x03\x02"), test_der_uint(0)),
        EXTENSION(AMD("\x03\x03"), test_der_uint(24)),
        EXTENSION(AMD("\x03\x08"), test_der_uint(219)),
        machine->vlek ? EXTENSION(AMD("\x05"), test_der(DER_IA5, TEXT("CN=cloud")))
                      : EXTENSION(AMD("\x04"), span_of(machine->report + 0x1A0, 64)),
    };
    return test_join(parts, sizeof(parts) / sizeof(parts[0]));
}

static void fill_report(uint8_t *report, unsigned version, unsigned family, unsigned model)
{
    static const uint8_t tcb[8] = {4, 0, 0, 0, 0, 0, 24, 219};
    static const size_t tcbs[] = {0x038, 0x180, 0x1E0, 0x1F0};
    set(report, version, 4);
    set(report + 0x008, 0x30000, 8);
    set(report + 0x034, 1, 4);
    set(report + 0x040, 0x25, 8);
    memset(report + 0x160, 0xFF, 32);
    for (size_t i = 0; i < 4; i++)
        memcpy(report + tcbs[i], tcb, sizeof(tcb));
    report[0x188] = (uint8_t)family;
    report[0x189] = (uint8_t)model;
    memset(report + 0x1A0, 0xC1, 64);
    report[0x1E9] = 55;
    report[0x1EA] = 1;
    memset(report + 0x090, 0x11, 48);
}

static struct machine new_machine(bool vlek)
{
    static char authority[32], names[2][16] = {"SEV-VCEK", "SEV-VLEK"};
    struct machine machine = {.product = "Genoa", .product_name = "Genoa", .vlek = vlek};
    machine.root_key = test_key_new(X509_KEY_P384);
    machine.authority_key = test_key_new(X509_KEY_P384);
    machine.leaf_key = test_key_new(X509_KEY_P384);
    machine.keep_key = test_key_new(X509_KEY_P384);
    snprintf(authority, sizeof(authority), "SEV-%sGenoa", vlek ? "VLEK-" : "");
    machine.root = (struct test_certificate){
        "ARK-Sim", "ARK-Sim", machine.root_key, machine.root_key, 1, FROM, UNTIL, {0}, true, 1};
    machine.authority = (struct test_certificate){
        authority, "ARK-Sim", machine.authority_key, machine.root_key, 2, FROM, UNTIL, {0},
        true,      0};
    machine.leaf = (struct test_certificate){
        names[vlek], authority, machine.leaf_key, machine.authority_key, 0, FROM, UNTIL, {0},
        false,       -1};
    fill_report(machine.report, 4, 0x19, 0x11);
    if (vlek) {
        set(machine.report + 0x048, 1 << 2, 4);
        memset(machine.report + 0x1A0, 0, 64);
    }
    attest_policy_any(&machine.policy);
    return machine;
}

static struct attest_bytes bytes_of(struct span span)
{
    return (struct attest_bytes){span.data, span.size};
}

static void sign_report(struct machine *machine)
{
    struct span signature = test_sign_raw(machine->leaf_key, span_of(machine->report, 0x2A0));
    for (size_t half = 0; half < 2; half++) {
        for (size_t i = 0; i < 48; i++)
            machine->report[0x2A0 + half * 72 + i] = signature.data[half * 48 + 47 - i];
    }
}

static const char *verify(struct machine *machine, struct span evidence, struct span vek)
{
    size_t count = 0;
    machine->roots[0] = bytes_of(test_certificate_make(&machine->root));
    machine->policy.simulation_roots = machine->roots;
    machine->policy.simulation_root_count = 1;
    machine->collateral[count++] = bytes_of(test_certificate_make(&machine->authority));
    if (machine->has_list)
        machine->collateral[count++] = bytes_of(
            test_crl_make("ARK-Sim", machine->root_key, FROM, UNTIL, &machine->revoked, 1));
    struct attest_request request = {.evidence = bytes_of(evidence),
                                     .vek = bytes_of(vek),
                                     .collateral = machine->collateral,
                                     .collateral_count = count,
                                     .policy = &machine->policy,
                                     .time = NOW};
    int status = attest_verify(&request, &machine->verdict);
    CHECK((status == 0) == (machine->verdict.code == ATTEST_ACCEPTED));
    return attest_code_name(machine->verdict.code);
}

static struct span make_vek(struct machine *machine)
{
    machine->leaf.extensions = vek_extensions(machine);
    return test_certificate_make(&machine->leaf);
}

static const char *judge(struct machine *machine)
{
    struct span vek = make_vek(machine);
    sign_report(machine);
    return verify(machine, span_of(machine->report, sizeof(machine->report)), vek);
}

TEST(version_4, "a report of version 4, signed by a VCEK or a VLEK, is accepted under a named root")
{
    for (unsigned vlek = 0; vlek < 2; vlek++) {
        struct machine machine = new_machine(vlek);
        CHECK_STR(judge(&machine), "accepted");
        CHECK(machine.verdict.simulated);
        CHECK_INT(machine.verdict.version, 4);
    }
}

TEST(not_named, "a simulation root that the policy does not name vouches for nothing")
{
    struct machine machine = new_machine(false);
    CHECK_STR(judge(&machine), "accepted");
    struct test_key *other = test_key_new(X509_KEY_P384);
    machine.root.key = machine.root.signer = other; /* of the same name */
    CHECK_STR(judge(&machine), "certificate.signature");
    machine.root.subject = machine.root.issuer = "ARK-Other";
    CHECK_STR(judge(&machine), "certificate.untrusted");
}

TEST(provider, "a policy can say which clouds' VLEKs it trusts")
{
    static const char *const right[] = {"CN=other", "CN=cloud"};
    struct machine machine = new_machine(true);
    machine.policy.snp.providers.items = right;
    machine.policy.snp.providers.count = 1;
    CHECK_STR(judge(&machine), "snp.vek.provider");
    machine.policy.snp.providers.count = 2;
    CHECK_STR(judge(&machine), "accepted");
}

TEST(chains, "each way in which a chain can be wrong is refused")
{
    static const char critical[] = "\x2A\x03";
    struct machine machine = new_machine(false);
    machine.authority.authority = false;
    CHECK_STR(judge(&machine), "certificate.authority");
    machine = new_machine(false);
    machine.root.path_length = 0;
    CHECK_STR(judge(&machine), "certificate.path_length");
    machine = new_machine(false);
    machine.authority.extensions = test_extension(critical, 2, true, TEXT("x"));
    CHECK_STR(judge(&machine), "certificate.critical");
    machine = new_machine(false);
    /* keyUsage: digitalSignature only */
    machine.authority.extensions =
        test_extension("\x55\x1D\x0F", 3, true, TEXT("\x03\x02\x07\x80"));
    CHECK_STR(judge(&machine), "certificate.authority");
    machine = new_machine(false);
    machine.authority.until = NOW - 1;
    CHECK_STR(judge(&machine), "certificate.expired");
    machine = new_machine(false);
    machine.root.from = NOW + 1;
    CHECK_STR(judge(&machine), "certificate.not_yet_valid");
    machine = new_machine(false);
    machine.leaf.issuer = "SEV-Milan";
    CHECK_STR(judge(&machine), "snp.vek.product");
    machine = new_machine(false);
    machine.leaf.subject = "SEV-VLEK";
    CHECK_STR(judge(&machine), "snp.vek.kind");
    machine = new_machine(false);
    machine.leaf.authority = true;
    machine.leaf.path_length = -1;
    CHECK_STR(judge(&machine), "snp.vek.kind");
    machine = new_machine(false);
    machine.product_name = "Genoax";
    CHECK_STR(judge(&machine), "snp.vek.product");
}

TEST(lists, "revocation lists revoke, and only those they name")
{
    struct machine machine = new_machine(false);
    machine.has_list = true;
    machine.revoked = 2;
    CHECK_STR(judge(&machine), "certificate.revoked");
    machine.revoked = 3;
    machine.policy.snp.revocation = ATTEST_REVOCATION_REQUIRED;
    CHECK_STR(judge(&machine), "accepted");
    CHECK(machine.verdict.revocation_checked);
    machine.has_list = false;
    CHECK_STR(judge(&machine), "crl.missing");
}

TEST(states, "states of a guest or firmware that nobody should trust are refused")
{
    static const struct {
        size_t offset;
        uint64_t value;
        const char *code;
    } rows[] = {
        {0x008, 0x30000 | 1 << 19, "snp.policy.debug"},
        {0x008, 0x30000 | 1 << 18, "snp.policy.migration"},
        {0x008, 0x30000 | 0x0138, "snp.report.abi"},
        {0x160, 0, "snp.migration_agent"},
        {0x030, 1, "snp.vmpl"},
        {0x1E0, 3, "snp.report.tcb"}, /* committed below reported */
        {0x038, 3, "snp.report.tcb"}, /* current below committed */
        {0x1F0, 5, "snp.report.tcb"}, /* launch above current */
        {0x180, 3, "snp.vek.tcb"},
        {0x189, 0x00, "snp.report.product"}, /* a Milan */
        {0x189, 0x20, "snp.report.product"}, /* nobody knows */
        {0x189, 0xA0, "accepted"},           /* Siena has Genoa's roots */
        {0x000, 5, "accepted"},
        {0x000, 3, "accepted"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct machine machine = new_machine(false);
        size_t size = rows[i].offset == 0x008 ? 4 : 1;
        set(machine.report + rows[i].offset, rows[i].value, size);
        CHECK_STR(judge(&machine), rows[i].code);
    }
    struct machine machine = new_machine(false);
    struct span vek = make_vek(&machine);
    memset(machine.report + 0x1A0, 0, 64); /* masked after the certificate was made */
    sign_report(&machine);
    struct span report = span_of(machine.report, sizeof(machine.report));
    CHECK_STR(verify(&machine, report, vek), "snp.vek.chip");
    machine.policy.snp.masked_chip = true;
    CHECK_STR(verify(&machine, report, vek), "accepted");
}

TEST(mitigations, "mitigations have to be active at launch and now")
{
    struct machine machine = new_machine(false);
    set(machine.report, 5, 4);
    machine.policy.snp.mitigations = 0x0A;
    machine.report[0x1F8] = 0x0B;
    CHECK_STR(judge(&machine), "snp.mitigation");
    machine.report[0x200] = 0x0A;
    CHECK_STR(judge(&machine), "accepted");
    machine.report[0x1F8] = 0x02;
    CHECK_STR(judge(&machine), "snp.mitigation");
}

static struct span snp_extension(struct machine *machine, bool critical)
{
    static const char oid[] = ENARX_OID "\x03";
    struct span vek = make_vek(machine);
    sign_report(machine);
    struct span lists = test_der(DER_SEQUENCE, test_der(DER_SEQUENCE, (struct span){0}));
    const struct span certificates[] = {vek, lists};
    const struct span parts[] = {
        test_der(DER_SEQUENCE, test_join(certificates, 2)),
        test_der(DER_OCTET_STRING, span_of(machine->report, sizeof(machine->report))),
    };
    return test_extension(oid, sizeof(oid) - 1, critical,
                          test_der(DER_SEQUENCE, test_join(parts, 2)));
}

static struct span claims_extension(struct span claims)
{
    static const char oid[] = ENARX_OID "\x05";
    return test_extension(oid, sizeof(oid) - 1, false, claims);
}

static struct span make_claims(uint8_t digest)
{
    static uint8_t buffer[1024];
    struct attest_workload workload = {.name = "store.example/user/hello:1.0",
                                       .steward = "https://steward.example",
                                       .nonce = {9},
                                       .nonce_size = 16};
    struct attest_bytes claims;
    memset(workload.digest, digest, sizeof(workload.digest));
    CHECK_INT(attest_claims_write(&workload, buffer, sizeof(buffer), &claims), 0);
    return span_of(claims.data, claims.size);
}

static struct span bound_request(struct machine *machine, struct span claims, struct span claimed)
{
    CHECK_INT(attest_report_data(ATTEST_SNP, bytes_of(test_key_info(machine->keep_key)),
                                 bytes_of(claims), machine->report + 0x50),
              0);
    const struct span extensions[] = {snp_extension(machine, false), claims_extension(claimed)};
    return test_request_make(machine->keep_key, test_join(extensions, claimed.size > 0 ? 2 : 1));
}

TEST(bound, "a request whose evidence names its workload is accepted, and the workload is told")
{
    struct machine machine = new_machine(false);
    struct span claims = make_claims(0x77), none = {0};
    CHECK_STR(verify(&machine, bound_request(&machine, claims, claims), none), "accepted");
    const struct attest_workload *workload = &machine.verdict.workload;
    CHECK(workload->bound && workload->digest[0] == 0x77 && workload->nonce_size == 16);
    CHECK_STR(workload->name, "store.example/user/hello:1.0");
    CHECK_STR(workload->steward, "https://steward.example");
    CHECK_INT(machine.verdict.public_key.size, test_key_info(machine.keep_key).size);

    uint8_t digests[64];
    memset(digests, 0x66, 32);
    memset(digests + 32, 0x77, 32);
    machine.policy.workloads = (struct attest_list){digests, 1};
    CHECK_STR(verify(&machine, bound_request(&machine, claims, claims), none), "evidence.workload");
    machine.policy.workloads.count = 2;
    CHECK_STR(verify(&machine, bound_request(&machine, claims, claims), none), "accepted");
}

TEST(unbound, "claims that the hardware did not vouch for, or that were left out, are refused")
{
    struct machine machine = new_machine(false);
    struct span claims = make_claims(0x77), none = {0};
    uint8_t other[256];
    memcpy(other, claims.data, claims.size);
    other[claims.size - 1] ^= 1;
    struct span changed = span_of(other, claims.size);
    CHECK_STR(verify(&machine, bound_request(&machine, claims, changed), none), "evidence.binding");
    CHECK_STR(verify(&machine, bound_request(&machine, claims, none), none), "evidence.binding");
    CHECK_STR(verify(&machine, bound_request(&machine, none, claims), none), "evidence.binding");
    CHECK_STR(verify(&machine, bound_request(&machine, none, none), none), "evidence.unbound");
    machine.policy.workload_optional = true;
    CHECK_STR(verify(&machine, bound_request(&machine, none, none), none), "accepted");
    CHECK(!machine.verdict.workload.bound);
    /* A list of workloads cannot be satisfied by nothing. */
    uint8_t digest[32] = {0};
    machine.policy.workloads = (struct attest_list){digest, 1};
    CHECK_STR(verify(&machine, bound_request(&machine, none, none), none), "evidence.unbound");
    struct span wrong = SPAN_LITERAL("\x30\x03\x02\x01\x02");
    CHECK_STR(verify(&machine, bound_request(&machine, wrong, wrong), none), "evidence.claims");
}

TEST(requests, "each way in which a request can be wrong is refused")
{
    static const char critical[] = "\x2A\x03";
    struct machine machine = new_machine(false);
    machine.policy.workload_optional = true;
    struct span none = {0};
    struct test_key *other = test_key_new(X509_KEY_P384), *weak = test_key_new(X509_KEY_P256);
    bound_request(&machine, none, none);
    struct span extension = snp_extension(&machine, false);
    CHECK_STR(verify(&machine, test_request_make(machine.keep_key, extension), none), "accepted");
    CHECK_STR(verify(&machine, test_request_make(other, extension), none), "evidence.binding");
    CHECK_STR(verify(&machine, test_request_make(weak, extension), none), "request.key");
    CHECK_STR(verify(&machine, test_request_make(machine.keep_key, none), none), "evidence.absent");
    const struct span with_other[] = {extension, test_extension(critical, 2, false, none)};
    CHECK_STR(verify(&machine, test_request_make(machine.keep_key, test_join(with_other, 2)), none),
              "evidence.extension");
    const struct span twice[] = {extension, extension};
    CHECK_STR(verify(&machine, test_request_make(machine.keep_key, test_join(twice, 2)), none),
              "request.format");
    CHECK_STR(
        verify(&machine, test_request_make(machine.keep_key, snp_extension(&machine, true)), none),
        "evidence.extension");
    struct span kvm = test_extension(ENARX_OID "\x01", sizeof(ENARX_OID), false, none);
    CHECK_STR(verify(&machine, test_request_make(weak, kvm), none), "evidence.insecure");
    machine.policy.accept_unprotected = true;
    CHECK_STR(verify(&machine, test_request_make(weak, kvm), none), "accepted");
    CHECK_INT(machine.verdict.technology, ATTEST_KVM);
}

TEST(certificates, "a certificate that carries evidence is judged like a request")
{
    struct machine machine = new_machine(false);
    machine.policy.workload_optional = true;
    struct span none = {0};
    bound_request(&machine, none, none);
    struct test_certificate own = {"keep",
                                   "keep",
                                   machine.keep_key,
                                   machine.keep_key,
                                   7,
                                   FROM,
                                   UNTIL,
                                   snp_extension(&machine, false),
                                   false,
                                   -1};
    CHECK_STR(verify(&machine, test_certificate_make(&own), none), "accepted");
    own.until = NOW - 1;
    CHECK_STR(verify(&machine, test_certificate_make(&own), none), "certificate.expired");
    own.until = UNTIL;
    own.from = NOW + 1;
    CHECK_STR(verify(&machine, test_certificate_make(&own), none), "certificate.not_yet_valid");
}

TAP_MAIN()
