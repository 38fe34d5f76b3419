// SPDX-License-Identifier: Apache-2.0
/* The OCI distribution specification 1.1: manifests, tags, referrers (end-3, 7 to 9, 12). */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "drawbridge/oci.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TAGS_MAX = 1000, DESCRIPTOR_MAX = 1024 };

/* The manifest that a tag of OCI names. */
static int find_tagged(struct exchange *exchange, uint8_t sha256[STORE_SHA256])
{
    const struct route *route = &exchange->route;
    struct record_key key = RECORD_KEY('o', route->user, route->repository, route->id);
    struct store_value value = {0};
    struct span json, digits;
    int status = store_get(exchange->service->store, key.text, &value);
    if (status < 0)
        return status;
    bool good = json_parse(span_of(value.data, value.size), &json) == 0 &&
                json_get_text(json, "manifest", &digits) &&
                hex_decode(digits, sha256, STORE_SHA256) == 0;
    free(value.data);
    return good ? 0 : -EBADMSG;
}

/* Whether a tag that is a version was deleted with the original's interface. */
static bool is_deleted(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct record tag;
    struct record_key key = RECORD_KEY('t', route->user, route->repository, route->tag);
    if (route->tag.size == 0 || record_find(exchange->service->store, key.text, &tag) < 0)
        return false;
    bool deleted = tag_is_deleted(&tag);
    record_free(&tag);
    return deleted;
}

/* The digest that the reference stands for. */
static int resolve(struct exchange *exchange, uint8_t sha256[STORE_SHA256])
{
    if (oci_digest(exchange->route.id, sha256))
        return 0;
    if (is_deleted(exchange))
        return -ENOENT;
    int status = find_tagged(exchange, sha256);
    if (status == -ENOENT && exchange->route.tag.size > 0)
        status = oci_from_native(exchange, sha256);
    return status;
}

static void get_manifest(struct exchange *exchange)
{
    uint8_t sha256[STORE_SHA256];
    struct record record = {0};
    if (!allow_reader(exchange))
        return;
    int status = resolve(exchange, sha256);
    if (status == 0) {
        struct record_key key = oci_key('m', &exchange->route, sha256);
        status = record_get(exchange->service->store, key.text, &record);
    }
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond_content(exchange, &record.entry);
    record_free(&record);
}

/* Whether everything that a manifest names is in the repository. */
static bool has_blob(struct exchange *exchange, struct span descriptor)
{
    struct span digest;
    uint8_t sha256[STORE_SHA256];
    struct record record;
    if (!json_get_text(descriptor, "digest", &digest) || !oci_digest(digest, sha256))
        return refuse(exchange, 400, "a descriptor has no digest of sha256");
    int status = oci_get_blob(exchange, sha256, &record);
    if (status == 0) {
        record_free(&record);
        return true;
    }
    return refuse(exchange, 400, "the blob %.*s is not in the repository", (int)digest.size,
                  (const char *)digest.data);
}

static bool has_blobs(struct exchange *exchange, struct span json)
{
    struct span value;
    struct json_member member;
    if (json_get(json, "config", &value) && !has_blob(exchange, value))
        return false;
    if (!json_get(json, "layers", &value))
        return true;
    for (struct json_cursor cursor = json_elements(value); json_next(&cursor, &member);) {
        if (!has_blob(exchange, member.value))
            return false;
    }
    return true;
}

static bool read_manifest(struct exchange *exchange, struct oci_manifest *manifest)
{
    struct span value, text, body = exchange->request->body;
    const struct span *type = find_header(exchange, "content-type");
    *manifest = (struct oci_manifest){.bytes = body};
    if (!type || !media_type_valid(*type) || json_parse(body, &manifest->json) < 0 ||
        manifest->json.data[0] != '{')
        return refuse(exchange, 400, "a manifest is JSON with its media type");
    if (json_get_text(manifest->json, "mediaType", &text) &&
        !span_equal(text, media_type_essence(*type)))
        return refuse(exchange, 400, "the manifest's mediaType is another than its Content-Type");
    manifest->entry.type = media_type_essence(*type);
    manifest->entry.length = body.size;
    if (digests_of(body, &manifest->entry.digests) < 0)
        return refuse_errno(exchange, -ENOMEM);
    if (json_get(manifest->json, "subject", &value)) {
        uint8_t ignored[STORE_SHA256];
        if (!json_get_text(value, "digest", &manifest->subject) ||
            !oci_digest(manifest->subject, ignored))
            return refuse(exchange, 400, "the subject has no digest of sha256");
    }
    if (!json_get_text(manifest->json, "artifactType", &manifest->artifact) &&
        json_get(manifest->json, "config", &value))
        json_get_text(value, "mediaType", &manifest->artifact);
    return has_blobs(exchange, manifest->json);
}

