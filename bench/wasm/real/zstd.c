// SPDX-License-Identifier: Apache-2.0
/* zstd: text is compressed at levels 1, 3, 9 and 13, decompressed several times, and compared. */
#include "text.h"

#include <zstd.h>

enum { SIZE = 2 << 20, READS = 4 };

static uint64_t round_trip(const char *text, int level, char *packed, char *back)
{
    size_t packed_size = ZSTD_compress(packed, ZSTD_compressBound(SIZE), text, SIZE, level);
    if (ZSTD_isError(packed_size))
        abort();
    for (int i = 0; i < READS; i++) {
        if (ZSTD_decompress(back, SIZE, packed, packed_size) != SIZE ||
            memcmp(text, back, SIZE) != 0)
            abort();
    }
    return sum_bytes((uint64_t)level, packed, packed_size);
}

uint64_t kernel(void)
{
    static const int levels[] = {1, 3, 9, 13};
    char *text = text_new(SIZE), *back = malloc(SIZE), *packed = malloc(ZSTD_compressBound(SIZE));
    if (!text || !back || !packed)
        abort();
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        sum = sum * 31 + round_trip(text, levels[i], packed, back);
    return sum;
}
