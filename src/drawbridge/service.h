/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Drawbridge answers: from a request of HTTP to its response, without sockets.
 * docs/drawbridge-api.md describes the interface.
 *
 *     struct service_response *response = service_response_new();
 *     struct service_upload *upload;
 *     switch (service_begin(&service, &request, &upload, response)) {
 *     case SERVICE_COLLECT:   the body is JSON: service_answer when it is there
 *     case SERVICE_UPLOAD:    service_upload_add for each piece, then service_upload_end or _drop
 *     case SERVICE_ANSWERED:  the response is filled
 *     }
 *
 * A service belongs to one thread, as its store does.
 */
#pragma once

#include "base/text.h"
#include "codec/http1.h"
#include "drawbridge/oidc.h"
#include "drawbridge/route.h"
#include "drawbridge/store.h"

enum {
    SERVICE_BODY_MAX = 2 << 20, /* of JSON */
    SERVICE_HEADERS_MAX = 9,
    SERVICE_HEADER_BYTES = 3072,
    SERVICE_TECHNOLOGIES_MAX = 16,
};

/* What an administrator decides. */
struct service_rules {
    const char *issuer, *audience;
    const char *technologies[SERVICE_TECHNOLOGIES_MAX]; /* of Keeps; NULL ends them */
    uint64_t file_max;                                  /* bytes; 0: no limit */
    uint64_t user_bytes_max, user_repositories_max;     /* 0: no limit */
    uint64_t users_per_subject;                         /* 0: no limit */
    int64_t retention;                                  /* seconds that a deleted tag is kept */
};

struct service {
    struct store *store;
    const struct service_rules *rules;
    const struct jwk_set *keys; /* of the provider; NULL: none were read yet */
    /* A token names a key that is not there: reads the set again, if it may, and returns it. */
    const struct jwk_set *(*other_keys)(void *context);
    void *context;
};

struct service_request {
    struct span method, target;
    const struct http1_head *head;
    struct span body;        /* what was collected */
    struct span certificate; /* of the client, DER, its chain verified; or empty */
    int64_t now;             /* seconds since 1970 */
};

/* Released by service_response_free. */
struct service_response {
    unsigned status;
    const char *content_type; /* NULL: no body */
    struct span body;         /* into `memory`, or a constant */
    uint8_t *memory;
    struct content *content; /* instead of `body`: so many bytes from an offset */
    uint64_t offset, length;
    struct {
        const char *name, *value; /* values into header_bytes, or constants */
    } headers[SERVICE_HEADERS_MAX];
    size_t header_count;
    struct text header_text;
    char header_bytes[SERVICE_HEADER_BYTES];
    enum route_kind kind; /* for logs and metrics, as are user and repository */
    char user[256], repository[256];
};

/* NULL without memory. */
struct service_response *service_response_new(void);
void service_response_free(struct service_response *response);
const char *service_response_header(const struct service_response *response, const char *name);

struct service_upload;
enum service_begun { SERVICE_COLLECT, SERVICE_UPLOAD, SERVICE_ANSWERED };

/* The head of a request with a body is there. Never fails: what goes wrong becomes a status. */
enum service_begun service_begin(const struct service *service,
                                 const struct service_request *request,
                                 struct service_upload **upload, struct service_response *response);
/* A negative errno when no more is wanted; service_upload_end says why. */
int service_upload_add(struct service_upload *upload, struct span piece);
/* Whether its end takes long: then it is better left to a thread that serves nobody. */
bool service_upload_is_long(const struct service_upload *upload);
/* Its end will be by another service, of another thread, with another handle of the same store. */
void service_upload_move(struct service_upload *upload, const struct service *service);
/* Both release the upload. */
void service_upload_end(struct service_upload *upload, struct service_response *response);
void service_upload_drop(struct service_upload *upload);

/* Answers a request whose body, if it has one, was collected. */
void service_answer(const struct service *service, const struct service_request *request,
                    struct service_response *response);

/* What has to be done from time to time: tags whose retention is over, tokens that have expired,
 * uploads that were given up, and garbage of the store. 0 or -errno. */
__attribute__((warn_unused_result)) int service_care(const struct service *service, int64_t now,
                                                     uint64_t *removed);
/* Compares the records with each other and with the contents; then store_check. */
__attribute__((warn_unused_result)) int service_check(struct store *store, store_problem_fn problem,
                                                      void *context, uint64_t *contents);
