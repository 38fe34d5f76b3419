/* SPDX-License-Identifier: Apache-2.0 */
/* Dead code: what has an effect, and what that needs, stays. Counts uses on the way. */
#include "wick/compile/ssa.h"

struct sweep {
    struct graph *graph;
    uint32_t *work;
    uint8_t *live;
    uint32_t count;
};

static inline void need(struct sweep *s, uint32_t value)
{
    if (s->live[value])
        return;
    s->live[value] = 1;
    s->work[s->count++] = value;
}

static bool is_root(const struct ins *ins)
{
    if (ins->op == SSA_PHI || ins->op == SSA_RESULT || ins->op == SSA_PARAM)
        return false;
    return ssa_effects(ins) & (EFFECT_TRAPS | EFFECT_WRITES | EFFECT_ORDER);
}

static inline void use(struct sweep *s, uint32_t user, uint32_t value)
{
    if (!value)
        return;
    s->graph->ins[value].uses++;
    s->graph->ins[value].user = user;
    need(s, value);
}

static void mark(struct sweep *s)
{
    const struct graph *graph = s->graph;
    while (s->count) {
        uint32_t user = s->work[--s->count];
        const struct ins *ins = &graph->ins[user];
        use(s, user, ins->a);
        use(s, user, ins->b);
        use(s, user, ins->c);
        for (uint32_t i = 0; i < ins->arg_count; i++)
            use(s, user, graph->pool[ins->args + i]);
    }
}

void graph_sweep(struct graph *graph)
{
    struct sweep s = {.graph = graph};
    s.work = arena_take(graph->arena, graph->ins_count * sizeof(*s.work));
    s.live = arena_alloc(graph->arena, graph->ins_count);
    for (uint32_t i = 0; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        for (uint32_t v = block->first; v; v = graph->ins[v].next) {
            graph->ins[v].uses = 0;
            if (is_root(&graph->ins[v]))
                need(&s, v);
        }
    }
    mark(&s);
    for (uint32_t i = 0; i < graph->order_count; i++) {
        const struct block *block = &graph->blocks[graph->order[i]];
        for (uint32_t v = block->first, next; v; v = next) {
            next = graph->ins[v].next;
            if (!s.live[v])
                ins_remove(graph, v);
        }
    }
    arena_give_back(graph->arena, s.work, graph->ins_count * sizeof(*s.work));
    arena_give_back(graph->arena, s.live, graph->ins_count);
}
