/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of the collected heap beyond their fields, waiting and waking: calls of the interpreter's
 * functions for them. Their operands lie one after the other in 8-byte slots, a v128 in two; see
 * enum helper_id for what each function wants to know.
 */
#include "wick/compile/build.h"

#include "wick/atomic.h"
#include "wick/interp.h"

struct plan {
    uint8_t helper, operands;
    bool has_index; /* a second one in the instruction, which is ext.a */
};

static const struct plan *find_plan(uint16_t opcode)
{
    static const struct plan plans[] = {
        [0x01] = {HELPER_STRUCT_NEW_DEFAULT, 0, false}, [0x06] = {HELPER_ARRAY_NEW, 2, false},
        [0x07] = {HELPER_ARRAY_NEW_DEFAULT, 1, false},  [0x09] = {HELPER_ARRAY_NEW_DATA, 2, true},
        [0x0A] = {HELPER_ARRAY_NEW_ELEM, 2, true},      [0x10] = {HELPER_ARRAY_FILL, 4, true},
        [0x11] = {HELPER_ARRAY_COPY, 5, true},          [0x12] = {HELPER_ARRAY_INIT_DATA, 4, true},
        [0x13] = {HELPER_ARRAY_INIT_ELEM, 4, true},
    };
    return &plans[opcode - 0xFB00];
}

static bool is_wide_operand(const struct builder *b, uint32_t value)
{
    return ins_at(b->graph, value)->type == TYPE_V128;
}

/* Pops the operands and appends the call; pushes its result unless the type is TYPE_BOTTOM. */
static void append_call(struct builder *b, struct interp_call call, uint32_t operands,
                        uint32_t type)
{
    struct graph *graph = b->graph;
    struct ins ins = {.op = SSA_CALL_INTERP, .arg_count = operands};
    if (call.helper == HELPER_THROW || call.helper == HELPER_THROW_REF)
        ins.scope = b->scope;
    ins.args = pool_alloc(graph, operands);
    b->stack_count -= operands;
    for (uint32_t i = 0; i < operands; i++) {
        uint32_t value = ssa_resolve(graph, b->stack[b->stack_count + i]);
        graph->pool[ins.args + i] = value;
        if (call.slots + 2 > INTERP_CALL_SLOTS)
            arena_give_up_unsupported(b->arena);
        call.traced |= (uint64_t)ins_at(graph, value)->is_traced << call.slots;
        call.slots = (uint8_t)(call.slots + (is_wide_operand(b, value) ? 2 : 1));
    }
    arena_grow(b->arena, &graph->interp_calls, graph->interp_call_count + 1,
               &graph->interp_call_capacity, sizeof(call));
    graph->interp_calls[graph->interp_call_count] = call;
    ins.imm = graph->interp_call_count++;
    ins.type = type_is_ref(type) ? TYPE_I64 : (uint8_t)type_kind(type);
    ins.is_traced = type_is_ref(type) && type_is_traced(type);
    uint32_t value = ins_append(graph, &ins);
    if (ins.type)
        push(b, value);
}

/* ---- Objects ----------------------------------------------------------------------------------
 */

static const struct deftype *instr_type(const struct builder *b)
{
    return b->module->types[b->instr.index];
}

static void build_new(struct builder *b, uint8_t helper, uint32_t operands, uint32_t ext_a)
{
    struct interp_call call = {.helper = helper, .ext_a = ext_a, .ext_b = b->instr.index};
    append_call(b, call, operands, type_ref(deftype_heap(instr_type(b)), false));
}

/* The type of what an instruction answers; TYPE_BOTTOM: nothing. */
static uint32_t answer_type(const struct builder *b)
{
    switch (b->instr.opcode) {
    case OPCODE_STRUCT_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW:
    case OPCODE_ARRAY_NEW_DEFAULT:
    case OPCODE_ARRAY_NEW_DATA:
    case OPCODE_ARRAY_NEW_ELEM:
        return type_ref(deftype_heap(instr_type(b)), false);
    default:
        return TYPE_BOTTOM;
    }
}

static void build_planned(struct builder *b)
{
    const struct plan *plan = find_plan(b->instr.opcode);
    struct interp_call call = {.helper = plan->helper,
                               .ext_a = plan->has_index ? b->instr.index2 : 0,
                               .ext_b = b->instr.index};
    append_call(b, call, plan->operands, answer_type(b));
}

/* ---- Casts ------------------------------------------------------------------------------------
 */

/* The module's own type that a heap type names, if it is one of structs or arrays. */
static const struct deftype *object_type(const struct builder *b, uint32_t heap)
{
    if (!heap_is_concrete(heap) || heap_top(heap) == HEAP_FUNC)
        return NULL;
    for (uint32_t i = 0; i < b->module->type_count; i++) {
        if (b->module->types[i]->id == heap_id(heap))
            return b->module->types[i];
    }
    return NULL;
}

