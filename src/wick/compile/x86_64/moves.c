/* SPDX-License-Identifier: Apache-2.0 */
/* Moves between registers, slots and constants, many at once as if none came before another. */
#include "wick/compile/x86_64/emit.h"

#include "base/search.h"

#include <string.h>

static bool is_const_source(uint32_t from)
{
    return from >= SOURCE_CONST && from < SLOT_FIRST;
}

static void move_const(struct emit *e, uint32_t to, uint32_t from, uint8_t size)
{
    const struct ins *ins = &e->graph->ins[from - SOURCE_CONST];
    uint8_t bytes[16];
    if (ins->op == SSA_CONST128)
        memcpy(bytes, e->graph->vectors[ins->imm].data, 16);
    else
        memcpy(bytes, &ins->imm, 8);
    if (!is_slot(to)) {
        if (reg_is_vector(to))
            load_const(e, size, to, bytes);
        else
            asm_mov_ri(&e->code, to, ins->imm);
        return;
    }
    if (size == 8 && ins->imm <= INT32_MAX) {
        asm_mi(&e->code, 8, 0xC7, 0, slot_mem(to));
        code_u32(&e->code, (uint32_t)ins->imm);
        return;
    }
    for (uint32_t at = 0; at < size; at += 4) {
        uint32_t word;
        memcpy(&word, bytes + at, 4);
        asm_mi(&e->code, 4, 0xC7, 0, slot_mem(to + at));
        code_u32(&e->code, word);
    }
}

/* Between slots, through the scratch register of the other class. */
static void move_slots(struct emit *e, uint32_t to, uint32_t from, uint8_t size, bool vector)
{
    if (!vector) {
        sse_load(e, 8, REG_VECTOR_SCRATCH, slot_mem(from));
        sse_store(e, 8, slot_mem(to), REG_VECTOR_SCRATCH);
        return;
    }
    for (uint32_t at = 0; at < size; at += 8) {
        asm_load_stack(&e->code, REG_SCRATCH, slot_disp(from + at));
        asm_store_stack(&e->code, slot_disp(to + at), REG_SCRATCH);
    }
}

static void move_to_slot(struct emit *e, uint32_t to, uint32_t from, uint8_t size, bool vector)
{
    if (is_slot(from))
        move_slots(e, to, from, size, vector);
    else if (is_const_source(from))
        move_const(e, to, from, size);
    else if (reg_is_vector(from))
        sse_store(e, size, slot_mem(to), from);
    else
        asm_store_stack(&e->code, slot_disp(to), from);
}

static void move_to_reg(struct emit *e, uint32_t to, uint32_t from, uint8_t size)
{
    if (is_const_source(from))
        move_const(e, to, from, size);
    else if (reg_is_vector(to) && is_slot(from))
        sse_load(e, size, to, slot_mem(from));
    else if (reg_is_vector(to))
        sse_move(e, to, from);
    else if (is_slot(from))
        asm_load_stack(&e->code, to, slot_disp(from));
    else
        asm_mov_rr(&e->code, 8, to, from);
}

static void emit_any_move(struct emit *e, const struct machine_move *move)
{
    if (is_slot(move->to))
        move_to_slot(e, move->to, move->from, move->size, move->is_vector);
    else
        move_to_reg(e, move->to, move->from, move->size);
}

void emit_move(struct emit *e, uint32_t to, uint32_t from, uint8_t size)
{
    if (to != from && is_slot(to))
        move_to_slot(e, to, from, size, reg_is_vector(from));
    else if (to != from)
        move_to_reg(e, to, from, size);
}

/* What the moves that are still to be made do with a location. */
static struct emit_location *location_at(struct emit *e, uint32_t location)
{
    return &e->locations[is_slot(location) ? REG_COUNT + (location - SLOT_FIRST) / 8 : location];
}

/* Makes a move, and then those that only waited for its source to be read. */
static void make_moves(struct emit *e, struct machine_move *moves, struct machine_move *move)
{
    for (;;) {
        uint32_t from = move->from;
        emit_any_move(e, move);
        location_at(e, move->to)->writer = 0;
        if (is_const_source(from))
            return;
        struct emit_location *source = location_at(e, from);
        if (--source->readers || !source->writer)
            return;
        move = &moves[source->writer - 1];
    }
}

