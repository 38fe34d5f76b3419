/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which blocks are emitted. Where the last block of an innermost loop jumps back to
 * its first, it goes before it, so that only entering the loop takes a jump and not each round.
 */
#include "wick/compile/x86_64/emit.h"

enum { CHAIN_MOST = 4 }; /* blocks that move together */

/* ---- Ways through empty blocks ----------------------------------------------------------------
 */

/* Blocks that only jump, without moves, lead to where they jump. Not the entry, which nothing jumps
 * past, nor the header of a loop, so that no way goes round. */
static void find_targets(struct emit *e)
{
    const struct machine *m = e->machine;
    const struct graph *graph = e->graph;
    uint32_t move = 0;
    e->target = arena_alloc(e->code.arena, graph->block_count * sizeof(*e->target));
    for (uint32_t i = 0; i < graph->order_count; i++) {
        uint32_t at = graph->order[i], first_move = move;
        const struct machine_block *block = &m->blocks[at];
        while (move < m->move_count && m->moves[move].place < 2 * block->end)
            move++;
        bool is_empty = block->end - block->first == 1 && move == first_move &&
                        m->ins[block->first].op == M_JUMP && i > 0 && !graph->blocks[at].is_loop;
        e->target[at] = is_empty ? graph->blocks[at].succs[0] : at;
    }
}

uint32_t final_target(const struct emit *e, uint32_t block)
{
    uint32_t end = block;
    while (is_empty_block(e, end))
        end = e->target[end];
    while (is_empty_block(e, block)) { /* next time it is one step */
        uint32_t next = e->target[block];
        e->target[block] = end;
        block = next;
    }
    return end;
}

/* ---- Loops ------------------------------------------------------------------------------------
 */

/* Blocks by number: those beside them. 0: none. */
struct line {
    const struct emit *e;
    uint32_t *next, *prev;
};

static uint32_t following_code(const struct line *line, uint32_t block)
{
    do
        block = line->next[block];
    while (block && is_empty_block(line->e, block));
    return block;
}

static uint32_t preceding_code(const struct line *line, uint32_t block)
{
    do
        block = line->prev[block];
    while (block && is_empty_block(line->e, block));
    return block;
}

static uint8_t end_of(const struct emit *e, uint32_t block)
{
    return e->machine->ins[e->machine->blocks[block].end - 1].op;
}

/* The last block in the code that jumps back to the header, or 0. */
static uint32_t last_block(const struct emit *e, uint32_t header)
{
    const struct block *block = &e->graph->blocks[header];
    uint32_t last = 0;
    for (uint32_t p = 1; p < block->pred_count; p++) {
        uint32_t pred = block->preds[p];
        const struct block *from = &e->graph->blocks[pred];
        if (from->order > block->order && from->cold == block->cold && end_of(e, pred) == M_JUMP &&
            !is_empty_block(e, pred) && (!last || from->order > e->graph->blocks[last].order))
            last = pred;
    }
    return last;
}

/* The first of the blocks up to `last` that do nothing but follow each other. */
static uint32_t chain_start(const struct line *line, uint32_t header, uint32_t last)
{
    const struct emit *e = line->e;
    uint32_t first = last;
    for (int count = 1; count < CHAIN_MOST; count++) {
        uint32_t before = line->prev[first];
        if (before == header || end_of(e, before) != M_JUMP || is_empty_block(e, before) ||
            e->graph->blocks[before].loop != header || e->graph->blocks[before].succs[0] != first)
            break;
        first = before;
    }
    return first;
}

/* Whether the block before the chain gains by its going, or loses nothing. */
static bool may_leave(const struct line *line, uint32_t first, uint32_t last)
{
    const struct emit *e = line->e;
    uint32_t before = preceding_code(line, first);
    const struct block *block = &e->graph->blocks[before];
    if (end_of(e, before) == M_JUMP)
        return final_target(e, block->succs[0]) != first;
    if (end_of(e, before) != M_BRANCH)
        return true;
    uint32_t yes = final_target(e, block->succs[0]), no = final_target(e, block->succs[1]);
    return (yes != first && no != first) || (yes == first ? no : yes) == following_code(line, last);
}

static void move_chain(struct line *line, uint32_t first, uint32_t last, uint32_t to)
{
    uint32_t *next = line->next, *prev = line->prev;
    next[prev[first]] = next[last];
    prev[next[last]] = prev[first];
    next[prev[to]] = first;
    prev[first] = prev[to];
    next[last] = to;
    prev[to] = last;
}

/* By header: loops with calls or other loops in them, in which a jump counts little, while many of
 * them go round but once or twice. */
static const bool *find_long_loops(const struct emit *e)
{
    const struct graph *graph = e->graph;
    bool *is_long = arena_alloc(e->code.arena, graph->block_count * sizeof(*is_long));
    for (uint32_t i = 0; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        const struct machine_block *code = &e->machine->blocks[graph->order[i]];
        is_long[block->parent] = true;
        for (uint32_t at = code->first; at < code->end && block->loop && !block->cold; at++) {
            if (e->machine->ins[at].op >= M_CALL && e->machine->ins[at].op <= M_CALL_VECTOR)
                is_long[block->loop] = true;
        }
    }
    return is_long;
}

void order_blocks(struct emit *e)
{
    const struct graph *graph = e->graph;
    find_targets(e);
    struct line line = {.e = e};
    line.next = arena_alloc(e->code.arena, graph->block_count * sizeof(*line.next));
    line.prev = arena_alloc(e->code.arena, graph->block_count * sizeof(*line.prev));
    e->order = arena_take(e->code.arena, (graph->order_count + 1) * sizeof(*e->order));
    e->begins_loop = arena_alloc(e->code.arena, graph->block_count * sizeof(*e->begins_loop));
    const bool *is_long = find_long_loops(e);
    for (uint32_t i = 0; i + 1 < graph->order_count; i++) {
        line.next[graph->order[i]] = graph->order[i + 1];
        line.prev[graph->order[i + 1]] = graph->order[i];
    }
    for (uint32_t i = 1; i < graph->order_count; i++) {
        uint32_t header = graph->order[i];
        if (!graph->blocks[header].is_loop)
            continue;
        uint32_t last = is_long[header] ? 0 : last_block(e, header);
        uint32_t first = last ? chain_start(&line, header, last) : 0;
        bool moves = last && may_leave(&line, first, last);
        if (moves)
            move_chain(&line, first, last, header);
        e->begins_loop[moves ? first : header] = true;
    }
    uint32_t block = graph->order[0];
    for (uint32_t i = 0; i < graph->order_count; i++, block = line.next[block]) {
        if (!is_empty_block(e, block))
            e->order[e->order_count++] = block;
    }
    e->order[e->order_count] = 0;
}
