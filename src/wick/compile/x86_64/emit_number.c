/* SPDX-License-Identifier: Apache-2.0 */
/* Integers, comparisons and selections. */
#include "wick/compile/x86_64/emit.h"

#include "wick/heap.h"

#include <stddef.h>

/* ---- Two operands -----------------------------------------------------------------------------
 */

static const uint8_t alu_numbers[] = {
    [M_ADD - M_ADD] = 0, [M_OR - M_ADD] = 1,  [M_AND - M_ADD] = 4,
    [M_SUB - M_ADD] = 5, [M_XOR - M_ADD] = 6, [M_CMP - M_ADD] = 7,
};

static void mov(struct emit *e, uint8_t size, uint32_t to, uint32_t from)
{
    if (to != from)
        asm_mov_rr(&e->code, size, to, from);
}

static void alu_immediate(struct emit *e, const struct machine_ins *ins)
{
    int32_t imm = (int32_t)ins->imm;
    if (ins->op == M_ADD && ins->dst != ins->src[0]) {
        asm_lea(&e->code, ins->size, ins->dst, mem_at(ins->src[0], imm));
        return;
    }
    mov(e, ins->size, ins->dst, ins->src[0]);
    asm_alu_ri(&e->code, ins->size, alu_numbers[ins->op - M_ADD], ins->dst, imm);
}

static void alu_memory(struct emit *e, const struct machine_ins *ins, struct mem mem)
{
    uint8_t number = alu_numbers[ins->op - M_ADD];
    if (ins->dst == ins->src[0]) {
        asm_alu_rm(&e->code, ins->size, number, ins->dst, mem);
    } else if (ins->op != M_SUB) { /* commutes */
        asm_mov_rm(&e->code, ins->size, ins->dst, mem);
        asm_alu_rr(&e->code, ins->size, number, ins->dst, ins->src[0]);
    } else {
        asm_mov_rm(&e->code, ins->size, REG_SCRATCH, mem);
        mov(e, ins->size, ins->dst, ins->src[0]);
        asm_alu_rr(&e->code, ins->size, number, ins->dst, REG_SCRATCH);
    }
}

static void alu_registers(struct emit *e, const struct machine_ins *ins)
{
    uint8_t number = alu_numbers[ins->op - M_ADD];
    uint32_t dst = ins->dst, a = ins->src[0], b = ins->src[1];
    if (dst == a) {
        asm_alu_rr(&e->code, ins->size, number, dst, b);
    } else if (dst == b && ins->op == M_SUB) {
        asm_ri(&e->code, ins->size, 0xF7, 3, dst); /* a - b = -b + a */
        asm_alu_rr(&e->code, ins->size, 0, dst, a);
    } else if (dst == b) {
        asm_alu_rr(&e->code, ins->size, number, dst, a);
    } else if (ins->op == M_ADD) {
        asm_lea(&e->code, ins->size, dst, mem_indexed(a, b, 0, 0));
    } else {
        mov(e, ins->size, dst, a);
        asm_alu_rr(&e->code, ins->size, number, dst, b);
    }
}

static void emit_alu(struct emit *e, const struct machine_ins *ins)
{
    struct mem mem;
    bool lea = ins->op == M_ADD && ins->dst != ins->src[0] && ins->dst != ins->src[1];
    if (ins->immediate)
        alu_immediate(e, ins);
    else if (last_mem(e, ins, 1, &mem))
        alu_memory(e, ins, mem);
    else
        alu_registers(e, ins);
    e->flags_of = lea ? NULL : ins;
}

static void emit_update(struct emit *e, const struct machine_ins *ins)
{
    uint8_t number = alu_numbers[ins->imm8 - M_ADD];
    struct mem mem = access_mem(e, ins);
    if (ins->immediate)
        asm_alu_mi(&e->code, ins->size, number, mem, (int32_t)ins->imm);
    else
        asm_rm(&e->code, ins->size, (uint32_t)number << 3 | 1, ins->src[0], mem);
}

