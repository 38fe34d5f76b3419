// SPDX-License-Identifier: Apache-2.0
/* Tags: created once; yanked, deleted, signed, described. */
#include "base/cleanup.h"
#include "base/date.h"
#include "codec/json.h"
#include "drawbridge/exchange.h"
#include "jose/jws.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 1000, SIGNATURES_MAX = 16, SIGNATURE_SIZE_MAX = 4096, REASON_MAX = 500 };

/* Which tags a list has. */
enum listed { LISTED_LIVE, LISTED_YANKED, LISTED_DELETED };

struct tag_list {
    struct listing listing;
    enum listed listed;
    uint64_t left; /* 0: that is all, and there may be more */
    bool limited, more;
    char last[NAME_MAX_SIZE + 1];
};

static enum listed state_of(struct span record)
{
    struct span value;
    if (json_get(record, "deleted", &value))
        return LISTED_DELETED;
    return json_get(record, "yanked", &value) ? LISTED_YANKED : LISTED_LIVE;
}

static bool list_tag(void *context, const char *key, struct span value)
{
    struct tag_list *list = context;
    struct span record;
    const char *tag = strrchr(key, '/') + 1;
    if (json_parse(value, &record) < 0 || state_of(record) != list->listed)
        return true;
    if (list->limited && list->left == 0) {
        list->more = true;
        return false;
    }
    list->left -= list->limited;
    listing_print(&list->listing, "%s\"%s\"", list->listing.size > 1 ? "," : "", tag);
    snprintf(list->last, sizeof(list->last), "%s", tag);
    return true;
}

static bool is_set(struct exchange *exchange, const char *key)
{
    char value[8];
    return route_query(&exchange->route, key, value, sizeof(value)) == 1 && strcmp(value, "1") == 0;
}

/* The links of the next page repeat what this one was asked for. */
static void add_next(struct exchange *exchange, const struct tag_list *list, uint64_t count)
{
    static const char *const states[] = {"", "&yanked=1", "&deleted=1"};
    add_header(exchange, "Link", "<%.*s?n=%u&last=%s%s>; rel=\"next\"",
               (int)exchange->route.prefix.size, (const char *)exchange->route.prefix.data,
               (unsigned)count, list->last, states[list->listed]);
}

static void list_tags(struct exchange *exchange, struct tag_list *list)
{
    const struct route *route = &exchange->route;
    char last[NAME_MAX_SIZE + 1] = "";
    uint64_t count;
    int given = route_query(route, "last", last, sizeof(last));
    if (given < 0 || (given == 1 && !name_is_tag(span_of(last, strlen(last))))) {
        refuse(exchange, 400, "`last` has to be a tag");
        return;
    }
    if (!read_number(exchange, "n", 1, LIST_MAX, 0, &count))
        return;
    struct record_key prefix = RECORD_KEY('t', route->user, route->repository, (struct span){0});
    struct record_key after =
        RECORD_KEY('t', route->user, route->repository, span_of(last, strlen(last)));
    list->limited = count > 0;
    list->left = count;
    listing_print(&list->listing, "[");
    int status =
        store_list(exchange->service->store, prefix.text, given ? after.text : "", list_tag, list);
    listing_print(&list->listing, "]");
    list->listing.failed = list->listing.failed || status < 0;
    respond_listing(exchange, &list->listing);
    if (list->more && exchange->response->status == 200)
        add_next(exchange, list, count);
}

void answer_tags(struct exchange *exchange)
{
    struct tag_list list = {.listed = LISTED_LIVE};
    if (!method_is(exchange, "GET")) {
        refuse(exchange, 405, "Method not allowed for tags endpoint");
        return;
    }
    if (is_set(exchange, "deleted")) {
        list.listed = LISTED_DELETED;
        if (!allow_owner(exchange, SCOPE_READ, SCOPE_REPOSITORIES) || !find_repository(exchange))
            return;
    } else if (!allow_reader(exchange)) {
        return;
    }
    if (is_set(exchange, "yanked"))
        list.listed = LISTED_YANKED;
    list_tags(exchange, &list);
}

/* What a tag's body is, in canonical form, and the root that it names. */
struct new_tag {
    struct text content, custom;
    struct entry root;
    bool is_jose;
};

