// SPDX-License-Identifier: Apache-2.0
/*
 * A package is the same thing in both interfaces.
 *
 *     manifest                                       tree
 *     every layer has a title                        a directory of files with these names
 *     one layer of a WebAssembly type without title  a root that is this file
 *
 * Other manifests are no packages, and directories in directories no manifests.
 */
#include "base/cleanup.h"
#include "base/date.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "drawbridge/oci.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TITLE "org.opencontainers.image.title"
enum { DIRECTORY_ROOM = OCI_LAYERS_MAX * 1024, MANIFEST_ROOM = OCI_LAYERS_MAX * 1024 };

/* A file of a package. */
struct layer {
    struct span title; /* empty: it has none */
    struct entry entry;
    struct record record; /* what the entry borrows from */
};

struct package {
    struct layer layers[OCI_LAYERS_MAX];
    size_t count;
    bool directory;
};

static void free_package(struct package *package)
{
    for (size_t i = 0; i < package->count; i++)
        record_free(&package->layers[i].record);
    free(package);
}

static bool is_wasm(struct span type)
{
    static const char *const types[] = {"application/wasm",
                                        "application/vnd.wasm.content.layer.v1+wasm",
                                        "application/vnd.module.wasm.content.layer.v1+wasm"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (span_equal(type, span_of(types[i], strlen(types[i]))))
            return true;
    }
    return false;
}

/* One layer: 1 if it can be a file, 0 if not, or -errno. */
static int read_layer(struct exchange *exchange, struct span descriptor, struct layer *layer)
{
    struct span digest, type, annotations;
    uint8_t sha256[STORE_SHA256];
    if (!json_get_text(descriptor, "digest", &digest) || !oci_digest(digest, sha256) ||
        !json_get_text(descriptor, "mediaType", &type) || !media_type_valid(type))
        return 0;
    int status = oci_get_blob(exchange, sha256, &layer->record);
    if (status < 0)
        return status;
    layer->entry = layer->record.entry;
    layer->entry.custom = (struct span){0};
    layer->entry.type = is_wasm(type) ? SPAN_LITERAL("application/wasm") : type;
    if (json_get(descriptor, "annotations", &annotations))
        json_get_text(annotations, TITLE, &layer->title);
    return 1;
}

