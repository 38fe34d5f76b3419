/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses at a constant distance from each other: x + 8, x + 24 and x + 16 become one sum, and
 * offsets from it, which need no addition. A sum of WebAssembly wraps and an offset does not, but
 * where y is the address of an access that does not trap, y + d cannot wrap: memories are
 * smaller than 4 GiB by 64 KiB at least (MEMORY32_MAX), and d is not larger than that.
 *
 * The access that proves it may come after one that relies on it, if nothing between the two has an
 * effect or another trap: were y outside of the memory, y + d without wrapping would be so too, and
 * the trap the same.
 */
#include "wick/compile/ssa.h"

enum {
    DISTANCE_MOST = 1 << 16,
    BASES_MOST = 8, /* at a time, in one block */
    RUN_MOST = 32,  /* accesses in a row */
};

/* Accesses at base + constant. */
struct base {
    uint32_t value;
    bool is_proven;
    int32_t proven; /* base + this is the address of an access that was made */
    uint32_t proven_address;
    /* Of the accesses in the current run: */
    uint32_t count;
    int32_t least;
    uint32_t least_address;
};

/* One access of the run. */
struct member {
    uint32_t access;
    uint32_t base; /* in bases */
    int32_t distance;
};

struct addresses {
    struct graph *graph;
    uint32_t *places; /* by value, of those in the block that were met: its number there */
    struct base bases[BASES_MOST];
    uint32_t base_count;
    struct member run[RUN_MOST]; /* without effects between them */
    uint32_t run_count;
};

/* The address as base + distance. */
static uint32_t split_address(const struct graph *graph, uint32_t address, int32_t *distance)
{
    const struct ins *ins = &graph->ins[address];
    uint64_t constant;
    *distance = 0;
    if (ins->op != OPCODE_I32_ADD || !ssa_is_const(graph, ins->b, &constant))
        return address;
    *distance = (int32_t)(uint32_t)constant;
    return ins->a;
}

static bool is_near(int32_t from, int32_t to)
{
    int64_t distance = (int64_t)to - from;
    return distance >= 0 && distance <= DISTANCE_MOST;
}

static void add_access(struct addresses *s, uint32_t access)
{
    int32_t distance;
    uint32_t address = s->graph->ins[access].a;
    uint32_t value = split_address(s->graph, address, &distance), at = 0;
    while (at < s->base_count && s->bases[at].value != value)
        at++;
    if (s->run_count == RUN_MOST || at == BASES_MOST || s->graph->ins[value].op == SSA_CONST)
        return;
    struct base *base = &s->bases[at];
    if (at == s->base_count) {
        *base = (struct base){.value = value};
        s->base_count++;
    }
    if (base->count == 0 || distance < base->least) {
        base->least = distance;
        base->least_address = address;
    }
    base->count++;
    s->run[s->run_count++] = (struct member){access, at, distance};
}

static void set_address(struct addresses *s, uint32_t access, uint32_t address, int32_t distance)
{
    struct graph *graph = s->graph;
    struct ins *ins = &graph->ins[access];
    uint64_t offset = ins->imm + (uint64_t)distance;
    if (ins->a == address || offset > INT32_MAX)
        return;
    ins->imm = offset;
    ins->a = address;
}

/* The sum must be there before the first access that uses it. */
static void raise_sum(struct addresses *s, uint32_t address, uint32_t access)
{
    struct graph *graph = s->graph;
    if (graph->ins[address].block != graph->ins[access].block ||
        s->places[address] <= s->places[access])
        return;
    ins_move_before(graph, address, access);
    s->places[address] = s->places[access];
}

static void end_run(struct addresses *s)
{
    for (uint32_t i = 0; i < s->run_count; i++) {
        const struct member *member = &s->run[i];
        const struct base *base = &s->bases[member->base];
        if (base->is_proven && is_near(base->proven, member->distance)) {
            set_address(s, member->access, base->proven_address, member->distance - base->proven);
        } else if (base->least != member->distance && is_near(base->least, member->distance)) {
            raise_sum(s, base->least_address, member->access);
            set_address(s, member->access, base->least_address, member->distance - base->least);
        }
    }
    for (uint32_t i = 0; i < s->base_count; i++) {
        struct base *base = &s->bases[i];
        if (base->count && (!base->is_proven || base->least < base->proven)) {
            base->is_proven = true;
            base->proven = base->least;
            base->proven_address = base->least_address;
        }
        base->count = 0;
    }
    s->run_count = 0;
}

static bool is_access(const struct graph *graph, const struct ins *ins, unsigned effects)
{
    if (ssa_is_own(ins->op) || ins->memory != 0 || !(effects & (EFFECT_READS | EFFECT_WRITES)))
        return false;
    return !graph->module->memories[0].limits.index64;
}

static void share_in_block(struct addresses *s, const struct block *block)
{
    struct graph *graph = s->graph;
    uint32_t place = 0;
    s->base_count = s->run_count = 0;
    for (uint32_t v = block->first; v; v = graph->ins[v].next) {
        const struct ins *ins = &graph->ins[v];
        s->places[v] = ++place;
        unsigned effects = ssa_effects(ins);
        if (!effects)
            continue;
        bool access = is_access(graph, ins, effects);
        if (access)
            add_access(s, v);
        if (effects & (EFFECT_WRITES | EFFECT_ORDER) || (effects & EFFECT_TRAPS && !access))
            end_run(s);
    }
}

void graph_share_addresses(struct graph *graph)
{
    if (!graph->options->guard || !graph->module->memory_count)
        return;
    struct addresses s = {.graph = graph};
    s.places = arena_take(graph->arena, graph->ins_count * sizeof(*s.places));
    for (uint32_t i = 0; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        if (block->accesses > 1)
            share_in_block(&s, block);
    }
}
