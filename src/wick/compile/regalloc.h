/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear-scan register allocation on SSA form with splitting of live ranges (Wimmer and Franz,
 * "Linear Scan Register Allocation on SSA Form", 2010). live.c finds where values live, regalloc.c
 * gives them registers, slots.c lets phis share slots, resolve.c adds the moves.
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
    uint32_t next;             /* piece of the same virtual register */
    uint32_t location;         /* machine register, or slot; NO_OPERAND: not yet */
    bool spill_first;          /* begins in its slot */
};

struct clobber {
    uint32_t position;
    uint32_t mask; /* of machine registers */
};

/* A block, by its place in the order of the code. Aligned so that its size is a power of two. */
struct placed_block {
    uint32_t start, end;        /* positions */
    uint32_t preds, pred_count; /* places, in allocation->preds */
    uint32_t depth, outside;    /* of loops; and where it is entered from */
    bool has_one_way;           /* out */
    bool only_jumps;            /* has no other instruction */
} __attribute__((aligned(16)));

struct slots;

struct allocation {
    struct machine *machine;
    struct arena *arena;
    struct placed_block *placed;
    uint32_t *preds;
    uint32_t *block_of;  /* place in the order, by instruction */
    struct use *uses;    /* by virtual register, then position */
    uint32_t *first_use; /* by virtual register; one more at the end */
    struct range *ranges;
    uint32_t range_count, range_capacity;
    struct interval *intervals; /* 0 is none; the first pieces come first, by virtual register */
    uint32_t interval_count, interval_capacity;
    uint32_t *piece_of; /* by virtual register: its first piece, 0: it never lives */
    uint32_t *slot_of;  /* by virtual register: NO_OPERAND: not spilled */
    struct slots *slots;
    struct clobber *clobbers;
    uint32_t clobber_count;
    uint32_t *jumps; /* instructions: the jumps to blocks with phis */
    uint32_t jump_count;
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
/* Before the first, when the ranges are known. */
void slots_init(struct allocation *a);
/* Of all slots, a multiple of 8. */
uint32_t slots_bytes(const struct allocation *a);

/* live.c: uses, ranges and one interval for each virtual register that lives. */
void find_intervals(struct allocation *a);
/* ranges.c: the last two of them. */
void find_ranges(struct allocation *a);
/* resolve.c: writes locations into operands and makes the moves. */
void resolve_locations(struct allocation *a);
