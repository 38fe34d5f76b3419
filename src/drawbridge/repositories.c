// SPDX-License-Identifier: Apache-2.0
/* Repositories, grants on them, and the search for them. */
#include "base/cleanup.h"
#include "codec/json.h"
#include "drawbridge/exchange.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CONTENT_MAX = 64, ENTRY_ROOM = 1024, SLUG_MAX = 2 * NAME_MAX_SIZE + 2, PAGE_MAX = 100 };

/* {"public":…} in canonical form. */
static bool read_config(struct exchange *exchange, struct text *canonical)
{
    struct span object;
    struct json_member member;
    bool public, found = false;
    if (!read_json(exchange, &object))
        return false;
    for (struct json_cursor cursor = json_members(object); json_next(&cursor, &member);) {
        if (!span_equal(member.key, SPAN_LITERAL("public")))
            return refuse(exchange, 422, "unknown field, expected `public`");
        if (!json_boolean(member.value, &public))
            return refuse(exchange, 422, "`public` has to be true or false");
        found = true;
    }
    if (!found)
        return refuse(exchange, 422, "missing field `public`");
    text_printf(canonical, "{\"public\":%s}", public ? "true" : "false");
    return true;
}

static int make_record(struct span content, struct span type, struct entry *entry,
                       struct text *record)
{
    *entry = (struct entry){.length = content.size, .type = type};
    int status = digests_of(content, &entry->digests);
    record_begin(record, entry, content);
    record_end(record);
    return status;
}

static int create(struct exchange *exchange, struct span record)
{
    const struct route *route = &exchange->route;
    struct record_key key = RECORD_KEY('r', route->user, route->repository), usage_key;
    int status = -ESTALE;
    for (unsigned i = 0; status == -ESTALE && i < WRITE_TRIES; i++) {
        struct store_value old = {0};
        char buffer[96];
        struct text fresh = text_init(buffer, sizeof(buffer));
        struct store_change changes[2] = {
            {.key = key.text, .value = record, .expect = STORE_ABSENT}};
        status = plan_usage(exchange, 0, 1, &usage_key, &old, &fresh, &changes[1]);
        bool first = changes[1].expect == STORE_ABSENT;
        if (status == 0)
            status = store_write(exchange->service->store, NULL, changes, 2);
        free(old.data);
        /* Which of the two exists already? */
        struct store_value there = {0};
        if (status == -EEXIST && first &&
            store_get(exchange->service->store, key.text, &there) == -ENOENT)
            status = -ESTALE;
        free(there.data);
    }
    return status;
}

static void put_repository(struct exchange *exchange)
{
    struct put put;
    char content[CONTENT_MAX], buffer[ENTRY_ROOM];
    struct text canonical = text_init(content, sizeof(content));
    struct text record = text_init(buffer, sizeof(buffer));
    struct entry entry;
    if (!read_put(exchange, false, &put) || !read_config(exchange, &canonical) ||
        !allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES))
        return;
    if (make_record(text_span(&canonical), put.type, &entry, &record) < 0) {
        refuse_errno(exchange, -ENOMEM);
        return;
    }
    if (!check_put(exchange, &put, &entry.digests, entry.length))
        return;
    int status = create(exchange, text_span(&record));
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 201);
}

static void patch_repository(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    char content[CONTENT_MAX], buffer[ENTRY_ROOM];
    struct text canonical = text_init(content, sizeof(content));
    struct text record = text_init(buffer, sizeof(buffer));
    struct entry entry;
    if (!allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES) || !find_repository(exchange) ||
        !read_config(exchange, &canonical))
        return;
    struct record_key key = RECORD_KEY('r', route->user, route->repository);
    struct store_change change = {.key = key.text, .expect = STORE_SAME};
    change.old = span_of(exchange->repository.raw.data, exchange->repository.raw.size);
    int status = record_read_entry(&exchange->repository);
    if (status == 0)
        status =
            make_record(text_span(&canonical), exchange->repository.entry.type, &entry, &record);
    change.value = text_span(&record);
    if (status == 0)
        status = store_write(exchange->service->store, NULL, &change, 1);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 204);
}

struct found_key {
    char *key;
    bool live; /* a tag that is not deleted */
};

static bool take_first(void *context, const char *key, struct span value)
{
    struct found_key *found = context;
    struct record tag = {.value = value};
    found->key = strdup(key);
    found->live = !tag_is_deleted(&tag);
    return false;
}

static bool find_live(void *context, const char *key, struct span value)
{
    bool *live = context;
    struct record tag = {.value = value};
    (void)key;
    *live = !tag_is_deleted(&tag);
    return !*live;
}

/* Removes the tags of a repository, which are all deleted. */
static int purge_tags(struct exchange *exchange, const char *prefix)
{
    const struct route *route = &exchange->route;
    int status = 0;
    for (;;) {
        struct found_key found = {0};
        status = store_list(exchange->service->store, prefix, "", take_first, &found);
        if (status < 0 || !found.key)
            return status;
        struct span tag = span_of(found.key + strlen(prefix), strlen(found.key + strlen(prefix)));
        status = found.live
                     ? -EBUSY
                     : purge_tag(exchange->service->store, route->user, route->repository, tag);
        free(found.key);
        if (status < 0)
            return status;
    }
}

