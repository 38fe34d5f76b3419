/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoded and validated module (core spec sections 2.5 and 5.5). Immutable but for the code that
 * the engine adds to functions; shared by count among instances, stores and threads.
 *
 * Names, bodies, expressions and segments stay where they are in the module's copy of the bytes.
 * Everything in here has been checked: the runtime relies on indices and types.
 */
#pragma once

#include "wick/object.h"
#include "wick/reader.h"
#include "wick/type.h"

#include <stdatomic.h>

enum {
    MODULE_SIZE_MAX = 1 << 30,
    MODULE_TYPES_MAX = 1000000,
    MODULE_FUNCS_MAX = 1000000,
    MODULE_IMPORTS_MAX = 1000000,
    MODULE_EXPORTS_MAX = 1000000,
    MODULE_GLOBALS_MAX = 1000000,
    MODULE_TABLES_MAX = 65535,
    MODULE_MEMORIES_MAX = 100,
    MODULE_TAGS_MAX = 1000000,
    MODULE_ELEMS_MAX = 10000000,
    MODULE_DATAS_MAX = 100000,
    MODULE_ELEM_ITEMS_MAX = 10000000,
    TYPE_FIELDS_MAX = 10000,
    FUNC_PARAMS_MAX = 1000,
    FUNC_RESULTS_MAX = 1000,
    FUNC_LOCALS_MAX = 50000,
    FUNC_BODY_MAX = 7654321,
    FUNC_OPERANDS_MAX = 1 << 20,
};

struct limits {
    uint64_t min, max;
    bool has_max;
    bool index64; /* addressed by i64 */
    bool shared;
};

struct table_type {
    uint32_t type; /* of the elements */
    struct limits limits;
};

struct memory_type {
    struct limits limits; /* pages of 64 KiB */
};

struct global_type {
    uint32_t type;
    bool is_mutable;
};

struct compile_module;
struct func_code;

struct func_decl {
    const struct functype *type;
    struct span body; /* from the locals to the final end; empty for an import */
    _Atomic(struct func_code *) code;
};

struct table_decl {
    struct table_type type;
    struct span init; /* a constant expression; empty: null */
};

struct global_decl {
    struct global_type type;
    struct span init;
};

struct tag_decl {
    const struct functype *type; /* without results */
};

struct import_decl {
    struct span module, name;
    wasm_externkind_t kind;
    uint32_t index; /* in the index space of its kind */
};

struct export_decl {
    struct span name;
    wasm_externkind_t kind;
    uint32_t index;
};

enum segment_mode { SEGMENT_ACTIVE, SEGMENT_PASSIVE, SEGMENT_DECLARATIVE };

struct elem_decl {
    enum segment_mode mode;
    bool expressions; /* items are constant expressions, else function indices */
    uint32_t type;
    uint32_t table;
    uint32_t count;
    struct span offset; /* a constant expression, of an active segment */
    struct span items;
};

struct data_decl {
    enum segment_mode mode;
    uint32_t memory;
    struct span offset;
    struct span bytes;
};

struct custom {
    struct span name, bytes;
};

struct module {
    struct object object;
    atomic_uint references;
    struct wasm_engine_t *engine;
    struct span bytes;
    uint8_t *copy; /* of the bytes; NULL: they are borrowed */

    const struct deftype **types;
    uint32_t type_count;
    uint32_t group_start, group_end; /* while decoding: the open recursion group */

    struct func_decl *funcs; /* imports first, here and below */
    struct table_decl *tables;
    struct memory_type *memories;
    struct global_decl *globals;
    struct tag_decl *tags;
    uint32_t func_count, table_count, memory_count, global_count, tag_count;
    uint32_t imported_funcs, imported_tables, imported_memories, imported_globals, imported_tags;

    struct import_decl *imports;
    struct export_decl *exports;
    struct elem_decl *elems;
    struct data_decl *datas;
    struct custom *customs;
    uint32_t import_count, export_count, elem_count, data_count, custom_count;

    bool has_start, has_data_count;
    uint32_t start;
    uint32_t declared_data_count;
    uint32_t code_count;             /* bodies seen by the decoder */
    uint8_t *declared_funcs;         /* bit per function: ref.func may name it */
    uint32_t *export_order;          /* exports sorted by name */
    pthread_mutex_t code_lock;       /* held while a function is translated */
    struct compile_module *compiled; /* NULL until an instance needs it */
};

/* A type that was checked to be one of functions: a block's, or that of call_indirect. */
static inline const struct functype *module_functype(const struct module *module, uint32_t index)
{
    return &module->types[index]->func;
}

/* Decodes and validates. On success *out has one reference. The bytes are copied, or borrowed as
 * long as the module lives. On failure the fault says why. */
enum wick_status module_decode(struct wasm_engine_t *engine, struct span bytes, bool borrow,
                               struct module **out, struct fault *fault);

struct module *module_retain(struct module *module);
void module_release(struct module *module);

/* The export of that name, or NULL. */
const struct export_decl *module_find_export(const struct module *module, struct span name);

/* The name of a function or, with no data if there is none, of the module (appendix 7.4). */
struct span module_func_name(const struct module *module, uint32_t index);
struct span module_own_name(const struct module *module);

/* Order of names as byte strings. */
int span_compare(struct span a, struct span b);

/* Frees the code that a translator attached; defined by the engine's code. */
void func_code_free(struct func_code *code);
