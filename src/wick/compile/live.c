/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of instructions: who uses which virtual register where. */
#include "wick/atomic.h"
#include "wick/compile/regalloc.h"

#include <string.h>

/* ---- Operands ---------------------------------------------------------------------------------
 */

enum { OPERANDS_OWN = 6 }; /* src, base, index, tmp and dst: besides args and defs */

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
    [M_CVT_U64] = {USE_LATE, USE_LATE}, [M_ATOMIC] = {USE_LATE, USE_LATE},
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
    if (ins->op == M_JUMP) {
        for (uint32_t i = 0; i < ins->arg_count; i++) {
            uint32_t *source = &machine->pool[ins->args + 2 * i + 1];
            if (*source < SOURCE_CONST)
                visit_one(source, USE_PHI, visit, env);
        }
        return;
    }
    struct source_kinds kinds = source_kinds(machine, ins);
    visit_one(&ins->src[0], kinds.first, visit, env);
    visit_one(&ins->src[1], kinds.second, visit, env);
    enum use_kind address = ins->op == M_ATOMIC ? USE_LATE : USE_REG;
    visit_one(&ins->base, address, visit, env);
    visit_one(&ins->index, address, visit, env);
    for (uint32_t i = 0; i < ins->arg_count; i++)
        visit_one(&machine->pool[ins->args + i], USE_ANY, visit, env);
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
    uint32_t position; /* of those that are read */
};

static inline void add_use(void *env, uint32_t *operand, enum use_kind kind)
{
    struct use_list *list = env;
    uint32_t position = list->position + (kind >= DEF_REG ? 2 : 0);
    list->uses[list->count] = (struct use){position, (uint8_t)kind, operand};
    list->regs[list->count++] = *operand;
    list->a->first_use[*operand + 1]++;
}

/* Makes room for all operands that an instruction can have. */
static inline void reserve_uses(struct use_list *list, const struct machine_ins *ins)
{
    struct arena *arena = list->a->arena;
    uint32_t most = list->count + OPERANDS_OWN + ins->arg_count + ins->def_count;
    arena_grow(arena, &list->uses, most, &list->capacity, sizeof(*list->uses));
    arena_grow(arena, &list->regs, most, &list->reg_capacity, sizeof(*list->regs));
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

/* What the jumps on the edges out of a block read for phis: at the block's end. */
static void add_edge_uses(struct use_list *list, uint32_t block)
{
    const struct allocation *a = list->a;
    const struct block *blocks = a->machine->graph->blocks;
    list->position = 4 * a->machine->blocks[block].end - 1;
    for (uint32_t s = 0; s < blocks[block].succ_count; s++) {
        uint32_t edge = 0; /* the last block on it */
        for (uint32_t to = blocks[block].succs[s]; a->placed_of[to] == ON_EDGE;
             to = blocks[edge].succs[0])
            edge = to;
        if (!edge)
            continue;
        struct machine_ins *jump = &a->machine->ins[a->machine->blocks[edge].first];
        reserve_uses(list, jump);
        each_operand(a->machine, jump, add_use, list);
    }
}

void find_uses(struct allocation *a)
{
    struct machine *m = a->machine;
    struct use_list list = {.a = a};
    uint32_t clobber_capacity = 0;
    a->first_use = arena_alloc(a->arena, (m->reg_count + 2) * sizeof(*a->first_use));
    arena_grow(a->arena, &list.uses, 2 * m->reg_count, &list.capacity, sizeof(*list.uses));
    arena_grow(a->arena, &list.regs, 2 * m->reg_count, &list.reg_capacity, sizeof(*list.regs));
    for (uint32_t i = 0; i < a->placed_count; i++) {
        for (uint32_t at = a->placed[i].start / 4; at < a->placed[i].end / 4; at++) {
            list.position = 4 * at;
            reserve_uses(&list, &m->ins[at]);
            each_operand(m, &m->ins[at], add_use, &list);
            add_clobbers(a, at, &clobber_capacity);
        }
        add_edge_uses(&list, a->placed[i].block);
    }
    distribute_uses(a, &list);
    arena_give_back(a->arena, list.uses, list.capacity * sizeof(*list.uses));
    arena_give_back(a->arena, list.regs, list.reg_capacity * sizeof(*list.regs));
}
