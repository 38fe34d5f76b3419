/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler's intermediate form: static single assignment over basic blocks.
 *
 * A value is the number of the instruction that makes it; 0 is no value. Arithmetic keeps the
 * opcode of WebAssembly (wick/opcodes.h), so that one table names and types it; what WebAssembly
 * has no instruction for, or has in another form, begins at SSA_FIRST.
 *
 * An i32 value is always kept zero-extended to 64 bits. A reference is an i64; is_traced if it may
 * lead to an object of the collected heap.
 */
#pragma once

#include "wick/compile/arena.h"
#include "wick/compile/options.h"
#include "wick/module.h"
#include "wick/opcode.h"

enum ssa_op {
    SSA_NOP = 0x1000, /* between the opcodes of one byte and those with a prefix */
    SSA_FIRST = SSA_NOP,
    SSA_COPY,         /* a: what stands for this value; resolved before lowering */
    SSA_CONST,        /* imm: the bits */
    SSA_CONST128,     /* imm: place in graph->vectors */
    SSA_PARAM,        /* imm: index */
    SSA_PHI,          /* args: a value per predecessor, in their order */
    SSA_GLOBAL_GET,   /* imm: index */
    SSA_GLOBAL_SET,   /* imm: index; a: value */
    SSA_MEMORY_BASE,  /* imm: memory: the address of its first byte */
    SSA_MEMORY_BYTES, /* imm: memory: its size in bytes */
    SSA_BOUNDS,       /* traps unless a (i64) + imm bytes is at most b (i64) */
    SSA_CAUGHT,       /* the number of the clause that caught what the call before threw, or 0 */
    SSA_REF_FUNC,     /* imm: function */
    SSA_SELECT,       /* a if c is not 0, else b */
    SSA_MULHI_S,      /* the upper half of a product of i64 */
    SSA_MULHI_U,
    SSA_NULL_CHECK,    /* a; traps with kind imm if it is 0 */
    SSA_INDEX_CHECK,   /* traps with kind imm unless a is below b (i32, unsigned) */
    SSA_REF_TEST,      /* whether the reference a is of imm: see REF_TEST_NULL */
    SSA_CALL,          /* imm: function; args; also below */
    SSA_CALL_INDIRECT, /* imm: table | type id << 32; a: index */
    SSA_CALL_REF,      /* a: reference */
    SSA_CALL_HELPER,   /* imm: enum wick_helper */
    SSA_CALL_INTERP,   /* imm: place in graph->interp_calls; args */
    SSA_RESULT,        /* a: a call; imm: which of its results, from 1 */
    SSA_LOOP,          /* look for interrupts, at the start of a loop */
    SSA_FUEL,          /* use one unit of fuel */
    /* Ends of blocks. */
    SSA_JUMP,      /* to succs[0] */
    SSA_BRANCH,    /* a not 0: to succs[0], else succs[1] */
    SSA_SWITCH,    /* a: index; the last of succs is the default */
    SSA_RETURN,    /* args */
    SSA_TRAP,      /* imm: kind */
    SSA_TAIL_CALL, /* as the calls above */
    SSA_TAIL_CALL_INDIRECT,
    SSA_TAIL_CALL_REF,
    SSA_LAST,
};

/* Of SSA_REF_TEST and M_REF_TEST, in imm besides the number of a type of structs or arrays: */
enum {
    REF_TEST_NULL = 1 << 30, /* null is of it */
    REF_TEST_DEPTH = 32,     /* from this bit on: the type's depth */
};

enum { MEMORY_OF_OBJECTS = UINT8_MAX }; /* as `memory`: c is a reference, a the distance */

struct ins {
    uint16_t op;
    uint8_t type; /* enum type_kind of the value; TYPE_BOTTOM: none */
    bool is_traced;
    uint8_t memory; /* of a load or store */
    uint8_t lane;   /* of a vector instruction */
    uint16_t site;  /* place of the inlined body, 0: the function itself */
    union {
        struct {
            uint32_t a, b, c;
        };
        uint32_t operands[3];
    };
    uint32_t args, arg_count; /* in graph->pool */
    uint32_t next, prev;      /* in the block */
    uint32_t uses;            /* counted before lowering */
    uint32_t user;            /* one that uses it */
    uint32_t block;
    uint32_t offset; /* bytes from the module's start, for traps */
    uint32_t scope;  /* of a call: the try_table around it, in graph->scopes; 0: none */
    uint64_t imm;    /* also the offset of a load or store */
};

