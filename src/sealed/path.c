// SPDX-License-Identifier: Apache-2.0
/* What is done with names. There are no symbolic links, so that nothing is ever followed. */
#include "sealed/store.h"

#include <errno.h>
#include <string.h>

/* Where a path leads: the directory that holds its last component, and that. */
struct place {
    struct tree_node *directory;
    struct span name;       /* empty: the path ends in "." or "..", and leads to the directory */
    struct tree_node *node; /* NULL: there is nothing of that name */
    bool wants_directory;   /* a slash follows */
};

/* ---- Looking up -------------------------------------------------------------------------------
 */

static int step_up(const struct tree_node *start, struct place *place, size_t length)
{
    if (length == 2) {
        if (place->node == start || !place->node->parent)
            return -EPERM;
        place->node = place->node->parent;
    }
    place->directory = place->node;
    place->name.size = 0;
    return 0;
}

/* Looks one component up in place->node, which becomes what it names. */
static int step(const struct tree *tree, const struct tree_node *start, struct place *place,
                const char *name, size_t length)
{
    if (!place->node)
        return -ENOENT;
    if (!place->node->is_directory)
        return -ENOTDIR;
    if (length > SEALED_NAME_MAX)
        return -ENAMETOOLONG;
    if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')))
        return step_up(start, place, length);
    place->directory = place->node;
    place->name = span_of(name, length);
    const struct tree_entry *entry = tree_look_up(tree, place->directory, place->name);
    place->node = entry ? entry->node : NULL;
    return 0;
}

static int find(const struct sealed *store, uint64_t inode, const char *path, struct place *place)
{
    struct tree_node *start = tree_find(&store->tree, inode);
    *place = (struct place){.directory = start, .node = start};
    if (!start)
        return -EBADF;
    if (!start->is_directory)
        return -ENOTDIR;
    if (path[0] == '\0' || path[0] == '/')
        return path[0] ? -EPERM : -ENOENT;
    while (*path) {
        size_t length = strcspn(path, "/");
        int status = step(&store->tree, start, place, path, length);
        if (status < 0)
            return status;
        path += length;
        place->wants_directory = *path == '/';
        path += strspn(path, "/");
    }
    return place->wants_directory && place->node && !place->node->is_directory ? -ENOTDIR : 0;
}

static int find_existing(const struct sealed *store, uint64_t inode, const char *path,
                         struct place *place)
{
    int status = find(store, inode, path, place);
    return status == 0 && !place->node ? -ENOENT : status;
}

int sealed_stat_at(struct sealed *store, uint64_t directory, const char *path,
                   struct sealed_stat *stat)
{
    struct place place;
    pthread_mutex_lock(&store->lock);
    int status = find_existing(store, directory, path, &place);
    if (status == 0)
        store_stat(place.node, stat);
    pthread_mutex_unlock(&store->lock);
    return status;
}

