/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic, comparisons and conversions. */
#include "wick/compile/lower.h"

/* ---- Conditions -------------------------------------------------------------------------------
 */

static bool is_compare(uint16_t op)
{
    return op >= OPCODE_I32_EQZ && op <= OPCODE_F64_GE;
}

bool is_condition(const struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    bool test = ins->op == OPCODE_I32_AND || ins->op == OPCODE_I64_AND;
    if ((!is_compare(ins->op) && !test) || ins->uses != 1 || l->reg_of[value])
        return false;
    const struct ins *user = value_at(l, ins->user);
    if (user->block != ins->block)
        return false;
    switch (user->op) {
    case SSA_BRANCH:
        return true;
    case SSA_SELECT:
        return user->c == value && user->a != value && user->b != value;
    case OPCODE_I32_EQZ:
    case OPCODE_I64_EQZ:
        return is_condition(l, ins->user);
    default:
        return false;
    }
}

static uint8_t integer_cc(uint16_t op)
{
    static const uint8_t codes[] = {CC_E, CC_NE, CC_L,  CC_B,  CC_G,
                                    CC_A, CC_LE, CC_BE, CC_GE, CC_AE};
    return codes[op - (op >= OPCODE_I64_EQ ? OPCODE_I64_EQ : OPCODE_I32_EQ)];
}

static uint8_t lower_integer_compare(struct lower *l, const struct ins *ins)
{
    uint8_t size = ins->op >= OPCODE_I64_EQ ? 8 : 4;
    struct machine_ins compare = machine_ins_of(M_CMP, size);
    compare.src[0] = size == 4 ? use_low32(l, ins->a) : use_reg(l, ins->a);
    set_last(l, &compare, 1, ins->b);
    emit_ins(l, &compare);
    return integer_cc(ins->op);
}

/* Less-than is greater-than of exchanged operands, so that a NaN makes it false. */
static uint8_t lower_float_compare(struct lower *l, const struct ins *ins)
{
    static const uint8_t codes[] = {CC_FEQ, CC_FNE, CC_A, CC_A, CC_AE, CC_AE};
    uint16_t kind =
        (uint16_t)(ins->op - (ins->op >= OPCODE_F64_EQ ? OPCODE_F64_EQ : OPCODE_F32_EQ));
    bool exchange = kind == OPCODE_F32_LT - OPCODE_F32_EQ || kind == OPCODE_F32_LE - OPCODE_F32_EQ;
    struct machine_ins compare = machine_ins_of(M_UCOMIS, ins->op >= OPCODE_F64_EQ ? 8 : 4);
    compare.src[0] = use_reg(l, exchange ? ins->b : ins->a);
    if (exchange)
        compare.src[1] = use_reg(l, ins->a);
    else
        set_last(l, &compare, 1, ins->b);
    emit_ins(l, &compare);
    return codes[kind];
}

/* Sets the flags by `and` of the value with itself, or of the operands of an `and`. */
static void lower_test(struct lower *l, uint32_t value, uint8_t size)
{
    const struct ins *ins = value_at(l, value);
    struct machine_ins test = machine_ins_of(M_TEST, size);
    bool both = (ins->op == OPCODE_I32_AND || ins->op == OPCODE_I64_AND) && is_condition(l, value);
    test.src[0] = use_reg(l, both ? ins->a : value);
    if (both && value_at(l, ins->b)->op == SSA_CONST)
        set_last(l, &test, 1, ins->b);
    else
        test.src[1] = both ? use_reg(l, ins->b) : test.src[0];
    emit_ins(l, &test);
}

uint8_t lower_condition(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    if (is_compare(ins->op) && is_condition(l, value)) {
        if (ins->op == OPCODE_I32_EQZ && is_condition(l, ins->a) &&
            is_compare(value_at(l, ins->a)->op))
            return cc_opposite(lower_condition(l, ins->a));
        if (ins->op == OPCODE_I32_EQZ || ins->op == OPCODE_I64_EQZ) {
            lower_test(l, ins->a, ins->op == OPCODE_I64_EQZ ? 8 : 4);
            return CC_E;
        }
        return ins->op >= OPCODE_F32_EQ ? lower_float_compare(l, ins)
                                        : lower_integer_compare(l, ins);
    }
    lower_test(l, value, 4);
    return CC_NE;
}

