// SPDX-License-Identifier: Apache-2.0
/* enarx repo token generate|info|revoke: deployment tokens. */
#include "cli/json_print.h"
#include "cli/store.h"
#include "codec/json.h"
#include "drawbridge/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 128, LIFETIME_MIN = 60, LIFETIME_MAX = 31536000 };

/* {"scopes":["read"],"tag":"1.0.0","lifetime":86400} */
static int write_request(const struct invocation *invocation, struct text *text, struct err *err)
{
    const char *tag = invocation_value(invocation, "tag");
    const char *lifetime = invocation_value(invocation, "lifetime"), *scope;
    char *end = NULL;
    size_t cursor = 0, count = 0;
    unsigned long seconds = strtoul(lifetime, &end, 10);
    if (*lifetime < '0' || *lifetime > '9' || *end || seconds < LIFETIME_MIN ||
        seconds > LIFETIME_MAX)
        return err_set(err, ERR_USAGE, 0, "the lifetime has to be from %d to %d seconds",
                       LIFETIME_MIN, LIFETIME_MAX);
    if (tag && !name_is_tag(span_of(tag, strlen(tag))))
        return err_set(err, ERR_USAGE, 0, "\"%.300s\" is not a tag", tag);
    text_add(text, "{\"scopes\":[");
    for (; (scope = invocation_next(invocation, "scope", &cursor)); count++) {
        text_add(text, count > 0 ? "," : "");
        text_add_quoted(text, scope);
    }
    text_add(text, count > 0 ? "]" : "\"read\"]");
    if (tag) {
        text_add(text, ",\"tag\":");
        text_add_quoted(text, tag);
    }
    text_printf(text, ",\"lifetime\":%lu}", seconds);
    return text->overflow ? err_set(err, ERR_USAGE, 0, "there are too many scopes") : 0;
}

int command_repo_token_generate(const struct invocation *invocation, int *exit_status,
                                struct err *err)
{
    char body[1024];
    struct text text = text_init(body, sizeof(body));
    struct store store = {0};
    struct http_reply reply;
    struct span value, token;
    (void)exit_status;
    int status = write_request(invocation, &text, err);
    if (status == 0)
        status = store_open(invocation, SLUG_REPOSITORY, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0)
        status = store_send(&store, "POST", "/_token", body, &reply, err);
    if (status == 0) {
        if (json_parse(reply.body, &value) < 0 || !json_get_text(value, "token", &token))
            status = err_set(err, ERR_IO, 0, "the server did not answer with a token");
        else if (store.json)
            json_print(value);
        else
            store_print_text("", token);
        http_reply_free(&reply);
    }
    return store_finish(&store, status, "Failed to generate a token", err);
}

static void print_token(struct span token)
{
    static const char *const names[] = {"id", "tag", "created", "expires"};
    struct span text, scopes;
    struct json_member scope;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char label[16];
        snprintf(label, sizeof(label), i == 0 ? "%s  " : "  %-8s ", names[i]);
        if (json_get_text(token, names[i], &text))
            store_print_text(label, text);
    }
    if (!json_get(token, "scopes", &scopes))
        return;
    for (struct json_cursor cursor = json_elements(scopes); json_next(&cursor, &scope);) {
        if (json_text(scope.value, &text))
            store_print_text("  scope    ", text);
    }
}

/* "/_token", or that of one whose name is an operand. */
static int token_path(const struct invocation *invocation, char *suffix, size_t size,
                      struct err *err)
{
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    struct text text = text_init(suffix, size);
    text_add(&text, "/_token");
    if (invocation->operand_count < 2)
        return 0;
    const char *id = invocation->operands[1];
    text_printf(&text, "/%s", id);
    return *id && strspn(id, allowed) == strlen(id) && !text.overflow
               ? 0
               : err_set(err, ERR_USAGE, 0, "\"%.200s\" is not a name of a token", id);
}

int command_repo_token_info(const struct invocation *invocation, int *exit_status, struct err *err)
{
    char suffix[ID_MAX + 32];
    struct store store = {0};
    struct http_reply reply;
    struct span value;
    struct json_member member;
    (void)exit_status;
    int status = token_path(invocation, suffix, sizeof(suffix), err);
    if (status == 0)
        status = store_open(invocation, SLUG_REPOSITORY, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0)
        status = store_get(&store, suffix, &reply, &value, err);
    if (status == 0) {
        if (store.json)
            json_print(value);
        else if (value.data[0] == '{')
            print_token(value);
        struct json_cursor cursor = json_elements(value);
        while (!store.json && json_next(&cursor, &member))
            print_token(member.value);
        http_reply_free(&reply);
    }
    return store_finish(&store, status, "Failed to retrieve token information", err);
}

int command_repo_token_revoke(const struct invocation *invocation, int *exit_status,
                              struct err *err)
{
    char suffix[ID_MAX + 32];
    struct store store = {0};
    (void)exit_status;
    int status = token_path(invocation, suffix, sizeof(suffix), err);
    if (status == 0)
        status = store_open(invocation, SLUG_REPOSITORY, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0)
        status = store_change(&store, "DELETE", suffix, NULL, err);
    if (status == 0 && store.json)
        json_print(SPAN_LITERAL("{}"));
    return store_finish(&store, status, "Failed to revoke the token", err);
}