int sealed_set_times_at(struct sealed *store, uint64_t directory, const char *path,
                        const struct timespec times[2])
{
    struct place place;
    pthread_mutex_lock(&store->lock);
    int status = find_existing(store, directory, path, &place);
    if (status == 0)
        status = store_set_times(store, place.node, times);
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- Creating ---------------------------------------------------------------------------------
 */

/* What holds of a node and of a directory after one of its names was changed. */
static void renamed(struct sealed *store, struct tree_node *directory, struct tree_node *node)
{
    directory->modified = directory->changed = node->changed = store_now();
    store_touch(store, directory);
    store_touch(store, node);
}

/* Gives a node the place's name. */
static int enter(struct sealed *store, const struct place *place, struct tree_node *node)
{
    if (!place->directory->links)
        return -ENOENT;
    const struct tree_op op = {.kind = TREE_LINK,
                               .directory = place->directory->inode,
                               .inode = node->inode,
                               .name = place->name};
    int status = store_apply(store, &op);
    if (status == 0)
        renamed(store, place->directory, node);
    return status;
}

static int create(struct sealed *store, struct place *place, bool is_directory)
{
    int status = store_begin(store, 0);
    if (status < 0)
        return status;
    uint64_t inode = store->tree.last_inode + 1;
    status = store_apply(
        store, &(struct tree_op){.kind = TREE_NODE, .inode = inode, .is_directory = is_directory});
    if (status < 0)
        return status;
    struct tree_node *node = tree_find(&store->tree, inode);
    status = enter(store, place, node);
    if (status < 0) {
        store_reap(store, node);
        return status;
    }
    node->accessed = node->modified = node->changed;
    place->node = node;
    return 0;
}

static int find_or_create(struct sealed *store, struct place *place, unsigned how)
{
    bool creates = how & SEALED_CREATE;
    if (place->node && creates && how & SEALED_EXCLUSIVE)
        return -EEXIST;
    if (!place->node && !creates)
        return -ENOENT;
    if (!place->node && place->wants_directory)
        return -EISDIR;
    if (!place->node)
        return create(store, place, false);
    if (place->node->is_directory)
        return how & (SEALED_CREATE | SEALED_TRUNCATE) ? -EISDIR : 0;
    return how & SEALED_TRUNCATE ? store_resize(store, place->node, 0) : 0;
}

int sealed_find(struct sealed *store, uint64_t directory, const char *path, unsigned how,
                uint64_t *node)
{
    struct place place;
    pthread_mutex_lock(&store->lock);
    int status = find(store, directory, path, &place);
    if (status == 0)
        status = find_or_create(store, &place, how);
    if (status == 0) {
        place.node->holds++;
        *node = place.node->inode;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

int sealed_mkdir(struct sealed *store, uint64_t directory, const char *path)
{
    struct place place;
    pthread_mutex_lock(&store->lock);
    int status = find(store, directory, path, &place);
    if (status == 0)
        status = place.node ? -EEXIST : create(store, &place, true);
    pthread_mutex_unlock(&store->lock);
    return status;
}

int sealed_link(struct sealed *store, uint64_t directory, const char *path, uint64_t to,
                const char *to_path)
{
    struct place from, place;
    pthread_mutex_lock(&store->lock);
    int status = find_existing(store, directory, path, &from);
    if (status == 0)
        status = find(store, to, to_path, &place);
    if (status == 0)
        status = place.node                             ? -EEXIST
                 : from.node->is_directory              ? -EPERM
                 : place.wants_directory                ? -ENOENT
                 : from.node->links >= SEALED_LINKS_MAX ? -EMLINK
                                                        : store_begin(store, 0);
    if (status == 0)
        status = enter(store, &place, from.node);
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- Taking away ------------------------------------------------------------------------------
 */

static int leave(struct sealed *store, const struct place *place)
{
    struct tree_node *node = place->node;
    const struct tree_op op = {
        .kind = TREE_UNLINK, .directory = place->directory->inode, .name = place->name};
    int status = store_begin(store, 0);
    if (status == 0)
        status = store_apply(store, &op);
    if (status < 0)
        return status;
    renamed(store, place->directory, node);
    store_reap(store, node);
    return 0;
}

int sealed_unlink(struct sealed *store, uint64_t directory, const char *path)
{
    struct place place;
    pthread_mutex_lock(&store->lock);
    int status = find_existing(store, directory, path, &place);
    if (status == 0)
        status = place.node->is_directory ? -EISDIR : leave(store, &place);
    pthread_mutex_unlock(&store->lock);
    return status;
}

int sealed_rmdir(struct sealed *store, uint64_t directory, const char *path)
{
    struct place place;
    pthread_mutex_lock(&store->lock);
    int status = find_existing(store, directory, path, &place);
    if (status == 0)
        status = !place.node->is_directory ? -ENOTDIR
                 : place.name.size == 0    ? -EINVAL
                 : place.node->first       ? -ENOTEMPTY
                                           : leave(store, &place);
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- Renaming ---------------------------------------------------------------------------------
 */

static int may_move(const struct place *from, const struct place *to)
{
    const struct tree_node *node = from->node, *replaced = to->node;
    if (from->name.size == 0 || to->name.size == 0)
        return -EBUSY;
    if (!node->is_directory && to->wants_directory)
        return -ENOTDIR;
    if (node->is_directory && tree_is_below(to->directory, node))
        return -EINVAL;
    if (!to->directory->links)
        return -ENOENT;
    if (!replaced || replaced == node)
        return 0;
    if (node->is_directory != replaced->is_directory)
        return node->is_directory ? -ENOTDIR : -EISDIR;
    return replaced->first ? -ENOTEMPTY : 0;
}

static int move(struct sealed *store, const struct place *from, const struct place *to)
{
    int status = may_move(from, to);
    if (status < 0 || to->node == from->node)
        return status;
    status = store_begin(store, 0);
    const struct tree_op op = {.kind = TREE_RENAME,
                               .directory = from->directory->inode,
                               .to = to->directory->inode,
                               .name = from->name,
                               .to_name = to->name};
    if (status == 0)
        status = store_apply(store, &op);
    if (status < 0)
        return status;
    renamed(store, from->directory, from->node);
    renamed(store, to->directory, from->node);
    if (to->node) {
        to->node->changed = from->node->changed;
        store_touch(store, to->node);
        store_reap(store, to->node);
    }
    return 0;
}

int sealed_rename(struct sealed *store, uint64_t directory, const char *path, uint64_t to,
                  const char *to_path)
{
    struct place from, place;
    pthread_mutex_lock(&store->lock);
    int status = find_existing(store, directory, path, &from);
    if (status == 0)
        status = find(store, to, to_path, &place);
    if (status == 0)
        status = move(store, &from, &place);
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- Listing ----------------------------------------------------------------------------------
 */

int sealed_list(struct sealed *store, uint64_t directory, uint64_t cookie, sealed_sink sink,
                void *env)
{
    pthread_mutex_lock(&store->lock);
    const struct tree_node *node = tree_find(&store->tree, directory);
    int status = !node ? -EBADF : !node->is_directory ? -ENOTDIR : 0;
    const struct tree_entry *entry = status == 0 ? node->first : NULL;
    for (; entry; entry = entry->next) {
        if (entry->cookie > cookie && !sink(env, entry->cookie, entry->node->inode,
                                            entry->node->is_directory, entry->name, entry->length))
            break;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}
