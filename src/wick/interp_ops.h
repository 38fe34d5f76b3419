/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter's numeric and memory instructions as tables. In the expressions `a` and `b` are
 * the operands, with the type of the named wick_value_t member. interp.h makes operation numbers of
 * them, translate.c the way from opcodes to operations, interp.c the code.
 */
#pragma once

/* BINARY(opcode, result member, operand member, expression) */
#define BINARY_OPS(BINARY)                                                                         \
    BINARY(I32_ADD, u32, u32, a + b)                                                               \
    BINARY(I32_SUB, u32, u32, a - b)                                                               \
    BINARY(I32_MUL, u32, u32, a *b)                                                                \
    BINARY(I32_AND, u32, u32, a &b)                                                                \
    BINARY(I32_OR, u32, u32, a | b)                                                                \
    BINARY(I32_XOR, u32, u32, a ^ b)                                                               \
    BINARY(I32_SHL, u32, u32, a << (b & 31))                                                       \
    BINARY(I32_SHR_S, i32, i32, a >> (b & 31))                                                     \
    BINARY(I32_SHR_U, u32, u32, a >> (b & 31))                                                     \
    BINARY(I32_ROTL, u32, u32, a << (b & 31) | a >> (-b & 31))                                     \
    BINARY(I32_ROTR, u32, u32, a >> (b & 31) | a << (-b & 31))                                     \
    BINARY(I64_ADD, u64, u64, a + b)                                                               \
    BINARY(I64_SUB, u64, u64, a - b)                                                               \
    BINARY(I64_MUL, u64, u64, a *b)                                                                \
    BINARY(I64_AND, u64, u64, a &b)                                                                \
    BINARY(I64_OR, u64, u64, a | b)                                                                \
    BINARY(I64_XOR, u64, u64, a ^ b)                                                               \
    BINARY(I64_SHL, u64, u64, a << (b & 63))                                                       \
    BINARY(I64_SHR_S, i64, i64, a >> (b & 63))                                                     \
    BINARY(I64_SHR_U, u64, u64, a >> (b & 63))                                                     \
    BINARY(I64_ROTL, u64, u64, a << (b & 63) | a >> (-b & 63))                                     \
    BINARY(I64_ROTR, u64, u64, a >> (b & 63) | a << (-b & 63))                                     \
    BINARY(F32_ADD, f32, f32, a + b)                                                               \
    BINARY(F32_SUB, f32, f32, a - b)                                                               \
    BINARY(F32_MUL, f32, f32, a *b)                                                                \
    BINARY(F32_DIV, f32, f32, a / b)                                                               \
    BINARY(F32_MIN, f32, f32, f32_min(a, b))                                                       \
    BINARY(F32_MAX, f32, f32, f32_max(a, b))                                                       \
    BINARY(F32_COPYSIGN, u32, u32, (a & 0x7fffffffu) | (b & 0x80000000u))                          \
    BINARY(F64_ADD, f64, f64, a + b)                                                               \
    BINARY(F64_SUB, f64, f64, a - b)                                                               \
    BINARY(F64_MUL, f64, f64, a *b)                                                                \
    BINARY(F64_DIV, f64, f64, a / b)                                                               \
    BINARY(F64_MIN, f64, f64, f64_min(a, b))                                                       \
    BINARY(F64_MAX, f64, f64, f64_max(a, b))                                                       \
    BINARY(F64_COPYSIGN, u64, u64, (a & ~F64_SIGN) | (b & F64_SIGN))

