/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From allocated machine instructions to bytes. emit.c holds the frame and blocks, moves.c moves,
 * emit_number.c integers, emit_float.c floats, vectors and conversions, emit_call.c calls,
 * emit_atomic.c atomics, order.c the order of the blocks, thread.c jumps past branches, jumps.c
 * what jumps between them become.
 *
 * A function's code: the entry for callers of other instances, which loads the base of memory 0;
 * the entry for callers of the same instance; the body; cold code; jump tables; constants.
 */
#pragma once

#include "wick/compile/emitted.h"
#include "wick/compile/x86_64/asm.h"

/* Code behind the body that a check jumps to. */
enum cold_kind {
    COLD_TRAP,       /* traps with kind `trap` */
    COLD_CONVERSION, /* traps: invalid conversion if `reg` holds a NaN, else integer overflow */
    COLD_SIGNATURE,  /* R11 + 8 * reg is a table slot of another type; if that is a subtype, goes on
                      * at  `back` with the function in reg, else traps */
    COLD_INTERRUPT,  /* looks for interrupts and the end of the stack, then goes on at `back` */
    COLD_EARLY,      /* the same before there is a frame */
};

struct cold {
    uint8_t kind, trap, size;
    uint32_t jump; /* place of the displacement that leads here */
    uint32_t back;
    uint32_t reg;
    const struct deftype *type; /* of COLD_SIGNATURE: that was asked for */
    uint32_t offset;
    uint16_t site;
};

enum {
    JUMP_ENTRY = 0,       /* instead of a block: the entry for callers of the same instance */
    JUMP_GAP = 1u << 31,  /* no jump, but a gap before the block of a loop */
    JUMP_SHORT = 1 << 30, /* in a place: 8 bits */
    GAP_MOST = 10,
};

struct block_jump {
    uint32_t place; /* of the displacement; of the gap's first byte */
    uint32_t block;
};

struct const_fixup {
    uint32_t place, number;
};

struct emit_const {
    uint8_t bytes[16];
    uint32_t size;
};

struct emit_table {
    uint32_t place; /* of the displacement that names it */
    uint32_t block; /* that ends with the switch */
};

/* A register or 8 bytes of the frame, among moves that happen at once. */
struct emit_location {
    uint32_t readers; /* moves that still read it */
    uint32_t writer;  /* the one that has still to write it, from 1 */
};

struct emit {
    struct machine *machine;
    const struct graph *graph;
    struct code code;
    bool avx;
    uint32_t frame;                  /* bytes between RSP and the return address */
    uint32_t saved;                  /* where R14 is kept, from RSP; NO_OPERAND: it is not */
    uint32_t next_ins;               /* behind the last block */
    uint32_t next_move, next_place;  /* in machine->moves; its place, UINT32_MAX: there is none */
    uint32_t next_root;              /* in machine->roots */
    uint32_t *target;                /* by block: itself, or the next on the way past empty ones */
    uint32_t *order, order_count;    /* of the blocks that are not empty, and a 0: see order.c */
    bool *begins_loop;               /* by block: what follows it is aligned */
    uint32_t current;                /* place of the block in the order */
    uint32_t *block_at;              /* offset of each block */
    struct emit_location *locations; /* all zeros between parallel moves */
    struct machine_move *sorted;     /* of a parallel move, those of one class */
    uint32_t sorted_capacity;
    struct machine_ins *ins;            /* that is being emitted */
    const struct machine_ins *flags_of; /* the last whose result the zero flag tells */
    struct emitted *out;
    struct cold *cold;
    uint32_t cold_count, cold_capacity;
    struct block_jump *jumps; /* and gaps, in the order of the code */
    uint32_t jump_count, jump_capacity;
    struct const_fixup *const_fixups;
    uint32_t const_fixup_count, const_fixup_capacity;
    struct emit_const *consts;
    uint32_t const_count, const_capacity;
    struct emit_table *tables;
    uint32_t table_count, table_capacity;
};

/* ---- emit.c -----------------------------------------------------------------------------------
 */

static inline bool is_slot(uint32_t location)
{
    return location >= SLOT_FIRST && location != NO_OPERAND;
}

static inline int32_t slot_disp(uint32_t location)
{
    return (int32_t)(location - SLOT_FIRST);
}

static inline struct mem slot_mem(uint32_t location)
{
    return mem_at(RSP, slot_disp(location));
}

/* The memory operand of an instruction; if it may trap, notes where. Call it right before the one
 * instruction of the machine that accesses it. */
