// SPDX-License-Identifier: Apache-2.0
#include "sealed/store.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char target[] = "enarx::sealed";

enum { STATE_SIZE = 41, PAGES_MAX = 1 << 16 };

uint64_t store_now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- Collecting changes -----------------------------------------------------------------------
 */

int store_begin(struct sealed *store, size_t pages)
{
    if (store->options.read_only)
        return -EROFS;
    if (store->broken)
        return -EIO;
    bool fits = store->pages.dirty + pages <= store->options.cache_pages / 2 &&
                store->ops_size + store->altered_count * STATE_SIZE < OPS_MAX;
    return fits ? 0 : store_flush(store);
}

static int reserve_ops(struct sealed *store, size_t size)
{
    if (store->ops_room - store->ops_size >= size)
        return 0;
    size_t room = (store->ops_size + size) * 2;
    uint8_t *grown = malloc(room);
    if (!grown)
        return -ENOMEM;
    if (store->ops) {
        memcpy(grown, store->ops, store->ops_size);
        explicit_bzero(store->ops, store->ops_size);
    }
    free(store->ops);
    store->ops = grown;
    store->ops_room = room;
    return 0;
}

int store_apply(struct sealed *store, const struct tree_op *op)
{
    int status = reserve_ops(store, TREE_OP_MAX);
    uint8_t bytes[TREE_OP_MAX]; /* before it is applied: a name that it borrows may be gone then */
    size_t size = tree_encode(op, bytes);
    if (status == 0)
        status = tree_apply(&store->tree, op);
    if (status < 0)
        return status == -EBADMSG ? -EIO : status;
    memcpy(store->ops + store->ops_size, bytes, size);
    store->ops_size += size;
    return 0;
}

void store_touch(struct sealed *store, struct tree_node *node)
{
    if (node->altered)
        return;
    node->altered = true;
    node->next_altered = store->altered;
    store->altered = node;
    store->altered_count++;
}

static void forget_altered(struct sealed *store, struct tree_node *node)
{
    struct tree_node **at = &store->altered;
    if (!node->altered)
        return;
    while (*at != node)
        at = &(*at)->next_altered;
    *at = node->next_altered;
    store->altered_count--;
}

void store_reap(struct sealed *store, struct tree_node *node)
{
    if (node->links || node->holds)
        return;
    if (store->options.read_only) /* it is gone when the log is read next time */
        return;
    pages_forget(&store->pages, node->inode, 0);
    forget_altered(store, node);
    node->altered = false;
    if (store_apply(store, &(struct tree_op){.kind = TREE_FREE, .inode = node->inode}) < 0)
        log_warn(target, "sealed storage: a file without a name could not be released");
}

/* ---- Writing them -----------------------------------------------------------------------------
 */

static int add_states(struct sealed *store)
{
    int status = reserve_ops(store, store->altered_count * TREE_OP_MAX);
    for (struct tree_node *node = store->altered; node && status == 0; node = node->next_altered) {
        const struct tree_op op = {.kind = TREE_STATE,
                                   .inode = node->inode,
                                   .size = node->size,
                                   .accessed = node->accessed,
                                   .modified = node->modified,
                                   .changed = node->changed};
        store->ops_size += tree_encode(&op, store->ops + store->ops_size);
    }
    return status;
}

/* Operations are not split between records. */
static int write_ops(struct sealed *store)
{
    struct span rest = span_of(store->ops, store->ops_size);
    int status = 0;
    while (rest.size > 0 && status == 0) {
        const uint8_t *begin = rest.data;
        struct tree_op op;
        uint64_t at;
        while (rest.size > 0 && rest.data + TREE_OP_MAX <= begin + JOURNAL_CONTENTS_MAX) {
            if (!tree_decode(&rest, &op))
                return -EIO;
        }
        status = journal_add(&store->journal, JOURNAL_OPS, false, span_of(NULL, 0),
                             span_of(begin, (size_t)(rest.data - begin)), &at);
    }
    return status;
}

