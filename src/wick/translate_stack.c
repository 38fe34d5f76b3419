/* SPDX-License-Identifier: Apache-2.0 */
/* The growing code and the model of the operand stack. */
#include "wick/translator.h"

#include <stdlib.h>

/* ---- Growing arrays ---------------------------------------------------------------------------
 */

bool translator_grow(struct translator *t, void *array_pointer, uint32_t count, uint32_t *capacity,
                     size_t size)
{
    void **array = array_pointer;
    if (count < *capacity)
        return true;
    uint32_t room = *capacity ? *capacity * 2 : 32;
    void *grown = realloc(*array, room * size);
    if (!grown) {
        t->out_of_memory = true;
        return false;
    }
    *array = grown;
    *capacity = room;
    return true;
}

/* ---- Code -------------------------------------------------------------------------------------
 */

void emit(struct translator *t, struct insn insn)
{
    t->result_insn = NONE;
    if (t->insn_count == t->insn_capacity) {
        uint32_t capacity = t->insn_capacity;
        if (!translator_grow(t, &t->offsets, t->insn_count, &capacity, sizeof(*t->offsets)))
            return;
        if (!translator_grow(t, &t->insns, t->insn_count, &t->insn_capacity, sizeof(*t->insns)))
            return;
    }
    t->offsets[t->insn_count] = (uint32_t)(t->instr.place - t->module->bytes.data);
    t->insns[t->insn_count++] = insn;
}

void emit_ext(struct translator *t, struct insn insn, struct insn ext)
{
    emit(t, insn);
    emit(t, ext);
}

void emit_result(struct translator *t, struct insn insn, bool wide)
{
    insn.dst = t->top_slot;
    emit(t, insn);
    push_home(t, wide);
    t->result_insn = t->insn_count - 1;
}

void emit_result_ext(struct translator *t, struct insn insn, struct insn ext, bool wide)
{
    insn.dst = t->top_slot;
    emit_ext(t, insn, ext);
    push_home(t, wide);
    t->result_insn = t->insn_count - 2;
}

/* ---- The stack model --------------------------------------------------------------------------
 */

/* The map's node of an operand slot, above those that are alive. */
static uint32_t add_node(struct translator *t, uint32_t slot)
{
    struct frame_map *map = &t->map;
    if (!translator_grow(t, &map->nodes, map->node_count, &map->node_capacity, sizeof(*map->nodes)))
        return MAP_NONE;
    map->nodes[map->node_count] = (struct ref_node){slot, t->top_node};
    t->top_node = map->node_count++;
    return t->top_node;
}

void set_type(struct translator *t, uint32_t type)
{
    if (!type_is_traced(type) || t->entry_count == 0)
        return;
    struct entry *entry = &t->entries[t->entry_count - 1];
    entry->traced = true;
    entry->node = add_node(t, entry->home);
}

void push_entry(struct translator *t, struct entry entry)
{
    if (!translator_grow(t, &t->entries, t->entry_count, &t->entry_capacity, sizeof(*t->entries)))
        return;
    entry.home = t->top_slot;
    t->top_slot += entry.wide ? 2 : 1;
    if (t->top_slot > t->max_slot)
        t->max_slot = t->top_slot;
    if (entry.traced)
        entry.node = add_node(t, entry.home);
    if (entry.kind == ENTRY_LOCAL) {
        if (t->alias_count == ALIASES_MAX) {
            move_to(t, &entry, entry.home);
            entry.kind = ENTRY_HOME;
        } else {
            t->aliases[t->alias_count++] = t->entry_count;
        }
    }
    t->entries[t->entry_count++] = entry;
}

void push_home(struct translator *t, bool wide)
{
    push_entry(t, (struct entry){.kind = ENTRY_HOME, .wide = wide});
}

void push_value(struct translator *t, uint32_t type)
{
    push_home(t, type_slots(type) == 2);
    set_type(t, type);
}

struct entry pop_entry(struct translator *t)
{
    if (t->entry_count == 0) /* only without memory, when pushes were lost */
        return (struct entry){.kind = ENTRY_HOME};
    struct entry entry = t->entries[--t->entry_count];
    t->top_slot = entry.home;
    if (entry.traced && !t->out_of_memory)
        t->top_node = t->map.nodes[entry.node].below;
    if (t->alias_count && t->aliases[t->alias_count - 1] == t->entry_count)
        t->alias_count--;
    return entry;
}

void move_to(struct translator *t, const struct entry *entry, uint32_t slot)
{
    if (entry->kind == ENTRY_CONST) {
        emit(t, (struct insn){.op = OP_CONST,
                              .dst = slot,
                              .a = (uint32_t)entry->value,
                              .b = (uint32_t)(entry->value >> 32)});
        return;
    }
    uint32_t from = entry->kind == ENTRY_LOCAL ? entry->local : entry->home;
    if (from != slot)
        emit(t, (struct insn){.op = entry->wide ? OP_MOVE2 : OP_MOVE, .dst = slot, .a = from});
}

uint32_t entry_slot(struct translator *t, const struct entry *entry)
{
    if (entry->kind == ENTRY_LOCAL)
        return entry->local;
    if (entry->kind == ENTRY_CONST)
        move_to(t, entry, entry->home);
    return entry->home;
}

static void settle_entry(struct translator *t, uint32_t index)
{
    struct entry *entry = &t->entries[index];
    if (entry->kind == ENTRY_HOME)
        return;
    move_to(t, entry, entry->home);
    entry->kind = ENTRY_HOME;
}

/* Drops from the list the entries that have become independent. */
static void prune_aliases(struct translator *t)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->alias_count; i++) {
        if (t->entries[t->aliases[i]].kind == ENTRY_LOCAL)
            t->aliases[kept++] = t->aliases[i];
    }
    t->alias_count = kept;
}

void settle(struct translator *t, uint32_t count)
{
    uint32_t first = count < t->entry_count ? t->entry_count - count : 0;
    for (uint32_t i = first; i < t->entry_count; i++)
        settle_entry(t, i);
    prune_aliases(t);
}

void detach_local(struct translator *t, uint32_t slot)
{
    bool any = false;
    for (uint32_t i = 0; i < t->alias_count; i++) {
        if (t->entries[t->aliases[i]].local == slot) {
            settle_entry(t, t->aliases[i]);
            any = true;
        }
    }
    if (any)
        prune_aliases(t);
}

uint32_t prepare_safepoint(struct translator *t)
{
    bool any = false;
    for (uint32_t i = 0; i < t->alias_count; i++) {
        if (t->entries[t->aliases[i]].traced) {
            settle_entry(t, t->aliases[i]);
            any = true;
        }
    }
    if (any)
        prune_aliases(t);
    return t->top_node;
}

void add_safepoint(struct translator *t, uint32_t node)
{
    struct frame_map *map = &t->map;
    if (node == MAP_NONE || !translator_grow(t, &map->safepoints, map->safepoint_count,
                                             &map->safepoint_capacity, sizeof(*map->safepoints)))
        return;
    map->safepoints[map->safepoint_count++] = (struct safepoint){t->insn_count, node};
}

void cut(struct translator *t, uint32_t height)
{
    while (t->entry_count > height)
        pop_entry(t);
}
