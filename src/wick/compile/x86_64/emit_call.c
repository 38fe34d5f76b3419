/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters, calls and returns. Arguments and results travel in registers as far as they reach,
 * then in the store's overflow area, which the receiver empties before it does anything else.
 *
 * A callee of another instance is called through its struct wasm_func_t, in R10; R12 tells host
 * functions which instance calls. Nobody but the caller restores R14 and R15 then.
 */
#include "wick/compile/x86_64/emit.h"

#include "wick/compile/layout.h"

#include <string.h>

enum { REG_FUNC = R10, REG_CALLER = R12 };

#define WIDE_DISP 0x10000 /* any displacement of 32 bits */

/* ---- Places -----------------------------------------------------------------------------------
 */

static struct mem overflow(uint32_t offset)
{
    return mem_at(REG_SCRATCH, LAYOUT_STORE(overflow) + (int64_t)offset);
}

static void point_to_store(struct emit *e)
{
    asm_mov_rm(&e->code, 8, REG_SCRATCH, mem_at(REG_INSTANCE, LAYOUT_INSTANCE(object.store)));
}

static uint8_t kind_of(uint32_t type)
{
    return type_is_ref(type) ? TYPE_I64 : (uint8_t)type_kind(type);
}

static bool is_vector_kind(uint32_t type)
{
    uint8_t kind = kind_of(type);
    return kind == TYPE_F32 || kind == TYPE_F64 || kind == TYPE_V128;
}

static uint8_t move_size(uint32_t type)
{
    uint8_t kind = kind_of(type);
    return kind == TYPE_V128 ? 16 : kind == TYPE_F32 ? 4 : 8;
}

static void store_overflow(struct emit *e, uint32_t type, uint32_t from, uint32_t offset)
{
    uint8_t size = move_size(type);
    if (is_slot(from)) {
        sse_load(e, size, REG_VECTOR_SCRATCH, slot_mem(from));
        from = REG_VECTOR_SCRATCH;
    }
    if (reg_is_vector(from))
        sse_store(e, size, overflow(offset), from);
    else
        asm_mov_mr(&e->code, 8, overflow(offset), from);
}

static void load_overflow(struct emit *e, uint32_t type, uint32_t to, uint32_t offset)
{
    uint8_t size = move_size(type);
    uint32_t reg = is_slot(to) ? (uint32_t)REG_VECTOR_SCRATCH : to;
    if (reg_is_vector(reg))
        sse_load(e, size, reg, overflow(offset));
    else
        asm_mov_rm(&e->code, 8, reg, overflow(offset));
    if (is_slot(to))
        sse_store(e, size, slot_mem(to), reg);
}

/* Sends operands to where a callee or caller expects them. `extra`: one more move, or NULL. */
static void send_values(struct emit *e, const uint32_t *types, const uint32_t *from, uint32_t count,
                        const struct machine_move *extra)
{
    struct machine_move *moves = arena_take(e->code.arena, ((size_t)count + 1) * sizeof(*moves));
    struct call_places places = {0};
    uint32_t move_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool vector = is_vector_kind(types[i]);
        struct call_place place = call_place_next(&places, vector);
        if (place.in_register) {
            moves[move_count++] =
                (struct machine_move){0, from[i], place.reg, move_size(types[i]), vector};
            continue;
        }
        if (place.offset == 0)
            point_to_store(e);
        store_overflow(e, types[i], from[i], place.offset);
    }
    if (extra)
        moves[move_count++] = *extra;
    parallel_move(e, moves, move_count);
}