static void emit_cmp(struct emit *e, const struct machine_ins *ins)
{
    struct mem mem;
    if (ins->immediate && ins->imm == 0)
        asm_rr(&e->code, ins->size, 0x85, ins->src[0], ins->src[0]);
    else if (ins->immediate)
        asm_alu_ri(&e->code, ins->size, 7, ins->src[0], (int32_t)ins->imm);
    else if (last_mem(e, ins, 1, &mem))
        asm_alu_rm(&e->code, ins->size, 7, ins->src[0], mem);
    else
        asm_alu_rr(&e->code, ins->size, 7, ins->src[0], ins->src[1]);
}

/* Whether the instruction right before has left the zero flag as testing its result would. */
static bool flags_are_set(const struct emit *e, const struct machine_ins *ins)
{
    const struct machine_ins *last = ins - 1;
    return e->flags_of == last && last->dst == ins->src[0] && last->size == ins->size;
}

static void emit_test(struct emit *e, const struct machine_ins *ins)
{
    if (!ins->immediate && ins->src[0] == ins->src[1] && flags_are_set(e, ins))
        return;
    if (!ins->immediate) {
        asm_rr(&e->code, ins->size, 0x85, ins->src[1], ins->src[0]);
        return;
    }
    if (ins->imm <= 0x7f) {
        asm_ri(&e->code, 1, 0xF6 | OP_BYTE, 0, ins->src[0]);
        code_byte(&e->code, (uint8_t)ins->imm);
        return;
    }
    asm_ri(&e->code, ins->size, 0xF7, 0, ins->src[0]);
    code_u32(&e->code, (uint32_t)ins->imm);
}

static void emit_imul(struct emit *e, const struct machine_ins *ins)
{
    uint32_t imul = 0xAF | OP_0F;
    struct mem mem;
    if (ins->immediate) {
        int32_t imm = (int32_t)ins->imm;
        bool byte = imm >= -128 && imm < 128;
        asm_rr(&e->code, ins->size, byte ? 0x6B : 0x69, ins->dst, ins->src[0]);
        if (byte)
            code_byte(&e->code, (uint8_t)imm);
        else
            code_u32(&e->code, (uint32_t)imm);
    } else if (last_mem(e, ins, 1, &mem)) {
        if (ins->dst == ins->src[0]) {
            asm_rm(&e->code, ins->size, imul, ins->dst, mem);
        } else {
            asm_mov_rm(&e->code, ins->size, ins->dst, mem);
            asm_rr(&e->code, ins->size, imul, ins->dst, ins->src[0]);
        }
    } else if (ins->dst == ins->src[1]) {
        asm_rr(&e->code, ins->size, imul, ins->dst, ins->src[0]);
    } else {
        mov(e, ins->size, ins->dst, ins->src[0]);
        asm_rr(&e->code, ins->size, imul, ins->dst, ins->src[1]);
    }
}

static void emit_mulhi(struct emit *e, const struct machine_ins *ins)
{
    mov(e, 8, RAX, ins->src[0]);
    asm_ri(&e->code, 8, 0xF7, ins->is_signed ? 5 : 4, ins->src[1]);
    mov(e, 8, ins->dst, RDX);
}

/* ---- Division ---------------------------------------------------------------------------------
 */

/* A divisor of -1 would fault where the quotient overflows: it negates, or leaves no rest. */
static uint32_t divide_by_minus_one(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    asm_alu_ri(code, ins->size, 7, ins->src[1], -1);
    uint32_t other = asm_skip(code, CC_NE);
    if (ins->access) {
        asm_alu_rr(code, 4, 6, RDX, RDX);
    } else {
        asm_ri(code, ins->size, 0xF7, 3, RAX);
        trap_if(e, CC_O, WICK_TRAP_OVERFLOW);
    }
    uint32_t done = asm_skip_always(code);
    asm_bind(code, other);
    return done;
}

