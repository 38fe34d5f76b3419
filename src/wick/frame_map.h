/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interpreter knows about a function's frames beyond its code: which slots hold references
 * into the collected heap when it may be collected, and which exceptions are caught where.
 *
 * Operand stacks and nested try_tables are both trees that grow at one end, so each is a list of
 * nodes that name the one below or around them. A map is linear in the size of the function.
 */
#pragma once

#include "wick/opcode.h"
#include "wick/runtime.h"

#define MAP_NONE UINT32_MAX

struct slot_run {
    uint32_t slot, count;
};

/* An operand that is traced, and the next one below it. */
struct ref_node {
    uint32_t slot, below;
};

/* At this instruction, a call or one that allocates, these operands are alive. */
struct safepoint {
    uint32_t insn;
    uint32_t node;
};

struct try_clause {
    struct catch_clause clause;
    uint32_t landing; /* instruction to go on with: a branch to the label */
    uint32_t slot;    /* where the label's values go */
};

struct try_node {
    uint32_t outer;
    uint32_t first, count; /* clauses */
};

/* From this instruction to the start of the next region, this is the innermost try_table. */
struct try_region {
    uint32_t start;
    uint32_t node;
};

struct frame_map {
    struct slot_run *locals; /* that are traced, parameters among them */
    struct ref_node *nodes;
    struct safepoint *safepoints;
    struct try_node *tries;
    struct try_region *regions;
    struct try_clause *clauses;
    uint32_t local_count, node_count, safepoint_count, try_count, region_count, clause_count;
    uint32_t local_capacity, node_capacity, safepoint_capacity, try_capacity, region_capacity,
        clause_capacity;
};

bool frame_map_is_empty(const struct frame_map *map);
void frame_map_fini(struct frame_map *map);

/* Visits what the frame at `fp` holds while it is at instruction `insn`. */
void frame_map_visit(const struct frame_map *map, struct heap *heap, const wick_value_t *fp,
                     uint32_t insn);

/* The clause that catches the exception when it comes out of instruction `insn`, or NULL. */
const struct try_clause *frame_map_catch(const struct frame_map *map,
                                         const struct wasm_instance_t *instance,
                                         const struct heap_exception *exception, uint32_t insn);
