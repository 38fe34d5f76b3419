/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of instructions, and where virtual registers live. */
#include "wick/atomic.h"
#include "wick/compile/regalloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- Operands ---------------------------------------------------------------------------------
 */

/* How an instruction reads its sources. */
struct source_kinds {
    uint8_t first, second;
};

static struct source_kinds source_kinds(const struct machine *machine,
                                        const struct machine_ins *ins)
{
    bool bmi = machine->graph->options->cpu.bmi;
    switch ((enum machine_op)ins->op) {
    case M_MOV:
    case M_FMOV:
        return (struct source_kinds){USE_ANY, USE_REG};
    case M_ADD:
    case M_OR:
    case M_AND:
    case M_SUB:
    case M_XOR:
    case M_CMP:
    case M_IMUL:
    case M_UCOMIS:
        return (struct source_kinds){USE_REG, USE_ANY};
    case M_SSE: /* the legacy form of packed instructions wants aligned memory */
        return (struct source_kinds){
            USE_REG, ins->size < 16 || machine->graph->options->cpu.avx ? USE_ANY : USE_REG};
    case M_SHL:
    case M_SHR:
    case M_SAR:
        if (ins->immediate || bmi)
            return (struct source_kinds){USE_REG, USE_REG};
        return (struct source_kinds){USE_LATE, USE_REG};
    case M_ROL:
    case M_ROR:
        return (struct source_kinds){ins->immediate ? USE_REG : USE_LATE, USE_REG};
    case M_DIV:
    case M_MULHI:
    case M_FMIN:
    case M_FMAX:
    case M_FSELECT:
        return (struct source_kinds){USE_REG, USE_LATE};
    case M_TRUNC:
    case M_TRUNC_SAT:
    case M_CVT_U64:
    case M_ATOMIC:
        return (struct source_kinds){USE_LATE, USE_LATE};
    default:
        return (struct source_kinds){USE_REG, USE_REG};
    }
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
    enum use_kind address = ins->op == M_ATOMIC ? USE_LATE : USE_REG;
    visit_one(&ins->base, address, visit, env);
    visit_one(&ins->index, address, visit, env);
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
    case M_ATOMIC:
        return ins->imm8 == ATOMIC_AND || ins->imm8 == ATOMIC_OR || ins->imm8 == ATOMIC_XOR ||
                       ins->imm8 == ATOMIC_CMPXCHG
                   ? 1u << RAX
                   : 0;
    case M_SHL:
    case M_SHR:
    case M_SAR:
        return ins->immediate || machine->graph->options->cpu.bmi ? 0 : 1u << RCX;
    case M_ROL:
    case M_ROR:
        return ins->immediate ? 0 : 1u << RCX;
    default:
        return 0;
    }
}

static void find_clobbers(struct allocation *a)
{
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < a->machine->ins_count; i++) {
        uint32_t mask = machine_clobbers(a->machine, &a->machine->ins[i]);
        if (!mask)
            continue;
        arena_grow(a->arena, &a->clobbers, a->clobber_count + 1, &capacity, sizeof(*a->clobbers));
        a->clobbers[a->clobber_count++] = (struct clobber){4 * i + 1, mask};
    }
}

/* ---- Uses -------------------------------------------------------------------------------------
 */

struct use_filler {
    struct allocation *a;
    uint32_t *next; /* by virtual register: where its next use goes */
    uint32_t ins;
};

static inline void count_use(void *env, uint32_t *operand, enum use_kind kind)
{
    struct use_filler *filler = env;
    (void)kind;
    filler->a->first_use[*operand + 1]++;
}

static inline void add_use(void *env, uint32_t *operand, enum use_kind kind)
{
    struct use_filler *filler = env;
    uint32_t position = 4 * filler->ins + (kind >= DEF_REG ? 2 : 0);
    filler->a->uses[filler->next[*operand]++] = (struct use){position, (uint8_t)kind, operand};
}

static void find_uses(struct allocation *a)
{
    uint32_t count = a->machine->reg_count;
    struct machine *m = a->machine;
    struct use_filler filler = {.a = a};
    a->first_use = arena_alloc(a->arena, (count + 2) * sizeof(*a->first_use));
    for (uint32_t i = 0; i < m->ins_count; i++)
        each_operand(m, &m->ins[i], count_use, &filler);
    for (uint32_t i = 0; i <= count; i++)
        a->first_use[i + 1] += a->first_use[i];
    a->uses = arena_take(a->arena, (a->first_use[count] + 1) * sizeof(*a->uses));
    filler.next = arena_take(a->arena, (count + 1) * sizeof(*filler.next));
    memcpy(filler.next, a->first_use, count * sizeof(*filler.next));
    for (; filler.ins < m->ins_count; filler.ins++)
        each_operand(m, &m->ins[filler.ins], add_use, &filler);
}

/* ---- Ranges -----------------------------------------------------------------------------------
 */

