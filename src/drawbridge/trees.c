// SPDX-License-Identifier: Apache-2.0
/* Nodes of trees: each is what its parent says, and the root what the tag says. */
#include "base/cleanup.h"
#include "codec/json.h"
#include "drawbridge/upload.h"

#include <errno.h>
#include <string.h>

enum { NODE_RECORD_MAX = 1024 };

static struct record_key node_key(const struct route *route, struct span path)
{
    return RECORD_KEY('n', route->user, route->repository, route->tag, path);
}

static bool is_directory(struct span type)
{
    return span_equal(type, SPAN_LITERAL(TYPE_DIRECTORY));
}

/* The bytes of a directory, which is at most SERVICE_BODY_MAX long. */
static int load_directory(struct store *store, const struct entry *entry, struct listing *bytes)
{
    struct content *content;
    uint8_t buffer[8192];
    int status = store_content(store, entry->digests.value[DIGEST_SHA256], &content);
    if (status < 0)
        return -EIO;
    ssize_t got = content->length <= SERVICE_BODY_MAX ? 1 : -EIO;
    for (uint64_t at = 0; got > 0; at += (uint64_t)got) {
        got = content_read(content, at, buffer, sizeof(buffer));
        if (got > 0)
            listing_add(bytes, span_of(buffer, (size_t)got));
    }
    content_close(content);
    return got < 0 || bytes->failed ? -EIO : 0;
}

/* What the parent directory says about the last node of the route's path. */
static bool find_in_parent(struct exchange *exchange, struct span parent, struct span name,
                           struct entry *expected, struct listing *bytes)
{
    struct record record;
    struct record_key key = node_key(&exchange->route, parent);
    int status = record_get(exchange->service->store, key.text, &record);
    if (status < 0)
        return refuse_errno(exchange, status);
    bool directory = is_directory(record.entry.type);
    status = directory ? load_directory(exchange->service->store, &record.entry, bytes) : 0;
    record_free(&record);
    if (status < 0)
        return refuse_errno(exchange, status);
    if (!directory || !directory_find(span_of(bytes->data, bytes->size), name, expected))
        return refuse(exchange, 400, "The parent directory does not list this node");
    return true;
}

/* Compares the headers of a PUT with what tag or parent say: so nothing wrong is even received. */
static bool check_parent(struct exchange *exchange, const struct put *put,
                         struct digests *expected_digests)
{
    struct span parent, name, path = exchange->route.path;
    struct listing bytes = {0};
    struct entry expected;
    bool good = true;
    if (path.size == 0) {
        if (!tag_root(&exchange->tag, &expected))
            return refuse_errno(exchange, -EIO);
    } else {
        name_split_path(path, &parent, &name);
        good = find_in_parent(exchange, parent, name, &expected, &bytes);
    }
    const char *who = path.size == 0 ? "tag" : "parent directory";
    if (good && !span_equal(expected.type, put->type))
        good = refuse(exchange, 400, "The %s gives this node another type", who);
    if (good && expected.length != put->length)
        good = refuse(exchange, 400, "The %s gives this node another length: %llu", who,
                      (unsigned long long)expected.length);
    for (size_t i = 0; good && i < DIGEST_COUNT; i++) {
        if (expected.digests.has[i] && put->digests.has[i] &&
            memcmp(expected.digests.value[i], put->digests.value[i],
                   digest_size((enum digest_algorithm)i)) != 0)
            good = refuse(exchange, 400, "The %s gives this node another digest", who);
    }
    if (good)
        *expected_digests = expected.digests;
    free(bytes.data);
    return good;
}

static bool is_free(struct exchange *exchange)
{
    struct store_value value = {0};
    struct record_key key = node_key(&exchange->route, exchange->route.path);
    int status = store_get(exchange->service->store, key.text, &value);
    free(value.data);
    return status == -ENOENT ? true : refuse_errno(exchange, status == 0 ? -EEXIST : status);
}

/* Whether so many bytes more are allowed; decided for good when they are written. */
static bool has_room(struct exchange *exchange, uint64_t length)
{
    const struct service_rules *rules = exchange->service->rules;
    struct record_key key;
    struct store_value old = {0};
    char buffer[96];
    struct text fresh = text_init(buffer, sizeof(buffer));
    struct store_change change;
    if (rules->file_max && length > rules->file_max)
        return refuse(exchange, 413, "Files may have at most %llu bytes",
                      (unsigned long long)rules->file_max);
    int status = plan_usage(exchange, (int64_t)length, 0, &key, &old, &fresh, &change);
    free(old.data);
    return status == 0 ? true : refuse_errno(exchange, status);
}

/* Everything that can be known before the body is. */
static bool may_put(struct exchange *exchange, struct put *put, struct digests *expected)
{
    return allow_writer(exchange) && find_tag(exchange) && read_put(exchange, true, put) &&
           upload_resolve(exchange, put) && is_free(exchange) &&
           check_parent(exchange, put, expected) && has_room(exchange, put->length);
}

