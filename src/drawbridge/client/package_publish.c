// SPDX-License-Identifier: Apache-2.0
/* The upload of a tree: its tag, then its nodes, parents before children. */
#include "base/cleanup.h"
#include "drawbridge/client/package.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { UPLOAD_ID_MAX = 128, ATTEMPTS = 4 };

struct publishing {
    struct remote *remote;
    const struct slug *slug;
    const struct local_tree *tree;
    const struct package_watch *watch;
    struct package_count *count;
    struct err *err;
};

static void tell(const struct publishing *publishing, const struct local_node *node, uint64_t done)
{
    const struct package_watch *watch = publishing->watch;
    watch->moved(watch->context, *node->path ? node->path : publishing->tree->name, done,
                 node->entry.length);
}

/* Whether what has this name already is the same; otherwise the error of its PUT stays. */
static int compare_present(const struct publishing *publishing, const char *path,
                           const struct digests *digests)
{
    struct err ignored = {0};
    struct http_reply reply;
    struct remote_call call = {.method = "HEAD", .path = path};
    struct digests present = {0};
    if (remote_call(publishing->remote, &call, &reply, &ignored) < 0)
        return -EEXIST;
    const struct span *header = http1_header_find(&reply.head.head, "Content-Digest");
    bool same = header && digests_parse_header(*header, &present) == 0 &&
                !digests_empty(&present) && digests_match(&present, digests);
    http_reply_free(&reply);
    if (!same)
        return -EEXIST;
    publishing->count->present++;
    *publishing->err = (struct err){0};
    return 0;
}

static int put(const struct publishing *publishing, const struct remote_call *call)
{
    struct http_reply reply;
    int status = remote_call(publishing->remote, call, &reply, publishing->err);
    if (status == -EEXIST)
        return compare_present(publishing, call->path, call->digests);
    if (status < 0)
        return status;
    publishing->count->created++;
    http_reply_free(&reply);
    return 0;
}

/* Reads exactly so many bytes. */
static int read_exactly(const struct publishing *publishing, int fd, uint8_t *buffer, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read(fd, buffer + at, size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(publishing->err, ERR_IO, got < 0 ? errno : EIO,
                           "cannot read %s, which has changed", publishing->tree->name);
        at += (size_t)got;
    }
    return 0;
}

static int repository_path(const struct publishing *publishing, const char *id, char *path)
{
    struct slug repository = *publishing->slug;
    struct text text = text_init(path, REMOTE_PATH_MAX);
    repository.tag = (struct span){0};
    slug_write_path(&repository, &text);
    text_printf(&text, "/_upload%s%s", id ? "/" : "", id ? id : "");
    return text.overflow ? err_set(publishing->err, ERR_USAGE, 0, "the path is too long") : 0;
}

/* Takes the name of an upload out of the answer that made it. */
static bool take_id(const struct http_reply *reply, char id[UPLOAD_ID_MAX + 1])
{
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    const struct span *location = http1_header_find(&reply->head.head, "Location");
    const uint8_t *slash = location ? memrchr(location->data, '/', location->size) : NULL;
    size_t size = slash ? (size_t)(location->data + location->size - slash - 1) : 0;
    if (size == 0 || size > UPLOAD_ID_MAX)
        return false;
    memcpy(id, slash + 1, size);
    id[size] = '\0';
    return strspn(id, allowed) == size;
}

static int begin_upload(const struct publishing *publishing, char id[UPLOAD_ID_MAX + 1])
{
    char path[REMOTE_PATH_MAX];
    struct http_reply reply;
    struct remote_call call = {.method = "POST", .path = path, .body = SPAN_LITERAL("")};
    int status = repository_path(publishing, NULL, path);
    if (status == 0)
        status = remote_call(publishing->remote, &call, &reply, publishing->err);
    if (status < 0)
        return status;
    if (!take_id(&reply, id))
        status = err_set(publishing->err, ERR_IO, 0, "the server does not name the upload");
    http_reply_free(&reply);
    return status;
}

/* How much of an upload the server has. */
static int ask_offset(const struct publishing *publishing, const char *path, uint64_t most,
                      uint64_t *offset)
{
    struct http_reply reply;
    struct remote_call call = {.method = "HEAD", .path = path};
    int status = remote_call(publishing->remote, &call, &reply, publishing->err);
    if (status < 0)
        return status;
    const struct span *header = http1_header_find(&reply.head.head, "Upload-Offset");
    uint64_t value = 0;
    bool good = header && header->size > 0 && header->size < 19;
    for (size_t i = 0; good && i < header->size; i++) {
        good = header->data[i] >= '0' && header->data[i] <= '9';
        value = value * 10 + (header->data[i] - (uint64_t)'0');
    }
    http_reply_free(&reply);
    if (!good || value > most)
        return err_set(publishing->err, ERR_IO, 0, "the server does not tell how much it has");
    *offset = value;
    return 0;
}

