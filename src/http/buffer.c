// SPDX-License-Identifier: Apache-2.0
#include "http/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct buffer *buffer, struct buffer_budget *budget, size_t wanted)
{
    size_t capacity = wanted < BUFFER_SMALL / 2 ? BUFFER_SMALL : wanted * 2;
    if (wanted <= BUFFER_SMALL && capacity > BUFFER_SMALL)
        capacity = BUFFER_SMALL;
    if (capacity > buffer->limit)
        capacity = buffer->limit;
    size_t more = capacity - buffer->capacity;
    bool fits = budget->used <= budget->max && more <= budget->max - budget->used;
    if (capacity > BUFFER_SMALL && !fits)
        return -ENOBUFS;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data)
        return -ENOBUFS;
    buffer->data = data;
    buffer->capacity = capacity;
    budget->used += more;
    return 0;
}

int buffer_append(struct buffer *buffer, struct buffer_budget *budget, struct span bytes)
{
    if (bytes.size > buffer->limit - buffer->size)
        return -EMSGSIZE;
    size_t wanted = buffer->size + bytes.size;
    int status = wanted > buffer->capacity ? grow(buffer, budget, wanted) : 0;
    if (status < 0)
        return status;
    if (bytes.size > 0)
        memcpy(buffer->data + buffer->size, bytes.data, bytes.size);
    buffer->size = wanted;
    return 0;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
    buffer->size -= size;
    if (buffer->size > 0)
        memmove(buffer->data, buffer->data + size, buffer->size);
}

void buffer_fini(struct buffer *buffer, struct buffer_budget *budget)
{
    free(buffer->data);
    budget->used -= buffer->capacity;
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
}

void buffer_trim(struct buffer *buffer, struct buffer_budget *budget)
{
    if (buffer->size == 0 && buffer->capacity > BUFFER_SMALL)
        buffer_fini(buffer, budget);
}
