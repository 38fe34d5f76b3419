/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing machine instructions. lower.c holds the walk and operands, lower_number.c arithmetic,
 * lower_memory.c memory and variables, lower_control.c branches and calls, lower_vector.c SIMD,
 * lower_atomic.c atomics.
 *
 * A value that is used once, in its block, by an instruction that can take it in, is deferred: it
 * is made where it is used, as part of that instruction (an immediate, a memory operand, a
 * condition) or just before it.
 */
#pragma once

#include "wick/atomic.h"
#include "wick/compile/machine.h"
#include "wick/compile/sse.h"

/* What a jump has to know of a phi. */
struct lower_phi {
    uint32_t reg;
    uint32_t args; /* its values, in graph->pool */
};

/* Those of a block, in lower.phis. */
struct lower_phis {
    uint32_t first, end;
};

struct lower {
    struct machine *machine;
    const struct graph *graph;
    uint32_t *reg_of; /* by SSA value; 0: not made yet */
    uint32_t value;   /* that is being lowered */
    struct lower_phi *phis;
    uint32_t phi_count, phi_capacity;
    struct lower_phis *phis_of; /* by block */
    bool params_lowered;
};

static inline const struct ins *value_at(const struct lower *l, uint32_t value)
{
    return &l->graph->ins[value];
}

static inline bool is_wide(uint8_t type)
{
    return type == TYPE_I64 || type == TYPE_F64;
}

static inline bool is_vector_type(uint8_t type)
{
    return type == TYPE_F32 || type == TYPE_F64 || type == TYPE_V128;
}

static inline uint8_t type_size(uint8_t type)
{
    return type == TYPE_V128 ? 16 : is_wide(type) ? 8 : 4;
}

/* Appends an instruction. Fields of operands that it does not have must be NO_OPERAND: begin with
 * machine_ins_of. */
void emit_ins(struct lower *l, const struct machine_ins *ins);

static inline struct machine_ins machine_ins_of(uint8_t op, uint8_t size)
{
    return (struct machine_ins){.op = op,
                                .size = size,
                                .dst = NO_OPERAND,
                                .src = {NO_OPERAND, NO_OPERAND},
                                .base = NO_OPERAND,
                                .index = NO_OPERAND,
                                .tmp = NO_OPERAND};
}

/* A fresh virtual register. */
uint32_t new_reg(struct lower *l, bool is_vector, uint8_t size);
/* The next two for a value that has no register yet. */
uint32_t new_result_reg(struct lower *l, uint32_t value);
uint32_t make_reg(struct lower *l, uint32_t value);

/* The register that will hold the value that is being lowered. */
static inline uint32_t result_reg(struct lower *l, uint32_t value)
{
    uint32_t reg = l->reg_of[value];
    return reg ? reg : new_result_reg(l, value);
}

/* The register of an operand; makes it if it was deferred or is a constant. */
static inline uint32_t use_reg(struct lower *l, uint32_t value)
{
    uint32_t reg = l->reg_of[value];
    return reg ? reg : make_reg(l, value);
}

/* The same where only the low 32 bits are looked at. */
uint32_t use_low32(struct lower *l, uint32_t value);
/* A register with a number in it. */
uint32_t number_reg(struct lower *l, uint8_t size, uint64_t imm);

/* Whether a value that is used once is made where that is. */
bool goes_into_user(const struct lower *l, uint32_t value);

/* Whether the value is made where it is used. */
static inline bool is_deferred(const struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    return ins->op == SSA_CONST || ins->op == SSA_CONST128 ||
           (ins->uses == 1 && goes_into_user(l, value));
}

/* A load among them: part of its user if it is of `size` bytes. */
bool is_folded_load(const struct lower *l, uint32_t value, uint8_t size);
/* The load of a value that is stored where it was loaded from, after one operation: all of it is
 * one instruction, the store's. 0: it is none. */
uint32_t updated_load(const struct lower *l, uint32_t value);
/* Gives an instruction its last operand: immediate (of integers), memory or src[slot]. */
void set_last(struct lower *l, struct machine_ins *ins, int slot, uint32_t value);
/* The memory operand of a load or store. */
void set_address(struct lower *l, struct machine_ins *ins, const struct ins *access);

/* Appends what sets the flags for a condition; answers the code for "it holds". */
uint8_t lower_condition(struct lower *l, uint32_t value);
/* Whether the value may be a condition's comparison or test, without a value of its own. */
bool is_condition(const struct lower *l, uint32_t value);

void lower_number(struct lower *l, uint32_t value);
void lower_memory(struct lower *l, uint32_t value);
void lower_control(struct lower *l, uint32_t value);
void lower_vector(struct lower *l, uint32_t value);
void lower_atomic(struct lower *l, uint32_t value);
/* Whether the vector instruction takes its second operand from memory as well. */
bool lower_takes_vector(uint16_t opcode);
/* Any of them, by its opcode. */
void lower_value(struct lower *l, uint32_t value);
