/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector instructions: those with one or a few counterparts in SSE4.2, by tables, and the others by
 * a call of the interpreter's function for them.
 */
#include "wick/compile/lower.h"

#include "wick/compile/helpers.h"

#include <string.h>

/* ---- Building blocks --------------------------------------------------------------------------
 */

static uint32_t fresh(struct lower *l)
{
    return new_reg(l, true, 16);
}

/* The last operand where it is a constant, a load that can be folded, or a register. */
static void set_last_vector(struct lower *l, struct machine_ins *out, uint32_t b)
{
    const struct ins *ins = value_at(l, b);
    if (ins->op == SSA_CONST128 && !out->has_imm8)
        out->bytes = l->graph->vectors[ins->imm].data;
    else if (l->graph->options->cpu.avx && is_folded_load(l, b, 16))
        set_address(l, out, ins);
    else
        out->src[1] = use_reg(l, b);
    if (out->memory)
        out->offset = ins->offset;
}

/* dst = a op b; `imm8` where the encoding has one. */
static void vector_op(struct lower *l, uint16_t encoding, uint32_t dst, uint32_t a, uint32_t b,
                      int imm8)
{
    struct machine_ins out = machine_ins_of(M_SSE, 16);
    out.vex = encoding;
    out.src[0] = a;
    out.src[1] = b;
    out.has_imm8 = imm8 >= 0;
    out.imm8 = (uint8_t)imm8;
    out.dst = dst;
    emit_ins(l, &out);
}

static void vector_unary(struct lower *l, uint16_t encoding, uint32_t dst, uint32_t a, int imm8)
{
    struct machine_ins out = machine_ins_of(M_SSE_UNARY, 16);
    out.vex = encoding;
    out.src[0] = a;
    out.has_imm8 = imm8 >= 0;
    out.imm8 = (uint8_t)imm8;
    out.dst = dst;
    emit_ins(l, &out);
}

static uint32_t to_vector(struct lower *l, uint8_t size, uint32_t general)
{
    struct machine_ins out = machine_ins_of(M_MOVE_CLASS, size);
    out.src[0] = general;
    out.dst = fresh(l);
    emit_ins(l, &out);
    return out.dst;
}

/* A register with these 16 bytes, from two halves. */
static uint32_t vector_number(struct lower *l, uint64_t low, uint64_t high)
{
    struct machine_ins out = machine_ins_of(M_VCONST, 16);
    uint8_t *bytes = arena_alloc(l->machine->arena, 16);
    memcpy(bytes, &low, 8);
    memcpy(bytes + 8, &high, 8);
    out.bytes = bytes;
    out.dst = fresh(l);
    emit_ins(l, &out);
    return out.dst;
}

static uint32_t ones(struct lower *l)
{
    return vector_number(l, UINT64_MAX, UINT64_MAX);
}

/* ---- One for one ------------------------------------------------------------------------------
 */

enum plan_kind {
    PLAN_NONE,
    PLAN_BINARY,
    PLAN_SWAPPED, /* the operands exchanged */
    PLAN_NOT,     /* binary, then all bits inverted */
    PLAN_SWAPPED_NOT,
    PLAN_UNARY,
    PLAN_HIGH,  /* unary on the upper half */
    PLAN_SHIFT, /* by a number of bits */
    PLAN_ALL_TRUE,
    PLAN_BITMASK,
};

struct plan {
    uint8_t kind;
    bool has_imm8;
    uint8_t imm8; /* also bits of a lane, for shifts */
    uint16_t encoding;
};

#define PLACE(opcode)              [OPCODE_##opcode - 0xFD00]
#define BINARY(opcode, encoding)   PLACE(opcode) = {PLAN_BINARY, false, 0, (uint16_t)(encoding)}
#define SWAPPED(opcode, encoding)  PLACE(opcode) = {PLAN_SWAPPED, false, 0, (uint16_t)(encoding)}
#define INVERTED(opcode, encoding) PLACE(opcode) = {PLAN_NOT, false, 0, (uint16_t)(encoding)}
#define SWAPPED_INVERTED(opcode, encoding)                                                         \
    PLACE(opcode) = {PLAN_SWAPPED_NOT, false, 0, (uint16_t)(encoding)}
#define UNARY(opcode, encoding) PLACE(opcode) = {PLAN_UNARY, false, 0, (uint16_t)(encoding)}
#define UNARY_IMM(opcode, encoding, imm8)                                                          \
    PLACE(opcode) = {PLAN_UNARY, true, imm8, (uint16_t)(encoding)}
#define HIGH(opcode, encoding) PLACE(opcode) = {PLAN_HIGH, false, 0, (uint16_t)(encoding)}
#define SHIFT(opcode, encoding, bits)                                                              \
    PLACE(opcode) = {PLAN_SHIFT, false, bits, (uint16_t)(encoding)}