static void emit_div(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    mov(e, ins->size, RAX, ins->src[0]);
    uint32_t done = ins->imm ? divide_by_minus_one(e, ins) : 0;
    if (ins->is_signed) {
        if (ins->size == 8)
            code_byte(code, 0x48);
        code_byte(code, 0x99); /* cdq, cqo */
    } else {
        asm_alu_rr(code, 4, 6, RDX, RDX);
    }
    asm_ri(code, ins->size, 0xF7, ins->is_signed ? 7 : 6, ins->src[1]);
    if (done)
        asm_bind(code, done);
    mov(e, ins->size, ins->dst, ins->access ? RDX : RAX);
}

/* ---- One operand ------------------------------------------------------------------------------
 */

/* Numbers of the shift group. */
static uint8_t shift_number(uint8_t op)
{
    static const uint8_t numbers[] = {4, 5, 7, 0, 1}; /* SHL SHR SAR ROL ROR */
    return numbers[op - M_SHL];
}

static void shift_by_immediate(struct emit *e, const struct machine_ins *ins)
{
    uint8_t count = (uint8_t)ins->imm, bits = ins->size == 8 ? 64 : 32;
    bool rotate = ins->op == M_ROL || ins->op == M_ROR;
    if (rotate && ins->dst != ins->src[0] && e->graph->options->cpu.bmi) {
        uint16_t rorx = 0xF0 | PREFIX_F2 | MAP_0F3A;
        asm_vex_rr(&e->code, (uint16_t)(rorx | (ins->size == 8 ? WIDE : 0)), ins->dst, VEX_NONE,
                   ins->src[0]);
        code_byte(&e->code, ins->op == M_ROR ? count : (uint8_t)(bits - count));
        return;
    }
    if (ins->op == M_SHL && count <= 3 && ins->dst != ins->src[0]) {
        struct mem mem = mem_indexed(NO_OPERAND, ins->src[0], count, 0);
        if (count == 1)
            mem = mem_indexed(ins->src[0], ins->src[0], 0, 0);
        asm_lea(&e->code, ins->size, ins->dst, mem);
        return;
    }
    mov(e, ins->size, ins->dst, ins->src[0]);
    asm_shift_ri(&e->code, ins->size, shift_number(ins->op), ins->dst, count);
}

/* SHLX, SHRX, SARX: three operands, no flags, any register. */
static void shift_bmi(struct emit *e, const struct machine_ins *ins)
{
    static const uint16_t prefixes[] = {PREFIX_66, PREFIX_F2, PREFIX_F3}; /* SHL SHR SAR */
    uint16_t encoding = (uint16_t)(0xF7 | MAP_0F38 | prefixes[ins->op - M_SHL]);
    asm_vex_rr(&e->code, (uint16_t)(encoding | (ins->size == 8 ? WIDE : 0)), ins->dst, ins->src[1],
               ins->src[0]);
}

/* The count must be in CL, which is this instruction's to overwrite. */
static void shift_by_cl(struct emit *e, const struct machine_ins *ins)
{
    uint32_t target = ins->dst == RCX ? (uint32_t)REG_SCRATCH : ins->dst;
    if (target == ins->src[1] && target != RCX) {
        asm_mov_rr(&e->code, 8, RCX, ins->src[1]);
        mov(e, ins->size, target, ins->src[0]);
    } else {
        mov(e, 8, RCX, ins->src[1]);
        mov(e, ins->size, target, ins->src[0]);
    }
    asm_ri(&e->code, ins->size, 0xD3, shift_number(ins->op), target);
    mov(e, ins->size, ins->dst, target);
}

static void emit_shift(struct emit *e, const struct machine_ins *ins)
{
    if (ins->immediate)
        shift_by_immediate(e, ins);
    else if (ins->op <= M_SAR && e->graph->options->cpu.bmi)
        shift_bmi(e, ins);
    else
        shift_by_cl(e, ins);
}

