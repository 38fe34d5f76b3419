/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of the embedder's own making: positions, flags and rights are kept here. */
#include "wick/wasi/context.h"

#include <errno.h>
#include <stdlib.h>

struct tree_file {
    struct wasi_file file;
    const struct wick_wasi_tree *tree;
    void *env;
    uint64_t node;
    bool held;      /* is released when it is closed: not the root */
    bool read_only; /* the whole tree */
    pthread_mutex_t lock;
    uint64_t position; /* these two are under the lock */
    uint16_t fdflags;
};

static struct tree_file *tree_file(struct wasi_file *file)
{
    return (struct tree_file *)file;
}

static enum wasi_errno outcome(int result)
{
    return wasi_errno_of(result < 0 && result > -4096 ? -result : result ? EIO : 0);
}

/* ---- Opening and closing ---------------------------------------------------------------------
 */

static const struct wasi_file_ops tree_file_ops, tree_dir_ops;

static enum wasi_errno new_file(const struct tree_file *like, uint64_t node, bool is_directory,
                                struct tree_file **out)
{
    struct tree_file *file = calloc(1, sizeof(*file));
    if (!file)
        return WASI_NOMEM;
    file->file.ops = is_directory ? &tree_dir_ops : &tree_file_ops;
    file->file.type = is_directory ? FILETYPE_DIRECTORY : FILETYPE_REGULAR_FILE;
    file->file.rights = wasi_type_rights(file->file.type);
    atomic_init(&file->file.references, 1);
    file->tree = like->tree;
    file->env = like->env;
    file->read_only = like->read_only;
    file->node = node;
    pthread_mutex_init(&file->lock, NULL);
    *out = file;
    return WASI_SUCCESS;
}

enum wasi_errno tree_dir_new(const struct wick_wasi_tree *tree, void *env, uint64_t root,
                             bool read_only, struct wasi_file **out)
{
    const struct tree_file like = {.tree = tree, .env = env, .read_only = read_only};
    struct tree_file *file;
    enum wasi_errno error = new_file(&like, root, true, &file);
    if (error == WASI_SUCCESS)
        *out = &file->file;
    return error;
}

static void file_close(struct wasi_file *closed)
{
    struct tree_file *file = tree_file(closed);
    if (file->held)
        file->tree->release(file->env, file->node);
    pthread_mutex_destroy(&file->lock);
    free(file);
}

/* Whether a node that was found may be opened in this way. */
static enum wasi_errno check_open(const struct wasi_open *how, bool is_directory)
{
    if (is_directory && how->write)
        return WASI_ISDIR;
    return !is_directory && how->oflags & OFLAG_DIRECTORY ? WASI_NOTDIR : WASI_SUCCESS;
}

/* Takes the hold on the node. */
static enum wasi_errno open_node(const struct tree_file *dir, uint64_t node,
                                 const struct wasi_open *how, struct wasi_file **out)
{
    struct wick_wasi_node stat;
    struct tree_file *file = NULL;
    enum wasi_errno error = outcome(dir->tree->stat(dir->env, node, &stat));
    if (error == WASI_SUCCESS)
        error = check_open(how, stat.is_directory);
    if (error == WASI_SUCCESS)
        error = new_file(dir, node, stat.is_directory, &file);
    if (error) {
        dir->tree->release(dir->env, node);
        return error;
    }
    file->held = true;
    file->fdflags = how->fdflags;
    *out = &file->file;
    return WASI_SUCCESS;
}

static unsigned find_flags(const struct wasi_open *how)
{
    return (how->oflags & OFLAG_CREAT ? WICK_WASI_CREATE : 0u) |
           (how->oflags & OFLAG_EXCL && how->oflags & OFLAG_CREAT ? WICK_WASI_EXCLUSIVE : 0u) |
           (how->oflags & OFLAG_TRUNC ? WICK_WASI_TRUNCATE : 0u);
}

