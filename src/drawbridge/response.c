// SPDX-License-Identifier: Apache-2.0
/* How answers are made: statuses, headers, objects, ranges. */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "drawbridge/exchange.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_SIZE = 1024, ETAG_SIZE = 2 * STORE_SHA256 + 3 };

struct service_response *service_response_new(void)
{
    struct service_response *response = calloc(1, sizeof(*response));
    if (!response)
        return NULL;
    response->status = 500;
    response->header_text = text_init(response->header_bytes, sizeof(response->header_bytes));
    return response;
}

static void drop_body(struct service_response *response)
{
    free(response->memory);
    content_close(response->content);
    response->memory = NULL;
    response->content = NULL;
    response->content_type = NULL;
    response->body = (struct span){0};
}

void service_response_free(struct service_response *response)
{
    if (!response)
        return;
    drop_body(response);
    free(response);
}

const char *service_response_header(const struct service_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    }
    return NULL;
}

void respond(struct exchange *exchange, unsigned status)
{
    struct service_response *response = exchange->response;
    drop_body(response);
    response->status = status;
}

/* The code of OCI for a status (distribution specification, error codes). */
static const char *oci_code(enum route_kind kind, unsigned status)
{
    switch (status) {
    case 401:
        return "UNAUTHORIZED";
    case 404:
        return kind == ROUTE_OCI_MANIFEST || kind == ROUTE_OCI_REFERRERS ? "MANIFEST_UNKNOWN"
               : kind == ROUTE_OCI_BLOB                                  ? "BLOB_UNKNOWN"
               : kind == ROUTE_OCI_UPLOAD                                ? "BLOB_UPLOAD_UNKNOWN"
                                                                         : "NAME_UNKNOWN";
    case 400:
    case 422:
        return kind == ROUTE_OCI_MANIFEST ? "MANIFEST_INVALID"
               : kind == ROUTE_OCI_UPLOAD ? "DIGEST_INVALID"
                                          : "NAME_INVALID";
    case 405:
        return "UNSUPPORTED";
    case 413:
        return "SIZE_INVALID";
    case 416:
        return "BLOB_UPLOAD_INVALID";
    default:
        return "DENIED";
    }
}

static void write_oci_error(struct exchange *exchange, unsigned status, const char *sentence,
                            struct text *text)
{
    text_printf(
        text, "{\"errors\":[{\"code\":\"%s\",\"message\":", oci_code(exchange->route.kind, status));
    text_add_quoted(text, sentence);
    text_add(text, "}]}");
    exchange->response->content_type = TYPE_JSON;
    if (status == 401)
        add_header(exchange, "WWW-Authenticate", "Basic realm=\"drawbridge\"");
}

bool refuse(struct exchange *exchange, unsigned status, const char *format, ...)
{
    struct service_response *response = exchange->response;
    char sentence[SENTENCE_SIZE];
    va_list args;
    respond(exchange, status);
    response->header_count = 0;
    response->memory = malloc(2 * SENTENCE_SIZE);
    if (!response->memory)
        return false;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    struct text text = text_init((char *)response->memory, 2 * SENTENCE_SIZE);
    response->content_type = "text/plain; charset=utf-8";
    if (route_is_oci(exchange->route.kind))
        write_oci_error(exchange, status, sentence, &text);
    else
        text_add(&text, sentence);
    response->body = text_span(&text);
    return false;
}

bool refuse_errno(struct exchange *exchange, int error)
{
    switch (error) {
    case -EEXIST:
        return refuse(exchange, 409, "Already exists");
    case -ENOENT:
        return refuse(exchange, 404, "Repository does not exist");
    case -EDQUOT:
        return refuse(exchange, 507, "The user's quota is exhausted");
    case -EUSERS:
        return refuse(exchange, 429, "The repository has too many uploads that are not complete");
    case -ENOSPC:
        return refuse(exchange, 507, "The disk is full");
    case -EBUSY:
    case -ESTALE:
        return refuse(exchange, 503, "Others are changing this: try again");
    default:
        return refuse(exchange, 500, "Storage backend failure");
    }
}