/* Fetches parameters or results; NO_OPERAND: not wanted. */
static void fetch_values(struct emit *e, const uint32_t *types, const uint32_t *to, uint32_t count)
{
    struct machine_move *moves = arena_take(e->code.arena, ((size_t)count + 1) * sizeof(*moves));
    struct call_places places = {0};
    uint32_t move_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool vector = is_vector_kind(types[i]);
        struct call_place place = call_place_next(&places, vector);
        if (place.in_register && to[i] != NO_OPERAND)
            moves[move_count++] =
                (struct machine_move){0, place.reg, to[i], move_size(types[i]), vector};
    }
    parallel_move(e, moves, move_count);
    if (places.overflow)
        point_to_store(e);
    places = (struct call_places){0};
    for (uint32_t i = 0; i < count; i++) {
        struct call_place place = call_place_next(&places, is_vector_kind(types[i]));
        if (!place.in_register && to[i] != NO_OPERAND)
            load_overflow(e, types[i], to[i], place.offset);
    }
}

/* ---- Callees ----------------------------------------------------------------------------------
 */

static const struct functype *type_of_call(const struct emit *e, const struct machine_ins *ins)
{
    const struct module *module = e->graph->module;
    if (ins->op == M_CALL || ins->op == M_TAIL_CALL)
        return module->funcs[ins->imm].type;
    for (uint32_t i = 0; i < module->type_count; i++) {
        if (module->types[i]->id == ins->imm >> 32)
            return module_functype(module, i);
    }
    return NULL; /* cannot be: the type is the module's */
}

/* Leaves the function that a table has at an index in ins->tmp. */
static void find_indirect(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    uint32_t table = (uint32_t)ins->imm, type = (uint32_t)(ins->imm >> 32), tmp = ins->tmp;
    const struct table_type *declared = &e->graph->module->tables[table].type;
    bool fixed = layout_is_fixed(declared);
    asm_mov_rm(code, 8, REG_SCRATCH, mem_at(REG_INSTANCE, layout_table(e->graph->module, table)));
    if (fixed)
        asm_alu_ri(code, 8, 7, ins->src[0], (int32_t)declared->limits.min);
    else
        asm_alu_rm(code, 8, 7, ins->src[0], mem_at(REG_SCRATCH, LAYOUT_TABLE(size)));
    trap_if(e, CC_AE, WICK_TRAP_UNDEFINED_ELEMENT);
    if (!fixed)
        asm_mov_rm(code, 8, REG_SCRATCH, mem_at(REG_SCRATCH, LAYOUT_TABLE(slots)));
    static_assert(sizeof(struct table_slot) == 24, "an index times 3, scaled by 8");
    asm_lea(code, 8, tmp, mem_indexed(ins->src[0], ins->src[0], 1, 0));
    asm_mi(code, 4, 0x81, 7, mem_indexed(REG_SCRATCH, tmp, 3, LAYOUT_SLOT(type_id)));
    code_u32(code, type);
    struct cold other = {.kind = COLD_SIGNATURE, .reg = tmp, .jump = asm_jcc(code, CC_NE)};
    asm_mov_rm(code, 8, tmp, mem_indexed(REG_SCRATCH, tmp, 3, LAYOUT_SLOT(ref)));
    other.back = code->size;
    other.type = functype_def(type_of_call(e, ins));
    add_cold(e, other);
}

static void check_ref(struct emit *e, const struct machine_ins *ins)
{
    asm_rr(&e->code, 8, 0x85, ins->src[0], ins->src[0]);
    trap_if(e, CC_E, WICK_TRAP_NULL_FUNCTION);
}

static bool is_own(const struct emit *e, const struct machine_ins *ins)
{
    return (ins->op == M_CALL || ins->op == M_TAIL_CALL) &&
           ins->imm >= e->graph->module->imported_funcs;
}

/* Moves the arguments, and the function to REG_FUNC unless it is our own. */
static void send_arguments(struct emit *e, const struct machine_ins *ins,
                           const struct functype *type)
{
    struct machine_move func = {0, NO_OPERAND, REG_FUNC, 8, false};
    if (ins->op == M_CALL_INDIRECT || ins->op == M_TAIL_CALL_INDIRECT) {
        find_indirect(e, ins);
        func.from = ins->tmp;
    } else if (ins->op == M_CALL_REF || ins->op == M_TAIL_CALL_REF) {
        check_ref(e, ins);
        func.from = ins->src[0];
    }
    send_values(e, type->params, &e->machine->pool[ins->args], ins->arg_count,
                func.from == NO_OPERAND ? NULL : &func);
    if (func.from != NO_OPERAND || is_own(e, ins))
        return;
    asm_mov_rm(&e->code, 8, REG_FUNC, mem_at(REG_INSTANCE, LAYOUT_INSTANCE(funcs)));
    asm_mov_rm(&e->code, 8, REG_FUNC, mem_at(REG_FUNC, (int64_t)ins->imm * 8));
}

