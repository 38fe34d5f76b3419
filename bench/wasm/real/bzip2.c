// SPDX-License-Identifier: Apache-2.0
/* bzip2: text is compressed in blocks of 900 kB, decompressed, and compared. */
#include "text.h"

#include <bzlib.h>

enum { SIZE = 2 << 20 };

/* The library calls this when it finds its own data broken. */
void bz_internal_error(int code)
{
    (void)code;
    abort();
}

uint64_t kernel(void)
{
    char *text = text_new(SIZE), *back = malloc(SIZE), *packed = malloc(SIZE);
    unsigned packed_size = SIZE, size = SIZE;
    if (!text || !back || !packed ||
        BZ2_bzBuffToBuffCompress(packed, &packed_size, text, SIZE, 9, 0, 30) != BZ_OK ||
        BZ2_bzBuffToBuffDecompress(back, &size, packed, packed_size, 0, 0) != BZ_OK ||
        memcmp(text, back, SIZE) != 0)
        abort();
    return sum_bytes(size, packed, packed_size);
}
