// SPDX-License-Identifier: Apache-2.0
/*
 * The tree of mappings: an AVL tree by address, in which each node knows the extent of its subtree
 * and the widest gap inside it, so that lookups, gaps and changes take logarithmic time.
 */
#include "shim/vm/shim.h"

static struct vma *root;
static struct vma *free_nodes;             /* linked through left */
static struct vma *fresh_node, *fresh_end; /* never used yet */

static struct vma *node_new(uint64_t start, uint64_t end, uint32_t protection)
{
    struct vma *node = free_nodes;
    if (node) {
        free_nodes = node->left;
    } else {
        if (fresh_node == fresh_end) {
            fresh_node = page_alloc();
            fresh_end = fresh_node ? fresh_node + PAGE_SIZE / sizeof(*fresh_node) : NULL;
            if (!fresh_node)
                return NULL;
        }
        node = fresh_node++;
    }
    *node = (struct vma){.start = start, .end = end, .protection = protection};
    return node;
}

/* Two neighbours whose common boundary vma_change has moved last. A program that makes memory
 * executable as it fills it moves the same one again and again. */
static struct vma *moved_low, *moved_high;

static void node_free(struct vma *node)
{
    node->left = free_nodes;
    free_nodes = node;
    moved_low = NULL;
}

int vma_reserve(void)
{
    if ((free_nodes && free_nodes->left) || fresh_end - fresh_node >= 2)
        return 0;
    struct vma *first = node_new(0, 0, 0), *second = node_new(0, 0, 0);
    if (second)
        node_free(second);
    if (first)
        node_free(first);
    return first && second ? 0 : -ENOMEM;
}

static int32_t height(const struct vma *node)
{
    return node ? node->height : 0;
}

/* Computes what a node knows of its subtree from its children. */
static void update(struct vma *node)
{
    const struct vma *left = node->left, *right = node->right;
    node->low = left ? left->low : node->start;
    node->high = right ? right->high : node->end;
    uint64_t gap = 0;
    if (left) {
        gap = node->start - left->high;
        if (left->gap > gap)
            gap = left->gap;
    }
    if (right) {
        uint64_t between = right->low - node->end;
        if (right->gap > between)
            between = right->gap;
        if (between > gap)
            gap = between;
    }
    node->gap = gap;
    int32_t l = height(left), r = height(right);
    node->height = (l > r ? l : r) + 1;
}

static struct vma *rotate_right(struct vma *node)
{
    struct vma *top = node->left;
    node->left = top->right;
    top->right = node;
    update(node);
    update(top);
    return top;
}

static struct vma *rotate_left(struct vma *node)
{
    struct vma *top = node->right;
    node->right = top->left;
    top->left = node;
    update(node);
    update(top);
    return top;
}

static struct vma *balance(struct vma *node)
{
    update(node);
    int32_t slope = height(node->left) - height(node->right);
    if (slope > 1) {
        if (height(node->left->left) < height(node->left->right))
            node->left = rotate_left(node->left);
        return rotate_right(node);
    }
    if (slope < -1) {
        if (height(node->right->right) < height(node->right->left))
            node->right = rotate_right(node->right);
        return rotate_left(node);
    }
    return node;
}

static struct vma *insert(struct vma *tree, struct vma *node)
{
    if (!tree) {
        update(node);
        return node;
    }
    if (node->start < tree->start)
        tree->left = insert(tree->left, node);
    else
        tree->right = insert(tree->right, node);
    return balance(tree);
}

static struct vma *take_first(struct vma *tree, struct vma **first)
{
    if (!tree->left) {
        *first = tree;
        return tree->right;
    }
    tree->left = take_first(tree->left, first);
    return balance(tree);
}

/* Takes the node that starts at `start` out of the tree and frees it. */
static struct vma *erase(struct vma *tree, uint64_t start)
{
    if (start < tree->start) {
        tree->left = erase(tree->left, start);
    } else if (start > tree->start) {
        tree->right = erase(tree->right, start);
    } else {
        struct vma *left = tree->left, *right = tree->right;
        node_free(tree);
        if (!right)
            return left;
        right = take_first(right, &tree);
        tree->left = left;
        tree->right = right;
    }
    return balance(tree);
}

/* Changes the bounds of a node; the caller keeps the order of the tree. */
static void resize(struct vma *tree, uint64_t key, uint64_t start, uint64_t end)
{
    if (key < tree->start) {
        resize(tree->left, key, start, end);
    } else if (key > tree->start) {
        resize(tree->right, key, start, end);
    } else {
        tree->start = start;
        tree->end = end;
    }
    update(tree);
}

