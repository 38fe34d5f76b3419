/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a function: dominators, loops, the order of its blocks. */
#include "wick/compile/ssa.h"

#include <string.h>

/* ---- Phis -------------------------------------------------------------------------------------
 */

/* The one value that a phi has besides itself, or 0. */
static uint32_t only_operand(const struct graph *graph, uint32_t phi)
{
    const struct ins *ins = &graph->ins[phi];
    uint32_t same = 0;
    for (uint32_t i = 0; i < ins->arg_count; i++) {
        uint32_t value = ssa_resolve(graph, graph->pool[ins->args + i]);
        if (value == phi || value == same)
            continue;
        if (same)
            return 0;
        same = value;
    }
    return same;
}

/* The phis of all blocks, in the order of the code. */
static uint32_t *list_phis(const struct graph *graph, uint32_t *count)
{
    uint32_t *phis = NULL, capacity = 0;
    *count = 0;
    for (uint32_t i = 0; i < graph->order_count; i++) {
        uint32_t v = graph->blocks[graph->order[i]].first;
        for (; v && graph->ins[v].op == SSA_PHI; v = graph->ins[v].next) {
            arena_grow(graph->arena, &phis, *count + 1, &capacity, sizeof(*phis));
            phis[(*count)++] = v;
        }
    }
    return phis;
}

/* One phi that becomes a copy may make others trivial: goes over them until nothing changes, which
 * takes two or three rounds; more are not worth it. */
static void remove_trivial_phis(struct graph *graph)
{
    uint32_t count, *phis = list_phis(graph, &count);
    bool changed = true;
    for (int round = 0; changed && round < 8; round++) {
        uint32_t left = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t same = only_operand(graph, phis[i]);
            if (same)
                ins_replace(graph, phis[i], same);
            else
                phis[left++] = phis[i];
        }
        changed = left < count;
        count = left;
    }
}

/* ---- Dominators -------------------------------------------------------------------------------
 * Control flow is reducible and the order has every forward edge before its target, so one pass
 * finds them (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm").
 */

static uint32_t common_dominator(const struct graph *graph, uint32_t a, uint32_t b)
{
    while (a != b) {
        if (graph->blocks[a].order > graph->blocks[b].order)
            a = graph->blocks[a].idom;
        else
            b = graph->blocks[b].idom;
    }
    return a;
}

static void find_dominators(struct graph *graph)
{
    for (uint32_t i = 0; i < graph->order_count; i++)
        graph->blocks[graph->order[i]].order = i;
    for (uint32_t i = 1; i < graph->order_count; i++) {
        struct block *block = &graph->blocks[graph->order[i]];
        block->idom = block->preds[0]; /* always a forward edge */
        for (uint32_t p = 1; p < block->pred_count; p++) {
            if (graph->blocks[block->preds[p]].order < i)
                block->idom = common_dominator(graph, block->idom, block->preds[p]);
        }
    }
}

/* Numbers the blocks so that those below one in the tree follow it. */
static void number_dominators(struct graph *graph)
{
    for (uint32_t i = graph->order_count; i-- > 1;) {
        const struct block *block = &graph->blocks[graph->order[i]];
        graph->blocks[block->idom].dom_count += block->dom_count;
    }
    uint32_t *next = arena_take(graph->arena, graph->block_count * sizeof(*next));
    for (uint32_t i = 0; i < graph->order_count; i++) {
        uint32_t at = graph->order[i];
        struct block *block = &graph->blocks[at];
        if (i > 0) {
            block->dom_first = next[block->idom];
            next[block->idom] += block->dom_count;
        }
        next[at] = block->dom_first + 1;
    }
}

/* ---- Loops ------------------------------------------------------------------------------------
 */

/* The outermost loop found so far that holds the block: its header, or the block itself. */
static uint32_t outermost(const struct graph *graph, uint32_t block)
{
    uint32_t top = block, loop = graph->blocks[block].loop;
    for (; loop; loop = graph->blocks[loop].parent)
        top = loop;
    return top;
}

static void add_to_loop(struct graph *graph, uint32_t header, uint32_t from, uint32_t *work,
                        uint32_t *count)
{
    uint32_t top = outermost(graph, from);
    struct block *block = &graph->blocks[top];
    if (top == header || block->order < graph->blocks[header].order)
        return;
    if (block->loop == top) /* the header of an inner loop */
        block->parent = header;
    else
        block->loop = header;
    work[(*count)++] = top;
}

/* A loop that never goes round needs no look for interrupts, which comes right behind the phis. */
static void drop_check(struct graph *graph, uint32_t header)
{
    uint32_t v = graph->blocks[header].first;
    while (graph->ins[v].op == SSA_PHI)
        v = graph->ins[v].next;
    if (graph->ins[v].op == SSA_LOOP)
        ins_remove(graph, v);
}

