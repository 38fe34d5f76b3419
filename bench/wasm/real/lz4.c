// SPDX-License-Identifier: Apache-2.0
/* lz4: text is compressed fast and well, decompressed many times, and compared. */
#include "text.h"

#include <lz4.h>
#include <lz4hc.h>

enum { SIZE = 4 << 20, READS = 20 };

/* What was packed depends on the size of a word: the sum is of the text that comes back. */
static uint64_t read_back(const char *text, const char *packed, int packed_size, char *back)
{
    for (int i = 0; i < READS; i++) {
        if (LZ4_decompress_safe(packed, back, packed_size, SIZE) != SIZE ||
            memcmp(text, back, SIZE) != 0)
            abort();
    }
    return sum_bytes(SIZE, back, SIZE);
}

uint64_t kernel(void)
{
    int bound = LZ4_compressBound(SIZE), size = 0;
    char *text = text_new(SIZE), *back = malloc(SIZE), *packed = malloc((size_t)bound);
    if (!text || !back || !packed)
        abort();
    for (int i = 0; i < READS / 4; i++)
        size = LZ4_compress_default(text, packed, SIZE, bound);
    uint64_t sum = read_back(text, packed, size, back);
    return sum * 31 + read_back(text, packed, LZ4_compress_HC(text, packed, SIZE, bound, 6), back);
}
