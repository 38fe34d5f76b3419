/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Global value numbering: one pass over the blocks, dominators first, that folds each instruction
 * again, replaces it with an equal one that dominates it, and moves costly ones out of loops that
 * do not change them.
 *
 * What reads memory is equal only within an epoch. An epoch ends where something may write, and
 * where ways with different epochs meet. Memory has its own; globals, tables and the size of memory
 * share the state's.
 */
#include "wick/compile/ssa.h"

struct gvn {
    struct graph *graph;
    uint32_t *table; /* by hash: the latest value */
    uint64_t *keys;  /* where the table has a value */
    uint32_t mask;
    uint32_t block;
    uint32_t memory_epoch, state_epoch, epochs;
};

/* ---- The table --------------------------------------------------------------------------------
 */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x9E3779B97F4A7C15u + (hash >> 29);
}

static uint64_t hash_ins(const struct ins *ins, uint32_t epoch)
{
    uint64_t hash = mix(ins->op | (uint64_t)ins->memory << 16 | (uint64_t)ins->lane << 24,
                        ins->a | (uint64_t)ins->b << 32);
    hash = mix(hash, ins->imm);
    return mix(hash, ins->c | (uint64_t)epoch << 32) | 1;
}

static bool same_ins(const struct ins *x, const struct ins *y)
{
    return x->op == y->op && x->a == y->a && x->b == y->b && x->c == y->c && x->imm == y->imm &&
           x->memory == y->memory && x->lane == y->lane && x->type == y->type;
}

static uint32_t table_slot(const struct gvn *g, uint64_t key)
{
    return (uint32_t)(key >> 32) & g->mask;
}

static void remember(struct gvn *g, uint64_t key, uint32_t value)
{
    g->table[table_slot(g, key)] = value;
    g->keys[table_slot(g, key)] = key;
}

/* ---- Epochs -----------------------------------------------------------------------------------
 */

static bool reads_memory(const struct ins *ins)
{
    return !ssa_is_own(ins->op);
}

static uint32_t epoch_of(const struct gvn *g, const struct ins *ins, unsigned effects)
{
    if (!(effects & EFFECT_READS))
        return 0;
    return reads_memory(ins) ? g->memory_epoch : g->state_epoch;
}

/* Behind what writes. */
static void end_epochs(struct gvn *g, const struct ins *ins)
{
    if (ins->op != SSA_GLOBAL_SET)
        g->memory_epoch = ++g->epochs;
    if (ssa_is_own(ins->op))
        g->state_epoch = ++g->epochs;
}

static void enter_block(struct gvn *g, uint32_t at)
{
    const struct block *block = &g->graph->blocks[at];
    g->block = at;
    if (block->pred_count == 1) {
        g->memory_epoch = g->graph->blocks[block->preds[0]].memory_epoch;
        g->state_epoch = g->graph->blocks[block->preds[0]].state_epoch;
    } else {
        g->memory_epoch = ++g->epochs;
        g->state_epoch = ++g->epochs;
    }
}

/* ---- Stores -----------------------------------------------------------------------------------
 */

/* The load that gives back what a store wrote, or 0. */
static uint16_t matching_load(uint16_t store)
{
    switch (store) {
    case OPCODE_I32_STORE:
        return OPCODE_I32_LOAD;
    case OPCODE_I64_STORE:
        return OPCODE_I64_LOAD;
    case OPCODE_F32_STORE:
        return OPCODE_F32_LOAD;
    case OPCODE_F64_STORE:
        return OPCODE_F64_LOAD;
    case OPCODE_V128_STORE:
        return OPCODE_V128_LOAD;
    default:
        return 0;
    }
}

/* The key of the load or global.get that a write makes unnecessary; false if there is none. */
static bool read_back(const struct gvn *g, const struct ins *write, struct ins *read, uint64_t *key)
{
    uint16_t op = write->op == SSA_GLOBAL_SET ? SSA_GLOBAL_GET : matching_load(write->op);
    if (!op)
        return false;
    *read = (struct ins){.op = op, .memory = write->memory, .imm = write->imm};
    if (op != SSA_GLOBAL_GET) {
        read->a = write->a;
        read->c = write->c;
    }
    *key = hash_ins(read, op == SSA_GLOBAL_GET ? g->state_epoch : g->memory_epoch);
    return true;
}

/* Behind a write its value is known; an entry of the table that is not the read itself but the
 * write stands for the value that it wrote. */
static void remember_write(struct gvn *g, uint32_t value)
{
    struct ins read;
    uint64_t key;
    if (read_back(g, &g->graph->ins[value], &read, &key))
        remember(g, key, value);
}

/* The value that an entry of the table has for the instruction, or 0. */
static uint32_t value_of_entry(const struct gvn *g, uint32_t entry, const struct ins *ins)
{
    const struct ins *found = &g->graph->ins[entry];
    if (same_ins(found, ins))
        return entry;
    bool global = ins->op == SSA_GLOBAL_GET && found->op == SSA_GLOBAL_SET;
    if (!global && (matching_load(found->op) != ins->op || !ins->op))
        return 0;
    if (found->imm != ins->imm || found->memory != ins->memory)
        return 0;
    if (global)
        return found->a;
    return found->a == ins->a && found->c == ins->c ? found->b : 0;
}

