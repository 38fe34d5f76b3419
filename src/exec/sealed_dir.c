// SPDX-License-Identifier: Apache-2.0
#include "exec/sealed_dir.h"

_Static_assert((int)SEALED_CREATE == (int)WICK_WASI_CREATE &&
                   (int)SEALED_EXCLUSIVE == (int)WICK_WASI_EXCLUSIVE &&
                   (int)SEALED_TRUNCATE == (int)WICK_WASI_TRUNCATE &&
                   SEALED_APPEND == WICK_WASI_APPEND,
               "both sides name the same things with the same numbers");

static int find(void *env, uint64_t directory, const char *path, unsigned how, uint64_t *node)
{
    return sealed_find(env, directory, path, how, node);
}

static void release(void *env, uint64_t node)
{
    sealed_release(env, node);
}

static void copy_stat(const struct sealed_stat *stat, struct wick_wasi_node *out)
{
    *out = (struct wick_wasi_node){
        .inode = stat->inode,
        .links = stat->links,
        .size = stat->size,
        .accessed = stat->accessed,
        .modified = stat->modified,
        .changed = stat->changed,
        .is_directory = stat->is_directory,
    };
}

static int stat_node(void *env, uint64_t node, struct wick_wasi_node *out)
{
    struct sealed_stat stat = {0};
    int status = sealed_stat(env, node, &stat);
    copy_stat(&stat, out);
    return status;
}

static int stat_at(void *env, uint64_t directory, const char *path, struct wick_wasi_node *out)
{
    struct sealed_stat stat = {0};
    int status = sealed_stat_at(env, directory, path, &stat);
    copy_stat(&stat, out);
    return status;
}

static int set_times(void *env, uint64_t node, const struct timespec times[2])
{
    return sealed_set_times(env, node, times);
}

static int set_times_at(void *env, uint64_t directory, const char *path,
                        const struct timespec times[2])
{
    return sealed_set_times_at(env, directory, path, times);
}

static int read_node(void *env, uint64_t node, const struct iovec *iovs, int count, uint64_t offset,
                     size_t *done)
{
    return sealed_read(env, node, iovs, count, offset, done);
}

static int write_node(void *env, uint64_t node, const struct iovec *iovs, int count,
                      uint64_t offset, size_t *done, uint64_t *end)
{
    return sealed_write(env, node, iovs, count, offset, done, end);
}

static int resize(void *env, uint64_t node, uint64_t size)
{
    return sealed_resize(env, node, size);
}

static int synchronize(void *env, uint64_t node, bool only_data)
{
    (void)node; /* there is one log */
    (void)only_data;
    return sealed_sync(env);
}

static int list(void *env, uint64_t directory, uint64_t cookie, wick_wasi_entry entry,
                void *entry_env)
{
    return sealed_list(env, directory, cookie, entry, entry_env);
}

static int make_directory(void *env, uint64_t directory, const char *path)
{
    return sealed_mkdir(env, directory, path);
}

static int remove_file(void *env, uint64_t directory, const char *path)
{
    return sealed_unlink(env, directory, path);
}

static int remove_directory(void *env, uint64_t directory, const char *path)
{
    return sealed_rmdir(env, directory, path);
}

static int link_node(void *env, uint64_t directory, const char *path, uint64_t to,
                     const char *to_path)
{
    return sealed_link(env, directory, path, to, to_path);
}

static int rename_node(void *env, uint64_t directory, const char *path, uint64_t to,
                       const char *to_path)
{
    return sealed_rename(env, directory, path, to, to_path);
}

const struct wick_wasi_tree sealed_dir_tree = {
    .find = find,
    .release = release,
    .stat = stat_node,
    .stat_at = stat_at,
    .set_times = set_times,
    .set_times_at = set_times_at,
    .read = read_node,
    .write = write_node,
    .resize = resize,
    .sync = synchronize,
    .list = list,
    .mkdir = make_directory,
    .unlink = remove_file,
    .rmdir = remove_directory,
    .link = link_node,
    .rename = rename_node,
};