static int write_pages(struct sealed *store)
{
    int status = 0;
    for (size_t i = 0; i < store->pages.count && status == 0; i++) {
        struct page *page = store->pages.all[i];
        if (!page->dirty)
            continue;
        const struct tree_node *node = tree_find(&store->tree, page->inode);
        status =
            node ? store_put_block(&store->journal, node, page->block, page->data, &page->written)
                 : -EIO;
    }
    return status;
}

static int write_transaction(struct sealed *store)
{
    uint64_t at;
    int status = add_states(store);
    if (status == 0)
        status = write_ops(store);
    if (status == 0)
        status = write_pages(store);
    if (status == 0)
        status = journal_add(&store->journal, JOURNAL_OPS, true, span_of(NULL, 0), span_of(NULL, 0),
                             &at);
    return status < 0 ? status : journal_commit(&store->journal);
}

/* Everything is in the log. */
static void settle(struct sealed *store)
{
    store->ops_size = 0;
    for (struct tree_node *node = store->altered; node; node = node->next_altered)
        node->altered = false;
    store->altered = NULL;
    store->altered_count = 0;
    for (size_t i = 0; i < store->pages.count; i++) {
        struct page *page = store->pages.all[i];
        if (!page->dirty)
            continue;
        page->dirty = false;
        const struct tree_op op = {.kind = TREE_BLOCK,
                                   .inode = page->inode,
                                   .block = page->block,
                                   .offset = page->written};
        if (tree_apply(&store->tree, &op) < 0) /* its place was claimed when it became dirty */
            store->broken = true;
    }
    store->pages.dirty = 0;
}

int store_flush(struct sealed *store)
{
    if (store->broken)
        return -EIO;
    if (store->ops_size == 0 && !store->altered && store->pages.dirty == 0)
        return 0;
    size_t ops_size = store->ops_size;
    int status = write_transaction(store);
    if (status < 0) {
        store->ops_size = ops_size;
        if (journal_cancel(&store->journal) < 0) {
            store->broken = true;
            log_error(target, "sealed storage: the host neither wrote " SEALED_LOG " nor cut it");
        }
        return status;
    }
    settle(store);
    store_renew_if_long(store);
    return 0;
}

static int synchronize(struct sealed *store)
{
    int status = store_flush(store);
    if (status == 0 && fdatasync(store->journal.fd) < 0) {
        store->broken = true; /* what was written may be lost, or not */
        log_error(target, "sealed storage: the host cannot synchronize " SEALED_LOG ": %s",
                  strerror(errno));
        status = -EIO;
    }
    return status;
}

int sealed_sync(struct sealed *store)
{
    pthread_mutex_lock(&store->lock);
    int status = store->options.read_only ? 0 : synchronize(store);
    pthread_mutex_unlock(&store->lock);
    return status;
}

uint64_t sealed_version(struct sealed *store, uint8_t digest[SEALED_DIGEST_SIZE])
{
    pthread_mutex_lock(&store->lock);
    uint64_t version = store->journal.version;
    memcpy(digest, store->journal.chain, SEALED_DIGEST_SIZE);
    pthread_mutex_unlock(&store->lock);
    return version;
}

/* ---- Opening ----------------------------------------------------------------------------------
 */