static int write_once(struct exchange *exchange, struct stage *stage, struct span record)
{
    const struct route *route = &exchange->route;
    struct record_key key = node_key(route, route->path), usage_key;
    struct record_key tag = RECORD_KEY('t', route->user, route->repository, route->tag);
    const struct store_value *tag_record = &exchange->tag.raw;
    struct store_value old = {0};
    char buffer[96];
    struct text fresh = text_init(buffer, sizeof(buffer));
    struct store_change changes[3] = {
        {.key = key.text, .value = record, .expect = STORE_ABSENT, .content = stage_sha256(stage)},
        {.key = tag.text,
         .expect = STORE_CHECK,
         .old = span_of(tag_record->data, tag_record->size)},
    };
    int status =
        plan_usage(exchange, (int64_t)stage->length, 0, &usage_key, &old, &fresh, &changes[2]);
    if (status == 0)
        status = store_write(exchange->service->store, stage, changes, 3);
    free(old.data);
    return status;
}

/* Writes the node; usage or tag may have been changed by others meanwhile. */
static void write_node(struct exchange *exchange, struct stage *stage, const struct entry *entry)
{
    char buffer[NODE_RECORD_MAX];
    struct text record = text_init(buffer, sizeof(buffer));
    int status = -ESTALE;
    record_begin(&record, entry, (struct span){0});
    record_end(&record);
    for (unsigned i = 0; status == -ESTALE && i < WRITE_TRIES; i++) {
        if (i > 0) {
            record_free(&exchange->tag);
            if (!find_tag(exchange))
                return;
        }
        status = write_once(exchange, stage, text_span(&record));
        /* The first usage record of a user can come in between as well. */
        if (status == -EEXIST && is_free(exchange))
            status = -ESTALE;
    }
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 201);
}

void finish_tree(struct exchange *exchange, struct stage *stage, const struct put *put,
                 const struct digests *expected)
{
    if (!check_put(exchange, put, &stage->digests, stage->length))
        return;
    if (!digests_match(expected, &stage->digests)) {
        refuse(exchange, 400, "Content digest mismatch");
        return;
    }
    struct entry entry = {stage->digests, stage->length, put->type, {0}};
    write_node(exchange, stage, &entry);
}

/* A directory: JSON in memory, in canonical form. */
static void put_directory(struct exchange *exchange, const struct put *put,
                          const struct digests *expected)
{
    struct span body = exchange->request->body;
    struct stage *stage;
    autofree char *buffer = malloc(body.size + 1);
    if (!buffer) {
        refuse_errno(exchange, -ENOMEM);
        return;
    }
    struct text canonical = text_init(buffer, body.size + 1);
    if (directory_canonical(body, &canonical) < 0) {
        refuse(exchange, 400, "Failed to parse the directory");
        return;
    }
    int status = store_stage(exchange->service->store, NULL, &stage);
    if (status < 0) {
        refuse_errno(exchange, status);
        return;
    }
    status = stage_add(stage, text_span(&canonical));
    if (status == 0)
        status = stage_end(stage);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        finish_tree(exchange, stage, put, expected);
    stage_free(stage);
}

static void get_node(struct exchange *exchange)
{
    struct record node;
    struct record_key key;
    if (!allow_reader(exchange))
        return;
    key = node_key(&exchange->route, exchange->route.path);
    int status = record_get(exchange->service->store, key.text, &node);
    if (status == -ENOENT && method_is(exchange, "HEAD")) {
        refuse(exchange, 404, "Not found");
    } else if (status < 0) {
        refuse_errno(exchange, status);
    } else {
        respond_content(exchange, &node.entry);
        record_free(&node);
    }
}

bool is_streamed(const struct exchange *exchange)
{
    const struct span *type = find_header(exchange, "content-type");
    if (exchange->route.kind == ROUTE_UPLOAD)
        return method_is(exchange, "PATCH");
    if (exchange->route.kind == ROUTE_OCI_UPLOAD)
        return method_is(exchange, "PATCH") || method_is(exchange, "PUT");
    return exchange->route.kind == ROUTE_TREE && method_is(exchange, "PUT") &&
           !(type && is_directory(*type));
}

struct service_upload *begin_tree_upload(struct exchange *exchange)
{
    struct put put;
    struct digests expected;
    if (!may_put(exchange, &put, &expected))
        return NULL;
    return upload_new(exchange, &put, &expected);
}

void answer_tree(struct exchange *exchange)
{
    struct put put;
    struct digests expected;
    if (method_reads(exchange)) {
        get_node(exchange);
    } else if (!method_is(exchange, "PUT")) {
        refuse(exchange, 405, "Method not allowed for tree endpoint");
    } else if (is_streamed(exchange)) { /* with an empty body, or one that is there already */
        struct service_upload *upload = begin_tree_upload(exchange);
        if (upload)
            upload_complete(upload, exchange);
    } else if (may_put(exchange, &put, &expected)) {
        put_directory(exchange, &put, &expected);
    }
}
