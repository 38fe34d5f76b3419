// SPDX-License-Identifier: Apache-2.0
/* TCB infos and enclave identities: choosing one and checking who signed it. */
#include "attest/intel.h"

#include "base/date.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <string.h>

enum { SIGNATURE_SIZE = 64, DOCUMENT_MAX = 1 << 20, MEMBERS = 2 };

/* What went wrong with documents that are about the right thing. */
enum trouble {
    TROUBLE_MISSING,
    TROUBLE_FORMAT,
    TROUBLE_NOT_YET_VALID,
    TROUBLE_EXPIRED,
    TROUBLE_SIGNATURE,
};

static int refuse_document(struct judge *judge, const struct document_query *query,
                           enum trouble trouble, const char *date)
{
    static const struct {
        enum attest_code tcb_info, identity;
        const char *what;
    } troubles[] = {
        [TROUBLE_MISSING] = {ATTEST_TCB_INFO_MISSING, ATTEST_QE_IDENTITY_MISSING, "was not given"},
        [TROUBLE_FORMAT] = {ATTEST_TCB_INFO_FORMAT, ATTEST_QE_IDENTITY_FORMAT,
                            "is not JSON of the form and version that is expected"},
        [TROUBLE_NOT_YET_VALID] = {ATTEST_TCB_INFO_NOT_YET_VALID, ATTEST_QE_IDENTITY_NOT_YET_VALID,
                                   "was issued after the time of the verification"},
        [TROUBLE_EXPIRED] = {ATTEST_TCB_INFO_EXPIRED, ATTEST_QE_IDENTITY_EXPIRED,
                             "has a nextUpdate before the time of the verification"},
        [TROUBLE_SIGNATURE] = {ATTEST_TCB_INFO_SIGNATURE, ATTEST_QE_IDENTITY_SIGNATURE,
                               "is not signed by Intel's TCB Signing key"},
    };
    bool tcb_info = query->kind == POOL_TCB_INFO;
    return verdict_refuse(judge->verdict,
                          tcb_info ? troubles[trouble].tcb_info : troubles[trouble].identity,
                          "the %s %s%s%s %s%s%s", tcb_info ? "TCB info" : "enclave identity",
                          query->id, tcb_info && query->pck ? " for the FMSPC " : "",
                          tcb_info && query->pck ? hex_of(query->pck->fmspc, 6).text : "",
                          troubles[trouble].what, date[0] ? ": " : "", date);
}

/* Two members and nothing else: what is signed, and the signature. */
static bool parse_frame(struct span text, const char *name, struct document *document)
{
    struct span top;
    if (text.size > DOCUMENT_MAX || json_parse(text, &top) < 0)
        return false;
    struct json_member member;
    unsigned count = 0;
    for (struct json_cursor cursor = json_members(top); json_next(&cursor, &member);)
        count++;
    return count == MEMBERS && json_get(top, name, &document->whole) &&
           document->whole.data[0] == '{' && json_get_text(top, "signature", &document->signature);
}

/* TCB infos of version 2 are of SGX and do not say so. */
static bool find_id(const struct document_query *query, struct document *document)
{
    document->id = SPAN_LITERAL("SGX");
    bool implied = query->kind == POOL_TCB_INFO && document->version == 2;
    return implied || json_get_text(document->whole, "id", &document->id);
}

static bool parse_document(struct span text, const struct document_query *query,
                           struct document *document)
{
    bool tcb_info = query->kind == POOL_TCB_INFO;
    struct span issued, next;
    return parse_frame(text, tcb_info ? "tcbInfo" : "enclaveIdentity", document) &&
           json_get_uint(document->whole, "version", 100, &document->version) &&
           find_id(query, document) &&
           json_get_uint(document->whole, "tcbEvaluationDataNumber", UINT32_MAX,
                         &document->evaluation) &&
           json_get_text(document->whole, "issueDate", &issued) &&
           date_parse(issued, &document->issued) &&
           json_get_text(document->whole, "nextUpdate", &next) && date_parse(next, &document->next);
}

