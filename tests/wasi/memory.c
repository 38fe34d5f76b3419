/* SPDX-License-Identifier: Apache-2.0 */
/* Allocates, fills, moves and frees; at the peak more than 64 MB. */
#include "check.h"

enum { BLOCKS = 512 };

static unsigned random_number(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void check_filled(const unsigned char *block, size_t size, unsigned char value)
{
    CHECK(size == 0 || (block[0] == value && block[size - 1] == value && block[size / 2] == value));
}

int main(void)
{
    static unsigned char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    unsigned state = 1;
    for (int round = 0; round < 20000; round++) {
        unsigned i = random_number(&state) % BLOCKS;
        check_filled(blocks[i], sizes[i], (unsigned char)i);
        size_t size = random_number(&state) % (round % 100 ? 4096 : 200000);
        blocks[i] = realloc(blocks[i], size + 1);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], (int)i, size);
        sizes[i] = size;
    }
    unsigned char *spike = malloc(64000000);
    CHECK(spike != NULL);
    memset(spike, 1, 64000000);
    CHECK(spike[63999999] == 1);
    free(spike);
    puts("ok");
    return 0;
}
