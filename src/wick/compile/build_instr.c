/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions other than blocks and branches. */
#include "wick/compile/build.h"
#include "wick/compile/helpers.h"

#include <string.h>

static uint32_t append(struct builder *b, const struct ins *ins)
{
    return ins_append(b->graph, ins);
}

static uint8_t kind_of(uint32_t type)
{
    return type_is_ref(type) ? TYPE_I64 : (uint8_t)type_kind(type);
}

/* ---- Constants and variables ------------------------------------------------------------------
 */

static void push_const(struct builder *b, enum type_kind type, uint64_t imm)
{
    push(b, ssa_const(b->graph, type, imm));
}

static uint32_t vector_const(struct builder *b, struct span bytes)
{
    struct graph *graph = b->graph;
    arena_grow(b->arena, &graph->vectors, graph->vector_count + 1, &graph->vector_capacity,
               sizeof(*graph->vectors));
    graph->vectors[graph->vector_count] = bytes;
    return graph->vector_count++;
}

uint32_t build_zero(struct builder *b, uint8_t type)
{
    static const uint8_t zeros[16];
    struct ins ins = {.op = SSA_CONST128, .type = TYPE_V128};
    if (type == TYPE_V128) {
        ins.imm = vector_const(b, span_of(zeros, sizeof(zeros)));
        b->zero[type] = ins_prepend(b->graph, 1, ins);
    } else {
        b->zero[type] = ssa_const(b->graph, (enum type_kind)type, 0);
    }
    return b->zero[type];
}

void build_local(struct builder *b)
{
    uint32_t variable = b->body->variable_base + b->instr.index;
    if (b->instr.opcode == OPCODE_LOCAL_GET) {
        push(b, variable_read(b, variable));
        return;
    }
    uint32_t value = pop(b);
    variable_write(b, variable, value);
    if (b->instr.opcode == OPCODE_LOCAL_TEE)
        push(b, value);
}

static void build_global(struct builder *b)
{
    uint32_t type = b->module->globals[b->instr.index].type.type;
    struct ins ins = {.op = SSA_GLOBAL_GET,
                      .type = kind_of(type),
                      .is_traced = type_is_traced(type),
                      .imm = b->instr.index};
    if (b->instr.opcode == OPCODE_GLOBAL_GET) {
        push(b, append(b, &ins));
        return;
    }
    ins.op = SSA_GLOBAL_SET;
    ins.type = TYPE_BOTTOM;
    ins.a = pop(b);
    append(b, &ins);
}

static void build_select(struct builder *b)
{
    uint32_t condition = pop(b), no = pop(b), yes = pop(b);
    while (ins_at(b->graph, condition)->op == OPCODE_I32_EQZ) {
        condition = ins_at(b->graph, condition)->a;
        uint32_t swapped = yes;
        yes = no;
        no = swapped;
    }
    const struct ins *model = ins_at(b->graph, yes);
    struct ins ins = {.op = SSA_SELECT,
                      .type = model->type,
                      .is_traced = model->is_traced || ins_at(b->graph, no)->is_traced,
                      .a = yes,
                      .b = no,
                      .c = condition};
    uint32_t folded = ssa_fold(b->graph, &ins);
    push(b, folded ? folded : append(b, &ins));
}

/* ---- Memory -----------------------------------------------------------------------------------
 */

/* The size of a memory in bytes, now. */
static uint32_t memory_bytes(struct builder *b, uint32_t memory)
{
    struct ins ins = {.op = SSA_MEMORY_BYTES, .type = TYPE_I64, .imm = memory};
    if (b->module->memories[memory].limits.shared) {
        ins.op = SSA_CALL_HELPER;
        ins.lane = COMPILE_HELPER_MEMORY_BYTES;
    }
    return append(b, &ins);
}

