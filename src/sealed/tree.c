// SPDX-License-Identifier: Apache-2.0
#include "sealed/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Looking ----------------------------------------------------------------------------------
 */

struct tree_node *tree_find(const struct tree *tree, uint64_t inode)
{
    struct table_link *link = table_first(&tree->nodes, table_hash(inode, 0));
    while (link && ((struct tree_node *)link)->inode != inode)
        link = table_next(link);
    return (struct tree_node *)link;
}

static uint64_t hash_name(const struct tree_node *directory, struct span name)
{
    uint64_t hash = directory->inode;
    for (size_t i = 0; i < name.size; i++)
        hash = hash * 0x100000001B3u ^ name.data[i];
    return table_hash(hash, name.size);
}

struct tree_entry *tree_look_up(const struct tree *tree, const struct tree_node *directory,
                                struct span name)
{
    struct table_link *link = table_first(&tree->entries, hash_name(directory, name));
    for (; link; link = table_next(link)) {
        struct tree_entry *entry = (struct tree_entry *)link;
        if (entry->directory == directory && span_equal(span_of(entry->name, entry->length), name))
            return entry;
    }
    return NULL;
}

bool tree_is_below(const struct tree_node *node, const struct tree_node *above)
{
    while (node && node != above)
        node = node->parent;
    return node == above;
}

/* ---- Blocks -----------------------------------------------------------------------------------
 */

static struct tree_chunk *find_chunk(const struct tree *tree, uint64_t inode, uint64_t first)
{
    struct table_link *link = table_first(&tree->chunks, table_hash(inode, first));
    for (; link; link = table_next(link)) {
        struct tree_chunk *chunk = (struct tree_chunk *)link;
        if (chunk->inode == inode && chunk->first == first)
            return chunk;
    }
    return NULL;
}

uint64_t tree_block(const struct tree *tree, const struct tree_node *node, uint64_t block)
{
    const struct tree_chunk *chunk = find_chunk(tree, node->inode, block - block % TREE_CHUNK);
    return chunk ? chunk->at[block % TREE_CHUNK] : TREE_HOLE;
}

static int put_block(struct tree *tree, struct tree_node *node, uint64_t block, uint64_t at)
{
    uint64_t first = block - block % TREE_CHUNK;
    struct tree_chunk *chunk = find_chunk(tree, node->inode, first);
    bool is_new = !chunk || chunk->at[block - first] == TREE_HOLE;
    if (is_new && tree->blocks >= SEALED_BLOCKS_MAX)
        return -ENOSPC;
    if (!chunk) {
        int status = table_reserve(&tree->chunks);
        chunk = status == 0 ? calloc(1, sizeof(*chunk)) : NULL;
        if (!chunk)
            return -ENOMEM;
        chunk->inode = node->inode;
        chunk->first = first;
        chunk->next = node->chunks;
        node->chunks = chunk;
        table_add(&tree->chunks, &chunk->link, table_hash(chunk->inode, first));
    }
    tree->blocks += is_new;
    chunk->at[block - first] = at;
    return 0;
}

int tree_claim(struct tree *tree, struct tree_node *node, uint64_t block)
{
    return tree_block(tree, node, block) == TREE_HOLE ? put_block(tree, node, block, TREE_UNWRITTEN)
                                                      : 0;
}

/* Forgets where the blocks from `from` on are. */
static void cut_blocks(struct tree *tree, struct tree_node *node, uint64_t from)
{
    for (struct tree_chunk **at = &node->chunks; *at;) {
        struct tree_chunk *chunk = *at;
        for (uint64_t i = 0; i < TREE_CHUNK; i++) {
            if (chunk->first + i < from || chunk->at[i] == TREE_HOLE)
                continue;
            chunk->at[i] = TREE_HOLE;
            tree->blocks--;
        }
        if (chunk->first < from) {
            at = &chunk->next;
            continue;
        }
        *at = chunk->next;
        table_remove(&tree->chunks, &chunk->link);
        free(chunk);
    }
}

/* ---- Nodes ------------------------------------------------------------------------------------
 */

