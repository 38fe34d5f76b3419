// SPDX-License-Identifier: Apache-2.0
/* Users: who owns a name. */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/crypto.h"
#include "drawbridge/exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CONTENT_MAX = 2048, SLOT_KEY_MAX = 400 };

/* The only member of an object, as JSON. */
static bool only_member(struct exchange *exchange, struct span object, const char *name,
                        struct span *value)
{
    struct json_member member;
    bool found = false;
    for (struct json_cursor cursor = json_members(object); json_next(&cursor, &member);) {
        if (!span_equal(member.key, span_of(name, strlen(name))))
            return refuse(exchange, 422, "unknown field, expected `%s`", name);
        *value = member.value;
        found = true;
    }
    return found ? true : refuse(exchange, 422, "missing field `%s`", name);
}

/* {"subject":…} in canonical form. */
static bool read_subject(struct exchange *exchange, char subject[OIDC_SUBJECT_MAX + 1],
                         struct text *canonical)
{
    struct span object, value, text;
    if (!read_json(exchange, &object) || !only_member(exchange, object, "subject", &value))
        return false;
    if (!json_string_decode(value, (uint8_t *)subject, OIDC_SUBJECT_MAX, &text) ||
        memchr(subject, 0, text.size))
        return refuse(exchange, 422, "`subject` has to be a string of at most %d bytes",
                      OIDC_SUBJECT_MAX);
    subject[text.size] = '\0';
    text_add(canonical, "{\"subject\":");
    text_add_quoted(canonical, subject);
    text_add(canonical, "}");
    return true;
}

/* The key that makes a user one of the subject's: with a limit, one of so many slots. */
static int slot_key(const struct exchange *exchange, const char *subject, uint64_t slot,
                    char key[SLOT_KEY_MAX])
{
    uint8_t hash[32];
    char digits[2 * sizeof(hash) + 1];
    struct span text = span_of(subject, strlen(subject)), user = exchange->route.user;
    if (crypto_hash(CRYPTO_SHA256, &text, 1, hash) < 0)
        return -ENOMEM;
    hex_encode(span_of(hash, sizeof(hash)), digits);
    if (exchange->service->rules->users_per_subject == 0)
        snprintf(key, SLOT_KEY_MAX, "s/%s/%.*s", digits, (int)user.size, (const char *)user.data);
    else
        snprintf(key, SLOT_KEY_MAX, "s/%s/%" PRIu64, digits, slot);
    return 0;
}

static bool has_user(struct exchange *exchange, const char *key)
{
    struct store_value value = {0};
    bool has = store_get(exchange->service->store, key, &value) == 0;
    free(value.data);
    return has;
}

static void create(struct exchange *exchange, const char *subject, struct span record)
{
    struct record_key key = RECORD_KEY('u', exchange->route.user);
    uint64_t slots = exchange->service->rules->users_per_subject;
    if (has_user(exchange, key.text)) {
        refuse_errno(exchange, -EEXIST);
        return;
    }
    for (uint64_t slot = 0; slot < (slots ? slots : 1); slot++) {
        char slot_text[SLOT_KEY_MAX];
        int status = slot_key(exchange, subject, slot, slot_text);
        struct store_change changes[] = {
            {.key = key.text, .value = record, .expect = STORE_ABSENT},
            {.key = slot_text, .value = exchange->route.user, .expect = STORE_ABSENT},
        };
        if (status == 0)
            status = store_write(exchange->service->store, NULL, changes, 2);
        if (status == 0) {
            respond(exchange, 201);
            return;
        }
        if (status != -EEXIST || has_user(exchange, key.text)) {
            refuse_errno(exchange, status);
            return;
        }
    }
    refuse(exchange, 409, "User already associated with OpenID Connect subject `%s`", subject);
}

static void put_user(struct exchange *exchange)
{
    struct put put;
    char subject[OIDC_SUBJECT_MAX + 1], content[CONTENT_MAX], record[2 * CONTENT_MAX];
    struct text canonical = text_init(content, sizeof(content));
    struct text text = text_init(record, sizeof(record));
    if (!read_put(exchange, false, &put) || !read_subject(exchange, subject, &canonical) ||
        !allow_new_user(exchange, subject))
        return;
    struct entry entry = {.length = canonical.size, .type = put.type};
    if (digests_of(text_span(&canonical), &entry.digests) < 0) {
        refuse_errno(exchange, -ENOMEM);
        return;
    }
    if (!check_put(exchange, &put, &entry.digests, entry.length))
        return;
    record_begin(&text, &entry, text_span(&canonical));
    record_end(&text);
    create(exchange, subject, text_span(&text));
}

static void get_user(struct exchange *exchange)
{
    struct record user;
    struct record_key key = RECORD_KEY('u', exchange->route.user);
    if (!allow_user(exchange, SCOPE_READ))
        return;
    int status = record_get(exchange->service->store, key.text, &user);
    if (status < 0) {
        refuse_errno(exchange, status);
        return;
    }
    respond_object(exchange, &user.entry, user.content);
    record_free(&user);
}

void answer_user(struct exchange *exchange)
{
    if (method_is(exchange, "PUT"))
        put_user(exchange);
    else if (method_reads(exchange))
        get_user(exchange);
    else
        refuse(exchange, 405, "Method not allowed for user endpoint");
}

void answer_usage(struct exchange *exchange)
{
    const struct service_rules *rules = exchange->service->rules;
    struct store_value value = {0};
    struct listing listing = {0};
    struct span json;
    uint64_t bytes = 0, repositories = 0;
    if (!method_is(exchange, "GET")) {
        refuse(exchange, 405, "Method not allowed for usage endpoint");
        return;
    }
    if (!allow_user(exchange, SCOPE_READ))
        return;
    struct record_key key = RECORD_KEY('q', exchange->route.user);
    int status = store_get(exchange->service->store, key.text, &value);
    if (status < 0 && status != -ENOENT) {
        refuse_errno(exchange, status);
        return;
    }
    if (status == 0 && json_parse(span_of(value.data, value.size), &json) == 0) {
        json_get_uint(json, "bytes", INT64_MAX, &bytes);
        json_get_uint(json, "repositories", INT64_MAX, &repositories);
    }
    free(value.data);
    listing_print(&listing,
                  "{\"bytes\":%" PRIu64 ",\"bytes_limit\":%" PRIu64 ",\"repositories\":%" PRIu64
                  ",\"repositories_limit\":%" PRIu64 "}",
                  bytes, rules->user_bytes_max, repositories, rules->user_repositories_max);
    respond_listing(exchange, &listing);
}
