// SPDX-License-Identifier: Apache-2.0
/* What is done with a node that is held. */
#include "sealed/store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t min_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int find_file(const struct sealed *store, uint64_t inode, struct tree_node **node)
{
    *node = tree_find(&store->tree, inode);
    return !*node ? -EBADF : (*node)->is_directory ? -EISDIR : 0;
}

static uint64_t total_of(const struct iovec *iovs, int count)
{
    uint64_t total = 0;
    for (int i = 0; i < count; i++)
        total += iovs[i].iov_len;
    return total;
}

/* A place in a list of buffers. */
struct place {
    const struct iovec *iov;
    size_t at;
};

/* Goes on to the next byte that there is room for; the caller knows that there is one. */
static uint8_t *next_part(struct place *place, size_t *size)
{
    while (place->at == place->iov->iov_len) {
        place->iov++;
        place->at = 0;
    }
    *size = min_of(*size, place->iov->iov_len - place->at);
    uint8_t *part = (uint8_t *)place->iov->iov_base + place->at;
    place->at += *size;
    return part;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

/* From one block; data is NULL for zeros. */
static void copy_out(struct place *place, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t part = size;
        uint8_t *to = next_part(place, &part);
        if (data)
            memcpy(to, data, part);
        else
            memset(to, 0, part);
        data = data ? data + part : NULL;
        size -= part;
    }
}

static int read_at(struct sealed *store, struct tree_node *node, const struct iovec *iovs,
                   uint64_t offset, uint64_t size, size_t *done)
{
    struct place place = {iovs, 0};
    while (size > 0) {
        uint64_t block = offset / SEALED_BLOCK;
        size_t from = offset % SEALED_BLOCK, part = min_of(size, SEALED_BLOCK - from);
        struct page *page = NULL;
        if (tree_block(&store->tree, node, block) != TREE_HOLE) {
            int status = pages_get(store, node, block, true, &page);
            if (status < 0)
                return *done ? 0 : status;
        }
        copy_out(&place, page ? page->data + from : NULL, part);
        offset += part;
        size -= part;
        *done += part;
    }
    return 0;
}

