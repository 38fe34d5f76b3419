/* SPDX-License-Identifier: Apache-2.0 */
/* Structs, arrays, i31 and casts (core spec sections 3.4.4 to 3.4.9). */
#include "wick/validator.h"

enum { ARRAY_FIXED_MAX = 10000 };

/* ---- Types ------------------------------------------------------------------------------------
 */

/* The type of that index, if it is of that kind. */
static const struct deftype *find_def(struct validator *v, enum def_kind kind, uint32_t index)
{
    static const char *const names[] = {"function", "structure", "array"};
    if (index >= v->module->type_count) {
        check_fail(v, "unknown type %u", index);
        return NULL;
    }
    const struct deftype *type = v->module->types[index];
    if (type->kind == kind)
        return type;
    check_fail(v, "type mismatch: type %u is not a%s %s", index, kind == DEF_ARRAY ? "n" : "",
               names[kind]);
    return NULL;
}

static uint32_t def_ref(const struct deftype *type, bool nullable)
{
    return type_ref(deftype_heap(type), nullable);
}

static bool is_numeric(uint32_t type)
{
    return !type_is_ref(type);
}

static void check_default(struct validator *v, const struct field *field)
{
    if (!type_is_defaultable(field->type))
        check_fail(v, "type mismatch: field type is not defaultable");
}

/* A packed field is read with a sign or without, any other just read. */
static void check_packed(struct validator *v, const struct field *field, bool plain)
{
    if (plain == type_is_packed(field->type))
        check_fail(v, "type mismatch: %s does not fit the field's type",
                   opcode_name(v->instr.opcode));
}

static bool known_segment(struct validator *v, bool data)
{
    uint32_t count = data ? v->module->declared_data_count : v->module->elem_count;
    if (data && !v->module->has_data_count) {
        reader_fail(v->reader, WICK_MALFORMED, v->instr.place, "data count section required");
        return false;
    }
    if (v->instr.index2 >= count)
        check_fail(v, "unknown %s segment %u", data ? "data" : "elem", v->instr.index2);
    return v->instr.index2 < count;
}

/* ---- Structs ----------------------------------------------------------------------------------
 */

static void check_struct_new(struct validator *v)
{
    const struct deftype *type = find_def(v, DEF_STRUCT, v->instr.index);
    if (!type)
        return;
    for (uint32_t i = type->field_count; i > 0 && reader_ok(v->reader); i--) {
        const struct field *field = &type->fields[i - 1];
        if (v->instr.opcode == OPCODE_STRUCT_NEW)
            pop(v, type_unpacked(field->type));
        else
            check_default(v, field);
    }
    push(v, def_ref(type, false));
}

static void check_struct_access(struct validator *v)
{
    const struct deftype *type = find_def(v, DEF_STRUCT, v->instr.index);
    if (!type)
        return;
    if (v->instr.index2 >= type->field_count) {
        check_fail(v, "unknown field %u", v->instr.index2);
        return;
    }
    const struct field *field = &type->fields[v->instr.index2];
    if (v->instr.opcode == OPCODE_STRUCT_SET) {
        if (!field->is_mutable)
            check_fail(v, "immutable field %u", v->instr.index2);
        pop(v, type_unpacked(field->type));
        pop(v, def_ref(type, true));
        return;
    }
    check_packed(v, field, v->instr.opcode == OPCODE_STRUCT_GET);
    pop(v, def_ref(type, true));
    push(v, type_unpacked(field->type));
}

/* ---- Arrays -----------------------------------------------------------------------------------
 */

static void check_array_new_fixed(struct validator *v, const struct deftype *type)
{
    if (v->instr.index2 > ARRAY_FIXED_MAX) {
        reader_fail(v->reader, WICK_LIMIT, v->instr.place,
                    "array.new_fixed of %u elements, the limit is %d", v->instr.index2,
                    ARRAY_FIXED_MAX);
        return;
    }
    for (uint32_t i = 0; i < v->instr.index2 && reader_ok(v->reader); i++)
        pop(v, type_unpacked(type->fields->type));
}

/* The elements come from a segment of data or references. */
static void check_segment(struct validator *v, const struct deftype *type, bool data)
{
    uint32_t element = type->fields->type;
    if (!known_segment(v, data))
        return;
    if (data && !is_numeric(element)) {
        check_fail(v, "array type is not numeric or vector");
        return;
    }
    uint32_t items = data ? element : v->module->elems[v->instr.index2].type;
    if (!matches(v, items, element))
        check_mismatch(v, element, items);
    pop(v, TYPE_I32);
    pop(v, TYPE_I32);
}

static void check_array_new(struct validator *v)
{
    const struct deftype *type = find_def(v, DEF_ARRAY, v->instr.index);
    if (!type)
        return;
    switch (v->instr.opcode) {
    case OPCODE_ARRAY_NEW:
        pop(v, TYPE_I32);
        pop(v, type_unpacked(type->fields->type));
        break;
    case OPCODE_ARRAY_NEW_DEFAULT:
        check_default(v, type->fields);
        pop(v, TYPE_I32);
        break;
    case OPCODE_ARRAY_NEW_FIXED:
        check_array_new_fixed(v, type);
        break;
    default:
        check_segment(v, type, v->instr.opcode == OPCODE_ARRAY_NEW_DATA);
    }
    push(v, def_ref(type, false));
}