static enum wasi_errno dir_open(struct wasi_file *at, const char *path, const struct wasi_open *how,
                                struct wasi_file **out)
{
    const struct tree_file *dir = tree_file(at);
    unsigned flags = find_flags(how);
    uint64_t node;
    if (dir->read_only && (how->write || flags & WICK_WASI_TRUNCATE))
        return WASI_ROFS;
    int result = dir->tree->find(dir->env, dir->node, path, dir->read_only ? 0 : flags, &node);
    if (dir->read_only && result == -ENOENT && flags & WICK_WASI_CREATE)
        return WASI_ROFS;
    if (result < 0)
        return outcome(result);
    if (dir->read_only && flags & WICK_WASI_EXCLUSIVE) {
        dir->tree->release(dir->env, node);
        return WASI_EXIST;
    }
    return open_node(dir, node, how, out);
}

/* ---- Contents --------------------------------------------------------------------------------
 */

/* A file that was opened for it has everything on the disk before a write is over. */
static enum wasi_errno write_through(struct tree_file *file)
{
    enum { THROUGH = FDFLAG_SYNC | FDFLAG_DSYNC };
    if (!(file->fdflags & THROUGH))
        return WASI_SUCCESS;
    return outcome(file->tree->sync(file->env, file->node, !(file->fdflags & FDFLAG_SYNC)));
}

static enum wasi_errno write_at(struct tree_file *file, const struct iovec *iovs, int count,
                                uint64_t offset, size_t *done, uint64_t *end)
{
    enum wasi_errno error =
        outcome(file->tree->write(file->env, file->node, iovs, count, offset, done, end));
    return error ? error : write_through(file);
}

static enum wasi_errno file_read(struct wasi_file *at, const struct iovec *iovs, int count,
                                 size_t *done)
{
    struct tree_file *file = tree_file(at);
    pthread_mutex_lock(&file->lock);
    enum wasi_errno error =
        outcome(file->tree->read(file->env, file->node, iovs, count, file->position, done));
    if (error == WASI_SUCCESS)
        file->position += *done;
    pthread_mutex_unlock(&file->lock);
    return error;
}

static enum wasi_errno file_write(struct wasi_file *at, const struct iovec *iovs, int count,
                                  size_t *done)
{
    struct tree_file *file = tree_file(at);
    pthread_mutex_lock(&file->lock);
    uint64_t end, offset = file->fdflags & FDFLAG_APPEND ? WICK_WASI_APPEND : file->position;
    enum wasi_errno error = write_at(file, iovs, count, offset, done, &end);
    if (error == WASI_SUCCESS)
        file->position = end;
    pthread_mutex_unlock(&file->lock);
    return error;
}

static enum wasi_errno file_pread(struct wasi_file *at, const struct iovec *iovs, int count,
                                  uint64_t offset, size_t *done)
{
    const struct tree_file *file = tree_file(at);
    return outcome(file->tree->read(file->env, file->node, iovs, count, offset, done));
}

static enum wasi_errno file_pwrite(struct wasi_file *at, const struct iovec *iovs, int count,
                                   uint64_t offset, size_t *done)
{
    struct tree_file *file = tree_file(at);
    uint64_t end;
    pthread_mutex_lock(&file->lock);
    enum wasi_errno error = write_at(file, iovs, count, offset, done, &end);
    pthread_mutex_unlock(&file->lock);
    return error;
}

static enum wasi_errno file_seek(struct wasi_file *at, int64_t offset, int whence,
                                 uint64_t *position)
{
    struct tree_file *file = tree_file(at);
    struct wick_wasi_node stat = {0};
    enum wasi_errno error = WASI_SUCCESS;
    pthread_mutex_lock(&file->lock);
    if (whence == WHENCE_END)
        error = outcome(file->tree->stat(file->env, file->node, &stat));
    int64_t to = (int64_t)(whence == WHENCE_CUR ? file->position : stat.size);
    if (error == WASI_SUCCESS && (__builtin_add_overflow(to, offset, &to) || to < 0))
        error = WASI_INVAL;
    if (error == WASI_SUCCESS)
        file->position = *position = (uint64_t)to;
    pthread_mutex_unlock(&file->lock);
    return error;
}

static enum wasi_errno file_set_size(struct wasi_file *at, uint64_t size)
{
    const struct tree_file *file = tree_file(at);
    if (file->read_only)
        return WASI_ROFS;
    return outcome(file->tree->resize(file->env, file->node, size));
}