void build_address(struct builder *b, struct ins *ins)
{
    uint32_t memory = b->instr.index;
    bool index64 = b->module->memories[memory].limits.index64;
    ins->imm = b->instr.value;
    ins->memory = (uint8_t)memory;
    b->graph->blocks[b->graph->current].accesses++;
    bool guarded = !index64 && b->graph->options->guard;
    struct ins base = {.op = SSA_MEMORY_BASE, .type = TYPE_I64, .imm = memory};
    if (!guarded) {
        uint64_t bytes = (uint64_t)1 << b->instr.info->argument, reach;
        if (__builtin_add_overflow(ins->imm, bytes, &reach))
            reach = UINT64_MAX;
        if (!index64)
            ins->a = ssa_unary(b->graph, OPCODE_I64_EXTEND_I32_U, ins->a);
        uint32_t size = memory_bytes(b, memory);
        append(b, &(struct ins){.op = SSA_BOUNDS, .a = ins->a, .b = size, .imm = reach});
    }
    if (!guarded || memory)
        ins->c = append(b, &base);
}

static void build_load(struct builder *b, uint8_t type)
{
    struct ins ins = {.op = b->instr.opcode, .type = type, .lane = b->instr.lane};
    const char *signature = b->instr.info->signature;
    if (signature[1] != '>')
        ins.b = pop(b);
    ins.a = pop(b);
    build_address(b, &ins);
    uint32_t value = append(b, &ins);
    if (type)
        push(b, value);
}

static uint8_t type_of_letter(char letter)
{
    return (uint8_t)signature_type(letter, TYPE_BOTTOM);
}

