/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that compiled code leaves to C. A helper runs on the host's stack and may trap; it
 * gets the instance, two indices of the instruction and up to three operands.
 */
#pragma once

#include "wick/runtime.h"

/* HELPER(identifier, function, number of operands) */
#define COMPILE_HELPERS(HELPER)                                                                    \
    HELPER(MEMORY_BYTES, helper_memory_bytes, 0)                                                   \
    HELPER(MEMORY_GROW, helper_memory_grow, 1)                                                     \
    HELPER(MEMORY_FILL, helper_memory_fill, 3)                                                     \
    HELPER(MEMORY_COPY, helper_memory_copy, 3)                                                     \
    HELPER(MEMORY_INIT, helper_memory_init, 3)                                                     \
    HELPER(DATA_DROP, helper_data_drop, 0)                                                         \
    HELPER(TABLE_GET, helper_table_get, 1)                                                         \
    HELPER(TABLE_SET, helper_table_set, 2)                                                         \
    HELPER(TABLE_SIZE, helper_table_size, 0)                                                       \
    HELPER(TABLE_GROW, helper_table_grow, 2)                                                       \
    HELPER(TABLE_FILL, helper_table_fill, 3)                                                       \
    HELPER(TABLE_COPY, helper_table_copy, 3)                                                       \
    HELPER(TABLE_INIT, helper_table_init, 3)                                                       \
    HELPER(ELEM_DROP, helper_elem_drop, 0)                                                         \
    HELPER(EXCEPTION, helper_exception, 0)                                                         \
    HELPER(VECTOR, helper_vector, 3)                                                               \
    HELPER(INTERP, helper_interp, 3)

enum compile_helper {
#define HELPER(identifier, function, operands) COMPILE_HELPER_##identifier,
    COMPILE_HELPERS(HELPER)
#undef HELPER
        COMPILE_HELPER_COUNT,
};

/* Two registers: RAX and RDX. */
struct outcome {
    uint64_t value;
    uint64_t trap; /* enum wick_trap_kind */
};

/* `indices`: the instruction's first index, and the second << 32. */
typedef struct outcome (*compile_helper_fn)(struct wasm_instance_t *instance, uint64_t indices,
                                            uint64_t a, uint64_t b, uint64_t c);

extern const compile_helper_fn compile_helpers[COMPILE_HELPER_COUNT];
