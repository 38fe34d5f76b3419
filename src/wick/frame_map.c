/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/frame_map.h"

#include "base/search.h"

#include <stdlib.h>

bool frame_map_is_empty(const struct frame_map *map)
{
    return !map->local_count && !map->safepoint_count && !map->try_count;
}

void frame_map_fini(struct frame_map *map)
{
    free(map->locals);
    free(map->nodes);
    free(map->safepoints);
    free(map->tries);
    free(map->regions);
    free(map->clauses);
}

/* The operands alive at an instruction; MAP_NONE if it was not recorded as a safepoint. */
static uint32_t find_safepoint(const struct frame_map *map, uint32_t insn)
{
    uint32_t at = SEARCH_FIRST(map->safepoints, 0, map->safepoint_count, insn, insn);
    bool found = at < map->safepoint_count && map->safepoints[at].insn == insn;
    return found ? map->safepoints[at].node : MAP_NONE;
}

void frame_map_visit(const struct frame_map *map, struct heap *heap, const wick_value_t *fp,
                     uint32_t insn)
{
    for (uint32_t i = 0; i < map->local_count; i++) {
        const struct slot_run *run = &map->locals[i];
        for (uint32_t k = 0; k < run->count; k++)
            heap_visit(heap, fp[run->slot + k].ref);
    }
    for (uint32_t node = find_safepoint(map, insn); node != MAP_NONE; node = map->nodes[node].below)
        heap_visit(heap, fp[map->nodes[node].slot].ref);
}

/* The innermost try_table around an instruction. */
static uint32_t find_try(const struct frame_map *map, uint32_t insn)
{
    uint32_t low = SEARCH_FIRST(map->regions, 0, map->region_count, start, insn + 1);
    return low ? map->regions[low - 1].node : MAP_NONE;
}

const struct try_clause *frame_map_catch(const struct frame_map *map,
                                         const struct wasm_instance_t *instance,
                                         const struct heap_exception *exception, uint32_t insn)
{
    for (uint32_t node = find_try(map, insn); node != MAP_NONE; node = map->tries[node].outer) {
        const struct try_node *block = &map->tries[node];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct try_clause *candidate = &map->clauses[block->first + i];
            const struct catch_clause *clause = &candidate->clause;
            if (!catch_has_tag(clause->kind) || instance->tags[clause->tag] == exception->tag)
                return candidate;
        }
    }
    return NULL;
}