static bool read_entry(struct exchange *exchange, struct span object, struct new_tag *tag)
{
    if (entry_parse(object, &tag->custom, &tag->root) < 0 || digests_empty(&tag->root.digests))
        return refuse(exchange, 400, "Failed to parse the tag entry");
    return true;
}

/* A JWS: its payload is an entry in canonical form, and its signature is right. */
static bool read_jose(struct exchange *exchange, struct new_tag *tag, uint8_t *memory, size_t size)
{
    struct jws_signed result;
    struct span payload;
    int status = jws_verify_flattened(exchange->request->body, NULL, memory, size, &result);
    if (status < 0)
        return refuse(exchange, 422,
                      status == -EBADMSG ? "The signature of the tag is wrong"
                                         : "The tag is not a flattened JWS with payload and jwk");
    if (json_parse(result.payload, &payload) < 0 || !read_entry(exchange, payload, tag))
        return refuse(exchange, 422, "The payload of the tag is not an entry");
    char buffer[ENTRY_MAX_SIZE];
    struct text canonical = text_init(buffer, sizeof(buffer));
    entry_write(&tag->root, &canonical);
    if (canonical.overflow || !span_equal(text_span(&canonical), result.payload))
        return refuse(exchange, 422, "The payload of the tag is not in canonical form");
    return true;
}

static bool read_tag(struct exchange *exchange, struct span type, struct new_tag *tag,
                     uint8_t *memory, size_t size)
{
    struct span object;
    if (!read_json(exchange, &object))
        return false;
    tag->is_jose = span_equal(type, SPAN_LITERAL(TYPE_JOSE));
    if (tag->is_jose) {
        json_write_compact(object, &tag->content);
        return read_jose(exchange, tag, memory, size);
    }
    if (!span_equal(type, SPAN_LITERAL(TYPE_ENTRY)))
        return refuse(exchange, 400, "Invalid content type");
    if (!read_entry(exchange, object, tag))
        return false;
    entry_write(&tag->root, &tag->content);
    return true;
}

/* Writes the record of a new tag. */
static void write_record(struct exchange *exchange, const struct entry *entry,
                         const struct new_tag *tag, struct text *text)
{
    char root[ENTRY_MAX_SIZE], created[DATE_TEXT_SIZE];
    struct text root_text = text_init(root, sizeof(root));
    record_begin(text, entry, text_span(&tag->content));
    entry_write(&tag->root, &root_text);
    record_member(text, "root", text_span(&root_text));
    date_format(exchange->request->now, created);
    text_printf(text, ",\"created\":\"%s\"", created);
    record_end(text);
    text->overflow = text->overflow || root_text.overflow;
}

static void create_tag(struct exchange *exchange, const struct put *put, const struct new_tag *tag,
                       struct text *record)
{
    const struct route *route = &exchange->route;
    struct entry entry = {.length = tag->content.size, .type = put->type};
    if (digests_of(text_span(&tag->content), &entry.digests) < 0) {
        refuse_errno(exchange, -ENOMEM);
        return;
    }
    if (!check_put(exchange, put, &entry.digests, entry.length))
        return;
    write_record(exchange, &entry, tag, record);
    if (record->overflow) {
        refuse(exchange, 413, "The tag is too large");
        return;
    }
    struct record_key key = RECORD_KEY('t', route->user, route->repository, route->tag);
    struct record_key parent = RECORD_KEY('r', route->user, route->repository);
    const struct store_value *old = &exchange->repository.raw;
    struct store_change changes[] = {
        {.key = key.text, .value = text_span(record), .expect = STORE_ABSENT},
        {.key = parent.text, .expect = STORE_CHECK, .old = span_of(old->data, old->size)},
    };
    int status = store_write(exchange->service->store, NULL, changes, 2);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 201);
}

