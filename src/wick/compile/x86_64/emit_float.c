/* SPDX-License-Identifier: Apache-2.0 */
/* Floats, conversions, and moves of vector registers. */
#include "wick/compile/x86_64/emit.h"

#include <string.h>

/* ---- Constants --------------------------------------------------------------------------------
 */

static uint64_t float_bits(uint8_t size, double value)
{
    uint64_t bits = 0;
    float narrow = (float)value;
    if (size == 4)
        memcpy(&bits, &narrow, 4);
    else
        memcpy(&bits, &value, 8);
    return bits;
}

static void ucomis_const(struct emit *e, uint8_t size, uint32_t a, double value)
{
    uint64_t bits = float_bits(size, value);
    uint32_t number = add_const(e, &bits, size);
    uint16_t encoding = (uint16_t)SSE_PACKED(0x2E, size);
    if (e->avx)
        asm_vex_rm(&e->code, encoding, a, VEX_NONE, mem_rip());
    else
        asm_sse_rm(&e->code, encoding, a, mem_rip());
    const_operand(e, number);
}

static void sub_const(struct emit *e, uint8_t size, uint32_t dst, uint32_t a, double value)
{
    uint64_t bits = float_bits(size, value);
    uint32_t number = add_const(e, &bits, size);
    sse_op_mem(e, (uint16_t)SSE_SCALAR(SSE_SUB, size), dst, a, mem_rip());
    const_operand(e, number);
}

/* ---- Arithmetic -------------------------------------------------------------------------------
 */

static void emit_sse(struct emit *e, const struct machine_ins *ins)
{
    struct mem mem;
    if (ins->bytes) {
        uint32_t number = add_const(e, ins->bytes, ins->size);
        sse_op_mem(e, ins->vex, ins->dst, ins->src[0], mem_rip());
        const_operand(e, number);
    } else if (last_mem(e, ins, 1, &mem))
        sse_op_mem(e, ins->vex, ins->dst, ins->src[0], mem);
    else
        sse_op(e, ins->vex, ins->dst, ins->src[0], ins->src[1]);
    if (ins->has_imm8)
        code_byte(&e->code, ins->imm8);
}

/* PEXTR has its result where others have their source. */
static bool names_source_first(uint16_t encoding)
{
    return SSE_MAP(encoding) == 3 && SSE_OPCODE(encoding) >= 0x14 && SSE_OPCODE(encoding) <= 0x16;
}

static void emit_sse_shift(struct emit *e, const struct machine_ins *ins)
{
    uint32_t extension = (uint32_t)ins->imm;
    if (e->avx) {
        asm_vex_rr(&e->code, ins->vex, extension, ins->dst, ins->src[0]);
    } else {
        sse_move(e, ins->dst, ins->src[0]);
        asm_sse_rr(&e->code, ins->vex, extension, ins->dst);
    }
    code_byte(&e->code, ins->imm8);
}

static void emit_sse_unary(struct emit *e, const struct machine_ins *ins)
{
    struct mem mem;
    if (last_mem(e, ins, 0, &mem))
        sse_unary_mem(e, ins->vex, ins->dst, mem);
    else if (names_source_first(ins->vex))
        sse_unary(e, ins->vex, ins->src[0], ins->dst);
    else
        sse_unary(e, ins->vex, ins->dst, ins->src[0]);
    if (ins->has_imm8)
        code_byte(&e->code, ins->imm8);
}

static void emit_ucomis(struct emit *e, const struct machine_ins *ins)
{
    uint16_t encoding = ins->vex ? ins->vex : (uint16_t)SSE_PACKED(0x2E, ins->size);
    struct mem mem;
    if (!last_mem(e, ins, 1, &mem))
        sse_unary(e, encoding, ins->src[0], ins->src[1]);
    else if (e->avx)
        asm_vex_rm(&e->code, encoding, ins->src[0], VEX_NONE, mem);
    else
        asm_sse_rm(&e->code, encoding, ins->src[0], mem);
}

