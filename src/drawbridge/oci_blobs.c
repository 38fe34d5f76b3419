// SPDX-License-Identifier: Apache-2.0
/* The OCI distribution specification 1.1: blobs and their uploads (end-1 to end-6, 10, 11, 13, 14).
 */
#include "codec/base64.h"
#include "codec/json.h"
#include "drawbridge/oci.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void answer_oci_base(struct exchange *exchange)
{
    if (!method_reads(exchange)) {
        refuse(exchange, 405, "the method is not allowed here");
        return;
    }
    /* Clients send what they have only when they are asked. */
    if (!allow_anybody_known(exchange))
        return;
    respond(exchange, 200);
    exchange->response->content_type = TYPE_JSON;
    exchange->response->body = SPAN_LITERAL("{}");
    add_header(exchange, "Docker-Distribution-Api-Version", "registry/2.0");
}

bool oci_digest(struct span reference, uint8_t sha256[STORE_SHA256])
{
    static const char prefix[] = "sha256:";
    size_t size = sizeof(prefix) - 1;
    return reference.size == size + 2 * STORE_SHA256 && memcmp(reference.data, prefix, size) == 0 &&
           hex_decode(span_of(reference.data + size, 2 * STORE_SHA256), sha256, STORE_SHA256) == 0;
}

struct record_key oci_key(char letter, const struct route *route, const uint8_t *sha256)
{
    char digits[2 * STORE_SHA256 + 1];
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    return RECORD_KEY(letter, route->user, route->repository, span_of(digits, 2 * STORE_SHA256));
}

static bool put_location(struct exchange *exchange, const uint8_t *sha256)
{
    const struct route *route = &exchange->route;
    char digits[2 * STORE_SHA256 + 1];
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    respond(exchange, 201);
    add_header(exchange, "Location", "/v2/%.*s/%.*s/blobs/sha256:%s", (int)route->user.size,
               (const char *)route->user.data, (int)route->repository.size,
               (const char *)route->repository.data, digits);
    add_header(exchange, "Docker-Content-Digest", "sha256:%s", digits);
    return true;
}

int oci_put_blob(struct exchange *exchange, struct stage *stage, const struct entry *entry,
                 bool limited)
{
    const uint8_t *sha256 = entry->digests.value[DIGEST_SHA256];
    struct record_key key = oci_key('b', &exchange->route, sha256);
    char buffer[1024];
    struct text record = text_init(buffer, sizeof(buffer));
    record_begin(&record, entry, (struct span){0});
    record_end(&record);
    struct store_change changes[2] = {
        {.key = key.text, .value = text_span(&record), .expect = STORE_ABSENT, .content = sha256}};
    int status = write_charged(exchange, stage, changes, 1, (int64_t)entry->length, limited);
    return status == -EEXIST ? 0 : status; /* it has this content already */
}

void finish_oci_blob(struct exchange *exchange, struct stage *stage, const uint8_t *wanted)
{
    struct entry entry = {stage->digests, stage->length, SPAN_LITERAL(TYPE_OCTETS), {0}};
    if (memcmp(stage_sha256(stage), wanted, STORE_SHA256) != 0) {
        refuse(exchange, 400, "the digest is not that of what was uploaded");
        return;
    }
    int status = oci_put_blob(exchange, stage, &entry, true);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        put_location(exchange, wanted);
}

/* What clients go on with. */
static void respond_upload(struct exchange *exchange, unsigned status, uint64_t size)
{
    const struct route *route = &exchange->route;
    respond(exchange, status);
    add_header(exchange, "Location", "/v2/%.*s/%.*s/blobs/uploads/%.*s", (int)route->user.size,
               (const char *)route->user.data, (int)route->repository.size,
               (const char *)route->repository.data, (int)route->id.size,
               (const char *)route->id.data);
    add_header(exchange, "Range", "0-%" PRIu64, size > 0 ? size - 1 : 0);
    add_header(exchange, "Docker-Upload-UUID", "%.*s", (int)route->id.size,
               (const char *)route->id.data);
}

void finish_oci_part(struct exchange *exchange, uint64_t size)
{
    respond_upload(exchange, 202, size);
}

/* "Content-Range: 0-499" of a part: where it begins. */
static bool read_range(struct exchange *exchange, uint64_t *offset, bool *given)
{
    const struct span *value = find_header(exchange, "content-range");
    *given = value != NULL;
    if (!value)
        return true;
    const uint8_t *dash = memchr(value->data, '-', value->size);
    if (!dash || !json_uint(span_of(value->data, (size_t)(dash - value->data)), INT64_MAX, offset))
        return refuse(exchange, 416, "the Content-Range is malformed");
    return true;
}

