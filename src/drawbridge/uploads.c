// SPDX-License-Identifier: Apache-2.0
/* Bodies that stream into the store, and uploads that can be taken up again. */
#include "drawbridge/upload.h"

#include "base/cleanup.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/sign.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LONG_SIZE = 1 << 20 /* bytes that are not hashed and written in no time */ };

static struct record_key upload_key(const struct route *route)
{
    return RECORD_KEY('p', route->user, route->repository, route->id);
}

bool upload_find(struct exchange *exchange, char id[STORE_ID_MAX + 1], uint64_t *size)
{
    const struct span name = exchange->route.id;
    struct store_value value = {0};
    struct record_key key = upload_key(&exchange->route);
    int status = name.size > 0 && name.size <= STORE_ID_MAX
                     ? store_get(exchange->service->store, key.text, &value)
                     : -ENOENT;
    free(value.data);
    if (status == 0) {
        snprintf(id, STORE_ID_MAX + 1, "%.*s", (int)name.size, (const char *)name.data);
        status = store_stage_size(exchange->service->store, id, size);
    }
    if (status == -ENOENT)
        return refuse(exchange, 404, "There is no such upload");
    return status == 0 ? true : refuse_errno(exchange, status);
}

bool upload_resolve(struct exchange *exchange, struct put *put)
{
    const struct span *name = find_header(exchange, "drawbridge-upload");
    char id[STORE_ID_MAX + 1];
    if (!name)
        return true;
    if (put->length != 0)
        return refuse(exchange, 400, "An upload that is complete is named with an empty body");
    exchange->route.id = *name;
    return name_is_user(*name) ? upload_find(exchange, id, &put->length)
                               : refuse(exchange, 400, "The name of the upload is malformed");
}

void upload_release(struct service_upload *upload)
{
    stage_free(upload->stage);
    record_free(&upload->exchange.tag);
    record_free(&upload->exchange.repository);
    free(upload);
}

/* Copies what is needed when the request's head is gone. */
static bool copy_request(struct service_upload *upload, const struct exchange *from)
{
    const struct service_request *request = from->request;
    char problem[ROUTE_PROBLEM_SIZE];
    if (request->target.size >= sizeof(upload->target) ||
        request->method.size > sizeof(upload->method))
        return false;
    memcpy(upload->target, request->target.data, request->target.size);
    memcpy(upload->method, request->method.data, request->method.size);
    upload->request = (struct service_request){
        .method = span_of(upload->method, request->method.size),
        .target = span_of(upload->target, request->target.size),
        .head = &upload->head,
        .now = request->now,
    };
    struct exchange *exchange = &upload->exchange;
    exchange->service = from->service;
    exchange->request = &upload->request;
    return route_parse(upload->request.target, &exchange->route, problem) == 0;
}

/* NULL, refused, without memory. */
static struct service_upload *allocate(struct exchange *exchange)
{
    struct service_upload *upload = calloc(1, sizeof(*upload));
    if (!upload || !copy_request(upload, exchange)) {
        free(upload);
        refuse_errno(exchange, -ENOMEM);
        return NULL;
    }
    upload->exchange.tag = exchange->tag;
    upload->exchange.repository = exchange->repository;
    exchange->tag = exchange->repository = (struct record){0};
    return upload;
}

static bool refuse_busy(struct exchange *exchange)
{
    return refuse(exchange, 409, "Somebody adds to this upload right now");
}

static bool open_stage(struct service_upload *upload, struct exchange *exchange, const char *id)
{
    int status = store_stage(exchange->service->store, id, &upload->stage);
    if (status == -EBUSY)
        return refuse_busy(exchange);
    return status == 0 ? true : refuse_errno(exchange, status);
}

struct service_upload *upload_new(struct exchange *exchange, const struct put *put,
                                  const struct digests *expected)
{
    const struct span *name = find_header(exchange, "drawbridge-upload");
    char id[STORE_ID_MAX + 1];
    struct service_upload *upload = allocate(exchange);
    if (!upload)
        return NULL;
    upload->put = *put;
    memcpy(upload->type, put->type.data, put->type.size);
    upload->put.type = span_of(upload->type, put->type.size);
    upload->expected = *expected;
    upload->max = put->length;
    if (name)
        snprintf(id, sizeof(id), "%.*s", (int)name->size, (const char *)name->data);
    if (open_stage(upload, exchange, name ? id : NULL))
        return upload;
    upload_release(upload);
    return NULL;
}

