/* SPDX-License-Identifier: Apache-2.0 */
/* Structs, arrays, i31, casts and throws; what a function's frame map says of locals and blocks. */
#include "wick/translator.h"

/* ---- The map ----------------------------------------------------------------------------------
 */

void map_locals(struct translator *t)
{
    struct frame_map *map = &t->map;
    uint32_t first = 0;
    for (uint32_t i = 0; i < t->locals.run_count; i++) {
        const struct local_run *run = &t->locals.runs[i];
        uint32_t count = run->end - first;
        first = run->end;
        if (!type_is_traced(run->type))
            continue;
        if (!translator_grow(t, &map->locals, map->local_count, &map->local_capacity,
                             sizeof(*map->locals)))
            return;
        map->locals[map->local_count++] = (struct slot_run){run->slot, count};
    }
}

/* From here on, `node` is the innermost try_table. */
static void begin_region(struct translator *t, uint32_t node)
{
    struct frame_map *map = &t->map;
    t->inner_try = node;
    if (translator_grow(t, &map->regions, map->region_count, &map->region_capacity,
                        sizeof(*map->regions)))
        map->regions[map->region_count++] = (struct try_region){t->insn_count, node};
}

void try_enter(struct translator *t, uint32_t first, uint32_t count)
{
    struct frame_map *map = &t->map;
    if (!translator_grow(t, &map->tries, map->try_count, &map->try_capacity, sizeof(*map->tries)))
        return;
    map->tries[map->try_count] = (struct try_node){t->inner_try, first, count};
    begin_region(t, map->try_count++);
}

void try_leave(struct translator *t, uint32_t outer)
{
    begin_region(t, outer);
}

/* ---- Operands ---------------------------------------------------------------------------------
 */

static const struct deftype *def_at(const struct translator *t, uint32_t index)
{
    return t->module->types[index];
}

/* Pops `count` entries and stores where their values are, the topmost last. */
static void pop_slots(struct translator *t, uint32_t *slots, uint32_t count)
{
    for (uint32_t i = count; i > 0; i--) {
        struct entry entry = pop_entry(t);
        slots[i - 1] = entry_slot(t, &entry);
    }
}

/* Brings the topmost entries home, pops them and answers the slot of the first. */
static uint32_t pop_settled(struct translator *t, uint32_t count)
{
    settle(t, count);
    for (uint32_t i = 0; i < count; i++)
        pop_entry(t);
    return t->top_slot;
}

static void emit_typed(struct translator *t, enum helper_id helper, struct insn insn,
                       struct insn ext, uint32_t type)
{
    insn.op = OP_HELPER;
    insn.x = (uint16_t)helper;
    emit_result_ext(t, insn, ext, type_slots(type) == 2);
    set_type(t, type);
}

/* ---- Allocation -------------------------------------------------------------------------------
 */

/* All operands at home, and alive while the instruction collects. */
static void translate_new(struct translator *t, enum helper_id helper, uint32_t operands,
                          uint32_t extra)
{
    settle(t, operands);
    uint32_t node = prepare_safepoint(t);
    struct insn insn = {.op = OP_ALLOC, .x = (uint16_t)helper, .a = pop_settled(t, operands)};
    add_safepoint(t, node);
    emit_result_ext(t, insn, (struct insn){.a = extra, .b = t->instr.index}, false);
    set_type(t, type_ref(deftype_heap(def_at(t, t->instr.index)), false));
}

