// SPDX-License-Identifier: Apache-2.0
/* Records of repositories, tags and usage: found, changed, removed. */
#include "base/cleanup.h"
#include "codec/json.h"
#include "drawbridge/exchange.h"

#include <errno.h>
#include <string.h>

static bool refuse_absent(struct exchange *exchange, int status)
{
    if (status == -ENOENT && method_is(exchange, "HEAD"))
        return refuse(exchange, 404, "Not found");
    return refuse_errno(exchange, status);
}

bool find_repository(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    if (exchange->repository.raw.data)
        return true;
    struct record_key key = RECORD_KEY('r', route->user, route->repository);
    int status = record_find(exchange->service->store, key.text, &exchange->repository);
    return status == 0 ? true : refuse_absent(exchange, status);
}

bool tag_is_deleted(const struct record *tag)
{
    struct span value;
    return json_get(tag->value, "deleted", &value);
}

bool find_tag(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    if (exchange->tag.raw.data)
        return true;
    struct record_key key = RECORD_KEY('t', route->user, route->repository, route->tag);
    int status = record_find(exchange->service->store, key.text, &exchange->tag);
    if (status == 0 && tag_is_deleted(&exchange->tag)) {
        record_free(&exchange->tag);
        status = -ENOENT;
    }
    return status == 0 ? true : refuse_absent(exchange, status);
}

bool tag_root(const struct record *tag, struct entry *root)
{
    struct span value;
    if (!json_get(tag->value, "root", &value))
        value = tag->content;
    return value.size > 0 && entry_parse(value, NULL, root) == 0;
}

bool change_tag(struct exchange *exchange, const char *member, struct span json)
{
    const struct route *route = &exchange->route;
    struct span old = span_of(exchange->tag.raw.data, exchange->tag.raw.size);
    size_t room = old.size + json.size + strlen(member) + 16;
    autofree char *buffer = malloc(room);
    if (!buffer)
        return refuse_errno(exchange, -ENOMEM);
    struct text text = text_init(buffer, room);
    record_begin_without(&text, exchange->tag.value, member);
    if (json.size > 0)
        record_member(&text, member, json);
    record_end(&text);
    if (text.overflow || text.size > RECORD_MAX)
        return refuse(exchange, 413, "The tag's record would become too large");
    struct record_key key = RECORD_KEY('t', route->user, route->repository, route->tag);
    struct store_change change = {
        .key = key.text, .value = text_span(&text), .expect = STORE_SAME, .old = old};
    int status = store_write(exchange->service->store, NULL, &change, 1);
    return status == 0 ? true : refuse_errno(exchange, status);
}

static uint64_t add_signed(uint64_t number, int64_t change)
{
    if (change >= 0)
        return number + (uint64_t)change;
    uint64_t less = (uint64_t)-change;
    return number > less ? number - less : 0;
}

/* The change of a usage record; `limits` NULL: as much as one likes. */
static int plan(struct store *store, struct span user, const struct service_rules *limits,
                int64_t bytes, int64_t repositories, struct record_key *key,
                struct store_value *old, struct text *fresh, struct store_change *change)
{
    uint64_t used = 0, count = 0;
    struct span value;
    *key = RECORD_KEY('q', user);
    int status = store_get(store, key->text, old);
    if (status < 0 && status != -ENOENT)
        return status;
    bool absent = status < 0;
    if (!absent && json_parse(span_of(old->data, old->size), &value) == 0) {
        json_get_uint(value, "bytes", INT64_MAX, &used);
        json_get_uint(value, "repositories", INT64_MAX, &count);
    }
    used = add_signed(used, bytes);
    count = add_signed(count, repositories);
    if (limits && ((bytes > 0 && limits->user_bytes_max && used > limits->user_bytes_max) ||
                   (repositories > 0 && limits->user_repositories_max &&
                    count > limits->user_repositories_max)))
        return -EDQUOT;
    text_printf(fresh, "{\"bytes\":%llu,\"repositories\":%llu}", (unsigned long long)used,
                (unsigned long long)count);
    *change = (struct store_change){
        .key = key->text, .value = text_span(fresh), .expect = absent ? STORE_ABSENT : STORE_SAME};
    if (!absent)
        change->old = span_of(old->data, old->size);
    return 0;
}

