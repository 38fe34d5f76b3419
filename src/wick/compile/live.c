/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of instructions, and where virtual registers live. */
#include "wick/compile/regalloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- Operands ---------------------------------------------------------------------------------
 */

/* How an instruction reads its sources; one that is not here, from registers. */
struct source_kinds {
    uint8_t first, second;
};

static const struct source_kinds kinds_of[M_OP_COUNT] = {
    [M_MOV] = {USE_ANY, USE_REG},       [M_FMOV] = {USE_ANY, USE_REG},
    [M_ADD] = {USE_REG, USE_ANY},       [M_OR] = {USE_REG, USE_ANY},
    [M_AND] = {USE_REG, USE_ANY},       [M_SUB] = {USE_REG, USE_ANY},
    [M_XOR] = {USE_REG, USE_ANY},       [M_CMP] = {USE_REG, USE_ANY},
    [M_IMUL] = {USE_REG, USE_ANY},      [M_UCOMIS] = {USE_REG, USE_ANY},
    [M_SSE] = {USE_REG, USE_ANY},       [M_DIV] = {USE_REG, USE_LATE},
    [M_MULHI] = {USE_REG, USE_LATE},    [M_FMIN] = {USE_REG, USE_LATE},
    [M_FMAX] = {USE_REG, USE_LATE},     [M_FSELECT] = {USE_REG, USE_LATE},
    [M_TRUNC] = {USE_LATE, USE_LATE},   [M_TRUNC_SAT] = {USE_LATE, USE_LATE},
    [M_CVT_U64] = {USE_LATE, USE_LATE},
};

/* Whether a shift or rotation has its count in RCX. */
static bool counts_in_rcx(const struct machine *machine, const struct machine_ins *ins)
{
    return !ins->immediate &&
           (ins->op == M_ROL || ins->op == M_ROR || !machine->graph->options->cpu.bmi);
}

static inline struct source_kinds source_kinds(const struct machine *machine,
                                               const struct machine_ins *ins)
{
    struct source_kinds kinds = kinds_of[ins->op];
    if (ins->op >= M_SHL && ins->op <= M_ROR)
        kinds.first = counts_in_rcx(machine, ins) ? USE_LATE : USE_REG;
    else if (ins->op == M_SSE && ins->size == 16 && !machine->graph->options->cpu.avx)
        kinds.second = USE_REG; /* the legacy form of packed instructions wants aligned memory */
    return kinds;
}

static inline void visit_one(uint32_t *operand, enum use_kind kind, operand_visitor visit,
                             void *env)
{
    if (*operand - REG_COUNT < NO_OPERAND - REG_COUNT) /* neither of the machine's nor none */
        visit(env, operand, kind);
}

static inline __attribute__((always_inline)) void
each_operand(struct machine *machine, struct machine_ins *ins, operand_visitor visit, void *env)
{
    struct source_kinds kinds = source_kinds(machine, ins);
    visit_one(&ins->src[0], kinds.first, visit, env);
    visit_one(&ins->src[1], kinds.second, visit, env);
    visit_one(&ins->base, USE_REG, visit, env);
    visit_one(&ins->index, USE_REG, visit, env);
    if (ins->op == M_JUMP) {
        for (uint32_t i = 0; i < ins->arg_count; i++) {
            uint32_t *source = &machine->pool[ins->args + 2 * i + 1];
            if (*source < SOURCE_CONST)
                visit_one(source, USE_ANY, visit, env);
        }
    } else {
        for (uint32_t i = 0; i < ins->arg_count; i++)
            visit_one(&machine->pool[ins->args + i], USE_ANY, visit, env);
    }
    visit_one(&ins->tmp, USE_TMP, visit, env);
    visit_one(&ins->dst, DEF_REG, visit, env);
    for (uint32_t i = 0; i < ins->def_count; i++)
        visit_one(&machine->pool[ins->defs + i], DEF_ANY, visit, env);
}

void machine_operands(struct machine *machine, struct machine_ins *ins, operand_visitor visit,
                      void *env)
{
    each_operand(machine, ins, visit, env);
}

/* ---- Clobbers ---------------------------------------------------------------------------------
 */

