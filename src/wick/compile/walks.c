/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops that end without a look for interrupts: an innermost one that in each round accesses a
 * 32-bit memory, by a constant distance further than in the round before. Behind the memory's end
 * there are always 64 KiB at least without access (MEMORY32_MAX); no distance leads over them, so
 * that the loop traps once it has walked through the memory, if it does not end before.
 */
#include "wick/compile/ssa.h"

enum {
    STRIDE_MOST = 1 << 16, /* bytes between accesses */
    WORK_MOST = 8,         /* instructions for each byte that a round advances */
    DEPTH_MOST = 4,        /* of an address's sum */
};

/* What is known of a loop, by its header. */
struct walk {
    uint32_t work;            /* instructions */
    bool is_innermost, stays; /* it calls nothing */
};

/* A value that changes by `stride` each round, modulo 2^32. */
struct linear {
    bool known;
    uint32_t stride;
};

static const struct linear unknown = {false, 0};

static uint32_t latch_of(const struct graph *graph, uint32_t header)
{
    return graph->blocks[header].preds[1];
}

/* `value` less `phi`, if that is a constant. */
static bool distance_from(const struct graph *graph, uint32_t value, uint32_t phi, uint32_t *out)
{
    *out = 0;
    for (int depth = 0; depth < DEPTH_MOST; depth++) {
        const struct ins *ins = &graph->ins[value];
        uint64_t constant;
        if (value == phi)
            return true;
        if (ins->op != OPCODE_I32_ADD || !ssa_is_const(graph, ins->b, &constant))
            return false;
        *out += (uint32_t)constant;
        value = ins->a;
    }
    return false;
}

static struct linear phi_stride(const struct graph *graph, uint32_t phi)
{
    const struct ins *ins = &graph->ins[phi];
    struct linear out = {true, 0};
    if (ins->type != TYPE_I32 ||
        !distance_from(graph, graph->pool[ins->args + 1], phi, &out.stride))
        return unknown;
    return out;
}

static struct linear stride_of(const struct graph *graph, uint32_t header, uint32_t value,
                               int depth)
{
    const struct ins *ins = &graph->ins[value];
    if (ins->op == SSA_CONST || !block_dominates(graph, header, ins->block))
        return (struct linear){true, 0};
    if (ins->op == SSA_PHI)
        return ins->block == header ? phi_stride(graph, value) : unknown;
    if (depth == DEPTH_MOST)
        return unknown;
    if (ins->op == OPCODE_I64_EXTEND_I32_U)
        return stride_of(graph, header, ins->a, depth + 1);
    if (ins->op != OPCODE_I32_ADD && ins->op != OPCODE_I32_SUB && ins->op != OPCODE_I32_SHL)
        return unknown;
    struct linear a = stride_of(graph, header, ins->a, depth + 1);
    struct linear b = stride_of(graph, header, ins->b, depth + 1);
    uint64_t count;
    if (!a.known || !b.known)
        return unknown;
    if (ins->op == OPCODE_I32_ADD)
        return (struct linear){true, a.stride + b.stride};
    if (ins->op == OPCODE_I32_SUB)
        return (struct linear){true, a.stride - b.stride};
    if (!ssa_is_const(graph, ins->b, &count))
        return unknown;
    return (struct linear){true, a.stride << (count & 31)};
}

/* Whether the access takes the loop through the memory. */
static bool walks(const struct graph *graph, uint32_t header, const struct walk *walk,
                  const struct ins *ins)
{
    if (ssa_is_own(ins->op) || ins->memory == MEMORY_OF_OBJECTS ||
        !(ssa_effects(ins) & (EFFECT_READS | EFFECT_WRITES)))
        return false;
    if (graph->module->memories[ins->memory].limits.index64 ||
        !block_dominates(graph, ins->block, latch_of(graph, header)))
        return false;
    struct linear address = stride_of(graph, header, ins->a, 0);
    uint32_t stride = address.stride < 1u << 31 ? address.stride : -address.stride;
    return address.known && stride > 0 && stride <= STRIDE_MOST && walk->work <= WORK_MOST * stride;
}

static struct walk *find_loops(const struct graph *graph)
{
    struct walk *loops = arena_alloc(graph->arena, graph->block_count * sizeof(*loops));
    for (uint32_t i = 0; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        if (block->is_loop)
            loops[graph->order[i]].is_innermost = loops[graph->order[i]].stays = true;
        if (!block->loop)
            continue;
        struct walk *loop = &loops[block->loop];
        loops[block->parent].is_innermost = false;
        for (uint32_t v = block->first; v; v = graph->ins[v].next) {
            uint16_t op = graph->ins[v].op;
            loop->work++;
            loop->stays = loop->stays && (op < SSA_CALL || op > SSA_CALL_INTERP);
        }
    }
    return loops;
}

static bool has_walk(const struct graph *graph, uint32_t header, const struct walk *walk,
                     uint32_t from)
{
    for (uint32_t i = from; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        if (block->loop != header)
            return false;
        for (uint32_t v = block->first; v; v = graph->ins[v].next) {
            if (walks(graph, header, walk, &graph->ins[v]))
                return true;
        }
    }
    return false;
}

static void remove_check(struct graph *graph, uint32_t header)
{
    for (uint32_t v = graph->blocks[header].first; v; v = graph->ins[v].next) {
        if (graph->ins[v].op == SSA_LOOP) {
            ins_remove(graph, v);
            return;
        }
    }
}

void graph_trim_checks(struct graph *graph)
{
    const struct walk *loops = find_loops(graph);
    for (uint32_t i = 0; i < graph->order_count; i++) {
        uint32_t header = graph->order[i];
        const struct walk *walk = &loops[header];
        if (walk->is_innermost && walk->stays && graph->blocks[header].pred_count == 2 &&
            has_walk(graph, header, walk, i))
            remove_check(graph, header);
    }
}
