/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters, branches and calls. */
#include "wick/compile/helpers.h"
#include "wick/compile/lower.h"

struct call_place call_place_next(struct call_places *places, bool is_vector)
{
    static const uint8_t general[CALL_REGS] = {RAX, RCX, RDX, RBX, RSI, RDI, R8, R9};
    uint32_t *count = is_vector ? &places->vector : &places->general;
    if (*count < CALL_REGS) {
        uint32_t number = (*count)++;
        return (struct call_place){true, is_vector ? XMM0 + number : general[number], 0};
    }
    return (struct call_place){false, 0, 16 * places->overflow++};
}

static uint32_t pool_room(struct machine *m, uint32_t count)
{
    arena_grow(m->arena, &m->pool, m->pool_count + count, &m->pool_capacity, sizeof(*m->pool));
    uint32_t place = m->pool_count;
    m->pool_count += count;
    return place;
}

/* Remembers that the register would best be the one in which a call takes or gives the value. */
static void hint_place(struct lower *l, uint32_t reg, const struct call_place *place)
{
    if (place->in_register && reg >= REG_COUNT)
        l->machine->regs[reg].hint = (uint8_t)place->reg;
}

/* ---- Parameters and results -------------------------------------------------------------------
 */

static uint8_t stored_kind(uint32_t type)
{
    return type_is_ref(type) ? TYPE_I64 : (uint8_t)type_kind(type);
}

/* All parameters arrive at once; the first one that is met makes the instruction. */
static void lower_params(struct lower *l, uint32_t first)
{
    const struct functype *type = l->graph->type;
    struct machine_ins out = machine_ins_of(M_PARAMS, 8);
    out.def_count = (uint16_t)type->param_count;
    out.defs = pool_room(l->machine, out.def_count);
    struct call_places places = {0};
    for (uint32_t i = 0; i < out.def_count; i++)
        l->machine->pool[out.defs + i] = NO_OPERAND;
    for (uint32_t v = first; v; v = value_at(l, v)->next) {
        if (value_at(l, v)->op == SSA_PARAM)
            l->machine->pool[out.defs + value_at(l, v)->imm] = result_reg(l, v);
    }
    for (uint32_t i = 0; i < out.def_count; i++) {
        struct call_place place =
            call_place_next(&places, is_vector_type(stored_kind(type->params[i])));
        if (l->machine->pool[out.defs + i] != NO_OPERAND)
            hint_place(l, l->machine->pool[out.defs + i], &place);
    }
    emit_ins(l, &out);
}

/* Operands of a call or return, in order. */
static void take_args(struct lower *l, struct machine_ins *out, const struct ins *ins)
{
    out->arg_count = ins->arg_count;
    out->args = pool_room(l->machine, ins->arg_count);
    struct call_places places = {0};
    for (uint32_t i = 0; i < ins->arg_count; i++) {
        uint32_t value = l->graph->pool[ins->args + i], reg = use_reg(l, value);
        struct call_place place =
            call_place_next(&places, is_vector_type(value_at(l, value)->type));
        hint_place(l, reg, &place);
        l->machine->pool[out->args + i] = reg;
    }
}