static int lock_directory(struct sealed *store, int directory, struct err *err)
{
    store->directory = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory < 0)
        return err_set(err, ERR_IO, errno, "the host does not open the directory");
    int how = store->options.read_only ? LOCK_SH : LOCK_EX;
    if (flock(store->directory, how | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return err_set(err, ERR_IO, errno, "the host does not lock the directory");
    err_set(err, ERR_IO, 0, "another Keep uses the directory");
    err_hint(err, "A sealed directory is for one Keep at a time: wait until the other one ends.");
    return -EBUSY;
}

/* Files that lost their names and whose users died with their Keep. */
static void release_orphans(struct sealed *store)
{
    struct table *nodes = &store->tree.nodes;
    for (size_t i = 0; i < nodes->room; i++) {
        for (struct table_link *link = nodes->slots[i], *next; link; link = next) {
            next = link->next;
            store_reap(store, (struct tree_node *)link);
        }
    }
}

static int check_version(const struct sealed *store, struct err *err)
{
    uint64_t minimum = store->options.minimum;
    if (store->journal.version >= minimum)
        return 0;
    err_set(err, ERR_IO, 0, "%s has version %llu, but at least %llu is wanted", SEALED_LOG,
            (unsigned long long)store->journal.version, (unsigned long long)minimum);
    err_hint(err, "It is an older copy, or was cut off: find the right one.");
    return -ESTALE;
}

static int read_log(struct sealed *store, int fd, struct err *err)
{
    int status = journal_open(&store->journal, fd, store->key);
    if (status == -EKEYREJECTED) {
        err_set(err, ERR_IO, 0, "%s was sealed with another key", SEALED_LOG);
        return status;
    }
    if (status < 0) {
        err_set(err, ERR_IO, 0, "%s does not begin as a log of sealed storage does", SEALED_LOG);
        return status;
    }
    status = store_replay(store, err);
    if (status < 0) {
        err_context(err, SEALED_LOG);
        return status;
    }
    status = check_version(store, err);
    if (status < 0 || store->options.read_only)
        return status;
    if (journal_cancel(&store->journal) < 0)
        return err_set(err, ERR_IO, EIO, "the host does not cut the torn end of %s", SEALED_LOG);
    release_orphans(store);
    return 0;
}

static int open_log(struct sealed *store, struct err *err)
{
    bool read_only = store->options.read_only;
    if (!read_only)
        unlinkat(store->directory, SEALED_NEW, 0); /* of a Keep that ended too early */
    int fd = openat(store->directory, SEALED_LOG,
                    (read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return read_log(store, fd, err);
    if (errno != ENOENT)
        return err_set(err, ERR_IO, errno, "the host does not open %s", SEALED_LOG);
    if (read_only) {
        err_set(err, ERR_IO, 0, "there is no %s in it, and it is read-only", SEALED_LOG);
        return -ENOENT;
    }
    int status = check_version(store, err);
    if (status == 0 && (status = store_create(store)) < 0)
        err_set(err, ERR_IO, -status, "the host does not begin %s", SEALED_LOG);
    return status;
}

static void free_store(struct sealed *store)
{
    journal_fini(&store->journal);
    pages_fini(&store->pages);
    tree_fini(&store->tree);
    if (store->ops)
        explicit_bzero(store->ops, store->ops_size);
    free(store->ops);
    if (store->directory >= 0)
        close(store->directory); /* the lock goes with it */
    pthread_mutex_destroy(&store->lock);
    explicit_bzero(store->key, sizeof(store->key));
    free(store);
}

static void set_options(struct sealed *store, const struct sealed_options *options)
{
    struct sealed_options *own = &store->options;
    if (options)
        *own = *options;
    if (own->cache_pages == 0)
        own->cache_pages = PAGES_PRESET;
    if (own->cache_pages < PAGES_MIN)
        own->cache_pages = PAGES_MIN;
    if (own->cache_pages > PAGES_MAX)
        own->cache_pages = PAGES_MAX;
    if (own->slack == 0)
        own->slack = SLACK_PRESET;
}

int sealed_open(int directory, const uint8_t key[SEALED_KEY_SIZE],
                const struct sealed_options *options, struct sealed **out, struct err *err)
{
    struct sealed *store = calloc(1, sizeof(*store));
    if (!store)
        return err_set(err, ERR_IO, ENOMEM, "open sealed storage");
    store->directory = -1;
    memcpy(store->key, key, sizeof(store->key));
    set_options(store, options);
    pthread_mutex_init(&store->lock, NULL);
    int status = journal_init(&store->journal);
    if (status == 0)
        status = tree_init(&store->tree);
    if (status < 0)
        err_set(err, ERR_IO, ENOMEM, "open sealed storage");
    if (status == 0)
        status = lock_directory(store, directory, err);
    if (status == 0)
        status = open_log(store, err);
    if (status < 0)
        free_store(store);
    else
        *out = store;
    return status;
}

int sealed_close(struct sealed *store)
{
    if (!store)
        return 0;
    int status = sealed_sync(store);
    free_store(store);
    return status;
}
