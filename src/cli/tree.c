// SPDX-License-Identifier: Apache-2.0
/* enarx tree digest|info|fetch: what packages are made of. */
#include "cli/tree_print.h"

#include <string.h>

int command_tree_digest(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct local_tree tree;
    struct progress progress = {0};
    const struct package_watch watch = progress_watch(&progress);
    (void)exit_status;
    int status = local_tree_read(invocation->operands[0], LOCAL_ANY, &watch, &tree, err);
    progress_end(&progress);
    if (status < 0)
        return status;
    entry_print(&tree.nodes[0].entry, invocation_flag(invocation, "json"));
    local_tree_free(&tree);
    return 0;
}

static int print_node(void *context, const struct package_node *node, struct err *err)
{
    (void)err;
    tree_print_node(context, node->path, node->entry);
    return 0;
}

static struct span path_operand(const struct invocation *invocation, size_t index)
{
    const char *path = invocation->operands[index];
    return span_of(path, strlen(path));
}

int command_tree_info(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct store store;
    struct package_tag tag = {0};
    struct tree_printer printer = {.as_json = invocation_flag(invocation, "json")};
    (void)exit_status;
    int status = tag_open(invocation, &store, &tag, err);
    if (status == 0) {
        const struct package_walk walk = {.remote = store.remote,
                                          .slug = &store.slug,
                                          .tag = &tag,
                                          .visit = print_node,
                                          .context = &printer};
        struct span path =
            invocation->operand_count > 1 ? path_operand(invocation, 1) : SPAN_LITERAL("");
        tree_print_begin(&printer);
        status = package_walk(&walk, path, err);
        tree_print_end(&printer);
    }
    package_tag_free(&tag);
    return store_finish(&store, status, "Failed to retrieve the tree", err);
}

int command_tree_fetch(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct store store;
    struct package_tag tag = {0};
    (void)exit_status;
    int status = tag_open(invocation, &store, &tag, err);
    if (status == 0)
        status = package_fetch(store.remote, &store.slug, &tag, path_operand(invocation, 1),
                               invocation->operands[2], &store.watch, err);
    package_tag_free(&tag);
    return store_finish(&store, status, "Failed to fetch from the tree", err);
}
