// SPDX-License-Identifier: Apache-2.0
/* Is the quoting enclave Intel's, and which version of it? */
#include "attest/intel.h"

#include "base/bytes.h"
#include "codec/base64.h"
#include "codec/json.h"

#include <errno.h>
#include <string.h>

enum {
    REPORT_MISC_SELECT = 16,
    REPORT_ATTRIBUTES = 48,
    REPORT_MRSIGNER = 128,
    REPORT_PRODUCT = 256,
    REPORT_SVN = 258,
};

/* Identities of the quoting enclaves as Intel has published them unchanged since 2018, for evidence
 * that brings no document along (policy: builtin_identity). */
static const struct builtin {
    enum attest_technology technology;
    uint8_t mrsigner[32];
    uint16_t product, svn_min;
    uint64_t attributes, mask;
} builtins[] = {
    {ATTEST_SGX,
     {0x8C, 0x4F, 0x57, 0x75, 0xD7, 0x96, 0x50, 0x3E, 0x96, 0x13, 0x7F,
      0x77, 0xC6, 0x8A, 0x82, 0x9A, 0x00, 0x56, 0xAC, 0x8D, 0xED, 0x70,
      0x14, 0x0B, 0x08, 0x1B, 0x09, 0x44, 0x90, 0xC5, 0x7B, 0xFF},
     1,
     6,
     0x11,
     0xFFFFFFFFFFFFFFFBULL},
};

static int refuse_identity(struct judge *judge, const char *field, const uint8_t *found,
                           size_t size)
{
    return refuse(judge->verdict, QE_IDENTITY,
                  "%s of the quoting enclave's report is %s, which is not what its identity "
                  "demands",
                  field, hex_of(found, size).text);
}

static int check_builtin(struct judge *judge, const struct quote *quote, struct svn_choice *level)
{
    const uint8_t *report = quote->qe_report.data;
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
        const struct builtin *builtin = &builtins[i];
        if (builtin->technology != quote->technology)
            continue;
        if (memcmp(report + REPORT_MRSIGNER, builtin->mrsigner, 32) != 0)
            return refuse_identity(judge, "MRSIGNER", report + REPORT_MRSIGNER, 32);
        if (load_le16(report + REPORT_PRODUCT) != builtin->product)
            return refuse_identity(judge, "ISVPRODID", report + REPORT_PRODUCT, 2);
        if ((load_le64(report + REPORT_ATTRIBUTES) & builtin->mask) != builtin->attributes)
            return refuse_identity(judge, "ATTRIBUTES", report + REPORT_ATTRIBUTES, 16);
        if (!is_zero(report + REPORT_MISC_SELECT, 4))
            return refuse_identity(judge, "MISCSELECT", report + REPORT_MISC_SELECT, 4);
        if (load_le16(report + REPORT_SVN) < builtin->svn_min)
            return refuse_identity(judge, "ISVSVN", report + REPORT_SVN, 2);
        verdict_warn(judge->verdict, "no enclave identity was given: the quoting enclave was "
                                     "compared with the one that is compiled in");
        *level = (struct svn_choice){.status = ATTEST_UP_TO_DATE};
        return 0;
    }
    return refuse(judge->verdict, QE_IDENTITY_MISSING,
                  "the enclave identity %s was not given, and none is compiled in",
                  quote->technology == ATTEST_TDX ? "TD_QE" : "QE");
}

static int check_document(struct judge *judge, const struct quote *quote, struct span identity,
                          struct svn_choice *level)
{
    const uint8_t *report = quote->qe_report.data;
    struct span text, levels;
    uint8_t mrsigner[32];
    uint64_t product;
    if (!json_get_text(identity, "mrsigner", &text) ||
        hex_decode(text, mrsigner, sizeof(mrsigner)) < 0 ||
        !json_get_uint(identity, "isvprodid", UINT16_MAX, &product) ||
        !json_get(identity, "tcbLevels", &levels) ||
        !svn_choose(levels, load_le16(report + REPORT_SVN), level))
        return refuse(judge->verdict, QE_IDENTITY_FORMAT,
                      "the enclave identity lacks a member or has one of the wrong kind");
    if (memcmp(report + REPORT_MRSIGNER, mrsigner, sizeof(mrsigner)) != 0)
        return refuse_identity(judge, "MRSIGNER", report + REPORT_MRSIGNER, sizeof(mrsigner));
    if (load_le16(report + REPORT_PRODUCT) != product)
        return refuse_identity(judge, "ISVPRODID", report + REPORT_PRODUCT, 2);
    if (!json_masked_match(identity, "attributes", "attributesMask", report + REPORT_ATTRIBUTES,
                           16))
        return refuse_identity(judge, "ATTRIBUTES", report + REPORT_ATTRIBUTES, 16);
    if (!json_masked_match(identity, "miscselect", "miscselectMask", report + REPORT_MISC_SELECT,
                           4))
        return refuse_identity(judge, "MISCSELECT", report + REPORT_MISC_SELECT, 4);
    if (level->status == ATTEST_NOT_SUPPORTED)
        return refuse(judge->verdict, QE_STATUS,
                      "ISVSVN of the quoting enclave's report is %u, which is below every level of "
                      "its identity",
                      load_le16(report + REPORT_SVN));
    return 0;
}

int qe_identity_check(struct judge *judge, const struct quote *quote,
                      const struct attest_tcb_policy *policy, struct svn_choice *level)
{
    struct document document;
    struct document_query query = {
        .kind = POOL_IDENTITY,
        .id = quote->technology == ATTEST_TDX ? "TD_QE" : "QE",
        .version_min = 2,
        .version_max = 2,
        .optional = policy->builtin_identity,
    };
    int status = document_find(judge, &query, &document);
    if (status == -ENOENT)
        return check_builtin(judge, quote, level);
    return status == 0 ? check_document(judge, quote, document.whole, level) : status;
}