#define COMPARE(opcode, kind, size, imm8)                                                          \
    PLACE(opcode) = {kind, true, imm8, (uint16_t)SSE_PACKED(0xC2, size)}

#define SIGNED_COMPARES(T, eq, gt)                                                                 \
    BINARY(T##_EQ, (eq) | COMMUTES), INVERTED(T##_NE, eq), BINARY(T##_GT_S, gt),                   \
        SWAPPED(T##_LT_S, gt), INVERTED(T##_LE_S, gt), SWAPPED_INVERTED(T##_GE_S, gt)

#define FLOATS(T, size)                                                                            \
    BINARY(T##_ADD, SSE_PACKED(SSE_ADD, size) | COMMUTES),                                         \
        BINARY(T##_SUB, SSE_PACKED(SSE_SUB, size)),                                                \
        BINARY(T##_MUL, SSE_PACKED(SSE_MUL, size) | COMMUTES),                                     \
        BINARY(T##_DIV, SSE_PACKED(SSE_DIV, size)), SWAPPED(T##_PMIN, SSE_PACKED(SSE_MIN, size)),  \
        SWAPPED(T##_PMAX, SSE_PACKED(SSE_MAX, size)), UNARY(T##_SQRT, SSE_PACKED(SSE_SQRT, size)), \
        COMPARE(T##_EQ, PLAN_BINARY, size, 0), COMPARE(T##_LT, PLAN_BINARY, size, 1),              \
        COMPARE(T##_LE, PLAN_BINARY, size, 2), COMPARE(T##_NE, PLAN_BINARY, size, 4),              \
        COMPARE(T##_GT, PLAN_SWAPPED, size, 1), COMPARE(T##_GE, PLAN_SWAPPED, size, 2),            \
        UNARY_IMM(T##_CEIL, SSE_INT3A((size) == 4 ? 0x08 : 0x09), 0x0A),                           \
        UNARY_IMM(T##_FLOOR, SSE_INT3A((size) == 4 ? 0x08 : 0x09), 0x09),                          \
        UNARY_IMM(T##_TRUNC, SSE_INT3A((size) == 4 ? 0x08 : 0x09), 0x0B),                          \
        UNARY_IMM(T##_NEAREST, SSE_INT3A((size) == 4 ? 0x08 : 0x09), 0x08)

static const struct plan plans[0x120] = {
    BINARY(V128_AND, SSE_INT(0xDB) | COMMUTES),
    BINARY(V128_OR, SSE_INT(0xEB) | COMMUTES),
    BINARY(V128_XOR, SSE_INT(0xEF) | COMMUTES),
    SWAPPED(V128_ANDNOT, SSE_INT(0xDF)),
    BINARY(I8X16_ADD, SSE_INT(0xFC) | COMMUTES),
    BINARY(I8X16_SUB, SSE_INT(0xF8)),
    BINARY(I8X16_ADD_SAT_S, SSE_INT(0xEC) | COMMUTES),
    BINARY(I8X16_ADD_SAT_U, SSE_INT(0xDC) | COMMUTES),
    BINARY(I8X16_SUB_SAT_S, SSE_INT(0xE8)),
    BINARY(I8X16_SUB_SAT_U, SSE_INT(0xD8)),
    BINARY(I8X16_MIN_S, SSE_INT38(0x38) | COMMUTES),
    BINARY(I8X16_MIN_U, SSE_INT(0xDA) | COMMUTES),
    BINARY(I8X16_MAX_S, SSE_INT38(0x3C) | COMMUTES),
    BINARY(I8X16_MAX_U, SSE_INT(0xDE) | COMMUTES),
    BINARY(I8X16_AVGR_U, SSE_INT(0xE0) | COMMUTES),
    UNARY(I8X16_ABS, SSE_INT38(0x1C)),
    BINARY(I8X16_NARROW_I16X8_S, SSE_INT(0x63)),
    BINARY(I8X16_NARROW_I16X8_U, SSE_INT(0x67)),
    SIGNED_COMPARES(I8X16, SSE_INT(0x74), SSE_INT(0x64)),
    BINARY(I16X8_ADD, SSE_INT(0xFD) | COMMUTES),
    BINARY(I16X8_SUB, SSE_INT(0xF9)),
    BINARY(I16X8_MUL, SSE_INT(0xD5) | COMMUTES),
    BINARY(I16X8_ADD_SAT_S, SSE_INT(0xED) | COMMUTES),
    BINARY(I16X8_ADD_SAT_U, SSE_INT(0xDD) | COMMUTES),
    BINARY(I16X8_SUB_SAT_S, SSE_INT(0xE9)),
    BINARY(I16X8_SUB_SAT_U, SSE_INT(0xD9)),
    BINARY(I16X8_MIN_S, SSE_INT(0xEA) | COMMUTES),
    BINARY(I16X8_MIN_U, SSE_INT38(0x3A) | COMMUTES),
    BINARY(I16X8_MAX_S, SSE_INT(0xEE) | COMMUTES),
    BINARY(I16X8_MAX_U, SSE_INT38(0x3E) | COMMUTES),
    BINARY(I16X8_AVGR_U, SSE_INT(0xE3) | COMMUTES),
    UNARY(I16X8_ABS, SSE_INT38(0x1D)),
    BINARY(I16X8_NARROW_I32X4_S, SSE_INT(0x6B)),
    BINARY(I16X8_NARROW_I32X4_U, SSE_INT38(0x2B)),
    UNARY(I16X8_EXTEND_LOW_I8X16_S, SSE_INT38(0x20)),
    UNARY(I16X8_EXTEND_LOW_I8X16_U, SSE_INT38(0x30)),
    HIGH(I16X8_EXTEND_HIGH_I8X16_S, SSE_INT38(0x20)),
    HIGH(I16X8_EXTEND_HIGH_I8X16_U, SSE_INT38(0x30)),
    SHIFT(I16X8_SHL, SSE_INT(0xF1), 16),
    SHIFT(I16X8_SHR_U, SSE_INT(0xD1), 16),
    SHIFT(I16X8_SHR_S, SSE_INT(0xE1), 16),
    SIGNED_COMPARES(I16X8, SSE_INT(0x75), SSE_INT(0x65)),
    BINARY(I32X4_ADD, SSE_INT(0xFE) | COMMUTES),
    BINARY(I32X4_SUB, SSE_INT(0xFA)),
    BINARY(I32X4_MUL, SSE_INT38(0x40) | COMMUTES),
    BINARY(I32X4_MIN_S, SSE_INT38(0x39) | COMMUTES),
    BINARY(I32X4_MIN_U, SSE_INT38(0x3B) | COMMUTES),
    BINARY(I32X4_MAX_S, SSE_INT38(0x3D) | COMMUTES),
    BINARY(I32X4_MAX_U, SSE_INT38(0x3F) | COMMUTES),
    BINARY(I32X4_DOT_I16X8_S, SSE_INT(0xF5) | COMMUTES),
    UNARY(I32X4_ABS, SSE_INT38(0x1E)),
    UNARY(I32X4_EXTEND_LOW_I16X8_S, SSE_INT38(0x23)),
    UNARY(I32X4_EXTEND_LOW_I16X8_U, SSE_INT38(0x33)),
    HIGH(I32X4_EXTEND_HIGH_I16X8_S, SSE_INT38(0x23)),
    HIGH(I32X4_EXTEND_HIGH_I16X8_U, SSE_INT38(0x33)),
    SHIFT(I32X4_SHL, SSE_INT(0xF2), 32),
    SHIFT(I32X4_SHR_U, SSE_INT(0xD2), 32),
    SHIFT(I32X4_SHR_S, SSE_INT(0xE2), 32),
    SIGNED_COMPARES(I32X4, SSE_INT(0x76), SSE_INT(0x66)),
    BINARY(I64X2_ADD, SSE_INT(0xD4) | COMMUTES),
    BINARY(I64X2_SUB, SSE_INT(0xFB)),
    UNARY(I64X2_EXTEND_LOW_I32X4_S, SSE_INT38(0x25)),
    UNARY(I64X2_EXTEND_LOW_I32X4_U, SSE_INT38(0x35)),
    HIGH(I64X2_EXTEND_HIGH_I32X4_S, SSE_INT38(0x25)),
    HIGH(I64X2_EXTEND_HIGH_I32X4_U, SSE_INT38(0x35)),
    SHIFT(I64X2_SHL, SSE_INT(0xF3), 64),
    SHIFT(I64X2_SHR_U, SSE_INT(0xD3), 64),
    SIGNED_COMPARES(I64X2, SSE_INT38(0x29), SSE_INT38(0x37)),
    FLOATS(F32X4, 4),
    FLOATS(F64X2, 8),
    UNARY(F32X4_CONVERT_I32X4_S, 0x5B | MAP_0F),
    UNARY(F64X2_CONVERT_LOW_I32X4_S, 0xE6 | MAP_0F | PREFIX_F3),
    UNARY(F64X2_PROMOTE_LOW_F32X4, 0x5A | MAP_0F),
    UNARY(F32X4_DEMOTE_F64X2_ZERO, SSE_INT(0x5A)),
    PLACE(I8X16_ALL_TRUE) = {PLAN_ALL_TRUE, false, 0, SSE_INT(0x74)},
    PLACE(I16X8_ALL_TRUE) = {PLAN_ALL_TRUE, false, 0, SSE_INT(0x75)},
    PLACE(I32X4_ALL_TRUE) = {PLAN_ALL_TRUE, false, 0, SSE_INT(0x76)},
    PLACE(I64X2_ALL_TRUE) = {PLAN_ALL_TRUE, false, 0, SSE_INT38(0x29)},
    PLACE(I8X16_BITMASK) = {PLAN_BITMASK, false, 0, SSE_INT(0xD7)},
    PLACE(I32X4_BITMASK) = {PLAN_BITMASK, false, 0, 0x50 | MAP_0F},
    PLACE(I64X2_BITMASK) = {PLAN_BITMASK, false, 0, SSE_INT(0x50)},
};

static void lower_high(struct lower *l, uint32_t dst, const struct ins *ins, uint16_t encoding)
{
    uint32_t upper = fresh(l);
    vector_unary(l, (uint16_t)SSE_INT(0x70), upper, use_reg(l, ins->a), 0xEE);
    vector_unary(l, encoding, dst, upper, -1);
}

/* The forms with a register as count are F1-F3 (left), D1-D3 (right), E1-E2 (right, signed); those
 * with an immediate 71-73 with an extension. */
static void shift_by_constant(struct lower *l, uint32_t dst, uint32_t a, const struct plan *plan,
                              uint8_t count)
{
    uint8_t opcode = SSE_OPCODE(plan->encoding);
    struct machine_ins out = machine_ins_of(M_SSE_SHIFT, 16);
    out.vex = (uint16_t)SSE_INT(0x70 | (opcode & 3));
    out.imm = opcode >= 0xF0 ? 6 : opcode >= 0xE0 ? 4 : 2;
    out.imm8 = count;
    out.src[0] = a;
    out.dst = dst;
    emit_ins(l, &out);
}

static void lower_shift(struct lower *l, uint32_t dst, const struct ins *ins,
                        const struct plan *plan)
{
    uint32_t a = use_reg(l, ins->a);
    uint64_t count;
    if (ssa_is_const(l->graph, ins->b, &count)) {
        shift_by_constant(l, dst, a, plan, (uint8_t)(count & (plan->imm8 - 1u)));
        return;
    }
    struct machine_ins mask = machine_ins_of(M_AND, 4);
    mask.src[0] = use_low32(l, ins->b);
    mask.immediate = true;
    mask.imm = plan->imm8 - 1u;
    mask.dst = new_reg(l, false, 4);
    emit_ins(l, &mask);
    vector_op(l, plan->encoding, dst, a, to_vector(l, 4, mask.dst), -1);
}

/* Flags of PTEST a, a. */
static void test_vector(struct lower *l, uint32_t a)
{
    struct machine_ins test = machine_ins_of(M_UCOMIS, 16);
    test.vex = (uint16_t)SSE_INT38(0x17);
    test.src[0] = test.src[1] = a;
    emit_ins(l, &test);
}

static void set_from_flags(struct lower *l, uint32_t dst, uint8_t cc)
{
    struct machine_ins set = machine_ins_of(M_SETCC, 4);
    set.cc = cc;
    set.dst = dst;
    emit_ins(l, &set);
}

static void lower_all_true(struct lower *l, uint32_t dst, const struct ins *ins, uint16_t encoding)
{
    uint32_t equal = fresh(l), zero = vector_number(l, 0, 0);
    vector_op(l, encoding, equal, use_reg(l, ins->a), zero, -1);
    test_vector(l, equal);
    set_from_flags(l, dst, CC_E);
}

bool lower_takes_vector(uint16_t opcode)
{
    uint8_t kind = plans[opcode - 0xFD00].kind;
    return kind == PLAN_BINARY || kind == PLAN_NOT;
}

static bool lower_planned(struct lower *l, uint32_t value, const struct ins *ins)
{
    const struct plan *plan = &plans[ins->op - 0xFD00];
    int imm8 = plan->has_imm8 ? plan->imm8 : -1;
    bool swapped = plan->kind == PLAN_SWAPPED || plan->kind == PLAN_SWAPPED_NOT;
    uint32_t dst;
    switch ((enum plan_kind)plan->kind) {
    case PLAN_BINARY:
    case PLAN_SWAPPED:
    case PLAN_NOT:
    case PLAN_SWAPPED_NOT: {
        bool inverted = plan->kind == PLAN_NOT || plan->kind == PLAN_SWAPPED_NOT;
        struct machine_ins out = machine_ins_of(M_SSE, 16);
        out.vex = plan->encoding;
        out.has_imm8 = plan->has_imm8;
        out.imm8 = plan->imm8;
        out.src[0] = use_reg(l, swapped ? ins->b : ins->a);
        if (swapped)
            out.src[1] = use_reg(l, ins->a);
        else
            set_last_vector(l, &out, ins->b);
        dst = inverted ? fresh(l) : result_reg(l, value);
        out.dst = dst;
        emit_ins(l, &out);
        if (inverted)
            vector_op(l, (uint16_t)(SSE_INT(0xEF) | COMMUTES), result_reg(l, value), dst, ones(l),
                      -1);
        return true;
    }
    case PLAN_UNARY:
    case PLAN_BITMASK: {
        uint32_t a = use_reg(l, ins->a);
        vector_unary(l, plan->encoding, result_reg(l, value), a, imm8);
        return true;
    }
    case PLAN_HIGH:
        lower_high(l, result_reg(l, value), ins, plan->encoding);
        return true;
    case PLAN_SHIFT:
        lower_shift(l, result_reg(l, value), ins, plan);
        return true;
    case PLAN_ALL_TRUE:
        lower_all_true(l, result_reg(l, value), ins, plan->encoding);
        return true;
    default:
        return false;
    }
}

/* ---- Signs ------------------------------------------------------------------------------------
 */

static void lower_sign(struct lower *l, uint32_t value, const struct ins *ins)
{
    bool wide = ins->op == OPCODE_F64X2_ABS || ins->op == OPCODE_F64X2_NEG;
    bool neg = ins->op == OPCODE_F32X4_NEG || ins->op == OPCODE_F64X2_NEG;
    uint64_t sign = wide ? (uint64_t)1 << 63 : 0x8000000080000000u;
    uint32_t a = use_reg(l, ins->a),
             mask = vector_number(l, neg ? sign : ~sign, neg ? sign : ~sign);
    vector_op(l, (uint16_t)(SSE_INT(neg ? 0xEF : 0xDB) | COMMUTES), result_reg(l, value), a, mask,
              -1);
}

static void lower_negate(struct lower *l, uint32_t value, const struct ins *ins)
{
    uint8_t opcode = ins->op == OPCODE_I8X16_NEG   ? 0xF8
                     : ins->op == OPCODE_I16X8_NEG ? 0xF9
                     : ins->op == OPCODE_I32X4_NEG ? 0xFA
                                                   : 0xFB;
    uint32_t a = use_reg(l, ins->a), zero = vector_number(l, 0, 0);
    vector_op(l, (uint16_t)SSE_INT(opcode), result_reg(l, value), zero, a, -1);
}

static void lower_not(struct lower *l, uint32_t value, const struct ins *ins)
{
    uint32_t a = use_reg(l, ins->a);
    vector_op(l, (uint16_t)(SSE_INT(0xEF) | COMMUTES), result_reg(l, value), a, ones(l), -1);
}

/* ((a ^ b) & c) ^ b */
static void lower_bitselect(struct lower *l, uint32_t value, const struct ins *ins)
{
    uint32_t a = use_reg(l, ins->a), b = use_reg(l, ins->b), c = use_reg(l, ins->c);
    uint16_t xor = (uint16_t)(SSE_INT(0xEF) | COMMUTES);
    uint32_t differ = fresh(l), chosen = fresh(l);
    vector_op(l, xor, differ, a, b, -1);
    vector_op(l, (uint16_t)(SSE_INT(0xDB) | COMMUTES), chosen, differ, c, -1);
    vector_op(l, xor, result_reg(l, value), chosen, b, -1);
}

static void lower_any_true(struct lower *l, uint32_t value, const struct ins *ins)
{
    test_vector(l, use_reg(l, ins->a));
    set_from_flags(l, result_reg(l, value), CC_NE);
}

/* ---- Lanes ------------------------------------------------------------------------------------
 */

/* All lanes from the lowest, which is in a vector register. */
static void spread(struct lower *l, uint8_t bytes, uint32_t dst, uint32_t low)
{
    uint32_t half;
    switch (bytes) {
    case 1:
        vector_op(l, (uint16_t)SSE_INT38(0x00), dst, low, vector_number(l, 0, 0), -1);
        break;
    case 2:
        half = fresh(l);
        vector_unary(l, 0x70 | MAP_0F | PREFIX_F2, half, low, 0);
        vector_unary(l, (uint16_t)SSE_INT(0x70), dst, half, 0);
        break;
    case 4:
        vector_unary(l, (uint16_t)SSE_INT(0x70), dst, low, 0);
        break;
    default:
        vector_unary(l, (uint16_t)SSE_INT(0x70), dst, low, 0x44);
    }
}

static void lower_splat(struct lower *l, uint32_t value, const struct ins *ins)
{
    static const uint8_t bytes[] = {1, 2, 4, 8, 4, 8};
    uint16_t number = (uint16_t)(ins->op - OPCODE_I8X16_SPLAT);
    uint32_t a = use_reg(l, ins->a);
    uint32_t low = number < 4 ? to_vector(l, number == 3 ? 8 : 4, a) : a;
    spread(l, bytes[number], result_reg(l, value), low);
}

/* PEXTR and PINSR by size of the lane. */
static uint16_t extract_encoding(uint8_t bytes)
{
    static const uint16_t encodings[] = {
        [1] = (uint16_t)SSE_INT3A(0x14),
        [2] = (uint16_t)SSE_INT3A(0x15),
        [4] = (uint16_t)SSE_INT3A(0x16),
        [8] = (uint16_t)(SSE_INT3A(0x16) | WIDE),
    };
    return encodings[bytes];
}

static uint16_t insert_encoding(uint8_t bytes)
{
    static const uint16_t encodings[] = {
        [1] = (uint16_t)SSE_INT3A(0x20),
        [2] = (uint16_t)SSE_INT(0xC4),
        [4] = (uint16_t)SSE_INT3A(0x22),
        [8] = (uint16_t)(SSE_INT3A(0x22) | WIDE),
    };
    return encodings[bytes];
}

static void extract(struct lower *l, uint8_t bytes, uint32_t dst, uint32_t a, uint8_t lane)
{
    vector_unary(l, extract_encoding(bytes), dst, a, lane);
}

static void lower_extract_integer(struct lower *l, uint32_t value, const struct ins *ins,
                                  uint8_t bytes, bool is_signed)
{
    uint32_t a = use_reg(l, ins->a);
    if (!is_signed) {
        extract(l, bytes, result_reg(l, value), a, ins->lane);
        return;
    }
    struct machine_ins extend = machine_ins_of(M_EXTEND, 4);
    extend.access = bytes;
    extend.is_signed = true;
    extend.src[0] = new_reg(l, false, 4);
    extract(l, bytes, extend.src[0], a, ins->lane);
    extend.dst = result_reg(l, value);
    emit_ins(l, &extend);
}

/* The lane goes to the bottom; what is above it does not matter to a float. */
static void lower_extract_float(struct lower *l, uint32_t value, const struct ins *ins, bool wide)
{
    uint8_t control = wide ? (ins->lane ? 0xEE : 0xE4) : ins->lane;
    uint32_t a = use_reg(l, ins->a);
    vector_unary(l, (uint16_t)SSE_INT(0x70), result_reg(l, value), a, control);
}

static void lower_replace_integer(struct lower *l, uint32_t value, const struct ins *ins,
                                  uint8_t bytes)
{
    uint32_t a = use_reg(l, ins->a), b = use_reg(l, ins->b);
    vector_op(l, insert_encoding(bytes), result_reg(l, value), a, b, ins->lane);
}

static void lower_replace_float(struct lower *l, uint32_t value, const struct ins *ins, bool wide)
{
    uint32_t a = use_reg(l, ins->a), b = use_reg(l, ins->b), dst = result_reg(l, value);
    if (!wide) /* INSERTPS */
        vector_op(l, (uint16_t)SSE_INT3A(0x21), dst, a, b, ins->lane << 4);
    else if (ins->lane) /* UNPCKLPD */
        vector_op(l, (uint16_t)SSE_INT(0x14), dst, a, b, -1);
    else /* SHUFPD: the lower of b, the upper of a */
        vector_op(l, (uint16_t)SSE_INT(0xC6), dst, b, a, 2);
}

/* Whether lanes of 4 bytes move as a whole, and then the control of PSHUFD. */
static bool is_word_shuffle(const uint8_t *lanes, uint8_t *control)
{
    *control = 0;
    for (unsigned i = 0; i < 16; i++) {
        if (lanes[i] % 4 != i % 4 || lanes[i] / 4 != lanes[i & ~3u] / 4)
            return false;
        *control = (uint8_t)(*control | (lanes[i] / 4 & 3) << i / 4 * 2);
    }
    return true;
}

/* All lanes come from one operand. */
static void shuffle_one(struct lower *l, uint32_t value, uint32_t operand, const uint8_t *lanes)
{
    uint32_t a = use_reg(l, operand);
    uint8_t control;
    if (is_word_shuffle(lanes, &control)) {
        vector_unary(l, (uint16_t)SSE_INT(0x70), result_reg(l, value), a, control);
        return;
    }
    uint8_t *bytes = arena_alloc(l->machine->arena, 16);
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = lanes[i] & 15;
    struct machine_ins out = machine_ins_of(M_SSE, 16);
    out.vex = (uint16_t)SSE_INT38(0x00);
    out.src[0] = a;
    out.bytes = bytes;
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

/* Bytes of both operands by number: each PSHUFB clears what the other one has. */
static void lower_shuffle(struct lower *l, uint32_t value, const struct ins *ins)
{
    const uint8_t *lanes = l->graph->vectors[ins->imm].data;
    unsigned second = 0;
    for (unsigned i = 0; i < 16; i++)
        second += lanes[i] / 16;
    if (second == 0 || second == 16 || ins->a == ins->b) {
        shuffle_one(l, value, second == 16 ? ins->b : ins->a, lanes);
        return;
    }
    uint64_t masks[2][2];
    for (unsigned operand = 0; operand < 2; operand++) {
        uint8_t bytes[16];
        for (unsigned i = 0; i < 16; i++)
            bytes[i] = lanes[i] / 16 == operand ? lanes[i] % 16 : 0x80;
        memcpy(masks[operand], bytes, 16);
    }
    uint32_t a = use_reg(l, ins->a), b = use_reg(l, ins->b), x = fresh(l), y = fresh(l);
    uint16_t pshufb = (uint16_t)SSE_INT38(0x00);
    vector_op(l, pshufb, x, a, vector_number(l, masks[0][0], masks[0][1]), -1);
    vector_op(l, pshufb, y, b, vector_number(l, masks[1][0], masks[1][1]), -1);
    vector_op(l, (uint16_t)(SSE_INT(0xEB) | COMMUTES), result_reg(l, value), x, y, -1);
}

/* Numbers above 15 become such with the top bit set, for which PSHUFB answers 0. */
static void lower_swizzle(struct lower *l, uint32_t value, const struct ins *ins)
{
    uint64_t bias = 0x7070707070707070u;
    uint32_t a = use_reg(l, ins->a), b = use_reg(l, ins->b), index = fresh(l);
    vector_op(l, (uint16_t)(SSE_INT(0xDC) | COMMUTES), index, b, vector_number(l, bias, bias), -1);
    vector_op(l, (uint16_t)SSE_INT38(0x00), result_reg(l, value), a, index, -1);
}

/* ---- Memory -----------------------------------------------------------------------------------
 */

static void load_vector(struct lower *l, uint32_t dst, const struct ins *ins, uint8_t bytes)
{
    struct machine_ins out = machine_ins_of(M_FLOAD, bytes);
    out.access = bytes;
    set_address(l, &out, ins);
    out.dst = dst;
    emit_ins(l, &out);
}

static void lower_load_extend(struct lower *l, uint32_t value, const struct ins *ins)
{
    static const uint8_t opcodes[] = {0x20, 0x30, 0x23, 0x33, 0x25, 0x35};
    struct machine_ins out = machine_ins_of(M_SSE_UNARY, 16);
    out.vex = (uint16_t)SSE_INT38(opcodes[ins->op - OPCODE_V128_LOAD8X8_S]);
    set_address(l, &out, ins);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static uint32_t load_lane(struct lower *l, const struct ins *ins, uint8_t bytes)
{
    struct machine_ins out = machine_ins_of(M_LOAD, bytes == 8 ? 8 : 4);
    out.access = bytes;
    set_address(l, &out, ins);
    out.dst = new_reg(l, false, out.size);
    emit_ins(l, &out);
    return out.dst;
}

static void lower_load_splat(struct lower *l, uint32_t value, const struct ins *ins)
{
    uint8_t bytes = (uint8_t)(1u << (ins->op - OPCODE_V128_LOAD8_SPLAT));
    uint32_t low = fresh(l);
    if (bytes >= 4)
        load_vector(l, low, ins, bytes);
    else
        low = to_vector(l, 4, load_lane(l, ins, bytes));
    spread(l, bytes, result_reg(l, value), low);
}

static void lower_load_lane(struct lower *l, uint32_t value, const struct ins *ins)
{
    uint8_t bytes = (uint8_t)(1u << (ins->op - OPCODE_V128_LOAD8_LANE));
    uint32_t b = use_reg(l, ins->b), lane = load_lane(l, ins, bytes);
    vector_op(l, insert_encoding(bytes), result_reg(l, value), b, lane, ins->lane);
}

static void lower_store_lane(struct lower *l, const struct ins *ins)
{
    uint8_t bytes = (uint8_t)(1u << (ins->op - OPCODE_V128_STORE8_LANE));
    struct machine_ins out = machine_ins_of(M_STORE, bytes == 8 ? 8 : 4);
    out.access = bytes;
    out.src[0] = new_reg(l, false, out.size);
    extract(l, bytes, out.src[0], use_reg(l, ins->b), ins->lane);
    set_address(l, &out, ins);
    emit_ins(l, &out);
}

static void lower_store(struct lower *l, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_FSTORE, 16);
    out.access = 16;
    out.src[0] = use_reg(l, ins->b);
    set_address(l, &out, ins);
    emit_ins(l, &out);
}

/* ---- By call ----------------------------------------------------------------------------------
 */

/* The operands travel in the overflow area; imm names instruction and lane. */
static void lower_by_call(struct lower *l, uint32_t value, const struct ins *ins)
{
    const uint32_t operands[] = {ins->a, ins->b, ins->c};
    struct machine_ins out = machine_ins_of(M_CALL_VECTOR, 16);
    out.imm = (uint64_t)(ins->op - 0xFD00) | (uint64_t)ins->lane << 16;
    out.access = COMPILE_HELPER_VECTOR;
    out.traps = true;
    l->machine->has_calls = true;
    uint32_t regs[3], count = 0;
    for (uint32_t i = 0; i < 3; i++) {
        if (operands[i])
            regs[count++] = use_reg(l, operands[i]);
    }
    struct machine *m = l->machine;
    arena_grow(m->arena, &m->pool, m->pool_count + 4, &m->pool_capacity, sizeof(*m->pool));
    out.args = m->pool_count;
    out.arg_count = count;
    for (uint32_t i = 0; i < count; i++)
        m->pool[m->pool_count++] = regs[i];
    if (ins->type) {
        out.defs = m->pool_count;
        out.def_count = 1;
        m->pool[m->pool_count++] = result_reg(l, value);
    }
    emit_ins(l, &out);
}

/* ---- All of them ------------------------------------------------------------------------------
 */

static bool lower_lane(struct lower *l, uint32_t value, const struct ins *ins)
{
    switch (ins->op) {
    case OPCODE_I8X16_EXTRACT_LANE_S:
    case OPCODE_I8X16_EXTRACT_LANE_U:
        lower_extract_integer(l, value, ins, 1, ins->op == OPCODE_I8X16_EXTRACT_LANE_S);
        return true;
    case OPCODE_I16X8_EXTRACT_LANE_S:
    case OPCODE_I16X8_EXTRACT_LANE_U:
        lower_extract_integer(l, value, ins, 2, ins->op == OPCODE_I16X8_EXTRACT_LANE_S);
        return true;
    case OPCODE_I32X4_EXTRACT_LANE:
        lower_extract_integer(l, value, ins, 4, false);
        return true;
    case OPCODE_I64X2_EXTRACT_LANE:
        lower_extract_integer(l, value, ins, 8, false);
        return true;
    case OPCODE_F32X4_EXTRACT_LANE:
    case OPCODE_F64X2_EXTRACT_LANE:
        lower_extract_float(l, value, ins, ins->op == OPCODE_F64X2_EXTRACT_LANE);
        return true;
    case OPCODE_I8X16_REPLACE_LANE:
        lower_replace_integer(l, value, ins, 1);
        return true;
    case OPCODE_I16X8_REPLACE_LANE:
        lower_replace_integer(l, value, ins, 2);
        return true;
    case OPCODE_I32X4_REPLACE_LANE:
        lower_replace_integer(l, value, ins, 4);
        return true;
    case OPCODE_I64X2_REPLACE_LANE:
        lower_replace_integer(l, value, ins, 8);
        return true;
    case OPCODE_F32X4_REPLACE_LANE:
    case OPCODE_F64X2_REPLACE_LANE:
        lower_replace_float(l, value, ins, ins->op == OPCODE_F64X2_REPLACE_LANE);
        return true;
    default:
        return false;
    }
}

static bool lower_memory_access(struct lower *l, uint32_t value, const struct ins *ins)
{
    if (ins->op == OPCODE_V128_LOAD)
        load_vector(l, result_reg(l, value), ins, 16);
    else if (ins->op == OPCODE_V128_LOAD32_ZERO)
        load_vector(l, result_reg(l, value), ins, 4);
    else if (ins->op == OPCODE_V128_LOAD64_ZERO)
        load_vector(l, result_reg(l, value), ins, 8);
    else if (ins->op == OPCODE_V128_STORE)
        lower_store(l, ins);
    else if (ins->op >= OPCODE_V128_LOAD8X8_S && ins->op <= OPCODE_V128_LOAD32X2_U)
        lower_load_extend(l, value, ins);
    else if (ins->op >= OPCODE_V128_LOAD8_SPLAT && ins->op <= OPCODE_V128_LOAD64_SPLAT)
        lower_load_splat(l, value, ins);
    else if (ins->op >= OPCODE_V128_LOAD8_LANE && ins->op <= OPCODE_V128_LOAD64_LANE)
        lower_load_lane(l, value, ins);
    else if (ins->op >= OPCODE_V128_STORE8_LANE && ins->op <= OPCODE_V128_STORE64_LANE)
        lower_store_lane(l, ins);
    else
        return false;
    return true;
}

void lower_vector(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    if (lower_planned(l, value, ins) || lower_lane(l, value, ins) ||
        lower_memory_access(l, value, ins))
        return;
    switch (ins->op) {
    case OPCODE_F32X4_ABS:
    case OPCODE_F64X2_ABS:
    case OPCODE_F32X4_NEG:
    case OPCODE_F64X2_NEG:
        lower_sign(l, value, ins);
        break;
    case OPCODE_I8X16_NEG:
    case OPCODE_I16X8_NEG:
    case OPCODE_I32X4_NEG:
    case OPCODE_I64X2_NEG:
        lower_negate(l, value, ins);
        break;
    case OPCODE_V128_NOT:
        lower_not(l, value, ins);
        break;
    case OPCODE_V128_BITSELECT:
        lower_bitselect(l, value, ins);
        break;
    case OPCODE_V128_ANY_TRUE:
        lower_any_true(l, value, ins);
        break;
    case OPCODE_I8X16_SHUFFLE:
        lower_shuffle(l, value, ins);
        break;
    case OPCODE_I8X16_SWIZZLE:
        lower_swizzle(l, value, ins);
        break;
    default:
        if (ins->op >= OPCODE_I8X16_SPLAT && ins->op <= OPCODE_F64X2_SPLAT)
            lower_splat(l, value, ins);
        else
            lower_by_call(l, value, ins);
    }
}
