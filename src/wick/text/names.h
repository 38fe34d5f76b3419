/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map from identifiers to indices: one index space of a module, the locals of a function or the
 * fields of a structure.
 *
 * `struct name_map map = {0}` is ready for use; its memory is the parser's.
 */
#pragma once

#include "wick/text/parser.h"

struct name_entry {
    struct span name;
    uint32_t index;
    uint32_t next; /* in the same bucket: index into items + 1 */
};

struct name_map {
    struct name_entry *items; /* in order of definition */
    uint32_t count, capacity;
    uint32_t *buckets; /* index into items + 1 */
    uint32_t bucket_count;
};

/* Binds a name; false if it is bound already. */
bool name_map_add(struct parser *parser, struct name_map *map, struct span name, uint32_t index);
/* Looks a name up; false if it is not bound. */
bool name_map_find(const struct name_map *map, struct span name, uint32_t *index);
/* Forgets all names, keeps the memory. */
void name_map_clear(struct name_map *map);
