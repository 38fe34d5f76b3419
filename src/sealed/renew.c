// SPDX-License-Identifier: Apache-2.0
/*
 * Writing all of a store into a new log: when it begins, and when most of its log is of no use any
 * more. The new log gets its name when it is whole and on the disk.
 */
#include "sealed/store.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char target[] = "enarx::sealed";

/* Operations on their way into records. */
struct ops_writer {
    struct journal *journal;
    size_t size;
    int status; /* sticky */
    uint8_t data[JOURNAL_CONTENTS_MAX];
};

static void end_record(struct ops_writer *writer, bool last)
{
    uint64_t at;
    if (writer->status == 0 && (writer->size > 0 || last))
        writer->status = journal_add(writer->journal, JOURNAL_OPS, last, span_of(NULL, 0),
                                     span_of(writer->data, writer->size), &at);
    writer->size = 0;
}

static void put_op(struct ops_writer *writer, const struct tree_op *op)
{
    if (sizeof(writer->data) - writer->size < TREE_OP_MAX)
        end_record(writer, false);
    writer->size += tree_encode(op, writer->data + writer->size);
}

/* Goes through the elements of a table. */
static struct table_link *each(const struct table *table, size_t *slot, struct table_link *link)
{
    link = link ? link->next : NULL;
    while (!link && *slot < table->room)
        link = table->slots[(*slot)++];
    return link;
}

static void put_nodes(struct ops_writer *writer, const struct tree *tree)
{
    size_t slot = 0;
    for (struct table_link *link = NULL; (link = each(&tree->nodes, &slot, link));) {
        const struct tree_node *node = (const struct tree_node *)link;
        if (node != tree->root)
            put_op(writer, &(struct tree_op){.kind = TREE_NODE,
                                             .inode = node->inode,
                                             .is_directory = node->is_directory});
    }
}

/* A directory before what is in it. */
static void put_names(struct ops_writer *writer, const struct tree *tree)
{
    struct tree_node *last = tree->root;
    last->next_visited = NULL;
    for (struct tree_node *directory = last; directory; directory = directory->next_visited) {
        for (struct tree_entry *entry = directory->first; entry; entry = entry->next) {
            put_op(writer, &(struct tree_op){.kind = TREE_LINK,
                                             .directory = directory->inode,
                                             .inode = entry->node->inode,
                                             .name = span_of(entry->name, entry->length)});
            if (!entry->node->is_directory)
                continue;
            last->next_visited = entry->node;
            last = entry->node;
            last->next_visited = NULL;
        }
    }
}

static void put_states(struct ops_writer *writer, const struct tree *tree)
{
    size_t slot = 0;
    for (struct table_link *link = NULL; (link = each(&tree->nodes, &slot, link));) {
        const struct tree_node *node = (const struct tree_node *)link;
        put_op(writer, &(struct tree_op){.kind = TREE_STATE,
                                         .inode = node->inode,
                                         .size = node->size,
                                         .accessed = node->accessed,
                                         .modified = node->modified,
                                         .changed = node->changed});
    }
}

static int put_tree(struct journal *journal, const struct tree *tree)
{
    struct ops_writer *writer = calloc(1, sizeof(*writer));
    if (!writer)
        return -ENOMEM;
    writer->journal = journal;
    put_nodes(writer, tree);
    put_names(writer, tree);
    put_states(writer, tree);
    end_record(writer, false);
    int status = writer->status;
    explicit_bzero(writer, sizeof(*writer));
    free(writer);
    return status;
}

/* ---- Blocks -----------------------------------------------------------------------------------
 */

