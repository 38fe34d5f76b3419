/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/x86_64/asm.h"

#include <string.h>

/* ---- Bytes ------------------------------------------------------------------------------------
 */

static __attribute__((noinline)) void grow(struct code *code)
{
    arena_grow(code->arena, &code->bytes, code->size + CODE_ROOM, &code->capacity, 1);
}

struct code code_new(struct arena *arena, uint32_t size)
{
    struct code code = {.arena = arena};
    arena_grow(arena, &code.bytes, size + CODE_ROOM, &code.capacity, 1);
    return code;
}

/* Up to CODE_ROOM bytes were written behind the end. Room for the next is made here, where nothing
 * is left to be done that registers would have to be saved for. */
static void advance(struct code *code, uint32_t size)
{
    code->size += size;
    if (code->capacity - code->size < CODE_ROOM)
        grow(code);
}

static uint8_t *end_of(const struct code *code)
{
    return code->bytes + code->size;
}

void code_byte(struct code *code, uint8_t byte)
{
    *end_of(code) = byte;
    advance(code, 1);
}

void code_u32(struct code *code, uint32_t value)
{
    memcpy(end_of(code), &value, 4);
    advance(code, 4);
}

void code_u64(struct code *code, uint64_t value)
{
    memcpy(end_of(code), &value, 8);
    advance(code, 8);
}

void code_align(struct code *code, uint32_t alignment)
{
    while (code->size % alignment)
        code_byte(code, 0xCC);
}