int sealed_read(struct sealed *store, uint64_t inode, const struct iovec *iovs, int count,
                uint64_t offset, size_t *done)
{
    struct tree_node *node;
    *done = 0;
    pthread_mutex_lock(&store->lock);
    int status = find_file(store, inode, &node);
    if (status == 0 && offset < node->size) {
        uint64_t size = min_of(total_of(iovs, count), node->size - offset);
        status = read_at(store, node, iovs, offset, size, done);
        node->accessed = store_now(); /* written with the next change */
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- Writing ----------------------------------------------------------------------------------
 */

static void changed(struct sealed *store, struct tree_node *node)
{
    node->modified = node->changed = store_now();
    store_touch(store, node);
}

/* All of it is in blocks that store_begin has made room for. */
static int write_at(struct sealed *store, struct tree_node *node, const struct iovec *iovs,
                    uint64_t offset, uint64_t size, size_t *done)
{
    struct place place = {iovs, 0};
    while (size > 0) {
        uint64_t block = offset / SEALED_BLOCK;
        size_t from = offset % SEALED_BLOCK, part = min_of(size, SEALED_BLOCK - from);
        struct page *page;
        int status = pages_get(store, node, block, part < SEALED_BLOCK, &page);
        if (status == 0 && (status = tree_claim(&store->tree, node, block)) < 0)
            pages_drop(&store->pages, page); /* a hole is never dirty */
        if (status < 0)
            return *done ? 0 : status;
        for (size_t copied = 0; copied < part;) {
            size_t piece = part - copied;
            const uint8_t *bytes = next_part(&place, &piece);
            memcpy(page->data + from + copied, bytes, piece);
            copied += piece;
        }
        pages_mark(&store->pages, page);
        offset += part;
        size -= part;
        *done += part;
        node->size = offset > node->size ? offset : node->size;
    }
    return 0;
}

int sealed_write(struct sealed *store, uint64_t inode, const struct iovec *iovs, int count,
                 uint64_t offset, size_t *done, uint64_t *end)
{
    struct tree_node *node;
    *done = 0;
    pthread_mutex_lock(&store->lock);
    int status = find_file(store, inode, &node);
    if (status == 0) {
        size_t pages = store->options.cache_pages / 2;
        uint64_t size = min_of(total_of(iovs, count), (uint64_t)(pages - 1) * SEALED_BLOCK);
        offset = offset == SEALED_APPEND ? node->size : offset;
        if (size > 0 && offset >= SEALED_FILE_MAX)
            status = -EFBIG;
        else
            size = min_of(size, SEALED_FILE_MAX - min_of(offset, SEALED_FILE_MAX));
        if (status == 0)
            status = store_begin(store, tree_block_count(offset % SEALED_BLOCK + size));
        if (status == 0)
            status = write_at(store, node, iovs, offset, size, done);
        if (*done > 0)
            changed(store, node);
        *end = offset + *done;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* What is behind the end in the last block becomes zeros, for the file may grow again. */
static int shrink(struct sealed *store, struct tree_node *node, uint64_t size)
{
    uint64_t block = size / SEALED_BLOCK;
    size_t rest = size % SEALED_BLOCK;
    struct page *page = NULL;
    int status = 0;
    if (rest > 0 && tree_block(&store->tree, node, block) != TREE_HOLE)
        status = pages_get(store, node, block, true, &page);
    if (status == 0)
        status = store_apply(
            store, &(struct tree_op){.kind = TREE_CUT, .inode = node->inode, .size = size});
    if (status < 0)
        return status;
    pages_forget(&store->pages, node->inode, tree_block_count(size));
    if (page) {
        memset(page->data + rest, 0, SEALED_BLOCK - rest);
        pages_mark(&store->pages, page);
    }
    return 0;
}

int store_resize(struct sealed *store, struct tree_node *node, uint64_t size)
{
    int status = size > SEALED_FILE_MAX ? -EFBIG : store_begin(store, 1);
    if (status == 0 && size < node->size)
        status = shrink(store, node, size);
    if (status < 0)
        return status;
    node->size = size;
    changed(store, node);
    return 0;
}

int sealed_resize(struct sealed *store, uint64_t inode, uint64_t size)
{
    struct tree_node *node;
    pthread_mutex_lock(&store->lock);
    int status = find_file(store, inode, &node);
    if (status == 0)
        status = store_resize(store, node, size);
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- State ------------------------------------------------------------------------------------
 */

void store_stat(const struct tree_node *node, struct sealed_stat *stat)
{
    *stat = (struct sealed_stat){
        .inode = node->inode,
        .links = node->links,
        .size = node->size,
        .accessed = node->accessed,
        .modified = node->modified,
        .changed = node->changed,
        .is_directory = node->is_directory,
    };
}

int sealed_stat(struct sealed *store, uint64_t inode, struct sealed_stat *stat)
{
    pthread_mutex_lock(&store->lock);
    const struct tree_node *node = tree_find(&store->tree, inode);
    if (node)
        store_stat(node, stat);
    pthread_mutex_unlock(&store->lock);
    return node ? 0 : -EBADF;
}

static void set_time(uint64_t *time, const struct timespec *wanted, uint64_t now)
{
    if (wanted->tv_nsec == UTIME_NOW)
        *time = now;
    else if (wanted->tv_nsec != UTIME_OMIT)
        *time = (uint64_t)wanted->tv_sec * 1000000000u + (uint64_t)wanted->tv_nsec;
}

int store_set_times(struct sealed *store, struct tree_node *node, const struct timespec times[2])
{
    uint64_t now = store_now();
    int status = store_begin(store, 0);
    if (status < 0)
        return status;
    set_time(&node->accessed, &times[0], now);
    set_time(&node->modified, &times[1], now);
    node->changed = now;
    store_touch(store, node);
    return 0;
}

int sealed_set_times(struct sealed *store, uint64_t inode, const struct timespec times[2])
{
    pthread_mutex_lock(&store->lock);
    struct tree_node *node = tree_find(&store->tree, inode);
    int status = node ? store_set_times(store, node, times) : -EBADF;
    pthread_mutex_unlock(&store->lock);
    return status;
}

void sealed_release(struct sealed *store, uint64_t inode)
{
    pthread_mutex_lock(&store->lock);
    struct tree_node *node = tree_find(&store->tree, inode);
    if (node && node->holds > 0) {
        node->holds--;
        store_reap(store, node);
    }
    pthread_mutex_unlock(&store->lock);
}
