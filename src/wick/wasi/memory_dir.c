/* SPDX-License-Identifier: Apache-2.0 */
/* Directories in memory. There are no links, so that nothing ever needs to be followed. */
#include "wick/wasi/memory_fs.h"

#include <stdlib.h>

static pthread_mutex_t *lock_of(struct wasi_file *dir)
{
    return &memory_node(dir)->fs->lock;
}

/* As memory_find; a file with a slash behind it is NOTDIR. */
static enum wasi_errno find(struct wasi_file *dir, const char *path, struct memory_place *place)
{
    enum wasi_errno error = memory_find(memory_node(dir), path, place);
    if (error)
        return error;
    bool is_file = place->node && place->node->type != FILETYPE_DIRECTORY;
    return place->wants_directory && is_file ? WASI_NOTDIR : WASI_SUCCESS;
}

/* ---- Opening ---------------------------------------------------------------------------------
 */

static enum wasi_errno create(const struct memory_place *place, enum wasi_filetype type,
                              struct memory_node **out)
{
    struct memory_fs *fs = place->directory->fs;
    struct memory_node *node = memory_node_new(fs, type);
    if (!node)
        return WASI_NOSPC;
    node->references = 1; /* ours, until it is in the directory */
    enum wasi_errno error = memory_enter(place, node);
    memory_node_put(node);
    *out = node;
    return error;
}

static enum wasi_errno open_place(struct memory_place *place, const struct wasi_open *how,
                                  struct wasi_file **out)
{
    bool creates = how->oflags & OFLAG_CREAT;
    uint64_t rights = RIGHTS_ALL;
    if (place->node && creates && how->oflags & OFLAG_EXCL)
        return WASI_EXIST;
    if (!place->node && !creates)
        return WASI_NOENT;
    if (!place->node && place->wants_directory)
        return WASI_ISDIR;
    enum wasi_errno error =
        place->node ? WASI_SUCCESS : create(place, FILETYPE_REGULAR_FILE, &place->node);
    if (error)
        return error;
    bool is_directory = place->node->type == FILETYPE_DIRECTORY;
    if (is_directory && (how->write || creates || how->oflags & OFLAG_TRUNC))
        return WASI_ISDIR;
    if (!is_directory && how->oflags & OFLAG_DIRECTORY)
        return WASI_NOTDIR;
    if (!is_directory && how->oflags & OFLAG_TRUNC)
        memory_resize(place->node, 0);
    return memory_open_node(place->node, rights, how->fdflags, out);
}

static enum wasi_errno dir_open(struct wasi_file *dir, const char *path,
                                const struct wasi_open *how, struct wasi_file **out)
{
    struct memory_place place;
    pthread_mutex_lock(lock_of(dir));
    enum wasi_errno error = find(dir, path, &place);
    if (error == WASI_SUCCESS)
        error = open_place(&place, how, out);
    pthread_mutex_unlock(lock_of(dir));
    return error;
}

/* ---- Attributes and entries ------------------------------------------------------------------
 */

static enum wasi_errno dir_stat_at(struct wasi_file *dir, const char *path, bool follow,
                                   struct wasi_filestat *out)
{
    struct memory_place place;
    (void)follow;
    pthread_mutex_lock(lock_of(dir));
    enum wasi_errno error = find(dir, path, &place);
    if (error == WASI_SUCCESS && !place.node)
        error = WASI_NOENT;
    if (error == WASI_SUCCESS)
        memory_node_stat(place.node, out);
    pthread_mutex_unlock(lock_of(dir));
    return error;
}

static enum wasi_errno dir_set_times_at(struct wasi_file *dir, const char *path, bool follow,
                                        const struct timespec times[2])
{
    struct memory_place place;
    (void)follow;
    pthread_mutex_lock(lock_of(dir));
    enum wasi_errno error = find(dir, path, &place);
    if (error == WASI_SUCCESS && !place.node)
        error = WASI_NOENT;
    if (error == WASI_SUCCESS)
        memory_node_times(place.node, times);
    pthread_mutex_unlock(lock_of(dir));
    return error;
}

static enum wasi_errno dir_readdir(struct wasi_file *dir, uint64_t cookie, wasi_dirent_sink sink,
                                   void *env)
{
    struct memory_node *node = memory_node(dir);
    pthread_mutex_lock(lock_of(dir));
    bool more = cookie >= 1 || sink(env, 1, node->inode, FILETYPE_DIRECTORY, ".", 1);
    more = more && (cookie >= 2 || sink(env, 2, 0, FILETYPE_DIRECTORY, "..", 2));
    for (const struct memory_entry *entry = node->entries; entry && more; entry = entry->next) {
        if (entry->cookie > cookie)
            more = sink(env, entry->cookie, entry->node->inode, entry->node->type, entry->name,
                        entry->length);
    }
    pthread_mutex_unlock(lock_of(dir));
    return WASI_SUCCESS;
}

/* ---- Changing the tree -----------------------------------------------------------------------
 */

