/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree in the Keep's memory: nodes, names, and where each block of a file is in the log. It
 * changes by operations only, the same when they are made and when the log is read again. Internal
 * to src/sealed; without locks, without I/O.
 */
#pragma once

#include "base/span.h"
#include "sealed/sealed.h"
#include "sealed/table.h"

enum { TREE_CHUNK = 32 }; /* blocks that are located together */

/* Where a block is: an offset in the log, or one of these. */
enum { TREE_HOLE = 0, TREE_UNWRITTEN = 1 };

struct tree_chunk {
    struct table_link link; /* by inode and first block */
    uint64_t inode, first;
    struct tree_chunk *next; /* of the same file */
    uint64_t at[TREE_CHUNK];
};

struct tree_entry {
    struct table_link link; /* by directory and name */
    struct tree_node *directory, *node;
    struct tree_entry *previous, *next; /* in the order of their cookies */
    uint64_t cookie;
    uint8_t length;
    char name[];
};

struct tree_node {
    struct table_link link; /* by inode */
    uint64_t inode;
    uint64_t size, accessed, modified, changed; /* times in nanoseconds since 1970 */
    uint32_t links, holds;
    bool is_directory;
    bool altered;                   /* its state is not in the log yet */
    struct tree_node *next_altered; /* the store's list */
    struct tree_node *next_visited; /* while all directories are gone through */
    struct tree_node *parent;       /* of a directory; NULL: the root, or without a name */
    struct tree_entry *first, *last;
    uint64_t last_cookie;
    struct tree_chunk *chunks;
};

struct tree {
    struct table nodes, entries, chunks;
    struct tree_node *root;
    uint64_t last_inode;
    uint64_t blocks; /* that are no holes */
};

/* ---- Operations -------------------------------------------------------------------------------
 */

enum tree_kind {
    TREE_NODE = 1, /* a new file or directory without a name: inode, is_directory */
    TREE_LINK,     /* a name for it: directory, name, inode */
    TREE_UNLINK,   /* takes a name away: directory, name */
    TREE_RENAME,   /* directory, name, to, to_name: what had the new name loses it */
    TREE_CUT,      /* inode, size: blocks behind the end are gone */
    TREE_STATE,    /* inode, size, accessed, modified, changed */
    TREE_FREE,     /* inode: has no name and nobody uses it */
    TREE_BLOCK,    /* inode, block, offset: a block was written; never encoded */
};

struct tree_op {
    enum tree_kind kind;
    uint64_t inode, directory, to;
    uint64_t size, accessed, modified, changed;
    uint64_t block, offset;
    bool is_directory;
    struct span name, to_name;
};

enum { TREE_OP_MAX = 2 + 3 * 8 + 2 * (1 + SEALED_NAME_MAX) + 8 };

/* Bytes that were written to `out`. */
size_t tree_encode(const struct tree_op *op, uint8_t out[TREE_OP_MAX]);
/* Takes an operation off the begin of `bytes`; its names borrow. False: there is none. */
bool tree_decode(struct span *bytes, struct tree_op *op);

/* 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int tree_init(struct tree *tree);
void tree_fini(struct tree *tree);
/* Changes the tree, or nothing: -ENOMEM, -ENOSPC beyond a limit, -EBADMSG for an operation that
 * does not fit what is there. */
__attribute__((warn_unused_result)) int tree_apply(struct tree *tree, const struct tree_op *op);

/* ---- Looking ----------------------------------------------------------------------------------
 */

/* NULL: there is none. */
struct tree_node *tree_find(const struct tree *tree, uint64_t inode);
struct tree_entry *tree_look_up(const struct tree *tree, const struct tree_node *directory,
                                struct span name);
/* Whether it is `above`, or somewhere below it. */
bool tree_is_below(const struct tree_node *node, const struct tree_node *above);
/* Where a block is. */
uint64_t tree_block(const struct tree *tree, const struct tree_node *node, uint64_t block);
/* Makes a hole a block that is not written yet; -ENOSPC, -ENOMEM. */
__attribute__((warn_unused_result)) int tree_claim(struct tree *tree, struct tree_node *node,
                                                   uint64_t block);

static inline uint64_t tree_block_count(uint64_t size)
{
    return size / SEALED_BLOCK + (size % SEALED_BLOCK != 0);
}