int plan_usage(struct exchange *exchange, int64_t bytes, int64_t repositories,
               struct record_key *key, struct store_value *old, struct text *fresh,
               struct store_change *change)
{
    return plan(exchange->service->store, exchange->route.user, exchange->service->rules, bytes,
                repositories, key, old, fresh, change);
}

static bool exists(struct store *store, const char *key)
{
    struct store_value value = {0};
    bool found = store_get(store, key, &value) == 0;
    free(value.data);
    return found;
}

int write_charged(struct exchange *exchange, struct stage *stage, struct store_change *changes,
                  size_t count, int64_t bytes, bool limited)
{
    struct store *store = exchange->service->store;
    const struct service_rules *rules = limited ? exchange->service->rules : NULL;
    int status = -ESTALE;
    for (unsigned i = 0; status == -ESTALE && i < WRITE_TRIES; i++) {
        struct record_key key;
        struct store_value old = {0};
        char buffer[96];
        struct text fresh = text_init(buffer, sizeof(buffer));
        status =
            plan(store, exchange->route.user, rules, bytes, 0, &key, &old, &fresh, &changes[count]);
        if (status == 0)
            status = store_write(store, stage, changes, count + 1);
        /* The first usage record of a user can come in between. */
        if (status == -EEXIST && changes[count].expect == STORE_ABSENT && exists(store, key.text))
            status = -ESTALE;
        free(old.data);
    }
    return status;
}

enum { PURGE_NODES = 32 /* in one write */ };

struct nodes {
    char *keys[PURGE_NODES];
    size_t count;
    uint64_t bytes;
};

static bool add_node(void *context, const char *key, struct span value)
{
    struct nodes *nodes = context;
    struct span json;
    uint64_t length = 0;
    if (json_parse(value, &json) == 0)
        json_get_uint(json, "length", INT64_MAX, &length);
    nodes->keys[nodes->count] = strdup(key);
    if (!nodes->keys[nodes->count])
        return false;
    nodes->bytes += length;
    return ++nodes->count < PURGE_NODES;
}

static void free_nodes(struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        free(nodes->keys[i]);
    *nodes = (struct nodes){0};
}

/* Removes nodes, and what they used from the usage. */
static int remove_nodes(struct store *store, struct span user, struct nodes *nodes)
{
    struct store_change changes[PURGE_NODES + 1];
    int status = -ESTALE;
    for (unsigned i = 0; status == -ESTALE && i < WRITE_TRIES; i++) {
        struct record_key key;
        struct store_value old = {0};
        char buffer[96];
        struct text fresh = text_init(buffer, sizeof(buffer));
        for (size_t k = 0; k < nodes->count; k++)
            changes[k] = (struct store_change){.key = nodes->keys[k]};
        status = plan(store, user, NULL, -(int64_t)nodes->bytes, 0, &key, &old, &fresh,
                      &changes[nodes->count]);
        if (status == 0)
            status = store_write(store, NULL, changes, nodes->count + 1);
        free(old.data);
    }
    return status;
}

int purge_tag(struct store *store, struct span user, struct span repository, struct span tag)
{
    struct record_key prefix = RECORD_KEY('n', user, repository, tag, (struct span){0});
    struct record_key key = RECORD_KEY('t', user, repository, tag);
    struct nodes nodes = {0};
    int status;
    do {
        free_nodes(&nodes);
        status = store_list(store, prefix.text, "", add_node, &nodes);
        if (status == 0 && nodes.count > 0)
            status = remove_nodes(store, user, &nodes);
    } while (status == 0 && nodes.count > 0);
    free_nodes(&nodes);
    struct record_key oci = RECORD_KEY('o', user, repository, tag);
    struct store_change changes[] = {{.key = key.text}, {.key = oci.text}};
    return status == 0 ? store_write(store, NULL, changes, 2) : status;
}