int service_upload_add(struct service_upload *upload, struct span piece)
{
    if (upload->stage->length > upload->max || piece.size > upload->max - upload->stage->length)
        upload->status = upload->kind == UPLOAD_NODE ? -EFBIG : -EDQUOT;
    else
        upload->status = stage_add(upload->stage, piece);
    return upload->status;
}

static void end_part(struct service_upload *upload, struct exchange *exchange)
{
    uint64_t size = upload->stage->length;
    if (upload->status == 0)
        upload->status = stage_save(upload->stage);
    if (upload->status == -EBUSY) {
        refuse_busy(exchange);
        return;
    }
    if (upload->status < 0) {
        refuse_errno(exchange, upload->status);
        return;
    }
    if (upload->kind == UPLOAD_OCI_PART) {
        finish_oci_part(exchange, size);
        return;
    }
    respond(exchange, 204);
    add_header(exchange, "Upload-Offset", "%" PRIu64, size);
}

void upload_forget(struct exchange *exchange)
{
    struct record_key key = upload_key(&exchange->route);
    struct store_change change = {.key = key.text};
    /* If that fails, the next care removes it. */
    (void)!store_write(exchange->service->store, NULL, &change, 1);
}

static void end_node(struct service_upload *upload, struct exchange *exchange)
{
    if (upload->status == 0)
        upload->status = stage_end(upload->stage);
    if (upload->status == -EFBIG)
        refuse(exchange, 400, "Content length mismatch, expected: %" PRIu64 ", got more",
               upload->max);
    else if (upload->status < 0)
        refuse_errno(exchange, upload->status);
    else if (upload->kind == UPLOAD_OCI_BLOB)
        finish_oci_blob(exchange, upload->stage, upload->wanted);
    else
        finish_tree(exchange, upload->stage, &upload->put, &upload->expected);
    if (exchange->response->status == 201 && exchange->route.id.size > 0)
        upload_forget(exchange);
}

static void end(struct service_upload *upload, struct service_response *response)
{
    struct exchange *exchange = &upload->exchange;
    exchange->response = response;
    if (upload->kind == UPLOAD_PART || upload->kind == UPLOAD_OCI_PART)
        end_part(upload, exchange);
    else
        end_node(upload, exchange);
    upload_release(upload);
}

void service_upload_end(struct service_upload *upload, struct service_response *response)
{
    const struct route *route = &upload->exchange.route;
    response->kind = route->kind;
    snprintf(response->user, sizeof(response->user), "%.*s", (int)route->user.size,
             (const char *)route->user.data);
    snprintf(response->repository, sizeof(response->repository), "%.*s",
             (int)route->repository.size, (const char *)route->repository.data);
    end(upload, response);
}

bool service_upload_is_long(const struct service_upload *upload)
{
    return upload->stage->length > LONG_SIZE || store_is_remote(upload->stage->store);
}

void service_upload_move(struct service_upload *upload, const struct service *service)
{
    upload->exchange.service = service;
    upload->stage->store = service->store;
}

void service_upload_drop(struct service_upload *upload)
{
    upload_release(upload);
}

void upload_complete(struct service_upload *upload, struct exchange *exchange)
{
    struct span body = exchange->request->body;
    upload->exchange.route.id = exchange->route.id;
    if (body.size == 0 || service_upload_add(upload, body) == 0)
        upload->status = 0;
    end(upload, exchange->response);
}

static bool read_offset(struct exchange *exchange, uint64_t *offset)
{
    const struct span *value = find_header(exchange, "upload-offset");
    if (!value || !json_uint(*value, INT64_MAX, offset))
        return refuse(exchange, 400, "Header of type `upload-offset` was missing or malformed");
    return true;
}

/* Bytes that an upload may have: what a file may, and what is left of the quota. */
static uint64_t room_for(struct exchange *exchange, const struct service_rules *rules)
{
    struct record_key key = RECORD_KEY('q', exchange->route.user);
    struct store_value value = {0};
    struct span json;
    uint64_t max = rules->file_max ? rules->file_max : INT64_MAX, used = 0;
    if (rules->user_bytes_max == 0)
        return max;
    if (store_get(exchange->service->store, key.text, &value) == 0 &&
        json_parse(span_of(value.data, value.size), &json) == 0)
        json_get_uint(json, "bytes", INT64_MAX, &used);
    free(value.data);
    uint64_t left = rules->user_bytes_max > used ? rules->user_bytes_max - used : 0;
    return left < max ? left : max;
}

