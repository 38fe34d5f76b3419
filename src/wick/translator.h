/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the translator: a model of the operand stack that delays copies and constants, and the
 * growing code. translate_stack.c holds the model, translate.c the control flow, translate_instr.c
 * and translate_gc.c the rest.
 *
 * The function was validated, so the stack never runs empty and types are known to agree. Code that
 * cannot be reached is read but not translated.
 */
#pragma once

#include "wick/frame_map.h"
#include "wick/interp.h"
#include "wick/opcode.h"
#include "wick/validate.h"

enum entry_kind {
    ENTRY_HOME,  /* the value is in its home slot */
    ENTRY_LOCAL, /* the value is that of a local, which has not been written since */
    ENTRY_CONST,
};

struct entry {
    uint8_t kind; /* enum entry_kind */
    bool wide;    /* two slots */
    bool
        traced; /* a reference into the collected heap, perhaps; not of constants, which are null */
    uint8_t type; /* of a constant: enum type_kind */
    uint32_t home;
    uint32_t local; /* its slot */
    uint32_t node;  /* of a traced one: in the map */
    uint64_t value;
};

struct label {
    uint16_t opcode; /* block, loop, if or else */
    bool is_func;
    struct block_type block;
    uint32_t height;  /* entries below the block's own */
    uint32_t start;   /* of a loop: the instruction to branch to */
    uint32_t patches; /* chain of branches to the end, NONE: empty */
    uint32_t else_patches;
    uint32_t outer_try; /* of a try_table: the one around it */
};

#define NONE UINT32_MAX

enum { ALIASES_MAX = 32 };

struct translator {
    const struct module *module;
    const struct functype *type;
    struct reader *reader;
    struct instr instr;
    struct locals locals;
    bool out_of_memory;
    uint32_t dead; /* depth of blocks below the point where code became unreachable; 0: live */

    struct entry *entries;
    uint32_t entry_count, entry_capacity;
    uint32_t operand_base, top_slot, max_slot;
    uint32_t aliases[ALIASES_MAX]; /* entries that are ENTRY_LOCAL, in order */
    uint32_t alias_count;

    struct label *labels;
    uint32_t label_count, label_capacity;

    struct insn *insns;
    uint32_t *offsets;
    uint32_t insn_count, insn_capacity;
    uint32_t result_insn; /* the last instruction, if its dst is its entry's home and may change */

    struct frame_map map;
    uint32_t top_node;  /* of the topmost traced entry */
    uint32_t inner_try; /* the innermost try_table */
};

/* Makes room for one more element; false and out_of_memory without memory. */
bool translator_grow(struct translator *t, void *array_pointer, uint32_t count, uint32_t *capacity,
                     size_t size);

/* The stack model. */
void push_home(struct translator *t, bool wide);
/* A value of the type, in its home. */
void push_value(struct translator *t, uint32_t type);
void push_entry(struct translator *t, struct entry entry);
/* The topmost entry, just pushed, is of this type. */
void set_type(struct translator *t, uint32_t type);
struct entry pop_entry(struct translator *t);
/* The slot where the entry's value is; writes a constant to its home first. */
uint32_t entry_slot(struct translator *t, const struct entry *entry);
/* Copies an entry's value to a slot, unless it is there. */
void move_to(struct translator *t, const struct entry *entry, uint32_t slot);
/* Brings the topmost `count` entries to their homes. */
void settle(struct translator *t, uint32_t count);
/* Cuts the stack to `height` entries. */
void cut(struct translator *t, uint32_t height);
/* Copies the value of a local out of entries that stand for it, before it is written. */
void detach_local(struct translator *t, uint32_t slot);

/* The code. `emit_result` also pushes the entry whose home is dst. */
void emit(struct translator *t, struct insn insn);
void emit_ext(struct translator *t, struct insn insn, struct insn ext);
void emit_result(struct translator *t, struct insn insn, bool wide);
void emit_result_ext(struct translator *t, struct insn insn, struct insn ext, bool wide);
void mark_dead(struct translator *t);

/* What may collect needs a safepoint. `prepare_safepoint` brings traced operands home, before those
 * of the instruction are popped if it needs them while it collects, and answers what is alive then;
 * `add_safepoint` records it for the next instruction. */
uint32_t prepare_safepoint(struct translator *t);
void add_safepoint(struct translator *t, uint32_t node);
/* The locals of the function that are traced. */
void map_locals(struct translator *t);
/* A try_table begins here; its clauses are in the map from `first` on. Until try_leave. */
void try_enter(struct translator *t, uint32_t first, uint32_t count);
void try_leave(struct translator *t, uint32_t outer);

/* A branch condition; the operation for the opposite is `unless`. */
struct condition {
    uint16_t op_if, op_unless;
    uint32_t a, b;
};

void branch_on(struct translator *t, uint32_t depth, struct condition condition);

/* Everything but blocks and branches. */
void translate_instr(struct translator *t);
/* Structs, arrays, i31, casts and throws. */
void translate_gc(struct translator *t);
