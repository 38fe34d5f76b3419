// SPDX-License-Identifier: Apache-2.0
#include "sealed_test.h"

#include "codec/base64.h"
#include "sealed/tree.h"

#include <signal.h>
#include <sys/resource.h>

/* ---- What programs see ------------------------------------------------------------------------
 */

TEST(files, "what was written is there, also after the store was opened again")
{
    struct fixture f = begin();
    open_store(&f);
    put_text(&f, "note", "hello");
    CHECK_INT(sealed_mkdir(f.store, SEALED_ROOT, "dir"), 0);
    CHECK_INT(sealed_rename(f.store, SEALED_ROOT, "note", SEALED_ROOT, "dir/letter"), 0);
    CHECK_INT(sealed_link(f.store, SEALED_ROOT, "dir/letter", SEALED_ROOT, "copy"), 0);
    uint64_t node = hold(&f, "copy", 0), next;
    size_t done;
    struct iovec parts[] = {{(char *)" ", 1}, {(char *)"", 0}, {(char *)"world", 5}};
    CHECK_INT(sealed_write(f.store, node, parts, 3, SEALED_APPEND, &done, &next), 0);
    CHECK(done == 6 && next == 11);
    struct timespec times[2] = {{1000, 5}, {2000, 7}};
    CHECK_INT(sealed_set_times(f.store, node, times), 0);
    sealed_release(f.store, node);
    for (int round = 0; round < 2; round++) {
        struct sealed_stat stat;
        CHECK(has_text(&f, "dir/letter", "hello world"));
        CHECK_INT(sealed_stat_at(f.store, SEALED_ROOT, "copy", &stat), 0);
        CHECK(stat.links == 2 && stat.size == 11 && !stat.is_directory);
        CHECK(stat.modified == 2000000000007u);
        reopen(&f);
    }
    CHECK_INT(sealed_unlink(f.store, SEALED_ROOT, "copy"), 0);
    CHECK_INT(sealed_rmdir(f.store, SEALED_ROOT, "dir"), -ENOTEMPTY);
    CHECK_INT(sealed_unlink(f.store, SEALED_ROOT, "dir/letter"), 0);
    CHECK_INT(sealed_rmdir(f.store, SEALED_ROOT, "dir"), 0);
    end(&f);
}