static bool query_digest(struct exchange *exchange, uint8_t sha256[STORE_SHA256])
{
    char text[128];
    int status = route_query(&exchange->route, "digest", text, sizeof(text));
    if (status == 1 && oci_digest(span_of(text, strlen(text)), sha256))
        return true;
    return refuse(exchange, 400, "the digest has to be one of sha256");
}

struct service_upload *begin_oci_upload(struct exchange *exchange)
{
    uint64_t offset = 0;
    bool given;
    uint8_t wanted[STORE_SHA256] = {0};
    bool ends = method_is(exchange, "PUT");
    if (!allow_writer(exchange) || !read_range(exchange, &offset, &given) ||
        (ends && !query_digest(exchange, wanted)))
        return NULL;
    struct service_upload *upload =
        upload_continue(exchange, ends ? UPLOAD_OCI_BLOB : UPLOAD_OCI_PART, given ? &offset : NULL);
    if (upload)
        memcpy(upload->wanted, wanted, sizeof(wanted));
    return upload;
}

void answer_oci_upload(struct exchange *exchange)
{
    char id[STORE_ID_MAX + 1];
    uint64_t size;
    bool ends = method_is(exchange, "DELETE");
    if (is_streamed(exchange)) { /* with an empty body, or one that is there already */
        struct service_upload *upload = begin_oci_upload(exchange);
        if (upload)
            upload_complete(upload, exchange);
    } else if (!ends && !method_is(exchange, "GET")) {
        refuse(exchange, 405, "the method is not allowed here");
    } else if (allow_writer(exchange) && upload_find(exchange, id, &size)) {
        if (ends)
            upload_delete(exchange, id);
        else
            respond_upload(exchange, 204, size);
    }
}

/* Takes a blob over from another repository that the caller may read: whether that was possible. */
static bool mount(struct exchange *exchange)
{
    char digest[128], from[2 * NAME_MAX_SIZE + 2];
    uint8_t sha256[STORE_SHA256];
    struct record record;
    struct exchange other = *exchange;
    const char *slash;
    if (route_query(&exchange->route, "mount", digest, sizeof(digest)) != 1 ||
        route_query(&exchange->route, "from", from, sizeof(from)) != 1 ||
        !oci_digest(span_of(digest, strlen(digest)), sha256) || !(slash = strchr(from, '/')))
        return false;
    other.route.user = span_of(from, (size_t)(slash - from));
    other.route.repository = span_of(slash + 1, strlen(slash + 1));
    other.repository = (struct record){0};
    if (!name_is_user(other.route.user) || !name_is_repository(other.route.repository))
        return false;
    other.password = NULL;
    bool allowed = allow_reader(&other);
    free(other.password);
    record_free(&other.repository);
    struct record_key key = oci_key('b', &other.route, sha256);
    if (!allowed || record_get(exchange->service->store, key.text, &record) < 0)
        return false;
    int status = oci_put_blob(exchange, NULL, &record.entry, true);
    record_free(&record);
    return status == 0 && put_location(exchange, sha256);
}

void answer_oci_uploads(struct exchange *exchange)
{
    char id[UPLOAD_ID_SIZE + 1];
    if (!method_is(exchange, "POST")) {
        refuse(exchange, 405, "the method is not allowed here");
        return;
    }
    if (!allow_writer(exchange) || mount(exchange))
        return;
    exchange->response->header_count = 0; /* of a mount that was not possible */
    int status = upload_create(exchange, id);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond_upload(exchange, 202, 0);
}

static void delete_blob(struct exchange *exchange, const char *key)
{
    struct record record;
    int status = record_get(exchange->service->store, key, &record);
    if (status < 0) {
        refuse_errno(exchange, status);
        return;
    }
    struct store_change changes[2] = {{.key = key}};
    status = write_charged(exchange, NULL, changes, 1, -(int64_t)record.entry.length, false);
    record_free(&record);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 202);
}

void answer_oci_blob(struct exchange *exchange)
{
    uint8_t sha256[STORE_SHA256];
    struct record record;
    if (!oci_digest(exchange->route.id, sha256)) {
        refuse(exchange, 400, "a blob is named by its digest");
        return;
    }
    struct record_key key = oci_key('b', &exchange->route, sha256);
    if (method_is(exchange, "DELETE")) {
        if (allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES) && find_repository(exchange))
            delete_blob(exchange, key.text);
        return;
    }
    if (!method_reads(exchange)) {
        refuse(exchange, 405, "the method is not allowed here");
        return;
    }
    if (!allow_reader(exchange))
        return;
    int status = record_get(exchange->service->store, key.text, &record);
    if (status < 0) {
        refuse_errno(exchange, status);
        return;
    }
    respond_content(exchange, &record.entry);
    record_free(&record);
}