struct service_upload *upload_continue(struct exchange *exchange, enum upload_kind kind,
                                       const uint64_t *offset)
{
    const struct service_rules *rules = exchange->service->rules;
    char id[STORE_ID_MAX + 1];
    uint64_t size;
    if (!upload_find(exchange, id, &size))
        return NULL;
    struct service_upload *upload = allocate(exchange);
    if (!upload)
        return NULL;
    upload->kind = kind;
    upload->max = room_for(exchange, rules);
    if (!open_stage(upload, exchange, id)) {
        upload_release(upload);
        return NULL;
    }
    size = upload->stage->length;
    if (!offset || size == *offset)
        return upload;
    upload_release(upload);
    if (kind == UPLOAD_PART) {
        refuse(exchange, 409, "The upload has %" PRIu64 " bytes", size);
        add_header(exchange, "Upload-Offset", "%" PRIu64, size);
    } else {
        refuse(exchange, 416, "The upload has %" PRIu64 " bytes", size);
    }
    return NULL;
}

struct service_upload *begin_upload_patch(struct exchange *exchange)
{
    uint64_t offset;
    if (!allow_writer(exchange) || !read_offset(exchange, &offset))
        return NULL;
    return upload_continue(exchange, UPLOAD_PART, &offset);
}

static bool count_upload(void *context, const char *key, struct span value)
{
    unsigned *count = context;
    (void)key, (void)value;
    return ++*count < UPLOADS_MAX;
}

/* Creates the record, then the file: what has a file without a record is removed some day. */
int upload_create(struct exchange *exchange, char id[UPLOAD_ID_SIZE + 1])
{
    uint8_t bytes[UPLOAD_ID_SIZE / 2];
    char buffer[64];
    struct stage *stage;
    struct text text = text_init(buffer, sizeof(buffer));
    unsigned count = 0;
    struct record_key prefix =
        RECORD_KEY('p', exchange->route.user, exchange->route.repository, (struct span){0});
    int status = store_list(exchange->service->store, prefix.text, "", count_upload, &count);
    if (status == 0 && count >= UPLOADS_MAX)
        return -EUSERS;
    if (status == 0)
        status = crypto_random(bytes, sizeof(bytes));
    hex_encode(span_of(bytes, sizeof(bytes)), id);
    exchange->route.id = span_of(id, UPLOAD_ID_SIZE);
    text_printf(&text, "{\"created\":%" PRId64 "}", exchange->request->now);
    struct record_key key = upload_key(&exchange->route);
    struct store_change change = {
        .key = key.text, .value = text_span(&text), .expect = STORE_ABSENT};
    if (status == 0)
        status = store_write(exchange->service->store, NULL, &change, 1);
    if (status == 0)
        status = store_stage(exchange->service->store, id, &stage);
    if (status == 0)
        stage_free(stage);
    return status;
}

void answer_uploads(struct exchange *exchange)
{
    char id[UPLOAD_ID_SIZE + 1];
    if (!method_is(exchange, "POST")) {
        refuse(exchange, 405, "Method not allowed for uploads endpoint");
        return;
    }
    if (!allow_writer(exchange))
        return;
    int status = upload_create(exchange, id);
    if (status < 0) {
        refuse_errno(exchange, status);
        return;
    }
    const struct route *route = &exchange->route;
    respond(exchange, 201);
    add_header(exchange, "Location", "/api/v0.1.0/%.*s/%.*s/_upload/%s", (int)route->user.size,
               (const char *)route->user.data, (int)route->repository.size,
               (const char *)route->repository.data, id);
    add_header(exchange, "Upload-Offset", "0");
}

void upload_delete(struct exchange *exchange, const char *id)
{
    struct record_key key = upload_key(&exchange->route);
    struct store_change change = {.key = key.text};
    int status = store_stage_remove(exchange->service->store, id);
    if (status == 0)
        status = store_write(exchange->service->store, NULL, &change, 1);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 204);
}

void answer_upload(struct exchange *exchange)
{
    char id[STORE_ID_MAX + 1];
    uint64_t size;
    if (method_is(exchange, "PATCH")) { /* with an empty body, or one that is there already */
        struct service_upload *upload = begin_upload_patch(exchange);
        if (upload)
            upload_complete(upload, exchange);
        return;
    }
    if (!method_is(exchange, "HEAD") && !method_is(exchange, "DELETE")) {
        refuse(exchange, 405, "Method not allowed for upload endpoint");
        return;
    }
    if (!allow_writer(exchange) || !upload_find(exchange, id, &size))
        return;
    if (method_is(exchange, "DELETE")) {
        upload_delete(exchange, id);
        return;
    }
    respond(exchange, 204);
    add_header(exchange, "Upload-Offset", "%" PRIu64, size);
}