struct block {
    /* What reading a local looks at comes first, close together. */
    uint64_t defined; /* bit (number modulo 64) of each local that has a definition here */
    uint32_t *preds;
    uint32_t pred_count, pred_capacity;
    /* A block that dominates this one, and the bytes of code between the two: a local that they do
     * not write has the same value in both. 0: nothing is known. */
    uint32_t above, above_start, above_end;
    uint32_t pending; /* while it is not sealed: chain of phis in builder->pending */
    bool sealed;      /* all predecessors are known */
    bool is_loop;
    bool cold;            /* ends in a trap, or only leads there */
    uint32_t first, last; /* instructions; phis first */
    uint32_t accesses;    /* of memory, that were built */
    uint32_t unused[3];   /* a size that is a power of two: blocks are found with a shift */
    uint32_t *succs;
    uint32_t succ_count;
    uint32_t edge;                 /* to its only successor: the place among that one's preds */
    uint32_t order;                /* place in graph->order */
    uint32_t idom;                 /* block; 0 for the entry */
    uint32_t dom_first, dom_count; /* numbers of the blocks that it dominates, itself first */
    uint32_t loop;   /* header of the innermost loop that holds it, itself for a header; 0: none */
    uint32_t parent; /* of a header: the header of the loop around it */
    uint32_t depth;  /* of loops */
    uint32_t memory_epoch, state_epoch; /* at its end: see gvn.c */
};

_Static_assert(sizeof(struct block) == 128, "see unused");

/* A call whose callee was built in its place. */
struct inline_site {
    uint32_t func_index; /* of the callee */
    uint32_t offset;     /* of the call, in the module */
    uint16_t parent;     /* the site that the call is in; 0: the function itself */
};

/* A try_table. */
struct catch_scope {
    uint32_t outer;        /* the one around it; 0: none */
    uint32_t first, count; /* its clauses, in graph->catch_tags */
};

enum { CATCH_ANY_TAG = UINT32_MAX };

enum { INTERP_CALL_SLOTS = 62 }; /* of operands, at most */

/* What a function of the interpreter (interp_helpers) is called with: see enum helper_id. */
struct interp_call {
    uint8_t helper;
    uint8_t slots; /* of operands; behind them comes the result */
    uint16_t ext_x;
    uint32_t b, ext_a, ext_b;
    uint64_t traced; /* bit per slot: it holds a traced reference */
};

struct graph {
    struct arena *arena;
    const struct compile_options *options;
    const struct module *module;
    const struct functype *type;
    uint32_t func_index;
    struct ins *ins;
    uint32_t ins_count, ins_capacity;
    struct block *blocks; /* 0: none, 1: the entry */
    uint32_t block_count, block_capacity;
    uint32_t *pool;
    uint32_t pool_count, pool_capacity;
    struct span *vectors; /* 16 bytes each, in the module or the arena */
    uint32_t vector_count, vector_capacity;
    struct interp_call *interp_calls;
    uint32_t interp_call_count, interp_call_capacity;
    uint32_t *consts; /* hash table of the entry's constants, by type and bits */
    uint32_t const_count, const_mask;
    uint32_t *order; /* blocks as they were finished: dominators first, loops contiguous */
    uint32_t order_count, order_capacity;
    uint32_t current;          /* block that is being filled; 0: none */
    uint32_t offset;           /* for new instructions */
    uint16_t site;             /* likewise: of the inlined body, 0: the function itself */
    struct inline_site *sites; /* from 1 */
    uint32_t site_count, site_capacity;
    struct catch_scope *scopes; /* from 1 */
    uint32_t scope_count, scope_capacity;
    uint32_t *catch_tags; /* from 1, as clauses are numbered: their tags or CATCH_ANY_TAG */
    uint32_t catch_count, catch_capacity;
};

static inline struct ins *ins_at(const struct graph *graph, uint32_t value)
{
    return &graph->ins[value];
}

static inline bool ssa_is_own(uint16_t op)
{
    return op >= SSA_FIRST && op < SSA_LAST;
}

/* Whether all ways to `block` lead through `above`, or they are the same. */
static inline bool block_dominates(const struct graph *graph, uint32_t above, uint32_t block)
{
    const struct block *a = &graph->blocks[above];
    return graph->blocks[block].dom_first - a->dom_first < a->dom_count;
}

static inline bool ssa_is_end(uint16_t op)
{
    return op >= SSA_JUMP && op < SSA_LAST;
}

static inline bool ssa_is_const(const struct graph *graph, uint32_t value, uint64_t *imm)
{
    const struct ins *ins = &graph->ins[value];
    if (ins->op != SSA_CONST)
        return false;
    *imm = ins->imm;
    return true;
}

void graph_init(struct graph *graph, struct arena *arena, const struct compile_options *options,
                const struct module *module, uint32_t func_index);

uint32_t block_new(struct graph *graph);
void block_add_pred(struct graph *graph, uint32_t block, uint32_t pred);

/* Space for `count` operands; answers their place in the pool. */
uint32_t pool_alloc(struct graph *graph, uint32_t count);

/* Appends an instruction, none of the graph's own, to the current block as it stands. */
uint32_t ins_append(struct graph *graph, const struct ins *ins);

