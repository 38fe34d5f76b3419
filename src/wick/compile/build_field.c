/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of structs, elements of arrays and numbers in references, without a call. An access of an
 * object is one of memory whose base is the reference; heap.h says where what lies.
 */
#include "wick/compile/build.h"

#include "wick/heap.h"

/* How what has a field's type is read and written. */
struct field_access {
    uint16_t load, load_signed, store;
};

static struct field_access access_of(uint32_t type)
{
    static const struct field_access accesses[] = {
        [TYPE_I32] = {OPCODE_I32_LOAD, OPCODE_I32_LOAD, OPCODE_I32_STORE},
        [TYPE_I64] = {OPCODE_I64_LOAD, OPCODE_I64_LOAD, OPCODE_I64_STORE},
        [TYPE_F32] = {OPCODE_F32_LOAD, OPCODE_F32_LOAD, OPCODE_F32_STORE},
        [TYPE_F64] = {OPCODE_F64_LOAD, OPCODE_F64_LOAD, OPCODE_F64_STORE},
        [TYPE_V128] = {OPCODE_V128_LOAD, OPCODE_V128_LOAD, OPCODE_V128_STORE},
    };
    if (type == TYPE_I8)
        return (struct field_access){OPCODE_I32_LOAD8_U, OPCODE_I32_LOAD8_S, OPCODE_I32_STORE8};
    if (type == TYPE_I16)
        return (struct field_access){OPCODE_I32_LOAD16_U, OPCODE_I32_LOAD16_S, OPCODE_I32_STORE16};
    return accesses[type_is_ref(type) ? TYPE_I64 : type_kind(type)];
}

/* `at`: bytes from `offset`, as a value. */
static void push_field(struct builder *b, uint32_t ref, uint32_t at, uint32_t offset, uint32_t type,
                       bool is_signed)
{
    struct field_access access = access_of(type);
    uint32_t whole = type_unpacked(type);
    struct ins load = {.op = is_signed ? access.load_signed : access.load,
                       .type = type_is_ref(whole) ? TYPE_I64 : (uint8_t)type_kind(whole),
                       .is_traced = type_is_ref(whole) && type_is_traced(whole),
                       .memory = MEMORY_OF_OBJECTS,
                       .a = at,
                       .c = ref,
                       .imm = offset};
    push(b, ins_append(b->graph, &load));
}

static void store_field(struct builder *b, uint32_t ref, uint32_t at, uint32_t offset,
                        uint32_t type, uint32_t value)
{
    struct ins store = {.op = access_of(type).store,
                        .memory = MEMORY_OF_OBJECTS,
                        .a = at,
                        .b = value,
                        .c = ref,
                        .imm = offset};
    ins_append(b->graph, &store);
}

static void check_null(struct builder *b, uint32_t ref, enum wick_trap_kind kind)
{
    ins_append(b->graph, &(struct ins){.op = SSA_NULL_CHECK, .a = ref, .imm = kind});
}

static uint32_t no_distance(struct builder *b)
{
    return ssa_const(b->graph, TYPE_I32, 0);
}

static void build_struct(struct builder *b, bool is_signed)
{
    const struct field *field = &b->module->types[b->instr.index]->fields[b->instr.index2];
    uint32_t value = b->instr.opcode == OPCODE_STRUCT_SET ? pop(b) : 0, ref = pop(b);
    check_null(b, ref, WICK_TRAP_NULL_STRUCT);
    if (value)
        store_field(b, ref, no_distance(b), field->offset, field->type, value);
    else
        push_field(b, ref, no_distance(b), field->offset, field->type, is_signed);
}

static uint32_t array_length(struct builder *b, uint32_t ref)
{
    check_null(b, ref, WICK_TRAP_NULL_ARRAY);
    push_field(b, ref, no_distance(b), HEAP_ARRAY_LENGTH, TYPE_I32, false);
    return pop(b);
}

static void build_array(struct builder *b, bool is_signed)
{
    const struct deftype *type = b->module->types[b->instr.index];
    uint32_t value = b->instr.opcode == OPCODE_ARRAY_SET ? pop(b) : 0;
    uint32_t index = pop(b), ref = pop(b), length = array_length(b, ref);
    ins_append(
        b->graph,
        &(struct ins){.op = SSA_INDEX_CHECK, .a = index, .b = length, .imm = WICK_TRAP_ARRAY});
    uint32_t at = ssa_unary(b->graph, OPCODE_I64_EXTEND_I32_U, index);
    at = ssa_binary(b->graph, OPCODE_I64_SHL, at,
                    ssa_const(b->graph, TYPE_I64, type->element_shift));
    if (value)
        store_field(b, ref, at, HEAP_ARRAY_ELEMENTS, type->fields->type, value);
    else
        push_field(b, ref, at, HEAP_ARRAY_ELEMENTS, type->fields->type, is_signed);
}

static void build_i31(struct builder *b)
{
    struct graph *graph = b->graph;
    uint32_t one = ssa_const(graph, TYPE_I32, 1), value = pop(b);
    if (b->instr.opcode == OPCODE_REF_I31) {
        static_assert(REF_I31 == 1, "the lowest bit");
        value =
            ssa_binary(graph, OPCODE_I32_OR, ssa_binary(graph, OPCODE_I32_SHL, value, one), one);
        push(b, ssa_unary(graph, OPCODE_I64_EXTEND_I32_U, value));
        return;
    }
    check_null(b, value, WICK_TRAP_NULL_I31);
    value = ssa_unary(graph, OPCODE_I32_WRAP_I64, value);
    bool is_signed = b->instr.opcode == OPCODE_I31_GET_S;
    push(b, ssa_binary(graph, is_signed ? OPCODE_I32_SHR_S : OPCODE_I32_SHR_U, value, one));
}

bool build_field(struct builder *b)
{
    switch (b->instr.opcode) {
    case OPCODE_STRUCT_GET:
    case OPCODE_STRUCT_GET_S:
    case OPCODE_STRUCT_GET_U:
    case OPCODE_STRUCT_SET:
        build_struct(b, b->instr.opcode == OPCODE_STRUCT_GET_S);
        return true;
    case OPCODE_ARRAY_GET:
    case OPCODE_ARRAY_GET_S:
    case OPCODE_ARRAY_GET_U:
    case OPCODE_ARRAY_SET:
        build_array(b, b->instr.opcode == OPCODE_ARRAY_GET_S);
        return true;
    case OPCODE_ARRAY_LEN:
        push(b, array_length(b, pop(b)));
        return true;
    case OPCODE_REF_I31:
    case OPCODE_I31_GET_S:
    case OPCODE_I31_GET_U:
        build_i31(b);
        return true;
    default:
        return false;
    }
}
