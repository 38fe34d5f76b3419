// SPDX-License-Identifier: Apache-2.0
#include "steward/service.h"

#include "codec/http1.h"
#include "codec/json_writer.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_SINGLE "application/pkcs10"
#define TYPE_BUNDLE "application/vnd.steward.pkcs10-bundle.v1"
#define TYPE_ANSWER "application/octet-stream"

void service_response_free(struct service_response *response)
{
    free(response->memory);
    *response = (struct service_response){0};
}

/* A status, with the reason as a problem (RFC 9457) for those who ask. */
static void refuse(const struct service_request *request, struct service_response *response,
                   unsigned status, const char *code, const char *reason)
{
    response->status = status;
    response->content_type = NULL;
    response->body = (struct span){0};
    if (!request->wants_reason)
        return;
    free(response->memory);
    response->memory = malloc(SERVICE_REASON_MAX);
    if (!response->memory)
        return;
    char type[96];
    snprintf(type, sizeof(type), "enarx:refusal/%s", code);
    struct text text = text_init((char *)response->memory, SERVICE_REASON_MAX);
    struct json_writer json = {.text = &text};
    json_open(&json, NULL, '{');
    json_string(&json, "type", type);
    json_string(&json, "title", http1_reason(status));
    json_number(&json, "status", status);
    json_string(&json, "code", code);
    json_string(&json, "detail", reason);
    json_close(&json, '}');
    response->content_type = "application/problem+json";
    response->body = text_span(&text);
}

/* Certificates of one answer, written from the last request to the first. */
struct answer {
    const struct service *service;
    const struct service_request *request;
    struct service_response *response;
    struct der_writer writer;
};

static bool judge(struct answer *answer, struct span bytes, struct attest_verdict *verdict)
{
    const struct service *service = answer->service;
    struct attest_request request = {
        .evidence = {bytes.data, bytes.size},
        .collateral = service->collateral,
        .collateral_count = service->collateral_count,
        .policy = &service->policy->policy,
        .time = answer->request->now,
    };
    uint8_t digest[CRYPTO_SHA256_SIZE] = {0};
    int status = attest_verify(&request, verdict);
    if (service->decided && (crypto_hash(CRYPTO_SHA256, &bytes, 1, digest) < 0 ||
                             service->decided(service->context, verdict, digest) < 0)) {
        refuse(answer->request, answer->response, 500, "internal",
               "the decision could not be recorded");
        return false;
    }
    if (status == 0)
        return true;
    unsigned http = verdict->code == ATTEST_EVIDENCE_ABSENT ? 401 : 400;
    refuse(answer->request, answer->response, verdict->code == ATTEST_INTERNAL ? 500 : http,
           attest_code_name(verdict->code), verdict->reason);
    return false;
}

/* Judges one certification request and writes its certificate before those written so far. */
static bool certify(struct answer *answer, struct span bytes)
{
    struct attest_verdict verdict;
    struct x509_request request;
    uint8_t buffer[ISSUED_MAX];
    struct span certificate;
    /* libattest judges certificates and raw reports as well: here they are not asked for. */
    if (x509_request_parse(bytes, &request) < 0) {
        refuse(answer->request, answer->response, 400, "request.format",
               "the body is not a certification request in DER");
        return false;
    }
    if (!judge(answer, bytes, &verdict))
        return false;
    struct issue issue = {.authority = answer->service->authority,
                          .verdict = &verdict,
                          .subject = request.subject,
                          .dns = answer->service->dns,
                          .now = answer->request->now,
                          .lifetime = answer->service->policy->certificate_lifetime};
    if (authority_issue(&issue, buffer, &certificate) < 0) {
        refuse(answer->request, answer->response, 500, "internal",
               "the certificate could not be made");
        return false;
    }
    der_put_raw(&answer->writer, certificate);
    return true;
}

/* Whether the client may have so many requests judged now. */
static bool admit(struct answer *answer, size_t count)
{
    const struct service *service = answer->service;
    unsigned seconds = service->admit ? service->admit(service->context, count) : 0;
    if (seconds == 0)
        return true;
    char reason[96];
    snprintf(reason, sizeof(reason), "too many certification requests: come again in %u seconds",
             seconds);
    refuse(answer->request, answer->response, 429, "limit.rate", reason);
    answer->response->retry_after = seconds;
    return false;
}

