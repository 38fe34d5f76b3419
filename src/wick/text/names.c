// SPDX-License-Identifier: Apache-2.0
#include "wick/text/names.h"

#include <string.h>

static uint32_t hash(struct span name)
{
    uint32_t value = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.size; i++)
        value = (value ^ name.data[i]) * 16777619u;
    return value;
}

static void link_entry(struct name_map *map, uint32_t position)
{
    struct name_entry *entry = &map->items[position];
    uint32_t *bucket = &map->buckets[hash(entry->name) % map->bucket_count];
    entry->next = *bucket;
    *bucket = position + 1;
}

static bool grow_buckets(struct parser *parser, struct name_map *map)
{
    uint32_t count = map->bucket_count ? map->bucket_count * 2 : 16;
    uint32_t *buckets = parser_alloc(parser, count * sizeof(*buckets));
    if (!buckets)
        return false;
    map->buckets = buckets;
    map->bucket_count = count;
    for (uint32_t i = 0; i < map->count; i++)
        link_entry(map, i);
    return true;
}

bool name_map_add(struct parser *parser, struct name_map *map, struct span name, uint32_t index)
{
    uint32_t existing;
    if (name_map_find(map, name, &existing))
        return false;
    if (map->count == map->bucket_count && !grow_buckets(parser, map))
        return true; /* failed already */
    struct name_entry *items =
        parser_grow(parser, map->items, map->count, &map->capacity, sizeof(*items));
    if (!items)
        return true;
    map->items = items;
    items[map->count] = (struct name_entry){name, index, 0};
    link_entry(map, map->count++);
    return true;
}

bool name_map_find(const struct name_map *map, struct span name, uint32_t *index)
{
    if (map->bucket_count == 0)
        return false;
    uint32_t position = map->buckets[hash(name) % map->bucket_count];
    while (position) {
        const struct name_entry *entry = &map->items[position - 1];
        if (span_equal(entry->name, name)) {
            *index = entry->index;
            return true;
        }
        position = entry->next;
    }
    return false;
}

void name_map_clear(struct name_map *map)
{
    map->count = 0;
    if (map->bucket_count)
        memset(map->buckets, 0, map->bucket_count * sizeof(*map->buckets));
}