/* Calls what is in REG_FUNC and comes back to our own instance. */
static void call_other(struct emit *e)
{
    struct code *code = &e->code;
    asm_mov_rr(code, 8, REG_CALLER, REG_INSTANCE);
    asm_mov_rm(code, 8, REG_INSTANCE, mem_at(REG_FUNC, LAYOUT_FUNC(instance)));
    asm_mi(code, 4, 0xFF, 2, mem_at(REG_FUNC, LAYOUT_FUNC(entry)));
    note_return(e);
    asm_mov_rm(code, 8, REG_INSTANCE, mem_at(RSP, e->saved));
    if (e->graph->options->guard)
        asm_mov_rm(code, 8, REG_MEMORY, mem_at(REG_INSTANCE, LAYOUT_INSTANCE(memory_base)));
}

/* 7 bytes, the last four the place of the entry: STUB_LAZY reads them. */
static void call_own(struct emit *e, uint32_t func)
{
    struct code *code = &e->code;
    if (func == e->graph->func_index) {
        add_jump(e, asm_call(code), JUMP_ENTRY);
    } else {
        asm_mi(code, 4, 0xFF, 2, mem_at(REG_INSTANCE, WIDE_DISP));
        uint32_t disp = layout_entry(e->graph->module, func);
        memcpy(code->bytes + code->size - 4, &disp, 4);
    }
    note_return(e);
}

static void emit_any_call(struct emit *e, const struct machine_ins *ins)
{
    const struct functype *type = type_of_call(e, ins);
    send_arguments(e, ins, type);
    if (is_own(e, ins))
        call_own(e, (uint32_t)ins->imm);
    else
        call_other(e);
    fetch_values(e, type->results, &e->machine->pool[ins->defs], ins->def_count);
}

/* A function of another instance, or of the host, would come back to our caller with its own R14.
 * Only in our own instance the frame can be left first. */
static void emit_tail_call(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    send_arguments(e, ins, type_of_call(e, ins));
    if (is_own(e, ins)) {
        emit_epilogue(e);
        if (ins->imm == e->graph->func_index) {
            add_jump(e, asm_jmp(code), JUMP_ENTRY);
            return;
        }
        uint64_t number = ins->imm - e->graph->module->imported_funcs;
        asm_mov_rm(code, 8, REG_FUNC, mem_at(REG_INSTANCE, LAYOUT_INSTANCE(own_funcs)));
        asm_alu_ri(code, 8, 0, REG_FUNC, (int32_t)(number * sizeof(struct wasm_func_t)));
        asm_mi(code, 4, 0xFF, 4, mem_at(REG_FUNC, LAYOUT_FUNC(entry)));
        return;
    }
    asm_alu_rm(code, 8, 7, REG_INSTANCE, mem_at(REG_FUNC, LAYOUT_FUNC(instance)));
    uint32_t other = asm_skip(code, CC_NE);
    emit_epilogue(e);
    asm_mi(code, 4, 0xFF, 4, mem_at(REG_FUNC, LAYOUT_FUNC(entry)));
    asm_bind(code, other);
    call_other(e);
    emit_epilogue(e);
    code_byte(code, 0xC3);
}

static uint32_t letter_type(char letter)
{
    return letter == 'v'   ? TYPE_V128
           : letter == 'f' ? TYPE_F32
           : letter == 'd' ? TYPE_F64
                           : TYPE_I64;
}