struct mem access_mem(struct emit *e, const struct machine_ins *ins);
/* The last source as memory, if it is an access or in a slot. */
bool last_mem(struct emit *e, const struct machine_ins *ins, int slot, struct mem *mem);

/* Notes that the code at the current end belongs to the current instruction of WebAssembly. */
void note_offset(struct emit *e);
/* The same for a return address, with the references that the call keeps alive. */
void note_return(struct emit *e);
/* A jump to a trap. */
void trap_if(struct emit *e, uint8_t cc, enum wick_trap_kind kind);
void add_cold(struct emit *e, struct cold cold);
/* A call of a stub of the code region. */
void call_stub(struct emit *e, enum code_stub stub);
/* A constant of 4, 8 or 16 bytes as memory; call right before the instruction that names it, in
 * whose bytes the displacement comes last. */
uint32_t add_const(struct emit *e, const void *bytes, uint32_t size);
void const_operand(struct emit *e, uint32_t number); /* call right behind it */

/* Vector instructions in the form that the processor has: dst = a op last. */
void sse_op(struct emit *e, uint16_t encoding, uint32_t dst, uint32_t a, uint32_t b);
void sse_op_mem(struct emit *e, uint16_t encoding, uint32_t dst, uint32_t a, struct mem mem);
void sse_unary(struct emit *e, uint16_t encoding, uint32_t dst, uint32_t a);
void sse_unary_mem(struct emit *e, uint16_t encoding, uint32_t dst, struct mem mem);
void sse_move(struct emit *e, uint32_t dst, uint32_t src);
void sse_load(struct emit *e, uint8_t size, uint32_t dst, struct mem mem);
void sse_store(struct emit *e, uint8_t size, struct mem mem, uint32_t src);
void sse_zero(struct emit *e, uint32_t dst);
void sse_ucomis(struct emit *e, uint8_t size, uint32_t a, uint32_t b);
void load_const(struct emit *e, uint8_t size, uint32_t dst, const void *bytes);
/* Between classes, `size` bytes. */
void move_to_general(struct emit *e, uint8_t size, uint32_t dst, uint32_t src);
void move_to_vector(struct emit *e, uint8_t size, uint32_t dst, uint32_t src);

/* Leaves the frame. */
void emit_epilogue(struct emit *e);

/* ---- order.c ----------------------------------------------------------------------------------
 */

/* Finds the order of the blocks. */
void order_blocks(struct emit *e);
/* Where a branch to the block really goes. */
uint32_t final_target(const struct emit *e, uint32_t block);

/* Whether a block is nothing but a jump. */
static inline bool is_empty_block(const struct emit *e, uint32_t block)
{
    return e->target[block] != block;
}

/* The block that follows the one that is being emitted; 0: none. */
static inline uint32_t following(const struct emit *e)
{
    return e->order[e->current + 1];
}

/* ---- moves.c ----------------------------------------------------------------------------------
 */

/* The first of the moves that belong to `place` or one behind it. */
uint32_t moves_from(const struct machine *machine, uint32_t place);
/* Goes on with a move, by its number. */
void seek_move(struct emit *e, uint32_t move);
/* Emits the moves of the next place. */
void next_moves(struct emit *e);

/* Emits those that belong to a place, which is at or before that of the next move. */
static inline void moves_at(struct emit *e, uint32_t place)
{
    if (e->next_place == place)
        next_moves(e);
}

/* Moves that happen at once. */
void parallel_move(struct emit *e, const struct machine_move *moves, uint32_t count);
void emit_move(struct emit *e, uint32_t to, uint32_t from, uint8_t size);

/* ---- thread.c ---------------------------------------------------------------------------------
 */

/* Where a jump that ends the current block leads behind the branch that is all of its target, or 0.
 * *checks: there is a look for interrupts on the way. */
uint32_t threaded_target(const struct emit *e, const struct machine_ins *jump, bool *checks);

/* ---- jumps.c ----------------------------------------------------------------------------------
 */

/* Notes a jump or call whose displacement of 32 bits, still to be written, is at `place`. */
void add_jump(struct emit *e, uint32_t place, uint32_t block);
/* Room for the alignment of a loop. */
void add_gap(struct emit *e);
/* Once the body is there: makes jumps short and gaps as large as they have to be. All places that
 * were noted before move with the code. */
void shorten_jumps(struct emit *e);
/* Writes the displacements. */
void patch_jumps(struct emit *e);

void emit_number(struct emit *e, const struct machine_ins *ins);
void emit_float(struct emit *e, const struct machine_ins *ins);
void emit_call(struct emit *e, const struct machine_ins *ins);
void emit_atomic(struct emit *e, const struct machine_ins *ins);
