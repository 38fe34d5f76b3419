// SPDX-License-Identifier: Apache-2.0
/* The policy file steward.toml. */
#include "steward/policy.h"
#include "tap.h"
#include "vectors.h"

#define HASH32 "\"4046ea255f0455131a024e1265ac1ebd131fdbd1240f1712a00381f6f04e8c15\""
#define HASH48                                                                                     \
    "\"ff717ae719840c93c1fca3b7db96488454c3c21b43531488eecff51cfed3febcd91da8be87a4cbcbc52a3bae"   \
    "770987c3\""

static struct policy_file file;
static struct err err;

static int parse(const char *text)
{
    policy_file_free(&file);
    err = (struct err){0};
    return policy_file_parse(span_of(text, strlen(text)), "p.toml", &file, &err);
}

static void refuses(const char *text, const char *message)
{
    CHECK(parse(text) < 0);
    CHECK_INT(err.class, ERR_CONFIG);
    if (!strstr(err.message, message))
        tap_fail(__FILE__, __LINE__, "\"%s\" does not contain \"%s\"", err.message, message);
}

TEST(original, "the original's own policy file is understood, and its flags count now")
{
    struct vector text = vector_load("enarx/steward/steward.toml");
    CHECK_INT(policy_file_parse(span_of(text.data, text.size), "steward.toml", &file, &err), 0);
    const struct attest_policy *policy = &file.policy;
    CHECK(policy->sgx.accepted && policy->snp.accepted && !policy->tdx.accepted);
    CHECK_INT(policy->sgx.measurements.count, 1);
    CHECK_INT(policy->sgx.attributes, 2 | 16 | 32 | 128);
    CHECK_INT(policy->sgx.tcb.advisories.count, 9);
    CHECK_STR(policy->sgx.tcb.advisories.items[8], "INTEL-SA-00657");
    CHECK_INT(policy->snp.abi_min, 0x133);
    CHECK_INT(policy->snp.flags_denied, ATTEST_GUEST_DEBUG | ATTEST_GUEST_SINGLE_SOCKET);
    CHECK(!policy->snp.debug && policy->snp.has_platform_exact);
    CHECK_INT(policy->snp.platform_exact, 1);
    CHECK_INT(policy->snp.revocation, ATTEST_REVOCATION_REQUIRED);
    CHECK(!policy->workload_optional && !policy->accept_unprotected);
    policy_file_free(&file);
}

TEST(empty, "a file without rules accepts nothing")
{
    CHECK_INT(parse(""), 0);
    CHECK(!file.policy.sgx.accepted && !file.policy.snp.accepted && !file.policy.tdx.accepted);
    CHECK_INT(file.certificate_lifetime, POLICY_LIFETIME_DEFAULT);
    CHECK_INT(file.limits.certifications_per_minute, POLICY_CERTIFICATIONS_DEFAULT);
    CHECK_INT(file.limits.burst, POLICY_BURST_DEFAULT);
    CHECK_INT(file.limits.connections, POLICY_CONNECTIONS_DEFAULT);
    refuses("[sgx]", "one of `signer`, `hash`, or `hash_blacklist` must be specified");
    refuses("[snp]\nmaximum_vmpl = 1", "one of `signer`");
    refuses("[tdx]", "one of `signer`");
}

TEST(additions, "what the original did not have")
{
    CHECK_INT(parse("workload = \"optional\"\nworkload_digest = [" HASH32 "]\ndebug = true\n"
                    "certificate_lifetime = 3600\n"
                    "[limits]\ncertifications_per_minute = 0\nburst = 7\nconnections = 1\n"
                    "[snp]\nhash = [" HASH48 "]\nproducts = [\"Genoa\", \"Turin\"]\n"
                    "crl = \"optional\"\nmaximum_vmpl = 2\nmitigations = 0x0b\n"
                    "platform_info_required = [\"AliasCheckComplete\"]\n"
                    "policy_flags_required = [\"PageSwapDisabled\"]\n"
                    "[snp.minimum_tcb.turin]\nfmc = 1\nmicrocode = 71\n"
                    "[tdx]\nhash = [" HASH48 "]\nrtmr3 = [" HASH48 "]\n"
                    "allowed_status = [\"UpToDate\", \"SWHardeningNeeded\"]\n"
                    "sept_ve_disable = \"required\"\nfeatures = [\"PerfMon\"]\n"
                    "[sgx]\nhash = [" HASH32 "]\nqe_identity = \"built-in\"\nmisc_select = []\n"
                    "minimum_tcb_evaluation = 17\nrefuse_hyperthreading = true\n"),
              0);
    const struct attest_policy *policy = &file.policy;
    CHECK(policy->workload_optional && policy->accept_unprotected);
    CHECK_INT(policy->workloads.count, 1);
    CHECK_INT(file.certificate_lifetime, 3600);
    CHECK_INT(file.limits.certifications_per_minute, 0);
    CHECK_INT(file.limits.burst, 7);
    CHECK_INT(file.limits.connections, 1);
    CHECK_INT(policy->snp.products, 1 << ATTEST_GENOA | 1 << ATTEST_TURIN);
    CHECK_INT(policy->snp.revocation, ATTEST_REVOCATION_OPTIONAL);
    CHECK_INT(policy->snp.vmpl_max, 2);
    CHECK_INT(policy->snp.mitigations, 11);
    CHECK_INT(policy->snp.platform_required, 1 << 5);
    CHECK_INT(policy->snp.flags_required, ATTEST_GUEST_PAGE_SWAP_DISABLED);
    CHECK_INT(policy->snp.tcb_min[ATTEST_TURIN].fmc, 1);
    CHECK_INT(policy->snp.tcb_min[ATTEST_TURIN].microcode, 71);
    CHECK_INT(policy->snp.tcb_min[ATTEST_MILAN].microcode, 0);
    CHECK_INT(policy->tdx.registers[3].count, 1);
    CHECK_INT(policy->tdx.tcb.statuses, 1 << ATTEST_UP_TO_DATE | 1 << ATTEST_SW_HARDENING_NEEDED);
    CHECK(policy->tdx.require_sept_ve_disable && policy->tdx.performance_counters);
    CHECK(!policy->tdx.debug && !policy->tdx.migration);
    CHECK(policy->sgx.tcb.builtin_identity && policy->sgx.refuse_smt);
    CHECK_INT(policy->sgx.misc_select, 0);
    CHECK_INT(policy->sgx.tcb.evaluation_min, 17);
    policy_file_free(&file);
}