static int send_chunk(const struct publishing *publishing, const char *path, int fd,
                      uint8_t *buffer, uint64_t offset, size_t size)
{
    char number[24];
    struct text text = text_init(number, sizeof(number));
    struct http_reply reply;
    text_printf(&text, "%llu", (unsigned long long)offset);
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return err_set(publishing->err, ERR_IO, errno, "cannot read %s", publishing->tree->name);
    int status = read_exactly(publishing, fd, buffer, size);
    if (status < 0)
        return status;
    struct remote_call call = {.method = "PATCH",
                               .path = path,
                               .type = "application/octet-stream",
                               .more = {"Upload-Offset", number},
                               .body = span_of(buffer, size)};
    status = remote_call(publishing->remote, &call, &reply, publishing->err);
    if (status == 0)
        http_reply_free(&reply);
    return status;
}

/* Whether it is worth to ask how much has arrived: a connection broke, or a chunk was there. */
static bool may_go_on(int status)
{
    return status == -EPIPE || status == -ETIMEDOUT || status == -EEXIST;
}

/* Sends a file in chunks; after a connection that broke, from where the server is. */
static int send_chunks(const struct publishing *publishing, const struct local_node *node,
                       const char *path, int fd)
{
    autofree uint8_t *buffer = malloc(PACKAGE_CHUNK);
    uint64_t offset = 0, length = node->entry.length;
    if (!buffer)
        return err_set(publishing->err, ERR_IO, ENOMEM, "cannot upload");
    for (unsigned failed = 0; offset < length;) {
        size_t size = length - offset < PACKAGE_CHUNK ? (size_t)(length - offset) : PACKAGE_CHUNK;
        int status = send_chunk(publishing, path, fd, buffer, offset, size);
        if (status == 0) {
            offset += size;
            failed = 0;
            tell(publishing, node, offset);
            continue;
        }
        if (!may_go_on(status) || ++failed == ATTEMPTS)
            return status;
        struct err why = *publishing->err;
        if (ask_offset(publishing, path, length, &offset) < 0) {
            *publishing->err = why;
            return status;
        }
        *publishing->err = (struct err){0};
    }
    return 0;
}

static int upload_large(const struct publishing *publishing, const struct local_node *node, int fd,
                        struct remote_call *call)
{
    char id[UPLOAD_ID_MAX + 1], path[REMOTE_PATH_MAX];
    int status = begin_upload(publishing, id);
    if (status == 0)
        status = repository_path(publishing, id, path);
    if (status == 0)
        status = send_chunks(publishing, node, path, fd);
    if (status < 0)
        return status;
    call->more = (struct http1_field){"Drawbridge-Upload", id};
    call->body = SPAN_LITERAL("");
    return put(publishing, call);
}

static int upload_file(const struct publishing *publishing, const struct local_node *node,
                       struct remote_call *call)
{
    autoclose int fd = -1;
    int status = local_tree_open(publishing->tree, node, &fd, publishing->err);
    if (status < 0)
        return status;
    if (node->entry.length > PACKAGE_CHUNK) {
        /* Not sent for nothing if it is there. */
        if (compare_present(publishing, call->path, &node->entry.digests) == 0)
            return 0;
        return upload_large(publishing, node, fd, call);
    }
    size_t size = (size_t)node->entry.length;
    autofree uint8_t *buffer = malloc(size + 1);
    if (!buffer)
        return err_set(publishing->err, ERR_IO, ENOMEM, "cannot upload");
    status = read_exactly(publishing, fd, buffer, size);
    call->body = span_of(buffer, size);
    return status == 0 ? put(publishing, call) : status;
}

static int upload_node(const struct publishing *publishing, const struct local_node *node)
{
    char path[REMOTE_PATH_MAX], type[TYPE_MAX_SIZE + 1];
    struct text text = text_init(path, sizeof(path)), type_text = text_init(type, sizeof(type));
    slug_write_path(publishing->slug, &text);
    text_printf(&text, "/tree%s%s", *node->path ? "/" : "", node->path);
    text_add_span(&type_text, node->entry.type);
    struct remote_call call = {
        .method = "PUT", .path = path, .type = type, .digests = &node->entry.digests};
    tell(publishing, node, 0);
    if (!node->listing)
        return upload_file(publishing, node, &call);
    call.body = span_of(node->listing, (size_t)node->entry.length);
    return put(publishing, &call);
}

static int upload_tag(const struct publishing *publishing)
{
    char path[REMOTE_PATH_MAX], body[ENTRY_MAX_SIZE];
    struct text text = text_init(path, sizeof(path)), tag = text_init(body, sizeof(body));
    struct digests digests;
    slug_write_path(publishing->slug, &text);
    entry_write(&publishing->tree->nodes[0].entry, &tag);
    if (digests_of(text_span(&tag), &digests) < 0)
        return err_set(publishing->err, ERR_IO, ENOMEM, "cannot digest the tag");
    struct remote_call call = {.method = "PUT",
                               .path = path,
                               .type = TYPE_ENTRY,
                               .digests = &digests,
                               .body = text_span(&tag)};
    return put(publishing, &call);
}

int package_publish(struct remote *remote, const struct slug *slug, const struct local_tree *tree,
                    const struct package_watch *watch, struct package_count *count, struct err *err)
{
    struct err failure = {0};
    struct publishing publishing = {remote, slug, tree, watch, count, &failure};
    *count = (struct package_count){0};
    int status = upload_tag(&publishing);
    for (size_t i = 0; status == 0 && i < tree->count; i++)
        status = upload_node(&publishing, &tree->nodes[i]);
    if (status < 0 && err)
        *err = failure;
    return status;
}
