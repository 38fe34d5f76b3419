/* SPDX-License-Identifier: Apache-2.0 */
/* Vector instructions of the interpreter. Each reads its operands whole before it writes, because
 * the result may share their slots. */
#include "wick/activation.h"
#include "wick/float_ops.h"
#include "wick/opcode.h"
#include "wick/simd_ops.h"

#include <string.h>

union v128 {
    int8_t s8[16];
    uint8_t u8[16];
    int16_t s16[8];
    uint16_t u16[8];
    int32_t s32[4];
    uint32_t u32[4];
    int64_t s64[2];
    uint64_t u64[2];
    float f32[4];
    double f64[2];
};

typedef int8_t s8_lane;
typedef uint8_t u8_lane;
typedef int16_t s16_lane;
typedef uint16_t u16_lane;
typedef int32_t s32_lane;
typedef uint32_t u32_lane;
typedef int64_t s64_lane;
typedef uint64_t u64_lane;

enum { s8_min = -128, s8_max = 127, u8_max = 255, s16_min = -32768, s16_max = 32767 };
enum { u16_max = 65535 };

#define u32_sign    ((uint32_t)1 << 31)
#define u64_sign    F64_SIGN
#define f32_sqrt(a) __builtin_sqrtf(a)
#define f64_sqrt(a) __builtin_sqrt(a)

static inline int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline union v128 get(const wick_value_t *fp, uint32_t slot)
{
    union v128 value;
    memcpy(&value, &fp[slot], sizeof(value));
    return value;
}

static inline enum wick_trap_kind put(wick_value_t *fp, uint32_t slot, const union v128 *value)
{
    memcpy(&fp[slot], value, sizeof(*value));
    return WICK_TRAP_NONE;
}

#define DEFINE(opcode)                                                                             \
    static enum wick_trap_kind do_##opcode(struct interp *interp, wick_value_t *fp,                \
                                           const struct insn *insn)

#define UNUSED(name) (void)(name)

/* ---- Lane by lane -----------------------------------------------------------------------------
 */

/* Every instruction reads three operands; those that it does not have are slot 0, or stay unused.
 */
#define LANES(opcode, out, n, in, expression)                                                      \
    DEFINE(opcode)                                                                                 \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 va = get(fp, insn->a), vb = get(fp, insn->b), vc = get(fp, insn[1].a);          \
        union v128 result = {.u64 = {0, 0}};                                                       \
        for (int i = 0; i < (n); i++) {                                                            \
            __typeof__(va.in[0]) a = va.in[i], b = vb.in[i], c = vc.in[i];                         \
            UNUSED(a), UNUSED(b), UNUSED(c);                                                       \
            result.out[i] = (expression);                                                          \
        }                                                                                          \
        return put(fp, insn->dst, &result);                                                        \
    }
SIMD_LANES(LANES)
#undef LANES

