/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where virtual registers live. Most are used in their own block alone, and have one range. The
 * others are taken in groups of 64, a bit each: backwards over the blocks goes what lives at their
 * starts and ends; then forwards go the ranges, from where a value is defined or begins to live
 * again to where it ends.
 */
#include "wick/compile/regalloc.h"

#include "base/search.h"

#include <string.h>

enum {
    GROUP_MAX = 64,
    HOLE_MIN = 4, /* positions; shorter holes at a block's end are not kept */
};

/* The values of the group, a bit each, in one block. */
struct block_sets {
    uint64_t used;    /* by it, and defined elsewhere */
    uint64_t defined; /* by it */
    uint64_t in, out; /* alive at its start, at its end */
};

/* A value of the group. */
struct member {
    uint32_t interval;
    uint32_t def, def_block;
    uint32_t from; /* of the range that is open */
    uint32_t next; /* place of its next range */
};

struct group_range {
    uint32_t member;
    struct range range;
};

struct group {
    struct allocation *a;
    struct member members[GROUP_MAX];
    uint32_t count;
    uint32_t first, last;    /* blocks that may have bits */
    struct block_sets *sets; /* by place in the order; all zeros before the first value is added */
    struct group_range *ranges; /* in the order of their ends */
    uint32_t range_count, range_capacity;
};

/* ---- Looking them up --------------------------------------------------------------------------
 */

uint32_t interval_next(const struct allocation *a, const struct interval *interval, uint32_t from)
{
    uint32_t low = interval->range, high = interval->range_end;
    if (from < interval->start)
        from = interval->start;
    while (low < high) { /* the first range that ends behind `from` */
        uint32_t middle = low + (high - low) / 2;
        if (a->ranges[middle].to <= from)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == interval->range_end)
        return interval->end;
    uint32_t at = a->ranges[low].from > from ? a->ranges[low].from : from;
    return at < interval->end ? at : interval->end;
}

bool interval_covers(const struct allocation *a, const struct interval *interval, uint32_t position)
{
    return position >= interval->start && position < interval->end &&
           interval_next(a, interval, position) == position;
}

/* ---- Intervals --------------------------------------------------------------------------------
 */

static uint32_t add_interval(struct allocation *a, uint32_t reg)
{
    a->piece_of[reg] = a->interval_count;
    a->intervals[a->interval_count] = (struct interval){
        .reg = reg,
        .use = a->first_use[reg],
        .use_end = a->first_use[reg + 1],
        .location = NO_OPERAND,
    };
    return a->interval_count++;
}

/* Gives an interval the ranges at [first, end). */
static void set_ranges(struct allocation *a, uint32_t number, uint32_t first, uint32_t end)
{
    struct interval *interval = &a->intervals[number];
    interval->start = a->ranges[first].from;
    interval->end = a->ranges[end - 1].to;
    interval->range = interval->cursor = first;
    interval->range_end = end;
}

/* A value that lives in one range. */
static void add_range(struct allocation *a, uint32_t reg, uint32_t from, uint32_t to)
{
    arena_grow(a->arena, &a->ranges, a->range_count + 1, &a->range_capacity, sizeof(*a->ranges));
    a->ranges[a->range_count++] = (struct range){from, to};
    set_ranges(a, add_interval(a, reg), a->range_count - 1, a->range_count);
}

/* A register of an instruction's own. A call is done with it when it jumps. */
static void add_temporary(struct allocation *a, uint32_t reg, uint32_t at)
{
    bool call = machine_clobbers(a->machine, &a->machine->ins[at / 4]) == ALL_REGS;
    add_range(a, reg, at, at + (call ? 1 : 3));
}

/* ---- Uses -------------------------------------------------------------------------------------
 */

/* Where the last of the uses at [first, end) ends the life of what it reads, or `to` if that is
 * later. */
static uint32_t last_use(const struct use *first, const struct use *end, uint32_t to)
{
    for (const struct use *use = end; use-- > first && use->position + 3 > to;) {
        uint32_t behind = use->position + (use->kind == USE_LATE ? 3 : 1);
        if (use->kind < DEF_REG && behind > to)
            to = behind;
    }
    return to;
}