static enum wasi_errno file_allocate(struct wasi_file *at, uint64_t offset, uint64_t length)
{
    const struct tree_file *file = tree_file(at);
    struct wick_wasi_node stat;
    enum wasi_errno error = outcome(file->tree->stat(file->env, file->node, &stat));
    return error || offset + length <= stat.size ? error : file_set_size(at, offset + length);
}

static enum wasi_errno file_advise(struct wasi_file *at, uint64_t offset, uint64_t length,
                                   int advice)
{
    (void)at;
    (void)offset;
    (void)length;
    (void)advice;
    return WASI_SUCCESS;
}

static void file_ready(struct wasi_file *at, bool writing, struct wasi_readiness *out)
{
    struct tree_file *file = tree_file(at);
    struct wick_wasi_node stat = {0};
    *out = (struct wasi_readiness){.ready = true, .fd = -1};
    pthread_mutex_lock(&file->lock);
    if (!writing && file->tree->stat(file->env, file->node, &stat) == 0 &&
        file->position < stat.size)
        out->bytes = stat.size - file->position;
    pthread_mutex_unlock(&file->lock);
}

/* ---- State -----------------------------------------------------------------------------------
 */

static void store_stat(const struct wick_wasi_node *stat, struct wasi_filestat *out)
{
    *out = (struct wasi_filestat){
        .device = 1,
        .inode = stat->inode,
        .links = stat->links,
        .size = stat->size,
        .accessed = stat->accessed,
        .modified = stat->modified,
        .changed = stat->changed,
        .type = stat->is_directory ? FILETYPE_DIRECTORY : FILETYPE_REGULAR_FILE,
    };
}

static enum wasi_errno any_stat(struct wasi_file *at, struct wasi_filestat *out)
{
    const struct tree_file *file = tree_file(at);
    struct wick_wasi_node stat = {0};
    enum wasi_errno error = outcome(file->tree->stat(file->env, file->node, &stat));
    store_stat(&stat, out);
    return error;
}

static enum wasi_errno any_set_times(struct wasi_file *at, const struct timespec times[2])
{
    const struct tree_file *file = tree_file(at);
    if (file->read_only)
        return WASI_ROFS;
    return outcome(file->tree->set_times(file->env, file->node, times));
}

static enum wasi_errno any_get_flags(struct wasi_file *at, uint16_t *fdflags)
{
    struct tree_file *file = tree_file(at);
    pthread_mutex_lock(&file->lock);
    *fdflags = file->fdflags;
    pthread_mutex_unlock(&file->lock);
    return WASI_SUCCESS;
}

static enum wasi_errno any_set_flags(struct wasi_file *at, uint16_t fdflags)
{
    struct tree_file *file = tree_file(at);
    pthread_mutex_lock(&file->lock);
    file->fdflags = fdflags;
    pthread_mutex_unlock(&file->lock);
    return WASI_SUCCESS;
}

static enum wasi_errno any_sync(struct wasi_file *at, bool only_data)
{
    const struct tree_file *file = tree_file(at);
    return outcome(file->tree->sync(file->env, file->node, only_data));
}

static const struct wasi_file_ops tree_file_ops = {
    .close = file_close,
    .read = file_read,
    .write = file_write,
    .pread = file_pread,
    .pwrite = file_pwrite,
    .seek = file_seek,
    .get_flags = any_get_flags,
    .set_flags = any_set_flags,
    .stat = any_stat,
    .set_size = file_set_size,
    .set_times = any_set_times,
    .advise = file_advise,
    .allocate = file_allocate,
    .sync = any_sync,
    .ready = file_ready,
};

/* ---- Directories -----------------------------------------------------------------------------
 */

static enum wasi_errno dir_stat_at(struct wasi_file *at, const char *path, bool follow,
                                   struct wasi_filestat *out)
{
    const struct tree_file *dir = tree_file(at);
    struct wick_wasi_node stat = {0};
    (void)follow;
    enum wasi_errno error = outcome(dir->tree->stat_at(dir->env, dir->node, path, &stat));
    store_stat(&stat, out);
    return error;
}