static void emit_helper(struct emit *e, const struct machine_ins *ins)
{
    static const uint8_t places[] = {RDX, RCX, R8};
    struct machine_move moves[3];
    for (uint32_t i = 0; i < ins->arg_count; i++)
        moves[i] = (struct machine_move){0, e->machine->pool[ins->args + i], places[i], 8, false};
    parallel_move(e, moves, ins->arg_count);
    asm_mov_ri(&e->code, RSI, ins->imm);
    asm_mov_ri(&e->code, RAX, ins->access);
    call_stub(e, STUB_HELPER);
    note_return(e);
    if (ins->def_count)
        emit_move(e, e->machine->pool[ins->defs], RAX, 8);
}

/* Operands and result in the overflow area, in 8-byte slots. */
static void emit_interp_call(struct emit *e, const struct machine_ins *ins)
{
    const struct interp_call *call = &e->graph->interp_calls[ins->imm];
    uint32_t offset = 0;
    point_to_store(e);
    for (uint32_t i = 0; i < ins->arg_count; i++) {
        uint32_t from = e->machine->pool[ins->args + i];
        uint32_t type = ins->arg_types[i];
        store_overflow(e, type, from, offset);
        offset += type == TYPE_V128 ? 16 : 8;
    }
    asm_mov_ri(&e->code, RSI,
               call->helper | (uint64_t)call->slots << 8 | (uint64_t)call->ext_x << 16 |
                   (uint64_t)call->b << 32);
    asm_mov_ri(&e->code, RDX, call->ext_a | (uint64_t)call->ext_b << 32);
    asm_mov_ri(&e->code, RCX, call->traced);
    asm_mov_ri(&e->code, RAX, ins->access);
    call_stub(e, STUB_HELPER);
    note_return(e);
    if (!ins->def_count)
        return;
    uint32_t to = e->machine->pool[ins->defs], type = ins->arg_types[ins->arg_count];
    point_to_store(e);
    if (type != TYPE_I32) {
        load_overflow(e, type, to, 0);
        return;
    }
    uint32_t reg = is_slot(to) ? (uint32_t)REG_SCRATCH : to; /* clears the upper half */
    asm_mov_rm(&e->code, 4, reg, overflow(0));
    if (is_slot(to))
        asm_mov_mr(&e->code, 8, slot_mem(to), reg);
}

/* Operands and result in the overflow area, as the instruction's signature has them. */
static void emit_vector_call(struct emit *e, const struct machine_ins *ins)
{
    const char *signature = opcode_info((uint16_t)(0xFD00 + (uint16_t)ins->imm))->signature;
    point_to_store(e);
    for (uint32_t i = 0; i < ins->arg_count; i++)
        store_overflow(e, letter_type(signature[i]), e->machine->pool[ins->args + i], 16 * i);
    asm_mov_ri(&e->code, RSI, ins->imm);
    asm_mov_ri(&e->code, RAX, ins->access);
    call_stub(e, STUB_HELPER);
    note_return(e);
    if (!ins->def_count)
        return;
    point_to_store(e);
    load_overflow(e, letter_type(signature[strlen(signature) - 1]), e->machine->pool[ins->defs], 0);
}

static void emit_return(struct emit *e, const struct machine_ins *ins)
{
    send_values(e, e->graph->type->results, &e->machine->pool[ins->args], ins->arg_count, NULL);
    emit_epilogue(e);
    code_byte(&e->code, 0xC3);
}

void emit_call(struct emit *e, const struct machine_ins *ins)
{
    switch ((enum machine_op)ins->op) {
    case M_PARAMS:
        fetch_values(e, e->graph->type->params, &e->machine->pool[ins->defs], ins->def_count);
        break;
    case M_RETURN:
        emit_return(e, ins);
        break;
    case M_CALL_HELPER:
        emit_helper(e, ins);
        break;
    case M_CALL_VECTOR:
        emit_vector_call(e, ins);
        break;
    case M_CALL_INTERP:
        emit_interp_call(e, ins);
        break;
    case M_TAIL_CALL:
    case M_TAIL_CALL_INDIRECT:
    case M_TAIL_CALL_REF:
        emit_tail_call(e, ins);
        break;
    default:
        emit_any_call(e, ins);
    }
}