static void check_array_get(struct validator *v)
{
    const struct deftype *type = find_def(v, DEF_ARRAY, v->instr.index);
    if (!type)
        return;
    check_packed(v, type->fields, v->instr.opcode == OPCODE_ARRAY_GET);
    pop(v, TYPE_I32);
    pop(v, def_ref(type, true));
    push(v, type_unpacked(type->fields->type));
}

static void check_array_copy(struct validator *v, const struct deftype *type)
{
    const struct deftype *source = find_def(v, DEF_ARRAY, v->instr.index2);
    if (!source)
        return;
    uint32_t from = source->fields->type, to = type->fields->type;
    if (from != to && (!type_is_ref(from) || !matches(v, from, to)))
        check_fail(v, "array types do not match");
    pop(v, TYPE_I32);
    pop(v, TYPE_I32);
    pop(v, def_ref(source, true));
}

/* array.set, .fill, .copy and .init_… write to an array at an index. */
static void check_array_write(struct validator *v)
{
    const struct deftype *type = find_def(v, DEF_ARRAY, v->instr.index);
    if (!type)
        return;
    if (!type->fields->is_mutable) {
        check_fail(v, "immutable array");
        return;
    }
    switch (v->instr.opcode) {
    case OPCODE_ARRAY_SET:
        pop(v, type_unpacked(type->fields->type));
        break;
    case OPCODE_ARRAY_FILL:
        pop(v, TYPE_I32);
        pop(v, type_unpacked(type->fields->type));
        break;
    case OPCODE_ARRAY_COPY:
        check_array_copy(v, type);
        break;
    default:
        check_segment(v, type, v->instr.opcode == OPCODE_ARRAY_INIT_DATA);
    }
    pop(v, TYPE_I32);
    pop(v, def_ref(type, true));
}

/* ---- Casts and conversions --------------------------------------------------------------------
 */

static void check_cast(struct validator *v)
{
    bool nullable =
        v->instr.opcode == OPCODE_REF_TEST_NULL || v->instr.opcode == OPCODE_REF_CAST_NULL;
    pop(v, type_ref(heap_top(v->instr.heap), true));
    if (v->instr.opcode == OPCODE_REF_TEST || v->instr.opcode == OPCODE_REF_TEST_NULL)
        push(v, TYPE_I32);
    else
        push(v, type_ref(v->instr.heap, nullable));
}

/* The label gets the reference as what the branch found it to be, below its other operands. */
static void check_br_on_cast(struct validator *v)
{
    uint32_t from = v->instr.type, to = v->instr.type2;
    if (!matches(v, to, from)) {
        check_mismatch(v, from, to);
        return;
    }
    pop(v, from);
    uint32_t rest = type_is_nullable(to) ? from & ~TYPE_NULLABLE : from;
    bool on_fail = v->instr.opcode == OPCODE_BR_ON_CAST_FAIL;
    struct type_list types = label_types(v, v->instr.index);
    if (!reader_ok(v->reader))
        return;
    uint32_t taken = on_fail ? rest : to;
    if (types.count == 0 || !matches(v, taken, types.types[types.count - 1])) {
        check_fail(v, "type mismatch: the label of %s takes no such reference",
                   opcode_name(v->instr.opcode));
        return;
    }
    pop_all(v, types.types, types.count - 1);
    push_all(v, types.types, types.count - 1);
    push(v, on_fail ? to : rest);
}

static void check_convert(struct validator *v, uint32_t from, uint32_t to)
{
    uint32_t found = pop(v, type_ref(from, true));
    push(v, type_ref(to, type_is_nullable(found)));
}

void check_gc(struct validator *v)
{
    switch (v->instr.opcode) {
    case OPCODE_STRUCT_NEW:
    case OPCODE_STRUCT_NEW_DEFAULT:
        check_struct_new(v);
        break;
    case OPCODE_STRUCT_GET:
    case OPCODE_STRUCT_GET_S:
    case OPCODE_STRUCT_GET_U:
    case OPCODE_STRUCT_SET:
        check_struct_access(v);
        break;
    case OPCODE_ARRAY_NEW:
    case OPCODE_ARRAY_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW_FIXED:
    case OPCODE_ARRAY_NEW_DATA:
    case OPCODE_ARRAY_NEW_ELEM:
        check_array_new(v);
        break;
    case OPCODE_ARRAY_GET:
    case OPCODE_ARRAY_GET_S:
    case OPCODE_ARRAY_GET_U:
        check_array_get(v);
        break;
    case OPCODE_ARRAY_LEN:
        pop(v, type_ref(HEAP_ARRAY, true));
        push(v, TYPE_I32);
        break;
    case OPCODE_REF_TEST:
    case OPCODE_REF_TEST_NULL:
    case OPCODE_REF_CAST:
    case OPCODE_REF_CAST_NULL:
        check_cast(v);
        break;
    case OPCODE_BR_ON_CAST:
    case OPCODE_BR_ON_CAST_FAIL:
        check_br_on_cast(v);
        break;
    case OPCODE_ANY_CONVERT_EXTERN:
        check_convert(v, HEAP_EXTERN, HEAP_ANY);
        break;
    case OPCODE_EXTERN_CONVERT_ANY:
        check_convert(v, HEAP_ANY, HEAP_EXTERN);
        break;
    case OPCODE_REF_I31:
        pop(v, TYPE_I32);
        push(v, type_ref(HEAP_I31, false));
        break;
    case OPCODE_I31_GET_S:
    case OPCODE_I31_GET_U:
        pop(v, type_ref(HEAP_I31, true));
        push(v, TYPE_I32);
        break;
    default:
        check_array_write(v);
    }
}
