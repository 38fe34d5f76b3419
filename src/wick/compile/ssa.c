/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/ssa.h"

#include "wick/atomic.h"

#include <string.h>

enum { FIRST_CONSTS = 64 }; /* places in the table of constants, at first */

void graph_init(struct graph *graph, struct arena *arena, const struct compile_options *options,
                const struct module *module, uint32_t func_index)
{
    *graph = (struct graph){.arena = arena,
                            .options = options,
                            .module = module,
                            .type = module->funcs[func_index].type,
                            .func_index = func_index};
    size_t body = module->funcs[func_index].body.size;
    arena_grow(arena, &graph->ins, (uint32_t)(body / 2 + 64), &graph->ins_capacity,
               sizeof(*graph->ins));
    graph->ins_count = 1;
    uint32_t blocks = (uint32_t)(body / 5 + 8); /* at a guess, as are the others */
    arena_grow(arena, &graph->pool, blocks, &graph->pool_capacity, sizeof(*graph->pool));
    arena_grow(arena, &graph->blocks, blocks, &graph->block_capacity, sizeof(*graph->blocks));
    arena_grow(arena, &graph->order, blocks, &graph->order_capacity, sizeof(*graph->order));
    graph->ins[0] = (struct ins){.op = SSA_NOP};
    graph->consts = arena_alloc(arena, FIRST_CONSTS * sizeof(*graph->consts));
    graph->const_mask = FIRST_CONSTS - 1;
    block_new(graph);
}

uint32_t block_new(struct graph *graph)
{
    arena_grow(graph->arena, &graph->blocks, graph->block_count + 2, &graph->block_capacity,
               sizeof(*graph->blocks));
    if (graph->block_count == 0) /* block 0 is none */
        graph->blocks[graph->block_count++] = (struct block){0};
    graph->blocks[graph->block_count] = (struct block){.order = UINT32_MAX, .dom_count = 1};
    return graph->block_count++;
}

void block_add_pred(struct graph *graph, uint32_t block, uint32_t pred)
{
    struct block *b = &graph->blocks[block];
    if (b->pred_count == b->pred_capacity) {
        uint32_t room = b->pred_capacity ? b->pred_capacity * 2 : 2;
        uint32_t *preds = arena_take(graph->arena, room * sizeof(*preds));
        if (b->pred_count)
            memcpy(preds, b->preds, b->pred_count * sizeof(*preds));
        b->preds = preds;
        b->pred_capacity = room;
    }
    graph->blocks[pred].edge = b->pred_count;
    b->preds[b->pred_count++] = pred;
}

uint32_t pool_alloc(struct graph *graph, uint32_t count)
{
    arena_grow(graph->arena, &graph->pool, graph->pool_count + count, &graph->pool_capacity,
               sizeof(*graph->pool));
    uint32_t place = graph->pool_count;
    graph->pool_count += count;
    return place;
}

/* ---- Lists ------------------------------------------------------------------------------------
 */

static void set_ins(struct graph *graph, uint32_t value, const struct ins *ins)
{
    graph->ins[value] = *ins;
    graph->ins[value].offset = graph->offset;
    graph->ins[value].site = graph->site;
}

static uint32_t ins_new(struct graph *graph, const struct ins *ins)
{
    arena_grow(graph->arena, &graph->ins, graph->ins_count + 1, &graph->ins_capacity,
               sizeof(*graph->ins));
    uint32_t value = graph->ins_count++;
    set_ins(graph, value, ins);
    return value;
}

/* Links a new instruction behind `prev`, or first where that is 0. */
static void link_after(struct graph *graph, uint32_t block, uint32_t prev, uint32_t value)
{
    struct block *b = &graph->blocks[block];
    struct ins *ins = &graph->ins[value];
    ins->block = block;
    ins->prev = prev;
    ins->next = prev ? graph->ins[prev].next : b->first;
    *(prev ? &graph->ins[prev].next : &b->first) = value;
    *(ins->next ? &graph->ins[ins->next].prev : &b->last) = value;
}

static __attribute__((noinline)) uint32_t grow_and_append(struct graph *graph,
                                                          const struct ins *ins)
{
    arena_grow(graph->arena, &graph->ins, graph->ins_count + 1, &graph->ins_capacity,
               sizeof(*graph->ins));
    return ins_append(graph, ins);
}

