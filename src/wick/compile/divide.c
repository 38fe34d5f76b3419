/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Division by constants as multiplication (Granlund and Montgomery, "Division by Invariant Integers
 * using Multiplication", 1994; Warren, "Hacker's Delight", chapter 10).
 */
#include "wick/compile/ssa.h"

struct divide {
    struct graph *graph;
    bool wide; /* 64 bits */
    uint32_t x;
};

static uint32_t number(const struct divide *d, uint64_t imm)
{
    return ssa_const(d->graph, d->wide ? TYPE_I64 : TYPE_I32, d->wide ? imm : (uint32_t)imm);
}

/* The operation by its 32-bit opcode. */
static uint32_t apply(const struct divide *d, uint16_t op32, uint32_t a, uint32_t b)
{
    uint16_t op = d->wide ? (uint16_t)(op32 - OPCODE_I32_ADD + OPCODE_I64_ADD) : op32;
    return ssa_binary(d->graph, op, a, b);
}

static uint32_t shift(const struct divide *d, uint16_t op32, uint32_t a, unsigned count)
{
    return apply(d, op32, a, number(d, count));
}

static uint32_t high_half(const struct divide *d, uint16_t op, uint32_t a, uint64_t factor)
{
    uint32_t b = ssa_const(d->graph, TYPE_I64, factor);
    return ins_append(d->graph, &(struct ins){.op = op, .type = TYPE_I64, .a = a, .b = b});
}

/* ---- Unsigned ---------------------------------------------------------------------------------
 */

/* The 33- or 65-bit factor is 2^bits + *factor; *shift is the shift behind the high half. */
static void unsigned_magic(uint64_t divisor, unsigned bits, uint64_t *factor, unsigned *shift)
{
    unsigned log = 64 - (unsigned)__builtin_clzll(divisor - 1);
    unsigned __int128 one = 1;
    unsigned __int128 numerator = (one << bits) * ((one << log) - divisor);
    *factor = (uint64_t)(numerator / divisor) + 1;
    *shift = log;
}

static uint32_t divide_unsigned(const struct divide *d, uint64_t divisor)
{
    uint64_t factor;
    unsigned count, bits = d->wide ? 64 : 32;
    unsigned_magic(divisor, bits, &factor, &count);
    uint32_t high;
    if (d->wide) {
        high = high_half(d, SSA_MULHI_U, d->x, factor);
    } else {
        uint32_t wide = ssa_unary(d->graph, OPCODE_I64_EXTEND_I32_U, d->x);
        uint32_t by = ssa_const(d->graph, TYPE_I64, (uint32_t)factor);
        uint32_t product = ssa_binary(d->graph, OPCODE_I64_MUL, wide, by);
        uint32_t half = ssa_const(d->graph, TYPE_I64, 32);
        product = ssa_binary(d->graph, OPCODE_I64_SHR_U, product, half);
        high = ssa_unary(d->graph, OPCODE_I32_WRAP_I64, product);
    }
    /* ((x - high) >> 1) + high cannot overflow; count is at least 1. */
    uint32_t rest = shift(d, OPCODE_I32_SHR_U, apply(d, OPCODE_I32_SUB, d->x, high), 1);
    return shift(d, OPCODE_I32_SHR_U, apply(d, OPCODE_I32_ADD, rest, high), count - 1);
}

/* ---- Signed -----------------------------------------------------------------------------------
 */

static uint32_t divide_by_power(const struct divide *d, unsigned log)
{
    unsigned bits = d->wide ? 64 : 32;
    uint32_t sign = shift(d, OPCODE_I32_SHR_S, d->x, bits - 1);
    uint32_t bias = shift(d, OPCODE_I32_SHR_U, sign, bits - log);
    return shift(d, OPCODE_I32_SHR_S, apply(d, OPCODE_I32_ADD, d->x, bias), log);
}

/* For a divisor of at least 3 that is no power of two. */
static uint32_t divide_signed(const struct divide *d, uint64_t divisor)
{
    unsigned bits = d->wide ? 64 : 32, log = 64 - (unsigned)__builtin_clzll(divisor - 1);
    unsigned __int128 one = 1;
    /* 2^(bits + log - 1) / divisor, rounded up: below 2^bits, so negative as a signed number */
    uint64_t factor = (uint64_t)((one << (bits + log - 1)) / divisor) + 1;
    uint32_t high;
    if (d->wide) {
        high = high_half(d, SSA_MULHI_S, d->x, factor);
    } else {
        uint32_t wide = ssa_unary(d->graph, OPCODE_I64_EXTEND_I32_S, d->x);
        uint32_t by = ssa_const(d->graph, TYPE_I64, (uint64_t)(int64_t)(int32_t)factor);
        uint32_t product = ssa_binary(d->graph, OPCODE_I64_MUL, wide, by);
        uint32_t half = ssa_const(d->graph, TYPE_I64, 32);
        product = ssa_binary(d->graph, OPCODE_I64_SHR_U, product, half);
        high = ssa_unary(d->graph, OPCODE_I32_WRAP_I64, product);
    }
    uint32_t sum = apply(d, OPCODE_I32_ADD, high, d->x);
    uint32_t quotient = shift(d, OPCODE_I32_SHR_S, sum, log - 1);
    return apply(d, OPCODE_I32_SUB, quotient, shift(d, OPCODE_I32_SHR_S, d->x, bits - 1));
}

/* ---- Both -------------------------------------------------------------------------------------
 */

static uint32_t quotient(const struct divide *d, bool is_signed, uint64_t divisor)
{
    bool power = (divisor & (divisor - 1)) == 0;
    if (!is_signed)
        return power ? 0 : divide_unsigned(d, divisor); /* powers were folded */
    uint64_t least = d->wide ? (uint64_t)INT64_MIN : (uint32_t)INT32_MIN;
    if (divisor >= least) /* negative: rare enough to leave to the processor */
        return 0;
    return power ? divide_by_power(d, (unsigned)__builtin_ctzll(divisor))
                 : divide_signed(d, divisor);
}

uint32_t ssa_divide(struct graph *graph, uint16_t op, uint32_t a, uint64_t divisor)
{
    bool wide = op >= OPCODE_I64_DIV_S && op <= OPCODE_I64_REM_U;
    if (!wide && (op < OPCODE_I32_DIV_S || op > OPCODE_I32_REM_U))
        return 0;
    uint16_t base = wide ? OPCODE_I64_DIV_S : OPCODE_I32_DIV_S;
    if (divisor < 2)
        return 0;
    struct divide d = {graph, wide, a};
    bool is_signed = op == base || op == base + 2;
    uint32_t value = quotient(&d, is_signed, divisor);
    if (!value || op < base + 2)
        return value;
    uint32_t product = apply(&d, OPCODE_I32_MUL, value, number(&d, divisor));
    return apply(&d, OPCODE_I32_SUB, a, product);
}
