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

/* A value that has a slot goes there where it is defined; a phi: see resolve_phi. */
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
    /* At the start of a block moves stand on the edges, unless a phi begins there in its slot. */
    bool begins =
        interval == piece(a, a->piece_of[interval->reg]) && next->start == interval->start;
    bool moves = next->start == interval->end && next->location < REG_COUNT &&
                 (begins || !is_block_start(a, next->start));
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

/* Whether a value is in its slot on all ways to a block. */
static bool loads_once(const struct allocation *a, const struct pieces *pieces,
                       const struct placed_block *block)
{
    for (uint32_t i = 0; i < block->edge_count; i++) {
        uint32_t end = a->placed[a->edges[block->edges + i].from].end;
        if (location_at(a, pieces, end - 1) < REG_COUNT)
            return false;
    }
    return true;
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
        if (start == at->start && loads_once(a, pieces, block)) {
            add_move(a, 2 * (start / 4), at->reg, a->slot_of[at->reg], at->location);
            continue;
        }
        for (uint32_t i = 0; i < block->edge_count; i++) {
            const struct placed_edge *edge = &a->edges[block->edges + i];
            uint32_t from = location_at(a, pieces, a->placed[edge->from].end - 1);
            add_move(a, edge->moves, at->reg, from, at->location);
        }
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

/* Whether none of a phi's operands is in its slot, so that all ways to it would have to store. */
static bool stores_once(const struct allocation *a, uint32_t phi)
{
    for (uint32_t i = a->first_source[phi]; i < a->first_source[phi + 1]; i++) {
        if (is_in_slot(a, a->slot_of[phi], a->phi_sources[i].reg))
            return false;
    }
    return true;
}

/* A phi gets its operand on each way to it, in its register and in its slot if it has both; all
 * that would have to store do so once, behind. */
static void resolve_phi(struct allocation *a, uint32_t phi)
{
    const struct interval *interval = piece(a, a->piece_of[phi]);
    uint32_t location = interval->location, slot = a->slot_of[phi];
    bool once = slot != NO_OPERAND && location != slot && stores_once(a, phi);
    for (uint32_t i = a->first_source[phi]; i < a->first_source[phi + 1]; i++) {
        const struct phi_source *source = &a->phi_sources[i];
        uint32_t place = 2 * a->jumps[source->jump].ins + 1;
        uint32_t from = a->machine->pool[source->operand];
        if (location != slot)
            add_move(a, place, phi, from, location);
        if (slot != NO_OPERAND && !once && !is_in_slot(a, slot, source->reg))
            add_move(a, place, phi, from, slot);
    }
    if (once)
        add_move(a, 2 * (interval->start / 4), phi, location, slot);
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
    for (uint32_t reg = REG_COUNT; reg < m->reg_count; reg++) {
        if (m->regs[reg].is_phi && a->piece_of[reg])
            resolve_phi(a, reg);
    }
    if (m->root_count)
        qsort(m->roots, m->root_count, sizeof(*m->roots), compare_roots);
    sort_moves(m);
}
