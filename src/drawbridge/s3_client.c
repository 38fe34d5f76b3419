// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/s3_client.h"

#include "base/log.h"
#include "codec/base64.h"
#include "codec/url.h"
#include "crypto/sign.h"
#include "drawbridge/s3_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    TRIES = 7,
    PAUSE_MS = 100, /* after the first attempt; then doubled */
    PAUSE_MAX_MS = 3000,
    PARTS_MAX = 9000,
    QUERY_MAX = 8192,
    URL_MAX = 8192,
    HOST_SIZE = URL_HOST_MAX + 80,
    PART_ROOM = S3_ETAG_MAX + 96, /* what a part takes in the list of all */
};

struct s3_client {
    const struct s3_config *config;
    struct http_client *http;
    struct err err;
    char host[HOST_SIZE];   /* as the header has it */
    char base[HOST_SIZE];   /* URL up to the path */
    char path[S3_NAME_MAX]; /* of the bucket, without a slash at its end */
};

static bool make_names(struct s3_client *client)
{
    const struct s3_config *config = client->config;
    struct url url;
    if (url_parse(span_of(config->endpoint, strlen(config->endpoint)), &url) < 0 ||
        (url.target.size > 0 && !span_equal(url.target, SPAN_LITERAL("/"))))
        return false;
    struct text host = text_init(client->host, sizeof(client->host));
    struct text base = text_init(client->base, sizeof(client->base));
    struct text path = text_init(client->path, sizeof(client->path));
    if (config->virtual_host)
        text_printf(&host, "%s.", config->bucket);
    else
        text_printf(&path, "/%s", config->bucket);
    text_add(&host, url.bracketed ? "[" : "");
    text_add_span(&host, url.host);
    text_add(&host, url.bracketed ? "]" : "");
    if (url.port != (url.secure ? 443 : 80))
        text_printf(&host, ":%u", url.port);
    text_printf(&base, "%s://%s", url.secure ? "https" : "http", client->host);
    return !host.overflow && !base.overflow && !path.overflow;
}

struct s3_client *s3_client_new(const struct s3_config *config)
{
    struct http_client_config http = {
        .tls = config->tls, .seconds = config->seconds, .patient = true, .body_max = S3_BODY_MAX};
    struct s3_client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->config = config;
    client->http = http_client_new(&http);
    if (client->http && make_names(client))
        return client;
    s3_client_free(client);
    return NULL;
}

void s3_client_free(struct s3_client *client)
{
    if (!client)
        return;
    http_client_free(client->http);
    free(client);
}

const struct err *s3_client_err(const struct s3_client *client)
{
    return &client->err;
}