static void put_tag(struct exchange *exchange)
{
    struct put put;
    size_t size = exchange->request->body.size;
    if (!allow_writer(exchange) || !read_put(exchange, true, &put))
        return;
    if (size > RECORD_MAX / 4) {
        refuse(exchange, 413, "The tag is too large");
        return;
    }
    /* One block for the content, unknown members, what a JWS decodes to, and the record. */
    size_t part = size + ENTRY_MAX_SIZE;
    autofree char *memory = malloc(3 * part + RECORD_MAX);
    if (!memory) {
        refuse_errno(exchange, -ENOMEM);
        return;
    }
    struct new_tag tag = {.content = text_init(memory, part),
                          .custom = text_init(memory + part, part)};
    struct text record = text_init(memory + 3 * part, RECORD_MAX);
    if (read_tag(exchange, put.type, &tag, (uint8_t *)memory + 2 * part, part))
        create_tag(exchange, &put, &tag, &record);
}

static void get_tag(struct exchange *exchange)
{
    struct span value;
    if (!allow_reader(exchange))
        return;
    if (record_read_entry(&exchange->tag) < 0) {
        refuse_errno(exchange, -EBADMSG);
        return;
    }
    respond_object(exchange, &exchange->tag.entry, exchange->tag.content);
    if (json_get(exchange->tag.value, "yanked", &value))
        add_header(exchange, "Drawbridge-Yanked", "1");
}

static void delete_tag(struct exchange *exchange)
{
    char json[DATE_TEXT_SIZE + 2], now[DATE_TEXT_SIZE];
    date_format(exchange->request->now, now);
    snprintf(json, sizeof(json), "\"%s\"", now);
    if (allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES) && find_repository(exchange) &&
        find_tag(exchange) && change_tag(exchange, "deleted", span_of(json, strlen(json))))
        respond(exchange, 204);
}

void answer_tag(struct exchange *exchange)
{
    if (method_is(exchange, "PUT"))
        put_tag(exchange);
    else if (method_reads(exchange))
        get_tag(exchange);
    else if (method_is(exchange, "DELETE"))
        delete_tag(exchange);
    else
        refuse(exchange, 405, "Method not allowed for tag endpoint");
}

void answer_restore(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    if (!method_is(exchange, "POST")) {
        refuse(exchange, 405, "Method not allowed for restore endpoint");
        return;
    }
    if (!allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES) || !find_repository(exchange))
        return;
    struct record_key key = RECORD_KEY('t', route->user, route->repository, route->tag);
    int status = record_find(exchange->service->store, key.text, &exchange->tag);
    if (status < 0)
        refuse_errno(exchange, status);
    else if (!tag_is_deleted(&exchange->tag))
        refuse(exchange, 409, "The tag is not deleted");
    else if (change_tag(exchange, "deleted", (struct span){0}))
        respond(exchange, 204);
}

/* The reason of a yank, as a JSON string; nothing if there is no body. */
static bool read_reason(struct exchange *exchange, struct span *reason)
{
    struct span object;
    *reason = SPAN_LITERAL("\"\"");
    if (exchange->request->body.size == 0)
        return true;
    if (!read_json(exchange, &object))
        return false;
    if (json_get(object, "reason", reason) && (reason->data[0] != '"' || reason->size > REASON_MAX))
        return refuse(exchange, 422, "`reason` has to be a string of at most %d bytes",
                      REASON_MAX - 2);
    return true;
}

static void put_yank(struct exchange *exchange)
{
    char json[REASON_MAX + 64], now[DATE_TEXT_SIZE];
    struct text text = text_init(json, sizeof(json));
    struct span reason;
    if (!read_reason(exchange, &reason))
        return;
    date_format(exchange->request->now, now);
    text_add(&text, "{\"reason\":");
    text_add_span(&text, reason);
    text_printf(&text, ",\"time\":\"%s\"}", now);
    if (change_tag(exchange, "yanked", text_span(&text)))
        respond(exchange, 204);
}

static void respond_member(struct exchange *exchange, struct span json)
{
    struct listing listing = {0};
    listing_add(&listing, json);
    respond_listing(exchange, &listing);
}

void answer_yank(struct exchange *exchange)
{
    struct span yanked;
    bool reads = method_is(exchange, "GET"), puts = method_is(exchange, "PUT");
    if (!reads && !puts && !method_is(exchange, "DELETE")) {
        refuse(exchange, 405, "Method not allowed for yank endpoint");
        return;
    }
    if (!(reads ? allow_reader(exchange) : allow_writer(exchange) && find_tag(exchange)))
        return;
    if (puts) {
        put_yank(exchange);
        return;
    }
    if (!json_get(exchange->tag.value, "yanked", &yanked))
        refuse(exchange, 404, "The tag is not yanked");
    else if (reads)
        respond_member(exchange, yanked);
    else if (change_tag(exchange, "yanked", (struct span){0}))
        respond(exchange, 204);
}