/* A comparison as a number. */
static void lower_compare(struct lower *l, uint32_t value, const struct ins *ins)
{
    uint8_t cc = CC_E;
    if (ins->op == OPCODE_I32_EQZ || ins->op == OPCODE_I64_EQZ)
        lower_test(l, ins->a, ins->op == OPCODE_I64_EQZ ? 8 : 4);
    else
        cc = ins->op >= OPCODE_F32_EQ ? lower_float_compare(l, ins) : lower_integer_compare(l, ins);
    struct machine_ins set = machine_ins_of(M_SETCC, 4);
    set.cc = cc;
    set.dst = result_reg(l, value);
    emit_ins(l, &set);
}

static void lower_select(struct lower *l, uint32_t value, const struct ins *ins)
{
    bool vector = is_vector_type(ins->type);
    struct machine_ins select = machine_ins_of(vector ? M_FSELECT : M_CMOV, type_size(ins->type));
    select.src[0] = use_reg(l, ins->b);
    select.src[1] = use_reg(l, ins->a);
    select.cc = lower_condition(l, ins->c);
    select.dst = result_reg(l, value);
    emit_ins(l, &select);
}

/* ---- Integers ---------------------------------------------------------------------------------
 */

static uint32_t use_integer(struct lower *l, uint8_t size, uint32_t value)
{
    return size == 4 ? use_low32(l, value) : use_reg(l, value);
}

