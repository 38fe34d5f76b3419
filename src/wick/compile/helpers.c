/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/helpers.h"

#include "wick/compile/ssa.h"

#include "wick/interp.h"
#include "wick/shared.h"

#include <string.h>

static struct wasm_memory_t *memory_of(const struct wasm_instance_t *instance, uint64_t indices)
{
    return instance->memories[(uint32_t)indices];
}

static struct wasm_table_t *table_of(const struct wasm_instance_t *instance, uint64_t indices)
{
    return instance->tables[(uint32_t)indices];
}

static struct outcome value(uint64_t number)
{
    return (struct outcome){number, WICK_TRAP_NONE};
}

static struct outcome done(enum wick_trap_kind trap)
{
    return (struct outcome){0, trap};
}

/* A size in the address type: an i32 has no upper half. */
static struct outcome size_value(bool index64, int64_t size)
{
    return value(index64 ? (uint64_t)size : (uint32_t)size);
}

#define DEFINE_HELPER(name)                                                                        \
    static struct outcome name(struct wasm_instance_t *instance, uint64_t indices, uint64_t a,     \
                               uint64_t b, uint64_t c)

/* Of a shared memory, which another thread may have grown. */
DEFINE_HELPER(helper_memory_bytes)
{
    (void)a, (void)b, (void)c;
    memory_refresh(memory_of(instance, indices));
    return value(memory_of(instance, indices)->size);
}

DEFINE_HELPER(helper_memory_grow)
{
    (void)b, (void)c;
    struct wasm_memory_t *memory = memory_of(instance, indices);
    return size_value(memory->type.limits.index64, memory_extend(memory, a));
}

DEFINE_HELPER(helper_memory_fill)
{
    return done(memory_fill(memory_of(instance, indices), a, (uint8_t)b, c));
}

DEFINE_HELPER(helper_memory_copy)
{
    return done(
        memory_copy(memory_of(instance, indices), a, memory_of(instance, indices >> 32), b, c));
}

DEFINE_HELPER(helper_memory_init)
{
    return done(memory_init(memory_of(instance, indices), a, instance->datas[indices >> 32], b, c));
}

DEFINE_HELPER(helper_data_drop)
{
    (void)a, (void)b, (void)c;
    instance->datas[(uint32_t)indices].size = 0;
    return value(0);
}

DEFINE_HELPER(helper_table_get)
{
    (void)b, (void)c;
    const struct wasm_table_t *table = table_of(instance, indices);
    return a < table->size ? value(table->slots[a].ref) : done(WICK_TRAP_TABLE);
}

DEFINE_HELPER(helper_table_set)
{
    (void)c;
    struct wasm_table_t *table = table_of(instance, indices);
    if (a >= table->size)
        return done(WICK_TRAP_TABLE);
    table_put(table, a, b);
    return value(0);
}

DEFINE_HELPER(helper_table_size)
{
    (void)a, (void)b, (void)c;
    const struct wasm_table_t *table = table_of(instance, indices);
    return size_value(table->type.limits.index64, (int64_t)table->size);
}

DEFINE_HELPER(helper_table_grow)
{
    (void)c;
    struct wasm_table_t *table = table_of(instance, indices);
    return size_value(table->type.limits.index64, table_grow(table, b, a));
}

DEFINE_HELPER(helper_table_fill)
{
    return done(table_fill(table_of(instance, indices), a, b, c));
}

DEFINE_HELPER(helper_table_copy)
{
    return done(
        table_copy(table_of(instance, indices), a, table_of(instance, indices >> 32), b, c));
}

DEFINE_HELPER(helper_table_init)
{
    return done(table_init(table_of(instance, indices), a, &instance->elems[indices >> 32], b, c));
}

DEFINE_HELPER(helper_elem_drop)
{
    (void)a, (void)b, (void)c;
    instance->elems[(uint32_t)indices].count = 0;
    return value(0);
}

/* What was caught. */
DEFINE_HELPER(helper_exception)
{
    struct wasm_store_t *store = instance->object.store;
    uint64_t exception = store->exception;
    store->exception = 0;
    store->caught = 0;
    (void)indices, (void)a, (void)b, (void)c;
    return value(exception);
}

/* A vector instruction by the interpreter's function. The operands are in the overflow area, 16
 * bytes each, and so is the result. `indices`: instruction, lane << 16. */
DEFINE_HELPER(helper_vector)
{
    struct wasm_store_t *store = instance->object.store;
    struct interp interp = {.store = store, .instance = instance};
    wick_value_t fp[8] = {{.u64 = 0}}; /* an i32 result has no upper half */
    memcpy(fp, store->overflow, 6 * sizeof(*fp));
    struct insn code[2] = {
        {.op = OP_SIMD, .x = (uint16_t)indices, .dst = 6, .a = 0, .b = 2},
        {.a = 4, .b = (uint32_t)(indices >> 16)},
    };
    (void)a, (void)b, (void)c;
    enum wick_trap_kind kind = interp_simd[(uint16_t)indices](&interp, fp, code);
    memcpy(store->overflow, &fp[6], 2 * sizeof(*fp));
    return done(kind);
}

static size_t gather_roots(const wick_value_t *slots, uint64_t traced, uint64_t *words)
{
    size_t count = 0;
    for (; traced; traced &= traced - 1)
        words[count++] = slots[__builtin_ctzll(traced)].u64;
    return count;
}

/* A function of the interpreter on operands in the overflow area. `indices`, a and b are a struct
 * interp_call: helper, slots << 8, ext.x << 16, insn.b << 32; ext.a, ext.b << 32; traced slots. The
 * result comes to the start of the overflow area. */
DEFINE_HELPER(helper_interp)
{
    (void)c;
    struct wasm_store_t *store = instance->object.store;
    struct interp interp = {.store = store, .instance = instance};
    uint32_t slots = indices >> 8 & 0xff;
    wick_value_t fp[INTERP_CALL_SLOTS + 2] = {{.u64 = 0}};
    uint64_t words[INTERP_CALL_SLOTS];
    memcpy(fp, store->overflow, slots * sizeof(*fp));
    struct root_words roots = {.head = {.visit = root_words_visit}, .words = words};
    roots.count = gather_roots(fp, b, words);
    struct insn code[2] = {
        {.op = OP_HELPER, .dst = slots, .a = 0, .b = (uint32_t)(indices >> 32)},
        {.x = (uint16_t)(indices >> 16), .a = (uint32_t)a, .b = (uint32_t)(a >> 32)},
    };
    root_push(store, &roots.head);
    enum wick_trap_kind kind = interp_helpers[(uint8_t)indices](&interp, fp, code);
    root_pop(store, &roots.head);
    memcpy(store->overflow, &fp[slots], 2 * sizeof(*fp));
    if (kind == WICK_TRAP_EXCEPTION)
        store->exception = interp.exception;
    return done(kind);
}

const compile_helper_fn compile_helpers[COMPILE_HELPER_COUNT] = {
#define HELPER(identifier, function, operands) [COMPILE_HELPER_##identifier] = function,
    COMPILE_HELPERS(HELPER)
#undef HELPER
};
