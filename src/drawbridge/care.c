// SPDX-License-Identifier: Apache-2.0
/* What is done from time to time, and the comparison of records with each other. */
#include "base/date.h"
#include "codec/json.h"
#include "drawbridge/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UPLOAD_SECONDS = 24 * 3600, BATCH = 64, PROBLEM_SIZE = 512 };

/* Keys that a list has found. */
struct keys {
    char *keys[BATCH];
    size_t count;
    int64_t now, retention;
};

static bool keep_key(struct keys *keys, const char *key)
{
    keys->keys[keys->count] = strdup(key);
    keys->count += keys->keys[keys->count] != NULL;
    return keys->count < BATCH;
}

static bool get_time(struct span value, const char *name, int64_t *time)
{
    struct span json, text;
    return json_parse(value, &json) == 0 && json_get_text(json, name, &text) &&
           date_parse(text, time);
}

static bool is_purgeable(void *context, const char *key, struct span value)
{
    struct keys *keys = context;
    int64_t deleted;
    bool over = get_time(value, "deleted", &deleted) && deleted + keys->retention <= keys->now;
    return !over || keep_key(keys, key);
}

static bool is_expired(void *context, const char *key, struct span value)
{
    struct keys *keys = context;
    int64_t end;
    bool over = get_time(value, "expires", &end) && end <= keys->now;
    return !over || keep_key(keys, key);
}

static bool is_given_up(void *context, const char *key, struct span value)
{
    struct keys *keys = context;
    struct span json;
    uint64_t created;
    bool over = json_parse(value, &json) == 0 &&
                json_get_uint(json, "created", INT64_MAX, &created) &&
                (int64_t)created + UPLOAD_SECONDS <= keys->now;
    return !over || keep_key(keys, key);
}

/* The next part of a key. */
static struct span take_part(const char **key)
{
    const char *from = *key;
    size_t size = strcspn(from, "/");
    *key = from + size + (from[size] == '/');
    return span_of(from, size);
}

static int purge(struct store *store, const char *key)
{
    const char *rest = key + 2;
    struct span user = take_part(&rest), repository = take_part(&rest);
    return purge_tag(store, user, repository, span_of(rest, strlen(rest)));
}

static int remove_record(struct store *store, const char *key)
{
    struct store_change change = {.key = key};
    return store_write(store, NULL, &change, 1);
}

/* An upload's record goes together with its file; who is just adding to it finds it gone. */
static int remove_upload(struct store *store, const char *key)
{
    int status = store_stage_remove(store, strrchr(key, '/') + 1);
    return status == 0 || status == -ENOENT ? remove_record(store, key) : status;
}

static const struct chore {
    const char *prefix;
    store_list_fn find;
    int (*remove)(struct store *, const char *key);
} chores[] = {
    {"t/", is_purgeable, purge},
    {"d/", is_expired, remove_record},
    {"p/", is_given_up, remove_upload},
};

static int do_chore(const struct service *service, const struct chore *chore, int64_t now)
{
    struct keys keys = {.now = now, .retention = service->rules->retention};
    int status;
    bool full;
    do {
        keys.count = 0;
        status = store_list(service->store, chore->prefix, "", chore->find, &keys);
        full = keys.count == BATCH;
        for (size_t i = 0; i < keys.count; i++) {
            if (status == 0)
                status = chore->remove(service->store, keys.keys[i]);
            free(keys.keys[i]);
        }
    } while (status == 0 && full);
    return status;
}

int service_care(const struct service *service, int64_t now, uint64_t *removed)
{
    int status = 0;
    *removed = 0;
    for (size_t i = 0; status == 0 && i < sizeof(chores) / sizeof(chores[0]); i++)
        status = do_chore(service, &chores[i], now);
    return status == 0 ? store_collect(service->store, now - UPLOAD_SECONDS, removed) : status;
}

struct checker {
    struct store *store;
    store_problem_fn problem;
    void *context;
};

static void report(const struct checker *checker, const char *key, const char *what)
{
    char text[PROBLEM_SIZE];
    snprintf(text, sizeof(text), "%s: %s", key, what);
    checker->problem(checker->context, text);
}

/* A record whose metadata have to be those of its content. */
static bool check_content(void *context, const char *key, struct span value)
{
    const struct checker *checker = context;
    struct record record = {0};
    struct digests digests;
    if (json_parse(value, &record.value) < 0 ||
        entry_parse(record.value, NULL, &record.entry) < 0 ||
        !json_get(record.value, "content", &record.content))
        report(checker, key, "the record is damaged");
    else if (digests_of(record.content, &digests) < 0 ||
             record.content.size != record.entry.length ||
             !digests_match(&record.entry.digests, &digests))
        report(checker, key, "the record's digests are not those of its content");
    return true;
}

static bool exists(const struct checker *checker, const char *key)
{
    struct store_value value = {0};
    bool found = store_get(checker->store, key, &value) == 0;
    free(value.data);
    return found;
}

/* A root is what its tag says. What directories say of their children was checked when those were
 * written; that contents are there and whole is the store's business. */
static bool is_root(const struct checker *checker, const struct record_key *tag_key,
                    const struct entry *entry)
{
    struct record tag;
    struct entry root;
    if (record_find(checker->store, tag_key->text, &tag) < 0)
        return false;
    bool good = tag_root(&tag, &root) && root.length == entry->length &&
                digests_match(&root.digests, &entry->digests);
    record_free(&tag);
    return good;
}

static bool check_node(void *context, const char *key, struct span value)
{
    const struct checker *checker = context;
    const char *rest = key + 2;
    struct span user = take_part(&rest), repository = take_part(&rest), tag = take_part(&rest);
    struct record_key tag_key = RECORD_KEY('t', user, repository, tag);
    struct span json;
    struct entry entry;
    if (json_parse(value, &json) < 0 || entry_parse(json, NULL, &entry) < 0)
        report(checker, key, "the record is damaged");
    else if (!exists(checker, tag_key.text))
        report(checker, key, "the node belongs to no tag");
    else if (!*rest && !is_root(checker, &tag_key, &entry))
        report(checker, key, "the root is not what its tag says");
    return true;
}

static bool check_tag(void *context, const char *key, struct span value)
{
    const struct checker *checker = context;
    const char *rest = key + 2;
    struct span user = take_part(&rest), repository = take_part(&rest);
    struct record_key repository_key = RECORD_KEY('r', user, repository);
    check_content(context, key, value);
    if (!exists(checker, repository_key.text))
        report(checker, key, "the tag belongs to no repository");
    return true;
}

int service_check(struct store *store, store_problem_fn problem, void *context, uint64_t *contents)
{
    static const struct {
        const char *prefix;
        store_list_fn check;
    } checks[] = {
        {"u/", check_content}, {"r/", check_content}, {"t/", check_tag}, {"n/", check_node}};
    struct checker checker = {store, problem, context};
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
        status = store_list(store, checks[i].prefix, "", checks[i].check, &checker);
    return status == 0 ? store_check(store, problem, context, contents) : status;
}