uint32_t machine_clobbers(const struct machine *machine, const struct machine_ins *ins)
{
    switch ((enum machine_op)ins->op) {
    case M_CALL:
    case M_CALL_INDIRECT:
    case M_CALL_REF:
    case M_CALL_HELPER:
    case M_CALL_VECTOR:
    case M_CALL_INTERP:
        return ALL_REGS;
    case M_DIV:
    case M_MULHI:
        return 1u << RAX | 1u << RDX;
    case M_SHL:
    case M_SHR:
    case M_SAR:
    case M_ROL:
    case M_ROR:
        return counts_in_rcx(machine, ins) ? 1u << RCX : 0;
    default:
        return 0;
    }
}

/* ---- Uses -------------------------------------------------------------------------------------
 */

/* Uses as they are met, in the order of the code. */
struct use_list {
    struct allocation *a;
    struct use *uses;
    uint32_t *regs; /* of the uses */
    uint32_t count, capacity, reg_capacity;
    uint32_t ins;
};

static inline void add_use(void *env, uint32_t *operand, enum use_kind kind)
{
    struct use_list *list = env;
    struct arena *arena = list->a->arena;
    arena_grow(arena, &list->uses, list->count + 1, &list->capacity, sizeof(*list->uses));
    arena_grow(arena, &list->regs, list->count + 1, &list->reg_capacity, sizeof(*list->regs));
    uint32_t position = 4 * list->ins + (kind >= DEF_REG ? 2 : 0);
    list->uses[list->count] = (struct use){position, (uint8_t)kind, operand};
    list->regs[list->count++] = *operand;
    list->a->first_use[*operand + 1]++;
}

static void add_clobbers(struct allocation *a, uint32_t ins, uint32_t *capacity)
{
    uint32_t mask = machine_clobbers(a->machine, &a->machine->ins[ins]);
    if (!mask)
        return;
    arena_grow(a->arena, &a->clobbers, a->clobber_count + 1, capacity, sizeof(*a->clobbers));
    a->clobbers[a->clobber_count++] = (struct clobber){4 * ins + 1, mask};
}

/* Sorts the uses by virtual register. */
static void distribute_uses(struct allocation *a, const struct use_list *list)
{
    uint32_t count = a->machine->reg_count;
    for (uint32_t i = 0; i <= count; i++)
        a->first_use[i + 1] += a->first_use[i];
    a->uses = arena_take(a->arena, (list->count + 1) * sizeof(*a->uses));
    uint32_t *next = arena_take(a->arena, (count + 1) * sizeof(*next));
    memcpy(next, a->first_use, count * sizeof(*next));
    for (uint32_t i = 0; i < list->count; i++)
        a->uses[next[list->regs[i]]++] = list->uses[i];
    arena_give_back(a->arena, next, (count + 1) * sizeof(*next));
}

static void find_uses(struct allocation *a)
{
    struct machine *m = a->machine;
    struct use_list list = {.a = a};
    uint32_t clobber_capacity = 0;
    a->first_use = arena_alloc(a->arena, (m->reg_count + 2) * sizeof(*a->first_use));
    arena_grow(a->arena, &list.uses, 2 * m->reg_count, &list.capacity, sizeof(*list.uses));
    arena_grow(a->arena, &list.regs, 2 * m->reg_count, &list.reg_capacity, sizeof(*list.regs));
    for (; list.ins < m->ins_count; list.ins++) {
        each_operand(m, &m->ins[list.ins], add_use, &list);
        add_clobbers(a, list.ins, &clobber_capacity);
    }
    distribute_uses(a, &list);
    arena_give_back(a->arena, list.uses, list.capacity * sizeof(*list.uses));
    arena_give_back(a->arena, list.regs, list.reg_capacity * sizeof(*list.regs));
}

/* ---- Ranges -----------------------------------------------------------------------------------
 */

/* The blocks in which one virtual register lives, while they are found. */
struct life {
    struct allocation *a;
    uint32_t reg;   /* ascends */
    uint64_t *ends; /* by place in the order: reg << 32 | the end of its life in the block */
    uint32_t *touched;
    uint32_t touched_count;
    uint32_t def_block, def;
};

/* Notes that the register lives up to `to` in a block; answers how many blocks it lives in. */
static inline uint32_t touch(const struct life *life, uint32_t count, uint32_t place, uint32_t to)
{
    uint64_t old = life->ends[place], new = (uint64_t)life->reg << 32 | to;
    if (old >= new)
        return count;
    life->ends[place] = new;
    life->touched[count] = place;
    return count + (old >> 32 != life->reg);
}