static void write_descriptor(const struct oci_manifest *manifest, struct text *text)
{
    char digits[2 * STORE_SHA256 + 1];
    struct span annotations;
    hex_encode(span_of(manifest->entry.digests.value[DIGEST_SHA256], STORE_SHA256), digits);
    text_add(text, "{\"mediaType\":\"");
    text_add_span(text, manifest->entry.type);
    text_printf(text, "\",\"digest\":\"sha256:%s\",\"size\":%llu", digits,
                (unsigned long long)manifest->entry.length);
    if (manifest->artifact.size > 0) {
        text_add(text, ",\"artifactType\":\"");
        text_add_span(text, manifest->artifact);
        text_add(text, "\"");
    }
    if (json_get(manifest->json, "annotations", &annotations) &&
        annotations.size < DESCRIPTOR_MAX / 2) {
        text_add(text, ",\"annotations\":");
        text_add_span(text, annotations);
    }
    text_add(text, "}");
}

/* The bytes of a manifest as a content. */
static int stage_manifest(struct exchange *exchange, struct span json, struct stage **stage)
{
    int status = store_stage(exchange->service->store, NULL, stage);
    if (status < 0)
        return status;
    status = stage_add(*stage, json);
    if (status == 0)
        status = stage_end(*stage);
    if (status < 0)
        stage_free(*stage);
    return status;
}

int oci_put_manifest(struct exchange *exchange, const struct oci_manifest *manifest,
                     struct span tag, bool limited)
{
    const struct route *route = &exchange->route;
    const uint8_t *sha256 = manifest->entry.digests.value[DIGEST_SHA256];
    char record_buffer[1024], tag_buffer[128], descriptor_buffer[DESCRIPTOR_MAX];
    char digits[2 * STORE_SHA256 + 1];
    struct text record = text_init(record_buffer, sizeof(record_buffer));
    struct text tag_record = text_init(tag_buffer, sizeof(tag_buffer));
    struct text descriptor = text_init(descriptor_buffer, sizeof(descriptor_buffer));
    struct record_key key = oci_key('m', route, sha256), tag_key, subject_key;
    struct store_change changes[4];
    struct record old = {0};
    struct stage *stage;
    size_t count = 1;
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    record_begin(&record, &manifest->entry, (struct span){0});
    record_end(&record);
    changes[0] =
        (struct store_change){.key = key.text, .value = text_span(&record), .content = sha256};
    if (tag.size > 0) {
        tag_key = RECORD_KEY('o', route->user, route->repository, tag);
        text_printf(&tag_record, "{\"manifest\":\"%s\"}", digits);
        changes[count++] =
            (struct store_change){.key = tag_key.text, .value = text_span(&tag_record)};
    }
    if (manifest->subject.size > 0) {
        write_descriptor(manifest, &descriptor);
        subject_key = RECORD_KEY('f', route->user, route->repository,
                                 span_of(manifest->subject.data + 7, 2 * STORE_SHA256),
                                 span_of(digits, 2 * STORE_SHA256));
        changes[count++] =
            (struct store_change){.key = subject_key.text, .value = text_span(&descriptor)};
    }
    if (descriptor.overflow)
        return -EINVAL;
    int status = stage_manifest(exchange, manifest->bytes, &stage);
    if (status < 0)
        return status;
    bool known = record_get(exchange->service->store, key.text, &old) == 0;
    record_free(&old);
    status = write_charged(exchange, stage, changes, count,
                           known ? 0 : (int64_t)manifest->entry.length, limited);
    stage_free(stage);
    return status;
}

static void put_manifest(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct oci_manifest manifest;
    uint8_t wanted[STORE_SHA256];
    char digits[2 * STORE_SHA256 + 1];
    if (!allow_writer(exchange) || !read_manifest(exchange, &manifest))
        return;
    const uint8_t *sha256 = manifest.entry.digests.value[DIGEST_SHA256];
    bool by_digest = oci_digest(route->id, wanted);
    if (by_digest && memcmp(wanted, sha256, STORE_SHA256) != 0) {
        refuse(exchange, 400, "the digest is not that of the manifest");
        return;
    }
    if (route->tag.size > 0 && !oci_to_native(exchange, &manifest))
        return;
    int status =
        oci_put_manifest(exchange, &manifest, by_digest ? (struct span){0} : route->id, true);
    if (status < 0) {
        refuse_errno(exchange, status);
        return;
    }
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    respond(exchange, 201);
    add_header(exchange, "Location", "/v2/%.*s/%.*s/manifests/sha256:%s", (int)route->user.size,
               (const char *)route->user.data, (int)route->repository.size,
               (const char *)route->repository.data, digits);
    add_header(exchange, "Docker-Content-Digest", "sha256:%s", digits);
    if (manifest.subject.size > 0)
        add_header(exchange, "OCI-Subject", "%.*s", (int)manifest.subject.size,
                   (const char *)manifest.subject.data);
}

