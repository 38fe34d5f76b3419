/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a store share. The lock is held in all functions here. Internal to src/sealed.
 */
#pragma once

#include "sealed/journal.h"
#include "sealed/tree.h"

#include <pthread.h>

enum {
    PAGES_PRESET = 1024,
    PAGES_MIN = 16,
    OPS_MAX = 256 * 1024, /* bytes of operations that are collected before they are written */
    SLACK_PRESET = 16 << 20,
};

/* A block in memory. */
struct page {
    struct table_link link; /* by inode and block */
    uint64_t inode, block;
    uint64_t written; /* where it was put by the transaction that is being written */
    bool dirty;       /* newer than the log */
    bool used;        /* since the hand of the clock last passed */
    uint8_t data[SEALED_BLOCK];
};

struct pages {
    struct table table;
    struct page **all;
    size_t count, room, dirty, hand;
};

struct sealed {
    pthread_mutex_t lock;
    int directory; /* ours, and locked */
    uint8_t key[SEALED_KEY_SIZE];
    struct sealed_options options;
    struct journal journal;
    struct tree tree;
    struct pages pages;
    uint8_t *ops; /* that are not in the log yet */
    size_t ops_size, ops_room;
    struct tree_node *altered; /* whose state is not */
    size_t altered_count;
    uint64_t renew_at; /* end of the log before it may be written anew again */
    bool told;         /* that the host has changed something */
    bool broken;       /* the host failed in a way that leaves doubt: nothing can change */
};

/* ---- store.c ----------------------------------------------------------------------------------
 */

/* Before a change that makes at most `pages` pages dirty: writes what is collected if there is not
 * enough room for it. -EROFS, -EIO, -ENOSPC. */
__attribute__((warn_unused_result)) int store_begin(struct sealed *store, size_t pages);
/* Applies an operation and collects it. */
__attribute__((warn_unused_result)) int store_apply(struct sealed *store, const struct tree_op *op);
/* The state of a node is to be written. */
void store_touch(struct sealed *store, struct tree_node *node);
/* Frees a node that has neither a name nor a user. */
void store_reap(struct sealed *store, struct tree_node *node);
/* Writes what is collected as one transaction. */
__attribute__((warn_unused_result)) int store_flush(struct sealed *store);
uint64_t store_now(void);

/* ---- file.c -----------------------------------------------------------------------------------
 */
__attribute__((warn_unused_result)) int store_resize(struct sealed *store, struct tree_node *node,
                                                     uint64_t size);
__attribute__((warn_unused_result)) int
store_set_times(struct sealed *store, struct tree_node *node, const struct timespec times[2]);
void store_stat(const struct tree_node *node, struct sealed_stat *stat);

/* ---- renew.c ----------------------------------------------------------------------------------
 */

/* Writes all that is of use into a new log, which takes the place of the old one, if that has
 * become too long. A failure is logged, for the old one is still good. */
void store_renew_if_long(struct sealed *store);
/* Adds a record with a block, as much of it as the file has, to a transaction. */
__attribute__((warn_unused_result)) int
store_put_block(struct journal *journal, const struct tree_node *node, uint64_t block,
                const uint8_t data[SEALED_BLOCK], uint64_t *at);
/* Makes the first log of a store. */
__attribute__((warn_unused_result)) int store_create(struct sealed *store);

/* ---- replay.c ---------------------------------------------------------------------------------
 */

/* Makes the tree of the log, which was opened. `err` gets a sentence without its beginning. */
__attribute__((warn_unused_result)) int store_replay(struct sealed *store, struct err *err);

/* ---- pages.c ----------------------------------------------------------------------------------
 */

/* The page of a block. Without `load` its contents are undefined if it was not in memory: all of it
 * is about to be written. -EIO, -ENOMEM. It stays until the next call. */
__attribute__((warn_unused_result)) int pages_get(struct sealed *store, struct tree_node *node,
                                                  uint64_t block, bool load, struct page **page);
/* Undoes pages_get for a page that is not dirty. */
void pages_drop(struct pages *pages, struct page *page);
void pages_mark(struct pages *pages, struct page *page);
/* Drops what is known of a file from a block on. */
void pages_forget(struct pages *pages, uint64_t inode, uint64_t from);
/* The page if it is in memory, else NULL. */
struct page *pages_find(const struct pages *pages, uint64_t inode, uint64_t block);
void pages_fini(struct pages *pages);
/* Reads a block from the log; what is not as it was written is logged and -EIO. */
__attribute__((warn_unused_result)) int store_read_block(struct sealed *store, uint64_t at,
                                                         uint64_t inode, uint64_t block,
                                                         uint8_t data[SEALED_BLOCK]);
