/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/verify.h"

#ifdef WICK_VERIFY

#include "wick/compile/dump.h"

#include <stdlib.h>
#include <string.h>

/* ---- SSA --------------------------------------------------------------------------------------
 */

static _Noreturn void fail(const struct graph *graph, const char *pass, uint32_t value,
                           const char *text)
{
    fprintf(stderr, "wick: function %u after %s: v%u: %s\n", graph->func_index, pass, value, text);
    dump_graph(graph, stderr);
    abort();
}

/* What an operand stands for; before the optimisation it may be a copy. */
static uint32_t behind_copies(const struct graph *graph, const char *pass, uint32_t operand)
{
    bool early = strcmp(pass, VERIFY_CONSTRUCTION) == 0;
    return early && operand < graph->ins_count ? ssa_resolve(graph, operand) : operand;
}

static void check_operand(const struct graph *graph, const char *pass, uint32_t value,
                          uint32_t operand)
{
    operand = behind_copies(graph, pass, operand);
    const struct ins *user = &graph->ins[value], *ins = &graph->ins[operand];
    if (operand >= graph->ins_count || !ins->block || ins->op == SSA_COPY)
        fail(graph, pass, value, "an operand is not in the function");
    if (!ins->type)
        fail(graph, pass, value, "an operand has no value");
    if (!block_dominates(graph, ins->block, user->block))
        fail(graph, pass, value, "an operand does not dominate it");
    if (ins->block != user->block)
        return;
    for (uint32_t v = ins->next; v; v = graph->ins[v].next) {
        if (v == value)
            return;
    }
    fail(graph, pass, value, "an operand comes after it");
}

static void check_phi(const struct graph *graph, const char *pass, uint32_t value)
{
    const struct ins *phi = &graph->ins[value];
    const struct block *block = &graph->blocks[phi->block];
    if (phi->arg_count != block->pred_count)
        fail(graph, pass, value, "a phi lacks operands");
    for (uint32_t i = 0; i < phi->arg_count; i++) {
        const struct ins *arg = &graph->ins[behind_copies(graph, pass, graph->pool[phi->args + i])];
        if (arg->type != phi->type)
            fail(graph, pass, value, "a phi's operand has another type");
        if (!arg->block || !block_dominates(graph, arg->block, block->preds[i]))
            fail(graph, pass, value, "a phi's operand does not reach its edge");
    }
}

static void check_block(const struct graph *graph, const char *pass, uint32_t at)
{
    const struct block *block = &graph->blocks[at];
    bool phis = true;
    for (uint32_t v = block->first; v; v = graph->ins[v].next) {
        const struct ins *ins = &graph->ins[v];
        if (ins->block != at)
            fail(graph, pass, v, "it is in the list of another block");
        if (ssa_is_end(ins->op) != (v == block->last))
            fail(graph, pass, v, "a block ends in the middle, or not at all");
        phis = phis && (ins->op == SSA_PHI || ins->op == SSA_CONST || ins->op == SSA_CONST128);
        if (ins->op == SSA_PHI) {
            if (!phis)
                fail(graph, pass, v, "a phi is not at the start of its block");
            check_phi(graph, pass, v);
            continue;
        }
        struct ins copy = *ins;
        FOR_EACH_OPERAND(graph, &copy, operand)
        check_operand(graph, pass, v, *operand);
    }
}

void verify_graph(const struct graph *graph, const char *pass)
{
    for (uint32_t i = 0; i < graph->order_count; i++)
        check_block(graph, pass, graph->order[i]);
}

/* ---- Allocation -------------------------------------------------------------------------------
 * The state before an instruction says which virtual register's value each location holds. It is
 * the meet over all ways in: what they do not agree on is nothing.
 */

/* An operand and the virtual register that it was. */
struct kept_operand {
    uint32_t *operand;
    uint32_t reg, ins;
    uint8_t kind;
};

struct operand_copy {
    struct machine *machine;
    struct kept_operand *operands;
    uint32_t count, capacity;
    uint32_t *first; /* by instruction; one more at the end */
    uint32_t *pool;  /* of the pairs of jumps */
    uint32_t ins;    /* while they are collected */
};

static void keep_operand(void *env, uint32_t *operand, enum use_kind kind)
{
    struct operand_copy *copy = env;
    arena_grow(copy->machine->arena, &copy->operands, copy->count + 1, &copy->capacity,
               sizeof(*copy->operands));
    copy->operands[copy->count++] =
        (struct kept_operand){operand, *operand, copy->ins, (uint8_t)kind};
}