static uint32_t find_equal(const struct gvn *g, const struct ins *ins, uint64_t key)
{
    uint32_t slot = table_slot(g, key), entry = g->table[slot];
    if (!entry || g->keys[slot] != key)
        return 0;
    uint32_t block = g->graph->ins[entry].block;
    if (!block || !block_dominates(g->graph, block, g->block))
        return 0;
    return value_of_entry(g, entry, ins);
}

/* ---- Loops ------------------------------------------------------------------------------------
 */

/* Whether it is worth a register to compute it once before a loop. */
static bool is_costly(const struct ins *ins)
{
    if (ssa_is_own(ins->op))
        return ins->op == SSA_MEMORY_BASE;
    if (ins->op == OPCODE_I32_MUL || ins->op == OPCODE_I64_MUL || ins->op >= 0xFD00)
        return true;
    return ins->op >= OPCODE_F32_ABS && ins->op <= OPCODE_F64_PROMOTE_F32 &&
           ins->op != OPCODE_I32_WRAP_I64 && ins->op != OPCODE_I64_EXTEND_I32_S &&
           ins->op != OPCODE_I64_EXTEND_I32_U;
}

static bool defined_before(const struct gvn *g, uint32_t value, uint32_t header)
{
    uint32_t block = g->graph->ins[value].block;
    return block != header && block_dominates(g->graph, block, header);
}

static bool is_invariant(const struct gvn *g, const struct ins *ins, uint32_t header)
{
    return (!ins->a || defined_before(g, ins->a, header)) &&
           (!ins->b || defined_before(g, ins->b, header)) &&
           (!ins->c || defined_before(g, ins->c, header));
}

static void move_out_of_loops(struct gvn *g, uint32_t value, unsigned effects)
{
    struct graph *graph = g->graph;
    const struct ins *ins = &graph->ins[value];
    if (!graph->blocks[ins->block].loop || !is_costly(ins))
        return;
    bool fixed = ins->op == SSA_MEMORY_BASE && graph->options->guard &&
                 !graph->module->memories[ins->imm].limits.index64;
    if (effects && !fixed)
        return;
    uint32_t to = 0;
    for (uint32_t loop = graph->blocks[ins->block].loop; loop; loop = graph->blocks[loop].parent) {
        if (!is_invariant(g, ins, loop))
            break;
        to = graph->blocks[loop].preds[0];
    }
    if (to)
        ins_move_to_end(graph, value, to);
}

/* ---- The pass ---------------------------------------------------------------------------------
 */

/* Folds an instruction in its place; answers the value that it can be replaced with, or 0. */
static uint32_t fold(struct graph *graph, uint32_t value)
{
    struct ins ins = graph->ins[value]; /* a new constant may move the others */
    uint32_t with = ssa_fold(graph, &ins);
    graph->ins[value].op = ins.op;
    graph->ins[value].a = ins.a;
    graph->ins[value].b = ins.b;
    return with;
}

static void visit(struct gvn *g, uint32_t value)
{
    struct graph *graph = g->graph;
    struct ins *ins = &graph->ins[value];
    if (ins->op == SSA_PHI || ins->op == SSA_CONST || ins->op == SSA_JUMP)
        return;
    ssa_resolve_operands(graph, ins);
    uint32_t with = ssa_folds(ins->op) ? fold(graph, value) : 0;
    if (with) {
        ins_replace(graph, value, with);
        return;
    }
    ins = &graph->ins[value];
    unsigned effects = ssa_effects(ins);
    if (effects & EFFECT_WRITES) {
        end_epochs(g, ins);
        remember_write(g, value);
    }
    if (effects & (EFFECT_WRITES | EFFECT_ORDER))
        return;
    uint64_t key = hash_ins(ins, epoch_of(g, ins, effects));
    with = find_equal(g, ins, key);
    if (with) {
        ins_replace(graph, value, with);
        return;
    }
    move_out_of_loops(g, value, effects);
    remember(g, key, value);
}

static void resolve_phis(struct graph *graph)
{
    for (uint32_t i = 0; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        for (uint32_t v = block->first; v && graph->ins[v].op == SSA_PHI; v = graph->ins[v].next) {
            ssa_resolve_operands(graph, &graph->ins[v]);
        }
    }
}

void graph_optimise(struct graph *graph)
{
    uint32_t size = 256;
    while (size < graph->ins_count)
        size *= 2;
    struct gvn g = {.graph = graph, .mask = size - 1};
    g.table = arena_alloc(graph->arena, size * sizeof(*g.table));
    g.keys = arena_take(graph->arena, size * sizeof(*g.keys));
    for (uint32_t i = 0; i < graph->order_count; i++) {
        enter_block(&g, graph->order[i]);
        struct block *block = &graph->blocks[graph->order[i]];
        for (uint32_t v = block->first, next; v; v = next) {
            next = graph->ins[v].next;
            visit(&g, v);
        }
        block->memory_epoch = g.memory_epoch;
        block->state_epoch = g.state_epoch;
    }
    resolve_phis(graph);
    arena_give_back(graph->arena, g.table, size * sizeof(*g.table));
    arena_give_back(graph->arena, g.keys, size * sizeof(*g.keys));
}