/* What lives at the start of a block lives to the ends of those before it. */
static void spread(struct life *life)
{
    const struct placed_block *placed = life->a->placed;
    uint32_t count = life->touched_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = life->touched[i];
        if (place == life->def_block)
            continue;
        const uint32_t *pred = &life->a->preds[placed[place].preds];
        const uint32_t *end = pred + placed[place].pred_count;
        for (; pred < end; pred++)
            count = touch(life, count, *pred, placed[*pred].end);
    }
    life->touched_count = count;
}

static int compare_places(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

/* Few places are sorted by insertion; where they lie close together the stamps tell them in order.
 */
static void sort_touched(struct life *life)
{
    uint32_t *touched = life->touched, count = life->touched_count;
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < count; i++) {
        least = touched[i] < least ? touched[i] : least;
        most = touched[i] > most ? touched[i] : most;
    }
    if (count > 8 && most - least < 8 * count) {
        count = 0;
        for (uint32_t place = least; place <= most; place++) {
            if (life->ends[place] >> 32 == life->reg)
                touched[count++] = place;
        }
    } else if (count > 8) {
        qsort(touched, count, sizeof(*touched), compare_places);
    } else {
        for (uint32_t i = 1; i < count; i++) {
            uint32_t place = touched[i], at = i;
            for (; at > 0 && touched[at - 1] > place; at--)
                touched[at] = touched[at - 1];
            touched[at] = place;
        }
    }
}

static void add_interval(struct allocation *a, uint32_t reg, uint32_t first_range)
{
    arena_grow(a->arena, &a->intervals, a->interval_count + 1, &a->interval_capacity,
               sizeof(*a->intervals));
    a->piece_of[reg] = a->interval_count;
    a->intervals[a->interval_count++] = (struct interval){
        .reg = reg,
        .start = a->ranges[first_range].from,
        .end = a->ranges[a->range_count - 1].to,
        .range = first_range,
        .range_end = a->range_count,
        .cursor = first_range,
        .use = a->first_use[reg],
        .use_end = a->first_use[reg + 1],
        .location = NO_OPERAND,
    };
}

/* Where a use ends the life of what it reads. */
static uint32_t end_of_use(const struct use *use)
{
    return use->position + (use->kind == USE_LATE ? 3 : 1);
}

/* A value that lives in one range. */
static void add_range(struct allocation *a, uint32_t reg, uint32_t from, uint32_t to)
{
    arena_grow(a->arena, &a->ranges, a->range_count + 1, &a->range_capacity, sizeof(*a->ranges));
    a->ranges[a->range_count++] = (struct range){from, to};
    add_interval(a, reg, a->range_count - 1);
}

/* A register of an instruction's own. A call is done with it when it jumps. */
static void add_temporary(struct allocation *a, uint32_t reg, uint32_t at)
{
    bool call = machine_clobbers(a->machine, &a->machine->ins[at / 4]) == ALL_REGS;
    add_range(a, reg, at, at + (call ? 1 : 3));
}

/* The definition: the one operand that is one, else the phi's block. */
static void find_definition(struct life *life, const uint32_t *phi_block)
{
    const struct allocation *a = life->a;
    life->def_block = UINT32_MAX;
    if (a->machine->regs[life->reg].is_phi) {
        life->def_block = phi_block[life->reg];
        life->def = a->placed[life->def_block].start;
        return;
    }
    for (uint32_t u = a->first_use[life->reg]; u < a->first_use[life->reg + 1]; u++) {
        if (a->uses[u].kind < DEF_REG)
            continue;
        life->def = a->uses[u].position;
        life->def_block = a->block_of[life->def / 4];
        return;
    }
}

/* Where a value dies that is used in no other block than its own, as most are; else 0. */
static uint32_t local_end(const struct life *life, const struct use *uses, const struct use *end)
{
    const struct placed_block *home = &life->a->placed[life->def_block];
    uint32_t to = life->def + 1;
    if (uses == end)
        return to;
    if (uses->position < home->start || end[-1].position >= home->end)
        return 0;
    for (const struct use *use = end; use-- > uses && use->position + 3 > to;) {
        if (use->kind < DEF_REG && end_of_use(use) > to)
            to = end_of_use(use);
    }
    return to;
}

/* The blocks in which a value lives that is used in several. */
static void find_blocks(struct life *life, const struct use *uses, const struct use *end)
{
    const struct allocation *a = life->a;
    uint32_t count = touch(life, 0, life->def_block, life->def + 1);
    for (const struct use *use = uses; use < end; use++) {
        if (use->kind < DEF_REG)
            count = touch(life, count, a->block_of[use->position / 4], end_of_use(use));
    }
    life->touched_count = count;
    spread(life);
    sort_touched(life);
}