struct pointing {
    const char *digits; /* records that point to this manifest, or describe it … */
    char *key;          /* … one of them */
};

static bool find_pointing(void *context, const char *key, struct span value)
{
    struct pointing *pointing = context;
    bool described = strcmp(strrchr(key, '/') + 1, pointing->digits) == 0;
    if (key[0] == 'f' ? described
                      : memmem(value.data, value.size, pointing->digits, 2 * STORE_SHA256) != NULL)
        pointing->key = strdup(key);
    return !pointing->key;
}

/* Removes the tags ('o') that point to a manifest, or what it says of others ('f'). */
static int remove_pointing(struct exchange *exchange, char letter, const char *digits)
{
    const struct route *route = &exchange->route;
    struct store *store = exchange->service->store;
    struct record_key prefix = RECORD_KEY(letter, route->user, route->repository, (struct span){0});
    for (;;) {
        struct pointing pointing = {.digits = digits};
        int status = store_list(store, prefix.text, "", find_pointing, &pointing);
        if (status < 0 || !pointing.key)
            return status;
        struct store_change change = {.key = pointing.key};
        status = store_write(store, NULL, &change, 1);
        free(pointing.key);
        if (status < 0)
            return status;
    }
}

/* Removes a manifest with the tags that point to it. */
static int remove_manifest(struct exchange *exchange, const uint8_t *sha256)
{
    struct store *store = exchange->service->store;
    struct record_key key = oci_key('m', &exchange->route, sha256);
    char digits[2 * STORE_SHA256 + 1];
    struct record record;
    int status = record_get(store, key.text, &record);
    int64_t length = status == 0 ? (int64_t)record.entry.length : 0;
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    if (status == 0)
        status = remove_pointing(exchange, 'o', digits);
    if (status == 0)
        status = remove_pointing(exchange, 'f', digits);
    record_free(&record);
    struct store_change changes[2] = {{.key = key.text}};
    return status == 0 ? write_charged(exchange, NULL, changes, 1, -length, false) : status;
}

static void delete_manifest(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    uint8_t sha256[STORE_SHA256];
    if (!allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES) || !find_repository(exchange))
        return;
    int status;
    if (oci_digest(route->id, sha256)) {
        status = remove_manifest(exchange, sha256);
    } else if (route->tag.size > 0) {
        refuse(exchange, 405, "versions are deleted with the interface for packages");
        return;
    } else {
        struct record_key key = RECORD_KEY('o', route->user, route->repository, route->id);
        struct store_change change = {.key = key.text};
        status = find_tagged(exchange, sha256);
        if (status == 0)
            status = store_write(exchange->service->store, NULL, &change, 1);
    }
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 202);
}

void answer_oci_manifest(struct exchange *exchange)
{
    if (method_reads(exchange))
        get_manifest(exchange);
    else if (method_is(exchange, "PUT"))
        put_manifest(exchange);
    else if (method_is(exchange, "DELETE"))
        delete_manifest(exchange);
    else
        refuse(exchange, 405, "the method is not allowed here");
}

/* Tags of both interfaces, in order, without repetition. */
struct tag_merge {
    struct exchange *exchange;
    struct listing listing;
    uint64_t left;
    bool more;
    char last[NAME_MAX_SIZE + 1];
    char *names[TAGS_MAX];
    size_t count;
};