/* Equal operands may be zeros of both signs; a NaN comes through addition. */
static void emit_min_max(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    bool min = ins->op == M_FMIN;
    uint32_t dst = ins->dst, b = ins->src[1];
    sse_move(e, dst, ins->src[0]);
    sse_ucomis(e, ins->size, dst, b);
    uint32_t nan = asm_skip(code, CC_P), differ = asm_skip(code, CC_NE);
    sse_op(e, (uint16_t)SSE_PACKED(min ? SSE_OR : SSE_AND, ins->size), dst, dst, b);
    uint32_t equal = asm_skip_always(code);
    asm_bind(code, differ);
    sse_op(e, (uint16_t)SSE_SCALAR(min ? SSE_MIN : SSE_MAX, ins->size), dst, dst, b);
    uint32_t done = asm_skip_always(code);
    asm_bind(code, nan);
    sse_op(e, (uint16_t)SSE_SCALAR(SSE_ADD, ins->size), dst, dst, b);
    asm_bind(code, equal);
    asm_bind(code, done);
}

static void emit_select(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    sse_move(e, ins->dst, ins->src[0]);
    if (ins->cc == CC_FEQ) {
        uint32_t nan = asm_skip(code, CC_P), differ = asm_skip(code, CC_NE);
        sse_move(e, ins->dst, ins->src[1]);
        asm_bind(code, nan);
        asm_bind(code, differ);
    } else if (ins->cc == CC_FNE) {
        uint32_t nan = asm_skip(code, CC_P), equal = asm_skip(code, CC_E);
        asm_bind(code, nan);
        sse_move(e, ins->dst, ins->src[1]);
        asm_bind(code, equal);
    } else {
        uint32_t no = asm_skip(code, cc_opposite(ins->cc));
        sse_move(e, ins->dst, ins->src[1]);
        asm_bind(code, no);
    }
}

/* ---- To floats --------------------------------------------------------------------------------
 */

static void cvt_to_float(struct emit *e, uint8_t size, uint8_t access, uint32_t dst, uint32_t src)
{
    uint16_t encoding = (uint16_t)(SSE_SCALAR(0x2A, size) | (access == 8 ? WIDE : 0));
    sse_zero(e, dst); /* else it would wait for the old value */
    if (e->avx)
        asm_vex_rr(&e->code, encoding, dst, dst, src);
    else
        asm_sse_rr(&e->code, encoding, dst, src);
}

/* From 2^63 on: half of it, with the lost bit kept for rounding, and doubled. */
static void emit_cvt_u64(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    uint32_t src = ins->src[0];
    asm_rr(code, 8, 0x85, src, src);
    uint32_t big = asm_skip(code, CC_S);
    cvt_to_float(e, ins->size, 8, ins->dst, src);
    uint32_t done = asm_skip_always(code);
    asm_bind(code, big);
    asm_mov_rr(code, 8, ins->tmp, src);
    asm_shift_ri(code, 8, 5, ins->tmp, 1);
    asm_mov_rr(code, 4, REG_SCRATCH, src);
    asm_alu_ri(code, 4, 4, REG_SCRATCH, 1);
    asm_alu_rr(code, 8, 1, ins->tmp, REG_SCRATCH);
    cvt_to_float(e, ins->size, 8, ins->dst, ins->tmp);
    sse_op(e, (uint16_t)SSE_SCALAR(SSE_ADD, ins->size), ins->dst, ins->dst, ins->dst);
    asm_bind(code, done);
}

/* ---- To integers ------------------------------------------------------------------------------
 */

static void cvtt(struct emit *e, uint8_t access, uint32_t dst, uint32_t src)
{
    uint16_t encoding = (uint16_t)(SSE_SCALAR(0x2C, access) | WIDE);
    if (e->avx)
        asm_vex_rr(&e->code, encoding, dst, VEX_NONE, src);
    else
        asm_sse_rr(&e->code, encoding, dst, src);
}

