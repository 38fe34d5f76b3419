/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots of the frame. Values that phis connect share one where they do not live at once: no move is
 * needed then on an edge where neither has a register.
 */
#include "wick/compile/regalloc.h"

#include "base/search.h"

#include <string.h>

enum {
    SLOT_RANGES_MAX = 4096, /* of those who share one, unless more only come behind them */
    SLOTS_TRIED = 4,
};

/* Where the values in a slot live, ascending. */
struct slot_life {
    struct range *ranges;
    uint32_t count, capacity;
    uint32_t bytes; /* of the slot */
    uint32_t next;  /* an older slot of values that phis connect with these; 0: none */
};

struct slots {
    struct slot_life *lives; /* by 8 bytes of the frame */
    uint32_t life_capacity;
    uint32_t *web; /* by virtual register: one that a phi connects with it, towards the root; 0: it
                      is the root */
    uint32_t *first; /* by root: its newest slot; 0: none */
    uint32_t bytes;
};

static struct slot_life *life_of(struct slots *slots, uint32_t slot)
{
    return &slots->lives[(slot - SLOT_FIRST) / 8];
}

/* All of a virtual register's life, whatever pieces it is in. */
static const struct range *ranges_of(const struct allocation *a, uint32_t reg, uint32_t *count)
{
    const struct interval *first = &a->intervals[a->piece_of[reg]];
    *count = first->range_end - first->range;
    return &a->ranges[first->range];
}

/* The first range that ends behind a position. */
static uint32_t first_behind(const struct slot_life *life, uint32_t position)
{
    return SEARCH_FIRST(life->ranges, 0, life->count, to, position + 1);
}

static bool is_free_during(const struct slot_life *life, const struct range *ranges, uint32_t count)
{
    uint32_t at = first_behind(life, ranges[0].from);
    for (uint32_t i = 0; i < count; i++) {
        while (at < life->count && life->ranges[at].to <= ranges[i].from)
            at++;
        if (at == life->count)
            return true;
        if (life->ranges[at].from < ranges[i].to)
            return false;
    }
    return true;
}

/* Puts ranges before those at [at, end), with which the last of them is joined if they touch;
 * answers where they begin. */
static uint32_t put_before(struct slot_life *life, uint32_t at, uint32_t end,
                           const struct range *ranges, uint32_t count)
{
    if (count && at < end && ranges[count - 1].to == life->ranges[at].from)
        life->ranges[at].from = ranges[--count].from;
    if (count)
        memmove(&life->ranges[at - count], ranges, count * sizeof(*ranges));
    return at - count;
}

/* Merges ranges into a slot's life, from the last one on. */
static void occupy(struct allocation *a, struct slot_life *life, const struct range *ranges,
                   uint32_t count)
{
    uint32_t old = life->count, end = old + count, at = end;
    arena_grow(a->arena, &life->ranges, end, &life->capacity, sizeof(*life->ranges));
    while (count-- > 0) {
        uint32_t before = old;
        while (before && life->ranges[before - 1].from > ranges[count].from)
            before--;
        at = put_before(life, at, end, &life->ranges[before], old - before);
        at = put_before(life, at, end, &ranges[count], 1);
        old = before;
    }
    if (old && life->ranges[old - 1].to == life->ranges[at].from)
        life->ranges[at].from = life->ranges[--old].from;
    memmove(&life->ranges[old], &life->ranges[at], (end - at) * sizeof(*life->ranges));
    life->count = old + (end - at);
}

/* Whether a value may go into a slot where others are. */
static bool can_share(struct allocation *a, uint32_t slot, uint32_t reg, uint32_t bytes)
{
    uint32_t count;
    const struct range *ranges = ranges_of(a, reg, &count);
    const struct slot_life *life = life_of(a->slots, slot);
    if (life->bytes != bytes)
        return false;
    bool behind = life->ranges[life->count - 1].to <= ranges[0].from;
    return behind ||
           (life->count + count <= SLOT_RANGES_MAX && is_free_during(life, ranges, count));
}