/* Removes the records under a prefix. */
static int remove_all(struct store *store, const char *prefix)
{
    for (;;) {
        struct found_key found = {0};
        int status = store_list(store, prefix, "", take_first, &found);
        if (status < 0 || !found.key)
            return status;
        struct store_change change = {.key = found.key};
        status = store_write(store, NULL, &change, 1);
        free(found.key);
        if (status < 0)
            return status;
    }
}

static bool add_length(void *context, const char *key, struct span value)
{
    int64_t *sum = context;
    uint64_t length = 0;
    struct span json;
    (void)key;
    if (json_parse(value, &json) == 0)
        json_get_uint(json, "length", INT64_MAX, &length);
    *sum += (int64_t)length;
    return true;
}

/* Bytes of the blobs and manifests of OCI that count for the user. */
static int sum_objects(struct exchange *exchange, int64_t *sum)
{
    int status = 0;
    *sum = 0;
    for (const char *letter = "bm"; status == 0 && *letter; letter++) {
        struct record_key prefix =
            RECORD_KEY(*letter, exchange->route.user, exchange->route.repository, (struct span){0});
        status = store_list(exchange->service->store, prefix.text, "", add_length, sum);
    }
    return status;
}

static int remove_repository(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct store *store = exchange->service->store;
    struct record_key key = RECORD_KEY('r', route->user, route->repository), usage_key;
    int64_t bytes;
    int status = sum_objects(exchange, &bytes);
    for (const char *letter = "gdpofmb"; status == 0 && *letter; letter++) {
        struct record_key prefix =
            RECORD_KEY(*letter, route->user, route->repository, (struct span){0});
        status = remove_all(store, prefix.text);
    }
    if (status < 0)
        return status;
    status = -ESTALE;
    for (unsigned i = 0; status == -ESTALE && i < WRITE_TRIES; i++) {
        struct store_value old = {0};
        char buffer[96];
        struct text fresh = text_init(buffer, sizeof(buffer));
        struct store_change changes[2] = {{.key = key.text}};
        status = plan_usage(exchange, -bytes, -1, &usage_key, &old, &fresh, &changes[1]);
        if (status == 0)
            status = store_write(store, NULL, changes, 2);
        free(old.data);
    }
    return status;
}

static void delete_repository(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    bool live = false;
    if (!allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES) || !find_repository(exchange))
        return;
    struct record_key tags = RECORD_KEY('t', route->user, route->repository, (struct span){0});
    int status = store_list(exchange->service->store, tags.text, "", find_live, &live);
    if (status == 0 && live) {
        refuse(exchange, 409, "The repository has tags: delete them first");
        return;
    }
    if (status == 0)
        status = purge_tags(exchange, tags.text);
    if (status == 0)
        status = remove_repository(exchange);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 204);
}

static void get_repository(struct exchange *exchange)
{
    if (!allow_owner(exchange, SCOPE_READ, SCOPE_REPOSITORIES) || !find_repository(exchange))
        return;
    if (record_read_entry(&exchange->repository) < 0)
        refuse_errno(exchange, -EBADMSG);
    else
        respond_object(exchange, &exchange->repository.entry, exchange->repository.content);
}

void answer_repository(struct exchange *exchange)
{
    if (method_is(exchange, "PUT"))
        put_repository(exchange);
    else if (method_reads(exchange))
        get_repository(exchange);
    else if (method_is(exchange, "PATCH"))
        patch_repository(exchange);
    else if (method_is(exchange, "DELETE"))
        delete_repository(exchange);
    else
        refuse(exchange, 405, "Method not allowed for repository endpoint");
}

static bool list_record(void *context, const char *key, struct span value)
{
    struct listing *listing = context;
    (void)key;
    listing_add(listing, listing->size > 1 ? SPAN_LITERAL(",") : (struct span){0});
    listing_add(listing, value);
    return true;
}

void answer_grants(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct listing listing = {0};
    if (!method_is(exchange, "GET")) {
        refuse(exchange, 405, "Method not allowed for grants endpoint");
        return;
    }
    if (!allow_owner(exchange, SCOPE_READ, SCOPE_REPOSITORIES) || !find_repository(exchange))
        return;
    struct record_key prefix = RECORD_KEY('g', route->user, route->repository, (struct span){0});
    listing_print(&listing, "[");
    int status = store_list(exchange->service->store, prefix.text, "", list_record, &listing);
    listing_print(&listing, "]");
    listing.failed = listing.failed || status < 0;
    respond_listing(exchange, &listing);
}

static bool read_access(struct exchange *exchange, struct span *access)
{
    struct span object;
    if (!read_json(exchange, &object))
        return false;
    if (!json_get_text(object, "access", access) ||
        (!span_equal(*access, SPAN_LITERAL("read")) && !span_equal(*access, SPAN_LITERAL("write"))))
        return refuse(exchange, 422, "`access` has to be \"read\" or \"write\"");
    return true;
}

