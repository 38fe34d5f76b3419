/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Steward answers: from a request of HTTP to its response, without I/O. docs/steward.md
 * describes the interface, which is the original's.
 */
#pragma once

#include "steward/authority.h"
#include "steward/policy.h"

enum { SERVICE_BODY_MAX = 2 << 20, SERVICE_REQUESTS_MAX = 1024, SERVICE_REASON_MAX = 2048 };

/* Told of every request that was judged, also of those in bundles. Nothing is issued if it returns
 * a negative errno: what cannot be recorded did not happen. */
typedef int (*service_decided_fn)(void *context, const struct attest_verdict *verdict,
                                  const uint8_t digest[32] /* SHA-256 of the request */);

/* Asked before so many requests are judged. 0 to go on, or the seconds after which the client, who
 * is known from the context, may come again. */
typedef unsigned (*service_admit_fn)(void *context, size_t count);

struct service {
    const struct authority *authority;
    const struct policy_file *policy;
    const struct attest_bytes *collateral;
    size_t collateral_count;
    const char *dns;            /* an extra name for every certificate, or NULL */
    service_decided_fn decided; /* or NULL */
    service_admit_fn admit;     /* or NULL */
    void *context;
};

struct service_request {
    struct span method, target;
    const struct span *content_type; /* NULL: there is none */
    bool wants_reason;               /* the client accepts application/problem+json */
    struct span body;
    int64_t now;
};

struct service_response {
    unsigned status;
    const char *content_type; /* NULL: no body */
    unsigned retry_after;     /* seconds, with status 429 */
    uint8_t *memory;          /* released by service_response_free */
    struct span body;         /* into memory, or a constant */
};

/* Answers. Never fails: what goes wrong becomes a status. */
void service_answer(const struct service *service, const struct service_request *request,
                    struct service_response *response);
void service_response_free(struct service_response *response);
