// SPDX-License-Identifier: Apache-2.0
/* What requests say in their heads and bodies. */
#include "codec/json.h"
#include "drawbridge/exchange.h"

#include <string.h>

const struct span *find_header(const struct exchange *exchange, const char *name)
{
    return http1_header_find(exchange->request->head, name);
}

bool method_is(const struct exchange *exchange, const char *method)
{
    return span_equal(exchange->request->method, span_of(method, strlen(method)));
}

bool method_reads(const struct exchange *exchange)
{
    return method_is(exchange, "GET") || method_is(exchange, "HEAD");
}

static bool read_digests(struct exchange *exchange, bool needed, struct digests *digests)
{
    const struct http1_head *head = exchange->request->head;
    *digests = (struct digests){0};
    for (size_t i = 0; i < head->count; i++) {
        if (http1_equal(head->headers[i].name, "content-digest") &&
            digests_parse_header(head->headers[i].value, digests) < 0)
            return refuse(exchange, 400, "Failed to parse Content-Digest");
    }
    if (needed && digests_empty(digests))
        return refuse(exchange, 400, "At least one content digest value must be specified");
    return true;
}

bool read_put(struct exchange *exchange, bool digest_needed, struct put *put)
{
    const struct http1_head *head = exchange->request->head;
    const struct span *type = find_header(exchange, "content-type");
    if (!head->has_length)
        return refuse(exchange, 400, "Header of type `content-length` was missing");
    if (!type)
        return refuse(exchange, 400, "Header of type `content-type` was missing");
    if (!media_type_valid(*type))
        return refuse(exchange, 400, "Invalid content type");
    put->length = head->length;
    put->type = *type;
    return read_digests(exchange, digest_needed, &put->digests);
}

bool check_put(struct exchange *exchange, const struct put *put, const struct digests *digests,
               uint64_t length)
{
    if (put->length != length)
        return refuse(exchange, 400, "Content length mismatch, expected: %llu, got %llu",
                      (unsigned long long)put->length, (unsigned long long)length);
    if (!digests_match(&put->digests, digests))
        return refuse(exchange, 400, "Content digest mismatch");
    return true;
}

static bool is_json(struct span type)
{
    struct span essence = media_type_essence(type);
    static const char suffix[] = "+json";
    return http1_equal(essence, TYPE_JSON) ||
           (essence.size > sizeof(suffix) - 1 &&
            http1_equal(
                span_of(essence.data + essence.size - (sizeof(suffix) - 1), sizeof(suffix) - 1),
                suffix));
}

bool read_json(struct exchange *exchange, struct span *object)
{
    const struct span *type = find_header(exchange, "content-type");
    if (!type || !is_json(*type))
        return refuse(exchange, 415, "Expected request with `Content-Type: application/json`");
    if (json_parse(exchange->request->body, object) < 0)
        return refuse(exchange, 400, "Failed to parse the request body as JSON");
    if (object->data[0] != '{')
        return refuse(exchange, 422, "The JSON of the request body is not an object");
    return true;
}

bool read_number(struct exchange *exchange, const char *key, uint64_t min, uint64_t max,
                 uint64_t preset, uint64_t *number)
{
    char text[32];
    int status = route_query(&exchange->route, key, text, sizeof(text));
    *number = preset;
    if (status == 0)
        return true;
    if (status < 0 || !json_uint(span_of(text, strlen(text)), max, number) || *number < min)
        return refuse(exchange, 400, "`%s` has to be a number from %llu to %llu", key,
                      (unsigned long long)min, (unsigned long long)max);
    return true;
}