static void put_grant(struct exchange *exchange, const char *key)
{
    const struct span other = exchange->route.id;
    struct span access;
    struct record user;
    char buffer[NAME_MAX_SIZE + 64];
    struct text text = text_init(buffer, sizeof(buffer));
    if (!read_access(exchange, &access))
        return;
    struct record_key user_key = RECORD_KEY('u', other);
    int status = record_get(exchange->service->store, user_key.text, &user);
    if (status < 0) {
        if (status == -ENOENT)
            refuse(exchange, 404, "User `%.*s` not found", (int)other.size,
                   (const char *)other.data);
        else
            refuse_errno(exchange, status);
        return;
    }
    record_free(&user);
    text_printf(&text, "{\"user\":\"%.*s\",\"access\":\"%.*s\"}", (int)other.size,
                (const char *)other.data, (int)access.size, (const char *)access.data);
    struct store_change change = {.key = key, .value = text_span(&text)};
    status = store_write(exchange->service->store, NULL, &change, 1);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 204);
}

static void delete_grant(struct exchange *exchange, const char *key)
{
    struct store_value old = {0};
    int status = store_get(exchange->service->store, key, &old);
    struct store_change change = {
        .key = key, .expect = STORE_SAME, .old = span_of(old.data, old.size)};
    if (status == 0)
        status = store_write(exchange->service->store, NULL, &change, 1);
    free(old.data);
    if (status == -ENOENT)
        refuse(exchange, 404, "There is no such grant");
    else if (status < 0)
        refuse_errno(exchange, status);
    else
        respond(exchange, 204);
}

void answer_grant(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    bool puts = method_is(exchange, "PUT");
    if (!puts && !method_is(exchange, "DELETE")) {
        refuse(exchange, 405, "Method not allowed for grant endpoint");
        return;
    }
    if (!allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES) || !find_repository(exchange))
        return;
    struct record_key key = RECORD_KEY('g', route->user, route->repository, route->id);
    if (puts)
        put_grant(exchange, key.text);
    else
        delete_grant(exchange, key.text);
}

struct search {
    struct exchange *exchange;
    struct listing listing;
    char words[SLUG_MAX], last[SLUG_MAX];
    uint64_t left;
    bool more;
};

static bool contains(struct span slug, const char *words)
{
    size_t size = strlen(words);
    for (size_t i = 0; i + size <= slug.size; i++) {
        if (strncasecmp((const char *)slug.data + i, words, size) == 0)
            return true;
    }
    return false;
}

static bool try_repository(void *context, const char *key, struct span value)
{
    struct search *search = context;
    const char *slug = key + 2, *slash = strchr(slug, '/');
    struct span record, content, public;
    size_t size = strlen(slug);
    if (!slash || !contains(span_of(slug, size), search->words) || json_parse(value, &record) < 0 ||
        !json_get(record, "content", &content) || !json_get(content, "public", &public))
        return true;
    if (!may_see(search->exchange, span_of(slug, (size_t)(slash - slug)),
                 span_of(slash + 1, size - (size_t)(slash - slug) - 1), record))
        return true;
    if (search->left == 0) {
        search->more = true;
        return false;
    }
    search->left--;
    listing_print(&search->listing, "%s{\"repository\":\"%s\",\"public\":%.*s}",
                  search->listing.size > 1 ? "," : "", slug, (int)public.size,
                  (const char *)public.data);
    snprintf(search->last, sizeof(search->last), "%s", slug);
    return true;
}

/* Words as the value of a query. */
static void escape(const char *words, char out[3 * SLUG_MAX + 1])
{
    struct text text = text_init(out, 3 * SLUG_MAX + 1);
    for (; *words; words++) {
        struct span one = span_of(words, 1);
        if (name_is_node(one) || *words == '.')
            text_add_span(&text, one);
        else
            text_printf(&text, "%%%02X", (unsigned char)*words);
    }
}

void answer_search(struct exchange *exchange)
{
    struct search search = {.exchange = exchange};
    char after[SLUG_MAX + 2] = "r/", words[3 * SLUG_MAX + 1], last[3 * SLUG_MAX + 1];
    uint64_t count;
    if (!method_is(exchange, "GET")) {
        refuse(exchange, 405, "Method not allowed for search endpoint");
        return;
    }
    if (route_query(&exchange->route, "q", search.words, sizeof(search.words)) < 0 ||
        route_query(&exchange->route, "last", after + 2, SLUG_MAX) < 0) {
        refuse(exchange, 400, "The query is malformed");
        return;
    }
    if (!read_number(exchange, "n", 1, PAGE_MAX, 20, &count))
        return;
    search.left = count;
    listing_print(&search.listing, "[");
    int status = store_list(exchange->service->store, "r/", after, try_repository, &search);
    listing_print(&search.listing, "]");
    search.listing.failed = search.listing.failed || status < 0;
    respond_listing(exchange, &search.listing);
    escape(search.words, words);
    escape(search.last, last);
    if (search.more)
        add_header(exchange, "Link", "<%.*s?q=%s&n=%u&last=%s>; rel=\"next\"",
                   (int)exchange->route.prefix.size, (const char *)exchange->route.prefix.data,
                   words, (unsigned)count, last);
}
