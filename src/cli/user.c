// SPDX-License-Identifier: Apache-2.0
/* enarx user register|info: who one is for a Drawbridge. */
#include "cli/json_print.h"
#include "cli/store.h"
#include "codec/json.h"
#include "drawbridge/names.h"
#include "drawbridge/oidc.h"

#include <string.h>

int command_user_info(const struct invocation *invocation, int *exit_status, struct err *err)
{
    char context[NAME_MAX_SIZE + 64];
    struct store store;
    struct http_reply reply;
    struct span value, subject;
    (void)exit_status;
    int status = store_open(invocation, SLUG_USER, STORE_TOKEN_USED, &store, err);
    struct text text = text_init(context, sizeof(context));
    text_add(&text, "Failed to get record for user: ");
    text_add_span(&text, store.slug.user);
    if (status == 0)
        status = store_get(&store, "", &reply, &value, err);
    if (status == 0) {
        if (store.json)
            json_print(value);
        else if (json_get_text(value, "subject", &subject))
            store_print_text("subject  ", subject);
        http_reply_free(&reply);
    }
    return store_finish(&store, status, context, err);
}

int command_user_register(const struct invocation *invocation, int *exit_status, struct err *err)
{
    char subject[OIDC_SUBJECT_MAX + 1], body[8 * OIDC_SUBJECT_MAX];
    struct text text = text_init(body, sizeof(body));
    struct store store;
    (void)exit_status;
    int status = store_open(invocation, SLUG_USER, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0)
        status = store_token_subject(store.token, subject, sizeof(subject), err);
    if (status == 0) {
        text_add(&text, "{\"subject\":");
        text_add_quoted(&text, subject);
        text_add(&text, "}");
        status = store_change(&store, "PUT", "", body, err);
    }
    if (status == 0 && store.json)
        json_print(text_span(&text));
    return store_finish(&store, status, "Failed to register new user", err);
}