static int compare_layers(const void *left, const void *right)
{
    const struct span a = ((const struct layer *)left)->title;
    const struct span b = ((const struct layer *)right)->title;
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Whether the layers, which are sorted by titles, are the files of a package. */
static bool is_package(struct package *package)
{
    if (package->count == 0)
        return false;
    package->directory = true;
    for (size_t i = 0; i < package->count; i++) {
        const struct layer *layer = &package->layers[i];
        bool again = i > 0 && span_equal(layer->title, layer[-1].title);
        package->directory = package->directory && name_is_node(layer->title) && !again;
    }
    return package->directory ||
           (package->count == 1 && package->layers[0].title.size == 0 &&
            span_equal(package->layers[0].entry.type, SPAN_LITERAL("application/wasm")));
}

/* 1 with what a manifest describes, 0 if that is no package, or -errno. */
static int read_package(struct exchange *exchange, const struct oci_manifest *manifest,
                        struct package *package)
{
    struct span layers;
    struct json_member member;
    if (!json_get(manifest->json, "layers", &layers))
        return 0;
    for (struct json_cursor cursor = json_elements(layers); json_next(&cursor, &member);) {
        if (package->count == OCI_LAYERS_MAX)
            return 0;
        int status = read_layer(exchange, member.value, &package->layers[package->count]);
        if (status <= 0)
            return status;
        package->count++;
    }
    qsort(package->layers, package->count, sizeof(package->layers[0]), compare_layers);
    return is_package(package);
}

/* The root of the tree; of a directory also its bytes, as a content. */
static int make_root(struct exchange *exchange, const struct package *package, struct entry *root,
                     struct stage **stage)
{
    *root = package->layers[0].entry;
    if (!package->directory)
        return 0;
    autofree char *buffer = malloc(DIRECTORY_ROOM);
    if (!buffer)
        return -ENOMEM;
    struct text text = text_init(buffer, DIRECTORY_ROOM);
    directory_begin(&text);
    for (size_t i = 0; i < package->count; i++)
        directory_add(&text, package->layers[i].title, &package->layers[i].entry);
    directory_end(&text);
    int status = text.overflow ? -EINVAL : store_stage(exchange->service->store, NULL, stage);
    if (status == 0)
        status = stage_add(*stage, text_span(&text));
    if (status == 0)
        status = stage_end(*stage);
    if (status == 0)
        *root =
            (struct entry){(*stage)->digests, (*stage)->length, SPAN_LITERAL(TYPE_DIRECTORY), {0}};
    return status;
}

/* What store_write is told about a new tag and its tree. */
struct tree_changes {
    struct store_change changes[OCI_LAYERS_MAX + 4];
    struct record_key keys[OCI_LAYERS_MAX + 3];
    char records[OCI_LAYERS_MAX + 1][1024];
    char tag[4096];
    size_t count;
    int64_t bytes;
};

static void add_node(struct tree_changes *tree, const struct route *route, struct span path,
                     const struct entry *entry)
{
    struct text record = text_init(tree->records[tree->count], sizeof(tree->records[0]));
    record_begin(&record, entry, (struct span){0});
    record_end(&record);
    tree->keys[tree->count] = RECORD_KEY('n', route->user, route->repository, route->tag, path);
    tree->changes[tree->count] =
        (struct store_change){.key = tree->keys[tree->count].text,
                              .value = text_span(&record),
                              .expect = STORE_ABSENT,
                              .content = entry->digests.value[DIGEST_SHA256]};
    tree->bytes += (int64_t)entry->length;
    tree->count++;
}

static int add_tag(struct exchange *exchange, struct tree_changes *tree, const struct entry *root)
{
    const struct route *route = &exchange->route;
    char buffer[1024], created[DATE_TEXT_SIZE];
    struct text content = text_init(buffer, sizeof(buffer));
    struct text record = text_init(tree->tag, sizeof(tree->tag));
    struct entry entry = {.type = SPAN_LITERAL(TYPE_ENTRY)};
    entry_write(root, &content);
    entry.length = content.size;
    int status = digests_of(text_span(&content), &entry.digests);
    record_begin(&record, &entry, text_span(&content));
    record_member(&record, "root", text_span(&content));
    date_format(exchange->request->now, created);
    text_printf(&record, ",\"created\":\"%s\"", created);
    record_end(&record);
    tree->keys[tree->count] = RECORD_KEY('t', route->user, route->repository, route->tag);
    tree->changes[tree->count] = (struct store_change){
        .key = tree->keys[tree->count].text, .value = text_span(&record), .expect = STORE_ABSENT};
    tree->count++;
    return record.overflow || content.overflow ? -EINVAL : status;
}

static int write_tree(struct exchange *exchange, const struct package *package,
                      const struct entry *root, struct stage *stage)
{
    const struct route *route = &exchange->route;
    autofree struct tree_changes *tree = calloc(1, sizeof(*tree));
    if (!tree)
        return -ENOMEM;
    add_node(tree, route, (struct span){0}, root);
    for (size_t i = 0; package->directory && i < package->count; i++)
        add_node(tree, route, package->layers[i].title, &package->layers[i].entry);
    int status = add_tag(exchange, tree, root);
    return status < 0
               ? status
               : write_charged(exchange, stage, tree->changes, tree->count, tree->bytes, true);
}

/* Whether there is a tag already: 1 if it has this root, 0 if there is none; -EEXIST if it is
 * another, or deleted. */
static int compare_tag(struct exchange *exchange, const struct entry *root)
{
    const struct route *route = &exchange->route;
    struct record tag;
    struct entry other;
    struct record_key key = RECORD_KEY('t', route->user, route->repository, route->tag);
    int status = record_get(exchange->service->store, key.text, &tag);
    if (status < 0)
        return status == -ENOENT ? 0 : status;
    bool same = !tag_is_deleted(&tag) && tag_root(&tag, &other) &&
                digests_match(&other.digests, &root->digests);
    record_free(&tag);
    return same ? 1 : -EEXIST;
}

bool oci_to_native(struct exchange *exchange, const struct oci_manifest *manifest)
{
    struct package *package = calloc(1, sizeof(*package));
    struct stage *stage = NULL;
    struct entry root;
    int status = package ? read_package(exchange, manifest, package) : -ENOMEM;
    if (status == 1) {
        status = make_root(exchange, package, &root, &stage);
        if (status == 0)
            status = compare_tag(exchange, &root);
        if (status == 0)
            status = write_tree(exchange, package, &root, stage);
    }
    stage_free(stage);
    if (package)
        free_package(package);
    if (status == -EEXIST)
        return refuse(exchange, 409, "the version exists, and versions are never changed");
    return status >= 0 ? true : refuse_errno(exchange, status);
}

/* A file of the native tree, as a layer and a blob. */
static int add_file(struct exchange *exchange, struct package *package, struct span name)
{
    const struct route *route = &exchange->route;
    struct layer *layer = &package->layers[package->count];
    struct record_key key = RECORD_KEY('n', route->user, route->repository, route->tag, name);
    if (package->count == OCI_LAYERS_MAX)
        return -ENOENT;
    int status = record_get(exchange->service->store, key.text, &layer->record);
    if (status < 0)
        return status;
    package->count++;
    layer->title = name;
    layer->entry = layer->record.entry;
    layer->entry.custom = (struct span){0};
    if (span_equal(layer->entry.type, SPAN_LITERAL(TYPE_DIRECTORY)))
        return -ENOENT;
    return oci_put_blob(exchange, NULL, &layer->entry, false);
}

static int read_content(struct exchange *exchange, const uint8_t *sha256, struct listing *bytes)
{
    struct content *content;
    uint8_t buffer[4096];
    int status = store_content(exchange->service->store, sha256, &content);
    if (status < 0)
        return status;
    ssize_t got = content->length <= SERVICE_BODY_MAX ? 1 : -EIO;
    for (uint64_t at = 0; got > 0; at += (uint64_t)got) {
        got = content_read(content, at, buffer, sizeof(buffer));
        if (got > 0)
            listing_add(bytes, span_of(buffer, (size_t)got));
    }
    content_close(content);
    return got < 0 || bytes->failed ? -EIO : 0;
}

/* Modules first: some clients run the first layer. */
static int add_files(struct exchange *exchange, struct package *package, struct span directory)
{
    struct json_member member;
    int status = 0;
    for (int modules = 1; status == 0 && modules >= 0; modules--) {
        struct json_cursor cursor = json_members(directory);
        while (status == 0 && json_next(&cursor, &member)) {
            bool module = member.key.size > 5 &&
                          memcmp(member.key.data + member.key.size - 5, ".wasm", 5) == 0;
            if (module == modules)
                status = add_file(exchange, package, member.key);
        }
    }
    return status;
}

static void hex_digest(const struct entry *entry, char digits[2 * STORE_SHA256 + 1])
{
    hex_encode(span_of(entry->digests.value[DIGEST_SHA256], STORE_SHA256), digits);
}

static void write_layer(const struct layer *layer, struct text *text)
{
    char digits[2 * STORE_SHA256 + 1];
    hex_digest(&layer->entry, digits);
    text_add(text, "{\"mediaType\":\"");
    text_add_span(text, layer->entry.type);
    text_printf(text, "\",\"digest\":\"sha256:%s\",\"size\":%llu", digits,
                (unsigned long long)layer->entry.length);
    if (layer->title.size > 0) {
        text_add(text, ",\"annotations\":{\"" TITLE "\":\"");
        text_add_span(text, layer->title);
        text_add(text, "\"}");
    }
    text_add(text, "}");
}

/* The configuration that runtimes of WebAssembly expect. */
static int put_config(struct exchange *exchange, const struct package *package,
                      struct entry *config)
{
    char buffer[OCI_LAYERS_MAX * 96 + 256], digits[2 * STORE_SHA256 + 1];
    struct text text = text_init(buffer, sizeof(buffer));
    struct stage *stage;
    text_add(&text, "{\"created\":\"1970-01-01T00:00:00Z\",\"architecture\":\"wasm\","
                    "\"os\":\"wasip1\",\"layerDigests\":[");
    for (size_t i = 0; i < package->count; i++) {
        hex_digest(&package->layers[i].entry, digits);
        text_printf(&text, "%s\"sha256:%s\"", i ? "," : "", digits);
    }
    text_add(&text, "]}");
    int status = store_stage(exchange->service->store, NULL, &stage);
    if (status < 0)
        return status;
    status = stage_add(stage, text_span(&text));
    if (status == 0)
        status = stage_end(stage);
    *config = (struct entry){stage->digests, stage->length, SPAN_LITERAL(TYPE_WASM_CONFIG), {0}};
    if (status == 0)
        status = oci_put_blob(exchange, stage, config, false);
    stage_free(stage);
    return status;
}

static int put_described(struct exchange *exchange, const struct package *package,
                         uint8_t sha256[STORE_SHA256])
{
    struct entry config;
    char digits[2 * STORE_SHA256 + 1];
    int status = put_config(exchange, package, &config);
    autofree char *buffer = malloc(MANIFEST_ROOM);
    if (status < 0 || !buffer)
        return status < 0 ? status : -ENOMEM;
    struct text text = text_init(buffer, MANIFEST_ROOM);
    hex_digest(&config, digits);
    text_printf(&text,
                "{\"schemaVersion\":2,\"mediaType\":\"" TYPE_OCI_MANIFEST
                "\",\"config\":{\"mediaType\":\"" TYPE_WASM_CONFIG
                "\",\"digest\":\"sha256:%s\",\"size\":%llu},\"layers\":[",
                digits, (unsigned long long)config.length);
    for (size_t i = 0; i < package->count; i++) {
        text_add(&text, i ? "," : "");
        write_layer(&package->layers[i], &text);
    }
    text_add(&text, "]}");
    struct oci_manifest manifest = {.bytes = text_span(&text), .json = text_span(&text)};
    manifest.entry.type = SPAN_LITERAL(TYPE_OCI_MANIFEST);
    manifest.entry.length = text.size;
    manifest.artifact = SPAN_LITERAL(TYPE_WASM_CONFIG);
    status = text.overflow ? -ENOENT : digests_of(text_span(&text), &manifest.entry.digests);
    memcpy(sha256, manifest.entry.digests.value[DIGEST_SHA256], STORE_SHA256);
    return status < 0 ? status : oci_put_manifest(exchange, &manifest, exchange->route.id, false);
}

int oci_from_native(struct exchange *exchange, uint8_t sha256[STORE_SHA256])
{
    const struct route *route = &exchange->route;
    struct record_key tag_key = RECORD_KEY('t', route->user, route->repository, route->tag);
    struct record_key root_key =
        RECORD_KEY('n', route->user, route->repository, route->tag, (struct span){0});
    struct package *package = calloc(1, sizeof(*package));
    struct store_value tag = {0};
    struct record root = {0};
    struct listing directory = {0};
    int status = package ? store_get(exchange->service->store, tag_key.text, &tag) : -ENOMEM;
    if (status == 0)
        status = record_get(exchange->service->store, root_key.text, &root);
    if (status == 0 && span_equal(root.entry.type, SPAN_LITERAL(TYPE_DIRECTORY))) {
        status = read_content(exchange, root.entry.digests.value[DIGEST_SHA256], &directory);
        if (status == 0)
            status = add_files(exchange, package, span_of(directory.data, directory.size));
    } else if (status == 0) {
        status = add_file(exchange, package, (struct span){0});
    }
    if (status == 0)
        status = package->count > 0 ? put_described(exchange, package, sha256) : -ENOENT;
    if (package)
        free_package(package);
    record_free(&root);
    free(tag.data);
    free(directory.data);
    return status;
}