void code_align_nops(struct code *code, uint32_t alignment, uint32_t most)
{
    static const uint8_t nops[8][8] = {
        {0x90},
        {0x66, 0x90},
        {0x0F, 0x1F, 0x00},
        {0x0F, 0x1F, 0x40, 0x00},
        {0x0F, 0x1F, 0x44, 0x00, 0x00},
        {0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00},
        {0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };
    uint32_t gap = (alignment - code->size % alignment) % alignment;
    if (gap > most)
        return;
    while (gap) {
        uint32_t length = gap < 8 ? gap : 8;
        memcpy(end_of(code), nops[length - 1], length);
        advance(code, length);
        gap -= length;
    }
}

/* ---- Operands ---------------------------------------------------------------------------------
 */

static uint8_t low3(uint32_t reg)
{
    return reg & 7;
}

static uint8_t high1(uint32_t reg)
{
    return reg == NO_OPERAND ? 0 : reg >> 3 & 1;
}

/* What was written behind the end goes up to `at`. */
static void encode_end(struct code *code, const uint8_t *at)
{
    advance(code, (uint32_t)(at - end_of(code)));
}

static uint8_t modrm(unsigned mod, uint32_t reg, uint32_t rm)
{
    return (uint8_t)(mod << 6 | (unsigned)low3(reg) << 3 | low3(rm));
}

static uint8_t *encode_disp(uint8_t *at, int32_t disp)
{
    memcpy(at, &disp, 4);
    return at + 4;
}

static uint8_t *encode_mem(uint8_t *at, uint32_t reg, struct mem mem)
{
    if (mem.rip) {
        *at++ = modrm(0, reg, 5);
        return encode_disp(at, mem.disp);
    }
    bool has_base = mem.base != NO_OPERAND, has_index = mem.index != NO_OPERAND;
    bool byte = mem.disp >= -128 && mem.disp < 128;
    unsigned mod = !has_base ? 0 : mem.disp == 0 && low3(mem.base) != 5 ? 0 : byte ? 1 : 2;
    if (has_index || !has_base || low3(mem.base) == 4) {
        *at++ = modrm(mod, reg, 4);
        *at++ = (uint8_t)(mem.scale << 6 | (has_index ? low3(mem.index) : 4) << 3 |
                          (has_base ? low3(mem.base) : 5));
    } else {
        *at++ = modrm(mod, reg, mem.base);
    }
    if (mod == 1)
        *at++ = (uint8_t)mem.disp;
    else if (mod == 2 || !has_base)
        at = encode_disp(at, mem.disp);
    return at;
}

static void put_modrm(struct code *code, unsigned mod, uint32_t reg, uint32_t rm)
{
    code_byte(code, modrm(mod, reg, rm));
}

static void put_mem(struct code *code, uint32_t reg, struct mem mem)
{
    encode_end(code, encode_mem(end_of(code), reg, mem));
}

/* Prefixes, REX and opcode. `base` is the register in the rm field or the memory's base. */
static uint8_t *encode_opcode(uint8_t *at, uint8_t size, uint32_t opcode, uint32_t reg,
                              uint32_t index, uint32_t base)
{
    if (opcode & OP_66)
        *at++ = 0x66;
    if (opcode & OP_F3)
        *at++ = 0xF3;
    if (opcode & OP_F2)
        *at++ = 0xF2;
    uint8_t rex = (uint8_t)((size == 8) << 3 | high1(reg) << 2 | high1(index) << 1 | high1(base));
    bool low_byte = (reg >= RSP && reg <= RDI) || (base >= RSP && base <= RDI); /* not AH … BH */
    if (rex || (opcode & OP_BYTE && low_byte))
        *at++ = 0x40 | rex;
    if (opcode & OP_0F)
        *at++ = 0x0F;
    *at++ = (uint8_t)opcode;
    return at;
}

void asm_rr(struct code *code, uint8_t size, uint32_t opcode, uint32_t reg, uint32_t rm)
{
    uint8_t *at = encode_opcode(end_of(code), size, opcode, reg, NO_OPERAND, rm);
    *at++ = modrm(3, reg, rm);
    encode_end(code, at);
}

void asm_rm(struct code *code, uint8_t size, uint32_t opcode, uint32_t reg, struct mem mem)
{
    uint8_t *at = encode_opcode(end_of(code), size, opcode, reg, mem.index, mem.base);
    encode_end(code, encode_mem(at, reg, mem));
}

void asm_ri(struct code *code, uint8_t size, uint32_t opcode, uint8_t extension, uint32_t rm)
{
    asm_rr(code, size, opcode, extension, rm);
}

void asm_mi(struct code *code, uint8_t size, uint32_t opcode, uint8_t extension, struct mem mem)
{
    asm_rm(code, size, opcode, extension, mem);
}

/* ---- Moves ------------------------------------------------------------------------------------
 */

void asm_mov_rr(struct code *code, uint8_t size, uint32_t to, uint32_t from)
{
    asm_rr(code, size, 0x8B, to, from);
}

void asm_mov_ri(struct code *code, uint32_t to, uint64_t imm)
{
    if (imm <= UINT32_MAX) {
        if (high1(to))
            code_byte(code, 0x41);
        code_byte(code, 0xB8 | low3(to));
        code_u32(code, (uint32_t)imm);
    } else if ((uint64_t)(int64_t)(int32_t)imm == imm) {
        asm_ri(code, 8, 0xC7, 0, to);
        code_u32(code, (uint32_t)imm);
    } else {
        code_byte(code, 0x48 | high1(to));
        code_byte(code, 0xB8 | low3(to));
        code_u64(code, imm);
    }
}

static void mov_stack(struct code *code, uint8_t opcode, uint32_t reg, int32_t disp)
{
    static const uint8_t sizes[] = {4, 5, 8};
    unsigned mod = disp == 0 ? 0 : disp >= -128 && disp < 128 ? 1 : 2;
    uint8_t *at = end_of(code);
    at[0] = (uint8_t)(0x48 | reg >> 3 << 2);
    at[1] = opcode;
    at[2] = modrm(mod, reg, 4);
    at[3] = 0x24; /* RSP, no index */
    memcpy(at + 4, &disp, 4);
    advance(code, sizes[mod]);
}

void asm_load_stack(struct code *code, uint32_t to, int32_t disp)
{
    mov_stack(code, 0x8B, to, disp);
}

void asm_store_stack(struct code *code, int32_t disp, uint32_t from)
{
    mov_stack(code, 0x89, from, disp);
}

void asm_mov_rm(struct code *code, uint8_t size, uint32_t to, struct mem from)
{
    asm_rm(code, size, 0x8B, to, from);
}

void asm_mov_mr(struct code *code, uint8_t size, struct mem to, uint32_t from)
{
    static const uint32_t opcodes[] = {
        [1] = 0x88 | OP_BYTE, [2] = 0x89 | OP_66, [4] = 0x89, [8] = 0x89};
    asm_rm(code, size, opcodes[size], from, to);
}

void asm_lea(struct code *code, uint8_t size, uint32_t to, struct mem mem)
{
    asm_rm(code, size, 0x8D, to, mem);
}

/* ---- Arithmetic -------------------------------------------------------------------------------
 */

void asm_alu_ri(struct code *code, uint8_t size, uint8_t extension, uint32_t rm, int32_t imm)
{
    bool byte = imm >= -128 && imm < 128;
    asm_ri(code, size, byte ? 0x83 : 0x81, extension, rm);
    if (byte)
        code_byte(code, (uint8_t)imm);
    else
        code_u32(code, (uint32_t)imm);
}

void asm_alu_mi(struct code *code, uint8_t size, uint8_t extension, struct mem mem, int32_t imm)
{
    bool byte = imm >= -128 && imm < 128;
    asm_mi(code, size, byte ? 0x83 : 0x81, extension, mem);
    if (byte)
        code_byte(code, (uint8_t)imm);
    else
        code_u32(code, (uint32_t)imm);
}

void asm_alu_rr(struct code *code, uint8_t size, uint8_t extension, uint32_t to, uint32_t from)
{
    asm_rr(code, size, (uint32_t)extension << 3 | 3, to, from);
}

void asm_alu_rm(struct code *code, uint8_t size, uint8_t extension, uint32_t to, struct mem from)
{
    asm_rm(code, size, (uint32_t)extension << 3 | 3, to, from);
}

void asm_shift_ri(struct code *code, uint8_t size, uint8_t extension, uint32_t rm, uint8_t count)
{
    if (count == 1) {
        asm_ri(code, size, 0xD1, extension, rm);
        return;
    }
    asm_ri(code, size, 0xC1, extension, rm);
    code_byte(code, count);
}

/* ---- Jumps ------------------------------------------------------------------------------------
 */

uint32_t asm_jcc(struct code *code, uint8_t cc)
{
    uint8_t *at = end_of(code);
    at[0] = 0x0F;
    at[1] = 0x80 | cc;
    memset(at + 2, 0, 4);
    uint32_t place = code->size + 2;
    advance(code, 6);
    return place;
}

uint32_t asm_jmp(struct code *code)
{
    code_byte(code, 0xE9);
    code_u32(code, 0);
    return code->size - 4;
}

uint32_t asm_call(struct code *code)
{
    code_byte(code, 0xE8);
    code_u32(code, 0);
    return code->size - 4;
}

void asm_jcc_short(struct code *code, uint8_t cc, int8_t disp)
{
    uint8_t *at = end_of(code);
    at[0] = 0x70 | cc;
    at[1] = (uint8_t)disp;
    advance(code, 2);
}

void asm_jmp_short(struct code *code, int8_t disp)
{
    code_byte(code, 0xEB);
    code_byte(code, (uint8_t)disp);
}

uint32_t asm_skip(struct code *code, uint8_t cc)
{
    asm_jcc_short(code, cc, 0);
    return code->size;
}

uint32_t asm_skip_always(struct code *code)
{
    asm_jmp_short(code, 0);
    return code->size;
}

void asm_bind(struct code *code, uint32_t skip)
{
    code->bytes[skip - 1] = (uint8_t)(code->size - skip);
}

void asm_patch(struct code *code, uint32_t place, uint32_t target)
{
    uint32_t disp = target - (place + 4);
    memcpy(code->bytes + place, &disp, 4);
}

/* ---- Vectors ----------------------------------------------------------------------------------
 */

static void put_sse_opcode(struct code *code, uint16_t encoding, uint32_t reg, uint32_t index,
                           uint32_t base)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xF3, 0xF2};
    if (SSE_PREFIX(encoding))
        code_byte(code, prefixes[SSE_PREFIX(encoding)]);
    uint8_t rex =
        (uint8_t)((encoding & WIDE ? 8 : 0) | high1(reg) << 2 | high1(index) << 1 | high1(base));
    if (rex)
        code_byte(code, 0x40 | rex);
    code_byte(code, 0x0F);
    if (SSE_MAP(encoding) == 2)
        code_byte(code, 0x38);
    if (SSE_MAP(encoding) == 3)
        code_byte(code, 0x3A);
    code_byte(code, SSE_OPCODE(encoding));
}