static int add_node(struct tree *tree, uint64_t inode, bool is_directory)
{
    if (inode == 0 || inode > INT64_MAX || tree_find(tree, inode))
        return -EBADMSG;
    if (tree->nodes.count >= SEALED_NODES_MAX)
        return -ENOSPC;
    if (table_reserve(&tree->nodes) < 0)
        return -ENOMEM;
    struct tree_node *node = calloc(1, sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->inode = inode;
    if (inode > tree->last_inode)
        tree->last_inode = inode;
    node->is_directory = is_directory;
    table_add(&tree->nodes, &node->link, table_hash(inode, 0));
    return 0;
}

static int free_node(struct tree *tree, struct tree_node *node)
{
    if (node->links || node->holds || node->first || node == tree->root)
        return -EBADMSG;
    cut_blocks(tree, node, 0);
    table_remove(&tree->nodes, &node->link);
    free(node);
    return 0;
}

int tree_init(struct tree *tree)
{
    *tree = (struct tree){0};
    int status = add_node(tree, SEALED_ROOT, true);
    if (status < 0)
        return status;
    tree->root = tree_find(tree, SEALED_ROOT);
    tree->root->links = 1;
    return 0;
}

static void free_all(struct table *table)
{
    for (size_t i = 0; i < table->room; i++) {
        for (struct table_link *link = table->slots[i], *next; link; link = next) {
            next = link->next;
            free(link);
        }
    }
    table_free(table);
}

void tree_fini(struct tree *tree)
{
    free_all(&tree->entries);
    free_all(&tree->chunks);
    free_all(&tree->nodes);
    *tree = (struct tree){0};
}

/* ---- Names ------------------------------------------------------------------------------------
 */

static bool is_name(struct span name)
{
    bool dots = name.size <= 2 && name.size > 0 && name.data[0] == '.' &&
                (name.size == 1 || name.data[1] == '.');
    return name.size > 0 && name.size <= SEALED_NAME_MAX && !dots &&
           !memchr(name.data, '/', name.size) && !memchr(name.data, 0, name.size);
}

/* Puts a node under a name that is free; cannot fail, as the entry and its place are there. */
static void enter(struct tree *tree, struct tree_node *directory, struct tree_entry *entry,
                  struct tree_node *node)
{
    entry->directory = directory;
    entry->node = node;
    entry->cookie = ++directory->last_cookie;
    entry->next = NULL;
    entry->previous = directory->last;
    *(directory->last ? &directory->last->next : &directory->first) = entry;
    directory->last = entry;
    table_add(&tree->entries, &entry->link,
              hash_name(directory, span_of(entry->name, entry->length)));
    node->links++;
    if (node->is_directory)
        node->parent = directory;
}

static void leave(struct tree *tree, struct tree_entry *entry)
{
    struct tree_node *directory = entry->directory, *node = entry->node;
    *(entry->previous ? &entry->previous->next : &directory->first) = entry->next;
    *(entry->next ? &entry->next->previous : &directory->last) = entry->previous;
    table_remove(&tree->entries, &entry->link);
    free(entry);
    node->links--;
    if (node->is_directory)
        node->parent = NULL;
}

static struct tree_entry *new_entry(struct tree *tree, struct span name)
{
    struct tree_entry *entry = NULL;
    if (table_reserve(&tree->entries) == 0)
        entry = malloc(sizeof(*entry) + name.size);
    if (!entry)
        return NULL;
    *entry = (struct tree_entry){.length = (uint8_t)name.size};
    memcpy(entry->name, name.data, name.size);
    return entry;
}

/* A directory that can take names. */
static struct tree_node *find_directory(const struct tree *tree, uint64_t inode)
{
    struct tree_node *node = tree_find(tree, inode);
    return node && node->is_directory && node->links ? node : NULL;
}

static int apply_link(struct tree *tree, const struct tree_op *op)
{
    struct tree_node *directory = find_directory(tree, op->directory);
    struct tree_node *node = tree_find(tree, op->inode);
    if (!directory || !node || !is_name(op->name) || tree_look_up(tree, directory, op->name) ||
        node->links >= SEALED_LINKS_MAX || (node->is_directory && node->links))
        return -EBADMSG;
    struct tree_entry *entry = new_entry(tree, op->name);
    if (!entry)
        return -ENOMEM;
    enter(tree, directory, entry, node);
    return 0;
}

static int apply_unlink(struct tree *tree, const struct tree_op *op)
{
    struct tree_node *directory = find_directory(tree, op->directory);
    struct tree_entry *entry = directory ? tree_look_up(tree, directory, op->name) : NULL;
    if (!entry || entry->node->first)
        return -EBADMSG;
    leave(tree, entry);
    return 0;
}

static int apply_rename(struct tree *tree, const struct tree_op *op)
{
    struct tree_node *directory = find_directory(tree, op->directory);
    struct tree_node *to = find_directory(tree, op->to);
    struct tree_entry *from = directory ? tree_look_up(tree, directory, op->name) : NULL;
    if (!from || !to || !is_name(op->to_name))
        return -EBADMSG;
    struct tree_node *node = from->node;
    struct tree_entry *replaced = tree_look_up(tree, to, op->to_name);
    if (replaced && (replaced->node == node || replaced->node->first ||
                     replaced->node->is_directory != node->is_directory))
        return -EBADMSG;
    if (node->is_directory && tree_is_below(to, node))
        return -EBADMSG;
    struct tree_entry *entry = new_entry(tree, op->to_name);
    if (!entry)
        return -ENOMEM;
    if (replaced)
        leave(tree, replaced);
    leave(tree, from);
    enter(tree, to, entry, node);
    return 0;
}

/* ---- Files ------------------------------------------------------------------------------------
 */

static int apply_size(struct tree *tree, const struct tree_op *op)
{
    struct tree_node *node = tree_find(tree, op->inode);
    if (!node || op->size > SEALED_FILE_MAX || (node->is_directory && op->size))
        return -EBADMSG;
    if (op->kind == TREE_CUT)
        cut_blocks(tree, node, tree_block_count(op->size));
    node->size = op->size;
    if (op->kind == TREE_CUT)
        return 0;
    node->accessed = op->accessed;
    node->modified = op->modified;
    node->changed = op->changed;
    return 0;
}

static int apply_block(struct tree *tree, const struct tree_op *op)
{
    struct tree_node *node = tree_find(tree, op->inode);
    if (!node || node->is_directory || op->block >= tree_block_count(node->size) ||
        op->offset <= TREE_UNWRITTEN)
        return -EBADMSG;
    return put_block(tree, node, op->block, op->offset);
}

int tree_apply(struct tree *tree, const struct tree_op *op)
{
    struct tree_node *node;
    switch (op->kind) {
    case TREE_NODE:
        return add_node(tree, op->inode, op->is_directory);
    case TREE_LINK:
        return apply_link(tree, op);
    case TREE_UNLINK:
        return apply_unlink(tree, op);
    case TREE_RENAME:
        return apply_rename(tree, op);
    case TREE_CUT:
    case TREE_STATE:
        return apply_size(tree, op);
    case TREE_FREE:
        node = tree_find(tree, op->inode);
        return node ? free_node(tree, node) : -EBADMSG;
    case TREE_BLOCK:
        return apply_block(tree, op);
    }
    return -EBADMSG;
}
