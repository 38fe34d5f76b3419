// SPDX-License-Identifier: Apache-2.0
/* Builds, walks and frees binary trees, then a search tree with rotations by random priority:
 * pointers, recursion and malloc. */
#include "bench.h"

#include <stdlib.h>

struct tree {
    struct tree *left, *right;
    uint32_t key, priority;
};

static NOINLINE struct tree *grow(int depth)
{
    struct tree *tree = calloc(1, sizeof *tree);
    if (tree && depth > 0) {
        tree->left = grow(depth - 1);
        tree->right = grow(depth - 1);
    }
    return tree;
}

static NOINLINE uint64_t weigh(const struct tree *tree)
{
    return tree ? 1 + tree->key + weigh(tree->left) + weigh(tree->right) : 0;
}

static NOINLINE void fell(struct tree *tree)
{
    if (!tree)
        return;
    fell(tree->left);
    fell(tree->right);
    free(tree);
}

static NOINLINE struct tree *insert(struct tree *tree, uint32_t key, uint32_t priority)
{
    if (!tree) {
        tree = calloc(1, sizeof *tree);
        if (tree)
            *tree = (struct tree){NULL, NULL, key, priority};
        return tree;
    }
    if (key == tree->key)
        return tree;
    struct tree **side = key < tree->key ? &tree->left : &tree->right;
    struct tree *child = *side = insert(*side, key, priority);
    if (!child || child->priority <= tree->priority)
        return tree;
    if (side == &tree->left) {
        tree->left = child->right;
        child->right = tree;
    } else {
        tree->right = child->left;
        child->left = tree;
    }
    return child;
}

uint64_t kernel(void)
{
    uint64_t sum = 0, random = 11;
    for (int round = 0; round < 6; round++) {
        struct tree *tree = grow(15);
        sum += weigh(tree);
        fell(tree);
    }
    struct tree *root = NULL;
    for (int i = 0; i < 150000; i++) {
        uint32_t key = next_random(&random) % 1000000;
        root = insert(root, key, next_random(&random));
    }
    sum = sum * 31 + weigh(root);
    fell(root);
    return sum;
}
