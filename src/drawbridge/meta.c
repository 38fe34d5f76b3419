// SPDX-License-Identifier: Apache-2.0
/* Public metadata of tags: what a host has to know before it starts a Keep. */
#include "codec/json.h"
#include "drawbridge/exchange.h"

#include <errno.h>
#include <string.h>

enum { META_ROOM = 1024, URL_MAX = 512 };

/* "https://…", of characters that need no escape. */
static bool is_url(struct span text)
{
    static const char scheme[] = "https://";
    if (text.size < sizeof(scheme) || text.size > URL_MAX ||
        memcmp(text.data, scheme, sizeof(scheme) - 1) != 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7F || strchr("\"\\<>^`{|}", text.data[i]))
            return false;
    }
    return true;
}

static bool read_meta(struct exchange *exchange, struct span *steward)
{
    struct span object;
    struct json_member member;
    struct entry root;
    struct digests digests;
    *steward = (struct span){0};
    if (!read_json(exchange, &object))
        return false;
    if (!tag_root(&exchange->tag, &root))
        return refuse_errno(exchange, -EIO);
    for (struct json_cursor cursor = json_members(object); json_next(&cursor, &member);) {
        if (span_equal(member.key, SPAN_LITERAL("steward"))) {
            if (!json_text(member.value, steward) || !is_url(*steward))
                return refuse(exchange, 422, "`steward` has to be a URL with https");
        } else if (span_equal(member.key, SPAN_LITERAL("digest"))) {
            if (digests_parse_json(member.value, &digests) < 0 ||
                !digests_match(&digests, &root.digests))
                return refuse(exchange, 422, "`digest` is not that of the tag");
        } else {
            return refuse(exchange, 422, "unknown field, expected `steward` or `digest`");
        }
    }
    return true;
}

static void put_meta(struct exchange *exchange)
{
    char buffer[META_ROOM];
    struct text text = text_init(buffer, sizeof(buffer));
    struct span steward;
    if (!allow_writer(exchange) || !find_tag(exchange) || !read_meta(exchange, &steward))
        return;
    text_add(&text, "{");
    if (steward.size > 0) {
        text_add(&text, "\"steward\":\"");
        text_add_span(&text, steward);
        text_add(&text, "\"");
    }
    text_add(&text, "}");
    if (change_tag(exchange, "meta", text_span(&text)))
        respond(exchange, 204);
}

static void delete_meta(struct exchange *exchange)
{
    struct span value;
    if (!allow_writer(exchange) || !find_tag(exchange))
        return;
    if (!json_get(exchange->tag.value, "meta", &value))
        refuse(exchange, 404, "The tag has no public metadata");
    else if (change_tag(exchange, "meta", (struct span){0}))
        respond(exchange, 204);
}

static bool is_public(const struct record *repository)
{
    struct span value;
    return json_get(repository->content, "public", &value) &&
           span_equal(value, SPAN_LITERAL("true"));
}

/* Of a private repository only what its owner put there: for others there is no tag. */
static void get_meta(struct exchange *exchange)
{
    struct span value, meta = {0}, steward;
    struct listing listing = {0};
    struct entry root;
    char buffer[ENTRY_MAX_SIZE];
    struct text text = text_init(buffer, sizeof(buffer));
    if (!find_repository(exchange) || !find_tag(exchange))
        return;
    if (!json_get(exchange->tag.value, "meta", &meta) && !is_public(&exchange->repository)) {
        refuse_errno(exchange, -ENOENT);
        return;
    }
    if (!tag_root(&exchange->tag, &root)) {
        refuse_errno(exchange, -EIO);
        return;
    }
    root.custom = (struct span){0};
    entry_write(&root, &text);
    listing_add(&listing, span_of(text.data, text.size - 1));
    if (meta.size > 0 && json_get_text(meta, "steward", &steward))
        listing_print(&listing, ",\"steward\":\"%.*s\"", (int)steward.size,
                      (const char *)steward.data);
    listing_print(&listing, ",\"yanked\":%s}",
                  json_get(exchange->tag.value, "yanked", &value) ? "true" : "false");
    respond_listing(exchange, &listing);
}

void answer_meta(struct exchange *exchange)
{
    if (method_is(exchange, "GET"))
        get_meta(exchange);
    else if (method_is(exchange, "PUT"))
        put_meta(exchange);
    else if (method_is(exchange, "DELETE"))
        delete_meta(exchange);
    else
        refuse(exchange, 405, "Method not allowed for meta endpoint");
}
