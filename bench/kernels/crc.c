// SPDX-License-Identifier: Apache-2.0
/* Loads that depend on each other: CRC-32 by a table. */
#include "kernel.h"

enum { SIZE = 65536 };

static uint32_t table[256];
static uint8_t bytes[SIZE];

static void prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
        table[i] = value;
    }
    for (uint32_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 31 + 7);
}

uint32_t kernel(uint32_t rounds)
{
    prepare();
    uint32_t crc = UINT32_MAX;
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < SIZE; i++)
            crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 255];
    }
    return ~crc;
}