/* Breaks the cycle that a move is in: what it would overwrite goes to the scratch register. */
static void break_cycle(struct emit *e, struct machine_move *moves,
                        const struct machine_move *first)
{
    uint32_t lost = first->to, scratch = first->is_vector ? REG_VECTOR_SCRATCH : REG_SCRATCH;
    struct machine_move *last = &moves[location_at(e, lost)->writer - 1];
    while (last->from != lost)
        last = &moves[location_at(e, last->from)->writer - 1];
    emit_move(e, scratch, lost, last->size);
    location_at(e, lost)->readers--;
    last->from = scratch;
    location_at(e, scratch)->readers++;
}

static void moves_of_class(struct emit *e, struct machine_move *moves, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!is_const_source(moves[i].from))
            location_at(e, moves[i].from)->readers++;
        location_at(e, moves[i].to)->writer = i + 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct emit_location *to = location_at(e, moves[i].to);
        if (to->writer && !to->readers)
            make_moves(e, moves, &moves[i]);
    }
    for (uint32_t i = 0; i < count; i++) { /* what is left goes round */
        if (!location_at(e, moves[i].to)->writer)
            continue;
        break_cycle(e, moves, &moves[i]);
        make_moves(e, moves, &moves[i]);
    }
}

/* Two moves need no more than the right order, unless they exchange. */
static bool make_two_moves(struct emit *e, const struct machine_move *moves)
{
    const struct machine_move *first = &moves[moves[1].from == moves[0].to];
    const struct machine_move *second = first == moves ? &moves[1] : moves;
    if (second->from == first->to)
        return false;
    if (first->from != first->to)
        emit_any_move(e, first);
    if (second->from != second->to)
        emit_any_move(e, second);
    return true;
}

/* A bit for the location; some slots share theirs. */
static uint64_t location_bit(uint32_t location)
{
    uint32_t bit = is_slot(location) ? REG_COUNT + location / 8 % (64 - REG_COUNT) : location;
    return (uint64_t)1 << bit;
}

/* Makes the moves one after the other, if none overwrites what another one reads, as far as bits
 * tell. */
static bool make_independent_moves(struct emit *e, const struct machine_move *moves, uint32_t count)
{
    uint64_t read = 0, written = 0;
    bool any_vector = false;
    for (uint32_t i = 0; i < count; i++) {
        if (moves[i].from == moves[i].to)
            continue;
        any_vector |= moves[i].is_vector;
        written |= location_bit(moves[i].to);
        if (!is_const_source(moves[i].from))
            read |= location_bit(moves[i].from);
    }
    if (read & written)
        return false;
    for (int vector = any_vector; vector >= 0; vector--) {
        for (uint32_t i = 0; i < count; i++) {
            if (moves[i].is_vector == vector && moves[i].from != moves[i].to)
                emit_any_move(e, &moves[i]);
        }
    }
    return true;
}

void parallel_move(struct emit *e, const struct machine_move *moves, uint32_t count)
{
    if (count == 1 && moves->from != moves->to)
        emit_any_move(e, moves);
    if (count <= 1 || (count == 2 && make_two_moves(e, moves)) ||
        make_independent_moves(e, moves, count))
        return;
    arena_grow(e->code.arena, &e->sorted, count, &e->sorted_capacity, sizeof(*e->sorted));
    for (int vector = 1; vector >= 0; vector--) {
        uint32_t chosen = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (moves[i].is_vector == vector && moves[i].from != moves[i].to)
                e->sorted[chosen++] = moves[i];
        }
        moves_of_class(e, e->sorted, chosen);
    }
}

uint32_t moves_from(const struct machine *m, uint32_t place)
{
    return SEARCH_FIRST(m->moves, 0, m->move_count, place, place);
}

void seek_move(struct emit *e, uint32_t move)
{
    const struct machine *m = e->machine;
    e->next_move = move;
    e->next_place = move < m->move_count ? m->moves[move].place : UINT32_MAX;
}

void next_moves(struct emit *e)
{
    const struct machine *m = e->machine;
    uint32_t first = e->next_move, end = first + 1;
    while (end < m->move_count && m->moves[end].place == e->next_place)
        end++;
    parallel_move(e, &m->moves[first], end - first);
    seek_move(e, end);
}