TEST(paths, "paths and their mistakes are what POSIX says, and lead nowhere above the directory")
{
    struct fixture f = begin();
    uint64_t node, dir;
    open_store(&f);
    put_text(&f, "file", "x");
    CHECK_INT(sealed_mkdir(f.store, SEALED_ROOT, "d/"), 0);
    CHECK_INT(sealed_mkdir(f.store, SEALED_ROOT, "d/e"), 0);
    dir = hold(&f, "d", 0);
    CHECK_INT(sealed_find(f.store, dir, "../file", 0, &node), -EPERM);
    CHECK_INT(sealed_find(f.store, dir, "e/../../file", 0, &node), -EPERM);
    CHECK_INT(sealed_find(f.store, dir, "/file", 0, &node), -EPERM);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "", 0, &node), -ENOENT);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "none", 0, &node), -ENOENT);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "none/x", SEALED_CREATE, &node), -ENOENT);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "none/", SEALED_CREATE, &node), -EISDIR);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "file/", 0, &node), -ENOTDIR);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "file/x", 0, &node), -ENOTDIR);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "d", SEALED_TRUNCATE, &node), -EISDIR);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "file", SEALED_CREATE | SEALED_EXCLUSIVE, &node),
              -EEXIST);
    CHECK_INT(sealed_mkdir(f.store, SEALED_ROOT, "file"), -EEXIST);
    CHECK_INT(sealed_mkdir(f.store, SEALED_ROOT, "."), -EEXIST);
    CHECK_INT(sealed_unlink(f.store, SEALED_ROOT, "d"), -EISDIR);
    CHECK_INT(sealed_rmdir(f.store, SEALED_ROOT, "file"), -ENOTDIR);
    CHECK_INT(sealed_rmdir(f.store, SEALED_ROOT, "d/."), -EINVAL);
    CHECK_INT(sealed_rename(f.store, SEALED_ROOT, "d", SEALED_ROOT, "d/e/f"), -EINVAL);
    CHECK_INT(sealed_rename(f.store, SEALED_ROOT, "file", SEALED_ROOT, "d"), -EISDIR);
    CHECK_INT(sealed_rename(f.store, SEALED_ROOT, "d", SEALED_ROOT, "file"), -ENOTDIR);
    CHECK_INT(sealed_rename(f.store, SEALED_ROOT, "d/e", SEALED_ROOT, "d"), -ENOTEMPTY);
    CHECK_INT(sealed_rename(f.store, SEALED_ROOT, ".", SEALED_ROOT, "x"), -EBUSY);
    CHECK_INT(sealed_rename(f.store, SEALED_ROOT, "file", SEALED_ROOT, "file"), 0);
    CHECK_INT(sealed_link(f.store, SEALED_ROOT, "d", SEALED_ROOT, "x"), -EPERM);
    CHECK_INT(sealed_link(f.store, SEALED_ROOT, "file", SEALED_ROOT, "d"), -EEXIST);
    char name[300];
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    CHECK_INT(sealed_mkdir(f.store, SEALED_ROOT, name), -ENAMETOOLONG);
    name[255] = '\0';
    CHECK_INT(sealed_mkdir(f.store, SEALED_ROOT, name), 0);
    CHECK_INT(sealed_rmdir(f.store, SEALED_ROOT, name), 0);
    CHECK_INT(sealed_rmdir(f.store, SEALED_ROOT, "d/e"), 0);
    CHECK_INT(sealed_rmdir(f.store, SEALED_ROOT, "d"), 0);
    CHECK_INT(sealed_find(f.store, dir, "new", SEALED_CREATE, &node), -ENOENT);
    CHECK_INT(sealed_find(f.store, dir, "..", 0, &node), -EPERM);
    sealed_release(f.store, dir);
    CHECK_INT(sealed_find(f.store, dir, ".", 0, &node), -EBADF);
    end(&f);
}

TEST(limits, "files beyond the largest size are refused; holes read as zeros and cost nothing")
{
    struct fixture f = begin();
    open_store(&f);
    uint64_t node = hold(&f, "sparse", SEALED_CREATE);
    CHECK_INT(put_at(&f, node, "end", 3, (uint64_t)5 << 30), 0);
    CHECK_INT(put_at(&f, node, "x", 1, SEALED_FILE_MAX), -EFBIG);
    CHECK_INT(put_at(&f, node, "x", 1, (uint64_t)INT64_MAX), -EFBIG);
    CHECK_INT(sealed_resize(f.store, node, SEALED_FILE_MAX + 1), -EFBIG);
    CHECK_INT(sealed_sync(f.store), 0);
    char text[8] = "1234567";
    size_t got;
    CHECK_INT(get_at(&f, node, text, 8, ((uint64_t)5 << 30) - 3, &got), 0);
    CHECK(got == 6 && memcmp(text, "\0\0\0end", 6) == 0);
    CHECK(log_size(&f) < 16384);
    CHECK_INT(sealed_resize(f.store, node, ((uint64_t)5 << 30) + 1), 0);
    CHECK_INT(sealed_resize(f.store, node, ((uint64_t)5 << 30) + 3), 0);
    CHECK_INT(get_at(&f, node, text, 8, (uint64_t)5 << 30, &got), 0);
    CHECK(got == 3 && memcmp(text, "e\0\0", 3) == 0);
    sealed_release(f.store, node);
    end(&f);
}

