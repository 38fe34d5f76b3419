/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/options.h"

#include <cpuid.h>
#include <stdint.h>

static uint64_t enabled_state(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | (uint64_t)high << 32;
}

bool cpu_detect(struct cpu_features *features)
{
    unsigned a, b, c, d;
    *features = (struct cpu_features){0};
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return false;
    unsigned wanted = bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT;
    if ((c & wanted) != wanted)
        return false;
    bool saves_avx = (c & bit_OSXSAVE) && (enabled_state() & 6) == 6;
    bool avx = saves_avx && (c & bit_AVX);
    unsigned c80 = 0;
    if (__get_cpuid(0x80000001, &a, &b, &c80, &d) && __get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        features->avx = avx && (b & bit_AVX2);
        features->bmi = features->avx && (b & bit_BMI) && (b & bit_BMI2) && (c80 & bit_LZCNT);
    }
    return true;
}
