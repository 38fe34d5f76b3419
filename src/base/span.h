/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte ranges with their length, and a reading cursor over one.
 *
 * A span borrows: whoever made it owns the bytes. Freestanding; usable on both sides of the trust
 * boundary.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *data;
    size_t size; /* bytes */
};

/* The span of a string literal or array of characters, without its terminating NUL. */
#define SPAN_LITERAL(text) ((struct span){(const uint8_t *)(text), sizeof(text) - 1})

/* The same where a constant is wanted: in tables. */
#define SPAN_INIT(text)                                                                            \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static inline struct span span_of(const void *data, size_t size)
{
    return (struct span){data, size};
}

static inline bool span_equal(struct span a, struct span b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++) {
        if (a.data[i] != b.data[i])
            return false;
    }
    return true;
}