static enum wasi_errno dir_mkdir(struct wasi_file *dir, const char *path)
{
    struct memory_place place;
    struct memory_node *node;
    pthread_mutex_lock(lock_of(dir));
    enum wasi_errno error = memory_find(memory_node(dir), path, &place);
    if (error == WASI_SUCCESS && place.node)
        error = WASI_EXIST;
    if (error == WASI_SUCCESS)
        error = create(&place, FILETYPE_DIRECTORY, &node);
    pthread_mutex_unlock(lock_of(dir));
    return error;
}

static enum wasi_errno removable(const struct memory_place *place, bool directory)
{
    if (!place->node)
        return WASI_NOENT;
    if (!directory)
        return place->node->type == FILETYPE_DIRECTORY ? WASI_ISDIR : WASI_SUCCESS;
    if (place->node->type != FILETYPE_DIRECTORY)
        return WASI_NOTDIR;
    if (place->node->entries)
        return WASI_NOTEMPTY;
    return place->length ? WASI_SUCCESS : WASI_INVAL;
}

static enum wasi_errno remove_entry(struct wasi_file *dir, const char *path, bool directory)
{
    struct memory_place place;
    pthread_mutex_lock(lock_of(dir));
    enum wasi_errno error = find(dir, path, &place);
    if (error == WASI_SUCCESS)
        error = removable(&place, directory);
    if (error == WASI_SUCCESS)
        memory_leave(&place);
    pthread_mutex_unlock(lock_of(dir));
    return error;
}

static enum wasi_errno dir_unlink(struct wasi_file *dir, const char *path)
{
    return remove_entry(dir, path, false);
}

static enum wasi_errno dir_rmdir(struct wasi_file *dir, const char *path)
{
    return remove_entry(dir, path, true);
}

static bool is_below(const struct memory_node *node, const struct memory_node *above)
{
    while (node && node != above)
        node = node->parent;
    return node == above;
}

static enum wasi_errno may_move(const struct memory_place *from, const struct memory_place *to)
{
    if (!from->node)
        return WASI_NOENT;
    if (!from->length || !to->length)
        return WASI_BUSY;
    bool is_directory = from->node->type == FILETYPE_DIRECTORY;
    if (!is_directory && to->wants_directory)
        return WASI_NOTDIR;
    if (is_directory && is_below(to->directory, from->node))
        return WASI_INVAL;
    if (!to->node || to->node == from->node)
        return WASI_SUCCESS;
    if (!is_directory && to->node->type == FILETYPE_DIRECTORY)
        return WASI_ISDIR;
    if (is_directory && to->node->type != FILETYPE_DIRECTORY)
        return WASI_NOTDIR;
    return to->node->entries ? WASI_NOTEMPTY : WASI_SUCCESS;
}

/* What is replaced goes first: its name leaves the space for the new one. */
static enum wasi_errno move(const struct memory_place *from, const struct memory_place *to)
{
    enum wasi_errno error = may_move(from, to);
    if (error || to->node == from->node)
        return error;
    struct memory_node *node = from->node;
    if (to->node)
        memory_leave(to);
    error = memory_enter(to, node);
    if (error)
        return error;
    struct memory_node *parent = node->parent;
    memory_leave(from);
    if (node->type == FILETYPE_DIRECTORY) {
        node->parent = parent;
        node->removed = false;
    }
    return WASI_SUCCESS;
}

static enum wasi_errno dir_rename(struct wasi_file *dir, const char *path, struct wasi_file *to,
                                  const char *to_path)
{
    struct memory_place from, place;
    if (memory_node(dir)->fs != memory_node(to)->fs)
        return WASI_XDEV;
    pthread_mutex_lock(lock_of(dir));
    enum wasi_errno error = find(dir, path, &from);
    if (error == WASI_SUCCESS)
        error = find(to, to_path, &place);
    if (error == WASI_SUCCESS)
        error = move(&from, &place);
    pthread_mutex_unlock(lock_of(dir));
    return error;
}

const struct wasi_file_ops memory_dir_ops = {
    .close = memory_close,
    .get_flags = memory_get_flags,
    .set_flags = memory_set_flags,
    .stat = memory_stat,
    .set_times = memory_set_times,
    .sync = memory_sync,
    .ready = memory_ready,
    .readdir = dir_readdir,
    .open = dir_open,
    .mkdir = dir_mkdir,
    .stat_at = dir_stat_at,
    .set_times_at = dir_set_times_at,
    .rename = dir_rename,
    .unlink = dir_unlink,
    .rmdir = dir_rmdir,
};

enum wasi_errno memory_dir_new(uint64_t max_bytes, struct wasi_file **out)
{
    struct memory_fs *fs = calloc(1, sizeof(*fs));
    if (!fs)
        return WASI_NOMEM;
    fs->max = max_bytes;
    pthread_mutex_init(&fs->lock, NULL);
    struct memory_node *root = memory_node_new(fs, FILETYPE_DIRECTORY);
    enum wasi_errno error = root ? memory_open_node(root, RIGHTS_ALL, 0, out) : WASI_NOMEM;
    if (error) {
        free(root);
        memory_fs_free(fs);
    }
    return error;
}