static void add_blocks(struct life *life)
{
    struct allocation *a = life->a;
    uint32_t first = a->range_count, count = life->touched_count;
    arena_grow(a->arena, &a->ranges, first + count, &a->range_capacity, sizeof(*a->ranges));
    struct range *ranges = a->ranges, range = {life->def, life->def};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = life->touched[i];
        if (place != life->def_block && a->placed[place].start != range.to) {
            ranges[a->range_count++] = range;
            range.from = a->placed[place].start;
        }
        range.to = (uint32_t)life->ends[place];
    }
    ranges[a->range_count++] = range;
    add_interval(a, life->reg, first);
}

static void find_life(struct life *life, const uint32_t *phi_block)
{
    struct allocation *a = life->a;
    uint32_t first = a->first_use[life->reg], end = a->first_use[life->reg + 1];
    if (first == end && !a->machine->regs[life->reg].is_phi)
        return;
    if (first < end && a->uses[first].kind == USE_TMP) {
        add_temporary(a, life->reg, a->uses[first].position);
        return;
    }
    find_definition(life, phi_block);
    uint32_t local = local_end(life, &a->uses[first], &a->uses[end]);
    if (local) {
        add_range(a, life->reg, life->def, local);
        return;
    }
    find_blocks(life, &a->uses[first], &a->uses[end]);
    add_blocks(life);
}

static const uint32_t *find_phi_blocks(struct allocation *a)
{
    const struct graph *graph = a->machine->graph;
    uint32_t *phi_block = arena_alloc(a->arena, (a->machine->reg_count + 1) * sizeof(*phi_block));
    for (uint32_t i = 0; i < a->machine->ins_count; i++) {
        const struct machine_ins *ins = &a->machine->ins[i];
        if (ins->op != M_JUMP)
            continue;
        uint32_t from = graph->order[a->block_of[i]];
        uint32_t to = graph->blocks[graph->blocks[from].succs[0]].order;
        for (uint32_t p = 0; p < ins->arg_count; p++)
            phi_block[a->machine->pool[ins->args + 2 * p]] = to;
    }
    return phi_block;
}

/* What is known of each block, together, for it is looked at often. */
static void place_blocks(struct allocation *a)
{
    const struct graph *graph = a->machine->graph;
    uint32_t preds = 0;
    for (uint32_t i = 0; i < graph->order_count; i++)
        preds += graph->blocks[graph->order[i]].pred_count;
    a->placed = arena_take(a->arena, (graph->order_count + 1) * sizeof(*a->placed));
    a->preds = arena_take(a->arena, (preds + 1) * sizeof(*a->preds));
    preds = 0;
    for (uint32_t i = 0; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        const struct machine_block *code = &a->machine->blocks[graph->order[i]];
        a->placed[i] = (struct placed_block){
            .start = 4 * code->first,
            .end = 4 * code->end,
            .preds = preds,
            .pred_count = block->pred_count,
            .depth = code->depth,
            .outside = code->depth - block->is_loop,
            .has_one_way = block->succ_count == 1,
        };
        for (uint32_t p = 0; p < block->pred_count; p++)
            a->preds[preds++] = graph->blocks[block->preds[p]].order;
        for (uint32_t at = code->first; at < code->end; at++)
            a->block_of[at] = i;
    }
}

void find_intervals(struct allocation *a)
{
    const struct graph *graph = a->machine->graph;
    a->block_of = arena_take(a->arena, (a->machine->ins_count + 1) * sizeof(*a->block_of));
    place_blocks(a);
    find_uses(a);
    uint32_t regs = a->machine->reg_count;
    a->piece_of = arena_alloc(a->arena, regs * sizeof(*a->piece_of));
    arena_grow(a->arena, &a->intervals, regs, &a->interval_capacity, sizeof(*a->intervals));
    a->intervals[0] = (struct interval){0};
    a->interval_count = 1;
    struct life life = {.a = a};
    life.ends = arena_alloc(a->arena, graph->order_count * sizeof(*life.ends));
    life.touched = arena_take(a->arena, (graph->order_count + 1) * sizeof(*life.touched));
    const uint32_t *phi_block = find_phi_blocks(a);
    for (life.reg = REG_COUNT; life.reg < regs; life.reg++)
        find_life(&life, phi_block);
}