/* The results of a call: the call's own value and the SSA_RESULTs behind it. */
static void take_results(struct lower *l, struct machine_ins *out, uint32_t call,
                         const struct functype *type)
{
    out->def_count = (uint16_t)type->result_count;
    out->defs = pool_room(l->machine, out->def_count);
    for (uint32_t i = 0; i < out->def_count; i++)
        l->machine->pool[out->defs + i] = NO_OPERAND;
    if (out->def_count && value_at(l, call)->uses)
        l->machine->pool[out->defs] = result_reg(l, call);
    for (uint32_t v = value_at(l, call)->next; v; v = value_at(l, v)->next) {
        const struct ins *ins = value_at(l, v);
        if (ins->op != SSA_RESULT || ins->a != call)
            break;
        l->machine->pool[out->defs + ins->imm] = result_reg(l, v);
    }
    struct call_places places = {0};
    for (uint32_t i = 0; i < out->def_count; i++) {
        struct call_place place =
            call_place_next(&places, is_vector_type(stored_kind(type->results[i])));
        uint32_t reg = l->machine->pool[out->defs + i];
        if (reg != NO_OPERAND && l->machine->regs[reg].hint == REG_COUNT)
            hint_place(l, reg, &place);
    }
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

static const struct functype *type_by_id(const struct module *module, uint64_t id)
{
    for (uint32_t i = 0; i < module->type_count; i++) {
        if (module->types[i]->id == id)
            return module_functype(module, i);
    }
    return NULL;
}

static void lower_call(struct lower *l, uint32_t value, const struct ins *ins)
{
    static const uint8_t ops[] = {M_CALL, M_CALL_INDIRECT, M_CALL_REF};
    const struct module *module = l->graph->module;
    bool tail = ssa_is_end(ins->op);
    uint16_t kind = (uint16_t)(ins->op - (tail ? SSA_TAIL_CALL : SSA_CALL));
    struct machine_ins out = machine_ins_of(ops[kind], 8);
    if (tail)
        out.op = (uint8_t)(out.op - M_CALL + M_TAIL_CALL);
    out.imm = ins->imm;
    out.scope = ins->scope;
    out.traps = true;
    l->machine->has_calls = true;
    if (kind || ins->imm < module->imported_funcs)
        l->machine->calls_elsewhere = true;
    const struct functype *type =
        kind == 0 ? module->funcs[ins->imm].type : type_by_id(module, ins->imm >> 32);
    if (ins->a)
        out.src[0] = use_reg(l, ins->a);
    if (kind == 1) {
        out.tmp = new_reg(l, false, 8);
        l->machine->regs[out.tmp].hint = R10;
    }
    take_args(l, &out, ins);
    if (!tail)
        take_results(l, &out, value, type);
    emit_ins(l, &out);
}

static void lower_helper(struct lower *l, uint32_t value, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_CALL_HELPER, 8);
    static const uint8_t places[] = {RDX, RCX, R8};
    out.access = ins->lane;
    out.imm = ins->imm;
    out.traps = true;
    l->machine->has_calls = true;
    uint32_t regs[3] = {0, 0, 0};
    for (uint32_t i = 0; i < ins->arg_count; i++) {
        regs[i] = use_reg(l, l->graph->pool[ins->args + i]);
        l->machine->regs[regs[i]].hint = places[i];
    }
    out.arg_count = ins->arg_count;
    out.args = pool_room(l->machine, 3);
    for (uint32_t i = 0; i < ins->arg_count; i++)
        l->machine->pool[out.args + i] = regs[i];
    if (ins->type && ins->uses) {
        out.def_count = 1;
        out.defs = pool_room(l->machine, 1);
        uint32_t reg = result_reg(l, value);
        l->machine->pool[out.defs] = reg;
        l->machine->regs[reg].hint = RAX;
    }
    emit_ins(l, &out);
}

static void lower_interp_call(struct lower *l, uint32_t value, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_CALL_INTERP, type_size(ins->type));
    out.access = COMPILE_HELPER_INTERP;
    out.imm = ins->imm;
    out.scope = ins->scope;
    out.traps = true;
    l->machine->has_calls = true;
    uint32_t *regs = arena_alloc(l->machine->arena, (ins->arg_count + 1) * sizeof(*regs));
    uint8_t *types = arena_alloc(l->machine->arena, ins->arg_count + 1);
    for (uint32_t i = 0; i < ins->arg_count; i++) {
        regs[i] = use_reg(l, l->graph->pool[ins->args + i]);
        types[i] = value_at(l, l->graph->pool[ins->args + i])->type;
    }
    types[ins->arg_count] = ins->type;
    out.arg_types = types;
    out.arg_count = ins->arg_count;
    out.args = pool_room(l->machine, ins->arg_count + 1);
    for (uint32_t i = 0; i < ins->arg_count; i++)
        l->machine->pool[out.args + i] = regs[i];
    if (ins->type && ins->uses) {
        out.def_count = 1;
        out.defs = out.args + ins->arg_count;
        l->machine->pool[out.defs] = result_reg(l, value);
    }
    emit_ins(l, &out);
}

/* ---- Ends of blocks ---------------------------------------------------------------------------
 */

/* What a jump from a block of `depth` brings to a phi: a constant, or a register, which would best
 * be the phi's. */
static uint32_t phi_source(struct lower *l, uint32_t source, uint32_t phi, uint32_t depth)
{
    uint32_t number = l->reg_of[source];
    if (!number &&
        (value_at(l, source)->op == SSA_CONST || value_at(l, source)->op == SSA_CONST128))
        return SOURCE_CONST + source;
    if (!number)
        number = use_reg(l, source);
    struct virtual_reg *regs = l->machine->regs, *reg = &regs[number];
    if (depth >= reg->like_depth) {
        reg->like = phi;
        reg->like_depth = depth;
    }
    if (!regs[phi].like)
        regs[phi].like = number;
    return number;
}