/* DIVIDE(opcode, member, trap kind or 0, expression) */
#define DIVIDE_OPS(DIVIDE)                                                                         \
    DIVIDE(I32_DIV_S, i32,                                                                         \
           b == 0                      ? WICK_TRAP_DIVIDE_BY_ZERO                                  \
           : b == -1 && a == INT32_MIN ? WICK_TRAP_OVERFLOW                                        \
                                       : WICK_TRAP_NONE,                                           \
           a / b)                                                                                  \
    DIVIDE(I32_DIV_U, u32, b == 0 ? WICK_TRAP_DIVIDE_BY_ZERO : WICK_TRAP_NONE, a / b)              \
    DIVIDE(I32_REM_S, i32, b == 0 ? WICK_TRAP_DIVIDE_BY_ZERO : WICK_TRAP_NONE,                     \
           b == -1 ? 0 : a % b)                                                                    \
    DIVIDE(I32_REM_U, u32, b == 0 ? WICK_TRAP_DIVIDE_BY_ZERO : WICK_TRAP_NONE, a % b)              \
    DIVIDE(I64_DIV_S, i64,                                                                         \
           b == 0                      ? WICK_TRAP_DIVIDE_BY_ZERO                                  \
           : b == -1 && a == INT64_MIN ? WICK_TRAP_OVERFLOW                                        \
                                       : WICK_TRAP_NONE,                                           \
           a / b)                                                                                  \
    DIVIDE(I64_DIV_U, u64, b == 0 ? WICK_TRAP_DIVIDE_BY_ZERO : WICK_TRAP_NONE, a / b)              \
    DIVIDE(I64_REM_S, i64, b == 0 ? WICK_TRAP_DIVIDE_BY_ZERO : WICK_TRAP_NONE,                     \
           b == -1 ? 0 : a % b)                                                                    \
    DIVIDE(I64_REM_U, u64, b == 0 ? WICK_TRAP_DIVIDE_BY_ZERO : WICK_TRAP_NONE, a % b)

/* COMPARE(opcode, operand member, expression) */
#define COMPARE_OPS(COMPARE)                                                                       \
    COMPARE(I32_EQ, u32, a == b)                                                                   \
    COMPARE(I32_NE, u32, a != b)                                                                   \
    COMPARE(I32_LT_S, i32, a < b)                                                                  \
    COMPARE(I32_LT_U, u32, a < b)                                                                  \
    COMPARE(I32_GT_S, i32, a > b)                                                                  \
    COMPARE(I32_GT_U, u32, a > b)                                                                  \
    COMPARE(I32_LE_S, i32, a <= b)                                                                 \
    COMPARE(I32_LE_U, u32, a <= b)                                                                 \
    COMPARE(I32_GE_S, i32, a >= b)                                                                 \
    COMPARE(I32_GE_U, u32, a >= b)                                                                 \
    COMPARE(I64_EQ, u64, a == b)                                                                   \
    COMPARE(I64_NE, u64, a != b)                                                                   \
    COMPARE(I64_LT_S, i64, a < b)                                                                  \
    COMPARE(I64_LT_U, u64, a < b)                                                                  \
    COMPARE(I64_GT_S, i64, a > b)                                                                  \
    COMPARE(I64_GT_U, u64, a > b)                                                                  \
    COMPARE(I64_LE_S, i64, a <= b)                                                                 \
    COMPARE(I64_LE_U, u64, a <= b)                                                                 \
    COMPARE(I64_GE_S, i64, a >= b)                                                                 \
    COMPARE(I64_GE_U, u64, a >= b)                                                                 \
    COMPARE(F32_EQ, f32, a == b)                                                                   \
    COMPARE(F32_NE, f32, a != b)                                                                   \
    COMPARE(F32_LT, f32, a < b)                                                                    \
    COMPARE(F32_GT, f32, a > b)                                                                    \
    COMPARE(F32_LE, f32, a <= b)                                                                   \
    COMPARE(F32_GE, f32, a >= b)                                                                   \
    COMPARE(F64_EQ, f64, a == b)                                                                   \
    COMPARE(F64_NE, f64, a != b)                                                                   \
    COMPARE(F64_LT, f64, a < b)                                                                    \
    COMPARE(F64_GT, f64, a > b)                                                                    \
    COMPARE(F64_LE, f64, a <= b)                                                                   \
    COMPARE(F64_GE, f64, a >= b)