struct operand_copy *verify_keep_operands(struct machine *machine)
{
    struct operand_copy *copy = arena_alloc(machine->arena, sizeof(*copy));
    copy->machine = machine;
    arena_grow(machine->arena, &copy->operands, 1, &copy->capacity, sizeof(*copy->operands));
    copy->first = arena_alloc(machine->arena, (machine->ins_count + 1) * sizeof(uint32_t));
    copy->pool = arena_alloc(machine->arena, (machine->pool_count + 1) * sizeof(uint32_t));
    if (machine->pool_count)
        memcpy(copy->pool, machine->pool, machine->pool_count * sizeof(uint32_t));
    for (; copy->ins < machine->ins_count; copy->ins++) {
        copy->first[copy->ins] = copy->count;
        machine_operands(machine, &machine->ins[copy->ins], keep_operand, copy);
    }
    copy->first[machine->ins_count] = copy->count;
    return copy;
}

/* What each location holds: registers, then slots by 8 bytes. 0: nothing that is known. */
struct follower {
    struct machine *machine;
    const struct operand_copy *before;
    uint32_t locations;
    uint32_t **at_start; /* by block: the state, NULL until a way to it was followed */
    uint32_t *state, *scratch;
    uint32_t *first_move; /* by place */
    uint32_t ins;
};

static _Noreturn void fail_at(const struct follower *f, uint32_t reg, const char *text)
{
    const struct machine *m = f->machine;
    fprintf(stderr, "wick: function %u, machine instruction %u (op %u): virtual register %u: %s\n",
            m->graph->func_index, f->ins, m->ins[f->ins].op, reg, text);
    dump_graph(m->graph, stderr);
    abort();
}

static uint32_t *held(const struct follower *f, uint32_t location)
{
    uint32_t place = location < REG_COUNT ? location : REG_COUNT + (location - SLOT_FIRST) / 8;
    if (place >= f->locations)
        fail_at(f, location, "a location outside of the frame");
    return &f->state[place];
}

static bool is_constant(uint32_t source)
{
    return source >= SOURCE_CONST && source < SLOT_FIRST;
}

static void follow_moves(struct follower *f, uint32_t place)
{
    const struct machine *m = f->machine;
    memcpy(f->scratch, f->state, f->locations * sizeof(*f->state));
    for (uint32_t i = f->first_move[place]; i < f->first_move[place + 1]; i++) {
        const struct machine_move *move = &m->moves[i];
        uint32_t value =
            is_constant(move->from) ? move->from : f->scratch[held(f, move->from) - f->state];
        *held(f, move->to) = value;
        for (uint32_t before = f->first_move[place]; before < i; before++) {
            if (m->moves[before].to == move->to)
                fail_at(f, move->to, "two moves at once to one place");
        }
    }
}

/* A new value of a virtual register: what other locations hold of it is an old one. */
static void forget(struct follower *f, uint32_t reg)
{
    for (uint32_t i = 0; i < f->locations; i++) {
        if (f->state[i] == reg)
            f->state[i] = 0;
    }
}

/* Over a jump's edge the phis of its target take the place of what they are made of. */
static void follow_edge(struct follower *f, const struct machine_ins *ins)
{
    const struct machine *m = f->machine;
    for (uint32_t p = 0; p < ins->arg_count; p++) {
        uint32_t phi = f->before->pool[ins->args + 2 * p];
        uint32_t from = f->before->pool[ins->args + 2 * p + 1];
        const struct virtual_reg *reg = &m->regs[phi];
        if (reg->location != NO_OPERAND && *held(f, reg->location) != from)
            fail_at(f, phi, "a phi does not find its operand");
    }
    memcpy(f->scratch, f->state, f->locations * sizeof(*f->state));
    for (uint32_t p = 0; p < ins->arg_count; p++)
        forget(f, f->before->pool[ins->args + 2 * p]);
    for (uint32_t p = 0; p < ins->arg_count; p++) {
        uint32_t phi = f->before->pool[ins->args + 2 * p];
        uint32_t from = f->before->pool[ins->args + 2 * p + 1];
        const struct virtual_reg *reg = &m->regs[phi];
        if (reg->location != NO_OPERAND)
            *held(f, reg->location) = phi;
        /* Else the block begins with the store. */
        if (reg->slot != NO_OPERAND && f->scratch[held(f, reg->slot) - f->state] == from)
            *held(f, reg->slot) = phi;
    }
}