uint32_t ins_append(struct graph *graph, const struct ins *ins)
{
    if (graph->ins_count == graph->ins_capacity)
        return grow_and_append(graph, ins);
    uint32_t value = graph->ins_count++;
    set_ins(graph, value, ins);
    struct block *block = &graph->blocks[graph->current];
    graph->ins[value].block = graph->current;
    graph->ins[value].prev = block->last; /* and no next one */
    *(block->last ? &graph->ins[block->last].next : &block->first) = value;
    block->last = value;
    return value;
}

uint32_t ins_prepend(struct graph *graph, uint32_t block, struct ins ins)
{
    uint32_t value = ins_new(graph, &ins);
    link_after(graph, block, 0, value);
    return value;
}

void ins_remove(struct graph *graph, uint32_t value)
{
    struct ins *ins = &graph->ins[value];
    struct block *b = &graph->blocks[ins->block];
    *(ins->prev ? &graph->ins[ins->prev].next : &b->first) = ins->next;
    *(ins->next ? &graph->ins[ins->next].prev : &b->last) = ins->prev;
    ins->next = ins->prev = ins->block = 0;
}

void ins_replace(struct graph *graph, uint32_t value, uint32_t with)
{
    struct ins *ins = &graph->ins[value];
    ins_remove(graph, value);
    ins->op = SSA_COPY;
    ins->a = with;
    ins->b = ins->c = ins->arg_count = 0;
}

void ins_move_to_end(struct graph *graph, uint32_t value, uint32_t block)
{
    ins_remove(graph, value);
    uint32_t last = graph->blocks[block].last;
    link_after(graph, block, last && ssa_is_end(graph->ins[last].op) ? graph->ins[last].prev : last,
               value);
}

void ins_move_before(struct graph *graph, uint32_t value, uint32_t before)
{
    ins_remove(graph, value);
    link_after(graph, graph->ins[before].block, graph->ins[before].prev, value);
}

/* ---- Values -----------------------------------------------------------------------------------
 */

static uint32_t hash_const(uint8_t type, uint64_t imm)
{
    uint64_t hash = (imm ^ (uint64_t)type << 61) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(hash >> 32);
}

static void grow_consts(struct graph *graph)
{
    uint32_t size = (graph->const_mask + 1) * 2;
    uint32_t *table = arena_alloc(graph->arena, size * sizeof(*table));
    for (uint32_t i = 0; i <= graph->const_mask; i++) {
        uint32_t value = graph->consts[i];
        if (!value)
            continue;
        uint32_t at = hash_const(graph->ins[value].type, graph->ins[value].imm) & (size - 1);
        while (table[at])
            at = (at + 1) & (size - 1);
        table[at] = value;
    }
    graph->consts = table;
    graph->const_mask = size - 1;
}

static __attribute__((noinline)) uint32_t add_const(struct graph *graph, enum type_kind type,
                                                    uint64_t imm)
{
    if (graph->const_count * 2 >= graph->const_mask)
        grow_consts(graph);
    uint32_t at = hash_const((uint8_t)type, imm) & graph->const_mask;
    while (graph->consts[at])
        at = (at + 1) & graph->const_mask;
    graph->const_count++;
    struct ins ins = {.op = SSA_CONST, .type = (uint8_t)type, .imm = imm};
    return graph->consts[at] = ins_prepend(graph, 1, ins);
}

uint32_t ssa_const(struct graph *graph, enum type_kind type, uint64_t imm)
{
    uint32_t at = hash_const((uint8_t)type, imm) & graph->const_mask;
    for (; graph->consts[at]; at = (at + 1) & graph->const_mask) {
        const struct ins *old = &graph->ins[graph->consts[at]];
        if (old->type == type && old->imm == imm)
            return graph->consts[at];
    }
    return add_const(graph, type, imm);
}

/* Whether the upper bits of an i64 are a number: the bits shifted down are compared, with operands
 * that instructions can hold. */
static void compare_upper_bits(struct graph *graph, struct ins *ins)
{
    uint64_t number, mask;
    if ((ins->op != OPCODE_I64_EQ && ins->op != OPCODE_I64_NE) ||
        !ssa_is_const(graph, ins->b, &number))
        return;
    const struct ins *inner = ins_at(graph, ins->a);
    if (inner->op != OPCODE_I64_AND || !ssa_is_const(graph, inner->b, &mask) || mask == 0)
        return;
    int shift = __builtin_ctzll(mask);
    if (shift < 32 || mask != UINT64_MAX << shift || number & ~mask)
        return;
    uint32_t count = ssa_const(graph, TYPE_I64, (uint64_t)shift);
    ins->a = ssa_binary(graph, OPCODE_I64_SHR_U, ins_at(graph, ins->a)->a, count);
    ins->b = ssa_const(graph, TYPE_I64, number >> shift);
}