/* Whether one of the signatures is of this key; counts them. */
static bool has_key(struct span signatures, struct span payload, const uint8_t *thumbprint,
                    size_t *count)
{
    struct json_member member;
    autofree uint8_t *memory = malloc(SIGNATURE_SIZE_MAX);
    bool has = false;
    *count = 0;
    for (struct json_cursor c = json_elements(signatures); memory && json_next(&c, &member);) {
        struct jws_signed other;
        if (jws_verify_flattened(member.value, &payload, memory, SIGNATURE_SIZE_MAX, &other) == 0)
            has = has || memcmp(other.thumbprint, thumbprint, JWK_THUMBPRINT_SIZE) == 0;
        ++*count;
    }
    return has || !memory;
}

/* The canonical form of the tag, which is what signatures are over. */
static bool tag_payload(const struct record *tag, struct text *text)
{
    struct entry root;
    if (!tag_root(tag, &root))
        return false;
    entry_write(&root, text);
    return !text->overflow;
}

static bool check_signature(struct exchange *exchange, struct span payload,
                            struct jws_signed *result)
{
    uint8_t memory[SIGNATURE_SIZE_MAX];
    struct span body = exchange->request->body, object;
    const struct span *type = find_header(exchange, "content-type");
    if (!type || !span_equal(media_type_essence(*type), SPAN_LITERAL(TYPE_JOSE)))
        return refuse(exchange, 415, "Expected request with `Content-Type: " TYPE_JOSE "`");
    if (!read_json(exchange, &object))
        return false;
    if (body.size > SIGNATURE_SIZE_MAX)
        return refuse(exchange, 413, "The signature has more than %d bytes", SIGNATURE_SIZE_MAX);
    int status = jws_verify_flattened(body, &payload, memory, sizeof(memory), result);
    if (status == -EBADMSG)
        return refuse(exchange, 422, "The signature is wrong, or of something else");
    if (status < 0 || !result->detached)
        return refuse(exchange, 422, "The signature is not a detached flattened JWS with jwk");
    return true;
}

static void post_signature(struct exchange *exchange)
{
    char payload_buffer[ENTRY_MAX_SIZE];
    struct text payload = text_init(payload_buffer, sizeof(payload_buffer));
    struct jws_signed result;
    struct span signatures = {0};
    size_t count;
    if (!tag_payload(&exchange->tag, &payload)) {
        refuse_errno(exchange, -EIO);
        return;
    }
    if (!check_signature(exchange, text_span(&payload), &result))
        return;
    json_get(exchange->tag.value, "signatures", &signatures);
    if (has_key(signatures, text_span(&payload), result.thumbprint, &count) ||
        count >= SIGNATURES_MAX) {
        refuse(exchange, 409,
               count >= SIGNATURES_MAX ? "The tag has %d signatures"
                                       : "This key signed the tag already",
               SIGNATURES_MAX);
        return;
    }
    size_t room = signatures.size + exchange->request->body.size + 8;
    autofree char *buffer = malloc(room);
    if (!buffer) {
        refuse_errno(exchange, -ENOMEM);
        return;
    }
    struct text text = text_init(buffer, room);
    text_add_span(&text, count ? span_of(signatures.data, signatures.size - 1) : SPAN_LITERAL("["));
    text_add(&text, count ? "," : "");
    json_write_compact(exchange->request->body, &text);
    text_add(&text, "]");
    if (change_tag(exchange, "signatures", text_span(&text)))
        respond(exchange, 201);
}

void answer_signatures(struct exchange *exchange)
{
    struct span signatures = SPAN_LITERAL("[]");
    if (method_is(exchange, "GET")) {
        if (!allow_reader(exchange))
            return;
        json_get(exchange->tag.value, "signatures", &signatures);
        respond_member(exchange, signatures);
    } else if (method_is(exchange, "POST")) {
        if (allow_writer(exchange) && find_tag(exchange))
            post_signature(exchange);
    } else {
        refuse(exchange, 405, "Method not allowed for signature endpoint");
    }
}