void add_header(struct exchange *exchange, const char *name, const char *format, ...)
{
    struct service_response *response = exchange->response;
    struct text *text = &response->header_text;
    char value[2 * 1024];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    size_t room = text->capacity - text->size;
    if (size < 0 || (size_t)size >= sizeof(value) || (size_t)size + 2 > room ||
        response->header_count == SERVICE_HEADERS_MAX)
        return; /* no header of ours is that long; better none than half of one */
    response->headers[response->header_count].name = name;
    response->headers[response->header_count++].value = text->data + text->size;
    text_add_span(text, span_of(value, (size_t)size + 1)); /* with its NUL */
}

/* A media type as a header's value: it has to outlive the record. */
static const char *keep_type(struct exchange *exchange, struct span type)
{
    struct text *text = &exchange->response->header_text;
    const char *kept = text->data + text->size;
    text_add_span(text, type);
    text_add_span(text, span_of("", 1));
    return kept;
}

static void make_etag(const struct entry *entry, char etag[ETAG_SIZE])
{
    etag[0] = '"';
    hex_encode(span_of(entry->digests.value[DIGEST_SHA256], STORE_SHA256), etag + 1);
    strcat(etag, "\"");
}

static void add_metadata(struct exchange *exchange, const struct entry *entry)
{
    char digests[DIGEST_HEADER_MAX], etag[ETAG_SIZE];
    struct text text = text_init(digests, sizeof(digests));
    digests_write_header(&entry->digests, &text);
    make_etag(entry, etag);
    add_header(exchange, "Content-Digest", "%s", digests);
    add_header(exchange, "ETag", "%s", etag);
    if (route_is_oci(exchange->route.kind))
        add_header(exchange, "Docker-Content-Digest", "sha256:%.64s", etag + 1);
    exchange->response->content_type = keep_type(exchange, entry->type);
}

/* Whether a list of entity tags (RFC 9110 section 13.1.2) has this one, or all. */
static bool lists_etag(struct span list, const char *etag)
{
    return span_equal(list, SPAN_LITERAL("*")) ||
           memmem(list.data, list.size, etag, strlen(etag)) != NULL;
}

/* 304 if the client has it already. */
static bool is_unchanged(struct exchange *exchange, const struct entry *entry)
{
    char etag[ETAG_SIZE];
    const struct span *known = find_header(exchange, "if-none-match");
    make_etag(entry, etag);
    if (!known || !lists_etag(*known, etag))
        return false;
    exchange->response->status = 304;
    exchange->response->content_type = NULL;
    return true;
}

static bool take_number(struct span *text, uint64_t *number)
{
    size_t digits = 0;
    while (digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9')
        digits++;
    struct span taken = span_of(text->data, digits);
    *text = span_of(text->data + digits, text->size - digits);
    return json_uint(taken, INT64_MAX, number);
}

/* One range of bytes (RFC 9110 section 14.1.2): 1 with *first and *last; 0 if the whole is to be
 * sent; -ERANGE if nothing of it is there. */
static int parse_range(struct span text, uint64_t length, uint64_t *first, uint64_t *last)
{
    static const char unit[] = "bytes=";
    uint64_t count;
    if (text.size < sizeof(unit) || memcmp(text.data, unit, sizeof(unit) - 1) != 0 ||
        memchr(text.data, ',', text.size))
        return 0;
    text = span_of(text.data + sizeof(unit) - 1, text.size - (sizeof(unit) - 1));
    if (text.data[0] == '-') { /* the last so many */
        text = span_of(text.data + 1, text.size - 1);
        if (!take_number(&text, &count) || text.size > 0)
            return 0;
        *first = count < length ? length - count : 0;
        *last = length - 1;
        return count == 0 || length == 0 ? -ERANGE : 1;
    }
    if (!take_number(&text, first) || text.size == 0 || text.data[0] != '-')
        return 0;
    text = span_of(text.data + 1, text.size - 1);
    *last = length - 1;
    if (text.size > 0 && (!take_number(&text, last) || text.size > 0 || *last < *first))
        return 0;
    if (length == 0 || *first >= length)
        return -ERANGE;
    if (*last > length - 1)
        *last = length - 1;
    return 1;
}

/* Narrows an answer down to the range that is asked for. */
static bool apply_range(struct exchange *exchange, const struct entry *entry, uint64_t length)
{
    struct service_response *response = exchange->response;
    const struct span *range = find_header(exchange, "range");
    const struct span *condition = find_header(exchange, "if-range");
    char etag[ETAG_SIZE];
    uint64_t first, last;
    make_etag(entry, etag);
    if (!range || !method_is(exchange, "GET") ||
        (condition && !span_equal(*condition, span_of(etag, strlen(etag)))))
        return true;
    int status = parse_range(*range, length, &first, &last);
    if (status == 0)
        return true;
    if (status < 0) {
        refuse(exchange, 416, "The range is behind the end");
        add_header(exchange, "Content-Range", "bytes */%llu", (unsigned long long)length);
        return false;
    }
    response->status = 206;
    response->offset = first;
    response->length = last - first + 1;
    add_header(exchange, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)first,
               (unsigned long long)last, (unsigned long long)length);
    return true;
}

