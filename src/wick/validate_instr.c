/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions other than blocks and branches (core spec section 3.4). */
#include "wick/validator.h"

#include "wick/decode.h"

#include <stdlib.h>

/* ---- Index spaces -----------------------------------------------------------------------------
 */

static bool known(struct validator *v, const char *what, uint32_t index, uint32_t count)
{
    if (index >= count)
        check_fail(v, "unknown %s %u", what, index);
    return index < count;
}

static const struct table_type *find_table(struct validator *v, uint32_t index)
{
    static const struct table_type none = {.type = TYPE_FUNCREF};
    return known(v, "table", index, v->module->table_count) ? &v->module->tables[index].type
                                                            : &none;
}

static uint32_t index_type(const struct limits *limits)
{
    return limits->index64 ? TYPE_I64 : TYPE_I32;
}

static uint32_t memory_index_type(struct validator *v, uint32_t index)
{
    if (!known(v, "memory", index, v->module->memory_count))
        return TYPE_I32;
    return index_type(&v->module->memories[index].limits);
}

static const struct functype *find_functype(struct validator *v, uint32_t index)
{
    if (!known(v, "type", index, v->module->type_count))
        return NULL;
    if (v->module->types[index]->kind == DEF_FUNC)
        return module_functype(v->module, index);
    check_fail(v, "type mismatch: type %u is not a function", index);
    return NULL;
}

/* ---- Plain instructions -----------------------------------------------------------------------
 */

static uint32_t check_memarg(struct validator *v)
{
    uint32_t address = memory_index_type(v, v->instr.index);
    if (v->instr.opcode >= 0xFF00 && v->instr.align != v->instr.info->argument)
        check_fail(v, "alignment of an atomic access must be natural");
    if (v->instr.align > v->instr.info->argument)
        check_fail(v, "alignment must not be larger than natural");
    if (address == TYPE_I32 && v->instr.value > UINT32_MAX)
        check_fail(v, "offset out of range");
    return address;
}

static inline uint32_t check_immediates(struct validator *v)
{
    if (v->instr.info->immediates <= IMMEDIATES_F64)
        return TYPE_I32;
    uint32_t lanes = v->instr.info->argument;
    switch (v->instr.info->immediates) {
    case IMMEDIATES_MEMORY:
        return memory_index_type(v, v->instr.index);
    case IMMEDIATES_MEMARG:
        return check_memarg(v);
    case IMMEDIATES_MEMARG_LANE:
        if (v->instr.lane >= 16u >> lanes)
            check_fail(v, "invalid lane index %u", v->instr.lane);
        return check_memarg(v);
    case IMMEDIATES_LANE:
        if (v->instr.lane >= lanes)
            check_fail(v, "invalid lane index %u", v->instr.lane);
        return TYPE_I32;
    case IMMEDIATES_SHUFFLE:
        for (size_t i = 0; i < v->instr.bytes.size; i++) {
            if (v->instr.bytes.data[i] >= 32)
                check_fail(v, "invalid lane index %u", v->instr.bytes.data[i]);
        }
        return TYPE_I32;
    default:
        return TYPE_I32;
    }
}

/* At most two operands, of the right types, and one result, as nearly all instructions have. */
static bool check_usual(struct validator *v, const char *signature, uint32_t address)
{
    if (signature[0] == '>') {
        if (signature[1])
            push(v, signature_type(signature[1], address));
        return signature[1];
    }
    uint32_t left = v->operand_count - control_top(v)->height;
    if (left == 0)
        return false;
    uint32_t *top = &v->operands[v->operand_count];
    if (signature[1] == '>') {
        if (top[-1] != signature_type(signature[0], address) || !signature[2])
            return false;
        top[-1] = signature_type(signature[2], address);
        return true;
    }
    if (signature[2] != '>' || left < 2 || top[-1] != signature_type(signature[1], address) ||
        top[-2] != signature_type(signature[0], address))
        return false;
    v->operand_count -= signature[3] ? 1 : 2;
    if (signature[3])
        top[-2] = signature_type(signature[3], address);
    return true;
}

static __attribute__((noinline)) void check_signature(struct validator *v, const char *signature,
                                                      uint32_t address)
{
    uint32_t operands = 0;
    while (signature[operands] != '>')
        operands++;
    for (uint32_t i = operands; i > 0 && reader_ok(v->reader); i--)
        pop(v, signature_type(signature[i - 1], address));
    for (const char *result = signature + operands + 1; *result; result++)
        push(v, signature_type(*result, address));
}

