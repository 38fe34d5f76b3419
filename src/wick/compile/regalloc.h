/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear-scan register allocation on SSA form with splitting of live ranges (Wimmer and Franz,
 * "Linear Scan Register Allocation on SSA Form", 2010). edges.c, live.c and ranges.c find
 * where values live, regalloc.c gives them registers, slots.c lets phis share slots, resolve.c adds
 * the moves.
 *
 * A position is 4 × number of an instruction: + 0 where it reads operands, + 1 where it overwrites
 * fixed registers, + 2 where it writes results. A value that does not stay in its register is
 * stored to its slot where it is defined, so that going to memory needs no move later on.
 */
#pragma once

#include "wick/compile/machine.h"

enum use_kind {
    USE_REG,  /* must be in a register */
    USE_ANY,  /* register or slot */
    USE_PHI,  /* the same, by a jump for a phi */
    USE_LATE, /* in a register that the instruction does not overwrite, with its result neither */
    USE_TMP,  /* a register of the instruction's own */
    DEF_REG,
    DEF_ANY,
};

struct use {
    uint32_t position;
    uint8_t kind;
    uint32_t *operand;
};

struct range {
    uint32_t from, to; /* to: one past the end */
};

/* A piece of a virtual register's life with one location. */
struct interval {
    uint32_t reg; /* virtual */
    uint32_t start, end;
    uint32_t range, range_end; /* in ranges; clipped by start and end */
    uint32_t cursor;           /* of the scan: the ranges before it are over */
    uint32_t use, use_end;     /* in uses */
    uint32_t next, prev;       /* pieces of the same virtual register */
    uint32_t recent;           /* of the first piece: the one last looked at; 0: none */
    uint32_t location;         /* machine register, or slot; NO_OPERAND: not yet */
    bool spill_first;          /* begins in its slot */
};

struct clobber {
    uint32_t position;
    uint32_t mask; /* of machine registers */
};

/* A block, by its place in the order of the code: see edges.c. Its size is a power of two. */
struct placed_block {
    uint32_t start, end;        /* positions */
    uint32_t edges, edge_count; /* into it, in allocation->edges */
    uint32_t depth, outside;    /* of loops; and where it is entered from */
    uint32_t block;             /* of the graph */
} __attribute__((aligned(16)));

enum { ON_EDGE = UINT32_MAX }; /* in placed_of: a block that only jumps */

struct placed_edge {
    uint32_t from;  /* block, by its place */
    uint32_t moves; /* place for moves, see struct machine_move */
};

/* A jump to a block with phis. */
struct phi_jump {
    uint32_t ins;
    uint32_t position; /* where it reads what the phis stand for */
    uint32_t to;       /* block, by its place */
};

/* What a phi stands for on one of the ways to its block. */
struct phi_source {
    uint32_t reg;     /* virtual, or SOURCE_CONST + … */
    uint32_t operand; /* in machine->pool: the same until locations are written */
    uint32_t jump;    /* in allocation->jumps */
};

struct slots;

struct allocation {
    struct machine *machine;
    struct arena *arena;
    struct placed_block *placed;
    uint32_t placed_count;
    uint32_t *placed_of; /* by block of the graph */
    uint32_t *block_of;  /* place in the order, by instruction */
    struct placed_edge *edges;
    struct phi_jump *jumps;
    uint32_t jump_count;
    struct phi_source *phi_sources; /* by phi */
    uint32_t *first_source;         /* by virtual register; one more at the end */
    struct use *uses;               /* by virtual register, then position */
    uint32_t *first_use;            /* by virtual register; one more at the end */
    struct range *ranges;
    uint32_t range_count, range_capacity;
    struct interval *intervals; /* 0 is none; the first pieces come first, by virtual register */
    uint32_t interval_count, interval_capacity;
    uint32_t *piece_of; /* by virtual register: its first piece, 0: it never lives */
    uint32_t *slot_of;  /* by virtual register: NO_OPERAND: not spilled */
    struct slots *slots;
    struct clobber *clobbers;
    uint32_t clobber_count;
};

#define ALL_REGS 0xFFFFFFFFu

/* Whether the interval lives at a position within [start, end). */
bool interval_covers(const struct allocation *a, const struct interval *interval,
                     uint32_t position);
/* The first position at or behind `from` at which the interval lives; its end if there is none. */
uint32_t interval_next(const struct allocation *a, const struct interval *interval, uint32_t from);

/* Calls visit for each operand: uses, then temporaries, then definitions. */
typedef void (*operand_visitor)(void *env, uint32_t *operand, enum use_kind kind);
void machine_operands(struct machine *machine, struct machine_ins *ins, operand_visitor visit,
                      void *env);

/* slots.c: the slot of a virtual register, which it has from the first call on. */
uint32_t slot_for(struct allocation *a, uint32_t reg);
/* Gives a virtual register a slot where others are, unless it lives when one of them does. */
bool slot_join(struct allocation *a, uint32_t reg, uint32_t slot);
/* Before the first, when the ranges are known. */
void slots_init(struct allocation *a);
/* Of all slots, a multiple of 8. */
uint32_t slots_bytes(const struct allocation *a);

/* edges.c: blocks, edges, jumps and what phis stand for. */
void find_blocks(struct allocation *a);
/* live.c: uses of virtual registers and clobbers. */
void find_uses(struct allocation *a);
/* ranges.c: ranges and one interval for each virtual register that lives. */
void find_ranges(struct allocation *a);
/* resolve.c: writes locations into operands and makes the moves. */
void resolve_locations(struct allocation *a);