/* UNARY(opcode, result member, operand member, expression) */
#define UNARY_OPS(UNARY)                                                                           \
    UNARY(I32_CLZ, u32, u32, a ? (uint32_t)__builtin_clz(a) : 32)                                  \
    UNARY(I32_CTZ, u32, u32, a ? (uint32_t)__builtin_ctz(a) : 32)                                  \
    UNARY(I32_POPCNT, u32, u32, (uint32_t)__builtin_popcount(a))                                   \
    UNARY(I64_CLZ, u64, u64, a ? (uint64_t)__builtin_clzll(a) : 64)                                \
    UNARY(I64_CTZ, u64, u64, a ? (uint64_t)__builtin_ctzll(a) : 64)                                \
    UNARY(I64_POPCNT, u64, u64, (uint64_t)__builtin_popcountll(a))                                 \
    UNARY(F32_ABS, u32, u32, a & 0x7fffffffu)                                                      \
    UNARY(F32_NEG, u32, u32, a ^ 0x80000000u)                                                      \
    UNARY(F32_CEIL, f32, f32, f32_ceil(a))                                                         \
    UNARY(F32_FLOOR, f32, f32, f32_floor(a))                                                       \
    UNARY(F32_TRUNC, f32, f32, f32_trunc(a))                                                       \
    UNARY(F32_NEAREST, f32, f32, f32_nearest(a))                                                   \
    UNARY(F32_SQRT, f32, f32, __builtin_sqrtf(a))                                                  \
    UNARY(F64_ABS, u64, u64, a & ~F64_SIGN)                                                        \
    UNARY(F64_NEG, u64, u64, a ^ F64_SIGN)                                                         \
    UNARY(F64_CEIL, f64, f64, f64_ceil(a))                                                         \
    UNARY(F64_FLOOR, f64, f64, f64_floor(a))                                                       \
    UNARY(F64_TRUNC, f64, f64, f64_trunc(a))                                                       \
    UNARY(F64_NEAREST, f64, f64, f64_nearest(a))                                                   \
    UNARY(F64_SQRT, f64, f64, __builtin_sqrt(a))                                                   \
    UNARY(I32_WRAP_I64, u32, u64, (uint32_t)a)                                                     \
    UNARY(I64_EXTEND_I32_S, i64, i32, a)                                                           \
    UNARY(I64_EXTEND_I32_U, u64, u32, a)                                                           \
    UNARY(F32_CONVERT_I32_S, f32, i32, (float)a)                                                   \
    UNARY(F32_CONVERT_I32_U, f32, u32, (float)a)                                                   \
    UNARY(F32_CONVERT_I64_S, f32, i64, (float)a)                                                   \
    UNARY(F32_CONVERT_I64_U, f32, u64, (float)a)                                                   \
    UNARY(F32_DEMOTE_F64, f32, f64, (float)a)                                                      \
    UNARY(F64_CONVERT_I32_S, f64, i32, (double)a)                                                  \
    UNARY(F64_CONVERT_I32_U, f64, u32, (double)a)                                                  \
    UNARY(F64_CONVERT_I64_S, f64, i64, (double)a)                                                  \
    UNARY(F64_CONVERT_I64_U, f64, u64, (double)a)                                                  \
    UNARY(F64_PROMOTE_F32, f64, f32, (double)a)                                                    \
    UNARY(I32_REINTERPRET_F32, u32, u32, a)                                                        \
    UNARY(I64_REINTERPRET_F64, u64, u64, a)                                                        \
    UNARY(F32_REINTERPRET_I32, u32, u32, a)                                                        \
    UNARY(F64_REINTERPRET_I64, u64, u64, a)                                                        \
    UNARY(I32_EXTEND8_S, i32, i32, (int8_t)a)                                                      \
    UNARY(I32_EXTEND16_S, i32, i32, (int16_t)a)                                                    \
    UNARY(I64_EXTEND8_S, i64, i64, (int8_t)a)                                                      \
    UNARY(I64_EXTEND16_S, i64, i64, (int16_t)a)                                                    \
    UNARY(I64_EXTEND32_S, i64, i64, (int32_t)a)                                                    \
    UNARY(I32_TRUNC_SAT_F32_S, i32, f32, saturate_i32(a))                                          \
    UNARY(I32_TRUNC_SAT_F32_U, u32, f32, saturate_u32(a))                                          \
    UNARY(I32_TRUNC_SAT_F64_S, i32, f64, saturate_i32(a))                                          \
    UNARY(I32_TRUNC_SAT_F64_U, u32, f64, saturate_u32(a))                                          \
    UNARY(I64_TRUNC_SAT_F32_S, i64, f32, saturate_i64(a))                                          \
    UNARY(I64_TRUNC_SAT_F32_U, u64, f32, saturate_u64(a))                                          \
    UNARY(I64_TRUNC_SAT_F64_S, i64, f64, saturate_i64(a))                                          \
    UNARY(I64_TRUNC_SAT_F64_U, u64, f64, saturate_u64(a))                                          \
    UNARY(REF_IS_NULL, u32, u64, a == 0)

