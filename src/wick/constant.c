/* SPDX-License-Identifier: Apache-2.0 */
/* Constant expressions at run time (core spec section 4.7.5). */
#include "wick/gc.h"
#include "wick/opcode.h"

#include <stdlib.h>
#include <string.h>

struct value {
    wick_value_t slots[2];
    bool traced;
    bool wide;
};

/* The operands of an expression; what they refer to is kept while it is evaluated. */
struct constant {
    struct root_frame roots;
    const struct wasm_instance_t *instance;
    struct instr instr;
    struct value *stack;
    size_t count, room;
    enum wick_trap_kind failed;
};

static void visit_stack(const struct root_frame *frame, struct heap *heap)
{
    const struct constant *constant = (const struct constant *)frame;
    for (size_t i = 0; i < constant->count; i++) {
        if (constant->stack[i].traced)
            heap_visit(heap, constant->stack[i].slots->ref);
    }
}

/* There is room for one more. */
static void push(struct constant *constant, struct value value)
{
    constant->stack[constant->count++] = value;
}

static void push_word(struct constant *constant, uint64_t word, bool traced)
{
    push(constant, (struct value){.slots = {{.u64 = word}}, .traced = traced});
}

static struct value *pop(struct constant *constant, size_t count)
{
    constant->count -= count;
    return &constant->stack[constant->count];
}

/* The 32-bit and 64-bit operators; a 32-bit result is cut to its width. */
static void binary(uint16_t opcode, struct value *left, const struct value *right)
{
    uint64_t a = left->slots[0].u64, b = right->slots[0].u64, result;
    switch (opcode) {
    case OPCODE_I32_ADD:
    case OPCODE_I64_ADD:
        result = a + b;
        break;
    case OPCODE_I32_SUB:
    case OPCODE_I64_SUB:
        result = a - b;
        break;
    default:
        result = a * b;
    }
    bool narrow = opcode == OPCODE_I32_ADD || opcode == OPCODE_I32_SUB || opcode == OPCODE_I32_MUL;
    left->slots[0].u64 = narrow ? (uint32_t)result : result;
}

/* ---- Objects ----------------------------------------------------------------------------------
 */

/* The topmost values as slots one behind the other; owned. */
static wick_value_t *gather(const struct constant *constant, size_t count)
{
    wick_value_t *slots = malloc((2 * count + 1) * sizeof(*slots)), *next = slots;
    const struct value *first = &constant->stack[constant->count - count];
    for (size_t i = 0; i < count && slots; i++) {
        *next++ = first[i].slots[0];
        if (first[i].wide)
            *next++ = first[i].slots[1];
    }
    return slots;
}

/* An object of the topmost `count` values, which stay on the stack while it is made. */
static void make(struct constant *constant, const struct deftype *type, size_t count)
{
    struct wasm_store_t *store = constant->instance->object.store;
    wick_value_t *slots = gather(constant, count);
    uint64_t ref = 0;
    constant->failed = WICK_TRAP_NO_MEMORY;
    if (slots && type->kind == DEF_STRUCT)
        ref = struct_new(store, type, slots, &constant->failed);
    else if (slots)
        ref = array_new_fixed(store, type, slots, (uint32_t)count, &constant->failed);
    free(slots);
    pop(constant, count);
    push_word(constant, ref, true);
}

static void make_default(struct constant *constant, const struct deftype *type)
{
    struct wasm_store_t *store = constant->instance->object.store;
    uint64_t ref = struct_new(store, type, NULL, &constant->failed);
    push_word(constant, ref, true);
}

/* `operands`: the value, if there is one, and the length. */
static void make_array(struct constant *constant, const struct deftype *type, size_t operands)
{
    struct wasm_store_t *store = constant->instance->object.store;
    const struct value *args = &constant->stack[constant->count - operands];
    uint64_t ref = array_new(store, type, operands == 2 ? args->slots : NULL,
                             args[operands - 1].slots->u32, &constant->failed);
    pop(constant, operands);
    push_word(constant, ref, true);
}