/* Whether the topmost value, which stays, is of a type of objects. */
static uint32_t append_ref_test(struct builder *b, const struct deftype *type, bool nullable)
{
    struct ins ins = {.op = SSA_REF_TEST, .type = TYPE_I32, .a = pop(b)};
    push(b, ins.a);
    ins.imm = type->id | (nullable ? REF_TEST_NULL : 0) | (uint64_t)type->depth << REF_TEST_DEPTH;
    return ins_append(b->graph, &ins);
}

static void build_test(struct builder *b, uint8_t helper, uint32_t type, uint32_t answer)
{
    const struct deftype *object = object_type(b, type_heap(type));
    if (object) {
        uint32_t test = append_ref_test(b, object, type_is_nullable(type));
        if (helper == HELPER_REF_CAST) {
            ins_append(b->graph,
                       &(struct ins){.op = SSA_NULL_CHECK, .a = test, .imm = WICK_TRAP_CAST});
        } else {
            pop(b);
            push(b, test);
        }
        return;
    }
    append_call(b, (struct interp_call){.helper = helper, .ext_a = type}, 1, answer);
}

static void build_branch_on_cast(struct builder *b)
{
    uint32_t ref = pop(b);
    push(b, ref);
    push(b, ref);
    build_test(b, HELPER_REF_TEST, b->instr.type2, TYPE_I32);
    uint32_t answer = pop(b);
    branch_if(b, b->instr.index, answer, b->instr.opcode == OPCODE_BR_ON_CAST_FAIL);
}

void build_object(struct builder *b)
{
    if (build_field(b))
        return;
    uint16_t opcode = b->instr.opcode;
    bool null = opcode == OPCODE_REF_TEST_NULL || opcode == OPCODE_REF_CAST_NULL;
    switch (opcode) {
    case OPCODE_STRUCT_NEW:
        build_new(b, HELPER_STRUCT_NEW, instr_type(b)->field_count, 0);
        break;
    case OPCODE_ARRAY_NEW_FIXED:
        build_new(b, HELPER_ARRAY_NEW_FIXED, b->instr.index2, b->instr.index2);
        break;
    case OPCODE_REF_TEST:
    case OPCODE_REF_TEST_NULL:
        build_test(b, HELPER_REF_TEST, type_ref(b->instr.heap, null), TYPE_I32);
        break;
    case OPCODE_REF_CAST:
    case OPCODE_REF_CAST_NULL:
        build_test(b, HELPER_REF_CAST, type_ref(b->instr.heap, null),
                   type_ref(b->instr.heap, null));
        break;
    case OPCODE_BR_ON_CAST:
    case OPCODE_BR_ON_CAST_FAIL:
        build_branch_on_cast(b);
        break;
    case OPCODE_ANY_CONVERT_EXTERN: /* the same words: see heap.h */
    case OPCODE_EXTERN_CONVERT_ANY:
        break;
    default:
        build_planned(b);
    }
}

/* ---- Exceptions -------------------------------------------------------------------------------
 */

void build_throw(struct builder *b)
{
    if (b->instr.opcode == OPCODE_THROW)
        append_call(b, (struct interp_call){.helper = HELPER_THROW, .ext_b = b->instr.index},
                    b->module->tags[b->instr.index].type->param_count, TYPE_BOTTOM);
    else
        append_call(b, (struct interp_call){.helper = HELPER_THROW_REF}, 1, TYPE_BOTTOM);
    build_catching(b);
    finish_block(b, &(struct ins){.op = SSA_TRAP, .imm = WICK_TRAP_UNREACHABLE});
    build_unreachable(b);
}

/* ---- Atomics ----------------------------------------------------------------------------------
 */

static uint8_t answer_kind(char letter)
{
    return letter == 'i' ? TYPE_I32 : letter == 'l' ? TYPE_I64 : TYPE_BOTTOM;
}

/* An access; address, value or expected value, and replacement are its operands. */
static void build_atomic_access(struct builder *b, uint32_t operands, uint8_t answer)
{
    struct ins ins = {.op = b->instr.opcode, .type = answer};
    if (operands == 3) {
        ins.arg_count = 1;
        ins.args = pool_alloc(b->graph, 1);
        b->graph->pool[ins.args] = pop(b);
    }
    if (operands >= 2)
        ins.b = pop(b);
    ins.a = pop(b);
    build_address(b, &ins);
    uint32_t value = ins_append(b->graph, &ins);
    if (answer)
        push(b, value);
}

void build_atomic(struct builder *b)
{
    const char *signature = b->instr.info->signature;
    uint32_t operands = 0;
    while (signature[operands] != '>')
        operands++;
    uint8_t answer = answer_kind(signature[operands + 1]);
    if (b->instr.opcode >= ATOMIC_ACCESS_FIRST) {
        build_atomic_access(b, operands, answer);
        return;
    }
    struct interp_call call = {.helper = (uint8_t)atomic_helper(b->instr.opcode),
                               .b = (uint32_t)b->instr.value,
                               .ext_x = (uint16_t)b->instr.index,
                               .ext_a = 1,
                               .ext_b = b->instr.opcode - 0xFF00u};
    if (b->instr.value > UINT32_MAX)
        arena_give_up_unsupported(b->arena);
    append_call(b, call, operands, answer);
}
