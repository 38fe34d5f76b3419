/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/lower.h"

#include <string.h>

/* ---- Registers --------------------------------------------------------------------------------
 */

uint32_t new_reg(struct lower *l, bool is_vector, uint8_t size)
{
    struct machine *m = l->machine;
    arena_grow(m->arena, &m->regs, m->reg_count + 1, &m->reg_capacity, sizeof(*m->regs));
    m->regs[m->reg_count] =
        (struct virtual_reg){.is_vector = is_vector, .size = size, .hint = REG_COUNT};
    return m->reg_count++;
}

uint32_t new_result_reg(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    uint32_t reg = new_reg(l, is_vector_type(ins->type), type_size(ins->type));
    l->machine->regs[reg].is_traced = ins->is_traced;
    l->reg_of[value] = reg;
    return reg;
}

void emit_ins(struct lower *l, const struct machine_ins *ins)
{
    struct machine *m = l->machine;
    const struct ins *origin = value_at(l, l->value);
    arena_grow(m->arena, &m->ins, m->ins_count + 1, &m->ins_capacity, sizeof(*m->ins));
    struct machine_ins *out = &m->ins[m->ins_count++];
    *out = *ins;
    out->offset = origin->offset;
    out->site = origin->site;
    if (ins->dst != NO_OPERAND && ins->src[0] != NO_OPERAND && !m->regs[ins->dst].like &&
        m->regs[ins->dst].is_vector == m->regs[ins->src[0]].is_vector)
        m->regs[ins->dst].like = ins->src[0];
}

uint32_t number_reg(struct lower *l, uint8_t size, uint64_t imm)
{
    struct machine_ins ins = machine_ins_of(M_MOVI, size);
    ins.dst = new_reg(l, false, size);
    ins.imm = size == 4 ? (uint32_t)imm : imm;
    emit_ins(l, &ins);
    return ins.dst;
}

static uint32_t constant_reg(struct lower *l, const struct ins *ins)
{
    if (ins->op == SSA_CONST && !is_vector_type(ins->type))
        return number_reg(l, type_size(ins->type), ins->imm);
    struct machine_ins load =
        machine_ins_of(ins->op == SSA_CONST ? M_FCONST : M_VCONST, type_size(ins->type));
    load.dst = new_reg(l, true, load.size);
    if (ins->op == SSA_CONST128)
        load.bytes = l->graph->vectors[ins->imm].data;
    load.imm = ins->imm;
    emit_ins(l, &load);
    return load.dst;
}

uint32_t make_reg(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    if (ins->op == SSA_CONST || ins->op == SSA_CONST128)
        return constant_reg(l, ins);
    if (is_deferred(l, value)) {
        uint32_t outer = l->value;
        l->value = value;
        lower_value(l, value);
        l->value = outer;
    }
    return result_reg(l, value);
}

uint32_t use_low32(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    if (ins->op == OPCODE_I32_WRAP_I64 && is_deferred(l, value) && !l->reg_of[value])
        return use_reg(l, ins->a);
    return use_reg(l, value);
}

/* ---- Deferring --------------------------------------------------------------------------------
 */

/* Whether the user looks only at the low half of this operand. */
static bool takes_low32(const struct ins *user, uint32_t value)
{
    if (user->op >= OPCODE_I32_ADD && user->op <= OPCODE_I32_ROTR)
        return user->op < OPCODE_I32_DIV_S || user->op > OPCODE_I32_REM_U;
    if (user->op == OPCODE_I32_STORE || user->op == OPCODE_I32_STORE8 ||
        user->op == OPCODE_I32_STORE16)
        return user->b == value && user->a != value;
    return user->op == OPCODE_I32_EXTEND8_S || user->op == OPCODE_I32_EXTEND16_S;
}

/* Whether nothing between a load and its user could change what is seen. */
static bool is_quiet_between(const struct lower *l, uint32_t load, uint32_t user)
{
    uint32_t v = value_at(l, load)->next;
    for (int steps = 0; v && v != user && steps < 12; steps++) {
        if (ssa_effects(value_at(l, v)))
            return false;
        v = value_at(l, v)->next;
    }
    return v == user;
}

static uint8_t folded_size(uint16_t op)
{
    switch (op) {
    case OPCODE_I32_LOAD:
    case OPCODE_F32_LOAD:
        return 4;
    case OPCODE_I64_LOAD:
    case OPCODE_F64_LOAD:
        return 8;
    case OPCODE_V128_LOAD:
        return 16;
    default:
        return 0;
    }
}