static void translate_allocation(struct translator *t)
{
    switch (t->instr.opcode) {
    case OPCODE_STRUCT_NEW:
        translate_new(t, HELPER_STRUCT_NEW, def_at(t, t->instr.index)->field_count, 0);
        break;
    case OPCODE_STRUCT_NEW_DEFAULT:
        translate_new(t, HELPER_STRUCT_NEW_DEFAULT, 0, 0);
        break;
    case OPCODE_ARRAY_NEW:
        translate_new(t, HELPER_ARRAY_NEW, 2, 0);
        break;
    case OPCODE_ARRAY_NEW_DEFAULT:
        translate_new(t, HELPER_ARRAY_NEW_DEFAULT, 1, 0);
        break;
    case OPCODE_ARRAY_NEW_FIXED:
        translate_new(t, HELPER_ARRAY_NEW_FIXED, t->instr.index2, t->instr.index2);
        break;
    case OPCODE_ARRAY_NEW_DATA:
        translate_new(t, HELPER_ARRAY_NEW_DATA, 2, t->instr.index2);
        break;
    default:
        translate_new(t, HELPER_ARRAY_NEW_ELEM, 2, t->instr.index2);
    }
}

static void translate_throw(struct translator *t)
{
    if (t->instr.opcode == OPCODE_THROW_REF) {
        uint32_t slot;
        pop_slots(t, &slot, 1);
        emit_ext(t, (struct insn){.op = OP_HELPER, .x = HELPER_THROW_REF, .a = slot},
                 (struct insn){.b = 0});
        mark_dead(t);
        return;
    }
    uint32_t count = t->module->tags[t->instr.index].type->param_count;
    settle(t, count);
    uint32_t node = prepare_safepoint(t);
    uint32_t slot = pop_settled(t, count);
    add_safepoint(t, node);
    emit_ext(t, (struct insn){.op = OP_ALLOC, .x = HELPER_THROW, .a = slot},
             (struct insn){.b = t->instr.index});
    mark_dead(t);
}

/* ---- Access -----------------------------------------------------------------------------------
 */

static void translate_struct_get(struct translator *t)
{
    uint32_t slot;
    bool is_signed = t->instr.opcode == OPCODE_STRUCT_GET_S;
    const struct field *field = &def_at(t, t->instr.index)->fields[t->instr.index2];
    pop_slots(t, &slot, 1);
    emit_typed(t, HELPER_STRUCT_GET, (struct insn){.a = slot},
               (struct insn){.x = is_signed, .a = t->instr.index2}, field->type);
}

static void translate_array_get(struct translator *t)
{
    uint32_t slots[2];
    bool is_signed = t->instr.opcode == OPCODE_ARRAY_GET_S;
    pop_slots(t, slots, 2);
    emit_typed(t, HELPER_ARRAY_GET, (struct insn){.a = slots[0], .b = slots[1]},
               (struct insn){.x = is_signed}, def_at(t, t->instr.index)->fields->type);
}

/* Instructions with up to three operands, wherever those are. */
static void translate_store(struct translator *t, enum helper_id helper, uint32_t operands)
{
    uint32_t slots[3] = {0, 0, 0};
    pop_slots(t, slots, operands);
    emit_ext(t, (struct insn){.op = OP_HELPER, .x = (uint16_t)helper, .a = slots[0], .b = slots[1]},
             (struct insn){.a = t->instr.opcode == OPCODE_STRUCT_SET ? t->instr.index2 : slots[2]});
}

/* Instructions with more, at home. */
static void translate_bulk(struct translator *t, enum helper_id helper, uint32_t operands)
{
    uint32_t slot = pop_settled(t, operands);
    emit_ext(t, (struct insn){.op = OP_HELPER, .x = (uint16_t)helper, .a = slot},
             (struct insn){.a = t->instr.index2});
}

static void translate_unary(struct translator *t, enum helper_id helper, uint32_t type)
{
    uint32_t slot;
    pop_slots(t, &slot, 1);
    emit_typed(t, helper, (struct insn){.a = slot}, (struct insn){.a = 0}, type);
}

/* ---- Casts ------------------------------------------------------------------------------------
 */

static void translate_cast(struct translator *t)
{
    uint16_t opcode = t->instr.opcode;
    bool nullable = opcode == OPCODE_REF_TEST_NULL || opcode == OPCODE_REF_CAST_NULL;
    bool test = opcode == OPCODE_REF_TEST || opcode == OPCODE_REF_TEST_NULL;
    uint32_t slot, type = type_ref(t->instr.heap, nullable);
    pop_slots(t, &slot, 1);
    emit_typed(t, test ? HELPER_REF_TEST : HELPER_REF_CAST, (struct insn){.a = slot},
               (struct insn){.a = type}, test ? (uint32_t)TYPE_I32 : type);
}

