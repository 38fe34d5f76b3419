// SPDX-License-Identifier: Apache-2.0
/* Deployment tokens: "dbt_" ID "_" SECRET. Only the hash of the secret is kept. */
#include "base/cleanup.h"
#include "base/date.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"
#include "drawbridge/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "dbt_"
enum {
    ID_BYTES = TOKEN_ID_SIZE / 2,
    SECRET_BYTES = 32,
    SECRET_TEXT = 43, /* base64url of it */
    LIFETIME_MIN = 60,
    LIFETIME_MAX = 365 * 24 * 3600,
    LIFETIME_PRESET = 30 * 24 * 3600,
    RECORD_ROOM = 1024,
};

bool token_is_deployment(struct span bearer)
{
    return bearer.size > sizeof(PREFIX) - 1 && memcmp(bearer.data, PREFIX, sizeof(PREFIX) - 1) == 0;
}

static bool hash_secret(struct span secret, char digits[2 * 32 + 1])
{
    uint8_t hash[32];
    if (crypto_hash(CRYPTO_SHA256, &secret, 1, hash) < 0)
        return false;
    hex_encode(span_of(hash, sizeof(hash)), digits);
    return true;
}

/* Splits a token into id and secret. */
static bool split(struct span bearer, struct span *id, struct span *secret)
{
    size_t prefix = sizeof(PREFIX) - 1;
    if (bearer.size != prefix + TOKEN_ID_SIZE + 1 + SECRET_TEXT ||
        bearer.data[prefix + TOKEN_ID_SIZE] != '_')
        return false;
    *id = span_of(bearer.data + prefix, TOKEN_ID_SIZE);
    *secret = span_of(bearer.data + prefix + TOKEN_ID_SIZE + 1, SECRET_TEXT);
    return name_is_user(*id);
}

static unsigned read_scopes(struct span list)
{
    struct json_member member;
    unsigned scopes = 0;
    for (struct json_cursor cursor = json_elements(list); json_next(&cursor, &member);) {
        if (span_equal(member.value, SPAN_LITERAL("\"read\"")))
            scopes |= TOKEN_READ;
        else if (span_equal(member.value, SPAN_LITERAL("\"write\"")))
            scopes |= TOKEN_WRITE;
        else
            return 0;
    }
    return scopes;
}

/* Whether a record is of this secret, still valid, and for these scopes and this tag. */
static bool is_good(const struct exchange *exchange, struct span record, struct span secret,
                    unsigned wanted)
{
    char digits[2 * 32 + 1];
    struct span hash, scopes, tag, expires;
    int64_t end;
    if (!hash_secret(secret, digits) || !json_get_text(record, "hash", &hash) || hash.size != 64 ||
        !crypto_equal(hash.data, (const uint8_t *)digits, 64))
        return false;
    if (!json_get_text(record, "expires", &expires) || !date_parse(expires, &end) ||
        exchange->request->now >= end)
        return false;
    if (json_get_text(record, "tag", &tag) && !span_equal(tag, exchange->route.tag))
        return false;
    return json_get(record, "scopes", &scopes) && (read_scopes(scopes) & wanted) == wanted;
}

bool token_allows(struct exchange *exchange, struct span bearer, unsigned wanted)
{
    struct store_value value = {0};
    struct span id, secret, record;
    bool good = false;
    if (split(bearer, &id, &secret)) {
        struct record_key key =
            RECORD_KEY('d', exchange->route.user, exchange->route.repository, id);
        good = store_get(exchange->service->store, key.text, &value) == 0 &&
               json_parse(span_of(value.data, value.size), &record) == 0 &&
               is_good(exchange, record, secret, wanted);
        free(value.data);
    }
    return good ? true : refuse_token(exchange);
}

/* A record without its hash: what owners see. */
static void print_token(struct listing *listing, struct span record)
{
    autofree char *buffer = malloc(RECORD_ROOM);
    if (!buffer) {
        listing->failed = true;
        return;
    }
    struct text text = text_init(buffer, RECORD_ROOM);
    record_begin_without(&text, record, "hash");
    record_end(&text);
    listing_add(listing, text_span(&text));
}

static bool list_token(void *context, const char *key, struct span value)
{
    struct listing *listing = context;
    struct span record;
    (void)key;
    if (json_parse(value, &record) < 0)
        return true;
    listing_add(listing, listing->size > 1 ? SPAN_LITERAL(",") : (struct span){0});
    print_token(listing, record);
    return true;
}

static void get_tokens(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct listing listing = {0};
    if (!allow_owner(exchange, SCOPE_READ, SCOPE_REPOSITORIES) || !find_repository(exchange))
        return;
    struct record_key prefix = RECORD_KEY('d', route->user, route->repository, (struct span){0});
    listing_print(&listing, "[");
    int status = store_list(exchange->service->store, prefix.text, "", list_token, &listing);
    listing_print(&listing, "]");
    listing.failed = listing.failed || status < 0;
    respond_listing(exchange, &listing);
}

struct wish {
    unsigned scopes;
    struct span tag;
    uint64_t lifetime;
};