static void conversion_trap(struct emit *e, const struct machine_ins *ins, uint8_t cc)
{
    add_cold(e, (struct cold){.kind = COLD_CONVERSION,
                              .size = ins->access,
                              .reg = ins->src[0],
                              .jump = asm_jcc(&e->code, cc)});
}

/* Flags: equal if the 64-bit result fits 32 bits. */
static void compare_narrow(struct emit *e, const struct machine_ins *ins)
{
    asm_rr(&e->code, ins->is_signed ? 8 : 4, ins->is_signed ? 0x63 : 0x8B, REG_SCRATCH, ins->dst);
    asm_alu_rr(&e->code, 8, 7, REG_SCRATCH, ins->dst);
}

static void trunc_i32(struct emit *e, const struct machine_ins *ins)
{
    cvtt(e, ins->access, ins->dst, ins->src[0]);
    compare_narrow(e, ins);
    conversion_trap(e, ins, CC_NE);
    asm_mov_rr(&e->code, 4, ins->dst, ins->dst);
}

/* INT64_MIN stands for what cannot be converted, and for -2^63. */
static void trunc_i64(struct emit *e, const struct machine_ins *ins)
{
    cvtt(e, ins->access, ins->dst, ins->src[0]);
    asm_alu_ri(&e->code, 8, 7, ins->dst, 1);
    uint32_t done = asm_skip(&e->code, CC_NO);
    ucomis_const(e, ins->access, ins->src[0], -9223372036854775808.0);
    conversion_trap(e, ins, CC_P);
    conversion_trap(e, ins, CC_NE);
    asm_bind(&e->code, done);
}

static void flip_sign(struct emit *e, uint32_t reg)
{
    asm_mov_ri(&e->code, REG_SCRATCH, (uint64_t)1 << 63);
    asm_alu_rr(&e->code, 8, 6, reg, REG_SCRATCH);
}

/* From 2^63 on what is above it is converted. Either way a negative number means out of range. */
static void trunc_u64(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    ucomis_const(e, ins->access, ins->src[0], 9223372036854775808.0);
    uint32_t big = asm_skip(code, CC_AE);
    cvtt(e, ins->access, ins->dst, ins->src[0]);
    asm_rr(code, 8, 0x85, ins->dst, ins->dst);
    conversion_trap(e, ins, CC_S);
    uint32_t done = asm_skip_always(code);
    asm_bind(code, big);
    sub_const(e, ins->access, ins->tmp, ins->src[0], 9223372036854775808.0);
    cvtt(e, ins->access, ins->dst, ins->tmp);
    asm_rr(code, 8, 0x85, ins->dst, ins->dst);
    conversion_trap(e, ins, CC_S);
    flip_sign(e, ins->dst);
    asm_bind(code, done);
}

/* Behind a failed conversion: the limit that the number's sign tells, 0 for NaN. */
static void saturate(struct emit *e, const struct machine_ins *ins, uint64_t most, uint64_t least)
{
    struct code *code = &e->code;
    sse_zero(e, ins->tmp);
    sse_ucomis(e, ins->access, ins->src[0], ins->tmp);
    asm_mov_ri(code, ins->dst, most);
    uint32_t above = asm_skip(code, CC_A);
    asm_mov_ri(code, ins->dst, 0);
    uint32_t nan = asm_skip(code, CC_P);
    asm_mov_ri(code, ins->dst, least);
    asm_bind(code, above);
    asm_bind(code, nan);
}

static void trunc_sat_i32(struct emit *e, const struct machine_ins *ins)
{
    cvtt(e, ins->access, ins->dst, ins->src[0]);
    compare_narrow(e, ins);
    uint32_t fits = asm_skip(&e->code, CC_E);
    saturate(e, ins, ins->is_signed ? INT32_MAX : UINT32_MAX,
             ins->is_signed ? (uint32_t)INT32_MIN : 0);
    asm_bind(&e->code, fits);
    asm_mov_rr(&e->code, 4, ins->dst, ins->dst);
}