void asm_sse_rr(struct code *code, uint16_t encoding, uint32_t reg, uint32_t rm)
{
    put_sse_opcode(code, encoding, reg, NO_OPERAND, rm);
    put_modrm(code, 3, reg, rm);
}

void asm_sse_rm(struct code *code, uint16_t encoding, uint32_t reg, struct mem mem)
{
    put_sse_opcode(code, encoding, reg, mem.index, mem.base);
    put_mem(code, reg, mem);
}

static void put_vex(struct code *code, uint16_t encoding, uint32_t reg, uint32_t second,
                    uint32_t index, uint32_t base)
{
    uint8_t w = (uint8_t)((encoding & WIDE) ? 0x80 : 0);
    uint8_t tail = (uint8_t)((~second & 15) << 3 | SSE_PREFIX(encoding));
    if (SSE_MAP(encoding) == 1 && !w && !high1(index) && !high1(base)) {
        code_byte(code, 0xC5);
        code_byte(code, (uint8_t)((high1(reg) ? 0 : 0x80) | tail));
    } else {
        code_byte(code, 0xC4);
        code_byte(code, (uint8_t)((high1(reg) ? 0 : 0x80) | (high1(index) ? 0 : 0x40) |
                                  (high1(base) ? 0 : 0x20) | SSE_MAP(encoding)));
        code_byte(code, w | tail);
    }
    code_byte(code, SSE_OPCODE(encoding));
}

void asm_vex_rr(struct code *code, uint16_t encoding, uint32_t reg, uint32_t second, uint32_t rm)
{
    put_vex(code, encoding, reg, second, NO_OPERAND, rm);
    put_modrm(code, 3, reg, rm);
}

void asm_vex_rm(struct code *code, uint16_t encoding, uint32_t reg, uint32_t second, struct mem mem)
{
    put_vex(code, encoding, reg, second, mem.index, mem.base);
    put_mem(code, reg, mem);
}
