/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of structures that begin with a table_link. Internal to src/sealed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct table_link {
    struct table_link *next;
    uint64_t hash;
};

struct table {
    struct table_link **slots;
    size_t room, count; /* room: a power of two, or 0 */
};

/* Spreads two numbers over 64 bits. */
static inline uint64_t table_hash(uint64_t a, uint64_t b)
{
    uint64_t hash = a * 0x9E3779B97F4A7C15u ^ (b + 0x632BE59BD9B4E019u);
    hash = (hash ^ hash >> 30) * 0xBF58476D1CE4E5B9u;
    hash = (hash ^ hash >> 27) * 0x94D049BB133111EBu;
    return hash ^ hash >> 31;
}

/* The first of those with this hash; the caller compares, and goes on with table_next. */
struct table_link *table_first(const struct table *table, uint64_t hash);
struct table_link *table_next(const struct table_link *link);
/* Room for one more: 0 or -ENOMEM; afterwards table_add cannot fail. */
__attribute__((warn_unused_result)) int table_reserve(struct table *table);
void table_add(struct table *table, struct table_link *link, uint64_t hash);
void table_remove(struct table *table, struct table_link *link);
/* The elements stay the caller's. */
void table_free(struct table *table);
