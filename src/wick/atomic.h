/* SPDX-License-Identifier: Apache-2.0 */
/* What the opcodes of atomic accesses say (proposal threads). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum atomic_operation {
    ATOMIC_LOAD,
    ATOMIC_STORE,
    ATOMIC_ADD,
    ATOMIC_SUB,
    ATOMIC_AND,
    ATOMIC_OR,
    ATOMIC_XOR,
    ATOMIC_XCHG,
    ATOMIC_CMPXCHG,
};

struct atomic_access {
    uint8_t operation; /* enum atomic_operation */
    uint8_t bytes;     /* in memory */
    bool is_wide;      /* operands and result are i64 */
};

enum {
    ATOMIC_ACCESS_FIRST = 0xFF10, /* from here on, each operation comes in seven widths */
    ATOMIC_WIDTHS = 7,
};

/* Of an opcode from ATOMIC_ACCESS_FIRST on. */
static inline struct atomic_access atomic_access(uint16_t opcode)
{
    static const uint8_t bytes[ATOMIC_WIDTHS] = {4, 8, 1, 2, 1, 2, 4};
    unsigned code = opcode - (unsigned)ATOMIC_ACCESS_FIRST, width = code % ATOMIC_WIDTHS;
    return (struct atomic_access){(uint8_t)(code / ATOMIC_WIDTHS), bytes[width],
                                  width == 1 || width >= 4};
}