/* The place of the first use at or behind a position. */
static uint32_t first_use_at(const struct allocation *a, uint32_t reg, uint32_t position)
{
    return SEARCH_FIRST(a->uses, a->first_use[reg], a->first_use[reg + 1], position, position);
}

/* Where a value is defined: at the one operand that does, or at the start of the phi's block. */
static uint32_t find_definition(const struct group *group, uint32_t reg)
{
    const struct allocation *a = group->a;
    if (a->machine->regs[reg].is_phi)
        return a->placed[a->jumps[a->phi_sources[a->first_source[reg]].jump].to].start;
    uint32_t u = a->first_use[reg];
    while (a->uses[u].kind < DEF_REG)
        u++;
    return a->uses[u].position;
}

/* ---- Groups -----------------------------------------------------------------------------------
 */

static void add_member(struct group *group, uint32_t reg, uint32_t def)
{
    struct allocation *a = group->a;
    uint32_t number = group->count++, def_block = a->block_of[def / 4];
    uint64_t bit = (uint64_t)1 << number;
    group->members[number] =
        (struct member){.interval = add_interval(a, reg), .def = def, .def_block = def_block};
    group->sets[def_block].defined |= bit;
    if (number == 0)
        group->first = group->last = def_block;
    if (group->first > def_block)
        group->first = def_block;
    if (group->last < def_block)
        group->last = def_block;
    for (uint32_t u = a->first_use[reg]; u < a->first_use[reg + 1]; u++) {
        uint32_t block = a->block_of[a->uses[u].position / 4];
        if (block == def_block)
            continue;
        group->sets[block].used |= bit;
        if (group->last < block)
            group->last = block;
    }
}

/* What lives at the start of a block lives at the ends of those before it. Answers the last of
 * these if it stands behind the block and something is new there, else 0. */
static uint32_t flow_to_preds(struct group *group, uint32_t at)
{
    const struct placed_block *block = &group->a->placed[at];
    const struct placed_edge *edges = &group->a->edges[block->edges];
    uint64_t in = group->sets[at].in;
    uint32_t again = 0;
    for (uint32_t i = 0; i < block->edge_count; i++) {
        uint32_t from = edges[i].from;
        if (from > at && (in & ~group->sets[from].out) && from > again)
            again = from;
        group->sets[from].out |= in;
    }
    return again;
}

/* Up from the last block to the first; again from the end of a loop that lets something through. */
static void flow(struct group *group)
{
    for (uint32_t at = group->last + 1; at-- > group->first;) {
        struct block_sets *sets = &group->sets[at];
        uint64_t in = (sets->used | sets->out) & ~sets->defined;
        if (in == sets->in)
            continue;
        sets->in = in;
        uint32_t behind = flow_to_preds(group, at);
        if (behind > group->last)
            group->last = behind;
        if (behind)
            at = behind + 1;
    }
}

static void close_range(struct group *group, uint32_t number, uint32_t to)
{
    arena_grow(group->a->arena, &group->ranges, group->range_count + 1, &group->range_capacity,
               sizeof(*group->ranges));
    group->ranges[group->range_count++] =
        (struct group_range){number, {group->members[number].from, to}};
}

/* The range ends in the block, at the value's last use there. False if that is by the block's end
 * and the value lives at the start of the next block: then the range goes on. */
static bool close_in_block(struct group *group, uint32_t number, uint32_t at, bool lives_behind)
{
    const struct allocation *a = group->a;
    const struct member *member = &group->members[number];
    uint32_t reg = a->intervals[member->interval].reg;
    uint32_t end = first_use_at(a, reg, a->placed[at].end);
    uint32_t least = at == member->def_block ? member->def + 1 : a->placed[at].start;
    uint32_t to = last_use(&a->uses[a->first_use[reg]], &a->uses[end], least);
    if (lives_behind && to + HOLE_MIN > a->placed[at].end)
        return false;
    close_range(group, number, to);
    return true;
}

static uint32_t next_bit(uint64_t *bits)
{
    uint32_t number = (uint32_t)__builtin_ctzll(*bits);
    *bits &= *bits - 1;
    return number;
}

