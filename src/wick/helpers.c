/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, table and segment instructions of the interpreter. See enum helper_id for operands. */
#include "wick/helpers.h"
#include "wick/shared.h"

static struct wasm_memory_t *memory_of(const struct interp *interp, uint32_t index)
{
    struct wasm_memory_t *memory = interp->instance->memories[index];
    memory_refresh(memory);
    return memory;
}

static struct wasm_table_t *table_of(const struct interp *interp, uint32_t index)
{
    return interp->instance->tables[index];
}

/* An operand in the address type of a memory or table. */
static uint64_t address(bool index64, const wick_value_t *value)
{
    return index64 ? value->u64 : value->u32;
}

static void set_address(bool index64, wick_value_t *out, int64_t value)
{
    if (index64)
        out->i64 = value;
    else
        out->i32 = (int32_t)value;
}

static enum wick_trap_kind do_memory_size(struct interp *interp, wick_value_t *fp,
                                          const struct insn *insn)
{
    const struct wasm_memory_t *memory = memory_of(interp, insn[1].x);
    set_address(memory->type.limits.index64, &fp[insn->dst], (int64_t)(memory->size >> PAGE_SHIFT));
    return WICK_TRAP_NONE;
}

static enum wick_trap_kind do_memory_grow(struct interp *interp, wick_value_t *fp,
                                          const struct insn *insn)
{
    struct wasm_memory_t *memory = memory_of(interp, insn[1].x);
    bool wide = memory->type.limits.index64;
    set_address(wide, &fp[insn->dst], memory_extend(memory, address(wide, &fp[insn->a])));
    return WICK_TRAP_NONE;
}

static enum wick_trap_kind do_memory_fill(struct interp *interp, wick_value_t *fp,
                                          const struct insn *insn)
{
    struct wasm_memory_t *memory = memory_of(interp, insn[1].x);
    bool wide = memory->type.limits.index64;
    return memory_fill(memory, address(wide, &fp[insn->a]), (uint8_t)fp[insn->b].u32,
                       address(wide, &fp[insn[1].a]));
}

static enum wick_trap_kind do_memory_copy(struct interp *interp, wick_value_t *fp,
                                          const struct insn *insn)
{
    struct wasm_memory_t *to = memory_of(interp, insn[1].x);
    struct wasm_memory_t *from = memory_of(interp, insn[1].b);
    bool wide_to = to->type.limits.index64, wide_from = from->type.limits.index64;
    return memory_copy(to, address(wide_to, &fp[insn->a]), from, address(wide_from, &fp[insn->b]),
                       address(wide_to && wide_from, &fp[insn[1].a]));
}

static enum wick_trap_kind do_memory_init(struct interp *interp, wick_value_t *fp,
                                          const struct insn *insn)
{
    struct wasm_memory_t *memory = memory_of(interp, insn[1].x);
    return memory_init(memory, address(memory->type.limits.index64, &fp[insn->a]),
                       interp->instance->datas[insn[1].b], fp[insn->b].u32, fp[insn[1].a].u32);
}

static enum wick_trap_kind do_data_drop(struct interp *interp, wick_value_t *fp,
                                        const struct insn *insn)
{
    (void)fp;
    interp->instance->datas[insn[1].b].size = 0;
    return WICK_TRAP_NONE;
}

static enum wick_trap_kind do_table_get(struct interp *interp, wick_value_t *fp,
                                        const struct insn *insn)
{
    const struct wasm_table_t *table = table_of(interp, insn[1].x);
    uint64_t index = address(table->type.limits.index64, &fp[insn->a]);
    if (index >= table->size)
        return WICK_TRAP_TABLE;
    fp[insn->dst].u64 = table->slots[index].ref;
    return WICK_TRAP_NONE;
}

static enum wick_trap_kind do_table_set(struct interp *interp, wick_value_t *fp,
                                        const struct insn *insn)
{
    struct wasm_table_t *table = table_of(interp, insn[1].x);
    uint64_t index = address(table->type.limits.index64, &fp[insn->a]);
    if (index >= table->size)
        return WICK_TRAP_TABLE;
    table_put(table, index, fp[insn->b].u64);
    return WICK_TRAP_NONE;
}

static enum wick_trap_kind do_table_size(struct interp *interp, wick_value_t *fp,
                                         const struct insn *insn)
{
    const struct wasm_table_t *table = table_of(interp, insn[1].x);
    set_address(table->type.limits.index64, &fp[insn->dst], (int64_t)table->size);
    return WICK_TRAP_NONE;
}

static enum wick_trap_kind do_table_grow(struct interp *interp, wick_value_t *fp,
                                         const struct insn *insn)
{
    struct wasm_table_t *table = table_of(interp, insn[1].x);
    bool wide = table->type.limits.index64;
    set_address(wide, &fp[insn->dst],
                table_grow(table, address(wide, &fp[insn->b]), fp[insn->a].u64));
    return WICK_TRAP_NONE;
}

