// SPDX-License-Identifier: Apache-2.0
/* enarx package publish|fetch|info|yank. */
#include "cli/json_print.h"
#include "cli/tree_print.h"

#include <string.h>

int command_package_publish(const struct invocation *invocation, int *exit_status, struct err *err)
{
    enum local_rules rules = invocation_flag(invocation, "any-files") ? LOCAL_ANY : LOCAL_PACKAGE;
    struct store store = {0};
    struct local_tree tree;
    struct package_count count;
    (void)exit_status;
    const struct package_watch watch = progress_watch(&store.progress);
    int status = local_tree_read(invocation->operands[1], rules, &watch, &tree, err);
    progress_end(&store.progress);
    if (status < 0)
        return status;
    status = store_open(invocation, SLUG_TAG, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0)
        status = package_publish(store.remote, &store.slug, &tree, &store.watch, &count, err);
    if (status == 0) {
        progress_end(&store.progress);
        entry_print(&tree.nodes[0].entry, store.json);
        if (count.created == 0)
            fputs("Everything was there already.\n", stderr);
    }
    local_tree_free(&tree);
    return store_finish(&store, status, "Failed to publish the package", err);
}

int command_package_fetch(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct store store;
    struct package_tag tag = {0};
    (void)exit_status;
    int status = tag_open(invocation, &store, &tag, err);
    if (status == 0)
        status = package_fetch(store.remote, &store.slug, &tag, SPAN_LITERAL(""),
                               invocation->operands[1], &store.watch, err);
    if (status == 0)
        entry_print(&tag.entry, store.json);
    package_tag_free(&tag);
    return store_finish(&store, status, "Failed to fetch the package", err);
}

int command_package_info(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct store store;
    struct package_tag tag = {0};
    (void)exit_status;
    int status = tag_open(invocation, &store, &tag, err);
    if (status == 0)
        entry_print(&tag.entry, store.json);
    package_tag_free(&tag);
    return store_finish(&store, status, "Failed to retrieve package information", err);
}

int command_package_yank(const struct invocation *invocation, int *exit_status, struct err *err)
{
    const char *reason = invocation_value(invocation, "reason");
    bool undo = invocation_flag(invocation, "undo");
    char body[4096];
    struct text text = text_init(body, sizeof(body));
    struct store store = {0};
    (void)exit_status;
    text_add(&text, "{\"reason\":");
    text_add_quoted(&text, reason ? reason : "");
    text_add(&text, "}");
    if (text.overflow)
        return err_set(err, ERR_USAGE, 0, "the reason is too long");
    int status = store_open(invocation, SLUG_TAG, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0)
        status = store_change(&store, undo ? "DELETE" : "PUT", "/yank",
                              reason && !undo ? body : NULL, err);
    if (status == 0 && store.json)
        json_print(undo ? SPAN_LITERAL("{\"yanked\":false}") : SPAN_LITERAL("{\"yanked\":true}"));
    return store_finish(&store, status, "Failed to yank package", err);
}