static void emit_count(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    uint32_t dst = ins->dst, src = ins->src[0];
    uint8_t bits = ins->size == 8 ? 64 : 32;
    if (ins->op == M_POPCNT) {
        asm_alu_rr(code, 4, 6, REG_SCRATCH, REG_SCRATCH);
        asm_rr(code, ins->size, 0xB8 | OP_0F | OP_F3, dst, src);
    } else if (e->graph->options->cpu.bmi) {
        asm_rr(code, ins->size, (ins->op == M_CLZ ? 0xBD : 0xBC) | OP_0F | OP_F3, dst, src);
    } else if (ins->op == M_CLZ) {
        asm_mov_ri(code, REG_SCRATCH, 2u * bits - 1);
        asm_rr(code, ins->size, 0xBD | OP_0F, dst, src); /* BSR */
        asm_rr(code, ins->size, 0x44 | OP_0F, dst, REG_SCRATCH);
        asm_alu_ri(code, ins->size, 6, dst, bits - 1);
    } else {
        asm_mov_ri(code, REG_SCRATCH, bits);
        asm_rr(code, ins->size, 0xBC | OP_0F, dst, src); /* BSF */
        asm_rr(code, ins->size, 0x44 | OP_0F, dst, REG_SCRATCH);
    }
}

static void emit_extend(struct emit *e, const struct machine_ins *ins)
{
    static const uint32_t opcodes[2][5] = {
        {0, 0xB6 | OP_0F | OP_BYTE, 0xB7 | OP_0F, 0, 0},
        {0, 0xBE | OP_0F | OP_BYTE, 0xBF | OP_0F, 0, 0x63},
    };
    asm_rr(&e->code, ins->is_signed ? ins->size : 4, opcodes[ins->is_signed][ins->access], ins->dst,
           ins->src[0]);
}

static void emit_lea(struct emit *e, const struct machine_ins *ins)
{
    asm_lea(&e->code, ins->size, ins->dst,
            mem_indexed(ins->base, ins->index, ins->scale, ins->disp));
}

static void emit_not_neg(struct emit *e, const struct machine_ins *ins)
{
    mov(e, ins->size, ins->dst, ins->src[0]);
    asm_ri(&e->code, ins->size, 0xF7, ins->op == M_NOT ? 2 : 3, ins->dst);
}

/* ---- Conditions -------------------------------------------------------------------------------
 */

static void setcc(struct emit *e, uint8_t cc, uint32_t reg)
{
    asm_rr(&e->code, 1, (0x90u | cc) | OP_0F | OP_BYTE, 0, reg);
}

static void emit_setcc(struct emit *e, const struct machine_ins *ins)
{
    if (ins->cc >= CC_FEQ) {
        bool equal = ins->cc == CC_FEQ;
        setcc(e, equal ? CC_NP : CC_P, REG_SCRATCH);
        setcc(e, equal ? CC_E : CC_NE, ins->dst);
        asm_alu_rr(&e->code, 4, equal ? 4 : 1, ins->dst, REG_SCRATCH);
    } else {
        setcc(e, ins->cc, ins->dst);
    }
    asm_rr(&e->code, 4, 0xB6 | OP_0F | OP_BYTE, ins->dst, ins->dst);
}

