/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jumps to a block that does nothing but branch upon a number which the jump itself brings there:
 * they go where the branch would. clang makes such blocks of a goto into a loop, of which
 * WebAssembly has none.
 */
#include "wick/compile/x86_64/emit.h"

/* Whether one of the moves of the jump that is being emitted puts a number into the register. */
static bool brings_number(const struct emit *e, const struct machine_ins *jump, uint32_t reg,
                          uint64_t *number)
{
    const struct machine *m = e->machine;
    uint32_t place = 2 * (uint32_t)(jump - m->ins) + 1;
    for (uint32_t i = e->next_move; i-- > 0 && m->moves[i].place == place;) {
        uint32_t from = m->moves[i].from;
        if (m->moves[i].to != reg || from < SOURCE_CONST || from >= SLOT_FIRST)
            continue;
        *number = e->graph->ins[from - SOURCE_CONST].imm;
        return true;
    }
    return false;
}

static bool condition_holds(uint8_t cc, uint8_t size, uint64_t a, uint64_t b)
{
    int64_t signed_a = size == 4 ? (int32_t)a : (int64_t)a;
    int64_t signed_b = size == 4 ? (int32_t)b : (int64_t)b;
    if (size == 4) {
        a = (uint32_t)a;
        b = (uint32_t)b;
    }
    switch (cc & ~1) {
    case CC_B:
        return (a < b) ^ (cc & 1);
    case CC_E:
        return (a == b) ^ (cc & 1);
    case CC_BE:
        return (a <= b) ^ (cc & 1);
    case CC_L:
        return (signed_a < signed_b) ^ (cc & 1);
    default: /* CC_LE */
        return (signed_a <= signed_b) ^ (cc & 1);
    }
}

static bool is_comparison(const struct machine_ins *ins, const struct machine_ins *branch)
{
    bool number = ins->op == M_CMP && ins->immediate;
    bool zero = ins->op == M_TEST && !ins->immediate && ins->src[0] == ins->src[1];
    return (number || zero) && branch->op == M_BRANCH &&
           (branch->cc == CC_E || branch->cc == CC_NE ||
            (number && ((branch->cc >= CC_B && branch->cc <= CC_A) || branch->cc >= CC_L))) &&
           branch->cc < CC_FEQ;
}

static bool has_moves(const struct machine *m, const struct machine_block *block)
{
    uint32_t first = moves_from(m, 2 * block->first);
    return first < m->move_count && m->moves[first].place < 2 * block->end;
}

uint32_t threaded_target(const struct emit *e, const struct machine_ins *jump, bool *checks)
{
    const struct machine *m = e->machine;
    uint32_t at = e->graph->blocks[e->order[e->current]].succs[0];
    const struct block *block = &e->graph->blocks[at];
    const struct machine_ins *ins = &m->ins[m->blocks[at].first], *end = &m->ins[m->blocks[at].end];
    *checks = ins->op == M_LOOP;
    ins += *checks;
    bool switches = end - ins == 1 && ins->op == M_SWITCH;
    bool branches = end - ins == 2 && is_comparison(ins, &ins[1]);
    uint64_t number;
    if ((!switches && !branches) || !brings_number(e, jump, ins->src[0], &number) ||
        has_moves(m, &m->blocks[at]))
        return 0;
    if (switches) {
        uint32_t chosen = (uint32_t)number < ins->imm ? (uint32_t)number : (uint32_t)ins->imm;
        return final_target(e, block->succs[chosen]);
    }
    if (at == following(e)) /* a jump would cost as much as the comparison */
        return 0;
    bool yes = condition_holds(ins[1].cc, ins->size, number, ins->op == M_CMP ? ins->imm : 0);
    return final_target(e, block->succs[yes ? 0 : 1]);
}
