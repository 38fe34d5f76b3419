// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as the body of a request to a Steward, alone and as a bundle. Every
 * answer has a status that docs/steward.md lists; what is issued is a certificate of the authority.
 */
#include "steward/service.h"

#include <stdlib.h>

enum { NOW = 1675209600 /* 2023-02-01, when the seeds are accepted */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_issued(const struct authority *authority, struct span answer)
{
    struct x509_certificate certificate;
    struct der top = der_of(answer);
    struct der path = der_enter(&top, DER_SEQUENCE);
    der_whole(&path, DER_SEQUENCE);
    struct span issued = der_whole(&path, DER_SEQUENCE);
    if (!der_end(&path) || !der_end(&top) || x509_parse(issued, &certificate) < 0 ||
        !span_equal(certificate.issuer, authority->parsed.subject))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct span types[] = {SPAN_INIT("application/pkcs10"),
                                        SPAN_INIT("application/vnd.steward.pkcs10-bundle.v1")};
    static struct authority authority;
    static struct policy_file policy = {.certificate_lifetime = POLICY_LIFETIME_DEFAULT};
    if (!authority.signer && authority_generate(&authority, "fuzz", NOW, NULL) < 0)
        abort();
    attest_policy_any(&policy.policy);
    policy.policy.workload_optional = policy.policy.accept_unprotected = true;
    struct service service = {.authority = &authority, .policy = &policy};
    for (size_t i = 0; i < 2; i++) {
        struct service_request request = {.method = SPAN_LITERAL("POST"),
                                          .target = SPAN_LITERAL("/"),
                                          .content_type = &types[i],
                                          .wants_reason = true,
                                          .body = span_of(data, size),
                                          .now = NOW};
        struct service_response response;
        service_answer(&service, &request, &response);
        if (response.status != 200 && response.status != 400 && response.status != 401)
            abort();
        if (response.status == 200 && i == 0)
            check_issued(&authority, response.body);
        service_response_free(&response);
    }
    return 0;
}