/* Over the blocks: ranges that reach a block's start and go on in it stay open. */
static void find_group_ranges(struct group *group)
{
    const struct placed_block *placed = group->a->placed;
    uint64_t open = 0; /* up to the start of the block */
    for (uint32_t at = group->first; at <= group->last; at++) {
        struct block_sets sets = group->sets[at];
        if (sets.in == open && sets.out == open && !sets.defined)
            continue;
        uint64_t behind = at < group->last ? group->sets[at + 1].in : 0;
        uint64_t alive = sets.in | sets.defined;
        for (uint64_t bits = open & ~sets.in; bits;)
            close_range(group, next_bit(&bits), placed[at].start);
        for (uint64_t bits = sets.in & ~open; bits;)
            group->members[next_bit(&bits)].from = placed[at].start;
        for (uint64_t bits = sets.defined; bits;) {
            uint32_t number = next_bit(&bits);
            group->members[number].from = group->members[number].def;
        }
        open = alive & sets.out;
        for (uint64_t bits = alive & ~sets.out; bits;) {
            uint32_t number = next_bit(&bits);
            if (!close_in_block(group, number, at, behind >> number & 1))
                open |= (uint64_t)1 << number;
        }
    }
    while (open)
        close_range(group, next_bit(&open), placed[group->last].end);
}

/* Gives each value of the group its ranges. */
static void distribute_ranges(struct group *group)
{
    struct allocation *a = group->a;
    uint32_t at = a->range_count, end = at + group->range_count;
    arena_grow(a->arena, &a->ranges, end, &a->range_capacity, sizeof(*a->ranges));
    for (uint32_t i = 0; i < group->range_count; i++)
        group->members[group->ranges[i].member].next++;
    for (uint32_t i = 0; i < group->count; i++) {
        uint32_t count = group->members[i].next;
        group->members[i].next = at;
        at += count;
    }
    for (uint32_t i = 0; i < group->range_count; i++)
        a->ranges[group->members[group->ranges[i].member].next++] = group->ranges[i].range;
    uint32_t first = a->range_count;
    for (uint32_t i = 0; i < group->count; i++) {
        set_ranges(a, group->members[i].interval, first, group->members[i].next);
        first = group->members[i].next;
    }
    a->range_count = end;
}

static void finish_group(struct group *group)
{
    if (!group->count)
        return;
    flow(group);
    find_group_ranges(group);
    distribute_ranges(group);
    memset(&group->sets[group->first], 0, (group->last - group->first + 1) * sizeof(*group->sets));
    group->count = group->range_count = 0;
}

/* ---- All --------------------------------------------------------------------------------------
 */

static void find_life(struct group *group, uint32_t reg)
{
    struct allocation *a = group->a;
    const struct use *first = &a->uses[a->first_use[reg]], *end = &a->uses[a->first_use[reg + 1]];
    if (first == end && !a->machine->regs[reg].is_phi)
        return;
    if (first < end && first->kind == USE_TMP) {
        add_temporary(a, reg, first->position);
        return;
    }
    uint32_t def = find_definition(group, reg);
    const struct placed_block *home = &a->placed[a->block_of[def / 4]];
    if (first == end || (first->position >= home->start && end[-1].position < home->end)) {
        add_range(a, reg, def, last_use(first, end, def + 1));
        return;
    }
    add_member(group, reg, def);
    if (group->count == GROUP_MAX)
        finish_group(group);
}

void find_ranges(struct allocation *a)
{
    uint32_t regs = a->machine->reg_count, blocks = a->placed_count;
    a->piece_of = arena_alloc(a->arena, regs * sizeof(*a->piece_of));
    arena_grow(a->arena, &a->intervals, regs + regs / 2, &a->interval_capacity,
               sizeof(*a->intervals));
    arena_grow(a->arena, &a->ranges, regs + regs / 2, &a->range_capacity, sizeof(*a->ranges));
    a->intervals[0] = (struct interval){0};
    a->interval_count = 1;
    struct group *group = arena_alloc(a->arena, sizeof(*group));
    group->a = a;
    group->sets = arena_alloc(a->arena, blocks * sizeof(*group->sets));
    for (uint32_t reg = REG_COUNT; reg < regs; reg++)
        find_life(group, reg);
    finish_group(group);
    arena_give_back(a->arena, group->sets, blocks * sizeof(*group->sets));
    arena_give_back(a->arena, group->ranges, group->range_capacity * sizeof(*group->ranges));
}
