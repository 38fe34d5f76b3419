// SPDX-License-Identifier: Apache-2.0
/* Names of everything that has one: codes, technologies, statuses, products. */
#include "attest.h"

#define NAME_OF(table, index)                                                                      \
    ((size_t)(index) < sizeof(table) / sizeof((table)[0]) && (table)[index] ? (table)[index]       \
                                                                            : "unknown")

#define CODE_NAME(constant, name, meaning)    [ATTEST_##constant] = (name),
#define CODE_MEANING(constant, name, meaning) [ATTEST_##constant] = (meaning),

const char *attest_code_name(enum attest_code code)
{
    static const char *const names[] = {ATTEST_CODES(CODE_NAME)};
    return NAME_OF(names, code);
}

const char *attest_code_meaning(enum attest_code code)
{
    static const char *const meanings[] = {ATTEST_CODES(CODE_MEANING)};
    return NAME_OF(meanings, code);
}

const char *attest_technology_name(enum attest_technology technology)
{
    static const char *const names[] = {
        [ATTEST_TECHNOLOGY_NONE] = "none",
        [ATTEST_KVM] = "kvm",
        [ATTEST_SGX] = "sgx",
        [ATTEST_SNP] = "snp",
        [ATTEST_TDX] = "tdx",
    };
    return NAME_OF(names, technology);
}

const char *attest_tcb_status_name(enum attest_tcb_status status)
{
    static const char *const names[] = {
        [ATTEST_TCB_NONE] = "none",
        [ATTEST_UP_TO_DATE] = "UpToDate",
        [ATTEST_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
        [ATTEST_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
        [ATTEST_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
        [ATTEST_OUT_OF_DATE] = "OutOfDate",
        [ATTEST_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
        [ATTEST_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
        [ATTEST_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
        [ATTEST_REVOKED] = "Revoked",
        [ATTEST_NOT_SUPPORTED] = "NotSupported",
    };
    return NAME_OF(names, status);
}

const char *attest_product_name(enum attest_product product)
{
    static const char *const names[] = {
        [ATTEST_PRODUCT_NONE] = "none",
        [ATTEST_MILAN] = "Milan",
        [ATTEST_GENOA] = "Genoa",
        [ATTEST_TURIN] = "Turin",
    };
    return NAME_OF(names, product);
}
