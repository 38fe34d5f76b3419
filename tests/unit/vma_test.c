// SPDX-License-Identifier: Apache-2.0
/*
 * The shim's tree of mappings, compiled for the host and compared with a model so simple that it is
 * right: an array that says for each page which protection it has.
 */
#include "shim/vm/shim.h"

#define info loaded /* the loader's page is where this test puts it */
static const struct keep_info *loaded;

#include "shim/vm/vma.c"

#include "tap.h"

#include <stdlib.h>

enum {
    PAGES = 3000,      /* in the model's window … */
    ABOVE_TOP = 500,   /* … of which so many lie above MAP_TOP */
    FREE = 0xff,       /* not mapped */
    STEPS = 3000,      /* changes a seed */
    RANGE_MAX = 60,    /* pages of one change */
    PROTECTIONS = 4,   /* kinds of protection */
    ALLOCATED_MAX = 64 /* pages that the tree may take for its nodes */
};

#define WINDOW_BASE (MAP_TOP - (uint64_t)(PAGES - ABOVE_TOP) * PAGE_SIZE)

static uint8_t model[PAGES];
static bool low_is_full; /* everything between MAP_BOTTOM and the window is mapped */
static void *allocated[ALLOCATED_MAX];
static size_t allocated_count;
static bool out_of_memory;
static bool changed; /* a whole mapping by vma_change, which does not join it with its neighbours */
static uint64_t seed;

void *page_alloc(void)
{
    if (out_of_memory || allocated_count == ALLOCATED_MAX)
        return NULL;
    return allocated[allocated_count++] = calloc(1, PAGE_SIZE);
}

static uint64_t draw(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static uint64_t address_of(size_t page)
{
    return WINDOW_BASE + page * PAGE_SIZE;
}

/* Begins with an empty tree. */
static void set_up(uint64_t number, bool full)
{
    static struct keep_info nothing;
    info = &nothing;
    vma_init();
    free_nodes = NULL;
    while (allocated_count > 0)
        free(allocated[--allocated_count]);
    out_of_memory = false;
    changed = false;
    memset(model, FREE, sizeof(model));
    seed = number * 0x9e3779b97f4a7c15 + 1;
    low_is_full = full;
    if (full)
        CHECK_INT(vma_insert(MAP_BOTTOM, WINDOW_BASE, PROTECTIONS), 0);
}

/* --- The model -------------------------------------------------------------------------------- */

static bool is_free(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (model[i] != FREE)
            return false;
    }
    return true;
}

/* The highest free range of `count` pages below MAP_TOP. */
static uint64_t model_gap(size_t count)
{
    for (size_t end = PAGES - ABOVE_TOP; end >= count; end--) {
        if (is_free(end - count, count))
            return address_of(end - count);
    }
    if (low_is_full)
        return 0;
    size_t free_pages = 0; /* at the window's lower end, where free memory goes on */
    while (free_pages < PAGES - ABOVE_TOP && model[free_pages] == FREE)
        free_pages++;
    return address_of(free_pages) - count * PAGE_SIZE;
}

/* --- What has to be true of every node ----------------------------------------------------------
 */