TEST(full, "beyond the largest number of files, and of blocks, there is no space")
{
    struct tree tree;
    CHECK_INT(tree_init(&tree), 0);
    struct tree_op op = {.kind = TREE_NODE};
    for (op.inode = 2; op.inode <= SEALED_NODES_MAX; op.inode++)
        CHECK_INT(tree_apply(&tree, &op), 0);
    CHECK_INT(tree_apply(&tree, &op), -ENOSPC);
    op = (struct tree_op){.kind = TREE_FREE, .inode = 3};
    CHECK_INT(tree_apply(&tree, &op), 0);
    op = (struct tree_op){.kind = TREE_NODE, .inode = SEALED_NODES_MAX + 1};
    CHECK_INT(tree_apply(&tree, &op), 0);
    struct tree_node *node = tree_find(&tree, 2);
    for (uint64_t block = 0; block < SEALED_BLOCKS_MAX; block++)
        CHECK_INT(tree_claim(&tree, node, block), 0);
    CHECK_INT(tree_claim(&tree, node, SEALED_BLOCKS_MAX), -ENOSPC);
    CHECK_INT(tree_claim(&tree, node, 5), 0);
    op = (struct tree_op){.kind = TREE_CUT, .inode = 2, .size = SEALED_BLOCK};
    CHECK_INT(tree_apply(&tree, &op), 0);
    CHECK_INT(tree.blocks, 1);
    CHECK_INT(tree_claim(&tree, node, SEALED_BLOCKS_MAX), 0);
    tree_fini(&tree);
}

TEST(unlinked, "a file without a name is of use as long as it is held, and gone afterwards")
{
    struct fixture f = begin();
    f.options = (struct sealed_options){.cache_pages = 16, .slack = 1};
    static uint8_t data[200000], back[200000];
    memset(data, 'u', sizeof(data));
    open_store(&f);
    uint64_t node = hold(&f, "file", SEALED_CREATE);
    CHECK_INT(sealed_unlink(f.store, SEALED_ROOT, "file"), 0);
    CHECK_INT(put_at(&f, node, data, sizeof(data), 0), 0);
    put_text(&f, "other", "x");
    CHECK_INT(sealed_sync(f.store), 0);
    size_t got;
    CHECK_INT(get_at(&f, node, back, sizeof(back), 0, &got), 0);
    CHECK(got == sizeof(back) && memcmp(data, back, got) == 0);
    /* Its Keep dies while it is held: another one begins where that was. */
    struct bytes log = take_log(&f);
    sealed_release(f.store, node);
    shut(&f);
    give_log(&f, log.data, log.size);
    open_store(&f);
    CHECK(has_text(&f, "other", "x"));
    struct sealed_stat stat;
    CHECK_INT(sealed_stat(f.store, node, &stat), -EBADF);
    put_text(&f, "other", "more");
    reopen(&f);
    CHECK(has_text(&f, "other", "more"));
    end(&f);
}

static bool count_entry(void *env, uint64_t next, uint64_t inode, bool is_directory,
                        const char *name, size_t length)
{
    uint64_t *state = env; /* the last cookie, how many may come, how many came */
    CHECK(next > state[0] && inode > SEALED_ROOT && !is_directory && length > 1 && name[0] == 'f');
    if (state[1] == 0)
        return false;
    state[0] = next;
    state[1]--;
    state[2]++;
    return true;
}

TEST(listing, "each entry of a large directory is listed once, while others go away")
{
    struct fixture f = begin();
    char name[20];
    enum { FILES = 3000 };
    open_store(&f);
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        put_text(&f, name, name);
    }
    uint64_t state[3] = {0};
    for (int i = 0; i < FILES; i += 100) {
        state[1] = 100;
        CHECK_INT(sealed_list(f.store, SEALED_ROOT, state[0], count_entry, state), 0);
        for (int k = i; k < i + 100; k++) { /* what was listed goes */
            snprintf(name, sizeof(name), "f%d", k);
            CHECK(has_text(&f, name, name));
            CHECK_INT(sealed_unlink(f.store, SEALED_ROOT, name), 0);
        }
    }
    CHECK_INT(state[2], FILES);
    reopen(&f);
    state[0] = state[2] = 0;
    state[1] = 1;
    CHECK_INT(sealed_list(f.store, SEALED_ROOT, 0, count_entry, state), 0);
    CHECK_INT(state[2], 0);
    end(&f);
}