TEST(strict, "what is not known, of the wrong kind or out of range is an error with a place")
{
    refuses("[sgx]\nhashes = []", "p.toml:2:1: unknown key \"hashes\" in [sgx]");
    CHECK_STR(err.hint, "Did you mean hash?");
    refuses("[sxg]\n", "unknown key \"sxg\" in the policy");
    refuses("sgx = 1", "[sgx] must be a table");
    refuses("[sgx]\nhash = " HASH32, "hash must be an array, not a string");
    refuses("[sgx]\nhash = [1]", "hash must be a string, not an integer");
    refuses("[sgx]\nhash = [\"4046\"]", "expected digest to have length of 32, got 2");
    refuses("[snp]\nhash = [" HASH32 "]", "expected digest to have length of 48, got 32");
    refuses("[sgx]\nhash = [\"zz46ea255f0455131a024e1265ac1ebd131fdbd1240f1712a00381f6f04e8c15\"]",
            "invalid hex in hash");
    refuses("[sgx]\nhash = [" HASH32 "]\nhash_blacklist = [" HASH32 "]",
            "the same value is in both hash and hash_blacklist");
    refuses("[sgx]\nhash = [" HASH32 "]\nfeatures = [\"Debugg\"]", "\"Debugg\" is not a value");
    refuses("[sgx]\nhash = [" HASH32 "]\nenclave_security_version = 65536", "from 0 to 65535");
    refuses("[sgx]\nhash = [" HASH32 "]\nenclave_security_version = -1", "from 0 to 65535");
    refuses("[sgx]\nhash = [" HASH32 "]\nallowed_status = [\"Revoked\"]", "\"Revoked\" is not");
    refuses("[snp]\nhash = [" HASH48 "]\nmaximum_vmpl = 4", "from 0 to 3");
    refuses("[snp]\nhash = [" HASH48 "]\nabi = \"x\"", "requirement on versions");
    refuses("[snp]\nhash = [" HASH48 "]\nplatform_info_flags = \"ECC\"", "\"SME\" or \"TSME\"");
    refuses("[snp]\nhash = [" HASH48 "]\n[snp.minimum_tcb.rome]\nsnp = 1", "unknown key \"rome\"");
    refuses("[snp]\nhash = [" HASH48 "]\n[snp.minimum_tcb.milan]\nsnp = 256", "from 0 to 255");
    refuses("workload = true", "workload must be a string");
    refuses("certificate_lifetime = 1", "at least 60 seconds");
    refuses("[limits]\nbursts = 1", "unknown key \"bursts\" in [limits]");
    refuses("[limits]\nburst = 0", "must be at least 1");
    refuses("[limits]\nconnections = 0", "must be at least 1");
    refuses("[limits]\ncertifications_per_minute = 4294967296", "from 0 to 4294967295");
    refuses("limits = 1", "[limits] must be a table");
    refuses("simulation_roots = [\"absent.pem\"]", "cannot open absent.pem");
    refuses("[sgx", "p.toml:1:");
}

TEST(versions, "requirements on versions are those of Cargo")
{
    static const struct {
        const char *text;
        int min, max; /* -1: refused */
    } rows[] = {
        {"*", 0, 0xFFFF},
        {">=1.51", 0x133, 0xFFFF},
        {"1.0", 0x100, 0x1FF},
        {"^1.5", 0x105, 0x1FF},
        {"0.31", 0x1F, 0x1F},
        {"1", 0x100, 0x1FF},
        {"=1.51", 0x133, 0x133},
        {"~1.51", 0x133, 0x133},
        {">1.51", 0x134, 0xFFFF},
        {">1", 0x200, 0xFFFF},
        {"<2", 0, 0x1FF},
        {"<=1", 0, 0x1FF},
        {"1.*", 0x100, 0x1FF},
        {">=1.51, <2", 0x133, 0x1FF},
        {"1.51.0", 0x133, 0x1FF},
        {">254.0", 0xFE01, 0xFFFF},
        {"", -1, 0},
        {"x", -1, 0},
        {"1.256", -1, 0},
        {"1..", -1, 0},
        {">=2, <1", -1, 0},
        {"<0.0", -1, 0},
        {"1.51.7", -1, 0},
        {">=1.51,", -1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint16_t min = 0, max = 0;
        int status = policy_parse_version(span_of(rows[i].text, strlen(rows[i].text)), &min, &max);
        if ((status < 0) != (rows[i].min < 0) ||
            (status == 0 && (min != rows[i].min || max != rows[i].max)))
            tap_fail(__FILE__, __LINE__, "\"%s\" is %d, %x to %x", rows[i].text, status, min, max);
    }
}

TAP_MAIN()
