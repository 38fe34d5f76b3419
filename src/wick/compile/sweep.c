/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead code: what has an effect, and what that needs, stays. Counts uses on the way, which goes
 * backwards, so that users come before what they use; but for phis of loops, whose operands are
 * followed at once.
 */
#include "wick/compile/ssa.h"

struct sweep {
    struct graph *graph;
    uint32_t *work; /* live values whose operands are still to be followed */
    bool *done;     /* whether they were */
    uint32_t count;
    uint32_t *unused; /* nobody used them yet when they were visited */
    uint32_t unused_count;
};

static inline void use(struct sweep *s, uint32_t user, uint32_t value, bool follow)
{
    if (!value)
        return;
    struct ins *ins = &s->graph->ins[value];
    if (follow && !ins->uses)
        s->work[s->count++] = value;
    ins->uses++;
    ins->user = user;
}

static bool is_root(const struct ins *ins)
{
    if (ins->op == SSA_PHI || ins->op == SSA_RESULT || ins->op == SSA_PARAM)
        return false;
    return ssa_effects(ins) & (EFFECT_TRAPS | EFFECT_WRITES | EFFECT_ORDER);
}

static inline void use_operands(struct sweep *s, uint32_t value, bool follow)
{
    const struct ins *ins = &s->graph->ins[value];
    s->done[value] = true;
    use(s, value, ins->a, follow);
    use(s, value, ins->b, follow);
    use(s, value, ins->c, follow);
    for (uint32_t i = 0; i < ins->arg_count; i++)
        use(s, value, s->graph->pool[ins->args + i], follow);
}

static void visit(struct sweep *s, uint32_t value)
{
    const struct ins *ins = &s->graph->ins[value];
    if (s->done[value])
        return;
    if (!ins->uses && !is_root(ins)) {
        s->unused[s->unused_count++] = value;
        return;
    }
    use_operands(s, value, ins->op == SSA_PHI);
    while (s->count) {
        uint32_t next = s->work[--s->count];
        if (!s->done[next])
            use_operands(s, next, true);
    }
}

void graph_sweep(struct graph *graph)
{
    struct sweep s = {.graph = graph};
    s.work = arena_take(graph->arena, graph->ins_count * sizeof(*s.work));
    s.unused = arena_take(graph->arena, graph->ins_count * sizeof(*s.unused));
    s.done = arena_alloc(graph->arena, graph->ins_count * sizeof(*s.done));
    for (uint32_t i = graph->order_count; i-- > 0;) {
        for (uint32_t v = graph->blocks[graph->order[i]].last; v; v = graph->ins[v].prev)
            visit(&s, v);
    }
    for (uint32_t i = 0; i < s.unused_count; i++) {
        if (!graph->ins[s.unused[i]].uses)
            ins_remove(graph, s.unused[i]);
    }
    arena_give_back(graph->arena, s.work, graph->ins_count * sizeof(*s.work));
    arena_give_back(graph->arena, s.unused, graph->ins_count * sizeof(*s.unused));
    arena_give_back(graph->arena, s.done, graph->ins_count * sizeof(*s.done));
}
