/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector instructions that work lane by lane (core spec section 4.3.6), as tables. The members are
 * those of union v128; a, b and c are lanes of the operands, i is the number of the lane.
 */
#pragma once

/* SIMD_LANES(opcode, result member, lanes, operand member, expression) */
#define SIMD_INTEGER(X, T, s, u, n)                                                                \
    X(T##_NEG, u, n, u, (u##_lane)(0 - a))                                                         \
    X(T##_ABS, u, n, s, (u##_lane)(a < 0 ? 0 - (u##_lane)a : (u##_lane)a))                         \
    X(T##_ADD, u, n, u, (u##_lane)(a + b))                                                         \
    X(T##_SUB, u, n, u, (u##_lane)(a - b))                                                         \
    X(T##_EQ, u, n, u, (u##_lane)(a == b ? -1 : 0))                                                \
    X(T##_NE, u, n, u, (u##_lane)(a != b ? -1 : 0))                                                \
    X(T##_LT_S, u, n, s, (u##_lane)(a < b ? -1 : 0))                                               \
    X(T##_GT_S, u, n, s, (u##_lane)(a > b ? -1 : 0))                                               \
    X(T##_LE_S, u, n, s, (u##_lane)(a <= b ? -1 : 0))                                              \
    X(T##_GE_S, u, n, s, (u##_lane)(a >= b ? -1 : 0))

#define SIMD_SMALL_INTEGER(X, T, s, u, n)                                                          \
    SIMD_INTEGER(X, T, s, u, n)                                                                    \
    X(T##_LT_U, u, n, u, (u##_lane)(a < b ? -1 : 0))                                               \
    X(T##_GT_U, u, n, u, (u##_lane)(a > b ? -1 : 0))                                               \
    X(T##_LE_U, u, n, u, (u##_lane)(a <= b ? -1 : 0))                                              \
    X(T##_GE_U, u, n, u, (u##_lane)(a >= b ? -1 : 0))                                              \
    X(T##_MIN_S, s, n, s, a < b ? a : b)                                                           \
    X(T##_MIN_U, u, n, u, a < b ? a : b)                                                           \
    X(T##_MAX_S, s, n, s, a > b ? a : b)                                                           \
    X(T##_MAX_U, u, n, u, a > b ? a : b)

#define SIMD_SATURATING(X, T, s, u, n)                                                             \
    X(T##_ADD_SAT_S, s, n, s, (s##_lane)clamp(a + b, s##_min, s##_max))                            \
    X(T##_ADD_SAT_U, u, n, u, (u##_lane)clamp(a + b, 0, u##_max))                                  \
    X(T##_SUB_SAT_S, s, n, s, (s##_lane)clamp(a - b, s##_min, s##_max))                            \
    X(T##_SUB_SAT_U, u, n, u, (u##_lane)clamp(a - b, 0, u##_max))                                  \
    X(T##_AVGR_U, u, n, u, (u##_lane)((a + b + 1) / 2))

#define SIMD_FLOAT(X, T, f, u, n)                                                                  \
    X(T##_EQ, u, n, f, (u##_lane)(a == b ? -1 : 0))                                                \
    X(T##_NE, u, n, f, (u##_lane)(a != b ? -1 : 0))                                                \
    X(T##_LT, u, n, f, (u##_lane)(a < b ? -1 : 0))                                                 \
    X(T##_GT, u, n, f, (u##_lane)(a > b ? -1 : 0))                                                 \
    X(T##_LE, u, n, f, (u##_lane)(a <= b ? -1 : 0))                                                \
    X(T##_GE, u, n, f, (u##_lane)(a >= b ? -1 : 0))                                                \
    X(T##_CEIL, f, n, f, f##_ceil(a))                                                              \
    X(T##_FLOOR, f, n, f, f##_floor(a))                                                            \
    X(T##_TRUNC, f, n, f, f##_trunc(a))                                                            \
    X(T##_NEAREST, f, n, f, f##_nearest(a))                                                        \
    X(T##_ABS, u, n, u, a & ~u##_sign)                                                             \
    X(T##_NEG, u, n, u, a ^ u##_sign)                                                              \
    X(T##_SQRT, f, n, f, f##_sqrt(a))                                                              \
    X(T##_ADD, f, n, f, a + b)                                                                     \
    X(T##_SUB, f, n, f, a - b)                                                                     \
    X(T##_MUL, f, n, f, a *b)                                                                      \
    X(T##_DIV, f, n, f, a / b)                                                                     \
    X(T##_MIN, f, n, f, f##_min(a, b))                                                             \
    X(T##_MAX, f, n, f, f##_max(a, b))                                                             \
    X(T##_PMIN, f, n, f, b < a ? b : a)                                                            \
    X(T##_PMAX, f, n, f, a < b ? b : a)                                                            \
    X(T##_RELAXED_MIN, f, n, f, f##_min(a, b))                                                     \
    X(T##_RELAXED_MAX, f, n, f, f##_max(a, b))                                                     \
    X(T##_RELAXED_MADD, f, n, f, a *b + c)                                                         \
    X(T##_RELAXED_NMADD, f, n, f, -(a * b) + c)

#define SIMD_LANES(X)                                                                              \
    SIMD_SMALL_INTEGER(X, I8X16, s8, u8, 16)                                                       \
    SIMD_SMALL_INTEGER(X, I16X8, s16, u16, 8)                                                      \
    SIMD_SMALL_INTEGER(X, I32X4, s32, u32, 4)                                                      \
    SIMD_INTEGER(X, I64X2, s64, u64, 2)                                                            \
    SIMD_SATURATING(X, I8X16, s8, u8, 16)                                                          \
    SIMD_SATURATING(X, I16X8, s16, u16, 8)                                                         \
    SIMD_FLOAT(X, F32X4, f32, u32, 4)                                                              \
    SIMD_FLOAT(X, F64X2, f64, u64, 2)                                                              \
    X(V128_NOT, u64, 2, u64, ~a)                                                                   \
    X(V128_AND, u64, 2, u64, a &b)                                                                 \
    X(V128_ANDNOT, u64, 2, u64, a & ~b)                                                            \
    X(V128_OR, u64, 2, u64, a | b)                                                                 \
    X(V128_XOR, u64, 2, u64, a ^ b)                                                                \
    X(V128_BITSELECT, u64, 2, u64, (a & c) | (b & ~c))                                             \
    X(I8X16_RELAXED_LANESELECT, u64, 2, u64, (a & c) | (b & ~c))                                   \
    X(I16X8_RELAXED_LANESELECT, u64, 2, u64, (a & c) | (b & ~c))                                   \
    X(I32X4_RELAXED_LANESELECT, u64, 2, u64, (a & c) | (b & ~c))                                   \
    X(I64X2_RELAXED_LANESELECT, u64, 2, u64, (a & c) | (b & ~c))                                   \
    X(I8X16_POPCNT, u8, 16, u8, (uint8_t)__builtin_popcount(a))                                    \
    X(I16X8_MUL, u16, 8, u16, (uint16_t)((uint32_t)a * b))                                         \
    X(I32X4_MUL, u32, 4, u32, a *b)                                                                \
    X(I64X2_MUL, u64, 2, u64, a *b)                                                                \
    X(I16X8_Q15MULR_SAT_S, s16, 8, s16, (int16_t)clamp((a * b + 0x4000) >> 15, s16_min, s16_max))  \
    X(I16X8_RELAXED_Q15MULR_S, s16, 8, s16,                                                        \
      (int16_t)clamp((a * b + 0x4000) >> 15, s16_min, s16_max))                                    \
    X(I32X4_TRUNC_SAT_F32X4_S, s32, 4, f32, saturate_i32(a))                                       \
    X(I32X4_TRUNC_SAT_F32X4_U, u32, 4, f32, saturate_u32(a))                                       \
    X(I32X4_RELAXED_TRUNC_F32X4_S, s32, 4, f32, saturate_i32(a))                                   \
    X(I32X4_RELAXED_TRUNC_F32X4_U, u32, 4, f32, saturate_u32(a))                                   \
    X(I32X4_TRUNC_SAT_F64X2_S_ZERO, s32, 2, f64, saturate_i32(a))                                  \
    X(I32X4_TRUNC_SAT_F64X2_U_ZERO, u32, 2, f64, saturate_u32(a))                                  \
    X(I32X4_RELAXED_TRUNC_F64X2_S_ZERO, s32, 2, f64, saturate_i32(a))                              \
    X(I32X4_RELAXED_TRUNC_F64X2_U_ZERO, u32, 2, f64, saturate_u32(a))                              \
    X(F32X4_CONVERT_I32X4_S, f32, 4, s32, (float)a)                                                \
    X(F32X4_CONVERT_I32X4_U, f32, 4, u32, (float)a)                                                \
    X(F64X2_CONVERT_LOW_I32X4_S, f64, 2, s32, (double)a)                                           \
    X(F64X2_CONVERT_LOW_I32X4_U, f64, 2, u32, (double)a)                                           \
    X(F32X4_DEMOTE_F64X2_ZERO, f32, 2, f64, (float)a)                                              \
    X(F64X2_PROMOTE_LOW_F32X4, f64, 2, f32, (double)a)

/* SIMD_WIDEN(wide type, narrow type, wide and narrow members signed and unsigned, wide lanes) */
#define SIMD_WIDEN(X)                                                                              \
    X(I16X8, I8X16, s16, u16, s8, u8, 8)                                                           \
    X(I32X4, I16X8, s32, u32, s16, u16, 4)                                                         \
    X(I64X2, I32X4, s64, u64, s32, u32, 2)

/* SIMD_SHIFT(type, members, lanes, bits) */
#define SIMD_SHIFT(X)                                                                              \
    X(I8X16, s8, u8, 16, 8)                                                                        \
    X(I16X8, s16, u16, 8, 16)                                                                      \
    X(I32X4, s32, u32, 4, 32)                                                                      \
    X(I64X2, s64, u64, 2, 64)

/* SIMD_MEMORY_LANE(bits, member) */
#define SIMD_MEMORY_LANE(X) X(8, u8) X(16, u16) X(32, u32) X(64, u64)

/* SIMD_LOAD_WIDEN(name, wide member, narrow member, lanes) */
#define SIMD_LOAD_WIDEN(X)                                                                         \
    X(LOAD8X8_S, s16, s8, 8)                                                                       \
    X(LOAD8X8_U, u16, u8, 8)                                                                       \
    X(LOAD16X4_S, s32, s16, 4)                                                                     \
    X(LOAD16X4_U, u32, u16, 4)                                                                     \
    X(LOAD32X2_S, s64, s32, 2)                                                                     \
    X(LOAD32X2_U, u64, u32, 2)
