// SPDX-License-Identifier: Apache-2.0
#include "sealed/table.h"

#include <errno.h>
#include <stdlib.h>

enum { ROOM_MIN = 64 };

struct table_link *table_first(const struct table *table, uint64_t hash)
{
    struct table_link *link = table->room ? table->slots[hash & (table->room - 1)] : NULL;
    while (link && link->hash != hash)
        link = link->next;
    return link;
}

struct table_link *table_next(const struct table_link *link)
{
    struct table_link *next = link->next;
    while (next && next->hash != link->hash)
        next = next->next;
    return next;
}

int table_reserve(struct table *table)
{
    if (table->count < table->room)
        return 0;
    size_t room = table->room ? table->room * 2 : ROOM_MIN;
    struct table_link **slots = calloc(room, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < table->room; i++) {
        for (struct table_link *link = table->slots[i], *next; link; link = next) {
            next = link->next;
            link->next = slots[link->hash & (room - 1)];
            slots[link->hash & (room - 1)] = link;
        }
    }
    free(table->slots);
    table->slots = slots;
    table->room = room;
    return 0;
}

void table_add(struct table *table, struct table_link *link, uint64_t hash)
{
    struct table_link **slot = &table->slots[hash & (table->room - 1)];
    link->hash = hash;
    link->next = *slot;
    *slot = link;
    table->count++;
}

void table_remove(struct table *table, struct table_link *link)
{
    struct table_link **at = &table->slots[link->hash & (table->room - 1)];
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    table->count--;
}

void table_free(struct table *table)
{
    free(table->slots);
    *table = (struct table){0};
}
