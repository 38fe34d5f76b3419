/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of x86-64 instructions (Intel SDM volume 2, chapter 2). Registers are the numbers of enum
 * reg. Nothing here decides; emit.c does.
 */
#pragma once

#include "wick/compile/machine.h"
#include "wick/compile/sse.h"

enum { CODE_ROOM = 16 }; /* bytes: no instruction is longer */

/* A growing buffer of code. Behind its end there is always room for CODE_ROOM bytes. */
struct code {
    struct arena *arena;
    uint8_t *bytes;
    uint32_t size, capacity;
};

/* One with room for about `size` bytes. */
struct code code_new(struct arena *arena, uint32_t size);

/* base + (index << scale) + disp, or an address in the function's constants. 16 bytes, which travel
 * in registers. */
struct mem {
    uint32_t base, index; /* NO_OPERAND: none */
    int32_t disp;
    uint8_t scale;
    bool rip; /* disp is relative to the end of the instruction, which ends with it */
};

static inline struct mem mem_indexed(uint32_t base, uint32_t index, uint8_t scale, int64_t disp)
{
    return (struct mem){.base = base, .index = index, .scale = scale, .disp = (int32_t)disp};
}

static inline struct mem mem_at(uint32_t base, int64_t disp)
{
    return mem_indexed(base, NO_OPERAND, 0, disp);
}

static inline struct mem mem_rip(void)
{
    return (struct mem){.base = NO_OPERAND, .index = NO_OPERAND, .rip = true};
}

void code_byte(struct code *code, uint8_t byte);
void code_u32(struct code *code, uint32_t value);
void code_u64(struct code *code, uint64_t value);
void code_align(struct code *code, uint32_t alignment);
/* Fills up to the alignment with instructions that do nothing, if at most `most` bytes do. */
void code_align_nops(struct code *code, uint32_t alignment, uint32_t most);

/* How an opcode is written. */
enum {
    OP_0F = 0x100,
    OP_66 = 0x1000, /* mandatory or size prefix */
    OP_F3 = 0x2000,
    OP_F2 = 0x4000,
    OP_BYTE = 0x8000, /* names byte registers */
};

/* op reg, rm and op rm, reg: the opcode tells. `size` 8 sets REX.W. */
void asm_rr(struct code *code, uint8_t size, uint32_t opcode, uint32_t reg, uint32_t rm);
void asm_rm(struct code *code, uint8_t size, uint32_t opcode, uint32_t reg, struct mem mem);
/* op rm, imm with an extension of the opcode in the reg field. */
void asm_ri(struct code *code, uint8_t size, uint32_t opcode, uint8_t extension, uint32_t rm);
void asm_mi(struct code *code, uint8_t size, uint32_t opcode, uint8_t extension, struct mem mem);

void asm_mov_rr(struct code *code, uint8_t size, uint32_t to, uint32_t from);
/* The shortest form that leaves the flags alone. */
void asm_mov_ri(struct code *code, uint32_t to, uint64_t imm);
void asm_mov_rm(struct code *code, uint8_t size, uint32_t to, struct mem from);
void asm_mov_mr(struct code *code, uint8_t size, struct mem to, uint32_t from);
/* 8 bytes of the stack, at RSP + disp. */
void asm_load_stack(struct code *code, uint32_t to, int32_t disp);
void asm_store_stack(struct code *code, int32_t disp, uint32_t from);
/* `extension` is the number of the operation: ADD 0, OR 1, AND 4, SUB 5, XOR 6, CMP 7. */
void asm_alu_ri(struct code *code, uint8_t size, uint8_t extension, uint32_t rm, int32_t imm);
void asm_alu_mi(struct code *code, uint8_t size, uint8_t extension, struct mem mem, int32_t imm);
void asm_alu_rr(struct code *code, uint8_t size, uint8_t extension, uint32_t to, uint32_t from);
void asm_alu_rm(struct code *code, uint8_t size, uint8_t extension, uint32_t to, struct mem from);
void asm_shift_ri(struct code *code, uint8_t size, uint8_t extension, uint32_t rm, uint8_t count);
void asm_lea(struct code *code, uint8_t size, uint32_t to, struct mem mem);

/* Jumps answer where their 32-bit displacement is. */
uint32_t asm_jcc(struct code *code, uint8_t cc);
uint32_t asm_jmp(struct code *code);
uint32_t asm_call(struct code *code);
void asm_jcc_short(struct code *code, uint8_t cc, int8_t disp);
void asm_jmp_short(struct code *code, int8_t disp);
/* A forward jump within an instruction's sequence: 8-bit displacement, to be bound. */
uint32_t asm_skip(struct code *code, uint8_t cc);
uint32_t asm_skip_always(struct code *code);
void asm_bind(struct code *code, uint32_t skip);
/* Makes the displacement at `place` lead to `target`. */
void asm_patch(struct code *code, uint32_t place, uint32_t target);

/* Vector instructions: legacy form, and VEX with a third register. `encoding`: see sse.h. */
void asm_sse_rr(struct code *code, uint16_t encoding, uint32_t reg, uint32_t rm);
void asm_sse_rm(struct code *code, uint16_t encoding, uint32_t reg, struct mem mem);
void asm_vex_rr(struct code *code, uint16_t encoding, uint32_t reg, uint32_t second, uint32_t rm);
void asm_vex_rm(struct code *code, uint16_t encoding, uint32_t reg, uint32_t second,
                struct mem mem);
enum { VEX_NONE = 0 }; /* second register of a form without */