/* TRUNCATE(opcode, result member, operand member, low, high): traps unless low < a < high. */
#define TRUNCATE_OPS(TRUNCATE)                                                                     \
    TRUNCATE(I32_TRUNC_F32_S, i32, f32, -2147483904.0f, 2147483648.0f)                             \
    TRUNCATE(I32_TRUNC_F32_U, u32, f32, -1.0f, 4294967296.0f)                                      \
    TRUNCATE(I32_TRUNC_F64_S, i32, f64, -2147483649.0, 2147483648.0)                               \
    TRUNCATE(I32_TRUNC_F64_U, u32, f64, -1.0, 4294967296.0)                                        \
    TRUNCATE(I64_TRUNC_F32_S, i64, f32, -9223373136366403584.0f, 9223372036854775808.0f)           \
    TRUNCATE(I64_TRUNC_F32_U, u64, f32, -1.0f, 18446744073709551616.0f)                            \
    TRUNCATE(I64_TRUNC_F64_S, i64, f64, -9223372036854777856.0, 9223372036854775808.0)             \
    TRUNCATE(I64_TRUNC_F64_U, u64, f64, -1.0, 18446744073709551616.0)

/* LOAD(opcode, type in memory, result member) */
#define LOAD_OPS(LOAD)                                                                             \
    LOAD(I32_LOAD, uint32_t, u32)                                                                  \
    LOAD(I64_LOAD, uint64_t, u64)                                                                  \
    LOAD(F32_LOAD, uint32_t, u32)                                                                  \
    LOAD(F64_LOAD, uint64_t, u64)                                                                  \
    LOAD(I32_LOAD8_S, int8_t, i32)                                                                 \
    LOAD(I32_LOAD8_U, uint8_t, u32)                                                                \
    LOAD(I32_LOAD16_S, int16_t, i32)                                                               \
    LOAD(I32_LOAD16_U, uint16_t, u32)                                                              \
    LOAD(I64_LOAD8_S, int8_t, i64)                                                                 \
    LOAD(I64_LOAD8_U, uint8_t, u64)                                                                \
    LOAD(I64_LOAD16_S, int16_t, i64)                                                               \
    LOAD(I64_LOAD16_U, uint16_t, u64)                                                              \
    LOAD(I64_LOAD32_S, int32_t, i64)                                                               \
    LOAD(I64_LOAD32_U, uint32_t, u64)

/* STORE(opcode, type in memory, operand member) */
#define STORE_OPS(STORE)                                                                           \
    STORE(I32_STORE, uint32_t, u32)                                                                \
    STORE(I64_STORE, uint64_t, u64)                                                                \
    STORE(F32_STORE, uint32_t, u32)                                                                \
    STORE(F64_STORE, uint64_t, u64)                                                                \
    STORE(I32_STORE8, uint8_t, u32)                                                                \
    STORE(I32_STORE16, uint16_t, u32)                                                              \
    STORE(I64_STORE8, uint8_t, u64)                                                                \
    STORE(I64_STORE16, uint16_t, u64)                                                              \
    STORE(I64_STORE32, uint32_t, u64)