void respond_object(struct exchange *exchange, const struct entry *entry, struct span content)
{
    struct service_response *response = exchange->response;
    respond(exchange, 200);
    add_metadata(exchange, entry);
    if (is_unchanged(exchange, entry))
        return;
    response->memory = malloc(content.size + 1);
    if (!response->memory) {
        refuse(exchange, 500, "There is no memory");
        return;
    }
    memcpy(response->memory, content.data, content.size);
    response->body = span_of(response->memory, content.size);
}

void respond_content(struct exchange *exchange, const struct entry *entry)
{
    struct service_response *response = exchange->response;
    respond(exchange, 200);
    add_metadata(exchange, entry);
    add_header(exchange, "Accept-Ranges", "bytes");
    if (is_unchanged(exchange, entry))
        return;
    int status = store_content(exchange->service->store, entry->digests.value[DIGEST_SHA256],
                               &response->content);
    if (status < 0) { /* a record without its content is a defect, not a request for nothing */
        refuse_errno(exchange, -EIO);
        return;
    }
    response->offset = 0;
    response->length = response->content->length;
    apply_range(exchange, entry, response->length);
}

void respond_json(struct exchange *exchange, unsigned status, char *json, size_t size)
{
    respond(exchange, status);
    exchange->response->memory = (uint8_t *)json;
    exchange->response->body = span_of(json, size);
    exchange->response->content_type = TYPE_JSON;
}

void listing_add(struct listing *listing, struct span bytes)
{
    if (listing->failed || bytes.size == 0)
        return;
    if (bytes.size + 1 > listing->capacity - listing->size) {
        size_t capacity = (listing->size + bytes.size + 256) * 2;
        char *data = realloc(listing->data, capacity);
        if (!data) {
            listing->failed = true;
            return;
        }
        listing->data = data;
        listing->capacity = capacity;
    }
    memcpy(listing->data + listing->size, bytes.data, bytes.size);
    listing->size += bytes.size;
}

void listing_print(struct listing *listing, const char *format, ...)
{
    char buffer[2048];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(buffer, sizeof(buffer), format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= sizeof(buffer))
        listing->failed = true;
    else
        listing_add(listing, span_of(buffer, (size_t)size));
}

void respond_listing(struct exchange *exchange, struct listing *listing)
{
    struct entry entry = {.length = listing->size, .type = SPAN_LITERAL(TYPE_JSON)};
    struct span json = span_of(listing->data, listing->size);
    if (listing->failed || digests_of(json, &entry.digests) < 0) {
        free(listing->data);
        refuse(exchange, 500, "There is no memory");
        return;
    }
    respond_json(exchange, 200, listing->data, listing->size);
    add_metadata(exchange, &entry);
    if (is_unchanged(exchange, &entry))
        exchange->response->body.size = 0;
}