/* Whether the user can have this operand in memory, as its last one. */
static bool takes_memory(const struct ins *user, uint32_t value)
{
    uint16_t op = user->op;
    bool alu = (op >= OPCODE_I32_ADD && op <= OPCODE_I32_MUL) ||
               (op >= OPCODE_I32_AND && op <= OPCODE_I32_XOR) ||
               (op >= OPCODE_I64_ADD && op <= OPCODE_I64_MUL) ||
               (op >= OPCODE_I64_AND && op <= OPCODE_I64_XOR);
    bool compare = op >= OPCODE_I32_EQ && op <= OPCODE_I64_GE_U && op != OPCODE_I64_EQZ;
    bool floats = (op >= OPCODE_F32_ADD && op <= OPCODE_F32_DIV) ||
                  (op >= OPCODE_F64_ADD && op <= OPCODE_F64_DIV);
    bool vector = op >= 0xFD00 && op < ATOMIC_ACCESS_FIRST && lower_takes_vector(op);
    return (alu || compare || floats || vector || op == SSA_INDEX_CHECK) && user->b == value &&
           user->a != value;
}

static bool is_update(uint16_t op)
{
    switch (op) {
    case OPCODE_I32_ADD:
    case OPCODE_I32_SUB:
    case OPCODE_I32_AND:
    case OPCODE_I32_OR:
    case OPCODE_I32_XOR:
    case OPCODE_I64_ADD:
    case OPCODE_I64_SUB:
    case OPCODE_I64_AND:
    case OPCODE_I64_OR:
    case OPCODE_I64_XOR:
        return true;
    default:
        return false;
    }
}

static bool is_same_place(const struct ins *x, const struct ins *y)
{
    return x->a == y->a && x->c == y->c && x->imm == y->imm && x->memory == y->memory;
}

uint32_t updated_load(const struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value), *store = value_at(l, ins->user);
    if ((store->op != OPCODE_I32_STORE && store->op != OPCODE_I64_STORE) || ins->uses != 1 ||
        store->b != value || store->block != ins->block || !is_update(ins->op) || l->reg_of[value])
        return 0;
    uint16_t op = store->op == OPCODE_I32_STORE ? OPCODE_I32_LOAD : OPCODE_I64_LOAD;
    bool commutes = ins->op != OPCODE_I32_SUB && ins->op != OPCODE_I64_SUB;
    for (int side = 0; side < (commutes ? 2 : 1); side++) {
        uint32_t load = ins->operands[side];
        const struct ins *from = value_at(l, load);
        if (from->op == op && from->uses == 1 && from->block == store->block &&
            is_same_place(from, store) && is_quiet_between(l, load, ins->user))
            return load;
    }
    return 0;
}

static bool defers_load(const struct lower *l, uint32_t value, const struct ins *ins)
{
    uint32_t user = ins->user;
    if (updated_load(l, user) == value)
        return true;
    if (!folded_size(ins->op) || !takes_memory(value_at(l, user), value))
        return false;
    if (ins->op == OPCODE_V128_LOAD && !l->graph->options->cpu.avx)
        return false;             /* the legacy form wants aligned memory */
    while (is_condition(l, user)) /* it will be made where its own user is */
        user = value_at(l, user)->user;
    return is_quiet_between(l, value, user);
}

static bool is_scaled_index(const struct lower *l, const struct ins *ins)
{
    uint64_t count;
    uint16_t add = ins->op == OPCODE_I32_SHL ? OPCODE_I32_ADD : OPCODE_I64_ADD;
    return ssa_is_const(l->graph, ins->b, &count) && count >= 1 && count <= 3 &&
           value_at(l, ins->user)->op == add;
}

bool goes_into_user(const struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    if (ins->block != value_at(l, ins->user)->block)
        return false;
    if (is_update(ins->op) && updated_load(l, value))
        return true;
    switch (ins->op) {
    case OPCODE_I32_WRAP_I64:
        return takes_low32(value_at(l, ins->user), value);
    case OPCODE_I32_SHL:
    case OPCODE_I64_SHL:
        return is_scaled_index(l, ins);
    case OPCODE_I32_LOAD:
    case OPCODE_I64_LOAD:
    case OPCODE_F32_LOAD:
    case OPCODE_F64_LOAD:
    case OPCODE_V128_LOAD:
        return defers_load(l, value, ins);
    default:
        return is_condition(l, value);
    }
}

bool is_folded_load(const struct lower *l, uint32_t value, uint8_t size)
{
    const struct ins *ins = value_at(l, value);
    return folded_size(ins->op) == size && !l->reg_of[value] && is_deferred(l, value);
}

/* ---- Operands ---------------------------------------------------------------------------------
 */

void set_address(struct lower *l, struct machine_ins *ins, const struct ins *access)
{
    uint64_t constant, disp = access->imm;
    ins->memory = true;
    ins->traps = true;
    ins->base = access->c ? use_reg(l, access->c) : REG_MEMORY;
    if (ssa_is_const(l->graph, access->a, &constant) && constant + disp <= INT32_MAX &&
        constant <= INT32_MAX) {
        ins->disp = (int32_t)(constant + disp);
        return;
    }
    ins->index = use_reg(l, access->a);
    if (disp <= INT32_MAX) {
        ins->disp = (int32_t)disp;
        return;
    }
    struct machine_ins add = machine_ins_of(M_ADD, 8);
    add.src[0] = number_reg(l, 8, disp);
    add.src[1] = ins->index;
    add.dst = ins->index = new_reg(l, false, 8);
    emit_ins(l, &add);
}

