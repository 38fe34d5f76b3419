/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic accesses, all sequentially consistent: plain loads, XCHG for stores, locked instructions
 * for the rest. An address outside of the memory traps before one that is not aligned does, so each
 * begins with a load of what it is about.
 */
#include "wick/atomic.h"
#include "wick/compile/x86_64/emit.h"

static void zero_extend(struct emit *e, uint8_t access, uint32_t to, uint32_t from)
{
    uint32_t opcode = access == 1 ? 0xB6 | OP_0F | OP_BYTE : 0xB7 | OP_0F;
    if (access >= 4)
        asm_mov_rr(&e->code, access, to, from);
    else
        asm_rr(&e->code, 4, opcode, to, from);
}

static void load(struct emit *e, uint8_t access, uint32_t to, struct mem mem)
{
    uint32_t opcode = access == 1 ? 0xB6 | OP_0F : 0xB7 | OP_0F;
    if (access >= 4)
        asm_mov_rm(&e->code, access, to, mem);
    else
        asm_rm(&e->code, 4, opcode, to, mem);
}

/* An instruction whose opcode has the form for bytes right before that for words. */
static void locked(struct emit *e, uint8_t access, uint32_t opcode, uint32_t reg, struct mem mem)
{
    code_byte(&e->code, 0xF0);
    if (access == 1)
        opcode = (opcode - 1) | OP_BYTE;
    else if (access == 2)
        opcode |= OP_66;
    asm_rm(&e->code, access == 8 ? 8 : 4, opcode, reg, mem);
}

static void check_alignment(struct emit *e, uint8_t access, struct mem mem)
{
    if (access == 1)
        return;
    asm_lea(&e->code, 8, REG_SCRATCH, mem);
    asm_ri(&e->code, 1, 0xF6 | OP_BYTE, 0, REG_SCRATCH);
    code_byte(&e->code, (uint8_t)(access - 1));
    trap_if(e, CC_NE, WICK_TRAP_UNALIGNED);
}

/* Reads, computes and tries until nobody else wrote in between. */
static void update(struct emit *e, const struct machine_ins *ins, struct mem mem)
{
    static const uint8_t numbers[] = {[ATOMIC_AND] = 4, [ATOMIC_OR] = 1, [ATOMIC_XOR] = 6};
    struct code *code = &e->code;
    load(e, ins->access, RAX, mem);
    uint32_t again = code->size;
    asm_mov_rr(code, 8, REG_SCRATCH, RAX);
    asm_alu_rr(code, 8, numbers[ins->imm8], REG_SCRATCH, ins->src[0]);
    locked(e, ins->access, 0xB1 | OP_0F, REG_SCRATCH, mem); /* CMPXCHG */
    asm_patch(code, asm_jcc(code, CC_NE), again);
    zero_extend(e, ins->access, ins->dst, RAX);
}

void emit_atomic(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    struct mem mem = access_mem(e, ins);
    load(e, ins->access, ins->imm8 == ATOMIC_LOAD ? ins->dst : (uint32_t)REG_SCRATCH, mem);
    check_alignment(e, ins->access, mem);
    switch ((enum atomic_operation)ins->imm8) {
    case ATOMIC_LOAD:
        break;
    case ATOMIC_STORE:
    case ATOMIC_XCHG:
    case ATOMIC_ADD:
    case ATOMIC_SUB:
        asm_mov_rr(code, 8, REG_SCRATCH, ins->src[0]);
        if (ins->imm8 == ATOMIC_SUB)
            asm_ri(code, 8, 0xF7, 3, REG_SCRATCH); /* NEG */
        locked(e, ins->access,
               ins->imm8 == ATOMIC_ADD || ins->imm8 == ATOMIC_SUB ? 0xC1 | OP_0F : 0x87,
               REG_SCRATCH, mem); /* XADD, XCHG */
        if (ins->dst != NO_OPERAND)
            zero_extend(e, ins->access, ins->dst, REG_SCRATCH);
        break;
    case ATOMIC_CMPXCHG:
        asm_mov_rr(code, 8, RAX, ins->src[0]);
        locked(e, ins->access, 0xB1 | OP_0F, ins->src[1], mem);
        zero_extend(e, ins->access, ins->dst, RAX);
        break;
    default:
        update(e, ins, mem);
    }
}
