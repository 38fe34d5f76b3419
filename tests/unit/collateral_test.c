// SPDX-License-Identifier: Apache-2.0
/* Where collateral is and what it is called. tests/e2e/collateral.sh fetches it. */
#include "collateral/item.h"
#include "tap.h"

#define INTEL "https://api.trustedservices.intel.com"

static const struct {
    struct collateral_item item;
    const char *url, *name;
} rows[] = {
    {{.kind = COLLATERAL_AMD_CRL, .of = COLLATERAL_MILAN},
     "https://kdsintf.amd.com/vcek/v1/Milan/crl",
     "amd-milan.crl"},
    {{.kind = COLLATERAL_INTEL_ROOT_CRL},
     "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
     "intel-root.crl"},
    {{.kind = COLLATERAL_INTEL_PCK_CRL, .of = COLLATERAL_PLATFORM},
     INTEL "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
     "intel-platform.crl"},
    {{.kind = COLLATERAL_INTEL_TCB, .of = COLLATERAL_TDX, .fmspc = "b0c06f000000"},
     INTEL "/tdx/certification/v4/tcb?fmspc=b0c06f000000",
     "tcb-tdx-b0c06f000000.json"},
    {{.kind = COLLATERAL_INTEL_IDENTITY, .of = COLLATERAL_SGX},
     INTEL "/sgx/certification/v4/qe/identity",
     "qe-sgx.json"},
};

static const struct collateral_item vcek = {
    .kind = COLLATERAL_AMD_VCEK,
    .of = COLLATERAL_TURIN,
    .chip = {0x3b, 0x42, 0x09, 0x2f, 0x69, 0xc6, 0x56, 0xd3},
    .chip_size = 8,
    .tcb = {.fmc = 1, .boot_loader = 2, .tee = 3, .snp = 4, .microcode = 255},
};

TEST(places, "the vendors would be asked for something else")
{
    char url[COLLATERAL_URL_MAX], name[COLLATERAL_NAME_MAX], large[COLLATERAL_URL_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(collateral_url(&rows[i].item, NULL, url) == 0);
        CHECK_STR(url, rows[i].url);
        collateral_name(&rows[i].item, name);
        CHECK_STR(name, rows[i].name);
    }
    CHECK(collateral_url(&vcek, "http://mirror/", url) == 0);
    CHECK_STR(url, "http://mirror/vcek/v1/Turin/3b42092f69c656d3"
                   "?blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=255&fmcSPL=01");
    collateral_name(&vcek, name);
    CHECK_STR(name, "vcek-turin-3b42092f69c656d3-1-2-3-4-255.der");
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    CHECK(collateral_url(&vcek, large, url) < 0);
}

TEST(names, "a refresh would leave out files, or take others for collateral")
{
    struct collateral_item item;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(collateral_of_name(rows[i].name, &item));
        CHECK(item.kind == rows[i].item.kind && item.of == rows[i].item.of);
        CHECK_STR(item.fmspc, rows[i].item.fmspc);
    }
    static const char *const others[] = {
        "",
        "x",
        "amd-.crl",
        "amd-rome.crl",
        "amd-milan.crl.old",
        "intel-.crl",
        "intel-platform.crl.issuer",
        "tcb-sgx-.json",
        "tcb-sgx-00a06711000.json",
        "tcb-sgx-00A067110000.json",
        "tcb-sgx-00a0671100000.json",
        "tcb-sgx-00a067110000",
        "tcb-milan-00a067110000.json",
        "qe-platform.json",
        "vcek-turin-3b42092f69c656d3-1-2-3-4-255.der", /* does not change with time */
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (collateral_of_name(others[i], &item))
            tap_fail(__FILE__, __LINE__, "%s", others[i]);
    }
}

TEST(matches, "the list of one product would be kept as that of another")
{
    const struct collateral_item *list = &rows[0].item, *tcb = &rows[3].item;
    struct attest_verdict verdict = {0};
    struct attest_collateral about = {.kind = ATTEST_COLLATERAL_CRL, .subject = "ARK-Milan"};
    CHECK(collateral_matches(list, &about, &verdict));
    strcpy(about.subject, "ARK-Genoa");
    CHECK(!collateral_matches(list, &about, &verdict));
    about = (struct attest_collateral){ATTEST_COLLATERAL_TCB_INFO, "TDX B0C06F000000", 0};
    CHECK(collateral_matches(tcb, &about, &verdict));
    strcpy(about.subject, "SGX B0C06F000000");
    CHECK(!collateral_matches(tcb, &about, &verdict));
    about = (struct attest_collateral){ATTEST_COLLATERAL_VEK, "VCEK", 0};
    strcpy(verdict.product, "Turin");
    memcpy(verdict.platform, vcek.chip, 8);
    verdict.platform_size = 8;
    verdict.snp_tcb = vcek.tcb;
    CHECK(collateral_matches(&vcek, &about, &verdict));
    verdict.snp_tcb.microcode--;
    CHECK(!collateral_matches(&vcek, &about, &verdict));
    verdict.snp_tcb = vcek.tcb;
    verdict.platform[7] ^= 1;
    CHECK(!collateral_matches(&vcek, &about, &verdict));
    verdict.platform[7] ^= 1;
    strcpy(about.subject, "VLEK");
    CHECK(!collateral_matches(&vcek, &about, &verdict));
}

TAP_MAIN()
