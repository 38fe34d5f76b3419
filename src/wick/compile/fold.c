/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant folding and algebraic identities. Numbers are computed by the same expressions as in the
 * interpreter (wick/interp_ops.h).
 */
#include "wick/compile/ssa.h"

#include "wick/float_ops.h"
#include "wick/interp_ops.h"

#define MEMBER_TYPE(member) __typeof__(((wick_value_t *)0)->member)

/* ---- Numbers ----------------------------------------------------------------------------------
 */

static bool fold_binary_numbers(uint16_t op, wick_value_t x, wick_value_t y, wick_value_t *out)
{
    switch (op) {
#define BINARY(opcode, result, in, expression)                                                     \
    case OPCODE_##opcode: {                                                                        \
        MEMBER_TYPE(in) a = x.in, b = y.in;                                                        \
        out->result = (expression);                                                                \
        return true;                                                                               \
    }
        BINARY_OPS(BINARY)
#undef BINARY
#define DIVIDE(opcode, in, trapping, expression)                                                   \
    case OPCODE_##opcode: {                                                                        \
        MEMBER_TYPE(in) a = x.in, b = y.in;                                                        \
        if (trapping)                                                                              \
            return false;                                                                          \
        out->in = (expression);                                                                    \
        return true;                                                                               \
    }
        DIVIDE_OPS(DIVIDE)
#undef DIVIDE
#define COMPARE(opcode, in, expression)                                                            \
    case OPCODE_##opcode: {                                                                        \
        MEMBER_TYPE(in) a = x.in, b = y.in;                                                        \
        out->u32 = (expression);                                                                   \
        return true;                                                                               \
    }
        COMPARE_OPS(COMPARE)
#undef COMPARE
    default:
        return false;
    }
}

static bool fold_unary_numbers(uint16_t op, wick_value_t x, wick_value_t *out)
{
    switch (op) {
#define UNARY(opcode, result, in, expression)                                                      \
    case OPCODE_##opcode: {                                                                        \
        MEMBER_TYPE(in) a = x.in;                                                                  \
        out->result = (expression);                                                                \
        return true;                                                                               \
    }
        UNARY_OPS(UNARY)
#undef UNARY
    default:
        return false;
    }
}

static uint32_t make_const(struct graph *graph, uint8_t type, uint64_t imm)
{
    if (type == TYPE_I32 || type == TYPE_F32)
        imm = (uint32_t)imm;
    return ssa_const(graph, (enum type_kind)type, imm);
}

static uint32_t fold_numbers(struct graph *graph, const struct ins *ins)
{
    wick_value_t a, b = {.u64 = 0}, out = {.u64 = 0};
    if (!ssa_is_const(graph, ins->a, &a.u64))
        return 0;
    if (!ins->b) {
        if (!fold_unary_numbers(ins->op, a, &out))
            return 0;
    } else if (!ssa_is_const(graph, ins->b, &b.u64) || !fold_binary_numbers(ins->op, a, b, &out)) {
        return 0;
    }
    return make_const(graph, ins->type, out.u64);
}

/* ---- Identities -------------------------------------------------------------------------------
 */

/* The comparison with its operands exchanged, or 0. */
static uint16_t exchanged(uint16_t op)
{
    switch (op) {
#define PAIR(a, b)                                                                                 \
    case OPCODE_##a:                                                                               \
        return OPCODE_##b;                                                                         \
    case OPCODE_##b:                                                                               \
        return OPCODE_##a;
        PAIR(I32_LT_S, I32_GT_S)
        PAIR(I32_LT_U, I32_GT_U)
        PAIR(I32_LE_S, I32_GE_S)
        PAIR(I32_LE_U, I32_GE_U)
        PAIR(I64_LT_S, I64_GT_S)
        PAIR(I64_LT_U, I64_GT_U)
        PAIR(I64_LE_S, I64_GE_S)
        PAIR(I64_LE_U, I64_GE_U)
#undef PAIR
    case OPCODE_I32_ADD:
    case OPCODE_I32_MUL:
    case OPCODE_I32_AND:
    case OPCODE_I32_OR:
    case OPCODE_I32_XOR:
    case OPCODE_I32_EQ:
    case OPCODE_I32_NE:
    case OPCODE_I64_ADD:
    case OPCODE_I64_MUL:
    case OPCODE_I64_AND:
    case OPCODE_I64_OR:
    case OPCODE_I64_XOR:
    case OPCODE_I64_EQ:
    case OPCODE_I64_NE:
        return op;
    default:
        return 0;
    }
}

