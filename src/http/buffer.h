/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that grow, out of a budget that many share. Internal to src/http.
 *
 * Up to BUFFER_SMALL bytes a buffer grows without asking the budget, so that there is always room
 * for a head and for an answer that says why there is no room.
 */
#pragma once

#include "base/span.h"

enum { BUFFER_SMALL = 4096 };

struct buffer_budget {
    size_t used, max; /* bytes */
};

struct buffer {
    uint8_t *data;
    size_t size, capacity;
    size_t limit; /* of the size */
};

/* 0; -EMSGSIZE beyond the limit; -ENOBUFS beyond the budget, or without memory. */
__attribute__((warn_unused_result)) int
buffer_append(struct buffer *buffer, struct buffer_budget *budget, struct span bytes);
/* Drops bytes at the front. */
void buffer_consume(struct buffer *buffer, size_t size);
/* Gives back the memory of a buffer that is empty and large. */
void buffer_trim(struct buffer *buffer, struct buffer_budget *budget);
void buffer_fini(struct buffer *buffer, struct buffer_budget *budget);