TEST(read_only, "a store that is read-only changes nothing, not even the torn end of its log")
{
    struct fixture f = begin();
    uint64_t node;
    f.options.read_only = true;
    CHECK_INT(try_open(&f), -ENOENT);
    f.options.read_only = false;
    open_store(&f);
    put_text(&f, "file", "x");
    shut(&f);
    struct bytes log = take_log(&f);
    give_log(&f, log.data, log.size - 5);
    f.options.read_only = true;
    open_store(&f);
    struct fixture other = f;
    CHECK_INT(try_open(&other), 0); /* two may read */
    shut(&other);
    CHECK_INT(sealed_find(f.store, SEALED_ROOT, "new", SEALED_CREATE, &node), -EROFS);
    CHECK_INT(sealed_mkdir(f.store, SEALED_ROOT, "dir"), -EROFS);
    CHECK_INT(log_size(&f), log.size - 5);
    shut(&f);
    give_log(&f, log.data, log.size);
    open_store(&f);
    CHECK(has_text(&f, "file", "x"));
    CHECK_INT(sealed_resize(f.store, hold(&f, "file", 0), 0), -EROFS);
    end(&f);
}

TEST(locked, "a second Keep is locked out")
{
    struct fixture f = begin();
    open_store(&f);
    struct fixture other = f;
    CHECK_INT(try_open(&other), -EBUSY);
    other.options.read_only = true;
    CHECK_INT(try_open(&other), -EBUSY);
    end(&f);
}

/* ---- A model ----------------------------------------------------------------------------------
 * Names in four directories lead to files in memory; the store has to agree.
 */

enum { DIRS = 4, NAMES = 5, FILES = 64, FILE_SIZE = 90000, HELD = 4 };

struct model {
    bool dirs[DIRS];
    int names[DIRS][NAMES]; /* index of a file, or -1 */
    struct {
        uint8_t data[FILE_SIZE];
        size_t size;
        int links, holds;
    } files[FILES];
    struct {
        int file; /* -1: none */
        uint64_t node;
    } held[HELD];
    uint64_t random;
};

static uint32_t below(struct model *m, uint32_t limit)
{
    return next_random(&m->random) % limit;
}

static const char *path_of(int dir, int name)
{
    static char paths[2][32];
    static int turn;
    char *path = paths[turn ^= 1];
    if (dir == 0)
        snprintf(path, 32, "name%d", name);
    else
        snprintf(path, 32, "dir%d/name%d", dir, name);
    return path;
}

static const char *dir_path(int dir)
{
    static char path[16];
    snprintf(path, sizeof(path), "dir%d", dir);
    return path;
}

static int new_file(struct model *m)
{
    for (int i = 0; i < FILES; i++) {
        if (m->files[i].links || m->files[i].holds)
            continue;
        m->files[i].size = 0;
        return i;
    }
    return -1;
}

static void model_write(struct model *m, struct fixture *f, uint64_t node, int file)
{
    static uint8_t data[20000];
    size_t size = 1 + below(m, below(m, 2) ? 200 : sizeof(data));
    size_t offset = below(m, FILE_SIZE - (uint32_t)size);
    uint8_t *to = m->files[file].data;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)next_random(&m->random);
    CHECK_INT(put_at(f, node, data, size, offset), 0);
    if (offset > m->files[file].size)
        memset(to + m->files[file].size, 0, offset - m->files[file].size);
    memcpy(to + offset, data, size);
    if (offset + size > m->files[file].size)
        m->files[file].size = offset + size;
}

static void model_resize(struct model *m, struct fixture *f, uint64_t node, int file)
{
    size_t size = below(m, FILE_SIZE), old = m->files[file].size;
    CHECK_INT(sealed_resize(f->store, node, size), 0);
    if (size > old)
        memset(m->files[file].data + old, 0, size - old);
    m->files[file].size = size;
}

static void check_node(struct model *m, struct fixture *f, uint64_t node, int file)
{
    static uint8_t data[FILE_SIZE + 1];
    size_t got = 0;
    CHECK_INT(get_at(f, node, data, sizeof(data), 0, &got), 0);
    CHECK_INT(got, m->files[file].size);
    CHECK(memcmp(data, m->files[file].data, got) == 0);
}