struct summary {
    int32_t height;
    uint64_t low, high, gap;
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct summary check_node(const struct vma *node)
{
    CHECK(node->start < node->end);
    struct summary all = {.height = 1, .low = node->start, .high = node->end};
    int32_t left_height = 0, right_height = 0;
    if (node->left) {
        struct summary left = check_node(node->left);
        CHECK(left.high <= node->start);
        left_height = left.height;
        all.low = left.low;
        all.gap = larger(left.gap, node->start - left.high);
    }
    if (node->right) {
        struct summary right = check_node(node->right);
        CHECK(right.low >= node->end);
        right_height = right.height;
        all.high = right.high;
        all.gap = larger(all.gap, larger(right.gap, right.low - node->end));
    }
    CHECK(left_height - right_height <= 1 && right_height - left_height <= 1);
    all.height = 1 + (left_height > right_height ? left_height : right_height);
    CHECK_INT(node->height, all.height);
    CHECK_INT(node->low, all.low);
    CHECK_INT(node->high, all.high);
    CHECK_INT(node->gap, all.gap);
    return all;
}

/* Compares nodes in ascending order with the model; neighbours that are alike must be one. */
static void compare_node(const struct vma *node, size_t *page, const struct vma **last)
{
    if (!node)
        return;
    compare_node(node->left, page, last);
    if (*last && (*last)->end == node->start && !changed)
        CHECK((*last)->protection != node->protection);
    *last = node;
    if (node->protection < PROTECTIONS) {
        for (; address_of(*page) < node->start; ++*page)
            CHECK_INT(model[*page], FREE);
        for (; address_of(*page) < node->end; ++*page)
            CHECK_INT(model[*page], node->protection);
    }
    compare_node(node->right, page, last);
}

static void check_all(void)
{
    size_t page = 0;
    const struct vma *last = NULL;
    if (root)
        check_node(root);
    compare_node(root, &page, &last);
    for (; page < PAGES; page++)
        CHECK_INT(model[page], FREE);
}

static void check_lookups(void)
{
    for (int i = 0; i < 20; i++) {
        size_t page = draw(PAGES), next = page;
        const struct vma *found = vma_find(address_of(page) + draw(PAGE_SIZE));
        CHECK((found != NULL) == (model[page] != FREE));
        CHECK(!found || found->protection == model[page]);
        while (next < PAGES && model[next] == FREE)
            next++;
        const struct vma *above = vma_above(address_of(page));
        CHECK((above != NULL) == (next < PAGES));
        CHECK(!above || next == page || above->start == address_of(next));

        size_t count = 1 + draw(i % 4 == 0 ? PAGES : RANGE_MAX);
        uint64_t expected = model_gap(count), got = vma_gap(count * PAGE_SIZE);
        if (got != expected)
            tap_fail(__FILE__, __LINE__, "a gap of %zu pages: %#llx, expected %#llx", count,
                     (unsigned long long)got, (unsigned long long)expected);
    }
}

/* --- Changes ------------------------------------------------------------------------------------
 */

/* Changes a protection as mprotect does, often at the boundary that was changed before. */
static void protect(size_t first, size_t count)
{
    uint64_t start = address_of(first), end = address_of(first + count);
    uint32_t protection = (uint32_t)draw(2);
    const struct vma *whole = vma_find(start);
    changed |= whole && whole->start == start && whole->end == end;
    if (!vma_change(start, end, protection)) {
        CHECK_INT(vma_remove(start, end), 0);
        CHECK_INT(vma_insert(start, end, protection), 0);
    }
    memset(model + first, (int)protection, count);
}

/* Whether a range is mapped without a hole. */
static bool is_mapped(size_t first, size_t count)
{
    return !memchr(model + first, FREE, count);
}

static void move_a_boundary(void)
{
    static size_t at;
    size_t count = 1 + draw(4);
    if (draw(8) == 0)
        at = draw(PAGES - RANGE_MAX);
    if (is_mapped(at, count))
        protect(at, count);
    at += draw(2) ? count : 0;
    if (at > PAGES - RANGE_MAX)
        at = 0;
}

static void change(void)
{
    size_t first = draw(PAGES - RANGE_MAX), count = 1 + draw(RANGE_MAX);
    uint64_t start = address_of(first), end = address_of(first + count);
    if (draw(3) == 0 || !is_free(first, count)) {
        CHECK_INT(vma_remove(start, end), 0);
        memset(model + first, FREE, count);
    }
    if (is_free(first, count) && draw(3) != 0) {
        uint32_t protection = (uint32_t)draw(PROTECTIONS);
        CHECK_INT(vma_insert(start, end, protection), 0);
        memset(model + first, (int)protection, count);
    }
}

static void run_seed(uint64_t number, bool full, bool protections)
{
    set_up(number, full);
    for (int step = 0; step < STEPS; step++) {
        change();
        if (protections)
            move_a_boundary();
        check_all();
        if (step % 10 == 0)
            check_lookups();
    }
    CHECK_INT(vma_remove(0, USER_END), 0);
    CHECK(root == NULL);
}

TEST(agrees_with_model, "a lost or doubled mapping, a wrong gap, an unbalanced tree")
{
    for (uint64_t number = 1; number <= 8; number++)
        run_seed(number, false, false);
}

TEST(agrees_after_changes, "a boundary between mappings that moves to where nobody expects it")
{
    for (uint64_t number = 1; number <= 8; number++)
        run_seed(number, number % 2, true);
}

TEST(agrees_when_full, "the search for a gap where there is little free memory")
{
    for (uint64_t number = 100; number <= 107; number++)
        run_seed(number, true, false);
}

TEST(ascending, "a tree that degenerates into a list when mappings come in order")
{
    set_up(1, false);
    for (size_t page = 0; page + 2 < PAGES; page += 2)
        CHECK_INT(vma_insert(address_of(page), address_of(page + 1), 1), 0);
    CHECK(root->height <= 13);
    check_node(root);
    /* Filling the holes makes one mapping of all, and gives the nodes back. */
    size_t pages = allocated_count;
    for (size_t page = 1; page + 2 < PAGES; page += 2)
        CHECK_INT(vma_insert(address_of(page), address_of(page + 1), 1), 0);
    CHECK(root->height == 1 && allocated_count == pages);
}

TEST(boundary,
     "a node for each function of a program that compiles, or a lost page between two mappings")
{
    set_up(1, false);
    enum { CODE = 1, DATA = 2 };
    CHECK_INT(vma_insert(address_of(0), address_of(1), CODE), 0);
    CHECK_INT(vma_insert(address_of(1), address_of(1000), DATA), 0);
    for (size_t end = 1; end + 3 < 1000; end += 2) { /* the last page with code, and two more */
        CHECK(end < 2 || vma_change(address_of(end - 1), address_of(end), DATA));
        size_t from = end < 2 ? end : end - 1;
        CHECK(vma_change(address_of(from), address_of(end + 2), CODE));
        CHECK(vma_find(address_of(end + 1))->protection == CODE);
        CHECK(vma_find(address_of(end + 2))->protection == DATA);
        check_node(root);
    }
    CHECK(root->height == 2 && allocated_count <= 1);
}

TEST(no_change, "a change that loses a mapping, joins two wrongly, or covers a hole")
{
    set_up(1, false);
    CHECK_INT(vma_insert(address_of(0), address_of(10), 1), 0);
    CHECK_INT(vma_insert(address_of(10), address_of(20), 2), 0);
    CHECK_INT(vma_insert(address_of(30), address_of(40), 1), 0);
    CHECK(!vma_change(address_of(3), address_of(5), 2));   /* in the midst of one */
    CHECK(!vma_change(address_of(0), address_of(3), 2));   /* no neighbour there */
    CHECK(!vma_change(address_of(5), address_of(15), 2));  /* of two */
    CHECK(!vma_change(address_of(15), address_of(35), 1)); /* a hole */
    CHECK(!vma_change(address_of(30), address_of(33), 2)); /* the neighbour does not touch it */
    CHECK(!vma_change(address_of(20), address_of(21), 1));
    CHECK(vma_change(address_of(3), address_of(5), 1)); /* as it is already */
    memset(model, 1, 10);
    memset(model + 10, 2, 10);
    memset(model + 30, 1, 10);
    check_all();
    CHECK(vma_change(address_of(30), address_of(40), 3));
    memset(model + 30, 3, 10);
    check_all();
}

TEST(no_memory, "a change that fails half way")
{
    set_up(1, false);
    CHECK_INT(vma_insert(address_of(0), address_of(100), 1), 0);
    while (fresh_node != fresh_end)
        fresh_node++; /* none left, and no page to be had */
    out_of_memory = true;
    CHECK_INT(vma_insert(address_of(200), address_of(201), 1), -ENOMEM);
    CHECK_INT(vma_remove(address_of(10), address_of(20)), -ENOMEM);
    memset(model, 1, 100);
    check_all();
    CHECK_INT(vma_remove(address_of(90), address_of(100)), 0);
    memset(model + 90, FREE, 10);
    check_all();
}

TEST(limits, "sizes that no gap can have")
{
    set_up(1, false);
    CHECK_INT(vma_gap(UINT64_MAX), 0);
    CHECK_INT(vma_gap(MAP_TOP), 0);
    CHECK_INT(vma_gap(MAP_TOP - MAP_BOTTOM), MAP_BOTTOM);
    CHECK_INT(vma_gap(PAGE_SIZE), MAP_TOP - PAGE_SIZE);
    CHECK(vma_find(0) == NULL && vma_above(0) == NULL && vma_find(UINT64_MAX) == NULL);
    CHECK_INT(vma_remove(0, USER_END), 0);
}

TAP_MAIN()