static void trunc_sat_i64(struct emit *e, const struct machine_ins *ins)
{
    cvtt(e, ins->access, ins->dst, ins->src[0]);
    asm_alu_ri(&e->code, 8, 7, ins->dst, 1);
    uint32_t fits = asm_skip(&e->code, CC_NO);
    saturate(e, ins, INT64_MAX, (uint64_t)INT64_MIN);
    asm_bind(&e->code, fits);
}

static void trunc_sat_u64(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    ucomis_const(e, ins->access, ins->src[0], 9223372036854775808.0);
    uint32_t big = asm_skip(code, CC_AE);
    cvtt(e, ins->access, ins->dst, ins->src[0]);
    asm_rr(code, 8, 0x85, ins->dst, ins->dst);
    uint32_t fits = asm_skip(code, CC_NS);
    asm_mov_ri(code, ins->dst, 0);
    uint32_t negative = asm_skip_always(code);
    asm_bind(code, big);
    sub_const(e, ins->access, ins->tmp, ins->src[0], 9223372036854775808.0);
    cvtt(e, ins->access, ins->dst, ins->tmp);
    flip_sign(e, ins->dst);
    asm_rr(code, 8, 0x85, ins->dst, ins->dst);
    uint32_t done = asm_skip(code, CC_S);
    asm_mov_ri(code, ins->dst, UINT64_MAX);
    asm_bind(code, done);
    asm_bind(code, negative);
    asm_bind(code, fits);
}

static void emit_trunc(struct emit *e, const struct machine_ins *ins)
{
    bool saturating = ins->op == M_TRUNC_SAT;
    if (ins->size == 4)
        (saturating ? trunc_sat_i32 : trunc_i32)(e, ins);
    else if (ins->is_signed)
        (saturating ? trunc_sat_i64 : trunc_i64)(e, ins);
    else
        (saturating ? trunc_sat_u64 : trunc_u64)(e, ins);
}

/* ---- All of them ------------------------------------------------------------------------------
 */

static void emit_move_class(struct emit *e, const struct machine_ins *ins)
{
    if (reg_is_vector(ins->dst))
        move_to_vector(e, ins->size, ins->dst, ins->src[0]);
    else
        move_to_general(e, ins->size, ins->dst, ins->src[0]);
}

void emit_float(struct emit *e, const struct machine_ins *ins)
{
    switch ((enum machine_op)ins->op) {
    case M_FMOV:
        emit_move(e, ins->dst, ins->src[0], ins->size);
        break;
    case M_FCONST:
        load_const(e, ins->size, ins->dst, &ins->imm);
        break;
    case M_VCONST:
        load_const(e, 16, ins->dst, ins->bytes);
        break;
    case M_FLOAD:
        sse_load(e, ins->access, ins->dst, access_mem(e, ins));
        break;
    case M_FSTORE:
        sse_store(e, ins->access, access_mem(e, ins), ins->src[0]);
        break;
    case M_FSELECT:
        emit_select(e, ins);
        break;
    case M_SSE:
        emit_sse(e, ins);
        break;
    case M_SSE_SHIFT:
        emit_sse_shift(e, ins);
        break;
    case M_SSE_UNARY:
        emit_sse_unary(e, ins);
        break;
    case M_UCOMIS:
        emit_ucomis(e, ins);
        break;
    case M_CVT_TO_FLOAT:
        cvt_to_float(e, ins->size, ins->access, ins->dst, ins->src[0]);
        break;
    case M_CVT_U64:
        emit_cvt_u64(e, ins);
        break;
    case M_TRUNC:
    case M_TRUNC_SAT:
        emit_trunc(e, ins);
        break;
    case M_MOVE_CLASS:
        emit_move_class(e, ins);
        break;
    default:
        emit_min_max(e, ins);
    }
}