const struct vma *vma_above(uint64_t address)
{
    const struct vma *best = NULL;
    for (const struct vma *node = root; node;) {
        if (node->end > address) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

const struct vma *vma_find(uint64_t address)
{
    const struct vma *node = vma_above(address);
    return node && node->start <= address ? node : NULL;
}

/* The highest gap of `size` bytes between the mappings of a subtree, below `limit`. The gap's end,
 * or 0. */
static uint64_t gap_below(const struct vma *node, uint64_t size, uint64_t limit)
{
    if (!node || node->gap < size)
        return 0;
    const struct vma *right = node->right, *left = node->left;
    uint64_t found = 0;
    if (right && node->end < limit) {
        found = gap_below(right, size, limit);
        uint64_t end = right->low < limit ? right->low : limit;
        if (!found && end > node->end && end - node->end >= size)
            found = end;
    }
    if (!found && left) {
        uint64_t end = node->start < limit ? node->start : limit;
        if (end > left->high && end - left->high >= size)
            found = end;
        else
            found = gap_below(left, size, limit);
    }
    return found;
}

uint64_t vma_gap(uint64_t size)
{
    if (size > MAP_TOP - MAP_BOTTOM)
        return 0;
    if (!root)
        return MAP_TOP - size;
    if (root->high <= MAP_TOP - size)
        return MAP_TOP - size;
    uint64_t end = gap_below(root, size, MAP_TOP);
    if (!end && root->low >= MAP_BOTTOM + size)
        end = root->low < MAP_TOP ? root->low : MAP_TOP;
    return end ? end - size : 0;
}

void vma_init(void)
{
    root = info->mappings;
    moved_low = NULL;
    fresh_node = info->free_mappings;
    fresh_end = info->mappings_end;
}

int vma_insert(uint64_t start, uint64_t end, uint32_t protection)
{
    const struct vma *before = start ? vma_find(start - 1) : NULL;
    const struct vma *after = vma_find(end);
    bool join_before = before && before->protection == protection;
    bool join_after = after && after->start == end && after->protection == protection;

    if (join_before && join_after) {
        uint64_t new_end = after->end;
        root = erase(root, after->start);
        before = vma_find(start - 1);
        resize(root, before->start, before->start, new_end);
    } else if (join_before) {
        resize(root, before->start, before->start, end);
    } else if (join_after) {
        resize(root, after->start, start, after->end);
    } else {
        struct vma *node = node_new(start, end, protection);
        if (!node)
            return -ENOMEM;
        root = insert(root, node);
    }
    return 0;
}

/* Moves the boundary between two mappings that touch. One of them is above the other in the tree;
 * what lies between them there knows the boundary, and nobody else does. */
static void move_boundary(struct vma *low, struct vma *high, uint64_t at)
{
    low->end = at;
    high->start = at;
    if (high->left) {
        for (struct vma *node = high->left; node; node = node->right)
            node->high = at;
    } else {
        for (struct vma *node = low->right; node; node = node->left)
            node->low = at;
    }
    moved_low = low;
    moved_high = high;
}

/* Gives the end or the beginning of one of two neighbours to the other, if that makes the range
 * what is asked for. */
static inline __attribute__((always_inline)) bool
give(struct vma *low, struct vma *high, uint64_t start, uint64_t end, uint32_t protection)
{
    if (low->end != high->start)
        return false;
    if (end == low->end && start > low->start && high->protection == protection) {
        move_boundary(low, high, start);
        return true;
    }
    if (start == high->start && end < high->end && low->protection == protection) {
        move_boundary(low, high, end);
        return true;
    }
    return false;
}

bool vma_change(uint64_t start, uint64_t end, uint32_t protection)
{
    if (moved_low && give(moved_low, moved_high, start, end, protection))
        return true;

    struct vma *node = root, *low = NULL, *high = NULL;
    while (node && (start < node->start || start >= node->end)) {
        if (start < node->start) {
            high = node;
            node = node->left;
        } else {
            low = node;
            node = node->right;
        }
    }
    if (!node || end > node->end)
        return false;
    if (node->protection == protection)
        return true;
    if (start == node->start && end == node->end) {
        node->protection = protection;
        return true;
    }
    for (struct vma *below = node->left; below; below = below->right)
        low = below;
    for (struct vma *above = node->right; above; above = above->left)
        high = above;
    return (low && give(low, node, start, end, protection)) ||
           (high && give(node, high, start, end, protection));
}

int vma_remove(uint64_t start, uint64_t end)
{
    for (;;) {
        const struct vma *node = vma_above(start);
        if (!node || node->start >= end)
            return 0;
        uint64_t node_start = node->start, node_end = node->end;
        if (node_start < start && node_end > end) {
            struct vma *upper = node_new(end, node_end, node->protection);
            if (!upper)
                return -ENOMEM;
            resize(root, node_start, node_start, start);
            root = insert(root, upper);
        } else if (node_start < start) {
            resize(root, node_start, node_start, start);
        } else if (node_end > end) {
            resize(root, node_start, end, node_end);
        } else {
            root = erase(root, node_start);
        }
    }
}