static bool read_wish(struct exchange *exchange, struct wish *wish)
{
    struct span object, value;
    if (!read_json(exchange, &object))
        return false;
    *wish = (struct wish){.lifetime = LIFETIME_PRESET};
    if (!json_get(object, "scopes", &value) || (wish->scopes = read_scopes(value)) == 0)
        return refuse(exchange, 422, "`scopes` has to be an array of \"read\" and \"write\"");
    if (json_get(object, "tag", &value) &&
        (!json_text(value, &wish->tag) || !name_is_tag(wish->tag)))
        return refuse(exchange, 422, "`tag` has to be a semantic version");
    if (json_get(object, "lifetime", &value) &&
        (!json_uint(value, LIFETIME_MAX, &wish->lifetime) || wish->lifetime < LIFETIME_MIN))
        return refuse(exchange, 422, "`lifetime` has to be a number from %d to %d", LIFETIME_MIN,
                      LIFETIME_MAX);
    return true;
}

struct fresh_token {
    char id[TOKEN_ID_SIZE + 1], secret[SECRET_TEXT + 4];
};

static bool make_token(struct fresh_token *token)
{
    uint8_t bytes[ID_BYTES + SECRET_BYTES];
    bool good = crypto_random(bytes, sizeof(bytes)) == 0;
    hex_encode(span_of(bytes, ID_BYTES), token->id);
    size_t size = base64_encode(span_of(bytes + ID_BYTES, SECRET_BYTES), true, token->secret);
    token->secret[size] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
    return good;
}

/* The members that record and answer share. */
static void print_wish(struct text *text, const struct exchange *exchange, const struct wish *wish,
                       const char *id)
{
    char created[DATE_TEXT_SIZE], expires[DATE_TEXT_SIZE];
    date_format(exchange->request->now, created);
    date_format(exchange->request->now + (int64_t)wish->lifetime, expires);
    text_printf(text, "\"id\":\"%s\",\"scopes\":[%s%s%s]", id,
                wish->scopes & TOKEN_READ ? "\"read\"" : "",
                wish->scopes == (TOKEN_READ | TOKEN_WRITE) ? "," : "",
                wish->scopes & TOKEN_WRITE ? "\"write\"" : "");
    if (wish->tag.size > 0)
        text_printf(text, ",\"tag\":\"%.*s\"", (int)wish->tag.size, (const char *)wish->tag.data);
    text_printf(text, ",\"created\":\"%s\",\"expires\":\"%s\"", created, expires);
}

static void deliver_token(struct exchange *exchange, const struct wish *wish,
                          const struct fresh_token *token)
{
    char *answer = malloc(RECORD_ROOM);
    if (!answer) {
        refuse_errno(exchange, -ENOMEM);
        return;
    }
    struct text text = text_init(answer, RECORD_ROOM);
    text_printf(&text, "{\"token\":\"" PREFIX "%s_%s\",", token->id, token->secret);
    print_wish(&text, exchange, wish, token->id);
    text_add(&text, "}");
    respond_json(exchange, 201, answer, text.size);
}

static void post_token(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    struct wish wish;
    struct fresh_token token;
    char buffer[RECORD_ROOM], hash[2 * 32 + 1];
    struct text record = text_init(buffer, sizeof(buffer));
    if (!allow_owner(exchange, SCOPE_WRITE, SCOPE_REPOSITORIES) || !find_repository(exchange) ||
        !read_wish(exchange, &wish))
        return;
    if (!make_token(&token) || !hash_secret(span_of(token.secret, strlen(token.secret)), hash)) {
        refuse(exchange, 500, "The token cannot be made");
        return;
    }
    text_add(&record, "{");
    print_wish(&record, exchange, &wish, token.id);
    text_printf(&record, ",\"hash\":\"%s\"}", hash);
    struct record_key key =
        RECORD_KEY('d', route->user, route->repository, span_of(token.id, TOKEN_ID_SIZE));
    struct store_change change = {
        .key = key.text, .value = text_span(&record), .expect = STORE_ABSENT};
    int status = store_write(exchange->service->store, NULL, &change, 1);
    if (status < 0)
        refuse_errno(exchange, status);
    else
        deliver_token(exchange, &wish, &token);
    explicit_bzero(&token, sizeof(token));
}

void answer_tokens(struct exchange *exchange)
{
    if (method_is(exchange, "GET"))
        get_tokens(exchange);
    else if (method_is(exchange, "POST"))
        post_token(exchange);
    else
        refuse(exchange, 405, "Method not allowed for tokens endpoint");
}

static void show_token(struct exchange *exchange, struct span value)
{
    struct listing listing = {0};
    struct span record;
    if (json_parse(value, &record) < 0) {
        refuse_errno(exchange, -EIO);
        return;
    }
    print_token(&listing, record);
    respond_listing(exchange, &listing);
}

void answer_token(struct exchange *exchange)
{
    const struct route *route = &exchange->route;
    bool reads = method_is(exchange, "GET");
    struct store_value value = {0};
    if (!reads && !method_is(exchange, "DELETE")) {
        refuse(exchange, 405, "Method not allowed for token endpoint");
        return;
    }
    if (!allow_owner(exchange, reads ? SCOPE_READ : SCOPE_WRITE, SCOPE_REPOSITORIES) ||
        !find_repository(exchange))
        return;
    struct record_key key = RECORD_KEY('d', route->user, route->repository, route->id);
    int status = store_get(exchange->service->store, key.text, &value);
    struct span bytes = span_of(value.data, value.size);
    struct store_change change = {.key = key.text, .expect = STORE_SAME, .old = bytes};
    if (status == 0 && !reads)
        status = store_write(exchange->service->store, NULL, &change, 1);
    if (status == -ENOENT)
        refuse(exchange, 404, "There is no such token");
    else if (status < 0)
        refuse_errno(exchange, status);
    else if (reads)
        show_token(exchange, bytes);
    else
        respond(exchange, 204);
    free(value.data);
}