static void lower_binary(struct lower *l, uint32_t value, const struct ins *ins, uint8_t op,
                         uint8_t size)
{
    struct machine_ins out = machine_ins_of(op, size);
    out.src[0] = use_integer(l, size, ins->a);
    set_last(l, &out, 1, ins->b);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

/* x + (y << count), x + y + constant: one LEA. */
static bool lower_lea(struct lower *l, uint32_t value, const struct ins *ins, uint8_t size)
{
    uint32_t x = ins->a, y = ins->b;
    uint16_t shl = size == 4 ? OPCODE_I32_SHL : OPCODE_I64_SHL;
    if (value_at(l, x)->op == shl && is_deferred(l, x)) {
        x = ins->b;
        y = ins->a;
    }
    const struct ins *shift = value_at(l, y);
    if (shift->op != shl || !is_deferred(l, y) || l->reg_of[y])
        return false;
    struct machine_ins lea = machine_ins_of(M_LEA, size);
    lea.memory = true;
    uint64_t imm;
    if (ssa_is_const(l->graph, x, &imm)) {
        if (size == 8 && (uint64_t)(int64_t)(int32_t)imm != imm)
            return false;
        lea.disp = (int32_t)imm;
    } else {
        lea.base = use_integer(l, size, x);
    }
    lea.index = use_integer(l, size, shift->a);
    lea.scale = (uint8_t)value_at(l, shift->b)->imm;
    lea.dst = result_reg(l, value);
    emit_ins(l, &lea);
    return true;
}

static void lower_and(struct lower *l, uint32_t value, const struct ins *ins, uint8_t size)
{
    uint64_t imm;
    bool byte = ssa_is_const(l->graph, ins->b, &imm) && imm == 0xff;
    if (!byte && (!ssa_is_const(l->graph, ins->b, &imm) || imm != 0xffff)) {
        lower_binary(l, value, ins, M_AND, size);
        return;
    }
    struct machine_ins out = machine_ins_of(M_EXTEND, 4);
    out.access = byte ? 1 : 2;
    out.src[0] = use_integer(l, size, ins->a);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void lower_xor(struct lower *l, uint32_t value, const struct ins *ins, uint8_t size)
{
    uint64_t imm;
    if (!ssa_is_const(l->graph, ins->b, &imm) ||
        imm != (size == 4 ? (uint64_t)UINT32_MAX : UINT64_MAX)) {
        lower_binary(l, value, ins, M_XOR, size);
        return;
    }
    struct machine_ins out = machine_ins_of(M_NOT, size);
    out.src[0] = use_integer(l, size, ins->a);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void lower_sub(struct lower *l, uint32_t value, const struct ins *ins, uint8_t size)
{
    uint64_t imm;
    if (!ssa_is_const(l->graph, ins->a, &imm) || imm != 0) {
        lower_binary(l, value, ins, M_SUB, size);
        return;
    }
    struct machine_ins out = machine_ins_of(M_NEG, size);
    out.src[0] = use_integer(l, size, ins->b);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void lower_shift(struct lower *l, uint32_t value, const struct ins *ins, uint8_t op,
                        uint8_t size)
{
    struct machine_ins out = machine_ins_of(op, size);
    uint64_t count;
    out.src[0] = use_integer(l, size, ins->a);
    if (ssa_is_const(l->graph, ins->b, &count)) {
        out.immediate = true;
        out.imm = count & (size == 4 ? 31 : 63);
    } else {
        out.src[1] = size == 4 ? use_low32(l, ins->b) : use_reg(l, ins->b);
    }
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void emit_trap_if(struct lower *l, uint8_t cc, enum wick_trap_kind kind)
{
    struct machine_ins trap = machine_ins_of(M_TRAP_IF, 4);
    trap.cc = cc;
    trap.imm = kind;
    trap.traps = true;
    emit_ins(l, &trap);
}

static void lower_divide(struct lower *l, uint32_t value, const struct ins *ins, uint8_t size)
{
    uint16_t kind = (uint16_t)(ins->op - (size == 8 ? OPCODE_I64_DIV_S : OPCODE_I32_DIV_S));
    bool is_signed = kind == 0 || kind == 2, remainder = kind >= 2;
    uint64_t divisor = 0;
    bool known = ssa_is_const(l->graph, ins->b, &divisor) && divisor != 0;
    uint64_t ones = size == 4 ? (uint64_t)UINT32_MAX : UINT64_MAX;
    struct machine_ins out = machine_ins_of(M_DIV, size);
    out.src[0] = use_reg(l, ins->a);
    out.src[1] = use_reg(l, ins->b);
    out.is_signed = is_signed;
    out.access = remainder;
    /* imm: 1, the divisor may be -1 */
    out.imm = is_signed && (!known || divisor == ones);
    if (!known) {
        struct machine_ins test = machine_ins_of(M_TEST, size);
        test.src[0] = test.src[1] = out.src[1];
        emit_ins(l, &test);
        emit_trap_if(l, CC_E, WICK_TRAP_DIVIDE_BY_ZERO);
    }
    out.traps = true;
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void lower_unary(struct lower *l, uint32_t value, const struct ins *ins, uint8_t op,
                        uint8_t size)
{
    struct machine_ins out = machine_ins_of(op, size);
    out.src[0] = use_reg(l, ins->a);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void lower_extend(struct lower *l, uint32_t value, const struct ins *ins, uint8_t access,
                         uint8_t size, bool is_signed)
{
    struct machine_ins out = machine_ins_of(M_EXTEND, size);
    out.access = access;
    out.is_signed = is_signed;
    out.src[0] = access < 4 ? use_low32(l, ins->a) : use_reg(l, ins->a);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

/* The operations that both widths have, by distance from the first of each. */
static bool lower_integer(struct lower *l, uint32_t value, const struct ins *ins)
{
    static const uint8_t shifts[] = {M_SHL, M_SAR, M_SHR, M_ROL, M_ROR};
    static const uint8_t counts[] = {M_CLZ, M_CTZ, M_POPCNT};
    if (ins->op < OPCODE_I32_CLZ || ins->op > OPCODE_I64_ROTR)
        return false;
    uint8_t size = ins->op >= OPCODE_I64_CLZ ? 8 : 4;
    uint16_t op = (uint16_t)(ins->op - (size == 8 ? OPCODE_I64_CLZ - OPCODE_I32_CLZ : 0));
    switch (op) {
    case OPCODE_I32_CLZ:
    case OPCODE_I32_CTZ:
    case OPCODE_I32_POPCNT:
        lower_unary(l, value, ins, counts[op - OPCODE_I32_CLZ], size);
        break;
    case OPCODE_I32_ADD:
        if (!lower_lea(l, value, ins, size))
            lower_binary(l, value, ins, M_ADD, size);
        break;
    case OPCODE_I32_SUB:
        lower_sub(l, value, ins, size);
        break;
    case OPCODE_I32_MUL:
        lower_binary(l, value, ins, M_IMUL, size);
        break;
    case OPCODE_I32_AND:
        lower_and(l, value, ins, size);
        break;
    case OPCODE_I32_OR:
        lower_binary(l, value, ins, M_OR, size);
        break;
    case OPCODE_I32_XOR:
        lower_xor(l, value, ins, size);
        break;
    default:
        if (op >= OPCODE_I32_SHL)
            lower_shift(l, value, ins, shifts[op - OPCODE_I32_SHL], size);
        else
            lower_divide(l, value, ins, size);
    }
    return true;
}

/* ---- Floats -----------------------------------------------------------------------------------
 */

static void lower_sse(struct lower *l, uint32_t value, const struct ins *ins, uint16_t vex,
                      uint8_t size)
{
    struct machine_ins out = machine_ins_of(M_SSE, size);
    out.vex = vex;
    out.src[0] = use_reg(l, ins->a);
    set_last(l, &out, 1, ins->b);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void lower_sse_unary(struct lower *l, uint32_t value, const struct ins *ins, uint16_t vex,
                            uint8_t size, uint8_t imm8)
{
    struct machine_ins out = machine_ins_of(M_SSE_UNARY, size);
    out.vex = vex;
    out.imm8 = imm8;
    out.has_imm8 = SSE_MAP(vex) == 3;
    out.src[0] = use_reg(l, ins->a);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

/* `op` with a register full of `mask`. */
static uint32_t masked(struct lower *l, uint32_t source, uint8_t op, uint8_t size, uint64_t mask)
{
    struct machine_ins constant = machine_ins_of(M_FCONST, size);
    constant.dst = new_reg(l, true, size);
    constant.imm = mask;
    emit_ins(l, &constant);
    struct machine_ins out = machine_ins_of(M_SSE, size);
    out.vex = (uint16_t)(SSE_PACKED(op, size) | (op == SSE_ANDN ? 0 : COMMUTES));
    out.src[0] = op == SSE_ANDN ? constant.dst : source;
    out.src[1] = op == SSE_ANDN ? source : constant.dst;
    out.dst = new_reg(l, true, size);
    emit_ins(l, &out);
    return out.dst;
}

static void lower_sign(struct lower *l, uint32_t value, const struct ins *ins, uint8_t size)
{
    uint64_t sign = size == 4 ? (uint64_t)1 << 31 : (uint64_t)1 << 63;
    uint32_t a = use_reg(l, ins->a);
    struct machine_ins out = machine_ins_of(M_FMOV, size);
    switch (ins->op) {
    case OPCODE_F32_ABS:
    case OPCODE_F64_ABS:
        out.src[0] = masked(l, a, SSE_AND, size, sign - 1);
        break;
    case OPCODE_F32_NEG:
    case OPCODE_F64_NEG:
        out.src[0] = masked(l, a, SSE_XOR, size, sign);
        break;
    default:
        out.op = M_SSE;
        out.vex = (uint16_t)(SSE_PACKED(SSE_OR, size) | COMMUTES);
        out.src[0] = masked(l, a, SSE_AND, size, sign - 1);
        out.src[1] = masked(l, use_reg(l, ins->b), SSE_AND, size, sign);
    }
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void lower_min_max(struct lower *l, uint32_t value, const struct ins *ins, uint8_t op,
                          uint8_t size)
{
    struct machine_ins out = machine_ins_of(op, size);
    out.src[0] = use_reg(l, ins->a);
    out.src[1] = use_reg(l, ins->b);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

/* What F32 and F64 have alike. */
static bool lower_float(struct lower *l, uint32_t value, const struct ins *ins)
{
    if (ins->op < OPCODE_F32_ABS || ins->op > OPCODE_F64_COPYSIGN)
        return false;
    uint8_t size = ins->op >= OPCODE_F64_ABS ? 8 : 4;
    uint16_t op = (uint16_t)(ins->op - (size == 8 ? OPCODE_F64_ABS - OPCODE_F32_ABS : 0));
    uint16_t round = (uint16_t)SSE_INT3A(size == 4 ? 0x0A : 0x0B);
    switch (op) {
    case OPCODE_F32_CEIL:
        lower_sse_unary(l, value, ins, round, size, 0x0A);
        break;
    case OPCODE_F32_FLOOR:
        lower_sse_unary(l, value, ins, round, size, 0x09);
        break;
    case OPCODE_F32_TRUNC:
        lower_sse_unary(l, value, ins, round, size, 0x0B);
        break;
    case OPCODE_F32_NEAREST:
        lower_sse_unary(l, value, ins, round, size, 0x08);
        break;
    case OPCODE_F32_SQRT:
        lower_sse_unary(l, value, ins, (uint16_t)SSE_SCALAR(SSE_SQRT, size), size, 0);
        break;
    case OPCODE_F32_ADD:
        lower_sse(l, value, ins, (uint16_t)(SSE_SCALAR(SSE_ADD, size) | COMMUTES), size);
        break;
    case OPCODE_F32_SUB:
        lower_sse(l, value, ins, (uint16_t)SSE_SCALAR(SSE_SUB, size), size);
        break;
    case OPCODE_F32_MUL:
        lower_sse(l, value, ins, (uint16_t)(SSE_SCALAR(SSE_MUL, size) | COMMUTES), size);
        break;
    case OPCODE_F32_DIV:
        lower_sse(l, value, ins, (uint16_t)SSE_SCALAR(SSE_DIV, size), size);
        break;
    case OPCODE_F32_MIN:
        lower_min_max(l, value, ins, M_FMIN, size);
        break;
    case OPCODE_F32_MAX:
        lower_min_max(l, value, ins, M_FMAX, size);
        break;
    default:
        lower_sign(l, value, ins, size);
    }
    return true;
}

/* ---- Conversions ------------------------------------------------------------------------------
 */

struct conversion {
    uint8_t op, size, access;
    bool is_signed;
};

static const struct conversion *find_conversion(uint16_t op)
{
    static const struct conversion conversions[] = {
        [OPCODE_I32_TRUNC_F32_S - OPCODE_I32_WRAP_I64] = {M_TRUNC, 4, 4, true},
        [OPCODE_I32_TRUNC_F32_U - OPCODE_I32_WRAP_I64] = {M_TRUNC, 4, 4, false},
        [OPCODE_I32_TRUNC_F64_S - OPCODE_I32_WRAP_I64] = {M_TRUNC, 4, 8, true},
        [OPCODE_I32_TRUNC_F64_U - OPCODE_I32_WRAP_I64] = {M_TRUNC, 4, 8, false},
        [OPCODE_I64_TRUNC_F32_S - OPCODE_I32_WRAP_I64] = {M_TRUNC, 8, 4, true},
        [OPCODE_I64_TRUNC_F32_U - OPCODE_I32_WRAP_I64] = {M_TRUNC, 8, 4, false},
        [OPCODE_I64_TRUNC_F64_S - OPCODE_I32_WRAP_I64] = {M_TRUNC, 8, 8, true},
        [OPCODE_I64_TRUNC_F64_U - OPCODE_I32_WRAP_I64] = {M_TRUNC, 8, 8, false},
        [OPCODE_F32_CONVERT_I32_S - OPCODE_I32_WRAP_I64] = {M_CVT_TO_FLOAT, 4, 4, true},
        [OPCODE_F32_CONVERT_I32_U - OPCODE_I32_WRAP_I64] = {M_CVT_TO_FLOAT, 4, 8, true},
        [OPCODE_F32_CONVERT_I64_S - OPCODE_I32_WRAP_I64] = {M_CVT_TO_FLOAT, 4, 8, true},
        [OPCODE_F32_CONVERT_I64_U - OPCODE_I32_WRAP_I64] = {M_CVT_U64, 4, 8, false},
        [OPCODE_F64_CONVERT_I32_S - OPCODE_I32_WRAP_I64] = {M_CVT_TO_FLOAT, 8, 4, true},
        [OPCODE_F64_CONVERT_I32_U - OPCODE_I32_WRAP_I64] = {M_CVT_TO_FLOAT, 8, 8, true},
        [OPCODE_F64_CONVERT_I64_S - OPCODE_I32_WRAP_I64] = {M_CVT_TO_FLOAT, 8, 8, true},
        [OPCODE_F64_CONVERT_I64_U - OPCODE_I32_WRAP_I64] = {M_CVT_U64, 8, 8, false},
        [OPCODE_I32_REINTERPRET_F32 - OPCODE_I32_WRAP_I64] = {M_MOVE_CLASS, 4, 4, false},
        [OPCODE_I64_REINTERPRET_F64 - OPCODE_I32_WRAP_I64] = {M_MOVE_CLASS, 8, 8, false},
        [OPCODE_F32_REINTERPRET_I32 - OPCODE_I32_WRAP_I64] = {M_MOVE_CLASS, 4, 4, false},
        [OPCODE_F64_REINTERPRET_I64 - OPCODE_I32_WRAP_I64] = {M_MOVE_CLASS, 8, 8, false},
    };
    static const struct conversion saturating[] = {
        {M_TRUNC_SAT, 4, 4, true},  {M_TRUNC_SAT, 4, 4, false}, {M_TRUNC_SAT, 4, 8, true},
        {M_TRUNC_SAT, 4, 8, false}, {M_TRUNC_SAT, 8, 4, true},  {M_TRUNC_SAT, 8, 4, false},
        {M_TRUNC_SAT, 8, 8, true},  {M_TRUNC_SAT, 8, 8, false},
    };
    return op >= OPCODE_I32_TRUNC_SAT_F32_S ? &saturating[op - OPCODE_I32_TRUNC_SAT_F32_S]
                                            : &conversions[op - OPCODE_I32_WRAP_I64];
}

static void lower_conversion(struct lower *l, uint32_t value, const struct ins *ins)
{
    const struct conversion *conversion = find_conversion(ins->op);
    struct machine_ins out = machine_ins_of(conversion->op, conversion->size);
    out.access = conversion->access;
    out.is_signed = conversion->is_signed;
    out.src[0] = use_reg(l, ins->a);
    if (conversion->op == M_CVT_U64)
        out.tmp = new_reg(l, false, 8);
    if (conversion->op == M_TRUNC || conversion->op == M_TRUNC_SAT)
        out.tmp = new_reg(l, true, 8);
    out.traps = conversion->op == M_TRUNC;
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

/* Whether an i64 is known to fit 32 bits. */
static bool is_narrow(const struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    uint64_t imm;
    if (ins->op >= OPCODE_I64_LOAD8_S && ins->op <= OPCODE_I64_LOAD32_U)
        return ins->op == OPCODE_I64_LOAD8_U || ins->op == OPCODE_I64_LOAD16_U ||
               ins->op == OPCODE_I64_LOAD32_U;
    if (!ins->b || !ssa_is_const(l->graph, ins->b, &imm))
        return false;
    return (ins->op == OPCODE_I64_SHR_U && (imm & 63) >= 32) ||
           (ins->op == OPCODE_I64_AND && imm <= UINT32_MAX);
}

/* A move of 4 bytes clears the upper half; one of 8 is nothing if both have the same register. */
static void lower_width(struct lower *l, uint32_t value, const struct ins *ins)
{
    bool clears = ins->op == OPCODE_I32_WRAP_I64 && !is_narrow(l, ins->a);
    struct machine_ins out = machine_ins_of(M_MOV, clears ? 4 : 8);
    out.src[0] = use_reg(l, ins->a);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void lower_mulhi(struct lower *l, uint32_t value, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_MULHI, 8);
    out.is_signed = ins->op == SSA_MULHI_S;
    out.src[0] = use_reg(l, ins->a);
    out.src[1] = use_reg(l, ins->b);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

void lower_number(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    if (is_compare(ins->op)) {
        lower_compare(l, value, ins);
        return;
    }
    if (lower_integer(l, value, ins) || lower_float(l, value, ins))
        return;
    switch (ins->op) {
    case SSA_SELECT:
        lower_select(l, value, ins);
        break;
    case SSA_MULHI_S:
    case SSA_MULHI_U:
        lower_mulhi(l, value, ins);
        break;
    case OPCODE_I32_WRAP_I64:
    case OPCODE_I64_EXTEND_I32_U:
        lower_width(l, value, ins);
        break;
    case OPCODE_I64_EXTEND_I32_S:
    case OPCODE_I64_EXTEND32_S:
        lower_extend(l, value, ins, 4, 8, true);
        break;
    case OPCODE_I32_EXTEND8_S:
        lower_extend(l, value, ins, 1, 4, true);
        break;
    case OPCODE_I32_EXTEND16_S:
        lower_extend(l, value, ins, 2, 4, true);
        break;
    case OPCODE_I64_EXTEND8_S:
        lower_extend(l, value, ins, 1, 8, true);
        break;
    case OPCODE_I64_EXTEND16_S:
        lower_extend(l, value, ins, 2, 8, true);
        break;
    case OPCODE_F32_DEMOTE_F64:
        lower_sse_unary(l, value, ins, (uint16_t)SSE_SCALAR(SSE_CVT_FLOAT, 8), 8, 0);
        break;
    case OPCODE_F64_PROMOTE_F32:
        lower_sse_unary(l, value, ins, (uint16_t)SSE_SCALAR(SSE_CVT_FLOAT, 4), 4, 0);
        break;
    default:
        lower_conversion(l, value, ins);
    }
}