/* The comparison of integers that holds when this one does not, or 0. */
static uint16_t opposite(uint16_t op)
{
    switch (op) {
#define PAIR(a, b)                                                                                 \
    case OPCODE_##a:                                                                               \
        return OPCODE_##b;                                                                         \
    case OPCODE_##b:                                                                               \
        return OPCODE_##a;
        PAIR(I32_EQ, I32_NE)
        PAIR(I32_LT_S, I32_GE_S)
        PAIR(I32_LT_U, I32_GE_U)
        PAIR(I32_GT_S, I32_LE_S)
        PAIR(I32_GT_U, I32_LE_U)
        PAIR(I64_EQ, I64_NE)
        PAIR(I64_LT_S, I64_GE_S)
        PAIR(I64_LT_U, I64_GE_U)
        PAIR(I64_GT_S, I64_LE_S)
        PAIR(I64_GT_U, I64_LE_U)
        PAIR(F32_EQ, F32_NE)
        PAIR(F64_EQ, F64_NE)
#undef PAIR
    default:
        return 0;
    }
}

static bool is_power_of_two(uint64_t value)
{
    return value && (value & (value - 1)) == 0;
}

/* Integer operations in the order of their opcodes, the same for both widths. */
enum integer_op { ADD, SUB, MUL, DIV_S, DIV_U, REM_S, REM_U, AND, OR, XOR, SHL, SHR_S, SHR_U };

static uint64_t truncated(uint8_t type, uint64_t value)
{
    return type == TYPE_I32 ? (uint32_t)value : value;
}

/* (x op c1) op c2 becomes x op (c1 op c2) for what associates. */
static void reassociate(struct graph *graph, struct ins *ins, enum integer_op kind, uint64_t imm)
{
    const struct ins *inner = ins_at(graph, ins->a);
    uint64_t first, width = ins->type == TYPE_I32 ? 32 : 64;
    if (inner->op != ins->op || !ssa_is_const(graph, inner->b, &first))
        return;
    switch (kind) {
    case ADD:
        imm += first;
        break;
    case AND:
        imm &= first;
        break;
    case OR:
        imm |= first;
        break;
    case XOR:
        imm ^= first;
        break;
    case MUL:
        imm *= first;
        break;
    case SHL:
    case SHR_U:
        imm = (imm & (width - 1)) + (first & (width - 1));
        if (imm >= width)
            return;
        break;
    default:
        return;
    }
    ins->a = inner->a;
    ins->b = make_const(graph, ins->type, imm);
}

/* (x << n) >> n: the low bits of x, extended. True if there is an instruction for that. */
static bool fold_extension(struct graph *graph, struct ins *ins, enum integer_op kind, uint64_t imm)
{
    const struct ins *inner = ins_at(graph, ins->a);
    bool wide = ins->type == TYPE_I64;
    uint64_t first, left = (wide ? 64 : 32) - imm;
    if (inner->op != (wide ? OPCODE_I64_SHL : OPCODE_I32_SHL) ||
        !ssa_is_const(graph, inner->b, &first) || first != imm || imm == 0 || left > 32)
        return false;
    if (kind == SHR_U) {
        ins->op = wide ? OPCODE_I64_AND : OPCODE_I32_AND;
        ins->b = make_const(graph, ins->type, ((uint64_t)1 << left) - 1);
    } else if (left == 8 || left == 16) {
        uint16_t first_op = wide ? OPCODE_I64_EXTEND8_S : OPCODE_I32_EXTEND8_S;
        ins->op = (uint16_t)(first_op + (left == 16));
        ins->b = 0;
    } else if (left == 32 && wide) {
        ins->op = OPCODE_I64_EXTEND32_S;
        ins->b = 0;
    } else {
        return false;
    }
    ins->a = inner->a;
    return true;
}

static void set_const_operand(struct graph *graph, struct ins *ins, uint16_t base,
                              enum integer_op kind, uint64_t imm)
{
    ins->op = (uint16_t)(base + kind);
    ins->b = make_const(graph, ins->type, imm);
}