static bool is_passing(int status)
{
    return status < 0
               ? status != -EACCES && status != -EINVAL
               : status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* Waits before the next attempt: twice as long as before it, and nobody as long as others. */
static void pause_before(unsigned tried)
{
    uint8_t random = 0;
    long ms = (long)PAUSE_MS << tried;
    ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
    (void)!crypto_random(&random, sizeof(random));
    ms = ms / 2 + ms * random / 512;
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* The headers of a request, which are signed, in the order of their names. */
struct headers {
    struct http1_field fields[S3_SIGNED_MAX];
    size_t count;
};

static void add_header(struct headers *headers, const char *name, const char *value)
{
    if (value)
        headers->fields[headers->count++] = (struct http1_field){name, value};
}

/* One attempt: the status, or a negative errno. */
static int attempt(struct s3_client *client, const struct s3_call *call, const char *body_hash,
                   struct http_reply *reply)
{
    char url[URL_MAX], date[S3_DATE_SIZE], authorization[S3_AUTHORIZATION_MAX];
    const char *query = call->query ? call->query : "";
    struct text text = text_init(url, sizeof(url));
    struct headers headers = {0};
    text_printf(&text, "%s%s/%s%s", client->base, client->path,
                call->name ? client->config->prefix : "", call->name ? call->name : "");
    char *path = url + strlen(client->base);
    s3_date((int64_t)time(NULL), date);
    add_header(&headers, "host", client->host);
    add_header(&headers, "if-match", call->if_match);
    add_header(&headers, "if-none-match", call->if_none_match);
    add_header(&headers, "range", call->range);
    add_header(&headers, "x-amz-content-sha256", body_hash);
    add_header(&headers, "x-amz-date", date);
    struct s3_request request = {call->method,  path, query,    headers.fields,
                                 headers.count, date, body_hash};
    int status = s3_sign(&request, &client->config->credentials, authorization);
    add_header(&headers, "authorization", authorization);
    if (query[0])
        text_printf(&text, "?%s", query);
    if (status < 0 || text.overflow)
        return err_set(&client->err, ERR_USAGE, 0, "a request to %s cannot be made", client->base);
    struct http_call http = {.method = call->method,
                             .url = url,
                             .fields = headers.fields + 1, /* the client of HTTP adds "host" */
                             .field_count = headers.count - 1,
                             .body = call->body,
                             .take = call->take,
                             .context = call->context};
    status = http_client_call(client->http, &http, reply, &client->err);
    return status < 0 ? status : (int)reply->head.status;
}

/* What an answer says about an error, for the log. */
static void note_status(struct s3_client *client, const struct s3_call *call, int status,
                        const struct http_reply *reply)
{
    char code[64];
    if (s3_parse_value(reply->body, "Code", code, sizeof(code)) < 0 ||
        strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != strlen(code))
        code[0] = '\0';
    err_set(&client->err, ERR_IO, 0, "%s answered %s of %s with %d%s%s", client->base, call->method,
            call->name ? call->name : client->path, status, code[0] ? ", " : "", code);
}

int s3_call(struct s3_client *client, const struct s3_call *call, struct http_reply *reply)
{
    char digits[S3_HASH_SIZE];
    const char *hash = call->body_hash;
    int status = 0;
    if (!hash && s3_hash(call->body, digits) < 0)
        return -ENOMEM;
    for (unsigned tried = 0; tried < TRIES; tried++) {
        if (tried > 0)
            pause_before(tried - 1);
        if (call->begin)
            call->begin(call->context);
        status = attempt(client, call, hash ? hash : digits, reply);
        if (!is_passing(status))
            break;
        if (status > 0) {
            note_status(client, call, status, reply);
            http_reply_free(reply);
        }
        log_warn("drawbridge", "%s", client->err.message);
    }
    return status > 0 && is_passing(status) ? -EIO : status;
}

int s3_do(struct s3_client *client, const struct s3_call *call, struct http_reply *reply)
{
    int status = s3_call(client, call, reply);
    if (status >= 200 && status < 300)
        return 0;
    if (status < 0)
        return status;
    note_status(client, call, status, reply);
    http_reply_free(reply);
    if (status == 404)
        return -ENOENT;
    if (status == 409 || status == 412)
        return -EEXIST;
    log_error("drawbridge", "%s", client->err.message);
    return status == 403 ? -EACCES : -EIO;
}

bool s3_reply_etag(const struct http_reply *reply, char etag[S3_ETAG_MAX])
{
    const struct span *value = http1_header_find(&reply->head.head, "etag");
    if (!value || value->size == 0 || value->size >= S3_ETAG_MAX ||
        memchr(value->data, 0, value->size))
        return false;
    memcpy(etag, value->data, value->size);
    etag[value->size] = '\0';
    return true;
}

/* An ETag as If-Match wants it. Some servers compare it with what they would put into quotes. */
static const char *match_value(const struct s3_client *client, const char *etag,
                               char bare[S3_ETAG_MAX])
{
    size_t size = strlen(etag);
    if (!client->config->bare_etags || size < 2 || etag[0] != '"')
        return etag;
    snprintf(bare, S3_ETAG_MAX, "%.*s", (int)(size - 2), etag + 1);
    return bare;
}

int s3_put(struct s3_client *client, const char *name, struct span body,
           enum s3_condition condition, char etag[S3_ETAG_MAX])
{
    char bare[S3_ETAG_MAX];
    struct http_reply reply;
    struct s3_call call = {.method = "PUT", .name = name, .body = body};
    if (!body.data)
        call.body = SPAN_LITERAL("");
    if (condition == S3_IF_ABSENT)
        call.if_none_match = "*";
    if (condition == S3_IF_MATCH)
        call.if_match = match_value(client, etag, bare);
    int status = s3_do(client, &call, &reply);
    if (status < 0) /* 404: there is nothing that could match */
        return status == -ENOENT && condition == S3_IF_MATCH ? -EEXIST : status;
    if (etag && !s3_reply_etag(&reply, etag))
        status = err_set(&client->err, ERR_IO, EPROTO, "%s gives no ETag", client->base);
    http_reply_free(&reply);
    return status;
}

int s3_delete(struct s3_client *client, const char *name)
{
    struct http_reply reply;
    struct s3_call call = {.method = "DELETE", .name = name};
    int status = s3_do(client, &call, &reply);
    if (status == 0)
        http_reply_free(&reply);
    return status == -ENOENT ? 0 : status;
}

/* An upload in parts. */
struct parts {
    struct s3_client *client;
    const char *name;
    char id[S3_NAME_MAX * 3]; /* encoded */
    struct text list;         /* what completes it */
};

static int begin_parts(struct parts *parts)
{
    char id[S3_NAME_MAX];
    struct http_reply reply;
    struct s3_call call = {
        .method = "POST", .name = parts->name, .query = "uploads=", .body = SPAN_LITERAL("")};
    int status = s3_do(parts->client, &call, &reply);
    if (status < 0)
        return status;
    struct text text = text_init(parts->id, sizeof(parts->id));
    status = s3_parse_value(reply.body, "UploadId", id, sizeof(id));
    url_encode(&text, span_of(id, status == 0 ? strlen(id) : 0));
    http_reply_free(&reply);
    return status < 0 || text.overflow || text.size == 0 ? -EPROTO : 0;
}

static int put_part(struct parts *parts, unsigned number, struct span body)
{
    char query[QUERY_MAX], etag[S3_ETAG_MAX];
    struct http_reply reply;
    struct text text = text_init(query, sizeof(query));
    text_printf(&text, "partNumber=%u&uploadId=%s", number, parts->id);
    struct s3_call call = {.method = "PUT", .name = parts->name, .query = query, .body = body};
    int status = text.overflow ? -EPROTO : s3_do(parts->client, &call, &reply);
    if (status < 0)
        return status;
    bool good = s3_reply_etag(&reply, etag) && !strpbrk(etag, "<>&");
    http_reply_free(&reply);
    text_printf(&parts->list, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", number,
                etag);
    return good && !parts->list.overflow ? 0 : -EPROTO;
}

/* Whether an object is there, with this length. */
static int check_length(struct s3_client *client, const char *name, uint64_t length)
{
    struct http_reply reply;
    struct s3_call call = {.method = "HEAD", .name = name};
    int status = s3_do(client, &call, &reply);
    if (status < 0)
        return status;
    const struct http1_head *head = &reply.head.head;
    bool good = head->has_length && head->length == length;
    http_reply_free(&reply);
    return good ? 0 : -EIO;
}

/* The last step. Its answer can be lost, and be 200 with an error in it: what counts is what is
 * there. */
static int complete_parts(struct parts *parts, uint64_t length)
{
    char query[QUERY_MAX], code[64];
    struct http_reply reply;
    struct text text = text_init(query, sizeof(query));
    text_printf(&text, "uploadId=%s", parts->id);
    text_add(&parts->list, "</CompleteMultipartUpload>");
    struct s3_call call = {
        .method = "POST", .name = parts->name, .query = query, .body = text_span(&parts->list)};
    if (text.overflow || parts->list.overflow)
        return -EPROTO;
    int status = s3_do(parts->client, &call, &reply);
    if (status == 0) {
        bool failed = s3_parse_value(reply.body, "Code", code, sizeof(code)) == 0;
        http_reply_free(&reply);
        status = failed ? -EIO : 0;
    }
    int there = check_length(parts->client, parts->name, length);
    return there == 0 ? 0 : status < 0 ? status : there;
}

static void abort_parts(struct s3_client *client, const char *name, const char *encoded_id)
{
    char query[QUERY_MAX];
    struct http_reply reply;
    struct text text = text_init(query, sizeof(query));
    text_printf(&text, "uploadId=%s", encoded_id);
    struct s3_call call = {.method = "DELETE", .name = name, .query = query};
    if (!text.overflow && s3_do(client, &call, &reply) == 0)
        http_reply_free(&reply);
}

static int put_parts(struct s3_client *client, const char *name, const uint8_t *bytes,
                     uint64_t length)
{
    uint64_t part = S3_PART;
    while (length / part >= PARTS_MAX)
        part *= 2;
    size_t count = (size_t)((length + part - 1) / part), room = 64 + count * PART_ROOM;
    struct parts parts = {.client = client, .name = name};
    char *memory = malloc(room);
    if (!memory)
        return -ENOMEM;
    parts.list = text_init(memory, room);
    text_add(&parts.list, "<CompleteMultipartUpload>");
    int status = begin_parts(&parts);
    bool begun = status == 0;
    for (size_t i = 0; status == 0 && i < count; i++) {
        uint64_t at = i * part, size = length - at < part ? length - at : part;
        status = put_part(&parts, (unsigned)i + 1, span_of(bytes + at, (size_t)size));
    }
    if (status == 0)
        status = complete_parts(&parts, length);
    if (status < 0 && begun)
        abort_parts(client, name, parts.id);
    free(memory);
    return status;
}

int s3_put_file(struct s3_client *client, const char *name, int fd, uint64_t length,
                const uint8_t *sha256)
{
    char digits[S3_HASH_SIZE];
    struct http_reply reply;
    if (length == 0)
        return s3_put(client, name, SPAN_LITERAL(""), S3_ALWAYS, NULL);
    void *bytes = mmap(NULL, (size_t)length, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    (void)madvise(bytes, (size_t)length, MADV_SEQUENTIAL);
    int status;
    if (length > S3_PART) {
        status = put_parts(client, name, bytes, length);
    } else {
        hex_encode(span_of(sha256, STORE_SHA256), digits);
        struct s3_call call = {.method = "PUT",
                               .name = name,
                               .body = span_of(bytes, (size_t)length),
                               .body_hash = digits};
        status = s3_do(client, &call, &reply);
        if (status == 0)
            http_reply_free(&reply);
    }
    munmap(bytes, (size_t)length);
    return status;
}

static void add_parameter(struct text *query, const char *name, const char *value)
{
    text_printf(query, "%s%s=", query->size > 0 ? "&" : "", name);
    url_encode(query, span_of(value, strlen(value)));
}

int s3_list(struct s3_client *client, const char *prefix, s3_item_fn each, void *context)
{
    char query[QUERY_MAX], whole[2 * S3_NAME_MAX];
    struct s3_page page = {0};
    struct http_reply reply;
    int status;
    snprintf(whole, sizeof(whole), "%s%s", client->config->prefix, prefix);
    do {
        struct text text = text_init(query, sizeof(query));
        if (page.token[0])
            add_parameter(&text, "continuation-token", page.token);
        add_parameter(&text, "list-type", "2");
        add_parameter(&text, "prefix", whole);
        struct s3_call call = {.method = "GET", .query = query};
        status = text.overflow ? -EPROTO : s3_do(client, &call, &reply);
        if (status < 0)
            return status;
        status = s3_parse_page(reply.body, client->config->prefix, each, context, &page);
        http_reply_free(&reply);
    } while (status == 0 && page.truncated && page.token[0]);
    return status == 0 && page.truncated ? -EPROTO : status;
}

struct aborting {
    struct s3_client *client;
    int64_t before;
};

static int abort_old(void *context, const struct s3_item *item)
{
    struct aborting *aborting = context;
    char encoded[3 * S3_NAME_MAX];
    struct text text = text_init(encoded, sizeof(encoded));
    url_encode(&text, span_of(item->upload, strlen(item->upload)));
    if (item->changed < aborting->before && !text.overflow && text.size > 0 &&
        strspn(item->name, "abcdefghijklmnopqrstuvwxyz0123456789-/") == strlen(item->name))
        abort_parts(aborting->client, item->name, encoded);
    return 0;
}

int s3_abort_uploads(struct s3_client *client, int64_t before)
{
    char query[QUERY_MAX];
    struct aborting aborting = {client, before};
    struct s3_page page = {0};
    struct http_reply reply;
    int status;
    do {
        struct text text = text_init(query, sizeof(query));
        if (page.key_marker[0])
            add_parameter(&text, "key-marker", page.key_marker);
        add_parameter(&text, "prefix", client->config->prefix);
        if (page.key_marker[0])
            add_parameter(&text, "upload-id-marker", page.id_marker);
        add_parameter(&text, "uploads", "");
        struct s3_call call = {.method = "GET", .query = query};
        status = text.overflow ? -EPROTO : s3_do(client, &call, &reply);
        if (status < 0)
            return status;
        status = s3_parse_page(reply.body, client->config->prefix, abort_old, &aborting, &page);
        http_reply_free(&reply);
    } while (status == 0 && page.truncated && page.key_marker[0]);
    return status;
}