/* Something with the file of a name, which is created if need be. */
static void change_file(struct model *m, struct fixture *f)
{
    int dir = (int)below(m, DIRS), name = (int)below(m, NAMES);
    uint64_t node;
    int status = sealed_find(f->store, SEALED_ROOT, path_of(dir, name), SEALED_CREATE, &node);
    CHECK_INT(status, m->dirs[dir] ? 0 : -ENOENT);
    if (status < 0)
        return;
    int *file = &m->names[dir][name];
    if (*file < 0) {
        *file = new_file(m);
        CHECK(*file >= 0);
        m->files[*file].links = 1;
    }
    (below(m, 4) ? model_write : model_resize)(m, f, node, *file);
    int slot = (int)below(m, HELD);
    if (below(m, 4) || m->held[slot].file >= 0) {
        sealed_release(f->store, node);
        return;
    }
    m->held[slot].file = *file;
    m->held[slot].node = node;
    m->files[*file].holds++;
}

static void use_held(struct model *m, struct fixture *f)
{
    int slot = (int)below(m, HELD), file = m->held[slot].file;
    uint64_t node = m->held[slot].node;
    if (file < 0)
        return;
    if (below(m, 2))
        model_write(m, f, node, file);
    check_node(m, f, node, file);
    if (below(m, 2))
        return;
    sealed_release(f->store, node);
    m->files[file].holds--;
    m->held[slot].file = -1;
}

static void remove_name(struct model *m, struct fixture *f)
{
    int dir = (int)below(m, DIRS), name = (int)below(m, NAMES);
    int *file = &m->names[dir][name];
    CHECK_INT(sealed_unlink(f->store, SEALED_ROOT, path_of(dir, name)), *file < 0 ? -ENOENT : 0);
    if (*file >= 0)
        m->files[*file].links--;
    *file = -1;
}

/* A rename or another name. */
static void move_name(struct model *m, struct fixture *f, bool links)
{
    int dir = (int)below(m, DIRS), name = (int)below(m, NAMES);
    int to_dir = (int)below(m, DIRS), to_name = (int)below(m, NAMES);
    int *from = &m->names[dir][name], *to = &m->names[to_dir][to_name];
    int expected = *from < 0           ? -ENOENT
                   : !m->dirs[to_dir]  ? -ENOENT
                   : links && *to >= 0 ? -EEXIST
                                       : 0;
    int status = links ? sealed_link(f->store, SEALED_ROOT, path_of(dir, name), SEALED_ROOT,
                                     path_of(to_dir, to_name))
                       : sealed_rename(f->store, SEALED_ROOT, path_of(dir, name), SEALED_ROOT,
                                       path_of(to_dir, to_name));
    CHECK_INT(status, expected);
    if (status < 0 || *from == *to)
        return;
    if (*to >= 0)
        m->files[*to].links--;
    *to = *from;
    if (links)
        m->files[*to].links++;
    else
        *from = -1;
}

static void change_dir(struct model *m, struct fixture *f)
{
    int dir = 1 + (int)below(m, DIRS - 1);
    bool empty = true;
    for (int i = 0; i < NAMES; i++)
        empty = empty && m->names[dir][i] < 0;
    if (!m->dirs[dir])
        CHECK_INT(sealed_mkdir(f->store, SEALED_ROOT, dir_path(dir)), 0);
    else
        CHECK_INT(sealed_rmdir(f->store, SEALED_ROOT, dir_path(dir)), empty ? 0 : -ENOTEMPTY);
    m->dirs[dir] = !m->dirs[dir] || !empty;
}

static void check_all(struct model *m, struct fixture *f)
{
    for (int dir = 0; dir < DIRS; dir++) {
        for (int name = 0; name < NAMES; name++) {
            uint64_t node;
            struct sealed_stat stat;
            int file = m->names[dir][name];
            int status = sealed_find(f->store, SEALED_ROOT, path_of(dir, name), 0, &node);
            CHECK_INT(status, file < 0 ? -ENOENT : 0);
            if (file < 0)
                continue;
            check_node(m, f, node, file);
            CHECK_INT(sealed_stat(f->store, node, &stat), 0);
            CHECK_INT(stat.links, m->files[file].links);
            sealed_release(f->store, node);
        }
    }
}