static bool fits_immediate(const struct ins *ins)
{
    if (ins->op != SSA_CONST || is_vector_type(ins->type))
        return false;
    return ins->type == TYPE_I32 || (uint64_t)(int64_t)(int32_t)ins->imm == ins->imm;
}

void set_last(struct lower *l, struct machine_ins *ins, int slot, uint32_t value)
{
    const struct ins *operand = value_at(l, value);
    if (ins->op == M_SSE && operand->op == SSA_CONST) {
        ins->bytes = (const uint8_t *)&operand->imm;
    } else if (fits_immediate(operand)) {
        ins->immediate = true;
        ins->imm = (uint64_t)(int64_t)(int32_t)operand->imm;
    } else if (is_folded_load(l, value, ins->size)) {
        set_address(l, ins, operand);
        ins->offset = operand->offset;
    } else {
        ins->src[slot] = ins->size == 4 && !is_vector_type(operand->type) ? use_low32(l, value)
                                                                          : use_reg(l, value);
    }
}

/* ---- The walk ---------------------------------------------------------------------------------
 */

void lower_value(struct lower *l, uint32_t value)
{
    uint16_t op = value_at(l, value)->op;
    bool memory = (op >= OPCODE_I32_LOAD && op <= OPCODE_I64_STORE32) ||
                  (op >= SSA_GLOBAL_GET && op <= SSA_REF_FUNC);
    if (memory)
        lower_memory(l, value);
    else if (ssa_is_own(op) && op != SSA_SELECT && op != SSA_MULHI_S && op != SSA_MULHI_U)
        lower_control(l, value);
    else if (op >= ATOMIC_ACCESS_FIRST)
        lower_atomic(l, value);
    else if (op >= 0xFD00)
        lower_vector(l, value);
    else
        lower_number(l, value);
}

static void add_phi(struct lower *l, uint32_t phi)
{
    uint32_t reg = new_result_reg(l, phi); /* may move the registers */
    l->machine->regs[reg].is_phi = true;
    arena_grow(l->graph->arena, &l->phis, l->phi_count + 1, &l->phi_capacity, sizeof(*l->phis));
    l->phis[l->phi_count++] = (struct lower_phi){reg, value_at(l, phi)->args};
}

/* Phis get their registers first, because jumps to them may come from anywhere. */
static void lower_phis(struct lower *l)
{
    const struct graph *graph = l->graph;
    l->phis_of = arena_take(graph->arena, graph->block_count * sizeof(*l->phis_of));
    for (uint32_t i = 0; i < graph->order_count; i++) {
        struct lower_phis *phis = &l->phis_of[graph->order[i]];
        phis->first = l->phi_count;
        for (uint32_t v = graph->blocks[graph->order[i]].first; v && value_at(l, v)->op == SSA_PHI;
             v = value_at(l, v)->next)
            add_phi(l, v);
        phis->end = l->phi_count;
    }
}

static void lower_block(struct lower *l, uint32_t at)
{
    const struct block *block = &l->graph->blocks[at];
    struct machine_block *out = &l->machine->blocks[at];
    out->first = l->machine->ins_count;
    out->depth = block->depth;
    for (uint32_t v = block->first; v; v = value_at(l, v)->next) {
        if (value_at(l, v)->op == SSA_PHI || is_deferred(l, v))
            continue;
        l->value = v;
        lower_value(l, v);
    }
    out->end = l->machine->ins_count;
}

void machine_lower(struct machine *machine, const struct graph *graph)
{
    *machine = (struct machine){.arena = graph->arena, .graph = graph};
    arena_grow(machine->arena, &machine->regs, REG_COUNT + graph->ins_count / 2,
               &machine->reg_capacity, sizeof(*machine->regs));
    machine->reg_count = REG_COUNT;
    memset(machine->regs, 0, REG_COUNT * sizeof(*machine->regs));
    arena_grow(machine->arena, &machine->pool, 1, &machine->pool_capacity, sizeof(*machine->pool));
    arena_grow(machine->arena, &machine->ins, graph->ins_count, &machine->ins_capacity,
               sizeof(*machine->ins));
    machine->blocks = arena_alloc(machine->arena, graph->block_count * sizeof(*machine->blocks));
    struct lower l = {.machine = machine, .graph = graph};
    l.reg_of = arena_alloc(machine->arena, graph->ins_count * sizeof(*l.reg_of));
    lower_phis(&l);
    for (uint32_t i = 0; i < graph->order_count; i++)
        lower_block(&l, graph->order[i]);
}
