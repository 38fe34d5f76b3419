// SPDX-License-Identifier: Apache-2.0
/* enarx repo register|info|search|yank|grant. */
#include "cli/json_print.h"
#include "cli/store.h"
#include "codec/json.h"
#include "codec/url.h"
#include "drawbridge/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int command_repo_register(const struct invocation *invocation, int *exit_status, struct err *err)
{
    const char *body =
        invocation_flag(invocation, "private") ? "{\"public\":false}" : "{\"public\":true}";
    struct store store;
    (void)exit_status;
    int status = store_open(invocation, SLUG_REPOSITORY, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0)
        status = store_change(&store, "PUT", "", body, err);
    if (status == 0 && store.json)
        json_print(span_of(body, strlen(body)));
    return store_finish(&store, status, "Failed to register new repository", err);
}

/* Prints {"config":…,"tags":…} of two answers. */
static int print_info(bool as_json, struct span config, struct span tags, struct err *err)
{
    struct json_member member;
    struct span text;
    bool is_public = false;
    if (as_json) {
        size_t size = config.size + tags.size + 64;
        char *buffer = malloc(size);
        if (!buffer)
            return err_set(err, ERR_IO, ENOMEM, "cannot print");
        struct text both = text_init(buffer, size);
        text_add(&both, "{\"config\":");
        text_add_span(&both, config);
        text_add(&both, ",\"tags\":");
        text_add_span(&both, tags);
        text_add(&both, "}");
        json_print(text_span(&both));
        free(buffer);
        return 0;
    }
    if (json_get(config, "public", &text) && json_boolean(text, &is_public))
        puts(is_public ? "public" : "private");
    for (struct json_cursor cursor = json_elements(tags); json_next(&cursor, &member);) {
        if (json_text(member.value, &text))
            store_print_text("  ", text);
    }
    return 0;
}

int command_repo_info(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct store store;
    struct http_reply config_reply, tags_reply;
    struct span config, tags;
    (void)exit_status;
    int status = store_open(invocation, SLUG_REPOSITORY, STORE_TOKEN_USED, &store, err);
    if (status == 0)
        status = store_get(&store, "", &config_reply, &config, err);
    if (status == 0) {
        status = store_get(&store, "/_tag", &tags_reply, &tags, err);
        if (status == 0) {
            status = print_info(store.json, config, tags, err);
            http_reply_free(&tags_reply);
        }
        http_reply_free(&config_reply);
    }
    return store_finish(&store, status, "Failed to retrieve repository information", err);
}

/* ---- search ---------------------------------------------------------------------------------- */

static void print_found(struct span value)
{
    struct json_member member;
    struct span name, truth;
    bool is_public;
    for (struct json_cursor cursor = json_elements(value); json_next(&cursor, &member);) {
        if (!json_get_text(member.value, "repository", &name))
            continue;
        bool known = json_get(member.value, "public", &truth) && json_boolean(truth, &is_public);
        store_print_text(known && !is_public ? "private  " : "public   ", name);
    }
}

int command_repo_search(const struct invocation *invocation, int *exit_status, struct err *err)
{
    char suffix[REMOTE_PATH_MAX];
    struct text text = text_init(suffix, sizeof(suffix));
    const char *after = invocation_value(invocation, "after");
    const char *most = invocation_value(invocation, "count");
    const char *wanted = invocation->operand_count > 0 ? invocation->operands[0] : "";
    struct store store;
    struct http_reply reply;
    struct span value;
    (void)exit_status;
    int status = store_open_host(invocation, STORE_TOKEN_USED, &store, err);
    text_add(&text, "_search?q=");
    url_encode(&text, span_of(wanted, strlen(wanted)));
    text_add(&text, "&n=");
    url_encode(&text, span_of(most, strlen(most)));
    if (after) {
        text_add(&text, "&last=");
        url_encode(&text, span_of(after, strlen(after)));
    }
    if (status == 0 && text.overflow)
        status = err_set(err, ERR_USAGE, 0, "the text to search for is too long");
    if (status == 0)
        status = store_get(&store, suffix, &reply, &value, err);
    if (status == 0) {
        if (store.json)
            json_print(value);
        else
            print_found(value);
        http_reply_free(&reply);
    }
    return store_finish(&store, status, "Failed to search", err);
}

