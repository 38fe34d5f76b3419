/* SPDX-License-Identifier: Apache-2.0 */
/* The API's vectors. Without memory a vector comes out empty. */
#include "wick/runtime.h"

#include <stdlib.h>

/* For any element: allocation, and copies of the elements' bits. */
#define DEFINE_VEC_COMMON(name, element)                                                           \
    void wasm_##name##_vec_new_empty(wasm_##name##_vec_t *out)                                     \
    {                                                                                              \
        out->size = 0;                                                                             \
        out->data = NULL;                                                                          \
    }                                                                                              \
    void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t *out, size_t size)                \
    {                                                                                              \
        out->data = size ? calloc(size, sizeof(*out->data)) : NULL;                                \
        out->size = out->data ? size : 0;                                                          \
    }                                                                                              \
    void wasm_##name##_vec_new(wasm_##name##_vec_t *out, size_t size, element const data[])        \
    {                                                                                              \
        wasm_##name##_vec_new_uninitialized(out, size);                                            \
        if (out->size)                                                                             \
            memcpy(out->data, data, size * sizeof(*out->data));                                    \
    }

#define DEFINE_VEC_PLAIN(name)                                                                     \
    DEFINE_VEC_COMMON(name, wasm_##name##_t)                                                       \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t *out, const wasm_##name##_vec_t *from)         \
    {                                                                                              \
        wasm_##name##_vec_new(out, from->size, from->data);                                        \
    }                                                                                              \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t *vec)                                        \
    {                                                                                              \
        free(vec->data);                                                                           \
        wasm_##name##_vec_new_empty(vec);                                                          \
    }

#define DEFINE_VEC_OF(name)                                                                        \
    DEFINE_VEC_COMMON(name, wasm_##name##_t *)                                                     \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t *out, const wasm_##name##_vec_t *from)         \
    {                                                                                              \
        wasm_##name##_vec_new_uninitialized(out, from->size);                                      \
        for (size_t i = 0; i < out->size; i++)                                                     \
            out->data[i] = from->data[i] ? wasm_##name##_copy(from->data[i]) : NULL;               \
    }                                                                                              \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t *vec)                                        \
    {                                                                                              \
        for (size_t i = 0; i < vec->size; i++)                                                     \
            wasm_##name##_delete(vec->data[i]);                                                    \
        free(vec->data);                                                                           \
        wasm_##name##_vec_new_empty(vec);                                                          \
    }

DEFINE_VEC_PLAIN(byte)
DEFINE_VEC_PLAIN(val) /* references in values are not counted */
DEFINE_VEC_OF(valtype)
DEFINE_VEC_OF(functype)
DEFINE_VEC_OF(globaltype)
DEFINE_VEC_OF(tabletype)
DEFINE_VEC_OF(memorytype)
DEFINE_VEC_OF(externtype)
DEFINE_VEC_OF(importtype)
DEFINE_VEC_OF(exporttype)
DEFINE_VEC_OF(extern)
DEFINE_VEC_OF(frame)

void wasm_val_delete(wasm_val_t *value)
{
    (void)value;
}

void wasm_val_copy(wasm_val_t *out, const wasm_val_t *value)
{
    *out = *value;
}
