// SPDX-License-Identifier: Apache-2.0
/* Blocks in memory. At most half of them are dirty, so that there is always one to give up. */
#include "sealed/store.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char target[] = "enarx::sealed";

struct page *pages_find(const struct pages *pages, uint64_t inode, uint64_t block)
{
    struct table_link *link = table_first(&pages->table, table_hash(inode, block));
    for (; link; link = table_next(link)) {
        struct page *page = (struct page *)link;
        if (page->inode == inode && page->block == block)
            return page;
    }
    return NULL;
}

/* A page that is in no table. */
static struct page *give_up(struct pages *pages)
{
    for (;;) {
        struct page *page = pages->all[pages->hand];
        pages->hand = (pages->hand + 1) % pages->count;
        if (page->dirty)
            continue;
        if (page->used && page->inode) {
            page->used = false;
            continue;
        }
        if (page->inode)
            table_remove(&pages->table, &page->link);
        page->inode = 0;
        return page;
    }
}

static struct page *new_page(struct sealed *store)
{
    struct pages *pages = &store->pages;
    if (table_reserve(&pages->table) < 0)
        return NULL;
    if (!pages->all) {
        pages->room = store->options.cache_pages;
        pages->all = calloc(pages->room, sizeof(struct page *));
        if (!pages->all)
            return NULL;
    }
    struct page *page = pages->count < pages->room ? malloc(sizeof(*page)) : NULL;
    if (!page) /* full, or no memory: the pages that are there must do */
        return pages->count > pages->dirty ? give_up(pages) : NULL;
    page->inode = 0;
    page->dirty = false;
    pages->all[pages->count++] = page;
    return page;
}

int store_read_block(struct sealed *store, uint64_t at, uint64_t inode, uint64_t block,
                     uint8_t data[SEALED_BLOCK])
{
    int status = journal_read_block(&store->journal, at, inode, block, data);
    if (status == -EBADMSG) {
        bool told = store->told;
        store->told = true;
        if (!told)
            log_error(target,
                      "sealed storage: what the host has at byte %llu of " SEALED_LOG
                      " is not what was written there",
                      (unsigned long long)at);
        return -EIO;
    }
    return status;
}

int pages_get(struct sealed *store, struct tree_node *node, uint64_t block, bool load,
              struct page **out)
{
    struct pages *pages = &store->pages;
    struct page *page = pages_find(pages, node->inode, block);
    if (page) {
        page->used = true;
        *out = page;
        return 0;
    }
    page = new_page(store);
    if (!page)
        return -ENOMEM;
    uint64_t at = tree_block(&store->tree, node, block);
    int status = 0;
    if (load && at > TREE_UNWRITTEN)
        status = store_read_block(store, at, node->inode, block, page->data);
    else if (load)
        memset(page->data, 0, sizeof(page->data));
    if (status < 0)
        return status;
    page->inode = node->inode;
    page->block = block;
    page->used = true;
    table_add(&pages->table, &page->link, table_hash(page->inode, block));
    *out = page;
    return 0;
}

void pages_drop(struct pages *pages, struct page *page)
{
    table_remove(&pages->table, &page->link);
    page->inode = 0;
}

void pages_mark(struct pages *pages, struct page *page)
{
    pages->dirty += !page->dirty;
    page->dirty = true;
}

void pages_forget(struct pages *pages, uint64_t inode, uint64_t from)
{
    for (size_t i = 0; i < pages->count; i++) {
        struct page *page = pages->all[i];
        if (page->inode != inode || page->block < from)
            continue;
        pages->dirty -= page->dirty;
        page->dirty = false;
        page->inode = 0;
        table_remove(&pages->table, &page->link);
    }
}

void pages_fini(struct pages *pages)
{
    for (size_t i = 0; i < pages->count; i++) {
        explicit_bzero(pages->all[i]->data, SEALED_BLOCK);
        free(pages->all[i]);
    }
    free(pages->all);
    table_free(&pages->table);
    *pages = (struct pages){0};
}