static enum wick_trap_kind do_table_fill(struct interp *interp, wick_value_t *fp,
                                         const struct insn *insn)
{
    struct wasm_table_t *table = table_of(interp, insn[1].x);
    bool wide = table->type.limits.index64;
    return table_fill(table, address(wide, &fp[insn->a]), fp[insn->b].u64,
                      address(wide, &fp[insn[1].a]));
}

static enum wick_trap_kind do_table_copy(struct interp *interp, wick_value_t *fp,
                                         const struct insn *insn)
{
    struct wasm_table_t *to = table_of(interp, insn[1].x);
    struct wasm_table_t *from = table_of(interp, insn[1].b);
    bool wide_to = to->type.limits.index64, wide_from = from->type.limits.index64;
    return table_copy(to, address(wide_to, &fp[insn->a]), from, address(wide_from, &fp[insn->b]),
                      address(wide_to && wide_from, &fp[insn[1].a]));
}

static enum wick_trap_kind do_table_init(struct interp *interp, wick_value_t *fp,
                                         const struct insn *insn)
{
    struct wasm_table_t *table = table_of(interp, insn[1].x);
    return table_init(table, address(table->type.limits.index64, &fp[insn->a]),
                      &interp->instance->elems[insn[1].b], fp[insn->b].u32, fp[insn[1].a].u32);
}

static enum wick_trap_kind do_elem_drop(struct interp *interp, wick_value_t *fp,
                                        const struct insn *insn)
{
    (void)fp;
    interp->instance->elems[insn[1].b].count = 0;
    return WICK_TRAP_NONE;
}

static enum wick_trap_kind do_add_offset(struct interp *interp, wick_value_t *fp,
                                         const struct insn *insn)
{
    (void)interp;
    uint64_t offset = insn[1].a | (uint64_t)insn[1].b << 32;
    if (__builtin_add_overflow(fp[insn->a].u64, offset, &fp[insn->dst].u64))
        return WICK_TRAP_MEMORY;
    return WICK_TRAP_NONE;
}

const helper_fn interp_helpers[HELPER_COUNT] = {
    [HELPER_MEMORY_SIZE] = do_memory_size,
    [HELPER_MEMORY_GROW] = do_memory_grow,
    [HELPER_MEMORY_FILL] = do_memory_fill,
    [HELPER_MEMORY_COPY] = do_memory_copy,
    [HELPER_MEMORY_INIT] = do_memory_init,
    [HELPER_DATA_DROP] = do_data_drop,
    [HELPER_TABLE_GET] = do_table_get,
    [HELPER_TABLE_SET] = do_table_set,
    [HELPER_TABLE_SIZE] = do_table_size,
    [HELPER_TABLE_GROW] = do_table_grow,
    [HELPER_TABLE_FILL] = do_table_fill,
    [HELPER_TABLE_COPY] = do_table_copy,
    [HELPER_TABLE_INIT] = do_table_init,
    [HELPER_ELEM_DROP] = do_elem_drop,
    [HELPER_ADD_OFFSET] = do_add_offset,
    [HELPER_ATOMIC] = do_atomic,
    [HELPER_ATOMIC_WAIT] = do_atomic_wait,
    [HELPER_ATOMIC_NOTIFY] = do_atomic_notify,
    [HELPER_ATOMIC_FENCE] = do_atomic_fence,
    [HELPER_STRUCT_NEW] = do_struct_new,
    [HELPER_STRUCT_NEW_DEFAULT] = do_struct_new_default,
    [HELPER_ARRAY_NEW] = do_array_new,
    [HELPER_ARRAY_NEW_DEFAULT] = do_array_new_default,
    [HELPER_ARRAY_NEW_FIXED] = do_array_new_fixed,
    [HELPER_ARRAY_NEW_DATA] = do_array_new_data,
    [HELPER_ARRAY_NEW_ELEM] = do_array_new_elem,
    [HELPER_STRUCT_GET] = do_struct_get,
    [HELPER_STRUCT_SET] = do_struct_set,
    [HELPER_ARRAY_GET] = do_array_get,
    [HELPER_ARRAY_SET] = do_array_set,
    [HELPER_ARRAY_LEN] = do_array_len,
    [HELPER_ARRAY_FILL] = do_array_fill,
    [HELPER_ARRAY_COPY] = do_array_copy,
    [HELPER_ARRAY_INIT_DATA] = do_array_init_data,
    [HELPER_ARRAY_INIT_ELEM] = do_array_init_elem,
    [HELPER_REF_TEST] = do_ref_test,
    [HELPER_REF_CAST] = do_ref_cast,
    [HELPER_THROW] = do_throw,
    [HELPER_THROW_REF] = do_throw_ref,
    [HELPER_REF_I31] = do_ref_i31,
    [HELPER_I31_GET_S] = do_i31_get_s,
    [HELPER_I31_GET_U] = do_i31_get_u,
};
