/* SPDX-License-Identifier: Apache-2.0 */
/* Constant expressions at run time (core spec section 4.7.5). */
#include "wick/opcode.h"
#include "wick/runtime.h"

#include <stdlib.h>
#include <string.h>

struct value {
    wick_value_t slots[2];
};

static uint64_t func_ref(const struct wasm_instance_t *instance, uint32_t index)
{
    return (uint64_t)(uintptr_t)instance->funcs[index];
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

/* Executes one instruction on a stack with room for one more. Returns the new top. */
static struct value *step(const struct wasm_instance_t *instance, const struct instr *instr,
                          struct value *top)
{
    switch (instr->opcode) {
    case OPCODE_REF_NULL:
        *top = (struct value){{{.u64 = 0}, {.u64 = 0}}};
        return top + 1;
    case OPCODE_REF_FUNC:
        top->slots[0].u64 = func_ref(instance, instr->index);
        return top + 1;
    case OPCODE_GLOBAL_GET:
        memcpy(top->slots, instance->globals[instr->index]->value, sizeof(top->slots));
        return top + 1;
    case OPCODE_V128_CONST:
        memcpy(top->slots, instr->bytes.data, sizeof(top->slots));
        return top + 1;
    case OPCODE_I32_CONST:
    case OPCODE_I64_CONST:
    case OPCODE_F32_CONST:
    case OPCODE_F64_CONST:
        *top = (struct value){{{.u64 = instr->value}, {.u64 = 0}}};
        return top + 1;
    default:
        binary(instr->opcode, top - 2, top - 1);
        return top - 1;
    }
}

bool constant_eval_next(const struct wasm_instance_t *instance, struct span *expressions,
                        wick_value_t value[2])
{
    struct fault fault = {WICK_OK, 0, ""};
    struct reader whole = reader_whole(instance->module->bytes, &fault);
    struct reader reader = reader_sub(&whole, *expressions);
    size_t room = 16, count = 0;
    struct value *stack = malloc(room * sizeof(*stack));
    struct instr instr;
    while (stack) {
        instr_read(&reader, instance->module, &instr);
        if (instr.opcode == OPCODE_END || !reader_ok(&reader))
            break;
        count = (size_t)(step(instance, &instr, stack + count) - stack);
        if (count == room) {
            room *= 2;
            struct value *grown = realloc(stack, room * sizeof(*stack));
            if (!grown)
                free(stack);
            stack = grown;
        }
    }
    if (!stack)
        return false;
    value[0] = stack[0].slots[0];
    value[1] = stack[0].slots[1];
    free(stack);
    expressions->size -= (size_t)(reader.next - expressions->data);
    expressions->data = reader.next;
    return true;
}

bool constant_eval(const struct wasm_instance_t *instance, struct span expression,
                   wick_value_t value[2])
{
    return constant_eval_next(instance, &expression, value);
}