static void put_le64(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

int store_put_block(struct journal *journal, const struct tree_node *node, uint64_t block,
                    const uint8_t data[SEALED_BLOCK], uint64_t *at)
{
    uint8_t head[JOURNAL_BLOCK_HEAD];
    uint64_t left = node->size - block * SEALED_BLOCK;
    put_le64(head, node->inode);
    put_le64(head + 8, block);
    return journal_add(journal, JOURNAL_BLOCK, false, span_of(head, sizeof(head)),
                       span_of(data, left < SEALED_BLOCK ? (size_t)left : SEALED_BLOCK), at);
}

/* Copies all blocks; their new places go into `places`, in the order of the table. Nothing is dirty
 * now. */
static int copy_blocks(struct sealed *store, struct journal *journal, uint64_t *places)
{
    uint8_t data[SEALED_BLOCK];
    size_t slot = 0, next = 0;
    int status = 0;
    for (struct table_link *link = NULL;
         status == 0 && (link = each(&store->tree.chunks, &slot, link));) {
        const struct tree_chunk *chunk = (const struct tree_chunk *)link;
        const struct tree_node *node = tree_find(&store->tree, chunk->inode);
        for (unsigned i = 0; i < TREE_CHUNK && status == 0; i++) {
            if (chunk->at[i] == TREE_HOLE)
                continue;
            uint64_t block = chunk->first + i;
            const struct page *page = pages_find(&store->pages, chunk->inode, block);
            if (!page)
                status = store_read_block(store, chunk->at[i], chunk->inode, block, data);
            if (status == 0)
                status = store_put_block(journal, node, block, page ? page->data : data,
                                         &places[next++]);
        }
    }
    explicit_bzero(data, sizeof(data));
    return status;
}

static void move_blocks(struct tree *tree, const uint64_t *places)
{
    size_t slot = 0, next = 0;
    for (struct table_link *link = NULL; (link = each(&tree->chunks, &slot, link));) {
        struct tree_chunk *chunk = (struct tree_chunk *)link;
        for (unsigned i = 0; i < TREE_CHUNK; i++) {
            if (chunk->at[i] != TREE_HOLE)
                chunk->at[i] = places[next++];
        }
    }
}

/* ---- The new log ------------------------------------------------------------------------------
 */

static int fill(struct sealed *store, struct journal *journal, const struct journal *old,
                uint64_t *places)
{
    uint64_t at;
    int fd = openat(store->directory, SEALED_NEW,
                    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == ENOSPC || errno == EDQUOT ? -ENOSPC : -EIO;
    int status = journal_create(journal, fd, store->key, old);
    if (status == 0)
        status = put_tree(journal, &store->tree);
    if (status == 0)
        status = copy_blocks(store, journal, places);
    if (status == 0)
        status = journal_add(journal, JOURNAL_OPS, true, span_of(NULL, 0), span_of(NULL, 0), &at);
    if (status == 0)
        status = journal_commit(journal);
    if (status == 0 && fdatasync(fd) < 0)
        status = -EIO;
    return status;
}

/* From the rename on the new log is the one, whatever the host says afterwards. */
static int publish(struct sealed *store, bool *published)
{
    *published = renameat(store->directory, SEALED_NEW, store->directory, SEALED_LOG) == 0;
    return *published && fsync(store->directory) == 0 ? 0 : -EIO;
}

static int write_new(struct sealed *store, const struct journal *old)
{
    struct journal journal;
    bool published = false;
    uint64_t *places = calloc(store->tree.blocks + 1, sizeof(*places));
    int status = places ? journal_init(&journal) : -ENOMEM;
    if (status < 0) {
        free(places);
        return status;
    }
    status = fill(store, &journal, old, places);
    if (status == 0)
        status = publish(store, &published);
    if (published) {
        journal_fini(&store->journal);
        store->journal = journal;
        move_blocks(&store->tree, places);
        store->broken = store->broken || status < 0;
    } else {
        journal_fini(&journal);
        unlinkat(store->directory, SEALED_NEW, 0);
    }
    free(places);
    return status;
}

int store_create(struct sealed *store)
{
    store->tree.root->accessed = store->tree.root->modified = store->tree.root->changed =
        store_now();
    return write_new(store, NULL);
}

void store_renew_if_long(struct sealed *store)
{
    enum { BLOCK_COST = SEALED_BLOCK + 64, NODE_COST = 80, NAME_COST = 64 };
    const struct tree *tree = &store->tree;
    uint64_t of_use =
        tree->blocks * BLOCK_COST + tree->nodes.count * NODE_COST + tree->entries.count * NAME_COST;
    bool is_long = store->journal.end > 2 * of_use + store->options.slack ||
                   store->journal.segment_count > JOURNAL_SEGMENTS_MAX;
    if (!is_long || store->journal.end < store->renew_at)
        return;
    int status = write_new(store, &store->journal);
    store->renew_at = status < 0 ? store->journal.end + store->options.slack : 0;
    if (status < 0)
        log_warn(target, "sealed storage: " SEALED_LOG " could not be written anew: %s",
                 strerror(-status));
    else
        log_debug(target, "sealed storage: generation %llu begins with %llu bytes",
                  (unsigned long long)store->journal.generation,
                  (unsigned long long)store->journal.end);
}
