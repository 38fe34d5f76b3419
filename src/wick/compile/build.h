/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a validated body to SSA. build.c holds blocks and branches, build_vars.c the locals,
 * build_object.c and build_field.c objects, build_instr.c everything else.
 *
 * Locals become values by the algorithm of Braun et al., "Simple and Efficient Construction of
 * Static Single Assignment Form" (2013). Because control flow is structured, the bytes between a
 * construct's start and its end tell which locals it writes; the others need no phi.
 */
#pragma once

#include "wick/compile/ssa.h"
#include "wick/validate.h"

/* A local of the function or of an inlined one. */
struct variable {
    uint8_t type;
    bool is_traced;
    uint32_t first_write, write_count; /* in builder->writes: places in the code, ascending */
    /* The last search there: the first write from gap_first on is at gap_end; UINT32_MAX: there is
     * none. gap_first is above gap_end before the first search. */
    uint32_t gap_first, gap_end;
    /* The value at a point of the construct that is open as the labels' depth-th; it holds until
     * the construct ends, except in loops inside of it that write the variable. */
    uint32_t value, depth, serial;
    uint32_t checked; /* serial of an open loop that does not, nor do those around it */
};

struct label {
    uint16_t opcode;   /* block, loop, if or else */
    bool is_body;      /* of the function, or of an inlined one */
    uint32_t serial;   /* no two constructs, nor the arms of an if, have the same */
    uint32_t loop;     /* the innermost loop that is open, itself for one: 1 + place; 0: none */
    uint32_t loop_end; /* of a loop: place in the code */
    uint32_t height;   /* of the stack, without the block's own operands */
    const uint32_t *params, *results;
    uint32_t param_count, result_count;
    uint32_t target;     /* block that branches go to; 0: none yet */
    uint32_t else_block; /* of an if */
    uint32_t *incoming;  /* values, result by result for each predecessor of a forward target */
    uint32_t incoming_count, incoming_capacity;
    uint32_t above, above_start; /* see struct block */
    uint32_t switched;           /* the last switch that branched here */
    uint32_t switch_edge;        /* and the block on that edge */
    uint32_t else_params;        /* in the pool: the operands, for the else */
    uint32_t first_phi;          /* of a loop's operands */
    uint32_t single_result;      /* of a block type without index */
    uint32_t scope;              /* of a try_table, in graph->scopes */
};

/* Where a try_table's calls go on when they threw: its landing, which finds the clause. */
struct catch_landing {
    struct label label; /* with the stack's height, and where the construct starts */
    struct span clauses;
    uint32_t count;
};

/* A definition of a variable at the end of a block, in a hash table. */
struct definition {
    uint64_t key; /* block << 32 | variable; 0: free */
    uint32_t value;
};

/* A phi without operands. */
struct pending_phi {
    uint32_t phi, variable, block;
    uint32_t next; /* place + 1 of the next one of the same loop */
};

/* The function that is being read: the outermost or an inlined one. */
struct body {
    struct reader reader;
    uint32_t func_index;
    const struct functype *type;
    uint32_t variable_base;
    uint32_t label_base;
    uint32_t *loop_ends; /* places where the loops end, in the order of their starts */
    uint32_t next_loop;
    struct body *outer; /* that it is inlined into */
};

struct builder {
    struct graph *graph;
    struct arena *arena;
    const struct module *module;
    struct body *body; /* on the C stack */
    struct instr instr;
    struct fault fault;
    uint32_t dead; /* depth of blocks below the point where code became unreachable; 0: live */
    uint32_t switches;
    uint32_t inlined_bytes;
    uint32_t scope;          /* the innermost try_table that is open, in graph->scopes; 0: none */
    uint32_t zero[TYPE_REF]; /* by type: the value of a fresh local; 0: not made yet */

    uint32_t *stack;
    uint32_t stack_count, stack_capacity;
    struct label *labels;
    uint32_t label_count, label_capacity;
    uint32_t serials;               /* given */
    struct catch_landing *landings; /* by scope */
    uint32_t landing_capacity;

    struct variable *variables;
    uint32_t variable_count, variable_capacity;
    uint32_t *writes;
    uint32_t write_count, write_capacity;
    struct definition *definitions;
    uint32_t definition_count, definition_mask;
    struct pending_phi *pending; /* of loops that are open; place 0 is none */
    uint32_t pending_count, pending_capacity;
    struct pending_phi *ready; /* of sealed blocks: a stack of work */
    uint32_t ready_count, ready_capacity;
};

/* build_vars.c */

/* Reads the local declarations of a body and finds where it writes which; the reader then stands at
 * the first instruction. Parameters are variables as well, not yet defined. */
void variables_add(struct builder *b, struct body *body);
void variable_write(struct builder *b, uint32_t variable, uint32_t value);
uint32_t variable_read(struct builder *b, uint32_t variable);
/* The predecessors of a block are complete: gives its phis their operands. */
void block_seal(struct builder *b, uint32_t block);

/* build.c */

static inline void push(struct builder *b, uint32_t value)
{
    arena_grow(b->arena, &b->stack, b->stack_count + 1, &b->stack_capacity, sizeof(*b->stack));
    b->stack[b->stack_count++] = value;
}

static inline uint32_t pop(struct builder *b)
{
    return ssa_resolve(b->graph, b->stack[--b->stack_count]);
}

/* The rest of the block cannot be reached. */
void build_unreachable(struct builder *b);
/* Branches to the label if the condition, or its opposite, holds, and goes on in a new block, or in
 * dead code. The label's operands are the topmost. */
void branch_if(struct builder *b, uint32_t depth, uint32_t condition, bool negated);
/* Behind a call: what it threw may be caught in this function. */
void build_catching(struct builder *b);
/* Ends the block with a return of the topmost values, or goes to the end of the inlined body. */
void build_return(struct builder *b);
/* Reads instructions up to the end of the body on top of builder->body. */
void build_body(struct builder *b);
/* Builds a call's callee in its place, with the topmost values as its arguments, if that is worth
 * it. */
bool build_inlined(struct builder *b, uint32_t func_index);
/* Ends the current block with `end`, without successors. */
void finish_block(struct builder *b, const struct ins *end);

/* build_field.c: an instruction on an object that needs no call, or false. */
bool build_field(struct builder *b);

/* build_object.c */
void build_object(struct builder *b);
void build_atomic(struct builder *b);
void build_throw(struct builder *b);

/* build_instr.c */

uint32_t build_zero(struct builder *b, uint8_t type);
/* local.get, local.set, local.tee. */
void build_local(struct builder *b);
/* The rest, but for blocks and branches. */
void build_instr(struct builder *b);
/* Completes a load or store whose address is in ins->a: checks it where no guard does and says
 * where the memory begins, in c; 0 there is the register of memory 0. */
void build_address(struct builder *b, struct ins *ins);
