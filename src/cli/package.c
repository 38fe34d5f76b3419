// SPDX-License-Identifier: Apache-2.0
/* enarx package publish|fetch|info|yank. */
#include "base/cleanup.h"
#include "base/read_all.h"
#include "cli/json_print.h"
#include "cli/tree_print.h"
#include "exec/config.h"

#include <string.h>

/* Makes known who certifies Keeps that run the package: what its Enarx.toml says. One that is wrong
 * is published all the same, as whoever runs it will be told. */
static int publish_steward(struct store *store, const struct local_tree *tree, struct err *err)
{
    struct config config __attribute__((cleanup(config_free))) = {0};
    autofree uint8_t *text = NULL;
    autoclose int fd = -1;
    char body[4096];
    struct text json = text_init(body, sizeof(body));
    size_t size = 0, i = 0;
    while (i < tree->count && strcmp(tree->nodes[i].path, "Enarx.toml") != 0)
        i++;
    int status = i < tree->count ? local_tree_open(tree, &tree->nodes[i], &fd, err) : 0;
    if (status < 0 || fd < 0)
        return status;
    status = read_all(fd, CONFIG_SIZE_MAX, &text, &size);
    if (status < 0)
        return err_set(err, ERR_IO, -status, "cannot read Enarx.toml");
    struct err defect = {0};
    if (config_parse(span_of(text, size), "Enarx.toml", &config, &defect) < 0) {
        fprintf(stderr, "Warning: no Keep will run this package: %s\n", defect.message);
        return 0;
    }
    if (!config.steward)
        return 0;
    text_add(&json, "{\"steward\":");
    text_add_quoted(&json, config.steward);
    text_add(&json, "}");
    return json.overflow ? err_set(err, ERR_CONFIG, 0, "the URL of the Steward is too long")
                         : store_change(store, "PUT", "/meta", body, err);
}

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
    if (status == 0)
        status = publish_steward(&store, &tree, err);
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