static void release_held(struct model *m, struct fixture *f)
{
    for (int i = 0; i < HELD; i++) {
        if (m->held[i].file < 0)
            continue;
        sealed_release(f->store, m->held[i].node);
        m->files[m->held[i].file].holds--;
        m->held[i].file = -1;
    }
}

static void run_model(uint64_t seed, uint64_t slack, int steps)
{
    struct fixture f = begin();
    struct model *m = tap_memory(sizeof(*m));
    m->random = seed;
    m->dirs[0] = true;
    memset(m->names, -1, sizeof(m->names));
    for (int i = 0; i < HELD; i++)
        m->held[i].file = -1;
    f.options = (struct sealed_options){.cache_pages = 16, .slack = slack};
    open_store(&f);
    for (int i = 0; i < steps; i++) {
        uint32_t what = below(m, 100);
        if (what < 45)
            change_file(m, &f);
        else if (what < 65)
            use_held(m, &f);
        else if (what < 75)
            remove_name(m, &f);
        else if (what < 90)
            move_name(m, &f, what < 80);
        else if (what < 95)
            change_dir(m, &f);
        else if (what < 98)
            CHECK_INT(sealed_sync(f.store), 0);
        else if (what < 99)
            check_all(m, &f);
        else {
            if (below(m, 2))
                release_held(m, &f);
            for (int k = 0; k < HELD; k++) { /* a held file dies with its store */
                if (m->held[k].file >= 0)
                    m->files[m->held[k].file].holds--;
                m->held[k].file = -1;
            }
            reopen(&f);
            check_all(m, &f);
        }
    }
    check_all(m, &f);
    reopen(&f);
    check_all(m, &f);
    end(&f);
}

TEST_TIMEOUT(model, "a store agrees with a model, whatever is done and however often it is opened",
             250)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        run_model(seed, (uint64_t)64 << 20, 2500);
}

TEST_TIMEOUT(model_renewed, "the same while the log is written anew all the time", 250)
{
    for (uint64_t seed = 11; seed <= 13; seed++)
        run_model(seed, 1, 1500);
}

/* ---- The log ----------------------------------------------------------------------------------
 */

TEST(renewed, "a log does not grow without end, and the version goes on")
{
    struct fixture f = begin();
    static uint8_t data[256 * 1024];
    uint8_t digest[SEALED_DIGEST_SIZE], other[SEALED_DIGEST_SIZE];
    f.options.slack = 100000;
    open_store(&f);
    uint64_t version = sealed_version(f.store, digest);
    for (int round = 0; round < 50; round++) {
        memset(data, round, sizeof(data));
        put_file(&f, "file", data, sizeof(data));
        CHECK_INT(sealed_sync(f.store), 0);
        uint64_t next = sealed_version(f.store, other);
        CHECK(next > version && memcmp(digest, other, sizeof(digest)) != 0);
        version = next;
        CHECK(log_size(&f) < 3 * sizeof(data) + 200000);
    }
    struct stat stat;
    CHECK(fstatat(f.directory, SEALED_NEW, &stat, 0) < 0);
    reopen(&f);
    CHECK_INT(sealed_version(f.store, other), version);
    CHECK(has(&f, "file", data, sizeof(data)));
    end(&f);
}

TEST(secret, "the host sees no name and no content, and never the same bytes for the same content")
{
    struct fixture f = begin();
    static const char secret[] = "the secret that nobody may see", name[] = "name-of-the-secret";
    open_store(&f);
    shut(&f);
    struct bytes empty = take_log(&f), logs[2];
    for (int round = 0; round < 2; round++) { /* the second time after a roll-back */
        give_log(&f, empty.data, empty.size);
        open_store(&f);
        put_text(&f, name, secret);
        shut(&f);
        logs[round] = take_log(&f);
        CHECK(!memmem(logs[round].data, logs[round].size, secret, 12));
        CHECK(!memmem(logs[round].data, logs[round].size, name, 8));
        CHECK(!memmem(logs[round].data, logs[round].size, f.key, 8));
    }
    CHECK_INT(logs[0].size, logs[1].size);
    for (size_t i = empty.size + 8; i + 8 <= logs[0].size; i += 8) {
        bool both_heads = logs[0].data[i + 2] == 0 || logs[0].data[i + 3] == 0;
        CHECK(both_heads || memcmp(logs[0].data + i, logs[1].data + i, 8) != 0);
    }
    open_store(&f);
    end(&f);
}