static void build_memory_size(struct builder *b)
{
    uint32_t bytes = memory_bytes(b, b->instr.index);
    uint32_t shift = ssa_const(b->graph, TYPE_I64, PAGE_SHIFT);
    uint32_t pages = ssa_binary(b->graph, OPCODE_I64_SHR_U, bytes, shift);
    if (!b->module->memories[b->instr.index].limits.index64)
        pages = ssa_unary(b->graph, OPCODE_I32_WRAP_I64, pages);
    push(b, pages);
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

/* Takes the topmost `count` values as operands. */
static void take_args(struct builder *b, struct ins *ins, uint32_t count)
{
    ins->args = pool_alloc(b->graph, count);
    ins->arg_count = count;
    b->stack_count -= count;
    for (uint32_t i = 0; i < count; i++)
        b->graph->pool[ins->args + i] = ssa_resolve(b->graph, b->stack[b->stack_count + i]);
}

static void finish_call(struct builder *b, struct ins ins, const struct functype *type, bool tail)
{
    take_args(b, &ins, type->param_count);
    if (b->graph->options->fuel)
        append(b, &(struct ins){.op = SSA_FUEL});
    if (tail) {
        ins.op = (uint16_t)(ins.op - SSA_CALL + SSA_TAIL_CALL);
        finish_block(b, &ins);
        build_unreachable(b);
        return;
    }
    if (type->result_count) {
        ins.type = kind_of(type->results[0]);
        ins.is_traced = type_is_traced(type->results[0]);
    }
    ins.scope = b->scope;
    uint32_t call = append(b, &ins);
    if (type->result_count)
        push(b, call);
    for (uint32_t i = 1; i < type->result_count; i++)
        push(b, append(b, &(struct ins){.op = SSA_RESULT,
                                        .type = kind_of(type->results[i]),
                                        .is_traced = type_is_traced(type->results[i]),
                                        .a = call,
                                        .imm = i}));
    build_catching(b);
}

static void build_call(struct builder *b)
{
    bool tail = b->instr.opcode == OPCODE_RETURN_CALL;
    if (!tail && build_inlined(b, b->instr.index))
        return;
    finish_call(b, (struct ins){.op = SSA_CALL, .imm = b->instr.index},
                b->module->funcs[b->instr.index].type, tail);
}

static void build_call_indirect(struct builder *b)
{
    const struct functype *type = module_functype(b->module, b->instr.index);
    struct ins ins = {
        .op = SSA_CALL_INDIRECT, .a = pop(b), .imm = b->instr.index2 | (uint64_t)type->id << 32};
    finish_call(b, ins, type, b->instr.opcode == OPCODE_RETURN_CALL_INDIRECT);
}

static void build_call_ref(struct builder *b)
{
    const struct functype *type = module_functype(b->module, b->instr.index);
    struct ins ins = {.op = SSA_CALL_REF, .a = pop(b), .imm = (uint64_t)type->id << 32};
    finish_call(b, ins, type, b->instr.opcode == OPCODE_RETURN_CALL_REF);
}

/* ---- Helpers ----------------------------------------------------------------------------------
 */

struct helper_plan {
    uint8_t helper, operands;
    bool swapped; /* the second index of the instruction is the first of the helper */
};

static const struct helper_plan *helper_plan(uint16_t opcode)
{
    static const struct helper_plan plans[] = {
        [0x8] = {COMPILE_HELPER_MEMORY_INIT, 3, true},
        [0x9] = {COMPILE_HELPER_DATA_DROP, 0, false},
        [0xA] = {COMPILE_HELPER_MEMORY_COPY, 3, false},
        [0xB] = {COMPILE_HELPER_MEMORY_FILL, 3, false},
        [0xC] = {COMPILE_HELPER_TABLE_INIT, 3, true},
        [0xD] = {COMPILE_HELPER_ELEM_DROP, 0, false},
        [0xE] = {COMPILE_HELPER_TABLE_COPY, 3, false},
        [0xF] = {COMPILE_HELPER_TABLE_GROW, 2, false},
        [0x10] = {COMPILE_HELPER_TABLE_SIZE, 0, false},
        [0x11] = {COMPILE_HELPER_TABLE_FILL, 3, false},
    };
    static const struct helper_plan grow = {COMPILE_HELPER_MEMORY_GROW, 1, false};
    static const struct helper_plan get = {COMPILE_HELPER_TABLE_GET, 1, false};
    static const struct helper_plan set = {COMPILE_HELPER_TABLE_SET, 2, false};
    switch (opcode) {
    case OPCODE_MEMORY_GROW:
        return &grow;
    case OPCODE_TABLE_GET:
        return &get;
    case OPCODE_TABLE_SET:
        return &set;
    default:
        return &plans[opcode - 0xFC00];
    }
}

/* The type of what a helper answers, TYPE_BOTTOM if it answers nothing. */
static uint8_t helper_type(const struct builder *b, bool *is_traced)
{
    const struct instr *instr = &b->instr;
    *is_traced = false;
    switch (instr->opcode) {
    case OPCODE_MEMORY_GROW:
        return b->module->memories[instr->index].limits.index64 ? TYPE_I64 : TYPE_I32;
    case OPCODE_TABLE_GROW:
    case OPCODE_TABLE_SIZE:
        return b->module->tables[instr->index].type.limits.index64 ? TYPE_I64 : TYPE_I32;
    case OPCODE_TABLE_GET:
        *is_traced = type_is_traced(b->module->tables[instr->index].type.type);
        return TYPE_I64;
    default:
        return TYPE_BOTTOM;
    }
}

static void build_helper(struct builder *b)
{
    const struct helper_plan *plan = helper_plan(b->instr.opcode);
    uint64_t first = b->instr.index, second = b->instr.index2;
    struct ins ins = {.op = SSA_CALL_HELPER};
    ins.type = helper_type(b, &ins.is_traced);
    uint64_t indices = plan->swapped ? second | first << 32 : first | second << 32;
    take_args(b, &ins, plan->operands);
    ins.lane = plan->helper;
    ins.imm = indices;
    uint32_t value = append(b, &ins);
    if (ins.type)
        push(b, value);
}

/* ---- References -------------------------------------------------------------------------------
 */

static void build_branch_on_null(struct builder *b)
{
    bool if_null = b->instr.opcode == OPCODE_BR_ON_NULL;
    uint32_t ref = pop(b);
    uint32_t is_null = ssa_unary(b->graph, OPCODE_I64_EQZ, ref);
    if (!if_null)
        push(b, ref);
    branch_if(b, b->instr.index, is_null, !if_null);
    if (b->dead)
        return;
    if (if_null)
        push(b, ref);
    else
        b->stack_count--;
}

static void build_reference(struct builder *b)
{
    switch (b->instr.opcode) {
    case OPCODE_REF_NULL:
        push_const(b, TYPE_I64, 0);
        break;
    case OPCODE_REF_IS_NULL:
        push(b, ssa_unary(b->graph, OPCODE_I64_EQZ, pop(b)));
        break;
    case OPCODE_REF_FUNC:
        push(b,
             append(b, &(struct ins){.op = SSA_REF_FUNC, .type = TYPE_I64, .imm = b->instr.index}));
        break;
    case OPCODE_REF_AS_NON_NULL: {
        uint32_t ref = pop(b);
        append(b, &(struct ins){.op = SSA_NULL_CHECK, .a = ref, .imm = WICK_TRAP_NULL_REFERENCE});
        push(b, ref);
        break;
    }
    default:
        build_branch_on_null(b);
    }
}

/* ---- Vectors ----------------------------------------------------------------------------------
 */

static void build_vector(struct builder *b)
{
    const char *signature = b->instr.info->signature;
    struct ins ins = {.op = b->instr.opcode, .lane = b->instr.lane};
    if (b->instr.opcode == OPCODE_V128_CONST) {
        ins = (struct ins){.op = SSA_CONST128, .imm = vector_const(b, b->instr.bytes)};
    } else if (b->instr.opcode == OPCODE_I8X16_SHUFFLE) {
        ins.imm = vector_const(b, b->instr.bytes);
    }
    uint32_t count = 0;
    while (signature[count] != '>')
        count++;
    if (count > 2)
        ins.c = pop(b);
    if (count > 1)
        ins.b = pop(b);
    if (count > 0)
        ins.a = pop(b);
    ins.type = type_of_letter(signature[count + 1]);
    push(b, append(b, &ins));
}

/* ---- All of them ------------------------------------------------------------------------------
 */

/* What the signature in the table of opcodes describes. */
static void build_by_signature(struct builder *b)
{
    const char *signature = b->instr.info->signature;
    uint8_t result = signature_result(signature);
    if (signature[0] == 'p') {
        build_load(b, result);
    } else if (b->instr.opcode >= 0xFD00) {
        build_vector(b);
    } else if (signature[1] == '>') {
        push(b, ssa_unary(b->graph, b->instr.opcode, pop(b)));
    } else {
        uint32_t right = pop(b), left = pop(b);
        push(b, ssa_binary(b->graph, b->instr.opcode, left, right));
    }
}

void build_instr(struct builder *b)
{
    switch (b->instr.opcode) {
    case OPCODE_NOP:
        break;
    case OPCODE_DROP:
        pop(b);
        break;
    case OPCODE_SELECT:
    case OPCODE_SELECT_T:
        build_select(b);
        break;
    case OPCODE_GLOBAL_GET:
    case OPCODE_GLOBAL_SET:
        build_global(b);
        break;
    case OPCODE_I32_CONST:
        push_const(b, TYPE_I32, (uint32_t)b->instr.value);
        break;
    case OPCODE_I64_CONST:
        push_const(b, TYPE_I64, b->instr.value);
        break;
    case OPCODE_F32_CONST:
        push_const(b, TYPE_F32, b->instr.value);
        break;
    case OPCODE_F64_CONST:
        push_const(b, TYPE_F64, b->instr.value);
        break;
    case OPCODE_CALL:
    case OPCODE_RETURN_CALL:
        build_call(b);
        break;
    case OPCODE_CALL_INDIRECT:
    case OPCODE_RETURN_CALL_INDIRECT:
        build_call_indirect(b);
        break;
    case OPCODE_CALL_REF:
    case OPCODE_RETURN_CALL_REF:
        build_call_ref(b);
        break;
    case OPCODE_THROW:
    case OPCODE_THROW_REF:
        build_throw(b);
        break;
    case OPCODE_MEMORY_SIZE:
        build_memory_size(b);
        break;
    case OPCODE_REF_NULL:
    case OPCODE_REF_IS_NULL:
    case OPCODE_REF_FUNC:
    case OPCODE_REF_AS_NON_NULL:
    case OPCODE_BR_ON_NULL:
    case OPCODE_BR_ON_NON_NULL:
        build_reference(b);
        break;
    case OPCODE_MEMORY_GROW:
    case OPCODE_TABLE_GET:
    case OPCODE_TABLE_SET:
        build_helper(b);
        break;
    case OPCODE_REF_EQ: {
        uint32_t right = pop(b), left = pop(b);
        push(b, ssa_binary(b->graph, OPCODE_I64_EQ, left, right));
        break;
    }
    default:
        if (b->instr.opcode >= 0xFF00)
            build_atomic(b);
        else if (b->instr.opcode >= 0xFB00 && b->instr.opcode < 0xFC00)
            build_object(b);
        else if (b->instr.opcode >= 0xFC08 && b->instr.opcode < 0xFD00)
            build_helper(b);
        else
            build_by_signature(b);
    }
}
