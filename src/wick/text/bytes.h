/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a sticky failure: when memory runs out it stays as it was, `failed` is
 * set, and whoever finishes the work checks once.
 *
 * `struct bytes bytes = {0}` is ready for use; bytes_fini() releases it.
 */
#pragma once

#include "base/span.h"

struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
};

void bytes_fini(struct bytes *bytes);
void bytes_put(struct bytes *bytes, const void *data, size_t size);
void bytes_put_u8(struct bytes *bytes, uint8_t value);
void bytes_put_span(struct bytes *bytes, struct span span);
/* Fixed width, little endian. */
void bytes_put_le(struct bytes *bytes, uint64_t value, unsigned width);
/* LEB128, unsigned and signed. */
void bytes_put_unsigned(struct bytes *bytes, uint64_t value);
void bytes_put_signed(struct bytes *bytes, int64_t value);
/* A length followed by the bytes: a WebAssembly name or vector of bytes. */
void bytes_put_vector(struct bytes *bytes, struct span span);

static inline struct span bytes_span(const struct bytes *bytes)
{
    return span_of(bytes->data, bytes->size);
}
