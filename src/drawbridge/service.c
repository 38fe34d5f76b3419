// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/service.h"

#include "drawbridge/upload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer_health(struct exchange *exchange)
{
    respond(exchange, 200);
}

/* Whether people can log in and the store answers. */
static void answer_ready(struct exchange *exchange)
{
    struct store_value value = {0};
    int status = store_get(exchange->service->store, "ready", &value);
    free(value.data);
    respond(exchange, exchange->service->keys && (status == 0 || status == -ENOENT) ? 200 : 503);
}

static void (*const handlers[ROUTE_KINDS])(struct exchange *) = {
    [ROUTE_HEALTH] = answer_health,
    [ROUTE_READY] = answer_ready,
    [ROUTE_SEARCH] = answer_search,
    [ROUTE_USER] = answer_user,
    [ROUTE_USAGE] = answer_usage,
    [ROUTE_REPOSITORY] = answer_repository,
    [ROUTE_GRANTS] = answer_grants,
    [ROUTE_GRANT] = answer_grant,
    [ROUTE_TOKENS] = answer_tokens,
    [ROUTE_TOKEN] = answer_token,
    [ROUTE_UPLOADS] = answer_uploads,
    [ROUTE_UPLOAD] = answer_upload,
    [ROUTE_TAGS] = answer_tags,
    [ROUTE_TAG] = answer_tag,
    [ROUTE_TREE] = answer_tree,
    [ROUTE_YANK] = answer_yank,
    [ROUTE_RESTORE] = answer_restore,
    [ROUTE_SIGNATURES] = answer_signatures,
    [ROUTE_META] = answer_meta,
    [ROUTE_OCI_BASE] = answer_oci_base,
    [ROUTE_OCI_TAGS] = answer_oci_tags,
    [ROUTE_OCI_MANIFEST] = answer_oci_manifest,
    [ROUTE_OCI_BLOB] = answer_oci_blob,
    [ROUTE_OCI_UPLOADS] = answer_oci_uploads,
    [ROUTE_OCI_UPLOAD] = answer_oci_upload,
    [ROUTE_OCI_REFERRERS] = answer_oci_referrers,
};

static void copy_name(struct span name, char out[256])
{
    snprintf(out, 256, "%.*s", (int)name.size, (const char *)name.data);
}

/* False if the target was refused already. */
static bool open_exchange(struct exchange *exchange, const struct service *service,
                          const struct service_request *request, struct service_response *response)
{
    char problem[ROUTE_PROBLEM_SIZE];
    *exchange = (struct exchange){.service = service, .request = request, .response = response};
    unsigned status = route_parse(request->target, &exchange->route, problem);
    response->kind = exchange->route.kind;
    if (status != 0)
        return refuse(exchange, status, "%s", problem);
    copy_name(exchange->route.user, response->user);
    copy_name(exchange->route.repository, response->repository);
    if (exchange->route.kind != ROUTE_HEALTH && store_refresh(service->store) < 0)
        return refuse(exchange, 503, "The store cannot be reached");
    return true;
}

static void close_exchange(struct exchange *exchange)
{
    record_free(&exchange->tag);
    record_free(&exchange->repository);
    if (exchange->password)
        explicit_bzero(exchange->password, exchange->password_size);
    free(exchange->password);
}

enum service_begun service_begin(const struct service *service,
                                 const struct service_request *request,
                                 struct service_upload **upload, struct service_response *response)
{
    struct exchange exchange;
    if (!open_exchange(&exchange, service, request, response))
        return SERVICE_ANSWERED;
    if (!is_streamed(&exchange)) {
        close_exchange(&exchange);
        return SERVICE_COLLECT;
    }
    *upload = exchange.route.kind == ROUTE_TREE     ? begin_tree_upload(&exchange)
              : exchange.route.kind == ROUTE_UPLOAD ? begin_upload_patch(&exchange)
                                                    : begin_oci_upload(&exchange);
    close_exchange(&exchange);
    return *upload ? SERVICE_UPLOAD : SERVICE_ANSWERED;
}

void service_answer(const struct service *service, const struct service_request *request,
                    struct service_response *response)
{
    struct exchange exchange;
    bool routed = open_exchange(&exchange, service, request, response);
    /* A manifest of OCI may be made when it is asked for. */
    bool reads = routed && method_reads(&exchange) && !route_is_oci(exchange.route.kind);
    if (reads)
        store_view_begin(service->store);
    if (routed)
        handlers[exchange.route.kind](&exchange);
    if (reads)
        store_view_end(service->store);
    close_exchange(&exchange);
}
