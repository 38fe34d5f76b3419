/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every object that the API refers to begins with. The API's handles (wasm_func_t *, …) are
 * pointers to the objects themselves; wasm_ref_t and wasm_extern_t are this head.
 */
#pragma once

#include <wick.h>

enum object_kind {
    OBJECT_FUNC,
    OBJECT_GLOBAL,
    OBJECT_TABLE,
    OBJECT_MEMORY,
    OBJECT_TAG,
    OBJECT_INSTANCE,
    OBJECT_FOREIGN,
    OBJECT_MODULE,
    OBJECT_TRAP,
};

struct object {
    enum object_kind kind;
    struct wasm_store_t *store; /* NULL for modules */
    struct object *next;        /* in the store's list */
    void *host_info;
    void (*host_finalizer)(void *);
};