/* ---- yank ------------------------------------------------------------------------------------ */

/* Yanks each tag of a list, or takes that back. */
static int yank_all(struct store *store, bool undo, const char *body, struct span tags,
                    struct err *err)
{
    struct json_member member;
    struct span tag;
    int status = 0;
    for (struct json_cursor cursor = json_elements(tags);
         status == 0 && json_next(&cursor, &member);) {
        char suffix[NAME_MAX_SIZE + 32];
        struct text text = text_init(suffix, sizeof(suffix));
        if (!json_text(member.value, &tag) || !name_is_tag(tag))
            return err_set(err, ERR_IO, 0, "the list of tags is malformed");
        text_add(&text, "/_tag/");
        text_add_span(&text, tag);
        text_add(&text, "/yank");
        status = store_change(store, undo ? "DELETE" : "PUT", suffix, body, err);
        if (status == 0 && !store->json)
            store_print_text(undo ? "available  " : "yanked  ", tag);
    }
    return status;
}

int command_repo_yank(const struct invocation *invocation, int *exit_status, struct err *err)
{
    const char *reason = invocation_value(invocation, "reason");
    bool undo = invocation_flag(invocation, "undo");
    char body[4096];
    struct text text = text_init(body, sizeof(body));
    struct store store;
    struct http_reply reply;
    struct span tags;
    (void)exit_status;
    text_add(&text, "{\"reason\":");
    text_add_quoted(&text, reason ? reason : "");
    text_add(&text, "}");
    int status = store_open(invocation, SLUG_REPOSITORY, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0 && text.overflow)
        status = err_set(err, ERR_USAGE, 0, "the reason is too long");
    if (status == 0)
        status = store_get(&store, undo ? "/_tag?yanked=1" : "/_tag", &reply, &tags, err);
    if (status == 0) {
        status = yank_all(&store, undo, reason && !undo ? body : NULL, tags, err);
        if (status == 0 && store.json)
            json_print(tags);
        http_reply_free(&reply);
    }
    return store_finish(&store, status, "Failed to yank repository", err);
}

/* ---- grants ---------------------------------------------------------------------------------- */

static int print_grants(struct store *store, struct err *err)
{
    struct http_reply reply;
    struct span value, user, access;
    struct json_member member;
    int status = store_get(store, "/_grant", &reply, &value, err);
    if (status < 0)
        return status;
    if (store->json)
        json_print(value);
    struct json_cursor cursor = json_elements(value);
    while (!store->json && json_next(&cursor, &member)) {
        if (json_get_text(member.value, "user", &user) &&
            json_get_text(member.value, "access", &access))
            store_print_text(span_equal(access, SPAN_LITERAL("write")) ? "write  " : "read   ",
                             user);
    }
    http_reply_free(&reply);
    return 0;
}

int command_repo_grant(const struct invocation *invocation, int *exit_status, struct err *err)
{
    const char *user = invocation->operand_count > 1 ? invocation->operands[1] : NULL;
    bool revoke = invocation_flag(invocation, "revoke");
    char suffix[NAME_MAX_SIZE + 32], body[64];
    struct text path = text_init(suffix, sizeof(suffix)), text = text_init(body, sizeof(body));
    struct store store = {0};
    (void)exit_status;
    if (user && !name_is_user(span_of(user, strlen(user))))
        return err_set(err, ERR_USAGE, 0, "\"%.300s\" is not a name of a user", user);
    if (!user && revoke)
        return err_set(err, ERR_USAGE, 0, "--revoke needs the user whose grant is taken back");
    int status = store_open(invocation, SLUG_REPOSITORY, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0 && !user)
        status = print_grants(&store, err);
    if (status == 0 && user) {
        text_add(&text, "{\"access\":");
        text_add_quoted(&text, invocation_value(invocation, "access"));
        text_add(&text, "}");
        text_printf(&path, "/_grant/%s", user);
        status = store_change(&store, revoke ? "DELETE" : "PUT", suffix, revoke ? NULL : body, err);
        if (status == 0 && store.json)
            json_print(revoke ? SPAN_LITERAL("{}") : text_span(&text));
    }
    return store_finish(&store, status, "Failed to change or list grants", err);
}
