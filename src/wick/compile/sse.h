/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings of vector instructions (Intel SDM volume 2): opcode | prefix | map, for both the legacy
 * form and VEX.128. */
#pragma once

enum {
    PREFIX_NONE = 0,
    PREFIX_66 = 1 << 8,
    PREFIX_F3 = 2 << 8,
    PREFIX_F2 = 3 << 8,
    MAP_0F = 1 << 10,
    MAP_0F38 = 2 << 10,
    MAP_0F3A = 3 << 10,
    WIDE = 1 << 12, /* W: 64-bit general operand, or the instruction's own choice */
    COMMUTES = 1 << 13,
};

#define SSE_OPCODE(code) ((uint8_t)(code))
#define SSE_PREFIX(code) ((code) >> 8 & 3)
#define SSE_MAP(code)    ((code) >> 10 & 3)

#define SSE_SCALAR(opcode, size) ((opcode) | MAP_0F | ((size) == 4 ? PREFIX_F3 : PREFIX_F2))
#define SSE_PACKED(opcode, size) ((opcode) | MAP_0F | ((size) == 4 ? PREFIX_NONE : PREFIX_66))
#define SSE_INT(opcode)          ((opcode) | MAP_0F | PREFIX_66)
#define SSE_INT38(opcode)        ((opcode) | MAP_0F38 | PREFIX_66)
#define SSE_INT3A(opcode)        ((opcode) | MAP_0F3A | PREFIX_66)

enum {
    SSE_SQRT = 0x51,
    SSE_AND = 0x54,
    SSE_ANDN = 0x55,
    SSE_OR = 0x56,
    SSE_XOR = 0x57,
    SSE_ADD = 0x58,
    SSE_MUL = 0x59,
    SSE_CVT_FLOAT = 0x5A,
    SSE_SUB = 0x5C,
    SSE_MIN = 0x5D,
    SSE_DIV = 0x5E,
    SSE_MAX = 0x5F,
};
