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
    m->moves[m->move_count++] = (struct machine_move){
        place, from, to, m->regs[reg].is_vector ? m->regs[reg].size : 8, m->regs[reg].is_vector};
}

static bool is_block_start(const struct allocation *a, uint32_t position)
{
    return a->placed[a->block_of[position / 4]].start / 4 == position / 4;
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

/* ---- Between blocks ----------------------------------------------------------------------------
 */

/* The pieces of one value, in order. */
struct pieces {
    uint32_t *numbers;
    uint32_t count, capacity;
};

/* Where the value is at a position, at which it lives. */
static uint32_t location_at(const struct allocation *a, const struct pieces *pieces,
                            uint32_t position)
{
    uint32_t low = 0, high = pieces->count - 1;
    while (low < high) { /* the last piece that starts at or before it */
        uint32_t middle = low + (high - low + 1) / 2;
        if (piece(a, pieces->numbers[middle])->start <= position)
            low = middle;
        else
            high = middle - 1;
    }
    return piece(a, pieces->numbers[low])->location;
}

static void resolve_edge(struct allocation *a, const struct pieces *pieces, uint32_t from,
                         uint32_t to, const struct interval *behind)
{
    const struct placed_block *source = &a->placed[from];
    uint32_t place =
        source->has_one_way ? 2 * (source->end / 4 - 1) + 1 : 2 * (a->placed[to].start / 4);
    add_move(a, place, behind->reg, location_at(a, pieces, source->end - 1), behind->location);
}

/* Over each edge into a block at whose start the piece has a register. What is in its slot there
 * was stored when it was defined. */
static void resolve_piece(struct allocation *a, const struct pieces *pieces,
                          const struct interval *at)
{
    uint32_t definition = piece(a, pieces->numbers[0])->start;
    uint32_t last = a->block_of[(at->end - 1) / 4];
    for (uint32_t b = a->block_of[at->start / 4]; b <= last; b++) {
        uint32_t start = a->placed[b].start;
        if (start < at->start || start <= definition)
            continue;
        uint32_t live = interval_next(a, at, start);
        if (live >= at->end)
            return;
        if (live != start) { /* on to the block where it lives again */
            b = a->block_of[live / 4] - 1;
            continue;
        }
        const struct placed_block *block = &a->placed[b];
        for (uint32_t p = 0; p < block->pred_count; p++)
            resolve_edge(a, pieces, a->preds[block->preds + p], b, at);
    }
}

static void resolve_edges(struct allocation *a, uint32_t reg, struct pieces *pieces)
{
    pieces->count = 0;
    for (uint32_t number = a->piece_of[reg]; number; number = piece(a, number)->next) {
        arena_grow(a->arena, &pieces->numbers, pieces->count + 1, &pieces->capacity,
                   sizeof(*pieces->numbers));
        pieces->numbers[pieces->count++] = number;
    }
    for (uint32_t i = 0; i < pieces->count; i++) {
        if (piece(a, pieces->numbers[i])->location < REG_COUNT)
            resolve_piece(a, pieces, piece(a, pieces->numbers[i]));
    }
}

/* Whether a phi's operand is in the slot that the phi has, whatever register it is in, too. */
static bool is_in_slot(const struct allocation *a, uint32_t slot, uint32_t source)
{
    return source < SOURCE_CONST && a->slot_of[source] == slot;
}

static void resolve_phis(struct allocation *a)
{
    const struct machine *m = a->machine;
    for (uint32_t i = 0; i < a->jump_count; i++) {
        const struct machine_ins *ins = &m->ins[a->jumps[i]];
        uint32_t place = 2 * a->jumps[i] + 1;
        for (uint32_t p = 0; p < ins->arg_count; p++) {
            uint32_t phi = m->pool[ins->args + 2 * p], source = m->pool[ins->args + 2 * p + 1];
            if (!a->piece_of[phi])
                continue;
            uint32_t location = piece(a, a->piece_of[phi])->location, slot = a->slot_of[phi];
            if (location != slot)
                add_move(a, place, phi, source, location);
            if (slot != NO_OPERAND && !is_in_slot(a, slot, source))
                add_move(a, place, phi, source, slot);
        }
    }
}

/* ---- References -------------------------------------------------------------------------------
 */

static int compare_roots(const void *x, const void *y)
{
    const struct machine_root *a = x, *b = y;
    return a->ins < b->ins ? -1 : a->ins > b->ins;
}

/* The calls over which a traced value lives, in its slot. */
static void find_roots(struct allocation *a, uint32_t reg)
{
    struct machine *m = a->machine;
    const struct interval *at = piece(a, a->piece_of[reg]);
    struct interval whole = *at;
    while (at->next)
        at = piece(a, at->next);
    whole.end = at->end;
    for (uint32_t i = 0; i < a->clobber_count; i++) {
        const struct clobber *call = &a->clobbers[i];
        if (call->mask != ALL_REGS || !interval_covers(a, &whole, call->position))
            continue;
        arena_grow(m->arena, &m->roots, m->root_count + 1, &m->root_capacity, sizeof(*m->roots));
        m->roots[m->root_count++] = (struct machine_root){call->position / 4, a->slot_of[reg]};
    }
}

/* By place; those of one place may have any order. */
static void sort_moves(struct machine *m)
{
    uint32_t places = 2 * m->ins_count + 2;
    uint32_t *next = arena_alloc(m->arena, (places + 1) * sizeof(*next));
    struct machine_move *sorted = arena_take(m->arena, (m->move_count + 1) * sizeof(*sorted));
    for (uint32_t i = 0; i < m->move_count; i++)
        next[m->moves[i].place + 1]++;
    for (uint32_t i = 0; i < places; i++)
        next[i + 1] += next[i];
    for (uint32_t i = 0; i < m->move_count; i++)
        sorted[next[m->moves[i].place]++] = m->moves[i];
    sorted[m->move_count] = (struct machine_move){.place = UINT32_MAX};
    m->moves = sorted;
}

void resolve_locations(struct allocation *a)
{
    struct machine *m = a->machine;
    struct pieces pieces = {0};
    arena_grow(m->arena, &m->moves, m->ins_count, &m->move_capacity, sizeof(*m->moves));
    for (uint32_t reg = REG_COUNT; reg < m->reg_count; reg++) {
        uint32_t first = a->piece_of[reg];
        m->regs[reg].location = first ? piece(a, first)->location : NO_OPERAND;
        m->regs[reg].slot = a->slot_of[reg];
        for (uint32_t number = first; number; number = piece(a, number)->next)
            place_piece(a, piece(a, number));
        if (first && piece(a, first)->next)
            resolve_edges(a, reg, &pieces);
        if (first && m->regs[reg].is_traced)
            find_roots(a, reg);
    }
    if (m->root_count)
        qsort(m->roots, m->root_count, sizeof(*m->roots), compare_roots);
    resolve_phis(a);
    sort_moves(m);
}
