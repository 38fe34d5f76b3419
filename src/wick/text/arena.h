/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is released all at once: what the text parser allocates lives until its arena ends.
 *
 * `struct text_arena arena = {0}` is ready for use. Not safe for concurrent use.
 */
#pragma once

#include <stddef.h>

struct text_arena_chunk;

struct text_arena {
    struct text_arena_chunk *chunks; /* newest first */
    size_t used;                     /* bytes taken from the newest chunk */
};

/* `size` zeroed bytes, aligned for any object; NULL when memory is exhausted. */
void *text_arena_alloc(struct text_arena *arena, size_t size);

/* Releases everything; the arena may be used again. */
void text_arena_fini(struct text_arena *arena);