TEST(format, "what the first version sealed can be opened for ever")
{
    static const char golden[] =
        "456e617278534c3101000000000000000000000000000000d523443125a0c539cc49cb37ea6ed4c724319c7130"
        "f6d62f3ed77715f65c6e4d000000000000000030000080ae1633177b1c8641b0d287740b99f1434afd061c873e"
        "e880813b53d81443605f780d231df6cf518d891acb6661d48bd7c5e376a63b000000a16779bc40b89fa3041d26"
        "83b76ba7b67da91fb5475f5afc6b17c525b296970137008202e03b4636452407212a7b33eb86064f58727a4677"
        "1c8e2a458c726e12000000ccb06a0155594a6eaa95a5c2db787789b6db5a34e3ade7000000edc2ce3ab5857be2"
        "cedc13736b41b0a11715e5c1762fb9e5bd57e07bd7f0f99bba58b19df61a59e8ff498bfe28056ca4b4f79eda83"
        "738c0af273dbae937b265356aeec74732d725f34c47285fb3c5a5dffd09e243abfeb1c5ad810edabb70ee13427"
        "d15efda15092916fd12a01991cbc0696d36df33ee53aeca064251c9325423e80afb9c54c679e40b6061c19381d"
        "f364e4d7d4361d550a058f39c0c9f750cfcf03f745ee22d7ddb38862ded32267ace35210a137813a111d88eb47"
        "a4fce49a489bcb044cbe5b8223e89b10db353c19a476875222ea69774304ea27c401440dddf45c364ba7aefa99"
        "34e8360000000094b06e2a31c435f107baf530f5171dfd0042d0a31f1d5d411a68a8295caf5859a36405d81b6e"
        "4a6bfde259a107ddc12133cd2ae5f2b6d84ceb120000004e0b875de1e151039eccbc40a4bda5648e61a9f8d9b"
        "6";
    struct fixture f = begin();
    uint8_t log[sizeof(golden) / 2], digest[SEALED_DIGEST_SIZE];
    CHECK_INT(hex_decode(SPAN_LITERAL(golden), log, sizeof(log)), 0);
    give_log(&f, log, sizeof(log));
    f.options.read_only = true;
    open_store(&f);
    CHECK(has_text(&f, "dir/note", "of the first version"));
    CHECK_INT(sealed_version(f.store, digest), 2);
    CHECK(memcmp(digest, log + sizeof(log) - sizeof(digest), sizeof(digest)) == 0);
    end(&f);
}

TEST(no_room, "a host without room is told to the program, and what was there stays")
{
    struct fixture f = begin();
    static uint8_t data[1 << 20];
    struct rlimit old, small;
    signal(SIGXFSZ, SIG_IGN);
    CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
    small = (struct rlimit){300000, old.rlim_max};
    f.options.cache_pages = 64;
    open_store(&f);
    put_text(&f, "file", "before");
    CHECK_INT(sealed_sync(f.store), 0);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    uint64_t node = hold(&f, "large", SEALED_CREATE);
    CHECK_INT(put_at(&f, node, data, sizeof(data), 0), -ENOSPC);
    CHECK_INT(sealed_sync(f.store), -ENOSPC);
    CHECK(has_text(&f, "file", "before"));
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK_INT(sealed_sync(f.store), 0);
    memset(data, 'l', sizeof(data));
    CHECK_INT(put_at(&f, node, data, sizeof(data), 0), 0);
    sealed_release(f.store, node);
    reopen(&f);
    CHECK(has_text(&f, "file", "before") && has(&f, "large", data, sizeof(data)));
    end(&f);
}

TAP_MAIN()