static uint32_t new_slot(struct allocation *a, uint32_t bytes)
{
    struct slots *slots = a->slots;
    slots->bytes = (slots->bytes + bytes - 1) & ~(bytes - 1);
    uint32_t slot = SLOT_FIRST + slots->bytes, count = slots->bytes / 8 + 1;
    slots->bytes += bytes;
    arena_grow(a->arena, &slots->lives, count, &slots->life_capacity, sizeof(*slots->lives));
    *life_of(slots, slot) = (struct slot_life){.bytes = bytes};
    return slot;
}

/* The one that stands for all values that phis connect with this one. */
static uint32_t web_of(const struct slots *slots, uint32_t reg)
{
    uint32_t *web = slots->web;
    for (; web[reg]; reg = web[reg]) {
        if (web[web[reg]])
            web[reg] = web[web[reg]];
    }
    return reg;
}

/* Called when the first slot is wanted, for many functions want none. */
static void connect_webs(struct allocation *a)
{
    const struct machine *m = a->machine;
    a->slots->web = arena_alloc(a->arena, m->reg_count * sizeof(*a->slots->web));
    a->slots->first = arena_alloc(a->arena, m->reg_count * sizeof(*a->slots->first));
    for (uint32_t i = 0; i < a->jump_count; i++) {
        const struct machine_ins *ins = &m->ins[a->jumps[i].ins];
        for (uint32_t p = 0; p < ins->arg_count; p++) {
            uint32_t phi = m->pool[ins->args + 2 * p], source = m->pool[ins->args + 2 * p + 1];
            if (source >= SOURCE_CONST)
                continue;
            uint32_t x = web_of(a->slots, phi), y = web_of(a->slots, source);
            if (x != y)
                a->slots->web[y] = x;
        }
    }
}

static uint32_t slot_bytes(const struct allocation *a, uint32_t reg)
{
    return a->machine->regs[reg].size == 16 ? 16 : 8;
}

static uint32_t choose_slot(struct allocation *a, uint32_t reg)
{
    struct slots *slots = a->slots;
    uint32_t bytes = slot_bytes(a, reg), web = web_of(slots, reg);
    uint32_t slot = slots->first[web];
    for (uint32_t i = 0; slot && i < SLOTS_TRIED; i++, slot = life_of(slots, slot)->next) {
        if (can_share(a, slot, reg, bytes))
            return slot;
    }
    slot = new_slot(a, bytes);
    life_of(slots, slot)->next = slots->first[web];
    slots->first[web] = slot;
    return slot;
}

static void take_slot(struct allocation *a, uint32_t reg, uint32_t slot)
{
    uint32_t count;
    const struct range *ranges = ranges_of(a, reg, &count);
    a->slot_of[reg] = slot;
    occupy(a, life_of(a->slots, slot), ranges, count);
}

uint32_t slot_for(struct allocation *a, uint32_t reg)
{
    if (a->slot_of[reg] != NO_OPERAND)
        return a->slot_of[reg];
    if (!a->slots->web)
        connect_webs(a);
    take_slot(a, reg, choose_slot(a, reg));
    return a->slot_of[reg];
}

bool slot_join(struct allocation *a, uint32_t reg, uint32_t slot)
{
    if (a->slot_of[reg] != NO_OPERAND)
        return a->slot_of[reg] == slot;
    if (!can_share(a, slot, reg, slot_bytes(a, reg)))
        return false;
    take_slot(a, reg, slot);
    return true;
}

void slots_init(struct allocation *a)
{
    uint32_t count = a->machine->reg_count;
    a->slot_of = arena_take(a->arena, count * sizeof(*a->slot_of));
    memset(a->slot_of, 0xff, count * sizeof(*a->slot_of));
    a->slots = arena_alloc(a->arena, sizeof(*a->slots));
}

uint32_t slots_bytes(const struct allocation *a)
{
    return (a->slots->bytes + 7) & ~7u;
}