static bool prepare(struct answer *answer, size_t count)
{
    if (!admit(answer, count))
        return false;
    size_t size = (count + 1) * ISSUED_MAX + answer->service->authority->certificate_size;
    answer->response->memory = malloc(size);
    if (!answer->response->memory)
        refuse(answer->request, answer->response, 500, "internal", "there is no memory");
    answer->writer = der_writer_of(answer->response->memory, size);
    return answer->response->memory;
}

static void put_issuer(struct answer *answer)
{
    const struct authority *authority = answer->service->authority;
    der_put_raw(&answer->writer, span_of(authority->certificate, authority->certificate_size));
}

static void deliver(struct answer *answer)
{
    answer->response->status = 200;
    answer->response->content_type = TYPE_ANSWER;
    answer->response->body = der_written(&answer->writer);
}

/* PkiPath: the issuer, then the certificate. */
static void answer_single(struct answer *answer)
{
    if (!prepare(answer, 1))
        return;
    size_t mark = der_mark(&answer->writer);
    if (!certify(answer, answer->request->body))
        return;
    put_issuer(answer);
    der_close(&answer->writer, DER_SEQUENCE, mark);
    deliver(answer);
}

/* SEQUENCE { SEQUENCE OF the issuer, SEQUENCE OF issued in the order of the requests }. All or
 * nothing: the first that is refused decides. */
static void answer_bundle(struct answer *answer)
{
    struct span requests[SERVICE_REQUESTS_MAX];
    struct der top = der_of(answer->request->body);
    struct der bundle = der_enter(&top, DER_SEQUENCE);
    size_t count = 0;
    while (der_peek(&bundle) && count < SERVICE_REQUESTS_MAX)
        requests[count++] = der_whole(&bundle, DER_SEQUENCE);
    if (!der_end(&bundle) || !der_end(&top)) {
        refuse(answer->request, answer->response, 400, "request.format",
               "the body is not a SEQUENCE OF certification requests in DER");
        return;
    }
    if (!prepare(answer, count))
        return;
    size_t mark = der_mark(&answer->writer);
    while (count > 0) {
        if (!certify(answer, requests[--count]))
            return;
    }
    der_close(&answer->writer, DER_SEQUENCE, mark);
    size_t chain = der_mark(&answer->writer);
    put_issuer(answer);
    der_close(&answer->writer, DER_SEQUENCE, chain);
    der_close(&answer->writer, DER_SEQUENCE, mark);
    deliver(answer);
}

static void answer_post(struct answer *answer)
{
    static const char missing[] = "Header of type `content-type` was missing";
    const struct span *type = answer->request->content_type;
    if (type && span_equal(*type, SPAN_LITERAL(TYPE_SINGLE))) {
        answer_single(answer);
    } else if (type && span_equal(*type, SPAN_LITERAL(TYPE_BUNDLE))) {
        answer_bundle(answer);
    } else {
        refuse(answer->request, answer->response, 400, "request.content_type",
               type ? "the Content-Type is neither " TYPE_SINGLE " nor " TYPE_BUNDLE : missing);
        if (!type && !answer->request->wants_reason) {
            answer->response->content_type = "text/plain; charset=utf-8";
            answer->response->body = SPAN_LITERAL(missing);
        }
    }
}

static void answer_get(struct answer *answer)
{
    answer->response->status = 200;
}

/* Whether certificates can be issued now. */
static void answer_ready(struct answer *answer)
{
    const struct x509_certificate *own = &answer->service->authority->parsed;
    int64_t now = answer->request->now;
    answer->response->status = now >= own->not_before && now < own->not_after ? 200 : 503;
}

static const struct {
    const char *method, *target;
    void (*answer)(struct answer *);
} routes[] = {
    {"GET", "/", answer_get},      {"HEAD", "/", answer_get},        {"POST", "/", answer_post},
    {"GET", "/livez", answer_get}, {"GET", "/readyz", answer_ready},
};

void service_answer(const struct service *service, const struct service_request *request,
                    struct service_response *response)
{
    struct answer answer = {.service = service, .request = request, .response = response};
    bool known = false;
    *response = (struct service_response){0};
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!span_equal(request->target, span_of(routes[i].target, strlen(routes[i].target))))
            continue;
        known = true;
        if (span_equal(request->method, span_of(routes[i].method, strlen(routes[i].method)))) {
            routes[i].answer(&answer);
            return;
        }
    }
    refuse(request, response, known ? 405 : 404, "request.target",
           known ? "the method is not allowed here" : "there is nothing here");
}