#define SHIFT(T, s, u, n, bits)                                                                    \
    DEFINE(T##_SHL)                                                                                \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a);                                                           \
        uint32_t count = fp[insn->b].u32 & ((bits)-1);                                             \
        for (int i = 0; i < (n); i++)                                                              \
            v.u[i] = (u##_lane)((uint64_t)v.u[i] << count);                                        \
        return put(fp, insn->dst, &v);                                                             \
    }                                                                                              \
    DEFINE(T##_SHR_S)                                                                              \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a);                                                           \
        uint32_t count = fp[insn->b].u32 & ((bits)-1);                                             \
        for (int i = 0; i < (n); i++)                                                              \
            v.s[i] = (s##_lane)(v.s[i] >> count);                                                  \
        return put(fp, insn->dst, &v);                                                             \
    }                                                                                              \
    DEFINE(T##_SHR_U)                                                                              \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a);                                                           \
        uint32_t count = fp[insn->b].u32 & ((bits)-1);                                             \
        for (int i = 0; i < (n); i++)                                                              \
            v.u[i] = (u##_lane)(v.u[i] >> count);                                                  \
        return put(fp, insn->dst, &v);                                                             \
    }                                                                                              \
    DEFINE(T##_ALL_TRUE)                                                                           \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a);                                                           \
        uint32_t all = 1;                                                                          \
        for (int i = 0; i < (n); i++)                                                              \
            all &= v.u[i] != 0;                                                                    \
        fp[insn->dst].u32 = all;                                                                   \
        return WICK_TRAP_NONE;                                                                     \
    }                                                                                              \
    DEFINE(T##_BITMASK)                                                                            \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a);                                                           \
        uint32_t mask = 0;                                                                         \
        for (int i = 0; i < (n); i++)                                                              \
            mask |= (uint32_t)(v.s[i] < 0) << i;                                                   \
        fp[insn->dst].u32 = mask;                                                                  \
        return WICK_TRAP_NONE;                                                                     \
    }
SIMD_SHIFT(SHIFT)
#undef SHIFT

DEFINE(V128_ANY_TRUE)
{
    UNUSED(interp);
    union v128 v = get(fp, insn->a);
    fp[insn->dst].u32 = (v.u64[0] | v.u64[1]) != 0;
    return WICK_TRAP_NONE;
}

/* ---- Between widths ---------------------------------------------------------------------------
 */

#define EXTEND(name, out, in, n, from)                                                             \
    DEFINE(name)                                                                                   \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a), result;                                                   \
        for (int i = 0; i < (n); i++)                                                              \
            result.out[i] = v.in[(from) + i];                                                      \
        return put(fp, insn->dst, &result);                                                        \
    }
#define EXTMUL(name, out, in, n, from)                                                             \
    DEFINE(name)                                                                                   \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 va = get(fp, insn->a), vb = get(fp, insn->b), result;                           \
        for (int i = 0; i < (n); i++)                                                              \
            result.out[i] =                                                                        \
                (out##_lane)((out##_lane)va.in[(from) + i] * (out##_lane)vb.in[(from) + i]);       \
        return put(fp, insn->dst, &result);                                                        \
    }
#define WIDEN(T, N, s, u, ns, nu, n)                                                               \
    EXTEND(T##_EXTEND_LOW_##N##_S, s, ns, n, 0)                                                    \
    EXTEND(T##_EXTEND_HIGH_##N##_S, s, ns, n, n)                                                   \
    EXTEND(T##_EXTEND_LOW_##N##_U, u, nu, n, 0)                                                    \
    EXTEND(T##_EXTEND_HIGH_##N##_U, u, nu, n, n)                                                   \
    EXTMUL(T##_EXTMUL_LOW_##N##_S, s, ns, n, 0)                                                    \
    EXTMUL(T##_EXTMUL_HIGH_##N##_S, s, ns, n, n)                                                   \
    EXTMUL(T##_EXTMUL_LOW_##N##_U, u, nu, n, 0)                                                    \
    EXTMUL(T##_EXTMUL_HIGH_##N##_U, u, nu, n, n)
SIMD_WIDEN(WIDEN)
#undef WIDEN
#undef EXTEND
#undef EXTMUL

#define NARROW(name, out, in, n, low, high)                                                        \
    DEFINE(name)                                                                                   \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 va = get(fp, insn->a), vb = get(fp, insn->b), result;                           \
        for (int i = 0; i < (n); i++) {                                                            \
            result.out[i] = (out##_lane)clamp(va.in[i], low, high);                                \
            result.out[(n) + i] = (out##_lane)clamp(vb.in[i], low, high);                          \
        }                                                                                          \
        return put(fp, insn->dst, &result);                                                        \
    }
NARROW(I8X16_NARROW_I16X8_S, s8, s16, 8, s8_min, s8_max)
NARROW(I8X16_NARROW_I16X8_U, u8, s16, 8, 0, u8_max)
NARROW(I16X8_NARROW_I32X4_S, s16, s32, 4, s16_min, s16_max)
NARROW(I16X8_NARROW_I32X4_U, u16, s32, 4, 0, u16_max)
#undef NARROW

#define PAIRWISE(name, out, in, n)                                                                 \
    DEFINE(name)                                                                                   \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a), result;                                                   \
        for (int i = 0; i < (n); i++)                                                              \
            result.out[i] = (out##_lane)(v.in[2 * i] + v.in[2 * i + 1]);                           \
        return put(fp, insn->dst, &result);                                                        \
    }
PAIRWISE(I16X8_EXTADD_PAIRWISE_I8X16_S, s16, s8, 8)
PAIRWISE(I16X8_EXTADD_PAIRWISE_I8X16_U, u16, u8, 8)
PAIRWISE(I32X4_EXTADD_PAIRWISE_I16X8_S, s32, s16, 4)
PAIRWISE(I32X4_EXTADD_PAIRWISE_I16X8_U, u32, u16, 4)
#undef PAIRWISE

DEFINE(I32X4_DOT_I16X8_S)
{
    UNUSED(interp);
    union v128 a = get(fp, insn->a), b = get(fp, insn->b), result;
    for (int i = 0; i < 4; i++)
        result.u32[i] = (uint32_t)(a.s16[2 * i] * b.s16[2 * i]) +
                        (uint32_t)(a.s16[2 * i + 1] * b.s16[2 * i + 1]);
    return put(fp, insn->dst, &result);
}

/* The second operand's lanes are taken as signed, one of the two permitted results. */
static union v128 dot_bytes(const union v128 *a, const union v128 *b)
{
    union v128 result;
    for (int i = 0; i < 8; i++)
        result.s16[i] = (int16_t)clamp(
            a->s8[2 * i] * b->s8[2 * i] + a->s8[2 * i + 1] * b->s8[2 * i + 1], s16_min, s16_max);
    return result;
}

DEFINE(I16X8_RELAXED_DOT_I8X16_I7X16_S)
{
    UNUSED(interp);
    union v128 a = get(fp, insn->a), b = get(fp, insn->b), result = dot_bytes(&a, &b);
    return put(fp, insn->dst, &result);
}

DEFINE(I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S)
{
    UNUSED(interp);
    union v128 a = get(fp, insn->a), b = get(fp, insn->b), c = get(fp, insn[1].a);
    union v128 dots = dot_bytes(&a, &b);
    for (int i = 0; i < 4; i++)
        c.u32[i] += (uint32_t)(dots.s16[2 * i] + dots.s16[2 * i + 1]);
    return put(fp, insn->dst, &c);
}

/* ---- Lanes ------------------------------------------------------------------------------------
 */

DEFINE(I8X16_SHUFFLE)
{
    UNUSED(interp);
    union v128 v[2] = {get(fp, insn->a), get(fp, insn->b)}, lanes, result;
    memcpy(&lanes, &insn[1], sizeof(lanes));
    for (int i = 0; i < 16; i++)
        result.u8[i] = v[lanes.u8[i] >> 4].u8[lanes.u8[i] & 15];
    return put(fp, insn->dst, &result);
}

DEFINE(I8X16_SWIZZLE)
{
    UNUSED(interp);
    union v128 v = get(fp, insn->a), lanes = get(fp, insn->b), result;
    for (int i = 0; i < 16; i++)
        result.u8[i] = lanes.u8[i] < 16 ? v.u8[lanes.u8[i]] : 0;
    return put(fp, insn->dst, &result);
}

DEFINE(I8X16_RELAXED_SWIZZLE)
{
    return do_I8X16_SWIZZLE(interp, fp, insn);
}

#define SPLAT(T, member, n, field)                                                                 \
    DEFINE(T##_SPLAT)                                                                              \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 result;                                                                         \
        for (int i = 0; i < (n); i++)                                                              \
            result.member[i] = (member##_lane)fp[insn->a].field;                                   \
        return put(fp, insn->dst, &result);                                                        \
    }                                                                                              \
    DEFINE(T##_REPLACE_LANE)                                                                       \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a);                                                           \
        v.member[insn[1].b] = (member##_lane)fp[insn->b].field;                                    \
        return put(fp, insn->dst, &v);                                                             \
    }
SPLAT(I8X16, u8, 16, u32)
SPLAT(I16X8, u16, 8, u32)
SPLAT(I32X4, u32, 4, u32)
SPLAT(I64X2, u64, 2, u64)
SPLAT(F32X4, u32, 4, u32)
SPLAT(F64X2, u64, 2, u64)
#undef SPLAT

#define EXTRACT(name, member, field)                                                               \
    DEFINE(name)                                                                                   \
    {                                                                                              \
        UNUSED(interp);                                                                            \
        union v128 v = get(fp, insn->a);                                                           \
        fp[insn->dst].field = v.member[insn[1].b];                                                 \
        return WICK_TRAP_NONE;                                                                     \
    }
EXTRACT(I8X16_EXTRACT_LANE_S, s8, i32)
EXTRACT(I8X16_EXTRACT_LANE_U, u8, u32)
EXTRACT(I16X8_EXTRACT_LANE_S, s16, i32)
EXTRACT(I16X8_EXTRACT_LANE_U, u16, u32)
EXTRACT(I32X4_EXTRACT_LANE, u32, u32)
EXTRACT(I64X2_EXTRACT_LANE, u64, u64)
EXTRACT(F32X4_EXTRACT_LANE, u32, u32)
EXTRACT(F64X2_EXTRACT_LANE, u64, u64)
#undef EXTRACT

/* ---- Memory -----------------------------------------------------------------------------------
 */

uint8_t *interp_address(struct interp *interp, const wick_value_t *fp, const struct insn *insn,
                        uint64_t size)
{
    return interp_reach(interp, insn[1].x, &fp[insn->a], insn->b, size);
}

DEFINE(V128_LOAD)
{
    const uint8_t *from = interp_address(interp, fp, insn, 16);
    if (!from)
        return WICK_TRAP_MEMORY;
    memcpy(&fp[insn->dst], from, 16);
    return WICK_TRAP_NONE;
}

DEFINE(V128_STORE)
{
    uint8_t *to = interp_address(interp, fp, insn, 16);
    if (!to)
        return WICK_TRAP_MEMORY;
    memcpy(to, &fp[insn[1].a], 16);
    return WICK_TRAP_NONE;
}

#define LOAD_WIDEN(name, wide, narrow, n)                                                          \
    DEFINE(V128_##name)                                                                            \
    {                                                                                              \
        const uint8_t *from = interp_address(interp, fp, insn, 8);                                 \
        union v128 v, result;                                                                      \
        if (!from)                                                                                 \
            return WICK_TRAP_MEMORY;                                                               \
        memcpy(&v, from, 8);                                                                       \
        for (int i = 0; i < (n); i++)                                                              \
            result.wide[i] = v.narrow[i];                                                          \
        return put(fp, insn->dst, &result);                                                        \
    }
SIMD_LOAD_WIDEN(LOAD_WIDEN)
#undef LOAD_WIDEN

#define MEMORY_LANE(bits, member)                                                                  \
    DEFINE(V128_LOAD##bits##_SPLAT)                                                                \
    {                                                                                              \
        const uint8_t *from = interp_address(interp, fp, insn, (bits) / 8);                        \
        union v128 result;                                                                         \
        if (!from)                                                                                 \
            return WICK_TRAP_MEMORY;                                                               \
        for (int i = 0; i < 128 / (bits); i++)                                                     \
            memcpy(&result.member[i], from, (bits) / 8);                                           \
        return put(fp, insn->dst, &result);                                                        \
    }                                                                                              \
    DEFINE(V128_LOAD##bits##_LANE)                                                                 \
    {                                                                                              \
        const uint8_t *from = interp_address(interp, fp, insn, (bits) / 8);                        \
        union v128 v = get(fp, insn[1].a);                                                         \
        if (!from)                                                                                 \
            return WICK_TRAP_MEMORY;                                                               \
        memcpy(&v.member[insn[1].b], from, (bits) / 8);                                            \
        return put(fp, insn->dst, &v);                                                             \
    }                                                                                              \
    DEFINE(V128_STORE##bits##_LANE)                                                                \
    {                                                                                              \
        uint8_t *to = interp_address(interp, fp, insn, (bits) / 8);                                \
        union v128 v = get(fp, insn[1].a);                                                         \
        if (!to)                                                                                   \
            return WICK_TRAP_MEMORY;                                                               \
        memcpy(to, &v.member[insn[1].b], (bits) / 8);                                              \
        return WICK_TRAP_NONE;                                                                     \
    }
SIMD_MEMORY_LANE(MEMORY_LANE)
#undef MEMORY_LANE

#define LOAD_ZERO(bits)                                                                            \
    DEFINE(V128_LOAD##bits##_ZERO)                                                                 \
    {                                                                                              \
        const uint8_t *from = interp_address(interp, fp, insn, (bits) / 8);                        \
        union v128 result = {.u64 = {0, 0}};                                                       \
        if (!from)                                                                                 \
            return WICK_TRAP_MEMORY;                                                               \
        memcpy(&result, from, (bits) / 8);                                                         \
        return put(fp, insn->dst, &result);                                                        \
    }
LOAD_ZERO(32)
LOAD_ZERO(64)
#undef LOAD_ZERO

/* ---- The table --------------------------------------------------------------------------------
 */

#define ENTRY(name) [OPCODE_##name - 0xFD00] = do_##name

const helper_fn interp_simd[SIMD_COUNT] = {
#define LANES(opcode, ...) ENTRY(opcode),
    SIMD_LANES(LANES)
#undef LANES
#define SHIFT(T, ...)                                                                              \
    ENTRY(T##_SHL), ENTRY(T##_SHR_S), ENTRY(T##_SHR_U), ENTRY(T##_ALL_TRUE), ENTRY(T##_BITMASK),
        SIMD_SHIFT(SHIFT)
#undef SHIFT
#define WIDEN(T, N, ...)                                                                           \
    ENTRY(T##_EXTEND_LOW_##N##_S), ENTRY(T##_EXTEND_HIGH_##N##_S), ENTRY(T##_EXTEND_LOW_##N##_U),  \
        ENTRY(T##_EXTEND_HIGH_##N##_U), ENTRY(T##_EXTMUL_LOW_##N##_S),                             \
        ENTRY(T##_EXTMUL_HIGH_##N##_S), ENTRY(T##_EXTMUL_LOW_##N##_U),                             \
        ENTRY(T##_EXTMUL_HIGH_##N##_U),
            SIMD_WIDEN(WIDEN)
#undef WIDEN
#define LOAD_WIDEN(name, ...) ENTRY(V128_##name),
                SIMD_LOAD_WIDEN(LOAD_WIDEN)
#undef LOAD_WIDEN
#define MEMORY_LANE(bits, ...)                                                                     \
    ENTRY(V128_LOAD##bits##_SPLAT), ENTRY(V128_LOAD##bits##_LANE), ENTRY(V128_STORE##bits##_LANE),
                    SIMD_MEMORY_LANE(MEMORY_LANE)
#undef MEMORY_LANE
#define LANE_TYPE(T) ENTRY(T##_SPLAT), ENTRY(T##_REPLACE_LANE)
                        LANE_TYPE(I8X16),
    LANE_TYPE(I16X8),
    LANE_TYPE(I32X4),
    LANE_TYPE(I64X2),
    LANE_TYPE(F32X4),
    LANE_TYPE(F64X2),
    ENTRY(I8X16_EXTRACT_LANE_S),
    ENTRY(I8X16_EXTRACT_LANE_U),
    ENTRY(I16X8_EXTRACT_LANE_S),
    ENTRY(I16X8_EXTRACT_LANE_U),
    ENTRY(I32X4_EXTRACT_LANE),
    ENTRY(I64X2_EXTRACT_LANE),
    ENTRY(F32X4_EXTRACT_LANE),
    ENTRY(F64X2_EXTRACT_LANE),
    ENTRY(V128_ANY_TRUE),
    ENTRY(I8X16_NARROW_I16X8_S),
    ENTRY(I8X16_NARROW_I16X8_U),
    ENTRY(I16X8_NARROW_I32X4_S),
    ENTRY(I16X8_NARROW_I32X4_U),
    ENTRY(I16X8_EXTADD_PAIRWISE_I8X16_S),
    ENTRY(I16X8_EXTADD_PAIRWISE_I8X16_U),
    ENTRY(I32X4_EXTADD_PAIRWISE_I16X8_S),
    ENTRY(I32X4_EXTADD_PAIRWISE_I16X8_U),
    ENTRY(I32X4_DOT_I16X8_S),
    ENTRY(I16X8_RELAXED_DOT_I8X16_I7X16_S),
    ENTRY(I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S),
    ENTRY(I8X16_SHUFFLE),
    ENTRY(I8X16_SWIZZLE),
    ENTRY(I8X16_RELAXED_SWIZZLE),
    ENTRY(V128_LOAD),
    ENTRY(V128_STORE),
    ENTRY(V128_LOAD32_ZERO),
    ENTRY(V128_LOAD64_ZERO),
};
