// SPDX-License-Identifier: Apache-2.0
/* zlib: text is deflated at levels 1, 6 and 9, inflated, and compared. */
#include "text.h"

#include <zlib.h>

enum { SIZE = 2 << 20 };

static uint64_t round_trip(const char *text, int level, Bytef *packed, char *back)
{
    uLongf packed_size = compressBound(SIZE), size = SIZE;
    if (compress2(packed, &packed_size, (const Bytef *)text, SIZE, level) != Z_OK ||
        uncompress((Bytef *)back, &size, packed, packed_size) != Z_OK ||
        memcmp(text, back, SIZE) != 0)
        abort();
    return sum_bytes(crc32(0, packed, (uInt)packed_size), &level, sizeof level);
}

uint64_t kernel(void)
{
    char *text = text_new(SIZE), *back = malloc(SIZE);
    Bytef *packed = malloc(compressBound(SIZE));
    if (!text || !back || !packed)
        abort();
    uint64_t sum = round_trip(text, 1, packed, back);
    sum = sum * 31 + round_trip(text, 6, packed, back);
    return sum * 31 + round_trip(text, 9, packed, back);
}