static bool collect_tag(void *context, const char *key, struct span value)
{
    struct tag_merge *merge = context;
    const char *name = strrchr(key, '/') + 1;
    struct record tag = {.value = value};
    struct span yanked;
    /* Build metadata have no place in tags of OCI. */
    if (key[0] == 't' &&
        (tag_is_deleted(&tag) || json_get(value, "yanked", &yanked) || strchr(name, '+')))
        return true;
    merge->names[merge->count] = strdup(name);
    merge->count += merge->names[merge->count] != NULL;
    return merge->count < TAGS_MAX;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A page: the smallest names of both lists, of which each has been read as far as that needs. */
static int merge_tags(struct tag_merge *merge, const char *last)
{
    const struct route *route = &merge->exchange->route;
    int status = 0;
    for (const char *letter = "ot"; status == 0 && *letter; letter++) {
        struct record_key prefix =
            RECORD_KEY(*letter, route->user, route->repository, (struct span){0});
        struct record_key after =
            RECORD_KEY(*letter, route->user, route->repository, span_of(last, strlen(last)));
        status = store_list(merge->exchange->service->store, prefix.text, *last ? after.text : "",
                            collect_tag, merge);
    }
    qsort(merge->names, merge->count, sizeof(merge->names[0]), compare_names);
    for (size_t i = 0; i < merge->count; i++) {
        bool again = i > 0 && strcmp(merge->names[i], merge->names[i - 1]) == 0;
        if (!again && merge->left == 0)
            merge->more = true;
        if (again || merge->left == 0)
            continue;
        merge->left--;
        listing_print(&merge->listing, "%s\"%s\"", merge->last[0] ? "," : "", merge->names[i]);
        snprintf(merge->last, sizeof(merge->last), "%s", merge->names[i]);
    }
    for (size_t i = 0; i < merge->count; i++)
        free(merge->names[i]);
    return status;
}

void answer_oci_tags(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct tag_merge merge = {.exchange = exchange};
    char last[NAME_MAX_SIZE + 1] = "";
    if (!method_is(exchange, "GET")) {
        refuse(exchange, 405, "the method is not allowed here");
        return;
    }
    if (!allow_reader(exchange) ||
        !read_number(exchange, "n", 0, TAGS_MAX / 2, TAGS_MAX / 2, &merge.left))
        return;
    uint64_t count = merge.left;
    if (route_query(route, "last", last, sizeof(last)) < 0) {
        refuse(exchange, 400, "`last` is malformed");
        return;
    }
    listing_print(&merge.listing, "{\"name\":\"%.*s/%.*s\",\"tags\":[", (int)route->user.size,
                  (const char *)route->user.data, (int)route->repository.size,
                  (const char *)route->repository.data);
    int status = merge_tags(&merge, last);
    listing_print(&merge.listing, "]}");
    merge.listing.failed = merge.listing.failed || status < 0;
    respond_listing(exchange, &merge.listing);
    if (merge.more)
        add_header(exchange, "Link", "<%.*s?n=%u&last=%s>; rel=\"next\"", (int)route->prefix.size,
                   (const char *)route->prefix.data, (unsigned)count, merge.last);
}

struct referrers {
    struct listing listing;
    char wanted[TYPE_MAX_SIZE + 1]; /* artifactType; empty: all */
    bool any;
};

static bool list_referrer(void *context, const char *key, struct span value)
{
    struct referrers *referrers = context;
    struct span artifact = {0};
    (void)key;
    json_get_text(value, "artifactType", &artifact);
    if (referrers->wanted[0] &&
        !span_equal(artifact, span_of(referrers->wanted, strlen(referrers->wanted))))
        return true;
    listing_add(&referrers->listing, referrers->any ? SPAN_LITERAL(",") : (struct span){0});
    listing_add(&referrers->listing, value);
    referrers->any = true;
    return true;
}

void answer_oci_referrers(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct referrers referrers = {0};
    uint8_t sha256[STORE_SHA256];
    if (!method_is(exchange, "GET")) {
        refuse(exchange, 405, "the method is not allowed here");
        return;
    }
    int filtered = route_query(route, "artifactType", referrers.wanted, sizeof(referrers.wanted));
    if (!oci_digest(route->id, sha256) || filtered < 0) {
        refuse(exchange, 400, "referrers are asked for by a digest");
        return;
    }
    if (!allow_reader(exchange))
        return;
    struct record_key prefix =
        RECORD_KEY('f', route->user, route->repository,
                   span_of(route->id.data + 7, 2 * STORE_SHA256), (struct span){0});
    listing_print(&referrers.listing,
                  "{\"schemaVersion\":2,\"mediaType\":\"" TYPE_OCI_INDEX "\",\"manifests\":[");
    int status = store_list(exchange->service->store, prefix.text, "", list_referrer, &referrers);
    listing_print(&referrers.listing, "]}");
    referrers.listing.failed = referrers.listing.failed || status < 0;
    respond_listing(exchange, &referrers.listing);
    if (exchange->response->status != 200)
        return;
    exchange->response->content_type = TYPE_OCI_INDEX;
    if (filtered == 1)
        add_header(exchange, "OCI-Filters-Applied", "artifactType");
}
