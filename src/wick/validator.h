/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the validator: its state, and what validate.c (control) and validate_instr.c (everything
 * else) share. After a failure the reader is at its end and the state must not be relied on.
 */
#pragma once

#include "wick/opcode.h"
#include "wick/runtime.h"
#include "wick/validate.h"

#include <stdarg.h>
#include <stdio.h>

struct type_list {
    const uint32_t *types;
    uint32_t count;
};

struct control {
    uint16_t opcode; /* block, loop, if or else */
    bool is_func;    /* the body or expression as a whole */
    bool unreachable;
    struct block_type block;
    uint32_t height;      /* of the operand stack below the block's own */
    uint32_t init_height; /* locals initialised before it */
};

enum { LOCALS_NEAR = 64 };

struct validator {
    const struct module *module;
    struct reader *reader;
    struct instr instr; /* the one being checked */
    struct locals locals;
    /* The types of the first locals, where all locals have a default value. */
    uint32_t near_types[LOCALS_NEAR], near_count;
    struct type_list results; /* of the function or expression */
    uint32_t *operands;
    uint32_t operand_count, operand_capacity;
    struct control *controls;
    uint32_t control_count, control_capacity;
    /* Locals without a default value: a bit each once set, and the order in which they were. */
    uint8_t *initialised;
    uint32_t *inits;
    uint32_t init_count, init_capacity;
    bool followed; /* by the body of another function */
    /* Constant expressions only. */
    bool constant;
    struct module *declare; /* takes the functions that ref.func names */
    uint32_t global_limit;
};

__attribute__((format(printf, 2, 3))) void check_fail(struct validator *v, const char *format, ...);
void check_mismatch(struct validator *v, uint32_t expected, uint32_t found);

static inline bool matches(const struct validator *v, uint32_t type, uint32_t expected)
{
    return type_matches(&v->module->engine->types, type, expected);
}

static inline struct control *control_top(struct validator *v)
{
    return &v->controls[v->control_count - 1];
}

void push_slow(struct validator *v, uint32_t type);
uint32_t pop_slow(struct validator *v, uint32_t expected);

static inline void push(struct validator *v, uint32_t type)
{
    if (v->operand_count < v->operand_capacity && v->operand_count < FUNC_OPERANDS_MAX)
        v->operands[v->operand_count++] = type;
    else
        push_slow(v, type);
}

static inline uint32_t pop(struct validator *v, uint32_t expected)
{
    if (v->operand_count > control_top(v)->height && v->operands[v->operand_count - 1] == expected)
        return v->operands[--v->operand_count];
    return pop_slow(v, expected);
}

uint32_t pop_any(struct validator *v); /* TYPE_BOTTOM: unknown, in unreachable code */
uint32_t pop_ref(struct validator *v);
void push_all(struct validator *v, const uint32_t *types, uint32_t count);
void pop_all(struct validator *v, const uint32_t *types, uint32_t count);

struct type_list control_results(const struct validator *v, const struct control *control);
struct type_list control_label(const struct validator *v, const struct control *control);
void control_push(struct validator *v, uint16_t opcode, const struct block_type *block,
                  bool is_func);
void set_unreachable(struct validator *v);
struct type_list label_types(struct validator *v, uint32_t depth);

/* Instructions with a signature in the opcode table. */
void check_plain(struct validator *v);
/* local.get, local.set, local.tee. */
void check_local(struct validator *v);
/* The rest, but for blocks and branches. */
void check_instr(struct validator *v);
/* Structs, arrays, i31 and casts: opcodes 0xFB00 … 0xFBFF. */
void check_gc(struct validator *v);
/* Refuses what may not stand in a constant expression. */
void check_constant_instr(struct validator *v);
