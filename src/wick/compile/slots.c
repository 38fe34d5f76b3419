/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots after the scan: a phi and what it is made of share one where they never live at the same
 * time, so that nothing moves from slot to slot on the way between them.
 */
#include "wick/compile/regalloc.h"

enum { STEPS_PER_RANGE = 8 }; /* ranges that are looked at, at most, for each that there is */

/* Where the values of a slot live. */
struct lives {
    const struct range *ranges; /* ascending */
    uint32_t count;
};

struct sharing {
    struct allocation *a;
    uint32_t *with;      /* by virtual register: another that has its slot; 0: it stands for all */
    struct lives *lives; /* of the one that stands for all */
    uint32_t steps;      /* that are left */
};

static uint32_t find_slot_owner(struct sharing *s, uint32_t reg)
{
    while (s->with[reg]) {
        if (s->with[s->with[reg]])
            s->with[reg] = s->with[s->with[reg]];
        reg = s->with[reg];
    }
    return reg;
}

static struct lives *lives_of(struct sharing *s, uint32_t owner)
{
    struct lives *lives = &s->lives[owner];
    if (!lives->count) {
        const struct interval *first = &s->a->intervals[s->a->piece_of[owner]];
        lives->ranges = &s->a->ranges[first->range];
        lives->count = first->range_end - first->range;
    }
    return lives;
}

static bool lives_meet(const struct lives *x, const struct lives *y)
{
    for (uint32_t i = 0, j = 0; i < x->count && j < y->count;) {
        if (x->ranges[i].to <= y->ranges[j].from)
            i++;
        else if (y->ranges[j].to <= x->ranges[i].from)
            j++;
        else
            return true;
    }
    return false;
}

/* Of lives that do not meet. */
static struct lives join_lives(struct arena *arena, const struct lives *x, const struct lives *y)
{
    struct range *out = arena_take(arena, (x->count + y->count) * sizeof(*out));
    uint32_t count = 0;
    for (uint32_t i = 0, j = 0; i < x->count || j < y->count;) {
        bool from_x = j == y->count || (i < x->count && x->ranges[i].from < y->ranges[j].from);
        struct range next = from_x ? x->ranges[i++] : y->ranges[j++];
        if (count && out[count - 1].to == next.from)
            out[count - 1].to = next.to;
        else
            out[count++] = next;
    }
    return (struct lives){out, count};
}

static void share_slot(struct sharing *s, uint32_t phi, uint32_t source)
{
    const struct machine *m = s->a->machine;
    if (s->a->slot_of[phi] == NO_OPERAND || s->a->slot_of[source] == NO_OPERAND ||
        m->regs[phi].size / 16 != m->regs[source].size / 16)
        return;
    uint32_t x = find_slot_owner(s, phi), y = find_slot_owner(s, source);
    if (x == y)
        return;
    struct lives *of_x = lives_of(s, x), *of_y = lives_of(s, y);
    uint32_t steps = of_x->count + of_y->count;
    if (steps > s->steps)
        return;
    s->steps -= steps;
    if (lives_meet(of_x, of_y))
        return;
    *of_x = join_lives(s->a->arena, of_x, of_y);
    s->with[y] = x;
}

/* Over the jumps back to a loop's start, or over the others. */
static void share_over_jumps(struct sharing *s, bool back)
{
    const struct machine *m = s->a->machine;
    const struct graph *graph = m->graph;
    for (uint32_t i = 0; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        const struct machine_ins *jump = &m->ins[m->blocks[graph->order[i]].end - 1];
        if (jump->op != M_JUMP || (graph->blocks[block->succs[0]].order <= i) != back)
            continue;
        for (uint32_t p = 0; p < jump->arg_count; p++) {
            uint32_t phi = m->pool[jump->args + 2 * p], source = m->pool[jump->args + 2 * p + 1];
            if (source < SOURCE_CONST)
                share_slot(s, phi, source);
        }
    }
}

/* Slots again, one after the other. */
static void number_slots(struct sharing *s)
{
    struct allocation *a = s->a;
    struct machine *m = a->machine;
    uint32_t *slots = arena_alloc(a->arena, m->reg_count * sizeof(*slots)), bytes = 0;
    for (uint32_t reg = REG_COUNT; reg < m->reg_count; reg++) {
        if (a->slot_of[reg] == NO_OPERAND)
            continue;
        uint32_t owner = find_slot_owner(s, reg), size = m->regs[reg].size == 16 ? 16 : 8;
        if (!slots[owner]) {
            bytes = (bytes + size - 1) & ~(size - 1);
            slots[owner] = SLOT_FIRST + bytes;
            bytes += size;
        }
        a->slot_of[reg] = slots[owner];
    }
    m->frame_size = bytes;
    for (uint32_t i = 1; i < a->interval_count; i++) {
        if (a->intervals[i].location >= SLOT_FIRST && a->intervals[i].location != NO_OPERAND)
            a->intervals[i].location = a->slot_of[a->intervals[i].reg];
    }
}

void share_slots(struct allocation *a)
{
    if (!a->machine->frame_size)
        return;
    struct sharing s = {.a = a, .steps = STEPS_PER_RANGE * a->range_count};
    s.with = arena_alloc(a->arena, a->machine->reg_count * sizeof(*s.with));
    s.lives = arena_alloc(a->arena, a->machine->reg_count * sizeof(*s.lives));
    share_over_jumps(&s, true);
    share_over_jumps(&s, false);
    number_slots(&s);
}