static enum wasi_errno dir_set_times_at(struct wasi_file *at, const char *path, bool follow,
                                        const struct timespec times[2])
{
    const struct tree_file *dir = tree_file(at);
    (void)follow;
    if (dir->read_only)
        return WASI_ROFS;
    return outcome(dir->tree->set_times_at(dir->env, dir->node, path, times));
}

/* Cookies 0 and 1 are before "." and "..", those of the tree come after them. */
enum { COOKIE_DOTS = 2 };

struct sink {
    wasi_dirent_sink take;
    void *env;
};

static bool take_entry(void *env, uint64_t next, uint64_t inode, bool is_directory,
                       const char *name, size_t length)
{
    const struct sink *sink = env;
    return sink->take(sink->env, next + COOKIE_DOTS, inode,
                      is_directory ? FILETYPE_DIRECTORY : FILETYPE_REGULAR_FILE, name, length);
}

static enum wasi_errno dir_readdir(struct wasi_file *at, uint64_t cookie, wasi_dirent_sink take,
                                   void *env)
{
    const struct tree_file *dir = tree_file(at);
    struct sink sink = {take, env};
    if (cookie < 1 && !take(env, 1, dir->node, FILETYPE_DIRECTORY, ".", 1))
        return WASI_SUCCESS;
    if (cookie < COOKIE_DOTS && !take(env, COOKIE_DOTS, 0, FILETYPE_DIRECTORY, "..", 2))
        return WASI_SUCCESS;
    uint64_t from = cookie < COOKIE_DOTS ? 0 : cookie - COOKIE_DOTS;
    return outcome(dir->tree->list(dir->env, dir->node, from, take_entry, &sink));
}

static enum wasi_errno dir_mkdir(struct wasi_file *at, const char *path)
{
    const struct tree_file *dir = tree_file(at);
    return dir->read_only ? WASI_ROFS : outcome(dir->tree->mkdir(dir->env, dir->node, path));
}

static enum wasi_errno dir_unlink(struct wasi_file *at, const char *path)
{
    const struct tree_file *dir = tree_file(at);
    return dir->read_only ? WASI_ROFS : outcome(dir->tree->unlink(dir->env, dir->node, path));
}

static enum wasi_errno dir_rmdir(struct wasi_file *at, const char *path)
{
    const struct tree_file *dir = tree_file(at);
    return dir->read_only ? WASI_ROFS : outcome(dir->tree->rmdir(dir->env, dir->node, path));
}

/* Whether names can go from one directory to another. */
static enum wasi_errno may_move(const struct tree_file *from, const struct tree_file *to)
{
    if (from->tree != to->tree || from->env != to->env)
        return WASI_XDEV;
    return from->read_only || to->read_only ? WASI_ROFS : WASI_SUCCESS;
}

static enum wasi_errno dir_link(struct wasi_file *at, const char *path, struct wasi_file *to,
                                const char *to_path)
{
    const struct tree_file *dir = tree_file(at), *target = tree_file(to);
    enum wasi_errno error = may_move(dir, target);
    return error ? error
                 : outcome(dir->tree->link(dir->env, dir->node, path, target->node, to_path));
}

static enum wasi_errno dir_rename(struct wasi_file *at, const char *path, struct wasi_file *to,
                                  const char *to_path)
{
    const struct tree_file *dir = tree_file(at), *target = tree_file(to);
    enum wasi_errno error = may_move(dir, target);
    return error ? error
                 : outcome(dir->tree->rename(dir->env, dir->node, path, target->node, to_path));
}

static const struct wasi_file_ops tree_dir_ops = {
    .close = file_close,
    .get_flags = any_get_flags,
    .set_flags = any_set_flags,
    .stat = any_stat,
    .set_times = any_set_times,
    .sync = any_sync,
    .ready = file_ready,
    .readdir = dir_readdir,
    .open = dir_open,
    .mkdir = dir_mkdir,
    .stat_at = dir_stat_at,
    .set_times_at = dir_set_times_at,
    .link = dir_link,
    .rename = dir_rename,
    .unlink = dir_unlink,
    .rmdir = dir_rmdir,
};
