// SPDX-License-Identifier: Apache-2.0
#include "wick/text/bytes.h"

#include <stdlib.h>
#include <string.h>

void bytes_fini(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

static bool reserve(struct bytes *bytes, size_t size)
{
    if (bytes->failed)
        return false;
    if (size <= bytes->capacity - bytes->size)
        return true;
    size_t capacity = bytes->capacity ? bytes->capacity : 64;
    while (capacity - bytes->size < size) {
        if (capacity > SIZE_MAX / 2) {
            bytes->failed = true;
            return false;
        }
        capacity *= 2;
    }
    uint8_t *data = realloc(bytes->data, capacity);
    if (!data) {
        bytes->failed = true;
        return false;
    }
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
    if (size == 0 || !reserve(bytes, size))
        return;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void bytes_put_u8(struct bytes *bytes, uint8_t value)
{
    bytes_put(bytes, &value, 1);
}

void bytes_put_span(struct bytes *bytes, struct span span)
{
    bytes_put(bytes, span.data, span.size);
}

void bytes_put_le(struct bytes *bytes, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        bytes_put_u8(bytes, (uint8_t)(value >> (8 * i)));
}

void bytes_put_unsigned(struct bytes *bytes, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        bytes_put_u8(bytes, (uint8_t)(value | 0x80));
    bytes_put_u8(bytes, (uint8_t)value);
}

void bytes_put_signed(struct bytes *bytes, int64_t value)
{
    while (value < -64 || value > 63) {
        bytes_put_u8(bytes, (uint8_t)((value & 0x7f) | 0x80));
        value >>= 7;
    }
    bytes_put_u8(bytes, (uint8_t)(value & 0x7f));
}

void bytes_put_vector(struct bytes *bytes, struct span span)
{
    bytes_put_unsigned(bytes, span.size);
    bytes_put_span(bytes, span);
}