static void translate_br_on_cast(struct translator *t)
{
    settle(t, 1);
    struct entry ref = pop_entry(t);
    push_entry(t, ref);
    emit_typed(t, HELPER_REF_TEST, (struct insn){.a = ref.home}, (struct insn){.a = t->instr.type2},
               TYPE_I32);
    struct entry answer = pop_entry(t);
    bool on_fail = t->instr.opcode == OPCODE_BR_ON_CAST_FAIL;
    struct condition condition = {OP_BR_IF, OP_BR_UNLESS, answer.home, 0};
    if (on_fail)
        condition = (struct condition){OP_BR_UNLESS, OP_BR_IF, answer.home, 0};
    branch_on(t, t->instr.index, condition);
}

/* ---- Dispatch ---------------------------------------------------------------------------------
 */

static void translate_array_write(struct translator *t)
{
    switch (t->instr.opcode) {
    case OPCODE_ARRAY_SET:
        translate_store(t, HELPER_ARRAY_SET, 3);
        break;
    case OPCODE_ARRAY_FILL:
        translate_bulk(t, HELPER_ARRAY_FILL, 4);
        break;
    case OPCODE_ARRAY_COPY:
        translate_bulk(t, HELPER_ARRAY_COPY, 5);
        break;
    case OPCODE_ARRAY_INIT_DATA:
        translate_bulk(t, HELPER_ARRAY_INIT_DATA, 4);
        break;
    default:
        translate_bulk(t, HELPER_ARRAY_INIT_ELEM, 4);
    }
}

void translate_gc(struct translator *t)
{
    switch (t->instr.opcode) {
    case OPCODE_THROW:
    case OPCODE_THROW_REF:
        translate_throw(t);
        break;
    case OPCODE_STRUCT_NEW:
    case OPCODE_STRUCT_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW:
    case OPCODE_ARRAY_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW_FIXED:
    case OPCODE_ARRAY_NEW_DATA:
    case OPCODE_ARRAY_NEW_ELEM:
        translate_allocation(t);
        break;
    case OPCODE_STRUCT_GET:
    case OPCODE_STRUCT_GET_S:
    case OPCODE_STRUCT_GET_U:
        translate_struct_get(t);
        break;
    case OPCODE_STRUCT_SET:
        translate_store(t, HELPER_STRUCT_SET, 2);
        break;
    case OPCODE_ARRAY_GET:
    case OPCODE_ARRAY_GET_S:
    case OPCODE_ARRAY_GET_U:
        translate_array_get(t);
        break;
    case OPCODE_ARRAY_LEN:
        translate_unary(t, HELPER_ARRAY_LEN, TYPE_I32);
        break;
    case OPCODE_REF_TEST:
    case OPCODE_REF_TEST_NULL:
    case OPCODE_REF_CAST:
    case OPCODE_REF_CAST_NULL:
        translate_cast(t);
        break;
    case OPCODE_BR_ON_CAST:
    case OPCODE_BR_ON_CAST_FAIL:
        translate_br_on_cast(t);
        break;
    case OPCODE_ANY_CONVERT_EXTERN:
    case OPCODE_EXTERN_CONVERT_ANY:
        break; /* the word is the same */
    case OPCODE_REF_I31:
        translate_unary(t, HELPER_REF_I31, type_ref(HEAP_I31, false));
        break;
    case OPCODE_I31_GET_S:
        translate_unary(t, HELPER_I31_GET_S, TYPE_I32);
        break;
    case OPCODE_I31_GET_U:
        translate_unary(t, HELPER_I31_GET_U, TYPE_I32);
        break;
    default:
        translate_array_write(t);
    }
}
