/* SPDX-License-Identifier: Apache-2.0 */
/* After the scan: locations go into the instructions, and moves between the pieces of a value. */
#include "wick/compile/regalloc.h"

#include <stdlib.h>

static const struct interval *piece(const struct allocation *a, uint32_t number)
{
    return &a->intervals[number];
}

static void add_move(struct allocation *a, uint32_t place, uint32_t reg, uint32_t from, uint32_t to)
{
    struct machine *m = a->machine;
    if (from == to)
        return;
    arena_grow(a->arena, &m->moves, m->move_count + 1, &m->move_capacity, sizeof(*m->moves));
    m->moves[m->move_count++] =
        (struct machine_move){
        place, from, to, m->regs[reg].is_vector ? m->regs[reg].size : 8, m->regs[reg].is_vector};
}

/* Where a value is at a position, at which it lives. */
static uint32_t location_at(const struct allocation *a, uint32_t reg, uint32_t position)
{
    uint32_t number = a->piece_of[reg];
    while (piece(a, number)->next && piece(a, piece(a, number)->next)->start <= position)
        number = piece(a, number)->next;
    return piece(a, number)->location;
}

static bool is_block_start(const struct allocation *a, uint32_t position)
{
    return order_block(a, a->block_of[position / 4])->first == position / 4;
}

/* ---- Within blocks ----------------------------------------------------------------------------
 */

/* A value that has a slot goes there where it is defined; a phi does on the edges. */
static void store_definition(struct allocation *a, const struct use *use, uint32_t reg,
                             uint32_t location)
{
    if (use->kind >= DEF_REG && a->slot_of[reg] != NO_OPERAND)
        add_move(a, 2 * (use->position / 4 + 1), reg, location, a->slot_of[reg]);
}

static void place_piece(struct allocation *a, const struct interval *interval)
{
    for (uint32_t u = interval->use; u < interval->use_end; u++) {
        *a->uses[u].operand = interval->location;
        store_definition(a, &a->uses[u], interval->reg, interval->location);
    }
    if (!interval->next)
        return;
    const struct interval *next = piece(a, interval->next);
    bool moves = next->start == interval->end && next->location < REG_COUNT &&
                 !is_block_start(a, next->start);
    if (moves)
        add_move(a, next->start / 4 * 2, interval->reg, interval->location, next->location);
}

/* ---- Between blocks ---------------------------------------------------------------------------
 */

static void resolve_edge(struct allocation *a, uint32_t reg, uint32_t from, uint32_t to)
{
    const struct graph *graph = a->machine->graph;
    const struct machine_block *source = order_block(a, from), *target = order_block(a, to);
    uint32_t before = location_at(a, reg, 4 * source->end - 1);
    uint32_t behind = location_at(a, reg, 4 * target->first);
    if (behind >= REG_COUNT)
        return;
    bool on_jump = graph->blocks[graph->order[from]].succ_count == 1;
    add_move(a, on_jump ? 2 * (source->end - 1) + 1 : 2 * target->first, reg, before, behind);
}

/* Over each edge into a block where the value lives from the start on. */
static void resolve_edges(struct allocation *a, uint32_t reg)
{
    const struct graph *graph = a->machine->graph;
    const struct interval *first = piece(a, a->piece_of[reg]), *at = first;
    struct interval whole = *first;
    while (at->next)
        at = piece(a, at->next);
    whole.end = at->end;
    uint32_t last = a->block_of[(whole.end - 1) / 4];
    for (uint32_t b = a->block_of[whole.start / 4]; b <= last; b++) {
        uint32_t start = 4 * order_block(a, b)->first;
        if (start <= whole.start) /* defined here */
            continue;
        uint32_t live = interval_next(a, &whole, start);
        if (live != start) {
            if (live >= whole.end)
                return;
            b = a->block_of[live / 4] - 1; /* the next block where it lives */
            continue;
        }
        const struct block *block = &graph->blocks[graph->order[b]];
        for (uint32_t p = 0; p < block->pred_count; p++)
            resolve_edge(a, reg, graph->blocks[block->preds[p]].order, b);
    }
}

static void resolve_phis(struct allocation *a)
{
    struct machine *m = a->machine;
    for (uint32_t i = 0; i < m->ins_count; i++) {
        const struct machine_ins *ins = &m->ins[i];
        for (uint32_t p = 0; ins->op == M_JUMP && p < ins->arg_count; p++) {
            uint32_t phi = m->pool[ins->args + 2 * p], source = m->pool[ins->args + 2 * p + 1];
            if (!a->piece_of[phi])
                continue;
            uint32_t location = piece(a, a->piece_of[phi])->location;
            add_move(a, 2 * i + 1, phi, source, location);
            if (a->slot_of[phi] != NO_OPERAND && location != a->slot_of[phi])
                add_move(a, 2 * i + 1, phi, source, a->slot_of[phi]);
        }
    }
}

static int compare_moves(const void *x, const void *y)
{
    const struct machine_move *a = x, *b = y;
    return a->place < b->place ? -1 : a->place > b->place;
}

void resolve_locations(struct allocation *a)
{
    struct machine *m = a->machine;
    for (uint32_t reg = REG_COUNT; reg < m->reg_count; reg++) {
        uint32_t first = a->piece_of[reg];
        for (uint32_t number = first; number; number = piece(a, number)->next)
            place_piece(a, piece(a, number));
        if (first && piece(a, first)->next)
            resolve_edges(a, reg);
    }
    resolve_phis(a);
    if (m->move_count)
        qsort(m->moves, m->move_count, sizeof(*m->moves), compare_moves);
}
