/* SPDX-License-Identifier: Apache-2.0 */
/* What the code of an engine depends on besides the module. */
#pragma once

#include <stdbool.h>

/* Instruction sets beyond x86-64-v2 (SSE4.2, POPCNT), which the compiler takes for granted. */
struct cpu_features {
    bool avx; /* with the operating system's support; stands for AVX2 as well */
    bool bmi; /* BMI1, BMI2 and LZCNT */
};

struct compile_options {
    struct cpu_features cpu;
    bool guard; /* 32-bit memories lie in reservations that catch every address */
    bool fuel;  /* count calls and iterations */
};

/* cpu.c: of the processor that runs this; false if it lacks x86-64-v2. */
bool cpu_detect(struct cpu_features *features);