static void check_use(struct follower *f, const struct kept_operand *use, uint32_t clobbers)
{
    uint32_t location = *use->operand;
    if (*held(f, location) != use->reg)
        fail_at(f, use->reg, "a use does not find its value");
    if (use->kind != USE_ANY && use->kind != USE_PHI && location >= REG_COUNT)
        fail_at(f, use->reg, "a use wants a register");
    if (use->kind == USE_LATE && clobbers >> location & 1)
        fail_at(f, use->reg, "the instruction overwrites what it still needs");
}

static void follow_ins(struct follower *f)
{
    const struct operand_copy *before = f->before;
    const struct kept_operand *first = &before->operands[before->first[f->ins]];
    const struct kept_operand *end = &before->operands[before->first[f->ins + 1]];
    uint32_t clobbers = machine_clobbers(f->machine, &f->machine->ins[f->ins]);
    for (const struct kept_operand *o = first; o < end; o++) {
        if (o->kind < USE_TMP)
            check_use(f, o, clobbers == ALL_REGS ? 0 : clobbers);
        for (const struct kept_operand *other = first; o->kind == USE_LATE && other < end;
             other++) {
            if (other->kind == DEF_REG && *other->operand == *o->operand)
                fail_at(f, o->reg, "the result overwrites what is still needed");
        }
        for (const struct kept_operand *other = first; o->kind == USE_TMP && other < end; other++) {
            bool behind = other->kind == DEF_ANY; /* a call's results come after it */
            if (other != o && !behind && *other->operand == *o->operand)
                fail_at(f, o->reg, "a temporary shares its register");
        }
    }
    for (uint32_t r = 0; r < REG_COUNT; r++) {
        if (clobbers >> r & 1)
            f->state[r] = 0;
    }
    for (const struct kept_operand *o = first; o < end; o++) {
        if (o->kind < USE_TMP)
            continue;
        forget(f, o->reg);
        *held(f, *o->operand) = o->kind == USE_TMP ? 0 : o->reg;
    }
}

/* Meets the state with what other ways brought to a block; true if that changed it. */
static bool arrive(struct follower *f, uint32_t block)
{
    uint32_t **at = &f->at_start[block];
    if (!*at) {
        *at = arena_alloc(f->machine->arena, f->locations * sizeof(**at));
        memcpy(*at, f->state, f->locations * sizeof(**at));
        return true;
    }
    bool changed = false;
    for (uint32_t i = 0; i < f->locations; i++) {
        if ((*at)[i] && (*at)[i] != f->state[i]) {
            (*at)[i] = 0;
            changed = true;
        }
    }
    return changed;
}

static bool follow_block(struct follower *f, uint32_t at)
{
    const struct machine *m = f->machine;
    const struct machine_block *block = &m->blocks[at];
    memcpy(f->state, f->at_start[at], f->locations * sizeof(*f->state));
    for (f->ins = block->first; f->ins < block->end; f->ins++) {
        const struct machine_ins *ins = &m->ins[f->ins];
        follow_moves(f, 2 * f->ins);
        follow_ins(f);
        if (ins->op != M_JUMP)
            continue;
        follow_moves(f, 2 * f->ins + 1);
        follow_edge(f, ins);
    }
    f->ins = block->end - 1;
    bool changed = false;
    const struct block *graph_block = &m->graph->blocks[at];
    for (uint32_t s = 0; s < graph_block->succ_count; s++)
        changed = arrive(f, graph_block->succs[s]) || changed;
    return changed;
}

void verify_allocation(struct machine *machine, const struct operand_copy *before)
{
    const struct graph *graph = machine->graph;
    struct follower f = {.machine = machine, .before = before};
    f.locations = REG_COUNT + machine->frame_size / 8;
    uint32_t places = 2 * machine->ins_count + 2;
    f.first_move = arena_alloc(machine->arena, (places + 1) * sizeof(*f.first_move));
    for (uint32_t i = 0; i < machine->move_count; i++)
        f.first_move[machine->moves[i].place + 1]++;
    for (uint32_t i = 0; i < places; i++)
        f.first_move[i + 1] += f.first_move[i];
    f.at_start = arena_alloc(machine->arena, graph->block_count * sizeof(*f.at_start));
    f.state = arena_alloc(machine->arena, f.locations * sizeof(*f.state));
    f.scratch = arena_alloc(machine->arena, f.locations * sizeof(*f.scratch));
    arrive(&f, graph->order[0]);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < graph->order_count; i++)
            changed = follow_block(&f, graph->order[i]) || changed;
    }
}

#endif