/* An integer operation whose right operand is a constant. */
static uint32_t fold_right_constant(struct graph *graph, struct ins *ins, uint16_t base,
                                    uint64_t imm)
{
    enum integer_op kind = (enum integer_op)(ins->op - base);
    uint64_t ones = truncated(ins->type, UINT64_MAX), width = ins->type == TYPE_I32 ? 32 : 64;
    switch (kind) {
    case SUB:
        set_const_operand(graph, ins, base, ADD, 0 - imm);
        return fold_right_constant(graph, ins, base, truncated(ins->type, 0 - imm));
    case MUL:
        if (imm == 0)
            return ins->b;
        if (imm == 1)
            return ins->a;
        if (is_power_of_two(imm))
            set_const_operand(graph, ins, base, SHL, (uint64_t)__builtin_ctzll(imm));
        break;
    case DIV_U:
        if (is_power_of_two(imm))
            set_const_operand(graph, ins, base, SHR_U, (uint64_t)__builtin_ctzll(imm));
        break;
    case DIV_S:
        return imm == 1 ? ins->a : 0;
    case REM_U:
        if (is_power_of_two(imm))
            set_const_operand(graph, ins, base, AND, imm - 1);
        break;
    case AND:
        if (imm == 0)
            return ins->b;
        if (imm == ones)
            return ins->a;
        break;
    case OR:
        if (imm == ones)
            return ins->b;
        break;
    default:
        break;
    }
    if (ssa_is_const(graph, ins->b, &imm)) {
        kind = (enum integer_op)(ins->op - base);
        bool shift = kind == SHL || kind == SHR_S || kind == SHR_U;
        if ((kind == ADD || kind == OR || kind == XOR) && imm == 0)
            return ins->a;
        if (shift && (imm & (width - 1)) == 0)
            return ins->a;
        bool right = kind == SHR_S || kind == SHR_U;
        if (!right || !fold_extension(graph, ins, kind, imm))
            reassociate(graph, ins, kind, imm);
    }
    return 0;
}

static uint32_t fold_same_operands(struct graph *graph, struct ins *ins, uint16_t base)
{
    switch ((enum integer_op)(ins->op - base)) {
    case SUB:
    case XOR:
        return make_const(graph, ins->type, 0);
    case AND:
    case OR:
        return ins->a;
    default:
        return 0;
    }
}

static uint32_t fold_integer(struct graph *graph, struct ins *ins)
{
    uint16_t base = ins->op >= OPCODE_I64_ADD ? OPCODE_I64_ADD : OPCODE_I32_ADD;
    if (ins->op < base || ins->op > base + SHR_U)
        return 0;
    uint64_t imm;
    if (ssa_is_const(graph, ins->b, &imm))
        return fold_right_constant(graph, ins, base, imm);
    return ins->a == ins->b ? fold_same_operands(graph, ins, base) : 0;
}

/* Comparison with zero, and the negation of a comparison. */
static uint32_t fold_compare(struct graph *graph, struct ins *ins)
{
    uint64_t imm;
    bool zero = ins->b && ssa_is_const(graph, ins->b, &imm) && imm == 0;
    if (zero && (ins->op == OPCODE_I32_EQ || ins->op == OPCODE_I64_EQ)) {
        ins->op = ins->op == OPCODE_I32_EQ ? OPCODE_I32_EQZ : OPCODE_I64_EQZ;
        ins->b = 0;
    }
    if (ins->op != OPCODE_I32_EQZ)
        return 0;
    const struct ins *inner = ins_at(graph, ins->a);
    uint16_t op = opposite(inner->op);
    if (!op)
        return 0;
    ins->op = op;
    ins->b = inner->b;
    ins->a = inner->a;
    return 0;
}

static uint32_t fold_conversion(struct graph *graph, struct ins *ins)
{
    const struct ins *inner = ins_at(graph, ins->a);
    if (ins->op == OPCODE_I32_WRAP_I64 &&
        (inner->op == OPCODE_I64_EXTEND_I32_U || inner->op == OPCODE_I64_EXTEND_I32_S))
        return inner->a;
    bool inverse =
        (ins->op == OPCODE_I32_REINTERPRET_F32 && inner->op == OPCODE_F32_REINTERPRET_I32) ||
        (ins->op == OPCODE_F32_REINTERPRET_I32 && inner->op == OPCODE_I32_REINTERPRET_F32) ||
        (ins->op == OPCODE_I64_REINTERPRET_F64 && inner->op == OPCODE_F64_REINTERPRET_I64) ||
        (ins->op == OPCODE_F64_REINTERPRET_I64 && inner->op == OPCODE_I64_REINTERPRET_F64);
    return inverse ? inner->a : 0;
}

uint32_t ssa_fold_select(struct graph *graph, const struct ins *ins)
{
    uint64_t condition;
    if (ssa_is_const(graph, ins->c, &condition))
        return condition ? ins->a : ins->b;
    return ins->a == ins->b ? ins->a : 0;
}

uint32_t ssa_fold_number(struct graph *graph, struct ins *ins)
{
    uint32_t value = fold_numbers(graph, ins);
    if (value)
        return value;
    uint64_t imm;
    uint16_t swapped = ins->b ? exchanged(ins->op) : 0;
    if (swapped && ssa_is_const(graph, ins->a, &imm)) {
        uint32_t a = ins->a;
        ins->a = ins->b;
        ins->b = a;
        ins->op = swapped;
    }
    value = fold_integer(graph, ins);
    if (value)
        return value;
    value = fold_compare(graph, ins);
    return value ? value : fold_conversion(graph, ins);
}