static void object_step(struct constant *constant)
{
    const struct instr *instr = &constant->instr;
    const struct deftype *type = constant->instance->module->types[instr->index];
    switch (instr->opcode) {
    case OPCODE_STRUCT_NEW:
        make(constant, type, type->field_count);
        break;
    case OPCODE_STRUCT_NEW_DEFAULT:
        make_default(constant, type);
        break;
    case OPCODE_ARRAY_NEW_FIXED:
        make(constant, type, instr->index2);
        break;
    case OPCODE_ARRAY_NEW:
        make_array(constant, type, 2);
        break;
    default:
        make_array(constant, type, 1);
    }
}

/* ---- Instructions -----------------------------------------------------------------------------
 */

static void push_global(struct constant *constant, const struct wasm_global_t *global)
{
    struct value value = {.traced = type_is_traced(global->type.type),
                          .wide = type_slots(global->type.type) == 2};
    memcpy(value.slots, global->value, sizeof(value.slots));
    push(constant, value);
}

static void push_vector(struct constant *constant)
{
    struct value value = {.wide = true};
    memcpy(value.slots, constant->instr.bytes.data, sizeof(value.slots));
    push(constant, value);
}

static void step(struct constant *constant)
{
    const struct instr *instr = &constant->instr;
    switch (instr->opcode) {
    case OPCODE_REF_NULL:
        push_word(constant, 0, false);
        break;
    case OPCODE_REF_FUNC:
        push_word(constant, (uintptr_t)constant->instance->funcs[instr->index], false);
        break;
    case OPCODE_REF_I31:
        push_word(constant, ref_from_i31(pop(constant, 1)->slots->u32), false);
        break;
    case OPCODE_ANY_CONVERT_EXTERN:
    case OPCODE_EXTERN_CONVERT_ANY:
        break; /* the word is the same */
    case OPCODE_GLOBAL_GET:
        push_global(constant, constant->instance->globals[instr->index]);
        break;
    case OPCODE_V128_CONST:
        push_vector(constant);
        break;
    case OPCODE_I32_CONST:
    case OPCODE_I64_CONST:
    case OPCODE_F32_CONST:
    case OPCODE_F64_CONST:
        push_word(constant, instr->value, false);
        break;
    default:
        if (instr->opcode >= 0xFB00) {
            object_step(constant);
            break;
        }
        binary(instr->opcode, &constant->stack[constant->count - 2],
               &constant->stack[constant->count - 1]);
        constant->count--;
    }
}

static bool make_room(struct constant *constant)
{
    if (constant->count < constant->room)
        return true;
    size_t room = constant->room ? constant->room * 2 : 16;
    struct value *grown = realloc(constant->stack, room * sizeof(*grown));
    if (!grown)
        return false;
    constant->stack = grown;
    constant->room = room;
    return true;
}

bool constant_eval_next(const struct wasm_instance_t *instance, struct span *expressions,
                        wick_value_t value[2])
{
    struct fault fault = {WICK_OK, 0, ""};
    struct reader whole = reader_whole(instance->module->bytes, &fault);
    struct reader reader = reader_sub(&whole, *expressions);
    struct constant constant = {.roots.visit = visit_stack, .instance = instance};
    struct wasm_store_t *store = instance->object.store;
    root_push(store, &constant.roots);
    bool done = false;
    while (!done && !constant.failed && make_room(&constant)) {
        instr_read(&reader, instance->module, &constant.instr);
        done = constant.instr.opcode == OPCODE_END || !reader_ok(&reader);
        if (!done)
            step(&constant);
    }
    root_pop(store, &constant.roots);
    if (done)
        memcpy(value, constant.stack[0].slots, sizeof(constant.stack[0].slots));
    free(constant.stack);
    expressions->size -= (size_t)(reader.next - expressions->data);
    expressions->data = reader.next;
    return done;
}

bool constant_eval(const struct wasm_instance_t *instance, struct span expression,
                   wick_value_t value[2])
{
    return constant_eval_next(instance, &expression, value);
}