/* The target's phis get their values on the way. */
static void lower_jump(struct lower *l, uint32_t value)
{
    const struct block *from = &l->graph->blocks[value_at(l, value)->block];
    struct lower_phis phis = l->phis_of[from->succs[0]];
    struct machine_ins out = machine_ins_of(M_JUMP, 8);
    out.arg_count = phis.end - phis.first;
    out.args = pool_room(l->machine, 2 * out.arg_count);
    for (uint32_t i = phis.first, place = out.args; i < phis.end; i++, place += 2) {
        const struct lower_phi *phi = &l->phis[i];
        uint32_t source = l->graph->pool[phi->args + from->edge];
        source = phi_source(l, source, phi->reg, from->depth); /* may move the pool */
        l->machine->pool[place] = phi->reg;
        l->machine->pool[place + 1] = source;
    }
    emit_ins(l, &out);
}

static void lower_branch(struct lower *l, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_BRANCH, 8);
    out.cc = lower_condition(l, ins->a);
    emit_ins(l, &out);
}

static void lower_switch(struct lower *l, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_SWITCH, 8);
    out.src[0] = use_reg(l, ins->a);
    out.tmp = new_reg(l, false, 8);
    out.imm = l->graph->blocks[ins->block].succ_count - 1;
    emit_ins(l, &out);
}

static void emit_trap_if(struct lower *l, uint8_t cc, uint64_t kind)
{
    struct machine_ins trap = machine_ins_of(M_TRAP_IF, 8);
    trap.cc = cc;
    trap.imm = kind;
    trap.traps = true;
    emit_ins(l, &trap);
}

static void lower_null_check(struct lower *l, const struct ins *ins)
{
    struct machine_ins test = machine_ins_of(M_TEST, 8);
    test.src[0] = test.src[1] = use_reg(l, ins->a);
    emit_ins(l, &test);
    emit_trap_if(l, CC_E, ins->imm);
}

static void lower_index_check(struct lower *l, const struct ins *ins)
{
    struct machine_ins compare = machine_ins_of(M_CMP, 4);
    compare.src[0] = use_reg(l, ins->a);
    set_last(l, &compare, 1, ins->b);
    emit_ins(l, &compare);
    emit_trap_if(l, CC_AE, ins->imm);
}

static void lower_ref_test(struct lower *l, uint32_t value, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_REF_TEST, 4);
    out.src[0] = use_reg(l, ins->a);
    out.imm = ins->imm;
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

static void emit_plain(struct lower *l, const struct ins *ins, uint8_t op)
{
    struct machine_ins out = machine_ins_of(op, 8);
    out.imm = ins->imm;
    out.traps = true;
    emit_ins(l, &out);
}

static void lower_return(struct lower *l, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_RETURN, 8);
    take_args(l, &out, ins);
    emit_ins(l, &out);
}

void lower_control(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    switch (ins->op) {
    case SSA_PARAM:
        if (!l->params_lowered)
            lower_params(l, value);
        l->params_lowered = true;
        break;
    case SSA_NULL_CHECK:
        lower_null_check(l, ins);
        break;
    case SSA_INDEX_CHECK:
        lower_index_check(l, ins);
        break;
    case SSA_REF_TEST:
        lower_ref_test(l, value, ins);
        break;
    case SSA_CALL_HELPER:
        lower_helper(l, value, ins);
        break;
    case SSA_CALL_INTERP:
        lower_interp_call(l, value, ins);
        break;
    case SSA_RESULT:
        break;
    case SSA_LOOP:
        emit_plain(l, ins, M_LOOP);
        break;
    case SSA_FUEL:
        emit_plain(l, ins, M_FUEL);
        break;
    case SSA_JUMP:
        lower_jump(l, value);
        break;
    case SSA_BRANCH:
        lower_branch(l, ins);
        break;
    case SSA_SWITCH:
        lower_switch(l, ins);
        break;
    case SSA_RETURN:
        lower_return(l, ins);
        break;
    case SSA_TRAP:
        emit_plain(l, ins, M_TRAP);
        break;
    default:
        lower_call(l, value, ins);
    }
}