void check_plain(struct validator *v)
{
    uint32_t address = check_immediates(v);
    const char *signature = v->instr.info->signature;
    if (!check_usual(v, signature, address))
        check_signature(v, signature, address);
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

/* A tail call's results are the function's own. */
static void check_tail(struct validator *v, const struct functype *type)
{
    bool same = type->result_count == v->results.count;
    for (uint32_t i = 0; same && i < type->result_count; i++)
        same = matches(v, type->results[i], v->results.types[i]);
    if (!same)
        check_fail(v, "type mismatch: the results of the tail call are not the function's");
    else
        set_unreachable(v);
}

static void check_call_type(struct validator *v, const struct functype *type, bool tail)
{
    pop_all(v, type->params, type->param_count);
    if (tail)
        check_tail(v, type);
    else
        push_all(v, type->results, type->result_count);
}

static void check_call(struct validator *v)
{
    if (known(v, "function", v->instr.index, v->module->func_count))
        check_call_type(v, v->module->funcs[v->instr.index].type,
                        v->instr.opcode == OPCODE_RETURN_CALL);
}

static void check_call_indirect(struct validator *v)
{
    const struct table_type *table = find_table(v, v->instr.index2);
    const struct functype *type = find_functype(v, v->instr.index);
    if (!reader_ok(v->reader))
        return;
    if (!matches(v, table->type, TYPE_FUNCREF)) {
        check_mismatch(v, TYPE_FUNCREF, table->type);
        return;
    }
    pop(v, index_type(&table->limits));
    check_call_type(v, type, v->instr.opcode == OPCODE_RETURN_CALL_INDIRECT);
}

static void check_call_ref(struct validator *v)
{
    const struct functype *type = find_functype(v, v->instr.index);
    if (!type)
        return;
    pop(v, type_ref(deftype_heap(functype_def(type)), true));
    check_call_type(v, type, v->instr.opcode == OPCODE_RETURN_CALL_REF);
}

/* ---- Variables --------------------------------------------------------------------------------
 */

static bool is_initialised(const struct validator *v, uint32_t index, uint32_t type)
{
    return type_is_defaultable(type) || !v->initialised ||
           (v->initialised[index / 8] >> index % 8 & 1);
}

static void set_initialised(struct validator *v, uint32_t index, uint32_t type)
{
    if (is_initialised(v, index, type))
        return;
    if (v->init_count == v->init_capacity) {
        uint32_t room = v->init_capacity ? v->init_capacity * 2 : 16;
        uint32_t *grown = realloc(v->inits, room * sizeof(*grown));
        if (!grown) {
            reader_fail(v->reader, WICK_NO_MEMORY, v->reader->next, "out of memory");
            return;
        }
        v->inits = grown;
        v->init_capacity = room;
    }
    v->inits[v->init_count++] = index;
    v->initialised[index / 8] |= (uint8_t)(1 << index % 8);
}

static __attribute__((noinline)) void check_any_local(struct validator *v)
{
    uint32_t index = v->instr.index, slot;
    if (!known(v, "local", index, v->locals.count))
        return;
    uint32_t type = locals_find(&v->locals, index, &slot)->type;
    if (v->instr.opcode == OPCODE_LOCAL_GET) {
        if (!is_initialised(v, index, type))
            check_fail(v, "uninitialized local %u", index);
        push(v, type);
        return;
    }
    pop(v, type);
    set_initialised(v, index, type);
    if (v->instr.opcode == OPCODE_LOCAL_TEE)
        push(v, type);
}

void check_local(struct validator *v)
{
    uint32_t type = v->instr.index < v->near_count ? v->near_types[v->instr.index] : TYPE_BOTTOM;
    if (type == TYPE_BOTTOM) {
        check_any_local(v);
        return;
    }
    if (v->instr.opcode == OPCODE_LOCAL_GET) {
        push(v, type);
        return;
    }
    pop(v, type);
    if (v->instr.opcode == OPCODE_LOCAL_TEE)
        push(v, type);
}

static void check_global(struct validator *v)
{
    uint32_t count = v->constant ? v->global_limit : v->module->global_count;
    if (!known(v, "global", v->instr.index, count))
        return;
    const struct global_type *type = &v->module->globals[v->instr.index].type;
    if (v->instr.opcode == OPCODE_GLOBAL_GET) {
        push(v, type->type);
        return;
    }
    if (!type->is_mutable)
        check_fail(v, "immutable global: global is immutable");
    pop(v, type->type);
}

static void check_select(struct validator *v)
{
    pop(v, TYPE_I32);
    uint32_t second = pop_any(v), first = pop_any(v);
    if (type_is_ref(first) || type_is_ref(second))
        check_fail(v, "type mismatch: select without a type needs numbers or vectors");
    else if (first != second && first != TYPE_BOTTOM && second != TYPE_BOTTOM)
        check_mismatch(v, first, second);
    push(v, first == TYPE_BOTTOM ? second : first);
}

static void check_select_typed(struct validator *v)
{
    if (v->instr.count != 1) {
        check_fail(v, "invalid result arity");
        return;
    }
    struct reader types = reader_sub(v->reader, v->instr.bytes);
    uint32_t type = read_value_type(&types, v->module);
    pop(v, TYPE_I32);
    pop(v, type);
    pop(v, type);
    push(v, type);
}

/* ---- Tables, memories, segments ---------------------------------------------------------------
 */

static void check_table_access(struct validator *v)
{
    const struct table_type *table = find_table(v, v->instr.index);
    uint32_t address = index_type(&table->limits);
    switch (v->instr.opcode) {
    case OPCODE_TABLE_GET:
        pop(v, address);
        push(v, table->type);
        break;
    case OPCODE_TABLE_SET:
        pop(v, table->type);
        pop(v, address);
        break;
    case OPCODE_TABLE_SIZE:
        push(v, address);
        break;
    case OPCODE_TABLE_GROW:
        pop(v, address);
        pop(v, table->type);
        push(v, address);
        break;
    default: /* table.fill */
        pop(v, address);
        pop(v, table->type);
        pop(v, address);
    }
}

/* Copies between two index spaces count in the smaller address type. */
static void check_copy(struct validator *v, uint32_t destination, uint32_t source)
{
    bool both64 = destination == TYPE_I64 && source == TYPE_I64;
    pop(v, both64 ? TYPE_I64 : TYPE_I32);
    pop(v, source);
    pop(v, destination);
}

static void check_table_copy(struct validator *v)
{
    const struct table_type *to = find_table(v, v->instr.index);
    const struct table_type *from = find_table(v, v->instr.index2);
    if (!matches(v, from->type, to->type))
        check_mismatch(v, to->type, from->type);
    check_copy(v, index_type(&to->limits), index_type(&from->limits));
}

static void check_table_init(struct validator *v)
{
    const struct table_type *table = find_table(v, v->instr.index2);
    if (!known(v, "elem segment", v->instr.index, v->module->elem_count))
        return;
    uint32_t type = v->module->elems[v->instr.index].type;
    if (!matches(v, type, table->type))
        check_mismatch(v, table->type, type);
    pop(v, TYPE_I32);
    pop(v, TYPE_I32);
    pop(v, index_type(&table->limits));
}

static bool known_data(struct validator *v)
{
    if (!v->module->has_data_count) {
        reader_fail(v->reader, WICK_MALFORMED, v->instr.place, "data count section required");
        return false;
    }
    return known(v, "data segment", v->instr.index, v->module->declared_data_count);
}

static void check_memory_init(struct validator *v)
{
    uint32_t address = memory_index_type(v, v->instr.index2);
    if (!known_data(v))
        return;
    pop(v, TYPE_I32);
    pop(v, TYPE_I32);
    pop(v, address);
}

static void check_memory_fill(struct validator *v)
{
    uint32_t address = memory_index_type(v, v->instr.index);
    pop(v, address);
    pop(v, TYPE_I32);
    pop(v, address);
}

/* ---- References -------------------------------------------------------------------------------
 */

static uint32_t non_null(uint32_t type)
{
    return type == TYPE_BOTTOM ? type_ref(HEAP_BOTTOM, false) : type & ~TYPE_NULLABLE;
}

static void check_ref_func(struct validator *v)
{
    uint32_t index = v->instr.index;
    if (!known(v, "function", index, v->module->func_count))
        return;
    if (v->constant)
        decode_declare_func(v->declare, index);
    else if (!(v->module->declared_funcs[index / 8] >> index % 8 & 1))
        check_fail(v, "undeclared function reference");
    push(v, type_ref(deftype_heap(functype_def(v->module->funcs[index].type)), false));
}

static void check_br_on_null(struct validator *v)
{
    uint32_t type = pop_ref(v);
    struct type_list types = label_types(v, v->instr.index);
    pop_all(v, types.types, types.count);
    push_all(v, types.types, types.count);
    push(v, non_null(type));
}

static void check_br_on_non_null(struct validator *v)
{
    uint32_t type = pop_ref(v);
    struct type_list types = label_types(v, v->instr.index);
    if (!reader_ok(v->reader))
        return;
    if (types.count == 0 || !type_is_ref(types.types[types.count - 1])) {
        check_fail(v, "type mismatch: the label of br_on_non_null takes no reference");
        return;
    }
    uint32_t expected = types.types[types.count - 1];
    if (!matches(v, non_null(type), expected))
        check_mismatch(v, expected, non_null(type));
    pop_all(v, types.types, types.count - 1);
    push_all(v, types.types, types.count - 1);
}

static void check_ref(struct validator *v)
{
    switch (v->instr.opcode) {
    case OPCODE_REF_NULL:
        push(v, type_ref(v->instr.heap, true));
        break;
    case OPCODE_REF_IS_NULL:
        pop_ref(v);
        push(v, TYPE_I32);
        break;
    case OPCODE_REF_FUNC:
        check_ref_func(v);
        break;
    case OPCODE_REF_EQ:
        pop(v, type_ref(HEAP_EQ, true));
        pop(v, type_ref(HEAP_EQ, true));
        push(v, TYPE_I32);
        break;
    case OPCODE_REF_AS_NON_NULL:
        push(v, non_null(pop_ref(v)));
        break;
    case OPCODE_BR_ON_NULL:
        check_br_on_null(v);
        break;
    default:
        check_br_on_non_null(v);
    }
}

/* ---- Dispatch ---------------------------------------------------------------------------------
 */

static void check_bulk(struct validator *v)
{
    switch (v->instr.opcode) {
    case OPCODE_MEMORY_INIT:
        check_memory_init(v);
        break;
    case OPCODE_DATA_DROP:
        known_data(v);
        break;
    case OPCODE_MEMORY_COPY:
        check_copy(v, memory_index_type(v, v->instr.index), memory_index_type(v, v->instr.index2));
        break;
    case OPCODE_MEMORY_FILL:
        check_memory_fill(v);
        break;
    case OPCODE_TABLE_INIT:
        check_table_init(v);
        break;
    case OPCODE_ELEM_DROP:
        known(v, "elem segment", v->instr.index, v->module->elem_count);
        break;
    case OPCODE_TABLE_COPY:
        check_table_copy(v);
        break;
    default:
        check_table_access(v);
    }
}

void check_instr(struct validator *v)
{
    switch (v->instr.opcode) {
    case OPCODE_CALL:
    case OPCODE_RETURN_CALL:
        check_call(v);
        break;
    case OPCODE_CALL_INDIRECT:
    case OPCODE_RETURN_CALL_INDIRECT:
        check_call_indirect(v);
        break;
    case OPCODE_CALL_REF:
    case OPCODE_RETURN_CALL_REF:
        check_call_ref(v);
        break;
    case OPCODE_DROP:
        pop_any(v);
        break;
    case OPCODE_SELECT:
        check_select(v);
        break;
    case OPCODE_SELECT_T:
        check_select_typed(v);
        break;
    case OPCODE_LOCAL_GET:
    case OPCODE_LOCAL_SET:
    case OPCODE_LOCAL_TEE:
        check_local(v);
        break;
    case OPCODE_GLOBAL_GET:
    case OPCODE_GLOBAL_SET:
        check_global(v);
        break;
    case OPCODE_TABLE_GET:
    case OPCODE_TABLE_SET:
        check_table_access(v);
        break;
    default:
        if (v->instr.opcode >= 0xFC00)
            check_bulk(v);
        else if (v->instr.opcode >= 0xFB00)
            check_gc(v);
        else
            check_ref(v);
    }
}

void check_constant_instr(struct validator *v)
{
    switch (v->instr.opcode) {
    case OPCODE_I32_CONST:
    case OPCODE_I64_CONST:
    case OPCODE_F32_CONST:
    case OPCODE_F64_CONST:
    case OPCODE_V128_CONST:
    case OPCODE_REF_NULL:
    case OPCODE_REF_FUNC:
    case OPCODE_END:
    case OPCODE_I32_ADD:
    case OPCODE_I32_SUB:
    case OPCODE_I32_MUL:
    case OPCODE_I64_ADD:
    case OPCODE_I64_SUB:
    case OPCODE_I64_MUL:
    case OPCODE_STRUCT_NEW:
    case OPCODE_STRUCT_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW:
    case OPCODE_ARRAY_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW_FIXED:
    case OPCODE_REF_I31:
    case OPCODE_ANY_CONVERT_EXTERN:
    case OPCODE_EXTERN_CONVERT_ANY:
        return;
    case OPCODE_GLOBAL_GET:
        if (v->instr.index >= v->global_limit ||
            !v->module->globals[v->instr.index].type.is_mutable)
            return; /* an unknown one is reported as such */
        break;
    default:
        break;
    }
    check_fail(v, "constant expression required");
}
