/* SPDX-License-Identifier: Apache-2.0 */
/* Structs, arrays, i31 and casts of the interpreter. See enum helper_id for operands. */
#include "wick/gc.h"
#include "wick/helpers.h"

static const struct deftype *type_of(const struct interp *interp, const struct insn *insn)
{
    return interp->instance->module->types[insn[1].b];
}

/* ---- Allocation -------------------------------------------------------------------------------
 */

enum wick_trap_kind do_struct_new(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    enum wick_trap_kind kind;
    fp[insn->dst].ref = struct_new(interp->store, type_of(interp, insn), &fp[insn->a], &kind);
    return kind;
}

enum wick_trap_kind do_struct_new_default(struct interp *interp, wick_value_t *fp,
                                          const struct insn *insn)
{
    enum wick_trap_kind kind;
    fp[insn->dst].ref = struct_new(interp->store, type_of(interp, insn), NULL, &kind);
    return kind;
}

enum wick_trap_kind do_array_new(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    enum wick_trap_kind kind;
    const struct deftype *type = type_of(interp, insn);
    uint32_t length = fp[insn->a + type_slots(type->fields->type)].u32;
    fp[insn->dst].ref = array_new(interp->store, type, &fp[insn->a], length, &kind);
    return kind;
}

enum wick_trap_kind do_array_new_default(struct interp *interp, wick_value_t *fp,
                                         const struct insn *insn)
{
    enum wick_trap_kind kind;
    fp[insn->dst].ref =
        array_new(interp->store, type_of(interp, insn), NULL, fp[insn->a].u32, &kind);
    return kind;
}

enum wick_trap_kind do_array_new_fixed(struct interp *interp, wick_value_t *fp,
                                       const struct insn *insn)
{
    enum wick_trap_kind kind;
    fp[insn->dst].ref =
        array_new_fixed(interp->store, type_of(interp, insn), &fp[insn->a], insn[1].a, &kind);
    return kind;
}

enum wick_trap_kind do_array_new_data(struct interp *interp, wick_value_t *fp,
                                      const struct insn *insn)
{
    enum wick_trap_kind kind;
    fp[insn->dst].ref =
        array_new_data(interp->store, type_of(interp, insn), interp->instance->datas[insn[1].a],
                       fp[insn->a].u32, fp[insn->a + 1].u32, &kind);
    return kind;
}

enum wick_trap_kind do_array_new_elem(struct interp *interp, wick_value_t *fp,
                                      const struct insn *insn)
{
    enum wick_trap_kind kind;
    fp[insn->dst].ref =
        array_new_elem(interp->store, type_of(interp, insn), &interp->instance->elems[insn[1].a],
                       fp[insn->a].u32, fp[insn->a + 1].u32, &kind);
    return kind;
}

/* ---- Access -----------------------------------------------------------------------------------
 */

enum wick_trap_kind do_struct_get(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    uint64_t ref = fp[insn->a].ref;
    if (!ref)
        return WICK_TRAP_NULL_STRUCT;
    const struct field *field = &ref_object(ref)->type->fields[insn[1].a];
    field_load((const uint8_t *)(uintptr_t)ref + field->offset, field->type, insn[1].x,
               &fp[insn->dst]);
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_struct_set(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    uint64_t ref = fp[insn->a].ref;
    if (!ref)
        return WICK_TRAP_NULL_STRUCT;
    const struct field *field = &ref_object(ref)->type->fields[insn[1].a];
    field_store((uint8_t *)(uintptr_t)ref + field->offset, field->type, &fp[insn->b]);
    return WICK_TRAP_NONE;
}

/* The element that operands a and b name. */
static enum wick_trap_kind reach_element(const wick_value_t *fp, const struct insn *insn,
                                         uint8_t **at)
{
    uint64_t ref = fp[insn->a].ref;
    uint32_t index = fp[insn->b].u32;
    if (!ref)
        return WICK_TRAP_NULL_ARRAY;
    if (index >= ref_array(ref)->length)
        return WICK_TRAP_ARRAY;
    *at = array_element(ref, index);
    return WICK_TRAP_NONE;
}

static uint32_t element_type(uint64_t ref)
{
    return ref_array(ref)->type->fields->type;
}

enum wick_trap_kind do_array_get(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    uint8_t *at;
    enum wick_trap_kind kind = reach_element(fp, insn, &at);
    if (!kind)
        field_load(at, element_type(fp[insn->a].ref), insn[1].x, &fp[insn->dst]);
    return kind;
}

enum wick_trap_kind do_array_set(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    uint8_t *at;
    enum wick_trap_kind kind = reach_element(fp, insn, &at);
    if (!kind)
        field_store(at, element_type(fp[insn->a].ref), &fp[insn[1].a]);
    return kind;
}

enum wick_trap_kind do_array_len(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    if (!fp[insn->a].ref)
        return WICK_TRAP_NULL_ARRAY;
    fp[insn->dst].u32 = ref_array(fp[insn->a].ref)->length;
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_array_fill(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    const wick_value_t *args = &fp[insn->a];
    if (!args[0].ref)
        return WICK_TRAP_NULL_ARRAY;
    uint32_t slots = type_slots(element_type(args[0].ref));
    return array_fill(args[0].ref, args[1].u32, &args[2], args[2 + slots].u32);
}

enum wick_trap_kind do_array_copy(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    const wick_value_t *args = &fp[insn->a];
    return array_copy(args[0].ref, args[1].u32, args[2].ref, args[3].u32, args[4].u32);
}

enum wick_trap_kind do_array_init_data(struct interp *interp, wick_value_t *fp,
                                       const struct insn *insn)
{
    const wick_value_t *args = &fp[insn->a];
    return array_init_data(args[0].ref, args[1].u32, interp->instance->datas[insn[1].a],
                           args[2].u32, args[3].u32);
}

enum wick_trap_kind do_array_init_elem(struct interp *interp, wick_value_t *fp,
                                       const struct insn *insn)
{
    const wick_value_t *args = &fp[insn->a];
    return array_init_elem(args[0].ref, args[1].u32, &interp->instance->elems[insn[1].a],
                           args[2].u32, args[3].u32);
}

/* ---- Casts ------------------------------------------------------------------------------------
 */

enum wick_trap_kind do_ref_test(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    fp[insn->dst].u32 = ref_is(&interp->store->engine->types, fp[insn->a].ref, insn[1].a);
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_ref_cast(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    if (!ref_is(&interp->store->engine->types, fp[insn->a].ref, insn[1].a))
        return WICK_TRAP_CAST;
    fp[insn->dst] = fp[insn->a];
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_ref_i31(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    fp[insn->dst].ref = ref_from_i31(fp[insn->a].u32);
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_i31_get_s(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    if (!fp[insn->a].ref)
        return WICK_TRAP_NULL_I31;
    fp[insn->dst].i32 = ref_i31_s(fp[insn->a].ref);
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_i31_get_u(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    (void)interp;
    if (!fp[insn->a].ref)
        return WICK_TRAP_NULL_I31;
    fp[insn->dst].u32 = ref_i31_u(fp[insn->a].ref);
    return WICK_TRAP_NONE;
}