/* The blocks in which one virtual register lives, while they are found. */
struct life {
    struct allocation *a;
    uint32_t reg;
    uint32_t *stamp; /* by place in the order: the register that `to` is for */
    uint32_t *to;    /* end of its life in the block */
    uint32_t *touched;
    uint32_t touched_count, done;
    uint32_t def_block, def;
};

static void touch(struct life *life, uint32_t place, uint32_t to)
{
    if (life->stamp[place] == life->reg) {
        if (life->to[place] < to)
            life->to[place] = to;
        return;
    }
    life->stamp[place] = life->reg;
    life->to[place] = to;
    life->touched[life->touched_count++] = place;
}

static void spread(struct life *life)
{
    const struct allocation *a = life->a;
    while (life->done < life->touched_count) {
        uint32_t place = life->touched[life->done++];
        if (place == life->def_block)
            continue;
        const struct placed_block *block = &a->placed[place];
        for (uint32_t p = 0; p < block->pred_count; p++) {
            uint32_t pred = a->preds[block->preds + p];
            touch(life, pred, a->placed[pred].end);
        }
    }
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
            if (life->stamp[place] == life->reg)
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

static void add_range(struct allocation *a, uint32_t first, uint32_t from, uint32_t to)
{
    if (a->range_count > first && a->ranges[a->range_count - 1].to == from) {
        a->ranges[a->range_count - 1].to = to;
        return;
    }
    arena_grow(a->arena, &a->ranges, a->range_count + 1, &a->range_capacity, sizeof(*a->ranges));
    a->ranges[a->range_count++] = (struct range){from, to};
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

/* Where a use ends the life of what it reads. */
static uint32_t end_of_use(const struct use *use)
{
    return use->position + (use->kind == USE_LATE ? 3 : 1);
}

/* Where a value dies that is used in no other block than its own, as most are; else 0. */
static uint32_t local_end(const struct life *life, const struct use *uses, const struct use *end)
{
    const struct placed_block *home = &life->a->placed[life->def_block];
    uint32_t to = life->def + 1;
    for (const struct use *use = uses; use < end; use++) {
        if (use->position < home->start || use->position >= home->end)
            return 0;
        if (use->kind < DEF_REG && end_of_use(use) > to)
            to = end_of_use(use);
    }
    return to;
}

/* The blocks in which a value lives that is used in several. */
static void find_blocks(struct life *life, const struct use *uses, const struct use *end)
{
    const struct allocation *a = life->a;
    life->touched_count = life->done = 0;
    touch(life, life->def_block, life->def + 1);
    for (const struct use *use = uses; use < end; use++) {
        if (use->kind < DEF_REG)
            touch(life, a->block_of[use->position / 4], end_of_use(use));
    }
    spread(life);
    sort_touched(life);
}

static void find_life(struct life *life, const uint32_t *phi_block)
{
    struct allocation *a = life->a;
    uint32_t first = a->first_use[life->reg], end = a->first_use[life->reg + 1];
    uint32_t first_range = a->range_count;
    if (first == end && !a->machine->regs[life->reg].is_phi)
        return;
    if (first < end && a->uses[first].kind == USE_TMP) {
        uint32_t at = a->uses[first].position; /* a call is done with it when it jumps */
        bool call = machine_clobbers(a->machine, &a->machine->ins[at / 4]) == ALL_REGS;
        add_range(a, first_range, at, at + (call ? 1 : 3));
        add_interval(a, life->reg, first_range);
        return;
    }
    find_definition(life, phi_block);
    uint32_t local = local_end(life, &a->uses[first], &a->uses[end]);
    if (local) {
        add_range(a, first_range, life->def, local);
        add_interval(a, life->reg, first_range);
        return;
    }
    find_blocks(life, &a->uses[first], &a->uses[end]);
    for (uint32_t i = 0; i < life->touched_count; i++) {
        uint32_t place = life->touched[i];
        uint32_t from = place == life->def_block ? life->def : a->placed[place].start;
        add_range(a, first_range, from, life->to[place]);
    }
    add_interval(a, life->reg, first_range);
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
    find_clobbers(a);
    find_uses(a);
    uint32_t regs = a->machine->reg_count;
    a->piece_of = arena_alloc(a->arena, regs * sizeof(*a->piece_of));
    arena_grow(a->arena, &a->intervals, regs, &a->interval_capacity, sizeof(*a->intervals));
    a->intervals[0] = (struct interval){0};
    a->interval_count = 1;
    struct life life = {.a = a};
    life.stamp = arena_alloc(a->arena, graph->order_count * sizeof(*life.stamp));
    life.to = arena_take(a->arena, graph->order_count * sizeof(*life.to));
    life.touched = arena_take(a->arena, graph->order_count * sizeof(*life.touched));
    const uint32_t *phi_block = find_phi_blocks(a);
    for (life.reg = REG_COUNT; life.reg < regs; life.reg++)
        find_life(&life, phi_block);
}