uint32_t ssa_binary(struct graph *graph, uint16_t op, uint32_t a, uint32_t b)
{
    struct ins ins = {.op = op,
                      .type = signature_result(opcode_info(op)->signature),
                      .a = ssa_resolve(graph, a),
                      .b = ssa_resolve(graph, b)};
    uint64_t divisor;
    uint32_t folded = ssa_fold(graph, &ins);
    if (!folded && ssa_is_const(graph, ins.b, &divisor))
        folded = ssa_divide(graph, ins.op, ins.a, divisor);
    if (!folded)
        compare_upper_bits(graph, &ins);
    return folded ? folded : ins_append(graph, &ins);
}

uint32_t ssa_unary(struct graph *graph, uint16_t op, uint32_t a)
{
    struct ins ins = {
        .op = op, .type = signature_result(opcode_info(op)->signature), .a = ssa_resolve(graph, a)};
    uint32_t folded = ssa_fold(graph, &ins);
    return folded ? folded : ins_append(graph, &ins);
}

/* ---- Effects ----------------------------------------------------------------------------------
 */

const uint8_t ssa_effect_table[] = {
    [OPCODE_I32_LOAD... OPCODE_I64_LOAD32_U] = EFFECT_TRAPS | EFFECT_READS,
    [OPCODE_I32_STORE... OPCODE_I64_STORE32] = EFFECT_TRAPS | EFFECT_WRITES,
    [OPCODE_I32_DIV_S... OPCODE_I32_REM_U] = EFFECT_TRAPS,
    [OPCODE_I64_DIV_S... OPCODE_I64_REM_U] = EFFECT_TRAPS,
    [OPCODE_I32_TRUNC_F32_S... OPCODE_I32_TRUNC_F64_U] = EFFECT_TRAPS,
    [OPCODE_I64_TRUNC_F32_S... OPCODE_I64_TRUNC_F64_U] = EFFECT_TRAPS,
#define OWN(op) [0x100 + (op)-SSA_FIRST]
    OWN(SSA_PARAM) = EFFECT_ORDER,
    OWN(SSA_PHI) = EFFECT_ORDER,
    OWN(SSA_GLOBAL_GET) = EFFECT_READS,
    OWN(SSA_GLOBAL_SET) = EFFECT_WRITES,
    OWN(SSA_MEMORY_BASE) = EFFECT_READS,
    OWN(SSA_MEMORY_BYTES) = EFFECT_READS,
    OWN(SSA_BOUNDS) = EFFECT_TRAPS,
    OWN(SSA_CAUGHT) = EFFECT_ORDER,
    OWN(SSA_NULL_CHECK) = EFFECT_TRAPS,
    OWN(SSA_INDEX_CHECK) = EFFECT_TRAPS,
    OWN(SSA_CALL) = EFFECT_TRAPS | EFFECT_WRITES | EFFECT_ORDER,
    OWN(SSA_CALL_INDIRECT) = EFFECT_TRAPS | EFFECT_WRITES | EFFECT_ORDER,
    OWN(SSA_CALL_REF) = EFFECT_TRAPS | EFFECT_WRITES | EFFECT_ORDER,
    OWN(SSA_CALL_HELPER) = EFFECT_TRAPS | EFFECT_WRITES | EFFECT_ORDER,
    OWN(SSA_CALL_INTERP) = EFFECT_TRAPS | EFFECT_WRITES | EFFECT_ORDER,
    OWN(SSA_RESULT) = EFFECT_ORDER,
    OWN(SSA_LOOP) = EFFECT_TRAPS | EFFECT_ORDER,
    OWN(SSA_FUEL) = EFFECT_TRAPS | EFFECT_ORDER,
    [0x100 + SSA_JUMP - SSA_FIRST... 0x100 + SSA_LAST - 1 - SSA_FIRST] =
        EFFECT_TRAPS | EFFECT_ORDER,
#undef OWN
};

unsigned ssa_prefixed_effects(uint16_t op)
{
    if (op < 0xFD00)
        return 0;
    if (op >= ATOMIC_ACCESS_FIRST)
        return EFFECT_TRAPS | EFFECT_READS | EFFECT_WRITES | EFFECT_ORDER;
    const char *signature = opcode_info(op)->signature;
    if (!signature || signature[0] != 'p')
        return 0;
    return signature[strlen(signature) - 1] == '>' ? EFFECT_TRAPS | EFFECT_WRITES
                                                   : EFFECT_TRAPS | EFFECT_READS;
}