/* Null, what is no object, and objects by their types; see heap.h and struct deftype. */
static void emit_ref_test(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    uint32_t id = (uint32_t)ins->imm & HEAP_ID_MASK, no[2] = {0, 0};
    uint8_t depth = (uint8_t)(ins->imm >> REF_TEST_DEPTH);
    asm_rr(code, 8, 0x85, ins->src[0], ins->src[0]);
    uint32_t null = asm_skip(code, CC_E);
    asm_ri(code, 1, 0xF6 | OP_BYTE, 0, ins->src[0]);
    code_byte(code, REF_TAG_MASK);
    no[0] = asm_skip(code, CC_NE);
    asm_mov_rm(code, 8, REG_SCRATCH, mem_at(ins->src[0], offsetof(struct heap_object, type)));
    if (depth >= TYPE_DISPLAY_MIN) {
        asm_mi(code, 1, 0x80, 7, mem_at(REG_SCRATCH, offsetof(struct deftype, depth)));
        code_byte(code, depth);
        no[1] = asm_skip(code, CC_B);
    }
    asm_mov_rm(code, 8, REG_SCRATCH, mem_at(REG_SCRATCH, offsetof(struct deftype, display)));
    asm_mi(code, 4, 0x81, 7, mem_at(REG_SCRATCH, 4 * depth));
    code_u32(code, id);
    setcc(e, CC_E, ins->dst);
    asm_rr(code, 4, 0xB6 | OP_0F | OP_BYTE, ins->dst, ins->dst);
    uint32_t tested = asm_skip_always(code);
    asm_bind(code, null);
    asm_mov_ri(code, ins->dst, (ins->imm & REF_TEST_NULL) != 0);
    uint32_t done = asm_skip_always(code);
    asm_bind(code, no[0]);
    if (no[1])
        asm_bind(code, no[1]);
    asm_mov_ri(code, ins->dst, 0);
    asm_bind(code, tested);
    asm_bind(code, done);
}

static void cmov(struct emit *e, uint8_t size, uint8_t cc, uint32_t to, uint32_t from)
{
    asm_rr(&e->code, size, (0x40u | cc) | OP_0F, to, from);
}

static void emit_cmov(struct emit *e, const struct machine_ins *ins)
{
    uint32_t no = ins->src[0], yes = ins->src[1];
    if (ins->cc >= CC_FEQ) {
        bool equal = ins->cc == CC_FEQ; /* else "not equal": exchanged */
        asm_mov_rr(&e->code, ins->size, REG_SCRATCH, equal ? yes : no);
        cmov(e, ins->size, CC_NE, REG_SCRATCH, equal ? no : yes);
        cmov(e, ins->size, CC_P, REG_SCRATCH, equal ? no : yes);
        asm_mov_rr(&e->code, ins->size, ins->dst, REG_SCRATCH);
    } else if (ins->dst == yes) {
        cmov(e, ins->size, cc_opposite(ins->cc), ins->dst, no);
    } else {
        mov(e, ins->size, ins->dst, no);
        cmov(e, ins->size, ins->cc, ins->dst, yes);
    }
}

void emit_number(struct emit *e, const struct machine_ins *ins)
{
    switch ((enum machine_op)ins->op) {
    case M_LEA:
        emit_lea(e, ins);
        break;
    case M_UPDATE:
        emit_update(e, ins);
        break;
    case M_CMP:
        emit_cmp(e, ins);
        break;
    case M_TEST:
        emit_test(e, ins);
        break;
    case M_IMUL:
        emit_imul(e, ins);
        break;
    case M_MULHI:
        emit_mulhi(e, ins);
        break;
    case M_NEG:
    case M_NOT:
        emit_not_neg(e, ins);
        break;
    case M_SHL:
    case M_SHR:
    case M_SAR:
    case M_ROL:
    case M_ROR:
        emit_shift(e, ins);
        break;
    case M_DIV:
        emit_div(e, ins);
        break;
    case M_CLZ:
    case M_CTZ:
    case M_POPCNT:
        emit_count(e, ins);
        break;
    case M_EXTEND:
        emit_extend(e, ins);
        break;
    case M_SETCC:
        emit_setcc(e, ins);
        break;
    case M_REF_TEST:
        emit_ref_test(e, ins);
        break;
    case M_CMOV:
        emit_cmov(e, ins);
        break;
    default:
        emit_alu(e, ins);
    }
}
