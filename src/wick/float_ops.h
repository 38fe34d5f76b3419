/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating-point operators that C does not have in WebAssembly's form (core spec section 4.3.3):
 * NaN results are quiet, minus zero is below zero, conversions saturate.
 */
#pragma once

#include <math.h>
#include <stdint.h>

#define F64_SIGN ((uint64_t)1 << 63)

#define DEFINE_FLOAT_OPS(type, prefix, suffix)                                                     \
    static inline type prefix##_min(type a, type b)                                                \
    {                                                                                              \
        if (a != a || b != b)                                                                      \
            return a + b;                                                                          \
        if (a == b)                                                                                \
            return __builtin_signbit(a) ? a : b;                                                   \
        return a < b ? a : b;                                                                      \
    }                                                                                              \
    static inline type prefix##_max(type a, type b)                                                \
    {                                                                                              \
        if (a != a || b != b)                                                                      \
            return a + b;                                                                          \
        if (a == b)                                                                                \
            return __builtin_signbit(a) ? b : a;                                                   \
        return a > b ? a : b;                                                                      \
    }                                                                                              \
    static inline type prefix##_ceil(type a)                                                       \
    {                                                                                              \
        return a != a ? a + a : ceil##suffix(a);                                                   \
    }                                                                                              \
    static inline type prefix##_floor(type a)                                                      \
    {                                                                                              \
        return a != a ? a + a : floor##suffix(a);                                                  \
    }                                                                                              \
    static inline type prefix##_trunc(type a)                                                      \
    {                                                                                              \
        return a != a ? a + a : trunc##suffix(a);                                                  \
    }                                                                                              \
    static inline type prefix##_nearest(type a)                                                    \
    {                                                                                              \
        return a != a ? a + a : rint##suffix(a);                                                   \
    }

DEFINE_FLOAT_OPS(float, f32, f)
DEFINE_FLOAT_OPS(double, f64, )

/* A float converts to double exactly, so one function serves both. */
static inline int32_t saturate_i32(double a)
{
    if (a != a)
        return 0;
    return a <= -2147483648.0 ? INT32_MIN : a >= 2147483647.0 ? INT32_MAX : (int32_t)a;
}

static inline uint32_t saturate_u32(double a)
{
    return !(a > 0) ? 0 : a >= 4294967295.0 ? UINT32_MAX : (uint32_t)a;
}

static inline int64_t saturate_i64(double a)
{
    if (a != a)
        return 0;
    return a <= -9223372036854775808.0  ? INT64_MIN
           : a >= 9223372036854775808.0 ? INT64_MAX
                                        : (int64_t)a;
}

static inline uint64_t saturate_u64(double a)
{
    return !(a > 0) ? 0 : a >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)a;
}