static bool hex_equals(struct span object, const char *key, const uint8_t *value, size_t size)
{
    struct span text;
    uint8_t bytes[16];
    return json_get_text(object, key, &text) && hex_decode(text, bytes, size) == 0 &&
           memcmp(bytes, value, size) == 0;
}

static bool is_about(const struct document *document, const struct document_query *query)
{
    if (!span_equal(document->id, span_of(query->id, strlen(query->id))) ||
        document->version < query->version_min || document->version > query->version_max)
        return false;
    return !query->pck || (hex_equals(document->whole, "fmspc", query->pck->fmspc, 6) &&
                           hex_equals(document->whole, "pceId", query->pck->pce_id, 2));
}

static bool is_better(const struct document *a, const struct document *b)
{
    return a->evaluation != b->evaluation ? a->evaluation > b->evaluation : a->issued > b->issued;
}

/* Whether one of the pool's TCB Signing certificates signed the document; refuses if none is of
 * Intel's. */
static int check_signer(struct judge *judge, const struct document_query *query,
                        const struct document *document)
{
    uint8_t signature[SIGNATURE_SIZE];
    struct span bytes;
    size_t cursor = 0;
    int status = 1;
    if (hex_decode(document->signature, signature, sizeof(signature)) < 0)
        return refuse_document(judge, query, TROUBLE_SIGNATURE, "");
    /* Evidence may bring many signers along: only so many that are wrong are tried. */
    while (status != 0 && judge->wrong_count < WRONG_MAX &&
           pool_next(&judge->pool, POOL_CERTIFICATE, &cursor, &bytes)) {
        struct x509_certificate signer;
        struct chain chain;
        if (x509_parse(bytes, &signer) < 0 || signer.is_authority ||
            !span_equal(x509_common_name(signer.subject), SPAN_LITERAL("Intel SGX TCB Signing")) ||
            (signer.has_usage && !(signer.usage & X509_DIGITAL_SIGNATURE)))
            continue;
        if (crypto_verify_raw(&signer.key, X509_ECDSA_SHA256, document->whole,
                              span_of(signature, sizeof(signature))) < 0) {
            judge->wrong_count++;
            continue;
        }
        status = chain_build(judge, VENDOR_INTEL, "TCB Signing", &signer, &chain);
        if (status == 0)
            status = chain_check_revocation(judge, &chain, 0, ATTEST_REVOCATION_REQUIRED);
        judge->wrong_count += status < 0;
    }
    return status == 1 ? refuse_document(judge, query, TROUBLE_SIGNATURE, "") : status;
}

int document_find(struct judge *judge, const struct document_query *query,
                  struct document *document)
{
    enum trouble trouble = TROUBLE_MISSING;
    bool found = false, any = false;
    int64_t date = 0;
    size_t cursor = 0;
    struct span text;
    while (pool_next(&judge->pool, query->kind, &cursor, &text)) {
        struct document one;
        if (!parse_document(text, query, &one)) {
            trouble = trouble == TROUBLE_MISSING ? TROUBLE_FORMAT : trouble;
            continue;
        }
        if (!is_about(&one, query))
            continue;
        any = true;
        if (judge->time > one.next || judge->time < one.issued) {
            trouble = judge->time > one.next ? TROUBLE_EXPIRED : TROUBLE_NOT_YET_VALID;
            date = judge->time > one.next ? one.next : one.issued;
        } else if (!found || is_better(&one, document)) {
            *document = one;
            found = true;
        }
    }
    char shown[DATE_TEXT_SIZE] = "";
    if (!found && any)
        date_format(date, shown);
    if (!found && trouble == TROUBLE_MISSING && query->optional)
        return -ENOENT;
    if (!found)
        return refuse_document(judge, query, trouble, shown);
    int status = check_signer(judge, query, document);
    if (status == 0)
        verdict_window(judge->verdict, document->issued, document->next);
    return status;
}