/* Puts a new one at the head of a block: a phi, a constant of the entry. */
uint32_t ins_prepend(struct graph *graph, uint32_t block, struct ins ins);
void ins_remove(struct graph *graph, uint32_t value);
/* Removes an instruction for which another value stands. */
void ins_replace(struct graph *graph, uint32_t value, uint32_t with);
/* Moves an instruction to the end of a block, before the instruction that ends it. */
void ins_move_to_end(struct graph *graph, uint32_t value, uint32_t block);

/* Moves an instruction to right before another. */
void ins_move_before(struct graph *graph, uint32_t value, uint32_t before);

/* Constants stand in the entry block, each once. */
uint32_t ssa_const(struct graph *graph, enum type_kind type, uint64_t imm);
/* Appends arithmetic without effects; answers a simpler or older value where there is one. */
uint32_t ssa_unary(struct graph *graph, uint16_t op, uint32_t a);
uint32_t ssa_binary(struct graph *graph, uint16_t op, uint32_t a, uint32_t b);

/* What an instruction may do. */
enum {
    EFFECT_TRAPS = 1,
    EFFECT_READS = 2,  /* memory, globals or tables */
    EFFECT_WRITES = 4, /* or calls */
    EFFECT_ORDER = 8,  /* stays in its place */
};
extern const uint8_t ssa_effect_table[0x100 + SSA_LAST - SSA_FIRST];
unsigned ssa_prefixed_effects(uint16_t op);

static inline unsigned ssa_effects(const struct ins *ins)
{
    if (ins->op < 0x100)
        return ssa_effect_table[ins->op];
    return ssa_is_own(ins->op) ? ssa_effect_table[0x100 + ins->op - SSA_FIRST]
                               : ssa_prefixed_effects(ins->op);
}

/* The value itself, behind copies. */
static inline uint32_t ssa_resolve(const struct graph *graph, uint32_t value)
{
    while (graph->ins[value].op == SSA_COPY)
        value = graph->ins[value].a;
    return value;
}

/* The same for all operands of an instruction. */
static inline void ssa_resolve_operands(const struct graph *graph, struct ins *ins)
{
    if (ins->a)
        ins->a = ssa_resolve(graph, ins->a);
    if (ins->b)
        ins->b = ssa_resolve(graph, ins->b);
    if (ins->c)
        ins->c = ssa_resolve(graph, ins->c);
    for (uint32_t i = 0; i < ins->arg_count; i++)
        graph->pool[ins->args + i] = ssa_resolve(graph, graph->pool[ins->args + i]);
}

/* divide.c: a quotient or remainder by a constant, without division, or 0. */
uint32_t ssa_divide(struct graph *graph, uint16_t op, uint32_t a, uint64_t divisor);

/* fold.c: the value that an instruction can be replaced with, or 0. May rewrite *ins in place. */
uint32_t ssa_fold_number(struct graph *graph, struct ins *ins);
uint32_t ssa_fold_select(struct graph *graph, const struct ins *ins);

static inline uint32_t ssa_fold(struct graph *graph, struct ins *ins)
{
    if (ins->op >= OPCODE_I32_EQZ && ins->op <= OPCODE_I64_EXTEND32_S)
        return ssa_fold_number(graph, ins);
    return ins->op == SSA_SELECT ? ssa_fold_select(graph, ins) : 0;
}

/* Whether ssa_fold may do anything. */
static inline bool ssa_folds(uint16_t op)
{
    return (op >= OPCODE_I32_EQZ && op <= OPCODE_I64_EXTEND32_S) || op == SSA_SELECT;
}

/* Goes over all operands of an instruction. */
#define FOR_EACH_OPERAND(graph, ins, operand)                                                      \
    for (uint32_t operand##_i = 0, *operand;                                                       \
         operand##_i < 3 + (ins)->arg_count &&                                                     \
         (operand = operand##_i < 3 ? &(ins)->operands[operand##_i]                                \
                                    : &(graph)->pool[(ins)->args + operand##_i - 3]);              \
         operand##_i++)                                                                            \
        if (*operand)

/* ---- Passes -----------------------------------------------------------------------------------
 */

/* build.c: from the function's validated body. */
void graph_build(struct graph *graph);
/* graph.c: removes trivial phis, finds dominators and loops. Operands may be copies until the next
 * pass. */
void graph_analyse(struct graph *graph);
/* gvn.c: merges equal values, folds, and moves invariant ones out of loops. */
void graph_optimise(struct graph *graph);
/* addresses.c: offsets instead of sums, for accesses close to each other. */
void graph_share_addresses(struct graph *graph);
/* sweep.c: counts uses and removes what nobody uses. */
void graph_sweep(struct graph *graph);
/* walks.c: removes looks for interrupts from loops that end anyhow. */
void graph_trim_checks(struct graph *graph);
/* graph.c: brings the blocks into the order of the code: those that leave a loop behind it, those
 * that lead to a trap last. */
void graph_place(struct graph *graph);
