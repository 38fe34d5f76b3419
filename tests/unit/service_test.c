// SPDX-License-Identifier: Apache-2.0
/* A Steward's answers, without sockets. tests/e2e/steward.sh asks the program. */
#include "steward/service.h"
#include "tap.h"
#include "vectors.h"

#include <errno.h>

enum { NOW = 1675209600 /* 2023-02-01 */ };

static struct authority authority;
static struct policy_file policy = {.certificate_lifetime = 3600};
static struct service service = {.authority = &authority, .policy = &policy};
static struct service_response response;
static int decided_status, decided_count;

static int decided(void *context, const struct attest_verdict *verdict, const uint8_t digest[32])
{
    (void)context, (void)digest;
    decided_count += verdict->code == ATTEST_ACCEPTED;
    return decided_status;
}

static void start(int64_t now)
{
    CHECK_INT(authority_generate(&authority, "test", now, NULL), 0);
    attest_policy_any(&policy.policy);
    policy.policy.workload_optional = true;
    service.decided = decided;
}

static unsigned ask(const char *method, const char *target, struct span body, int64_t now)
{
    static const struct span type = SPAN_INIT("application/pkcs10");
    struct service_request request = {.method = span_of(method, strlen(method)),
                                      .target = span_of(target, strlen(target)),
                                      .content_type = &type,
                                      .body = body,
                                      .now = now};
    service_response_free(&response);
    service_answer(&service, &request, &response);
    return response.status;
}

static void stop(void)
{
    service_response_free(&response);
    authority_free(&authority);
}

/* The certificate that was issued. */
static struct x509_certificate issued(void)
{
    struct x509_certificate certificate;
    struct der top = der_of(response.body);
    struct der path = der_enter(&top, DER_SEQUENCE);
    struct span issuer = der_whole(&path, DER_SEQUENCE);
    CHECK(span_equal(issuer, span_of(authority.certificate, authority.certificate_size)));
    CHECK_INT(x509_parse(der_whole(&path, DER_SEQUENCE), &certificate), 0);
    CHECK(der_end(&path) && der_end(&top));
    return certificate;
}

TEST(lifetime, "a certificate ends with the lifetime, the authority or the collateral")
{
    struct vector request = vector_load("enarx/steward/milan.signed.crl.csr");
    struct span body = span_of(request.data, request.size);
    start(NOW);
    CHECK_INT(ask("POST", "/", body, NOW), 200);
    CHECK_INT(decided_count, 1);
    CHECK_INT(issued().not_after, NOW + 3600);
    CHECK_INT(issued().not_before, NOW);
    CHECK(!issued().is_authority);
    policy.certificate_lifetime = 300 * 24 * 3600;
    CHECK_INT(ask("POST", "/", body, NOW), 200);
    CHECK_INT(issued().not_after, moment("2023-05-09T23:00:00Z")); /* AMD's list */
    stop();
    int64_t before = NOW - (int64_t)364 * 24 * 3600;
    start(before);
    CHECK_INT(ask("POST", "/", body, NOW), 200);
    CHECK_INT(issued().not_after, before + (int64_t)365 * 24 * 3600);
    stop();
}

TEST(serials, "serial numbers are positive, long and never the same")
{
    struct vector request = vector_load("enarx/steward/milan.signed.crl.csr");
    struct span body = span_of(request.data, request.size);
    uint8_t first[16];
    start(NOW);
    CHECK_INT(ask("POST", "/", body, NOW), 200);
    CHECK_INT(issued().serial.size, sizeof(first));
    memcpy(first, issued().serial.data, sizeof(first));
    CHECK_INT(ask("POST", "/", body, NOW), 200);
    CHECK(memcmp(first, issued().serial.data, sizeof(first)) != 0);
    stop();
}

TEST(unrecorded, "what cannot be recorded is not issued")
{
    struct vector request = vector_load("enarx/steward/milan.signed.crl.csr");
    start(NOW);
    decided_status = -EIO;
    CHECK_INT(ask("POST", "/", span_of(request.data, request.size), NOW), 500);
    CHECK_INT(response.body.size, 0);
    stop();
}

static size_t admitted_count;

static unsigned admit(void *context, size_t count)
{
    (void)context;
    admitted_count = count;
    return count > 1 ? 17 : 0;
}

TEST(limited, "who asks too often would be judged nevertheless, or not told when to come again")
{
    struct vector request = vector_load("enarx/steward/milan.signed.crl.csr");
    struct span body = span_of(request.data, request.size);
    static const struct span bundle = SPAN_INIT("application/vnd.steward.pkcs10-bundle.v1");
    struct service_request asked = {.method = SPAN_LITERAL("POST"),
                                    .target = SPAN_LITERAL("/"),
                                    .content_type = &bundle,
                                    .wants_reason = true,
                                    .body = SPAN_LITERAL("\x30\x04\x30\x00\x30\x00"),
                                    .now = NOW};
    start(NOW);
    service.admit = admit;
    CHECK_INT(ask("POST", "/", body, NOW), 200);
    CHECK_INT(admitted_count, 1);
    CHECK_INT(response.retry_after, 0);
    service_response_free(&response);
    decided_count = 0;
    service_answer(&service, &asked, &response);
    CHECK_INT(response.status, 429);
    CHECK_INT(response.retry_after, 17);
    CHECK_INT(admitted_count, 2);
    CHECK_INT(decided_count, 0);
    CHECK(memmem(response.body.data, response.body.size, "\"limit.rate\"", 12));
    CHECK(memmem(response.body.data, response.body.size, "again in 17 seconds", 19));
    stop();
}

TEST(ready, "an authority that is not valid now is not ready, but lives")
{
    start(NOW);
    CHECK_INT(ask("GET", "/readyz", (struct span){0}, NOW), 200);
    CHECK_INT(ask("GET", "/readyz", (struct span){0}, NOW + (int64_t)366 * 24 * 3600), 503);
    CHECK_INT(ask("GET", "/readyz", (struct span){0}, NOW - 1), 503);
    CHECK_INT(ask("GET", "/livez", (struct span){0}, NOW - 1), 200);
    CHECK_INT(ask("GET", "/", (struct span){0}, NOW), 200);
    CHECK_INT(ask("GET", "/?", (struct span){0}, NOW), 404);
    CHECK_INT(ask("DELETE", "/", (struct span){0}, NOW), 405);
    stop();
}

TEST(raw, "reports and certificates, which the verifier would judge, are no requests")
{
    struct vector report = vector_load("veraison/milan-v3.report.bin");
    struct vector vcek = vector_load("veraison/milan-v3.vcek.der");
    start(NOW);
    CHECK_INT(ask("POST", "/", span_of(report.data, report.size), NOW), 400);
    CHECK_INT(ask("POST", "/", span_of(vcek.data, vcek.size), NOW), 400);
    CHECK_INT(ask("POST", "/", (struct span){0}, NOW), 400);
    CHECK_INT(decided_count, 0);
    stop();
}

TAP_MAIN()