static void find_loop(struct graph *graph, uint32_t header, uint32_t *work)
{
    struct block *block = &graph->blocks[header];
    uint32_t count = 0;
    block->is_loop = block->pred_count > 1;
    if (!block->is_loop) {
        drop_check(graph, header);
        return;
    }
    block->loop = header;
    for (uint32_t p = 1; p < block->pred_count; p++)
        add_to_loop(graph, header, block->preds[p], work, &count);
    while (count) {
        const struct block *inner = &graph->blocks[work[--count]];
        for (uint32_t p = 0; p < inner->pred_count; p++)
            add_to_loop(graph, header, inner->preds[p], work, &count);
    }
}

static void find_loops(struct graph *graph)
{
    uint32_t *work = arena_take(graph->arena, (graph->block_count + 1) * sizeof(*work));
    for (uint32_t i = graph->order_count; i-- > 0;) {
        if (graph->blocks[graph->order[i]].is_loop)
            find_loop(graph, graph->order[i], work);
    }
    for (uint32_t i = 0; i < graph->order_count; i++) {
        struct block *block = &graph->blocks[graph->order[i]];
        uint32_t outer = block->is_loop ? block->parent : block->loop;
        block->depth = (outer ? graph->blocks[outer].depth : 0) + block->is_loop;
    }
}

void graph_analyse(struct graph *graph)
{
    remove_trivial_phis(graph);
    find_dominators(graph);
    number_dominators(graph);
    find_loops(graph);
}

/* ---- Placement --------------------------------------------------------------------------------
 */

static void find_cold_blocks(struct graph *graph)
{
    for (uint32_t i = graph->order_count; i-- > 1;) {
        struct block *block = &graph->blocks[graph->order[i]];
        block->cold =
            graph->ins[block->last].op == SSA_TRAP || (block->succ_count > 0 && !block->is_loop);
        for (uint32_t s = 0; s < block->succ_count && block->cold; s++) {
            const struct block *to = &graph->blocks[block->succs[s]];
            block->cold = to->cold && to->order > i;
        }
    }
}

/* The outermost loop that a block with one predecessor and one successor leaves, or 0. */
static uint32_t left_loop(const struct graph *graph, uint32_t at)
{
    const struct block *block = &graph->blocks[at];
    if (block->pred_count != 1 || block->succ_count != 1)
        return 0;
    uint32_t left = 0;
    for (uint32_t loop = graph->blocks[block->preds[0]].loop; loop && loop != block->loop;
         loop = graph->blocks[loop].parent)
        left = loop;
    return left;
}

/* The place behind which a block goes: its own, or the end of the loop that it leaves, unless its
 * target stands before that. */
static uint32_t place_behind(const struct graph *graph, uint32_t at, const uint32_t *last)
{
    const struct block *block = &graph->blocks[at];
    uint32_t left = left_loop(graph, at);
    if (!left || last[left] <= block->order || graph->blocks[block->succs[0]].order <= last[left])
        return block->order;
    return last[left];
}

void graph_place(struct graph *graph)
{
    uint32_t count = graph->order_count;
    uint32_t *last = arena_take(graph->arena, graph->block_count * sizeof(*last));
    uint32_t *behind = arena_take(graph->arena, (count + 1) * sizeof(*behind));
    uint32_t *chain = arena_take(graph->arena, (count + 1) * sizeof(*chain));
    uint32_t *after = arena_alloc(graph->arena, (count + 1) * sizeof(*after));
    uint32_t *order = arena_take(graph->arena, (count + 1) * sizeof(*order));
    find_cold_blocks(graph);
    for (uint32_t i = 0; i < count; i++) { /* where each loop ends */
        for (uint32_t loop = graph->blocks[graph->order[i]].loop; loop;
             loop = graph->blocks[loop].parent)
            last[loop] = i;
    }
    for (uint32_t i = count; i-- > 0;) { /* chains of blocks to be put behind another */
        behind[i] = place_behind(graph, graph->order[i], last);
        if (behind[i] == i)
            continue;
        chain[i] = after[behind[i]];
        after[behind[i]] = i + 1;
    }
    uint32_t placed = 0;
    for (int cold = 0; cold < 2; cold++) {
        for (uint32_t i = 0; i < count; i++) {
            if (behind[i] == i && graph->blocks[graph->order[i]].cold == cold)
                order[placed++] = graph->order[i];
            for (uint32_t j = after[i]; j; j = chain[j - 1]) {
                if (graph->blocks[graph->order[j - 1]].cold == cold)
                    order[placed++] = graph->order[j - 1];
            }
        }
    }
    graph->order = order;
    for (uint32_t i = 0; i < placed; i++)
        graph->blocks[order[i]].order = i;
}
