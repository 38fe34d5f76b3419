/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks as the allocation sees them. A block that is nothing but a jump on one edge, as there is
 * one on each critical edge, is no block here but part of that edge: nothing lives or dies in it,
 * and what its jump reads for phis is read at the end of the block before.
 */
#include "wick/compile/regalloc.h"

static bool is_edge(const struct machine *m, uint32_t block)
{
    const struct graph *graph = m->graph;
    const struct machine_block *code = &m->blocks[block];
    return code->end - code->first == 1 && m->ins[code->first].op == M_JUMP &&
           graph->blocks[block].pred_count == 1 &&
           ins_at(graph, graph->blocks[block].first)->op != SSA_PHI;
}

/* Numbers the blocks. An instruction on an edge belongs to the block that stands before it. */
static void number_blocks(struct allocation *a)
{
    const struct machine *m = a->machine;
    const struct graph *graph = m->graph;
    a->placed_of = arena_take(a->arena, graph->block_count * sizeof(*a->placed_of));
    a->placed = arena_take(a->arena, (graph->order_count + 1) * sizeof(*a->placed));
    a->block_of = arena_take(a->arena, (m->ins_count + 1) * sizeof(*a->block_of));
    for (uint32_t i = 0; i < graph->order_count; i++) {
        uint32_t block = graph->order[i];
        const struct machine_block *code = &m->blocks[block];
        a->placed_of[block] = ON_EDGE;
        if (!is_edge(m, block)) {
            a->placed_of[block] = a->placed_count;
            a->placed[a->placed_count++] = (struct placed_block){
                .start = 4 * code->first,
                .end = 4 * code->end,
                .depth = code->depth,
                .outside = code->depth - graph->blocks[block].is_loop,
                .block = block,
            };
        }
        for (uint32_t at = code->first; at < code->end; at++)
            a->block_of[at] = a->placed_count - 1;
    }
}

/* The block that an edge leaves, given the last block on it. */
static uint32_t edge_start(const struct allocation *a, uint32_t block)
{
    while (a->placed_of[block] == ON_EDGE)
        block = a->machine->graph->blocks[block].preds[0];
    return block;
}

/* Moves stand at the start of a block that has but one way in: what only jumps there stays empty,
 * and the code passes it by. */
static struct placed_edge edge_between(const struct allocation *a, uint32_t pred, uint32_t to)
{
    const struct machine *m = a->machine;
    return (struct placed_edge){
        .from = a->placed_of[edge_start(a, pred)],
        .moves = m->graph->blocks[to].pred_count == 1 ? 2 * m->blocks[to].first
                                                      : 2 * (m->blocks[pred].end - 1) + 1,
    };
}

static void find_edges(struct allocation *a)
{
    const struct graph *graph = a->machine->graph;
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->placed_count; i++)
        count += graph->blocks[a->placed[i].block].pred_count;
    a->edges = arena_take(a->arena, (count + 1) * sizeof(*a->edges));
    count = 0;
    for (uint32_t i = 0; i < a->placed_count; i++) {
        struct placed_block *placed = &a->placed[i];
        const struct block *block = &graph->blocks[placed->block];
        placed->edges = count;
        placed->edge_count = block->pred_count;
        for (uint32_t p = 0; p < block->pred_count; p++)
            a->edges[count++] = edge_between(a, block->preds[p], placed->block);
    }
}

/* The jumps to blocks with phis. */
static void find_jumps(struct allocation *a)
{
    const struct machine *m = a->machine;
    const struct graph *graph = m->graph;
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < graph->order_count; i++) {
        uint32_t block = graph->order[i], last = m->blocks[block].end - 1;
        if (m->ins[last].op != M_JUMP || !m->ins[last].arg_count)
            continue;
        bool on_edge = a->placed_of[block] == ON_EDGE;
        arena_grow(a->arena, &a->jumps, a->jump_count + 1, &capacity, sizeof(*a->jumps));
        a->jumps[a->jump_count++] = (struct phi_jump){
            .ins = last,
            .position = on_edge ? 4 * m->blocks[edge_start(a, block)].end - 1 : 4 * last,
            .to = a->placed_of[graph->blocks[block].succs[0]],
        };
    }
}

/* Sorts what phis stand for by phi. */
static void find_phi_sources(struct allocation *a)
{
    const struct machine *m = a->machine;
    uint32_t *first = arena_alloc(a->arena, (m->reg_count + 2) * sizeof(*first));
    for (uint32_t i = 0; i < a->jump_count; i++) {
        const struct machine_ins *ins = &m->ins[a->jumps[i].ins];
        for (uint32_t p = 0; p < ins->arg_count; p++)
            first[m->pool[ins->args + 2 * p] + 2]++;
    }
    for (uint32_t i = 2; i < m->reg_count + 2; i++)
        first[i] += first[i - 1];
    a->phi_sources = arena_take(a->arena, (first[m->reg_count + 1] + 1) * sizeof(*a->phi_sources));
    for (uint32_t i = 0; i < a->jump_count; i++) {
        const struct machine_ins *ins = &m->ins[a->jumps[i].ins];
        for (uint32_t p = 0; p < ins->arg_count; p++) {
            uint32_t phi = m->pool[ins->args + 2 * p], operand = ins->args + 2 * p + 1;
            a->phi_sources[first[phi + 1]++] =
                (struct phi_source){.reg = m->pool[operand], .operand = operand, .jump = i};
        }
    }
    a->first_source = first;
}

void find_blocks(struct allocation *a)
{
    number_blocks(a);
    find_edges(a);
    find_jumps(a);
    find_phi_sources(a);
}
